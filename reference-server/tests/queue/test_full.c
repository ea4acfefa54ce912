/* Full mailboxes and the queue: reports arrive all the same, other mail waits its time.
 * SPDX-License-Identifier: MIT */
#include "queue/relay.h"

static struct relay relay;

static void start(void)
{
    relay_start(&relay);
}

static void stop(void)
{
    relay_stop(&relay);
}

static void quota(const char *value)
{
    struct err err;
    ck_assert(policy_set(&relay.world.server.policy, "quota-messages", value, &err) == 0);
}

static size_t held(void)
{
    size_t count;
    relay_inbox(&relay, &count);
    return count;
}

static void fill(void)
{
    struct server *s = &relay.world.server;
    world_add(s->store, s->loop, relay.world.user1->id, "INBOX", "Subject: x\r\n\r\nx\r\n", 0);
    quota("user1=1");
}

START_TEST(a_report_of_failure_arrives_in_a_full_mailbox)
    {
        size_t count;
        fill();
        relay.sink->rcpt = "550 no";
        relay_send(&relay, "x@away.example");
        relay_settle(&relay);
        ck_has(relay_inbox(&relay, &count), "x@away.example");
        ck_assert_uint_eq(count, 2);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 0);
    }
END_TEST

/* Held back for a while, as FUTURERELEASE asks, and then there is no room. */
static void release_into_full_mailbox(void)
{
    struct queue_recipient r = {.address = "user1@test.example", .account = relay.world.user1->id};
    struct queue_envelope e = {
        .sender = "user2@test.example",
        .wishes = {.release_s = clock_wall_s(relay.world.server.clock) + 60, .hold = "for;60"},
        .recipients = &r,
        .count = 1};
    relay_submit(&relay, &e, relay_text);
    fill();
    relay_advance(&relay, 120);
    ck_assert_uint_eq(held(), 1);
    ck_assert_uint_eq(queue_count(relay.world.server.queue), 1);
}

START_TEST(mail_that_was_held_waits_for_room)
    {
        release_into_full_mailbox();
        quota("default");
        relay_advance(&relay, 2 * 3600);
        ck_assert_uint_eq(held(), 2);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 0);
    }
END_TEST

START_TEST(but_comes_back_in_the_end)
    {
        struct mailbox *m;
        release_into_full_mailbox();
        relay_advance(&relay, 6 * 86400);
        ck_assert_uint_eq(held(), 1);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 0);
        ck_assert(mailbox_open(relay.world.server.store, relay.world.user2->id, "INBOX", &m) == 0);
        ck_assert_uint_ge(m->count, 1); /* user2 was told */
        mailbox_close(m);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("full mailboxes");
    TCase *t = tcase_create("reports");
    tcase_add_checked_fixture(t, start, stop);
    tcase_add_test(t, a_report_of_failure_arrives_in_a_full_mailbox);
    tcase_add_test(t, mail_that_was_held_waits_for_room);
    tcase_add_test(t, but_comes_back_in_the_end);
    tcase_set_timeout(t, 20);
    suite_add_tcase(s, t);
    return relay_main(s);
}
