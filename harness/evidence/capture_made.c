/* Builds the frames of capture_made.h from a scenario's events: for each connection the TCP
 * handshake, the bytes in segments with their true numbers, and the end as it came. What is not
 * known is not made up: a connection whose end nobody saw has no FIN, and bytes that run.jsonl does
 * not hold leave a hole in the numbers. SPDX-License-Identifier: MIT */
#include "evidence/capture_made.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/field.h"
#include "evidence/pcapng.h"

#define SEGMENT_V4 1460u
#define SEGMENT_V6 1440u
#define ACK_EVERY 65536u /* the most bytes in flight before the other side acknowledges */
#define FRAME_LIMIT 1600u
#define COMMENTS_LIMIT 64u

#define TCP_FIN 0x01u
#define TCP_SYN 0x02u
#define TCP_RST 0x04u
#define TCP_PSH 0x08u
#define TCP_ACK 0x10u

enum side { CLIENT, SERVER };

/* One end of a connection. seq counts on from the side's initial number. */
struct endpoint {
    unsigned char address[16];
    uint16_t port;
    uint32_t initial, seq;
    uint32_t acked; /* what this side has acknowledged of the other's bytes */
    uint16_t ip_id;
    bool fin, rst;
};

struct stream {
    json_int_t number;
    bool ipv6;
    struct endpoint end[2];
    enum side we; /* SERVER on a connection that we accepted */
    double last_at;
};

struct frame {
    uint64_t time_us;
    size_t len;
    unsigned char *data;
    char **comments;
    size_t comment_count;
};

struct made {
    double started_at;
    struct stream *streams;
    size_t stream_count;
    struct frame *frames;
    size_t frame_count, frame_room;
    /* comments that wait for the next packet of their connection; 0 = of any connection */
    struct waiting {
        json_int_t conn;
        char *text;
    } * waiting;
    size_t waiting_count;
    char *keylog;
    size_t keylog_len;
    size_t here; /* the newest frame with bytes of the other side, from 1 */
};

/* The port at which dissectors expect the service. LMTP's own port 24 wakes nobody up, and
 * Wireshark's SMTP dissector reads LMTP well, so LMTP is shown at port 25. */
static uint16_t nominal_port(const json_t *conn)
{
    static const struct {
        const char *service;
        uint16_t port;
    } table[] = {{"smtp", 25},  {"submission", 587}, {"submissions", 465},
                 {"lmtp", 25},  {"imap", 143},       {"imaps", 993},
                 {"pop3", 110}, {"pop3s", 995},      {NULL, 0}};
    const char *key[2] = {field_text(conn, "service"), field_text(conn, "protocol")};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; table[i].service != NULL; i++)
            if (strcmp(key[k], table[i].service) == 0)
                return table[i].port;
    return (uint16_t)field_int(conn, "peer_port");
}

/* Reads a numeric address; a zone ("%eth0") is dropped. */
static bool address(const char *text, int family, unsigned char *out)
{
    char copy[INET6_ADDRSTRLEN + 1];
    size_t n = strcspn(text, "%");
    if (n >= sizeof copy)
        return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    return inet_pton(family, copy, out) == 1;
}

static void comment_later(struct made *m, json_int_t conn, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void comment_later(struct made *m, json_int_t conn, const char *fmt, ...)
{
    if (m->waiting_count >= COMMENTS_LIMIT)
        return;
    struct waiting w = {.conn = conn};
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&w.text, fmt, ap) < 0)
        abort();
    va_end(ap);
    m->waiting = err_need(realloc(m->waiting, (m->waiting_count + 1) * sizeof *m->waiting));
    m->waiting[m->waiting_count++] = w;
}

static void frame_comment(struct frame *f, char *text)
{
    f->comments = err_need(realloc(f->comments, (f->comment_count + 1) * sizeof *f->comments));
    f->comments[f->comment_count++] = text;
}

/* Gives the frame the comments that waited for it. */
static void take_comments(struct made *m, json_int_t conn, struct frame *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->waiting_count; i++) {
        if (m->waiting[i].conn == 0 || m->waiting[i].conn == conn)
            frame_comment(f, m->waiting[i].text);
        else
            m->waiting[kept++] = m->waiting[i];
    }
    m->waiting_count = kept;
}

static uint32_t sum(uint32_t acc, const unsigned char *p, size_t n)
{
    for (; n > 1; p += 2, n -= 2)
        acc += (uint32_t)(p[0] << 8 | p[1]);
    if (n == 1)
        acc += (uint32_t)(p[0] << 8);
    return acc;
}

