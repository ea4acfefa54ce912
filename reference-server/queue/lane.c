/* Finding hosts, trying them in order, and keeping a session while there is mail for it.
 * RFC 5321, 5.1 (which hosts), 4.5.4.1 (strategy); RFC 7672 (DANE); RFC 8461 (MTA-STS).
 * SPDX-License-Identifier: MIT */
#include "queue/lane.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "fault.h"
#include "queue/route.h"
#include "server.h"

enum {
    ADDRESSES = 16,
    TLSA_RECORDS = 16,
    IDLE_MS = 5000,
    LOCAL_PATH = 107 /* octets: all that sockaddr_un has */
};

struct destination {
    struct lanes *all;
    struct destination *next;
    char domain[DNS_NAME_MAX + 1];
    enum trip_safety safety;
    struct trip *waiting;
    struct lane *lanes;
    unsigned count;
};

struct lane {
    struct destination *to;
    struct lane *next;
    struct route route;
    size_t host; /* of the route */
    struct sockaddr_storage addresses[ADDRESSES];
    size_t address_count, address;
    bool addresses_secure, addresses_failed;
    struct dns_record tlsa[TLSA_RECORDS];
    size_t tlsa_count;
    bool tlsa_usable; /* one of them can be */
    enum sts_mode sts;
    enum client_tls tls;
    bool in_clear; /* the handshake failed where TLS was only nice to have */
    struct dns_query *query;
    struct client *client;
    bool connected; /* the client said that it is ready */
    struct trip *trip;
    struct timer idle;
    struct client_outcome worst; /* why no host could be used so far */
    char worst_host[DNS_NAME_MAX + 1];
};

struct lanes {
    struct lanes_options o;
    struct destination *destinations;
    struct client *clients;
    uint64_t steps;
    unsigned random;
};

static void try_host(struct lane *l);
static void try_address(struct lane *l);
static void lane_start(struct destination *d);

static void *must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static void step(struct lane *l)
{
    l->to->all->steps++;
}

/* --- the end of lanes and trips --- */

static void drop_tlsa(struct lane *l)
{
    for (size_t i = 0; i < l->tlsa_count; i++)
        free(l->tlsa[i].bytes);
    l->tlsa_count = 0;
}

static void lane_free(struct lane *l)
{
    struct destination *d = l->to;
    struct lane **at = &d->lanes;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    d->count--;
    clock_cancel(d->all->o.server->clock, &l->idle);
    dns_cancel(l->query);
    client_close(l->client);
    drop_tlsa(l);
    free(l);
}

static void destination_free_if_unused(struct destination *d)
{
    if (d->count > 0 || d->waiting != NULL)
        return;
    struct destination **at = &d->all->destinations;
    while (*at != d)
        at = &(*at)->next;
    *at = d->next;
    free(d);
}

static void fail_trip(struct trip *t, const struct client_outcome *why, const char *host)
{
    for (size_t i = t->mail.settled; i < t->mail.count; i++)
        t->mail.recipients[i].outcome = *why;
    snprintf(t->remote, sizeof t->remote, "%s", why->from_server ? host : "");
    t->done(t);
}

/* This lane leads nowhere. If another one does, that takes what waits; else nobody does. */
static void lane_failed(struct lane *l)
{
    struct destination *d = l->to;
    struct client_outcome why = l->worst;
    char host[DNS_NAME_MAX + 1];
    snprintf(host, sizeof host, "%s", l->worst_host);
    if (why.verdict == CLIENT_NOTHING)
        client_says(&why, CLIENT_LATER, "4.4.1", "no host of %s could be reached", d->domain);
    lane_free(l);
    if (d->count == 0) {
        struct trip *list = d->waiting;
        d->waiting = NULL;
        destination_free_if_unused(d); /* a trip's done may send another here */
        while (list != NULL) {
            struct trip *t = list;
            list = t->next;
            fail_trip(t, &why, host);
        }
    }
}

/* --- at work --- */

static void lane_idle(void *arg)
{
    struct lane *l = arg;
    struct destination *d = l->to;
    lane_free(l);
    destination_free_if_unused(d);
}

static void take_trip(struct lane *l);

/* This session takes no more: RFC 9422. Another one is made for what waits. */
static void replace(struct lane *l)
{
    struct destination *d = l->to;
    lane_free(l); /* says QUIT */
    if (d->count == 0 && d->waiting != NULL)
        lane_start(d);
    else
        destination_free_if_unused(d);
}

