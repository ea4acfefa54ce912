/* Fuzzes the rules of mailproofd: the first line of the input is a rule, the rest what a client
 * says in a session that meets it. The server survives both, the session ends, and the rule is gone
 * when it was removed. SPDX-License-Identifier: MIT */
#include <stdint.h>

#include "control/rule.h"
#include "server_world.h"

enum { MOST_ROUNDS = 20000, MOST_BYTES = 20000, A_DAY_MS = 86400000 };

static const char usual[] = "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@test.example>\r\n"
                            "DATA\r\nA: b\r\n\r\nc\r\n.\r\nNOOP\r\nQUIT\r\n";

static struct server server;

static void converse(const void *data, size_t size)
{
    int fd[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) != 0)
        abort();
    if (conn_start(&server, SERVICE_SMTP, &smtp_protocol, false, fd[1]) == NULL)
        abort();
    /* Whoever was reset by its rule already takes no more; that is an end, too. */
    if (send(fd[0], data, size, MSG_NOSIGNAL) == (ssize_t)size)
        shutdown(fd[0], SHUT_WR);
    for (int i = 0; world_hear(fd[0]) && i < 200; i++)
        loop_once(server.loop, i < 20 ? 0 : 1);
    close(fd[0]);
    for (int i = 0; server.conns != NULL; i++) {
        loop_once(server.loop, 1);
        clock_advance(server.clock, A_DAY_MS); /* the longest delay of a rule */
        if (i == MOST_ROUNDS) {
            fputs("the session does not end\n", stderr);
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > MOST_BYTES)
        return 0;
    if (server.loop == NULL)
        world_start(&server);
    const uint8_t *end = memchr(data, '\n', size);
    size_t n = end != NULL ? (size_t)(end - data) : size;
    char *text = malloc(n + 1);
    if (text == NULL)
        abort();
    memcpy(text, data, n);
    text[n] = '\0';
    struct err err = {""};
    if (rule_add_text(text, &err) == 0) {
        json_t *kept = rule_keep();
        rule_bring_back(kept);
        if (rule_first() == NULL)
            abort();
        json_decref(kept);
        json_decref(rule_list());
        converse(usual, strlen(usual));
        if (end != NULL)
            converse(end + 1, size - n - 1);
        rule_remove(0);
    } else if (err.text[0] == '\0') {
        fputs("refused without a word\n", stderr);
        abort();
    }
    free(text);
    if (rule_first() != NULL) {
        fputs("a rule is left\n", stderr);
        abort();
    }
    return 0;
}
