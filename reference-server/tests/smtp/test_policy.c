/* What whoever runs the server may choose, as SMTP clients see it.
 * SPDX-License-Identifier: MIT */
#include "smtp_world.h"

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
    smtp_world_hello(&w, &c, SERVICE_SMTP);
}

static void end(void)
{
    world_hang_up(&c);
    world_stop(&w);
}

static void envelope(void)
{
    world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "250");
    world_ask(&c, "RCPT TO:<user1@test.example>\r\n", "250");
}

static void data(const char *text, const char *answer)
{
    envelope();
    world_ask(&c, "DATA\r\n", "354");
    world_ask(&c, text, answer);
}

static void bdat(const char *text, const char *answer)
{
    char command[32];
    envelope();
    snprintf(command, sizeof command, "BDAT %zu LAST\r\n", strlen(text));
    world_text(&c, command);
    world_ask(&c, text, answer);
}

/* What was stored last, from its first own field on. */
static void stored(const char *text)
{
    char *all = smtp_world_newest(&w, w.user1, NULL);
    const char *own = strstr(all, "Subject:");
    ck_assert_ptr_nonnull(own);
    ck_assert_str_eq(own, text);
    free(all);
}

/* --- bare CR and LF --- */

static const char bare[] = "Subject: x\n\nline\n.\nmore\rlast\r\n";

START_TEST(bare_line_ends_are_refused_by_default)
    {
        data("Subject: x\n\nline\n.\nmore\r\n.\r\n", "550 5.5.2");
        data("Subject: x\r\n\r\nmore\rlast\r\n.\r\n", "550 5.5.2");
        bdat(bare, "550 5.5.2");
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 0);
    }
END_TEST

START_TEST(or_they_become_line_ends_and_end_nothing)
    {
        set("bare-lf", "normalize");
        data("Subject: x\n\nmore\rlast\r\n.\r\n", "550 5.5.2"); /* of CR nothing was said */
        set("bare-cr", "normalize");
        data("Subject: x\n\nline\n.\nmore\rlast\r\n.\r\n", "250");
        stored("Subject: x\r\n\r\nline\r\n.\r\nmore\r\nlast\r\n");
        bdat(bare, "250");
        stored("Subject: x\r\n\r\nline\r\n.\r\nmore\r\nlast\r\n");
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 2);
    }
END_TEST

START_TEST(or_are_kept_and_end_nothing)
    {
        set("bare-lf", "accept");
        set("bare-cr", "accept");
        data("Subject: x\n\nline\n.\nmore\rlast\r\n.\r\n", "250");
        stored(bare);
        bdat(bare, "250");
        stored(bare);
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 2);
    }
END_TEST

START_TEST(text_that_grows_past_the_limit_is_too_large)
    {
        set("bare-lf", "normalize");
        world_hang_up(&c);
        w.server.limits.message_bytes = 24;
        smtp_world_hello(&w, &c, SERVICE_SMTP);
        bdat("Subject: x\n\n12345678\n", "250");
        bdat("Subject: x\n\n123456789\n", "552 5.3.4");
        data("Subject: x\n\n123456789\r\n.\r\n", "552 5.3.4");
    }
END_TEST

/* --- XCLIENT --- */

static void begin_trusted(void)
{
    world_start(&w);
    set("xclient-from", "127.0.0.0/8");
    smtp_world_hello(&w, &c, SERVICE_SMTP);
}

START_TEST(strangers_are_not_offered_xclient)
    {
        world_forget(&c);
        world_text(&c, "EHLO client.example\r\n");
        ck_assert_ptr_null(strstr(world_hear(&c, "250 HELP\r\n"), "XCLIENT"));
        world_ask(&c, "XCLIENT ADDR=192.0.2.1\r\n", "550 5.7.0");
    }
END_TEST

