/* LIST and LSUB. RFC 3501, 6.3.8, 6.3.9; RFC 3348 (\HasChildren).
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "imap/state.h"
#include "imap/utf7.h"
#include "imap/write.h"

#define LONGEST_PATTERN 2048

struct list {
    struct str reference, pattern;
    char *full; /* reference and pattern as one, decoded; NULL: nothing can match */
};

/* Decodes the text between wildcards; each piece has to be a right spelling by itself. */
static char *decode_pattern(struct imap *s, const char *p, size_t n)
{
    char *out = arena_alloc(&s->arena, 2 * n + 8);
    size_t len = 0;
    for (size_t i = 0; i < n;) {
        size_t run = 0;
        while (i + run < n && p[i + run] != '*' && p[i + run] != '%') {
            run++;
        }
        struct str piece = {arena_copy(&s->arena, p + i, run), run};
        char *text =
            utf8_valid(piece.p, run) && s->rev2 ? piece.p : utf7_decode(&s->arena, piece.p, run);
        if (text == NULL) {
            return NULL;
        }
        memcpy(out + len, text, strlen(text));
        len += strlen(text);
        i += run;
        if (i < n) {
            out[len++] = p[i++];
        }
    }
    return out;
}

void parse_list(struct imap *s, struct args *a)
{
    struct list *l = arena_alloc(&s->arena, sizeof *l);
    s->args = l;
    if (!args_sp(a) || !args_astring(a, &l->reference) || !args_sp(a) ||
        !args_list_mailbox(a, &l->pattern) || !args_end(a)) {
        return;
    }
    if (l->reference.n + l->pattern.n > LONGEST_PATTERN) {
        args_bad(a, "The pattern is too long");
        return;
    }
    char *whole = arena_alloc(&s->arena, l->reference.n + l->pattern.n + 1);
    memcpy(whole, l->reference.p, l->reference.n);
    memcpy(whole + l->reference.n, l->pattern.p, l->pattern.n);
    l->full = decode_pattern(s, whole, l->reference.n + l->pattern.n);
}

void parse_lsub(struct imap *s, struct args *a)
{
    parse_list(s, a);
}

