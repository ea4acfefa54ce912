/* One client: drives its protocol, with the bytes of channel.c and the timers of pace.c.
 *
 * Everything happens in client_pump(): read what came, let the protocol take it, send what it
 * wrote, and then decide what comes next (more output, TLS, the end). Protocol callbacks only note
 * their wishes in the client; client_pump() fulfils them, so that no callback ever finds its
 * connection freed under its feet. SPDX-License-Identifier: MIT */
#include "net/conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "control/script.h"
#include "fault.h"
#include "net/browser.h"
#include "net/channel.h"
#include "net/entrance.h"
#include "net/guard.h"
#include "net/loop.h"
#include "net/pace.h"
#include "net/port_faults.h"
#include "server.h"
#include "tls/tls.h"

enum { ROUNDS = 16, LINGER_MS = 2000, KEEP_ROOM = 1024 };
enum { HALF_CLOSED_MS = 60 }; /* a fault waits so long for the end of the client's half */

void conn_scope(const struct conn *c)
{
    fault_scope();
    script_scope(c);
}

void conn_command(struct conn *c)
{
    c->command++;
    script_next(c);
    conn_scope(c);
}

bool conn_allows(struct conn *c, const char *line, const char *before, size_t answers)
{
    return script_allows(c, line, before, answers);
}

/* --- output --- */

void conn_write(struct conn *c, const void *p, size_t n)
{
    struct client *k = client(c);
    bool drop, reset;
    if (k->state == DEAD || k->state == LINGER || k->abort)
        return;
    n = script_output(c, n, &drop, &reset);
    c->closing = c->closing || drop;
    k->abort = reset;
    if (!buf_add(&k->out, p, n)) {
        k->abort = true;
        return;
    }
    if (k->out.len >= CONN_HIGH_MARK)
        k->was_full = true;
}

void conn_text(struct conn *c, const char *s)
{
    conn_write(c, s, strlen(s));
}

void conn_printf(struct conn *c, const char *fmt, ...)
{
    char small[1024];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    if ((size_t)n < sizeof small) {
        conn_write(c, small, (size_t)n);
        return;
    }
    char *large = malloc((size_t)n + 1);
    if (large == NULL)
        abort();
    va_start(args, fmt);
    vsnprintf(large, (size_t)n + 1, fmt, args);
    va_end(args);
    conn_write(c, large, (size_t)n);
    free(large);
}

size_t conn_queued(const struct conn *c)
{
    return client_const(c)->out.len;
}

bool conn_full(const struct conn *c)
{
    return client_const(c)->out.len >= CONN_HIGH_MARK;
}

/* --- wishes --- */

int conn_starttls(struct conn *c)
{
    if (c->server->tls == NULL || client(c)->ssl != NULL)
        return -1;
    client(c)->starttls = true;
    return 0;
}

bool conn_starting_tls(const struct conn *c)
{
    return client_const(c)->starttls;
}

void conn_close(struct conn *c)
{
    c->closing = true;
}

void conn_abort(struct conn *c)
{
    client(c)->abort = true;
    if (!client(c)->pumping)
        client_pump(client(c), false);
}

void conn_park(struct conn *c)
{
    client(c)->parks++;
    c->parked = true;
}

bool conn_gone(const struct conn *c)
{
    return client_const(c)->state == DEAD || client_const(c)->state == LINGER;
}

static void release(struct client *k)
{
    free(k->conn.session);
    free(k);
}

void conn_resume(struct conn *c)
{
    struct client *k = client(c);
    if (k->parks > 0 && --k->parks > 0)
        return;
    c->parked = false;
    if (k->state == DEAD) {
        if (!k->pumping)
            release(k);
        return;
    }
    if (k->late) {
        k->late = false;
        pace_deadline_passed(k);
        return;
    }
    client_pump(k, false);
}

/* --- the end --- */

/* The protocol hears of the end once, as soon as nothing more can be said. */
static void tell_protocol(struct client *k)
{
    if (!k->opened)
        return;
    k->opened = false;
    clock_cancel(k->conn.server->clock, &k->deadline);
    if (k->conn.protocol->close != NULL) {
        conn_scope(&k->conn);
        k->conn.protocol->close(&k->conn);
    }
}

