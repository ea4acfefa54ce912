/* What the numbers of TLS mean: cipher suites, named groups, versions.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_DIAL_SUITES_H
#define HARNESS_PORTS_DIAL_SUITES_H

#include <stddef.h>
#include <stdint.h>

enum {
    TLS_V_SSL3 = 0x0300,
    TLS_V_10 = 0x0301,
    TLS_V_11 = 0x0302,
    TLS_V_12 = 0x0303,
    TLS_V_13 = 0x0304
};

/* The families in which suites are enumerated: a server that cannot do one of them, and breaks,
 * must not hide the others. */
enum suite_family {
    FAMILY_ECDHE,
    FAMILY_DHE,
    FAMILY_RSA,
    FAMILY_STATIC_DH,
    FAMILY_ANON,
    FAMILY_PSK,
    FAMILY_OTHER,
    FAMILY_13,
    FAMILIES
};

enum suite_flag {
    SUITE_NULL = 1, /* no encryption */
    SUITE_RC4 = 2,
    SUITE_WEAK = 4, /* export, DES, RC2: under 112 bits */
    SUITE_OLD = 8,  /* 3DES, IDEA, SEED: blocks of 64 bits or given up */
    SUITE_CBC = 16,
    SUITE_AEAD = 32,
    SUITE_ECDSA = 64,
    SUITE_DSS = 128
};

struct suite {
    uint16_t code;
    const char *name;
    enum suite_family family;
    unsigned flags;
};

/* All of them; the first call makes the table, so make it before threads start. */
const struct suite *suites_all(size_t *n);
const struct suite *suite_of(uint16_t code); /* NULL when it has no name here */
const char *suite_family_word(enum suite_family f);

struct group {
    uint16_t code;
    const char *name;
    int bits; /* of the field; for ML-KEM hybrids those of the curve */
};
const struct group *groups_all(size_t *n);
const struct group *group_of(uint16_t code);

const char *tls_version_word(int version); /* "TLS 1.2" */

#endif
