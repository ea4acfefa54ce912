/* What a script can ask of one connection: open, write, fill, handshake, and four ways to end it.
 * The manual is conn.h. SPDX-License-Identifier: MIT */
#include "wire/conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/inside.h"

/* One TLS record's worth at a time, so that what waits to be sent stays small. */
enum { CHUNK_TLS = 16384, CHUNK_PLAIN = 65536, OUTPUT_LIMIT = 1 << 20, GOODBYE_MS = 1000 };

static double deadline(const struct loop *l, int timeout_ms)
{
    return loop_now(l) + (timeout_ms > 0 ? timeout_ms / 1000.0 : 0);
}

/* Connects to one address. The loop listens to the other connections meanwhile. */
static int connect_one(struct loop *l, const struct addrinfo *a, const char *source, double until,
                       struct conn *c, struct err *err)
{
    int fd = -1;
    if (net_begin(a, source, &fd, err) != 0)
        return -1;
    while (!loop_turn(l, until, fd, POLLOUT)) {
        if (loop_now(l) >= until) {
            (void)close(fd);
            return err_set(err, "no answer in time");
        }
    }
    if (net_finish(fd, &c->local, &c->peer, err) != 0) {
        (void)close(fd);
        return -1;
    }
    c->fd = fd;
    return 0;
}

static struct conn *make(struct loop *l, const char *name)
{
    struct conn *c = err_need(calloc(1, sizeof *c));
    c->loop = l;
    c->fd = -1;
    c->name = err_need(strdup(name != NULL ? name : ""));
    input_init(&c->input, 0);
    conn_limit(c, CONN_INPUT_LIMIT);
    buf_init(&c->out, OUTPUT_LIMIT);
    c->no_tls = (struct conn_tls){.version = "",
                                  .cipher = "",
                                  .group = "",
                                  .alpn = "",
                                  .sni = "",
                                  .chain_why = "",
                                  .subject = "",
                                  .issuer = "",
                                  .not_after = "",
                                  .fingerprint = "",
                                  .alert = ""};
    return c;
}

static void destroy(struct conn *c)
{
    flow_close_fd(c, false);
    tls_free(c->tls);
    input_clear(&c->input);
    buf_clear(&c->out);
    free(c->name);
    free(c);
}

/* The connection stands: it gets its number, and the recorder is told. */
static void join(struct loop *l, struct conn *c)
{
    c->number = ++l->opened;
    struct conn **end = &l->first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = c;
    if (l->watch.opened != NULL)
        l->watch.opened(l->watch.arg, c, loop_now(l));
}

int conn_open(struct loop *l, const char *name, const struct conn_address *to, int timeout_ms,
              struct conn **out, struct err *err)
{
    double until = deadline(l, timeout_ms);
    struct addrinfo *list = NULL;
    struct err why = {"no address"};
    if (net_resolve(to, timeout_ms, &list, err) != 0)
        return -1;
    struct conn *c = make(l, name);
    int left = 0, rc = -1;
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
        left++;
    for (const struct addrinfo *a = list; a != NULL && rc != 0; a = a->ai_next, left--) {
        /* Each address gets its share of the time, so that one that swallows packets does not hide
         * the next one, which answers. */
        double now = loop_now(l);
        rc = connect_one(l, a, to->source, now + (until - now) / left, c, &why);
    }
    freeaddrinfo(list);
    if (rc != 0) {
        destroy(c);
        return err_set(err, "cannot connect to %s port %u: %s", to->host, (unsigned)to->port,
                       why.text);
    }
    join(l, c);
    *out = c;
    return 0;
}

int conn_accept(struct loop *l, const char *name, int listener, int timeout_ms, struct conn **out,
                struct err *err)
{
    double until = deadline(l, timeout_ms);
    while (!loop_turn(l, until, listener, POLLIN))
        if (loop_now(l) >= until)
            return 0;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return err_set(err, "cannot accept a connection: %s", strerror(errno));
    struct conn *c = make(l, name);
    if (net_finish(fd, &c->local, &c->peer, err) != 0) {
        (void)close(fd);
        destroy(c);
        return -1;
    }
    c->fd = fd;
    join(l, c);
    *out = c;
    return 1;
}

