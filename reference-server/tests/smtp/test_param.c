/* The parameters of MAIL and RCPT. SPDX-License-Identifier: MIT */
#include "smtp/param.h"

#include <string.h>

#include <check.h>

static const struct {
    const char *text;
    int code; /* 0: good */
} mail[] = {
    {"", 0},
    {" SIZE=0", 0},
    {" size=1000", 0},
    {" SIZE=1001", 552},
    {" SIZE=99999999999999999999", 552},
    {" SIZE=999999999999999999999", 501},
    {" SIZE", 501},
    {" SIZE=", 501},
    {" SIZE=1x", 501},
    {" SIZE=-1", 501},
    {" SIZE=1 SIZE=1", 501},
    {" BODY=7BIT", 0},
    {" body=8bitmime", 0},
    {" BODY=BINARYMIME", 0},
    {" BODY=9BIT", 501},
    {" BODY", 501},
    {" SMTPUTF8", 0},
    {" SMTPUTF8=1", 501},
    {" AUTH=<>", 0},
    {" AUTH=a@b", 0},
    {" AUTH=e+3Dmc2@example.com", 0},
    {" AUTH=e+3dmc2@example.com", 501}, /* xtext has capital hex digits */
    {" AUTH=e+3", 501},
    {" AUTH=nobody", 501},
    {" AUTH=a=b@c", 501},
    {" RET=FULL ENVID=abc+2B", 0},
    {" RET=HDRS", 0},
    {" RET=SOME", 501},
    {" ENVID=a+01", 501},
    {" SIZE=1 BODY=8BITMIME AUTH=<> SMTPUTF8", 0},
    {" REQUIRETLS", 0},
    {" REQUIRETLS=1", 501},
    {" BY=10;R", 0},
    {" BY=+10;r", 0},
    {" BY=999999999;RT", 0},
    {" BY=9;R", 555},
    {" BY=0;R", 501},
    {" BY=-5;R", 501},
    {" BY=-5;N", 0},
    {" BY=0;nt", 0},
    {" BY", 501},
    {" BY=", 501},
    {" BY=10", 501},
    {" BY=10;", 501},
    {" BY=;R", 501},
    {" BY=10;X", 501},
    {" BY=10;RX", 501},
    {" BY=10;RTT", 501},
    {" BY=1234567890;R", 501},
    {" BY=+-1;N", 501},
    {" BY=20;N BY=20;N", 501},
    {" HOLDFOR=1", 0},
    {" HOLDFOR=86400", 0},
    {" HOLDFOR=86401", 501},
    {" HOLDFOR=0", 501},
    {" HOLDFOR=01", 501},
    {" HOLDFOR=-1", 501},
    {" HOLDFOR", 501},
    {" HOLDFOR=1 HOLDFOR=1", 501},
    {" HOLDFOR=1 HOLDUNTIL=2026-11-21T07:00:00Z", 501},
    {" HOLDUNTIL=2026-11-21T07:00:00Z", 0},
    {" HOLDUNTIL=2026-11-22T06:00:00.5z", 0},
    {" HOLDUNTIL=2026-11-22T06:00:01Z", 501},
    {" HOLDUNTIL=2026-11-21T06:00:00Z", 501}, /* that is now */
    {" HOLDUNTIL=2026-11-31T07:00:00Z", 501},
    {" HOLDUNTIL=2026-13-01T07:00:00Z", 501},
    {" HOLDUNTIL=2026-11-21T25:00:00Z", 501},
    {" HOLDUNTIL=2026-11-21T07:00:00", 501},
    {" HOLDUNTIL=2026-11-21T07:00:00+01:00", 501},
    {" HOLDUNTIL=2026-11-21", 501},
    {" HOLDFOR=20 BY=30;N", 0},
    {" HOLDFOR=20 BY=10;N", 501},
    {" MT-PRIORITY=0", 0},
    {" mt-priority=-9", 0},
    {" MT-PRIORITY=9", 0},
    {" MT-PRIORITY=10", 501},
    {" MT-PRIORITY=+1", 501},
    {" MT-PRIORITY=-0", 501},
    {" MT-PRIORITY=00", 501},
    {" MT-PRIORITY=", 501},
    {" MT-PRIORITY", 501},
    {" MT-PRIORITY=1 MT-PRIORITY=1", 501},
    {" FROB", 555},
    {" FROB=1", 555},
    {" NOTIFY=NEVER", 555},
    {"  SIZE=1", 501},
    {" SIZE=1 ", 501},
    {" =1", 501},
    {" -A=1", 501},
    {" X=\x01", 501},
};

