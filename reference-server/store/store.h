/* The store: accounts' mailboxes and messages, one SQLite database (WAL, synchronous=FULL), or
 * ":memory:".
 *
 * Everything here is called from the loop thread. Reads answer at once, from per-mailbox arrays in
 * memory and a reader connection. Changes are handed to the writer thread, which takes every
 * waiting change into one transaction (group commit); `done` is called on the loop thread once the
 * change is on disk, and only then may a reply say so. Changes to one mailbox happen in the order
 * in which they were asked for. All sessions share one struct mailbox per mailbox; each session
 * keeps its own view of message numbers (imap/view.h) by reading the change ring.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_STORE_STORE_H
#define SERVER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct clock;
struct loop;
struct store;
struct mailbox;

/* System flags as bits; keywords are strings, numbered in each mailbox from bit 8, at most 56. */
#define FLAG_SEEN ((uint64_t)1 << 0)
#define FLAG_ANSWERED ((uint64_t)1 << 1)
#define FLAG_FLAGGED ((uint64_t)1 << 2)
#define FLAG_DELETED ((uint64_t)1 << 3)
#define FLAG_DRAFT ((uint64_t)1 << 4)
#define FLAG_RECENT ((uint64_t)1 << 5) /* RFC 3501, 2.3.2: a session's own, never stored */
#define FLAG_KEYWORD_0 8

struct message { /* one row of a mailbox's array, ascending by uid */
    uint32_t uid;
    uint64_t modseq;
    uint64_t flags;
    int64_t internal_date; /* seconds since 1970, UTC */
    int internal_zone;     /* minutes east of UTC, as given at APPEND */
    uint32_t size_bytes;   /* RFC822.SIZE: the bytes as stored */
    uint32_t pop3_bytes;   /* size as POP3 sends it: bare LFs made CRLF, a last line end added where
                              there is none */
    int64_t blob;          /* for blob_read; never given to another message while the server runs */
};

/* What happened to a mailbox, newest last; a session reads from where it stopped. */
enum change_kind { CHANGE_NEW, CHANGE_FLAGS, CHANGE_EXPUNGED, CHANGE_GONE /* mailbox deleted */ };
struct change {
    uint64_t serial;
    enum change_kind kind;
    uint32_t uid;
    uint64_t flags, modseq;
    const void *author;
};

/* The hierarchy separator. A name's first level is "INBOX" in any case and then upper case. */
enum { STORE_SEPARATOR = '/' };

struct mailbox {
    struct store *store;
    int64_t id;
    int64_t account;
    char *name; /* decoded UTF-8; "INBOX" in upper case */
    uint32_t uidvalidity, uidnext;
    uint64_t highestmodseq;
    struct message *messages;
    size_t count, room;
    char *keywords[56];
    int keyword_count;
    uint32_t first_recent; /* uid: from here on \Recent to the next session that selects */
    struct change *ring;   /* the last changes, from serial ring_first on; see mailbox_changes */
    uint64_t ring_first, ring_next;
    size_t ring_room;
    int refs;              /* sessions and work under way */
    bool gone;             /* deleted; no reads of messages any more */
    const void *pop3_lock; /* the session that holds the maildrop, RFC 1939, 3 */
    struct watcher *watchers;
};

struct store_options {
    const char *path; /* file, or ":memory:" */
    struct loop *loop;
    struct clock *clock;
};
int store_open(const struct store_options *o, struct store **out, struct err *err);
void store_close(struct store *s); /* finishes what is under way, checkpoints */

/* --- accounts (credentials are in account.h) --- */
/* Finds an account or, with its INBOX, makes it. */
int store_account(struct store *s, const char *name, bool create, int64_t *id, struct err *err);

/* --- quotas --- */
/* What an account may hold, over all its mailboxes; 0: without end. Asked on the loop thread when a
 * change that adds messages is handed over. false: it has no limit. */
