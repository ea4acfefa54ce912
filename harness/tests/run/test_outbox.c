/* Nothing that a process said is lost or said twice, however it ends. SPDX-License-Identifier: MIT
 */
#include "run/outbox.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct outbox *box;
static int ends[2];

static void setup(void)
{
    box = outbox_new();
    ck_assert_ptr_nonnull(box);
    ck_assert_int_eq(pipe(ends), 0);
}

static void teardown(void)
{
    outbox_free(box);
    close(ends[0]);
    close(ends[1]);
}

/* What is in the pipe now, and after it what was left; malloc's. */
static char *all(size_t *n)
{
    enum { MOST = 1 << 20 }; /* a pipe and an outbox have far less */
    const char *left = NULL;
    char *text = malloc(MOST + 1);
    *n = 0;
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    for (ssize_t got = 1; got > 0;) {
        got = read(ends[0], text + *n, MOST - *n);
        *n += got > 0 ? (size_t)got : 0;
    }
    size_t more = outbox_left(box, *n, &left);
    ck_assert_uint_le(more, MOST - *n);
    if (more > 0)
        memcpy(text + *n, left, more);
    *n += more;
    text[*n] = '\0';
    return text;
}

START_TEST(lines_leave_together_and_in_order)
    {
        char text[64] = "";
        ck_assert_int_eq(outbox_add(box, ends[1], "one\n", 4), 0);
        ck_assert_int_eq(outbox_add(box, ends[1], "two\n", 4), 0);
        ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
        ck_assert_int_eq(read(ends[0], text, sizeof text), -1);
        ck_assert_int_eq(outbox_flush(box, ends[1]), 0);
        ck_assert_int_eq(read(ends[0], text, sizeof text), 8);
        ck_assert_str_eq(text, "one\ntwo\n");
        ck_assert_int_eq(outbox_flush(box, ends[1]), 0);
        ck_assert_int_eq(read(ends[0], text, sizeof text), -1);
    }
END_TEST

START_TEST(without_an_outbox_a_line_leaves_at_once)
    {
        char text[64] = "";
        const char *left;
        ck_assert_int_eq(outbox_add(NULL, ends[1], "one\n", 4), 0);
        ck_assert_int_eq(read(ends[0], text, sizeof text), 4);
        ck_assert_int_eq(outbox_flush(NULL, ends[1]), 0);
        ck_assert_uint_eq(outbox_left(NULL, 0, &left), 0);
        outbox_reset(NULL);
    }
END_TEST

/* Lines of every length, shorter and longer than the outbox, while the reader reads. */
START_TEST(a_line_longer_than_the_outbox_goes_between_the_others)
    {
        static const size_t lengths[] = {1, 60000, 60000, 200000, 5, 65536, 65537, 7};
        enum { N = sizeof lengths / sizeof *lengths };
        pid_t pid = fork();
        if (pid == 0) {
            for (size_t i = 0; i < N; i++) {
                char *line = malloc(lengths[i]);
                if (line == NULL)
                    _exit(1);
                memset(line, 'a' + (int)i, lengths[i]);
                if (outbox_add(box, ends[1], line, lengths[i]) != 0)
                    _exit(1);
                free(line);
            }
            _exit(0); /* the last line was never sent */
        }
        size_t want = 0, n = 0;
        char *got = NULL;
        for (size_t i = 0; i < N; i++)
            want += lengths[i];
        got = malloc(want + 1);
        ck_assert_ptr_nonnull(got);
        while (n < want - 7) {
            ssize_t more = read(ends[0], got + n, want - n);
            ck_assert_int_gt(more, 0);
            n += (size_t)more;
        }
        int status = 0;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        const char *left = NULL;
        ck_assert_uint_eq(outbox_left(box, n, &left), 7);
        memcpy(got + n, left, 7);
        for (size_t i = 0, at = 0; i < N; at += lengths[i++])
            for (size_t k = 0; k < lengths[i]; k++)
                ck_assert_int_eq(got[at + k], 'a' + (int)i);
        free(got);
    }
END_TEST

/* Killed anywhere, in the middle of a write, too: what comes out is a beginning of what it said, of
 * whole lines but perhaps for the last one. */
START_TEST(who_is_killed_leaves_what_was_said)
    {
        outbox_reset(box);
        pid_t pid = fork();
        if (pid == 0) {
            for (int i = 0;; i++) {
                char line[16];
                int n = snprintf(line, sizeof line, "%08d\n", i);
                if (outbox_add(box, ends[1], line, (size_t)n) != 0 ||
                    (i % 7 == 0 && outbox_flush(box, ends[1]) != 0))
                    _exit(1);
            }
        }
        /* It runs until the pipe is full, and is killed there or on the way. */
        usleep((useconds_t)(_i * 300));
        kill(pid, SIGKILL);
        int status = 0;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSIGNALED(status));
        size_t n = 0;
        char *text = all(&n);
        for (size_t i = 0; i < n; i++) {
            char want[32];
            (void)snprintf(want, sizeof want, "%08zu\n", i / 9);
            ck_assert_msg(text[i] == want[i % 9], "byte %zu of %zu", i, n);
        }
        free(text);
    }
END_TEST

START_TEST(the_next_process_begins_anew)
    {
        const char *left;
        ck_assert_int_eq(outbox_add(box, ends[1], "old\n", 4), 0);
        ck_assert_uint_eq(outbox_left(box, 0, &left), 4);
        outbox_reset(box);
        ck_assert_uint_eq(outbox_left(box, 0, &left), 0);
    }
END_TEST

START_TEST(a_reader_that_is_gone_is_an_error)
    {
        signal(SIGPIPE, SIG_IGN);
        close(ends[0]);
        ck_assert_int_eq(outbox_add(box, ends[1], "one\n", 4), 0);
        ck_assert_int_eq(outbox_flush(box, ends[1]), -1);
        ck_assert_int_eq(outbox_add(NULL, ends[1], "one\n", 4), -1);
        ends[0] = dup(ends[1]);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("outbox");
    TCase *t = tcase_create("outbox");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, lines_leave_together_and_in_order);
    tcase_add_test(t, without_an_outbox_a_line_leaves_at_once);
    tcase_add_test(t, a_line_longer_than_the_outbox_goes_between_the_others);
    tcase_add_loop_test(t, who_is_killed_leaves_what_was_said, 0, 20);
    tcase_add_test(t, the_next_process_begins_anew);
    tcase_add_test(t, a_reader_that_is_gone_is_an_error);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
