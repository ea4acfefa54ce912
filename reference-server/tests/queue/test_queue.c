/* Mail on its way to other hosts: taken, tried, tried again, given up.
 * SPDX-License-Identifier: MIT */
#include <sys/wait.h>

#include "control/rest.h"
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

static struct queue *queue(void)
{
    return relay.world.server.queue;
}

START_TEST(mail_arrives_as_it_was_given)
    {
        size_t count;
        relay_send(&relay, "someone@away.example");
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        ck_has(relay.sink->commands, "EHLO mail.test.example\r\n");
        ck_has(relay.sink->commands, "MAIL FROM:<user1@test.example> SIZE=");
        ck_has(relay.sink->commands, "RCPT TO:<someone@away.example>\r\n");
        ck_assert_str_eq(relay.sink->text,
                         "Received: from here by there; Sat, 21 Nov 2026 00:00:00 +0000\r\n"
                         "From: <user1@test.example>\r\nSubject: away\r\n\r\n"
                         "one line\r\n..dotted\r\n");
        ck_assert_uint_eq(queue_count(queue()), 0);
        relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 0);
    }
END_TEST

/* RFC 5321, 4.5.4.1: one transaction for all recipients of a host. */
START_TEST(recipients_of_one_domain_share_a_transaction)
    {
        struct queue_recipient rcpts[] = {{.address = "one@away.example"},
                                          {.address = "two@AWAY.example"},
                                          {.address = "three@away.example"}};
        struct queue_envelope e = {.sender = "user1@test.example", .recipients = rcpts, .count = 3};
        relay_submit(&relay, &e, relay_text);
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        ck_assert_uint_eq(sink_count(relay.sink, "RCPT TO"), 3);
        ck_assert_uint_eq(sink_count(relay.sink, "MAIL FROM"), 1);
    }
END_TEST

START_TEST(a_connection_is_used_again)
    {
        relay_send(&relay, "one@away.example");
        relay_settle(&relay);
        relay_send(&relay, "two@away.example");
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 2);
        ck_assert_uint_eq(relay.sink->connections, 1);
        relay_advance(&relay, 10);
        ck_assert_uint_eq(sink_count(relay.sink, "QUIT"), 1);
        ck_assert_uint_eq(relay.sink->open, 0);
    }
END_TEST

START_TEST(a_destination_gets_so_many_connections_and_no_more)
    {
        relay.world.server.limits.relay_concurrency = 2;
        for (int i = 0; i < 12; i++)
            relay_send(&relay, "someone@away.example");
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 12);
        ck_assert_uint_le(relay.sink->most_open, 2);
    }
END_TEST

START_TEST(a_refusal_for_good_is_told_at_once)
    {
        size_t count;
        relay.sink->rcpt = "550 5.1.1 there is nobody of that name";
        relay_send(&relay, "nobody@away.example");
        relay_settle(&relay);
        const char *text = relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 1);
        ck_has(text, "Return-Path: <>\r\n");
        ck_has(text, "Content-Type: multipart/report; report-type=delivery-status;");
        ck_has(text,
               "Final-Recipient: rfc822;nobody@away.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
               "Remote-MTA: dns;mx.away.example\r\n"
               "Diagnostic-Code: smtp;550 5.1.1 there is nobody of that name\r\n");
        ck_has(text, "Reporting-MTA: dns;mail.test.example\r\n");
        ck_has(text, "Content-Type: message/rfc822\r\n");
        ck_has(text, "one line\r\n.dotted\r\n");
        ck_assert_uint_eq(queue_count(queue()), 0);
        relay_advance(&relay, 86400);
        ck_assert_uint_eq(relay.sink->connections, 1);
    }
END_TEST

/* 5, 10, 20, 40 minutes, then every hour. */
START_TEST(a_refusal_for_now_is_tried_again_at_its_times)
    {
        static const int minutes[] = {5, 10, 20, 40, 60, 60};
        relay.sink->rcpt = "450 4.2.1 not now";
        relay_send(&relay, "someone@away.example");
        relay_settle(&relay);
        unsigned attempts = sink_count(relay.sink, "RCPT TO");
        ck_assert_uint_eq(attempts, 1);
        for (size_t i = 0; i < sizeof minutes / sizeof *minutes; i++) {
            relay_advance(&relay, minutes[i] * 60 - 10 - (i > 0 ? 10 : 0));
            ck_assert_msg(sink_count(relay.sink, "RCPT TO") == attempts, "attempt %zu is early",
                          i + 2);
            relay_advance(&relay, 20);
            attempts++;
            ck_assert_msg(sink_count(relay.sink, "RCPT TO") == attempts, "attempt %zu is late",
                          i + 2);
        }
        relay.sink->rcpt = NULL;
        relay_advance(&relay, 3700);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        ck_assert_uint_eq(queue_count(queue()), 0);
    }
