/* Stores a message and answers for it. A 250 is written only once the store says that the change is
 * on disk (RFC 5321, 6.1).
 *
 * SPDX-License-Identifier: MIT */
#include "smtp/deliver.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "config/quota.h"
#include "fault.h"
#include "queue/notify.h"
#include "queue/queue.h"
#include "server.h"
#include "smtp/header.h"
#include "smtp/received.h"
#include "smtp/spoil.h"
#include "smtp/submit.h"

enum { MOST_HOPS = 100, FIELDS_MAX = 16384, TRACE_ROOM = 500 }; /* RFC 5321, 6.3 */

/* One message on its way into the store; it outlives the connection if need be. */
struct delivery {
    struct smtp *session; /* NULL: nobody waits for the answer */
    struct conn *conn;
    struct smtp_envelope envelope;
    bool lmtp, by_bdat;
    struct smtp_refusal lie; /* by a fault: the answer, whatever the store says; code 0: none */
    char id[SMTP_ID_BYTES];
    size_t bytes; /* of the message with its trace fields; counted as incoming until it is stored */
    struct budget *budget;
    size_t waiting; /* calls of the store that have not ended */
    struct part *parts;
    size_t count;
};

/* One call of the store: all recipients in SMTP, one of them in LMTP, or those behind one name. */
struct part {
    struct delivery *delivery;
    int64_t account; /* LMTP: so that a second RCPT for the same account shares the outcome */
    size_t group;    /* LMTP: of the recipients */
    enum store_status status;
    char why[200];
};

static void *must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static void answer_part(struct smtp *s, const struct delivery *d, const struct part *p,
                        const char *whom)
{
    const char *open = *whom != '\0' ? " <" : "", *close = *whom != '\0' ? ">" : "";
    switch (p->status) {
    case STORE_OK:
        smtp_reply(s, 250, "2.0.0", "Stored as %s%s%s%s", d->id, open, whom, close);
        return;
    case STORE_NO_MAILBOX:
        smtp_reply(s, 550, "5.1.1", "The mailbox is gone");
        return;
    case STORE_OVER_QUOTA:
        if (s->conn->server->policy.quota_reply == 0)
            smtp_reply(s, 452, "4.2.2", "The mailbox is full%s%s%s", open, whom, close);
        else
            smtp_reply(s, 552, "5.2.2", "The mailbox is full%s%s%s", open, whom, close);
        return;
    case STORE_FULL:
        smtp_reply(s, 452, "4.3.1", "No room on the disk");
        return;
    case STORE_REFUSED:
        smtp_reply(s, 554, "5.6.0", "Refused: %s", p->why);
        return;
    case STORE_EXISTS:
    case STORE_CONFLICT:
        break;
    }
    smtp_reply(s, 451, "4.3.0", "Trouble with the store");
}

/* Whether this one is answered for: the first behind a name is, for all of them. */
static bool has_answer(const struct smtp_envelope *e, size_t i)
{
    return e->recipients[i].group == 0 || e->recipients[i].alias != NULL;
}

size_t smtp_answers(const struct smtp *s, const struct smtp_envelope *e)
{
    size_t count = 0;
    for (size_t i = 0; i < e->count; i++)
        count += has_answer(e, i);
    return s->lmtp && count > 0 ? count : 1;
}

static void answer_one(struct smtp *s, const struct delivery *d, const struct smtp_recipient *r)
{
    for (size_t k = 0; k < d->count; k++)
        if (r->group != 0 ? d->parts[k].group == r->group
                          : d->parts[k].group == 0 && d->parts[k].account == r->account) {
            answer_part(s, d, &d->parts[k], r->alias != NULL ? r->alias : r->mailbox);
            return;
        }
}

