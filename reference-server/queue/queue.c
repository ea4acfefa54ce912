/* What is queued, and when it is tried; what is done with the outcome is in settle.c.
 *
 * A message's life: its timer fires and sends a trip to each domain whose time has come; when the
 * last trip is back the outcomes are settled, that is, counted, told to the sender where that is
 * wanted, and put on disk in one commit; then the timer is set anew. Outcomes that cannot be put on
 * disk are settled again later. SPDX-License-Identifier: MIT */
#include "queue/queue.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fault.h"
#include "queue/batch.h"
#include "queue/notify.h"
#include "queue/spoil.h"
#include "queue/state.h"
#include "smtp/header.h"

enum { NOTIFY_WORDS = 40 };

/* One message on its way to one domain. */
struct way {
    struct trip trip;
    struct way *next, **link;
    struct qmsg *message;
    size_t *numbers; /* of the recipients */
    char (*notify)[2][NOTIFY_WORDS];
};

static void start(void *arg);

static void *must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

/* --- the list --- */

void queue_link(struct queue *q, struct qmsg *m)
{
    m->queue = q;
    m->next = q->messages;
    m->link = &q->messages;
    if (m->next != NULL)
        m->next->link = &m->next;
    q->messages = m;
    q->count++;
    m->timer = (struct timer){.fire = start, .arg = m};
}

void queue_unlink(struct qmsg *m)
{
    struct queue *q = m->queue;
    clock_cancel(q->server->clock, &m->timer);
    *m->link = m->next;
    if (m->next != NULL)
        m->next->link = m->link;
    q->count--;
    qmsg_free(m);
}

void queue_wake_in(struct qmsg *m, int64_t seconds)
{
    clock_set(m->queue->server->clock, &m->timer, (seconds > 0 ? seconds : 0) * 1000);
}

void queue_schedule(struct qmsg *m)
{
    int64_t next = INT64_MAX;
    bool any = false;
    for (size_t i = 0; i < m->count; i++) {
        const struct rcpt *r = &m->rcpts[i];
        if (r->state != RCPT_WAITING)
            continue;
        any = true;
        if (m->wishes.release_s != 0 && fault(FAULT_QUEUE_HOLD_FORGOTTEN))
            continue;
        next = r->next_s < next ? r->next_s : next;
        /* RFC 2852, 4.1.3: the end of its time is an event too. */
        if (m->wishes.by != BY_NOT_ASKED && !r->told_by && m->wishes.by_s < next &&
            !fault(FAULT_QUEUE_BY_TIME_IGNORED))
            next = m->wishes.by_s;
    }
    if (any && next != INT64_MAX)
        queue_wake_in(m, next - queue_now_s(m->queue));
}

void queue_drop_text(struct qmsg *m)
{
    free(m->data);
    m->data = NULL;
}

/* --- sending --- */

static const char *notify_words(unsigned notify, char out[NOTIFY_WORDS])
{
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = {{QUEUE_NOTIFY_SUCCESS, "SUCCESS"},
                 {QUEUE_NOTIFY_FAILURE, "FAILURE"},
                 {QUEUE_NOTIFY_DELAY, "DELAY"}};
    if (notify == 0 && fault(FAULT_QUEUE_ADDS_NOTIFY))
        notify = QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY;
    if (notify == 0)
        return NULL;
    if ((notify & QUEUE_NOTIFY_NEVER) != 0)
        return "NEVER";
    size_t n = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if ((notify & words[i].bit) != 0)
            n += (size_t)snprintf(out + n, NOTIFY_WORDS - n, "%s%s", n > 0 ? "," : "",
                                  words[i].word);
    return out;
}

/* RFC 2852, 4.1.4.2: whom a host without DELIVERBY is asked to tell of delays besides. */
static unsigned notify_for_by(unsigned notify)
{
    if (notify == 0)
        return QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY;
    return (notify & QUEUE_NOTIFY_NEVER) != 0 ? notify : notify | QUEUE_NOTIFY_DELAY;
}

/* A report about mail with REQUIRETLS asks for it, and does without where it has to (RFC 8689, 5).
 */
