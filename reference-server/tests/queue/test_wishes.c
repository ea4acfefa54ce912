/* What senders ask for, as other hosts and the senders themselves see it kept: DELIVERBY,
 * FUTURERELEASE, MT-PRIORITY, LIMITS, reports about mail with REQUIRETLS; and the faults of it.
 * SPDX-License-Identifier: MIT */
#include "fault.h"
#include "queue/relay.h"

static struct relay relay;

static void start(void)
{
    relay_start(&relay);
    relay.sink->ehlo = "250-sink.example\r\n250-PIPELINING\r\n250-DSN\r\n250-DELIVERBY 60\r\n"
                       "250 MT-PRIORITY";
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

static int64_t now(void)
{
    return clock_wall_s(relay.world.server.clock);
}

static void submit(struct wishes wishes, unsigned notify)
{
    struct queue_recipient r = {.address = "x@away.example", .notify = notify};
    struct queue_envelope e = {
        .sender = "user1@test.example", .wishes = wishes, .recipients = &r, .count = 1};
    relay_submit(&relay, &e, relay_text);
    relay_settle(&relay);
}

static struct wishes by(enum by_mode mode, int64_t seconds, bool trace)
{
    return (struct wishes){.by = mode, .by_s = now() + seconds, .by_trace = trace};
}

static const char *report(size_t expected)
{
    size_t count;
    const char *text = relay_inbox(&relay, &count);
    ck_assert_msg(count == expected, "%zu messages, the last: %s", count, text);
    return text;
}

static size_t queued(void)
{
    return queue_count(relay.world.server.queue);
}

/* A clock that ticks between two steps takes a second off. */
static bool said_by(int64_t seconds, const char *rest)
{
    char text[64];
    for (int64_t off = 0; off < 3; off++) {
        snprintf(text, sizeof text, " BY=%lld;%s", (long long)(seconds - off), rest);
        if (strstr(relay.sink->commands, text) != NULL)
            return true;
    }
    return false;
}

/* The next message finds a session of its own. */
static void next_session(const char *ehlo)
{
    relay_advance(&relay, 10);
    relay.sink->ehlo = ehlo;
    relay.sink->commands[0] = '\0';
}

/* --- DELIVERBY --- */

START_TEST(by_goes_on_with_the_seconds_that_are_left)
    {
        relay.sink->rcpt = "450 4.2.1 later";
        submit(by(BY_RETURN, 4000, true), 0);
        ck_assert(said_by(4000, "RT "));
        relay.sink->rcpt = NULL;
        relay_advance(&relay, 310);
        ck_assert_msg(said_by(3700, "RT ") || said_by(3690, "RT "), "%s", relay.sink->commands);
        ck_has(report(1), "Action: relayed\r\n"); /* T asks for it */
        ck_has(report(1), "Deliver-By-Date: ");
    }
END_TEST

START_TEST(by_is_left_out_or_wrong_by_faults)
    {
        on("queue-by-not-passed");
        submit(by(BY_NOTIFY, 4000, false), 0);
        ck_lacks(relay.sink->commands, "BY=");
        fault_clear_all();
        on("queue-by-not-counted");
        on("queue-by-trace-ignored");
        relay.sink->rcpt = "450 4.2.1 later";
        submit(by(BY_RETURN, 4000, true), 0);
        relay.sink->rcpt = NULL;
        next_session(relay.sink->ehlo);
        relay_advance(&relay, 300);
        ck_assert_msg(said_by(4000, "R MT"), "%s", relay.sink->commands);
        report(0);
        fault_clear_all();
        on("queue-by-unasked");
        next_session("250 sink.example");
        submit(by(BY_NOTIFY, 4000, false), QUEUE_NOTIFY_NEVER);
        ck_assert(said_by(4000, "N\r\n"));
    }
END_TEST

START_TEST(mode_r_goes_only_where_its_time_is_kept)
    {
        relay.sink->ehlo = "250-sink.example\r\n250 DSN";
        submit(by(BY_RETURN, 4000, false), 0);
        ck_assert_uint_eq(relay.sink->transactions, 0);
        ck_has(report(1), "Status: 5.3.3\r\n");
        next_session("250-sink.example\r\n250 DELIVERBY 5000");
        submit(by(BY_RETURN, 4000, false), 0);
        ck_assert_uint_eq(relay.sink->transactions, 0);
        ck_has(report(2), "Action: failed\r\n");
        on("queue-by-minimum-ignored");
        submit(by(BY_RETURN, 4000, false), 0);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        next_session("250 sink.example");
        on("queue-by-return-to-anyone");
        submit(by(BY_RETURN, 4000, false), 0);
        ck_assert_uint_eq(relay.sink->transactions, 2);
    }
END_TEST

START_TEST(mode_r_is_over_when_its_time_is)
    {
        relay.sink->rcpt = "450 4.2.1 later";
        submit(by(BY_RETURN, 1000, false), 0);
        relay_advance(&relay, 990);
        report(0);
        relay_advance(&relay, 20);
        ck_has(report(1), "Status: 5.4.7\r\n");
        ck_has(report(1), "Action: failed\r\n");
        ck_assert_uint_eq(queued(), 0);
        on("queue-by-wrong-status");
        on("queue-by-date-missing");
        submit(by(BY_RETURN, 1000, false), 0);
        relay_advance(&relay, 1010);
        ck_has(report(2), "Status: 5.0.0\r\n");
        ck_lacks(report(2), "Deliver-By-Date");
        fault_clear_all();
        on("queue-by-time-ignored");
        submit(by(BY_RETURN, 100, false), 0);
        relay_advance(&relay, 1010);
        report(2);
        ck_assert_uint_eq(queued(), 1);
    }
END_TEST

START_TEST(mode_n_is_told_and_goes_on)
    {
        relay.sink->rcpt = "450 4.2.1 later";
        submit(by(BY_NOTIFY, 100, false), 0);
        relay_advance(&relay, 110); /* between two attempts */
        ck_has(report(1), "Status: 4.4.7\r\n");
        ck_has(report(1), "Action: delayed\r\n");
        relay.sink->rcpt = NULL;
        relay_advance(&relay, 310);
        report(1);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        ck_has(relay.sink->commands, "BY=-"); /* how long it is over */
        submit(by(BY_NOTIFY, -5, false), 0);
        ck_has(report(2), "Action: delayed\r\n");
        ck_assert_uint_eq(relay.sink->transactions, 2);
        submit(by(BY_NOTIFY, -5, false), QUEUE_NOTIFY_FAILURE);
        report(2); /* DELAY was not asked for */
        on("queue-by-n-returned");
        relay.sink->rcpt = "450 4.2.1 later";
        submit(by(BY_NOTIFY, 100, false), 0);
        relay_advance(&relay, 110);
        ck_has(report(3), "Action: failed\r\n");
    }
END_TEST

START_TEST(mode_n_that_is_lost_sight_of_is_reported)
    {
        relay.sink->ehlo = "250-sink.example\r\n250 DSN";
        submit(by(BY_NOTIFY, 4000, false), 0);
        ck_has(relay.sink->commands, "NOTIFY=FAILURE,DELAY\r\n");
        ck_lacks(relay.sink->commands, "BY=");
        ck_has(report(1), "Action: relayed\r\n");
        submit(by(BY_NOTIFY, 4000, false), QUEUE_NOTIFY_FAILURE);
        ck_assert_uint_eq(sink_count(relay.sink, "NOTIFY=FAILURE,DELAY\r\n"), 2);
        report(2);
        submit(by(BY_NOTIFY, 4000, false), QUEUE_NOTIFY_NEVER);
        report(2);
        on("queue-by-relayed-untold");
        submit(by(BY_NOTIFY, 4000, false), 0);
        report(2);
    }
END_TEST

/* --- FUTURERELEASE --- */

START_TEST(a_report_repeats_the_release_that_was_asked_for)
    {
        struct wishes w = {.release_s = now() + 500, .hold = "for;500"};
        relay.sink->rcpt = "550 5.1.1 no";
        submit(w, 0);
        ck_assert_uint_eq(relay.sink->connections, 0);
        relay_advance(&relay, 510);
        ck_has(report(1), "Future-Release-Request: for;500\r\n");
        ck_has(report(1), "Arrival-Date: ");
        on("queue-hold-not-reported");
        w.release_s = now() + 500;
        submit(w, 0);
        relay_advance(&relay, 510);
        ck_lacks(report(2), "Future-Release-Request");
        on("queue-hold-forgotten");
        submit(w, 0);
        relay_advance(&relay, 600000);
        report(2);
    }
END_TEST

START_TEST(what_is_held_back_lives_from_its_release_on)
    {
        relay.world.server.limits.relay_lifetime_seconds = 1000;
        relay.sink->rcpt = "450 4.2.1 later";
        submit((struct wishes){.release_s = now() + 5000}, 0);
        relay_advance(&relay, 5010);
        report(0);
        ck_assert_uint_eq(sink_count(relay.sink, "RCPT"), 1);
        relay_advance(&relay, 1000);
        ck_has(report(1), "Action: failed\r\n");
    }
END_TEST

/* --- MT-PRIORITY --- */

START_TEST(a_priority_is_passed_on)
    {
        submit((struct wishes){.priority = -7, .priority_said = true}, 0);
        ck_has(relay.sink->commands, "MT-PRIORITY=-7\r\n");
        on("queue-priority-rounded");
        submit((struct wishes){.priority = -7, .priority_said = true}, 0);
        ck_has(relay.sink->commands, "MT-PRIORITY=-9\r\n");
        fault_clear_all();
        next_session("250 sink.example");
        submit((struct wishes){.priority = 3, .priority_said = true}, 0);
        ck_lacks(relay.sink->commands, "PRIORITY");
        on("queue-priority-unasked");
        submit((struct wishes){.priority = 3, .priority_said = true}, 0);
        ck_has(relay.sink->commands, "PRIORITY=3");
        fault_clear_all();
        next_session("250-sink.example\r\n250 MT-PRIORITY");
        on("queue-priority-not-passed");
        submit((struct wishes){.priority = 3, .priority_said = true}, 0);
        ck_lacks(relay.sink->commands, "PRIORITY");
    }
END_TEST

START_TEST(higher_priorities_go_first)
    {
        static const int priorities[] = {-9, 0, 9, 4};
        relay.world.server.limits.relay_concurrency = 1;
        for (int faulty = 0; faulty < 2; faulty++) {
            char seen[40] = "";
            relay.sink->commands[0] = '\0';
            if (faulty)
                on("queue-priority-ignored");
            for (size_t i = 0; i < 4; i++) {
                struct queue_recipient r = {.address = "x@away.example"};
                struct queue_envelope e = {
                    .sender = "user1@test.example",
                    .wishes = {.priority = priorities[i], .release_s = now() + 100},
                    .recipients = &r,
                    .count = 1};
                relay_submit(&relay, &e, relay_text);
            }
            relay_advance(&relay, 110);
            for (const char *p = relay.sink->commands; (p = strstr(p, "PRIORITY=")) != NULL;) {
                p += 9;
                snprintf(seen + strlen(seen), 10, "%.*s ", (int)strcspn(p, "\r"), p);
            }
            if (faulty)
                ck_assert_str_ne(seen, "9 4 0 -9 ");
            else
                ck_assert_str_eq(seen, "9 4 0 -9 ");
            relay_advance(&relay, 10);
        }
    }
END_TEST

/* --- LIMITS --- */

static void three(void)
{
    struct queue_recipient r[] = {{.address = "a@away.example"},
                                  {.address = "b@away.example"},
                                  {.address = "c@away.example"}};
    struct queue_envelope e = {.sender = "user1@test.example", .recipients = r, .count = 3};
    relay_submit(&relay, &e, relay_text);
    relay_settle(&relay);
}

static const struct {
    const char *limits, *fault;
    unsigned connections, transactions;
} limits[] = {
    {"", NULL, 1, 1},
    {" RCPTMAX=1", NULL, 1, 3},
    {" RCPTMAX=1", "queue-limits-ignored", 1, 1},
    {" RCPTMAX=1 MAILMAX=1", NULL, 3, 3},
    {" MAILMAX=2 RCPTMAX=1", NULL, 2, 3},
    {" MAILMAX=1 RCPTMAX=1", "queue-mailmax-ignored", 1, 3},
    {" RCPTMAX=0", NULL, 1, 1},
    {" RCPTMAX=1x", NULL, 1, 1},
    {" RCPTMAX=1x", "queue-limits-bad-value-taken", 1, 3},
    {" RCPTMAX=1000000", NULL, 1, 1},
    {" XRCPTMAX=1", NULL, 1, 1},
    {" =1 RCPTMAX", NULL, 1, 1},
    {" rcptmax=2", NULL, 1, 2},
    {" RCPTDOMAINMAX=1", NULL, 1, 1},
};

START_TEST(limits_of_the_other_host_are_kept)
    {
        char ehlo[200];
        snprintf(ehlo, sizeof ehlo, "250-sink.example\r\n250-PIPELINING\r\n250 LIMITS%s",
                 limits[_i].limits);
        relay.sink->ehlo = ehlo;
        if (limits[_i].fault != NULL)
            on(limits[_i].fault);
        three();
        ck_assert_uint_eq(relay.sink->connections, limits[_i].connections);
        ck_assert_uint_eq(relay.sink->transactions, limits[_i].transactions);
        ck_assert_uint_eq(queued(), 0);
    }
END_TEST

/* --- REQUIRETLS, and hosts that take no mail --- */

START_TEST(mail_with_requiretls_goes_nowhere_in_clear)
    {
        relay_zone(&relay, "$SECURE away.example");
        submit((struct wishes){.requiretls = true}, 0);
        ck_assert_uint_eq(relay.sink->transactions, 0);
        ck_has(relay.sink->commands, "QUIT\r\n");
        ck_has(report(1), "Status: 5.7.10\r\n");
        ck_lacks(report(1), "one line"); /* the header only */
        on("queue-requiretls-status");
        on("queue-requiretls-full-report");
        submit((struct wishes){.requiretls = true}, 0);
        ck_has(report(2), "Status: 5.0.0\r\n");
        ck_has(report(2), "one line");
        on("queue-requiretls-ignored");
        submit((struct wishes){.requiretls = true}, 0);
        ck_assert_uint_eq(relay.sink->transactions, 1);
    }
END_TEST

START_TEST(a_report_goes_even_where_requiretls_is_not_known)
    {
        struct queue_recipient r = {.address = "x@away.example", .notify = QUEUE_NOTIFY_NEVER};
        struct queue_envelope e = {
            .sender = "", .wishes = {.requiretls = true}, .recipients = &r, .count = 1};
        relay_submit(&relay, &e, relay_text);
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        ck_lacks(relay.sink->commands, "REQUIRETLS"); /* it is not offered in clear */
    }
END_TEST

START_TEST(a_host_that_takes_no_mail_is_not_tried_again)
    {
        struct sink *second = sink_start(relay.world.server.loop, "127.0.0.3", relay.sink->port);
        relay.sink->greeting = "521 sink.example takes no mail";
        submit((struct wishes){.by = BY_NOT_ASKED}, 0);
        ck_has(report(1), "Diagnostic-Code: smtp;521 ");
        relay_zone(&relay, "away.example. MX 20 second.away.example.");
        relay_zone(&relay, "second.away.example. A 127.0.0.3");
        submit((struct wishes){.by = BY_NOT_ASKED}, 0);
        ck_assert_uint_eq(second->transactions, 1);
        second->greeting = "554 nor does this one";
        relay_advance(&relay, 10);
        submit((struct wishes){.by = BY_NOT_ASKED}, 0);
        ck_has(report(2), "Action: failed");
        on("queue-retries-521");
        submit((struct wishes){.by = BY_NOT_ASKED}, 0);
        ck_assert_uint_eq(queued(), 1);
        sink_stop(second);
    }
END_TEST

/* --- LMTP --- */

START_TEST(a_smarthost_may_speak_lmtp)
    {
        struct relay_options o = {.smarthost = "lmtp://127.0.0.2"};
        struct queue_recipient r[] = {{.address = "a@away.example"},
                                      {.address = "b@away.example"},
                                      {.address = "c@away.example"}};
        struct queue_envelope e = {.sender = "user1@test.example", .recipients = r, .count = 3};
        queue_close(relay.world.server.queue);
        relay_open(&relay, &o);
        relay.sink->rcpt = "550 5.1.1 no";
        relay.sink->rcpt_refused = "b@";
        relay.sink->final = "250 2.0.0 a has it\r\n450 4.2.2 c is full"; /* a reply for each */
        relay_submit(&relay, &e, relay_text);
        relay_settle(&relay);
        ck_has(relay.sink->commands, "LHLO mail.test.example\r\n");
        ck_has(report(1), "Final-Recipient: rfc822;b@away.example");
        ck_lacks(report(1), "a@away");
        ck_lacks(report(1), "c@away");
        relay.sink->final = NULL;
        relay_advance(&relay, 310);
        ck_assert_uint_eq(sink_count(relay.sink, "RCPT TO:<c@"), 2);
        ck_assert_uint_eq(sink_count(relay.sink, "RCPT TO:<a@"), 1);
        ck_assert_uint_eq(queued(), 0);
    }
END_TEST

START_TEST(a_smarthost_may_be_a_socket_of_this_machine)
    {
        char folder[] = "/tmp/mailproofd-test-XXXXXX", path[80], smarthost[90];
        struct server *s = &relay.world.server;
        struct err err;
        ck_assert(mkdtemp(folder) != NULL);
        snprintf(path, sizeof path, "%s/lmtp", folder);
        snprintf(smarthost, sizeof smarthost, "lmtp:%s", path);
        struct queue_options o = {.server = s, .dns = s->dns, .smarthost = smarthost};
        queue_close(s->queue);
        ck_assert_msg(queue_open(&o, &s->queue, &err) == 0, "%s", err.text);
        submit((struct wishes){.priority = 0}, 0); /* nobody listens yet */
        ck_assert_uint_eq(queued(), 1);
        struct sink *local = sink_start_at(s->loop, path);
        relay_advance(&relay, 310);
        ck_assert_uint_eq(queued(), 0);
        ck_has(local->commands, "LHLO mail.test.example\r\nMAIL FROM:<user1@test.example>");
        ck_has(local->commands, "RCPT TO:<x@away.example>");
        ck_assert_uint_eq(local->transactions, 1);
        sink_stop(local);
        unlink(path);
        rmdir(folder);
    }
END_TEST

START_TEST(a_smarthost_of_lmtp_has_a_form)
    {
        static const char *const wrong[] = {"lmtp:", "lmtp:relative", "lmtp://"};
        struct server *s = &relay.world.server;
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            struct err err;
            struct queue *q = NULL;
            struct queue_options o = {.server = s, .dns = s->dns, .smarthost = wrong[i]};
            ck_assert_msg(queue_open(&o, &q, &err) != 0, "%s", wrong[i]);
        }
    }
