/* Tests of the SMTP reply reader.
 * SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/smtp_reply.h"

static enum parse_step feed(struct smtp_reply *r, const char *wire, size_t n, size_t *used)
{
    return smtp_reply_feed(r, (const unsigned char *)wire, n, used);
}

/* Feeds all of a string; *used may be short of it. */
static enum parse_step read_all(struct smtp_reply *r, const char *wire, size_t n, size_t *used)
{
    smtp_reply_init(r);
    return feed(r, wire, n, used);
}

static const struct {
    const char *wire;
    int code;
    size_t lines;
    const char *last; /* text of the last line */
    const char *enhanced;
} good[] = {
    {"220 mx.example ESMTP\r\n", 220, 1, "mx.example ESMTP", ""},
    {"250\r\n", 250, 1, "", ""},
    {"250 \r\n", 250, 1, "", ""},
    {"250-mx.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 HELP\r\n", 250, 4, "HELP", ""},
    {"250 2.1.5 Ok\r\n", 250, 1, "2.1.5 Ok", "2.1.5"},
    {"550-5.7.1 no\r\n550 5.7.1 relay\r\n", 550, 2, "5.7.1 relay", "5.7.1"},
    {"550 5.1.1\r\n", 550, 1, "5.1.1", "5.1.1"},
    {"250 2.100.999 x\r\n", 250, 1, "2.100.999 x", "2.100.999"},
    {"250 2.1000.1 x\r\n", 250, 1, "2.1000.1 x", ""},
    {"250 2.1.5x\r\n", 250, 1, "2.1.5x", ""},
    {"250 2.1 x\r\n", 250, 1, "2.1 x", ""},
    {"250 1.1.1 x\r\n", 250, 1, "1.1.1 x", ""},
    {"334 \r\n", 334, 1, "", ""},
    {"250-\r\n250 x\r\n", 250, 2, "x", ""},
    {"999 \r\n", 999, 1, "", ""},
    {"000 \r\n", 0, 1, "", ""},
};

/* A reply is understood, and nothing of it is called wrong. */
START_TEST(good_replies_are_read)
    {
        struct smtp_reply r;
        size_t used;
        char enhanced[16];
        const char *wire = good[_i].wire;
        ck_assert_int_eq(read_all(&r, wire, strlen(wire), &used), PARSE_DONE);
        ck_assert_uint_eq(used, strlen(wire));
        ck_assert_int_eq(r.code, good[_i].code);
        ck_assert_uint_eq(r.line_count, good[_i].lines);
        const struct smtp_line *last = &r.lines[r.line_count - 1];
        ck_assert_uint_eq(last->len, strlen(good[_i].last));
        ck_assert_mem_eq(r.raw + last->start, good[_i].last, last->len);
        ck_assert_uint_eq(r.raw_len, used);
        ck_assert_str_eq((char *)r.raw, wire);
        ck_assert_int_eq(smtp_reply_enhanced(&r, enhanced), good[_i].enhanced[0] != '\0');
        ck_assert_str_eq(enhanced, good[_i].enhanced);
        ck_assert(!r.bare_lf && !r.bare_cr && !r.nul && !r.eight_bit && !r.codes_differ &&
                  !r.long_line && !r.no_space_before_text && !r.control);
        smtp_reply_clear(&r);
    }
END_TEST

/* The network may cut a reply anywhere: every cut gives the same reply. */
START_TEST(every_cut_gives_the_same_reply)
    {
        const char *wire = good[_i].wire;
        size_t n = strlen(wire);
        for (size_t cut = 0; cut < n; cut++) {
            struct smtp_reply r;
            size_t used;
            smtp_reply_init(&r);
            ck_assert_int_eq(feed(&r, wire, cut, &used), PARSE_MORE);
            ck_assert_uint_eq(used, cut);
            ck_assert_msg(feed(&r, wire + cut, n - cut, &used) == PARSE_DONE,
                          "cut after byte %zu: %s", cut, r.why != NULL ? r.why : "wants more");
            ck_assert_int_eq(r.code, good[_i].code);
            ck_assert_uint_eq(r.line_count, good[_i].lines);
            ck_assert_str_eq((char *)r.raw, wire);
            smtp_reply_clear(&r);
        }
    }
