/* A maildrop as one session sees it: numbers, sizes and ids fixed at login, and which messages are
 * marked. RFC 1939, 4 and 5. SPDX-License-Identifier: MIT */
#ifndef SERVER_POP3_MAILDROP_H
#define SERVER_POP3_MAILDROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct drop_message {
    uint32_t uid, size; /* size: as POP3 sends it */
    int64_t blob;
    bool deleted;
    bool regretted; /* marked once, and brought back by RSET; only a fault asks */
    bool retrieved; /* by RETR: with EXPIRE 0 it goes at QUIT */
};

struct maildrop {
    struct mailbox *mailbox; /* NULL: not open */
    struct drop_message *messages;
    size_t count;
    size_t deleted_count;
    uint64_t total; /* octets of the messages that are not marked */
};

enum maildrop_outcome { MAILDROP_OPEN, MAILDROP_IN_USE, MAILDROP_MISSING };

/* Opens and locks an account's INBOX for owner. Messages that are older than kept_since (wall
 * clock) are removed and not seen (EXPIRE of RFC 2449, 6.7). */
enum maildrop_outcome maildrop_open(struct maildrop *d, struct store *s, int64_t account,
                                    int64_t kept_since, const void *owner);
/* Unlocks and lets go; a second time does nothing. */
void maildrop_close(struct maildrop *d, const void *owner);

/* For a fault: forgets the messages that have gone meanwhile. */
void maildrop_catch_up(struct maildrop *d);
/* Message number n, from 1; NULL: none, or marked (then *marked says so). */
struct drop_message *maildrop_find(struct maildrop *d, uint32_t n, bool *marked);
void maildrop_mark(struct maildrop *d, struct drop_message *m);
void maildrop_unmark_all(struct maildrop *d);
/* The UIDs of the marked messages, malloc'd. */
uint32_t *maildrop_marked(const struct maildrop *d, size_t *count);

#endif
