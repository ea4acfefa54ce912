/* A change on its way: what is asked for, and what came of it. The loop thread makes it, the writer
 * thread carries it out, the loop thread then applies the effects to the mailboxes in memory and
 * tells whoever asked. SPDX-License-Identifier: MIT */
#ifndef SERVER_STORE_JOB_H
#define SERVER_STORE_JOB_H

#include "store/db.h"
#include "store/store.h"

enum job_kind {
    JOB_ACCOUNT,
    JOB_APPEND,
    JOB_DELIVER,
    JOB_FLAGS,
    JOB_EXPUNGE,
    JOB_COPY,
    JOB_CREATE,
    JOB_DELETE,
    JOB_RENAME,
    JOB_SUBSCRIBE,
    JOB_RECENT,
    JOB_RESET,
    JOB_UIDVALIDITY,
    JOB_RIDE,
};

/* What a committed change did to one mailbox. */
enum effect_kind {
    EFFECT_NEW,
    EFFECT_FLAGS,
    EFFECT_EXPUNGED,
    EFFECT_GONE,
    EFFECT_KEYWORD, /* number, name */
    EFFECT_RENAMED, /* name */
    EFFECT_VALIDITY,
};

struct effect {
    enum effect_kind kind;
    int64_t mailbox;
    struct message message; /* new: all of it; flags: uid, flags, modseq; expunged: uid, modseq */
    int number;             /* keyword, validity */
    char *name;
};

struct uid_list {
    uint32_t *uids;
    size_t count, room;
};

struct job {
    struct job *next;
    enum job_kind kind;
    int64_t now_s; /* wall clock when it was asked for */
    const void *author;
    store_done *done; /* NULL: nobody asks */
    void *arg;

    /* What is asked for; each kind uses some. */
    int64_t account;
    char *name, *to;
    struct mailbox *mailbox; /* a reference, for the loop thread */
    int64_t mailbox_id;      /* the same, for the writer */
    struct append_message *messages;
    size_t message_count;
    int64_t *accounts; /* of a ride: those of the first message, then those of the second, … */
    size_t account_count;
    size_t *shares; /* of a ride: how many accounts each message goes to */
    store_rider *ride;
    void *rider;
    uint32_t *uids;
    size_t uid_count;
    enum flag_op op;
    uint64_t flags, unchangedsince;
    char **keywords;
    uint32_t value;
    struct store_quota *quotas; /* of the accounts that it adds messages to */
    size_t quota_count;
    bool on; /* subscribe, only_deleted, move */

    /* What came of it. */
    enum store_status status;
    char text[128];
    uint32_t uidvalidity;
    int64_t id; /* account */
    struct uid_list uids_out, sources;
    struct effect *effects;
    size_t effect_count, effect_room;
    bool finished; /* guarded by the writer's lock */
};

struct job *job_new(enum job_kind kind);
void job_free(struct job *j);
/* Forgets what came of it so far: the change did not happen, or has to be tried again. */
void job_forget(struct job *j);
void job_uid(struct uid_list *l, uint32_t uid);
struct effect *job_effect(struct job *j, enum effect_kind kind, int64_t mailbox);

/* A row of MESSAGE_COLUMNS. */
void message_from_row(sqlite3_stmt *s, struct message *m);

/* Whether an account is within its quota, with what the change has added so far. 1 yes, 0 no, -1
 * trouble. */
int quota_kept(struct db *d, const struct job *j, int64_t account);
/* The same statement: *messages and *bytes of an account. */
int quota_count(struct db *d, int64_t account, uint64_t *bytes, uint64_t *messages);

/* Carries the change out inside a transaction (change.c). 0: done; the status may be any but
 * STORE_FULL, and with a status other than STORE_OK and STORE_CONFLICT nothing may be kept of it.
 * -1: the database is in trouble. */
struct writer_state {
    struct db *db;
    int64_t next_blob;
};
int change_run(struct writer_state *w, struct job *j);

#endif
