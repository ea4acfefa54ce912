/* Names that stand for others: who gets mail to them, from whom, and what EXPN tells; and what each
 * fault makes of it. SPDX-License-Identifier: MIT */
#include "queue/relay.h"
#include "smtp/smtp_world.h"

static struct relay relay;
static struct world_client k;

static void set(const char *name, const char *value)
{
    struct err err;
    ck_assert_msg(policy_set(&relay.world.server.policy, name, value, &err) == 0, "%s", err.text);
}

static void start(void)
{
    relay_start(&relay);
    set("alias", "both=user1,user2@test.example,someone@away.example");
    set("alias", "inner=both,user1");
    set("alias", "circle=circle2");
    set("alias", "circle2=circle");
    set("list", "friends=boss@test.example:user1,ann@away.example");
    smtp_world_hello(&relay.world, &k, SERVICE_SMTP);
}

static void stop(void)
{
    world_hang_up(&k);
    relay_stop(&relay);
}

static void on(const char *name)
{
    fault_clear_all();
    if (name != NULL)
        ck_assert_int_eq(fault_switch(name, true, NULL), 0);
}

static void send_to(const char *sender, const char *to)
{
    char line[200];
    snprintf(line, sizeof line, "MAIL FROM:<%s>\r\n", sender);
    world_ask(&k, line, "250");
    snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", to);
    world_ask(&k, line, "250");
    world_ask(&k, "DATA\r\n", "354");
    world_ask(&k, "From: Ann <ann@client.example>\r\nSubject: x\r\n\r\nhello\r\n.\r\n", "250");
    relay_settle(&relay);
}

static size_t count(const struct account *a)
{
    return smtp_world_count(&relay.world, a);
}

static bool newest_has(const char *what)
{
    char *text = smtp_world_newest(&relay.world, relay.world.user1, NULL);
    bool there = strstr(text, what) != NULL;
    free(text);
    return there;
}

START_TEST(an_alias_reaches_all_and_keeps_the_sender)
    {
        send_to("ann@client.example", "Both@test.example");
        ck_assert_uint_eq(count(relay.world.user1), 1);
        ck_assert_uint_eq(count(relay.world.user2), 1);
        ck_assert(newest_has("Return-Path: <ann@client.example>"));
        ck_has(relay.sink->commands, "MAIL FROM:<ann@client.example>");
        ck_has(relay.sink->commands, "RCPT TO:<someone@away.example>");
        on("smtp-alias-first-only");
        send_to("ann@client.example", "both@test.example");
        ck_assert_uint_eq(count(relay.world.user1), 2);
        ck_assert_uint_eq(count(relay.world.user2), 1);
        on("smtp-alias-changes-sender");
        send_to("ann@client.example", "both@test.example");
        ck_assert(newest_has("Return-Path: <both@test.example>"));
    }
END_TEST

START_TEST(who_is_reached_twice_gets_it_once)
    {
        send_to("ann@client.example", "inner@test.example");
        ck_assert_uint_eq(count(relay.world.user1), 1);
        world_ask(&k, "MAIL FROM:<ann@client.example>\r\n", "250");
        world_ask(&k, "RCPT TO:<user1@test.example>\r\n", "250");
        world_ask(&k, "RCPT TO:<both@test.example>\r\n", "250");
        world_ask(&k, "DATA\r\n", "354");
        world_ask(&k, "Subject: x\r\n\r\n.\r\n", "250");
        ck_assert_uint_eq(count(relay.world.user1), 2);
    }
END_TEST

START_TEST(a_list_sends_for_its_owner)
    {
        send_to("user1@test.example", "friends@test.example");
        ck_assert_uint_eq(count(relay.world.user1), 1);
        ck_assert(newest_has("Return-Path: <boss@test.example>"));
        ck_assert(newest_has("From: Ann <ann@client.example>"));
        ck_has(relay.sink->commands, "MAIL FROM:<boss@test.example>");
        ck_has(relay.sink->commands, "RCPT TO:<ann@away.example>");
        on("smtp-list-keeps-sender");
        send_to("ann@client.example", "friends@test.example");
        ck_assert(newest_has("Return-Path: <ann@client.example>"));
        on("smtp-list-changes-from");
        send_to("ann@client.example", "friends@test.example");
        ck_assert(newest_has("\r\nFrom: <boss@test.example>"));
        on("smtp-list-not-to-author");
        send_to("user1@test.example", "friends@test.example");
        ck_assert_uint_eq(count(relay.world.user1), 3);
    }
