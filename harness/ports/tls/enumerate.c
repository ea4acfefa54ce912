/* Every suite and group that a port takes, found by hellos made by hand: the server picks one, it
 * is taken out of the next offer, until nothing is left that it wants. Each key-exchange family is
 * asked for itself: where one is configured but broken (Dovecot without ssl_dh), a hello that lists
 * it kills the handshake, and would hide the others. K01, K09 to K21. SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include "ports/dial/dial.h"
#include "ports/dial/suites.h"
#include "ports/rooms.h"

enum { OFFER_MOST = 120, RESERVE = 6 };

static void begin(const struct port *p, struct hello *h, int version, const uint16_t *suites,
                  size_t n)
{
    hello_init(h, version, p->o->host_is_name ? p->o->host : NULL);
    h->suites = suites;
    h->suites_n = n;
}

static bool took(const struct answer *a)
{
    return a->kind == ANSWER_SERVER || a->kind == ANSWER_RETRY;
}

static bool spent(const struct port *p, int reserve)
{
    return p->limited || (p->o->budget > 0 && p->used + reserve >= p->o->budget);
}

static bool suits(const struct suite *s, int version)
{
    if (version == TLS_V_13)
        return s->family == FAMILY_13;
    if (s->family == FAMILY_13)
        return false;
    return version >= TLS_V_12 ||
           ((s->flags & SUITE_AEAD) == 0 && strstr(s->name, "SHA256") == NULL &&
            strstr(s->name, "SHA384") == NULL);
}

static size_t family_suites(enum suite_family f, int version, uint16_t *out, size_t most)
{
    size_t n, used = 0;
    const struct suite *all = suites_all(&n);
    for (size_t i = 0; i < n && used < most; i++)
        if (all[i].family == f && suits(&all[i], version))
            out[used++] = all[i].code;
    return used;
}

/* Takes suites out one by one until the server wants none of the rest. False: it was cut short. */
static bool eliminate(struct port *p, int version, uint16_t *offer, size_t n)
{
    int index = version - TLS_V_SSL3 + 1;
    while (n > 0) {
        struct answer a = {0};
        struct hello h;
        if (spent(p, RESERVE))
            return false;
        begin(p, &h, version, offer, n);
        enum answer_kind k = dial_ask(p, &h, false, &a);
        uint16_t got = a.suite;
        bool yes = took(&a) && a.version == version;
        answer_clear(&a);
        if (k == ANSWER_LIMITED || k == ANSWER_SILENT)
            return false;
        if (!yes)
            return true;
        size_t i = 0;
        while (i < n && offer[i] != got)
            i++;
        if (i == n)
            return true; /* it picked what was not offered: nothing more can be learnt */
        memmove(offer + i, offer + i + 1, (n - i - 1) * sizeof *offer);
        n--;
        if (p->facts.suites[index].n < PORT_SUITES_MOST)
            p->facts.suites[index].at[p->facts.suites[index].n++] = got;
    }
    return true;
}

static void list_version(struct port *p, int version)
{
    uint16_t offer[OFFER_MOST * 2];
    int index = version - TLS_V_SSL3 + 1;
    bool whole = true;
    if (!p->facts.versions[index])
        return;
    for (int f = 0; f < FAMILIES && whole; f++) {
        size_t n = family_suites((enum suite_family)f, version, offer, OFFER_MOST);
        whole = eliminate(p, version, offer, n);
    }
    p->facts.suites[index].complete = whole;
}

static void list_suites(struct port *p)
{
    static const int order[] = {TLS_V_12, TLS_V_13, TLS_V_10, TLS_V_11, TLS_V_SSL3};
    char words[512] = "";
    bool whole = true;
    if (!port_wants(p, CHECK_K01))
        return;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        int index = order[i] - TLS_V_SSL3 + 1;
        list_version(p, order[i]);
        if (!p->facts.versions[index])
            continue;
        size_t used = strlen(words);
        (void)snprintf(words + used, sizeof words - used, "%s%s: %zu suites%s",
                       used > 0 ? ", " : "", tls_version_word(order[i]), p->facts.suites[index].n,
                       p->facts.suites[index].complete ? "" : " or more, the budget ended");
        whole = whole && p->facts.suites[index].complete;
    }
    if (words[0] != '\0')
        port_fact(p, CHECK_K01, NULL, "%s", words);
}