static char fold(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

/* Whether a pattern matches a name, by a row of states: no input makes it slow. Bit i: the
 * pattern's first i characters match what was read. */
static bool matches(const char *pattern, const char *name, size_t n, bool any_case)
{
    size_t len = strlen(pattern);
    bool *now = calloc(2 * (len + 1), sizeof *now);
    if (now == NULL) {
        abort();
    }
    bool *next = now + len + 1;
    bool *memory = now;
    now[0] = true;
    for (size_t k = 0; k <= n; k++) {
        for (size_t i = 0; i < len; i++) { /* wildcards may match nothing */
            if (now[i] && (pattern[i] == '*' || pattern[i] == '%')) {
                now[i + 1] = true;
            }
        }
        if (k == n) {
            break;
        }
        memset(next, 0, len + 1);
        for (size_t i = 0; i < len; i++) {
            if (!now[i]) {
                continue;
            }
            bool level = name[k] != '/'; /* not at a separator */
            if ((pattern[i] == '*' && (level || !fault(FAULT_IMAP_STAR_STOPS_AT_DELIMITER))) ||
                (pattern[i] == '%' && (level || fault(FAULT_IMAP_PERCENT_CROSSES_DELIMITER)))) {
                next[i] = true;
            } else if (pattern[i] == name[k] || (any_case && fold(pattern[i]) == fold(name[k]))) {
                next[i + 1] = true;
            }
        }
        bool *swap = now;
        now = next;
        next = swap;
    }
    bool yes = now[len];
    free(memory);
    return yes;
}

static bool name_matches(const char *pattern, const char *name, size_t n)
{
    bool inbox = n == 5 && memcmp(name, "INBOX", 5) == 0;
    return matches(pattern, name, n, inbox);
}

/* --- collecting --- */

struct entry {
    char *name;
    bool exists, subscribed, noselect;
};

struct listing {
    struct imap *s;
    struct entry *entries;
    size_t count, room;
};

static void collect(void *arg, const struct mailbox_entry *e)
{
    struct listing *l = arg;
    if (l->count == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        l->entries = arena_grow(&l->s->arena, l->entries, l->count * sizeof *l->entries,
                                room * sizeof *l->entries);
        l->room = room;
    }
    l->entries[l->count++] = (struct entry){
        .name = arena_copy(&l->s->arena, e->name, strlen(e->name)),
        .exists = e->exists,
        .subscribed = e->subscribed,
        .noselect = e->noselect,
    };
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* Whether a name of the kind asked for is below. Names below "a" stand together behind "a/" in the
 * order. */
static bool has_below(const struct listing *l, const char *name, bool subscribed)
{
    size_t n = strlen(name), low = 0, high = l->count;
    char *prefix = arena_alloc(&l->s->arena, n + 2);
    memcpy(prefix, name, n);
    prefix[n] = '/';
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(l->entries[mid].name, prefix) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    for (; low < l->count && strncmp(l->entries[low].name, prefix, n + 1) == 0; low++) {
        if (subscribed ? l->entries[low].subscribed : l->entries[low].exists) {
            return true;
        }
    }
    return false;
}

static const struct entry *find(const struct listing *l, const char *name)
{
    struct entry key = {.name = (char *)(uintptr_t)name};
    return bsearch(&key, l->entries, l->count, sizeof key, by_name);
}

static void line(struct imap *s, const char *word, const char *attributes, const char *name)
{
    struct buf out;
    buf_init(&out, 65536);
    buf_printf(&out, "* %s (%s%s) ", word, attributes,
               fault(FAULT_IMAP_LIST_BOTH_CHILDREN) ? " \\HasChildren \\HasNoChildren" : "");
    buf_text(&out, fault(FAULT_IMAP_LIST_SEPARATOR_ATOM) ? "/ " : "\"/\" ");
    if (fault(FAULT_IMAP_UTF7_MANGLED) && strchr(name, '&') != NULL) {
        struct buf once; /* encodes what is encoded already */
        buf_init(&once, 65536);
        utf7_encode(&once, name);
        buf_add(&once, "", 1);
        write_mailbox(&out, (const char *)once.data, false);
        buf_free(&once);
    } else {
        write_mailbox(&out, name, s->rev2);
    }
    buf_text(&out, "\r\n");
    imap_send(s, &out);
    buf_free(&out);
}

/* The levels above a name that match and are no entries themselves: each is told once, as
 * \Noselect. */
static void parents(struct imap *s, const struct listing *l, const char *word, const char *pattern,
                    const char *name, const char *previous, bool subscribed)
{
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        size_t n = (size_t)(slash - name);
        if (previous != NULL && strncmp(previous, name, n + 1) == 0) {
            continue; /* told with the entry before */
        }
        char *parent = arena_copy(&s->arena, name, n);
        const struct entry *e = find(l, parent);
        bool is_entry = e != NULL && (subscribed ? e->subscribed : e->exists);
        if (!is_entry && name_matches(pattern, parent, n)) {
            line(s, word, subscribed ? "\\Noselect" : "\\Noselect \\HasChildren", parent);
        }
    }
}

static void run(struct imap *s, const char *word, bool subscribed)
{
    const struct list *in = s->args;
    if (in->pattern.n == 0 && !subscribed) {
        /* Asks for the separator and the root of the reference: everything up to its first
         * separator. */
        const char *slash = memchr(in->reference.p, '/', in->reference.n);
        bool rooted = slash == in->reference.p && in->reference.n > 0;
        line(s, word, "\\Noselect", rooted ? "/" : "");
        imap_ok(s, "Done");
        return;
    }
    if (in->full == NULL) {
        imap_ok(s, "Done");
        return;
    }
    struct listing l = {.s = s};
    mailbox_list(s->conn->server->store, s->account_id, collect, &l);
    if (l.count > 0) {
        qsort(l.entries, l.count, sizeof *l.entries, by_name);
    }
    size_t n = strlen(in->full);
    bool ends_in_percent = n > 0 && in->full[n - 1] == '%';
    const char *previous = NULL;
    for (size_t i = 0; i < l.count; i++) {
        const struct entry *e = &l.entries[i];
        if (subscribed ? !e->subscribed : !e->exists) {
            continue;
        }
        if ((subscribed && !e->exists && fault(FAULT_IMAP_LSUB_DROPS_DELETED)) ||
            (strcmp(e->name, "INBOX") != 0 && fault(FAULT_IMAP_LIST_OMITS_NEW))) {
            continue;
        }
        if (ends_in_percent) {
            parents(s, &l, word, in->full, e->name, previous, subscribed);
        }
        previous = e->name;
        if (!name_matches(in->full, e->name, strlen(e->name))) {
            continue;
        }
        bool below = has_below(&l, e->name, false);
        char attributes[64] = "";
        if (e->noselect || !e->exists) {
            strcat(attributes, "\\Noselect ");
        }
        strcat(attributes, below ? "\\HasChildren" : "\\HasNoChildren");
        line(s, word, attributes, e->name);
    }
    imap_ok(s, "Done");
}

void run_list(struct imap *s)
{
    run(s, "LIST", false);
}

void run_lsub(struct imap *s)
{
    run(s, "LSUB", true);
}