struct store_quota {
    int64_t account;
    uint64_t bytes, messages;
};
typedef bool store_quota_of(void *arg, struct store_quota *q);
void store_quotas(struct store *s, store_quota_of *of, void *arg);
/* What an account holds now, counted. -1: trouble. */
int store_usage(struct store *s, int64_t account, uint64_t *bytes, uint64_t *messages);

/* --- mailboxes, read --- */
/* A reference to the shared mailbox; loads its arrays on first use. -1: none has that name. -2: the
 * disk does not let us know, or not what is in it. */
int mailbox_open(struct store *s, int64_t account, const char *name, struct mailbox **out);
void mailbox_close(struct mailbox *m);
struct message *mailbox_find(struct mailbox *m, uint32_t uid); /* NULL: none */
/* The index of the first message with this uid or a higher one. */
size_t mailbox_lower_bound(const struct mailbox *m, uint32_t uid);
/* Names of an account's mailboxes and subscriptions, sorted; calls each for every one.
 * Subscriptions outlive DELETE. */
struct mailbox_entry {
    const char *name;
    bool exists, subscribed, noselect;
    uint64_t special_use;
};
void mailbox_list(struct store *s, int64_t account,
                  void (*each)(void *arg, const struct mailbox_entry *e), void *arg);

/* --- message bytes and what was computed when they were stored --- */
struct blob {
    const unsigned char *data;
    size_t len;
    void *hold;
};
/* The exact bytes as stored; valid until blob_release. -1 with words on a disk error. */
int blob_read(struct store *s, int64_t blob, struct blob *out, struct err *err);
void blob_release(struct blob *b);

/* --- changes: asynchronous, durable when `done` is called --- */
enum store_status {
    STORE_OK,
    STORE_NO_MAILBOX,
    STORE_EXISTS,
    STORE_OVER_QUOTA,
    STORE_FULL,     /* disk or I/O trouble */
    STORE_REFUSED,  /* text says why */
    STORE_CONFLICT, /* UNCHANGEDSINCE */
};
struct store_result {
    enum store_status status;
    const char *text;     /* a sentence for the reply when not OK */
    uint32_t uidvalidity; /* append, copy, create */
    /* Append: the new ones; copy, move: the new ones in the order of their sources; expunge: what
     * went; STORE_CONFLICT: what had changed. */
    const uint32_t *uids;
    size_t uid_count;
    const uint32_t *source_uids; /* copy, move: the sources that still existed, as many as uids */
};
typedef void store_done(void *arg, const struct store_result *r);

struct append_message {
    unsigned char *data; /* taken: freed by the store (malloc'd) */
    size_t len;
    uint64_t flags;
    char **keywords;       /* taken; NULL-terminated array of malloc'd names, or NULL */
    int64_t internal_date; /* 0: now */
    int internal_zone;
    bool beyond_quota; /* has to arrive, however full the mailbox is */
};
/* One transaction: all messages or none (MULTIAPPEND). `author` marks the session's own changes in
 * the ring. */
void store_append(struct store *s, int64_t account, const char *mailbox,
                  struct append_message *list, size_t count, const void *author, store_done *done,
                  void *arg);
/* Delivery: one message to several accounts' INBOXes, all or none. data is taken. */
void store_deliver(struct store *s, const int64_t *accounts, size_t count, unsigned char *data,
                   size_t len, store_done *done, void *arg);

/* Another room's change in the same transaction: after the deliveries (to INBOXes, each text once
 * for each account), run carries its own statements out on the writer thread. It may be called more
 * than once and has to give the same each time; -1: the database is in trouble. The list and the
 * accounts are copied, the texts taken; rider stays the caller's, until done. Durable, all or
 * nothing, like everything here. */
struct sqlite3;
struct store_delivery {
    const int64_t *accounts;
    size_t count;
    unsigned char *data;
    size_t len;
    bool beyond_quota;
};
typedef int store_rider(void *rider, struct sqlite3 *sql);
void store_change(struct store *s, const struct store_delivery *list, size_t count,
                  store_rider *run, void *rider, store_done *done, void *arg);