void conn_free(struct conn *c)
{
    if (c == NULL)
        return;
    conn_close(c);
    for (struct conn **p = &c->loop->first; *p != NULL; p = &(*p)->next) {
        if (*p == c) {
            *p = c->next;
            break;
        }
    }
    destroy(c);
}

const char *conn_name(const struct conn *c)
{
    return c->name;
}

int conn_number(const struct conn *c)
{
    return c->number;
}

int conn_fd(const struct conn *c)
{
    return c->fd;
}

void conn_peer(const struct conn *c, char *host, size_t size, uint16_t *port)
{
    (void)snprintf(host, size, "%s", c->peer.host);
    *port = c->peer.port;
}

void conn_local(const struct conn *c, char *host, size_t size, uint16_t *port)
{
    (void)snprintf(host, size, "%s", c->local.host);
    *port = c->local.port;
}

void conn_segment(struct conn *c, size_t segment_bytes, int pause_ms)
{
    c->segment_bytes = segment_bytes;
    c->segment_pause_ms = segment_bytes > 0 && pause_ms > 0 ? pause_ms : 0;
}

void conn_limit(struct conn *c, size_t bytes)
{
    size_t used = c->input.history.len;
    c->input.history.limit = bytes > used ? bytes : used;
    /* Ciphertext is a little longer than its text; records without any text must not go on for
     * ever. */
    c->wire_limit = (uint64_t)bytes + bytes / 4 + (1U << 20);
}

/* Waits until everything that waits has left. */
static int flush(struct conn *c, double until, struct err *err)
{
    flow_send(c);
    while (flow_waiting(c)) {
        if (c->end != CONN_OPEN)
            return err_set(err, "the connection ended: %s", conn_end_words(c->end));
        if (loop_now(c->loop) >= until)
            return err_set(err, "time ran out: the server does not read");
        (void)loop_turn(c->loop, until, -1, 0);
    }
    if (c->send_dead) {
        /* Read what is left, up to the end that explains why sending failed. */
        while (!c->hung_up && loop_now(c->loop) < until)
            (void)loop_turn(c->loop, until, -1, 0);
        flow_end(c, CONN_RESET);
        return err_set(err, "the connection ended: %s", conn_end_words(c->end));
    }
    return 0;
}

/* Hands one chunk to the output: encrypted when TLS runs. */
static int put(struct conn *c, const unsigned char *p, size_t n, struct err *err)
{
    if (c->tls == NULL) {
        if (!buf_add(&c->out, p, n))
            return err_set(err, "too much waits to be sent");
        return 0;
    }
    if (tls_write(c->tls, p, n, err) != 0)
        return -1;
    flow_text_sent(c, p, n);
    if (!tls_output(c->tls, &c->out))
        return err_set(err, "too much waits to be sent");
    return 0;
}

int conn_write(struct conn *c, const void *bytes, size_t n, int timeout_ms, struct err *err)
{
    const unsigned char *p = bytes;
    double until = deadline(c->loop, timeout_ms);
    size_t went = 0, chunk = c->tls != NULL ? CHUNK_TLS : CHUNK_PLAIN;
    struct err why;
    if (c->end != CONN_OPEN)
        return err_set(err, "the connection ended: %s", conn_end_words(c->end));
    if (c->half_closed)
        return err_set(err, "this side of the connection was shut down");
    if (c->tls != NULL && !tls_done(c->tls))
        return err_set(err, "the TLS handshake did not finish");
    while (went < n) {
        size_t k = n - went < chunk ? n - went : chunk;
        if (put(c, p + went, k, &why) != 0)
            return err_set(err, "%s (%zu of %zu bytes went out)", why.text, went, n);
        if (flush(c, until, &why) != 0) {
            if (c->tls == NULL)
                went += c->out_sent;
            return err_set(err, "%s (%zu of %zu bytes went out)", why.text, went, n);
        }
        went += k;
    }
    return 0;
}

size_t conn_input(const struct conn *c, const unsigned char **p, double *at)
{
    if (at != NULL)
        *at = input_when(&c->input, UINT64_MAX);
    return input_rest(&c->input, p);
}