static void answer(struct smtp *s, const struct delivery *d)
{
    const struct smtp_envelope *e = &d->envelope;
    for (size_t i = 0; d->lie.code != 0 && i < smtp_answers(s, e); i++)
        smtp_reply(s, d->lie.code, d->lie.enhanced, "%s", d->lie.why);
    if (d->lie.code != 0)
        return;
    if (d->parts[0].status == STORE_OK)
        log_message(d->conn, d->bytes, e->count);
    if (!d->lmtp || fault(FAULT_LMTP_ONE_REPLY) ||
        (d->by_bdat && fault(FAULT_LMTP_BDAT_ONE_REPLY))) {
        answer_part(s, d, &d->parts[0], "");
        return;
    }
    for (size_t i = 0; i < s->answered && fault(FAULT_LMTP_REPLIES_ACCUMULATE); i++)
        smtp_reply(s, 250, "2.0.0", "Stored some time ago");
    for (size_t i = 0; i < e->count; i++) {
        size_t which = fault(FAULT_LMTP_REPLIES_REVERSED) ? e->count - 1 - i : i;
        if (has_answer(e, which))
            answer_one(s, d, &e->recipients[which]);
    }
    for (size_t i = 0; i < e->refused && fault(FAULT_LMTP_REPLIES_FOR_REFUSED); i++)
        smtp_reply(s, 550, "5.1.1", "There is no such mailbox");
    s->answered += e->count;
}

static void delivery_free(struct delivery *d)
{
    smtp_envelope_clear(&d->envelope);
    budget_give(d->budget, d->bytes);
    free(d->parts);
    free(d);
}

static void stored(void *arg, const struct store_result *r)
{
    struct part *p = arg;
    struct delivery *d = p->delivery;
    p->status = r->status;
    if (r->text != NULL) {
        strncpy(p->why, r->text, sizeof p->why - 1);
        p->why[sizeof p->why - 1] = '\0';
    }
    if (--d->waiting > 0)
        return;
    struct conn *c = d->conn;
    if (d->session != NULL) {
        if (!conn_gone(c)) {
            conn_scope(c);
            answer(d->session, d);
            if (d->parts[0].status != STORE_OK &&
                fault(FAULT_SMTP_REFUSED_TEXT_KEEPS_TRANSACTION)) {
                smtp_envelope_clear(&d->session->envelope);
                d->session->envelope = d->envelope;
                d->envelope = (struct smtp_envelope){0};
            }
            smtp_rearm(d->session);
        }
        delivery_free(d);
        conn_resume(c);
    } else {
        delivery_free(d);
    }
}

/* The whole message: trace fields, then the text. malloc'd. */
static unsigned char *assemble(struct smtp *s, const char *id, size_t *len)
{
    size_t n = 0;
    unsigned char *text = buf_take(&s->message, &n);
    if (!fault(FAULT_SMTP_KEEPS_FOREIGN_RETURN_PATH))
        n = smtp_header_remove(text, n, "Return-Path"); /* one is enough: RFC 5321, 4.4 */
    text = smtp_spoil_text(text, &n, !s->chunk_last);
    smtp_spoil_header(text, n);
    struct buf fields;
    buf_init(&fields, FIELDS_MAX);
    smtp_trace_fields(s, id, text, n, &fields);
    unsigned char *whole = must_have(malloc(fields.len + n + 1));
    if (fields.len > 0)
        memcpy(whole, fields.data, fields.len);
    memcpy(whole + fields.len, text, n);
    *len = fields.len + n;
    buf_free(&fields);
    free(text);
    return whole;
}

/* The accounts to deliver to, each once; what stands behind a name of LMTP is not among them. */
static size_t accounts_of(const struct smtp_envelope *e, int64_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < e->count; i++) {
        const struct smtp_recipient *r = &e->recipients[i];
        bool known = r->route != ROUTE_MAILBOX || r->group != 0;
        for (size_t k = 0; k < count && !known; k++)
            known = out[k] == r->account;
        if (!known)
            out[count++] = r->account;
    }
    if (count > 1 && fault(FAULT_SMTP_DELIVERS_TO_FIRST_ONLY))
        count = 1;
    return count;
}

/* Who announces DSN reports its deliveries, LMTP or not (RFC 3461, 5.2.3): the queue does it in the
 * same commit. False: nobody asked for that. */
