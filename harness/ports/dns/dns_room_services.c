/* SRV records of the mail services, and what certificates have to name because of them. D11, Z07,
 * Z08. RFC 6186, RFC 8314 5.1, RFC 7817. SPDX-License-Identifier: MIT */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ports/dns/dns.h"
#include "ports/dns/dns_room.h"

enum { SERVICES = 6 };

static const struct {
    const char *name;
    enum port_protocol protocol;
    enum port_mode mode;
} services[SERVICES] = {
    {"submissions", PROTOCOL_SMTP, MODE_IMPLICIT}, {"submission", PROTOCOL_SMTP, MODE_CLEAR},
    {"imaps", PROTOCOL_IMAP, MODE_IMPLICIT},       {"imap", PROTOCOL_IMAP, MODE_CLEAR},
    {"pop3s", PROTOCOL_POP3, MODE_IMPLICIT},       {"pop3", PROTOCOL_POP3, MODE_CLEAR},
};

struct located {
    enum dns_state state;
    bool secure, here;   /* one of its records points to the host that was looked at */
    unsigned preference; /* the lowest number */
    bool offered;        /* it is not "." */
};

/* One SRV record against the ports that were looked at. */
static void one_record(struct host *h, int s, const struct dns_record *r, struct sentence *bad,
                       struct sentence *fact)
{
    bool found = false;
    if (strcasecmp(r->name, h->o.host) != 0) {
        sentence_add(fact, "_%s points to %s, which was not looked at", services[s].name, r->name);
        return;
    }
    for (size_t i = 0; i < h->n; i++) {
        const struct port *p = &h->ports[i];
        if (p->port != r->port)
            continue;
        found = true;
        if (p->state != PORT_OPEN)
            sentence_add(bad, "_%s points to port %u, which is not open on %s", services[s].name,
                         r->port, p->address);
        else if (p->protocol != services[s].protocol || p->mode != services[s].mode)
            sentence_add(bad, "_%s points to port %u, which speaks %s with %s", services[s].name,
                         r->port, port_protocol_word(p->protocol), port_mode_word(p->mode));
    }
    if (!found)
        sentence_add(fact, "_%s points to port %u, which was not looked at", services[s].name,
                     r->port);
}

static void locate(struct host *h, int s, struct located *l, struct sentence *bad,
                   struct sentence *fact)
{
    char name[DNS_NAME_SIZE + 32];
    struct dns_answer a;
    (void)snprintf(name, sizeof name, "_%s._tcp.%s", services[s].name, h->o.domain);
    dns_ask(h->o.dns, name, DNS_SRV, &a);
    *l = (struct located){.state = a.state, .secure = a.secure, .preference = 65536};
    if (a.state == DNS_FAILED || a.state == DNS_ELSEWHERE)
        sentence_add(fact, "%s: %s", name, dns_state_words(&a));
    for (size_t i = 0; i < a.n; i++) {
        if (a.at[i].name[0] == '\0')
            continue; /* the service is not there, on purpose */
        l->offered = true;
        l->here = l->here || strcasecmp(a.at[i].name, h->o.host) == 0;
        if (a.at[i].preference < l->preference)
            l->preference = a.at[i].preference;
        one_record(h, s, &a.at[i], bad, fact);
    }
    dns_answer_clear(&a);
}

static bool serves(const struct host *h, int s)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->ports[i].state == PORT_OPEN && h->ports[i].protocol == services[s].protocol &&
            h->ports[i].mode == services[s].mode && !h->ports[i].mx)
            return true;
    return false;
}

