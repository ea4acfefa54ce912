/* Reads rules and keeps them. Text is turned into the JSON object that it stands for, so that both
 * are judged by the same table. Loop thread only. SPDX-License-Identifier: MIT */
#include "control/rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "base/nearest.h"
#include "config/service.h"

enum { LINE_BYTES = 4096, WORDS_MOST = 64, REPLY_BYTES = 2048, PATTERN_BYTES = 512 };

static struct rule *first, **last = &first;
static unsigned ids;

static void *must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static void free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

static void rule_free(struct rule *r)
{
    while (r->counters != NULL) {
        struct rule_counter *next = r->counters->next;
        free(r->counters);
        r->counters = next;
    }
    json_decref(r->said);
    free(r->match);
    free(r->user);
    free(r->rcpt);
    free(r->from);
    free(r->reply);
    free_list(r->add);
    free_list(r->remove);
    free(r);
}

/* --- one key --- */

static int number(const json_t *v, const char *key, long least, long most, long *out,
                  struct err *err)
{
    char *end = NULL;
    long n = 0;
    errno = 0;
    if (json_is_integer(v))
        n = json_integer_value(v) >= least && json_integer_value(v) <= most
                ? (long)json_integer_value(v)
                : least - 1;
    else if (json_is_string(v))
        n = strtol(json_string_value(v), &end, 10);
    if (json_is_integer(v) ? n < least
                           : end == NULL || *end != '\0' || end == json_string_value(v) ||
                                 errno != 0 || n < least || n > most)
        return err_set(err, "%s is a number from %ld to %ld", key, least, most);
    *out = n;
    return 0;
}

static int count(const json_t *v, const char *key, unsigned *out, struct err *err)
{
    long n = 0;
    if (number(v, key, 1, 1000000, &n, err) != 0)
        return -1;
    *out = (unsigned)n;
    return 0;
}

static int words(const json_t *v, const char *key, size_t most, char **out, struct err *err)
{
    const char *text = json_string_value(v);
    if (text == NULL || *text == '\0' || strlen(text) > most)
        return err_set(err, "%s is a text of 1 to %zu octets", key, most);
    free(*out);
    *out = must_have(strdup(text));
    return 0;
}

/* Names with commas between them, or an array of names. */
static int list(const json_t *v, const char *key, char ***out, struct err *err)
{
    char **all = must_have(calloc(WORDS_MOST + 1, sizeof *all));
    size_t n = 0, i;
    json_t *item;
    if (json_is_string(v)) {
        const char *at = json_string_value(v);
        while (*at != '\0' && n < WORDS_MOST) {
            size_t len = strcspn(at, ",");
            if (len > 0)
                all[n++] = must_have(strndup(at, len));
            at += len + (at[len] == ',');
        }
    }
    json_array_foreach (v, i, item) {
        if (json_is_string(item) && n < WORDS_MOST)
            all[n++] = must_have(strdup(json_string_value(item)));
    }
    bool odd = json_is_array(v) && n != json_array_size(v);
    for (i = 0; i < n; i++)
        odd = odd || strlen(all[i]) > 200 || strpbrk(all[i], "\r\n") != NULL;
    free_list(*out);
    *out = all;
    if (odd || (!json_is_array(v) && !json_is_string(v)))
        return err_set(err,
                       "%s is a list of capabilities: names with commas between them, or an "
                       "array",
                       key);
    return 0;
}

static bool yes(const json_t *v)
{
    const char *text = json_string_value(v);
    return json_is_true(v) || (text != NULL && strcmp(text, "yes") == 0);
}

static bool no(const json_t *v)
{
    const char *text = json_string_value(v);
    return json_is_false(v) || (text != NULL && strcmp(text, "no") == 0);
}

static int end_key(struct rule *r, const json_t *v, const char *key, enum rule_end end,
                   struct err *err)
{
    if (!yes(v) && !no(v))
        return err_set(err, "%s is yes or no", key);
    if (yes(v))
        r->end = end;
    return 0;
}

