/* The files of a look at a host: run.jsonl with its evidence, as any other run has them, and the
 * JSON that is made for machines. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "evidence/capture_made.h"
#include "ports/dial/suites.h"
#include "ports/report/results.h"
#include "run/record.h"

static json_t *text(const char *s)
{
    return record_text(s != NULL ? s : "");
}

/* Copies of the events of the connections that this result rests on, named after it. */
static json_t *own_events(const struct results *r, const struct result *one, const char *id)
{
    json_t *list = err_need(json_array()), *e;
    size_t i;
    const struct port *talk = results_talk(r, one);
    if (talk == NULL)
        return list;
    json_array_foreach (talk->events, i, e) {
        json_int_t conn = json_integer_value(json_object_get(e, "conn"));
        bool mine = false;
        for (int k = 0; k < FINDING_CONNS; k++)
            mine = mine || (conn != 0 && conn == one->finding->conns[k]);
        if (mine) {
            json_t *own = err_need(json_copy(e));
            (void)json_object_set_new(own, "case", text(id));
            (void)json_array_append_new(list, own);
        }
    }
    return list;
}

static double time_of(const struct results *r, const struct result *one)
{
    struct timespec t;
    const struct port *talk = results_talk(r, one);
    if (talk != NULL)
        return talk->started;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec;
}

static void one_case(struct results *r, struct record *out, struct result *one, const char *folder)
{
    const struct check *k = &checks[one->id];
    char id[256], section[64], group[2] = {k->id[0], '\0'}, says[1024], path[4096];
    struct err err;
    json_t *e;
    size_t i;
    results_id(r, one, id, sizeof id);
    int rfc = check_rfc(k, section, sizeof section);
    bool bad = one->verdict == PORTS_FAIL || one->verdict == PORTS_WEAK;
    (void)snprintf(says, sizeof says, "%s. RFC %s.%s%s", k->title, k->ref,
                   k->change[0] != '\0' ? " To change: " : "", k->change);
    json_t *tags = json_pack("[s, s]", "ports", group);
    (void)record_event(out,
                       json_pack("{s:s, s:o, s:f, s:s, s:o, s:s, s:s, s:s, s:i, s:[s], s:o}", "ev",
                                 "case.start", "case", text(id), "t", time_of(r, one), "title",
                                 k->title, "says", text(says), "why", "", "level",
                                 one->level == LEVEL_OFF ? "MAY" : check_level_word(one->level),
                                 "section", section, "rfc", rfc, "proves", k->id, "tags", tags));
    json_t *events = bad ? own_events(r, one, id) : err_need(json_array());
    if (json_array_size(events) > 0 && folder != NULL) {
        char name[300];
        (void)snprintf(name, sizeof name, "evidence/%s.pcapng", id);
        for (char *c = name + strlen("evidence/"); *c != '\0'; c++)
            if (*c == '/' || *c == ':')
                *c = '-';
        (void)snprintf(path, sizeof path, "%s/%s", folder, name);
        struct capture_frames frames;
        if (capture_made_frames(events, time_of(r, one), path, &frames, &err) == 0) {
            one->evidence = err_need(strdup(name));
            one->frames = frames.count;
            one->frame = frames.here;
        }
    }
    json_array_foreach (events, i, e)
        (void)record_event(out, json_incref(e));
    json_decref(events);
    char where[64] = "";
    if (one->evidence != NULL)
        results_where(one, where, sizeof where);
    json_t *end = json_pack("{s:s, s:o, s:s, s:s, s:o, s:s, s:f, s:f}", "ev", "case.end", "case",
                            text(id), "verdict", ports_verdict_words[one->verdict], "level",
                            one->level == LEVEL_OFF ? "MAY" : check_level_word(one->level), "why",
                            text(one->finding->why), "where", where, "seconds", 0.0, "cpu_ms", 0.0);
    (void)json_object_set_new(end, "evidence",
                              one->evidence != NULL ? text(one->evidence) : json_null());
    (void)json_object_set_new(end, "baseline",
                              one->known != NULL ? json_string("expected") : json_null());
    if (one->known != NULL)
        (void)json_object_set_new(end, "baseline_why", text(one->known));
    (void)record_event(out, end);
}

void results_where(const struct result *one, char *out, size_t size)
{
    int n = snprintf(out, size, "connection c%d", one->finding->conns[0]);
    if (one->frame > 0 && n > 0 && (size_t)n < size)
        (void)snprintf(out + n, size - (size_t)n, ", frame %zu of %zu", one->frame, one->frames);
}

