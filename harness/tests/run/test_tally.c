/* Lint rules over a whole run: counted by rule, with the first reply that broke one.
 * SPDX-License-Identifier: MIT */
#include "run/tally.h"

#include <check.h>
#include <stdlib.h>

#include "protocol/lint.h"

static struct scenario one = {.id = "lint/smtp/one", .protocol = "smtp", .lint = lint_rules},
                       two = {.id = "lint/smtp/two", .protocol = "smtp", .lint = lint_rules},
                       pop = {.id = "lint/pop3/one", .protocol = "pop3", .lint = lint_rules},
                       plain = {.id = "smtp/a/1/b"};
static const struct scenario *all[] = {&plain, &one, &two, &pop};
static const struct selection chosen = {all, 4};

static void tell(struct tally *t, const char *rule, bool ok, const char *why, const char *where)
{
    json_t *e = json_pack("{s:s, s:s, s:b, s:s, s:s}", "ev", "lint", "rule", rule, "ok", ok, "why",
                          why, "case", where);
    tally_event(t, e);
    json_decref(e);
}

START_TEST(rules_are_counted)
    {
        struct tally t;
        tally_init(&t, &chosen);
        ck_assert_uint_eq(t.n, 3);
        ck_assert(!tally_touched(&t, &two));
        tell(&t, "lint/smtp/one", true, "", "x");
        tell(&t, "lint/smtp/one", false, "code 999", "smtp/a/1/b");
        tell(&t, "lint/smtp/one", false, "code 1000", "smtp/a/1/c");
        tell(&t, "lint/smtp/unknown", false, "?", "x");
        ck_assert_uint_eq(t.at[0].looked, 3);
        ck_assert_uint_eq(t.at[0].broke, 2);
        ck_assert_str_eq(t.at[0].why, "code 999 (in smtp/a/1/b)");
        ck_assert(tally_touched(
            &t, &two)); /* the run spoke SMTP, and gave this rule nothing to look at */
        ck_assert(!tally_touched(&t, &pop));
        tally_clear(&t);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("tally");
    TCase *tc = tcase_create("tally");
    tcase_add_test(tc, rules_are_counted);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