START_TEST(xclient_makes_another_client_of_it)
    {
        ck_assert_ptr_nonnull(
            strstr(c.heard, "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n"));
        world_ask(&c, "XCLIENT NAME=far.example ADDR=192.0.2.1 PORT=1234 HELO=helo.example\r\n",
                  "220 mail.test.example ESMTP");
        ck_assert_uint_eq(w.server.conns->peer_port, 1234);
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "503"); /* as before any hello */
        world_ask(&c, "XCLIENT DESTADDR=IPV6:2001:db8::5 DESTPORT=26 PROTO=smtp\r\n", "220");
        ck_assert_uint_eq(w.server.conns->local_port, 26);
        world_forget(&c);
        world_text(&c, "EHLO again.example\r\n");
        world_hear(&c, "250 HELP\r\n");
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "250");
        world_ask(&c, "XCLIENT ADDR=192.0.2.2\r\n", "503 5.5.1");
        world_ask(&c, "RCPT TO:<user1@[IPv6:2001:db8::5]>\r\n", "250");
        world_ask(&c, "DATA\r\n", "354");
        world_ask(&c, "Subject: x\r\n\r\nx\r\n.\r\n", "250");
        char *text = smtp_world_newest(&w, w.user1, NULL);
        ck_assert_msg(strstr(text, "from helo.example (far.example [192.0.2.1])\r\n\tby "
                                   "mail.test.example with SMTP id") != NULL,
                      "%s", text);
        free(text);
    }
END_TEST

START_TEST(xclient_logs_in_and_out)
    {
        world_ask(&c, "XCLIENT LOGIN=user1 ADDR=[UNAVAILABLE] NAME=[TEMPUNAVAIL]\r\n", "220");
        world_ask(&c, "EHLO x\r\n", "250");
        world_hear(&c, "250 HELP\r\n");
        world_ask(&c, "AUTH PLAIN\r\n", "503 5.5.1");
        ck_assert_str_eq(w.server.conns->peer, "unknown");
        world_ask(&c, "XCLIENT LOGIN=[unavailable]\r\n", "220");
        world_ask(&c, "EHLO x\r\n", "250");
        world_hear(&c, "250 HELP\r\n");
        world_ask(&c, "AUTH PLAIN\r\n", "334");
    }
END_TEST

static const char *const bad_xclients[] = {
    "XCLIENT",
    "XCLIENT ADDR",
    "XCLIENT ADDR=",
    "XCLIENT ADDR=host.example",
    "XCLIENT ADDR=2001:db8::1",
    "XCLIENT PORT=65536",
    "XCLIENT PORT=+31x",
    "XCLIENT NAME=a+",
    "XCLIENT NAME=a(b",
    "XCLIENT NAME=a  PORT=1",
    "XCLIENT PROTO=HTTP",
    "XCLIENT LOGIN=nobody",
    "XCLIENT FAVOURITE=1",
    "XCLIENT NAME=a+00b",
};

START_TEST(wrong_xclients_change_nothing)
    {
        char line[100];
        snprintf(line, sizeof line, "%s\r\n", bad_xclients[_i]);
        world_ask(&c, line, "501 5.5.4");
        ck_assert_str_eq(w.server.conns->peer, "127.0.0.1");
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "250");
    }
END_TEST

/* --- submission --- */

static void begin_submission(void)
{
    world_start(&w);
    smtp_world_hello(&w, &c, SERVICE_SUBMISSION);
    world_ask(&c, "AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "235");
}

START_TEST(any_sender_will_do_by_default)
    {
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "250");
    }
END_TEST

START_TEST(a_sender_has_to_be_the_users_where_that_is_asked)
    {
        set("sender-must-match", "envelope");
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "550 5.7.1");
        world_ask(&c, "MAIL FROM:<user2@test.example>\r\n", "550 5.7.1");
        world_ask(&c, "MAIL FROM:<>\r\n", "250");
        world_ask(&c, "RSET\r\n", "250");
        world_ask(&c, "MAIL FROM:<USER1+tag@TEST.example>\r\n", "250");
        world_ask(&c, "RSET\r\n", "250");
        /* Port 25 relays for others: it does not ask. */
        world_hang_up(&c);
        smtp_world_hello(&w, &c, SERVICE_SMTP);
        world_ask(&c, "MAIL FROM:<a@client.example>\r\n", "250");
    }
END_TEST

static void submit(const char *header, const char *answer)
{
    char text[400];
    world_ask(&c, "MAIL FROM:<user1@test.example>\r\n", "250");
    world_ask(&c, "RCPT TO:<user1@test.example>\r\n", "250");
    world_ask(&c, "DATA\r\n", "354");
    snprintf(text, sizeof text, "%s\r\nx\r\n.\r\n", header);
    world_ask(&c, text, answer);
}