static json_t *hidden_command(int argc, char **argv)
{
    json_t *list = err_need(json_array());
    for (int i = 0; i < argc; i++) {
        char one[512];
        bool secret = i > 0 && strcmp(argv[i - 1], "--user") == 0;
        (void)snprintf(one, sizeof one, "%.500s", argv[i]);
        char *from = strncmp(one, "--user=", 7) == 0 ? one + 7 : secret ? one : NULL;
        char *colon = from != NULL ? strchr(from, ':') : NULL;
        if (colon != NULL)
            (void)strcpy(colon + 1, "***");
        (void)json_array_append_new(list, text(one));
    }
    return list;
}

int results_record(struct results *r, const char *folder, const char *run_id, int argc, char **argv,
                   int exit_code, struct err *err)
{
    const struct host *h = r->host;
    struct record out;
    char path[4096], when[40], where[128];
    time_t now = time(NULL);
    struct tm utc;
    (void)snprintf(path, sizeof path, "%s/run.jsonl", folder);
    if (record_open(&out, path, err) != 0)
        return -1;
    (void)gmtime_r(&now, &utc);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_t *services = err_need(json_object());
    for (size_t i = 0; i < h->n; i++) {
        (void)snprintf(where, sizeof where, "%s:%u", h->ports[i].address, h->ports[i].port);
        if (h->ports[i].state == PORT_OPEN &&
            json_object_get(services, port_service(&h->ports[i])) == NULL)
            (void)json_object_set_new(services, port_service(&h->ports[i]), text(where));
    }
    (void)record_event(&out, json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:o, s:o}, s:i, s:I}", "ev",
                                       "run.start", "t", when, "run", run_id, "version",
                                       MAILPROOF_VERSION, "command", hidden_command(argc, argv),
                                       "target", "name", text(h->o.host), "services", services,
                                       "seed", 0, "scenarios", (json_int_t)r->n));
    for (size_t i = 0; i < r->n; i++)
        one_case(r, &out, &r->at[i], folder);
    json_t *counts = err_need(json_object());
    for (int v = 0; v < PORTS_VERDICTS; v++)
        (void)json_object_set_new(counts, ports_verdict_words[v], json_integer(r->counts[v]));
    int rc = record_event(&out,
                          json_pack("{s:s, s:i, s:o, s:f, s:f}", "ev", "run.end", "exit", exit_code,
                                    "counts", counts, "seconds", h->seconds, "cpu_ms", h->cpu_ms));
    if (rc != 0)
        *err = out.why;
    record_close(&out);
    return rc;
}

static json_t *port_json(const struct results *r, const struct port *p)
{
    static const int codes[VERSIONS_SEEN] = {2, TLS_V_SSL3, TLS_V_10, TLS_V_11, TLS_V_12, TLS_V_13};
    static const char *const states[] = {"untried", "open", "refused", "filtered", "unreachable"};
    char why[512], letter[2] = {results_letter(r, p, why, sizeof why), '\0'};
    json_t *o = err_need(json_object()), *versions = err_need(json_array()),
           *groups = err_need(json_array()), *suites = err_need(json_object());
    for (int i = 0; i < VERSIONS_SEEN; i++) {
        if (p->facts.versions[i])
            (void)json_array_append_new(versions, text(tls_version_word(codes[i])));
        if (p->facts.suites[i].n == 0)
            continue;
        json_t *list = err_need(json_array());
        for (size_t k = 0; k < p->facts.suites[i].n; k++) {
            const struct suite *s = suite_of(p->facts.suites[i].at[k]);
            char odd[16];
            (void)snprintf(odd, sizeof odd, "0x%04x", p->facts.suites[i].at[k]);
            (void)json_array_append_new(list, text(s != NULL ? s->name : odd));
        }
        (void)json_object_set_new(suites, tls_version_word(codes[i]), list);
    }
    for (size_t i = 0; i < p->facts.groups_n; i++) {
        const struct group *g = group_of(p->facts.groups[i]);
        (void)json_array_append_new(groups, text(g != NULL ? g->name : "unknown"));
    }
    (void)json_object_set_new(o, "address", text(p->address));
    (void)json_object_set_new(o, "port", json_integer(p->port));
    (void)json_object_set_new(o, "state", text(states[p->state]));
    (void)json_object_set_new(o, "state_why", text(p->state_why));
    (void)json_object_set_new(o, "protocol", text(port_protocol_word(p->protocol)));
    (void)json_object_set_new(o, "mode", text(port_mode_word(p->mode)));
    (void)json_object_set_new(o, "greeting", text(p->facts.greeting));
    (void)json_object_set_new(o, "versions", versions);
    (void)json_object_set_new(o, "suites", suites);
    (void)json_object_set_new(o, "groups", groups);
    (void)json_object_set_new(o, "letter", text(letter));
    (void)json_object_set_new(o, "letter_why", text(why));
    (void)json_object_set_new(o, "leaf", text(p->facts.leaf));
    (void)json_object_set_new(o, "leaf_names", text(p->facts.leaf_name));
    (void)json_object_set_new(o, "issuer", text(p->facts.issuer));
    (void)json_object_set_new(o, "not_after", text(p->facts.not_after));
    (void)json_object_set_new(o, "capabilities_in_clear", text(p->facts.clear_caps));
    (void)json_object_set_new(o, "capabilities_inside_tls", text(p->facts.tls_caps));
    (void)json_object_set_new(o, "connections", json_integer(p->used));
    (void)json_object_set_new(o, "budget", json_integer(p->o->budget));
    (void)json_object_set_new(o, "rate_limited_at",
                              p->limited ? json_integer(p->limited_at) : json_null());
    (void)json_object_set_new(o, "seconds", json_real(p->seconds));
    (void)json_object_set_new(o, "cpu_ms", json_real(p->cpu_ms));
    return o;
}

