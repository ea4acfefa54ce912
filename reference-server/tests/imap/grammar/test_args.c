/* Arguments by the letter of the grammar. SPDX-License-Identifier: MIT */
#include <string.h>

#include <check.h>

#include "imap/grammar/args.h"
#include "store/store.h"

static struct lexer lexer;
static struct arena arena;
static struct args args;

static void setup(void)
{
    lexer_init(&lexer, 10000);
}

static void teardown(void)
{
    lexer_free(&lexer);
    arena_free(&arena);
}

/* A command of this text; literals in it are taken. */
static void begin(const char *text)
{
    size_t n = strlen(text), at = 0, used;
    lexer_reset(&lexer);
    for (;;) {
        enum lexer_step step = lexer_feed(&lexer, (const unsigned char *)text + at, n - at, &used);
        at += used;
        if (step != LEXER_LITERAL) {
            break;
        }
        lexer_take(&lexer);
    }
    args_init(&args, &lexer, &arena);
}

static const struct {
    const char *text;
    const char *value; /* NULL: refused */
} astrings[] = {
    {"abc\r\n", "abc"},
    {"a]b\r\n", "a]b"},
    {"\"\"\r\n", ""},
    {"\"a b\"\r\n", "a b"},
    {"\"a\\\\\\\"b\"\r\n", "a\\\"b"},
    {"{3}\r\na\"b\r\n", "a\"b"},
    {"{3+}\r\n\r\n \r\n", "\r\n "},
    {"{0}\r\n\r\n", ""},
    {"\"a\\b\"\r\n", NULL},
    {"\"abc\r\n", NULL},
    {"\"a\\\"\r\n", NULL},
    {"\"\xc3\xa4\"\r\n", NULL},
    {"a\"b\r\n", NULL},
    {"a%b\r\n", NULL},
    {"(a)\r\n", NULL},
    {"\r\n", NULL},
    {"~{1}\r\na\r\n", NULL},
    {"a{1}\r\nx\r\n", NULL},
};

START_TEST(astring_table)
    {
        struct str s;
        begin(astrings[_i].text);
        bool ok = args_astring(&args, &s) && args_end(&args);
        ck_assert_msg(ok == (astrings[_i].value != NULL), "%s", astrings[_i].text);
        if (ok) {
            ck_assert_str_eq(s.p, astrings[_i].value);
        }
    }
END_TEST

START_TEST(a_missing_literal_is_pending_not_bad)
    {
        struct str s;
        size_t used;
        const char *text = "user {4}\r\n";
        lexer_reset(&lexer);
        ck_assert_int_eq(lexer_feed(&lexer, (const unsigned char *)text, strlen(text), &used),
                         LEXER_LITERAL);
        args_init(&args, &lexer, &arena);
        ck_assert(args_astring(&args, &s) && args_sp(&args));
        ck_assert(!args_astring(&args, &s));
        ck_assert_int_eq(args.state, ARGS_PENDING);
        args_init(&args, &lexer, &arena);
        args_astring(&args, &s);
        args_sp(&args);
        ck_assert(!args_nznumber(&args, &(uint32_t){0}));
        ck_assert_int_eq(args.state, ARGS_BAD);
    }
END_TEST

static const struct {
    const char *text;
    bool ok;
    int64_t value; /* UTC seconds */
    int zone;
} times[] = {
    {"\"17-Jul-1996 02:44:25 -0700\"\r\n", true, 837596665, -420},
    {"\" 1-jan-1970 00:00:00 +0000\"\r\n", true, 0, 0},
    {"\"01-Jan-1970 01:30:00 +0130\"\r\n", true, 0, 90},
    {"\"29-Feb-2000 00:00:00 +0000\"\r\n", true, 951782400, 0},
    {"\"29-Feb-1900 00:00:00 +0000\"\r\n", false, 0, 0},
    {"\"31-Apr-2000 00:00:00 +0000\"\r\n", false, 0, 0},
    {"\"1-Jan-1970 00:00:00 +0000\"\r\n", false, 0, 0},
    {"\"01-Jan-1970 24:00:00 +0000\"\r\n", false, 0, 0},
    {"\"01-Jan-1970 00:00:00 0000\"\r\n", false, 0, 0},
    {"\"01-Jan-1970 00:00:00\"\r\n", false, 0, 0},
    {"\"01-Foo-1970 00:00:00 +0000\"\r\n", false, 0, 0},
    {"01-Jan-1970 00:00:00 +0000\r\n", false, 0, 0},
};