void conn_took(struct conn *c, size_t n)
{
    size_t rest = c->input.history.len - c->input.taken;
    c->input.taken += n < rest ? n : rest;
}

size_t conn_history(const struct conn *c, const unsigned char **p)
{
    *p = c->input.history.len > 0 ? c->input.history.data : (const unsigned char *)"";
    return c->input.history.len;
}

double conn_when(const struct conn *c, uint64_t offset)
{
    return input_when(&c->input, offset);
}

static bool has_more(const struct conn *c, size_t have)
{
    return c->input.history.len - c->input.taken > have;
}

int conn_fill(struct conn *c, size_t have, int timeout_ms, struct err *err)
{
    double until = deadline(c->loop, timeout_ms);
    while (!has_more(c, have) && c->end == CONN_OPEN) {
        uint64_t before = c->wire_in;
        (void)loop_turn(c->loop, until, -1, 0);
        /* Bytes that are no text yet (half a TLS record) are progress: look again, even past the
         * time. */
        if (c->wire_in == before && c->end == CONN_OPEN && loop_now(c->loop) >= until)
            break;
    }
    if (has_more(c, have))
        return 1;
    if (c->end == CONN_OPEN)
        return 0;
    if (c->end == CONN_TLS_ALERT)
        return err_set(err, "the connection ended: %s (%s)", conn_end_words(c->end),
                       c->tls_err.text);
    return err_set(err, "the connection ended: %s", conn_end_words(c->end));
}

enum conn_end conn_ended(const struct conn *c)
{
    return c->end;
}

bool conn_hung_up(const struct conn *c)
{
    return c->hung_up;
}

const char *conn_end_words(enum conn_end e)
{
    switch (e) {
    case CONN_OPEN:
        return "open";
    case CONN_CLOSE_NOTIFY:
        return "closed (close_notify)";
    case CONN_FIN:
        return "closed (FIN)";
    case CONN_RESET:
        return "reset";
    case CONN_TLS_ALERT:
        return "TLS failed";
    case CONN_OVERFLOW:
        return "the server sent more than the limit";
    case CONN_LOCAL:
        return "closed by the scenario";
    }
    return "?";
}

/* Reads what the kernel holds now, until it holds nothing more. */
static void drain(struct conn *c)
{
    uint64_t before;
    do {
        before = c->wire_in;
        flow_receive(c);
    } while (c->wire_in != before);
}

/* Adds what the server said if it spoke in clear instead of shaking hands: the usual reason for a
 * handshake that fails at once. TLS records begin with a byte from 20 to 24 (RFC 8446, 5.1). */
static int handshake_broken(const struct conn *c, struct err *err)
{
    char text[sizeof c->answer + 1];
    size_t n = 0;
    if (c->answer_len == 0 || (c->answer[0] >= 20 && c->answer[0] <= 24))
        return err_set(err, "%s", c->tls_err.text);
    while (n < c->answer_len && c->answer[n] != '\r' && c->answer[n] != '\n') {
        text[n] = c->answer[n] >= ' ' && c->answer[n] < 127 ? (char)c->answer[n] : '?';
        n++;
    }
    text[n] = '\0';
    return err_set(err, "%s: the server answered in clear, \"%s\"", c->tls_err.text, text);
}

static int handshake_failed(struct conn *c, int timeout_ms, struct err *err)
{
    switch (c->end) {
    case CONN_OPEN:
        return err_set(err, "the TLS handshake did not finish in %d ms", timeout_ms);
    case CONN_TLS_ALERT:
        return handshake_broken(c, err);
    case CONN_CLOSE_NOTIFY:
    case CONN_FIN:
    case CONN_RESET:
    case CONN_OVERFLOW:
    case CONN_LOCAL:
        break;
    }
    return err_set(err, "the connection ended during the TLS handshake: %s",
                   conn_end_words(c->end));
}

