/* A whole server in one test process: store in memory, two accounts, and clients at the other end
 * of socket pairs. The test is the loop: hearing runs it until what is waited for has come, five
 * seconds at most. SPDX-License-Identifier: MIT */
#ifndef SERVER_TESTS_WORLD_H
#define SERVER_TESTS_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <check.h>
#include <openssl/ssl.h>

#include <sys/socket.h>

#include "config/quota.h"
#include "fault.h"
#include "net/loop.h"
#include "net/proxy.h"
#include "server.h"
#include "tls/tls.h"

enum { WORLD_PATIENCE_MS = 3000 };

struct world {
    struct server server;
    char state[64];
    struct account *user1, *user2;
};

struct world_client {
    struct world *world;
    int fd;
    SSL *ssl;
    SSL_CTX *ctx;
    char *heard; /* everything that came since the last world_hear, NUL-terminated */
    size_t len;
    bool ended;    /* the server closed its side */
    bool notified; /* and said so inside TLS */
};

static inline long world_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* path: where the store is; ":memory:" for one that goes with the test. */
static inline void world_start_at(struct world *w, const char *path)
{
    struct err err;
    *w = (struct world){
        .server =
            {
                .limits =
                    {
#define LIMIT(name, value, says) .name = value,
#include "config/limits.def"
#undef LIMIT
                    },
                .hostname = "mail.test.example",
                .domain = "test.example",
                .plaintext_login = true,
            },
    };
    struct server *s = &w->server;
    signal(SIGPIPE, SIG_IGN);
    s->clock = clock_new();
    s->loop = loop_new(s->clock, &err);
    ck_assert_msg(s->loop != NULL, "%s", err.text);
    struct store_options o = {path, s->loop, s->clock};
    ck_assert_msg(store_open(&o, &s->store, &err) == 0, "%s", err.text);
    s->accounts = accounts_new();
    quota_attach(s);
    accounts_add_domain(s->accounts, "test.example");
    ck_assert(accounts_add(s->accounts, s->store, "user1", "pass", NULL, &w->user1, &err) == 0);
    ck_assert(accounts_add(s->accounts, s->store, "user2", "pass", NULL, &w->user2, &err) == 0);
    fault_clear_all();
}

static inline void world_start(struct world *w)
{
    world_start_at(w, ":memory:");
}

/* STARTTLS and implicit TLS become possible. */
static inline void world_start_tls(struct world *w)
{
    struct err err;
    snprintf(w->state, sizeof w->state, "/tmp/mailproofd-test-XXXXXX");
    ck_assert(mkdtemp(w->state) != NULL);
    struct tls_options o = {w->state, "mail.test.example", NULL, NULL};
    ck_assert_msg(tls_identity_open(&o, &w->server.tls, &err) == 0, "%s", err.text);
}

static inline void world_stop(struct world *w)
{
    struct server *s = &w->server;
    proxy_abort_all(s);
    conn_abort_all(s);
    store_close(s->store);
    accounts_free(s->accounts);
    tls_identity_free(s->tls);
    loop_free(s->loop);
    clock_free(s->clock);
    policy_free(&s->policy);
    fault_clear_all();
    if (w->state[0] != '\0') {
        char path[128];
        for (const char *const *file = tls_identity_files; *file != NULL; file++) {
            snprintf(path, sizeof path, "%s/%s", w->state, *file);
            unlink(path);
        }
        rmdir(w->state);
    }
}

static inline void world_connect(struct world *w, struct world_client *k, enum service service,
                                 const struct protocol *protocol, bool tls)
{
    int fd[2];
    ck_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
    *k = (struct world_client){.world = w, .fd = fd[0]};
    ck_assert(conn_start(&w->server, service, protocol, tls, fd[1]) != NULL);
}

/* One round of the loop, of at most so many milliseconds, and whatever the server has to say after
 * it. */
static inline void world_round_of(struct world_client *k, int ms)
{
    char piece[16384];
    ssize_t n;
    loop_once(k->world->server.loop, ms);
    for (;;) {
        if (k->ssl != NULL) {
            int got = SSL_read(k->ssl, piece, sizeof piece);
            int why = got > 0 ? 0 : SSL_get_error(k->ssl, got);
            k->notified = k->notified || why == SSL_ERROR_ZERO_RETURN;
            k->ended = k->ended || (got <= 0 && why != SSL_ERROR_WANT_READ);
            n = got;
        } else {
            n = recv(k->fd, piece, sizeof piece, 0);
            k->ended = k->ended || n == 0 || (n < 0 && errno != EAGAIN);
        }
        if (n <= 0)
            return;
        k->heard = realloc(k->heard, k->len + (size_t)n + 1);
        ck_assert(k->heard != NULL);
        memcpy(k->heard + k->len, piece, (size_t)n);
        k->len += (size_t)n;
        k->heard[k->len] = '\0';
    }
}

static inline void world_round(struct world_client *k)
{
    world_round_of(k, 1);
}

