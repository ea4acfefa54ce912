/* What becomes of recipients after an attempt, and what their sender hears of it. RFC
 * 5321, 4.5.4.1; RFC 3461, 5 and 6.2; RFC 2852, 4.1 (BY). SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "queue/batch.h"
#include "queue/notify.h"
#include "queue/state.h"

enum { IMPATIENT_S = 30, DSN_ACTIONS = 4, NO_ACTION = -1 };

struct settling {
    struct qmsg *message;
    struct qmsg **made; /* notifications that go to other hosts, or NULL in between */
    size_t made_count;
};

/* What the sender may hear of one recipient. */
struct news {
    int action;         /* of enum dsn_action, or NO_ACTION */
    const char *status; /* NULL: that of the last attempt */
    bool wanted_anyway; /* NOTIFY need not ask for it */
};

static const struct news nothing = {NO_ACTION, NULL, false};

static void *must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static int64_t interval(const struct queue *q, unsigned tries)
{
    const struct limits *l = &q->server->limits;
    int64_t wait = l->relay_retry_seconds;
    for (unsigned i = 1; i < tries && wait < l->relay_retry_most_seconds; i++)
        wait *= 2;
    if (fault(FAULT_QUEUE_IMPATIENT))
        return IMPATIENT_S;
    return wait < l->relay_retry_most_seconds ? wait : l->relay_retry_most_seconds;
}

/* What is held back begins to live when it is released. */
static int64_t begin_s(const struct qmsg *m)
{
    return m->wishes.release_s > m->arrival_s ? m->wishes.release_s : m->arrival_s;
}

static bool time_is_over(const struct qmsg *m, int64_t now)
{
    return m->wishes.by != BY_NOT_ASKED && now >= m->wishes.by_s &&
           !fault(FAULT_QUEUE_BY_TIME_IGNORED);
}

static bool returns_late(const struct qmsg *m)
{
    return m->wishes.by == BY_RETURN || fault(FAULT_QUEUE_BY_N_RETURNED);
}

bool queue_mark_overdue(struct qmsg *m)
{
    bool any = false;
    if (!time_is_over(m, queue_now_s(m->queue)))
        return false;
    for (size_t i = 0; i < m->count; i++) {
        struct rcpt *r = &m->rcpts[i];
        if (r->state != RCPT_WAITING || r->account != 0 || r->told_by)
            continue;
        r->overdue = true;
        any = true;
    }
    return any;
}

/* A host that does not know DELIVERBY has it now, in time, or the sender wants to see each step. */
static struct news relayed(const struct qmsg *m, const struct rcpt *r, int64_t now)
{
    bool trace = m->wishes.by_trace && !fault(FAULT_QUEUE_BY_TRACE_IGNORED);
    bool lost_sight = m->wishes.by == BY_NOTIFY && !r->passed_by && now < m->wishes.by_s &&
                      !fault(FAULT_QUEUE_BY_RELAYED_UNTOLD);
    if (trace || lost_sight)
        return (struct news){DSN_RELAYED, "2.0.0", true};
    bool again = (r->notify & QUEUE_NOTIFY_SUCCESS) != 0 && fault(FAULT_QUEUE_RELAYED_DESPITE_DSN);
    if (r->passed_dsn && !again)
        return nothing;
    return (struct news){DSN_RELAYED, "2.0.0", false};
}

static struct news gone(struct rcpt *r, const char *status)
{
    r->state = RCPT_GONE;
    if (status != NULL)
        snprintf(r->last.status, sizeof r->last.status, "%s", status);
    return (struct news){DSN_FAILED, NULL, false};
}

static const char *late_status(void)
{
    return fault(FAULT_QUEUE_BY_WRONG_STATUS) ? "5.0.0" : "5.4.7";
}

/* The time of BY came, and no attempt with it. */
static struct news overdue(const struct qmsg *m, struct rcpt *r)
{
    r->overdue = false;
    r->told_by = true;
    if (!returns_late(m))
        return (struct news){DSN_DELAYED, "4.4.7", false};
    if (r->tries == 0)
        client_says(&r->last, CLIENT_LATER, "5.4.7", "there was no time for an attempt");
    return gone(r, late_status());
}