static enum trip_safety safety_of(const struct qmsg *m)
{
    if (m->wishes.requiretls && m->sender[0] != '\0' && !fault(FAULT_QUEUE_REQUIRETLS_IGNORED))
        return TRIP_VERIFIED;
    return m->wishes.tls_optional && !fault(FAULT_QUEUE_TLS_OPTIONAL_IGNORED) ? TRIP_ANY
                                                                              : TRIP_USUAL;
}

static bool header_is_ascii(const unsigned char *text, size_t n)
{
    size_t at = 0, end;
    while ((end = smtp_header_field(text, n, at)) != 0)
        at = end;
    return text_is_ascii(text, at);
}

static bool address_is_ascii(const char *address)
{
    return text_is_ascii((const unsigned char *)address, strlen(address));
}

static void way_free(struct way *w)
{
    *w->link = w->next;
    if (w->next != NULL)
        w->next->link = w->link;
    free(w->trip.mail.recipients);
    free(w->numbers);
    free(w->notify);
    free(w);
}

static void way_done(struct trip *t)
{
    struct way *w = t->owner;
    struct qmsg *m = w->message;
    for (size_t i = 0; i < t->mail.count; i++) {
        struct rcpt *r = &m->rcpts[w->numbers[i]];
        r->last = t->mail.recipients[i].outcome;
        r->state = RCPT_TRIED;
        r->passed_dsn = t->mail.passed_dsn;
        r->passed_by = t->mail.passed_by;
        snprintf(r->remote, sizeof r->remote, "%s", r->last.from_server ? t->remote : "");
        if (r->last.verdict == CLIENT_TAKEN)
            snprintf(r->remote, sizeof r->remote, "%s", t->remote);
    }
    way_free(w);
    m->queue->steps++;
    if (--m->trips == 0)
        queue_settle(m);
}

/* Sends the message to all recipients of this one's domain whose time has come. */
static void send_to_domain(struct qmsg *m, size_t first, int64_t now)
{
    struct way *w = must_have(calloc(1, sizeof *w));
    struct client_mail *mail = &w->trip.mail;
    const char *domain = m->rcpts[first].domain;
    w->message = m;
    w->next = m->queue->ways;
    w->link = &m->queue->ways;
    if (w->next != NULL)
        w->next->link = &w->next;
    m->queue->ways = w;
    w->numbers = must_have(calloc(m->count, sizeof *w->numbers));
    w->notify = must_have(calloc(m->count, sizeof *w->notify));
    mail->recipients = must_have(calloc(m->count, sizeof *mail->recipients));
    mail->wishes = &m->wishes;
    mail->arrival_s = m->arrival_s;
    mail->utf8 = m->utf8 && (!address_is_ascii(m->sender) || !header_is_ascii(m->data, m->len));
    for (size_t i = first; i < m->count; i++) {
        struct rcpt *r = &m->rcpts[i];
        if (r->state != RCPT_WAITING || r->next_s > now || strcmp(r->domain, domain) != 0)
            continue;
        r->state = RCPT_ON_WAY;
        mail->utf8 = mail->utf8 || (m->utf8 && !address_is_ascii(r->address));
        w->numbers[mail->count] = i;
        mail->recipients[mail->count] = (struct client_recipient){
            .address = r->address,
            .orcpt = r->orcpt,
            .notify = notify_words(r->notify, w->notify[mail->count][0]),
            .notify_by = notify_words(notify_for_by(r->notify), w->notify[mail->count][1]),
        };
        mail->count++;
    }
    if (fault(FAULT_QUEUE_UTF8_WORD_ALWAYS))
        mail->utf8 = m->utf8;
    mail->sender = m->sender;
    mail->envid = m->envid;
    bool adds_ret = !m->return_header && !m->return_full && fault(FAULT_QUEUE_ADDS_RET);
    mail->ret = m->return_header || adds_ret ? "HDRS" : m->return_full ? "FULL" : NULL;
    mail->eight_bit = m->eight_bit;
    mail->binary = m->binary;
    mail->data = m->data;
    mail->len = m->len;
    snprintf(w->trip.domain, sizeof w->trip.domain, "%s", domain);
    if (fault(FAULT_QUEUE_ROUTES_BY_HEADER))
        queue_domain_of_header(m, w->trip.domain);
    w->trip.safety = safety_of(m);
    w->trip.priority = m->wishes.priority;
    w->trip.done = way_done;
    w->trip.owner = w;
    m->trips++;
    lanes_send(m->queue->lanes, &w->trip);
}