END_TEST

/* --- on disk --- */

START_TEST(wishes_outlive_the_process)
    {
        struct wishes w = by(BY_RETURN, 4000, true);
        w.priority = -3;
        w.priority_said = true;
        w.release_s = now() + 500;
        memcpy(w.hold, "for;500", 8);
        submit(w, 0);
        queue_close(relay.world.server.queue);
        relay_open(&relay, NULL);
        ck_assert_uint_eq(queued(), 1);
        relay_advance(&relay, 400);
        ck_assert_uint_eq(relay.sink->connections, 0);
        relay.sink->rcpt = "550 5.1.1 no";
        relay_advance(&relay, 110);
        ck_has(relay.sink->commands, ";RT MT-PRIORITY=-3");
        ck_has(report(1), "Future-Release-Request: for;500\r\n");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("wishes");
    TCase *t = tcase_create("wishes");
    tcase_add_checked_fixture(t, start, stop);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, by_goes_on_with_the_seconds_that_are_left);
    tcase_add_test(t, by_is_left_out_or_wrong_by_faults);
    tcase_add_test(t, mode_r_goes_only_where_its_time_is_kept);
    tcase_add_test(t, mode_r_is_over_when_its_time_is);
    tcase_add_test(t, mode_n_is_told_and_goes_on);
    tcase_add_test(t, mode_n_that_is_lost_sight_of_is_reported);
    tcase_add_test(t, a_report_repeats_the_release_that_was_asked_for);
    tcase_add_test(t, what_is_held_back_lives_from_its_release_on);
    tcase_add_test(t, a_priority_is_passed_on);
    tcase_add_test(t, higher_priorities_go_first);
    tcase_add_loop_test(t, limits_of_the_other_host_are_kept, 0, sizeof limits / sizeof *limits);
    tcase_add_test(t, mail_with_requiretls_goes_nowhere_in_clear);
    tcase_add_test(t, a_report_goes_even_where_requiretls_is_not_known);
    tcase_add_test(t, a_host_that_takes_no_mail_is_not_tried_again);
    tcase_add_test(t, a_smarthost_may_speak_lmtp);
    tcase_add_test(t, a_smarthost_may_be_a_socket_of_this_machine);
    tcase_add_test(t, a_smarthost_of_lmtp_has_a_form);
    tcase_add_test(t, wishes_outlive_the_process);
    suite_add_tcase(s, t);
    return relay_main(s);
}
