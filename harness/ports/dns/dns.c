/* libunbound behind a small face. Zone files become authority zones, which are validated like
 * answers from the network; everything else is forwarded, or not asked at all.
 * SPDX-License-Identifier: MIT */
#include "ports/dns/dns.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <time.h>
#include <unbound.h>
#include <unistd.h>

/* The keys of the root, as IANA publishes them: KSK-2017 and KSK-2024. */
static const char *const root_anchors[] = {
    ". DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

enum { SILENCES_MOST = 2 };

struct dns {
    struct ub_ctx *ub;
    FILE *said; /* what libunbound has to say, for the words of an error */
    char *said_text;
    size_t said_len;
    char apex[DNS_ZONES_MOST][DNS_NAME_SIZE];
    size_t zones_n;
    bool resolver, validates;
    int timeout_ms, silences; /* questions in a row without an answer */
    struct dns *plain;        /* the same zones without validation; NULL: not needed yet */
    const struct dns_options *o;
    struct dns_options zones_only;
};

int dns_parse_address(const char *text, char *host, size_t size, uint16_t *port)
{
    unsigned char raw[16];
    const char *colon = strrchr(text, ':');
    size_t n = strlen(text);
    if (*text == '[') {
        const char *close = strchr(text, ']');
        if (close == NULL || (close[1] != '\0' && close[1] != ':'))
            return -1;
        colon = close[1] == ':' ? close + 1 : NULL;
        n = (size_t)(close - ++text);
    } else if (colon != NULL && strchr(text, ':') == colon) {
        n = (size_t)(colon - text);
    } else {
        colon = NULL; /* none, or the many of an IPv6 address */
    }
    if (n >= size)
        return -1;
    memmove(host, text, n);
    host[n] = '\0';
    if (colon != NULL) {
        char *end = NULL;
        long number = strtol(colon + 1, &end, 10);
        if (end == colon + 1 || *end != '\0' || number < 1 || number > 65535)
            return -1;
        *port = (uint16_t)number;
    }
    return inet_pton(AF_INET, host, raw) == 1 || inet_pton(AF_INET6, host, raw) == 1 ? 0 : -1;
}

static void trim_dot(char *name)
{
    size_t n = strlen(name);
    if (n > 0 && name[n - 1] == '.')
        name[n - 1] = '\0';
}

/* The name whose SOA stands in a master file. */
static int find_apex(const char *path, char *apex, size_t size, struct err *err)
{
    char line[4096], origin[DNS_NAME_SIZE] = "", owner[DNS_NAME_SIZE] = "";
    bool found = false;
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return err_errno(err, path);
    while (!found && fgets(line, sizeof line, f) != NULL) {
        char *save = NULL, *word = NULL;
        bool first = line[0] != ' ' && line[0] != '\t';
        line[strcspn(line, ";\r\n")] = '\0';
        for (word = strtok_r(line, " \t", &save); word != NULL;
             word = strtok_r(NULL, " \t", &save)) {
            if (first && strcasecmp(word, "$ORIGIN") == 0) {
                word = strtok_r(NULL, " \t", &save);
                (void)snprintf(origin, sizeof origin, "%.*s", DNS_NAME_SIZE - 1,
                               word != NULL ? word : "");
                break;
            }
            if (first)
                (void)snprintf(owner, sizeof owner, "%.*s", DNS_NAME_SIZE - 1, word);
            found = found || (!first && strcasecmp(word, "SOA") == 0);
            first = false;
        }
    }
    (void)fclose(f);
    if (!found)
        return err_set(err, "%s: it has no SOA record, so it is no zone", path);
    if (strcmp(owner, "@") == 0)
        (void)snprintf(owner, sizeof owner, "%s", origin);
    if (owner[0] == '\0' || owner[strlen(owner) - 1] != '.')
        return err_set(err,
                       "%s: the name of its SOA record is not known: write it in full, with a "
                       "final dot, or begin with $ORIGIN",
                       path);
    trim_dot(owner);
    (void)snprintf(apex, size, "%s", owner);
    return 0;
}

/* A word that stands between quotes in the configuration. */
static int quotable(const char *what, const char *text, struct err *err)
{
    if (strpbrk(text, "\"\r\n") == NULL)
        return 0;
    return err_set(err, "%s \"%s\": a quote or a line end in it cannot be used", what, text);
}

static int configuration(struct dns *d, const struct dns_options *o, FILE *f, struct err *err)
{
    char host[64];
    uint16_t port = 53;
    if (o->resolver != NULL && dns_parse_address(o->resolver, host, sizeof host, &port) != 0)
        return err_set(err, "--resolver %s: ADDRESS[:PORT] was expected", o->resolver);
    if (o->zones_n > DNS_ZONES_MOST)
        return err_set(err, "at most %d zones", DNS_ZONES_MOST);
    (void)fputs("server:\n do-not-query-localhost: no\n do-daemonize: no\n", f);
    if (o->resolver == NULL)
        (void)fputs(" local-zone: \".\" static\n", f);
    else
        (void)fputs(" local-zone: \"test.\" nodefault\n local-zone: \"invalid.\" nodefault\n", f);
    for (size_t i = 0; i < o->zones_n; i++) {
        if (quotable("--zone", o->zones[i], err) != 0 ||
            find_apex(o->zones[i], d->apex[i], sizeof d->apex[i], err) != 0 ||
            quotable("--zone", d->apex[i], err) != 0)
            return -1;
        (void)fprintf(f, " local-zone: \"%s.\" transparent\n", d->apex[i]);
        d->zones_n++;
    }
    if (o->anchor != NULL) {
        if (quotable("--trust-anchor", o->anchor, err) != 0)
            return -1;
        (void)fprintf(f, " trust-anchor-file: \"%s\"\n", o->anchor);
    } else if (o->resolver != NULL) {
        for (size_t i = 0; i < sizeof root_anchors / sizeof *root_anchors; i++)
            (void)fprintf(f, " trust-anchor: \"%s\"\n", root_anchors[i]);
    }
    d->validates = o->anchor != NULL || o->resolver != NULL;
    for (size_t i = 0; i < o->zones_n; i++)
        (void)fprintf(f,
                      "auth-zone:\n name: \"%s.\"\n zonefile: \"%s\"\n for-upstream: yes\n"
                      " for-downstream: no\n fallback-enabled: no\n",
                      d->apex[i], o->zones[i]);
    if (o->resolver != NULL)
        (void)fprintf(f, "forward-zone:\n name: \".\"\n forward-addr: %s@%u\n", host, port);
    return 0;
}

/* Hands the configuration over as a file that has no name. */
static int configure(struct dns *d, const struct dns_options *o, struct err *err)
{
    char path[64];
    int fd = memfd_create("mailproof-dns", MFD_CLOEXEC), rc;
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return err_errno(err, "DNS configuration");
    }
    rc = configuration(d, o, f, err);
    (void)fflush(f);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (rc == 0 && ub_ctx_config(d->ub, path) != 0)
        rc = err_set(err, "DNS: libunbound does not take its configuration");
    (void)fclose(f);
    return rc;
}