/* Mailboxes here, of mail that was held back: the commit that settles it delivers. */
static void try_mailboxes(struct qmsg *m, int64_t now)
{
    for (size_t i = 0; i < m->count; i++) {
        struct rcpt *r = &m->rcpts[i];
        if (r->account == 0 || r->state != RCPT_WAITING || r->next_s > now)
            continue;
        r->state = RCPT_TRIED;
        client_says(&r->last, CLIENT_TAKEN, "2.1.5", "delivered");
    }
}

static bool has_tried(const struct qmsg *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->rcpts[i].state == RCPT_TRIED)
            return true;
    return false;
}

static void start(void *arg)
{
    struct qmsg *m = arg;
    struct queue *q = m->queue;
    int64_t now = queue_now_s(q);
    if (q->closing || m->trips > 0 || m->saving)
        return; /* set again when that is over */
    if (batch_text(q->server->store, m, NULL) != 0) {
        queue_wake_in(m, QUEUE_AGAIN_S);
        return;
    }
    if (has_tried(m)) {
        queue_settle(m);
        return;
    }
    q->steps++;
    if (queue_mark_overdue(m)) {
        queue_settle(m);
        return;
    }
    try_mailboxes(m, now);
    m->trips++; /* a trip may be over before the next one begins */
    for (size_t i = 0; i < m->count; i++)
        if (m->rcpts[i].state == RCPT_WAITING && m->rcpts[i].next_s <= now)
            send_to_domain(m, i, now);
    if (--m->trips > 0)
        return;
    if (has_tried(m)) {
        queue_settle(m);
    } else {
        queue_drop_text(m);
        queue_schedule(m);
    }
}

/* --- taking mail --- */

struct submission {
    struct queue *queue;
    struct submission *next, **link;
    struct qmsg **made; /* with notifications of success to other hosts */
    size_t count;
    store_done *done;
    void *arg;
};

static void submitted(void *arg, const struct store_result *r)
{
    struct submission *s = arg;
    s->queue->commits--;
    s->queue->steps++;
    *s->link = s->next;
    if (s->next != NULL)
        s->next->link = s->link;
    for (size_t i = 0; i < s->count; i++) {
        if (r->status == STORE_OK) {
            queue_link(s->queue, s->made[i]);
            queue_schedule(s->made[i]);
            queue_drop_text(s->made[i]);
        } else {
            qmsg_free(s->made[i]);
        }
    }
    s->done(s->arg, r);
    free(s->made);
    free(s);
}

static bool is_held_for(const struct qmsg *m, int64_t holder)
{
    return m->wishes.release_s > queue_now_s(m->queue) && m->wishes.holder == holder;
}

size_t queue_held(const struct queue *q, int64_t holder)
{
    size_t count = 0;
    for (const struct qmsg *m = q->messages; m != NULL; m = m->next)
        count += is_held_for(m, holder);
    for (const struct submission *s = q->submissions; s != NULL; s = s->next)
        for (size_t i = 0; i < s->count; i++)
            count += is_held_for(s->made[i], holder);
    return count;
}

