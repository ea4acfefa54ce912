/* Runs a thread for each port of each address, then compares. Threads share nothing but read-only
 * options: a port is its thread's own. SPDX-License-Identifier: MIT */
#include "ports/host.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "ports/dial/suites.h"
#include "ports/dns/dns_room.h"
#include "ports/rooms.h"
#include "wire/net.h"

enum { STACK_BYTES = 1024 * 1024 };

const struct host_want host_standard[] = {
    {25, PROTOCOL_SMTP, MODE_CLEAR, true},   {465, PROTOCOL_SMTP, MODE_IMPLICIT, false},
    {587, PROTOCOL_SMTP, MODE_CLEAR, false}, {2525, PROTOCOL_SMTP, MODE_CLEAR, false},
    {110, PROTOCOL_POP3, MODE_CLEAR, false}, {995, PROTOCOL_POP3, MODE_IMPLICIT, false},
    {143, PROTOCOL_IMAP, MODE_CLEAR, false}, {993, PROTOCOL_IMAP, MODE_IMPLICIT, false},
};
const size_t host_standard_n = sizeof host_standard / sizeof *host_standard;

/* What may stand behind the "=" of --port; the first is the only one for strangers. */
static const struct {
    const char *name;
    enum port_protocol protocol;
    enum port_mode mode;
} named[] = {
    {"mx", PROTOCOL_SMTP, MODE_UNKNOWN},         {"smtp", PROTOCOL_SMTP, MODE_UNKNOWN},
    {"submission", PROTOCOL_SMTP, MODE_UNKNOWN}, {"submissions", PROTOCOL_SMTP, MODE_IMPLICIT},
    {"imap", PROTOCOL_IMAP, MODE_UNKNOWN},       {"imaps", PROTOCOL_IMAP, MODE_IMPLICIT},
    {"pop3", PROTOCOL_POP3, MODE_UNKNOWN},       {"pop3s", PROTOCOL_POP3, MODE_IMPLICIT}};
static const size_t named_n = sizeof named / sizeof *named;

int host_parse_want(const char *text, struct host_want *w, struct err *err)
{
    char *end = NULL;
    long port = strtol(text, &end, 10);
    *w = (struct host_want){0};
    if (end == text || port < 1 || port > 65535)
        return err_set(err, "--port %s: a port from 1 to 65535 was expected", text);
    w->port = (uint16_t)port;
    for (size_t i = 0; i < host_standard_n; i++)
        if (host_standard[i].port == w->port)
            *w = host_standard[i];
    if (*end == '\0')
        return 0;
    size_t n = *end == '=' ? strcspn(end + 1, "/") : 0, i = 0;
    const char *mode = *end == '=' && end[1 + n] == '/' ? end + n + 2 : NULL;
    while (i < named_n &&
           (n != strlen(named[i].name) || strncasecmp(end + 1, named[i].name, n) != 0))
        i++;
    if (i == named_n)
        return err_set(
            err,
            "--port %s: mx, smtp, submission, imap, pop3, or one of submissions, imaps and "
            "pop3s was expected behind the =",
            text);
    w->protocol = named[i].protocol;
    w->mx = i == 0;
    w->mode = named[i].mode;
    if (mode != NULL && strcasecmp(mode, "starttls") == 0)
        w->mode = MODE_CLEAR;
    else if (mode != NULL && (strcasecmp(mode, "implicit") == 0 || strcasecmp(mode, "tls") == 0))
        w->mode = MODE_IMPLICIT;
    else if (mode != NULL)
        return err_set(err, "--port %s: starttls or implicit was expected behind the /", text);
    return 0;
}

int host_open(struct host *h, const struct ports_options *o, const char *where, int family,
              const struct host_want *wants, size_t n, struct err *err)
{
    struct conn_address to = {.host = where, .port = 25, .family = family};
    struct addrinfo *all = NULL;
    *h = (struct host){.o = *o};
    if (net_resolve(&to, o->connect_ms, &all, err) != 0)
        return -1;
    int families[HOST_ADDRESSES_MOST];
    for (struct addrinfo *a = all; a != NULL && h->addresses_n < HOST_ADDRESSES_MOST;
         a = a->ai_next) {
        char text[64];
        bool there = false;
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
            continue;
        for (size_t i = 0; i < h->addresses_n; i++)
            there = there || strcmp(h->addresses[i], text) == 0;
        if (there)
            continue;
        families[h->addresses_n] = a->ai_family;
        (void)snprintf(h->addresses[h->addresses_n++], sizeof text, "%s", text);
    }
    freeaddrinfo(all);
    if (h->addresses_n * n > HOST_PORTS_MOST)
        return err_set(err, "%zu ports of %zu addresses are more than %d", n, h->addresses_n,
                       HOST_PORTS_MOST);
    h->ports = err_need(calloc(h->addresses_n * n + 1, sizeof *h->ports));
    for (size_t a = 0; a < h->addresses_n; a++)
        for (size_t i = 0; i < n; i++) {
            struct port *p = &h->ports[h->n++];
            port_init(p, &h->o, h->addresses[a], families[a], wants[i].port, wants[i].protocol,
                      wants[i].mode);
            p->mx = p->mx || wants[i].mx;
        }
    return 0;
}

