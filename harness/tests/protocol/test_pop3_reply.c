/* Tests of the POP3 response reader.
 * SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/pop3_reply.h"

static enum parse_step feed(struct pop3_reply *r, const char *wire, size_t n, size_t *used)
{
    return pop3_reply_feed(r, (const unsigned char *)wire, n, used);
}

static const struct {
    const char *wire;
    bool multiline; /* asked for */
    enum pop3_status status;
    const char *text;
    const char *code;
    const char *body; /* NULL: none */
} good[] = {
    {"+OK POP3 ready <1.2@mx.example>\r\n", false, POP3_OK, "POP3 ready <1.2@mx.example>", "",
     NULL},
    {"+OK\r\n", false, POP3_OK, "", "", NULL},
    {"+OK \r\n", false, POP3_OK, "", "", NULL},
    {"-ERR\r\n", true, POP3_ERR, "", "", NULL},
    {"-ERR [IN-USE] locked\r\n", true, POP3_ERR, "[IN-USE] locked", "IN-USE", NULL},
    {"-ERR [SYS/TEMP] later\r\n", false, POP3_ERR, "[SYS/TEMP] later", "SYS/TEMP", NULL},
    {"-ERR [never closed\r\n", false, POP3_ERR, "[never closed", "", NULL},
    {"-ERR not [AUTH] first\r\n", false, POP3_ERR, "not [AUTH] first", "", NULL},
    {"+ \r\n", false, POP3_CONTINUE, "", "", NULL},
    {"+\r\n", true, POP3_CONTINUE, "", "", NULL},
    {"+ cGFzcw==\r\n", true, POP3_CONTINUE, "cGFzcw==", "", NULL},
    {"+OK 2 200\r\n", false, POP3_OK, "2 200", "", NULL},
    {"+OK\r\n.\r\n", true, POP3_OK, "", "", ""},
    {"+OK list\r\n1 100\r\n2 200\r\n.\r\n", true, POP3_OK, "list", "", "1 100\r\n2 200\r\n"},
    {"+OK\r\n\r\n\r\n.\r\n", true, POP3_OK, "", "", "\r\n\r\n"},
    {"+OK\r\n..\r\n...\r\n..x\r\n.\r\n", true, POP3_OK, "", "", ".\r\n..\r\n.x\r\n"},
    {"+OK\r\na.\r\nb .\r\n.\r\n", true, POP3_OK, "", "", "a.\r\nb .\r\n"},
};

static void check_good(const struct pop3_reply *r, int i, size_t cut)
{
    ck_assert_msg(r->status == good[i].status, "status, cut after byte %zu", cut);
    ck_assert_uint_eq(r->text_len, strlen(good[i].text));
    ck_assert_mem_eq(r->text, good[i].text, r->text_len);
    ck_assert_str_eq(r->resp_code, good[i].code);
    ck_assert_int_eq(r->multiline, good[i].body != NULL);
    ck_assert_uint_eq(r->body_len, good[i].body != NULL ? strlen(good[i].body) : 0);
    if (r->body_len > 0)
        ck_assert_str_eq((char *)r->body, good[i].body);
    ck_assert_str_eq((char *)r->raw, good[i].wire);
    ck_assert(!r->bare_lf && !r->bare_cr && !r->nul && !r->long_first_line &&
              !r->lower_case_status && !r->no_space_before_text && !r->unstuffed_dot &&
              !r->body_bare_lf);
}

/* A response is understood at every cut, and nothing of it is called wrong. */
START_TEST(good_responses_are_read_at_every_cut)
    {
        const char *wire = good[_i].wire;
        size_t n = strlen(wire);
        for (size_t cut = 0; cut < n; cut++) {
            struct pop3_reply r;
            size_t used;
            pop3_reply_init(&r, good[_i].multiline);
            ck_assert_int_eq(feed(&r, wire, cut, &used), PARSE_MORE);
            ck_assert_uint_eq(used, cut);
            ck_assert_msg(feed(&r, wire + cut, n - cut, &used) == PARSE_DONE,
                          "cut after byte %zu: %s", cut, r.why != NULL ? r.why : "wants more");
            ck_assert_uint_eq(used, n - cut);
            check_good(&r, _i, cut);
            pop3_reply_clear(&r);
        }
    }
END_TEST

/* What follows a response is left for the next one. */
START_TEST(the_next_response_is_not_touched)
    {
        struct pop3_reply r;
        size_t used;
        static const char wire[] = "+OK\r\na\r\n.\r\n-ERR x\r\n";
        pop3_reply_init(&r, true);
        ck_assert_int_eq(feed(&r, wire, strlen(wire), &used), PARSE_DONE);
        ck_assert_uint_eq(used, 11);
        ck_assert_int_eq(feed(&r, wire + 11, 8, &used), PARSE_DONE);
        ck_assert_uint_eq(used, 0);
        pop3_reply_clear(&r);
    }
END_TEST

static const struct {
    const char *wire;
    size_t n;
    bool multiline;
    size_t flag;
    const char *body;
} odd[] = {
#define ODD(text, multiline, flag, body)                                                           \
    {                                                                                              \
        text, sizeof text - 1, multiline, offsetof(struct pop3_reply, flag), body                  \
    }
    ODD("+OK hi\n", false, bare_lf, NULL),
    ODD("+ok hi\r\n", false, lower_case_status, NULL),
    ODD("-Err hi\r\n", false, lower_case_status, NULL),
    ODD("+OKhi\r\n", false, no_space_before_text, NULL),
    ODD("+OK a\rb\r\n", false, bare_cr, NULL),
    ODD("+OK a\0b\r\n", false, nul, NULL),
    ODD("+OK\r\na\nb\r\n.\r\n", true, body_bare_lf, "a\nb\r\n"),
    ODD("+OK\r\na\n.\nb\r\n.\r\n", true, body_bare_lf, "a\n.\nb\r\n"),
    ODD("+OK\r\na\rb\r\n.\r\n", true, bare_cr, "a\rb\r\n"),
    ODD("+OK\r\n.x\r\n.\r\n", true, unstuffed_dot, "x\r\n"),
#undef ODD
};