END_TEST

/* What follows a reply is left for the next one. */
START_TEST(the_next_reply_is_not_touched)
    {
        struct smtp_reply r;
        size_t used;
        static const char wire[] = "250 one\r\n550 two\r\n";
        ck_assert_int_eq(read_all(&r, wire, strlen(wire), &used), PARSE_DONE);
        ck_assert_uint_eq(used, 9);
        ck_assert_int_eq(feed(&r, wire + used, 9, &used), PARSE_DONE);
        ck_assert_uint_eq(used, 0);
        smtp_reply_clear(&r);
        ck_assert_int_eq(feed(&r, wire + 9, 9, &used), PARSE_DONE);
        ck_assert_int_eq(r.code, 550);
        smtp_reply_clear(&r);
    }
END_TEST

static const struct {
    const char *wire;
    size_t n;
    size_t flag; /* offset of the flag that has to be set */
} odd[] = {
#define ODD(text, flag)                                                                            \
    {                                                                                              \
        text, sizeof text - 1, offsetof(struct smtp_reply, flag)                                   \
    }
    ODD("250 ok\n", bare_lf),
    ODD("250-a\n250 b\r\n", bare_lf),
    ODD("250\n", bare_lf),
    ODD("250 a\rb\r\n", bare_cr),
    ODD("250 a\r\r\n", bare_cr),
    ODD("250\r\r\n", bare_cr),
    ODD("250 a\0b\r\n", nul),
    ODD("250 f\303\274r\r\n", eight_bit),
    ODD("250 a\ab\r\n", control),
    ODD("250 a\177b\r\n", control),
    ODD("250-a\r\n251 b\r\n", codes_differ),
    ODD("250ok\r\n", no_space_before_text),
    ODD("250\tok\r\n", no_space_before_text),
#undef ODD
};

/* What is wrong but readable is flagged, one flag a fault, and kept as it came. */
START_TEST(readable_faults_are_flagged)
    {
        static const size_t flags[] = {
            offsetof(struct smtp_reply, bare_lf),
            offsetof(struct smtp_reply, bare_cr),
            offsetof(struct smtp_reply, nul),
            offsetof(struct smtp_reply, eight_bit),
            offsetof(struct smtp_reply, codes_differ),
            offsetof(struct smtp_reply, long_line),
            offsetof(struct smtp_reply, control),
            offsetof(struct smtp_reply, no_space_before_text),
        };
        for (size_t cut = 0; cut < odd[_i].n; cut++) {
            struct smtp_reply r;
            size_t used;
            smtp_reply_init(&r);
            ck_assert_int_eq(feed(&r, odd[_i].wire, cut, &used), PARSE_MORE);
            ck_assert_int_eq(feed(&r, odd[_i].wire + cut, odd[_i].n - cut, &used), PARSE_DONE);
            for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
                ck_assert_msg(*((bool *)&r + flags[i]) == (flags[i] == odd[_i].flag),
                              "flag %zu, cut after byte %zu", i, cut);
            ck_assert_uint_eq(r.raw_len, odd[_i].n);
            ck_assert_mem_eq(r.raw, odd[_i].wire, odd[_i].n);
            smtp_reply_clear(&r);
        }
    }
END_TEST

/* 512 octets with CRLF are lawful, 513 are flagged. RFC 5321, 4.5.3.1.5. */
START_TEST(a_long_line_is_flagged_at_513)
    {
        for (size_t n = 512; n <= 513; n++) {
            char wire[600];
            struct smtp_reply r;
            size_t used;
            memset(wire, 'x', sizeof wire);
            memcpy(wire, "250 ", 4);
            memcpy(wire + n - 2, "\r\n", 2);
            ck_assert_int_eq(read_all(&r, wire, n, &used), PARSE_DONE);
            ck_assert_int_eq(r.long_line, n > 512);
            smtp_reply_clear(&r);
        }
    }