int conn_starttls(struct conn *c, const struct conn_tls_options *o, int timeout_ms, struct err *err)
{
    double until = deadline(c->loop, timeout_ms);
    if (c->tls != NULL)
        return err_set(err, "TLS was already begun on this connection");
    /* What is here before our ClientHello was said in clear, whatever it looks like. */
    drain(c);
    if (c->end != CONN_OPEN)
        return err_set(err, "the connection ended: %s", conn_end_words(c->end));
    if (c->half_closed)
        return err_set(err, "this side of the connection was shut down");
    struct tls_watch watch = flow_tls_watch(c);
    struct tls *t = NULL;
    if (tls_new(o, &watch, &t, err) != 0)
        return -1;
    c->plaintext_left = c->input.history.len - c->input.taken;
    c->text_begin = c->input.history.len;
    c->tls = t;
    (void)tls_output(t, &c->out);
    flow_send(c);
    if (o->accept && c->plaintext_left > 0) {
        /* Text that comes through TLS moves the history: what goes in is a copy. */
        const unsigned char *early;
        size_t n = conn_input(c, &early, NULL);
        unsigned char *own = err_need(malloc(n));
        memcpy(own, early, n);
        conn_took(c, n);
        c->plaintext_left = 0;
        flow_early(c, own, n);
        free(own);
    }
    while (!tls_done(t) && c->end == CONN_OPEN && loop_now(c->loop) < until)
        (void)loop_turn(c->loop, until, -1, 0);
    if (tls_done(t))
        return flush(c, until, err); /* our Finished */
    flow_tls(c, tls_facts(t));
    return handshake_failed(c, timeout_ms, err);
}

const struct conn_tls *conn_tls_facts(const struct conn *c)
{
    return c->tls != NULL ? tls_facts(c->tls) : &c->no_tls;
}

bool conn_in_tls(const struct conn *c)
{
    return c->tls != NULL && tls_done(c->tls);
}

struct ssl_st *conn_openssl(const struct conn *c)
{
    return c->tls != NULL ? tls_openssl(c->tls) : NULL;
}

void conn_flush_openssl(struct conn *c)
{
    if (c->tls != NULL && c->end == CONN_OPEN && tls_output(c->tls, &c->out))
        flow_send(c);
}

uint64_t conn_text_begin(const struct conn *c)
{
    return c->tls != NULL ? c->text_begin : c->input.history.len;
}

size_t conn_plaintext_left(const struct conn *c)
{
    return c->plaintext_left;
}

static void goodbye(struct conn *c)
{
    if (c->fd < 0 || c->half_closed || c->send_dead)
        return;
    if (c->tls != NULL && c->end != CONN_TLS_ALERT) {
        tls_goodbye(c->tls);
        (void)tls_output(c->tls, &c->out);
    }
    (void)flush(c, deadline(c->loop, GOODBYE_MS), NULL);
}

void conn_shutdown(struct conn *c)
{
    goodbye(c);
    if (c->fd >= 0 && !c->half_closed) {
        (void)shutdown(c->fd, SHUT_WR);
        flow_closed(c, false);
    }
    c->half_closed = true;
}

/* From here on the end is the script's; an end that came before, unnoticed, is noted first. */
static void begin_close(struct conn *c)
{
    if (c->fd >= 0)
        drain(c);
    c->closing = true;
}

/* FIN, and what came until now is read: a close with unread bytes would be an RST. */
static void close_quietly(struct conn *c)
{
    if (c->fd >= 0) {
        (void)shutdown(c->fd, SHUT_WR);
        flow_closed(c, false);
        c->half_closed = true;
        drain(c);
    }
    flow_end(c, CONN_LOCAL);
    flow_close_fd(c, false);
}

void conn_close(struct conn *c)
{
    begin_close(c);
    goodbye(c);
    close_quietly(c);
}

void conn_close_rude(struct conn *c)
{
    begin_close(c);
    close_quietly(c);
}

void conn_reset(struct conn *c)
{
    begin_close(c);
    if (c->fd >= 0)
        flow_closed(c, true);
    flow_end(c, CONN_LOCAL);
    flow_close_fd(c, true);
}

void conn_warm_tls(const char *ca_file, bool system_trust)
{
    tls_warm(ca_file, system_trust);
}
