/* Which versions of TLS are spoken, asked one by one by hellos made by hand. V.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "ports/dial/dial.h"
#include "ports/dial/suites.h"
#include "ports/rooms.h"

enum { CHUNK = 120 };

/* Suites that servers of any age know, strongest key exchange first, so that one hello is enough to
 * see whether a version is there. */
static size_t any_suites(int version, uint16_t *out, size_t most)
{
    static const enum suite_family order[] = {FAMILY_ECDHE, FAMILY_RSA, FAMILY_DHE, FAMILY_ANON};
    size_t n, used = 0;
    const struct suite *all = suites_all(&n);
    for (size_t f = 0; f < sizeof order / sizeof *order; f++)
        for (size_t i = 0; i < n && used < most; i++) {
            bool old = (all[i].flags & SUITE_AEAD) == 0 && strstr(all[i].name, "SHA256") == NULL &&
                       strstr(all[i].name, "SHA384") == NULL;
            bool usual =
                strstr(all[i].name, "AES") != NULL || strstr(all[i].name, "3DES") != NULL ||
                strstr(all[i].name, "RC4") != NULL || strstr(all[i].name, "CHACHA") != NULL ||
                strstr(all[i].name, "CAMELLIA") != NULL;
            if (all[i].family == order[f] && usual && (version >= TLS_V_12 || old))
                out[used++] = all[i].code;
        }
    return used;
}

static enum answer_kind ask_version(struct port *p, int version, struct answer *a)
{
    static const uint16_t suites13[] = {0x1301, 0x1302, 0x1303, 0x1304, 0x1305};
    uint16_t suites[CHUNK];
    struct hello h;
    hello_init(&h, version, p->o->host_is_name ? p->o->host : NULL);
    h.suites = version == TLS_V_13 ? suites13 : suites;
    h.suites_n = version == TLS_V_13 ? sizeof suites13 / sizeof *suites13
                                     : any_suites(version, suites, CHUNK);
    if (dial_ask(p, &h, false, a) != ANSWER_SERVER && a->kind != ANSWER_RETRY &&
        a->kind != ANSWER_LIMITED && version == TLS_V_12 && a->alert != 70) {
        /* A server that breaks on one family must not hide the version: see K19. */
        size_t n, used = 0;
        const struct suite *all = suites_all(&n);
        answer_clear(a);
        for (size_t i = 0; i < n && used < CHUNK; i++)
            if (all[i].family == FAMILY_ECDHE)
                suites[used++] = all[i].code;
        h.suites_n = used;
        (void)dial_ask(p, &h, false, a);
    }
    return a->kind;
}

static bool spoken(const struct answer *a, int version)
{
    return (a->kind == ANSWER_SERVER || a->kind == ANSWER_RETRY) && a->version == version;
}

static void note(struct port *p, int index, bool is)
{
    p->facts.version_known[index] = true;
    p->facts.versions[index] = is;
}

static void old_version(struct port *p, enum check_id id, int version)
{
    struct answer a = {0};
    char words[128];
    if (!port_wants(p, id) || ask_version(p, version, &a) == ANSWER_LIMITED) {
        answer_clear(&a);
        return;
    }
    bool is = spoken(&a, version);
    answer_words(&a, words, sizeof words);
    note(p, version - TLS_V_SSL3 + 1, is);
    if (a.kind == ANSWER_SILENT)
        port_untested(p, id, "no answer to a hello of %s in time", tls_version_word(version));
    else
        port_judge(p, id, !is, NULL, "accepted: %s", words);
    dial_shows(p, id, dial_last(p));
    if (!is && a.kind == ANSWER_ALERT && version == TLS_V_10)
        port_good(p, CHECK_V11, NULL);
    else if (!is && (a.kind == ANSWER_CLOSED || a.kind == ANSWER_RESET) && version >= TLS_V_10) {
        port_bad(p, CHECK_V11, NULL, "%s after a hello of %s", words, tls_version_word(version));
        dial_shows(p, CHECK_V11, dial_last(p));
    }
    answer_clear(&a);
}

static void ssl2(struct port *p)
{
    struct answer a = {0};
    struct buf b;
    if (!port_wants(p, CHECK_V01))
        return;
    buf_init(&b, 256);
    hello_sslv2(&b);
    enum answer_kind k = dial_ask_bytes(p, &b, false, &a);
    buf_clear(&b);
    if (k == ANSWER_LIMITED)
        return;
    note(p, 0, k == ANSWER_SSL2);
    port_judge(p, CHECK_V01, k != ANSWER_SSL2, NULL,
               "a CLIENT-HELLO of SSL 2 got its SERVER-HELLO");
    dial_shows(p, CHECK_V01, dial_last(p));
    answer_clear(&a);
}