static int set_drop(struct rule *r, const json_t *v, struct err *err)
{
    return end_key(r, v, "drop", END_DROP, err);
}

static int set_reset(struct rule *r, const json_t *v, struct err *err)
{
    return end_key(r, v, "reset", END_RESET, err);
}

static const char *protocol_of(enum service s)
{
    switch (s) {
    case SERVICE_SMTP:
    case SERVICE_SUBMISSION:
    case SERVICE_SUBMISSIONS:
    case SERVICE_LMTP:
        return "smtp";
    case SERVICE_IMAP:
    case SERVICE_IMAPS:
        return "imap";
    case SERVICE_POP3:
    case SERVICE_POP3S:
        return "pop3";
    case SERVICE_COUNT:
        break;
    }
    return "";
}

/* Both may be given; then both have to fit. */
static int set_protocol(struct rule *r, const json_t *v, struct err *err)
{
    const char *name = json_string_value(v);
    bool any = false;
    for (int i = 0; name != NULL && i < SERVICE_COUNT; i++) {
        r->services[i] = r->services[i] && strcmp(protocol_of((enum service)i), name) == 0;
        any = any || r->services[i];
    }
    return any ? 0 : err_set(err, "protocol is smtp, imap or pop3");
}

static int set_service(struct rule *r, const json_t *v, struct err *err)
{
    const char *name = json_string_value(v);
    bool any = false;
    for (int i = 0; name != NULL && i < SERVICE_COUNT; i++) {
        r->services[i] = r->services[i] && strcmp(service_info[i].name, name) == 0;
        any = any || r->services[i];
    }
    return any ? 0
               : err_set(err,
                         "service is smtp, submission, submissions, lmtp, imap, imaps, pop3 or "
                         "pop3s, of the protocol that is given");
}

static int set_session(struct rule *r, const json_t *v, struct err *err)
{
    return count(v, "session", &r->session, err);
}

static int set_command(struct rule *r, const json_t *v, struct err *err)
{
    return count(v, "command", &r->command, err);
}

static int set_times(struct rule *r, const json_t *v, struct err *err)
{
    return count(v, "times", &r->times, err);
}

static int set_match(struct rule *r, const json_t *v, struct err *err)
{
    return words(v, "match", PATTERN_BYTES, &r->match, err);
}

static int set_user(struct rule *r, const json_t *v, struct err *err)
{
    return words(v, "user", PATTERN_BYTES, &r->user, err);
}

static int set_rcpt(struct rule *r, const json_t *v, struct err *err)
{
    return words(v, "rcpt", PATTERN_BYTES, &r->rcpt, err);
}

static int set_from(struct rule *r, const json_t *v, struct err *err)
{
    return words(v, "from", PATTERN_BYTES, &r->from, err);
}

static int set_reply(struct rule *r, const json_t *v, struct err *err)
{
    return words(v, "reply", REPLY_BYTES, &r->reply, err);
}

static int set_per(struct rule *r, const json_t *v, struct err *err)
{
    static const char *const names[] = {
        [PER_SESSION] = "session", [PER_RCPT] = "rcpt", [PER_USER] = "user", [PER_PEER] = "peer"};
    const char *name = json_string_value(v);
    for (int i = PER_SESSION; name != NULL && i <= PER_PEER; i++)
        if (strcmp(names[i], name) == 0) {
            r->per = (enum rule_per)i;
            return 0;
        }
    return err_set(err, "per is session, rcpt, user or peer");
}

static int set_fault(struct rule *r, const json_t *v, struct err *err)
{
    const char *name = json_string_value(v);
    r->has_fault = true;
    return name != NULL ? fault_find(name, &r->fault, err)
                        : err_set(err, "fault is the name of one");
}

