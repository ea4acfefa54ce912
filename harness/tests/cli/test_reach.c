/* Which scenario comes past which fault, from the files that their servers left.
 * SPDX-License-Identifier: MIT */
#include "cli/reach.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/runner.h"

static const struct scenario one = {.id = "smtp/rfc9999/1/one"}, two = {.id = "smtp/rfc9999/1/two"},
                             other = {.id = "smtp/rfc9999/1/other"};
static const struct scenario *both[] = {&one, &two};
static const struct selection chosen = {.at = both, .n = 2};
static char folder[64];
static struct reach reach;
static struct err err;

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/mailproof-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void leave(const struct scenario *s, const char *bytes, size_t n)
{
    char *path = runner_asked_name(folder, s->id);
    FILE *out = fopen(path, "we");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, n, out), n);
    ck_assert_int_eq(fclose(out), 0);
    free(path);
}

START_TEST(a_scenario_reaches_what_its_server_asked_for)
    {
        make_folder();
        leave(&one, "\1\0\0", 3);
        leave(&two, "\0\0\1", 3);
        ck_assert_int_eq(reach_read(&reach, folder, &chosen, 3, &err), 0);
        ck_assert(reach_has(&reach, &one, 0));
        ck_assert(!reach_has(&reach, &one, 1));
        ck_assert(!reach_has(&reach, &one, 2));
        ck_assert(!reach_has(&reach, &two, 0));
        ck_assert(reach_has(&reach, &two, 2));
        ck_assert_msg(rmdir(folder) == 0, "the files are still there");
        reach_clear(&reach);
    }
END_TEST

START_TEST(what_is_not_known_is_reached)
    {
        make_folder();
        leave(&two, "\0\0", 2);
        ck_assert_int_eq(reach_read(&reach, folder, &chosen, 2, &err), 0);
        ck_assert(reach_has(&reach, &one, 0));
        ck_assert(reach_has(&reach, &other, 1));
        ck_assert(!reach_has(&reach, &two, 0));
        rmdir(folder);
        reach_clear(&reach);
    }
END_TEST

START_TEST(a_file_of_another_server_is_an_error)
    {
        static const char *const bytes[] = {"\1\0", "\1\0\0\0"};
        for (size_t i = 0; i < 2; i++) {
            make_folder();
            leave(&one, bytes[i], i == 0 ? 2 : 4);
            ck_assert_int_eq(reach_read(&reach, folder, &chosen, 3, &err), -1);
            ck_assert_ptr_nonnull(strstr(err.text, "3 faults"));
            rmdir(folder);
        }
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("reach");
    TCase *t = tcase_create("reach");
    tcase_add_test(t, a_scenario_reaches_what_its_server_asked_for);
    tcase_add_test(t, what_is_not_known_is_reached);
    tcase_add_test(t, a_file_of_another_server_is_an_error);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