static void destroy(struct client *k)
{
    struct server *s = k->conn.server;
    tell_protocol(k);
    k->state = DEAD;
    pace_end(k);
    script_end(&k->conn);
    if (k->holding && --k->parks == 0)
        k->conn.parked = false;
    k->holding = false;
    guard_leave(s, k->conn.peer);
    log_end(&k->conn);
    loop_remove(s->loop, &k->source);
    SSL_free(k->ssl);
    ERR_clear_error();
    if (k->abort) {
        struct linger now = {1, 0};
        setsockopt(k->source.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    close(k->source.fd);
    buf_free(&k->conn.in);
    buf_free(&k->out);
    if (k->prev != NULL)
        k->prev->next = k->next;
    else
        s->conns = k->next != NULL ? &k->next->conn : NULL;
    if (k->next != NULL)
        k->next->prev = k->prev;
    s->conn_count--;
    bool last = s->conn_count == 0;
    if (!k->conn.parked)
        release(k); /* else conn_resume does it */
    if (last && s->emptied != NULL)
        s->emptied(s->emptied_arg);
}

/* Everything is sent: close_notify, FIN, and then wait for the client to go. */
static void finish(struct client *k)
{
    conn_scope(&k->conn);
    channel_shut(k);
    tell_protocol(k);
    k->state = LINGER;
    clock_cancel(k->conn.server->clock, &k->patience);
    pace_patience(k, LINGER_MS);
    buf_free(&k->conn.in);
    buf_free(&k->out);
}

/* --- the protocol --- */

static bool may_take(const struct client *k)
{
    return k->state == OPEN && !k->conn.parked && !k->conn.closing && !k->starttls && !k->abort &&
           !k->broken && !conn_full(&k->conn);
}

/* Lets the protocol take input until it takes no more. */
static void work(struct client *k)
{
    while (may_take(k) && (k->conn.in.len > 0 || (k->conn.eof && !k->told_eof))) {
        size_t before = k->conn.in.len;
        k->told_eof = k->conn.eof;
        conn_scope(&k->conn);
        if (!k->begun && browser_speaks(&k->conn.in)) {
            browser_goodbye(&k->conn);
            return;
        }
        if (!k->begun && !k->conn.eof && browser_may_speak(&k->conn.in))
            return;
        k->conn.protocol->input(&k->conn);
        k->begun = k->begun || k->conn.in.len < before;
        if (k->ssl != NULL && fault(FAULT_TLS_CUTS_HALF_CLOSED))
            conn_hold(&k->conn, HALF_CLOSED_MS);
        if (k->conn.in.len == before)
            break;
    }
    /* A protocol keeps its own limits far below ours; one that does not would wait here for ever.
     */
    if (may_take(k) && k->conn.in.len == k->conn.in.limit && !k->was_full)
        k->abort = true;
}

/* A rule may say something else instead. */
static void greet(struct client *k)
{
    bool usual = conn_allows(&k->conn, "greeting", NULL, 1);
    script_swallow(&k->conn, !usual);
    k->conn.protocol->open(&k->conn);
    script_swallow(&k->conn, false);
    port_faults_greeting(&k->conn, &k->out);
}

static void handshake(struct client *k)
{
    conn_scope(&k->conn);
    if (!channel_shake_hands(k))
        return;
    tls_facts(k->ssl, &k->conn);
    clock_cancel(k->conn.server->clock, &k->patience);
    k->state = OPEN;
    k->begun = false;
    conn_scope(&k->conn);
    if (!k->opened) {
        k->opened = true;
        greet(k);
    } else if (k->conn.protocol->secured != NULL) {
        k->conn.protocol->secured(&k->conn);
    }
}

/* --- the pump --- */

/* Sends, and lets a response in pieces go on while the socket takes it. */
static void flush_and_go_on(struct client *k)
{
    for (int round = 0; round < ROUNDS; round++) {
        channel_flush(k);
        if (!k->was_full || k->out.len >= CONN_LOW_MARK || k->broken || k->abort)
            return;
        if (k->conn.parked)
            return; /* it goes on when the work is done */
        k->was_full = false;
        if (k->state == OPEN && !k->conn.closing && k->conn.protocol->drained != NULL) {
            conn_scope(&k->conn);
            k->conn.protocol->drained(&k->conn);
        }
        work(k);
    }
}

static void converse(struct client *k, bool readable)
{
    if (k->state == OPEN) {
        bool more = readable && channel_receive(k);
        do {
            work(k);
            flush_and_go_on(k);
            more = k->ssl != NULL && !k->broken && !k->conn.closing && SSL_has_pending(k->ssl) &&
                   !conn_full(&k->conn) && channel_receive(k);
        } while (more);
        if (k->starttls && k->conn.in.len > 0 && fault(FAULT_STARTTLS_READS_HELLO)) {
            k->starttls = false;
            work(k);
            if (k->conn.in.len > 0 && k->conn.in.data[0] == SSL3_RT_HANDSHAKE) {
                buf_empty(&k->conn.in);
                conn_text(&k->conn, "500 * -ERR What is that?\r\n");
            }
            flush_and_go_on(k);
        }
        if (k->starttls && k->out.len == 0 && !k->conn.closing && !k->broken) {
            k->starttls = false;
            channel_begin_tls(k, channel_keeps_input(k));
        }
        /* A client that says no more, and to whom nothing more is to be said. */
        if (k->state == OPEN && k->conn.eof && k->told_eof && !k->conn.parked && k->out.len == 0 &&
            !k->was_full)
            k->conn.closing = true;
    }
    if (k->state == HANDSHAKE) {
        handshake(k);
        if (k->state == OPEN)
            converse(k, true); /* the first command may have come with the last flight */
    }
}

static void watch_for(struct client *k)
{
    uint32_t events = 0;
    switch (k->state) {
    case HANDSHAKE:
        events = k->ssl_wants_write ? EPOLLOUT : EPOLLIN;
        break;
    case OPEN:
        if (!k->conn.eof && !k->conn.closing && !k->starttls && channel_room(k) > 0 &&
            !conn_full(&k->conn))
            events |= EPOLLIN;
        if ((k->out.len > 0 && !k->holding && !k->dripping) || k->ssl_wants_write || k->broken ||
            k->abort || (!k->conn.parked && !k->dripping && (k->was_full || k->conn.closing)))
            events |= EPOLLOUT;
        break;
    case LINGER:
        events = EPOLLIN;
        break;
    case DEAD:
        return;
    }
    pace_watch(k);
    if (events != k->events) {
        k->events = events;
        loop_change(k->conn.server->loop, &k->source, events);
    }
    /* An idle connection keeps no buffers. */
    if (k->conn.in.len == 0 && k->conn.in.room > KEEP_ROOM)
        buf_free(&k->conn.in);
    if (k->out.len == 0 && k->out.room > KEEP_ROOM)
        buf_free(&k->out);
}

void client_pump(struct client *k, bool readable)
{
    if (k->pumping || k->state == DEAD)
        return;
    k->pumping = true;
    if (k->state == LINGER) {
        if (readable)
            channel_discard(k);
    } else {
        converse(k, readable);
        if (k->conn.closing && !k->broken && !k->abort) {
            if (k->out.len == 0 && !k->conn.parked)
                finish(k);
            else if (!script_paced(&k->conn))
                pace_patience(k, k->conn.server->limits.flush_seconds * 1000);
        }
    }
    k->pumping = false;
    if (k->broken || k->abort)
        destroy(k);
    else
        watch_for(k);
}

static void ready(void *arg, uint32_t events)
{
    struct client *k = arg;
    k->ssl_wants_write = false;
    bool readable = (events & EPOLLIN) != 0;
    /* Both directions are closed, or an error waits: reading tells which, unless we are not
     * reading. */
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        readable = true;
        if ((k->events & EPOLLIN) == 0)
            k->broken = true;
    }
    client_pump(k, readable);
}

/* --- the beginning --- */

struct conn *conn_start(struct server *s, enum service service, const struct protocol *protocol,
                        bool tls, int fd)
{
    struct ends e;
    entrance_ends(fd, &e);
    return conn_start_as(s, service, protocol, tls, fd, &e);
}

struct conn *conn_start_as(struct server *s, enum service service, const struct protocol *protocol,
                           bool tls, int fd, const struct ends *ends)
{
    fault_scope();
    port_faults_swap(&service, &protocol, &tls);
    if (!entrance_admits(s, protocol, tls, fd, ends->peer))
        return NULL;
    struct client *k = calloc(1, sizeof *k);
    if (k == NULL)
        abort();
    struct conn *c = &k->conn;
    c->server = s;
    c->protocol = protocol;
    c->service = service;
    c->session = calloc(1, protocol->session_size > 0 ? protocol->session_size : 1);
    if (c->session == NULL)
        abort();
    buf_init(&c->in, CONN_INPUT_BYTES);
    buf_init(&k->out, (size_t)s->limits.output_bytes);
    pace_begin(k);
    k->source = (struct loop_source){fd, ready, k};
    k->events = EPOLLIN;
    if (loop_add(s->loop, &k->source, k->events, NULL) != 0) {
        close(fd);
        release(k);
        return NULL;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    memcpy(c->peer, ends->peer, sizeof c->peer);
    memcpy(c->local, ends->local, sizeof c->local);
    c->peer_port = ends->peer_port;
    c->local_port = ends->local_port;
    c->number = ++s->conn_total;
    script_begin(c);
    c->began_ms = clock_now_ms(s->clock);
    log_connect(c);
    s->conn_count++;
    k->next = s->conns != NULL ? client(s->conns) : NULL;
    if (k->next != NULL)
        k->next->prev = k;
    s->conns = c;
    if (tls) {
        channel_begin_tls(k, false);
        port_faults_waiting(c, fd);
    } else {
        k->state = OPEN;
        k->opened = true;
        k->pumping = true; /* an abort during the greeting waits for the first event */
        conn_scope(c);
        greet(k);
        k->pumping = false;
        channel_flush(k);
    }
    watch_for(
        k); /* what the greeting wished for happens in the next round: the caller may look at c */
    return c;
}

void conn_shutdown_all(struct server *s)
{
    struct client *next;
    for (struct client *k = s->conns != NULL ? client(s->conns) : NULL; k != NULL; k = next) {
        next = k->next;
        if (k->state == HANDSHAKE) {
            k->broken = true;
        } else if (k->state == OPEN && !k->conn.closing) {
            conn_scope(&k->conn);
            k->conn.protocol->shutdown(&k->conn);
        }
        client_pump(k, false);
    }
}

void conn_abort_all(struct server *s)
{
    while (s->conns != NULL)
        conn_abort(s->conns);
}
