/* Rules as sessions meet them. SPDX-License-Identifier: MIT */
#include "control/rule.h"
#include "world.h"

static struct world w;
static struct world_client c;
static struct err err;

static void begin(void)
{
    world_start(&w);
}

static void end(void)
{
    rule_remove(0);
    world_stop(&w);
    ck_assert_ptr_null(rule_first()); /* no session has kept one */
}

static void rule(const char *text)
{
    ck_assert_msg(rule_add_text(text, &err) == 0, "%s: %s", text, err.text);
}

static void smtp(void)
{
    world_connect(&w, &c, SERVICE_SMTP, &smtp_protocol, false);
    world_hear(&c, "\r\n");
    world_ask(&c, "HELO x\r\n", "250 ");
}

static void lines(const char *const *say)
{
    for (; *say != NULL; say += 2)
        world_ask(&c, say[0], say[1]);
}

static void leave(void)
{
    world_hang_up(&c);
}

START_TEST(a_command_is_answered_and_does_not_happen)
    {
        rule("match=MAIL reply=\"451 4.3.0 Later\" times=1");
        smtp();
        lines((const char *const[]){"MAIL FROM:<a@x.example>\r\n", "451 4.3.0 Later\r\n",
                                    "RCPT TO:<user1@test.example>\r\n", "503 ",
                                    "MAIL FROM:<a@x.example>\r\n", "250 ", NULL});
        leave();
    }
END_TEST

START_TEST(a_reply_has_as_many_lines_as_it_says)
    {
        rule("match=NOOP reply=\"250-one\\n250 two\"");
        smtp();
        world_expect(&c, "NOOP\r\n", "250-one\r\n250 two\r\n");
        leave();
    }
END_TEST

START_TEST(the_nth_command_of_the_nth_session)
    {
        rule("protocol=smtp session=2 match=NOOP command=2 reply=\"500 now\"");
        for (int session = 1; session <= 3; session++) {
            struct world_client other;
            world_connect(&w, &other, SERVICE_POP3, &pop3_protocol, false); /* does not count */
            smtp();
            for (int i = 1; i <= 3; i++) {
                world_ask(&c, "RSET\r\n", "250 ");
                world_ask(&c, "NOOP\r\n", session == 2 && i == 2 ? "500 now" : "250 ");
            }
            leave();
            world_hang_up(&other);
        }
    }
END_TEST

START_TEST(a_fault_happens_at_its_command_only)
    {
        ck_assert_int_eq(rule_add_fault("smtp-unknown-command-250@session=1,command=3", &err), 0);
        smtp(); /* HELO was the first */
        lines((const char *const[]){"WHAT\r\n", "500 ", "WHAT\r\n", "250 ", "WHAT\r\n", "500 ",
                                    NULL});
        leave();
        smtp();
        lines((const char *const[]){"WHAT\r\n", "500 ", "WHAT\r\n", "500 ", NULL});
        leave();
    }
END_TEST

START_TEST(a_fault_happens_as_often_as_it_is_told)
    {
        ck_assert_int_eq(rule_add_fault("smtp-unknown-command-250@match=WH*,times=2", &err), 0);
        smtp();
        lines((const char *const[]){"WHAT\r\n", "250 ", "NOSUCH\r\n", "500 ", "WHERE\r\n", "250 ",
                                    "WHAT\r\n", "500 ", NULL});
        leave();
    }
END_TEST

/* Greylisting: the first attempt for each recipient. */
START_TEST(times_may_be_counted_for_each_recipient)
    {
        rule("match=RCPT rcpt=*@test.example times=1 per=rcpt reply=\"450 4.2.0 Greylisted\"");
        for (int i = 0; i < 2; i++) {
            smtp();
            const char *first = i == 0 ? "450 4.2.0" : "250 ";
            lines((const char *const[]){"MAIL FROM:<>\r\n", "250 ",
                                        "RCPT TO:<user1@test.example>\r\n", first,
                                        "RCPT TO:<USER2@test.example>\r\n", first, NULL});
            leave();
        }
    }
END_TEST

START_TEST(the_end_of_the_text_can_be_answered_for_one_recipient)
    {
        rule("match=. rcpt=user2@* reply=\"552 5.2.2 Full\"");
        smtp();
        lines((const char *const[]){"MAIL FROM:<>\r\n", "250 ", "RCPT TO:<user1@test.example>\r\n",
                                    "250 ", "DATA\r\n", "354 ", "A: b\r\n\r\n.\r\n", "250 ",
                                    "MAIL FROM:<>\r\n", "250 ", "RCPT TO:<user2@test.example>\r\n",
                                    "250 ", "DATA\r\n", "354 ", "A: b\r\n\r\n.\r\n", "552 5.2.2",
                                    "RCPT TO:<user1@x.test>\r\n", "503 ", NULL});
        leave();
        struct mailbox *m;
        ck_assert_int_eq(mailbox_open(w.server.store, w.user2->id, "INBOX", &m), 0);
        ck_assert_uint_eq(m->count, 0);
        mailbox_close(m);
    }