void host_close(struct host *h)
{
    for (size_t i = 0; i < h->n; i++)
        port_clear(&h->ports[i]);
    for (int i = 0; i < CHECKS; i++)
        free(h->found[i].why);
    if (h->client != NULL)
        port_clear(h->client);
    free(h->client);
    free(h->ports);
    *h = (struct host){0};
}

bool host_reached(const struct host *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->ports[i].state == PORT_OPEN && h->ports[i].facts.best_version[0] != '\0')
            return true;
        else if (h->ports[i].state == PORT_OPEN && !h->ports[i].limited)
            return true;
    return false;
}

void host_find(struct host *h, enum check_id id, enum finding_kind kind, const char *fmt, ...)
{
    va_list va;
    struct finding *f = &h->found[id];
    free(f->why);
    *f = (struct finding){.kind = kind};
    if (*fmt == '\0')
        return;
    va_start(va, fmt);
    if (vasprintf(&f->why, fmt, va) < 0)
        abort();
    va_end(va);
    if (f->why[0] == '\0') {
        free(f->why);
        f->why = NULL;
    }
}

static bool usable(const struct port *p)
{
    return p->state == PORT_OPEN && !p->limited;
}

static void versions_text(const struct port *p, char *out, size_t size)
{
    static const int codes[VERSIONS_SEEN] = {2, TLS_V_SSL3, TLS_V_10, TLS_V_11, TLS_V_12, TLS_V_13};
    *out = '\0';
    for (int i = 0; i < VERSIONS_SEEN; i++)
        if (p->facts.versions[i]) {
            size_t n = strlen(out);
            (void)snprintf(out + n, size - n, "%s%s", n > 0 ? ", " : "",
                           tls_version_word(codes[i]));
        }
}

/* What differs between two ports, in words; false: nothing. */
static bool differ(const struct port *a, const struct port *b, bool with_mode, char *out,
                   size_t size)
{
    char va[96], vb[96];
    versions_text(a, va, sizeof va);
    versions_text(b, vb, sizeof vb);
    *out = '\0';
    if (with_mode && (a->mode != b->mode || a->protocol != b->protocol))
        (void)snprintf(out, size, "%s with %s, and %s with %s", port_protocol_word(a->protocol),
                       port_mode_word(a->mode), port_protocol_word(b->protocol),
                       port_mode_word(b->mode));
    else if (a->facts.have_leaf && b->facts.have_leaf && strcmp(a->facts.leaf, b->facts.leaf) != 0)
        (void)snprintf(
            out, size,
            "another certificate (%.60s until %s, SHA-256 %.8s…, and %.60s until %s, %.8s…)",
            a->facts.leaf_name, a->facts.not_after, a->facts.leaf, b->facts.leaf_name,
            b->facts.not_after, b->facts.leaf);
    else if (strcmp(va, vb) != 0 && va[0] != '\0' && vb[0] != '\0')
        (void)snprintf(out, size, "%s, and %s", va, vb);
    return *out != '\0';
}

static void compare_ports(struct host *h)
{
    const struct port *first = NULL;
    char what[512], all[1024] = "";
    for (size_t i = 0; i < h->n; i++) {
        const struct port *p = &h->ports[i];
        if (!usable(p) || !p->facts.have_leaf)
            continue;
        if (first == NULL || strcmp(first->address, p->address) != 0) {
            first = p;
            continue;
        }
        if (differ(first, p, false, what, sizeof what)) {
            size_t n = strlen(all);
            (void)snprintf(all + n, sizeof all - n, "%s%u and %u: %s", n > 0 ? "; " : "",
                           first->port, p->port, what);
        }
    }
    if (first == NULL)
        host_find(h, CHECK_P16, FINDING_UNTESTED, "not tested: no port with TLS was reached");
    else if (all[0] != '\0')
        host_find(h, CHECK_P16, FINDING_BAD, "%s", all);
    else
        host_find(h, CHECK_P16, FINDING_GOOD, "%s", "");
}