static const struct {
    const char *text;
    int code;
} rcpt[] = {
    {"", 0},
    {" NOTIFY=NEVER", 0},
    {" NOTIFY=SUCCESS,FAILURE,DELAY", 0},
    {" notify=delay", 0},
    {" NOTIFY=NEVER,SUCCESS", 501},
    {" NOTIFY=SUCCESS,", 501},
    {" NOTIFY=", 501},
    {" NOTIFY=SOON", 501},
    {" NOTIFY=DELAY NOTIFY=DELAY", 501},
    {" ORCPT=rfc822;a+40b", 0},
    {" ORCPT=rfc822", 501},
    {" ORCPT=;a", 501},
    {" ORCPT=rfc822;", 501},
    {" ORCPT=rfc822;a+4", 501},
    {" ORCPT=rfc822;a+0D", 501},
    {" SIZE=1", 555},
    {" FROB", 555},
};

/* Everything, on 2026-11-21 at 06:00:00. */
static struct smtp_offer offered(void)
{
    static const struct limits limits = {
        .message_bytes = 1000, .deliver_by_least_seconds = 10, .future_release_seconds = 86400};
    return (struct smtp_offer){&limits, true, true, true, true, 1795240800};
}

START_TEST(parameters_of_mail)
    {
        struct smtp_offer offer = offered();
        struct smtp_params p;
        struct smtp_param_error wrong = {0};
        int rc = smtp_mail_params(mail[_i].text, &offer, &p, &wrong);
        ck_assert_msg((rc == 0 ? 0 : wrong.code) == mail[_i].code, "\"%s\": %d %s", mail[_i].text,
                      wrong.code, wrong.why);
    }
END_TEST

START_TEST(parameters_of_rcpt)
    {
        struct smtp_params p;
        struct smtp_param_error wrong = {0};
        int rc = smtp_rcpt_params(rcpt[_i].text, true, &p, &wrong);
        ck_assert_msg((rc == 0 ? 0 : wrong.code) == rcpt[_i].code, "\"%s\": %d %s", rcpt[_i].text,
                      wrong.code, wrong.why);
    }
END_TEST

START_TEST(there_are_none_after_helo)
    {
        struct smtp_offer offer = offered();
        struct smtp_params p;
        struct smtp_param_error wrong = {0};
        offer.esmtp = false;
        ck_assert_int_eq(smtp_mail_params(" SIZE=1", &offer, &p, &wrong), -1);
        ck_assert_int_eq(wrong.code, 555);
        ck_assert_int_eq(smtp_mail_params("", &offer, &p, &wrong), 0);
    }
END_TEST

START_TEST(values_are_kept)
    {
        struct smtp_offer offer = offered();
        struct smtp_params p;
        struct smtp_param_error wrong;
        ck_assert_int_eq(
            smtp_mail_params(" BODY=BINARYMIME RET=HDRS ENVID=q+2B1 SMTPUTF8", &offer, &p, &wrong),
            0);
        ck_assert_int_eq(p.body, SMTP_BODY_BINARYMIME);
        ck_assert(p.return_header && p.utf8);
        ck_assert_str_eq(p.envid, "q+2B1");
        ck_assert_int_eq(smtp_rcpt_params(" NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a", true, &p, &wrong),
                         0);
        ck_assert_uint_eq(p.notify, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY);
        ck_assert_str_eq(p.orcpt, "rfc822;a");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("smtp param");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, parameters_of_mail, 0, (int)(sizeof mail / sizeof mail[0]));
    tcase_add_loop_test(t, parameters_of_rcpt, 0, (int)(sizeof rcpt / sizeof rcpt[0]));
    tcase_add_test(t, there_are_none_after_helo);
    tcase_add_test(t, values_are_kept);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