/* Sends bytes; the loop runs when the socket is full. */
static inline void world_say(struct world_client *k, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    long end = world_now_ms() + WORLD_PATIENCE_MS;
    while (n > 0 && !k->ended) {
        ssize_t sent =
            k->ssl != NULL ? SSL_write(k->ssl, p, (int)n) : send(k->fd, p, n, MSG_NOSIGNAL);
        if (sent > 0) {
            p += sent;
            n -= (size_t)sent;
            continue;
        }
        ck_assert_msg(world_now_ms() < end, "the server takes no more bytes");
        world_round(k);
    }
}

static inline void world_text(struct world_client *k, const char *text)
{
    world_say(k, text, strlen(text));
}

static inline void world_forget(struct world_client *k)
{
    k->len = 0;
    if (k->heard != NULL)
        k->heard[0] = '\0';
}

static inline bool world_ends_with(const struct world_client *k, const char *until)
{
    size_t n = strlen(until);
    return k->len >= n && memcmp(k->heard + k->len - n, until, n) == 0;
}

/* What the server says, up to and with `until` at its end (NULL: until it closes). Valid until the
 * next call. */
static inline const char *world_hear(struct world_client *k, const char *until)
{
    long end = world_now_ms() + WORLD_PATIENCE_MS;
    while (!k->ended && (until == NULL || !world_ends_with(k, until)) && world_now_ms() < end)
        world_round(k);
    ck_assert_msg(until == NULL ? k->ended : world_ends_with(k, until),
                  "waited for \"%s\", heard \"%s\"%s", until != NULL ? until : "the end",
                  k->heard != NULL ? k->heard : "", k->ended ? " and the end" : "");
    return k->heard != NULL ? k->heard : "";
}

/* Sends text, hears the answer up to `until`, and compares all of it. */
static inline void world_expect(struct world_client *k, const char *text, const char *answer)
{
    world_forget(k);
    world_text(k, text);
    const char *heard = world_hear(k, answer + (strlen(answer) > 5 ? strlen(answer) - 5 : 0));
    ck_assert_msg(strcmp(heard, answer) == 0, "to \"%s\" heard \"%s\" instead of \"%s\"", text,
                  heard, answer);
}

/* Sends text and hears one line, of which only the beginning counts. */
static inline const char *world_ask(struct world_client *k, const char *text, const char *begins)
{
    world_forget(k);
    world_text(k, text);
    const char *heard = world_hear(k, "\r\n");
    ck_assert_msg(strncmp(heard, begins, strlen(begins)) == 0,
                  "to \"%s\" heard \"%s\", not \"%s…\"", text, heard, begins);
    return heard;
}

/* The client's side of a handshake; false: it failed. */
static inline bool world_handshake(struct world_client *k, int version)
{
    long end = world_now_ms() + WORLD_PATIENCE_MS;
    k->ctx = SSL_CTX_new(TLS_client_method());
    if (version != 0) {
        SSL_CTX_set_min_proto_version(k->ctx, version);
        SSL_CTX_set_max_proto_version(k->ctx, version);
    }
    k->ssl = SSL_new(k->ctx);
    SSL_set_fd(k->ssl, k->fd);
    SSL_set_connect_state(k->ssl);
    for (;;) {
        int n = SSL_connect(k->ssl);
        if (n == 1)
            return true;
        int why = SSL_get_error(k->ssl, n);
        if ((why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) || world_now_ms() > end)
            return false;
        loop_once(k->world->server.loop, 1);
    }
}

static inline void world_hang_up(struct world_client *k)
{
    SSL_free(k->ssl);
    SSL_CTX_free(k->ctx);
    close(k->fd);
    free(k->heard);
    /* The server hears of it. */
    for (int i = 0; i < 3; i++)
        loop_once(k->world->server.loop, 0);
}

/* --- the store, waited for --- */

struct world_done {
    bool done;
    enum store_status status;
    uint32_t uidvalidity, uids[64], sources[64];
    size_t count;
};

static inline void world_done(void *arg, const struct store_result *r)
{
    struct world_done *d = arg;
    d->done = true;
    d->status = r->status;
    d->uidvalidity = r->uidvalidity;
    d->count = r->uid_count < 64 ? r->uid_count : 64;
    for (size_t i = 0; i < d->count; i++) {
        d->uids[i] = r->uids[i];
        d->sources[i] = r->source_uids != NULL ? r->source_uids[i] : 0;
    }
}

static inline void world_wait(struct loop *loop, const struct world_done *d)
{
    long end = world_now_ms() + WORLD_PATIENCE_MS;
    while (!d->done && world_now_ms() < end)
        loop_once(loop, 10);
    ck_assert_msg(d->done, "the store did not answer");
}

/* Appends a message to an account's mailbox; gives its UID. */
static inline uint32_t world_add(struct store *s, struct loop *loop, int64_t account,
                                 const char *mailbox, const char *text, uint64_t flags)
{
    struct world_done d = {.done = false};
    struct append_message m = {
        .data = (unsigned char *)strdup(text), .len = strlen(text), .flags = flags};
    store_append(s, account, mailbox, &m, 1, NULL, world_done, &d);
    world_wait(loop, &d);
    ck_assert_int_eq(d.status, STORE_OK);
    return d.uids[0];
}

#endif
