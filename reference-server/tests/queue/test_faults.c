/* Each fault of the queue that is not shown elsewhere changes what a sender or another server sees.
 * SPDX-License-Identifier: MIT */
#include "fault.h"
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

static void on(const char *name)
{
    struct err err;
    ck_assert_msg(fault_switch(name, true, &err) == 0, "%s", err.text);
}

static size_t told(void)
{
    size_t count;
    relay_inbox(&relay, &count);
    return count;
}

/* A failure with everything in it, and the notification. */
static const char *failure(void)
{
    size_t count;
    struct queue_recipient r = {
        .address = "x@away.example", .orcpt = "rfc822;o@b.example", .notify = QUEUE_NOTIFY_FAILURE};
    struct queue_envelope e = {.sender = "user1@test.example",
                               .envid = "envelope",
                               .return_header = true,
                               .recipients = &r,
                               .count = 1};
    relay.sink->rcpt = "550 5.1.1 no";
    relay_submit(&relay, &e, relay_text);
    relay_settle(&relay);
    return relay_inbox(&relay, &count);
}

static const struct {
    const char *fault, *lacks, *has;
} reports[] = {
    {"queue-no-orcpt", "Original-Recipient", "Final-Recipient"},
    {"queue-no-envid", "Original-Envelope-Id", "Reporting-MTA"},
    {"queue-ret-hdrs-full", "text/rfc822-headers", "one line"},
    {"queue-dsn-no-status", "Status: 5.1.1", "Action: failed"},
    {"queue-dsn-wrong-action", "Action: failed", "Action: delayed"},
    {"queue-dsn-plain", "multipart/report", "Content-Type: text/plain"},
    {"queue-dsn-nonnull-sender", "Return-Path: <>", "Return-Path: <postmaster@test.example>"},
};

START_TEST(a_fault_changes_the_report)
    {
        ck_has(failure(), reports[_i].lacks);
        on(reports[_i].fault);
        const char *text = failure();
        ck_lacks(text, reports[_i].lacks);
        ck_has(text, reports[_i].has);
    }
END_TEST

START_TEST(a_bounce_is_bounced)
    {
        struct queue_recipient r = {.address = "x@away.example"};
        struct queue_envelope e = {.sender = "", .recipients = &r, .count = 1};
        relay.sink->rcpt = "550 5.1.1 no";
        on("queue-bounces-bounce");
        relay_submit(&relay, &e, relay_text);
        relay_settle(&relay);
        ck_assert_uint_eq(told(), 1); /* user1 stands in for postmaster */
    }
END_TEST

START_TEST(success_is_not_told)
    {
        struct queue_recipient r = {.address = "x@away.example", .notify = QUEUE_NOTIFY_SUCCESS};
        struct queue_envelope e = {.sender = "user1@test.example", .recipients = &r, .count = 1};
        relay.sink->ehlo = "250 sink.example";
        on("queue-no-success-dsn");
        relay_submit(&relay, &e, relay_text);
        relay_settle(&relay);
        ck_assert_uint_eq(told(), 0);
    }
END_TEST

START_TEST(notify_is_dropped)
    {
        struct queue_recipient r = {.address = "x@away.example", .notify = QUEUE_NOTIFY_NEVER};
        struct queue_envelope e = {.sender = "user1@test.example", .recipients = &r, .count = 1};
        on("queue-drops-notify");
        relay_submit(&relay, &e, relay_text);
        relay_settle(&relay);
        ck_lacks(relay.sink->commands, "NOTIFY");
    }
END_TEST

START_TEST(a_refusal_for_good_is_tried_again)
    {
        relay.sink->rcpt = "550 5.1.1 no";
        on("queue-retries-5xx");
        relay_send(&relay, "x@away.example");
        relay_settle(&relay);
        ck_assert_uint_eq(told(), 0);
        relay_advance(&relay, 310);
        ck_assert_uint_eq(sink_count(relay.sink, "RCPT"), 2);
    }
END_TEST

START_TEST(a_refusal_for_now_is_final)
    {
        relay.sink->rcpt = "450 4.2.1 later";
        on("queue-gives-up-on-4xx");
        relay_send(&relay, "x@away.example");
        relay_settle(&relay);
        ck_assert_uint_eq(told(), 1);
    }
END_TEST

START_TEST(mail_is_kept_for_ever)
    {
        relay.world.server.limits.relay_lifetime_seconds = 7200;
        relay.world.server.limits.relay_delay_seconds = 600;
        relay.sink->rcpt = "450 4.2.1 later";
        on("queue-never-gives-up");
        relay_send(&relay, "x@away.example");
        relay_advance(&relay, 40000);
        ck_assert_uint_eq(told(), 0);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 1);
    }
END_TEST

START_TEST(attempts_follow_each_other_at_once)
    {
        relay.sink->rcpt = "450 4.2.1 later";
        on("queue-impatient");
        relay_send(&relay, "x@away.example");
        relay_advance(&relay, 61);
        ck_assert_uint_ge(sink_count(relay.sink, "RCPT"), 3);
    }
END_TEST

START_TEST(the_wrong_host_is_used)
    {
        struct sink *other = sink_start(relay.world.server.loop, "127.0.0.3", relay.sink->port);
        relay_zone(&relay, "both.example. MX 10 nowhere.example.");
        relay_zone(&relay, "both.example. A 127.0.0.3");
        relay_zone(&relay, "self.example. MX 10 mail.test.example.");
        relay_zone(&relay, "self.example. MX 20 mx.self.example.");
        relay_zone(&relay, "mx.self.example. A 127.0.0.3");
        on("queue-address-beside-mx");
        relay_send(&relay, "x@both.example");
        relay_settle(&relay);
        ck_assert_uint_eq(other->transactions, 1);
        fault_clear_all();
        on("queue-mx-self-kept");
        relay_send(&relay, "x@self.example");
        relay_settle(&relay);
        ck_assert_uint_eq(other->transactions, 2);
        sink_stop(other);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("queue faults");
    TCase *t = tcase_create("queue faults");
    tcase_add_checked_fixture(t, start, stop);
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, a_fault_changes_the_report, 0, sizeof reports / sizeof *reports);
    tcase_add_test(t, a_bounce_is_bounced);
    tcase_add_test(t, success_is_not_told);
    tcase_add_test(t, notify_is_dropped);
    tcase_add_test(t, a_refusal_for_good_is_tried_again);
    tcase_add_test(t, a_refusal_for_now_is_final);
    tcase_add_test(t, mail_is_kept_for_ever);
    tcase_add_test(t, attempts_follow_each_other_at_once);
    tcase_add_test(t, the_wrong_host_is_used);
    suite_add_tcase(s, t);
    return relay_main(s);
}