static void version12(struct port *p)
{
    struct answer a = {0};
    char words[128];
    if (!port_wants(p, CHECK_V05) || ask_version(p, TLS_V_12, &a) == ANSWER_LIMITED)
        return;
    bool is = spoken(&a, TLS_V_12);
    answer_words(&a, words, sizeof words);
    note(p, 4, is);
    if (a.kind == ANSWER_SILENT)
        port_untested(p, CHECK_V05, "no answer in time");
    else
        port_judge(p, CHECK_V05, is, NULL, "refused: %s", words);
    dial_shows(p, CHECK_V05, dial_last(p));
    if (is && p->facts.versions[5])
        port_judge(p, CHECK_V09, a.downgrade12, NULL,
                   "the random of a ServerHello of 1.2 does not end in the downgrade mark");
    else if (is)
        port_not_here(p, CHECK_V09, "no TLS 1.3 here");
    if (is) {
        port_judge(p, CHECK_H13, a.ems, NULL, "extended_master_secret is not acknowledged");
        port_judge(p, CHECK_R01, a.renegotiation_info, NULL,
                   "renegotiation_info is not acknowledged");
        dial_shows(p, CHECK_H13, dial_last(p));
        dial_shows(p, CHECK_R01, dial_last(p));
    }
    answer_clear(&a);
}

static void version13(struct port *p)
{
    struct answer a = {0};
    char words[128];
    if (!p->facts.version_known[5] && port_wants(p, CHECK_V06)) {
        if (ask_version(p, TLS_V_13, &a) == ANSWER_LIMITED)
            return;
        note(p, 5, spoken(&a, TLS_V_13));
        answer_words(&a, words, sizeof words);
        port_judge(p, CHECK_V06, p->facts.versions[5], NULL, "refused: %s", words);
        dial_shows(p, CHECK_V06, dial_last(p));
    }
    if (p->facts.versions[5]) {
        port_good(p, CHECK_V06, NULL);
        if (p->found[CHECK_V07].kind == FINDING_NONE && p->facts.best_version[0] != '\0')
            port_bad(p, CHECK_V07, NULL, "%s was picked although 1.3 was offered",
                     p->facts.best_version);
    } else {
        port_not_here(p, CHECK_V07, "no TLS 1.3 here");
    }
    answer_clear(&a);
}

/* A legacy_version beyond 1.2 without supported_versions is a client of the future: 1.2 is the
 * answer, not an error. RFC 8446, 4.1.2. */
static void future(struct port *p)
{
    struct answer a = {0};
    char words[128];
    uint16_t suites[CHUNK];
    struct hello h;
    if (!port_wants(p, CHECK_V08) || !p->facts.versions[4])
        return;
    hello_init(&h, TLS_V_12, p->o->host_is_name ? p->o->host : NULL);
    h.legacy_version = 0x0399;
    h.suites = suites;
    h.suites_n = any_suites(TLS_V_12, suites, CHUNK);
    if (dial_ask(p, &h, false, &a) != ANSWER_LIMITED) {
        answer_words(&a, words, sizeof words);
        port_judge(p, CHECK_V08, spoken(&a, TLS_V_12), NULL, "not answered by 1.2: %s", words);
        dial_shows(p, CHECK_V08, dial_last(p));
    }
    answer_clear(&a);
}

static void fallback(struct port *p)
{
    struct answer a = {0};
    char words[128];
    uint16_t suites[CHUNK];
    struct hello h;
    /* Only a server that could do better can say that the fallback was needless. */
    int low = p->facts.versions[5]                           ? TLS_V_12
              : p->facts.versions[4] && p->facts.versions[3] ? TLS_V_11
                                                             : 0;
    if (!port_wants(p, CHECK_V10))
        return;
    if (low == 0 || (low == TLS_V_12 && !p->facts.versions[4])) {
        port_not_here(p, CHECK_V10, "there is no version to fall back to");
        return;
    }
    hello_init(&h, low, p->o->host_is_name ? p->o->host : NULL);
    h.fallback_scsv = true;
    h.suites = suites;
    h.suites_n = any_suites(low, suites, CHUNK);
    if (dial_ask(p, &h, false, &a) != ANSWER_LIMITED) {
        answer_words(&a, words, sizeof words);
        port_judge(p, CHECK_V10, a.kind == ANSWER_ALERT && a.alert == 86, NULL,
                   "a hello of %s with TLS_FALLBACK_SCSV got: %s", tls_version_word(low), words);
        dial_shows(p, CHECK_V10, dial_last(p));
    }
    answer_clear(&a);
}

void room_versions(struct port *p)
{
    version13(p);
    version12(p);
    old_version(p, CHECK_V03, TLS_V_10);
    old_version(p, CHECK_V04, TLS_V_11);
    old_version(p, CHECK_V02, TLS_V_SSL3);
    ssl2(p);
    future(p);
    fallback(p);
    if (p->found[CHECK_V11].kind == FINDING_NONE && port_wants(p, CHECK_V11)) {
        /* Every version is there: a suite that nobody has makes the negotiation fail. */
        static const uint16_t nobodys[] = {0xfe99};
        struct answer a = {0};
        struct hello h;
        char words[128];
        hello_init(&h, TLS_V_12, p->o->host_is_name ? p->o->host : NULL);
        h.suites = nobodys;
        h.suites_n = 1;
        if (dial_ask(p, &h, false, &a) != ANSWER_LIMITED) {
            answer_words(&a, words, sizeof words);
            port_judge(p, CHECK_V11, a.kind == ANSWER_ALERT, NULL,
                       "%s after a hello without a common suite", words);
            dial_shows(p, CHECK_V11, dial_last(p));
        }
        answer_clear(&a);
    }
}
