/* Who is told what about mail, and in which form. SPDX-License-Identifier: MIT */
#include "fault.h"
#include "queue/dsn.h"
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

static size_t told(void)
{
    size_t count;
    relay_inbox(&relay, &count);
    return count;
}

static const char *text(void)
{
    size_t count;
    return relay_inbox(&relay, &count);
}

static void submit(struct queue_recipient r, struct queue_envelope e)
{
    e.sender = "user1@test.example";
    e.recipients = &r;
    e.count = 1;
    relay_submit(&relay, &e, relay_text);
    relay_settle(&relay);
}

START_TEST(never_means_never)
    {
        relay.sink->rcpt = "550 no";
        submit((struct queue_recipient){"x@away.example", NULL, QUEUE_NOTIFY_NEVER, 0},
               (struct queue_envelope){.envid = NULL});
        submit((struct queue_recipient){"x@away.example", NULL, QUEUE_NOTIFY_SUCCESS, 0},
               (struct queue_envelope){.envid = NULL});
        ck_assert_uint_eq(told(), 0);
        fault_switch("queue-dsn-despite-never", true, NULL);
        submit((struct queue_recipient){"x@away.example", NULL, QUEUE_NOTIFY_NEVER, 0},
               (struct queue_envelope){.envid = NULL});
        ck_assert_uint_eq(told(), 1);
    }
END_TEST

START_TEST(original_recipient_and_envelope_id_come_back)
    {
        relay.sink->rcpt = "550 5.7.1 no";
        submit((struct queue_recipient){"x@away.example", "rfc822;first+2Blast@other.example",
                                        QUEUE_NOTIFY_FAILURE, 0},
               (struct queue_envelope){.envid = "a+20b+3Dc", .return_header = true});
        ck_has(text(),
               "\r\nOriginal-Envelope-Id: a b=c\r\nReporting-MTA: dns;mail.test.example\r\n");
        ck_has(text(), "\r\nOriginal-Recipient: rfc822;first+last@other.example\r\n"
                       "Final-Recipient: rfc822;x@away.example\r\n");
        ck_has(text(), "Content-Type: text/rfc822-headers\r\n");
        ck_has(text(), "Subject: away\r\n");
        ck_lacks(text(), "one line");
        ck_lacks(text(), "Will-Retry-Until");
        ck_has(text(), "Auto-Submitted: auto-replied\r\n");
    }
END_TEST

/* RFC 3461, 5.2.1: a server that knows DSN gets the parameters, and the duty. */
START_TEST(parameters_are_passed_on_to_who_knows_them)
    {
        submit((struct queue_recipient){"x@away.example", "rfc822;a@b.example",
                                        QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_DELAY, 0},
               (struct queue_envelope){.envid = "id-1", .return_header = true});
        ck_has(relay.sink->commands, " RET=HDRS ENVID=id-1\r\n");
        ck_has(relay.sink->commands,
               "RCPT TO:<x@away.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a@b.example\r\n");
        ck_assert_uint_eq(told(), 0);
    }
END_TEST

START_TEST(success_is_told_when_the_next_server_will_not)
    {
        relay.sink->ehlo = "250-sink.example\r\n250 8BITMIME";
        submit((struct queue_recipient){"x@away.example", "rfc822;a@b.example",
                                        QUEUE_NOTIFY_SUCCESS, 0},
               (struct queue_envelope){.envid = "id-1"});
        ck_lacks(relay.sink->commands, "NOTIFY");
        ck_lacks(relay.sink->commands, "ENVID");
        ck_assert_uint_eq(told(), 1);
        ck_has(text(), "Action: relayed\r\nStatus: 2.0.0\r\nRemote-MTA: dns;mx.away.example\r\n");
        ck_has(text(), "Content-Type: text/rfc822-headers\r\n");
        submit((struct queue_recipient){"x@away.example", NULL, 0, 0},
               (struct queue_envelope){.envid = NULL});
        ck_assert_uint_eq(told(), 1);
    }
END_TEST

START_TEST(delivery_here_is_told_where_it_was_asked_for)
    {
        submit((struct queue_recipient){"user2@test.example", NULL, QUEUE_NOTIFY_SUCCESS,
                                        relay.world.user2->id},
               (struct queue_envelope){.envid = "here"});
        ck_assert_uint_eq(told(), 1);
        ck_has(text(), "Original-Envelope-Id: here\r\n");
        ck_has(text(), "Action: delivered\r\nStatus: 2.1.5\r\n");
        submit((struct queue_recipient){"user2@test.example", NULL, QUEUE_NOTIFY_FAILURE,
                                        relay.world.user2->id},
               (struct queue_envelope){.envid = "here"});
        ck_assert_uint_eq(told(), 1);
    }