END_TEST

START_TEST(a_person_and_a_list_in_one_transaction)
    {
        world_ask(&k, "MAIL FROM:<ann@client.example>\r\n", "250");
        world_ask(&k, "RCPT TO:<user2@test.example>\r\n", "250");
        world_ask(&k, "RCPT TO:<friends@test.example>\r\n", "250");
        world_ask(&k, "DATA\r\n", "354");
        world_ask(&k, "Subject: x\r\n\r\n.\r\n", "250");
        ck_assert_uint_eq(count(relay.world.user2), 1);
        ck_assert_uint_eq(count(relay.world.user1), 1);
        ck_assert(newest_has("Return-Path: <boss@test.example>"));
    }
END_TEST

/* What got 452 comes again: nobody may have it already. RFC 5321, 6.1. */
START_TEST(lists_and_people_share_one_outcome)
    {
        set("list", "few=boss2@test.example:user2");
        set("quota-messages", "user2=1");
        send_to("ann@client.example", "user2@test.example");
        for (int i = 0; i < 2; i++) {
            world_ask(&k, "MAIL FROM:<ann@client.example>\r\n", "250");
            world_ask(&k, "RCPT TO:<user1@test.example>\r\n", "250");
            world_ask(&k, "RCPT TO:<friends@test.example>\r\n", "250");
            world_ask(&k, "RCPT TO:<few@test.example>\r\n", "250");
            world_ask(&k, "DATA\r\n", "354");
            world_ask(&k, "Subject: x\r\n\r\n.\r\n", i == 0 ? "452 4.2.2" : "250");
            relay_settle(&relay);
            ck_assert_uint_eq(count(relay.world.user1), i == 0 ? 0 : 2);
            ck_assert_uint_eq(relay.sink->transactions, i == 0 ? 0 : 1);
            set("quota-messages", "user2=2");
        }
        ck_assert_uint_eq(count(relay.world.user2), 2);
    }
END_TEST

/* RFC 2033, 4.2: a reply for each RCPT that was taken, however many people are behind it. */
START_TEST(lmtp_knows_the_names_and_answers_for_each_once)
    {
        struct world_client l;
        smtp_world_hello(&relay.world, &l, SERVICE_LMTP);
        world_expect(&l, "EXPN friends\r\n",
                     "250-2.1.5 <user1@test.example>\r\n250 2.1.5 <ann@away.example>\r\n");
        for (int bdat = 0; bdat < 2; bdat++) {
            world_ask(&l, "MAIL FROM:<ann@client.example>\r\n", "250");
            world_ask(&l, "RCPT TO:<nobody@test.example>\r\n", "550");
            world_ask(&l, "RCPT TO:<both@test.example>\r\n", "250");
            world_ask(&l, "RCPT TO:<user2@test.example>\r\n", "250");
            world_ask(&l, "RCPT TO:<friends@test.example>\r\n", "250");
            world_ask(&l, "RCPT TO:<ann@away.example>\r\n", "550");
            if (bdat == 0)
                world_ask(&l, "DATA\r\n", "354");
            world_forget(&l);
            world_text(&l, bdat == 0 ? "Subject: x\r\n\r\n.\r\n"
                                     : "BDAT 14 LAST\r\nSubject: x\r\n\r\n");
            const char *heard = world_hear(&l, "<friends@test.example>\r\n");
            const char *first = strstr(heard, "<both@test.example>\r\n250 2.0.0 ");
            ck_assert_msg(first != NULL && strstr(first, "<user2@test.example>\r\n250 2.0.0 "),
                          "%s", heard);
            world_expect(&l, "NOOP\r\n", "250 2.0.0 Ok\r\n");
        }
        relay_settle(&relay);
        ck_assert_uint_eq(count(relay.world.user1), 4);
        ck_assert_uint_eq(count(relay.world.user2), 4);
        ck_assert_uint_eq(relay.sink->transactions, 4);
        ck_has(relay.sink->commands, "MAIL FROM:<boss@test.example>");
        world_hang_up(&l);
    }
END_TEST