/* What differs between the same port of two addresses; false: nothing, or it cannot be said. */
static bool differs_there(const struct port *a, const struct port *b, char *what, size_t size)
{
    bool known = a->state != PORT_UNREACHABLE && b->state != PORT_UNREACHABLE;
    *what = '\0';
    if (known && (a->state == PORT_OPEN) != (b->state == PORT_OPEN))
        (void)snprintf(what, size, "open on %s only",
                       a->state == PORT_OPEN ? a->address : b->address);
    else if (usable(a) && usable(b))
        (void)differ(a, b, true, what, size);
    return *what != '\0';
}

static void add_text(char *all, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void add_text(char *all, size_t size, const char *fmt, ...)
{
    va_list va;
    size_t n = strlen(all);
    va_start(va, fmt);
    (void)vsnprintf(all + n, size - n, fmt, va);
    va_end(va);
}

/* The first address against the others; what differs in the same way on several ports is told
 * once. */
static void compare_addresses(struct host *h)
{
    char what[512], other[512], all[1024] = "", unreached[256] = "";
    size_t each = h->addresses_n > 0 ? h->n / h->addresses_n : 0, base = 0;
    if (h->addresses_n < 2) {
        host_find(h, CHECK_P15, FINDING_NOT_HERE, "there is one address");
        return;
    }
    /* No way there from here (a machine without IPv6, say) is no fault of the host. */
    while (base + each < h->n && h->ports[base].state == PORT_UNREACHABLE)
        base += each;
    for (size_t i = 0; i < h->n; i += each)
        if (h->ports[i].state == PORT_UNREACHABLE)
            add_text(unreached, sizeof unreached, "%s%s", unreached[0] != '\0' ? ", " : "",
                     h->ports[i].address);
    for (size_t i = base + each; i < h->n; i++) {
        const struct port *a = &h->ports[base + i % each], *b = &h->ports[i];
        size_t begin = i - i % each;
        bool told = false;
        if (!differs_there(a, b, what, sizeof what))
            continue;
        for (size_t k = begin; k < i; k++)
            told = told ||
                   (differs_there(&h->ports[base + k % each], &h->ports[k], other, sizeof other) &&
                    strcmp(what, other) == 0);
        if (told)
            continue;
        add_text(all, sizeof all, "%sport %u", all[0] != '\0' ? "; " : "", b->port);
        for (size_t k = i + 1; k < begin + each; k++)
            if (differs_there(&h->ports[base + k % each], &h->ports[k], other, sizeof other) &&
                strcmp(what, other) == 0)
                add_text(all, sizeof all, ", %u", h->ports[k].port);
        add_text(all, sizeof all, " on %s and %s: %s", a->address, b->address, what);
    }
    if (all[0] != '\0')
        host_find(h, CHECK_P15, FINDING_BAD, "%s", all);
    else if (unreached[0] != '\0')
        host_find(h, CHECK_P15, FINDING_UNTESTED, "not compared: there is no way to %s from here",
                  unreached);
    else
        host_find(h, CHECK_P15, FINDING_GOOD, "%s", "");
}

static bool has(const struct host *h, enum port_protocol protocol, enum port_mode mode,
                bool submission)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct port *p = &h->ports[i];
        if (p->state == PORT_OPEN && p->protocol == protocol && p->mode == mode &&
            !(submission && p->mx))
            return true;
    }
    return false;
}

/* Whether the user wanted to see this service, on its own port or on another one. */
static bool asked(const struct host *h, uint16_t port, enum port_protocol protocol,
                  enum port_mode mode)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct port *p = &h->ports[i];
        if (p->port == port || (p->want_protocol == protocol && p->want_mode == mode && !p->mx))
            return true;
    }
    return false;
}

/* A port sent us away before it showed what it is. */
static bool in_doubt(const struct host *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->ports[i].limited &&
            (h->ports[i].mode == MODE_UNKNOWN || h->ports[i].protocol == PROTOCOL_UNKNOWN))
            return true;
    return false;
}

