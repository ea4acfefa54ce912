/* IMAP4rev2 and what it took in: ENABLE, LIST with options, saved searches, BINARY.
 * SPDX-License-Identifier: MIT */
#include "imap/session.h"

static void enable(struct world_client *k)
{
    imap_expect(k, "ENABLE IMAP4rev2 XYZZY", "* ENABLED IMAP4rev2\r\na OK Done\r\n");
}

START_TEST(enable_says_what_is_new)
    {
        imap_expect(&ann, "ENABLE XYZZY NAMESPACE", "* ENABLED\r\na OK Done\r\n");
        enable(&ann);
        imap_expect(&ann, "ENABLE imap4rev2", "* ENABLED\r\na OK Done\r\n");
        imap_find(&ann, "ENABLE", "a BAD");
        imap_find(&ann, "CAPABILITY", "IMAP4rev1 IMAP4rev2 ");
    }
END_TEST

START_TEST(select_lists_and_closes)
    {
        imap_fill(1);
        imap_uidvalidity("INBOX", 77);
        enable(&ann);
        static const char opened[] =
            "* LIST (\\HasNoChildren) \"/\" \"INBOX\"\r\n"
            "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n"
            "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Keywords "
            "may be "
            "made\r\n* 1 EXISTS\r\n* OK [UIDVALIDITY 77] UIDs hold while this does\r\n"
            "* OK [UIDNEXT 2] The next UID is not below this\r\na OK [READ-WRITE] Selected\r\n";
        imap_expect(&ann, "SELECT inbox", opened);
        imap_expect(&ann, "FETCH 1 FLAGS", "* 1 FETCH (FLAGS ())\r\na OK Done\r\n");
        char again[1000];
        snprintf(again, sizeof again, "* OK [CLOSED] What follows is about another mailbox\r\n%s",
                 opened);
        imap_expect(&ann, "SELECT INBOX", again);
    }
END_TEST

START_TEST(unasked_fetch_has_the_uid)
    {
        imap_fill(2);
        enable(&ann);
        imap_find(&ann, "SELECT INBOX", "a OK");
        imap_find(&bob, "SELECT INBOX", "a OK");
        imap_find(&bob, "STORE 2 +FLAGS.SILENT \\Seen", "a OK");
        imap_expect(&ann, "NOOP", "* 2 FETCH (UID 2 FLAGS (\\Seen))\r\na OK Done\r\n");
        imap_fill(1);
        imap_expect(&ann, "NOOP", "* 3 EXISTS\r\na OK Done\r\n");
    }
END_TEST

START_TEST(search_answers_with_esearch)
    {
        imap_fill(3);
        enable(&ann);
        imap_find(&ann, "SELECT INBOX", "a OK");
        imap_expect(&ann, "SEARCH ALL", "* ESEARCH (TAG \"a\") ALL 1:3\r\na OK Done\r\n");
        imap_expect(&ann, "UID SEARCH SEEN", "* ESEARCH (TAG \"a\") UID\r\na OK Done\r\n");
        imap_expect(&ann, "SEARCH RETURN (COUNT) ALL",
                    "* ESEARCH (TAG \"a\") COUNT 3\r\na OK Done\r\n");
        imap_expect(&ann, "SEARCH SUBJECT {3+}\r\n\xc3\xa4x",
                    "* ESEARCH (TAG \"a\")\r\na OK Done\r\n");
        imap_expect(&ann, "SEARCH SUBJECT \"\xc3\xa4\"", "* ESEARCH (TAG \"a\")\r\na OK Done\r\n");
        imap_find(&ann, "SEARCH SUBJECT \"\xc3\"", "a BAD");
    }
END_TEST

START_TEST(a_search_is_saved)
    {
        imap_fill(4);
        imap_find(&ann, "SELECT INBOX", "a OK");
        imap_expect(&ann, "FETCH $ UID", "a OK Done\r\n");
        imap_expect(&ann, "SEARCH RETURN (SAVE) 2:4", "a OK Done\r\n");
        imap_expect(&ann, "FETCH $ UID",
                    "* 2 FETCH (UID 2)\r\n* 3 FETCH (UID 3)\r\n* 4 FETCH (UID 4)\r\na OK Done\r\n");
        imap_expect(&ann, "SEARCH $ UID 3", "* SEARCH 3\r\na OK Done\r\n");
        imap_expect(&ann, "SEARCH RETURN (MAX SAVE) ALL",
                    "* ESEARCH (TAG \"a\") MAX 4\r\na OK Done\r\n");
        imap_expect(&ann, "UID SEARCH UID $", "* SEARCH 4\r\na OK Done\r\n");
        imap_expect(&ann, "SEARCH RETURN (MIN COUNT SAVE) ALL",
                    "* ESEARCH (TAG \"a\") MIN 1 COUNT 4\r\na OK Done\r\n");
        imap_find(&ann, "SEARCH RETURN (SAVE) FOO", "a BAD");
        imap_find(&ann, "STORE $ +FLAGS.SILENT \\Flagged", "a OK");
        imap_expect(&ann, "SEARCH FLAGGED", "* SEARCH 1 2 3 4\r\na OK Done\r\n");
        imap_find(&ann, "STORE 1 +FLAGS.SILENT \\Deleted", "a OK");
        imap_find(&ann, "EXPUNGE", "* 1 EXPUNGE");
        imap_expect(&ann, "UID SEARCH $", "* SEARCH 2 3 4\r\na OK Done\r\n");
        imap_find(&ann, "SEARCH RETURN (SAVE) CHARSET X ALL", "a NO [BADCHARSET");
        imap_expect(&ann, "SEARCH $", "* SEARCH\r\na OK Done\r\n");
    }