END_TEST

START_TEST(five_days_of_retries_end_with_a_failure)
    {
        size_t count;
        relay.sink->mail = "451 4.3.0 not today";
        relay_send(&relay, "someone@away.example");
        relay_settle(&relay);
        relay_advance(&relay, 4 * 3600 + 1800);
        const char *text = relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 1);
        ck_has(text, "Action: delayed\r\nStatus: 4.3.0\r\n");
        ck_has(text, "Will-Retry-Until: ");
        ck_has(text, "Content-Type: text/rfc822-headers\r\n");
        ck_lacks(text, "one line");
        relay_advance(&relay, 5 * 86400);
        text = relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 2);
        ck_has(text, "Action: failed\r\nStatus: 4.4.7\r\n");
        ck_has(text, "one line");
        ck_assert_uint_eq(queue_count(queue()), 0);
        ck_assert_uint_ge(sink_count(relay.sink, "MAIL FROM"), 100);
    }
END_TEST

START_TEST(a_host_that_says_nothing_is_left_after_its_time)
    {
        relay.sink->silent = true;
        relay_send(&relay, "someone@away.example");
        relay_advance(&relay, 400);
        ck_assert_uint_eq(queue_count(queue()), 1);
        relay.sink->silent = false;
        relay_advance(&relay, 3600);
        ck_assert_uint_eq(relay.sink->transactions, 1);
    }
END_TEST

/* RFC 5321, 4.5.4: no error message about an error message. */
START_TEST(a_notification_that_fails_makes_no_other)
    {
        size_t count;
        struct queue_recipient rcpt = {.address = "nobody@away.example"};
        struct queue_envelope e = {.sender = "", .recipients = &rcpt, .count = 1};
        relay.sink->rcpt = "550 5.1.1 no";
        relay_submit(&relay, &e, relay_text);
        relay_settle(&relay);
        ck_has(relay.sink->commands, "MAIL FROM:<> ");
        relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 0);
        ck_assert_uint_eq(queue_count(queue()), 0);
    }
END_TEST

START_TEST(a_notification_for_another_host_goes_there_with_the_null_sender)
    {
        struct queue_recipient rcpt = {.address = "nobody@gone.example"};
        struct queue_envelope e = {
            .sender = "sender@away.example", .recipients = &rcpt, .count = 1};
        relay_submit(&relay, &e, relay_text);
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        ck_has(relay.sink->commands, "MAIL FROM:<> ");
        ck_has(relay.sink->commands, "RCPT TO:<sender@away.example> NOTIFY=NEVER\r\n");
        ck_has(relay.sink->text, "Status: 5.1.2\r\n");
        ck_lacks(relay.sink->text, "Remote-MTA");
        ck_lacks(relay.sink->text, "Diagnostic-Code");
    }
END_TEST

START_TEST(what_one_recipient_gets_is_nothing_to_the_other)
    {
        size_t count;
        struct queue_recipient rcpts[] = {{.address = "good@away.example"},
                                          {.address = "bad@away.example"},
                                          {.address = "nobody@gone.example"}};
        struct queue_envelope e = {.sender = "user1@test.example", .recipients = rcpts, .count = 3};
        relay.sink->rcpt = "550 no";
        relay.sink->rcpt_refused = "bad@";
        relay_submit(&relay, &e, relay_text);
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        const char *text = relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 1); /* RFC 5321, 4.4: one notification lists all */
        ck_has(text, "rfc822;bad@away.example");
        ck_has(text, "rfc822;nobody@gone.example");
        ck_lacks(text, "rfc822;good@away.example");
    }
END_TEST

START_TEST(a_connection_that_breaks_at_the_final_dot_is_tried_again)
    {
        relay.sink->hangs_up = true;
        relay_send(&relay, "someone@away.example");
        relay_settle(&relay);
        ck_assert_uint_eq(queue_count(queue()), 1);
        relay.sink->hangs_up = false;
        relay_advance(&relay, 310);
        ck_assert_uint_eq(relay.sink->transactions, 2);
        ck_assert_uint_eq(queue_count(queue()), 0);
    }
