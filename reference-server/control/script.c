/* Which rules a session meets, and what they do to it. SPDX-License-Identifier: MIT */
#include "control/script.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "control/rule.h"
#include "server.h"

enum { RECIPIENTS_MOST = 1000 };
#define BURST_S 0.1 /* of throttled output that may go at once */

/* A rule and one session that it may be about. */
struct entry {
    struct entry *next;
    struct rule *rule;
    unsigned ordinal; /* of the session, among those that the rule counts; 0: it is older */
    unsigned seen;    /* commands that matched */
    bool active;      /* its fault is on for this command */
    bool used;        /* and counted */
    struct fault_extra extra;
};

struct script {
    struct entry *entries;
    struct fault_extra *active;
    char **recipients; /* since MAIL, while a rule may ask */
    size_t recipient_count;
    char *from;
    bool cut, swallow;
    size_t cut_left;
    enum rule_end cut_end;
    long throttle;   /* octets a second; 0: no limit */
    double may_send; /* of them, right now */
    int64_t paced_ms;
};

static void *must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static struct entry *find(const struct script *k, const struct rule *r)
{
    struct entry *e = k->entries;
    while (e != NULL && e->rule != r)
        e = e->next;
    return e;
}

static struct entry *know(struct conn *c, struct rule *r, unsigned ordinal)
{
    if (c->script == NULL)
        c->script = must_have(calloc(1, sizeof *c->script));
    struct entry *e = must_have(calloc(1, sizeof *e)), **at = &c->script->entries;
    while (*at != NULL) /* in the order of the rules */
        at = &(*at)->next;
    *at = e;
    e->rule = r;
    e->ordinal = ordinal;
    rule_refer(r);
    return e;
}

/* Rules that were made since this session was last looked at. */
static void learn(struct conn *c)
{
    for (struct rule *r = rule_first(); r != NULL; r = r->next)
        if (!r->off && r->services[c->service] && (c->script == NULL || find(c->script, r) == NULL))
            know(c, r, 0);
}

/* --- conditions --- */

static bool fits(const char *pattern, const char *text)
{
    return fnmatch(pattern, text, FNM_CASEFOLD) == 0;
}

/* With a wildcard: the whole line. Without: the line begins with these words. */
static bool line_fits(const char *pattern, const char *line)
{
    if (strpbrk(pattern, "*?[") != NULL)
        return fits(pattern, line);
    size_t n = strlen(pattern);
    return strncasecmp(pattern, line, n) == 0 && strchr(" :", line[n]) != NULL;
}

/* The address between < and > of MAIL and RCPT. */
static char *address_in(const char *line)
{
    const char *from = strchr(line, '<');
    size_t n = from != NULL ? strcspn(from + 1, ">") : 0;
    return from != NULL ? must_have(strndup(from + 1, n)) : NULL;
}

static void forget_envelope(struct script *k)
{
    for (size_t i = 0; i < k->recipient_count; i++)
        free(k->recipients[i]);
    free(k->recipients);
    free(k->from);
    k->recipients = NULL;
    k->recipient_count = 0;
    k->from = NULL;
}

/* Reads along, so that rules can be about recipients when DATA or its end comes. */
static void note_envelope(struct script *k, const char *line)
{
    if (line_fits("MAIL", line) || line_fits("RSET", line) || line_fits("EHLO", line) ||
        line_fits("HELO", line) || line_fits("LHLO", line))
        forget_envelope(k);
    if (line_fits("MAIL", line)) {
        k->from = address_in(line);
    } else if (line_fits("RCPT", line) && k->recipient_count < RECIPIENTS_MOST) {
        char *rcpt = address_in(line);
        if (rcpt == NULL)
            return;
        k->recipients =
            must_have(realloc(k->recipients, (k->recipient_count + 1) * sizeof *k->recipients));
        k->recipients[k->recipient_count++] = rcpt;
    }
}

/* The recipient that a command is about, if there is one that fits: RCPT's own, else any of the
 * message. NULL: none. */
static const char *rcpt_fits(const struct script *k, const char *pattern, const char *line)
{
    size_t i = 0;
    if (line_fits("RCPT", line))
        i = k->recipient_count > 0 ? k->recipient_count - 1 : 0;
    for (; i < k->recipient_count; i++)
        if (pattern == NULL || fits(pattern, k->recipients[i]))
            return k->recipients[i];
    return NULL;
}

