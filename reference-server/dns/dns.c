/* libunbound behind a small face. Its own data and its own resolving are used; what tests want
 * beyond that (failures, and answers that count as validated though no signature was made) is kept
 * here. SPDX-License-Identifier: MIT */
#include "dns/dns.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <unbound.h>

#include <sys/epoll.h>

#include "base/lines.h"
#include "dns/record.h"
#include "net/loop.h"

enum { ASKED_MAX = 1000, LINE_MAX_BYTES = 4096 };

/* A name, and whether it is one of a type only. */
struct mark {
    char *name;
    int type; /* 0: every type */
    struct mark *next;
};

struct dns_query {
    struct dns *dns;
    struct dns_query *next, **link;
    enum dns_type type;
    char name[DNS_NAME_MAX + 2]; /* where the aliases have led to so far */
    unsigned aliases;
    bool secure;
    dns_done *done; /* NULL: nobody waits any more */
    void *arg;
    int async; /* libunbound's number for it; 0: none */
    struct loop_call call;
    bool posted;
};

struct dns {
    struct loop *loop;
    struct ub_ctx *ub; /* made when it is needed: a server that relays nothing starts sooner */
    char *resolver, *anchor;
    char **lines; /* records that were given, so that a new context can be filled */
    size_t line_count;
    struct mark *failing, *secure;
    struct dns_query *queries;
    size_t pending;
    struct loop_source source;
    bool watched;
    char **asked;
    size_t asked_count;
};

static void *must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static char *copy(const char *s)
{
    return must_have(strdup(s));
}

/* --- marks --- */

/* Without the final dot. */
static void trim_dot(char *name)
{
    size_t n = strlen(name);
    if (n > 0 && name[n - 1] == '.')
        name[n - 1] = '\0';
}

static void mark_add(struct mark **list, const char *name, int type)
{
    struct mark *m = must_have(calloc(1, sizeof *m));
    m->name = copy(name);
    trim_dot(m->name);
    m->type = type;
    m->next = *list;
    *list = m;
}

static void marks_remove(struct mark **list, const char *name) /* NULL: all */
{
    while (*list != NULL) {
        struct mark *m = *list;
        if (name != NULL && strcasecmp(m->name, name) != 0) {
            list = &m->next;
            continue;
        }
        *list = m->next;
        free(m->name);
        free(m);
    }
}

static bool failing(const struct dns *d, const char *name, enum dns_type type)
{
    for (const struct mark *m = d->failing; m != NULL; m = m->next)
        if (strcasecmp(m->name, name) == 0 && (m->type == 0 || m->type == (int)type))
            return true;
    return false;
}

static bool marked_secure(const struct dns *d, const char *name)
{
    size_t n = strlen(name);
    for (const struct mark *m = d->secure; m != NULL; m = m->next) {
        size_t len = strlen(m->name);
        if (len == 0 || (len <= n && strcasecmp(name + n - len, m->name) == 0 &&
                         (len == n || name[n - len - 1] == '.')))
            return true;
    }
    return false;
}

/* --- libunbound --- */

static void readable(void *arg, uint32_t events)
{
    struct dns *d = arg;
    (void)events;
    ub_process(d->ub);
}

static int fill(struct dns *d, const char *line, struct err *err)
{
    int rc = ub_ctx_data_add(d->ub, line);
    if (rc != 0)
        return err_set(err, "\"%s\" is no DNS record: %s", line, ub_strerror(rc));
    return 0;
}

static int make_context(struct dns *d, struct err *err)
{
    d->ub = ub_ctx_create();
    if (d->ub == NULL)
        return err_set(err, "DNS: no resolver context");
    ub_ctx_debugout(d->ub, NULL); /* what is wrong is said in our own words */
    int rc = 0;
    if (d->resolver == NULL) {
        rc = ub_ctx_zone_add(d->ub, ".", "static");
    } else {
        ub_ctx_set_option(d->ub, "do-not-query-localhost:", "no");
        ub_ctx_async(d->ub, 1);
        rc = ub_ctx_set_fwd(d->ub, d->resolver);
        if (rc == 0 && d->anchor != NULL)
            rc = ub_ctx_add_ta_file(d->ub, d->anchor);
    }
    if (rc != 0)
        return err_set(err, "DNS: %s: %s", d->resolver != NULL ? d->resolver : "local zones",
                       ub_strerror(rc));
    for (size_t i = 0; i < d->line_count; i++)
        if (fill(d, d->lines[i], err) != 0)
            return -1;
    if (d->resolver != NULL) {
        d->source = (struct loop_source){ub_fd(d->ub), readable, d};
        d->watched = loop_add(d->loop, &d->source, EPOLLIN, NULL) == 0;
    }
    return 0;
}

