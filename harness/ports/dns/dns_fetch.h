/* Fetches the policy of MTA-STS from where the user says it is. RFC 8461, 3.3.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_DNS_DNS_FETCH_H
#define HARNESS_PORTS_DNS_DNS_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct fetched {
    int status;     /* of HTTP; 0: none came */
    char type[128]; /* Content-Type */
    char location[256];
    char *body; /* owned, a NUL behind it */
    size_t len;
    bool chain_ok, name_ok;
    char chain_why[128];
};

/* GET https://HOST PATH from this numeric address, within timeout_ms. 0 with whatever came, also if
 * the certificate is wrong: the caller judges. -1 with words when no answer came. Redirects are not
 * followed. fetched_clear afterwards, in both cases. */
int fetch_https(const char *address, uint16_t port, const char *host, const char *path,
                const char *ca_file, int timeout_ms, struct fetched *f, struct err *err);
void fetched_clear(struct fetched *f);

/* Reads one whole HTTP/1 response, of which n bytes came before the end of the connection. */
int fetch_read(const char *bytes, size_t n, struct fetched *f, struct err *err);

/* Reads a file of at most 64 KiB. */
int fetch_file(const char *path, struct fetched *f, struct err *err);

#endif
