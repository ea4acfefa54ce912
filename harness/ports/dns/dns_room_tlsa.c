/* TLSA records of the host's ports, held against the chain that each of its addresses serves. D02
 * to D06. RFC 7672, RFC 7671, RFC 8314 4.5. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "ports/dns/dns_room.h"
#include "ports/dns/dns_tlsa.h"

struct tally {
    int asked, found, failed;
    struct sentence usage, match, sign, next, start, missing, why;
    bool bogus;  /* a set has wrong signatures */
    bool untold; /* a set was there, but nothing was served to compare it with */
};

/* Mail between servers goes to 25, whatever stands for it here. */
static unsigned number_of(const struct port *p)
{
    return p->mx ? 25 : p->port;
}

/* Whether one of the records speaks of what this address serves; the first reason why not. */
static bool matches(const struct dns_answer *a, const struct port *p, STACK_OF(X509) * chain,
                    const char **why)
{
    struct tlsa_served served = {
        .chain = chain, .trusted = p->facts.chain_ok, .name_ok = p->facts.name_ok, .mx = p->mx};
    *why = NULL;
    for (size_t i = 0; i < a->n; i++) {
        const char *reason = NULL;
        enum tlsa_outcome o = tlsa_judge(&a->at[i], &served, &reason);
        if (o == TLSA_MATCHES)
            return true;
        if (*why == NULL || o == TLSA_IN_VAIN)
            *why = reason;
    }
    return false;
}

/* RFC 7671, 8.1: a record that is of the next key, or of an authority that will sign it. */
static bool ready_for_next(const struct dns_answer *a, const struct port *p)
{
    struct tlsa_served served = {
        .chain = p->chain, .trusted = p->facts.chain_ok, .name_ok = p->facts.name_ok, .mx = p->mx};
    size_t good = 0;
    bool other = false;
    for (size_t i = 0; i < a->n; i++) {
        enum tlsa_outcome o = tlsa_judge(&a->at[i], &served, NULL);
        good += o == TLSA_MATCHES || o == TLSA_OTHER;
        other = other || o == TLSA_OTHER || (o == TLSA_MATCHES && a->at[i].usage == 2);
    }
    return good > 1 && other;
}

static void one_set(struct host *h, const struct port *p, const char *name,
                    const struct dns_answer *a, struct tally *t)
{
    size_t each = h->addresses_n > 0 ? h->n / h->addresses_n : 0;
    bool told = false;
    char words[64];
    for (size_t i = 0; i < a->n && p->mx; i++)
        if (a->at[i].usage < 2) {
            tlsa_words(&a->at[i], words, sizeof words);
            sentence_add(&t->usage, "%s has %s", name, words);
        }
    if (!a->secure)
        sentence_add(&t->sign, "%s is not signed", name);
    for (size_t k = (size_t)(p - h->ports); k < h->n && each > 0; k += each) {
        const struct port *q = &h->ports[k];
        const char *why = NULL;
        if (q->state == PORT_OPEN && q->mode == MODE_CLEAR && !q->limited &&
            q->facts.clear_caps[0] != '\0' && !q->facts.starttls_offered)
            sentence_add(&t->start, "%s is there, and %s port %u offers no STARTTLS", name,
                         q->address, q->port);
        if (q->chain == NULL)
            continue;
        told = true;
        if (!matches(a, q, q->chain, &why))
            sentence_add(&t->match, "%s, %s port %u: %s", name, q->address, q->port, why);
        else if (q->other_chain != NULL && !matches(a, q, q->other_chain, &why))
            sentence_add(&t->match, "%s, %s port %u, its second certificate: %s", name, q->address,
                         q->port, why);
        if (k == (size_t)(p - h->ports) && !ready_for_next(a, q))
            sentence_add(&t->next, "%s", name);
    }
    t->untold = t->untold || !told;
}

static void judge(struct host *h, enum check_id id, const struct sentence *bad, const char *words)
{
    if (bad->text[0] != '\0')
        host_find(h, id, FINDING_BAD, "%s%s", words, bad->text);
    else
        host_find(h, id, FINDING_GOOD, "%s", "");
}

void room_tlsa(struct host *h)
{
    static const enum check_id ids[] = {CHECK_D02, CHECK_D03, CHECK_D04, CHECK_D05, CHECK_D06};
    struct tally t = {0};
    size_t each = h->addresses_n > 0 ? h->n / h->addresses_n : 0;
    for (size_t i = 0; i < each; i++) {
        const struct port *p = &h->ports[i];
        struct dns_answer a;
        char name[DNS_NAME_SIZE + 32];
        if (p->state != PORT_OPEN || p->protocol == PROTOCOL_UNKNOWN)
            continue;
        (void)snprintf(name, sizeof name, "_%u._tcp.%s", number_of(p), h->o.host);
        dns_ask(h->o.dns, name, DNS_TLSA, &a);
        t.asked++;
        if (a.state == DNS_FOUND) {
            t.found++;
            one_set(h, p, name, &a, &t);
        } else if (a.state == DNS_FAILED || a.state == DNS_ELSEWHERE) {
            t.failed++;
            t.bogus = t.bogus || a.bogus;
            sentence_add(&t.why, "%s: %s", name, dns_state_words(&a));
        } else {
            sentence_add(&t.missing, "%s", name);
        }
        dns_answer_clear(&a);
    }
    for (size_t i = 0; i < sizeof ids / sizeof *ids && t.found == 0; i++)
        if (t.bogus && ids[i] == CHECK_D04)
            host_find(h, ids[i], FINDING_BAD, "the signatures are wrong: %s", t.why.text);
        else if (t.failed > 0)
            host_find(h, ids[i], FINDING_UNTESTED, "not tested: %s", t.why.text);
        else if (t.asked == 0)
            host_find(h, ids[i], FINDING_UNTESTED, "not tested: no port was reached");
        else
            host_find(h, ids[i], FINDING_NOT_HERE, "no TLSA record: %s", t.missing.text);
    if (t.found == 0)
        return;
    judge(h, CHECK_D02, &t.usage, "");
    judge(h, CHECK_D06, &t.start, "");
    if (t.untold && t.match.text[0] == '\0')
        host_find(h, CHECK_D03, FINDING_UNTESTED, "not tested: no certificate was seen");
    else
        judge(h, CHECK_D03, &t.match, "no record matches what is served: ");
    if (!dns_validates(h->o.dns))
        host_find(h, CHECK_D04, FINDING_UNTESTED,
                  "not tested: signatures cannot be validated without --trust-anchor FILE");
    else
        judge(h, CHECK_D04, &t.sign, "");
    judge(h, CHECK_D05, &t.next, "only the key in use has a record: ");
}
