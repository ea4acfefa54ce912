/* Fuzzes a session of mailproofd's SMTP, submission or LMTP: the first byte chooses, the others are
 * what a client says. The server has to survive it, and to end the session once the client has.
 * SPDX-License-Identifier: MIT */
#include "server_world.h"

enum { MOST_INPUT = 100000, RESET_EVERY = 500 };

static struct server server;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum service services[] = {SERVICE_SMTP, SERVICE_SUBMISSION, SERVICE_LMTP};
    static unsigned runs;
    if (size == 0 || size > MOST_INPUT)
        return 0;
    if (server.loop == NULL) {
        world_start(&server);
        server.limits.message_bytes = 5000; /* within reach of an input */
        server.limits.smtp_line_bytes = 1024;
    }
    if (++runs % RESET_EVERY == 0)
        world_reset(&server);
    world_session(&server, services[data[0] % 3], &smtp_protocol, data + 1, size - 1);
    return 0;
}
