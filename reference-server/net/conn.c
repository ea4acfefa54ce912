/* One client: reads and writes its socket, plain or through TLS, and drives its protocol.
 *
 * Everything happens in pump(): read what came, let the protocol take it, send what it wrote, and
 * then decide what comes next (more output, TLS, the end). Protocol callbacks only note their
 * wishes in the client; pump() fulfils them, so that no callback ever finds its connection freed
 * under its feet. SPDX-License-Identifier: MIT */
#include "net/conn.h"

#include <errno.h>
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
#include "net/entrance.h"
#include "net/guard.h"
#include "net/loop.h"
#include "net/port_faults.h"
#include "server.h"
#include "tls/tls.h"
#include "tls/tls_faults.h"
#include "tls/tls_forge.h"

enum { READ_AT_ONCE = 64 * 1024, ROUNDS = 16, LINGER_MS = 2000, KEEP_ROOM = 1024 };
enum { HALF_CLOSED_MS = 60 }; /* a fault waits so long for the end of the client's half */

enum state {
    HANDSHAKE,
    OPEN,
    LINGER, /* all is said; waits for the client's end so that no RST overtakes our last words */
    DEAD,
};

struct client {
    struct conn conn; /* first: a struct conn * is a struct client * */
    struct client *next, *prev;
    struct loop_source source;
    uint32_t events; /* that the loop watches for */
    enum state state;
    SSL *ssl;
    bool ssl_wants_write; /* reading cannot go on before the socket takes bytes */
    struct buf out;
    struct timer deadline, patience; /* the protocol's; the connection's own */
    struct timer hold, pace, drip;
    uint64_t pace_bytes; /* had moved when the window of pace began */
    bool holding;
    bool dripping; /* a rule lets no more out before the timer fires */
    unsigned parks;
    bool opened;   /* the protocol knows of it and must hear of its end */
    bool pumping;  /* further calls only note their wishes */
    bool was_full; /* the protocol was told to hold back and waits for `drained` */
    bool starttls; /* wanted once the output is flushed */
    bool abort;    /* wanted: RST */
    bool told_eof;
    bool begun;      /* the protocol has taken input, since the greeting or since TLS began */
    bool broken;     /* the socket is of no use any more */
    bool late;       /* the deadline passed while parked */
    bool ssl_failed; /* an alert is out; nothing more can be said inside TLS */
};

static void pump(struct client *k, bool readable);

static struct client *client(struct conn *c)
{
    return (struct client *)(void *)c;
}

static const struct client *client_const(const struct conn *c)
{
    return (const struct client *)(const void *)c;
}

void conn_scope(const struct conn *c)
{
    fault_scope(c->number, c->command);
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
        pump(client(c), false);
}

static void deadline_passed(void *arg)
{
    struct client *k = arg;
    if (k->conn.parked) {
        k->late = true; /* the work under way ends first; its reply may even set a new deadline */
        return;
    }
    if (k->state == OPEN && !k->conn.closing) {
        conn_scope(&k->conn);
        k->conn.protocol->timeout(&k->conn);
    }
    pump(k, false);
}

void conn_deadline(struct conn *c, int64_t in_ms)
{
    struct client *k = client(c);
    k->late = false;
    if (in_ms <= 0 || k->state == DEAD || k->state == LINGER)
        clock_cancel(c->server->clock, &k->deadline);
    else
        clock_set(c->server->clock, &k->deadline, in_ms);
}

/* The client had its time for a handshake, for taking our last output or for ending its side. */
static void patience_ended(void *arg)
{
    struct client *k = arg;
    k->broken = true;
    pump(k, false);
}

static void be_patient(struct client *k, int64_t ms)
{
    if (k->patience.slot == 0)
        clock_set(k->conn.server->clock, &k->patience, ms);
}

void conn_park(struct conn *c)
{
    client(c)->parks++;
    c->parked = true;
}

static void hold_over(void *arg)
{
    struct client *k = arg;
    k->holding = false;
    conn_resume(&k->conn);
}

void conn_hold(struct conn *c, int64_t ms)
{
    struct client *k = client(c);
    if (k->state == DEAD || k->state == LINGER)
        return;
    if (k->holding && k->hold.at_ms > clock_now_ms(c->server->clock) + ms)
        return;
    if (!k->holding)
        conn_park(c);
    k->holding = true;
    clock_set(c->server->clock, &k->hold, ms);
}

/* Too little has moved while something was under way. */
static void pace_measured(void *arg)
{
    struct client *k = arg;
    const struct limits *l = &k->conn.server->limits;
    uint64_t moved = k->conn.bytes_in + k->conn.bytes_out - k->pace_bytes;
    if (moved < (uint64_t)l->slow_seconds * (uint64_t)l->slow_bytes_per_second) {
        k->conn.cut_off = "slow";
        k->abort = true;
    }
    pump(k, false); /* and the next window begins, if there is to be one */
}

