/* What a person sees of a host. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "evidence/transcript.h"
#include "ports/dial/suites.h"
#include "ports/report/results.h"

enum { FAILURE_LINES = 14 };

static const char *paint(bool color, enum ports_verdict v)
{
    if (!color)
        return "";
    return v == PORTS_FAIL ? "\033[31m" : v == PORTS_WEAK ? "\033[33m" : "\033[32m";
}

static void versions(const struct port *p, char *out, size_t size)
{
    static const char *const words[VERSIONS_SEEN] = {"SSL2", "SSL3", "1.0", "1.1", "1.2", "1.3"};
    int low = -1, high = -1;
    for (int i = 0; i < VERSIONS_SEEN; i++)
        if (p->facts.versions[i]) {
            low = low < 0 ? i : low;
            high = i;
        }
    if (low < 0)
        (void)snprintf(out, size, "-");
    else if (low == high)
        (void)snprintf(out, size, "%s", words[low]);
    else
        (void)snprintf(out, size, "%s-%s", words[low], words[high]);
}

static const char *state(const struct port *p)
{
    switch (p->state) {
    case PORT_OPEN:
        return p->mode == MODE_UNKNOWN           ? (p->limited ? "limited" : "open")
               : p->protocol == PROTOCOL_UNKNOWN ? "no mail"
                                                 : port_mode_word(p->mode);
    case PORT_REFUSED:
        return "closed";
    case PORT_FILTERED:
        return "filtered";
    case PORT_UNREACHABLE:
        return "unreachable";
    case PORT_UNTRIED:
        break;
    }
    return "not tried";
}

static void count(const struct results *r, const struct port *p, int counts[PORTS_VERDICTS])
{
    memset(counts, 0, PORTS_VERDICTS * sizeof *counts);
    for (size_t i = 0; i < r->n; i++)
        if (r->at[i].port == p)
            counts[r->at[i].verdict]++;
}

static void row(const struct results *r, const struct port *p, FILE *out)
{
    char v[32], why[512], days[32] = "-", letter = results_letter(r, p, why, sizeof why);
    int counts[PORTS_VERDICTS];
    const char *login = p->mode == MODE_IMPLICIT   ? "-"
                        : !p->facts.login_in_clear ? "refused"
                        : p->facts.login_refused   ? "offered"
                                                   : "allowed";
    count(r, p, counts);
    versions(p, v, sizeof v);
    if (p->facts.have_leaf)
        (void)snprintf(days, sizeof days, "%d d", p->facts.days_left);
    if (p->state != PORT_OPEN || p->facts.clear_caps[0] == '\0')
        login = "-";
    (void)fprintf(out, "%5u  %-5s %-12s %-8s %-38s %6s  %-8s %-8.8s %4d %4d %4d   %c\n", p->port,
                  p->protocol != PROTOCOL_UNKNOWN ? port_protocol_word(p->protocol) : "-", state(p),
                  v, p->facts.best_suite[0] != '\0' ? p->facts.best_suite : "-", days, login,
                  p->facts.injection[0] != '\0' ? p->facts.injection : "-", p->used,
                  counts[PORTS_FAIL], counts[PORTS_WEAK], letter);
}

static void rows(const struct results *r, FILE *out)
{
    const char *address = "";
    for (size_t i = 0; i < r->host->n; i++) {
        const struct port *p = &r->host->ports[i];
        if (strcmp(address, p->address) != 0) {
            address = p->address;
            (void)fprintf(out, "\n%s\n%5s  %-5s %-12s %-8s %-38s %6s  %-8s %-8s %4s %4s %4s\n",
                          address, "port", "", "mode", "TLS", "suite picked", "leaf", "login in",
                          "injected", "conn", "MUST", "SHOULD");
        }
        row(r, p, out);
    }
}

/* "Postfix: a | Dovecot: b" a line each, indented. */
static void change(FILE *out, const char *text)
{
    while (*text != '\0') {
        const char *bar = strstr(text, " | ");
        int n = bar != NULL ? (int)(bar - text) : (int)strlen(text);
        (void)fprintf(out, "      change %.*s\n", n, text);
        text = bar != NULL ? bar + 3 : text + n;
    }
}

