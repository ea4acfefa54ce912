/* SEARCH keys over three messages. SPDX-License-Identifier: MIT */
#include "imap/session.h"

static void setup(void)
{
    imap_setup();
    struct store *store = world.server.store;
    struct loop *loop = world.server.loop;
    int64_t id = world.user1->id;
    world_add(store, loop, id, "INBOX",
              "From: Ann <ann@x.example>\r\nTo: bob@y.example\r\nCc: carl@z\r\n"
              "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_to_you?=\r\n"
              "Date: Fri, 2 Jan 2026 23:59:00 -1200\r\nX-Empty:\r\n\r\nHello World\r\n",
              FLAG_SEEN);
    world_add(store, loop, id, "INBOX",
              "From: bob@y.example\r\nSubject: two\r\nDate: 3 Jan 2026 00:00:00 +0000\r\n"
              "Content-Type: text/plain; charset=iso-8859-1\r\n"
              "Content-Transfer-Encoding: base64\r\n\r\nTfxuY2hlbg==\r\n", /* Mün​chen */
              FLAG_FLAGGED);
    world_add(
        store, loop, id, "INBOX",
        "From: carl@z\r\nSubject: three\r\nDate: 4 Jan 2026 00:00:00 +0000\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\nfirst part\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: enclosed\r\n\r\nletter\r\n"
        "--b\r\nContent-Type: application/x\r\n\r\nbinary\r\n--b--\r\n",
        FLAG_DELETED);
    imap_find(&ann, "SELECT INBOX", "a OK");
    imap_find(&ann, "STORE 3 +FLAGS.SILENT kw", "a OK");
}

static const struct {
    const char *keys, *found;
} searches[] = {
    {"ALL", " 1 2 3"},
    {"1", " 1"},
    {"2:*", " 2 3"},
    {"UID 2,9", " 2"},
    {"1:2 UID 2:3", " 2"},
    {"SEEN", " 1"},
    {"UNSEEN", " 2 3"},
    {"FLAGGED", " 2"},
    {"DELETED", " 3"},
    {"UNDELETED UNSEEN", " 2"},
    {"KEYWORD KW", " 3"},
    {"UNKEYWORD kw", " 1 2"},
    {"KEYWORD nothing", ""},
    {"RECENT", " 1 2 3"},
    {"NEW", " 2 3"},
    {"OLD", ""},
    {"NOT SEEN", " 2 3"},
    {"OR SEEN FLAGGED", " 1 2"},
    {"OR (SEEN FLAGGED) DELETED", " 3"},
    {"NOT (OR SEEN (NOT FLAGGED))", " 2"},
    {"FROM ann", " 1"},
    {"from \"BOB@\"", " 2"},
    {"TO bob", " 1"},
    {"CC carl", " 1"},
    {"BCC x", ""},
    {"SUBJECT two", " 2"},
    {"SUBJECT \"to you\"", " 1"},
    {"CHARSET UTF-8 SUBJECT {8+}\r\ngr\xc3\xbc\xc3\x9f"
     "e ",
     " 1"},
    {"CHARSET utf-8 SUBJECT {4+}\r\nGR\xc3\x9c", " 1"},
    {"CHARSET US-ASCII SUBJECT you", " 1"},
    {"HEADER X-Empty \"\"", " 1"},
    {"HEADER X-Empty x", ""},
    {"HEADER subject three", " 3"},
    {"BODY hello", " 1"},
    {"BODY two", ""},
    {"TEXT two", " 2"},
    {"CHARSET UTF-8 BODY {8+}\r\nm\xc3\xbcnchen", " 2"},
    {"BODY TfxuY", ""},
    {"BODY \"first part\"", " 3"},
    {"BODY enclosed", " 3"},
    {"BODY letter", " 3"},
    {"BODY binary", ""},
    {"BODY \"\"", " 1 2 3"},
    {"SENTON 2-Jan-2026", " 1"},
    {"SENTBEFORE 3-Jan-2026", " 1"},
    {"SENTSINCE \"3-Jan-2026\"", " 2 3"},
    {"BEFORE 1-Jan-2000", ""},
    {"SINCE 1-Jan-2000", " 1 2 3"},
    {"LARGER 0", " 1 2 3"},
    {"SMALLER 10", ""},
};

START_TEST(search_table)
    {
        char line[300], answer[300];
        snprintf(line, sizeof line, "SEARCH %s", searches[_i].keys);
        snprintf(answer, sizeof answer, "* SEARCH%s\r\na OK Done\r\n", searches[_i].found);
        imap_expect(&ann, line, answer);
    }
END_TEST

