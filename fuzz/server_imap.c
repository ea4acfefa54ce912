/* Fuzzes an IMAP session of mailproofd: the input is what a client says after it has logged in and
 * selected INBOX. The server has to survive it, and to end the session once the client has.
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

/* How many rounds of the loop a session may take to end; each waits a millisecond at most. */
enum { MOST_ROUNDS = 20000, RESET_EVERY = 200 };

static const char mixed[] =
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n--b--\r\n";
static const char *const messages[] = {
    "From: ann@x.example\r\nSubject: one\r\n\r\nhello\r\n",
    mixed,
    "To: a:b@c;\r\n\r\n",
};

static struct server server;

static void done(void *arg, const struct store_result *r)
{
    bool *flag = arg;
    (void)r;
    *flag = true;
}

static void wait_for(const bool *flag)
{
    for (int i = 0; i < MOST_ROUNDS && !*flag; i++) {
        loop_once(server.loop, 1);
    }
    if (!*flag) {
        abort();
    }
}

static void fill(int64_t account)
{
    struct append_message list[3] = {0};
    bool flag = false;
    for (size_t i = 0; i < 3; i++) {
        list[i].data = (unsigned char *)strdup(messages[i]);
        list[i].len = strlen(messages[i]);
    }
    store_append(server.store, account, "INBOX", list, 3, NULL, done, &flag);
    wait_for(&flag);
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
    server.clock = clock_new();
    server.loop = loop_new(server.clock, &err);
    struct store_options o = {":memory:", server.loop, server.clock};
    if (server.loop == NULL || store_open(&o, &server.store, &err) != 0) {
        abort();
    }
    server.accounts = accounts_new();
    accounts_add_domain(server.accounts, "test.example");
    if (accounts_add(server.accounts, server.store, "u", "p", NULL, NULL, &err) != 0) {
        abort();
    }
}

static bool hear(int fd)
{
    char piece[65536];
    for (;;) {
        ssize_t n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
        if (n <= 0) {
            return n < 0;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned runs;
    static const char hello[] = "a LOGIN u p\r\nb SELECT INBOX\r\n";
    int fd[2];
    size_t sent = 0;
    bool flag = false;
    if (size > 100000) {
        return 0;
    }
    if (server.loop == NULL) {
        start();
    }
    if (runs++ % RESET_EVERY == 0) {
        store_reset(server.store, done, &flag);
        wait_for(&flag);
        fill(account_find(server.accounts, "u")->id);
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) != 0) {
        abort();
    }
    if (conn_start(&server, SERVICE_IMAP, &imap_protocol, false, fd[1]) == NULL) {
        abort();
    }
    if (send(fd[0], hello, strlen(hello), MSG_NOSIGNAL) < 0) {
        abort();
    }
    for (int i = 0; i < MOST_ROUNDS; i++) {
        if (sent < size) {
            ssize_t n = send(fd[0], data + sent, size - sent, MSG_NOSIGNAL);
            sent = n > 0 ? sent + (size_t)n : n < 0 && i > 100 ? size : sent;
        }
        if (sent == size) {
            shutdown(fd[0], SHUT_WR);
        }
        loop_once(server.loop, 1);
        if (!hear(fd[0])) {
            break;
        }
        if (i + 1 == MOST_ROUNDS) {
            fputs("the session does not end\n", stderr);
            abort();
        }
    }
    close(fd[0]);
    while (server.conns != NULL) {
        loop_once(server.loop, 1);
    }
    return 0;
}