static void tear_down(struct dns *d)
{
    if (d->watched)
        loop_remove(d->loop, &d->source);
    d->watched = false;
    if (d->ub != NULL)
        ub_ctx_delete(d->ub);
    d->ub = NULL;
}

static int set_up(struct dns *d, struct err *err)
{
    if (d->ub != NULL || make_context(d, err) == 0)
        return 0;
    tear_down(d);
    return -1;
}

/* --- questions --- */

static void query_free(struct dns_query *q)
{
    *q->link = q->next;
    if (q->next != NULL)
        q->next->link = q->link;
    q->dns->pending--;
    free(q);
}

static void finish(struct dns_query *q, struct dns_answer *a)
{
    a->name = q->name;
    a->secure = a->secure && q->secure;
    dns_done *done = q->done;
    q->done = NULL;
    if (done != NULL)
        done(q->arg, a);
    query_free(q);
}

static void fail(struct dns_query *q)
{
    struct dns_answer a = {.status = DNS_FAILED};
    finish(q, &a);
}

static void ask(struct dns_query *q);

static void take_records(struct dns_query *q, const struct ub_result *r)
{
    struct dns_record records[DNS_RECORDS_MAX];
    struct dns_answer a = {.status = DNS_OK, .records = records, .secure = q->secure};
    for (size_t i = 0; r->data[i] != NULL && a.count < DNS_RECORDS_MAX; i++)
        if (r->len[i] >= 0 && record_read(q->type, (const unsigned char *)r->data[i],
                                          (size_t)r->len[i], &records[a.count]) == 0)
            a.count++;
    if (a.count == 0)
        a.status = DNS_FAILED; /* records of which none can be read */
    finish(q, &a);
    for (size_t i = 0; i < a.count; i++)
        record_clear(&records[i]);
}

/* What libunbound says; follows an alias that it did not follow itself. */
static void take_result(struct dns_query *q, int trouble, const struct ub_result *r)
{
    if (trouble != 0 || r == NULL || r->bogus || (r->rcode != 0 && !r->nxdomain)) {
        fail(q);
        return;
    }
    q->secure = q->secure && (r->secure || marked_secure(q->dns, q->name));
    char target[DNS_NAME_MAX + 2] = "";
    if (r->canonname != NULL)
        snprintf(target, sizeof target, "%s", r->canonname);
    trim_dot(target);
    bool alias = target[0] != '\0' && strcasecmp(target, q->name) != 0;
    if (r->havedata) {
        if (alias)
            snprintf(q->name, sizeof q->name, "%s", target);
        take_records(q, r);
    } else if (target[0] != '\0' && !r->nxdomain && q->dns->resolver == NULL) {
        /* Local records: an alias comes without what it leads to. */
        if (!alias || ++q->aliases > DNS_ALIASES_MAX) {
            fail(q);
            return;
        }
        snprintf(q->name, sizeof q->name, "%s", target);
        ask(q);
    } else {
        struct dns_answer a = {.status = r->nxdomain ? DNS_NXDOMAIN : DNS_NODATA,
                               .secure = q->secure};
        finish(q, &a);
    }
}

static void came(void *arg, int trouble, struct ub_result *r)
{
    struct dns_query *q = arg;
    q->async = 0;
    take_result(q, trouble, r);
    ub_resolve_free(r);
}

/* Local records are looked up at once: libunbound asks nobody for them. */
static void look_up(void *arg)
{
    struct dns_query *q = arg;
    struct ub_result *r = NULL;
    q->posted = false;
    if (q->done == NULL || q->dns->ub == NULL || failing(q->dns, q->name, q->type)) {
        fail(q);
        return;
    }
    int trouble = ub_resolve(q->dns->ub, q->name, (int)q->type, 1, &r);
    take_result(q, trouble, r);
    ub_resolve_free(r);
}

