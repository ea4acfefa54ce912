/* Where mail for a domain goes: hosts in the order in which they are to be tried. RFC 5321, 5.1;
 * RFC 7505. SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_ROUTE_H
#define SERVER_QUEUE_ROUTE_H

#include "dns/dns.h"
#include "queue/client/client.h"

enum { ROUTE_HOSTS = 16 };

struct route_host {
    char name[DNS_NAME_MAX + 1]; /* of a literal: the address */
    unsigned preference;
};

struct route {
    struct route_host hosts[ROUTE_HOSTS];
    size_t count;
    bool literal;                  /* the domain is an address */
    bool secure;                   /* the way to the hosts' names is validated by DNSSEC */
    struct client_outcome trouble; /* count 0: why there is nowhere to go */
};

/* From the answer to the question for MX. own: our host's name, which ends loops. random: a number
 * that orders hosts of equal preference. */
void route_from_mx(struct route *r, const char *domain, const struct dns_answer *mx,
                   const char *own, unsigned random);
/* "[192.0.2.1]", "[IPv6:2001:db8::1]": the route to that address. False: the domain is no literal.
 */
bool route_from_literal(struct route *r, const char *domain);

#endif