/* The same without deliveries, waited for: when the server starts. */
int store_change_now(struct store *s, store_rider *run, void *rider, struct err *err);
/* Waits until all that was asked of the store is on disk, and calls whoever waited for it: for
 * faults, which do at once what a session must not see done later. */
void store_settle(struct store *s);
/* From now on each commit takes so many milliseconds more, as on a slow disk; 0: no more. */
void store_delay(struct store *s, unsigned ms);
/* Statements that only read, at once. Gives what run returns; -1: trouble, with words in err. */
int store_look(struct store *s, store_rider *run, void *rider, struct err *err);

enum flag_op { FLAGS_SET, FLAGS_ADD, FLAGS_REMOVE };
/* uids is copied; keywords NULL-terminated, copied. unchangedsince 0: unconditional. The new flags
 * and modseqs are in the mailbox (and in the ring) when done is called; STORE_CONFLICT with uids =
 * those that had changed. */
void store_flags(struct mailbox *m, const uint32_t *uids, size_t count, enum flag_op op,
                 uint64_t flags, const char *const *keywords, uint64_t unchangedsince,
                 const void *author, store_done *done, void *arg);
/* Removes those of uids that exist; only_deleted: of these, only the ones with \Deleted at that
 * moment. */
void store_expunge(struct mailbox *m, const uint32_t *uids, size_t count, bool only_deleted,
                   const void *author, store_done *done, void *arg);
/* Copies (move: and removes) with flags and internal date, keeping order. */
void store_copy(struct mailbox *from, const uint32_t *uids, size_t count, const char *to, bool move,
                const void *author, store_done *done, void *arg);

/* The levels above are made, too. */
void store_create(struct store *s, int64_t account, const char *name, store_done *done, void *arg);
void store_delete(struct store *s, int64_t account, const char *name, store_done *done, void *arg);
void store_rename(struct store *s, int64_t account, const char *from, const char *to,
                  store_done *done, void *arg);
void store_subscribe(struct store *s, int64_t account, const char *name, bool on, store_done *done,
                     void *arg);
/* Messages up to now are no longer \Recent to sessions that come later (SELECT does this, EXAMINE
 * not). */
void store_recent_seen(struct mailbox *m);

/* For tests and the control socket. */
/* Every account has an empty INBOX of a new UIDVALIDITY, and nothing else. */
void store_reset(struct store *s, store_done *done, void *arg);
void store_set_uidvalidity(struct mailbox *m, uint32_t value, store_done *done, void *arg);
/* Keeps everything that is in the database, other rooms' tables too, under a name (letters, digits,
 * ".", "_", "-"), in memory, until store_close. Both wait for the disk. */
int store_snapshot(struct store *s, const char *name, struct err *err);
/* Everything as it was then, but numbers that are given once (UIDVALIDITY, mailboxes, blobs) go on
 * from where they are. To sessions their mailbox is deleted. */
int store_restore(struct store *s, const char *name, struct err *err);
/* Every mailbox that is in use is gone for those who use it, and is read anew for the next one. */
void store_forget_mailboxes(struct store *s);

/* --- being told --- */
struct watcher {
    void (*changed)(void *arg, struct mailbox *m);
    void *arg;
    struct watcher *next;
};
/* changed is called on the loop thread after each commit that touched the mailbox (also for one's
 * own changes). */
void mailbox_watch(struct mailbox *m, struct watcher *w);
void mailbox_unwatch(struct mailbox *m, struct watcher *w);
/* The changes since *serial, oldest first; moves *serial. Returns NULL when there is none. When the
 * ring has lost some (a very slow session), *lost is set and the session compares with the array
 * instead. */
const struct change *mailbox_changes(struct mailbox *m, uint64_t *serial, size_t *count,
                                     bool *lost);

#endif
