/* Fuzzes an IMAP session of mailproofd: the input is what a client says after it has logged in and
 * selected INBOX. The server has to survive it, and to end the session once the client has.
 * SPDX-License-Identifier: MIT */
#include "server_world.h"

enum { MOST_INPUT = 100000, RESET_EVERY = 200 };

static const char hello[] = "a LOGIN u p\r\nb SELECT INBOX\r\n";
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t said[sizeof hello + MOST_INPUT];
    static unsigned runs;
    if (size > MOST_INPUT)
        return 0;
    if (server.loop == NULL)
        world_start(&server);
    if (runs++ % RESET_EVERY == 0) {
        world_reset(&server);
        world_fill(&server, messages, sizeof messages / sizeof *messages);
    }
    memcpy(said, hello, sizeof hello - 1);
    if (size > 0)
        memcpy(said + sizeof hello - 1, data, size);
    world_session(&server, SERVICE_IMAP, &imap_protocol, said, sizeof hello - 1 + size);
    return 0;
}