static int set_delay(struct rule *r, const json_t *v, struct err *err)
{
    return number(v, "delay", 1, 24L * 3600 * 1000, &r->delay_ms, err);
}

static int set_truncate(struct rule *r, const json_t *v, struct err *err)
{
    return number(v, "truncate", 0, 1000000000, &r->truncate, err);
}

static int set_throttle(struct rule *r, const json_t *v, struct err *err)
{
    return number(v, "throttle", 1, 1000000000, &r->throttle, err);
}

static int set_add(struct rule *r, const json_t *v, struct err *err)
{
    return list(v, "add", &r->add, err);
}

static int set_remove(struct rule *r, const json_t *v, struct err *err)
{
    return list(v, "remove", &r->remove, err);
}

static int set_replace(struct rule *r, const json_t *v, struct err *err)
{
    r->replace = true;
    return list(v, "replace", &r->add, err);
}

static const struct key {
    const char *name;
    int (*set)(struct rule *r, const json_t *v, struct err *err);
    bool does; /* it says what, not when */
} keys[] = {
    {"protocol", set_protocol, false},
    {"service", set_service, false},
    {"session", set_session, false},
    {"command", set_command, false},
    {"match", set_match, false},
    {"user", set_user, false},
    {"rcpt", set_rcpt, false},
    {"from", set_from, false},
    {"times", set_times, false},
    {"per", set_per, false},
    {"fault", set_fault, true},
    {"reply", set_reply, true},
    {"delay", set_delay, true},
    {"truncate", set_truncate, true},
    {"throttle", set_throttle, true},
    {"drop", set_drop, true},
    {"reset", set_reset, true},
    {"add", set_add, true},
    {"remove", set_remove, true},
    {"replace", set_replace, true},
    {NULL, NULL, false},
};

static const char *key_name(size_t i)
{
    return keys[i].name;
}

/* --- a rule --- */

static struct rule *make(const json_t *o, struct err *err)
{
    struct rule *r = must_have(calloc(1, sizeof *r));
    const char *name;
    json_t *v;
    bool does = false;
    r->truncate = -1;
    for (int i = 0; i < SERVICE_COUNT; i++)
        r->services[i] = true;
    r->said = must_have(json_object());
    json_object_foreach ((json_t *)(uintptr_t)(const void *)o, name, v) {
        const struct key *k = keys;
        if (strcmp(name, "do") == 0)
            continue;
        while (k->name != NULL && strcmp(k->name, name) != 0)
            k++;
        if (k->name == NULL) {
            const char *near = nearest(name, key_name);
            err_set(err, "a rule has no \"%.64s\"%s%s%s", name,
                    near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                    near != NULL ? "\"?" : "");
            goto bad;
        }
        if (k->set(r, v, err) != 0)
            goto bad;
        does = does || k->does;
        json_object_set(r->said, name, v);
    }
    if (!does) {
        err_set(err, "the rule does nothing: it wants fault, reply, delay, truncate, throttle, "
                     "drop, reset, add, remove or replace");
        goto bad;
    }
    return r;
bad:
    rule_free(r);
    return NULL;
}

/* Removes what is off and of no session's interest. */
static void sweep(void)
{
    struct rule **at = &first;
    while (*at != NULL) {
        struct rule *r = *at;
        if (r->off && r->refs == 0) {
            *at = r->next;
            rule_free(r);
        } else {
            at = &r->next;
        }
    }
    last = at;
}

static struct rule *append(struct rule *r)
{
    r->id = ++ids;
    *last = r;
    last = &r->next;
    return r;
}

int rule_add(const json_t *o, unsigned *id, struct err *err)
{
    size_t there = 0;
    for (const struct rule *r = first; r != NULL; r = r->next)
        there += !r->off;
    if (there >= RULES_MOST)
        return err_set(err, "there are %d rules already", RULES_MOST);
    struct rule *r = make(o, err);
    if (r == NULL)
        return -1;
    append(r);
    if (id != NULL)
        *id = r->id;
    return 0;
}