/* The counter that decides how often the rule still fires; NULL with *over: it does not. */
static struct rule_counter *counter(const struct conn *c, struct rule *r, const char *line,
                                    bool *over)
{
    char session[16];
    const char *of = "";
    snprintf(session, sizeof session, "%u", c->number);
    switch (r->per) {
    case PER_ALL:
        break;
    case PER_SESSION:
        of = session;
        break;
    case PER_RCPT:
        of = line != NULL ? rcpt_fits(c->script, r->rcpt, line) : NULL;
        break;
    case PER_USER:
        of = c->user;
        break;
    case PER_PEER:
        of = c->peer;
        break;
    }
    struct rule_counter *n = rule_counter(r, of != NULL ? of : "");
    *over = n == NULL || (r->times != 0 && n->fired >= r->times);
    return n;
}

/* What does not depend on the command. */
static bool session_fits(const struct conn *c, const struct entry *e)
{
    const struct rule *r = e->rule;
    return !r->off && (r->session == 0 || r->session == e->ordinal) &&
           (r->user == NULL || fits(r->user, c->user));
}

/* --- the session --- */

/* Switches on the faults that need no look at the command's text: those of a whole session, and of
 * its nth command whatever that is. */
static void activate(struct conn *c)
{
    struct script *k = c->script;
    k->active = NULL;
    for (struct entry *e = k->entries; e != NULL; e = e->next) {
        struct rule *r = e->rule;
        bool over = false;
        e->active = e->used = e->extra.used = false;
        if (!r->has_fault || r->match != NULL || r->rcpt != NULL || r->from != NULL ||
            !session_fits(c, e) || (r->command != 0 && r->command != c->command))
            continue;
        counter(c, r, NULL, &over);
        if (over)
            continue;
        e->active = true;
        e->extra.fault = r->fault;
        e->extra.next = k->active;
        k->active = &e->extra;
    }
}

/* A fault counts once for each command in which it was asked for. */
static void count_used(struct conn *c)
{
    for (struct entry *e = c->script->entries; e != NULL; e = e->next) {
        bool over;
        if (!e->active || e->used || !e->extra.used)
            continue;
        struct rule_counter *n = counter(c, e->rule, NULL, &over);
        if (n != NULL && e->rule->per != PER_RCPT)
            n->fired++;
        e->used = true;
    }
}

void script_begin(struct conn *c)
{
    for (struct rule *r = rule_first(); r != NULL; r = r->next)
        if (!r->off && r->services[c->service])
            know(c, r, ++r->sessions);
    if (c->script != NULL)
        activate(c);
}

void script_end(struct conn *c)
{
    struct script *k = c->script;
    if (k == NULL)
        return;
    count_used(c);
    fault_also(NULL);
    c->script = NULL;
    forget_envelope(k);
    while (k->entries != NULL) {
        struct entry *e = k->entries;
        k->entries = e->next;
        rule_release(e->rule);
        free(e);
    }
    free(k);
}

void script_next(struct conn *c)
{
    if (rule_first() != NULL)
        learn(c);
    if (c->script == NULL)
        return;
    count_used(c);
    c->script->cut = false;
    activate(c);
}

void script_scope(const struct conn *c)
{
    fault_also(c->script != NULL ? c->script->active : NULL);
}

/* --- a command --- */

static void answer(struct conn *c, const char *reply, const char *before, size_t answers)
{
    for (size_t i = 0; i < answers; i++)
        for (const char *at = reply; *at != '\0';) {
            size_t n = strcspn(at, "\r\n");
            bool tagged = before != NULL && *at != '*' && *at != '+';
            if (n > 0)
                conn_printf(c, "%s%.*s\r\n", tagged ? before : "", (int)n, at);
            at += n + strspn(at + n, "\r\n");
        }
}

/* Does what one rule says. False: the command is not to happen. */
static bool act(struct conn *c, struct entry *e, const char *before, size_t answers)
{
    struct rule *r = e->rule;
    struct script *k = c->script;
    bool allowed = true;
    if (r->has_fault && !e->active) {
        e->active = true;
        e->extra = (struct fault_extra){.fault = r->fault, .next = k->active};
        k->active = &e->extra;
    }
    if (r->delay_ms > 0)
        conn_hold(c, r->delay_ms);
    if (r->throttle > 0) {
        k->throttle = r->throttle;
        k->paced_ms = clock_now_ms(c->server->clock);
        k->may_send = 1;
    }
    if (r->truncate >= 0) {
        k->cut = true;
        k->cut_left = (size_t)r->truncate;
        k->cut_end = r->end;
    }
    if (r->reply != NULL) {
        answer(c, r->reply, before, answers);
        allowed = false;
    }
    if (r->end != END_NOT && r->truncate < 0) {
        if (r->end == END_RESET)
            conn_abort(c);
        else
            conn_close(c);
        allowed = false;
    }
    return allowed;
}