static uint16_t folded(uint32_t acc)
{
    while (acc >> 16)
        acc = (acc & 0xFFFF) + (acc >> 16);
    return (uint16_t)~acc;
}

static void store16(unsigned char *p, unsigned v)
{
    p[0] = (unsigned char)(v >> 8);
    p[1] = (unsigned char)v;
}

static void store32(unsigned char *p, uint32_t v)
{
    store16(p, v >> 16);
    store16(p + 2, v & 0xFFFF);
}

static size_t ip_header(struct stream *s, enum side from, size_t tcp_len, unsigned char *h)
{
    struct endpoint *src = &s->end[from], *dst = &s->end[1 - from];
    if (s->ipv6) {
        memset(h, 0, 40);
        h[0] = 0x60;
        store16(h + 4, (unsigned)tcp_len);
        h[6] = IPPROTO_TCP;
        h[7] = 64;
        memcpy(h + 8, src->address, 16);
        memcpy(h + 24, dst->address, 16);
        return 40;
    }
    memset(h, 0, 20);
    h[0] = 0x45;
    store16(h + 2, (unsigned)(20 + tcp_len));
    store16(h + 4, ++src->ip_id);
    h[6] = 0x40; /* don't fragment */
    h[8] = 64;
    h[9] = IPPROTO_TCP;
    memcpy(h + 12, src->address, 4);
    memcpy(h + 16, dst->address, 4);
    store16(h + 10, folded(sum(0, h, 20)));
    return 20;
}

static uint16_t tcp_checksum(const struct stream *s, enum side from, const unsigned char *tcp,
                             size_t len)
{
    size_t n = s->ipv6 ? 16 : 4;
    uint32_t acc = sum(0, s->end[from].address, n);
    acc = sum(acc, s->end[1 - from].address, n);
    acc += IPPROTO_TCP + (uint32_t)len;
    return folded(sum(acc, tcp, len));
}

/* Builds one frame and counts the sender's sequence number on. */
static struct frame *segment(struct made *m, struct stream *s, enum side from, unsigned flags,
                             double at, const unsigned char *data, size_t n)
{
    struct endpoint *src = &s->end[from], *dst = &s->end[1 - from];
    unsigned char buf[FRAME_LIMIT], *tcp;
    size_t options = flags & TCP_SYN ? 8 : 0, tcp_len = 20 + options + n;

    size_t ip_len = ip_header(s, from, tcp_len, buf);
    tcp = buf + ip_len;
    memset(tcp, 0, 20 + options);
    store16(tcp, src->port);
    store16(tcp + 2, dst->port);
    store32(tcp + 4, src->seq);
    if (flags & TCP_ACK)
        store32(tcp + 8, dst->seq);
    tcp[12] = (unsigned char)((20 + options) / 4 << 4);
    tcp[13] = (unsigned char)flags;
    store16(tcp + 14, 65535); /* window, times 128 by the option below */
    if (options > 0) {
        static const unsigned char scale[4] = {1, 3, 3, 7};
        tcp[20] = 2; /* largest segment */
        tcp[21] = 4;
        store16(tcp + 22, s->ipv6 ? SEGMENT_V6 : SEGMENT_V4);
        memcpy(tcp + 24, scale, sizeof scale);
    }
    if (n > 0)
        memcpy(tcp + 20 + options, data, n);
    store16(tcp + 16, tcp_checksum(s, from, tcp, tcp_len));

    src->seq += (uint32_t)n + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
    if (flags & TCP_ACK)
        src->acked = dst->seq;
    s->last_at = at;

    if (m->frame_count == m->frame_room) {
        m->frame_room = m->frame_room * 2 + 64;
        m->frames = err_need(realloc(m->frames, m->frame_room * sizeof *m->frames));
    }
    struct frame *f = &m->frames[m->frame_count++];
    *f = (struct frame){.time_us = (uint64_t)llround((m->started_at + at) * 1e6),
                        .len = ip_len + tcp_len};
    f->data = err_need(malloc(f->len));
    memcpy(f->data, buf, f->len);
    take_comments(m, s->number, f);
    return f;
}

static struct stream *find(struct made *m, json_int_t number)
{
    for (size_t i = m->stream_count; i-- > 0;)
        if (m->streams[i].number == number)
            return &m->streams[i];
    return NULL;
}

