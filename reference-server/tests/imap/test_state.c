/* Sessions: states, tags, literals, limits, logins. SPDX-License-Identifier: MIT */
#include "imap/session.h"

START_TEST(commands_belong_to_states)
    {
        struct world_client k;
        imap_connect(&k);
        imap_find(&k, "SELECT INBOX", "a BAD Log in first");
        imap_find(&k, "FETCH 1 FLAGS", "a BAD");
        imap_find(&k, "LOGIN user1 wrong", "a NO [AUTHENTICATIONFAILED]");
        imap_find(&k, "LOGIN nobody wrong",
                  "a NO [AUTHENTICATIONFAILED] Name or password is wrong");
        imap_find(&k, "LOGIN \"user1\" pass", "a OK [CAPABILITY IMAP4rev1 ");
        imap_find(&k, "LOGIN user1 pass", "a BAD");
        imap_find(&k, "FETCH 1 FLAGS", "a BAD Select a mailbox first");
        imap_find(&k, "CLOSE", "a BAD");
        imap_find(&k, "NOOP", "a OK");
        world_hang_up(&k);
    }
END_TEST

static const struct {
    const char *line, *answer;
} wrong[] = {
    {"a\r\n", "a BAD Arguments are missing\r\n"},
    {"\r\n", "* BAD Arguments are missing\r\n"},
    {"a \r\n", "a BAD Arguments are missing\r\n"},
    {"a  NOOP\r\n", "a BAD Expected an atom\r\n"},
    {" NOOP\r\n", "* BAD This is no tag\r\n"},
    {"+ NOOP\r\n", "* BAD This is no tag\r\n"},
    {"a+b NOOP\r\n", "* BAD Expected one space here\r\n"},
    {"a NOOP \r\n", "a BAD There is more behind the last argument\r\n"},
    {"a NOOP\n\r\n", "a BAD There is more behind the last argument\r\n"},
    {"a XYZZY\r\n", "a BAD There is no such command\r\n"},
    {"a UID NOOP\r\n", "a BAD There is no such command\r\n"},
    {"a UID\r\n", "a BAD Arguments are missing\r\n"},
    {"a SELECT  INBOX\r\n", "a BAD Expected a string\r\n"},
    {"a SELECT\tINBOX\r\n", "a BAD Expected one space here\r\n"},
    {"a LIST \"\"\r\n", "a BAD Arguments are missing\r\n"},
    {"a STATUS INBOX ()\r\n", "a BAD Expected a name\r\n"},
    {"a STATUS INBOX (FOO)\r\n", "a BAD There is no such STATUS item\r\n"},
};

START_TEST(wrong_commands_get_bad)
    {
        world_expect(&ann, wrong[_i].line, wrong[_i].answer);
        world_expect(&ann, "T.1] NOOP\r\n", "T.1] OK Done\r\n");
    }
END_TEST

START_TEST(nul_gets_bad)
    {
        world_forget(&ann);
        world_say(&ann, "a NO\0OP\r\n", 9);
        world_hear(&ann, "\r\n");
        ck_assert_int_eq(strncmp(ann.heard, "a BAD", 5), 0);
        world_forget(&ann);
        world_say(&ann, "b SELECT {5+}\r\nIN\0OX\r\n", 22);
        world_hear(&ann, "\r\n");
        ck_assert_int_eq(strncmp(ann.heard, "b BAD NUL", 9), 0);
    }
END_TEST

START_TEST(a_literal_is_invited_or_refused)
    {
        world_expect(&ann, "a STATUS {5}\r\n", "+ Go ahead\r\n");
        world_expect(&ann, "inbox (MESSAGES)\r\n", "* STATUS INBOX (MESSAGES 0)\r\na OK Done\r\n");
        world_expect(&ann, "a NOOP {5}\r\n", "a BAD There is more behind the last argument\r\n");
        world_expect(&ann, "a XYZZY {5}\r\n", "a BAD There is no such command\r\n");
        world_expect(&ann, "a SELECT {70000}\r\n",
                     "a NO [TOOBIG] The literal is larger than the server takes\r\n");
        world_expect(&ann, "a APPEND nowhere {5}\r\n",
                     "a NO [TRYCREATE] There is no such mailbox\r\n");
        /* Octets that are on their way already are no commands. */
        world_expect(&ann, "a XYZZY {9+}\r\nb LOGOUT\n\r\n", "a BAD There is no such command\r\n");
        world_expect(&ann, "a APPEND nowhere {8+}\r\nb LOGOUT\r\n",
                     "a NO [TRYCREATE] There is no such mailbox\r\n");
        world_expect(&ann, "a NOOP\r\n", "a OK Done\r\n");
    }
