/* Quotas over all protocols, and how much may come in a minute.
 * SPDX-License-Identifier: MIT */
#include "smtp_world.h"

#include "net/guard.h"

static struct world w;
static struct world_client c;

static void set(const char *name, const char *value)
{
    struct err err;
    ck_assert_msg(policy_set(&w.server.policy, name, value, &err) == 0, "%s", err.text);
}

static void begin(void)
{
    world_start(&w);
    w.server.guard = guard_new();
    smtp_world_hello(&w, &c, SERVICE_SMTP);
}

static void end(void)
{
    struct guard *g = w.server.guard;
    world_hang_up(&c);
    world_stop(&w);
    guard_free(g);
}

static void again(enum service service)
{
    world_hang_up(&c);
    smtp_world_hello(&w, &c, service);
}

static void send_to(const char *const *users, const char *text, const char *answer)
{
    char line[100];
    world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "250");
    for (; *users != NULL; users++) {
        snprintf(line, sizeof line, "RCPT TO:<%s@test.example>\r\n", *users);
        world_ask(&c, line, "250");
    }
    world_ask(&c, "DATA\r\n", "354");
    world_forget(&c);
    world_text(&c, text);
    world_text(&c, "\r\n.\r\n");
    world_hear(&c, "\r\n");
    ck_assert_msg(strncmp(c.heard, answer, strlen(answer)) == 0, "heard \"%s\", not \"%s\"",
                  c.heard, answer);
}

static const char *const one[] = {"user1", NULL}, *const both[] = {"user2", "user1", NULL};

START_TEST(a_full_mailbox_is_told_at_rcpt)
    {
        set("quota-messages", "user1=1");
        send_to(one, "Subject: x\r\n\r\nx", "250");
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "250");
        world_ask(&c, "RCPT TO:<user1@test.example>\r\n", "452 4.2.2");
        world_ask(&c, "RCPT TO:<user2@test.example>\r\n", "250");
        set("quota-reply", "permanent");
        world_ask(&c, "RCPT TO:<user1@test.example>\r\n", "552 5.2.2");
        set("quota-messages", "user1=2"); /* as if something had been removed */
        world_ask(&c, "RCPT TO:<user1@test.example>\r\n", "250");
    }
END_TEST

START_TEST(a_message_that_does_not_fit_is_told_when_it_is_there)
    {
        char text[600];
        memset(text, 'x', sizeof text);
        memcpy(text, "Subject: x\r\n\r\n", 14);
        text[sizeof text - 1] = '\0';
        set("quota-bytes", "user1=600");
        send_to(one, text, "452 4.2.2");
        set("quota-reply", "permanent");
        send_to(one, text, "552 5.2.2");
        send_to(both, text, "552 5.2.2"); /* all or none */
        ck_assert_uint_eq(smtp_world_count(&w, w.user1) + smtp_world_count(&w, w.user2), 0);
        send_to(one, "Subject: x\r\n\r\nshort", "250");
    }
END_TEST

START_TEST(lmtp_answers_for_each_recipient)
    {
        char text[600];
        memset(text, 'x', sizeof text);
        memcpy(text, "Subject: x\r\n\r\n", 14);
        text[sizeof text - 1] = '\0';
        set("quota-bytes", "user1=600");
        again(SERVICE_LMTP);
        send_to(both, text, "250 ");
        if (strstr(c.heard, "452 4.2.2") == NULL)
            world_hear(&c, "<user1@test.example>\r\n");
        ck_assert_ptr_nonnull(strstr(c.heard, "\r\n452 4.2.2 "));
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 0);
        ck_assert_uint_eq(smtp_world_count(&w, w.user2), 1);
    }
END_TEST

static void imap(const char *line, const char *answer)
{
    world_forget(&c);
    world_text(&c, line);
    world_hear(&c, "\r\n");
    while (strncmp(c.heard, "* ", 2) == 0 && strstr(c.heard, "\r\na ") == NULL)
        world_round(&c);
    ck_assert_msg(strstr(c.heard, answer) != NULL, "to \"%s\" heard \"%s\"", line, c.heard);
}

START_TEST(imap_says_overquota)
    {
        world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", "Subject: x\r\n\r\nx\r\n",
                  0);
        world_hang_up(&c);
        world_connect(&w, &c, SERVICE_IMAP, &imap_protocol, false);
        world_hear(&c, "\r\n");
        imap("a LOGIN user1 pass\r\n", "a OK");
        imap("a CREATE box\r\n", "a OK");
        imap("a SELECT INBOX\r\n", "a OK");
        set("quota-messages", "user1=1");
        imap("a APPEND INBOX {1+}\r\nx\r\n", "a NO [OVERQUOTA]");
        imap("a COPY 1 box\r\n", "a NO [OVERQUOTA]");
        imap("a MOVE 1 box\r\n", "a OK"); /* that adds nothing */
        set("quota-messages", "default");
        imap("a APPEND INBOX {1+}\r\nx\r\n", "a OK");
    }
END_TEST

/* --- so much in a minute --- */

START_TEST(an_address_has_its_share_of_a_minute)
    {
        w.server.limits.messages_per_minute = 2;
        send_to(one, "x", "250");
        send_to(one, "x", "250");
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "451 4.7.1");
        again(SERVICE_SMTP); /* another connection does not help */
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "451 4.7.1");
        clock_advance(w.server.clock, 61000);
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "250");
    }
END_TEST

START_TEST(recipients_are_counted_too)
    {
        w.server.limits.recipients_per_minute = 2;
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "250");
        world_ask(&c, "RCPT TO:<user1@test.example>\r\n", "250");
        world_ask(&c, "RCPT TO:<user2@test.example>\r\n", "250");
        world_ask(&c, "RCPT TO:<user2@test.example>\r\n", "451 4.7.1");
        clock_advance(w.server.clock, 60001);
        world_ask(&c, "RCPT TO:<user2@test.example>\r\n", "250");
    }
END_TEST

/* The user comes from two addresses: the proxy says so. */
START_TEST(a_user_has_one_share_at_all_addresses)
    {
        w.server.limits.messages_per_minute = 1;
        set("xclient-from", "127.0.0.1");
        again(SERVICE_SMTP);
        world_ask(&c, "XCLIENT ADDR=192.0.2.1 LOGIN=user1\r\n", "220");
        world_text(&c, "EHLO x\r\n");
        world_hear(&c, "250 HELP\r\n");
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "250");
        world_ask(&c, "RSET\r\n", "250");
        world_ask(&c, "XCLIENT ADDR=192.0.2.2\r\n", "220");
        world_text(&c, "EHLO x\r\n");
        world_hear(&c, "250 HELP\r\n");
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "451 4.7.1");
        world_ask(&c, "XCLIENT LOGIN=user2\r\n", "220");
        world_text(&c, "EHLO x\r\n");
        world_hear(&c, "250 HELP\r\n");
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "250");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("quota");
    TCase *t = tcase_create("full");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, a_full_mailbox_is_told_at_rcpt);
    tcase_add_test(t, a_message_that_does_not_fit_is_told_when_it_is_there);
    tcase_add_test(t, lmtp_answers_for_each_recipient);
    tcase_add_test(t, imap_says_overquota);
    suite_add_tcase(s, t);
    t = tcase_create("rates");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, an_address_has_its_share_of_a_minute);
    tcase_add_test(t, recipients_are_counted_too);
    tcase_add_test(t, a_user_has_one_share_at_all_addresses);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
