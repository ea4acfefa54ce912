/* LIST and LSUB. RFC 3501, 6.3.8, 6.3.9; RFC 9051, 6.3.9 (options); RFC 3348 (\HasChildren); RFC
 * 5819 (STATUS). SPDX-License-Identifier: MIT */
#include <string.h>

#include "fault.h"
#include "imap/list.h"
#include "imap/status.h"

#define MOST_PATTERNS 32
#define LONGEST_PATTERN 2048

struct list {
    struct str reference, wire[MOST_PATTERNS];
    char *patterns[MOST_PATTERNS]; /* with the reference, decoded; NULL: it can match nothing */
    size_t count;
    bool extended; /* options or several patterns: the form of RFC 5258 */
    bool only_subscribed, recursive, remote;
    bool tell_subscribed;
    bool tell_status;
    struct status_items status;
};

/* --- reading --- */

/* (SUBSCRIBED …) before the reference. */
static bool selection(struct args *a, struct list *l)
{
    bool first = true;
    l->extended = true;
    args_char(a, '(');
    while (!args_maybe(a, ')')) {
        struct str word;
        if ((!first && !args_sp(a)) || !args_word(a, &word)) {
            return false;
        }
        first = false;
        if (str_is(&word, "SUBSCRIBED")) {
            l->only_subscribed = l->tell_subscribed = true;
        } else if (str_is(&word, "RECURSIVEMATCH")) {
            l->recursive = true;
        } else if (str_is(&word, "REMOTE")) {
            l->remote = true; /* no mailbox is on another server, so it changes nothing */
        } else {
            return args_bad(a, "There is no such selection option");
        }
    }
    if (l->recursive && !l->only_subscribed) {
        return args_bad(a, "RECURSIVEMATCH needs SUBSCRIBED beside it");
    }
    return args_sp(a);
}

/* RETURN (SUBSCRIBED CHILDREN STATUS (…)) at the end. */
static bool returned(struct args *a, struct list *l)
{
    struct str word;
    bool first = true;
    l->extended = true;
    if (!args_word(a, &word) || !str_is(&word, "RETURN")) {
        return args_bad(a, "Expected RETURN");
    }
    if (!args_sp(a) || !args_char(a, '(')) {
        return false;
    }
    while (!args_maybe(a, ')')) {
        if ((!first && !args_sp(a)) || !args_word(a, &word)) {
            return false;
        }
        first = false;
        if (str_is(&word, "SUBSCRIBED")) {
            l->tell_subscribed = true;
        } else if (str_is(&word, "STATUS")) {
            l->tell_status = true;
            l->status.count = 0; /* said twice counts once: the last one */
            if (!args_sp(a) || !status_parse(a, &l->status)) {
                return false;
            }
        } else if (!str_is(&word, "CHILDREN")) { /* these attributes are told in any case */
            return args_bad(a, "There is no such return option");
        }
    }
    return true;
}

static bool patterns(struct args *a, struct list *l)
{
    if (!args_maybe(a, '(')) {
        l->count = 1;
        return args_list_mailbox(a, &l->wire[0]);
    }
    l->extended = true;
    do {
        if (l->count == MOST_PATTERNS) {
            return args_bad(a, "There are too many patterns");
        }
        if (!args_list_mailbox(a, &l->wire[l->count++])) {
            return false;
        }
    } while (args_maybe(a, ' '));
    return args_char(a, ')');
}

static void decode(struct imap *s, struct args *a, struct list *l)
{
    size_t total = 0; /* of all patterns: each is held against every name */
    for (size_t i = 0; i < l->count; i++) {
        size_t n = l->reference.n + l->wire[i].n;
        total += n;
        if (total > LONGEST_PATTERN) {
            args_bad(a, "The pattern is too long");
            return;
        }
        char *whole = arena_alloc(&s->arena, n + 1);
        memcpy(whole, l->reference.p, l->reference.n);
        memcpy(whole + l->reference.n, l->wire[i].p, l->wire[i].n);
        /* In the extended form an empty pattern means nothing (RFC 9051, 6.3.9). */
        l->patterns[i] = l->wire[i].n > 0 ? list_pattern(s, whole, n) : NULL;
    }
}

void parse_list(struct imap *s, struct args *a)
{
    struct list *l = arena_alloc(&s->arena, sizeof *l);
    s->args = l;
    if (!args_sp(a) || (args_peek(a) == '(' && !selection(a, l)) ||
        !args_astring(a, &l->reference) || !args_sp(a) || !patterns(a, l) ||
        (args_maybe(a, ' ') && !returned(a, l)) || !args_end(a)) {
        return;
    }
    decode(s, a, l);
}

void parse_lsub(struct imap *s, struct args *a)
{
    struct list *l = arena_alloc(&s->arena, sizeof *l);
    s->args = l;
    l->count = 1;
    l->only_subscribed = true;
    if (args_sp(a) && args_astring(a, &l->reference) && args_sp(a) &&
        args_list_mailbox(a, &l->wire[0]) && args_end(a)) {
        decode(s, a, l);
    }
}

