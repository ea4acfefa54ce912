/* Mailboxes in memory: their arrays, change rings and watchers, one for each that is in use. Loop
 * thread only. SPDX-License-Identifier: MIT */
#ifndef SERVER_STORE_MAILBOX_H
#define SERVER_STORE_MAILBOX_H

#include "store/job.h"

enum { MAILBOX_BUCKETS = 256 };

/* A mailbox and what only the store needs of it. */
struct loaded {
    struct mailbox m; /* first: a struct mailbox * is a struct loaded * */
    struct loaded *next;
    uint64_t loaded_modseq; /* effects up to here were in the database already when the arrays were
                               read */
    struct watcher *next_watcher; /* while the watchers are being told */
    bool touched;
    struct loaded *next_touched;
};

struct mailboxes {
    struct loaded *buckets[MAILBOX_BUCKETS];
    size_t idle; /* of these, nobody refers to; kept for the next session */
};

struct loaded *mailboxes_find(struct mailboxes *all, int64_t id);
/* Reads a mailbox from the database; row: a MAILBOX_COLUMNS row that is reset here. NULL: trouble.
 */
struct loaded *mailboxes_load(struct mailboxes *all, struct store *store, struct db *db,
                              int64_t account, sqlite3_stmt *row);
void mailboxes_refer(struct mailboxes *all, struct loaded *l);
void mailboxes_release(struct mailboxes *all, struct loaded *l);
/* Brings the arrays and the ring up to what a job did; adds what it touched to *touched. */
void mailboxes_apply(struct mailboxes *all, const struct job *j, struct loaded **touched);
/* Tells the watchers of each; a reference is held meanwhile. */
void mailboxes_tell(struct mailboxes *all, struct loaded *touched);
/* All are gone, and their watchers told; whoever opens one gets what the database has. */
void mailboxes_gone(struct mailboxes *all);
void mailboxes_clear(struct mailboxes *all);

#endif
