/* How mail is said to another server, whatever it can and cannot do.
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

static const char *bounce(void)
{
    size_t count;
    const char *text = relay_inbox(&relay, &count);
    ck_assert_uint_eq(count, 1);
    return text;
}

static void send_text(const char *text)
{
    struct queue_recipient r = {.address = "x@away.example"};
    struct queue_envelope e = {.sender = "user1@test.example", .recipients = &r, .count = 1};
    relay_submit(&relay, &e, text);
    relay_settle(&relay);
}

START_TEST(helo_is_said_where_ehlo_is_not_known)
    {
        relay.sink->ehlo = "502 5.5.1 what";
        send_text(relay_text);
        ck_has(relay.sink->commands, "HELO mail.test.example\r\n"
                                     "MAIL FROM:<user1@test.example>\r\n"
                                     "RCPT TO:<x@away.example>\r\nDATA\r\n");
        ck_assert_uint_eq(relay.sink->transactions, 1);
    }
END_TEST

START_TEST(without_pipelining_one_command_is_said_at_a_time)
    {
        struct queue_recipient r[] = {{.address = "bad@away.example"},
                                      {.address = "good@away.example"}};
        struct queue_envelope e = {.sender = "user1@test.example", .recipients = r, .count = 2};
        relay.sink->ehlo = "250 sink.example";
        relay.sink->rcpt = "550 no";
        relay.sink->rcpt_refused = "bad@";
        relay_submit(&relay, &e, relay_text);
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        relay.sink->mail = "550 not you";
        send_text(relay_text);
        ck_has(relay.sink->commands, "MAIL FROM:<user1@test.example>\r\nRSET\r\n");
    }
END_TEST

START_TEST(nothing_is_sent_when_everybody_is_refused)
    {
        relay.sink->data = "354 all the same"; /* RFC 2920, 3.1 */
        relay.sink->rcpt = "550 no";
        send_text(relay_text);
        ck_assert_str_eq(relay.sink->text, "");
        ck_has(bounce(), "Action: failed\r\n");
    }
END_TEST

START_TEST(a_message_larger_than_the_server_takes_is_not_begun)
    {
        relay.sink->ehlo = "250-sink.example\r\n250 SIZE 20";
        send_text(relay_text);
        ck_has(bounce(), "Status: 5.3.4\r\n");
        ck_assert_uint_eq(sink_count(relay.sink, "MAIL"), 0);
    }
END_TEST

/* RFC 6152, 3. */
START_TEST(eight_bit_text_goes_only_where_it_is_known)
    {
        static const char text[] = "Subject: x\r\n\r\ngr\xc3\xbc\xc3\x9f\r\n";
        send_text(text);
        ck_has(relay.sink->commands, " BODY=8BITMIME");
        ck_has(relay.sink->text, "gr\xc3\xbc\xc3\x9f\r\n");
        relay_advance(&relay, 10);
        relay.sink->ehlo = "250 sink.example";
        send_text(text);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        ck_has(bounce(), "Status: 5.6.3\r\n");
        relay_advance(&relay, 10);
        fault_switch("queue-8bit-unasked", true, NULL);
        send_text(text);
        ck_assert_uint_eq(relay.sink->transactions, 2);
    }
END_TEST

START_TEST(a_final_refusal_counts_for_everyone)
    {
        relay.sink->final = "554 5.7.1 spam";
        send_text(relay_text);
        ck_has(bounce(), "Status: 5.7.1\r\n");
    }
END_TEST

START_TEST(text_without_a_last_line_end_gets_one)
    {
        send_text("Subject: x\r\n\r\nend");
        ck_assert_str_eq(relay.sink->text, "Subject: x\r\n\r\nend\r\n");
    }
END_TEST

/* RFC 5321, 4.5.3.1.10: more recipients than the server takes at a time. */
START_TEST(recipients_that_were_too_many_are_tried_again)
    {
        struct queue_recipient r[] = {{.address = "a@away.example"}, {.address = "b@away.example"}};
        struct queue_envelope e = {.sender = "user1@test.example", .recipients = r, .count = 2};
        relay.sink->rcpt = "552 too many";
        relay.sink->rcpt_refused = "b@";
        relay_submit(&relay, &e, relay_text);
        relay_settle(&relay);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 1);
        relay.sink->rcpt = NULL;
        relay_advance(&relay, 310);
        ck_assert_uint_eq(relay.sink->transactions, 2);
    }
END_TEST

/* RFC 9422. */
START_TEST(a_limit_of_recipients_is_kept)
    {
        struct queue_recipient r[] = {{.address = "a@away.example"},
                                      {.address = "b@away.example"},
                                      {.address = "c@away.example"}};
        struct queue_envelope e = {.sender = "user1@test.example", .recipients = r, .count = 3};
        relay.sink->ehlo = "250-sink.example\r\n250-PIPELINING\r\n250 LIMITS MAILMAX=9 RCPTMAX=2";
        relay_submit(&relay, &e, relay_text);
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 2);
        ck_assert_uint_eq(sink_count(relay.sink, "RCPT"), 3);
    }
END_TEST

static const char *const nonsense[] = {"nonsense", "999 what", "2", "250"};

START_TEST(a_server_that_talks_nonsense_makes_mail_wait)
    {
        relay.sink->greeting = nonsense[_i];
        send_text(relay_text);
        if (_i < 3)
            ck_assert_uint_eq(queue_count(relay.world.server.queue), 1);
        else /* any 2yz is good (RFC 5321, 4.2.1) */
            ck_assert_uint_eq(relay.sink->transactions, 1);
    }
END_TEST

START_TEST(faults_spoil_what_is_sent)
    {
        fault_switch("queue-strips-received", true, NULL);
        fault_switch("queue-dots-not-doubled", true, NULL);
        fault_switch("queue-keeps-return-path", true, NULL);
        send_text(relay_text);
        ck_assert_str_eq(relay.sink->text,
                         "Return-Path: <user1@test.example>\r\nFrom: <user1@test.example>\r\n"
                         "Subject: away\r\n\r\none line\r\n.dotted\r\n");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("client");
    TCase *t = tcase_create("client");
    tcase_add_checked_fixture(t, start, stop);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, helo_is_said_where_ehlo_is_not_known);
    tcase_add_test(t, without_pipelining_one_command_is_said_at_a_time);
    tcase_add_test(t, nothing_is_sent_when_everybody_is_refused);
    tcase_add_test(t, a_message_larger_than_the_server_takes_is_not_begun);
    tcase_add_test(t, eight_bit_text_goes_only_where_it_is_known);
    tcase_add_test(t, a_final_refusal_counts_for_everyone);
    tcase_add_test(t, text_without_a_last_line_end_gets_one);
    tcase_add_test(t, recipients_that_were_too_many_are_tried_again);
    tcase_add_test(t, a_limit_of_recipients_is_kept);
    tcase_add_loop_test(t, a_server_that_talks_nonsense_makes_mail_wait, 0,
                        sizeof nonsense / sizeof *nonsense);
    tcase_add_test(t, faults_spoil_what_is_sent);
    suite_add_tcase(s, t);
    return relay_main(s);
}