END_TEST

START_TEST(mailboxes_here_and_hosts_elsewhere_are_one_commit)
    {
        size_t count;
        struct queue_recipient rcpts[] = {
            {.address = "user1@test.example", .account = relay.world.user1->id},
            {.address = "someone@away.example"}};
        struct queue_envelope e = {.sender = "user2@test.example", .recipients = rcpts, .count = 2};
        relay_submit(&relay, &e, relay_text);
        relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 1);
        ck_assert_uint_eq(queue_count(queue()), 1);
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        ck_assert_uint_eq(sink_count(relay.sink, "RCPT TO"), 1);
    }
END_TEST

START_TEST(the_smarthost_gets_everything)
    {
        relay_stop(&relay);
        struct relay_options o = {.smarthost = "me:secret@127.0.0.2"};
        relay_start_with(&relay, &o);
        relay.sink->ehlo = "250-sink.example\r\n250-AUTH LOGIN PLAIN\r\n250 SIZE";
        relay_send(&relay, "someone@nowhere.at.all");
        relay_settle(&relay);
        /* The sink answers 250 where 235 is meant: the mail waits. */
        ck_has(relay.sink->commands, "AUTH PLAIN AG1lAHNlY3JldA==\r\n");
        ck_assert_uint_eq(relay.sink->transactions, 0);
        ck_assert_uint_eq(queue_count(queue()), 1);
        relay.sink->ehlo = NULL;
    }
END_TEST

START_TEST(relaying_without_login_is_for_listed_addresses)
    {
        struct err err;
        struct queue *q;
        const char *const from[] = {"192.0.2.7", "198.51.100.0/23", "2001:db8::/33"};
        struct queue_options o = {.server = &relay.world.server,
                                  .dns = relay.world.server.dns,
                                  .from = from,
                                  .from_count = 3};
        ck_assert_int_eq(queue_open(&o, &q, &err), 0);
        ck_assert(queue_relays_for(q, "192.0.2.7"));
        ck_assert(!queue_relays_for(q, "192.0.2.8"));
        ck_assert(queue_relays_for(q, "198.51.101.255"));
        ck_assert(!queue_relays_for(q, "198.51.102.0"));
        ck_assert(queue_relays_for(q, "2001:db8::1"));
        ck_assert(!queue_relays_for(q, "2001:db8:8000::1"));
        queue_close(q);
        const char *const bad[] = {"192.0.2.0/33"};
        o.from = bad;
        o.from_count = 1;
        ck_assert_int_eq(queue_open(&o, &q, &err), -1);
    }
END_TEST

/* The process dies; another one finds the mail and goes on. */
START_TEST(a_killed_server_keeps_its_queue)
    {
        char path[] = "/tmp/mailproofd-queue-XXXXXX";
        int fd = mkstemp(path);
        ck_assert(fd >= 0);
        close(fd);
        unlink(path);
        struct server *s = &relay.world.server;
        struct err err;
        /* This server's own store, in a file. */
        queue_close(s->queue);
        store_close(s->store);
        struct store_options so = {path, s->loop, s->clock};
        pid_t pid = fork();
        ck_assert(pid >= 0);
        if (pid == 0) {
            alarm(5);
            s->loop = loop_new(s->clock, NULL); /* the parent's is not touched */
            so.loop = s->loop;
            struct dns_options d = {.loop = s->loop};
            if (s->loop == NULL || store_open(&so, &s->store, &err) != 0 ||
                dns_open(&d, &s->dns, &err) != 0)
                _exit(1);
            struct queue_options o = {.server = s, .dns = s->dns, .port = 1};
            if (queue_open(&o, &s->queue, &err) != 0)
                _exit(2);
            dns_add(s->dns, "$FAIL away.example", NULL);
            relay_send(&relay, "someone@away.example");
            raise(SIGKILL);
        }
        int status;
        ck_assert(waitpid(pid, &status, 0) == pid);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %d", status);
        ck_assert_msg(store_open(&so, &s->store, &err) == 0, "%s", err.text);
        relay_open(&relay, NULL);
        ck_assert_uint_eq(queue_count(queue()), 1);
        relay_advance(&relay, 3700);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        ck_has(relay.sink->text, "one line\r\n");
        unlink(path);
        char other[64];
        snprintf(other, sizeof other, "%s-wal", path);
        unlink(other);
        snprintf(other, sizeof other, "%s-shm", path);
        unlink(other);
    }
