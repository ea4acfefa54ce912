/* FETCH: items, sections, partials, ENVELOPE and BODYSTRUCTURE. SPDX-License-Identifier: MIT */
#include "imap/session.h"

static const char mixed[] = "Date: Thu, 1 Jan 2026 10:00:00 +0100\r\n"
                            "From: Ann Bee <ann@x.example>\r\n"
                            "Sender:\r\n"
                            "Subject: a \"quoted\" \\ subject\r\n"
                            "To: Team: bob@y.example, c@d;\r\n"
                            "Message-ID: <1@x.example>\r\n"
                            "MIME-Version: 1.0\r\n"
                            "Content-Type: multipart/mixed; boundary=\"o\"\r\n"
                            "\r\n"
                            "preamble\r\n"
                            "--o\r\n"
                            "Content-Type: text/html; charset=utf-8\r\n"
                            "Content-Transfer-Encoding: quoted-printable\r\n"
                            "Content-Disposition: inline; filename=\"a b.html\"\r\n"
                            "Content-Language: en, de\r\n"
                            "Content-ID: <c@x>\r\n"
                            "\r\n"
                            "<p>=C3=A4</p>\r\n"
                            "<p/>\r\n"
                            "\r\n"
                            "--o\r\n"
                            "Content-Type: message/rfc822\r\n"
                            "\r\n"
                            "Subject: inner\r\n"
                            "\r\n"
                            "inner body\r\n"
                            "--o\r\n"
                            "Content-Type: application/x; name=b\r\n"
                            "Content-Transfer-Encoding: base64\r\n"
                            "Content-MD5: abc\r\n"
                            "\r\n"
                            "AAAA\r\n"
                            "--o--\r\n";

static void setup(void)
{
    imap_setup();
    world_add(world.server.store, world.server.loop, world.user1->id, "INBOX", mixed, 0);
    imap_fill(1);
    imap_find(&ann, "SELECT INBOX", "a OK");
}

static const struct {
    const char *items, *answer;
} fetches[] = {
    {"UID", "(UID 1)"},
    {"(UID FLAGS)", "(UID 1 FLAGS (\\Recent))"},
    {"rfc822.size", "(RFC822.SIZE 630)"},
    {"ENVELOPE",
     "(ENVELOPE (\"Thu, 1 Jan 2026 10:00:00 +0100\" \"a \\\"quoted\\\" \\\\ subject\" "
     "((\"Ann Bee\" NIL \"ann\" \"x.example\")) ((\"Ann Bee\" NIL \"ann\" \"x.example\")) "
     "((\"Ann Bee\" NIL \"ann\" \"x.example\")) ((NIL NIL \"Team\" NIL)(NIL NIL \"bob\" "
     "\"y.example\")(NIL NIL \"c\" \"d\")(NIL NIL NIL NIL)) NIL NIL NIL \"<1@x.example>\"))"},
    {"BODY",
     "(BODY ((\"TEXT\" \"HTML\" (\"CHARSET\" \"utf-8\") \"<c@x>\" NIL \"QUOTED-PRINTABLE\" 21 2)"
     "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 28 (NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL "
     "NIL) (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 10 0) 2)"
     "(\"APPLICATION\" \"X\" (\"NAME\" \"b\") NIL NIL \"BASE64\" 4) \"MIXED\"))"},
    {"BODYSTRUCTURE",
     "(BODYSTRUCTURE ((\"TEXT\" \"HTML\" (\"CHARSET\" \"utf-8\") \"<c@x>\" NIL "
     "\"QUOTED-PRINTABLE\" 21 2 NIL (\"INLINE\" (\"FILENAME\" \"a b.html\")) (\"en\" \"de\") NIL)"
     "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 28 (NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL "
     "NIL) (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 10 0 NIL NIL NIL NIL) 2 "
     "NIL NIL NIL NIL)"
     "(\"APPLICATION\" \"X\" (\"NAME\" \"b\") NIL NIL \"BASE64\" 4 \"abc\" NIL NIL NIL) \"MIXED\" "
     "(\"BOUNDARY\" \"o\") NIL NIL NIL))"},
    {"BODY.PEEK[1]", "(BODY[1] {21}\r\n<p>=C3=A4</p>\r\n<p/>\r\n)"},
    {"BODY.PEEK[1.MIME]<0.12>", "(BODY[1.MIME]<0> {12}\r\nContent-Type)"},
    {"BODY.PEEK[2]", "(BODY[2] {28}\r\nSubject: inner\r\n\r\ninner body)"},
    {"BODY.PEEK[2.HEADER]", "(BODY[2.HEADER] {18}\r\nSubject: inner\r\n\r\n)"},
    {"BODY.PEEK[2.TEXT]", "(BODY[2.TEXT] {10}\r\ninner body)"},
    {"BODY.PEEK[2.1]", "(BODY[2.1] {10}\r\ninner body)"},
    {"BODY.PEEK[2.HEADER.FIELDS (x)]", "(BODY[2.HEADER.FIELDS (x)] {2}\r\n\r\n)"},
    {"BODY.PEEK[1.TEXT]", "(BODY[1.TEXT] NIL)"},
    {"BODY.PEEK[9]", "(BODY[9] NIL)"},
    {"BODY.PEEK[3]<2.100>", "(BODY[3]<2> {2}\r\nAA)"},
    {"BODY.PEEK[3]<4.1>", "(BODY[3]<4> \"\")"},
    {"BODY.PEEK[3]<4294967295.1>", "(BODY[3]<4294967295> \"\")"},
    {"BODY.PEEK[HEADER.FIELDS (SUBJECT \"message-id\" {4+}\r\nnone)]",
     "(BODY[HEADER.FIELDS (SUBJECT message-id none)] {60}\r\n"
     "Subject: a \"quoted\" \\ subject\r\nMessage-ID: <1@x.example>\r\n\r\n)"},
    {"BODY.PEEK[HEADER.FIELDS.NOT (date from sender subject to message-id mime-version)]",
     "(BODY[HEADER.FIELDS.NOT (date from sender subject to message-id mime-version)] {47}\r\n"
     "Content-Type: multipart/mixed; boundary=\"o\"\r\n\r\n)"},
    {"(BODY.PEEK[3] RFC822.SIZE)", "(BODY[3] {4}\r\nAAAA RFC822.SIZE 630)"},
};

