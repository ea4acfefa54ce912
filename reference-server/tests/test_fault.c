/* Faults: off until they are switched on, and on only for whom they were meant.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "fault.h"

START_TEST(none_is_on_by_itself)
    {
        for (int f = 0; f < FAULT_COUNT; f++)
            ck_assert_msg(!fault((enum fault)f), "fault %d", f);
    }
END_TEST

START_TEST(one_is_on_and_off)
    {
        ck_assert_int_eq(fault_switch("tls-no-close-notify", true, NULL), 0);
        ck_assert(fault(FAULT_TLS_NO_CLOSE_NOTIFY));
        ck_assert(!fault(FAULT_TLS_WRONG_NAME));
        ck_assert_int_eq(fault_switch("tls-no-close-notify", false, NULL), 0);
        ck_assert(!fault(FAULT_TLS_NO_CLOSE_NOTIFY));
    }
END_TEST

START_TEST(what_a_rule_adds_is_over_with_its_command)
    {
        struct fault_extra one = {.fault = FAULT_TLS_NO_CLOSE_NOTIFY};
        fault_also(&one);
        ck_assert(fault(FAULT_TLS_NO_CLOSE_NOTIFY));
        ck_assert(one.used);
        fault_scope();
        ck_assert(!fault(FAULT_TLS_NO_CLOSE_NOTIFY));
        ck_assert_int_eq(fault_switch("tls-no-close-notify", true, NULL), 0);
        fault_scope();
        ck_assert(fault(FAULT_TLS_NO_CLOSE_NOTIFY));
        fault_clear_all();
        ck_assert(!fault(FAULT_TLS_NO_CLOSE_NOTIFY));
    }
END_TEST

START_TEST(a_wrong_name_is_told_the_nearest_right_one)
    {
        struct err err;
        ck_assert_int_eq(fault_switch("tls-no-close-notfy", true, &err), -1);
        ck_assert_msg(strstr(err.text, "\"tls-no-close-notify\"") != NULL, "%s", err.text);
        ck_assert_int_eq(fault_switch("completely-different-word", true, &err), -1);
        ck_assert_msg(strstr(err.text, "--fault help") != NULL, "%s", err.text);
    }
END_TEST

/* Names are for ever and scripts depend on the columns: each line is a name, requirement ids and a
 * sentence, then "ports" where `mailproof ports` shows the fault. */
START_TEST(help_has_its_columns_and_no_name_twice)
    {
        char *text = NULL, *seen[FAULT_COUNT];
        size_t size, count = 0;
        FILE *f = open_memstream(&text, &size);
        fault_help(f);
        fclose(f);
        for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
            char *ids = strchr(line, '\t');
            ck_assert_msg(ids != NULL, "%s", line);
            *ids++ = '\0';
            char *says = strchr(ids, '\t');
            ck_assert_msg(says != NULL && says[1] != '\0', "%s has no sentence", line);
            *says = '\0';
            char *shown = strchr(says + 1, '\t');
            ck_assert_msg(shown == NULL || strcmp(shown, "\tports") == 0, "%s", line);
            ck_assert_msg(strncmp(ids, "rfc", 3) == 0, "%s names no requirement", line);
            ck_assert_msg(strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(line),
                          "%s", line);
            for (size_t i = 0; i < count; i++)
                ck_assert_msg(strcmp(seen[i], line) != 0, "%s is there twice", line);
            seen[count++] = line;
        }
        ck_assert_uint_eq(count, FAULT_COUNT);
        free(text);
    }
END_TEST

START_TEST(what_was_asked_for_is_noted_whether_on_or_not)
    {
        struct err err;
        char path[] = "/tmp/mailproof-test-XXXXXX";
        unsigned char bytes[FAULT_COUNT + 1];
        int fd = mkstemp(path);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fault_note_asked("/tmp/there/is/no/such/folder", &err), -1);
        ck_assert_int_eq(fault_note_asked(path, &err), 0);
        fault_clear_all();
        ck_assert(!fault(FAULT_SMTP_LF_ENDS_DATA));
        ck_assert_int_eq(pread(fd, bytes, sizeof bytes, 0), FAULT_COUNT);
        for (size_t i = 0; i < FAULT_COUNT; i++)
            ck_assert_int_eq(bytes[i], i == FAULT_SMTP_LF_ENDS_DATA);
        close(fd);
        unlink(path);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("fault");
    TCase *t = tcase_create("fault");
    tcase_add_test(t, none_is_on_by_itself);
    tcase_add_test(t, one_is_on_and_off);
    tcase_add_test(t, what_a_rule_adds_is_over_with_its_command);
    tcase_add_test(t, a_wrong_name_is_told_the_nearest_right_one);
    tcase_add_test(t, help_has_its_columns_and_no_name_twice);
    tcase_add_test(t, what_was_asked_for_is_noted_whether_on_or_not);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