/* Asks with one offer; the answer stays with the caller. */
static enum answer_kind one(struct port *p, int version, const uint16_t *suites, size_t n,
                            bool flight, struct answer *a)
{
    struct hello h;
    begin(p, &h, version, suites, n);
    return dial_ask(p, &h, flight, a);
}

static void must_have(struct port *p, enum check_id id, int version, uint16_t suite)
{
    struct answer a = {0};
    char words[128];
    int index = version - TLS_V_SSL3 + 1;
    if (!port_wants(p, id))
        return;
    if (!p->facts.versions[index]) {
        port_not_here(p, id, "no %s here", tls_version_word(version));
        return;
    }
    if (one(p, version, &suite, 1, false, &a) != ANSWER_LIMITED) {
        answer_words(&a, words, sizeof words);
        /* An ECDSA certificate cannot be used with an RSA suite: then there is nothing to ask for.
         */
        port_judge(p, id, took(&a), NULL, "refused: %s", words);
        dial_shows(p, id, dial_last(p));
    }
    answer_clear(&a);
}

static void forward_secrecy(struct port *p)
{
    static const uint16_t last[] = {0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f, 0xc030,
                                    0xc02f, 0xc02c, 0xc02b, 0xc014, 0xc013, 0x009f, 0x009e};
    struct answer a = {0};
    char words[128];
    if (!port_wants(p, CHECK_K12))
        return;
    if (!p->facts.versions[4] || p->found[CHECK_K07].kind == FINDING_GOOD) {
        port_good(p, CHECK_K12, NULL);
        return;
    }
    if (one(p, TLS_V_12, last, sizeof last / sizeof *last, false, &a) != ANSWER_LIMITED &&
        took(&a)) {
        const struct suite *s = suite_of(a.suite);
        answer_words(&a, words, sizeof words);
        port_judge(p, CHECK_K12, s != NULL && s->family != FAMILY_RSA, NULL,
                   "static RSA was picked because the client named it first: %s", words);
        dial_shows(p, CHECK_K12, dial_last(p));
    }
    answer_clear(&a);
}

/* Diffie-Hellman: how big, and is it a new value each time? */
static void diffie_hellman(struct port *p)
{
    struct answer a = {0}, b = {0};
    uint16_t offer[OFFER_MOST];
    size_t n = family_suites(FAMILY_DHE, TLS_V_12, offer, OFFER_MOST);
    if (!p->facts.versions[4])
        return;
    if (port_wants(p, CHECK_K13) && one(p, TLS_V_12, offer, n, true, &a) != ANSWER_LIMITED) {
        if (took(&a) && a.dh_bits > 0)
            port_judge(p, CHECK_K13, a.dh_bits >= 2048, NULL, "the group has %d bits", a.dh_bits);
        else if (took(&a))
            port_untested(p, CHECK_K13, "the key exchange could not be read");
        else
            port_not_here(p, CHECK_K13, "no DHE here");
        dial_shows(p, CHECK_K13, dial_last(p));
    }
    /* Anonymous suites may have a group of their own: Postfix has given 1024 bits to 128-bit ones.
     */
    if (p->found[CHECK_K05].kind != FINDING_GOOD && p->found[CHECK_K13].kind != FINDING_BAD &&
        p->found[CHECK_K13].kind != FINDING_NONE && !p->limited) {
        static const uint16_t anonymous[] = {0x0034, 0x006c};
        struct answer c = {0};
        if (one(p, TLS_V_12, anonymous, 2, true, &c) != ANSWER_LIMITED && took(&c) &&
            c.dh_bits > 0 && c.dh_bits < 2048) {
            if (p->mx)
                port_fact(p, CHECK_K13, NULL, "the group of anonymous suites has %d bits",
                          c.dh_bits);
            else
                port_bad(p, CHECK_K13, NULL, "the group of anonymous suites has %d bits",
                         c.dh_bits);
            dial_shows(p, CHECK_K13, dial_last(p));
        }
        answer_clear(&c);
    }
    if (port_wants(p, CHECK_K14)) {
        if (!(took(&a) && a.dh_public_len > 0)) {
            n = family_suites(FAMILY_ECDHE, TLS_V_12, offer, OFFER_MOST);
            (void)one(p, TLS_V_12, offer, n, true, &a);
        }
        (void)one(p, TLS_V_12, offer, n, true, &b);
        if (a.dh_public_len > 0 && b.dh_public_len > 0) {
            port_judge(p, CHECK_K14,
                       a.dh_public_len != b.dh_public_len ||
                           memcmp(a.dh_public, b.dh_public, a.dh_public_len) != 0,
                       NULL, "two connections were given the same public value");
            dial_shows(p, CHECK_K14, dial_last(p));
        } else {
            port_not_here(p, CHECK_K14, "no Diffie-Hellman value was seen");
        }
    }
    answer_clear(&a);
    answer_clear(&b);
}