/* The events of the connections that a finding rests on, up to where it was made: what the same
 * connection was used for afterwards says nothing about it. */
static json_t *exchange(const struct results *r, const struct result *one)
{
    json_t *list = err_need(json_array());
    const struct port *talk = results_talk(r, one);
    size_t n = talk != NULL ? json_array_size(talk->events) : 0;
    for (size_t i = 0; i < n; i++) {
        json_t *e = json_array_get(talk->events, i);
        json_int_t conn = json_integer_value(json_object_get(e, "conn"));
        if (one->finding->until > 0 &&
            json_real_value(json_object_get(e, "at")) > one->finding->until)
            continue;
        for (int k = 0; k < FINDING_CONNS; k++)
            if (conn != 0 && conn == one->finding->conns[k])
                (void)json_array_append(list, e);
    }
    return list;
}

static void failure(const struct results *r, const struct result *one, FILE *out, bool color,
                    int verbose)
{
    const struct check *k = &checks[one->id];
    char id[256];
    results_id(r, one, id, sizeof id);
    (void)fprintf(out, "%s%s%s  %s  %s  RFC %s%s%s\n      %s\n      %s\n",
                  paint(color, one->verdict), one->verdict == PORTS_FAIL ? "FAIL" : "WEAK",
                  color ? "\033[0m" : "", id + strlen("ports/"), check_level_word(one->level),
                  k->ref, one->known != NULL ? "  known: " : "",
                  one->known != NULL ? one->known : "", k->title,
                  one->finding->why != NULL ? one->finding->why : "");
    json_t *events = exchange(r, one);
    /* Of versions, suites and certificates the sentence says it all, and the bytes say nothing. */
    bool talk = strchr("PSJUBE", k->id[0]) != NULL;
    if (json_array_size(events) > 0 && (verbose > 0 || (talk && one->verdict == PORTS_FAIL))) {
        struct transcript_style style = {.indent = 6,
                                         .most_lines = 6,
                                         .most_bytes = 110,
                                         .color = color,
                                         .last = verbose > 0 ? 0 : FAILURE_LINES};
        struct buf b;
        buf_init(&b, (size_t)1 << 20);
        (void)transcript_text(events, false, &style, &b);
        (void)fwrite(b.data, 1, b.len, out);
        buf_clear(&b);
    }
    json_decref(events);
    change(out, k->change);
    if (one->evidence != NULL) {
        char where[64];
        results_where(one, where, sizeof where);
        (void)fprintf(out, "      pcap   %s: %s\n", one->evidence, where);
    }
}

/* The same check with the same words on another port. */
static bool same(const struct result *a, const struct result *b)
{
    const char *x = a->finding->why, *y = b->finding->why;
    return a->id == b->id && a->verdict == b->verdict && a->port != NULL && b->port != NULL &&
           b->known == NULL && strcmp(x != NULL ? x : "", y != NULL ? y : "") == 0;
}

static void same_elsewhere(const struct results *r, const struct result *one, char *out,
                           size_t size)
{
    *out = '\0';
    for (const struct result *o = one + 1; o < r->at + r->n; o++)
        if (same(one, o)) {
            size_t n = strlen(out);
            (void)snprintf(out + n, size - n, "%s%u", n > 0 ? ", " : "", o->port->port);
        }
}

static bool told_before(const struct results *r, const struct result *one)
{
    for (const struct result *o = r->at; o < one; o++)
        if (same(one, o))
            return true;
    return false;
}

static void letters(const struct results *r, FILE *out)
{
    char why[512];
    (void)fputs(
        "\nletters (A nothing, B a SHOULD, C a MUST, F what gives mail or passwords away):\n", out);
    for (size_t i = 0; i < r->host->n; i++) {
        const struct port *p = &r->host->ports[i];
        char letter = results_letter(r, p, why, sizeof why);
        if (letter != '-')
            (void)fprintf(out, "  %u %c%s%s\n", p->port, letter, why[0] != '\0' ? ": " : "", why);
    }
}

