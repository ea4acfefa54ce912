/* The queue: mail for other hosts, from the 250 that took it to the other server's 250 or the
 * notification that it failed. It lies in the store's database, beside the mailboxes: one commit
 * holds both, and a killed server goes on where it was. RFC 5321, 4.5.4 and 5; RFC 3461, 3464.
 *
 * Loop thread only. SPDX-License-Identifier: MIT */
#ifndef SERVER_QUEUE_QUEUE_H
#define SERVER_QUEUE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "queue/wishes.h"
#include "store/store.h"

struct queue;
struct server;
struct dns;

struct queue_options {
    struct server *server; /* its loop, clock, store, accounts, limits and names */
    struct dns *dns;
    uint16_t port;         /* where other servers listen; 0: 25 */
    const char *smarthost; /* HOST, HOST:PORT, USER:PASSWORD@HOST:PORT; NULL: by MX */
    const char *ca;        /* PEM file of authorities; NULL: the system's */
    const char *sts;       /* folder of MTA-STS policies, one file a domain; or NULL */
    const char *const
        *from; /* addresses that may relay without login: "192.0.2.7", "2001:db8::/32" */
    size_t from_count;
};

int queue_open(const struct queue_options *o, struct queue **out, struct err *err);
void queue_close(struct queue *q); /* before the store; what is under way is tried again later */

enum {
    QUEUE_NOTIFY_NEVER = 1,
    QUEUE_NOTIFY_SUCCESS = 2,
    QUEUE_NOTIFY_FAILURE = 4,
    QUEUE_NOTIFY_DELAY = 8
};

struct queue_recipient {
    const char *address;
    const char *orcpt; /* as written in ORCPT=, or NULL */
    unsigned notify;   /* QUEUE_NOTIFY_*; 0: not said */
    int64_t account;   /* a mailbox here; 0: another host's */
};

struct queue_envelope {
    const char *sender; /* "" for <> */
    const char *envid;  /* as written in ENVID=, or NULL */
    bool return_header; /* RET=HDRS */
    bool return_full;   /* RET=FULL */
    bool utf8;          /* SMTPUTF8 */
    bool binary;        /* BODY=BINARYMIME */
    struct wishes wishes;
    const struct queue_recipient *recipients;
    size_t count;
};

struct queue_text {
    unsigned char *data; /* taken */
    size_t len;
};

/* Delivers to the accounts and queues for the others, in one commit; done is called when it is on
 * disk. local: the text for mailboxes, with its Return-Path; remote: the text to be sent on. Either
 * may be empty where no recipient needs it; both are taken. Notifications of success for the
 * mailboxes are part of the commit. */
void queue_submit(struct queue *q, const struct queue_envelope *e, struct queue_text local,
                  struct queue_text remote, store_done *done, void *arg);
/* The same for several that are one message to whoever sent them: all in one commit, or none. */
struct queue_part {
    struct queue_envelope envelope;
    struct queue_text local, remote;
};
void queue_submit_all(struct queue *q, struct queue_part *parts, size_t count, store_done *done,
                      void *arg);

/* How many messages wait for the time that this account set (RFC 4865). */
size_t queue_held(const struct queue *q, int64_t holder);

/* Mail goes where the DNS says, and not to a smarthost. */
bool queue_asks_dns(const struct queue *q);
/* Whether this peer may relay without logging in. */
bool queue_relays_for(const struct queue *q, const char *peer);

/* Tries everything that waits, now (ETRN, and tests). domain NULL: every one. Returns how many
 * messages. */
size_t queue_flush(struct queue *q, const char *domain);
/* The same for one domain and, with below, all domains under it; or only how many there are. */
size_t queue_start(struct queue *q, const char *domain, bool below);
size_t queue_waiting(struct queue *q, const char *domain, bool below);
/* Forgets all mail that is queued; mail on its way may still arrive. */
void queue_clear(struct queue *q, store_done *done, void *arg);

/* After store_restore: takes what the database has instead of what is in memory. Mail on its way
 * may still arrive. Numbers above last are of messages that are being submitted right now. */
int queue_reload(struct queue *q, int64_t last, struct err *err);
int64_t queue_last(const struct queue *q); /* the greatest number given so far */

/* An MTA-STS policy for a domain, as its policy file has it; NULL removes it. -1: it is none. */
int queue_set_policy(struct queue *q, const char *domain, const char *policy, struct err *err);

/* All of them, to be kept: sts_assign fills it and takes from it. */
struct sts *queue_policies(struct queue *q);

/* For the virtual clock: whether something is under way that may not be overtaken by time, and a
 * number that grows with each step of it. */
bool queue_busy(const struct queue *q);
bool queue_saving(const struct queue *q); /* a commit is under way */
/* What there is to do at the present time, as words; NULL: nothing before the clock moves on. */
const char *queue_unrest(const struct queue *q);
uint64_t queue_steps(const struct queue *q);

/* What is queued, for the control socket and tests. */
struct queue_entry {
    const char *name, *sender, *recipient, *status, *diagnostic;
    int64_t arrival_s, next_s; /* wall clock */
    unsigned tries;
};
void queue_list(const struct queue *q, void (*each)(void *arg, const struct queue_entry *e),
                void *arg);
size_t queue_count(const struct queue *q); /* messages */

#endif