static bool deliver_and_tell(struct queue *queue, const struct delivery *d, struct part *p,
                             unsigned char *data, size_t len)
{
    const struct smtp_envelope *e = &d->envelope;
    struct queue_recipient *list = must_have(calloc(e->count + 1, sizeof *list));
    struct queue_envelope envelope = {.sender = e->sender,
                                      .envid = e->envid,
                                      .return_header = e->return_header,
                                      .return_full = e->return_full,
                                      .utf8 = e->utf8,
                                      .wishes = e->wishes,
                                      .recipients = list};
    bool asked = false;
    for (size_t i = 0; i < e->count; i++) {
        const struct smtp_recipient *r = &e->recipients[i];
        if (r->route != ROUTE_MAILBOX || r->account != p->account || r->group != 0)
            continue;
        asked = asked || (r->notify & SMTP_NOTIFY_SUCCESS) != 0 ||
                fault(FAULT_SMTP_DELIVERED_DSN_UNASKED);
        list[envelope.count++] = (struct queue_recipient){
            .address = r->mailbox, .orcpt = r->orcpt, .notify = r->notify, .account = r->account};
    }
    if (asked)
        queue_submit(queue, &envelope, (struct queue_text){data, len}, (struct queue_text){NULL, 0},
                     stored, p);
    free(list);
    return asked;
}

/* Whether the queue has a part in it: other hosts, or a notification of success. */
static bool needs_queue(const struct smtp *s)
{
    const struct smtp_envelope *e = &s->envelope;
    if (s->conn->server->queue == NULL || s->lmtp)
        return false;
    if (e->wishes.release_s != 0)
        return true; /* mailboxes here wait as well: RFC 4865, 4.2 */
    for (size_t i = 0; i < e->count; i++)
        if (e->recipients[i].route == ROUTE_QUEUE || e->recipients[i].owner != NULL ||
            (e->recipients[i].route == ROUTE_MAILBOX &&
             ((e->recipients[i].notify & SMTP_NOTIFY_SUCCESS) != 0 ||
              fault(FAULT_SMTP_DELIVERED_DSN_UNASKED))))
            return true;
    return false;
}

/* TLS-Required: No, once (RFC 8689, 3). */
static bool asks_for_less(const unsigned char *text, size_t n)
{
    size_t count = 0, end;
    for (size_t at = 0; (end = smtp_header_field(text, n, at)) != 0; at = end) {
        if (!smtp_header_named(text, at, end, "TLS-Required"))
            continue;
        const unsigned char *p = memchr(text + at, ':', end - at), *stop = text + end;
        for (p++; p < stop && strchr(" \t\r\n", *p) != NULL; p++)
            ;
        while (stop > p && strchr(" \t\r\n", stop[-1]) != NULL)
            stop--;
        if (stop - p != 2 || strncasecmp((const char *)p, "No", 2) != 0)
            return false;
        count++;
    }
    return count == 1;
}

static bool same_owner(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcasecmp(one, other) == 0;
}

/* The recipients of this group that came through this owner's list, or (NULL) through none. */
static size_t recipients_of(const struct smtp_envelope *e, const char *owner, size_t group,
                            struct queue_recipient *list)
{
    size_t count = 0;
    for (size_t i = 0; i < e->count; i++) {
        const struct smtp_recipient *r = &e->recipients[i];
        if (r->route == ROUTE_NOWHERE || r->group != group || !same_owner(r->owner, owner))
            continue;
        list[count++] =
            (struct queue_recipient){.address = r->mailbox,
                                     .orcpt = r->orcpt,
                                     .notify = r->notify,
                                     .account = r->route == ROUTE_MAILBOX ? r->account : 0};
    }
    return count;
}

/* A list's copy has its owner as the sender (RFC 5321, 3.9.2). */
static unsigned char *copy_from(const char *owner, const unsigned char *data, size_t *len)
{
    unsigned char *text = must_have(malloc(*len + 1));
    memcpy(text, data, *len);
    if (owner == NULL)
        return text;
    *len = smtp_header_remove(text, *len, "Return-Path");
    if (fault(FAULT_SMTP_LIST_CHANGES_FROM)) {
        char from[SMTP_PATH_MAX + 16];
        size_t rest = smtp_header_remove(text, *len, "From");
        int n = snprintf(from, sizeof from, "From: <%s>\r\n", owner);
        text = must_have(realloc(text, rest + (size_t)n + 1));
        memmove(text + n, text, rest);
        memcpy(text, from, (size_t)n);
        *len = rest + (size_t)n;
    }
    return notify_return_path(owner, text, len);
}

