/* Programs that a target starts: ready, never ready, gone, ended in good order.
 * SPDX-License-Identifier: MIT */
#include "run/program.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct program p;
static char log_path[] = "/tmp/mailproof-log-XXXXXX";

static void setup(void)
{
    strcpy(log_path + strlen(log_path) - 6, "XXXXXX");
    close(mkstemp(log_path));
}

static void teardown(void)
{
    program_stop(&p, 0.1);
    unlink(log_path);
}

static int shell(const char *script, double patience, json_t **ready, struct err *err)
{
    const char *argv[] = {"sh", "-c", script, NULL}, *extra[] = {"MAILPROOF_STATE=/tmp/here", NULL};
    if (program_start(&p, argv, extra, "/", log_path, err) != 0)
        return -1;
    return program_ready(&p, patience, ready, err);
}

START_TEST(says_when_it_is_ready)
    {
        struct err err = {{0}};
        json_t *ready = NULL;
        int rc =
            shell("printf '{\"ready\":true,\"x\":\"%s %s\"}\\n' \"$MAILPROOF_STATE\" \"$PWD\"; cat",
                  5, &ready, &err);
        ck_assert_msg(rc == 0, "%s", err.text);
        ck_assert_str_eq(json_string_value(json_object_get(ready, "x")), "/tmp/here /");
        ck_assert(program_alive(&p, &err));
        json_decref(ready);
    }
END_TEST

static const struct {
    const char *script, *why;
} failures[] = {
    {"echo one >&2; echo two >&2; exit 3", "sh ended before it was ready with exit code 3: two"},
    {"kill -9 $$", "sh ended before it was ready, killed by signal 9, Killed"},
    {"sleep 9", "sh did not say that it is ready within 0.2 s"},
    {"echo hello; sleep 9", "sh: expected a line like {\"ready\":true,…}, got: hello"},
    {"echo '{\"ready\":false}'; sleep 9",
     "sh: expected a line like {\"ready\":true,…}, got: {\"ready\":false}"},
};

START_TEST(is_never_ready)
    {
        struct err err = {{0}};
        json_t *ready = NULL;
        ck_assert_int_eq(shell(failures[_i].script, 0.2, &ready, &err), -1);
        ck_assert_str_eq(err.text, failures[_i].why);
    }
END_TEST

START_TEST(is_not_there)
    {
        struct err err = {{0}};
        const char *argv[] = {"/nonexistent/program", NULL};
        ck_assert_int_eq(program_start(&p, argv, NULL, NULL, NULL, &err), -1);
        ck_assert_str_eq(err.text, "cannot start /nonexistent/program: No such file or directory");
        ck_assert_int_eq(p.pid, 0);
    }
END_TEST

START_TEST(ends_in_the_middle)
    {
        struct err err = {{0}};
        json_t *ready = NULL;
        ck_assert_int_eq(shell("echo '{\"ready\":true}'; exec 1>&-; exit 5", 5, &ready, &err), 0);
        json_decref(ready);
        for (int i = 0; i < 500 && program_alive(&p, &err); i++)
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        ck_assert_str_eq(err.text, "sh ended with exit code 5");
    }
END_TEST

/* What a program leaves behind goes with it, even if it will not hear SIGTERM. */
START_TEST(stop_ends_the_whole_group)
    {
        struct err err = {{0}};
        json_t *ready = NULL;
        ck_assert_int_eq(shell("trap '' TERM; sleep 60 & echo "
                               "\"{\\\"ready\\\":true,\\\"pid\\\":$!}\"; wait; sleep 60",
                               5, &ready, &err),
                         0);
        pid_t left = (pid_t)json_integer_value(json_object_get(ready, "pid"));
        json_decref(ready);
        ck_assert_int_eq(kill(left, 0), 0);
        program_stop(&p, 0.1);
        int gone = 0;
        for (int i = 0; i < 500 && !gone; i++) {
            /* It may stay a zombie where nobody reaps it: its state says so. */
            char path[64], stat[512] = "";
            snprintf(path, sizeof path, "/proc/%d/stat", (int)left);
            FILE *f = fopen(path, "r");
            gone = f == NULL || fgets(stat, sizeof stat, f) == NULL || strstr(stat, ") Z") != NULL;
            if (f != NULL)
                fclose(f);
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        }
        ck_assert(gone);
    }
END_TEST

START_TEST(run_gives_the_exit_code)
    {
        const char *argv[] = {"sh", "-c", "exit 7", NULL}, *slow[] = {"sleep", "60", NULL};
        ck_assert_int_eq(program_run(argv, NULL, NULL, NULL, 5), 7);
        ck_assert_int_eq(program_run(slow, NULL, NULL, NULL, 0.05), -1);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("program");
    TCase *tc = tcase_create("program");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, says_when_it_is_ready);
    tcase_add_loop_test(tc, is_never_ready, 0, sizeof failures / sizeof *failures);
    tcase_add_test(tc, is_not_there);
    tcase_add_test(tc, ends_in_the_middle);
    tcase_add_test(tc, stop_ends_the_whole_group);
    tcase_add_test(tc, run_gives_the_exit_code);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