END_TEST

static const struct {
    const char *wire;
    size_t at; /* the byte that is wrong */
} bad[] = {
    {"* OK IMAP4rev1\r\n", 0},
    {"+OK POP3\r\n", 0},
    {"HTTP/1.1 400\r\n", 0},
    {"25 ok\r\n", 2},
    {"\r\n", 0},
    {"2500 ok\r\n", 3},
    {"250-a\r\nb\r\n", 7},
    {"250-a\r\n25\r\n", 9},
    {" 250 ok\r\n", 0},
    {"250-a\r\n-250 b\r\n", 7},
};

/* Bytes that are no reply end the reading at the byte that is wrong, with words. */
START_TEST(what_is_no_reply_is_refused)
    {
        struct smtp_reply r;
        size_t used;
        ck_assert_int_eq(read_all(&r, bad[_i].wire, strlen(bad[_i].wire), &used), PARSE_BAD);
        ck_assert_uint_eq(used, bad[_i].at + 1);
        ck_assert_ptr_nonnull(r.why);
        ck_assert_int_eq(feed(&r, "250 ok\r\n", 8, &used), PARSE_BAD);
        ck_assert_uint_eq(used, 0);
        smtp_reply_clear(&r);
    }
END_TEST

/* The code of the last line is the one that a client obeys. RFC 5321, 4.2.1. */
START_TEST(the_last_code_counts)
    {
        struct smtp_reply r;
        size_t used;
        static const char wire[] = "250-a\r\n550 b\r\n";
        ck_assert_int_eq(read_all(&r, wire, strlen(wire), &used), PARSE_DONE);
        ck_assert_int_eq(r.code, 550);
        ck_assert_int_eq(r.lines[0].code, 250);
        ck_assert_int_eq(r.lines[1].code, 550);
        smtp_reply_clear(&r);
    }
END_TEST

/* A reply without end is refused at the limits, of bytes and of lines. */
START_TEST(limits_hold)
    {
        struct smtp_reply r;
        size_t used, total = 0;
        char block[4096];
        memset(block, 'x', sizeof block);
        smtp_reply_init(&r);
        ck_assert_int_eq(feed(&r, "250 ", 4, &used), PARSE_MORE);
        while (feed(&r, block, sizeof block, &used) == PARSE_MORE)
            total += used;
        ck_assert_ptr_nonnull(r.why);
        ck_assert_uint_le(r.raw_len, SMTP_REPLY_LIMIT_BYTES + 1);
        ck_assert_uint_gt(total, SMTP_REPLY_LIMIT_BYTES - 2 * sizeof block);
        smtp_reply_clear(&r);

        size_t lines = 0;
        while (feed(&r, "250-x\r\n", 7, &used) == PARSE_MORE)
            lines++;
        ck_assert_uint_eq(lines, SMTP_REPLY_LIMIT_LINES - 1);
        ck_assert_ptr_nonnull(r.why);
        smtp_reply_clear(&r);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("smtp_reply");
    TCase *t = tcase_create("smtp_reply");
    tcase_add_loop_test(t, good_replies_are_read, 0, (int)(sizeof good / sizeof good[0]));
    tcase_add_loop_test(t, every_cut_gives_the_same_reply, 0, (int)(sizeof good / sizeof good[0]));
    tcase_add_test(t, the_next_reply_is_not_touched);
    tcase_add_loop_test(t, readable_faults_are_flagged, 0, (int)(sizeof odd / sizeof odd[0]));
    tcase_add_test(t, a_long_line_is_flagged_at_513);
    tcase_add_loop_test(t, what_is_no_reply_is_refused, 0, (int)(sizeof bad / sizeof bad[0]));
    tcase_add_test(t, the_last_code_counts);
    tcase_add_test(t, limits_hold);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
