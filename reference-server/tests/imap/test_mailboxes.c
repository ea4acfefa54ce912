/* Names: CREATE, DELETE, RENAME, LIST, LSUB, STATUS. SPDX-License-Identifier: MIT */
#include "imap/session.h"

START_TEST(create_makes_the_levels_above)
    {
        imap_expect(&ann, "CREATE a/b/c/", "a OK Done\r\n");
        imap_expect(&ann, "LIST \"\" a*",
                    "* LIST (\\HasChildren) \"/\" a\r\n* LIST (\\HasChildren) \"/\" a/b\r\n"
                    "* LIST (\\HasNoChildren) \"/\" a/b/c\r\na OK Done\r\n");
        imap_find(&ann, "CREATE a/b", "a NO [ALREADYEXISTS]");
        imap_find(&ann, "CREATE inbox", "a NO [ALREADYEXISTS]");
    }
END_TEST

static const char *const bad_names[] = {"\"\"",    "/a",       "a//b",  "\"a*b\"",
                                        "\"a%b\"", "\"&AOQ\"", "&AGE-", "&AOQ-&APY-"};

START_TEST(names_that_cannot_be)
    {
        char line[100];
        snprintf(line, sizeof line, "CREATE %s", bad_names[_i]);
        imap_find(&ann, line, "a NO [CANNOT]");
    }
END_TEST

START_TEST(a_name_comes_back_as_it_was_given)
    {
        imap_expect(&ann, "CREATE Entw&APw-rfe/a&-b", "a OK Done\r\n");
        imap_find(&ann, "LIST \"\" Entw&APw-*", "\"/\" Entw&APw-rfe/a&-b\r\n");
        imap_expect(&ann, "CREATE \"two words\"", "a OK Done\r\n");
        imap_find(&ann, "LIST \"\" *", "\"/\" \"two words\"\r\n");
        imap_find(&ann, "CREATE {3+}\r\nx\xc3\xa4", "a NO [CANNOT]");
    }
END_TEST

static const struct {
    const char *line, *names; /* separated by spaces */
} lists[] = {
    {"LIST \"\" *", "INBOX a a/b a/b/c b"},
    {"LIST \"\" %", "INBOX a b"},
    {"LIST \"\" a/%", "a/b"},
    {"LIST \"\" %/%", "a/b"},
    {"LIST \"\" *c", "a/b/c"},
    {"LIST a/ %", "a/b"},
    {"LIST a/ *", "a/b a/b/c"},
    {"LIST \"\" inbox", "INBOX"},
    {"LIST \"\" iN%", "INBOX"},
    {"LIST \"\" A", ""},
    {"LIST \"\" a*b*c", "a/b/c"},
    {"LIST \"\" a%c", ""},
    {"LIST \"\" x", ""},
    {"LIST \"\" \"\"", "\"\""},
    {"LIST a/b \"\"", "\"\""},
    {"LIST \"\" ***************************************************************z", ""},
};

START_TEST(list_patterns)
    {
        imap_expect(&ann, "CREATE a/b/c", "a OK Done\r\n");
        imap_expect(&ann, "CREATE b", "a OK Done\r\n");
        char tagged[200], found[400] = "";
        snprintf(tagged, sizeof tagged, "a %s", lists[_i].line);
        const char *p = imap_say(&ann, "a", tagged);
        while ((p = strstr(p, "\"/\" ")) != NULL) {
            const char *end = strstr(p, "\r\n");
            snprintf(found + strlen(found), sizeof found - strlen(found), "%s%.*s",
                     found[0] != '\0' ? " " : "", (int)(end - p - 4), p + 4);
            p = end;
        }
        ck_assert_msg(strcmp(found, lists[_i].names) == 0, "%s: %s and not %s", lists[_i].line,
                      found, lists[_i].names);
    }
END_TEST