/* It has to wait longer. */
static struct news postpone(const struct qmsg *m, struct rcpt *r, int64_t now)
{
    const struct limits *l = &m->queue->server->limits;
    int64_t end = begin_s(m) + l->relay_lifetime_seconds;
    r->state = RCPT_WAITING;
    r->next_s = now + interval(m->queue, r->tries);
    if (r->next_s > end && end > now)
        r->next_s = end; /* the last attempt */
    if (time_is_over(m, now) && !r->told_by)
        return overdue(m, r);
    if (r->told_delay || now - begin_s(m) < l->relay_delay_seconds ||
        fault(FAULT_QUEUE_NEVER_GIVES_UP))
        return nothing;
    r->told_delay = true;
    return (struct news){DSN_DELAYED, NULL, false};
}

/* What an outcome means for a recipient. */
static struct news judge(const struct qmsg *m, struct rcpt *r, int64_t now)
{
    int64_t end = begin_s(m) + m->queue->server->limits.relay_lifetime_seconds;
    r->tries++;
    if (r->last.verdict == CLIENT_NEVER && fault(FAULT_QUEUE_RETRIES_5XX))
        r->last.verdict = CLIENT_LATER;
    if (r->last.verdict == CLIENT_LATER && fault(FAULT_QUEUE_GIVES_UP_ON_4XX))
        r->last.verdict = CLIENT_NEVER;
    if (r->last.verdict == CLIENT_TAKEN) {
        r->state = RCPT_GONE;
        return r->account != 0 ? (struct news){DSN_DELIVERED, "2.1.5", false} : relayed(m, r, now);
    }
    if (r->last.verdict == CLIENT_NEVER) {
        bool other = m->wishes.requiretls && fault(FAULT_QUEUE_REQUIRETLS_STATUS);
        struct news failed = gone(r, other && !r->last.from_server ? "5.0.0" : NULL);
        return r->last.from_server && fault(FAULT_QUEUE_NO_FAILURE_DSN) ? nothing : failed;
    }
    if (returns_late(m) && time_is_over(m, now))
        return gone(r, late_status());
    if (now >= end && !fault(FAULT_QUEUE_NEVER_GIVES_UP))
        return gone(r, "4.4.7"); /* delivery time expired */
    return postpone(m, r, now);
}

static struct dsn dsn_about(const struct qmsg *m, enum dsn_action action, int64_t now)
{
    return (struct dsn){
        .action = action,
        .hostname = m->queue->server->hostname,
        .name = m->name,
        .sender = m->sender,
        .envid = m->envid,
        .return_header = m->return_header,
        .return_full = m->return_full,
        .utf8 = m->utf8,
        .wishes = &m->wishes,
        .arrival_s = m->arrival_s,
        .now_s = now,
        .data = m->data,
        .len = m->len,
    };
}

static bool is_wanted(const struct news *n, unsigned notify)
{
    if (n->wanted_anyway)
        return (notify & QUEUE_NOTIFY_NEVER) == 0;
    return dsn_wanted((enum dsn_action)n->action, notify);
}

static bool somebody_is_told(const struct qmsg *m, enum dsn_action action, const struct news *news)
{
    for (size_t i = 0; i < m->count; i++)
        if (news[i].action == (int)action && is_wanted(&news[i], m->rcpts[i].notify))
            return true;
    return false;
}

/* One notification for all recipients that share an action (RFC 5321, 4.4); by a fault, for only
 * one of them. */
static void tell(struct settling *s, enum dsn_action action, const struct news *news,
                 struct batch *b, int64_t now, size_t from, size_t end)
{
    struct qmsg *m = s->message;
    struct queue *q = m->queue;
    struct dsn d = dsn_about(m, action, now);
    struct dsn_recipient *list = must_have(calloc(m->count + 1, sizeof *list));
    bool all = action == DSN_FAILED && fault(FAULT_QUEUE_DSN_NAMES_ALL) &&
               somebody_is_told(m, action, news);
    for (size_t i = from; i < end; i++) {
        const struct rcpt *r = &m->rcpts[i];
        if ((news[i].action != (int)action || !is_wanted(&news[i], r->notify)) && !all)
            continue;
        list[d.count++] = (struct dsn_recipient){
            .address = r->address,
            .orcpt = r->orcpt,
            .status = news[i].status != NULL ? news[i].status : r->last.status,
            .diagnostic = r->account != 0 || r->tries == 0 ? "" : r->last.diagnostic,
            .remote = r->remote,
            .from_server = r->last.from_server,
            .tried_s = r->tries > 0 ? now : 0,
            .until_s = begin_s(m) + q->server->limits.relay_lifetime_seconds,
        };
    }
    d.recipients = list;
    if (d.count > 0)
        notify_sender(q->server, &d, b, ++q->last_id, &s->made[s->made_count++]);
    free(list);
}