START_TEST(fetch_table)
    {
        char line[400], answer[2000];
        snprintf(line, sizeof line, "FETCH 1 %s", fetches[_i].items);
        snprintf(answer, sizeof answer, "* 1 FETCH %s\r\na OK Done\r\n", fetches[_i].answer);
        imap_expect(&ann, line, answer);
    }
END_TEST

static const char *const wrong[] = {
    "",
    "(",
    "()",
    "FOO",
    "(UID",
    "UID FLAGS",
    "(ALL)",
    "ALL FLAGS",
    "BODY[MIME]",
    "BODY[0]",
    "BODY[1.]",
    "BODY[.1]",
    "BODY[1",
    "BODY[]<0>",
    "BODY[]<0.0>",
    "BODY[]<-1.1>",
    "BODY[HEADER.FIELDS]",
    "BODY[HEADER.FIELDS ()]",
    "BODY[FOO]",
    "BODY.PEEK",
    "BODYSTRUCTURE[]",
    "(UID  FLAGS)",
    "RFC822.PEEK",
    "BODY[1.2.HEADER.FOO]",
};

START_TEST(wrong_items_get_bad)
    {
        char line[400];
        snprintf(line, sizeof line, "FETCH 1 %s", wrong[_i]);
        imap_find(&ann, line, "a BAD");
        imap_lacks(&ann, "FETCH 1 FLAGS", "\\Seen");
    }
END_TEST

START_TEST(macros)
    {
        imap_find(&ann, "FETCH 2 fast", "* 2 FETCH (FLAGS (\\Recent) INTERNALDATE \"");
        imap_find(&ann, "FETCH 2 ALL", " RFC822.SIZE 44 ENVELOPE (NIL \"m1\" ");
        imap_find(&ann, "FETCH 2 FULL",
                  " BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 8 1))");
    }
END_TEST