START_TEST(sizes_are_compared_strictly)
    {
        unsigned size = 0;
        const char *heard = imap_say(&ann, "a", "a FETCH 1 RFC822.SIZE");
        ck_assert_int_eq(sscanf(heard, "* 1 FETCH (RFC822.SIZE %u)", &size), 1);
        char line[100];
        snprintf(line, sizeof line, "SEARCH 1 OR LARGER %u SMALLER %u", size, size);
        imap_expect(&ann, line, "* SEARCH\r\na OK Done\r\n");
        snprintf(line, sizeof line, "SEARCH 1 LARGER %u SMALLER %u", size - 1, size + 1);
        imap_expect(&ann, line, "* SEARCH 1\r\na OK Done\r\n");
    }
END_TEST

static const struct {
    const char *command, *answer;
} extended[] = {
    {"SEARCH RETURN () ALL", "* ESEARCH (TAG \"a\") ALL 1:3\r\na OK Done\r\n"},
    {"UID SEARCH RETURN (MIN MAX COUNT) 2:3",
     "* ESEARCH (TAG \"a\") UID MIN 2 MAX 3 COUNT 2\r\na OK Done\r\n"},
    {"SEARCH RETURN (ALL COUNT) OR 1 3", "* ESEARCH (TAG \"a\") ALL 1,3 COUNT 2\r\na OK Done\r\n"},
    {"SEARCH RETURN (MIN ALL COUNT) BCC x", "* ESEARCH (TAG \"a\") COUNT 0\r\na OK Done\r\n"},
    {"SEARCH RETURN (MIN) CHARSET UTF-8 SEEN", "* ESEARCH (TAG \"a\") MIN 1\r\na OK Done\r\n"},
};

START_TEST(extended_answers)
    {
        imap_expect(&ann, extended[_i].command, extended[_i].answer);
    }
END_TEST

static const struct {
    const char *keys, *answer;
} wrong[] = {
    {"", "a BAD"},
    {"FOO", "a BAD"},
    {"NOT", "a BAD"},
    {"OR SEEN", "a BAD"},
    {"(SEEN", "a BAD"},
    {"()", "a BAD"},
    {"4", "a BAD There is no message of that number"},
    {"NOT 4", "a BAD There is no message of that number"},
    {"SUBJECT", "a BAD"},
    {"LARGER -1", "a BAD"},
    {"SINCE 30-Feb-2026", "a BAD"},
    {"SUBJECT {2+}\r\n\xc3\xa4", "a BAD"},
    {"CHARSET UTF-8 SUBJECT {1+}\r\n\xc3", "a BAD"},
    {"CHARSET KOI8-R SUBJECT x", "a NO [BADCHARSET (US-ASCII UTF-8)]"},
    {"CHARSET KOI8-R SUBJECT {1+}\r\n\xc3", "a NO [BADCHARSET (US-ASCII UTF-8)]"},
    {"RETURN (FOO) ALL", "a BAD"},
    {"RETURN (MIN)", "a BAD"},
    {"ALL CHARSET UTF-8", "a BAD"},
};

START_TEST(wrong_searches)
    {
        char line[300];
        snprintf(line, sizeof line, "SEARCH %s", wrong[_i].keys);
        imap_find(&ann, line, wrong[_i].answer);
    }
END_TEST

START_TEST(keys_nested_too_deep)
    {
        char line[1000] = "a SEARCH ";
        for (int i = 0; i < 150; i++) {
            strcat(line, "NOT ");
        }
        strcat(line, "ALL");
        ck_assert_int_eq(strncmp(imap_say(&ann, "a", line), "a BAD", 5), 0);
    }
END_TEST

/* More text than one slice: other sessions have their turn, and the answer is complete. */
START_TEST(a_long_search_in_slices)
    {
        size_t n = (size_t)3 << 20;
        char *text = malloc(n + 1);
        memset(text, 'x', n);
        memcpy(text, "A: b\r\n\r\n", 8);
        text[n] = '\0';
        for (int i = 0; i < 3; i++) {
            world_add(world.server.store, world.server.loop, world.user1->id, "INBOX", text, 0);
        }
        imap_find(&ann, "NOOP", "6 EXISTS");
        imap_expect(&ann, "SEARCH BODY xxxx", "* SEARCH 4 5 6\r\na OK Done\r\n");
        world_text(&ann, "a SEARCH BODY yyyy\r\n");
        loop_once(world.server.loop, 0);
        loop_once(world.server.loop, 0);
        world_hang_up(&ann);
        imap_connect(&ann); /* leaving in the middle harms nobody */
        free(text);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("imap search");
    TCase *t = tcase_create("search");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, imap_teardown);
    tcase_add_loop_test(t, search_table, 0, sizeof searches / sizeof *searches);
    tcase_add_test(t, sizes_are_compared_strictly);
    tcase_add_loop_test(t, extended_answers, 0, sizeof extended / sizeof *extended);
    tcase_add_loop_test(t, wrong_searches, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(t, keys_nested_too_deep);
    tcase_add_test(t, a_long_search_in_slices);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
