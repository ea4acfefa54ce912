/* Fuzzes headers of the PROXY protocol: the outcome does not depend on how many bytes are there
 * beyond the header, nothing beyond them is asked for, and addresses are addresses.
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "net/proxy.h"
#include "target.h"

static void check_address(const char *text)
{
    unsigned char binary[16];
    if (inet_pton(strchr(text, ':') != NULL ? AF_INET6 : AF_INET, text, binary) != 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum proxy_step last = PROXY_MORE;
    size_t used = 0;
    if (size == 0 || size > PROXY_MOST)
        return 0;
    for (size_t have = 1; have <= size; have++) {
        struct ends e = {.peer_port = 0};
        const char *why = NULL;
        bool own = false;
        size_t now = 0;
        /* A copy of just these bytes: a sanitizer sees who looks further. */
        uint8_t *copy = malloc(have);
        if (copy == NULL)
            abort();
        memcpy(copy, data, have);
        enum proxy_step step = proxy_parse(copy, have, &e, &own, &now, &why);
        free(copy);
        if (last != PROXY_MORE && step != last)
            abort();
        if (step == PROXY_WRONG && why == NULL)
            abort();
        if (step == PROXY_DONE) {
            if (now == 0 || now > have || (used != 0 && used != now))
                abort();
            used = now;
            if (!own) {
                check_address(e.peer);
                check_address(e.local);
            }
        }
        last = step;
    }
    return 0;
}