/* What goes to this owner's recipients; list has room for all of them. The flags of NOTIFY are the
 * same on both sides. */
static struct queue_part part_of(const struct delivery *d, const char *owner, size_t group,
                                 const unsigned char *data, size_t len,
                                 struct queue_recipient *list)
{
    const struct smtp_envelope *e = &d->envelope;
    size_t count = recipients_of(e, owner, group, list);
    struct wishes wishes = e->wishes;
    wishes.tls_optional = (!wishes.requiretls || fault(FAULT_QUEUE_REQUIRETLS_HEADER_WINS)) &&
                          asks_for_less(data, len);
    if (wishes.tls_optional)
        wishes.requiretls = false;
    if (fault(FAULT_QUEUE_HOLD_IGNORED))
        wishes.release_s = 0;
    if (fault(FAULT_SMTP_LIST_KEEPS_SENDER))
        owner = NULL;
    struct queue_envelope envelope = {
        .sender = owner != NULL ? owner : e->sender,
        .envid = owner != NULL ? NULL : e->envid,
        .return_header = e->return_header,
        .return_full = e->return_full,
        .utf8 = e->utf8,
        .binary = e->body == SMTP_BODY_BINARYMIME,
        .wishes = wishes,
        .recipients = list,
        .count = count,
    };
    struct queue_text local = {.len = len};
    local.data = copy_from(owner, data, &local.len);
    struct queue_text remote = {must_have(malloc(local.len + 1)), local.len};
    memcpy(remote.data, local.data, local.len);
    /* Return-Path is for final delivery only (RFC 5321, 4.4). */
    remote.len = smtp_header_remove(remote.data, remote.len, "Return-Path");
    return (struct queue_part){envelope, local, remote};
}

/* Mailboxes, other hosts and what goes through lists, each list's as a message of its own from its
 * owner: all in one commit, so that whoever is told to try again has delivered nothing yet. data is
 * taken. */
static void hand_to_queue(struct delivery *d, struct queue *queue, unsigned char *data, size_t len,
                          struct part *part)
{
    const struct smtp_envelope *e = &d->envelope;
    const char **owners = must_have(calloc(e->count + 1, sizeof *owners));
    size_t count = 0;
    for (size_t i = 0; i < e->count; i++) {
        bool known =
            e->recipients[i].route == ROUTE_NOWHERE || e->recipients[i].group != part->group;
        for (size_t k = 0; k < count && !known; k++)
            known = same_owner(owners[k], e->recipients[i].owner);
        if (!known)
            owners[count++] = e->recipients[i].owner;
    }
    struct queue_part *parts = must_have(calloc(count + 1, sizeof *parts));
    struct queue_recipient **lists = must_have(calloc(count + 1, sizeof *lists));
    for (size_t i = 0; i < count; i++) {
        lists[i] = must_have(calloc(e->count + 1, sizeof **lists));
        parts[i] = part_of(d, owners[i], part->group, data, len, lists[i]);
    }
    queue_submit_all(queue, parts, count, stored, part);
    for (size_t i = 0; i < count; i++)
        free(lists[i]);
    free(lists);
    free(parts);
    free(owners);
    free(data);
}

/* The text of one mailbox, or of those behind a name, is a copy; the last of them takes it. */
static unsigned char *own_text(unsigned char *data, size_t len, bool last)
{
    if (last)
        return data;
    unsigned char *own = must_have(malloc(len + 1));
    memcpy(own, data, len);
    return own;
}

