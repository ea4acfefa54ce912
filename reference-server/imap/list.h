/* Mailbox names of an account: which ones match a pattern, and what is said of each. RFC
 * 3501, 6.3.8; RFC 9051, 6.3.9. SPDX-License-Identifier: MIT */
#ifndef IMAP_LIST_H
#define IMAP_LIST_H

#include "imap/state.h"

struct list_entry {
    char *name;
    bool exists, subscribed, noselect;
};

struct listing {
    struct imap *s;
    struct list_entry *entries; /* in the arena, by name */
    size_t count, room;
};

void list_collect(struct imap *s, struct listing *out);
const struct list_entry *list_find(const struct listing *l, const char *name); /* NULL: none */
enum list_which { LIST_EXISTING, LIST_SUBSCRIBED };
/* Whether a name of that kind is below name. */
bool list_has_below(const struct listing *l, const char *name, enum list_which which);
/* Whether the pattern matches the first n bytes of name; "*" any run, "%" any run within a level.
 */
bool list_matches(const char *pattern, const char *name, size_t n);
/* Decodes a pattern from the wire, wildcards kept; NULL: it can match nothing. */
char *list_pattern(struct imap *s, const char *p, size_t n);

/* One LIST or LSUB response. */
struct list_line {
    const char *word;
    const char *name;
    bool nonexistent, noselect, subscribed, has_children, has_no_children;
    bool childinfo; /* a subscribed name is below (RECURSIVEMATCH) */
};
void list_tell(struct imap *s, const struct list_line *line, struct buf *out);
/* The LIST response that IMAP4rev2 wants at SELECT. */
void list_tell_selected(struct imap *s, const char *name, struct buf *out);

#endif