START_TEST(lmtp_tells_which_of_them_failed)
    {
        struct world_client l;
        smtp_world_hello(&relay.world, &l, SERVICE_LMTP);
        set("quota-messages", "user2=1");
        send_to("ann@client.example", "user2@test.example");
        world_ask(&l, "MAIL FROM:<ann@client.example>\r\n", "250");
        world_ask(&l, "RCPT TO:<both@test.example>\r\n", "250");
        world_ask(&l, "RCPT TO:<friends@test.example>\r\n", "250");
        world_ask(&l, "DATA\r\n", "354");
        world_forget(&l);
        world_text(&l, "Subject: x\r\n\r\n.\r\n");
        ck_has(world_hear(&l, "<friends@test.example>\r\n"),
               "452 4.2.2 The mailbox is full <both@test.example>\r\n250 2.0.0 ");
        relay_settle(&relay);
        ck_assert_uint_eq(count(relay.world.user1), 1);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        world_hang_up(&l);
    }
END_TEST

/* RFC 5321, 4.5.1 and 4.1.3. */
START_TEST(postmaster_alone_and_our_address_are_ours)
    {
        set("alias", "postmaster=user2");
        world_expect(&k, "EXPN <postmaster>\r\n", "250 2.1.5 <user2@test.example>\r\n");
        send_to("ann@client.example", "Postmaster");
        ck_assert_uint_eq(count(relay.world.user1), 0);
        ck_assert_uint_eq(count(relay.world.user2), 1);
        snprintf(relay.world.server.conns->local, sizeof relay.world.server.conns->local,
                 "192.0.2.1");
        send_to("ann@client.example", "both@[192.0.2.1]");
        ck_assert_uint_eq(count(relay.world.user2), 2);
        world_ask(&k, "MAIL FROM:<ann@client.example>\r\n", "250");
        world_ask(&k, "RCPT TO:<both@[192.0.2.2]>\r\n", "550");
    }
END_TEST

START_TEST(circles_reach_nobody)
    {
        world_ask(&k, "MAIL FROM:<ann@client.example>\r\n", "250");
        world_ask(&k, "RCPT TO:<circle@test.example>\r\n", "554 5.4.6");
    }
END_TEST

START_TEST(expn_names_the_members)
    {
        world_expect(&k, "EXPN both\r\n",
                     "250-2.1.5 <user1@test.example>\r\n250-2.1.5 <user2@test.example>\r\n"
                     "250 2.1.5 <someone@away.example>\r\n");
        world_expect(&k, "EXPN <friends@test.example>\r\n",
                     "250-2.1.5 <user1@test.example>\r\n250 2.1.5 <ann@away.example>\r\n");
        world_expect(&k, "EXPN user1\r\n", "250 2.1.5 <user1@test.example>\r\n");
        world_ask(&k, "VRFY friends\r\n", "250 2.1.5 <friends");
        on("smtp-expn-first-member");
        world_expect(&k, "EXPN both\r\n", "250 2.1.5 <user1@test.example>\r\n");
    }
END_TEST

START_TEST(settings_that_are_none_are_told)
    {
        struct err err;
        ck_assert_int_eq(policy_set(&relay.world.server.policy, "list", "a=b,c", &err), -1);
        ck_assert_ptr_nonnull(strstr(err.text, "OWNER"));
        ck_assert_int_eq(policy_set(&relay.world.server.policy, "alias", "=b", &err), -1);
        set("alias", "default");
        world_ask(&k, "MAIL FROM:<ann@client.example>\r\n", "250");
        world_ask(&k, "RCPT TO:<both@test.example>\r\n", "550 5.1.1");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("smtp alias");
    TCase *t = tcase_create("alias");
    tcase_add_checked_fixture(t, start, stop);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, an_alias_reaches_all_and_keeps_the_sender);
    tcase_add_test(t, who_is_reached_twice_gets_it_once);
    tcase_add_test(t, a_list_sends_for_its_owner);
    tcase_add_test(t, a_person_and_a_list_in_one_transaction);
    tcase_add_test(t, lists_and_people_share_one_outcome);
    tcase_add_test(t, lmtp_knows_the_names_and_answers_for_each_once);
    tcase_add_test(t, lmtp_tells_which_of_them_failed);
    tcase_add_test(t, postmaster_alone_and_our_address_are_ours);
    tcase_add_test(t, circles_reach_nobody);
    tcase_add_test(t, expn_names_the_members);
    tcase_add_test(t, settings_that_are_none_are_told);
    suite_add_tcase(s, t);
    return relay_main(s);
}