START_TEST(subscriptions_outlive_mailboxes)
    {
        imap_expect(&ann, "CREATE foo/bar", "a OK Done\r\n");
        imap_expect(&ann, "SUBSCRIBE foo/bar", "a OK Done\r\n");
        imap_expect(&ann, "LSUB \"\" *", "* LSUB (\\HasNoChildren) \"/\" foo/bar\r\na OK Done\r\n");
        imap_expect(&ann, "LSUB \"\" %",
                    "* LSUB (\\Noselect \\HasChildren) \"/\" foo\r\na OK Done\r\n");
        imap_expect(&ann, "DELETE foo/bar", "a OK Done\r\n");
        imap_find(&ann, "LSUB \"\" *", "\"/\" foo/bar\r\n");
        imap_expect(&ann, "UNSUBSCRIBE foo/bar", "a OK Done\r\n");
        imap_expect(&ann, "LSUB \"\" *", "a OK Done\r\n");
    }
END_TEST

START_TEST(delete_leaves_what_is_below)
    {
        imap_expect(&ann, "CREATE a/b", "a OK Done\r\n");
        imap_expect(&ann, "DELETE a", "a OK Done\r\n");
        imap_expect(&ann, "LIST \"\" a%",
                    "* LIST (\\Noselect \\HasChildren) \"/\" a\r\na OK Done\r\n");
        imap_find(&ann, "SELECT a", "a NO");
        imap_find(&ann, "STATUS a (MESSAGES)", "a NO");
        imap_find(&ann, "DELETE a", "a NO");
        imap_find(&ann, "DELETE a/b", "a OK");
        imap_find(&ann, "DELETE inbox", "a NO");
        imap_find(&ann, "DELETE nowhere", "a NO [NONEXISTENT]");
    }
END_TEST

START_TEST(rename_takes_what_is_below_along)
    {
        imap_expect(&ann, "CREATE a/b", "a OK Done\r\n");
        imap_expect(&ann, "RENAME a x/y", "a OK Done\r\n");
        imap_find(&ann, "LIST \"\" *", "\"/\" x/y/b\r\n");
        imap_lacks(&ann, "LIST \"\" *", "\"/\" a");
        imap_find(&ann, "RENAME nowhere z", "a NO [NONEXISTENT]");
        imap_find(&ann, "RENAME x INBOX", "a NO [ALREADYEXISTS]");
    }
END_TEST

START_TEST(rename_of_inbox_moves_its_messages)
    {
        imap_fill(2);
        imap_expect(&ann, "RENAME inbox old", "a OK Done\r\n");
        imap_expect(&ann, "STATUS old (MESSAGES)", "* STATUS old (MESSAGES 2)\r\na OK Done\r\n");
        imap_expect(&ann, "STATUS INBOX (MESSAGES)",
                    "* STATUS INBOX (MESSAGES 0)\r\na OK Done\r\n");
    }
END_TEST

START_TEST(status_counts)
    {
        imap_fill(3);
        imap_uidvalidity("INBOX", 77);
        imap_find(&ann, "SELECT INBOX", "a OK");
        imap_find(&ann, "STORE 2 +FLAGS.SILENT \\Seen", "a OK");
        imap_expect(&bob, "STATUS inbox (UNSEEN UIDVALIDITY UIDNEXT RECENT MESSAGES)",
                    "* STATUS INBOX (UNSEEN 2 UIDVALIDITY 77 UIDNEXT 4 RECENT 0 MESSAGES 3)\r\n"
                    "a OK Done\r\n");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("imap mailboxes");
    TCase *t = tcase_create("mailboxes");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, imap_setup, imap_teardown);
    tcase_add_test(t, create_makes_the_levels_above);
    tcase_add_loop_test(t, names_that_cannot_be, 0, sizeof bad_names / sizeof *bad_names);
    tcase_add_test(t, a_name_comes_back_as_it_was_given);
    tcase_add_loop_test(t, list_patterns, 0, sizeof lists / sizeof *lists);
    tcase_add_test(t, subscriptions_outlive_mailboxes);
    tcase_add_test(t, delete_leaves_what_is_below);
    tcase_add_test(t, rename_takes_what_is_below_along);
    tcase_add_test(t, rename_of_inbox_moves_its_messages);
    tcase_add_test(t, status_counts);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