/* --- text --- */

/* One value: up to a separator, or in quotes, where a backslash takes what follows it. *at moves
 * behind it. */
static int take_value(const char **at, const char *separators, char *out, size_t size,
                      struct err *err)
{
    const char *p = *at;
    size_t n = 0;
    bool quoted = *p == '"';
    for (p += quoted; quoted ? *p != '"' : *p != '\0' && strchr(separators, *p) == NULL; p++) {
        char c = *p;
        if (c == '\0')
            return err_set(err, "a quote has no end");
        if (quoted && c == '\\' && p[1] != '\0') {
            c = *++p;
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        }
        if (n + 1 == size)
            return err_set(err, "a value has more than %zu octets", size - 1);
        out[n++] = c;
    }
    out[n] = '\0';
    *at = p + quoted;
    return 0;
}

/* KEY=VALUE, or KEY for "yes", with separators between them. NULL: with words. */
static json_t *read_words(const char *text, const char *separators, struct err *err)
{
    json_t *o = must_have(json_object());
    const char *at = text;
    while (*(at += strspn(at, separators)) != '\0') {
        char name[32], value[LINE_BYTES] = "yes";
        size_t n = strcspn(at, "=");
        size_t word = strcspn(at, separators);
        bool has = n < word;
        n = has ? n : word;
        if (n == 0 || n >= sizeof name) {
            err_set(err, "\"%.40s\" is no KEY=VALUE", at);
            goto bad;
        }
        memcpy(name, at, n);
        name[n] = '\0';
        at += n + has;
        if (has && take_value(&at, separators, value, sizeof value, err) != 0)
            goto bad;
        json_t *v = json_string(value);
        if (v == NULL || json_object_get(o, name) != NULL) {
            json_decref(v);
            err_set(err, v == NULL ? "%s is no UTF-8" : "%s is there twice", name);
            goto bad;
        }
        json_object_set_new(o, name, v);
    }
    return o;
bad:
    json_decref(o);
    return NULL;
}

static json_t *read_text(const char *text, struct err *err)
{
    json_error_t why;
    if (text[strspn(text, " \t")] != '{')
        return read_words(text, " \t", err);
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (o == NULL)
        err_set(err, "no JSON: %s", why.text);
    return o;
}

/* Takes the object; NULL: *err is set already. */
static int take(json_t *o, bool check, struct err *err)
{
    int rc = -1;
    if (o != NULL && check) {
        struct rule *r = make(o, err);
        rc = r != NULL ? 0 : -1;
        if (r != NULL)
            rule_free(r);
    } else if (o != NULL) {
        rc = rule_add(o, NULL, err);
    }
    json_decref(o);
    return rc;
}

int rule_add_text(const char *text, struct err *err)
{
    return take(read_text(text, err), false, err);
}

int rule_check_text(const char *text, struct err *err)
{
    return take(read_text(text, err), true, err);
}

int rule_read_file(const char *path, bool check, struct err *err)
{
    struct lines l;
    struct err why;
    int rc;
    if (lines_open(&l, path, err) != 0)
        return -1;
    while ((rc = lines_next(&l, err)) > 0) {
        const char *text = l.text + strspn(l.text, " \t");
        if (*text == '\0' || *text == '#')
            continue;
        if (take(read_text(text, &why), check, &why) != 0) {
            rc = err_set(err, "%s:%d: %s", path, l.number, why.text);
            break;
        }
    }
    lines_close(&l);
    return rc;
}

/* The object for NAME@CONDITIONS. NULL with words, or (*plain) because there are no conditions. */
static json_t *read_fault(const char *text, bool *plain, struct err *err)
{
    char name[128];
    const char *at = strchr(text, '@');
    *plain = at == NULL;
    if (at == NULL)
        return NULL;
    snprintf(name, sizeof name, "%.*s", (int)(at - text), text);
    json_t *o = read_words(at + 1, ",", err);
    if (o != NULL && json_object_get(o, "fault") == NULL)
        json_object_set_new(o, "fault", json_string(name));
    return o;
}

