/* What stands in the records and the file of MTA-STS and in the record of TLS reporting. Nothing
 * here asks anybody. RFC 8461, RFC 8460. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_DNS_DNS_POLICY_H
#define HARNESS_PORTS_DNS_DNS_POLICY_H

#include "err.h"
#include "ports/dns/dns.h"

enum { POLICY_BYTES_MOST = 64 * 1024, POLICY_MX_MOST = 64 };

enum policy_mode { POLICY_NONE, POLICY_TESTING, POLICY_ENFORCE };

struct policy {
    enum policy_mode mode;
    long max_age;
    char mx[POLICY_MX_MOST][DNS_NAME_SIZE];
    size_t mx_n;
};

/* Of the TXT records at a name those that are of this version ("v=STSv1"): how many, and which is
 * the first. */
size_t policy_records(const struct dns_answer *a, const char *version, const char **first);

/* RFC 8461, 3.1 and RFC 8460, 3: 0, or -1 with what is wrong. */
int policy_sts_record(const char *text, struct err *err);
int policy_report_record(const char *text, struct err *err);

/* RFC 8461, 3.2: the file. 0, or -1 with what is wrong and in which line. */
int policy_read(const char *text, size_t n, struct policy *p, struct err *err);

/* Whether a policy allows mail to go to this MX. RFC 8461, 4.1. */
bool policy_covers(const struct policy *p, const char *mx);

#endif
