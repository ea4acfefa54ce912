/* Tests of the IMAP response reader. The expected trees are written as imap_show.h prints them.
 * SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/imap_response.h"
#include "protocol/imap_show.h"

static enum parse_step feed(struct imap_response *r, const char *wire, size_t n, size_t *used)
{
    return imap_response_feed(r, (const unsigned char *)wire, n, used);
}

static const struct {
    const char *wire;
    size_t n;
    const char *tree;
} good[] = {
#define GOOD(wire, tree)                                                                           \
    {                                                                                              \
        wire, sizeof wire - 1, tree                                                                \
    }
    /* status responses and their codes */
    GOOD("* OK ready\r\n", "* OK 'ready'"),
    GOOD("a1 OK done\r\n", "a1 OK 'done'"),
    GOOD("A.1-[x] no [TRYCREATE] make it first\r\n", "A.1-[x] NO <TRYCREATE> 'make it first'"),
    GOOD("* BYE\x20\r\n", "* BYE"),
    GOOD("* PREAUTH [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n",
         "* PREAUTH <CAPABILITY IMAP4rev1 AUTH=PLAIN> 'hello'"),
    GOOD("* OK [UIDVALIDITY 3857529045] valid\r\n", "* OK <UIDVALIDITY #3857529045> 'valid'"),
    GOOD("* OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] limited\r\n",
         "* OK <PERMANENTFLAGS (\\Deleted \\Seen \\*)> 'limited'"),
    GOOD("* OK [PERMANENTFLAGS ()] none\r\n", "* OK <PERMANENTFLAGS ()> 'none'"),
    GOOD("a OK [COPYUID 38505 304,319:320 3956:3958] done\r\n",
         "a OK <COPYUID #38505 304,319:320 3956:3958> 'done'"),
    GOOD("a OK [APPENDUID 38505 3955] done\r\n", "a OK <APPENDUID #38505 #3955> 'done'"),
    GOOD("a NO [BADCHARSET (US-ASCII \"UTF-8\")] no\r\n",
         "a NO <BADCHARSET (US-ASCII \"UTF-8\")> 'no'"),
    GOOD("* OK [CLOSED] \r\n", "* OK <CLOSED>"),
    GOOD("a NO [REFERRAL imap://user;AUTH=*@SERVER2/INBOX] there\r\n",
         "a NO <REFERRAL imap://user;AUTH=*@SERVER2/INBOX> 'there'"),
    GOOD("a OK [METADATA LONGENTRIES 2199] big\r\n", "a OK <METADATA LONGENTRIES #2199> 'big'"),
    GOOD("a NO [NEWNAME \"old]name\" new] renamed\r\n",
         "a NO <NEWNAME \"old]name\" new> 'renamed'"),
    GOOD("a NO [BADURL \"half] gone\r\n", "a NO <BADURL '\"half'> 'gone'"),
    GOOD("a NO [X-ODD (never closed] gone\r\n", "a NO <X-ODD '(never closed'> 'gone'"),
    GOOD("a OK [X-SPACE ] empty\r\n", "a OK <X-SPACE> 'empty'"),
    GOOD("* OK text with [brackets] inside\r\n", "* OK 'text with [brackets] inside'"),
    GOOD("* OK literal {5}\r\n", "* OK 'literal {5}'"),
    GOOD("* BAD \"quoted\r\n", "* BAD '\"quoted'"),
    /* continuation requests */
    GOOD("+ \r\n", "+"),
    GOOD("+ idling\r\n", "+ 'idling'"),
    GOOD("+ cj1mMWdqZnAzMzh6ZGM=\r\n", "+ 'cj1mMWdqZnAzMzh6ZGM='"),
    GOOD("+ [ALERT] go\r\n", "+ <ALERT> 'go'"),
    /* numbers and lists of words */
    GOOD("* 23 EXISTS\r\n", "* 23 EXISTS"),
    GOOD("* 0 RECENT\r\n", "* 0 RECENT"),
    GOOD("* 9223372036854775807 EXISTS\r\n", "* 9223372036854775807 EXISTS"),
    GOOD("* 44 expunge\r\n", "* 44 EXPUNGE"),
    GOOD("* CAPABILITY IMAP4rev1 LITERAL+ AUTH=SCRAM-SHA-256 X-A.b\r\n",
         "* CAPABILITY IMAP4rev1 LITERAL+ AUTH=SCRAM-SHA-256 X-A.b"),
    GOOD("* ENABLED CONDSTORE\r\n", "* ENABLED CONDSTORE"),
    GOOD("* ENABLED\r\n", "* ENABLED"),
    GOOD("* FLAGS (\\Answered \\Flagged $Junk custom)\r\n",
         "* FLAGS (\\Answered \\Flagged $Junk custom)"),
    GOOD("* FLAGS ()\r\n", "* FLAGS ()"),
    GOOD("* SEARCH 2 3 6\r\n", "* SEARCH #2 #3 #6"),
    GOOD("* SEARCH\r\n", "* SEARCH"),
    GOOD("* SEARCH 2 5 (MODSEQ 917162500)\r\n", "* SEARCH #2 #5 (MODSEQ #917162500)"),
    GOOD("* SORT 5 3 4 1 2\r\n", "* SORT #5 #3 #4 #1 #2"),
    GOOD("* THREAD (166)(167)(168 169 (170)(171 172))\r\n",
         "* THREAD (#166) (#167) (#168 #169 (#170) (#171 #172))"),
    GOOD("* ESEARCH (TAG \"a1\") UID ALL 4:18,21 COUNT 17 MIN 4\r\n",
         "* ESEARCH (TAG \"a1\") UID ALL 4:18,21 COUNT #17 MIN #4"),
    GOOD("* VANISHED (EARLIER) 41,43:116\r\n", "* VANISHED (EARLIER) 41,43:116"),
    GOOD("* VANISHED 405,407,410\r\n", "* VANISHED 405,407,410"),
    /* mailboxes */
    GOOD("* LIST (\\HasNoChildren) \"/\" INBOX\r\n", "* LIST (\\HasNoChildren) \"/\" INBOX"),
    GOOD("* LIST () NIL ~joe\r\n", "* LIST () NIL ~joe"),
    GOOD("* LIST () \"\\\\\" \"a \\\"b\\\" \\\\ c\"\r\n", "* LIST () \"\\\" \"a \"b\" \\ c\""),
    GOOD("* LIST () \"/\" {7}\r\na\"b\\c d\r\n", "* LIST () \"/\" {a\"b\\c d}"),
    GOOD("* LIST () \"/\" [Gmail]/All\r\n", "* LIST () \"/\" [Gmail]/All"),
    GOOD("* LIST () \"/\" a[b\r\n", "* LIST () \"/\" a[b"),
    GOOD("* LIST () \"/\" 123\r\n", "* LIST () \"/\" #123"),
    GOOD("* LIST () \"/\" nil\r\n", "* LIST () \"/\" nil"),
    GOOD("* LIST () \"/\" \"\"\r\n", "* LIST () \"/\" \"\""),
    GOOD("* LIST () \"/\" {0}\r\n\r\n", "* LIST () \"/\" {}"),
    GOOD("* LIST (\\NonExistent) \"/\" \"Foo\" (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" "
         "(\"foo\"))\r\n",
         "* LIST (\\NonExistent) \"/\" \"Foo\" (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" "
         "(\"foo\"))"),
    GOOD("* LSUB (\\Noselect) \".\" #news.comp\r\n", "* LSUB (\\Noselect) \".\" #news.comp"),
    GOOD("* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)\r\n",
         "* STATUS blurdybloop (MESSAGES #231 UIDNEXT #44292)"),
    GOOD("* NAMESPACE ((\"\" \"/\")) NIL ((\"#shared/\" \"/\" \"X-PARAM\" (\"F1\" \"F2\")) "
         "(\"#public/\" NIL))\r\n",
         "* NAMESPACE ((\"\" \"/\")) NIL ((\"#shared/\" \"/\" \"X-PARAM\" (\"F1\" \"F2\")) "
         "(\"#public/\" NIL))"),
    GOOD("* ID (\"name\" \"Dovecot\" \"version\" NIL)\r\n",
         "* ID (\"name\" \"Dovecot\" \"version\" NIL)"),
    GOOD("* ID NIL\r\n", "* ID NIL"),
    GOOD("* QUOTA \"\" (STORAGE 10 512)\r\n", "* QUOTA \"\" (STORAGE #10 #512)"),
    GOOD("* ACL INBOX Fred rwipsldexta\r\n", "* ACL INBOX Fred rwipsldexta"),
    GOOD("* METADATA \"INBOX\" (/shared/comment {3}\r\na\r\n NIL /private/x ~{2}\r\n\0\0)\r\n",
         "* METADATA \"INBOX\" (/shared/comment {a\r\n} NIL /private/x ~{00})"),
    GOOD("* X-UNKNOWN ((a) ((b)) () \"\" NIL) 007 -1 1.5\r\n",
         "* X-UNKNOWN ((a) ((b)) () \"\" NIL) #7 -1 1.5"),
    /* FETCH */
    GOOD("* 12 FETCH (FLAGS (\\Seen) UID 7 RFC822.SIZE 44827 MODSEQ (65402))\r\n",
         "* 12 FETCH (FLAGS (\\Seen) UID #7 RFC822.SIZE #44827 MODSEQ (#65402))"),
    GOOD("* 1 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")\r\n",
         "* 1 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")"),
    GOOD(
        "* 1 FETCH (BODY[] {13}\r\na: b\r\n\r\n(\"{\r\n BODY[TEXT] NIL BODY[1.2.MIME]<0> \"\")\r\n",
        "* 1 FETCH (BODY[] {a: b\r\n\r\n(\"{\r\n} BODY[TEXT] NIL BODY[1.2.MIME]<0> \"\")"),
    GOOD("* 1 FETCH (BODY[HEADER.FIELDS (DATE \"From\" {2}\r\nTo)]<10> {4}\r\nabcd)\r\n",
         "* 1 FETCH (BODY[HEADER.FIELDS (DATE \"From\" {2}\r\nTo)]<10> {abcd})"),
    GOOD("* 1 FETCH (BODY[HEADER.FIELDS.NOT (\"a]\\\"b\")] NIL)\r\n",
         "* 1 FETCH (BODY[HEADER.FIELDS.NOT (\"a]\\\"b\")] NIL)"),
    GOOD("* 1 FETCH (BINARY[1] ~{4}\r\n\0\r\n\0 BINARY.SIZE[1] 4)\r\n",
         "* 1 FETCH (BINARY[1] ~{0\r\n0} BINARY.SIZE[1] #4)"),
    GOOD("* 1 FETCH (X (a[b c]d) Y [ BODY[1] NIL)\r\n", "* 1 FETCH (X (a[b c]d) Y [ BODY[1] NIL)"),
    GOOD("* 2 FETCH (ENVELOPE (\"d\" \"s\" ((\"T\" NIL \"gray\" \"cac\")) NIL NIL ((NIL NIL \"a\" "
         "\"b\")(NIL NIL \"c\" "
         "\"d\")) NIL NIL NIL \"<m@x>\"))\r\n",
         "* 2 FETCH (ENVELOPE (\"d\" \"s\" ((\"T\" NIL \"gray\" \"cac\")) NIL NIL ((NIL NIL \"a\" "
         "\"b\") (NIL NIL \"c\" "
         "\"d\")) NIL NIL NIL \"<m@x>\"))"),
    GOOD("* 1 FETCH (BODY ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 1152 "
         "23)(\"TEXT\" \"HTML\" NIL "
         "NIL NIL \"7BIT\" 4 1) \"MIXED\"))\r\n",
         "* 1 FETCH (BODY ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" #1152 "
         "#23) (\"TEXT\" \"HTML\" "
         "NIL NIL NIL \"7BIT\" #4 #1) \"MIXED\"))"),
