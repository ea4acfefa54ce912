/* Reads families and weaknesses of the cipher suites out of their names.
 * SPDX-License-Identifier: MIT */
#include "ports/dial/suites.h"

#include <stdbool.h>
#include <string.h>

static struct suite table[] = {
#define SUITE(code, name) {code, name, FAMILY_OTHER, 0},
#include "ports/dial/suites.def"
#undef SUITE
};
enum { SUITES = sizeof table / sizeof *table };

static const struct group groups[] = {
    {1, "sect163k1", 163},
    {2, "sect163r1", 163},
    {3, "sect163r2", 163},
    {4, "sect193r1", 193},
    {5, "sect193r2", 193},
    {6, "sect233k1", 233},
    {7, "sect233r1", 233},
    {8, "sect239k1", 239},
    {9, "sect283k1", 283},
    {10, "sect283r1", 283},
    {11, "sect409k1", 409},
    {12, "sect409r1", 409},
    {13, "sect571k1", 571},
    {14, "sect571r1", 571},
    {15, "secp160k1", 160},
    {16, "secp160r1", 160},
    {17, "secp160r2", 160},
    {18, "secp192k1", 192},
    {19, "secp192r1", 192},
    {20, "secp224k1", 224},
    {21, "secp224r1", 224},
    {22, "secp256k1", 256},
    {23, "secp256r1", 256},
    {24, "secp384r1", 384},
    {25, "secp521r1", 521},
    {26, "brainpoolP256r1", 256},
    {27, "brainpoolP384r1", 384},
    {28, "brainpoolP512r1", 512},
    {29, "x25519", 255},
    {30, "x448", 448},
    {31, "brainpoolP256r1tls13", 256},
    {32, "brainpoolP384r1tls13", 384},
    {33, "brainpoolP512r1tls13", 512},
    {41, "curveSM2", 256},
    {256, "ffdhe2048", 2048},
    {257, "ffdhe3072", 3072},
    {258, "ffdhe4096", 4096},
    {259, "ffdhe6144", 6144},
    {260, "ffdhe8192", 8192},
    {4587, "SecP256r1MLKEM768", 256},
    {4588, "X25519MLKEM768", 255},
    {4589, "SecP384r1MLKEM1024", 384},
};
enum { GROUPS = sizeof groups / sizeof *groups };

static bool has(const char *name, const char *part)
{
    return strstr(name, part) != NULL;
}

static enum suite_family family_of(const struct suite *s)
{
    const char *n = s->name;
    if (!has(n, "_WITH_"))
        return (s->code >> 8) == 0x13 || s->code == 0xc6 || s->code == 0xc7 ? FAMILY_13
                                                                            : FAMILY_OTHER;
    if (has(n, "_anon_"))
        return FAMILY_ANON;
    if (has(n, "PSK") || has(n, "_SRP_"))
        return FAMILY_PSK;
    if (has(n, "_ECDHE_"))
        return FAMILY_ECDHE;
    if (has(n, "_DHE_"))
        return FAMILY_DHE;
    if (has(n, "_ECDH_") || has(n, "_DH_"))
        return FAMILY_STATIC_DH;
    if (strncmp(n, "TLS_RSA_", 8) == 0 || strncmp(n, "SSL_RSA_", 8) == 0)
        return FAMILY_RSA;
    return FAMILY_OTHER;
}

static unsigned flags_of(const char *n)
{
    unsigned f = 0;
    if (has(n, "WITH_NULL"))
        f |= SUITE_NULL;
    if (has(n, "_RC4_"))
        f |= SUITE_RC4;
    if (has(n, "EXPORT") || has(n, "_DES_CBC") || has(n, "DES40") || has(n, "_RC2_") ||
        has(n, "_40_"))
        f |= SUITE_WEAK;
    if (has(n, "3DES") || has(n, "IDEA") || has(n, "SEED"))
        f |= SUITE_OLD;
    if (has(n, "_CBC"))
        f |= SUITE_CBC;
    if (has(n, "GCM") || has(n, "CCM") || has(n, "POLY1305"))
        f |= SUITE_AEAD;
    if (has(n, "_ECDSA_"))
        f |= SUITE_ECDSA;
    if (has(n, "_DSS_"))
        f |= SUITE_DSS;
    return f;
}

const struct suite *suites_all(size_t *n)
{
    static bool made;
    if (!made) {
        for (size_t i = 0; i < SUITES; i++) {
            table[i].family = family_of(&table[i]);
            table[i].flags = flags_of(table[i].name);
        }
        made = true;
    }
    *n = SUITES;
    return table;
}

const struct suite *suite_of(uint16_t code)
{
    size_t n;
    const struct suite *all = suites_all(&n);
    for (size_t i = 0; i < n; i++)
        if (all[i].code == code)
            return &all[i];
    return NULL;
}

const char *suite_family_word(enum suite_family f)
{
    static const char *const words[FAMILIES] = {"ECDHE",     "DHE", "RSA",   "static DH",
                                                "anonymous", "PSK", "other", "TLS 1.3"};
    return words[f];
}

const struct group *groups_all(size_t *n)
{
    *n = GROUPS;
    return groups;
}

const struct group *group_of(uint16_t code)
{
    for (size_t i = 0; i < GROUPS; i++)
        if (groups[i].code == code)
            return &groups[i];
    return NULL;
}

const char *tls_version_word(int version)
{
    switch (version) {
    case 0x0002:
        return "SSL 2";
    case TLS_V_SSL3:
        return "SSL 3";
    case TLS_V_10:
        return "TLS 1.0";
    case TLS_V_11:
        return "TLS 1.1";
    case TLS_V_12:
        return "TLS 1.2";
    case TLS_V_13:
        return "TLS 1.3";
    default:
        return "an unknown version";
    }
}