START_TEST(date_time_table)
    {
        int64_t seconds = 0;
        int zone = 0;
        begin(times[_i].text);
        bool ok = args_date_time(&args, &seconds, &zone) && args_end(&args);
        ck_assert_msg(ok == times[_i].ok, "%s", times[_i].text);
        if (ok) {
            ck_assert_int_eq(seconds, times[_i].value);
            ck_assert_int_eq(zone, times[_i].zone);
        }
    }
END_TEST

static const struct {
    const char *text;
    bool ok;
    int64_t day;
} dates[] = {
    {"1-Feb-1970\r\n", true, 31},   {"01-FEB-1970\r\n", true, 31}, {"\"2-Jan-1970\"\r\n", true, 1},
    {"31-Dec-1969\r\n", true, -1},  {"1-Feb-70\r\n", false, 0},    {"\"2-Jan-1970\r\n", false, 0},
    {"123-Jan-1970\r\n", false, 0}, {"0-Jan-1970\r\n", false, 0},
};

START_TEST(date_table)
    {
        int64_t day = 0;
        begin(dates[_i].text);
        bool ok = args_date(&args, &day) && args_end(&args);
        ck_assert_msg(ok == dates[_i].ok, "%s", dates[_i].text);
        if (ok) {
            ck_assert_int_eq(day, dates[_i].day);
        }
    }
END_TEST

static const struct {
    const char *text;
    bool ok;
} sets[] = {
    {"1\r\n", true},      {"1:*\r\n", true},        {"*:1,4,7:9\r\n", true},
    {"$\r\n", true},      {"4294967295\r\n", true}, {"4294967296\r\n", false},
    {"0\r\n", false},     {"1:0\r\n", false},       {"1,\r\n", false},
    {",1\r\n", false},    {"1::2\r\n", false},      {"01\r\n", false},
    {"1:2:3\r\n", false}, {"\r\n", false},          {"-1\r\n", false},
};

START_TEST(sequence_set_table)
    {
        struct seqset set;
        begin(sets[_i].text);
        bool ok = args_seqset(&args, &set) && args_end(&args);
        ck_assert_msg(ok == sets[_i].ok, "%s", sets[_i].text);
    }
END_TEST

START_TEST(flags_are_matched_in_any_case_and_kept_once)
    {
        struct flag_list flags = {0};
        begin("(\\sEEN \\Deleted kw KW $x \\Odd)\r\n");
        ck_assert(args_flag_list(&args, &flags) && args_end(&args));
        ck_assert_uint_eq(flags.flags, FLAG_SEEN | FLAG_DELETED);
        ck_assert_uint_eq(flags.keyword_count, 2);
        ck_assert_str_eq(flags.keywords[0], "kw");
        ck_assert_str_eq(flags.keywords[1], "$x");
        ck_assert_ptr_null(flags.keywords[2]);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("args");
    TCase *t = tcase_create("args");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, astring_table, 0, sizeof astrings / sizeof *astrings);
    tcase_add_test(t, a_missing_literal_is_pending_not_bad);
    tcase_add_loop_test(t, date_time_table, 0, sizeof times / sizeof *times);
    tcase_add_loop_test(t, date_table, 0, sizeof dates / sizeof *dates);
    tcase_add_loop_test(t, sequence_set_table, 0, sizeof sets / sizeof *sets);
    tcase_add_test(t, flags_are_matched_in_any_case_and_kept_once);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