#undef GOOD
};

static bool is_clean(const struct imap_response *r)
{
    return !r->bare_lf && !r->nul && !r->eight_bit_quoted && !r->literal_plus && !r->double_space &&
           !r->trailing_space && !r->bare_cr && !r->control && !r->eight_bit && !r->missing_space &&
           !r->bad_escape && !r->bad_code && !r->no_text;
}

/* A response is understood at every cut, and nothing of it is called wrong. */
START_TEST(good_responses_are_read_at_every_cut)
    {
        const char *wire = good[_i].wire;
        size_t n = good[_i].n;
        for (size_t cut = 0; cut < n; cut++) {
            struct imap_response r;
            struct shown s;
            size_t used;
            imap_response_init(&r);
            ck_assert_int_eq(feed(&r, wire, cut, &used), PARSE_MORE);
            ck_assert_uint_eq(used, cut);
            ck_assert_msg(feed(&r, wire + cut, n - cut, &used) == PARSE_DONE,
                          "cut after byte %zu: %s", cut, r.why != NULL ? r.why : "wants more");
            ck_assert_uint_eq(used, n - cut);
            shown_response(&s, &r);
            ck_assert_str_eq(s.text, good[_i].tree);
            ck_assert_uint_eq(r.raw_len, n);
            ck_assert_mem_eq(r.raw, wire, n);
            ck_assert(r.raw[n] == '\0');
            ck_assert_msg(is_clean(&r), "a flag is set on %s", wire);
            imap_response_clear(&r);
        }
    }