static void services(struct host *h)
{
    if (in_doubt(h)) {
        host_find(h, CHECK_P11, FINDING_UNTESTED, "not tested: a port sent us away");
        host_find(h, CHECK_P12, FINDING_UNTESTED, "not tested: a port sent us away");
        return;
    }
    if (has(h, PROTOCOL_IMAP, MODE_IMPLICIT, false))
        host_find(h, CHECK_P11, FINDING_GOOD, "%s", "");
    else if (!has(h, PROTOCOL_IMAP, MODE_CLEAR, false))
        host_find(h, CHECK_P11, FINDING_NOT_HERE, "no IMAP here");
    else if (asked(h, 993, PROTOCOL_IMAP, MODE_IMPLICIT))
        host_find(h, CHECK_P11, FINDING_BAD, "IMAP is there, but not with implicit TLS");
    else
        host_find(h, CHECK_P11, FINDING_UNTESTED, "not tested: 993 was not asked for");
    bool both = has(h, PROTOCOL_SMTP, MODE_IMPLICIT, true),
         start = has(h, PROTOCOL_SMTP, MODE_CLEAR, true);
    if (both && start)
        host_find(h, CHECK_P12, FINDING_GOOD, "%s", "");
    else if (!asked(h, 465, PROTOCOL_SMTP, MODE_IMPLICIT) ||
             !asked(h, 587, PROTOCOL_SMTP, MODE_CLEAR))
        host_find(h, CHECK_P12, FINDING_UNTESTED, "not tested: 465 and 587 were not asked for");
    else if (both || start)
        host_find(h, CHECK_P12, FINDING_BAD, "submission is there with %s only",
                  both ? "implicit TLS" : "STARTTLS");
    else
        host_find(h, CHECK_P12, FINDING_NOT_HERE, "no submission here");
}

/* A ticket of one service taken by another: who may use one may then use the other. */
static void tickets(struct host *h)
{
    const struct port *from = NULL;
    int tries = 0;
    if (h->o.depth < DEPTH_NORMAL)
        return;
    for (size_t i = 0; i < h->n && tries < 3; i++) {
        struct port *p = &h->ports[i];
        bool tried = false;
        if (!usable(p) || p->session13 == NULL)
            continue;
        if (from == NULL) {
            from = p;
            continue;
        }
        if (from->protocol == p->protocol)
            continue;
        tries++;
        if (port_takes_session(p, from->session13, &tried)) {
            host_find(h, CHECK_R06, FINDING_BAD, "%s on %u resumes a session of %s on %u",
                      port_protocol_word(p->protocol), p->port, port_protocol_word(from->protocol),
                      from->port);
            return;
        }
        if (tried)
            host_find(h, CHECK_R06, FINDING_GOOD, "%s", "");
    }
    if (tries == 0)
        host_find(h, CHECK_R06, FINDING_NOT_HERE, "there are no two services with tickets");
}

static bool sent_away_at_once(const struct port *p)
{
    return p->state == PORT_OPEN && p->limited && p->facts.best_version[0] == '\0' &&
           p->facts.clear_caps[0] == '\0' && p->seconds * 1000 < p->o->greeting_ms &&
           (p->o->budget == 0 || p->used < p->o->budget);
}

static void *examine(void *arg)
{
    port_examine(arg);
    return NULL;
}

static double now(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void host_examine(struct host *h)
{
    pthread_t *threads = err_need(calloc(h->n + 1, sizeof *threads));
    bool *started = err_need(calloc(h->n + 1, sizeof *started));
    pthread_attr_t attr;
    size_t n;
    double began = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    /* What threads would otherwise make at the same time is made before them. */
    conn_warm_tls(h->o.ca_file, h->o.ca_file == NULL);
    json_object_seed(0);
    (void)suites_all(&n);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    for (size_t i = 0; i < h->n; i++) {
        started[i] = pthread_create(&threads[i], &attr, examine, &h->ports[i]) == 0;
        if (!started[i])
            port_examine(&h->ports[i]);
    }
    for (size_t i = 0; i < h->n; i++)
        if (started[i])
            (void)pthread_join(threads[i], NULL);
    (void)pthread_attr_destroy(&attr);
    free(threads);
    free(started);
    /* Sent away before anything was seen: a limit on connections at a time, perhaps, which all the
     * ports together have met. Alone it gets another try. */
    for (size_t i = 0; h->n > 1 && i < h->n; i++)
        if (sent_away_at_once(&h->ports[i])) {
            port_again(&h->ports[i]);
            port_examine(&h->ports[i]);
        }
    services(h);
    compare_addresses(h);
    compare_ports(h);
    tickets(h);
    room_domain(h);
    room_received(h);
    for (int i = 0; i < CHECKS; i++)
        if ((checks[i].where == WHERE_HOST || checks[i].where == WHERE_CLIENT) &&
            h->found[i].kind == FINDING_NONE)
            host_find(h, (enum check_id)i, FINDING_UNTESTED, "%s",
                      checks[i].depth >= DEPTH_ACCOUNT ? check_depth_words(checks[i].depth)
                                                       : "not tested");
    h->seconds = now(CLOCK_MONOTONIC) - began;
    h->cpu_ms = (now(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1000;
}
