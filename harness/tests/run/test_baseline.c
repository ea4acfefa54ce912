/* Baselines: what is expected, what is stale, and lines that are mistakes.
 * SPDX-License-Identifier: MIT */
#include "run/baseline.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct scenario list[] = {{.id = "smtp/a/1/one"}, {.id = "smtp/a/1/two"}};
static const struct catalogue catalogue = {.scenarios = list, .n = 2};
static char path[] = "/tmp/mailproof-baseline-XXXXXX";

static int load(struct baseline *b, const char *text, struct err *err)
{
    strcpy(path + strlen(path) - 6, "XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int rc = baseline_load(b, path, &catalogue, err);
    unlink(path);
    return rc;
}

static const struct {
    enum verdict listed, came;
    enum standing standing;
} pairs[] = {
    {VERDICT_FAIL, VERDICT_FAIL, STANDING_EXPECTED},
    {VERDICT_FAIL, VERDICT_PASS, STANDING_STALE},
    {VERDICT_FAIL, VERDICT_NOTED, STANDING_STALE},
    {VERDICT_FAIL, VERDICT_WEAK, STANDING_STALE},
    {VERDICT_FAIL, VERDICT_TIMEOUT, STANDING_NONE},
    {VERDICT_FAIL, VERDICT_SKIP, STANDING_NONE},
    {VERDICT_FAIL, VERDICT_ERROR, STANDING_NONE},
    {VERDICT_WEAK, VERDICT_WEAK, STANDING_EXPECTED},
    {VERDICT_WEAK, VERDICT_FAIL, STANDING_NONE},
    {VERDICT_WEAK, VERDICT_PASS, STANDING_STALE},
    {VERDICT_TIMEOUT, VERDICT_TIMEOUT, STANDING_EXPECTED},
    {VERDICT_TIMEOUT, VERDICT_PASS, STANDING_STALE},
};

START_TEST(an_outcome_is_held_against_it)
    {
        struct baseline b;
        struct err err;
        char text[200];
        snprintf(text, sizeof text, "# known\n\nsmtp/a/1/one\t%s\tbug 17, see there\n",
                 verdict_names[pairs[_i].listed]);
        ck_assert_int_eq(load(&b, text, &err), 0);
        ck_assert_int_eq(baseline_judge(&b, "smtp/a/1/one", pairs[_i].came), pairs[_i].standing);
        ck_assert_int_eq(baseline_judge(&b, "smtp/a/1/two", pairs[_i].came), STANDING_NONE);
        ck_assert_str_eq(baseline_reason(&b, "smtp/a/1/one"), "bug 17, see there");
        ck_assert_str_eq(baseline_reason(&b, "smtp/a/1/two"), "");
        baseline_clear(&b);
    }
END_TEST

/* What fails at times is expected when it does, and no surprise when it does not. */
START_TEST(by_luck)
    {
        struct baseline b;
        struct err err;
        ck_assert_int_eq(load(&b, "smtp/a/1/one\tfail?\ta race of theirs\n", &err), 0);
        ck_assert_int_eq(baseline_judge(&b, "smtp/a/1/one", VERDICT_FAIL), STANDING_EXPECTED);
        ck_assert_int_eq(baseline_judge(&b, "smtp/a/1/one", VERDICT_PASS), STANDING_NONE);
        ck_assert_int_eq(baseline_judge(&b, "smtp/a/1/one", VERDICT_TIMEOUT), STANDING_NONE);
        baseline_clear(&b);
    }
END_TEST

static const struct {
    const char *text, *why;
} mistakes[] = {
    {"smtp/a/1/one\n", ":1: expected id, tab, verdict, tab, reason"},
    {"smtp/a/1/one\tfail\n", ":1: smtp/a/1/one has no reason"},
    {"smtp/a/1/one\tfail\t  \n", ":1: smtp/a/1/one has no reason"},
    {"#\nsmtp/a/1/one\tpass\tfine\n",
     ":2: the verdict is fail, weak, dependency or timeout, not \"pass\""},
    {"smtp/a/1/oen\tfail\tx\n",
     ":1: there is no scenario \"smtp/a/1/oen\"; did you mean \"smtp/a/1/one\"?"},
    {"smtp/a/1/one\tfail\tx\nsmtp/a/1/one\tweak\ty\n", ":2: smtp/a/1/one stands twice"},
};

START_TEST(a_mistake_is_said_with_its_line)
    {
        struct baseline b;
        struct err err;
        ck_assert_int_eq(load(&b, mistakes[_i].text, &err), -1);
        ck_assert_str_eq(err.text + strlen(path), mistakes[_i].why);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("baseline");
    TCase *tc = tcase_create("baseline");
    tcase_add_loop_test(tc, an_outcome_is_held_against_it, 0, sizeof pairs / sizeof *pairs);
    tcase_add_loop_test(tc, a_mistake_is_said_with_its_line, 0, sizeof mistakes / sizeof *mistakes);
    tcase_add_test(tc, by_luck);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