/* The mailboxes here that get the message now. */
static void deliver(const struct qmsg *m, struct batch *b)
{
    int64_t *accounts = must_have(calloc(m->count + 1, sizeof *accounts));
    size_t count = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct rcpt *r = &m->rcpts[i];
        bool now = r->account != 0 && r->state == RCPT_TRIED && r->last.verdict == CLIENT_TAKEN;
        for (size_t k = 0; k < count; k++)
            now = now && accounts[k] != r->account;
        if (now)
            accounts[count++] = r->account;
    }
    if (count > 0) {
        size_t len = m->len;
        unsigned char *text = must_have(malloc(len + 1));
        memcpy(text, m->data, len);
        text = notify_return_path(m->sender, text, &len);
        batch_deliver(b, accounts, count, text, len);
    }
    free(accounts);
}

/* The commit failed: nothing of it has happened. */
static void undo(struct qmsg *m, enum store_status status)
{
    for (size_t i = 0; i < m->count; i++) {
        struct rcpt *r = &m->rcpts[i];
        if (!r->told)
            continue;
        if (r->tries_before == r->tries) {
            r->state = RCPT_WAITING; /* it was overdue */
        } else {
            r->state = RCPT_TRIED;
            r->tries = r->tries_before;
        }
        r->told_delay = r->told_by = false; /* told twice is better than never */
        if (r->account != 0 && (status == STORE_OVER_QUOTA || status == STORE_NO_MAILBOX))
            client_says(&r->last, CLIENT_LATER, "4.2.2", "the mailbox takes nothing now");
    }
}

static void settled(void *arg, const struct store_result *result)
{
    struct settling *s = arg;
    struct qmsg *m = s->message;
    struct queue *q = m->queue;
    bool fine = result->status == STORE_OK;
    q->commits--;
    q->steps++;
    m->saving = false;
    for (size_t i = 0; i < s->made_count; i++) {
        struct qmsg *made = s->made[i];
        if (made == NULL)
            continue;
        if (fine) {
            queue_link(q, made);
            queue_schedule(made);
            queue_drop_text(made);
        } else {
            qmsg_free(made);
        }
    }
    free(s->made);
    free(s);
    if (!fine)
        undo(m, result->status);
    for (size_t i = 0; i < m->count; i++)
        m->rcpts[i].told = false;
    if (!fine) {
        queue_wake_in(m, QUEUE_AGAIN_S);
    } else if (qmsg_open(m) == 0) {
        queue_unlink(m);
    } else {
        queue_drop_text(m);
        queue_schedule(m);
    }
}

/* A fault: who has it already has to wait with those who do not. */
static void forget_success(struct qmsg *m)
{
    bool later = false;
    for (size_t i = 0; i < m->count; i++)
        later =
            later || (m->rcpts[i].state == RCPT_TRIED && m->rcpts[i].last.verdict == CLIENT_LATER);
    for (size_t i = 0; later && i < m->count; i++)
        if (m->rcpts[i].state == RCPT_TRIED)
            m->rcpts[i].last.verdict = CLIENT_LATER;
}

void queue_settle(struct qmsg *m)
{
    struct queue *q = m->queue;
    if (fault(FAULT_QUEUE_AGAIN_TO_ALL))
        forget_success(m);
    int64_t now = queue_now_s(q);
    struct settling *s = must_have(calloc(1, sizeof *s));
    struct batch *b = batch_new();
    struct news *news = must_have(calloc(m->count + 1, sizeof *news));
    s->message = m;
    s->made = must_have(calloc(DSN_ACTIONS + m->count, sizeof(struct qmsg *)));
    deliver(m, b);
    for (size_t i = 0; i < m->count; i++) {
        struct rcpt *r = &m->rcpts[i];
        news[i] = nothing;
        if (r->state != RCPT_TRIED && !r->overdue)
            continue;
        r->told = true;
        r->tries_before = r->tries;
        news[i] = r->overdue ? overdue(m, r) : judge(m, r, now);
        batch_recipient(b, m, i);
    }
    for (int action = 0; action < DSN_ACTIONS; action++) {
        bool each = action == DSN_FAILED && fault(FAULT_QUEUE_DSN_ONE_EACH);
        for (size_t i = 0; i < m->count && each; i++)
            tell(s, (enum dsn_action)action, news, b, now, i, i + 1);
        if (!each)
            tell(s, (enum dsn_action)action, news, b, now, 0, m->count);
    }
    free(news);
    if (qmsg_open(m) == 0)
        batch_remove(b, m->id);
    m->saving = true;
    q->commits++;
    batch_commit(b, q->server->store, settled, s);
}