static void hand_over(struct delivery *d, struct store *store, const int64_t *accounts,
                      size_t count, unsigned char *data, size_t len)
{
    struct queue *queue = d->conn->server->queue;
    const struct smtp_envelope *e = &d->envelope;
    d->count = d->lmtp ? count : 1;
    for (size_t i = 0; i < e->count && d->lmtp; i++)
        d->count += e->recipients[i].alias != NULL;
    d->waiting = d->count;
    d->parts = must_have(calloc(d->count, sizeof *d->parts));
    for (size_t i = 0; i < d->count; i++)
        d->parts[i] = (struct part){.delivery = d, .account = i < count ? accounts[i] : 0};
    if (d->session != NULL)
        conn_park(d->conn);
    if (!d->lmtp) {
        store_deliver(store, accounts, count, data, len, stored, &d->parts[0]);
        return;
    }
    /* No commit is over before the loop runs again: d stays until the last of them was made. */
    struct part *next = d->parts;
    size_t left = d->count;
    for (size_t i = 0; i < count; i++, next++) {
        unsigned char *own = own_text(data, len, --left == 0);
        if (queue == NULL || !deliver_and_tell(queue, d, next, own, len))
            store_deliver(store, &accounts[i], 1, own, len, stored, next);
    }
    for (size_t i = 0; i < e->count && left > 0; i++)
        if (e->recipients[i].alias != NULL) {
            next->group = e->recipients[i].group;
            hand_to_queue(d, queue, own_text(data, len, --left == 0), len, next++);
        }
}

static void end_transaction(struct smtp *s)
{
    if (fault(FAULT_SMTP_DATA_KEEPS_TRANSACTION))
        buf_empty(&s->message);
    else
        smtp_reset(s);
}

/* The envelope goes along with the message; a fault lets the session keep a copy. */
static void take_envelope(struct smtp *s, struct delivery *d)
{
    d->envelope = s->envelope;
    if (!fault(FAULT_SMTP_DATA_KEEPS_TRANSACTION)) {
        s->envelope = (struct smtp_envelope){0};
        return;
    }
    struct smtp_envelope *e = &s->envelope;
    e->sender = must_have(strdup(e->sender));
    e->envid = NULL;
    e->recipients = must_have(calloc(e->room + 1, sizeof *e->recipients));
    for (size_t i = 0; i < e->count; i++) {
        e->recipients[i] = d->envelope.recipients[i];
        e->recipients[i].mailbox = must_have(strdup(e->recipients[i].mailbox));
        e->recipients[i].orcpt = NULL;
        if (e->recipients[i].owner != NULL)
            e->recipients[i].owner = must_have(strdup(e->recipients[i].owner));
        if (e->recipients[i].alias != NULL)
            e->recipients[i].alias = must_have(strdup(e->recipients[i].alias));
    }
}

static bool has_group(const struct smtp_envelope *e)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->recipients[i].group != 0)
            return true;
    return false;
}

/* Takes the message over. lie: what is answered whatever comes of it; NULL: the truth. */
static void hand_in(struct smtp *s, const struct smtp_refusal *lie)
{
    int64_t *accounts = must_have(calloc(s->envelope.count + 1, sizeof *accounts));
    size_t count = accounts_of(&s->envelope, accounts), len = 0;
    struct delivery *d = must_have(calloc(1, sizeof *d));
    smtp_make_id(s, d->id);
    d->conn = s->conn;
    d->lmtp = s->lmtp;
    d->by_bdat = s->chunk_last;
    if (lie != NULL)
        d->lie = *lie;
    unsigned char *data = assemble(s, d->id, &len);
    d->bytes = len;
    d->budget = &s->conn->server->incoming;
    budget_force(d->budget, len);
    bool queued = needs_queue(s);
    /* Nobody to deliver to: that is the work of faults. */
    bool named = has_group(&s->envelope); /* of LMTP */
    bool lost = fault(FAULT_SMTP_LOSES_AFTER_250) || (count == 0 && !queued && !named);
    if (lost || fault(FAULT_SMTP_250_BEFORE_STORED)) {
        for (size_t i = 0; i < smtp_answers(s, &s->envelope); i++)
            smtp_reply(s, 250, "2.0.0", "Stored as %s", d->id);
    } else {
        d->session = s;
    }
    take_envelope(s, d);
    struct store *store = s->conn->server->store;
    struct queue *queue = s->conn->server->queue;
    end_transaction(s);
    quota_lift(lie != NULL || fault(FAULT_SMTP_QUOTA_IGNORED));
    if (lost) {
        free(data);
        delivery_free(d);
    } else if (queued) {
        d->count = d->waiting = 1;
        d->parts = must_have(calloc(1, sizeof *d->parts));
        d->parts[0] = (struct part){.delivery = d};
        if (d->session != NULL)
            conn_park(d->conn);
        hand_to_queue(d, queue, data, len, &d->parts[0]);
    } else {
        hand_over(d, store, accounts, count, data, len);
    }
    quota_lift(false);
    free(accounts);
}