END_TEST

START_TEST(names_are_utf8)
    {
        enable(&ann);
        imap_expect(&ann, "CREATE \"\xc3\xa4&\"", "a OK Done\r\n");
        imap_expect(&ann, "LIST \"\" \"\xc3\xa4%\"",
                    "* LIST (\\HasNoChildren) \"/\" \"\xc3\xa4&\"\r\na OK Done\r\n");
        imap_expect(&bob, "LIST \"\" &AOQ-*",
                    "* LIST (\\HasNoChildren) \"/\" &AOQ-&-\r\na OK Done\r\n");
        imap_find(&ann, "CREATE \"a\xcc\x88\"", "a NO [CANNOT]"); /* not in normal form C */
        imap_find(&ann, "CREATE {2+}\r\na\x01", "a NO [CANNOT]");
        imap_find(&ann, "CREATE {1+}\r\n\xc3", "a NO [CANNOT]");
    }
END_TEST

START_TEST(status_size_and_deleted)
    {
        imap_fill(2);
        imap_find(&ann, "SELECT INBOX", "a OK");
        imap_find(&ann, "STORE 2 +FLAGS.SILENT \\Deleted", "a OK");
        imap_expect(&bob, "STATUS INBOX (SIZE DELETED)",
                    "* STATUS INBOX (SIZE 88 DELETED 1)\r\na OK Done\r\n");
    }
END_TEST

static const struct {
    const char *line, *answer;
} lists[] = {
    {"LIST (SUBSCRIBED) \"\" *",
     "* LIST (\\Subscribed \\HasNoChildren) \"/\" a/b\r\n"
     "* LIST (\\NonExistent \\Subscribed) \"/\" gone/x\r\na OK Done\r\n"},
    {"LIST (REMOTE SUBSCRIBED SUBSCRIBED) \"\" a*",
     "* LIST (\\Subscribed \\HasNoChildren) \"/\" a/b\r\na OK Done\r\n"},
    {"LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %",
     "* LIST (\\HasChildren) \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"
     "* LIST (\\NonExistent) \"/\" gone (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\na OK Done\r\n"},
    {"LIST (SUBSCRIBED RECURSIVEMATCH) \"\" a*",
     "* LIST (\\Subscribed \\HasNoChildren) \"/\" a/b\r\na OK Done\r\n"},
    {"LIST (SUBSCRIBED) \"\" %", "a OK Done\r\n"},
    {"LIST \"\" (INBOX a/%)",
     "* LIST (\\HasNoChildren) \"/\" INBOX\r\n* LIST (\\HasNoChildren) \"/\" a/b\r\na OK Done\r\n"},
    {"LIST \"\" % RETURN (SUBSCRIBED CHILDREN)",
     "* LIST (\\HasNoChildren) \"/\" INBOX\r\n* LIST (\\HasChildren) \"/\" a\r\na OK Done\r\n"},
    {"LIST \"\" a/* RETURN (SUBSCRIBED)",
     "* LIST (\\Subscribed \\HasNoChildren) \"/\" a/b\r\na OK Done\r\n"},
    {"LIST \"\" I* RETURN (STATUS (MESSAGES DELETED))",
     "* LIST (\\HasNoChildren) \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 0 DELETED 0)\r\n"
     "a OK Done\r\n"},
    {"LIST (SUBSCRIBED) \"\" gone* RETURN (STATUS (MESSAGES))",
     "* LIST (\\NonExistent \\Subscribed) \"/\" gone/x\r\na OK Done\r\n"},
    {"LIST () \"\" \"\"", "a OK Done\r\n"},
    {"LIST (RECURSIVEMATCH) \"\" *", "a BAD RECURSIVEMATCH needs SUBSCRIBED beside it\r\n"},
    {"LIST (FOO) \"\" *", "a BAD There is no such selection option\r\n"},
    {"LIST \"\" * RETURN (FOO)", "a BAD There is no such return option\r\n"},
    {"LIST \"\" * FOO", "a BAD Expected RETURN\r\n"},
    {"LIST \"\" ()", "a BAD Expected a pattern\r\n"},
};

START_TEST(list_with_options)
    {
        imap_expect(&ann, "CREATE a/b", "a OK Done\r\n");
        imap_expect(&ann, "SUBSCRIBE a/b", "a OK Done\r\n");
        imap_expect(&ann, "CREATE gone/x", "a OK Done\r\n");
        imap_expect(&ann, "SUBSCRIBE gone/x", "a OK Done\r\n");
        imap_expect(&ann, "DELETE gone/x", "a OK Done\r\n");
        imap_find(&ann, "DELETE gone", "a OK");
        imap_expect(&ann, lists[_i].line, lists[_i].answer);
    }