/* The SRV-IDs of a certificate: how many, and whether one is this. RFC 4985. */
static int srv_ids(X509 *leaf, const char *wanted, bool *there)
{
    GENERAL_NAMES *sans = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    int n = 0;
    *there = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(sans); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(sans, i);
        char oid[64];
        if (g->type != GEN_OTHERNAME)
            continue;
        (void)OBJ_obj2txt(oid, sizeof oid, g->d.otherName->type_id, 1);
        if (strcmp(oid, "1.3.6.1.5.5.7.8.7") != 0 ||
            g->d.otherName->value->type != V_ASN1_IA5STRING)
            continue;
        const ASN1_STRING *s = g->d.otherName->value->value.ia5string;
        n++;
        *there = *there ||
                 ((size_t)ASN1_STRING_length(s) == strlen(wanted) &&
                  strncasecmp((const char *)ASN1_STRING_get0_data(s), wanted, strlen(wanted)) == 0);
    }
    GENERAL_NAMES_free(sans);
    return n;
}

static void certificate_names(struct host *h, struct port *p, const struct located *l)
{
    char srv[DNS_NAME_SIZE + 32];
    bool srv_there = false;
    if (p->chain == NULL || sk_X509_num(p->chain) == 0 || !port_applies(p, CHECK_Z08))
        return;
    X509 *leaf = sk_X509_value(p->chain, 0);
    (void)snprintf(srv, sizeof srv, "_%s.%s", port_service(p), h->o.domain);
    int n = srv_ids(leaf, srv, &srv_there);
    port_forget(p, CHECK_Z07);
    if (srv_there)
        port_good(p, CHECK_Z07, NULL);
    else
        port_fact(p, CHECK_Z07, NULL, n > 0 ? "its SRV-IDs do not name %s" : "no SRV-ID for %s",
                  srv);
    port_forget(p, CHECK_Z08);
    bool own = strcasecmp(h->o.domain, h->o.host) == 0;
    bool domain =
        X509_check_host(leaf, h->o.domain, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
    if (l->state != DNS_FOUND || !l->here)
        port_not_here(p, CHECK_Z08, "no SRV record of %s leads here", srv);
    else if (l->secure || own)
        port_good(p, CHECK_Z08, NULL);
    else
        port_judge(p, CHECK_Z08, domain || srv_there, NULL,
                   "clients find this host through an SRV record of %s that is not signed, and "
                   "the certificate names neither %s nor %s",
                   h->o.domain, h->o.domain, srv);
}

void room_services(struct host *h)
{
    struct located at[SERVICES];
    struct sentence bad = {""}, fact = {""};
    int n = 0, failed = 0, wanted = 0;
    for (int s = 0; s < SERVICES; s++) {
        locate(h, s, &at[s], &bad, &fact);
        n += at[s].offered;
        failed += at[s].state == DNS_FAILED || at[s].state == DNS_ELSEWHERE;
        wanted += serves(h, s);
    }
    for (int s = 0; s < SERVICES; s += 2)
        if (at[s].offered && at[s + 1].offered && at[s].preference >= at[s + 1].preference)
            sentence_add(&bad, "_%s (priority %u) does not come before _%s (%u)", services[s].name,
                         at[s].preference, services[s + 1].name, at[s + 1].preference);
        else if (serves(h, s) && at[s + 1].offered && !at[s].offered)
            sentence_add(&bad, "_%s has a record, and _%s, which this host has, has none",
                         services[s + 1].name, services[s].name);
    for (size_t i = 0; i < h->n; i++)
        for (int s = 0; s < SERVICES; s++)
            if (strcmp(port_service(&h->ports[i]), services[s].name) == 0)
                certificate_names(h, &h->ports[i], &at[s]);
    if (failed == SERVICES)
        host_find(h, CHECK_D11, FINDING_UNTESTED, "not tested: %s", fact.text);
    else if (bad.text[0] != '\0')
        host_find(h, CHECK_D11, FINDING_BAD, "%s", bad.text);
    else if (n == 0 && wanted > 0)
        host_find(h, CHECK_D11, FINDING_BAD, "%s has no SRV record of any mail service",
                  h->o.domain);
    else if (n == 0)
        host_find(h, CHECK_D11, FINDING_NOT_HERE, "no SRV record, and no service for users here");
    else if (fact.text[0] != '\0')
        host_find(h, CHECK_D11, FINDING_FACT, "%s", fact.text);
    else
        host_find(h, CHECK_D11, FINDING_GOOD, "%s", "");
}
