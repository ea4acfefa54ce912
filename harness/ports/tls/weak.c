/* Suites that nobody should have, a kind at a time: one hello that offers nothing else is enough to
 * know whether one is there. K02 to K08. RFC 9325, 4.1. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "ports/dial/dial.h"
#include "ports/dial/suites.h"
#include "ports/rooms.h"

enum { KINDS = 7, SUITES_MOST = 200 };

static bool is_kind(const struct suite *s, enum check_id id)
{
    switch (id) {
    case CHECK_K02:
        return (s->flags & SUITE_NULL) != 0;
    case CHECK_K03:
        return (s->flags & SUITE_RC4) != 0 && s->family != FAMILY_ANON;
    case CHECK_K04:
        return (s->flags & SUITE_WEAK) != 0 && s->family != FAMILY_ANON;
    case CHECK_K05:
        return s->family == FAMILY_ANON && (s->flags & SUITE_NULL) == 0;
    case CHECK_K06:
        return (s->flags & SUITE_OLD) != 0 && (s->flags & SUITE_WEAK) == 0 &&
               s->family != FAMILY_ANON;
    case CHECK_K07:
        return s->family == FAMILY_RSA &&
               (s->flags & (SUITE_NULL | SUITE_RC4 | SUITE_WEAK | SUITE_OLD)) == 0;
    case CHECK_K08:
        return s->family == FAMILY_STATIC_DH &&
               (s->flags & (SUITE_NULL | SUITE_RC4 | SUITE_WEAK)) == 0;
    default:
        return false;
    }
}

static const enum check_id kinds[KINDS] = {CHECK_K02, CHECK_K03, CHECK_K04, CHECK_K05,
                                           CHECK_K06, CHECK_K07, CHECK_K08};

static void say(struct port *p, enum check_id id, const struct answer *a)
{
    char words[128];
    answer_words(a, words, sizeof words);
    if (id == CHECK_K05 && p->mx)
        /* To a stranger who would otherwise send in clear, an anonymous key is no worse: RFC
         * 7672, 8.2. */
        port_fact(p, id, NULL, "accepted, as opportunistic TLS may: %s", words);
    else
        port_bad(p, id, NULL, "accepted: %s", words);
    dial_shows(p, id, dial_last(p));
}

static bool accepted(const struct answer *a)
{
    return a->kind == ANSWER_SERVER;
}

static bool refused(const struct answer *a)
{
    return a->kind == ANSWER_ALERT || a->kind == ANSWER_CLOSED || a->kind == ANSWER_RESET;
}

static size_t gather(const struct port *p, bool (*wanted)(const struct port *, enum check_id),
                     enum check_id only, int version, uint16_t *out)
{
    size_t n, used = 0;
    const struct suite *all = suites_all(&n);
    for (size_t i = 0; i < n && used < SUITES_MOST; i++)
        for (size_t k = 0; k < KINDS; k++)
            if ((only == CHECKS || kinds[k] == only) && is_kind(&all[i], kinds[k]) &&
                wanted(p, kinds[k]) &&
                (version >= TLS_V_12 ||
                 ((all[i].flags & SUITE_AEAD) == 0 && strstr(all[i].name, "SHA256") == NULL &&
                  strstr(all[i].name, "SHA384") == NULL))) {
                out[used++] = all[i].code;
                break;
            }
    return used;
}

static int highest(const struct port *p)
{
    for (int i = 4; i > 0; i--)
        if (p->facts.versions[i])
            return TLS_V_SSL3 + i - 1;
    return 0;
}

/* All kinds in one hello; while one is found it is taken out and the rest is asked again. */
static void together(struct port *p, int version)
{
    uint16_t suites[SUITES_MOST];
    struct hello h;
    for (int round = 0; round < KINDS + 1; round++) {
        struct answer a = {0};
        hello_init(&h, version, p->o->host_is_name ? p->o->host : NULL);
        h.suites = suites;
        h.suites_n = gather(p, port_wants, CHECKS, version, suites);
        if (h.suites_n == 0)
            return;
        (void)dial_ask(p, &h, false, &a);
        if (accepted(&a)) {
            const struct suite *s = suite_of(a.suite);
            bool known = false;
            for (size_t k = 0; s != NULL && k < KINDS; k++)
                if (is_kind(s, kinds[k])) {
                    say(p, kinds[k], &a);
                    known = true;
                }
            if (!known)
                round = KINDS;
        } else {
            if (refused(&a))
                for (size_t k = 0; k < KINDS; k++)
                    if (port_wants(p, kinds[k])) {
                        port_good(p, kinds[k], NULL);
                        dial_shows(p, kinds[k], dial_last(p));
                    }
            round = KINDS;
        }
        answer_clear(&a);
    }
}

void room_weak_suites(struct port *p)
{
    int version = highest(p);
    if (version == 0) {
        if (p->facts.versions[5])
            for (size_t k = 0; k < KINDS; k++)
                port_good(p, kinds[k], NULL);
        return;
    }
    /* A family that makes the server break off must not hide another: at normal depth each kind is
     * asked alone. */
    if (p->o->depth >= DEPTH_NORMAL) {
        uint16_t suites[SUITES_MOST];
        for (size_t k = 0; k < KINDS; k++) {
            struct answer a = {0};
            struct hello h;
            if (!port_wants(p, kinds[k]))
                continue;
            hello_init(&h, version, p->o->host_is_name ? p->o->host : NULL);
            h.suites = suites;
            h.suites_n = gather(p, port_wants, kinds[k], version, suites);
            (void)dial_ask(p, &h, false, &a);
            if (accepted(&a)) {
                say(p, kinds[k], &a);
            } else if (refused(&a)) {
                port_good(p, kinds[k], NULL);
                dial_shows(p, kinds[k], dial_last(p));
            }
            answer_clear(&a);
        }
        return;
    }
    together(p, version);
}