/* What is wrong but readable is flagged, one flag a fault; LF . LF never ends a response. */
START_TEST(readable_faults_are_flagged)
    {
        static const size_t flags[] = {
            offsetof(struct pop3_reply, bare_lf),
            offsetof(struct pop3_reply, bare_cr),
            offsetof(struct pop3_reply, nul),
            offsetof(struct pop3_reply, long_first_line),
            offsetof(struct pop3_reply, lower_case_status),
            offsetof(struct pop3_reply, no_space_before_text),
            offsetof(struct pop3_reply, unstuffed_dot),
            offsetof(struct pop3_reply, body_bare_lf),
        };
        for (size_t cut = 0; cut < odd[_i].n; cut++) {
            struct pop3_reply r;
            size_t used;
            pop3_reply_init(&r, odd[_i].multiline);
            ck_assert_int_eq(feed(&r, odd[_i].wire, cut, &used), PARSE_MORE);
            ck_assert_int_eq(feed(&r, odd[_i].wire + cut, odd[_i].n - cut, &used), PARSE_DONE);
            for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
                ck_assert_msg(*((bool *)&r + flags[i]) == (flags[i] == odd[_i].flag),
                              "flag %zu, cut after byte %zu", i, cut);
            if (odd[_i].body != NULL)
                ck_assert_str_eq((char *)r.body, odd[_i].body);
            ck_assert_mem_eq(r.raw, odd[_i].wire, odd[_i].n);
            pop3_reply_clear(&r);
        }
    }
END_TEST

/* A server that knows no CR at all still gets its responses read, flagged. */
START_TEST(lf_throughout_is_read)
    {
        struct pop3_reply r;
        size_t used;
        static const char wire[] = "+OK\na\n..b\n.\n";
        pop3_reply_init(&r, true);
        ck_assert_int_eq(feed(&r, wire, strlen(wire), &used), PARSE_DONE);
        ck_assert_str_eq((char *)r.body, "a\n.b\n");
        ck_assert(r.bare_lf && r.body_bare_lf);
        pop3_reply_clear(&r);
    }
END_TEST

static const struct {
    const char *wire;
    size_t at;
} bad[] = {
    {"* OK IMAP\r\n", 0}, {"220 smtp\r\n", 0}, {"+KO\r\n", 1},  {"+OX\r\n", 2}, {"-OK\r\n", 1},
    {"-ERX\r\n", 3},      {"\r\n", 0},         {"+xyz\r\n", 1}, {"-\r\n", 1},
};

/* Bytes that are no response end the reading at the byte that is wrong, with words. */
START_TEST(what_is_no_response_is_refused)
    {
        struct pop3_reply r;
        size_t used;
        pop3_reply_init(&r, false);
        ck_assert_int_eq(feed(&r, bad[_i].wire, strlen(bad[_i].wire), &used), PARSE_BAD);
        ck_assert_uint_eq(used, bad[_i].at + 1);
        ck_assert_ptr_nonnull(r.why);
        ck_assert_int_eq(feed(&r, "+OK\r\n", 5, &used), PARSE_BAD);
        ck_assert_uint_eq(used, 0);
        pop3_reply_clear(&r);
    }
END_TEST

/* 512 octets with CRLF are lawful for the first line, 513 are flagged. RFC 1939, 3. */
START_TEST(a_long_first_line_is_flagged_at_513)
    {
        for (size_t n = 512; n <= 513; n++) {
            char wire[600];
            struct pop3_reply r;
            size_t used;
            memset(wire, 'x', sizeof wire);
            memcpy(wire, "+OK ", 4);
            memcpy(wire + n - 2, "\r\n", 2);
            pop3_reply_init(&r, false);
            ck_assert_int_eq(feed(&r, wire, n, &used), PARSE_DONE);
            ck_assert_int_eq(r.long_first_line, n > 512);
            pop3_reply_clear(&r);
        }
    }
END_TEST

/* A response without end is refused at the limit. */
START_TEST(the_limit_holds)
    {
        struct pop3_reply r;
        size_t used;
        static char block[1024 * 1024];
        memset(block, 'x', sizeof block);
        pop3_reply_init(&r, true);
        ck_assert_int_eq(feed(&r, "+OK\r\n", 5, &used), PARSE_MORE);
        while (feed(&r, block, sizeof block, &used) == PARSE_MORE)
            ck_assert_uint_le(r.raw_len, POP3_REPLY_LIMIT_BYTES);
        ck_assert_ptr_nonnull(r.why);
        ck_assert_uint_eq(r.raw_len, POP3_REPLY_LIMIT_BYTES);
        pop3_reply_clear(&r);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("pop3_reply");
    TCase *t = tcase_create("pop3_reply");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, good_responses_are_read_at_every_cut, 0,
                        (int)(sizeof good / sizeof good[0]));
    tcase_add_test(t, the_next_response_is_not_touched);
    tcase_add_loop_test(t, readable_faults_are_flagged, 0, (int)(sizeof odd / sizeof odd[0]));
    tcase_add_test(t, lf_throughout_is_read);
    tcase_add_loop_test(t, what_is_no_response_is_refused, 0, (int)(sizeof bad / sizeof bad[0]));
    tcase_add_test(t, a_long_first_line_is_flagged_at_513);
    tcase_add_test(t, the_limit_holds);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