/* Mailboxes here; *told: a notification of success to another host, if there is one. */
static void deliver_here(struct queue *q, const struct queue_envelope *e, struct queue_text *local,
                         struct batch *b, const struct qmsg *m, struct qmsg **told_later)
{
    int64_t *accounts = must_have(calloc(e->count + 1, sizeof *accounts));
    struct dsn_recipient *told = must_have(calloc(e->count + 1, sizeof *told));
    struct dsn d = {
        .action = DSN_DELIVERED,
        .hostname = q->server->hostname,
        .name = m->name,
        .sender = e->sender,
        .envid = m->envid,
        .return_header = e->return_header,
        .utf8 = e->utf8,
        .wishes = &e->wishes,
        .arrival_s = m->arrival_s,
        .now_s = m->arrival_s,
        .data = local->data,
        .len = local->len,
        .recipients = told,
    };
    size_t count = 0;
    for (size_t i = 0; i < e->count; i++) {
        const struct queue_recipient *r = &e->recipients[i];
        if (r->account == 0)
            continue;
        bool known = false;
        for (size_t k = 0; k < count; k++)
            known = known || accounts[k] == r->account;
        if (!known)
            accounts[count++] = r->account;
        if (dsn_wanted(DSN_DELIVERED, r->notify))
            told[d.count++] = (struct dsn_recipient){.address = r->address,
                                                     .orcpt = r->orcpt,
                                                     .status = "2.1.5",
                                                     .diagnostic = "",
                                                     .remote = "",
                                                     .tried_s = d.now_s};
    }
    if (d.count > 0)
        notify_sender(q->server, &d, b, ++q->last_id, told_later);
    if (count > 0) {
        batch_deliver(b, accounts, count, local->data, local->len);
        local->data = NULL;
    }
    free(accounts);
    free(told);
}

/* One message and what it brings about joins the batch. */
static void take_part(struct queue *q, struct queue_part *p, struct batch *b, struct submission *s)
{
    const struct queue_envelope *e = &p->envelope;
    struct qmsg *m = qmsg_new(e, queue_now_s(q)), *told = NULL;
    m->queue = q;
    if (m->envid == NULL && fault(FAULT_QUEUE_ENVID_INVENTED))
        m->envid = must_have(strdup("mailproofd+2Bmade+2Bit"));
    m->id = ++q->last_id;
    snprintf(m->name, sizeof m->name, "q%llx", (unsigned long long)m->id);
    if (e->wishes.release_s == 0)
        deliver_here(q, e, &p->local, b, m, &told);
    if (m->count > 0) {
        m->data = p->remote.data;
        m->len = p->remote.len;
        p->remote.data = NULL;
        m->eight_bit = !text_is_ascii(m->data, m->len);
        queue_spoil(m);
        batch_add(b, m);
        s->made[s->count++] = m;
    } else {
        qmsg_free(m);
    }
    if (told != NULL) {
        told->queue = q;
        s->made[s->count++] = told;
    }
    free(p->local.data);
    free(p->remote.data);
}

void queue_submit_all(struct queue *q, struct queue_part *parts, size_t count, store_done *done,
                      void *arg)
{
    struct submission *s = must_have(calloc(1, sizeof *s));
    struct batch *b = batch_new();
    *s = (struct submission){.queue = q, .done = done, .arg = arg, .next = q->submissions};
    s->made = must_have(calloc(2 * count + 1, sizeof(struct qmsg *)));
    s->link = &q->submissions;
    if (s->next != NULL)
        s->next->link = &s->next;
    q->submissions = s;
    for (size_t i = 0; i < count; i++)
        take_part(q, &parts[i], b, s);
    q->commits++;
    q->steps++;
    batch_commit(b, q->server->store, submitted, s);
}

void queue_submit(struct queue *q, const struct queue_envelope *e, struct queue_text local,
                  struct queue_text remote, store_done *done, void *arg)
{
    struct queue_part part = {*e, local, remote};
    queue_submit_all(q, &part, 1, done, arg);
}

/* --- from outside --- */

bool queue_asks_dns(const struct queue *q)
{
    return q->smarthost == NULL;
}

bool queue_relays_for(const struct queue *q, const char *peer)
{
    return networks_hold(&q->from, peer);
}

/* domain is the recipient's, or above it where that counts; NULL is every domain. What is held back
 * waits for its time all the same (RFC 4865, 4.2). */
static bool concerns(const struct rcpt *r, const struct qmsg *m, const char *domain, bool below)
{
    if (r->state == RCPT_GONE || m->wishes.release_s > queue_now_s(m->queue))
        return false;
    if (domain == NULL || strcasecmp(r->domain, domain) == 0)
        return true;
    size_t n = strlen(r->domain), len = strlen(domain);
    return below && n > len && r->domain[n - len - 1] == '.' &&
           strcasecmp(r->domain + n - len, domain) == 0;
}