END_TEST

/* Responses come one behind the other: each takes its own bytes. */
START_TEST(the_next_response_is_not_touched)
    {
        struct imap_response r;
        size_t used, at = 0, n = 0;
        static const char wire[] = "* 1 FETCH (BODY[] {4}\r\n\r\n\r\n)\r\n* 2 EXISTS\r\na OK x\r\n";
        imap_response_init(&r);
        while (at < strlen(wire)) {
            ck_assert_int_eq(feed(&r, wire + at, strlen(wire) - at, &used), PARSE_DONE);
            at += used;
            n++;
            ck_assert_int_eq(feed(&r, wire, 1, &used), PARSE_DONE);
            ck_assert_uint_eq(used, 0);
            imap_response_clear(&r);
        }
        ck_assert_uint_eq(n, 3);
    }
END_TEST

static const struct {
    const char *wire;
    size_t n;
    size_t flag;
    const char *tree;
} odd[] = {
#define ODD(wire, flag, tree)                                                                      \
    {                                                                                              \
        wire, sizeof wire - 1, offsetof(struct imap_response, flag), tree                          \
    }
    ODD("* OK hi\n", bare_lf, "* OK 'hi'"),
    ODD("* 3 EXISTS\n", bare_lf, "* 3 EXISTS"),
    ODD("* SEARCH 1\n", bare_lf, "* SEARCH #1"),
    ODD("* LIST () NIL {1}\nx\r\n", bare_lf, "* LIST () NIL {x}"),
    ODD("* OK a\rb\r\n", bare_cr, "* OK 'a\rb'"),
    ODD("* OK a\0b\r\n", nul, "* OK 'a0b'"),
    ODD("* LIST () NIL \"a\0\"\r\n", nul, "* LIST () NIL \"a0\""),
    ODD("* LIST () NIL {1}\r\n\0\r\n", nul, "* LIST () NIL {0}"),
    ODD("* LIST () NIL \"f\303\274r\"\r\n", eight_bit_quoted, "* LIST () NIL \"f\303\274r\""),
    ODD("* LIST () NIL f\303\274r\r\n", eight_bit, "* LIST () NIL f\303\274r"),
    ODD("* OK f\303\274r\r\n", eight_bit, "* OK 'f\303\274r'"),
    ODD("* LIST () NIL {1+}\r\nx\r\n", literal_plus, "* LIST () NIL {x}"),
    ODD("* FLAGS  ()\r\n", double_space, "* FLAGS ()"),
    ODD("* FLAGS (a  b)\r\n", double_space, "* FLAGS (a b)"),
    ODD("* FLAGS ( a)\r\n", double_space, "* FLAGS (a)"),
    ODD("* FLAGS (a )\r\n", double_space, "* FLAGS (a)"),
    ODD("* SEARCH \r\n", trailing_space, "* SEARCH"),
    ODD("* SEARCH 1 \r\n", trailing_space, "* SEARCH #1"),
    ODD("* X a(b)\r\n", missing_space, "* X a (b)"),
    ODD("* X (a)b\r\n", missing_space, "* X (a) b"),
    ODD("* X \"a\"\"b\"\r\n", missing_space, "* X \"a\" \"b\""),
    ODD("* X a\"b\"\r\n", missing_space, "* X a \"b\""),
    ODD("* X {1}\r\nab\r\n", missing_space, "* X {a} b"),
    ODD("* OK [ALERT]now\r\n", missing_space, "* OK <ALERT> 'now'"),
    ODD("* OK [ALERT]\r\n", missing_space, "* OK <ALERT>"),
    ODD("* X \"a\\b\"\r\n", bad_escape, "* X \"ab\""),
    ODD("* OK [ALERT now\r\n", bad_code, "* OK '[ALERT now'"),
    ODD("* OK [] now\r\n", bad_code, "* OK '[] now'"),
    ODD("* OK [\r\n", bad_code, "* OK '['"),
    ODD("a OK\r\n", no_text, "a OK"),
    ODD("+\r\n", no_text, "+"),
    ODD("* X a\tb\r\n", control, "* X a\tb"),
    ODD("* OK a\ab\r\n", control, "* OK 'a\ab'"),
#undef ODD
};

