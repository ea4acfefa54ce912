/* Which scenarios globs, tags, levels, RFCs and shards choose.
 * SPDX-License-Identifier: MIT */
#include "catalogue/select.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *tls_tag[] = {"tls"}, *proves_one[] = {"rfc5321-2.4-1"},
                  *proves_two[] = {"rfc3501-6.1-1", "rfc9051-6.1-1"};

static struct scenario list[] = {
    {.id = "smtp/rfc5321/2.4/case",
     .file = "scenarios/smtp/rfc5321/2.4-words.lua",
     .level = "MUST",
     .proves = {proves_one, 1}},
    {.id = "smtp/rfc5321/2.4/case-of-domains",
     .file = "scenarios/smtp/rfc5321/2.4-words.lua",
     .level = "SHOULD",
     .tags = {tls_tag, 1},
     .proves = {proves_one, 1}},
    {.id = "imap/rfc3501/6.1/capability",
     .file = "scenarios/imap/rfc3501/6.1-any.lua",
     .level = "MUST",
     .proves = {proves_two, 2}},
    {.id = "pop3/rfc1939/3/greeting",
     .file = "scenarios/pop3/rfc1939/3-basic.lua",
     .level = "stated"},
};
static const struct catalogue catalogue = {.scenarios = list, .n = 4};

static const struct {
    const char *glob;
    bool hits[4];
} globs[] = {
    {"**", {true, true, true, true}},
    {"smtp/**", {true, true, false, false}},
    {"*/rfc5321/*", {true, true, false, false}},
    {"smtp", {true, true, false, false}},
    {"smtp/", {true, true, false, false}},
    {"smt", {false, false, false, false}},
    {"smtp/rfc5321/2.4/case", {true, false, false, false}},
    {"smtp/rfc5321/2.4/case*", {true, true, false, false}},
    {"scenarios/imap/rfc3501/6.1-any.lua", {false, false, true, false}},
    {"rfc9051-6.1-1", {false, false, true, false}},
    {"*/greetin?", {false, false, false, true}},
};

START_TEST(a_glob_names)
    {
        for (size_t i = 0; i < 4; i++)
            ck_assert_msg(select_match(&list[i], globs[_i].glob) == globs[_i].hits[i], "%s and %s",
                          globs[_i].glob, list[i].id);
    }
END_TEST

static size_t chosen(const struct wish *w)
{
    struct selection s;
    struct err err;
    ck_assert_msg(select_scenarios(&catalogue, w, &s, &err) == 0, "%s", err.text);
    size_t n = s.n;
    selection_clear(&s);
    return n;
}

START_TEST(filters_narrow_down)
    {
        const char *must[] = {"must"}, *rfc[] = {"9051"}, *named[] = {"rfc3501"},
                   *two[] = {"imap", "pop3"};
        ck_assert_uint_eq(chosen(&(struct wish){0}), 4);
        ck_assert_uint_eq(chosen(&(struct wish){.levels = {must, 1}}), 2);
        ck_assert_uint_eq(chosen(&(struct wish){.tags = {tls_tag, 1}}), 1);
        ck_assert_uint_eq(chosen(&(struct wish){.rfcs = {rfc, 1}}), 1);
        ck_assert_uint_eq(chosen(&(struct wish){.rfcs = {named, 1}, .levels = {must, 1}}), 1);
        ck_assert_uint_eq(chosen(&(struct wish){.globs = {two, 2}}), 2);
        ck_assert_uint_eq(chosen(&(struct wish){.only_ids = true}), 0);
    }
END_TEST

/* Every scenario is in exactly one shard. */
START_TEST(shards_are_a_partition)
    {
        size_t sum = 0;
        for (unsigned i = 1; i <= 3; i++)
            sum += chosen(&(struct wish){.shard = i, .shards = 3});
        ck_assert_uint_eq(sum, 4);
    }
END_TEST

START_TEST(a_word_that_names_nothing_is_told)
    {
        const char *typo[] = {"imap/rfc3501/6.1/capabilty"}, *glob[] = {"nntp/*"};
        struct selection s;
        struct err err;
        struct wish w = {.globs = {typo, 1}};
        ck_assert_int_eq(select_scenarios(&catalogue, &w, &s, &err), -1);
        ck_assert_str_eq(err.text,
                         "there is no scenario \"imap/rfc3501/6.1/capabilty\"; did you mean "
                         "\"imap/rfc3501/6.1/capability\"?");
        w.globs.at = glob;
        ck_assert_int_eq(select_scenarios(&catalogue, &w, &s, &err), -1);
        ck_assert_str_eq(err.text, "no scenario matches \"nntp/*\"");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("select");
    TCase *tc = tcase_create("select");
    tcase_add_loop_test(tc, a_glob_names, 0, sizeof globs / sizeof *globs);
    tcase_add_test(tc, filters_narrow_down);
    tcase_add_test(tc, shards_are_a_partition);
    tcase_add_test(tc, a_word_that_names_nothing_is_told);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