static void trip_done(void *arg)
{
    struct lane *l = arg;
    struct trip *t = l->trip;
    step(l);
    l->trip = NULL;
    snprintf(t->remote, sizeof t->remote, "%s", l->route.hosts[l->host].name);
    if (t->mail.settled < t->mail.count && l->client != NULL && client_idle(l->client)) {
        t->next = l->to->waiting; /* its other recipients, in another session */
        l->to->waiting = t;
    } else {
        t->done(t);
    }
    if (l->client == NULL || !client_idle(l->client))
        return;
    if (client_spent(l->client))
        replace(l);
    else
        take_trip(l);
}

/* The first one that waits; higher priorities are in front (RFC 6710, 5.1). */
static void put_in_line(struct destination *d, struct trip *t)
{
    struct trip **at = &d->waiting;
    bool order = !fault(FAULT_QUEUE_PRIORITY_IGNORED);
    while (*at != NULL && (!order || (*at)->priority >= t->priority))
        at = &(*at)->next;
    t->next = *at;
    *at = t;
}

static void take_trip(struct lane *l)
{
    struct destination *d = l->to;
    if (l->trip != NULL)
        return;
    struct trip *t = d->waiting;
    if (t == NULL) {
        l->idle = (struct timer){.fire = lane_idle, .arg = l};
        clock_cancel(d->all->o.server->clock, &l->idle);
        clock_set(d->all->o.server->clock, &l->idle, IDLE_MS);
        return;
    }
    if (!client_fits(l->client, t->domain)) {
        replace(l);
        return;
    }
    d->waiting = t->next;
    l->trip = t;
    clock_cancel(d->all->o.server->clock, &l->idle);
    t->mail.done = trip_done;
    t->mail.arg = l;
    client_send(l->client, &t->mail);
}

/* --- connecting --- */

static void remember(struct lane *l, const struct client_outcome *why)
{
    /* A host that may be there later counts more than one that never will. */
    if (l->worst.verdict == CLIENT_LATER && why->verdict != CLIENT_LATER)
        return;
    l->worst = *why;
    snprintf(l->worst_host, sizeof l->worst_host, "%s", l->route.hosts[l->host].name);
}

static void next_host(struct lane *l)
{
    l->host++;
    if (l->host >= l->route.count || fault(FAULT_QUEUE_FIRST_MX_ONLY))
        lane_failed(l);
    else
        try_host(l);
}

static void connected(void *arg)
{
    struct lane *l = arg;
    step(l);
    l->connected = true;
    take_trip(l);
}

static void ended(void *arg, const struct client_outcome *why)
{
    struct lane *l = arg;
    struct destination *d = l->to;
    bool was_connected = l->connected, tls_broke = client_tls_broke(l->client);
    step(l);
    client_close(l->client);
    l->client = NULL;
    l->connected = false;
    if (was_connected) { /* its trip has been told; what waits gets a new lane */
        lane_free(l);
        if (d->waiting != NULL && d->count == 0)
            lane_start(d); /* d may be gone now */
        else
            destination_free_if_unused(d);
        return;
    }
    if (tls_broke && l->tls == CLIENT_TLS_MAY && !l->in_clear) {
        l->in_clear = true; /* RFC 7435: bad encryption is no reason for worse delivery */
        try_address(l);
        return;
    }
    struct client_outcome kept = *why;
    if (tls_broke && l->to->safety == TRIP_VERIFIED) { /* RFC 8689, 4.2.1 */
        kept.verdict = CLIENT_NEVER;
        snprintf(kept.status, sizeof kept.status, "5.7.10");
    }
    bool returned = (l->tls == CLIENT_TLS_DANE && fault(FAULT_QUEUE_DANE_RETURNS)) ||
                    (l->sts == STS_ENFORCE && fault(FAULT_QUEUE_STS_RETURNS));
    if (returned)
        kept.verdict = CLIENT_NEVER;
    remember(l, &kept);
    l->in_clear = false;
    bool unsafe = strcmp(kept.status, "5.7.30") == 0 || strcmp(kept.status, "5.7.10") == 0;
    if (unsafe && fault(FAULT_QUEUE_REQUIRETLS_FIRST_MX_ONLY)) {
        lane_failed(l);
        return;
    }
    l->address++;
    try_address(l);
}