END_TEST

START_TEST(a_delay_is_told_once_and_only_to_who_wants_it)
    {
        relay.sink->rcpt = "450 later";
        submit((struct queue_recipient){"x@away.example", NULL, QUEUE_NOTIFY_FAILURE, 0},
               (struct queue_envelope){.envid = NULL});
        submit((struct queue_recipient){"y@away.example", NULL, QUEUE_NOTIFY_DELAY, 0},
               (struct queue_envelope){.envid = NULL});
        relay_advance(&relay, 86400);
        ck_assert_uint_eq(told(), 1);
        ck_has(text(), "rfc822;y@away.example\r\nAction: delayed\r\nStatus: 4.0.0\r\n");
        relay_advance(&relay, 5 * 86400);
        ck_assert_uint_eq(told(), 2);
        ck_has(text(), "rfc822;x@away.example\r\nAction: failed\r\n");
    }
END_TEST

/* RFC 6533. */
START_TEST(addresses_beyond_ascii_make_global_reports)
    {
        struct queue_recipient r = {.address = "j\xc3\xb6rg@away.example"};
        struct queue_envelope e = {
            .sender = "user1@test.example", .utf8 = true, .recipients = &r, .count = 1};
        relay.sink->ehlo = "250-sink.example\r\n250 8BITMIME";
        relay_submit(&relay, &e, "Subject: gr\xc3\xbc\xc3\x9f\r\n\r\nHallo\r\n");
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 0);
        ck_has(text(), "Content-Type: message/global-delivery-status\r\n");
        ck_has(text(), "Final-Recipient: utf-8;j\xc3\xb6rg@away.example\r\n");
        ck_has(text(), "Status: 5.6.7\r\n");
        ck_has(text(), "Content-Type: message/global\r\n");
        relay.sink->ehlo = NULL;
        relay_advance(&relay, 10);
        relay_submit(&relay, &e, "Subject: gr\xc3\xbc\xc3\x9f\r\n\r\nHallo\r\n");
        relay_settle(&relay);
        ck_has(relay.sink->commands, " SMTPUTF8");
        ck_assert_uint_eq(relay.sink->transactions, 1);
    }
END_TEST

/* What a sender puts into ENVID cannot add fields to the report. */
START_TEST(line_ends_in_parameters_stay_inside)
    {
        struct dsn_recipient r = {.address = "x@away.example",
                                  .orcpt = "rfc822;a+0D+0AAction:+20delivered",
                                  .status = "5.1.1",
                                  .diagnostic = "",
                                  .remote = ""};
        struct dsn d = {.hostname = "mail.test.example",
                        .name = "q1",
                        .sender = "user1@test.example",
                        .envid = "a+0D+0AX-Evil:+20yes",
                        .now_s = 1000000000,
                        .arrival_s = 1000000000,
                        .data = (const unsigned char *)relay_text,
                        .len = sizeof relay_text - 1,
                        .recipients = &r,
                        .count = 1};
        size_t len;
        unsigned char *made = dsn_make(&d, &len);
        ck_has((char *)made, "Original-Envelope-Id: a??X-Evil: yes\r\n");
        ck_lacks((char *)made, "\nAction: delivered");
        ck_has((char *)made, "Arrival-Date: Sun, 9 Sep 2001 01:46:40 +0000\r\n");
        ck_assert_ptr_null(memchr(made, '\0', len));
        free(made);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("dsn");
    TCase *t = tcase_create("dsn");
    tcase_add_checked_fixture(t, start, stop);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, never_means_never);
    tcase_add_test(t, original_recipient_and_envelope_id_come_back);
    tcase_add_test(t, parameters_are_passed_on_to_who_knows_them);
    tcase_add_test(t, success_is_told_when_the_next_server_will_not);
    tcase_add_test(t, delivery_here_is_told_where_it_was_asked_for);
    tcase_add_test(t, a_delay_is_told_once_and_only_to_who_wants_it);
    tcase_add_test(t, addresses_beyond_ascii_make_global_reports);
    tcase_add_test(t, line_ends_in_parameters_stay_inside);
    suite_add_tcase(s, t);
    return relay_main(s);
}