void smtp_refuse_message(struct smtp *s, int code, const char *enhanced, const char *why)
{
    const struct smtp_refusal no = {code, enhanced, why};
    if (s->envelope.count > 0 && ((code >= 500 && fault(FAULT_SMTP_5YZ_DELIVERS)) ||
                                  (code < 500 && fault(FAULT_SMTP_4YZ_DELIVERS)))) {
        hand_in(s, &no);
        return;
    }
    for (size_t i = 0; i < smtp_answers(s, &s->envelope); i++)
        smtp_reply(s, code, enhanced, "%s", why);
    struct smtp_envelope kept = s->envelope;
    bool keeps = fault(FAULT_SMTP_REFUSED_TEXT_KEEPS_TRANSACTION);
    if (keeps)
        s->envelope = (struct smtp_envelope){0};
    smtp_reset(s);
    if (keeps)
        s->envelope = kept;
}

/* What two faults do when a mailbox here is too full for the message. */
static bool refused_as_too_much(struct smtp *s)
{
    bool for_all = s->lmtp && fault(FAULT_LMTP_ONE_FAILS_ALL_FAIL);
    if (!for_all && !fault(FAULT_SMTP_4YZ_DELIVERS) && !fault(FAULT_SMTP_5YZ_DELIVERS))
        return false;
    for (size_t i = 0; i < s->envelope.count; i++) {
        const struct smtp_recipient *r = &s->envelope.recipients[i];
        if (r->route != ROUTE_MAILBOX ||
            !quota_full_for(s->conn->server, r->account, s->message.len + TRACE_ROOM))
            continue;
        if (s->conn->server->policy.quota_reply == 0)
            smtp_refuse_message(s, 452, "4.2.2", "The mailbox is full");
        else
            smtp_refuse_message(s, 552, "5.2.2", "The mailbox is full");
        return true;
    }
    return false;
}

void smtp_deliver(struct smtp *s)
{
    if (s->message.len > 32768 && fault(FAULT_SMTP_MESSAGE_LIMIT_32K)) {
        smtp_refuse_message(s, 552, "5.3.4", "Too large");
        return;
    }
    if (smtp_dislikes(s->message.data, s->message.len)) {
        smtp_refuse_message(s, 554, "5.6.0", "The header is not to our taste");
        return;
    }
    if (!smtp_from_fits(s, s->message.data, s->message.len)) {
        smtp_refuse_message(s, 550, "5.7.1", "Neither From nor Sender is an address of yours");
        return;
    }
    size_t hops = fault(FAULT_SMTP_COUNTS_THIRTY_RECEIVED) ? 30 : MOST_HOPS;
    bool goes_on = needs_queue(s) && fault(FAULT_QUEUE_LOOPS);
    if (smtp_header_count(s->message.data, s->message.len, "Received") > hops && !goes_on) {
        smtp_refuse_message(s, 554, "5.4.6", "This message goes round in circles");
        return;
    }
    /* Other sessions of the user may have been at MAIL at the same time. */
    if (s->envelope.wishes.release_s != 0 && smtp_holds_too_much(s)) {
        const struct smtp_refusal *no = &smtp_held_too_much;
        smtp_refuse_message(s, no->code, no->enhanced, no->why);
        return;
    }
    if (!refused_as_too_much(s))
        hand_in(s, NULL);
}