/* What is wrong but readable is flagged, one flag a fault, and read all the same. */
START_TEST(readable_faults_are_flagged)
    {
        static const size_t flags[] = {
            offsetof(struct imap_response, bare_lf),
            offsetof(struct imap_response, nul),
            offsetof(struct imap_response, literal_plus),
            offsetof(struct imap_response, eight_bit_quoted),
            offsetof(struct imap_response, double_space),
            offsetof(struct imap_response, trailing_space),
            offsetof(struct imap_response, bare_cr),
            offsetof(struct imap_response, control),
            offsetof(struct imap_response, eight_bit),
            offsetof(struct imap_response, missing_space),
            offsetof(struct imap_response, bad_escape),
            offsetof(struct imap_response, bad_code),
            offsetof(struct imap_response, no_text),
        };
        for (size_t cut = 0; cut < odd[_i].n; cut++) {
            struct imap_response r;
            struct shown s;
            size_t used;
            imap_response_init(&r);
            ck_assert_int_eq(feed(&r, odd[_i].wire, cut, &used), PARSE_MORE);
            ck_assert_int_eq(feed(&r, odd[_i].wire + cut, odd[_i].n - cut, &used), PARSE_DONE);
            shown_response(&s, &r);
            ck_assert_str_eq(s.text, odd[_i].tree);
            for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
                ck_assert_msg(*((bool *)&r + flags[i]) == (flags[i] == odd[_i].flag),
                              "flag %zu, cut after byte %zu", i, cut);
            imap_response_clear(&r);
        }
    }