/* The last thing that libunbound wrote, without its time stamp. */
static const char *last_said(struct dns *d)
{
    (void)fflush(d->said);
    if (d->said_len == 0)
        return "it cannot be read";
    d->said_text[strcspn(d->said_text, "\r\n")] = '\0';
    const char *colon = strstr(d->said_text, "rror: ");
    return colon != NULL ? colon + 6 : d->said_text;
}

/* libunbound reads its files when the first question comes; a mistake is to be told before. */
static int try_files(struct dns *d, const struct dns_options *o, struct err *err)
{
    struct dns_answer a;
    if (o->anchor != NULL && access(o->anchor, R_OK) != 0)
        return err_errno(err, o->anchor);
    for (size_t i = 0; i < d->zones_n; i++) {
        dns_ask(d, d->apex[i], DNS_A, &a);
        bool unread = a.state == DNS_FAILED && strstr(a.why, "SERVFAIL") != NULL;
        bool refused = a.state == DNS_FAILED && strncmp(a.why, "libunbound", 10) == 0;
        dns_answer_clear(&a);
        if (unread || refused)
            return err_set(err, "%s: %s", refused && o->anchor != NULL ? o->anchor : o->zones[i],
                           last_said(d));
    }
    return 0;
}

int dns_open(const struct dns_options *o, struct dns **out, struct err *err)
{
    struct dns *d = err_need(calloc(1, sizeof *d));
    d->timeout_ms = o->timeout_ms;
    d->o = o;
    d->resolver = o->resolver != NULL;
    d->ub = err_need(ub_ctx_create());
    d->said = err_need(open_memstream(&d->said_text, &d->said_len));
    (void)ub_ctx_debugout(d->ub, d->said);
    (void)ub_ctx_async(d->ub, 1);
    if (configure(d, o, err) != 0 || try_files(d, o, err) != 0) {
        dns_close(d);
        return -1;
    }
    *out = d;
    return 0;
}

