/* MTA-STS and TLS reporting. D07 to D10. RFC 8461, RFC 8460. SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ports/dns/dns_fetch.h"
#include "ports/dns/dns_policy.h"
#include "ports/dns/dns_room.h"

static const char well_known[] = "/.well-known/mta-sts.txt";

/* One record of its kind, and a good one. Returns whether the domain has any. */
static bool one_record(struct host *h, enum check_id id, const char *label, const char *version,
                       int (*read)(const char *, struct err *), const char *what)
{
    struct dns_answer a;
    struct err err;
    const char *first = NULL;
    char name[DNS_NAME_SIZE + 32];
    bool there = false;
    (void)snprintf(name, sizeof name, "%s.%s", label, h->o.domain);
    dns_ask(h->o.dns, name, DNS_TXT, &a);
    size_t n = policy_records(&a, version, &first);
    if (a.state == DNS_FAILED || a.state == DNS_ELSEWHERE) {
        host_find(h, id, FINDING_UNTESTED, "not tested: TXT of %s: %s", name, dns_state_words(&a));
    } else if (a.state != DNS_FOUND) {
        host_find(h, id, FINDING_NOT_HERE, "no TXT record at %s: the domain does not use %s", name,
                  what);
    } else if (n == 0) {
        there = true;
        host_find(h, id, FINDING_BAD, "no TXT record of %s begins with %s; : \"%.100s\"", name,
                  version, (const char *)a.at[0].data);
    } else if (n > 1) {
        there = true;
        host_find(h, id, FINDING_BAD, "%s has %zu records that begin with %s, so none counts", name,
                  n, version);
    } else {
        there = true;
        if (read(first, &err) == 0)
            host_find(h, id, FINDING_GOOD, "%s", "");
        else
            host_find(h, id, FINDING_BAD, "%s: %s", name, err.text);
    }
    dns_answer_clear(&a);
    return there;
}

/* An address of the policy host, from the DNS. */
static int look_up(struct host *h, const char *name, char *out, size_t size, struct err *err)
{
    static const enum dns_type types[] = {DNS_A, DNS_AAAA};
    struct dns_answer a;
    for (int i = 0; i < 2; i++) {
        bool found;
        dns_ask(h->o.dns, name, types[i], &a);
        found = a.state == DNS_FOUND &&
                inet_ntop(i == 0 ? AF_INET : AF_INET6, a.at[0].data, out, (socklen_t)size) != NULL;
        if (!found)
            (void)err_set(err, "%s has no address: %s", name, dns_state_words(&a));
        dns_answer_clear(&a);
        if (found)
            return 0;
    }
    return -1;
}

/* What is wrong with how the policy came, or "". RFC 8461, 3.3. */
static void judge_fetched(const struct fetched *f, const char *host, struct sentence *bad)
{
    if (!f->chain_ok)
        sentence_add(bad, "the certificate of %s is not trusted: %s", host, f->chain_why);
    else if (!f->name_ok)
        sentence_add(bad, "the certificate does not name %s", host);
    if (f->status >= 300 && f->status < 400)
        sentence_add(bad, "it answers %d and sends on to %.100s, which nobody may follow",
                     f->status, f->location);
    else if (f->status != 200)
        sentence_add(bad, "it answers %d", f->status);
    else if (strncasecmp(f->type, "text/plain", 10) != 0 ||
             (f->type[10] != '\0' && strchr("; \t", f->type[10]) == NULL))
        sentence_add(bad, "its type is \"%.60s\", not text/plain", f->type);
}

/* Brings the policy here. 0, or -1 and D08 is judged. *online: HTTPS was seen. */
static int bring(struct host *h, struct fetched *f, bool *online)
{
    struct err err;
    struct sentence bad = {""};
    char host[DNS_NAME_SIZE + 16], address[64];
    uint16_t port = 443;
    int rc = 0;
    *f = (struct fetched){0};
    (void)snprintf(host, sizeof host, "mta-sts.%s", h->o.domain);
    bool fetch = strcmp(h->o.sts_policy, "fetch") == 0;
    *online = fetch || dns_parse_address(h->o.sts_policy, address, sizeof address, &port) == 0;
    if (fetch)
        rc = look_up(h, host, address, sizeof address, &err);
    if (rc == 0)
        rc = *online ? fetch_https(address, port, host, well_known, h->o.ca_file, h->o.answer_ms, f,
                                   &err)
                     : fetch_file(h->o.sts_policy, f, &err);
    if (rc != 0 && !*online)
        host_find(h, CHECK_D08, FINDING_UNTESTED, "not tested: %s", err.text);
    else if (rc != 0)
        host_find(h, CHECK_D08, FINDING_BAD, "https://%s%s: %s", host, well_known, err.text);
    if (rc != 0)
        return -1;
    if (*online)
        judge_fetched(f, host, &bad);
    if (bad.text[0] == '\0')
        return 0;
    host_find(h, CHECK_D08, FINDING_BAD, "https://%s%s: %s", host, well_known, bad.text);
    return -1;
}

