/* Two sessions on one mailbox: who is told what, and when. SPDX-License-Identifier: MIT */
#include "imap/session.h"

static void both_select(void)
{
    imap_fill(3);
    imap_find(&ann, "SELECT INBOX", "3 RECENT");
    imap_find(&bob, "SELECT INBOX", "0 RECENT");
}

START_TEST(expunge_waits_for_a_command_that_may_carry_it)
    {
        both_select();
        imap_find(&bob, "STORE 1 +FLAGS.SILENT \\Deleted", "a OK");
        imap_expect(&bob, "EXPUNGE", "* 1 EXPUNGE\r\na OK Done\r\n");
        imap_expect(&ann, "FETCH 1:* UID",
                    "* 2 FETCH (UID 2)\r\n* 3 FETCH (UID 3)\r\n"
                    "a NO [EXPUNGEISSUED] Some of the messages are gone\r\n");
        imap_expect(&ann, "SEARCH ALL", "* SEARCH 2 3\r\na OK Done\r\n");
        imap_find(&ann, "STORE 1 +FLAGS \\Seen", "a NO [EXPUNGEISSUED]");
        imap_find(&ann, "STORE 1:2 +FLAGS.SILENT \\Seen", "a OK");
        imap_find(&ann, "COPY 1:2 INBOX", "* 1 EXPUNGE\r\na NO [EXPUNGEISSUED]");
        imap_expect(&ann, "FETCH 1:* UID",
                    "* 1 FETCH (UID 2)\r\n* 2 FETCH (UID 3)\r\na OK Done\r\n");
        imap_find(&ann, "FETCH 3 UID", "a BAD");
    }
END_TEST

START_TEST(each_expunge_counts_from_the_one_before)
    {
        both_select();
        imap_find(&bob, "STORE 1:2 +FLAGS.SILENT \\Deleted", "a OK");
        imap_expect(&bob, "EXPUNGE", "* 1 EXPUNGE\r\n* 1 EXPUNGE\r\na OK Done\r\n");
        imap_expect(&ann, "NOOP", "* 1 EXPUNGE\r\n* 1 EXPUNGE\r\na OK Done\r\n");
    }
END_TEST

START_TEST(flags_and_keywords_of_others_are_told)
    {
        both_select();
        imap_expect(&bob, "STORE 2 +FLAGS (\\Flagged kw)",
                    "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft kw)\r\n"
                    "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft kw \\*)] "
                    "Keywords may be made\r\n"
                    "* 2 FETCH (FLAGS (\\Flagged kw))\r\na OK Done\r\n");
        imap_expect(&ann, "NOOP",
                    "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft kw)\r\n"
                    "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft kw \\*)] "
                    "Keywords may be made\r\n"
                    "* 2 FETCH (FLAGS (\\Flagged \\Recent kw))\r\na OK Done\r\n");
        imap_expect(&ann, "NOOP", "a OK Done\r\n");
        imap_expect(&bob, "STORE 2 FLAGS.SILENT ()", "a OK Done\r\n");
        imap_expect(&ann, "STORE 1 +FLAGS.SILENT \\Seen",
                    "* 2 FETCH (FLAGS (\\Recent))\r\na OK Done\r\n");
    }
END_TEST

START_TEST(new_messages_are_recent_in_one_session)
    {
        both_select();
        imap_fill(1);
        imap_expect(&ann, "NOOP", "* 4 EXISTS\r\n* 4 RECENT\r\na OK Done\r\n");
        imap_expect(&bob, "NOOP", "* 4 EXISTS\r\n* 0 RECENT\r\na OK Done\r\n");
    }
END_TEST

START_TEST(idle_tells_at_once)
    {
        both_select();
        world_expect(&ann, "a IDLE\r\n", "+ Idling\r\n");
        imap_find(&bob, "STORE 3 +FLAGS.SILENT \\Deleted", "a OK");
        ck_assert_str_eq(world_hear(&ann, "\r\n* 3 FETCH (FLAGS (\\Deleted \\Recent))\r\n"),
                         "+ Idling\r\n* 3 FETCH (FLAGS (\\Deleted \\Recent))\r\n");
        imap_find(&bob, "EXPUNGE", "a OK");
        world_hear(&ann, "* 3 EXPUNGE\r\n");
        imap_fill(1);
        world_hear(&ann, "* 3 EXISTS\r\n* 3 RECENT\r\n");
        world_expect(&ann, "done\r\nb IDLE\r\nDONE\r\n", "a OK Done\r\n+ Idling\r\nb OK Done\r\n");
        world_expect(&ann, "a IDLE\r\nNOOP\r\n", "+ Idling\r\na BAD Expected DONE\r\n");
    }
