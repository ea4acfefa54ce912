/* SPDX-License-Identifier: MIT */
#include "imap/list.h"

#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "imap/grammar/utf7.h"
#include "imap/grammar/write.h"

/* --- patterns --- */

/* Decodes the text between wildcards; each piece has to be a right spelling by itself. */
char *list_pattern(struct imap *s, const char *p, size_t n)
{
    char *out = arena_alloc(&s->arena, 2 * n + 8);
    size_t len = 0;
    for (size_t i = 0; i < n;) {
        size_t run = 0;
        while (i + run < n && p[i + run] != '*' && p[i + run] != '%') {
            run++;
        }
        struct str piece = {arena_copy(&s->arena, p + i, run), run};
        char *text = !s->rev2                   ? utf7_decode(&s->arena, piece.p, run)
                     : utf8_valid(piece.p, run) ? piece.p
                                                : NULL;
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

bool list_matches(const char *pattern, const char *name, size_t n)
{
    bool inbox = n == 5 && memcmp(name, "INBOX", 5) == 0;
    return matches(pattern, name, n, inbox);
}

/* --- collecting --- */

static void collect(void *arg, const struct mailbox_entry *e)
{
    struct listing *l = arg;
    if (l->count == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        l->entries = arena_grow(&l->s->arena, l->entries, l->count * sizeof *l->entries,
                                room * sizeof *l->entries);
        l->room = room;
    }
    l->entries[l->count++] = (struct list_entry){
        .name = arena_copy(&l->s->arena, e->name, strlen(e->name)),
        .exists = e->exists,
        .subscribed = e->subscribed,
        .noselect = e->noselect,
    };
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct list_entry *)a)->name, ((const struct list_entry *)b)->name);
}

void list_collect(struct imap *s, struct listing *out)
{
    *out = (struct listing){.s = s};
    mailbox_list(s->conn->server->store, s->account_id, collect, out);
    if (out->count > 0) {
        qsort(out->entries, out->count, sizeof *out->entries, by_name);
    }
}

const struct list_entry *list_find(const struct listing *l, const char *name)
{
    struct list_entry key = {.name = (char *)(uintptr_t)name};
    return l->count ? bsearch(&key, l->entries, l->count, sizeof key, by_name) : NULL;
}

/* Names below "a" stand together behind "a/" in the order. */
bool list_has_below(const struct listing *l, const char *name, enum list_which which)
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
        const struct list_entry *e = &l->entries[low];
        if (which == LIST_SUBSCRIBED ? e->subscribed : e->exists) {
            return true;
        }
    }
    return false;
}

/* --- telling --- */

static void name_out(struct imap *s, const char *name, struct buf *out)
{
    if (fault(FAULT_IMAP_UTF7_MANGLED) && strchr(name, '&') != NULL) {
        struct buf once; /* encodes what is encoded already */
        buf_init(&once, 65536);
        utf7_encode(&once, name);
        buf_add(&once, "", 1);
        write_mailbox(out, (const char *)once.data, false);
        buf_free(&once);
    } else {
        write_mailbox(out, name, s->rev2);
    }
}

void list_tell(struct imap *s, const struct list_line *line, struct buf *out)
{
    bool both = fault(FAULT_IMAP_LIST_BOTH_CHILDREN);
    const struct {
        bool on;
        const char *name;
    } attributes[] = {
        {line->nonexistent, "\\NonExistent"},
        {line->noselect && !line->nonexistent, "\\Noselect"},
        {line->subscribed, "\\Subscribed"},
        {line->has_children || both, "\\HasChildren"},
        {line->has_no_children || both, "\\HasNoChildren"},
    };
    const char *sep = "";
    buf_printf(out, "* %s (", line->word);
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        if (attributes[i].on) {
            buf_printf(out, "%s%s", sep, attributes[i].name);
            sep = " ";
        }
    }
    buf_text(out, fault(FAULT_IMAP_LIST_SEPARATOR_ATOM) ? ") / " : ") \"/\" ");
    name_out(s, line->name, out);
    buf_text(out, line->childinfo ? " (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n" : "\r\n");
}

void list_tell_selected(struct imap *s, const char *name, struct buf *out)
{
    struct listing l;
    list_collect(s, &l);
    bool below = list_has_below(&l, name, LIST_EXISTING);
    const struct list_line line = {
        .word = "LIST", .name = name, .has_children = below, .has_no_children = !below};
    if (!fault(FAULT_IMAP_SELECT_NO_LIST)) {
        list_tell(s, &line, out);
    }
}
