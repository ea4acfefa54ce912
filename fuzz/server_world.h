/* A mailproofd without ports for the targets that speak to one: the store in memory, the account
 * "u" with the password "p", and sessions over a socket pair. Whatever does not come to its end is
 * a finding. SPDX-License-Identifier: MIT */
#ifndef FUZZ_SERVER_WORLD_H
#define FUZZ_SERVER_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "net/loop.h"
#include "server.h"
#include "target.h"

/* A session takes a few rounds of the loop, of a millisecond each at most; so many mean that it
 * hangs. */
enum { WORLD_ROUNDS = 20000 };

static inline void world_die(const char *why)
{
    fprintf(stderr, "%s\n", why);
    abort();
}

static inline void world_done(void *arg, const struct store_result *r)
{
    (void)r;
    *(bool *)arg = true;
}

static inline void world_wait(struct server *s, const bool *done)
{
    for (int i = 0; i < WORLD_ROUNDS && !*done; i++)
        loop_once(s->loop, 1);
    if (!*done)
        world_die("the store does not answer");
}

/* path: of the store. -1: it would not open it. */
static inline int world_start_at(struct server *s, const char *path, struct err *err)
{
    *s = (struct server){
        .limits =
            {
#define LIMIT(name, value, says) .name = value,
#include "config/limits.def"
#undef LIMIT
            },
        .hostname = "mail.test.example",
        .domain = "test.example",
        .plaintext_login = true,
    };
    s->clock = clock_new();
    s->loop = loop_new(s->clock, err);
    if (s->loop == NULL)
        world_die(err->text);
    struct store_options o = {path, s->loop, s->clock};
    if (store_open(&o, &s->store, err) != 0) {
        loop_free(s->loop);
        clock_free(s->clock);
        s->loop = NULL;
        return -1;
    }
    s->accounts = accounts_new();
    accounts_add_domain(s->accounts, "test.example");
    return 0;
}

static inline void world_start(struct server *s)
{
    struct err err;
    if (world_start_at(s, ":memory:", &err) != 0 ||
        accounts_add(s->accounts, s->store, "u", "p", NULL, NULL, &err) != 0)
        world_die(err.text);
}

static inline void world_reset(struct server *s)
{
    bool done = false;
    store_reset(s->store, world_done, &done);
    world_wait(s, &done);
}

/* INBOX of "u" gets these texts. */
static inline void world_fill(struct server *s, const char *const *texts, size_t count)
{
    struct append_message list[8] = {0};
    bool done = false;
    if (count > sizeof list / sizeof *list)
        world_die("too many messages");
    for (size_t i = 0; i < count; i++) {
        list[i].data = (unsigned char *)strdup(texts[i]);
        list[i].len = strlen(texts[i]);
    }
    store_append(s->store, account_find(s->accounts, "u")->id, "INBOX", list, count, NULL,
                 world_done, &done);
    world_wait(s, &done);
}

/* Everything the server has said; false: it said its last word. */
static inline bool world_hear(int fd)
{
    char piece[65536];
    ssize_t n;
    do
        n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
    while (n > 0);
    return n < 0;
}

/* Says all of it, ends its side, and hears the server out. */
static inline void world_talk(struct server *s, int fd, const uint8_t *data, size_t size)
{
    size_t sent = 0;
    bool said_all = false;
    for (int i = 0; i < WORLD_ROUNDS; i++) {
        if (sent < size) {
            ssize_t n = send(fd, data + sent, size - sent, MSG_NOSIGNAL);
            if (n > 0)
                sent += (size_t)n;
        }
        if (sent == size && !said_all) {
            shutdown(fd, SHUT_WR);
            said_all = true;
        }
        loop_once(s->loop, 1);
        if (!world_hear(fd))
            return;
    }
    world_die("the session does not end");
}

/* A session from its first byte to its last. */
static inline void world_session(struct server *s, enum service service, const struct protocol *p,
                                 const uint8_t *data, size_t size)
{
    int fd[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) != 0)
        world_die("no socket pair");
    if (conn_start(s, service, p, false, fd[1]) == NULL)
        world_die("no connection");
    world_talk(s, fd[0], data, size);
    close(fd[0]);
    for (int i = 0; s->conns != NULL; i++) {
        if (i == WORLD_ROUNDS)
            world_die("the connection does not go away");
        loop_once(s->loop, 1);
    }
}

#endif
