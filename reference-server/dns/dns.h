/* Questions to the DNS, answered on the loop thread: through libunbound, from records that a zone
 * file or the control socket gave, or from a resolver. Without a resolver nothing ever reaches the
 * network: names that nobody gave do not exist.
 *
 * A zone file holds one record a line, "name [ttl] [IN] type data" with full names, comments behind
 * ";" and directives:
 *   $FAIL name [type]    questions for it fail, as with a SERVFAIL
 *   $SECURE name         answers for it and for what is below it count as signed and validated
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_DNS_DNS_H
#define SERVER_DNS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct dns;
struct loop;

enum dns_type { DNS_A = 1, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_TLSA = 52 };

enum dns_status {
    DNS_OK,       /* there are records */
    DNS_NODATA,   /* the name exists and has no record of that type */
    DNS_NXDOMAIN, /* there is no such name */
    DNS_FAILED,   /* no answer, SERVFAIL, a bogus signature, aliases in a circle: try later */
};

enum { DNS_NAME_MAX = 255, DNS_RECORDS_MAX = 64, DNS_ALIASES_MAX = 8 };

/* One record. A, AAAA and TLSA are their bytes; TXT its strings put together; MX preference and
 * name, without the final dot ("" is the root: RFC 7505). */
struct dns_record {
    unsigned preference;
    char name[DNS_NAME_MAX + 1];
    unsigned char *bytes; /* NUL-terminated besides */
    size_t len;
};

struct dns_answer {
    enum dns_status status;
    bool secure;      /* validated by DNSSEC, all aliases on the way included */
    const char *name; /* where the aliases led to */
    const struct dns_record *records;
    size_t count;
};

typedef void dns_done(void *arg, const struct dns_answer *answer);

struct dns_options {
    struct loop *loop;
    const char *zone;     /* file, or NULL */
    const char *resolver; /* numeric address, or address@port; NULL: ask nobody */
    const char *anchor;   /* file with trust anchors, or NULL */
};

int dns_open(const struct dns_options *o, struct dns **out, struct err *err);
void dns_close(struct dns *d); /* open questions are forgotten: their done is not called */

/* One line of a zone. -1: it is none. */
int dns_add(struct dns *d, const char *line, struct err *err);
/* Takes away everything about a name that dns_add gave. */
void dns_remove(struct dns *d, const char *name);
/* Takes away everything that was given, and what was asked. */
void dns_clear(struct dns *d);

/* What was given, as lines for dns_add: malloc'd texts, *count of them; and those in the place of
 * what is there now. */
char **dns_keep(const struct dns *d, size_t *count);
int dns_bring_back(struct dns *d, char *const *lines, size_t count, struct err *err);

/* done is called once, later, never from inside this call. The answer is valid during that call. */
struct dns_query *dns_ask(struct dns *d, const char *name, enum dns_type type, dns_done *done,
                          void *arg);
void dns_cancel(struct dns_query *q); /* NULL: nothing happens; after done: not allowed */
size_t dns_pending(const struct dns *d);

/* What was asked, oldest first, "mx.example MX"; the last thousand. */
size_t dns_asked_count(const struct dns *d);
const char *dns_asked(const struct dns *d, size_t i);

#endif