END_TEST

START_TEST(a_whole_session_at_every_cut)
    {
        static const char said[] = "a LOGIN {5+}\r\nuser1 \"pass\"\r\nb STATUS inbox (MESSAGES)\r\n"
                                   "c LOGOUT\r\n";
        for (size_t cut = 1; cut < strlen(said); cut++) {
            struct world_client k;
            imap_connect(&k);
            world_say(&k, said, cut);
            world_round(&k);
            world_say(&k, said + cut, strlen(said) - cut);
            const char *heard = world_hear(&k, NULL);
            const char *after = strstr(heard, "Logged in\r\n");
            ck_assert_msg(after != NULL &&
                              strcmp(after, "Logged in\r\n* STATUS INBOX (MESSAGES 0)\r\n"
                                            "b OK Done\r\n* BYE Until next time\r\n"
                                            "c OK Logged out\r\n") == 0,
                          "cut at %zu: %s", cut, heard);
            world_hang_up(&k);
        }
    }
END_TEST

START_TEST(pipelined_commands_run_in_order)
    {
        imap_fill(2);
        imap_uidvalidity("INBOX", 77);
        world_expect(&ann,
                     "a EXAMINE INBOX\r\nb SELECT INBOX\r\nc STORE 1 +FLAGS.SILENT (\\Seen)\r\n"
                     "d FETCH 1:2 FLAGS\r\n",
                     "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n"
                     "* OK [PERMANENTFLAGS ()] Nothing can be changed here\r\n"
                     "* 2 EXISTS\r\n* 2 RECENT\r\n"
                     "* OK [UNSEEN 1] The first unseen one\r\n"
                     "* OK [UIDVALIDITY 77] UIDs hold while this does\r\n"
                     "* OK [UIDNEXT 3] The next UID is not below this\r\n"
                     "a OK [READ-ONLY] Look, but do not touch\r\n"
                     "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n"
                     "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] "
                     "Keywords may be made\r\n"
                     "* 2 EXISTS\r\n* 2 RECENT\r\n"
                     "* OK [UNSEEN 1] The first unseen one\r\n"
                     "* OK [UIDVALIDITY 77] UIDs hold while this does\r\n"
                     "* OK [UIDNEXT 3] The next UID is not below this\r\n"
                     "b OK [READ-WRITE] Selected\r\n"
                     "c OK Done\r\n"
                     "* 1 FETCH (FLAGS (\\Seen \\Recent))\r\n"
                     "* 2 FETCH (FLAGS (\\Recent))\r\n"
                     "d OK Done\r\n");
    }
END_TEST

START_TEST(a_long_line_is_read_past)
    {
        char *line = malloc(70000);
        memset(line, 'x', 70000);
        memcpy(line, "a ", 2);
        world_say(&ann, line, 70000);
        world_expect(&ann, "\r\n", "a BAD [TOOBIG] The line is too long\r\n");
        world_expect(&ann, "a NOOP\r\n", "a OK Done\r\n");
        for (int i = 0; i < 20 && !ann.ended; i++) {
            world_say(&ann, line, 70000);
        }
        world_hear(&ann, NULL);
        ck_assert_int_eq(strncmp(ann.heard + ann.len - 32, "* BYE The line is far too long", 30),
                         0);
        free(line);
    }
END_TEST

START_TEST(too_many_mistakes_end_the_session)
    {
        for (int i = 0; i < 60; i++) {
            world_text(&ann, "a XYZZY\r\n");
        }
        ck_assert_ptr_nonnull(strstr(world_hear(&ann, NULL), "* BYE Too many commands were wrong"));
    }
END_TEST

