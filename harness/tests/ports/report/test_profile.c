/* The table of checks is complete, profiles change levels and nothing else, and expectations that
 * are not true any more are found. SPDX-License-Identifier: MIT */
#include "ports/report/profile.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ports/host.h"

static char path[64];

static const char *file_with(const char *text, const char *end)
{
    (void)snprintf(path, sizeof path, "/tmp/mailproof-profile-%d%s", (int)getpid(), end);
    FILE *f = fopen(path, "w");
    ck_assert(f != NULL);
    (void)fputs(text, f);
    (void)fclose(f);
    return path;
}

START_TEST(there_are_191_checks_with_a_requirement_each)
    {
        char section[64];
        ck_assert_int_eq(CHECKS, 191);
        for (int i = 0; i < CHECKS; i++) {
            int rfc = check_rfc(&checks[i], section, sizeof section);
            ck_assert_msg(rfc > 1000 && section[0] != '\0', "%s: \"%s\"", checks[i].id,
                          checks[i].ref);
            ck_assert_int_eq(check_of(checks[i].id), i);
            ck_assert(checks[i].title[0] != '\0' &&
                      checks[i].title[strlen(checks[i].title) - 1] != '.');
        }
    }
END_TEST

START_TEST(every_profile_that_is_shipped_loads)
    {
        static const char *const names[] = {"default", "modern", "intermediate", "rfc8314-strict",
                                            "mx",      "legacy", "ncsc-nl"};
        struct profile p;
        struct err err;
        ck_assert_msg(profile_load(&p, ".", names[_i], &err) == 0, "%s", err.text);
        ck_assert_str_eq(p.name, names[_i]);
    }
END_TEST

START_TEST(a_profile_changes_levels)
    {
        struct profile p;
        struct err err;
        struct finding bad = {.kind = FINDING_BAD};
        const char *f =
            file_with("return { name = 'x', levels = { V03 = 'SHOULD', ['25/V03'] = 'off', "
                      "K01 = 'must not' } }",
                      ".lua");
        ck_assert_msg(profile_load(&p, "/", f, &err) == 0, "%s", err.text);
        ck_assert_int_eq(profile_verdict(&p, 993, CHECK_V03, &bad), PORTS_WEAK);
        ck_assert_int_eq(profile_verdict(&p, 25, CHECK_V03, &bad), PORTS_SKIP);
        ck_assert_int_eq(profile_verdict(&p, 993, CHECK_K01, &bad), PORTS_FAIL);
        ck_assert_int_eq(profile_verdict(&p, 993, CHECK_V04, &bad), PORTS_FAIL);
        (void)unlink(f);
    }
END_TEST

START_TEST(a_profile_that_is_wrong_says_where)
    {
        static const struct {
            const char *text, *says;
        } t[] = {
            {"return { levels = { V99 = 'MUST' } }", "V99"},
            {"return { levels = { V03 = 'PERHAPS' } }", "PERHAPS"},
            {"return 1", "table"},
            {"return {", ".lua:1"},
            {"return { levels = { V03 = 7 } }", "quotes"},
            {"os.exit(0)", "os"},
        };
        struct profile p;
        struct err err = {{0}};
        const char *f = file_with(t[_i].text, ".lua");
        ck_assert_int_eq(profile_load(&p, "/", f, &err), -1);
        ck_assert_msg(strstr(err.text, t[_i].says) != NULL, "%s", err.text);
        (void)unlink(f);
    }
END_TEST

START_TEST(expectations_are_met_or_stale)
    {
        static struct expected e;
        struct err err = {{0}};
        const char *f =
            file_with("# known\n25/V03\tfail\told "
                      "clients\nK07\tweak\teverywhere\nhost/P16\tweak\ttwo\n25/R04\tweak?\tluck\n",
                      ".tsv");
        ck_assert_msg(expected_load(&e, f, &err) == 0, "%s", err.text);
        ck_assert_int_eq(e.n, 4);
        ck_assert(expected_judge(&e, 25, CHECK_V03, PORTS_FAIL) != NULL);
        ck_assert(expected_judge(&e, 993, CHECK_V03, PORTS_FAIL) == NULL);
        ck_assert(expected_judge(&e, 993, CHECK_K07, PORTS_PASS) == NULL);
        ck_assert(e.at[0].met && e.at[1].looked && !e.at[1].met && !e.at[2].looked);
        ck_assert(expected_judge(&e, 0, CHECK_P16, PORTS_WEAK) != NULL);
        ck_assert(expected_judge(&e, 25, CHECK_R04, PORTS_PASS) == NULL);
        ck_assert(e.at[3].looked && e.at[3].met);
        ck_assert(expected_judge(&e, 25, CHECK_R04, PORTS_WEAK) != NULL);
        (void)unlink(f);
    }
END_TEST

START_TEST(bad_expectations_name_the_line)
    {
        static const char *const t[] = {"V03 fail reason\n", "V03\tfail\t\n", "V03\tpass\tx\n",
                                        "V98\tfail\tx\n", "x/V03\tfail\ty\n"};
        static struct expected e;
        struct err err = {{0}};
        const char *f = file_with(t[_i], ".tsv");
        ck_assert_int_eq(expected_load(&e, f, &err), -1);
        ck_assert_msg(strstr(err.text, ":1:") != NULL, "%s", err.text);
        (void)unlink(f);
    }
END_TEST

START_TEST(ports_are_named_with_protocol_and_mode)
    {
        struct host_want w;
        struct err err;
        ck_assert_int_eq(host_parse_want("993", &w, &err), 0);
        ck_assert(w.protocol == PROTOCOL_IMAP && w.mode == MODE_IMPLICIT);
        ck_assert_int_eq(host_parse_want("10993=imap/implicit", &w, &err), 0);
        ck_assert(w.port == 10993 && w.protocol == PROTOCOL_IMAP && w.mode == MODE_IMPLICIT);
        ck_assert_int_eq(host_parse_want("2526=smtp", &w, &err), 0);
        ck_assert(w.protocol == PROTOCOL_SMTP && w.mode == MODE_UNKNOWN);
        ck_assert_int_eq(host_parse_want("10465=submissions", &w, &err), 0);
        ck_assert(w.protocol == PROTOCOL_SMTP && w.mode == MODE_IMPLICIT && !w.mx);
        ck_assert_int_eq(host_parse_want("2525=mx/starttls", &w, &err), 0);
        ck_assert(w.protocol == PROTOCOL_SMTP && w.mode == MODE_CLEAR && w.mx);
        ck_assert_int_eq(host_parse_want("0", &w, &err), -1);
        ck_assert_int_eq(host_parse_want("25=http", &w, &err), -1);
        ck_assert_int_eq(host_parse_want("25=smtp/ssl", &w, &err), -1);
        ck_assert_int_eq(host_parse_want("25x", &w, &err), -1);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("profile");
    TCase *t = tcase_create("profile");
    tcase_add_test(t, there_are_191_checks_with_a_requirement_each);
    tcase_add_loop_test(t, every_profile_that_is_shipped_loads, 0, 7);
    tcase_add_test(t, a_profile_changes_levels);
    tcase_add_loop_test(t, a_profile_that_is_wrong_says_where, 0, 6);
    tcase_add_test(t, expectations_are_met_or_stale);
    tcase_add_loop_test(t, bad_expectations_name_the_line, 0, 5);
    tcase_add_test(t, ports_are_named_with_protocol_and_mode);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