END_TEST

START_TEST(in_lmtp_each_recipient_has_its_answer)
    {
        rule("service=lmtp match=. reply=\"451 4.3.0 No\"");
        world_connect(&w, &c, SERVICE_LMTP, &smtp_protocol, false);
        world_hear(&c, "\r\n");
        world_forget(&c);
        world_text(&c, "LHLO x\r\n");
        world_hear(&c, "250 HELP\r\n");
        lines((const char *const[]){"MAIL FROM:<>\r\n", "250 ", "RCPT TO:<user1@test.example>\r\n",
                                    "250 ", "RCPT TO:<user2@test.example>\r\n", "250 ", "DATA\r\n",
                                    "354 ", NULL});
        world_expect(&c, ".\r\n", "451 4.3.0 No\r\n451 4.3.0 No\r\n");
        leave();
    }
END_TEST

/* The octets of the chunk are no commands, whatever was answered. */
START_TEST(a_chunk_is_read_past)
    {
        rule("match=BDAT reply=\"452 4.3.1 No room\" times=1");
        smtp();
        lines((const char *const[]){"MAIL FROM:<>\r\n", "250 ", "RCPT TO:<user1@test.example>\r\n",
                                    "250 ", NULL});
        world_expect(&c, "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
                     "452 4.3.1 No room\r\n250 2.0.0 Ok\r\n");
        leave();
    }
END_TEST

START_TEST(the_greeting_can_be_another)
    {
        rule("match=greeting reply=\"554 5.3.2 Not here\" times=1");
        world_connect(&w, &c, SERVICE_SMTP, &smtp_protocol, false);
        ck_assert_str_eq(world_hear(&c, "\r\n"), "554 5.3.2 Not here\r\n");
        leave();
        smtp();
        leave();
    }
END_TEST

START_TEST(the_first_attempts_are_dropped)
    {
        rule("match=greeting drop times=2");
        for (int i = 0; i < 2; i++) {
            world_connect(&w, &c, SERVICE_POP3, &pop3_protocol, false);
            ck_assert_str_eq(world_hear(&c, NULL), "");
            leave();
        }
        smtp();
        leave();
    }
END_TEST

START_TEST(a_connection_is_closed_after_the_reply_or_without_one)
    {
        rule("match=NOOP reply=\"421 4.3.2 Bye\" drop times=1");
        rule("match=RSET reset");
        smtp();
        world_forget(&c);
        world_text(&c, "NOOP\r\n");
        ck_assert_str_eq(world_hear(&c, NULL), "421 4.3.2 Bye\r\n");
        leave();
        smtp();
        world_forget(&c);
        world_text(&c, "RSET\r\n");
        ck_assert_str_eq(world_hear(&c, NULL), "");
        leave();
    }
END_TEST

START_TEST(a_reply_is_cut_off)
    {
        rule("match=EHLO truncate=7 drop times=1");
        rule("match=NOOP truncate=0");
        smtp();
        world_forget(&c);
        world_text(&c, "EHLO x\r\n");
        ck_assert_str_eq(world_hear(&c, NULL), "250-mai");
        leave();
        smtp(); /* nothing is closed: the next answer is whole */
        world_expect(&c, "NOOP\r\nRSET\r\n", "250 2.0.0 Forgotten\r\n");
        leave();
    }
END_TEST

START_TEST(an_answer_is_late)
    {
        rule("match=NOOP delay=600");
        smtp();
        long from = world_now_ms();
        world_ask(&c, "NOOP\r\n", "250 ");
        ck_assert_int_ge(world_now_ms() - from, 590);
        from = world_now_ms();
        world_ask(&c, "RSET\r\n", "250 ");
        ck_assert_int_lt(world_now_ms() - from, 590);
        leave();
    }
END_TEST

START_TEST(output_goes_at_a_rate)
    {
        rule("match=HELP throttle=100 reply=\"214 twenty-octets-here\"");
        smtp();
        long from = world_now_ms();
        world_ask(&c, "HELP\r\n", "214 "); /* 24 octets, one of them at once */
        long took = world_now_ms() - from;
        ck_assert_msg(took >= 180 && took < 2000, "%ld ms", took);
        leave();
    }
END_TEST