static size_t look(struct queue *q, const char *domain, bool below, bool go)
{
    size_t count = 0;
    int64_t now = queue_now_s(q);
    for (struct qmsg *m = q->messages; m != NULL; m = m->next) {
        bool any = false, waits = false;
        for (size_t i = 0; i < m->count; i++) {
            struct rcpt *r = &m->rcpts[i];
            if (!concerns(r, m, domain, below))
                continue;
            any = true;
            waits = waits || r->state == RCPT_WAITING;
            if (go && r->state == RCPT_WAITING)
                r->next_s = now;
        }
        if (go && waits && m->trips == 0 && !m->saving)
            queue_wake_in(m, 0);
        count += any;
    }
    return count;
}

size_t queue_start(struct queue *q, const char *domain, bool below)
{
    return look(q, domain, below, true);
}

size_t queue_waiting(struct queue *q, const char *domain, bool below)
{
    return look(q, domain, below, false);
}

size_t queue_flush(struct queue *q, const char *domain)
{
    return queue_start(q, domain, false);
}

/* Drops what nobody works on; what is under way comes back to find itself forgotten. */
static void forget_all(struct queue *q)
{
    for (struct qmsg *m = q->messages, *next; m != NULL; m = next) {
        next = m->next;
        if (m->trips == 0 && !m->saving) {
            queue_unlink(m);
            continue;
        }
        for (size_t i = 0; i < m->count; i++) {
            m->rcpts[i].notify = QUEUE_NOTIFY_NEVER;
            if (m->rcpts[i].state == RCPT_WAITING)
                m->rcpts[i].state = RCPT_GONE;
        }
        m->arrival_s = m->wishes.release_s = 0; /* no more attempts */
        m->id = 0;                              /* a message that is restored may have its number */
    }
}

void queue_clear(struct queue *q, store_done *done, void *arg)
{
    struct batch *b = batch_new();
    batch_clear_all(b);
    forget_all(q);
    batch_commit(b, q->server->store, done, arg);
}

int queue_set_policy(struct queue *q, const char *domain, const char *policy, struct err *err)
{
    return sts_set(q->sts, domain, policy, err);
}

struct sts *queue_policies(struct queue *q)
{
    return q->sts;
}

bool queue_busy(const struct queue *q)
{
    return q->commits > 0 || lanes_busy(q->lanes);
}

bool queue_saving(const struct queue *q)
{
    return q->commits > 0;
}

const char *queue_unrest(const struct queue *q)
{
    if (q->commits > 0)
        return "a change is being put on disk";
    if (lanes_busy(q->lanes))
        return "mail is on its way to another host";
    int64_t now = clock_now_ms(q->server->clock);
    for (const struct qmsg *m = q->messages; m != NULL; m = m->next)
        if (m->trips > 0 || m->saving || (m->timer.slot != 0 && m->timer.at_ms <= now))
            return "a message is due";
    return NULL;
}

uint64_t queue_steps(const struct queue *q)
{
    return q->steps + lanes_steps(q->lanes);
}

void queue_list(const struct queue *q, void (*each)(void *arg, const struct queue_entry *e),
                void *arg)
{
    for (const struct qmsg *m = q->messages; m != NULL; m = m->next)
        for (size_t i = 0; i < m->count; i++) {
            const struct rcpt *r = &m->rcpts[i];
            struct queue_entry e = {
                m->name,      m->sender, r->address, r->last.status, r->last.diagnostic,
                m->arrival_s, r->next_s, r->tries};
            if (r->state != RCPT_GONE)
                each(arg, &e);
        }
}

size_t queue_count(const struct queue *q)
{
    return q->count;
}

/* --- opening and closing --- */

static void loaded(void *arg, struct qmsg *m)
{
    struct queue *q = arg;
    queue_link(q, m);
    queue_schedule(m);
}

struct reloading {
    struct queue *queue;
    int64_t last;
};

static void reloaded(void *arg, struct qmsg *m)
{
    struct reloading *r = arg;
    if (m->id > r->last)
        qmsg_free(m);
    else
        loaded(r->queue, m);
}

int queue_reload(struct queue *q, int64_t last, struct err *err)
{
    struct reloading r = {q, last};
    int64_t highest;
    forget_all(q);
    return batch_load(q->server->store, reloaded, &r, &highest, err);
}

int64_t queue_last(const struct queue *q)
{
    return q->last_id;
}

