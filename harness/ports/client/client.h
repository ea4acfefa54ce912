/* Group U: a client is run again and again against a server that is wrong in one way each time,
 * and what it then does on the wire is the verdict. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_CLIENT_CLIENT_H
#define HARNESS_PORTS_CLIENT_CLIENT_H

#include "err.h"
#include "ports/host.h"

struct client_options {
    const char *command; /* for the shell, with {host} {port} {ca} {user} {password} {domain} … */
    enum port_protocol protocol;
    bool mta;            /* it delivers to a domain, and finds its next host by MX */
    enum port_mode mode; /* how its TLS begins; MODE_CLEAR: STARTTLS */
    const char *user, *password;
    int run_ms; /* the most that one run may take */
};

/* Fills h with the findings of group U. h has no ports; what was said stands in h->client. -1 with
 * words when the client does not even come through with a server that is right, or could not be
 * started. */
int client_examine(struct host *h, const struct client_options *o, struct err *err);

/* "smtp", "imap/implicit", "mx": -1 with words. */
int client_parse_protocol(const char *text, struct client_options *o, struct err *err);

#endif
