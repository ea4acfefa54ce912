/* Rules: what the server does wrong on purpose, and when. One rule is a few words:
 *
 *   match=RCPT reply="450 4.2.0 Later" times=1 per=rcpt
 *
 * or the same keys in a JSON object. This file reads them and keeps the list; script.c obeys them.
 * The keys are in rule.c and in mailproofd.8. SPDX-License-Identifier: MIT */
#ifndef SERVER_RULE_H
#define SERVER_RULE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "fault.h"
#include "net/conn.h"

enum { RULES_MOST = 1000, RULE_COUNTERS_MOST = 10000 };

enum rule_per { PER_ALL, PER_SESSION, PER_RCPT, PER_USER, PER_PEER };
enum rule_end { END_NOT, END_DROP, END_RESET };

/* How often a rule has fired, for one recipient, user, … */
struct rule_counter {
    struct rule_counter *next;
    unsigned fired;
    char of[];
};

struct rule {
    struct rule *next;
    unsigned id;
    json_t *said; /* the keys as they were given */
    bool off;     /* kept only for the sessions that know it */
    unsigned refs;

    /* When. */
    bool services[SERVICE_COUNT];
    unsigned session, command; /* the nth that fits, from 1; 0: every one */
    char *match, *user, *rcpt, *from;
    unsigned times; /* 0: without end */
    enum rule_per per;

    /* What. */
    bool has_fault;
    enum fault fault;
    char *reply;
    long delay_ms, truncate, throttle; /* truncate -1: not */
    enum rule_end end;
    char **add, **remove; /* capabilities; lists that end with NULL, or NULL */
    bool replace;         /* all others are removed */

    unsigned sessions; /* that fitted, since it was made */
    struct rule_counter *counters;
    size_t counter_count;
};

/* Adds a rule. The object is copied. *id may be NULL. */
int rule_add(const json_t *o, unsigned *id, struct err *err);
int rule_add_text(const char *text, struct err *err);
/* Only looks whether it is one. */
int rule_check_text(const char *text, struct err *err);
/* One rule a line, as text or as an object of JSON; what begins with # is a comment. check: only
 * looks. */
int rule_read_file(const char *path, bool check, struct err *err);
/* NAME or NAME@KEY=VALUE,KEY=VALUE: a named fault, under conditions. */
int rule_add_fault(const char *text, struct err *err);
int rule_check_fault(const char *text, struct err *err);

/* Removes the rule of this number (0: all), or all that have this fault. How many there were. */
size_t rule_remove(unsigned id);
size_t rule_remove_fault(enum fault f);
size_t rule_remove_faults(void);

struct rule *rule_first(void); /* the list, oldest first; may hold some that are off */
json_t *rule_list(void);       /* the answer for the control socket: objects with "id" */

void rule_refer(struct rule *r);
void rule_release(struct rule *r);
/* The counter of a rule for this value; NULL: there are too many. */
struct rule_counter *rule_counter(struct rule *r, const char *of);

/* For snapshots: everything, with what was counted; taken again by rule_bring_back any number of
 * times. */
json_t *rule_keep(void);
void rule_bring_back(const json_t *kept);

#endif
