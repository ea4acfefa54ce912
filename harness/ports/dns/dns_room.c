/* The domain as a whole: its MX records, the authorities that may certify its host, and why what
 * was not looked at was not. SPDX-License-Identifier: MIT */
#include "ports/dns/dns_room.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ports/dns/dns.h"

void sentence_add(struct sentence *s, const char *fmt, ...)
{
    size_t n = strlen(s->text);
    va_list va;
    if (n > 0 && n + 3 < sizeof s->text) {
        (void)strcpy(s->text + n, "; ");
        n += 2;
    }
    va_start(va, fmt);
    (void)vsnprintf(s->text + n, sizeof s->text - n, fmt, va);
    va_end(va);
}

/* An MX that has no address takes no mail. False with words. */
static bool resolves(struct dns *d, const char *name, bool *alias, bool *unknown, char *why,
                     size_t size)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA};
    struct dns_answer a;
    bool found = false;
    for (int i = 0; i < 2 && !found; i++) {
        dns_ask(d, name, types[i], &a);
        found = a.state == DNS_FOUND;
        *alias = *alias || a.alias[0] != '\0';
        *unknown = *unknown || a.state == DNS_ELSEWHERE;
        (void)snprintf(why, size, "%s", dns_state_words(&a));
        dns_answer_clear(&a);
    }
    return found;
}

static void one_exchanger(struct host *h, const char *name, struct sentence *bad,
                          struct sentence *fact, bool *ours)
{
    unsigned char raw[4];
    char why[256];
    bool alias = false, unknown = false;
    *ours = *ours || strcasecmp(name, h->o.host) == 0;
    if (inet_pton(AF_INET, name, raw) == 1)
        sentence_add(bad, "%s is an address, and no host name", name);
    else if (!resolves(h->o.dns, name, &alias, &unknown, why, sizeof why) && !unknown)
        sentence_add(bad, "%s has no address: %s", name, why);
    else if (unknown)
        sentence_add(fact, "%s: the zone files do not say whether it has an address", name);
    else if (alias)
        sentence_add(bad, "%s is an alias", name);
}

void room_mail_exchangers(struct host *h)
{
    struct dns_answer a;
    struct sentence bad = {""}, fact = {""};
    bool ours = false;
    dns_ask(h->o.dns, h->o.domain, DNS_MX, &a);
    if (a.state == DNS_FAILED || a.state == DNS_ELSEWHERE) {
        host_find(h, CHECK_D01, FINDING_UNTESTED, "not tested: MX of %s: %s", h->o.domain,
                  dns_state_words(&a));
    } else if (a.state == DNS_NXDOMAIN) {
        host_find(h, CHECK_D01, FINDING_BAD, "there is no name %s", h->o.domain);
    } else if (a.n == 1 && a.at[0].name[0] == '\0') {
        host_find(h, CHECK_D01, FINDING_FACT, "%s takes no mail: its MX is \".\"", h->o.domain);
    } else if (a.n == 0) {
        one_exchanger(h, h->o.domain, &bad, &fact, &ours);
        if (bad.text[0] != '\0')
            host_find(h, CHECK_D01, FINDING_BAD, "there is no MX record, and %s", bad.text);
        else
            host_find(h, CHECK_D01, FINDING_FACT,
                      "there is no MX record: mail goes to the address of %s itself", h->o.domain);
    } else {
        for (size_t i = 0; i < a.n; i++)
            if (a.at[i].name[0] == '\0')
                sentence_add(&bad, "\".\" stands beside other MX records");
            else
                one_exchanger(h, a.at[i].name, &bad, &fact, &ours);
        if (!ours && h->o.host_is_name)
            sentence_add(&fact, "%s, which was looked at, is none of its %zu MX", h->o.host, a.n);
        if (bad.text[0] != '\0')
            host_find(h, CHECK_D01, FINDING_BAD, "%s", bad.text);
        else if (fact.text[0] != '\0')
            host_find(h, CHECK_D01, FINDING_FACT, "%s", fact.text);
        else
            host_find(h, CHECK_D01, FINDING_GOOD, "%s", "");
    }
    dns_answer_clear(&a);
}

/* The name that an authority uses in CAA records, and what its certificates say of it. */
static const struct {
    const char *domain, *issuer;
} authorities[] = {
    {"letsencrypt.org", "Let's Encrypt"},
    {"digicert.com", "DigiCert"},
    {"digicert.com", "GeoTrust"},
    {"digicert.com", "Thawte"},
    {"digicert.com", "RapidSSL"},
    {"sectigo.com", "Sectigo"},
    {"sectigo.com", "COMODO"},
    {"comodoca.com", "COMODO"},
    {"comodoca.com", "Sectigo"},
    {"globalsign.com", "GlobalSign"},
    {"pki.goog", "Google Trust"},
    {"amazon.com", "Amazon"},
    {"amazontrust.com", "Amazon"},
    {"buypass.com", "Buypass"},
    {"zerossl.com", "ZeroSSL"},
    {"sectigo.com", "ZeroSSL"},
    {"sectigo.com", "GEANT"},
    {"entrust.net", "Entrust"},
    {"godaddy.com", "GoDaddy"},
    {"ssl.com", "SSL Corp"},
    {"actalis.it", "Actalis"},
    {"harica.gr", "Hellenic Academic"},
    {"certum.pl", "Certum"},
    {"swisssign.com", "SwissSign"},
    {"telesec.de", "T-Systems"},
    {"telesec.de", "Telekom Security"},
    {"d-trust.net", "D-Trust"},
    {"identrust.com", "IdenTrust"},
};