static void on_conn(struct made *m, const json_t *e, double at)
{
    bool accepted = field_true(e, "accepted");
    struct stream s = {.number = field_int(e, "conn"), .we = accepted ? SERVER : CLIENT};
    const char *local = field_text(e, accepted ? "peer" : "local"),
               *peer = field_text(e, accepted ? "local" : "peer");
    const char *local_port = accepted ? "peer_port" : "local_port",
               *peer_port = accepted ? "local_port" : "peer_port";
    if (address(local, AF_INET6, s.end[CLIENT].address) &&
        address(peer, AF_INET6, s.end[SERVER].address)) {
        s.ipv6 = true;
    } else if (!address(local, AF_INET, s.end[CLIENT].address) ||
               !address(peer, AF_INET, s.end[SERVER].address)) {
        /* Neither: a socket that is not IP. It is shown as loopback, and the comment says what it
         * was. */
        memcpy(s.end[CLIENT].address, "\x7f\0\0\1", 4);
        memcpy(s.end[SERVER].address, "\x7f\0\0\1", 4);
    }
    s.end[CLIENT].port = (uint16_t)field_int(e, local_port);
    if (s.end[CLIENT].port == 0)
        s.end[CLIENT].port = (uint16_t)(49152 + s.number % 16384);
    s.end[SERVER].port = nominal_port(e);
    /* Numbers that are easy to read, and different for each connection, lest one be taken for
     * another's retransmit. */
    s.end[CLIENT].initial = s.end[CLIENT].seq = 1000000u * (uint32_t)s.number;
    s.end[SERVER].initial = s.end[SERVER].seq = 1000000u * (uint32_t)s.number + 500000u;

    m->streams = err_need(realloc(m->streams, (m->stream_count + 1) * sizeof *m->streams));
    m->streams[m->stream_count] = s;
    struct stream *p = &m->streams[m->stream_count++];

    comment_later(m, p->number,
                  "%s: %s at %s port %d; the capture shows the service's usual port %u",
                  field_text(e, "name"), field_text(e, "service"), peer,
                  (int)field_int(e, peer_port), (unsigned)p->end[SERVER].port);
    segment(m, p, CLIENT, TCP_SYN, at, NULL, 0);
    segment(m, p, SERVER, TCP_SYN | TCP_ACK, at, NULL, 0);
    segment(m, p, CLIENT, TCP_ACK, at, NULL, 0);
}

static void on_io(struct made *m, const json_t *e, double at)
{
    struct stream *s = find(m, field_int(e, "conn"));
    if (s == NULL || strcmp(field_text(e, "layer"), "wire") != 0)
        return;
    enum side from = strcmp(field_text(e, "dir"), "c") == 0 ? s->we : 1 - s->we;
    struct endpoint *src = &s->end[from];
    if (src->rst || s->end[1 - from].rst)
        return;

    size_t len = 0, most = s->ipv6 ? SEGMENT_V6 : SEGMENT_V4;
    unsigned char *data = field_bytes(e, &len);
    if (data == NULL || len == 0) {
        comment_later(m, s->number, "%lld bytes of the %s before this are not in the record",
                      (long long)field_int(e, "n"), from == CLIENT ? "client" : "server");
        src->seq += (uint32_t)field_int(e, "n");
        free(data);
        return;
    }
    /* The offset counts bytes from the beginning of the direction; the SYN took one number. */
    if (json_is_integer(json_object_get(e, "off")))
        src->seq = src->initial + 1 + (uint32_t)field_int(e, "off");
    for (size_t done = 0; done < len;) {
        size_t n = len - done < most ? len - done : most;
        unsigned push = done + n == len ? TCP_PSH : 0;
        segment(m, s, from, TCP_ACK | push, at, data + done, n);
        done += n;
        if (from != s->we)
            m->here = m->frame_count;
        if (src->seq - s->end[1 - from].acked >= ACK_EVERY)
            segment(m, s, 1 - from, TCP_ACK, at, NULL, 0);
    }
    free(data);
}

static void finish(struct made *m, struct stream *s, enum side from, double at)
{
    struct endpoint *src = &s->end[from], *dst = &s->end[1 - from];
    if (src->fin || src->rst || dst->rst)
        return;
    src->fin = true;
    segment(m, s, from, TCP_FIN | TCP_ACK, at, NULL, 0);
    segment(m, s, 1 - from, TCP_ACK, at, NULL, 0);
}

static void reset(struct made *m, struct stream *s, enum side from, double at)
{
    struct endpoint *src = &s->end[from];
    if (src->rst || s->end[1 - from].rst)
        return;
    src->rst = true;
    segment(m, s, from, TCP_RST | TCP_ACK, at, NULL, 0);
}