static void try_address(struct lane *l)
{
    const struct lanes_options *o = &l->to->all->o;
    struct client_outcome why;
    if (l->address >= l->address_count) {
        next_host(l);
        return;
    }
    const struct sockaddr_storage *a = &l->addresses[l->address];
    struct client_options c = {
        .loop = o->server->loop,
        .clock = o->server->clock,
        .all = &l->to->all->clients,
        .hostname = o->server->hostname,
        .peer_name = l->route.hosts[l->host].name,
        .address = (const struct sockaddr *)a,
        .address_len = a->ss_family == AF_UNIX    ? sizeof(struct sockaddr_un)
                       : a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                  : sizeof(struct sockaddr_in),
        .tls = l->in_clear ? CLIENT_TLS_NEVER : l->tls,
        .ctx = trust_context(o->trust, l->tls == CLIENT_TLS_VERIFIED),
        .tlsa = l->tlsa,
        .tlsa_count = l->tlsa_count,
        .tlsa_base = l->tls == CLIENT_TLS_DANE ? l->route.hosts[l->host].name : NULL,
        .user = o->user,
        .password = o->password,
        .requiretls = l->to->safety == TRIP_VERIFIED,
        .lmtp = o->smarthost_lmtp,
        .connect_ms = o->server->limits.relay_connect_seconds * 1000,
        .most_output = (size_t)o->server->limits.message_bytes * 2 + 65536,
        .ready = connected,
        .ended = ended,
        .arg = l,
    };
    step(l);
    l->client = client_open(&c, &why);
    if (l->client != NULL)
        return;
    remember(l, &why);
    l->address++;
    try_address(l);
}

/* --- what is known about a host --- */

static void refuse_host(struct lane *l, const char *status, const char *why)
{
    struct client_outcome o;
    bool returned = l->sts == STS_ENFORCE && fault(FAULT_QUEUE_STS_RETURNS);
    client_says(&o, returned ? CLIENT_NEVER : CLIENT_LATER, status, "%s: %s",
                l->route.hosts[l->host].name, why);
    remember(l, &o);
    next_host(l);
}

/* How much TLS this host has to have. */
static void decide_tls(struct lane *l)
{
    const struct lanes_options *o = &l->to->all->o;
    bool loop = l->address_count > 0 && l->addresses[0].ss_family == AF_INET &&
                (ntohl(((struct sockaddr_in *)&l->addresses[0])->sin_addr.s_addr) >> 24) == 127;
    if (l->to->safety == TRIP_ANY && o->user == NULL) /* RFC 8689, 4.2.2 */
        l->tls = fault(FAULT_QUEUE_TLS_OPTIONAL_CLEAR) ? CLIENT_TLS_NEVER : CLIENT_TLS_MAY;
    else if (l->tlsa_count > 0 && (l->tlsa_usable || l->to->safety != TRIP_VERIFIED))
        l->tls = CLIENT_TLS_DANE;
    else if ((l->sts == STS_ENFORCE && !fault(FAULT_QUEUE_STS_DOWNGRADE)) ||
             l->to->safety == TRIP_VERIFIED)
        l->tls = l->to->safety != TRIP_VERIFIED && fault(FAULT_QUEUE_STS_ANY_CERTIFICATE)
                     ? CLIENT_TLS_MUST
                     : CLIENT_TLS_VERIFIED;
    else if (o->user != NULL && !loop)
        l->tls = CLIENT_TLS_MUST;
    else
        l->tls = CLIENT_TLS_MAY;
    l->address = 0;
    l->in_clear = false;
    try_address(l);
}

static void tlsa_came(void *arg, const struct dns_answer *a)
{
    struct lane *l = arg;
    l->query = NULL;
    step(l);
    l->tlsa_usable = false;
    if (a->status == DNS_FAILED &&
        !fault(
            FAULT_QUEUE_DANE_FAILURE_IGNORED)) { /* RFC 7672, 2.1.2: a failure may hide records */
        refuse_host(l, "4.7.5", "the DNS does not tell its TLSA records");
        return;
    }
    bool binds = a->secure || fault(FAULT_QUEUE_DANE_INSECURE_BINDS);
    for (size_t i = 0; binds && i < a->count && l->tlsa_count < TLSA_RECORDS; i++) {
        struct dns_record *r = &l->tlsa[l->tlsa_count++];
        *r = a->records[i];
        r->bytes = must_have(malloc(r->len));
        memcpy(r->bytes, a->records[i].bytes, r->len);
        /* Usages 0 and 1 are not for SMTP (RFC 7672, 3.1.3). */
        l->tlsa_usable = l->tlsa_usable || r->bytes[0] >= 2;
    }
    if (!l->tlsa_usable && fault(FAULT_QUEUE_DANE_UNUSABLE_CLEAR))
        drop_tlsa(l);
    decide_tls(l);
}

static uint16_t port_of(const struct lane *l)
{
    const struct lanes_options *o = &l->to->all->o;
    uint16_t port = o->smarthost != NULL && o->smarthost_port != 0 ? o->smarthost_port : o->port;
    return port != 0 ? port : 25;
}

