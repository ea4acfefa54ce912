/* What the files of this room know about a connection and its loop. Nobody outside wire/ includes
 * this.
 *
 *   conn.c  what a caller asks for: open, write, fill, close
 *   flow.c  bytes between the socket and the input: receive, send a piece, note the end
 *   loop.c  the clock, and the one place that waits
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_WIRE_INSIDE_H
#define HARNESS_WIRE_INSIDE_H

#include <poll.h>

#include "wire/buf.h"
#include "wire/conn.h"
#include "wire/input.h"
#include "wire/net.h"
#include "wire/tls.h"

struct loop {
    struct conn_watch watch;
    double epoch; /* CLOCK_MONOTONIC when the loop was made */
    struct conn *first;
    int opened; /* connections so far: the newest number */
    struct pollfd *polls;
    struct conn **polled; /* the connection of each entry of polls */
    size_t room;
};

struct conn {
    struct loop *loop;
    struct conn *next;
    char *name;
    int number;
    int fd; /* -1 once we closed it */
    struct net_name local, peer;

    struct input input;
    uint64_t wire_in, wire_out, text_in, text_out; /* bytes so far, for the watcher's offsets */
    uint64_t wire_limit;

    struct buf out;  /* waits to be sent */
    size_t out_sent; /* of it, what has gone */
    size_t segment_bytes;
    int segment_pause_ms;
    double next_send; /* no piece leaves before this time */

    struct tls *tls;        /* NULL before conn_starttls */
    struct conn_tls no_tls; /* the facts while there are none */
    struct err tls_err;     /* words for the end of a handshake */
    size_t plaintext_left;  /* untaken when the handshake began */
    uint64_t text_begin;    /* history before the handshake */
    unsigned char
        answer[64]; /* what came first after our ClientHello, to tell clear text from TLS */
    size_t answer_len;

    enum conn_end end;
    bool hung_up;   /* nothing more will come from the socket */
    bool send_dead; /* the kernel refused to send: the peer is gone */
    int send_errno;
    bool half_closed;
    bool fin_told, reset_told; /* the watcher knows that we sent it */
    bool closing; /* the script closes it: whatever is read meanwhile, the end is ours */
};

/* flow.c */
/* Reads once from a socket that poll called readable. */
void flow_receive(struct conn *c);
/* Sends as many waiting pieces as may leave now. */
void flow_send(struct conn *c);
/* Gives TLS what a client sent before TLS was there to read it: its ClientHello may be quick. */
void flow_early(struct conn *c, const unsigned char *p, size_t n);
bool flow_waiting(const struct conn *c);
/* Notes the end, the first time. */
void flow_end(struct conn *c, enum conn_end how);
/* The watcher is told, once, that FIN or RST leaves. */
void flow_closed(struct conn *c, bool reset);
/* Closes the descriptor with FIN, or with RST. */
void flow_close_fd(struct conn *c, bool reset);
/* The watcher is told of text that went out through TLS. */
void flow_text_sent(struct conn *c, const unsigned char *p, size_t n);
/* The watcher is told how a handshake went. */
void flow_tls(struct conn *c, const struct conn_tls *facts);
/* The functions that TLS calls back, with this connection as their argument. */
struct tls_watch flow_tls_watch(struct conn *c);

/* loop.c */
/* Waits until something happens on any connection or the time has come, and handles it. fd is one
 * more descriptor to wait for (-1: none); true when it is ready. */
bool loop_turn(struct loop *l, double until, int fd, short events);

#endif