START_TEST(imap_commands_are_answered_with_their_tag)
    {
        rule("protocol=imap match=\"LOGIN user1\" reply=\"* BAD news\\nNO [UNAVAILABLE] Later\" "
             "times=1");
        rule("protocol=imap user=user1 match=NOOP reply=\"BAD no\"");
        world_connect(&w, &c, SERVICE_IMAP, &imap_protocol, false);
        world_hear(&c, "\r\n");
        world_expect(&c, "a login user1 pass\r\n", "* BAD news\r\na NO [UNAVAILABLE] Later\r\n");
        world_ask(&c, "n NOOP\r\n", "n OK");
        world_ask(&c, "b LOGIN user1 pass\r\n", "b OK");
        world_ask(&c, "n NOOP\r\n", "n BAD no");
        leave();
    }
END_TEST

START_TEST(pop3_commands_are_answered)
    {
        rule("protocol=pop3 match=STAT reply=\"-ERR [SYS/TEMP] Later\" command=2");
        world_connect(&w, &c, SERVICE_POP3, &pop3_protocol, false);
        world_hear(&c, "\r\n");
        lines((const char *const[]){"USER user1\r\n", "+OK", "PASS pass\r\n", "+OK", "STAT\r\n",
                                    "+OK", "STAT\r\n", "-ERR [SYS/TEMP] Later\r\n", "STAT\r\n",
                                    "+OK", NULL});
        leave();
    }
END_TEST

START_TEST(capabilities_come_and_go)
    {
        rule("protocol=smtp remove=pipelining,SIZE add=\"XONE 1,XTWO\"");
        rule("protocol=imap remove=LITERAL+ add=X1");
        rule("protocol=pop3 replace=\"TOP,X2 y\"");
        smtp();
        world_forget(&c);
        world_text(&c, "EHLO x\r\n");
        const char *heard = world_hear(&c, "250-XONE 1\r\n250 XTWO\r\n");
        ck_assert(strstr(heard, "PIPELINING") == NULL && strstr(heard, "SIZE") == NULL);
        ck_assert_ptr_nonnull(strstr(heard, "8BITMIME"));
        leave();
        world_connect(&w, &c, SERVICE_IMAP, &imap_protocol, false);
        heard = world_hear(&c, "\r\n");
        ck_assert_msg(strstr(heard, "LITERAL+") == NULL && strstr(heard, " X1") != NULL, "%s",
                      heard);
        leave();
        world_connect(&w, &c, SERVICE_POP3, &pop3_protocol, false);
        world_hear(&c, "\r\n");
        world_forget(&c);
        world_text(&c, "CAPA\r\n");
        heard = world_hear(&c, ".\r\n");
        ck_assert_msg(strstr(heard, "\r\nTOP\r\nX2 y\r\n.\r\n") != NULL, "%s", heard);
        leave();
    }
END_TEST

START_TEST(a_rule_that_is_taken_away_no_longer_fires)
    {
        rule("match=NOOP reply=\"500 no\"");
        smtp();
        world_ask(&c, "NOOP\r\n", "500 no");
        rule_remove(0);
        world_ask(&c, "NOOP\r\n", "250 ");
        rule("match=NOOP reply=\"501 no\""); /* one that is new is for old sessions too */
        world_ask(&c, "NOOP\r\n", "501 no");
        leave();
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("script");
    TCase *t = tcase_create("script");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, a_command_is_answered_and_does_not_happen);
    tcase_add_test(t, a_reply_has_as_many_lines_as_it_says);
    tcase_add_test(t, the_nth_command_of_the_nth_session);
    tcase_add_test(t, a_fault_happens_at_its_command_only);
    tcase_add_test(t, a_fault_happens_as_often_as_it_is_told);
    tcase_add_test(t, times_may_be_counted_for_each_recipient);
    tcase_add_test(t, the_end_of_the_text_can_be_answered_for_one_recipient);
    tcase_add_test(t, in_lmtp_each_recipient_has_its_answer);
    tcase_add_test(t, a_chunk_is_read_past);
    tcase_add_test(t, the_greeting_can_be_another);
    tcase_add_test(t, the_first_attempts_are_dropped);
    tcase_add_test(t, a_connection_is_closed_after_the_reply_or_without_one);
    tcase_add_test(t, a_reply_is_cut_off);
    tcase_add_test(t, an_answer_is_late);
    tcase_add_test(t, output_goes_at_a_rate);
    tcase_add_test(t, imap_commands_are_answered_with_their_tag);
    tcase_add_test(t, pop3_commands_are_answered);
    tcase_add_test(t, capabilities_come_and_go);
    tcase_add_test(t, a_rule_that_is_taken_away_no_longer_fires);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