END_TEST

static const struct {
    const char *wire;
    size_t at; /* the byte that is wrong */
} bad[] = {
    {"+OK POP3 ready\r\n", 1},
    {"220 mx ESMTP\r\n", 6},
    {"\r\n", 0},
    {" * OK\r\n", 0},
    {"*OK\r\n", 1},
    {"* \r\n", 2},
    {"*  OK\r\n", 2},
    {"* 12\r\n", 4},
    {"* 9223372036854775808 EXISTS\r\n", 21},
    {"* 1 2 FETCH ()\r\n", 5},
    {"* 3 OK done\r\n", 6},
    {"a\"b OK\r\n", 1},
    {"a+ OK\r\n", 1},
    {"a1 BYE bye\r\n", 6},
    {"a1 FETCH (UID 1)\r\n", 8},
    {"a1\r\n", 2},
    {"* FLAGS (a\r\n", 10},
    {"* FLAGS a)\r\n", 9},
    {"* LIST () \"/\" \"a\r\n", 16},
    {"* LIST () \"/\" a{3}\r\n", 15},
    {"* LIST () \"/\" {}\r\n", 15},
    {"* LIST () \"/\" {-1}\r\n", 15},
    {"* LIST () \"/\" {1 }\r\n", 16},
    {"* LIST () \"/\" {1+x}\r\n", 17},
    {"* LIST () \"/\" {1}x\r\n", 17},
    {"* LIST () \"/\" {1}\rx\r\n", 18},
    {"* LIST () \"/\" {99999999999999999999}\r\n", 22},
    {"* LIST () \"/\" {67108865}\r\n", 22},
    {"* LIST () \"/\" {67108864}\r\n", 25},
    {"* SEARCH 1\rx\r\n", 11},
    {"* SEARCH\rx\r\n", 9},
    {"* 1 FETCH (BODY[HEADER\r\n", 22},
    {"* 1 FETCH (BODY[HEADER.FIELDS (\"a\r\n", 33},
};

/* Bytes that are no response end the reading at the byte that is wrong, with words; never earlier
 * or later. */
START_TEST(what_is_no_response_is_refused)
    {
        struct imap_response r;
        size_t used;
        const char *wire = bad[_i].wire;
        imap_response_init(&r);
        ck_assert_msg(feed(&r, wire, strlen(wire), &used) == PARSE_BAD, "taken: %s", wire);
        ck_assert_msg(used == bad[_i].at + 1, "%s: %zu, %s", wire, used, r.why);
        ck_assert_uint_eq(r.why_at, bad[_i].at);
        ck_assert_ptr_nonnull(r.why);
        ck_assert_int_eq(feed(&r, "* OK\r\n", 6, &used), PARSE_BAD);
        ck_assert_uint_eq(used, 0);
        imap_response_clear(&r);
    }