static void ask(struct dns_query *q)
{
    struct dns *d = q->dns;
    bool possible = set_up(d, NULL) == 0;
    if (possible && d->resolver != NULL && !failing(d, q->name, q->type) &&
        ub_resolve_async(d->ub, q->name, (int)q->type, 1, q, came, &q->async) == 0)
        return;
    q->call = (struct loop_call){.call = look_up, .arg = q};
    q->posted = true;
    loop_post(d->loop, &q->call);
}

static void remember(struct dns *d, const char *name, enum dns_type type)
{
    char line[DNS_NAME_MAX + 16];
    snprintf(line, sizeof line, "%s %s", name, record_type_name(type));
    if (d->asked_count == ASKED_MAX) {
        free(d->asked[0]);
        memmove(d->asked, d->asked + 1, --d->asked_count * sizeof *d->asked);
    }
    d->asked[d->asked_count++] = copy(line);
}

struct dns_query *dns_ask(struct dns *d, const char *name, enum dns_type type, dns_done *done,
                          void *arg)
{
    struct dns_query *q = must_have(calloc(1, sizeof *q));
    q->dns = d;
    q->type = type;
    q->secure = true;
    q->done = done;
    q->arg = arg;
    snprintf(q->name, sizeof q->name, "%.*s", DNS_NAME_MAX, name);
    trim_dot(q->name);
    q->next = d->queries;
    q->link = &d->queries;
    if (q->next != NULL)
        q->next->link = &q->next;
    d->queries = q;
    d->pending++;
    remember(d, q->name, type);
    ask(q);
    return q;
}

void dns_cancel(struct dns_query *q)
{
    if (q != NULL)
        q->done = NULL;
}

size_t dns_pending(const struct dns *d)
{
    return d->pending;
}

size_t dns_asked_count(const struct dns *d)
{
    return d->asked_count;
}

const char *dns_asked(const struct dns *d, size_t i)
{
    return d->asked[i];
}

/* --- records that are given --- */

static int type_by_name(const char *name)
{
    static const enum dns_type types[] = {DNS_A, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcasecmp(record_type_name(types[i]), name) == 0)
            return (int)types[i];
    return -1;
}

static int directive(struct dns *d, const char *line, struct err *err)
{
    char word[16], name[DNS_NAME_MAX + 2], type[16], rest[2];
    int n = sscanf(line, "%15s %256s %15s %1s", word, name, type, rest);
    if (n == 2 && strcasecmp(word, "$SECURE") == 0) {
        mark_add(&d->secure, name, 0);
        return 0;
    }
    if ((n == 2 || n == 3) && strcasecmp(word, "$FAIL") == 0) {
        int number = n == 3 ? type_by_name(type) : 0;
        if (number < 0)
            return err_set(err, "\"%s\" is no type of record that is asked for here", type);
        mark_add(&d->failing, name, number);
        return 0;
    }
    return err_set(err, "\"%s\": the directives are $FAIL name [type] and $SECURE name", line);
}

/* Cuts a comment off, but not inside quotes. */
static void cut_comment(char *line)
{
    bool quoted = false;
    for (char *p = line; *p != '\0'; p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (*p == ';' && !quoted)
            *p = '\0';
        if (*p == '\0')
            break;
    }
    size_t n = strlen(line);
    while (n > 0 && isspace((unsigned char)line[n - 1]))
        line[--n] = '\0';
}

int dns_add(struct dns *d, const char *line, struct err *err)
{
    char text[LINE_MAX_BYTES];
    if (strlen(line) >= sizeof text)
        return err_set(err, "a line of a zone is longer than %d bytes", LINE_MAX_BYTES);
    snprintf(text, sizeof text, "%s", line + strspn(line, " \t"));
    cut_comment(text);
    if (text[0] == '\0')
        return 0;
    if (text[0] == '$')
        return directive(d, text, err);
    if (set_up(d, err) != 0 || fill(d, text, err) != 0)
        return -1;
    d->lines = must_have(realloc(d->lines, (d->line_count + 1) * sizeof *d->lines));
    d->lines[d->line_count++] = copy(text);
    return 0;
}