/* --- answering --- */

struct answer {
    struct imap *s;
    const struct list *in;
    struct listing all;
    bool lsub;
    struct buf out;
};

static bool any_matches(const struct list *l, const char *name, size_t n, bool parent)
{
    for (size_t i = 0; i < l->count; i++) {
        const char *p = l->patterns[i];
        size_t len = p ? strlen(p) : 0;
        /* Levels that are no mailboxes come only for a "%" at the end (6.3.8). */
        if (p != NULL && (!parent || p[len - 1] == '%') && list_matches(p, name, n)) {
            return true;
        }
    }
    return false;
}

static void tell(struct answer *a, const char *name, const struct list_entry *e, bool childinfo)
{
    bool exists = e != NULL && e->exists;
    bool modern = a->in->extended || a->s->rev2;
    bool below = list_has_below(&a->all, name, LIST_EXISTING);
    struct list_line line = {
        .word = a->lsub ? "LSUB" : "LIST",
        .name = name,
        .nonexistent = !exists && modern && !a->lsub,
        .noselect = !exists || e->noselect,
        .subscribed = e != NULL && e->subscribed && a->in->tell_subscribed,
        .has_children = below,
        .has_no_children = !below && exists,
        .childinfo = childinfo,
    };
    list_tell(a->s, &line, &a->out);
    imap_send(a->s, &a->out);
    /* A name that is here only for what is below it has no STATUS (RFC 9051, 6.3.9.8). */
    bool itself = !a->in->only_subscribed || (e != NULL && e->subscribed);
    if (a->in->tell_status && exists && !e->noselect && itself) {
        (void)status_tell(a->s, name, &a->in->status);
    }
}

/* Whether a subscribed name below it matches no pattern, and so is not in the answer itself. */
static bool hides_subscribed(const struct answer *a, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < a->all.count; i++) {
        const struct list_entry *e = &a->all.entries[i];
        if (e->subscribed && strncmp(e->name, name, n) == 0 && e->name[n] == '/' &&
            !any_matches(a->in, e->name, strlen(e->name), false)) {
            return true;
        }
    }
    return false;
}

/* The levels above a name that match and are not told for themselves; each is told once. */
static void parents(struct answer *a, const char *name, const char *previous)
{
    const struct list *in = a->in;
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        size_t n = (size_t)(slash - name);
        if (previous != NULL && strncmp(previous, name, n + 1) == 0) {
            continue; /* told with the entry before */
        }
        char *parent = arena_copy(&a->s->arena, name, n);
        const struct list_entry *e = list_find(&a->all, parent);
        bool itself = e != NULL && (in->only_subscribed ? e->subscribed : e->exists);
        if (itself) {
            continue;
        }
        if (in->recursive) {
            if (any_matches(in, parent, n, false) && hides_subscribed(a, parent)) {
                tell(a, parent, e, true);
            }
        } else if (a->lsub && fault(FAULT_IMAP_LSUB_NO_PARENT)) {
            continue;
        } else if ((a->lsub || !in->only_subscribed) && any_matches(in, parent, n, true)) {
            struct list_entry level = {.name = parent, .noselect = true};
            tell(a, parent, &level, false);
        }
    }
}

/* LIST "" "": the separator, and the root of the reference. */
static void tell_root(struct imap *s, const struct list *in)
{
    struct buf out;
    bool rooted = in->reference.n > 0 && in->reference.p[0] == '/';
    const struct list_line line = {.word = "LIST", .name = rooted ? "/" : "", .noselect = true};
    buf_init(&out, 65536);
    list_tell(s, &line, &out);
    imap_send(s, &out);
    buf_free(&out);
}

static void run(struct imap *s, bool lsub)
{
    const struct list *in = s->args;
    if (!lsub && !in->extended && in->wire[0].n == 0) {
        tell_root(s, in);
        imap_ok(s, "Done");
        return;
    }
    struct answer a = {.s = s, .in = in, .lsub = lsub};
    const char *previous = NULL;
    list_collect(s, &a.all);
    buf_init(&a.out, 65536);
    for (size_t i = 0; i < a.all.count; i++) {
        const struct list_entry *e = &a.all.entries[i];
        if (in->only_subscribed ? !e->subscribed : !e->exists) {
            continue;
        }
        if ((lsub && !e->exists && fault(FAULT_IMAP_LSUB_DROPS_DELETED)) ||
            (strcmp(e->name, "INBOX") != 0 && fault(FAULT_IMAP_LIST_OMITS_NEW))) {
            continue;
        }
        parents(&a, e->name, previous);
        previous = e->name;
        if (any_matches(in, e->name, strlen(e->name), false)) {
            bool childinfo = in->recursive && list_has_below(&a.all, e->name, LIST_SUBSCRIBED);
            tell(&a, e->name, e, childinfo);
        }
    }
    buf_free(&a.out);
    imap_ok(s, "Done");
}

void run_list(struct imap *s)
{
    run(s, false);
}

void run_lsub(struct imap *s)
{
    run(s, true);
}