static void add_address(struct lane *l, int family, const unsigned char *bytes)
{
    if (l->address_count == ADDRESSES)
        return;
    struct sockaddr_storage *a = &l->addresses[l->address_count++];
    memset(a, 0, sizeof *a);
    a->ss_family = (sa_family_t)family;
    if (family == AF_INET6) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)a;
        six->sin6_port = htons(port_of(l));
        memcpy(&six->sin6_addr, bytes, 16);
    } else {
        struct sockaddr_in *four = (struct sockaddr_in *)a;
        four->sin_port = htons(port_of(l));
        memcpy(&four->sin_addr, bytes, 4);
    }
}

static void addresses_known(struct lane *l)
{
    char name[DNS_NAME_MAX + 32];
    const char *host = l->route.hosts[l->host].name;
    if (l->address_count == 0 && l->addresses_failed) {
        refuse_host(l, "4.4.3", "the DNS does not tell its address");
    } else if (l->address_count == 0) {
        struct client_outcome o;
        client_says(&o, CLIENT_NEVER, "5.4.4", "%s has no address", host);
        remember(l, &o);
        next_host(l);
    } else if (((l->route.secure && l->addresses_secure) ||
                fault(FAULT_QUEUE_DANE_INSECURE_BINDS)) &&
               l->to->safety != TRIP_ANY) {
        int most = DNS_NAME_MAX;
        snprintf(name, sizeof name, "_%u._tcp.%.*s", port_of(l), most, host);
        l->query = dns_ask(l->to->all->o.dns, name, DNS_TLSA, tlsa_came, l);
    } else {
        decide_tls(l);
    }
}

static void aaaa_came(void *arg, const struct dns_answer *a)
{
    struct lane *l = arg;
    l->query = NULL;
    step(l);
    bool enough = l->address_count > 0 && fault(FAULT_QUEUE_FIRST_ADDRESS_ONLY);
    for (size_t i = 0; i < a->count && !enough; i++)
        add_address(l, AF_INET6, a->records[i].bytes);
    l->addresses_secure = l->addresses_secure && a->secure;
    l->addresses_failed = l->addresses_failed || a->status == DNS_FAILED;
    addresses_known(l);
}

static void a_came(void *arg, const struct dns_answer *a)
{
    struct lane *l = arg;
    step(l);
    const struct dns_record *least = a->count > 0 ? &a->records[0] : NULL;
    for (size_t i = 0; i < a->count; i++)
        least = memcmp(a->records[i].bytes, least->bytes, 4) < 0 ? &a->records[i] : least;
    for (size_t i = 0; i < a->count; i++) /* the DNS turns them: for a fault the least is first */
        if (&a->records[i] == least || !fault(FAULT_QUEUE_FIRST_ADDRESS_ONLY))
            add_address(l, AF_INET, a->records[i].bytes);
    l->addresses_secure = a->secure;
    l->addresses_failed = a->status == DNS_FAILED;
    l->query = dns_ask(l->to->all->o.dns, l->route.hosts[l->host].name, DNS_AAAA, aaaa_came, l);
}

static void try_host(struct lane *l)
{
    const struct lanes *all = l->to->all;
    const char *host = l->route.hosts[l->host].name;
    unsigned char bytes[16];
    l->address_count = l->address = 0;
    drop_tlsa(l);
    if (l->sts == STS_ENFORCE && l->to->safety != TRIP_ANY &&
        !sts_allows(all->o.sts, l->to->domain, host) && !fault(FAULT_QUEUE_STS_IGNORED)) {
        refuse_host(l, "4.7.5", "the domain's MTA-STS policy does not name it");
        return;
    }
    if (host[0] == '/') {
        struct sockaddr_un *local = (struct sockaddr_un *)&l->addresses[l->address_count++];
        *local = (struct sockaddr_un){.sun_family = AF_UNIX};
        snprintf(local->sun_path, sizeof local->sun_path, "%.*s", LOCAL_PATH, host);
        decide_tls(l);
    } else if (inet_pton(AF_INET, host, bytes) == 1) {
        add_address(l, AF_INET, bytes);
        decide_tls(l);
    } else if (inet_pton(AF_INET6, host, bytes) == 1) {
        add_address(l, AF_INET6, bytes);
        decide_tls(l);
    } else {
        l->query = dns_ask(all->o.dns, host, DNS_A, a_came, l);
    }
}

/* --- what is known about a domain --- */

