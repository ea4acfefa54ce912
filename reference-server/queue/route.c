/* Reads MX records as a relay has to. SPDX-License-Identifier: MIT */
#include "queue/route.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fault.h"

bool route_from_literal(struct route *r, const char *domain)
{
    size_t n = strlen(domain);
    unsigned char address[16];
    if (n < 3 || domain[0] != '[' || domain[n - 1] != ']')
        return false;
    *r = (struct route){.literal = true};
    const char *inside = domain + 1;
    n -= 2;
    bool six = n > 5 && strncasecmp(inside, "IPv6:", 5) == 0;
    if (six) {
        inside += 5;
        n -= 5;
    }
    if (fault(FAULT_QUEUE_LITERAL_LOST)) {
        client_says(&r->trouble, CLIENT_TAKEN, "2.0.0", "gone");
        return true;
    }
    snprintf(r->hosts[0].name, sizeof r->hosts[0].name, "%.*s", (int)n, inside);
    if (inet_pton(six ? AF_INET6 : AF_INET, r->hosts[0].name, address) == 1)
        r->count = 1;
    else
        client_says(&r->trouble, CLIENT_NEVER, "5.1.3", "%s is no address that mail can go to",
                    domain);
    return true;
}

static void only_host(struct route *r, const char *name)
{
    snprintf(r->hosts[0].name, sizeof r->hosts[0].name, "%s", name);
    r->hosts[0].preference = 0;
    r->count = 1;
}

static int by_preference(const void *a, const void *b)
{
    const struct route_host *x = a, *y = b;
    if (x->preference == y->preference && fault(FAULT_QUEUE_EQUAL_MX_IN_ORDER))
        return strcasecmp(x->name, y->name);
    return (x->preference > y->preference) - (x->preference < y->preference);
}

/* Hosts of equal preference in random order (RFC 5321, 5.1): shuffled first, then put in order by
 * an insertion that keeps equals as they are. */
static void put_in_order(struct route *r, unsigned random)
{
    for (size_t i = r->count; i > 1; i--) {
        random = random * 1103515245u + 12345u;
        size_t k = (random >> 16) % i;
        struct route_host swap = r->hosts[i - 1];
        r->hosts[i - 1] = r->hosts[k];
        r->hosts[k] = swap;
    }
    int sign = fault(FAULT_QUEUE_MX_INVERTED) ? -1 : 1;
    for (size_t i = 1; i < r->count; i++) {
        struct route_host h = r->hosts[i];
        size_t k = i;
        for (; k > 0 && sign * by_preference(&r->hosts[k - 1], &h) > 0; k--)
            r->hosts[k] = r->hosts[k - 1];
        r->hosts[k] = h;
    }
}

/* Where we are an MX ourselves, only better ones are of use: anything else would send mail in
 * circles. */
static bool drop_own(struct route *r, const char *own)
{
    size_t kept = 0;
    long limit = -1;
    for (size_t i = 0; i < r->count; i++)
        if (strcasecmp(r->hosts[i].name, own) == 0 &&
            (limit < 0 || (long)r->hosts[i].preference < limit))
            limit = (long)r->hosts[i].preference;
    if (limit < 0)
        return false;
    for (size_t i = 0; i < r->count; i++) {
        bool self = strcasecmp(r->hosts[i].name, own) == 0;
        if (!self && ((long)r->hosts[i].preference < limit || fault(FAULT_QUEUE_MX_SELF_KEPT)))
            r->hosts[kept++] = r->hosts[i];
    }
    r->count = kept;
    return true;
}

static void from_records(struct route *r, const char *domain, const struct dns_answer *mx,
                         const char *own, unsigned random)
{
    bool null = mx->count == 1 && mx->records[0].name[0] == '\0';
    if (null && !fault(FAULT_QUEUE_IGNORES_NULL_MX)) {
        client_says(&r->trouble, CLIENT_NEVER, "5.1.10", "%s takes no mail: its MX is null",
                    domain);
        return;
    }
    if (null || fault(FAULT_QUEUE_ADDRESS_BESIDE_MX)) {
        only_host(r, mx->name);
        return;
    }
    struct route all = {.count = 0};
    for (size_t i = 0; i < mx->count && all.count < ROUTE_HOSTS; i++) {
        if (mx->records[i].name[0] == '\0')
            continue; /* "." beside others means nothing */
        struct route_host *h = &all.hosts[all.count++];
        snprintf(h->name, sizeof h->name, "%s", mx->records[i].name);
        h->preference = mx->records[i].preference;
    }
    bool self = drop_own(&all, own);
    put_in_order(&all, random);
    memcpy(r->hosts, all.hosts, sizeof r->hosts);
    r->count = all.count;
    if (r->count == 0 && self)
        client_says(&r->trouble, fault(FAULT_QUEUE_MX_SELF_WAITS) ? CLIENT_LATER : CLIENT_NEVER,
                    "5.4.6", "mail for %s comes back here: the best MX is this server", domain);
    else if (r->count == 0)
        client_says(&r->trouble, CLIENT_NEVER, "5.4.4", "%s has no MX that can be used", domain);
}

void route_from_mx(struct route *r, const char *domain, const struct dns_answer *mx,
                   const char *own, unsigned random)
{
    *r = (struct route){.secure = mx->secure};
    if (strcasecmp(mx->name, domain) != 0 && mx->status != DNS_FAILED &&
        fault(FAULT_QUEUE_CNAME_NOT_FOLLOWED)) {
        client_says(&r->trouble, CLIENT_NEVER, "5.1.2", "%s has no records", domain);
        return;
    }
    switch (mx->status) {
    case DNS_OK:
        from_records(r, domain, mx, own, random);
        break;
    case DNS_NODATA: /* an implicit MX: RFC 5321, 5.1 */
        if (strcasecmp(mx->name, own) == 0)
            client_says(&r->trouble, CLIENT_NEVER, "5.4.6", "mail for %s comes back here", domain);
        else
            only_host(r, mx->name);
        break;
    case DNS_NXDOMAIN:
        client_says(&r->trouble, fault(FAULT_QUEUE_NXDOMAIN_WAITS) ? CLIENT_LATER : CLIENT_NEVER,
                    "5.1.2", "there is no domain %s", domain);
        break;
    case DNS_FAILED:
        if (fault(FAULT_QUEUE_A_ON_MX_FAILURE))
            only_host(r, domain);
        else
            client_says(&r->trouble, CLIENT_LATER, "4.4.3", "the DNS does not tell the MX of %s",
                        domain);
        break;
    }
}
