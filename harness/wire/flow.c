/* Bytes between one socket and what the driver remembers of it. Everything is told to the watcher
 * before anybody may act on it, so that the record is complete whatever follows.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/inside.h"

static void tell_bytes(struct conn *c, enum conn_dir dir, enum conn_layer layer, uint64_t offset,
                       const unsigned char *p, size_t n)
{
    const struct conn_watch *w = &c->loop->watch;
    if (w->bytes != NULL)
        w->bytes(w->arg, c, dir, layer, loop_now(c->loop), offset, p, n);
}

void flow_end(struct conn *c, enum conn_end how)
{
    if (c->end != CONN_OPEN)
        return;
    c->end = c->closing && how != CONN_OVERFLOW ? CONN_LOCAL : how;
    const struct conn_watch *w = &c->loop->watch;
    if (w->ended != NULL)
        w->ended(w->arg, c, loop_now(c->loop), c->end);
}

void flow_closed(struct conn *c, bool reset)
{
    bool *told = reset ? &c->reset_told : &c->fin_told;
    const struct conn_watch *w = &c->loop->watch;
    if (*told || c->reset_told)
        return;
    *told = true;
    if (w->closed != NULL)
        w->closed(w->arg, c, loop_now(c->loop), reset);
}

void flow_close_fd(struct conn *c, bool reset)
{
    if (c->fd < 0)
        return;
    if (reset) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    (void)close(c->fd);
    c->fd = -1;
    c->hung_up = true;
    buf_clear(&c->out);
    c->out_sent = 0;
}

static void overflow(struct conn *c)
{
    flow_end(c, CONN_OVERFLOW);
    flow_close_fd(c, true);
}

static void add_text(struct conn *c, const unsigned char *p, size_t n)
{
    if (c->end == CONN_OPEN && !input_add(&c->input, loop_now(c->loop), p, n))
        flow_end(c, CONN_OVERFLOW); /* hung up in flow_receive, not in the middle of OpenSSL */
}

static void on_text(void *arg, const unsigned char *p, size_t n)
{
    struct conn *c = arg;
    tell_bytes(c, CONN_RECEIVED, CONN_TEXT, c->text_in, p, n);
    c->text_in += n;
    add_text(c, p, n);
}

void flow_tls(struct conn *c, const struct conn_tls *facts)
{
    const struct conn_watch *w = &c->loop->watch;
    if (w->tls != NULL)
        w->tls(w->arg, c, loop_now(c->loop), facts);
}

static void on_done(void *arg, const struct conn_tls *facts)
{
    flow_tls(arg, facts);
}

static void on_keylog(void *arg, const char *line)
{
    struct conn *c = arg;
    const struct conn_watch *w = &c->loop->watch;
    if (w->keylog != NULL)
        w->keylog(w->arg, c, loop_now(c->loop), line);
}

struct tls_watch flow_tls_watch(struct conn *c)
{
    return (struct tls_watch){.arg = c, .done = on_done, .text = on_text, .keylog = on_keylog};
}

void flow_text_sent(struct conn *c, const unsigned char *p, size_t n)
{
    tell_bytes(c, CONN_SENT, CONN_TEXT, c->text_out, p, n);
    c->text_out += n;
}

static void feed_tls(struct conn *c, const unsigned char *p, size_t n)
{
    if (c->end != CONN_OPEN)
        return; /* after close_notify or an alert the records mean nothing; the wire has them */
    size_t room = sizeof c->answer - c->answer_len;
    memcpy(c->answer + c->answer_len, p, n < room ? n : room);
    c->answer_len += n < room ? n : room;
    enum tls_step step = tls_feed(c->tls, p, n, &c->tls_err);
    /* A handshake, a key update or an alert may have left something to say. */
    if (!tls_output(c->tls, &c->out)) {
        overflow(c);
        return;
    }
    flow_send(c);
    switch (step) {
    case TLS_MORE:
        break;
    case TLS_CLOSED:
        flow_end(c, CONN_CLOSE_NOTIFY);
        break;
    case TLS_BROKEN:
        flow_end(c, CONN_TLS_ALERT);
        break;
    }
}

void flow_early(struct conn *c, const unsigned char *p, size_t n)
{
    feed_tls(c, p, n);
}

static void arrived(struct conn *c, const unsigned char *p, size_t n)
{
    tell_bytes(c, CONN_RECEIVED, CONN_WIRE, c->wire_in, p, n);
    c->wire_in += n;
    if (c->wire_in > c->wire_limit) {
        overflow(c);
        return;
    }
    if (c->tls != NULL)
        feed_tls(c, p, n);
    else
        add_text(c, p, n);
    if (c->end == CONN_OVERFLOW)
        overflow(c);
}

void flow_receive(struct conn *c)
{
    unsigned char piece[65536];
    if (c->fd < 0 || c->hung_up)
        return;
    ssize_t n = recv(c->fd, piece, sizeof piece, MSG_DONTWAIT);
    if (n > 0) {
        arrived(c, piece, (size_t)n);
        return;
    }
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    c->hung_up = true;
    /* A failed send has taken the socket's error with it: what reads like a FIN now was a reset
     * then. EPIPE is different, it follows a FIN that came first. */
    bool reset = n < 0 ? errno != EPIPE : c->send_dead && c->send_errno != EPIPE;
    flow_end(c, reset ? CONN_RESET : CONN_FIN);
}

bool flow_waiting(const struct conn *c)
{
    return c->fd >= 0 && !c->send_dead && c->out_sent < c->out.len;
}

void flow_send(struct conn *c)
{
    while (flow_waiting(c)) {
        if (c->segment_pause_ms > 0 && loop_now(c->loop) < c->next_send)
            return;
        size_t n = c->out.len - c->out_sent;
        if (c->segment_bytes > 0 && n > c->segment_bytes)
            n = c->segment_bytes;
        const unsigned char *p = c->out.data + c->out_sent;
        ssize_t went = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (went < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                /* What the server said before it went is still in the socket: flow_receive ends it.
                 */
                c->send_dead = true;
                c->send_errno = errno;
            }
            return;
        }
        tell_bytes(c, CONN_SENT, CONN_WIRE, c->wire_out, p, (size_t)went);
        c->wire_out += (uint64_t)went;
        c->out_sent += (size_t)went;
        c->next_send = loop_now(c->loop) + c->segment_pause_ms / 1000.0;
    }
    if (c->out_sent > 0 && c->out_sent == c->out.len) {
        c->out.len = 0; /* the room is kept for the next write */
        c->out_sent = 0;
    }
}