static void routed(struct lane *l)
{
    /* RFC 8689, 4.2.1: names that anybody could have put into the DNS prove nothing. */
    if (l->to->safety == TRIP_VERIFIED && l->route.count > 0 && !l->route.secure &&
        !l->route.literal && l->sts != STS_ENFORCE && l->to->all->o.smarthost == NULL) {
        l->route.count = 0;
        client_says(&l->route.trouble, CLIENT_NEVER, "5.7.30",
                    "REQUIRETLS: nothing vouches for the mail hosts of %s", l->to->domain);
    }
    if (l->route.count == 0) {
        l->worst = l->route.trouble;
        lane_failed(l);
        return;
    }
    l->host = 0;
    try_host(l);
}

static void txt_came(void *arg, const struct dns_answer *a)
{
    struct lane *l = arg;
    const struct lanes_options *o = &l->to->all->o;
    size_t announced = 0;
    l->query = NULL;
    step(l);
    for (size_t i = 0; i < a->count; i++)
        announced += strncmp((const char *)a->records[i].bytes, "v=STSv1;", 8) == 0;
    l->sts = sts_mode(o->sts, l->to->domain, announced == 1, clock_wall_s(o->server->clock));
    routed(l);
}

static void mx_came(void *arg, const struct dns_answer *a)
{
    struct lane *l = arg;
    struct lanes *all = l->to->all;
    char name[DNS_NAME_MAX + 16];
    int most = DNS_NAME_MAX;
    l->query = NULL;
    step(l);
    all->random = all->random * 1664525u + 1013904223u;
    route_from_mx(&l->route, l->to->domain, a, all->o.server->hostname, all->random);
    if (sts_any(all->o.sts) && l->route.count > 0) {
        snprintf(name, sizeof name, "_mta-sts.%.*s", most, l->to->domain);
        l->query = dns_ask(all->o.dns, name, DNS_TXT, txt_came, l);
    } else {
        routed(l);
    }
}

static void lane_start(struct destination *d)
{
    const struct lanes_options *o = &d->all->o;
    struct lane *l = must_have(calloc(1, sizeof *l));
    l->to = d;
    l->next = d->lanes;
    d->lanes = l;
    d->count++;
    step(l);
    if (o->smarthost != NULL) {
        snprintf(l->route.hosts[0].name, sizeof l->route.hosts[0].name, "%s", o->smarthost);
        l->route.count = 1;
        routed(l);
    } else if (route_from_literal(&l->route, d->domain)) {
        routed(l);
    } else {
        l->query = dns_ask(o->dns, d->domain, DNS_MX, mx_came, l);
    }
}

/* --- from outside --- */

static struct destination *find(struct lanes *all, const struct trip *t)
{
    const char *domain = all->o.smarthost != NULL ? all->o.smarthost : t->domain;
    for (struct destination *d = all->destinations; d != NULL; d = d->next)
        if (strcmp(d->domain, domain) == 0 && d->safety == t->safety)
            return d;
    struct destination *d = must_have(calloc(1, sizeof *d));
    d->all = all;
    snprintf(d->domain, sizeof d->domain, "%s", domain);
    d->safety = t->safety;
    d->next = all->destinations;
    all->destinations = d;
    return d;
}

void lanes_send(struct lanes *all, struct trip *t)
{
    struct destination *d = find(all, t);
    unsigned coming = 0; /* lanes that will look for a trip */
    put_in_line(d, t);
    for (struct lane *l = d->lanes; l != NULL; l = l->next) {
        if (l->client != NULL && l->trip == NULL && client_idle(l->client)) {
            take_trip(l);
            return;
        }
        coming += !l->connected;
    }
    unsigned waiting = 0;
    for (const struct trip *w = d->waiting; w != NULL; w = w->next)
        waiting++;
    if (d->count < (unsigned)all->o.server->limits.relay_concurrency && coming < waiting)
        lane_start(d);
}

bool lanes_busy(const struct lanes *all)
{
    for (const struct destination *d = all->destinations; d != NULL; d = d->next)
        for (const struct lane *l = d->lanes; l != NULL; l = l->next)
            if (l->trip != NULL || !l->connected)
                return true;
    return false;
}

uint64_t lanes_steps(const struct lanes *all)
{
    return all->steps;
}

struct lanes *lanes_open(const struct lanes_options *o)
{
    struct lanes *all = must_have(calloc(1, sizeof *all));
    all->o = *o;
    all->random = (unsigned)clock_now_ms(o->server->clock);
    return all;
}

void lanes_close(struct lanes *all)
{
    if (all == NULL)
        return;
    while (all->destinations != NULL) {
        struct destination *d = all->destinations;
        while (d->lanes != NULL)
            lane_free(d->lanes);
        all->destinations = d->next;
        free(d);
    }
    client_abort_all(&all->clients);
    loop_once(all->o.server->loop, 0);
    free(all);
}