START_TEST(a_domain_is_completed_where_that_is_asked)
    {
        world_ask(&c, "MAIL FROM:<user1>\r\n", "501");
        set("submission-domain", "complete");
        world_ask(&c, "MAIL FROM:<user1> SIZE=10\r\n", "250");
        world_ask(&c, "RCPT TO:<user1>\r\n", "250");
        world_ask(&c, "RCPT TO:<nobody>\r\n", "501"); /* only what is there afterwards */
        world_ask(&c, "RCPT TO:<user2> NOTIFY=NEVER\r\n", "250");
        world_ask(&c, "DATA\r\n", "354");
        world_ask(&c, "Subject: x\r\n\r\nx\r\n.\r\n", "250");
        char *text = smtp_world_newest(&w, w.user2, NULL);
        ck_assert_ptr_nonnull(strstr(text, "Return-Path: <user1@test.example>\r\n"));
        free(text);
        world_hang_up(&c);
        smtp_world_hello(&w, &c, SERVICE_SMTP); /* who relays is no user */
        world_ask(&c, "MAIL FROM:<user1>\r\n", "501");
    }
END_TEST

START_TEST(so_has_from_where_that_is_asked)
    {
        set("sender-must-match", "header");
        submit("From: A <a@client.example>\r\n", "550 5.7.1");
        submit("Subject: x\r\n", "550 5.7.1");
        submit("From: A <a@client.example>,\r\n B <user1@test.example>\r\n", "250");
        submit("From: A <a@client.example>\r\nSender: user1@test.example\r\n", "250");
    }
END_TEST

static bool newest_has(const char *field)
{
    char *text = smtp_world_newest(&w, w.user1, NULL);
    bool found = strstr(text, field) != NULL;
    free(text);
    return found;
}

START_TEST(what_is_missing_is_added_or_left)
    {
        submit("From: A <a@client.example>\r\n", "250");
        ck_assert(newest_has("\nDate: ") && newest_has("\nMessage-ID: <"));
        ck_assert(!newest_has("\nSender: "));
        submit("From: a@client.example\r\nDate: now\r\nMessage-ID: <mine@x>\r\n", "250");
        ck_assert(newest_has("\nDate: now\r\nMessage-ID: <mine@x>\r\n\r\n"));
        set("submission-date", "leave");
        set("submission-message-id", "leave");
        set("submission-sender", "add");
        submit("From: A <a@client.example>\r\n", "250");
        ck_assert(!newest_has("\nDate: ") && !newest_has("\nMessage-ID: "));
        ck_assert(newest_has("\nSender: <user1@test.example>\r\n"));
        submit("From: User <user1@test.example>\r\n", "250");
        ck_assert(!newest_has("\nSender: "));
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("smtp policy");
    TCase *t = tcase_create("bare");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, bare_line_ends_are_refused_by_default);
    tcase_add_test(t, or_they_become_line_ends_and_end_nothing);
    tcase_add_test(t, or_are_kept_and_end_nothing);
    tcase_add_test(t, text_that_grows_past_the_limit_is_too_large);
    suite_add_tcase(s, t);
    t = tcase_create("xclient");
    tcase_add_checked_fixture(t, begin_trusted, end);
    tcase_add_test(t, xclient_makes_another_client_of_it);
    tcase_add_test(t, xclient_logs_in_and_out);
    tcase_add_loop_test(t, wrong_xclients_change_nothing, 0,
                        (int)(sizeof bad_xclients / sizeof *bad_xclients));
    suite_add_tcase(s, t);
    t = tcase_create("strangers");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, strangers_are_not_offered_xclient);
    suite_add_tcase(s, t);
    t = tcase_create("submission");
    tcase_add_checked_fixture(t, begin_submission, end);
    tcase_add_test(t, any_sender_will_do_by_default);
    tcase_add_test(t, a_sender_has_to_be_the_users_where_that_is_asked);
    tcase_add_test(t, a_domain_is_completed_where_that_is_asked);
    tcase_add_test(t, so_has_from_where_that_is_asked);
    tcase_add_test(t, what_is_missing_is_added_or_left);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