static void on_end(struct made *m, const json_t *e, double at)
{
    struct stream *s = find(m, field_int(e, "conn"));
    const char *how = field_text(e, "how");
    if (s == NULL)
        return;
    if (strcmp(how, "fin") == 0)
        finish(m, s, 1 - s->we, at);
    else if (strcmp(how, "reset") == 0)
        reset(m, s, 1 - s->we, at);
    else if (strcmp(how, "local") == 0)
        finish(m, s, s->we, at);
    else if (strcmp(how, "overflow") == 0)
        reset(m, s, s->we, at); /* bytes that nobody will read make a kernel answer with RST */
}

/* What mailproof itself sent to end the connection. */
static void on_close(struct made *m, const json_t *e, double at)
{
    struct stream *s = find(m, field_int(e, "conn"));
    if (s == NULL)
        return;
    if (strcmp(field_text(e, "how"), "reset") == 0)
        reset(m, s, s->we, at);
    else
        finish(m, s, s->we, at);
}

static void on_tls(struct made *m, const json_t *e)
{
    json_int_t conn = field_int(e, "conn");
    if (field_true(e, "done"))
        comment_later(m, conn, "TLS: %s, %s", field_text(e, "version"), field_text(e, "cipher"));
    else
        comment_later(m, conn, "TLS: the handshake failed %s", field_text(e, "alert"));
}

/* A judgement belongs to what was seen, so it goes on the packet before it. */
static void on_check(struct made *m, const json_t *e)
{
    if (m->frame_count == 0 || field_true(e, "ok"))
        return;
    struct frame *f = &m->frames[m->frame_count - 1];
    char *text = NULL;
    if (f->comment_count >= COMMENTS_LIMIT)
        return;
    if (asprintf(&text, "FAILED here: %s (%s)", field_text(e, "text"), field_text(e, "where")) < 0)
        abort();
    frame_comment(f, text);
}

static void on_keylog(struct made *m, const json_t *e)
{
    const char *line = field_text(e, "line");
    size_t n = strcspn(line, "\r\n");
    if (n == 0)
        return;
    m->keylog = err_need(realloc(m->keylog, m->keylog_len + n + 1));
    memcpy(m->keylog + m->keylog_len, line, n);
    m->keylog_len += n;
    m->keylog[m->keylog_len++] = '\n';
}

static void made_clear(struct made *m)
{
    for (size_t i = 0; i < m->frame_count; i++) {
        for (size_t k = 0; k < m->frames[i].comment_count; k++)
            free(m->frames[i].comments[k]);
        free(m->frames[i].comments);
        free(m->frames[i].data);
    }
    for (size_t i = 0; i < m->waiting_count; i++)
        free(m->waiting[i].text);
    free(m->waiting);
    free(m->frames);
    free(m->streams);
    free(m->keylog);
}

int capture_made_frames(const json_t *events, double started_at, const char *path,
                        struct capture_frames *frames, struct err *err)
{
    struct made m = {.started_at = started_at};
    struct pcapng *p;
    size_t i;
    json_t *e;
    json_array_foreach (events, i, e) {
        const char *ev = field_text(e, "ev");
        double at = field_at(e);
        if (strcmp(ev, "io") == 0)
            on_io(&m, e, at);
        else if (strcmp(ev, "conn") == 0)
            on_conn(&m, e, at);
        else if (strcmp(ev, "end") == 0)
            on_end(&m, e, at);
        else if (strcmp(ev, "close") == 0)
            on_close(&m, e, at);
        else if (strcmp(ev, "step") == 0)
            comment_later(&m, field_int(e, "conn"), "%s (%s)", field_text(e, "text"),
                          field_text(e, "where"));
        else if (strcmp(ev, "check") == 0)
            on_check(&m, e);
        else if (strcmp(ev, "tls") == 0)
            on_tls(&m, e);
        else if (strcmp(ev, "keylog") == 0)
            on_keylog(&m, e);
    }

    int rc = pcapng_open(
        path, "mailproof " MAILPROOF_VERSION,
        "Made by mailproof from the bytes and times that it recorded. The bytes and their "
        "order are true; segments, acknowledgements and the server's port are not.",
        &p, err);
    if (rc != 0)
        goto out;
    if (m.keylog_len > 0)
        pcapng_secrets(p, m.keylog, m.keylog_len);
    for (i = 0; i < m.frame_count; i++)
        pcapng_packet(p, m.frames[i].time_us, m.frames[i].data, m.frames[i].len,
                      (const char *const *)m.frames[i].comments, m.frames[i].comment_count);
    rc = pcapng_close(p, err);
    *frames = (struct capture_frames){.count = m.frame_count, .here = m.here};
out:
    made_clear(&m);
    return rc;
}

int capture_made_write(const json_t *events, double started_at, const char *path, struct err *err)
{
    struct capture_frames unused;
    return capture_made_frames(events, started_at, path, &unused, err);
}