static void cover(struct host *h, const struct policy *p)
{
    struct dns_answer a;
    struct sentence bad = {""};
    bool seen = false;
    dns_ask(h->o.dns, h->o.domain, DNS_MX, &a);
    for (size_t i = 0; i < a.n; i++)
        if (!policy_covers(p, a.at[i].name))
            sentence_add(&bad, "the MX %s is not in the policy", a.at[i].name);
    if (a.state == DNS_NODATA && !policy_covers(p, h->o.domain))
        sentence_add(&bad, "%s, which is its own MX, is not in the policy", h->o.domain);
    bool unknown = a.state == DNS_FAILED || a.state == DNS_ELSEWHERE;
    char why[256];
    (void)snprintf(why, sizeof why, "%s", dns_state_words(&a));
    dns_answer_clear(&a);
    for (size_t i = 0; i < h->n; i++) {
        const struct port *q = &h->ports[i];
        if (!q->mx || q->state != PORT_OPEN)
            continue;
        seen = seen || q->facts.have_leaf;
        if (q->facts.have_leaf && !q->facts.chain_ok)
            sentence_add(&bad, "%s port %u: its certificate is not good: %s", q->address, q->port,
                         q->facts.chain_why);
        else if (q->facts.have_leaf && !q->facts.name_ok)
            sentence_add(&bad, "%s port %u: its certificate does not name %s", q->address, q->port,
                         h->o.host);
        else if (!q->facts.have_leaf && !q->limited && q->mode == MODE_CLEAR &&
                 q->facts.clear_caps[0] != '\0')
            sentence_add(&bad, "%s port %u has no TLS", q->address, q->port);
    }
    if (bad.text[0] != '\0')
        host_find(h, CHECK_D09, FINDING_BAD, "%s", bad.text);
    else if (unknown)
        host_find(h, CHECK_D09, FINDING_UNTESTED, "not tested: MX of %s: %s", h->o.domain, why);
    else if (p->mode == POLICY_NONE)
        host_find(h, CHECK_D09, FINDING_FACT, "the policy asks for nothing: its mode is none");
    else if (!seen)
        host_find(h, CHECK_D09, FINDING_FACT,
                  "each MX is in the policy; no certificate on port 25 was seen");
    else
        host_find(h, CHECK_D09, FINDING_GOOD, "%s", "");
}

void room_policies(struct host *h)
{
    struct fetched f = {0};
    struct policy p;
    struct err err;
    bool online = false;
    bool record = one_record(h, CHECK_D07, "_mta-sts", "v=STSv1", policy_sts_record, "MTA-STS");
    (void)one_record(h, CHECK_D10, "_smtp._tls", "v=TLSRPTv1", policy_report_record,
                     "TLS reporting");
    if (h->o.sts_policy == NULL) {
        if (!record && h->found[CHECK_D07].kind == FINDING_NOT_HERE) {
            host_find(h, CHECK_D08, FINDING_NOT_HERE, "the domain does not use MTA-STS");
            host_find(h, CHECK_D09, FINDING_NOT_HERE, "the domain does not use MTA-STS");
        }
        return; /* else: offline, as the depth of the checks says */
    }
    if (bring(h, &f, &online) != 0)
        host_find(h, CHECK_D09, FINDING_UNTESTED, "not tested: there is no policy");
    else if (policy_read(f.body, f.len, &p, &err) != 0) {
        host_find(h, CHECK_D08, FINDING_BAD, "the policy is wrong: %s", err.text);
        host_find(h, CHECK_D09, FINDING_UNTESTED, "not tested: there is no policy");
    } else {
        if (online)
            host_find(h, CHECK_D08, FINDING_GOOD, "%s", "");
        else
            host_find(h, CHECK_D08, FINDING_FACT,
                      "the text is good; how HTTPS serves it was not looked at, it came from a "
                      "file");
        cover(h, &p);
    }
    fetched_clear(&f);
}