END_TEST

static enum parse_step feed_repeated(struct imap_response *r, const char *piece, size_t times)
{
    enum parse_step step = PARSE_MORE;
    size_t used;
    while (times-- > 0 && step == PARSE_MORE)
        step = feed(r, piece, strlen(piece), &used);
    return step;
}

/* Depth has a limit: at it a response is read, beyond it is refused. */
START_TEST(nesting_has_a_limit)
    {
        struct imap_response r;
        size_t used;
        imap_response_init(&r);
        ck_assert_int_eq(feed(&r, "* X ", 4, &used), PARSE_MORE);
        ck_assert_int_eq(feed_repeated(&r, "(", IMAP_RESPONSE_DEPTH), PARSE_MORE);
        ck_assert_int_eq(feed_repeated(&r, ")", IMAP_RESPONSE_DEPTH), PARSE_MORE);
        ck_assert_int_eq(feed(&r, "\r\n", 2, &used), PARSE_DONE);
        imap_response_clear(&r);
        ck_assert_int_eq(feed(&r, "* X ", 4, &used), PARSE_MORE);
        ck_assert_int_eq(feed_repeated(&r, "(", IMAP_RESPONSE_DEPTH + 1), PARSE_BAD);
        ck_assert_ptr_nonnull(r.why);
        imap_response_clear(&r);
    }
END_TEST

/* A million values are read; more are refused, so that a hostile server cannot fill the memory. */
START_TEST(values_have_a_limit)
    {
        struct imap_response r;
        size_t used;
        imap_response_init(&r);
        ck_assert_int_eq(feed(&r, "* X ", 4, &used), PARSE_MORE);
        ck_assert_int_eq(feed_repeated(&r, "()", IMAP_RESPONSE_LIMIT_VALUES), PARSE_MORE);
        ck_assert_int_eq(feed(&r, "()", 2, &used), PARSE_BAD);
        ck_assert_ptr_nonnull(r.why);
        imap_response_clear(&r);
    }
END_TEST

/* A line without end is refused at the limit of bytes. */
START_TEST(bytes_have_a_limit)
    {
        static char block[1024 * 1024];
        struct imap_response r;
        size_t used;
        memset(block, 'x', sizeof block);
        imap_response_init(&r);
        ck_assert_int_eq(feed(&r, "* OK ", 5, &used), PARSE_MORE);
        while (feed(&r, block, sizeof block, &used) == PARSE_MORE)
            ck_assert_uint_le(r.raw_len, IMAP_RESPONSE_LIMIT_BYTES);
        ck_assert_ptr_nonnull(r.why);
        ck_assert_uint_eq(r.raw_len, IMAP_RESPONSE_LIMIT_BYTES + 1);
        imap_response_clear(&r);
    }
END_TEST

/* A response that was given up in the middle leaves nothing behind. */
START_TEST(clear_works_at_every_byte)
    {
        const char *wire = good[_i].wire;
        for (size_t n = 0; n < good[_i].n; n++) {
            struct imap_response r;
            size_t used;
            imap_response_init(&r);
            feed(&r, wire, n, &used);
            imap_response_clear(&r);
            imap_response_clear(&r);
            ck_assert_int_eq(feed(&r, "* 1 EXISTS\r\n", 12, &used), PARSE_DONE);
            imap_response_clear(&r);
        }
    }
END_TEST

int main(void)
{
    int n = (int)(sizeof good / sizeof good[0]);
    Suite *s = suite_create("imap_response");
    TCase *t = tcase_create("imap_response");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, good_responses_are_read_at_every_cut, 0, n);
    tcase_add_loop_test(t, clear_works_at_every_byte, 0, n);
    tcase_add_test(t, the_next_response_is_not_touched);
    tcase_add_loop_test(t, readable_faults_are_flagged, 0, (int)(sizeof odd / sizeof odd[0]));
    tcase_add_loop_test(t, what_is_no_response_is_refused, 0, (int)(sizeof bad / sizeof bad[0]));
    tcase_add_test(t, nesting_has_a_limit);
    tcase_add_test(t, values_have_a_limit);
    tcase_add_test(t, bytes_have_a_limit);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
