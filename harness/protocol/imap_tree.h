/* Values of one IMAP response while they are being read: a stack of open lists and the memory of
 * closed ones. Used by imap_response.c and imap_code.c only.
 *
 * Until imap_tree_finish, values know their bytes by offset (kept in `count`), because the buffers
 * that hold the bytes still move. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PROTOCOL_IMAP_TREE_H
#define HARNESS_PROTOCOL_IMAP_TREE_H

#include "protocol/imap_response.h"

struct imap_tree {
    struct imap_value *stack; /* finished values of the lists that are open */
    size_t count, room;
    size_t frames[IMAP_RESPONSE_DEPTH +
                  1]; /* where on the stack each open list begins; [0] is the root */
    bool spaced[IMAP_RESPONSE_DEPTH + 1];
    size_t depth;  /* lists open inside the root */
    size_t values; /* all of them, against the limit */
    struct imap_block *blocks;
    unsigned char *cooked; /* bytes of quoted strings without their escapes */
    size_t cooked_len, cooked_room;
};

void imap_tree_init(struct imap_tree *t);
void imap_tree_clear(struct imap_tree *t);
/* Opens a list, spaced or not; false when that would be too deep. */
bool imap_tree_open(struct imap_tree *t, bool spaced);
/* Closes the innermost list and adds it to the one around it; false when none but the root is open.
 */
bool imap_tree_close(struct imap_tree *t);
/* Adds a value whose bytes are raw[at..at+len) or, for IMAP_QUOTED, cooked[at..at+len). Atoms
 * become NIL or numbers where they are. False when there are too many values. */
bool imap_tree_add(struct imap_tree *t, enum imap_kind kind, const unsigned char *raw, size_t at,
                   size_t len);
void imap_tree_cook(struct imap_tree *t, unsigned char c);
/* How many values the innermost open list holds by now. */
size_t imap_tree_innermost(const struct imap_tree *t);
/* Makes the root's values *out, all bytes pointing into raw and the tree's own memory. */
void imap_tree_finish(struct imap_tree *t, const unsigned char *raw, struct imap_value *out);
/* Forgets all values, to begin again. */
void imap_tree_reset(struct imap_tree *t);

#endif