/* The groups of 1.3: a hello without a key share is answered by a request for one, which costs the
 * server nothing. RFC 8446, 4.1.4. */
static void list_groups(struct port *p)
{
    static const uint16_t suites[] = {0x1301, 0x1302, 0x1303};
    uint16_t offer[PORT_GROUPS_MOST];
    size_t n, used = 0;
    const struct group *all = groups_all(&n);
    bool good = false, hybrid = false, whole = true;
    if (!port_wants(p, CHECK_K15))
        return;
    if (!p->facts.versions[5]) {
        port_not_here(p, CHECK_K15, "no TLS 1.3 here");
        port_not_here(p, CHECK_K16, "no TLS 1.3 here");
        return;
    }
    for (size_t i = 0; i < n && used < PORT_GROUPS_MOST; i++)
        offer[used++] = all[i].code;
    while (used > 0) {
        struct answer a = {0};
        struct hello h;
        if (spent(p, RESERVE)) {
            whole = false;
            break;
        }
        begin(p, &h, TLS_V_13, suites, 3);
        h.groups = offer;
        h.groups_n = used;
        enum answer_kind k = dial_ask(p, &h, false, &a);
        uint16_t got = a.group;
        bool yes = took(&a) && got != 0;
        answer_clear(&a);
        whole = whole && k != ANSWER_LIMITED && k != ANSWER_SILENT;
        size_t at = 0;
        while (at < used && offer[at] != got)
            at++;
        if (!yes || at == used)
            break;
        memmove(offer + at, offer + at + 1, (used - at - 1) * sizeof *offer);
        used--;
        p->facts.groups[p->facts.groups_n++] = got;
        good = good || got == 29 || got == 23;
        hybrid = hybrid || got == 4588;
    }
    p->facts.groups_complete = whole;
    char words[400] = "";
    for (size_t i = 0; i < p->facts.groups_n; i++) {
        const struct group *g = group_of(p->facts.groups[i]);
        size_t have = strlen(words);
        (void)snprintf(words + have, sizeof words - have, "%s%s", have > 0 ? ", " : "",
                       g != NULL ? g->name : "?");
    }
    if (!whole && p->facts.groups_n == 0)
        return;
    if (good || !whole)
        port_fact(p, CHECK_K15, NULL, "%s", words);
    else
        port_bad(p, CHECK_K15, NULL, "neither x25519 nor P-256: %s", words);
    if (hybrid)
        port_good(p, CHECK_K16, NULL);
    else
        port_fact(p, CHECK_K16, NULL, "X25519MLKEM768 is not there");
}

