/* Rules as they are written: what is one, and what is told about what is none.
 * SPDX-License-Identifier: MIT */
#include "control/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

static struct err err;

static const char *const good[] = {
    "drop",
    "  match=RCPT   reply=\"450 4.2.0 Later\"  times=1 per=rcpt",
    "protocol=imap match=\"UID FETCH\" reply=\"NO [UNAVAILABLE] Later\" session=2 command=3",
    "service=lmtp match=. delay=1 throttle=100 truncate=0 reset",
    "drop=no delay=5",
    "protocol=smtp remove=PIPELINING,SIZE add=\"SIZE 10,XFOO\"",
    "protocol=pop3 replace=USER",
    "fault=smtp-lf-ends-data user=ann*",
    "{\"match\": \"QUIT\", \"delay\": 10, \"drop\": true}",
    "{\"protocol\": \"imap\", \"add\": [\"X A\"], \"session\": \"2\"}",
};

START_TEST(this_is_a_rule)
    {
        ck_assert_msg(rule_check_text(good[_i], &err) == 0, "%s: %s", good[_i], err.text);
        ck_assert_ptr_null(rule_first()); /* it was only looked at */
    }
END_TEST

static const struct {
    const char *text, *says;
} bad[] = {
    {"match=RCPT", "does nothing"},
    {"", "does nothing"},
    {"macth=RCPT drop", "did you mean \"match\"?"},
    {"reply=\"450", "no end"},
    {"drop times=0", "times is a number from 1"},
    {"drop times=x", "times is a number from 1"},
    {"drop times=99999999999999999999", "times is a number from 1"},
    {"drop session=-1", "session is a number"},
    {"drop drop", "twice"},
    {"drop=perhaps", "yes or no"},
    {"protocol=http drop", "smtp, imap or pop3"},
    {"protocol=smtp service=imap drop", "of the protocol"},
    {"service=smpt drop", "service is"},
    {"per=day drop", "per is"},
    {"fault=smtp-lf-ends-dat", "did you mean \"smtp-lf-ends-data\"?"},
    {"truncate=-1", "truncate is a number from 0"},
    {"delay=1.5", "delay is a number"},
    {"=x drop", "KEY=VALUE"},
    {"match= drop", "1 to"},
    {"{\"drop\": 1}", "yes or no"},
    {"{\"drop\": true", "no JSON"},
    {"{\"drop\": true, \"drop\": true}", "no JSON"},
    {"{\"add\": [1]}", "list of capabilities"},
    {"{\"delay\": 99999999999}", "delay is a number"},
};

START_TEST(this_is_none_and_why)
    {
        ck_assert_msg(rule_check_text(bad[_i].text, &err) == -1, "%s", bad[_i].text);
        ck_assert_msg(strstr(err.text, bad[_i].says) != NULL, "%s: %s", bad[_i].text, err.text);
    }
END_TEST

START_TEST(a_fault_may_have_conditions)
    {
        ck_assert_int_eq(rule_check_fault("smtp-lf-ends-data", &err), 0);
        ck_assert_int_eq(rule_check_fault("smtp-lf-ends-data@session=2,command=3", &err), 0);
        ck_assert_int_eq(rule_check_fault("smtp-lf-ends-data@match=\"RCPT TO:<a,b>\"", &err), 0);
        ck_assert_int_eq(rule_check_fault("no-such@session=2", &err), -1);
        ck_assert_msg(strstr(err.text, "no fault \"no-such\"") != NULL, "%s", err.text);
        ck_assert_int_eq(rule_check_fault("smtp-lf-ends-data@sesion=2", &err), -1);
        ck_assert_msg(strstr(err.text, "did you mean \"session\"?") != NULL, "%s", err.text);
    }
END_TEST

START_TEST(rules_are_listed_and_removed)
    {
        ck_assert_int_eq(rule_add_text("match=NOOP drop", &err), 0);
        ck_assert_int_eq(rule_add_text("fault=tls-no-close-notify times=2", &err), 0);
        json_t *all = rule_list();
        ck_assert_uint_eq(json_array_size(all), 2);
        json_t *one = json_array_get(all, 0);
        ck_assert_str_eq(json_string_value(json_object_get(one, "match")), "NOOP");
        unsigned id = (unsigned)json_integer_value(json_object_get(one, "id"));
        ck_assert_uint_eq(rule_remove(id), 1);
        ck_assert_uint_eq(rule_remove(id), 0);
        ck_assert_uint_eq(rule_remove_fault(FAULT_TLS_NO_CLOSE_NOTIFY), 1);
        ck_assert_ptr_null(rule_first());
        json_decref(all);
    }
END_TEST

START_TEST(what_was_counted_is_kept_and_brought_back)
    {
        ck_assert_int_eq(rule_add_text("drop times=3", &err), 0);
        rule_counter(rule_first(), "a")->fired = 2;
        rule_first()->sessions = 7;
        json_t *kept = rule_keep();
        rule_remove(0);
        rule_bring_back(kept);
        json_decref(kept);
        ck_assert_uint_eq(rule_counter(rule_first(), "a")->fired, 2);
        ck_assert_uint_eq(rule_first()->sessions, 7);
        ck_assert_uint_eq(rule_first()->times, 3);
        rule_remove(0);
    }
END_TEST

START_TEST(a_file_has_one_a_line_and_mistakes_have_a_place)
    {
        char path[] = "/tmp/mailproofd-rules-XXXXXX";
        int fd = mkstemp(path);
        ck_assert_int_ge(fd, 0);
        static const char text[] = "# two rules\n\nmatch=QUIT drop\n  {\"delay\": 5}\r\n";
        ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
        ck_assert_msg(rule_read_file(path, true, &err) == 0, "%s", err.text);
        ck_assert_ptr_null(rule_first());
        ck_assert_int_eq(rule_read_file(path, false, &err), 0);
        ck_assert_uint_eq(rule_remove(0), 2);
        ck_assert_int_eq(write(fd, "nothing\n", 8), 8);
        ck_assert_int_eq(rule_read_file(path, true, &err), -1);
        ck_assert_msg(strstr(err.text, ":5: ") != NULL, "%s", err.text);
        close(fd);
        unlink(path);
        ck_assert_int_eq(rule_read_file(path, true, &err), -1);
    }
END_TEST

START_TEST(there_is_a_limit)
    {
        for (int i = 0; i < RULES_MOST; i++)
            ck_assert_int_eq(rule_add_text("drop", &err), 0);
        ck_assert_int_eq(rule_add_text("drop", &err), -1);
        ck_assert_uint_eq(rule_remove(0), RULES_MOST);
        ck_assert_int_eq(rule_add_text("drop", &err), 0);
        rule_remove(0);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("rule");
    TCase *t = tcase_create("rule");
    tcase_add_loop_test(t, this_is_a_rule, 0, (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(t, this_is_none_and_why, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(t, a_fault_may_have_conditions);
    tcase_add_test(t, rules_are_listed_and_removed);
    tcase_add_test(t, what_was_counted_is_kept_and_brought_back);
    tcase_add_test(t, a_file_has_one_a_line_and_mistakes_have_a_place);
    tcase_add_test(t, there_is_a_limit);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
