/* FETCH items: what was asked for, and what a message has to show for it. RFC 3501, 6.4.5, 7.4.2.
 * SPDX-License-Identifier: MIT */
#ifndef IMAP_FETCH_H
#define IMAP_FETCH_H

#include "imap/grammar/args.h"
#include "imap/view.h"
#include "mime/part.h"

enum fetch_kind {
    FETCH_FLAGS,
    FETCH_UID,
    FETCH_INTERNALDATE,
    FETCH_SIZE,
    FETCH_ENVELOPE,
    FETCH_BODYSTRUCTURE,
    FETCH_STRUCTURE, /* BODY, without section */
    FETCH_SECTION,   /* BODY[…], RFC822 and its kin */
    FETCH_BINARY,    /* decoded: RFC 3516; RFC 9051, 6.4.5 */
    FETCH_BINARY_SIZE,
};

enum fetch_text { TEXT_WHOLE, TEXT_HEADER, TEXT_FIELDS, TEXT_FIELDS_NOT, TEXT_TEXT, TEXT_MIME };

struct fetch_item {
    enum fetch_kind kind;
    /* FETCH_SECTION */
    const char *label; /* how it is named in the response: "BODY[1.MIME]", "RFC822" */
    unsigned *path;
    size_t depth;
    enum fetch_text text;
    struct str *fields;
    size_t field_count;
    bool partial;
    uint32_t origin, length;
    bool seen; /* reading it sets \Seen */
};

struct fetch_items {
    struct fetch_item *items; /* in the arena */
    size_t count, room;
};

/* Items behind the set, up to the end of the command. with_uid: UID FETCH, which shows the UID in
 * any case. */
void fetch_parse(struct args *a, struct fetch_items *out, bool with_uid);

/* One message, while its items are written. root is made when an item first needs it. */
struct fetch_message {
    const struct view *view;
    size_t index;
    const struct message *message;
    struct blob blob;
    struct arena *arena; /* for root, as long as the message is open */
    struct arena *once;  /* for one item, until it is sent */
    const struct part *root;
    bool rev2;
    unsigned session; /* its number, for faults */
};

/* Why the item cannot be had of this message, as text of a NO; NULL: it can. */
const char *fetch_refuses(struct fetch_message *m, const struct fetch_item *item);
bool fetch_needs_blob(const struct fetch_item *item);
/* Writes name and value; what is too large to copy is left in *raw, to be sent behind out (it stays
 * valid as long as the blob and the arena do). */
void fetch_write(struct fetch_message *m, const struct fetch_item *item, struct buf *out,
                 const unsigned char **raw, size_t *raw_len);

#endif
