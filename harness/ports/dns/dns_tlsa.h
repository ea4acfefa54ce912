/* Whether a TLSA record speaks of the chain that a server showed. RFC 6698, 2.1; RFC 7672, 3.1.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_DNS_DNS_TLSA_H
#define HARNESS_PORTS_DNS_DNS_TLSA_H

#include <openssl/x509.h>

#include "ports/dns/dns.h"

/* What came with the chain. */
struct tlsa_served {
    STACK_OF(X509) * chain; /* as served, the leaf first */
    bool trusted;           /* it leads to an authority that is trusted here: usages 0 and 1 */
    bool name_ok;           /* the leaf names the host: usages 0 to 2 */
    bool mx;                /* SMTP between servers: usages 0 and 1 count for nothing */
};

enum tlsa_outcome {
    TLSA_MATCHES,
    TLSA_OTHER,   /* of another certificate or key */
    TLSA_USELESS, /* its numbers mean nothing, or nothing here */
    TLSA_IN_VAIN  /* it matches, but what goes with its usage does not hold */
};

/* *why (may be NULL): a sentence for all but TLSA_MATCHES. */
enum tlsa_outcome tlsa_judge(const struct dns_record *r, const struct tlsa_served *s,
                             const char **why);

/* "3 1 1 0d5f…" */
void tlsa_words(const struct dns_record *r, char *out, size_t size);

#endif