json_t *results_json(const struct results *r, int exit_code)
{
    static const char *const depths[] = {"gentle", "normal", "deep"};
    json_t *root = err_need(json_object()), *ports = err_need(json_array()),
           *all = err_need(json_array()), *counts = err_need(json_object());
    for (size_t i = 0; i < r->host->n; i++)
        (void)json_array_append_new(ports, port_json(r, &r->host->ports[i]));
    for (size_t i = 0; i < r->n; i++) {
        const struct result *one = &r->at[i];
        const struct check *k = &checks[one->id];
        json_t *o = err_need(json_object());
        (void)json_object_set_new(o, "check", text(k->id));
        (void)json_object_set_new(o, "address",
                                  one->port != NULL ? text(one->port->address) : json_null());
        (void)json_object_set_new(o, "port",
                                  one->port != NULL ? json_integer(one->port->port) : json_null());
        (void)json_object_set_new(o, "verdict", text(ports_verdict_words[one->verdict]));
        (void)json_object_set_new(o, "level", text(check_level_word(one->level)));
        (void)json_object_set_new(o, "requirement", text(k->ref));
        (void)json_object_set_new(o, "title", text(k->title));
        (void)json_object_set_new(o, "why", text(one->finding->why));
        (void)json_object_set_new(o, "change", text(k->change));
        (void)json_object_set_new(o, "connection", json_integer(one->finding->conns[0]));
        (void)json_object_set_new(
            o, "frame", one->frame > 0 ? json_integer((json_int_t)one->frame) : json_null());
        (void)json_object_set_new(o, "frames", json_integer((json_int_t)one->frames));
        (void)json_object_set_new(o, "known", one->known != NULL ? text(one->known) : json_null());
        (void)json_object_set_new(o, "evidence",
                                  one->evidence != NULL ? text(one->evidence) : json_null());
        (void)json_array_append_new(all, o);
    }
    for (int v = 0; v < PORTS_VERDICTS; v++)
        (void)json_object_set_new(counts, ports_verdict_words[v], json_integer(r->counts[v]));
    (void)json_object_set_new(root, "v", json_integer(1));
    (void)json_object_set_new(root, "host", text(r->host->o.host));
    (void)json_object_set_new(root, "profile", text(r->profile->name));
    (void)json_object_set_new(root, "depth", text(depths[r->host->o.depth]));
    (void)json_object_set_new(root, "exit", json_integer(exit_code));
    (void)json_object_set_new(root, "seconds", json_real(r->host->seconds));
    (void)json_object_set_new(root, "cpu_ms", json_real(r->host->cpu_ms));
    (void)json_object_set_new(root, "counts", counts);
    (void)json_object_set_new(root, "ports", ports);
    (void)json_object_set_new(root, "checks", all);
    return root;
}