bool script_allows(struct conn *c, const char *line, const char *before, size_t answers)
{
    struct script *k = c->script;
    bool allowed = true;
    if (k == NULL)
        return true;
    note_envelope(k, line);
    if (strcmp(line, ".") == 0)
        k->cut = false; /* that was about the answer to DATA */
    for (struct entry *e = k->entries; e != NULL && allowed; e = e->next) {
        struct rule *r = e->rule;
        bool over = false,
             only_fault = r->has_fault && r->match == NULL && r->rcpt == NULL && r->from == NULL;
        if (!session_fits(c, e) || only_fault || r->add != NULL || r->remove != NULL)
            continue;
        if (r->match != NULL && !line_fits(r->match, line))
            continue;
        if ((r->rcpt != NULL && rcpt_fits(k, r->rcpt, line) == NULL) ||
            (r->from != NULL && (k->from == NULL || !fits(r->from, k->from))))
            continue;
        if (r->match == NULL && strcmp(line, "greeting") == 0)
            continue; /* that is no command unless it is asked for */
        e->seen++;
        unsigned at = r->match == NULL && r->rcpt == NULL && r->from == NULL ? c->command : e->seen;
        if (r->command != 0 && r->command != at)
            continue;
        struct rule_counter *n = counter(c, r, line, &over);
        if (over)
            continue;
        if (!r->has_fault || r->per == PER_RCPT)
            n->fired++;
        allowed = act(c, e, before, answers);
    }
    script_scope(c);
    return allowed;
}

/* --- output --- */

size_t script_output(struct conn *c, size_t n, bool *drop, bool *reset)
{
    struct script *k = c->script;
    *drop = *reset = false;
    if (k == NULL || (!k->cut && !k->swallow))
        return n;
    if (k->swallow)
        return 0;
    if (n <= k->cut_left) {
        k->cut_left -= n;
        return n;
    }
    n = k->cut_left;
    k->cut_left = 0;
    *drop = k->cut_end == END_DROP;
    *reset = k->cut_end == END_RESET;
    return n;
}

void script_swallow(struct conn *c, bool on)
{
    if (c->script != NULL)
        c->script->swallow = on;
}

bool script_paced(const struct conn *c)
{
    return c->script != NULL && c->script->throttle > 0;
}

size_t script_pace(struct conn *c, size_t n, int64_t *wait_ms)
{
    struct script *k = c->script;
    if (k == NULL || k->throttle == 0)
        return n;
    int64_t now = clock_now_ms(c->server->clock);
    double rate = (double)k->throttle, most = rate * BURST_S + 1;
    k->may_send += rate * (double)(now - k->paced_ms) / 1000;
    if (k->may_send > most) /* silence saves nothing up */
        k->may_send = most;
    k->paced_ms = now;
    if (k->may_send >= 1)
        return k->may_send < (double)n ? (size_t)k->may_send : n;
    *wait_ms = (int64_t)((1 - k->may_send) * 1000 / rate) + 1;
    return 0;
}

void script_sent(struct conn *c, size_t n)
{
    if (script_paced(c))
        c->script->may_send -= (double)n;
}

/* --- capabilities --- */

static bool names(const char *name, const char *line)
{
    size_t n = strlen(name);
    return strncasecmp(name, line, n) == 0 && (line[n] == ' ' || line[n] == '\0');
}

static bool speaks(const struct conn *c, const struct rule *r)
{
    const struct entry *e = c->script != NULL ? find(c->script, r) : NULL;
    return e != NULL && session_fits(c, e);
}

bool script_lists(const struct conn *c, const char *line)
{
    for (const struct rule *r = rule_first(); r != NULL; r = r->next) {
        if ((r->remove == NULL && !r->replace) || !speaks(c, r))
            continue;
        if (r->replace)
            return false;
        for (size_t i = 0; r->remove[i] != NULL; i++)
            if (names(r->remove[i], line))
                return false;
    }
    return true;
}

const char *script_lists_too(const struct conn *c, size_t i)
{
    for (const struct rule *r = rule_first(); r != NULL; r = r->next) {
        if (r->add == NULL || !speaks(c, r))
            continue;
        for (size_t k = 0; r->add[k] != NULL; k++)
            if (i-- == 0)
                return r->add[k];
    }
    return NULL;
}