static void weak_curves(struct port *p)
{
    static const uint16_t weak[] = {1, 2, 3, 4, 5, 15, 16, 17, 18, 19};
    struct answer a = {0};
    struct hello h;
    uint16_t offer[OFFER_MOST];
    if (!port_wants(p, CHECK_K17))
        return;
    if (!p->facts.versions[4]) {
        port_not_here(p, CHECK_K17, "no TLS 1.2 here");
        return;
    }
    begin(p, &h, TLS_V_12, offer, family_suites(FAMILY_ECDHE, TLS_V_12, offer, OFFER_MOST));
    h.groups = weak;
    h.groups_n = sizeof weak / sizeof *weak;
    if (dial_ask(p, &h, true, &a) != ANSWER_LIMITED) {
        const struct group *g = group_of(a.group);
        port_judge(p, CHECK_K17, !took(&a), NULL, "%s was used",
                   g != NULL ? g->name : "a weak curve");
        dial_shows(p, CHECK_K17, dial_last(p));
    }
    answer_clear(&a);
}

static void weak_signatures(struct port *p)
{
    static const uint16_t weak[] = {0x0201, 0x0203, 0x0101, 0x0103};
    struct answer a = {0};
    struct hello h;
    uint16_t offer[OFFER_MOST];
    if (!port_wants(p, CHECK_K18))
        return;
    if (!p->facts.versions[4]) {
        port_not_here(p, CHECK_K18, "no TLS 1.2 here");
        return;
    }
    begin(p, &h, TLS_V_12, offer, family_suites(FAMILY_ECDHE, TLS_V_12, offer, OFFER_MOST));
    h.sigalgs = weak;
    h.sigalgs_n = sizeof weak / sizeof *weak;
    if (dial_ask(p, &h, true, &a) != ANSWER_LIMITED) {
        port_judge(p, CHECK_K18, !(took(&a) && a.done), NULL,
                   "the key exchange was signed although only SHA-1 and MD5 were offered");
        dial_shows(p, CHECK_K18, dial_last(p));
    }
    answer_clear(&a);
}

/* A broken family first, a good suite behind it: a server that breaks hides its good side from
 * every client that lists the other first. */
static void broken_families(struct port *p)
{
    static const enum suite_family order[] = {FAMILY_DHE, FAMILY_RSA, FAMILY_PSK, FAMILY_ANON,
                                              FAMILY_STATIC_DH};
    uint16_t offer[OFFER_MOST + 8];
    struct answer a = {0};
    char words[128];
    if (!port_wants(p, CHECK_K19) || !p->facts.versions[4])
        return;
    size_t good = family_suites(FAMILY_ECDHE, TLS_V_12, offer, OFFER_MOST);
    bool ecdhe = one(p, TLS_V_12, offer, good, true, &a) == ANSWER_SERVER && a.done;
    answer_clear(&a);
    for (size_t f = 0; ecdhe && f < sizeof order / sizeof *order && port_wants(p, CHECK_K19); f++) {
        size_t n = family_suites(order[f], TLS_V_12, offer, OFFER_MOST);
        static const uint16_t usual[] = {0xc030, 0xc02f, 0xc02c, 0xc02b,
                                         0xc028, 0xc027, 0xc014, 0xc013};
        if (n > OFFER_MOST - 8)
            n = OFFER_MOST - 8;
        memcpy(offer + n, usual, sizeof usual);
        enum answer_kind k = one(p, TLS_V_12, offer, n + 8, true, &a);
        if (k == ANSWER_LIMITED)
            break;
        answer_words(&a, words, sizeof words);
        bool finished = took(&a) && a.done;
        if (!finished)
            port_bad(p, CHECK_K19, NULL,
                     "a hello that lists %s before ECDHE fails (%s), although ECDHE works",
                     suite_family_word(order[f]), words);
        dial_shows(p, CHECK_K19, dial_last(p));
        answer_clear(&a);
    }
    if (ecdhe && !p->limited)
        port_good(p, CHECK_K19, NULL);
    answer_clear(&a);
}