static void notes(const struct results *r, FILE *out)
{
    for (size_t i = 0; i < r->host->n; i++) {
        const struct port *p = &r->host->ports[i];
        if (p->limited)
            (void)fprintf(out, "port %u: rate-limited at connection %d: %s\n", p->port,
                          p->limited_at, p->limited_why);
        else if (p->left_unasked > 0)
            (void)fprintf(out, "port %u: the budget of %d connections left %d checks unasked\n",
                          p->port, p->o->budget, p->left_unasked);
    }
}

void results_print(const struct results *r, FILE *out, bool color, int verbose)
{
    const struct host *h = r->host;
    char where[256];
    (void)fprintf(out, "%s, profile %s (%s), ", h->o.host, r->profile->name, r->profile->about);
    if (h->client != NULL)
        (void)fprintf(out, "as a client of %s against a hostile server\n",
                      port_protocol_word(h->client->protocol));
    else if (h->o.budget > 0)
        (void)fprintf(out, "at most %d connections a port\n", h->o.budget);
    else
        (void)fputs("any number of connections a port\n", out);
    if (h->client == NULL) {
        rows(r, out);
        letters(r, out);
    }
    static const enum check_id differences[] = {CHECK_P16, CHECK_P15};
    for (size_t i = 0; i < 2; i++)
        if (h->found[differences[i]].kind == FINDING_BAD)
            (void)fprintf(out, "\ndifferences between %s: %s\n", i == 0 ? "ports" : "addresses",
                          h->found[differences[i]].why);
    (void)fputc('\n', out);
    for (int v = PORTS_FAIL; v <= PORTS_WEAK; v++)
        for (size_t i = 0; i < r->n; i++) {
            const struct result *one = &r->at[i];
            if ((int)one->verdict != v || (one->known != NULL && verbose == 0))
                continue;
            /* The same on each port is told once, with the exchange of the first. */
            if (verbose == 0 && one->port != NULL && one->known == NULL && told_before(r, one))
                continue;
            failure(r, one, out, color, verbose);
            same_elsewhere(r, one, where, sizeof where);
            if (verbose == 0 && one->port != NULL && where[0] != '\0')
                (void)fprintf(out, "      also on %s\n", where);
        }
    if (verbose > 0)
        for (size_t i = 0; i < r->n; i++) {
            char id[256];
            const struct result *one = &r->at[i];
            if (one->verdict == PORTS_FAIL || one->verdict == PORTS_WEAK ||
                (one->verdict == PORTS_PASS && verbose < 2))
                continue;
            results_id(r, one, id, sizeof id);
            (void)fprintf(out, "%-5s  %s  %s%s%s\n", ports_verdict_words[one->verdict],
                          id + strlen("ports/"), checks[one->id].title,
                          one->finding->why != NULL ? ": " : "",
                          one->finding->why != NULL ? one->finding->why : "");
        }
    notes(r, out);
    for (int i = 0; r->expected != NULL && i < r->expected->n; i++)
        if (r->expected->at[i].looked && !r->expected->at[i].met)
            (void)fprintf(out, "stale: %s:%d expects %s of %s, which is no longer so\n",
                          r->expected->path, r->expected->at[i].line,
                          ports_verdict_words[r->expected->at[i].verdict],
                          checks[r->expected->at[i].id].id);
    int used = h->client != NULL ? h->client->used : 0;
    for (size_t i = 0; i < h->n; i++)
        used += h->ports[i].used;
    (void)fprintf(
        out,
        "%d pass, %d fail, %d weak, %d noted, %d not tested; %d connections, %.2f s, %.2f s CPU\n",
        r->counts[PORTS_PASS], r->counts[PORTS_FAIL], r->counts[PORTS_WEAK], r->counts[PORTS_NOTED],
        r->counts[PORTS_SKIP], used, h->seconds, h->cpu_ms / 1000);
}
