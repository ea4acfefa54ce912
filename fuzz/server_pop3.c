/* Fuzzes a POP3 session of mailproofd: the first byte says whether the client has logged in, the
 * others are what it says. The server has to survive it, and to end the session once the client
 * has. SPDX-License-Identifier: MIT */
#include "server_world.h"

enum { MOST_INPUT = 100000, FILL_EVERY = 20 };

static const char hello[] = "USER u\r\nPASS p\r\n";
static const char *const messages[] = {
    "From: ann@x.example\r\nSubject: one\r\n\r\n.hello\n.\r\nworld",
    "Subject: =?utf-8?q?=C3=A4?=\r\nTo: \xc3\xa4@x.example\r\n\r\n",
    "To: a:b@c;\r\n\r\n\r\n..\r\n",
};

static struct server server;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t said[sizeof hello + MOST_INPUT];
    static unsigned runs;
    if (size == 0 || size > MOST_INPUT)
        return 0;
    if (server.loop == NULL)
        world_start(&server);
    if (runs++ % FILL_EVERY == 0) { /* sessions delete */
        world_reset(&server);
        world_fill(&server, messages, sizeof messages / sizeof *messages);
    }
    size_t n = data[0] % 4 != 0 ? sizeof hello - 1 : 0;
    memcpy(said, hello, n);
    memcpy(said + n, data + 1, size - 1);
    world_session(&server, SERVICE_POP3, &pop3_protocol, said, n + size - 1);
    return 0;
}
