/* Fuzzes a session of mailproofd's SMTP, submission or LMTP: the first byte chooses, the others are
 * what a client says. The server has to survive it, and to end the session once the client has.
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
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
enum { MOST_ROUNDS = 20000, MOST_INPUT = 100000, RESET_EVERY = 500 };

static struct server server;

static void die(const char *why)
{
    fprintf(stderr, "%s\n", why);
    abort();
}

static void start(void)
{
    struct err err;
    server = (struct server){
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
    server.limits.message_bytes = 5000; /* within reach of an input */
    server.limits.smtp_line_bytes = 1024;
    server.clock = clock_new();
    server.loop = loop_new(server.clock, &err);
    struct store_options o = {":memory:", server.loop, server.clock};
    if (server.loop == NULL || store_open(&o, &server.store, &err) != 0)
        die(err.text);
    server.accounts = accounts_new();
    accounts_add_domain(server.accounts, "test.example");
    if (accounts_add(server.accounts, server.store, "u", "p", NULL, NULL, &err) != 0)
        die(err.text);
}

static void emptied(void *arg, const struct store_result *r)
{
    (void)r;
    *(bool *)arg = true;
}

static void empty_the_store(void)
{
    static bool done;
    done = false;
    store_reset(server.store, emptied, &done);
    for (int i = 0; i < MOST_ROUNDS && !done; i++)
        loop_once(server.loop, 1);
    if (!done)
        die("the store does not answer");
}

/* Everything the server has said; false: it said its last word. */
static bool hear(int fd)
{
    char piece[65536];
    ssize_t n;
    do
        n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
    while (n > 0);
    return n < 0;
}

static void talk(int fd, const uint8_t *data, size_t size)
{
    size_t sent = 0;
    bool said_all = false;
    for (int i = 0; i < MOST_ROUNDS; i++) {
        if (sent < size) {
            ssize_t n = send(fd, data + sent, size - sent, MSG_NOSIGNAL);
            if (n > 0)
                sent += (size_t)n;
        }
        if (sent == size && !said_all) {
            shutdown(fd, SHUT_WR);
            said_all = true;
        }
        loop_once(server.loop, 1);
        if (!hear(fd))
            return;
    }
    die("the session does not end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum service services[] = {SERVICE_SMTP, SERVICE_SUBMISSION, SERVICE_LMTP};
    static unsigned runs;
    int fd[2];
    if (size == 0 || size > MOST_INPUT)
        return 0;
    if (server.loop == NULL)
        start();
    if (++runs % RESET_EVERY == 0)
        empty_the_store();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) != 0)
        die("no socket pair");
    if (conn_start(&server, services[data[0] % 3], &smtp_protocol, false, fd[1]) == NULL)
        die("no connection");
    talk(fd[0], data + 1, size - 1);
    close(fd[0]);
    for (int i = 0; server.conns != NULL; i++) {
        if (i == MOST_ROUNDS)
            die("the connection does not go away");
        loop_once(server.loop, 1);
    }
    return 0;
}
