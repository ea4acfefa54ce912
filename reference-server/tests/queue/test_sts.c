/* MTA-STS policies as text. RFC 8461, 3.2 and 4.1. SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "queue/sts.h"

static struct sts *sts;

static void start(void)
{
    sts = sts_new();
}

static void stop(void)
{
    sts_free(sts);
}

static void set(const char *policy)
{
    struct err err;
    ck_assert_msg(sts_set(sts, "a.example", policy, &err) == 0, "%s", err.text);
}

START_TEST(a_star_stands_for_one_label)
    {
        set("version: STSv1\r\nmode: enforce\r\nmx: mx.a.example\r\nmx: *.b.example\r\nmax_age: "
            "60\r\n");
        ck_assert(sts_allows(sts, "A.example", "MX.a.example"));
        ck_assert(sts_allows(sts, "a.example", "one.b.example"));
        ck_assert(!sts_allows(sts, "a.example", "one.two.b.example"));
        ck_assert(!sts_allows(sts, "a.example", "b.example"));
        ck_assert(!sts_allows(sts, "a.example", "mx.b.example.evil"));
        ck_assert(!sts_allows(sts, "c.example", "mx.a.example"));
    }
END_TEST

START_TEST(a_policy_outlives_its_announcement_by_its_age)
    {
        set("version: STSv1\nmode: enforce\nmx: m\nmax_age: 60\n");
        ck_assert_int_eq(sts_mode(sts, "a.example", false, 1000), STS_NONE);
        ck_assert_int_eq(sts_mode(sts, "a.example", true, 1000), STS_ENFORCE);
        ck_assert_int_eq(sts_mode(sts, "a.example", false, 1060), STS_ENFORCE);
        ck_assert_int_eq(sts_mode(sts, "a.example", false, 1061), STS_NONE);
        set("version: STSv1\nmode: testing\nmx: m\nmax_age: 60\nfuture: yes\n");
        ck_assert_int_eq(sts_mode(sts, "a.example", true, 1000), STS_TESTING);
        set(NULL);
        ck_assert(!sts_any(sts));
    }
END_TEST

static const char *const bad[] = {"", "mode: enforce\n", "version: STSv2\nmode: none\n",
                                  "version: STSv1\nmode: strict\n", "version: STSv1\nnonsense\n"};

START_TEST(nonsense_is_no_policy)
    {
        struct err err;
        ck_assert_msg(sts_set(sts, "a.example", bad[_i], &err) == -1, "\"%s\"", bad[_i]);
        ck_assert(!sts_any(sts));
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("sts");
    TCase *t = tcase_create("sts");
    tcase_add_checked_fixture(t, start, stop);
    tcase_add_test(t, a_star_stands_for_one_label);
    tcase_add_test(t, a_policy_outlives_its_announcement_by_its_age);
    tcase_add_loop_test(t, nonsense_is_no_policy, 0, sizeof bad / sizeof *bad);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