END_TEST

START_TEST(a_queue_that_is_cleared_sends_nothing)
    {
        struct world_done d = {.done = false};
        relay.sink->rcpt = "450 later";
        relay_send(&relay, "someone@away.example");
        relay_settle(&relay);
        queue_clear(queue(), world_done, &d);
        world_wait(relay.world.server.loop, &d);
        relay.sink->rcpt = NULL;
        relay_advance(&relay, 86400);
        ck_assert_uint_eq(relay.sink->transactions, 0);
        ck_assert_uint_eq(queue_count(queue()), 0);
    }
END_TEST

struct rested {
    bool done;
    const char *trouble;
};

static void rested(void *arg, const char *trouble)
{
    *(struct rested *)arg = (struct rested){true, trouble};
}

static const char *wait_for_rest(int64_t ms)
{
    struct rested r = {.done = false};
    long end = world_now_ms() + WORLD_PATIENCE_MS;
    ck_assert_ptr_nonnull(rest_start(&relay.world.server, ms, rested, &r));
    while (!r.done) {
        loop_once(relay.world.server.loop, 10);
        ck_assert_msg(world_now_ms() < end, "no answer to the wait for rest");
    }
    return r.trouble;
}

START_TEST(rest_comes_when_what_is_due_has_been_tried)
    {
        ck_assert_ptr_null(wait_for_rest(0)); /* an empty queue is at rest */
        relay.sink->rcpt = "450 later";
        relay_send(&relay, "someone@away.example");
        ck_assert_ptr_null(wait_for_rest(WORLD_PATIENCE_MS));
        ck_assert_uint_eq(sink_count(relay.sink, "RCPT TO"), 1);
        ck_assert_uint_eq(queue_count(queue()), 1); /* it waits for its next attempt */
        relay.sink->rcpt = NULL;
        clock_advance(relay.world.server.clock, 86400 * 1000);
        ck_assert_ptr_null(wait_for_rest(WORLD_PATIENCE_MS));
        ck_assert_uint_eq(relay.sink->transactions, 1);
    }
END_TEST

START_TEST(who_waits_for_rest_in_vain_is_told_why)
    {
        relay.sink->silent = true;
        relay_send(&relay, "someone@away.example");
        const char *trouble = wait_for_rest(30);
        ck_assert_ptr_nonnull(trouble);
        ck_has(trouble, "another host");
        rest_cancel(rest_start(&relay.world.server, 1, rested, NULL)); /* asks nobody back */
        loop_once(relay.world.server.loop, 5);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("queue");
    TCase *t = tcase_create("queue");
    tcase_add_checked_fixture(t, start, stop);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, mail_arrives_as_it_was_given);
    tcase_add_test(t, recipients_of_one_domain_share_a_transaction);
    tcase_add_test(t, a_connection_is_used_again);
    tcase_add_test(t, a_destination_gets_so_many_connections_and_no_more);
    tcase_add_test(t, a_refusal_for_good_is_told_at_once);
    tcase_add_test(t, a_refusal_for_now_is_tried_again_at_its_times);
    tcase_add_test(t, five_days_of_retries_end_with_a_failure);
    tcase_add_test(t, a_host_that_says_nothing_is_left_after_its_time);
    tcase_add_test(t, a_notification_that_fails_makes_no_other);
    tcase_add_test(t, a_notification_for_another_host_goes_there_with_the_null_sender);
    tcase_add_test(t, what_one_recipient_gets_is_nothing_to_the_other);
    tcase_add_test(t, a_connection_that_breaks_at_the_final_dot_is_tried_again);
    tcase_add_test(t, mailboxes_here_and_hosts_elsewhere_are_one_commit);
    tcase_add_test(t, the_smarthost_gets_everything);
    tcase_add_test(t, relaying_without_login_is_for_listed_addresses);
    tcase_add_test(t, a_killed_server_keeps_its_queue);
    tcase_add_test(t, a_queue_that_is_cleared_sends_nothing);
    tcase_add_test(t, rest_comes_when_what_is_due_has_been_tried);
    tcase_add_test(t, who_waits_for_rest_in_vain_is_told_why);
    suite_add_tcase(s, t);
    return relay_main(s);
}
