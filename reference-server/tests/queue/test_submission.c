/* From a user's SMTP session through the queue to another host, and who may do that.
 * SPDX-License-Identifier: MIT */
#include "queue/relay.h"

static struct relay relay;
static struct world_client client;

static void start(void)
{
    relay_start(&relay);
}

static void stop(void)
{
    relay_stop(&relay);
}

static void connect_to(enum service service)
{
    world_connect(&relay.world, &client, service, &smtp_protocol, false);
    world_hear(&client, "\r\n");
    world_text(&client, service == SERVICE_LMTP ? "LHLO me\r\n" : "EHLO me\r\n");
    while (client.len < 4 || strstr(client.heard, "\r\n250 ") == NULL)
        world_round(&client);
}

static void log_in(void)
{
    world_ask(&client, "AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "235");
}

static void send_text(void)
{
    world_ask(&client, "DATA\r\n", "354");
    world_ask(&client, "Subject: x\r\n\r\nbody\r\n.\r\n", "250 2.0.0");
}

START_TEST(a_user_sends_to_another_host)
    {
        connect_to(SERVICE_SUBMISSION);
        log_in();
        world_ask(&client, "MAIL FROM:<user1@test.example> RET=FULL ENVID=q1\r\n", "250");
        world_ask(&client, "RCPT TO:<bob@away.example> NOTIFY=FAILURE ORCPT=rfc822;b@c.example\r\n",
                  "250");
        send_text();
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        ck_has(relay.sink->commands, "RET=FULL ENVID=q1\r\n");
        ck_has(relay.sink->commands, "NOTIFY=FAILURE ORCPT=rfc822;b@c.example\r\n");
        ck_assert_msg(strncmp(relay.sink->text, "Received: ", 10) == 0, "%s", relay.sink->text);
        ck_lacks(relay.sink->text, "Return-Path");
        ck_has(relay.sink->text, "\r\nbody\r\n");
        world_hang_up(&client);
    }
END_TEST

START_TEST(a_mailbox_here_and_a_host_elsewhere_get_the_same_mail)
    {
        size_t count;
        connect_to(SERVICE_SUBMISSION);
        log_in();
        world_ask(&client, "MAIL FROM:<user2@test.example>\r\n", "250");
        world_ask(&client, "RCPT TO:<bob@away.example>\r\n", "250");
        world_ask(&client, "RCPT TO:<user1@test.example>\r\n", "250");
        send_text();
        const char *text = relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 1);
        ck_has(text, "Return-Path: <user2@test.example>\r\nReceived: ");
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        ck_assert_uint_eq(sink_count(relay.sink, "RCPT"), 1);
        world_hang_up(&client);
    }
END_TEST

START_TEST(strangers_are_not_relayed_for)
    {
        connect_to(SERVICE_SMTP);
        world_ask(&client, "MAIL FROM:<someone@else.example>\r\n", "250");
        world_ask(&client, "RCPT TO:<bob@away.example>\r\n", "550 5.7.1");
        world_ask(&client, "RCPT TO:<user1@test.example>\r\n", "250");
        world_hang_up(&client);
        connect_to(SERVICE_LMTP);
        world_ask(&client, "MAIL FROM:<someone@else.example>\r\n", "250");
        world_ask(&client, "RCPT TO:<bob@away.example>\r\n", "550");
        world_hang_up(&client);
    }
END_TEST

START_TEST(a_session_that_ends_early_does_not_take_its_mail_along)
    {
        connect_to(SERVICE_SUBMISSION);
        log_in();
        world_ask(&client, "MAIL FROM:<user1@test.example>\r\n", "250");
        world_ask(&client, "RCPT TO:<bob@away.example>\r\n", "250");
        world_ask(&client, "DATA\r\n", "354");
        world_text(&client, "Subject: x\r\n\r\nbody\r\n.\r\n");
        loop_once(relay.world.server.loop, 1);
        world_hang_up(&client);
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 1);
    }
END_TEST

START_TEST(success_here_is_told_to_who_asked)
    {
        size_t count;
        connect_to(SERVICE_SMTP);
        world_ask(&client, "MAIL FROM:<user1@test.example> ENVID=me\r\n", "250");
        world_ask(&client, "RCPT TO:<user2@test.example> NOTIFY=SUCCESS\r\n", "250");
        send_text();
        const char *text = relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 1);
        ck_has(text, "Action: delivered\r\n");
        ck_has(text, "Original-Envelope-Id: me\r\n");
        world_hang_up(&client);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("submission");
    TCase *t = tcase_create("submission");
    tcase_add_checked_fixture(t, start, stop);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, a_user_sends_to_another_host);
    tcase_add_test(t, a_mailbox_here_and_a_host_elsewhere_get_the_same_mail);
    tcase_add_test(t, strangers_are_not_relayed_for);
    tcase_add_test(t, a_session_that_ends_early_does_not_take_its_mail_along);
    tcase_add_test(t, success_here_is_told_to_who_asked);
    suite_add_tcase(s, t);
    return relay_main(s);
}