void dns_remove(struct dns *d, const char *name)
{
    char plain[DNS_NAME_MAX + 2];
    snprintf(plain, sizeof plain, "%.*s", DNS_NAME_MAX, name);
    trim_dot(plain);
    marks_remove(&d->failing, plain);
    marks_remove(&d->secure, plain);
    size_t kept = 0;
    for (size_t i = 0; i < d->line_count; i++) {
        size_t n = strcspn(d->lines[i], " \t"), len = strlen(plain);
        bool same = strncasecmp(d->lines[i], plain, len) == 0 &&
                    (n == len || (n == len + 1 && d->lines[i][len] == '.'));
        if (same)
            free(d->lines[i]);
        else
            d->lines[kept++] = d->lines[i];
    }
    d->line_count = kept;
    if (d->ub != NULL)
        ub_ctx_data_remove(d->ub, plain);
}

void dns_clear(struct dns *d)
{
    for (size_t i = 0; i < d->line_count; i++) {
        size_t n = strcspn(d->lines[i], " \t");
        d->lines[i][n] = '\0';
        if (d->ub != NULL)
            ub_ctx_data_remove(d->ub, d->lines[i]);
        free(d->lines[i]);
    }
    d->line_count = 0;
    marks_remove(&d->failing, NULL);
    marks_remove(&d->secure, NULL);
    for (size_t i = 0; i < d->asked_count; i++)
        free(d->asked[i]);
    d->asked_count = 0;
}

static size_t marks_count(const struct mark *m)
{
    size_t n = 0;
    for (; m != NULL; m = m->next)
        n++;
    return n;
}

char **dns_keep(const struct dns *d, size_t *count)
{
    char **lines = must_have(calloc(
        d->line_count + marks_count(d->failing) + marks_count(d->secure) + 1, sizeof *lines));
    size_t n = 0;
    for (size_t i = 0; i < d->line_count; i++)
        lines[n++] = copy(d->lines[i]);
    for (const struct mark *m = d->failing; m != NULL; m = m->next) {
        const char *type = m->type != 0 ? record_type_name((enum dns_type)m->type) : "";
        if (asprintf(&lines[n++], "$FAIL %s.%s%s", m->name, *type != '\0' ? " " : "", type) < 0)
            abort();
    }
    for (const struct mark *m = d->secure; m != NULL; m = m->next)
        if (asprintf(&lines[n++], "$SECURE %s.", m->name) < 0)
            abort();
    *count = n;
    return lines;
}

int dns_bring_back(struct dns *d, char *const *lines, size_t count, struct err *err)
{
    dns_clear(d);
    for (size_t i = 0; i < count; i++)
        if (dns_add(d, lines[i], err) != 0)
            return -1;
    return 0;
}

static int read_zone(struct dns *d, const char *path, struct err *err)
{
    struct lines l;
    struct err why;
    int rc;
    if (lines_open(&l, path, err) != 0)
        return -1;
    while ((rc = lines_next(&l, err)) > 0)
        if (dns_add(d, l.text, &why) != 0) {
            rc = err_set(err, "%s:%d: %s", path, l.number, why.text);
            break;
        }
    lines_close(&l);
    return rc;
}

int dns_open(const struct dns_options *o, struct dns **out, struct err *err)
{
    struct dns *d = must_have(calloc(1, sizeof *d));
    d->loop = o->loop;
    d->resolver = o->resolver != NULL ? copy(o->resolver) : NULL;
    d->anchor = o->anchor != NULL ? copy(o->anchor) : NULL;
    d->asked = must_have(calloc(ASKED_MAX, sizeof *d->asked));
    if ((d->resolver != NULL && set_up(d, err) != 0) ||
        (o->zone != NULL && read_zone(d, o->zone, err) != 0)) {
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
    bool posted = false;
    for (struct dns_query *q = d->queries; q != NULL; q = q->next) {
        q->done = NULL;
        posted = posted || q->posted;
    }
    while (posted) { /* their calls are in the loop's list */
        loop_once(d->loop, 0);
        posted = false;
        for (struct dns_query *q = d->queries; q != NULL; q = q->next)
            posted = posted || q->posted;
    }
    for (struct dns_query *q = d->queries; q != NULL;) {
        struct dns_query *next = q->next;
        if (q->async != 0)
            ub_cancel(d->ub, q->async);
        query_free(q);
        q = next;
    }
    dns_clear(d);
    tear_down(d);
    free(d->lines);
    free(d->asked);
    free(d->resolver);
    free(d->anchor);
    free(d);
}