static void keep_pace(struct client *k)
{
    struct clock *clock = k->conn.server->clock;
    bool under_way = k->state == OPEN && !k->conn.parked && !script_paced(&k->conn) &&
                     (k->conn.receiving || k->conn.in.len > 0 || k->out.len > 0);
    if (!under_way) {
        clock_cancel(clock, &k->pace);
    } else if (k->pace.slot == 0) {
        k->pace_bytes = k->conn.bytes_in + k->conn.bytes_out;
        clock_set(clock, &k->pace, (int64_t)k->conn.server->limits.slow_seconds * 1000);
    }
}

static void dripped(void *arg)
{
    struct client *k = arg;
    k->dripping = false;
    pump(k, false);
}

/* How much of the output may go now; 0: the timer is set. */
static size_t paced(struct client *k, size_t n)
{
    int64_t wait_ms = 0;
    n = script_pace(&k->conn, n, &wait_ms);
    if (n == 0) {
        k->dripping = true;
        clock_set(k->conn.server->clock, &k->drip, wait_ms);
    }
    return n;
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
        deadline_passed(k);
        return;
    }
    pump(k, false);
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
    clock_cancel(s->clock, &k->pace);
    clock_cancel(s->clock, &k->hold);
    clock_cancel(s->clock, &k->drip);
    script_end(&k->conn);
    if (k->holding && --k->parks == 0)
        k->conn.parked = false;
    k->holding = false;
    guard_leave(s, k->conn.peer);
    log_end(&k->conn);
    clock_cancel(s->clock, &k->deadline);
    clock_cancel(s->clock, &k->patience);
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
    if (k->ssl != NULL && !k->ssl_failed && !fault(FAULT_TLS_NO_CLOSE_NOTIFY)) {
        SSL_shutdown(k->ssl);
        ERR_clear_error();
    }
    shutdown(k->source.fd, SHUT_WR);
    tell_protocol(k);
    k->state = LINGER;
    clock_cancel(k->conn.server->clock, &k->patience);
    be_patient(k, LINGER_MS);
    buf_free(&k->conn.in);
    buf_free(&k->out);
}

/* TLS went wrong and OpenSSL has sent its alert: end in an orderly way, so that the alert arrives.
 */
static void tls_went_wrong(struct client *k)
{
    k->ssl_failed = true;
    k->conn.closing = true;
    buf_empty(&k->out);
}

/* --- input --- */

static unsigned char scratch[READ_AT_ONCE]; /* the loop thread's alone */

static size_t in_room(const struct client *k)
{
    size_t room = k->conn.in.limit - k->conn.in.len;
    return room < sizeof scratch ? room : sizeof scratch;
}

static bool took(struct client *k, size_t n)
{
    k->conn.bytes_in += n;
    return buf_add(&k->conn.in, scratch, n);
}