START_TEST(reading_a_body_sets_seen)
    {
        imap_expect(&ann, "FETCH 2 BODY.PEEK[TEXT]",
                    "* 2 FETCH (BODY[TEXT] {8}\r\nbody 1\r\n)\r\na OK Done\r\n");
        imap_lacks(&ann, "FETCH 2 (RFC822.HEADER FLAGS)", "\\Seen");
        imap_expect(
            &ann, "FETCH 2 BODY[TEXT]",
            "* 2 FETCH (BODY[TEXT] {8}\r\nbody 1\r\n FLAGS (\\Seen \\Recent))\r\na OK Done\r\n");
        imap_expect(&ann, "FETCH 2 RFC822.TEXT",
                    "* 2 FETCH (RFC822.TEXT {8}\r\nbody 1\r\n)\r\na OK Done\r\n");
        imap_expect(
            &ann, "UID FETCH 1 (FLAGS BODY[3])",
            "* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent) BODY[3] {4}\r\nAAAA)\r\na OK Done\r\n");
    }
END_TEST

START_TEST(uids_that_are_not_there_are_passed_over)
    {
        imap_expect(&ann, "UID FETCH 7:9 FLAGS", "a OK Done\r\n");
        imap_expect(&ann, "UID FETCH 9:* FLAGS",
                    "* 2 FETCH (UID 2 FLAGS (\\Recent))\r\na OK Done\r\n");
        imap_expect(&ann, "FETCH *:1 UID",
                    "* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 2)\r\na OK Done\r\n");
        imap_find(&ann, "FETCH 3 UID", "a BAD");
        imap_find(&ann, "FETCH 1:3 UID", "a BAD");
    }
END_TEST

/* A client that reads slowly gets it all, and others go on meanwhile. */
START_TEST(a_large_message_in_pieces)
    {
        size_t n = (size_t)3 << 20;
        char *text = malloc(n + 1), expect[100];
        memset(text, 'x', n);
        memcpy(text, "A: b\r\n\r\n", 8);
        text[n] = '\0';
        world_add(world.server.store, world.server.loop, world.user1->id, "INBOX", text, 0);
        imap_find(&ann, "NOOP", "3 EXISTS");
        world_forget(&ann);
        world_text(&ann, "a FETCH 3 BODY.PEEK[]\r\nb NOOP\r\n");
        for (int i = 0; i < 50; i++) {
            loop_once(world.server.loop, 0);
        }
        imap_find(&bob, "NOOP", "a OK");
        world_hear(&ann, "b OK Done\r\n");
        snprintf(expect, sizeof expect, "* 3 FETCH (BODY[] {%zu}\r\nA: b", n);
        ck_assert_int_eq(strncmp(ann.heard, expect, strlen(expect)), 0);
        ck_assert_uint_eq(ann.len, n + strlen("* 3 FETCH (BODY[] {3145728}\r\n)\r\na OK Done\r\n") +
                                       strlen("b OK Done\r\n"));
        free(text);
    }
END_TEST

START_TEST(a_client_that_leaves_in_the_middle)
    {
        size_t n = (size_t)3 << 20;
        char *text = malloc(n + 1);
        memset(text, 'x', n);
        text[n] = '\0';
        world_add(world.server.store, world.server.loop, world.user1->id, "INBOX", text, 0);
        struct world_client k;
        imap_connect(&k);
        imap_find(&k, "LOGIN user1 pass", "a OK");
        imap_find(&k, "SELECT INBOX", "a OK");
        world_text(&k, "a FETCH 1:3 BODY[]\r\n");
        for (int i = 0; i < 20; i++) {
            loop_once(world.server.loop, 1);
        }
        world_hang_up(&k);
        imap_find(&ann, "NOOP", "a OK");
        free(text);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("imap fetch");
    TCase *t = tcase_create("fetch");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, imap_teardown);
    tcase_add_loop_test(t, fetch_table, 0, sizeof fetches / sizeof *fetches);
    tcase_add_loop_test(t, wrong_items_get_bad, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(t, macros);
    tcase_add_test(t, reading_a_body_sets_seen);
    tcase_add_test(t, uids_that_are_not_there_are_passed_over);
    tcase_add_test(t, a_large_message_in_pieces);
    tcase_add_test(t, a_client_that_leaves_in_the_middle);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
