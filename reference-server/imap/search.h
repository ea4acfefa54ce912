/* SEARCH keys: read into a tree, and asked of one message after another. RFC 3501, 6.4.4.
 * SPDX-License-Identifier: MIT */
#ifndef IMAP_SEARCH_H
#define IMAP_SEARCH_H

#include "imap/grammar/args.h"
#include "imap/view.h"
#include "mime/part.h"
#include "mime/text.h"

enum search_kind {
    SEARCH_ALL,
    SEARCH_AND, /* first … */
    SEARCH_OR,
    SEARCH_NOT,
    SEARCH_FLAG, /* has every bit of flags */
    SEARCH_NEW,
    SEARCH_KEYWORD,
    SEARCH_NUMBERS,
    SEARCH_UIDS,
    SEARCH_SAVED,
    SEARCH_LARGER,
    SEARCH_SMALLER,
    SEARCH_BEFORE, /* of the internal date */
    SEARCH_ON,
    SEARCH_SINCE,
    SEARCH_SENT_BEFORE, /* of the Date field */
    SEARCH_SENT_ON,
    SEARCH_SENT_SINCE,
    SEARCH_HEADER,
    SEARCH_BODY,
    SEARCH_TEXT,
};

struct search_key {
    enum search_kind kind;
    struct search_key *first, *next; /* below; beside */
    uint64_t flags;
    char *keyword;
    struct seqset set;
    uint32_t number;
    int64_t day;
    const char *field; /* HEADER */
    struct str string;
    struct text needle; /* folded */
    bool needle_ascii;
    int cost;
};

struct search_charset {
    bool utf8;    /* else US-ASCII */
    bool unknown; /* to be answered with BADCHARSET */
};

/* Keys up to the end of the command. NULL: a says why. */
struct search_key *search_parse(struct args *a, struct search_charset *charset);
/* Resolves sets; -1: a message number is too large. */
int search_prepare(struct search_key *k, const struct view *v);

struct search_message {
    const struct view *view;
    struct store *store;
    size_t index;
    const struct message *message;
    const uint32_t *saved; /* "$" */
    size_t saved_count;
    struct arena *arena; /* scratch */
    bool rev2;
    /* loaded when first needed */
    struct blob blob;
    bool loaded, failed;
    size_t header_len;
    const struct part *root;
};

bool search_matches(struct search_message *m, const struct search_key *k);
void search_release(struct search_message *m);

#endif