END_TEST

START_TEST(idle_without_a_mailbox)
    {
        world_expect(&ann, "a IDLE\r\nDONE\r\n", "+ Idling\r\na OK Done\r\n");
    }
END_TEST

START_TEST(a_deleted_mailbox_is_an_empty_one)
    {
        imap_expect(&ann, "CREATE x", "a OK Done\r\n");
        world_add(world.server.store, world.server.loop, world.user1->id, "x", "\r\nhello", 0);
        imap_find(&ann, "SELECT x", "1 EXISTS");
        imap_find(&bob, "DELETE x", "a OK");
        imap_find(&ann, "FETCH 1 FLAGS", "a NO [EXPUNGEISSUED]");
        imap_find(&ann, "STORE 1 +FLAGS \\Seen", "a NO");
        imap_find(&ann, "EXPUNGE", "a OK");
        imap_find(&ann, "NOOP", "a OK");
        imap_find(&ann, "CLOSE", "a OK");
    }
END_TEST

START_TEST(append_to_the_selected_mailbox_is_told_at_once)
    {
        imap_uidvalidity("INBOX", 77);
        imap_find(&ann, "SELECT INBOX", "0 EXISTS");
        imap_expect(&ann, "APPEND INBOX (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {7+}\r\n\r\nhello",
                    "* 1 EXISTS\r\n* 1 RECENT\r\na OK [APPENDUID 77 1] Appended\r\n");
        imap_expect(
            &ann, "FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)",
            "* 1 FETCH (FLAGS (\\Seen \\Recent) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
            "RFC822.SIZE 7)\r\na OK Done\r\n");
        imap_expect(&ann, "APPEND INBOX {3+}\r\nA:b () {3+}\r\nC:d",
                    "* 3 EXISTS\r\n* 3 RECENT\r\na OK [APPENDUID 77 2:3] Appended\r\n");
        imap_find(&ann, "APPEND INBOX {0+}\r\n", "a BAD");
        imap_find(&ann, "APPEND INBOX ~{3+}\r\nabc", "a BAD");
    }
END_TEST

START_TEST(copy_and_move)
    {
        both_select();
        imap_expect(&ann, "CREATE x", "a OK Done\r\n");
        imap_uidvalidity("x", 88);
        imap_find(&ann, "STORE 2 +FLAGS.SILENT (\\Flagged)", "a OK");
        imap_expect(&ann, "COPY 2:3 x", "a OK [COPYUID 88 2:3 1:2] Copied\r\n");
        imap_expect(
            &ann, "UID MOVE 1,3,9 x",
            "* OK [COPYUID 88 1,3 3:4] Moved\r\n* 1 EXPUNGE\r\n* 2 EXPUNGE\r\na OK Done\r\n");
        imap_expect(&ann, "UID COPY 9:* x", "a OK [COPYUID 88 2 5] Copied\r\n");
        imap_find(&ann, "COPY 1 nowhere", "a NO [TRYCREATE]");
        imap_find(&ann, "UID COPY 99 nowhere", "a NO [TRYCREATE]");
        imap_find(&ann, "SELECT x", "5 EXISTS");
        imap_find(&ann, "FETCH 1 FLAGS", "* 1 FETCH (FLAGS (\\Flagged \\Recent))");
    }
END_TEST

START_TEST(uid_expunge_takes_only_its_uids)
    {
        both_select();
        imap_find(&ann, "STORE 1:3 +FLAGS.SILENT \\Deleted", "a OK");
        imap_expect(&ann, "UID EXPUNGE 2:3", "* 2 EXPUNGE\r\n* 2 EXPUNGE\r\na OK Done\r\n");
        imap_find(&ann, "UNSELECT", "a OK");
        imap_find(&ann, "SELECT INBOX", "1 EXISTS");
        imap_expect(&ann, "CLOSE", "a OK Closed\r\n");
        imap_find(&ann, "SELECT INBOX", "0 EXISTS");
    }
