/* Questions to the DNS for the domain's records, one at a time, through libunbound: from zone files
 * that the user has, or through a resolver that the user names. Signatures are validated here. With
 * neither of them nothing is asked, and with zone files alone nothing reaches a network: a name
 * outside of them is DNS_ELSEWHERE. RFC 4035 (validation), RFC 6698, RFC 8659.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_DNS_DNS_H
#define HARNESS_PORTS_DNS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct dns;

enum dns_type {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_SRV = 33,
    DNS_TLSA = 52,
    DNS_CAA = 257
};

enum dns_state {
    DNS_FOUND,    /* there are records */
    DNS_NODATA,   /* the name is there without such a record */
    DNS_NXDOMAIN, /* there is no such name */
    DNS_FAILED,   /* no answer in time, SERVFAIL, a signature that is wrong: why says it */
    DNS_ELSEWHERE /* not in the zone files, and there is no resolver */
};

enum { DNS_NAME_SIZE = 256, DNS_RECORDS_MOST = 64, DNS_ZONES_MOST = 16 };

/* One record, read. What its type does not have is zero. */
struct dns_record {
    unsigned preference, weight, port;  /* MX and SRV (its priority stands in preference) */
    unsigned usage, selector, matching; /* TLSA */
    unsigned flags;                     /* CAA */
    char tag[16];                       /* CAA */
    char name[DNS_NAME_SIZE];           /* MX, SRV, CNAME: no final dot; "" is the root */
    unsigned char *data;                /* address, TXT strings put together, TLSA data, CAA
                                           value; owned, a NUL behind it */
    size_t len;
};

struct dns_answer {
    enum dns_state state;
    bool secure;               /* validated, every alias on the way included */
    bool bogus;                /* DNS_FAILED because the signatures are wrong */
    char alias[DNS_NAME_SIZE]; /* where aliases led to; "": there were none */
    char why[256];             /* of DNS_FAILED */
    struct dns_record at[DNS_RECORDS_MOST];
    size_t n;
};

struct dns_options {
    const char *resolver;     /* ADDRESS[:PORT], [ADDRESS]:PORT; NULL: none */
    const char *const *zones; /* master files, each with its SOA record */
    size_t zones_n;
    const char
        *anchor;    /* file with DS or DNSKEY records; NULL: those of the root, with a resolver */
    int timeout_ms; /* for one question */
};

/* *o has to live as long as the dns. -1 with words: no such file, no SOA in it, an address that is
 * none. */
int dns_open(const struct dns_options *o, struct dns **out, struct err *err);
void dns_close(struct dns *d);

/* Whether it can tell signed from unsigned at all. */
bool dns_validates(const struct dns *d);

/* Asks and waits. Records that cannot be read are left out. Call dns_answer_clear afterwards. */
void dns_ask(struct dns *d, const char *name, enum dns_type type, struct dns_answer *a);
void dns_answer_clear(struct dns_answer *a);

/* "there is no such name", "no such record", …; for DNS_FAILED why. */
const char *dns_state_words(const struct dns_answer *a);

/* Reads the data of one record; -1: it is none of that type. dns_record_clear frees it. */
int dns_record_read(enum dns_type type, const unsigned char *p, size_t n, struct dns_record *r);
void dns_record_clear(struct dns_record *r);

/* "ADDRESS[:PORT]" or "[ADDRESS]:PORT", numeric: -1 when it is none. port keeps its value when none
 * is given. */
int dns_parse_address(const char *text, char *host, size_t size, uint16_t *port);

#endif
