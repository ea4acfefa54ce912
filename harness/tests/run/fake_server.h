/* A server that plays a given part, for tests: a child process on a loopback port that says what it
 * is told to say and holds the client to what it should send.
 *
 * A part is a list of moves, ended by NULL:
 *
 *   "> text"  says a line
 *   "+ text"  says these bytes, without a line end
 *   "< text"  reads a line that begins so; "<" alone reads any line
 *   "# 12"    reads that many bytes
 *   "."       reads up to CR LF . CR LF
 *   "t"       is the server of a TLS handshake and goes on inside; what came before in clear is
 * dropped "w"       waits until the client has closed "x"       closes; "r" resets "n"       takes
 * the next connection "p 20"    does nothing for so many milliseconds
 *
 * A client that sends something else is told "!!! …" and hung up on.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_TESTS_RUN_FAKE_SERVER_H
#define HARNESS_TESTS_RUN_FAKE_SERVER_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/peer.h"

struct fake_server {
    pid_t pid;
    int port;
};

/* What all fake servers are inside TLS: localhost. NULL until fake_server_tls. */
static SSL_CTX *fake_ctx;

/* Makes the identity and writes its authority to path, a template that ends in XXXXXX. */
static inline void fake_server_tls(char *path)
{
    struct identity ca = identity_make("test authority", NULL, NULL);
    struct identity id = identity_make("localhost", "DNS:localhost", &ca);
    identity_write(&ca, path);
    fake_ctx = SSL_CTX_new(TLS_server_method());
    ck_assert_int_eq(SSL_CTX_use_certificate(fake_ctx, id.cert), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(fake_ctx, id.key), 1);
    identity_free(&ca);
    identity_free(&id);
}

struct fake_peer {
    int fd;
    SSL *ssl; /* NULL in clear */
    char data[65536];
    size_t len;
};

static inline void fake_say(const struct fake_peer *p, const char *text, size_t n)
{
    if (p->ssl != NULL ? SSL_write(p->ssl, text, (int)n) <= 0
                       : send(p->fd, text, n, MSG_NOSIGNAL) < 0)
        _exit(0);
}

static inline bool fake_more(struct fake_peer *p)
{
    size_t room = sizeof p->data - p->len - 1;
    ssize_t n = p->ssl != NULL ? SSL_read(p->ssl, p->data + p->len, (int)room)
                               : recv(p->fd, p->data + p->len, room, 0);
    if (n <= 0)
        return false;
    p->len += (size_t)n;
    p->data[p->len] = '\0';
    return true;
}

static inline void fake_eat(struct fake_peer *p, size_t n)
{
    memmove(p->data, p->data + n, p->len - n);
    p->len -= n;
    p->data[p->len] = '\0';
}

static inline void fake_complain(const struct fake_peer *p, const char *wanted, int n)
{
    char text[512];
    int len = snprintf(text, sizeof text, "!!! wanted %s got %.*s\r\n", wanted, n, p->data);
    fake_say(p, text, (size_t)len);
    _exit(1);
}

static inline void fake_read_line(struct fake_peer *p, const char *want)
{
    char *end;
    while ((end = memchr(p->data, '\n', p->len)) == NULL)
        if (!fake_more(p))
            _exit(1);
    if (strncmp(p->data, want, strlen(want)) != 0)
        fake_complain(p, want, (int)(end - p->data));
    fake_eat(p, (size_t)(end - p->data) + 1);
}

static inline void fake_read_message(struct fake_peer *p)
{
    char *end;
    while ((end = memmem(p->data, p->len, "\r\n.\r\n", 5)) == NULL)
        if (!fake_more(p))
            _exit(1);
    fake_eat(p, (size_t)(end - p->data) + 5);
}

static inline int fake_accept(int listener)
{
    int one = 1, fd = accept(listener, NULL, NULL);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static inline void fake_play(int listener, const char *const *moves)
{
    static struct fake_peer p;
    p.fd = fake_accept(listener);
    for (; *moves != NULL; moves++) {
        const char *text = strlen(*moves) > 2 ? *moves + 2 : "";
        switch (**moves) {
        case '>':
            fake_say(&p, text, strlen(text));
            fake_say(&p, "\r\n", 2);
            break;
        case '+':
            fake_say(&p, text, strlen(text));
            break;
        case '<':
            fake_read_line(&p, text);
            break;
        case '.':
            fake_read_message(&p);
            break;
        case '#':
            while (p.len < strtoul(text, NULL, 10))
                if (!fake_more(&p))
                    _exit(1);
            fake_eat(&p, strtoul(text, NULL, 10));
            break;
        case 'p':
            usleep((useconds_t)strtoul(text, NULL, 10) * 1000);
            break;
        case 't':
            p.len = 0;
            p.ssl = SSL_new(fake_ctx);
            if (SSL_set_fd(p.ssl, p.fd) != 1 || SSL_accept(p.ssl) != 1)
                _exit(1);
            break;
        case 'w':
            while (fake_more(&p))
                p.len = 0;
            break;
        case 'r':
            setsockopt(p.fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
            close(p.fd);
            break;
        case 'x':
            shutdown(p.fd, SHUT_WR);
            break;
        case 'n':
            close(p.fd);
            p.len = 0;
            p.ssl = NULL;
            p.fd = fake_accept(listener);
            break;
        default:
            abort();
        }
    }
    while (fake_more(&p))
        p.len = 0;
    _exit(0);
}

static inline void fake_server_start(struct fake_server *s, const char *const *moves)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    s->port = ntohs(a.sin_port);
    s->pid = fork();
    ck_assert_int_ge(s->pid, 0);
    if (s->pid == 0) {
        alarm(20);
        fake_play(fd, moves);
    }
    close(fd);
}

static inline void fake_server_stop(struct fake_server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
}

#endif