END_TEST

START_TEST(examine_changes_nothing)
    {
        imap_fill(1);
        imap_find(&ann, "EXAMINE INBOX", "* 1 RECENT");
        imap_find(&ann, "FETCH 1 BODY[]", "a OK");
        imap_find(&ann, "STORE 1 +FLAGS \\Deleted", "a NO");
        imap_find(&ann, "EXPUNGE", "a NO");
        imap_find(&ann, "MOVE 1 INBOX", "a NO");
        imap_find(&ann, "CLOSE", "a OK");
        imap_find(&bob, "SELECT INBOX", "* 1 RECENT");
        imap_find(&bob, "FETCH 1 FLAGS", "* 1 FETCH (FLAGS (\\Recent))");
    }
END_TEST

START_TEST(a_failed_select_deselects)
    {
        imap_fill(1);
        imap_find(&ann, "SELECT INBOX", "a OK");
        imap_find(&ann, "SELECT nowhere", "a NO [NONEXISTENT]");
        imap_find(&ann, "FETCH 1 FLAGS", "a BAD");
    }
END_TEST

START_TEST(recent_cannot_be_stored)
    {
        imap_fill(1);
        imap_find(&ann, "SELECT INBOX", "a OK");
        imap_find(&ann, "STORE 1 FLAGS (\\Recent \\Odd)", "* 1 FETCH (FLAGS (\\Recent))");
        imap_find(&bob, "SELECT INBOX", "a OK");
        imap_find(&bob, "STORE 1 +FLAGS (\\Recent)", "* 1 FETCH (FLAGS ())");
    }
END_TEST

/* Far more changes at once than a change ring keeps. */
START_TEST(ten_thousand_messages_go_and_come)
    {
        struct append_message *list = calloc(10000, sizeof *list);
        struct world_done d = {.done = false};
        imap_find(&ann, "SELECT INBOX", "a OK");
        for (int i = 0; i < 10000; i++) {
            list[i] =
                (struct append_message){.data = (unsigned char *)strdup("A: b\r\n\r\nc"), .len = 9};
        }
        store_append(world.server.store, world.user1->id, "INBOX", list, 10000, NULL, world_done,
                     &d);
        world_wait(world.server.loop, &d);
        free(list);
        imap_expect(&ann, "NOOP", "* 10000 EXISTS\r\n* 10000 RECENT\r\na OK Done\r\n");
        imap_find(&bob, "SELECT INBOX", "a OK");
        imap_find(&bob, "STORE 1:9999 +FLAGS.SILENT \\Deleted", "a OK");
        imap_find(&bob, "EXPUNGE", "a OK");
        imap_find(&ann, "UID FETCH 1:* UID",
                  "* 10000 FETCH (UID 10000)\r\n* 1 EXPUNGE\r\n* 1 EXPUNGE");
        imap_expect(&ann, "UID FETCH 1:* UID", "* 1 FETCH (UID 10000)\r\na OK Done\r\n");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("imap view");
    TCase *t = tcase_create("view");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, imap_setup, imap_teardown);
    tcase_add_test(t, expunge_waits_for_a_command_that_may_carry_it);
    tcase_add_test(t, each_expunge_counts_from_the_one_before);
    tcase_add_test(t, flags_and_keywords_of_others_are_told);
    tcase_add_test(t, new_messages_are_recent_in_one_session);
    tcase_add_test(t, idle_tells_at_once);
    tcase_add_test(t, idle_without_a_mailbox);
    tcase_add_test(t, a_deleted_mailbox_is_an_empty_one);
    tcase_add_test(t, append_to_the_selected_mailbox_is_told_at_once);
    tcase_add_test(t, copy_and_move);
    tcase_add_test(t, uid_expunge_takes_only_its_uids);
    tcase_add_test(t, examine_changes_nothing);
    tcase_add_test(t, a_failed_select_deselects);
    tcase_add_test(t, recent_cannot_be_stored);
    tcase_add_test(t, ten_thousand_messages_go_and_come);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
