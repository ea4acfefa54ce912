/* A world with a queue, a DNS of its own, and sinks to send mail to.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_TESTS_QUEUE_RELAY_H
#define SERVER_TESTS_QUEUE_RELAY_H

#include "control/advance.h"
#include "dns/dns.h"
#include "queue/queue.h"
#include "queue/sink.h"
#include "world.h"

struct relay {
    struct world world;
    struct sink *sink; /* 127.0.0.2, its port is everybody's */
};

struct relay_options {
    const char *smarthost, *ca;
    const char *store; /* NULL: in memory */
};

static inline void relay_zone(struct relay *r, const char *line)
{
    struct err err;
    ck_assert_msg(dns_add(r->world.server.dns, line, &err) == 0, "%s", err.text);
}

static inline void relay_open(struct relay *r, const struct relay_options *o)
{
    struct err err;
    struct server *s = &r->world.server;
    char smarthost[200];
    struct queue_options q = {
        .server = s, .dns = s->dns, .port = r->sink->port, .ca = o != NULL ? o->ca : NULL};
    if (o != NULL && o->smarthost != NULL) {
        snprintf(smarthost, sizeof smarthost, "%s:%u", o->smarthost, r->sink->port);
        q.smarthost = smarthost;
    }
    ck_assert_msg(queue_open(&q, &s->queue, &err) == 0, "%s", err.text);
}

static inline void relay_start_with(struct relay *r, const struct relay_options *o)
{
    struct err err;
    world_start(&r->world);
    struct server *s = &r->world.server;
    r->sink = sink_start(s->loop, "127.0.0.2", 0);
    struct dns_options d = {.loop = s->loop};
    ck_assert_msg(dns_open(&d, &s->dns, &err) == 0, "%s", err.text);
    relay_open(r, o);
    relay_zone(r, "away.example. MX 10 mx.away.example.");
    relay_zone(r, "mx.away.example. A 127.0.0.2");
}

static inline void relay_start(struct relay *r)
{
    relay_start_with(r, NULL);
}

static inline void relay_stop(struct relay *r)
{
    struct server *s = &r->world.server;
    queue_close(s->queue);
    dns_close(s->dns);
    sink_stop(r->sink);
    world_stop(&r->world);
}

/* Runs the loop until the queue has nothing under way. */
static inline void relay_settle(struct relay *r)
{
    long end = world_now_ms() + WORLD_PATIENCE_MS;
    for (int quiet = 0; quiet < 3;) {
        loop_once(r->world.server.loop, 1);
        quiet = queue_busy(r->world.server.queue) ? 0 : quiet + 1;
        ck_assert_msg(world_now_ms() < end, "the queue does not come to rest");
    }
}

static inline void relay_passed(void *arg)
{
    *(bool *)arg = true;
}

static inline void relay_advance(struct relay *r, int64_t seconds)
{
    bool done = false;
    long end = world_now_ms() + 10000;
    ck_assert(advance_start(&r->world.server, seconds * 1000, relay_passed, &done) != NULL);
    while (!done) {
        loop_once(r->world.server.loop, 10);
        ck_assert_msg(world_now_ms() < end, "time does not pass");
    }
    relay_settle(r);
}

static const char relay_text[] = "Received: from here by there; Sat, 21 Nov 2026 00:00:00 +0000\r\n"
                                 "From: <user1@test.example>\r\n"
                                 "Subject: away\r\n"
                                 "\r\n"
                                 "one line\r\n"
                                 ".dotted\r\n";

static inline struct queue_text relay_copy(const char *text)
{
    return (struct queue_text){(unsigned char *)strdup(text), strlen(text)};
}

static inline void relay_submit(struct relay *r, const struct queue_envelope *e, const char *text)
{
    struct world_done d = {.done = false};
    queue_submit(r->world.server.queue, e, relay_copy(text), relay_copy(text), world_done, &d);
    world_wait(r->world.server.loop, &d);
    ck_assert_int_eq(d.status, STORE_OK);
}

/* From user1 to one address elsewhere. */
static inline void relay_send(struct relay *r, const char *to)
{
    struct queue_recipient rcpt = {.address = to};
    struct queue_envelope e = {.sender = "user1@test.example", .recipients = &rcpt, .count = 1};
    relay_submit(r, &e, relay_text);
}

/* How many messages user1's INBOX holds, and the newest one's text (static). */
static inline const char *relay_inbox(struct relay *r, size_t *count)
{
    static char text[256 * 1024];
    struct mailbox *m;
    struct blob b;
    ck_assert(mailbox_open(r->world.server.store, r->world.user1->id, "INBOX", &m) == 0);
    *count = m->count;
    text[0] = '\0';
    if (m->count > 0) {
        ck_assert(blob_read(r->world.server.store, m->messages[m->count - 1].blob, &b, NULL) == 0);
        ck_assert(b.len < sizeof text);
        memcpy(text, b.data, b.len);
        text[b.len] = '\0';
        blob_release(&b);
    }
    mailbox_close(m);
    return text;
}

#define ck_has(text, what)                                                                         \
    ck_assert_msg(strstr((text), (what)) != NULL, "\"%s\" is not in:\n%s", (what), (text))
#define ck_lacks(text, what)                                                                       \
    ck_assert_msg(strstr((text), (what)) == NULL, "\"%s\" is in:\n%s", (what), (text))

static inline int relay_main(Suite *s)
{
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#endif