int rule_add_fault(const char *text, struct err *err)
{
    bool plain;
    json_t *o = read_fault(text, &plain, err);
    return plain ? fault_switch(text, true, err) : take(o, false, err);
}

int rule_check_fault(const char *text, struct err *err)
{
    bool plain;
    enum fault f;
    json_t *o = read_fault(text, &plain, err);
    return plain ? fault_find(text, &f, err) : take(o, true, err);
}

/* --- the list --- */

static size_t remove_some(unsigned id, bool faults, const enum fault *f)
{
    size_t gone = 0;
    for (struct rule *r = first; r != NULL; r = r->next) {
        if (r->off || (id != 0 && r->id != id) || (faults && !r->has_fault) ||
            (f != NULL && r->fault != *f))
            continue;
        r->off = true;
        gone++;
    }
    sweep();
    return gone;
}

size_t rule_remove(unsigned id)
{
    return remove_some(id, false, NULL);
}

size_t rule_remove_fault(enum fault f)
{
    return remove_some(0, true, &f);
}

size_t rule_remove_faults(void)
{
    return remove_some(0, true, NULL);
}

struct rule *rule_first(void)
{
    return first;
}

json_t *rule_list(void)
{
    json_t *all = json_array();
    for (const struct rule *r = first; r != NULL; r = r->next) {
        if (r->off)
            continue;
        json_t *o = json_copy(r->said);
        json_object_set_new(o, "id", json_integer(r->id));
        unsigned fired = 0;
        for (const struct rule_counter *c = r->counters; c != NULL; c = c->next)
            fired += c->fired;
        json_object_set_new(o, "fired", json_integer(fired));
        json_array_append_new(all, o);
    }
    return all;
}

void rule_refer(struct rule *r)
{
    r->refs++;
}

void rule_release(struct rule *r)
{
    if (--r->refs == 0 && r->off)
        sweep();
}

struct rule_counter *rule_counter(struct rule *r, const char *of)
{
    for (struct rule_counter *c = r->counters; c != NULL; c = c->next)
        if (strcmp(c->of, of) == 0)
            return c;
    if (r->counter_count == RULE_COUNTERS_MOST)
        return NULL;
    struct rule_counter *c = must_have(malloc(sizeof *c + strlen(of) + 1));
    c->next = r->counters;
    c->fired = 0;
    memcpy(c->of, of, strlen(of) + 1);
    r->counters = c;
    r->counter_count++;
    return c;
}

/* --- snapshots --- */

json_t *rule_keep(void)
{
    json_t *all = json_array();
    for (const struct rule *r = first; r != NULL; r = r->next) {
        if (r->off)
            continue;
        json_t *counters = json_array();
        for (const struct rule_counter *c = r->counters; c != NULL; c = c->next)
            json_array_append_new(counters, json_pack("[s, i]", c->of, (int)c->fired));
        json_array_append_new(all, json_pack("{s:O, s:i, s:o}", "said", r->said, "sessions",
                                             (int)r->sessions, "counters", counters));
    }
    return all;
}

void rule_bring_back(const json_t *kept)
{
    size_t i;
    json_t *item;
    rule_remove(0);
    json_array_foreach (kept, i, item) {
        struct rule *r = make(json_object_get(item, "said"), NULL);
        if (r == NULL)
            continue;
        append(r)->sessions = (unsigned)json_integer_value(json_object_get(item, "sessions"));
        const json_t *counters = json_object_get(item, "counters");
        for (size_t k = 0; k < json_array_size(counters); k++) {
            const json_t *pair = json_array_get(counters, k);
            rule_counter(r, json_string_value(json_array_get(pair, 0)))->fired =
                (unsigned)json_integer_value(json_array_get(pair, 1));
        }
    }
}