END_TEST

static const char parts[] = "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                            "--b\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n"
                            "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n"
                            "--b\r\nContent-Transfer-Encoding: x-odd\r\n\r\n???\r\n"
                            "--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nc\r\n--b--\r\n";

static const struct {
    const char *items, *answer;
} binaries[] = {
    {"BINARY.PEEK[1]", "* 1 FETCH (BINARY[1] {5}\r\nhello)\r\na OK Done\r\n"},
    {"BINARY[1]<1.3>",
     "* 1 FETCH (BINARY[1]<1> {3}\r\nell FLAGS (\\Seen \\Recent))\r\na OK Done\r\n"},
    {"BINARY.SIZE[1]", "* 1 FETCH (BINARY.SIZE[1] 5)\r\na OK Done\r\n"},
    {"BINARY.SIZE[2]", "* 1 FETCH (BINARY.SIZE[2] 3)\r\na OK Done\r\n"},
    {"BINARY.PEEK[3]", "a NO [UNKNOWN-CTE] The transfer encoding is not known\r\n"},
    {"(UID BINARY.SIZE[3])",
     "* 1 FETCH (UID 1)\r\na NO [UNKNOWN-CTE] The transfer encoding is not known\r\n"},
    {"BINARY.PEEK[4]", "a NO A part that has parts is not decoded\r\n"},
    {"BINARY.PEEK[4.1]", "* 1 FETCH (BINARY[4.1] {1}\r\nc)\r\na OK Done\r\n"},
    {"BINARY.PEEK[9]", "* 1 FETCH (BINARY[9] NIL)\r\na OK Done\r\n"},
    {"BINARY[1.MIME]", "a BAD"},
    {"BINARY.SIZE[1]<0.1>", "a BAD"},
    {"BINARY", "a BAD"},
};

START_TEST(binary_is_decoded)
    {
        char line[100];
        world_add(world.server.store, world.server.loop, world.user1->id, "INBOX", parts, 0);
        imap_find(&ann, "SELECT INBOX", "a OK");
        snprintf(line, sizeof line, "FETCH 1 %s", binaries[_i].items);
        if (strcmp(binaries[_i].answer, "a BAD") == 0) {
            imap_find(&ann, line, "a BAD");
        } else {
            imap_expect(&ann, line, binaries[_i].answer);
        }
    }
END_TEST

START_TEST(nul_comes_in_a_literal8)
    {
        world_add(world.server.store, world.server.loop, world.user1->id, "INBOX", parts, 0);
        imap_find(&ann, "SELECT INBOX", "a OK");
        static const char answer[] = "* 1 FETCH (BINARY[2] ~{3}\r\n\0\1\2)\r\na OK Done\r\n";
        world_forget(&ann);
        world_text(&ann, "a FETCH 1 BINARY.PEEK[2]\r\n");
        world_hear(&ann, "a OK Done\r\n");
        ck_assert_uint_eq(ann.len, sizeof answer - 1);
        ck_assert_int_eq(memcmp(ann.heard, answer, ann.len), 0);
    }
END_TEST

START_TEST(split_parameters_are_joined)
    {
        static const char message[] =
            "Content-Type: text/plain; name*0*=iso-8859-1'de'%E4; name*1=b; NAME*2*=%63;\r\n"
            " title*=utf-8''%C3%A4%20x; plain=y\r\n\r\nz";
        world_add(world.server.store, world.server.loop, world.user1->id, "INBOX", message, 0);
        imap_find(&ann, "SELECT INBOX", "a OK");
        imap_find(&ann, "FETCH 1 BODY", "(\"NAME*0*\" \"iso-8859-1'de'%E4\" \"NAME*1\" \"b\"");
        imap_find(&ann, "UNSELECT", "a OK");
        enable(&ann);
        imap_find(&ann, "SELECT INBOX", "a OK");
        imap_find(&ann, "FETCH 1 BODY",
                  "(\"NAME\" \"\xc3\xa4"
                  "bc\" \"TITLE\" \"\xc3\xa4 x\" \"PLAIN\" \"y\")");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("imap rev2");
    TCase *t = tcase_create("rev2");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, imap_setup, imap_teardown);
    tcase_add_test(t, enable_says_what_is_new);
    tcase_add_test(t, select_lists_and_closes);
    tcase_add_test(t, unasked_fetch_has_the_uid);
    tcase_add_test(t, search_answers_with_esearch);
    tcase_add_test(t, a_search_is_saved);
    tcase_add_test(t, names_are_utf8);
    tcase_add_test(t, status_size_and_deleted);
    tcase_add_loop_test(t, list_with_options, 0, sizeof lists / sizeof *lists);
    tcase_add_loop_test(t, binary_is_decoded, 0, sizeof binaries / sizeof *binaries);
    tcase_add_test(t, nul_comes_in_a_literal8);
    tcase_add_test(t, split_parameters_are_joined);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