/* lmtp://HOST:PORT, lmtp:PATH: the same host by another protocol (RFC 2033). */
static int take_lmtp(struct queue *q, const char *text, bool *is, const char **rest,
                     struct err *err)
{
    *is = strncmp(text, "lmtp:", 5) == 0;
    *rest = text;
    if (!*is)
        return 0;
    *rest = text + 5;
    if (strncmp(*rest, "//", 2) == 0) {
        *rest += 2;
        return 0;
    }
    if (**rest != '/' || strlen(*rest) > 107)
        return err_set(err, "--smarthost: lmtp: wants //HOST:PORT, or the path of a socket");
    q->smarthost = must_have(strdup(*rest));
    return 0;
}

/* [USER:PASSWORD@]HOST[:PORT]; a host that is an IPv6 address stands in brackets. */
static int take_smarthost(struct queue *q, const char *text, uint16_t *port, struct err *err)
{
    const char *at = strrchr(text, '@'), *host = at != NULL ? at + 1 : text;
    if (at != NULL) {
        const char *colon = memchr(text, ':', (size_t)(at - text));
        if (colon == NULL)
            return err_set(err, "--smarthost: USER:PASSWORD stand in front of the @");
        q->user = must_have(strndup(text, (size_t)(colon - text)));
        q->password = must_have(strndup(colon + 1, (size_t)(at - colon - 1)));
    }
    size_t n = strcspn(host, ":");
    const char *rest = host + n;
    if (host[0] == '[') {
        n = strcspn(++host, "]");
        rest = host + n + (host[n] == ']');
    }
    q->smarthost = must_have(strndup(host, n));
    if (*rest == ':') {
        char *end;
        unsigned long number = strtoul(rest + 1, &end, 10);
        if (rest[1] == '\0' || *end != '\0' || number == 0 || number > 65535)
            return err_set(err, "--smarthost: \"%s\" is no port", rest + 1);
        *port = (uint16_t)number;
    }
    return n > 0 && n <= DNS_NAME_MAX ? 0 : err_set(err, "--smarthost wants HOST or HOST:PORT");
}

int queue_open(const struct queue_options *o, struct queue **out, struct err *err)
{
    struct queue *q = must_have(calloc(1, sizeof *q));
    struct lanes_options lanes = {.server = o->server, .dns = o->dns, .port = o->port};
    struct err why;
    const char *smarthost = o->smarthost;
    q->server = o->server;
    q->sts = sts_new();
    if ((smarthost != NULL &&
         take_lmtp(q, smarthost, &lanes.smarthost_lmtp, &smarthost, err) != 0) ||
        (smarthost != NULL && q->smarthost == NULL &&
         take_smarthost(q, smarthost, &lanes.smarthost_port, err) != 0) ||
        trust_open(o->ca, &q->trust, err) != 0 ||
        (o->sts != NULL && sts_read_folder(q->sts, o->sts, err) != 0))
        goto failed;
    for (size_t i = 0; i < o->from_count; i++)
        if (networks_add(&q->from, o->from[i], &why) != 0) {
            err_set(err, "--relay-from: %s", why.text);
            goto failed;
        }
    lanes.sts = q->sts;
    lanes.trust = q->trust;
    lanes.smarthost = q->smarthost;
    lanes.user = q->user;
    lanes.password = q->password;
    q->lanes = lanes_open(&lanes);
    if (batch_tables(o->server->store, err) != 0 ||
        batch_load(o->server->store, loaded, q, &q->last_id, err) != 0)
        goto failed;
    *out = q;
    return 0;
failed:
    queue_close(q);
    return -1;
}

void queue_close(struct queue *q)
{
    if (q == NULL)
        return;
    q->closing = true;
    lanes_close(q->lanes); /* no trip comes back after this */
    while (q->ways != NULL)
        way_free(q->ways);
    for (int i = 0; i < 1000 && q->commits > 0; i++)
        loop_once(q->server->loop, 10);
    while (q->messages != NULL)
        queue_unlink(q->messages);
    sts_free(q->sts);
    trust_close(q->trust);
    free(q->smarthost);
    free(q->user);
    free(q->password);
    networks_free(&q->from);
    free(q);
}
