/* What one session has been told about its mailbox: the message numbers, which of them are \Recent
 * here, and what it has still to be told. RFC 3501, 2.3.1.2, 2.3.2, 5.2, 7.4.1.
 *
 * Numbers change only in view_tell. A message that another session removed keeps its number here
 * until this session may hear of it. SPDX-License-Identifier: MIT */
#ifndef IMAP_VIEW_H
#define IMAP_VIEW_H

#include "imap/grammar/seqset.h"
#include "store/store.h"

struct view_entry {
    uint32_t uid;
    bool recent;
    bool gone;  /* removed, and the client does not know */
    bool dirty; /* flags were changed by someone else, and the client does not know */
};

struct view {
    struct mailbox *mailbox; /* NULL: nothing selected */
    struct view_entry *entries;
    size_t count, room;
    uint64_t serial; /* read up to here in the change ring */
    size_t gone_count, dirty_count, recent_count;
    uint32_t last_uid; /* of the newest message that the view took in */
    int keywords_told;
    bool read_only;
};

/* Takes over the reference to m. The messages of this moment are numbered; \Recent ones are
 * claimed, unless read_only. */
void view_open(struct view *v, struct mailbox *m, bool read_only, const void *author);
void view_close(struct view *v);

/* Reads what happened since; nothing is told. */
void view_sync(struct view *v, const void *author);
/* Something that view_tell would say now. */
bool view_has_news(const struct view *v, bool expunges);
/* Writes EXPUNGE (if allowed now), EXISTS, RECENT, FETCH responses. with_uid: FETCH carries the UID
 * as well. rev2: there is no RECENT and no \Recent. */
struct view_manner {
    bool expunges, with_uid, rev2;
};
void view_tell(struct view *v, const void *author, struct view_manner how, struct buf *out);

/* FLAGS and PERMANENTFLAGS, at SELECT and when keywords have come. */
void view_tell_flags(struct view *v, struct buf *out);

struct message *view_message(const struct view *v, size_t index); /* NULL: it is gone */
uint64_t view_flags(const struct view *v, size_t index, const struct message *m, bool rev2);
/* Index of a uid, or (size_t)-1. */
size_t view_index(const struct view *v, uint32_t uid);
uint32_t view_max_uid(const struct view *v);
/* Indices of the set's messages, ascending, in the arena. by_uid: the set holds UIDs, absent ones
 * are passed over. -1: a number beyond the last message (RFC 3501, 9, seq-number). */
int view_resolve(const struct view *v, struct seqset *set, bool by_uid, struct arena *a,
                 uint32_t **indices, size_t *count);

#endif
