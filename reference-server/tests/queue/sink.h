/* Another host's SMTP server, as badly behaved as a test wants it: it listens on an address of the
 * loopback and answers from the same loop. SPDX-License-Identifier: MIT */
#ifndef SERVER_TESTS_QUEUE_SINK_H
#define SERVER_TESTS_QUEUE_SINK_H

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "net/loop.h"

enum { SINK_SESSIONS = 16, SINK_TEXT = 256 * 1024 };

struct sink_session {
    struct sink *sink;
    struct loop_source source; /* fd -1: free */
    char in[16384];
    size_t len;
    bool in_text;
    unsigned good; /* recipients of this transaction */
};

struct sink {
    struct loop *loop;
    struct loop_source source;
    uint16_t port;
    struct sink_session sessions[SINK_SESSIONS];
    /* How it answers; NULL: well. */
    const char *greeting, *ehlo, *mail, *rcpt, *data, *final;
    const char *rcpt_refused; /* recipients that hold this get `rcpt` */
    bool silent;              /* says nothing at all */
    bool hangs_up;            /* closes at the final dot */
    /* What it heard. */
    unsigned connections, open, most_open, transactions;
    char commands[SINK_TEXT]; /* lines with CR LF */
    char text[SINK_TEXT];     /* the last message, as on the wire */
};

static inline void sink_say(struct sink_session *s, const char *line)
{
    char out[2048];
    int n = snprintf(out, sizeof out, "%s\r\n", line);
    ck_assert(send(s->source.fd, out, (size_t)n, MSG_NOSIGNAL) >= 0);
}

static inline void sink_drop(struct sink_session *s)
{
    loop_remove(s->sink->loop, &s->source);
    close(s->source.fd);
    s->source.fd = -1;
    s->sink->open--;
}

static inline void sink_append(char *to, const char *line)
{
    size_t n = strlen(to), len = strlen(line);
    ck_assert(n + len + 3 < SINK_TEXT);
    memcpy(to + n, line, len);
    memcpy(to + n + len, "\r\n", 3);
}

static inline void sink_line(struct sink_session *s, const char *line)
{
    struct sink *k = s->sink;
    if (s->in_text) {
        if (strcmp(line, ".") != 0) {
            sink_append(k->text, line);
            return;
        }
        s->in_text = false;
        k->transactions++;
        if (k->hangs_up)
            sink_drop(s);
        else
            sink_say(s, k->final != NULL ? k->final : "250 2.0.0 taken");
        return;
    }
    sink_append(k->commands, line);
    if (strncasecmp(line, "EHLO", 4) == 0) {
        sink_say(s, k->ehlo != NULL ? k->ehlo
                                    : "250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
                                      "250-SIZE 1000000\r\n250-DSN\r\n250-SMTPUTF8\r\n"
                                      "250 ENHANCEDSTATUSCODES");
    } else if (strncasecmp(line, "MAIL", 4) == 0) {
        s->good = 0;
        sink_say(s, k->mail != NULL ? k->mail : "250 2.1.0 fine");
    } else if (strncasecmp(line, "RCPT", 4) == 0) {
        bool no = k->rcpt != NULL && (k->rcpt_refused == NULL || strstr(line, k->rcpt_refused));
        s->good += !no;
        sink_say(s, no ? k->rcpt : "250 2.1.5 fine");
    } else if (strcasecmp(line, "DATA") == 0) {
        const char *answer = k->data != NULL ? k->data
                             : s->good > 0   ? "354 go on"
                                             : "554 5.5.1 nobody to send it to";
        sink_say(s, answer);
        s->in_text = strncmp(answer, "354", 3) == 0;
        if (s->in_text)
            k->text[0] = '\0';
    } else if (strcasecmp(line, "QUIT") == 0) {
        sink_say(s, "221 2.0.0 bye");
        sink_drop(s);
    } else {
        sink_say(s, "250 2.0.0 fine");
    }
}

static inline void sink_ready(void *arg, uint32_t events)
{
    struct sink_session *s = arg;
    (void)events;
    ssize_t n = recv(s->source.fd, s->in + s->len, sizeof s->in - s->len - 1, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        sink_drop(s);
        return;
    }
    s->len += (size_t)n;
    for (;;) {
        char *end = memmem(s->in, s->len, "\r\n", 2);
        if (end == NULL || s->source.fd < 0 || s->sink->silent)
            return;
        size_t used = (size_t)(end - s->in) + 2;
        char line[8192];
        ck_assert(used < sizeof line);
        memcpy(line, s->in, used - 2);
        line[used - 2] = '\0';
        memmove(s->in, s->in + used, s->len - used);
        s->len -= used;
        sink_line(s, line);
    }
}

static inline void sink_accept(void *arg, uint32_t events)
{
    struct sink *k = arg;
    (void)events;
    int fd = accept4(k->source.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct sink_session *s = k->sessions;
    while (s->source.fd >= 0)
        s++;
    ck_assert(s < k->sessions + SINK_SESSIONS);
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *s = (struct sink_session){.sink = k, .source = {fd, sink_ready, s}};
    ck_assert_int_eq(loop_add(k->loop, &s->source, EPOLLIN, NULL), 0);
    k->connections++;
    if (++k->open > k->most_open)
        k->most_open = k->open;
    if (!k->silent)
        sink_say(s, k->greeting != NULL ? k->greeting : "220 sink.example ESMTP");
}

static inline struct sink *sink_on(struct loop *loop, int fd, uint16_t port)
{
    struct sink *k = calloc(1, sizeof *k);
    ck_assert(k != NULL && listen(fd, 64) == 0);
    for (size_t i = 0; i < SINK_SESSIONS; i++)
        k->sessions[i].source.fd = -1;
    k->port = port;
    k->loop = loop;
    k->source = (struct loop_source){fd, sink_accept, k};
    ck_assert_int_eq(loop_add(loop, &k->source, EPOLLIN, NULL), 0);
    return k;
}

/* Listens on address; port 0: a free one. */
static inline struct sink *sink_start(struct loop *loop, const char *address, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof a;
    int one = 1;
    ck_assert(inet_pton(AF_INET, address, &a.sin_addr) == 1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    ck_assert_msg(bind(fd, (struct sockaddr *)&a, sizeof a) == 0, "%s:%u: %s", address, port,
                  strerror(errno));
    ck_assert(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    return sink_on(loop, fd, ntohs(a.sin_port));
}

/* The same on a socket of this machine. */
static inline struct sink *sink_start_at(struct loop *loop, const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_msg(bind(fd, (struct sockaddr *)&a, sizeof a) == 0, "%s: %s", path, strerror(errno));
    return sink_on(loop, fd, 0);
}

static inline void sink_stop(struct sink *k)
{
    for (size_t i = 0; i < SINK_SESSIONS; i++)
        if (k->sessions[i].source.fd >= 0)
            sink_drop(&k->sessions[i]);
    loop_remove(k->loop, &k->source);
    close(k->source.fd);
    free(k);
}

static inline unsigned sink_count(const struct sink *k, const char *what)
{
    unsigned n = 0;
    for (const char *p = k->commands; (p = strstr(p, what)) != NULL; p++)
        n++;
    return n;
}

#endif