void dns_close(struct dns *d)
{
    if (d == NULL)
        return;
    ub_ctx_delete(d->ub);
    dns_close(d->plain);
    (void)fclose(d->said);
    free(d->said_text);
    free(d);
}

bool dns_validates(const struct dns *d)
{
    return d->validates;
}

/* A name of the wire, without compression: libunbound has undone that. */
static int read_name(const unsigned char *p, size_t n, char *out, size_t size)
{
    size_t used = 0, at = 0;
    *out = '\0';
    while (at < n && p[at] != 0) {
        size_t len = p[at++];
        if (len > 63 || at + len > n || used + len + 2 > size)
            return -1;
        if (used > 0)
            out[used++] = '.';
        for (size_t i = 0; i < len; i++)
            out[used++] = p[at + i] > ' ' && p[at + i] < 127 ? (char)p[at + i] : '?';
        out[used] = '\0';
        at += len;
    }
    return at < n ? 0 : -1;
}

static unsigned two(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static void keep(struct dns_record *r, const unsigned char *p, size_t n)
{
    r->data = err_need(calloc(1, n + 1));
    memcpy(r->data, p, n);
    r->len = n;
}

static int read_text(const unsigned char *p, size_t n, struct dns_record *r)
{
    unsigned char *all = err_need(calloc(1, n + 1));
    size_t used = 0;
    for (size_t at = 0; at < n;) {
        size_t len = p[at++];
        if (at + len > n) {
            free(all);
            return -1;
        }
        memcpy(all + used, p + at, len);
        used += len;
        at += len;
    }
    r->data = all;
    r->len = used;
    return 0;
}

int dns_record_read(enum dns_type type, const unsigned char *p, size_t n, struct dns_record *r)
{
    *r = (struct dns_record){0};
    switch (type) {
    case DNS_A:
    case DNS_AAAA:
        if (n != (type == DNS_A ? 4 : 16))
            return -1;
        keep(r, p, n);
        return 0;
    case DNS_CNAME:
        return read_name(p, n, r->name, sizeof r->name);
    case DNS_MX:
        if (n < 3)
            return -1;
        r->preference = two(p);
        return read_name(p + 2, n - 2, r->name, sizeof r->name);
    case DNS_SRV:
        if (n < 7)
            return -1;
        r->preference = two(p);
        r->weight = two(p + 2);
        r->port = two(p + 4);
        return read_name(p + 6, n - 6, r->name, sizeof r->name);
    case DNS_TXT:
        return read_text(p, n, r);
    case DNS_TLSA:
        if (n < 4)
            return -1;
        r->usage = p[0];
        r->selector = p[1];
        r->matching = p[2];
        keep(r, p + 3, n - 3);
        return 0;
    case DNS_CAA:
        if (n < 2 || p[1] == 0 || p[1] >= sizeof r->tag || (size_t)p[1] + 2 > n)
            return -1;
        r->flags = p[0];
        memcpy(r->tag, p + 2, p[1]);
        keep(r, p + 2 + p[1], n - 2 - p[1]);
        return 0;
    }
    return -1;
}

void dns_record_clear(struct dns_record *r)
{
    free(r->data);
    *r = (struct dns_record){0};
}

void dns_answer_clear(struct dns_answer *a)
{
    for (size_t i = 0; i < a->n; i++)
        dns_record_clear(&a->at[i]);
    a->n = 0;
}

static bool in_zones(const struct dns *d, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < d->zones_n; i++) {
        size_t len = strlen(d->apex[i]);
        if (len == 0 || (len <= n && strcasecmp(name + n - len, d->apex[i]) == 0 &&
                         (len == n || name[n - len - 1] == '.')))
            return true;
    }
    return false;
}