/* The records of the name or of the nearest name above it. RFC 8659, 3. */
static bool climb(struct host *h, struct dns_answer *a, const char **owner)
{
    for (*owner = h->o.host; **owner != '\0';) {
        dns_ask(h->o.dns, *owner, DNS_CAA, a);
        if (a->state == DNS_FOUND || a->state == DNS_FAILED)
            return a->state == DNS_FOUND;
        bool elsewhere = a->state == DNS_ELSEWHERE;
        dns_answer_clear(a);
        const char *dot = strchr(*owner, '.');
        /* Above the zones that are there nobody can look. */
        if (dot == NULL || (elsewhere && *owner != h->o.host))
            return false;
        *owner = dot + 1;
    }
    return false;
}

void room_issuers(struct host *h)
{
    struct dns_answer a;
    struct sentence named = {""};
    const char *owner = NULL, *issuer = "";
    bool known = false, allowed = false, issue = false, critical = false;
    for (size_t i = 0; i < h->n && *issuer == '\0'; i++)
        issuer = h->ports[i].facts.issuer;
    if (!climb(h, &a, &owner)) {
        if (a.state == DNS_FAILED)
            host_find(h, CHECK_D12, FINDING_UNTESTED, "not tested: CAA of %s: %s", owner,
                      dns_state_words(&a));
        else
            host_find(h, CHECK_D12, FINDING_NOT_HERE, "no CAA record: every authority may issue");
        return;
    }
    for (size_t i = 0; i < a.n; i++) {
        char value[256];
        if (strcasecmp(a.at[i].tag, "issue") != 0) {
            critical = critical ||
                       ((a.at[i].flags & 128) != 0 && strcasecmp(a.at[i].tag, "issuewild") != 0 &&
                        strcasecmp(a.at[i].tag, "iodef") != 0);
            continue;
        }
        issue = true;
        const char *text = (const char *)a.at[i].data;
        text += strspn(text, " \t");
        (void)snprintf(value, sizeof value, "%.*s", (int)strcspn(text, "; \t"), text);
        if (value[0] == '\0')
            continue;
        sentence_add(&named, "%s", value);
        for (size_t k = 0; k < sizeof authorities / sizeof *authorities; k++)
            allowed = allowed || (strcasecmp(authorities[k].domain, value) == 0 &&
                                  strcasestr(issuer, authorities[k].issuer) != NULL);
    }
    for (size_t k = 0; k < sizeof authorities / sizeof *authorities; k++)
        known = known || strcasestr(issuer, authorities[k].issuer) != NULL;
    if (*issuer == '\0')
        host_find(h, CHECK_D12, FINDING_UNTESTED, "not tested: no certificate was seen");
    else if (critical)
        host_find(h, CHECK_D12, FINDING_BAD,
                  "CAA of %s has a critical property that no authority knows", owner);
    else if (!issue)
        host_find(h, CHECK_D12, FINDING_GOOD, "%s", "");
    else if (allowed)
        host_find(h, CHECK_D12, FINDING_GOOD, "%s", "");
    else if (named.text[0] == '\0')
        host_find(h, CHECK_D12, FINDING_BAD,
                  "CAA of %s lets nobody issue, yet there is a certificate of %s", owner, issuer);
    else if (known)
        host_find(h, CHECK_D12, FINDING_BAD, "CAA of %s allows %s, the certificate is of %s", owner,
                  named.text, issuer);
    else
        host_find(h, CHECK_D12, FINDING_FACT,
                  "CAA of %s allows %s; whether that is %s cannot be told from the names", owner,
                  named.text, issuer);
    dns_answer_clear(&a);
}

static void for_all(struct host *h, const enum check_id *ids, size_t n, const char *why)
{
    for (size_t i = 0; i < n; i++)
        if (h->found[ids[i]].kind == FINDING_NONE)
            host_find(h, ids[i], FINDING_UNTESTED, "%s", why);
}

void room_domain(struct host *h)
{
    static const enum check_id of_domain[] = {CHECK_D01, CHECK_D07, CHECK_D08,
                                              CHECK_D09, CHECK_D10, CHECK_D11},
                               of_host[] = {CHECK_D02, CHECK_D03, CHECK_D04,
                                            CHECK_D05, CHECK_D06, CHECK_D12};
    if (h->o.dns == NULL)
        return; /* explained like every other check that lacks its means */
    if (h->o.domain != NULL) {
        room_mail_exchangers(h);
        room_policies(h);
        room_services(h);
    } else {
        for_all(h, of_domain, sizeof of_domain / sizeof *of_domain,
                "not checked: needs the mail domain, --domain NAME");
    }
    if (h->o.host_is_name) {
        room_tlsa(h);
        room_issuers(h);
    } else {
        for_all(h, of_host, sizeof of_host / sizeof *of_host,
                "not checked: records belong to a name, and the host was given as an address: "
                "--name NAME");
    }
}