static void many_suites(struct port *p)
{
    uint16_t offer[300];
    size_t n, used = 0;
    const struct suite *all = suites_all(&n);
    struct answer a = {0};
    char words[128];
    static const uint16_t usual[] = {0xc030, 0xc02f, 0xc02c, 0xc02b,
                                     0xc014, 0xc013, 0x009c, 0x002f};
    if (!port_wants(p, CHECK_K20) || !p->facts.versions[4])
        return;
    memcpy(offer, usual, sizeof usual);
    used = 8;
    for (size_t i = 0; i < n && used < 200; i++)
        if (all[i].family == FAMILY_PSK || all[i].family == FAMILY_OTHER ||
            all[i].family == FAMILY_STATIC_DH || all[i].family == FAMILY_ECDHE)
            offer[used++] = all[i].code;
    if (one(p, TLS_V_12, offer, used, false, &a) != ANSWER_LIMITED) {
        int shown = dial_last(p);
        bool taken = took(&a);
        answer_words(&a, words, sizeof words);
        /* Is it their number? The first of them alone tell. */
        if (!taken && one(p, TLS_V_12, offer, 8, false, &a) != ANSWER_LIMITED && !took(&a))
            port_not_here(p, CHECK_K20, "none of the usual suites is here");
        else if (taken || a.kind != ANSWER_LIMITED)
            port_judge(p, CHECK_K20, taken, NULL, "a hello with %zu suites got: %s", used, words);
        dial_shows(p, CHECK_K20, shown);
    }
    answer_clear(&a);
}

/* CBC with and without encrypt-then-MAC, and the HMAC that nobody should cut short. */
static void cbc(struct port *p)
{
    uint16_t offer[OFFER_MOST];
    size_t n, used = 0;
    const struct suite *all = suites_all(&n);
    struct answer a = {0};
    struct hello h;
    if (!port_wants(p, CHECK_K09) || !p->facts.versions[4])
        return;
    for (size_t i = 0; i < n && used < OFFER_MOST; i++)
        if ((all[i].flags & SUITE_CBC) != 0 && (all[i].flags & (SUITE_WEAK | SUITE_NULL)) == 0 &&
            (all[i].family == FAMILY_ECDHE || all[i].family == FAMILY_RSA))
            offer[used++] = all[i].code;
    begin(p, &h, TLS_V_12, offer, used);
    h.etm = true;
    h.truncated_hmac = true;
    if (dial_ask(p, &h, false, &a) != ANSWER_LIMITED) {
        if (took(&a)) {
            port_judge(p, CHECK_K09, a.etm, NULL,
                       "a CBC suite is taken without encrypt-then-MAC: %s",
                       suite_of(a.suite) != NULL ? suite_of(a.suite)->name : "?");
            port_judge(p, CHECK_H14, a.etm, NULL, "encrypt_then_mac is not acknowledged");
        } else {
            port_good(p, CHECK_K09, NULL);
            port_not_here(p, CHECK_H14, "no CBC suite here");
        }
        port_judge(p, CHECK_K21, !a.truncated_hmac, NULL, "truncated_hmac is acknowledged");
        for (size_t i = 0; i < 3; i++)
            dial_shows(p, (const enum check_id[]){CHECK_K09, CHECK_H14, CHECK_K21}[i],
                       dial_last(p));
    }
    answer_clear(&a);
}

void room_suites(struct port *p)
{
    if (p->o->depth < DEPTH_NORMAL)
        return;
    if (!p->facts.versions[4]) {
        static const enum check_id only12[] = {CHECK_K09, CHECK_K12, CHECK_K13, CHECK_K14,
                                               CHECK_K19, CHECK_K20, CHECK_K21, CHECK_H14};
        for (size_t i = 0; i < sizeof only12 / sizeof *only12; i++)
            if (p->facts.version_known[4])
                port_not_here(p, only12[i], "no TLS 1.2 here");
    }
    if (port_wants(p, CHECK_K10) && p->facts.have_leaf && !p->facts.leaf_rsa)
        port_not_here(p, CHECK_K10,
                      "the certificate has no RSA key, with which alone the suite works");
    if (port_applies(p, CHECK_K10))
        must_have(p, CHECK_K10, TLS_V_12, 0xc02f);
    must_have(p, CHECK_K11, TLS_V_13, 0x1301);
    forward_secrecy(p);
    diffie_hellman(p);
    weak_curves(p);
    weak_signatures(p);
    broken_families(p);
    many_suites(p);
    cbc(p);
    list_groups(p);
    list_suites(p);
}