static void fail(struct dns_answer *a, const char *why)
{
    a->state = DNS_FAILED;
    (void)snprintf(a->why, sizeof a->why, "%s", why);
}

struct waiting {
    bool done;
    int trouble;
    struct ub_result *result;
};

static void answered(void *arg, int trouble, struct ub_result *result)
{
    struct waiting *w = arg;
    w->done = true;
    w->trouble = trouble;
    w->result = result;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void take(enum dns_type type, const struct ub_result *r, struct dns_answer *a)
{
    static const char *const codes[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                        "NXDOMAIN", "NOTIMPL", "REFUSED"};
    a->secure = r->secure != 0;
    if (r->bogus) {
        a->bogus = true;
        fail(a, r->why_bogus != NULL ? r->why_bogus : "the signatures are wrong");
    } else if (r->nxdomain) {
        a->state = DNS_NXDOMAIN;
    } else if (r->rcode != 0) {
        fail(a, r->rcode < 6 ? codes[r->rcode] : "the resolver refused the question");
    } else {
        for (size_t i = 0; r->havedata && r->data[i] != NULL && a->n < DNS_RECORDS_MOST; i++)
            if (r->len[i] >= 0 && dns_record_read(type, (const unsigned char *)r->data[i],
                                                  (size_t)r->len[i], &a->at[a->n]) == 0)
                a->n++;
        a->state = a->n > 0 ? DNS_FOUND : DNS_NODATA;
    }
    if (r->canonname != NULL && r->havedata) {
        (void)snprintf(a->alias, sizeof a->alias, "%s", r->canonname);
        trim_dot(a->alias);
    }
}

/* libunbound cannot prove from a zone file of its own that a name is not there whose parent has no
 * records, and calls a good zone wrong. A file that the user gave may say so without proof. */
static void look_for_nothing(struct dns *d, const char *name, enum dns_type type,
                             struct dns_answer *a)
{
    struct dns_answer again;
    d->zones_only = *d->o;
    d->zones_only.anchor = d->zones_only.resolver = NULL;
    if (d->plain == NULL && dns_open(&d->zones_only, &d->plain, NULL) != 0)
        return;
    dns_ask(d->plain, name, type, &again);
    if (again.state == DNS_NXDOMAIN || again.state == DNS_NODATA)
        *a = again;
    else
        dns_answer_clear(&again);
}

void dns_ask(struct dns *d, const char *name, enum dns_type type, struct dns_answer *a)
{
    struct waiting w = {0};
    int id = 0;
    double until = now() + d->timeout_ms / 1000.0;
    memset(a, 0, sizeof *a);
    if (!d->resolver && !in_zones(d, name)) {
        a->state = DNS_ELSEWHERE;
        return;
    }
    if (d->silences >= SILENCES_MOST) {
        fail(a, "the resolver does not answer");
        return;
    }
    int rc = ub_resolve_async(d->ub, name, (int)type, 1, &w, answered, &id);
    if (rc != 0) {
        (void)snprintf(a->why, sizeof a->why, "libunbound: %s", ub_strerror(rc));
        a->state = DNS_FAILED;
        return;
    }
    while (!w.done) {
        int left = (int)((until - now()) * 1000);
        struct pollfd p = {.fd = ub_fd(d->ub), .events = POLLIN};
        if (left <= 0 || poll(&p, 1, left) <= 0)
            break;
        (void)ub_process(d->ub);
    }
    if (!w.done) {
        (void)ub_cancel(d->ub, id);
        d->silences++;
        fail(a, "no answer in time");
        return;
    }
    d->silences = 0;
    if (w.trouble != 0 || w.result == NULL)
        fail(a, ub_strerror(w.trouble));
    else
        take(type, w.result, a);
    if (w.result != NULL)
        ub_resolve_free(w.result);
    if (a->bogus && in_zones(d, name))
        look_for_nothing(d, name, type, a);
}

const char *dns_state_words(const struct dns_answer *a)
{
    switch (a->state) {
    case DNS_FOUND:
        return "found";
    case DNS_NODATA:
        return "no such record";
    case DNS_NXDOMAIN:
        return "no such name";
    case DNS_FAILED:
        return a->why;
    case DNS_ELSEWHERE:
        return "not in the zone files given";
    }
    return "";
}