START_TEST(too_many_logins_end_the_session)
    {
        struct world_client k;
        imap_connect(&k);
        for (int i = 0; i < 9; i++) {
            world_text(&k, "a LOGIN user1 wrong\r\n");
        }
        ck_assert_ptr_nonnull(strstr(world_hear(&k, NULL), "* BYE Too many logins failed"));
        world_hang_up(&k);
    }
END_TEST

START_TEST(authenticate_plain)
    {
        struct world_client k;
        imap_connect(&k);
        world_expect(&k, "a AUTHENTICATE XYZZY\r\n", "a NO There is no such mechanism here\r\n");
        world_expect(&k, "a AUTHENTICATE PLAIN\r\n", "+ \r\n");
        world_expect(&k, "*\r\n", "a BAD Cancelled\r\n");
        world_expect(&k, "a AUTHENTICATE PLAIN\r\n", "+ \r\n");
        world_expect(&k, "!!!\r\n", "a BAD That is not base64\r\n");
        world_expect(&k, "a AUTHENTICATE PLAIN AHVzZXIxAHdyb25n\r\n",
                     "a NO [AUTHENTICATIONFAILED] The login was refused\r\n");
        world_expect(&k, "a AUTHENTICATE plain\r\n", "+ \r\n");
        imap_say(&k, "a", "AHVzZXIxAHBhc3M=");
        ck_assert_int_eq(strncmp(k.heard, "a OK [CAPABILITY ", 17), 0);
        world_hang_up(&k);
    }
END_TEST

START_TEST(no_password_in_clear_where_that_is_forbidden)
    {
        struct world_client k;
        world.server.plaintext_login = false;
        imap_connect(&k);
        imap_find(&k, "CAPABILITY", " LOGINDISABLED");
        imap_find(&k, "LOGIN user1 pass", "a NO [PRIVACYREQUIRED]");
        world_expect(&k, "a LOGIN {5}\r\n",
                     "a NO [PRIVACYREQUIRED] A password is taken under TLS only\r\n");
        world_hang_up(&k);
    }
END_TEST

START_TEST(starttls_and_what_changes)
    {
        struct world_client k;
        world_start_tls(&world);
        world.server.plaintext_login = false;
        imap_connect(&k);
        imap_find(&k, "CAPABILITY", " STARTTLS");
        imap_find(&k, "STARTTLS x", "a BAD");
        world_expect(&k, "a STARTTLS\r\nb LOGOUT\r\n", "a OK Begin TLS now\r\n");
        ck_assert(world_handshake(&k, 0));
        imap_lacks(&k, "CAPABILITY", "STARTTLS");
        imap_lacks(&k, "CAPABILITY", "LOGINDISABLED");
        imap_find(&k, "STARTTLS", "a BAD");
        imap_find(&k, "LOGIN user1 pass", "a OK");
        world_hang_up(&k);
    }
END_TEST

START_TEST(silence_of_thirty_minutes_ends_the_session)
    {
        clock_advance(world.server.clock, (int64_t)29 * 60 * 1000);
        world_expect(&ann, "a NOOP\r\n", "a OK Done\r\n");
        clock_advance(world.server.clock, (int64_t)31 * 60 * 1000);
        ck_assert_ptr_nonnull(strstr(world_hear(&ann, NULL), "* BYE You were silent for too long"));
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("imap state");
    TCase *t = tcase_create("state");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, imap_setup, imap_teardown);
    tcase_add_test(t, commands_belong_to_states);
    tcase_add_loop_test(t, wrong_commands_get_bad, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(t, nul_gets_bad);
    tcase_add_test(t, a_literal_is_invited_or_refused);
    tcase_add_test(t, a_whole_session_at_every_cut);
    tcase_add_test(t, pipelined_commands_run_in_order);
    tcase_add_test(t, a_long_line_is_read_past);
    tcase_add_test(t, too_many_mistakes_end_the_session);
    tcase_add_test(t, too_many_logins_end_the_session);
    tcase_add_test(t, authenticate_plain);
    tcase_add_test(t, no_password_in_clear_where_that_is_forbidden);
    tcase_add_test(t, starttls_and_what_changes);
    tcase_add_test(t, silence_of_thirty_minutes_ends_the_session);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