/* One read. True when bytes came; the end of input and errors are noted. */
static bool read_some(struct client *k)
{
    size_t room = in_room(k);
    if (room == 0 || k->conn.eof || k->broken)
        return false;
    if (k->ssl == NULL) {
        ssize_t n = recv(k->source.fd, scratch, room, 0);
        if (n > 0)
            return took(k, (size_t)n);
        if (n == 0)
            k->conn.eof = true;
        else if (errno != EAGAIN && errno != EINTR)
            k->broken = true;
        return false;
    }
    int n = SSL_read(k->ssl, scratch, (int)room);
    if (n > 0)
        return took(k, (size_t)n);
    switch (SSL_get_error(k->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_WANT_WRITE:
        k->ssl_wants_write = true;
        break;
    case SSL_ERROR_ZERO_RETURN:
        k->broken = SSL_version(k->ssl) == TLS1_3_VERSION && fault(FAULT_TLS_CUTS_HALF_CLOSED);
        k->conn.eof = true;
        break;
    case SSL_ERROR_SSL:
        tls_went_wrong(k);
        break;
    default:
        k->broken = true;
    }
    ERR_clear_error();
    return false;
}

/* Reads what is there, within reason: one buffer of plaintext, or all that OpenSSL has already got.
 */
static bool receive(struct client *k)
{
    bool any = read_some(k);
    while (any && k->ssl != NULL && SSL_has_pending(k->ssl) && read_some(k))
        continue;
    return any;
}

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

/* --- sending --- */

static void went_out(struct client *k, size_t n)
{
    k->conn.bytes_out += n;
    script_sent(&k->conn, n);
    buf_consume(&k->out, n);
}

static void flush(struct client *k)
{
    while (k->out.len > 0 && !k->broken && !k->holding && !k->dripping) {
        size_t n = paced(k, k->out.len);
        if (n == 0)
            return;
        if (k->ssl == NULL) {
            ssize_t sent = send(k->source.fd, k->out.data, n, MSG_NOSIGNAL);
            if (sent < 0) {
                if (errno == EINTR)
                    continue;
                k->broken = errno != EAGAIN;
                return;
            }
            went_out(k, (size_t)sent);
            continue;
        }
        int sent = SSL_write(k->ssl, k->out.data, n > 1 << 20 ? 1 << 20 : (int)n);
        if (sent > 0) {
            went_out(k, (size_t)sent);
            continue;
        }
        int why = SSL_get_error(k->ssl, sent);
        k->broken = why != SSL_ERROR_WANT_WRITE && why != SSL_ERROR_WANT_READ;
        ERR_clear_error();
        return;
    }
}

/* --- TLS --- */

static void begin_handshake(struct client *k, bool keep_input)
{
    if (!keep_input)
        buf_empty(&k->conn.in);
    conn_scope(&k->conn);
    k->ssl = tls_session(k->conn.server->tls, &k->conn, k->source.fd);
    k->state = HANDSHAKE;
    if (k->ssl == NULL)
        k->broken = true;
    be_patient(k, k->conn.server->limits.handshake_seconds * 1000);
}

/* What was sent in clear behind STARTTLS came from anyone on the path; the faults obey it all the
 * same. */
static bool keeps_input(const struct client *k)
{
    switch (k->conn.service) {
    case SERVICE_IMAP:
    case SERVICE_IMAPS:
        return fault(FAULT_IMAP_STARTTLS_KEEPS_BUFFER);
    case SERVICE_POP3:
    case SERVICE_POP3S:
        return fault(FAULT_POP3_STLS_KEEPS_BUFFER);
    case SERVICE_SMTP:
    case SERVICE_SUBMISSION:
    case SERVICE_SUBMISSIONS:
    case SERVICE_LMTP:
    case SERVICE_COUNT:
        break;
    }
    return fault(FAULT_SMTP_STARTTLS_KEEPS_BUFFER);
}

/* Before the handshake: whether a fault has something else in mind. True: it is over. */
static bool forged(struct client *k)
{
    for (struct client *other = k->next; fault(FAULT_STARTTLS_BLOCKS) && other != NULL;
         other = other->next)
        if (other->state == HANDSHAKE && other->opened) {
            unsigned char first;
            ssize_t n = recv(k->source.fd, &first, 1, MSG_PEEK);
            k->broken = n == 0 || (n < 0 && errno != EAGAIN);
            return true;
        }
    if (!fault_any() || SSL_get_state(k->ssl) != TLS_ST_BEFORE ||
        BIO_number_read(SSL_get_rbio(k->ssl)) > 0)
        return false;
    switch (tls_forge(&k->conn, k->source.fd, k->opened)) {
    case FORGE_NOTHING:
        return false;
    case FORGE_WAIT:
        return true;
    case FORGE_CLEAR:
        SSL_free(k->ssl);
        k->ssl = NULL;
        clock_cancel(k->conn.server->clock, &k->patience);
        k->state = OPEN;
        return true;
    case FORGE_ENDED:
        break;
    }
    tls_went_wrong(k);
    return true;
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
    if (k->ssl == NULL || forged(k))
        return;
    k->ssl_wants_write = false;
    if (!tls_faults_early(k->ssl, &k->conn.in))
        return;
    int n = SSL_accept(k->ssl);
    if (n != 1) {
        int why = SSL_get_error(k->ssl, n);
        ERR_clear_error();
        if (why == SSL_ERROR_WANT_WRITE)
            k->ssl_wants_write = true;
        else if (why == SSL_ERROR_SSL)
            tls_went_wrong(k);
        else if (why != SSL_ERROR_WANT_READ)
            k->broken = true;
        return;
    }
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
        flush(k);
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
        bool more = readable && receive(k);
        do {
            work(k);
            flush_and_go_on(k);
            more = k->ssl != NULL && !k->broken && !k->conn.closing && SSL_has_pending(k->ssl) &&
                   !conn_full(&k->conn) && receive(k);
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
            begin_handshake(k, keeps_input(k));
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
        if (!k->conn.eof && !k->conn.closing && !k->starttls && in_room(k) > 0 &&
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
    keep_pace(k);
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

static void discard(struct client *k)
{
    ssize_t n = recv(k->source.fd, scratch, sizeof scratch, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        k->broken = true;
}

static void pump(struct client *k, bool readable)
{
    if (k->pumping || k->state == DEAD)
        return;
    k->pumping = true;
    if (k->state == LINGER) {
        if (readable)
            discard(k);
    } else {
        converse(k, readable);
        if (k->conn.closing && !k->broken && !k->abort) {
            if (k->out.len == 0 && !k->conn.parked)
                finish(k);
            else if (!script_paced(&k->conn))
                be_patient(k, k->conn.server->limits.flush_seconds * 1000);
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
    pump(k, readable);
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
    fault_scope(s->conn_total + 1, 0);
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
    k->deadline = (struct timer){.fire = deadline_passed, .arg = k};
    k->patience = (struct timer){.fire = patience_ended, .arg = k};
    k->hold = (struct timer){.fire = hold_over, .arg = k};
    k->drip = (struct timer){.fire = dripped, .arg = k};
    k->pace = (struct timer){.fire = pace_measured, .arg = k};
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
        begin_handshake(k, false);
        port_faults_waiting(c, fd);
    } else {
        k->state = OPEN;
        k->opened = true;
        k->pumping = true; /* an abort during the greeting waits for the first event */
        conn_scope(c);
        greet(k);
        k->pumping = false;
        flush(k);
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
        pump(k, false);
    }
}

void conn_abort_all(struct server *s)
{
    while (s->conns != NULL)
        conn_abort(s->conns);
}
