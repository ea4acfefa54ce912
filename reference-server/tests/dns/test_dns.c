/* The DNS as the queue sees it, from records that a test gave.
 * SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dns/dns.h"
#include "dns/record.h"
#include "net/loop.h"

static struct clock *clock_used;
static struct loop *loop;
static struct dns *dns;

static struct {
    bool done, secure;
    enum dns_status status;
    size_t count;
    unsigned preference[8];
    char name[8][64], text[8][64], last[64];
} got;

static void answered(void *arg, const struct dns_answer *a)
{
    (void)arg;
    got.done = true;
    got.secure = a->secure;
    got.status = a->status;
    got.count = a->count;
    snprintf(got.last, sizeof got.last, "%.63s", a->name);
    for (size_t i = 0; i < a->count && i < 8; i++) {
        got.preference[i] = a->records[i].preference;
        snprintf(got.name[i], sizeof got.name[i], "%.63s", a->records[i].name);
        if (a->records[i].bytes != NULL)
            snprintf(got.text[i], sizeof got.text[i], "%.63s", (char *)a->records[i].bytes);
    }
}

static void ask(const char *name, enum dns_type type)
{
    memset(&got, 0, sizeof got);
    dns_ask(dns, name, type, answered, NULL);
    ck_assert_msg(!got.done, "done was called from inside dns_ask");
    for (int i = 0; i < 100 && !got.done; i++)
        loop_once(loop, 10);
    ck_assert(got.done);
}

static void give(const char *line)
{
    struct err err;
    ck_assert_msg(dns_add(dns, line, &err) == 0, "%s", err.text);
}

static void start(void)
{
    struct err err;
    clock_used = clock_new();
    loop = loop_new(clock_used, &err);
    struct dns_options o = {.loop = loop};
    ck_assert_int_eq(dns_open(&o, &dns, &err), 0);
}

static void stop(void)
{
    dns_close(dns);
    loop_free(loop);
    clock_free(clock_used);
}

START_TEST(records_that_were_given_come_back)
    {
        give("a.example. 300 IN MX 10 mx.a.example. ; the first");
        give("a.example. MX 20 mx2.a.example.");
        give("mx.a.example. A 127.0.0.9");
        give("a.example. TXT \"v=STSv1; id=1;\" \" more\"");
        ask("a.example", DNS_MX);
        ck_assert_int_eq(got.status, DNS_OK);
        ck_assert_uint_eq(got.count, 2);
        size_t first = got.preference[0] == 10 ? 0 : 1;
        ck_assert_str_eq(got.name[first], "mx.a.example");
        ck_assert_uint_eq(got.preference[1 - first], 20);
        ask("A.EXAMPLE.", DNS_TXT);
        ck_assert_str_eq(got.text[0], "v=STSv1; id=1; more");
        ask("mx.a.example", DNS_A);
        ck_assert_int_eq(memcmp(got.text[0], "\x7f\x00\x00\x09", 1), 0);
        ck_assert_uint_eq(dns_asked_count(dns), 3);
        ck_assert_str_eq(dns_asked(dns, 0), "a.example MX");
    }
END_TEST

START_TEST(no_record_and_no_name_are_told_apart)
    {
        give("a.example. A 127.0.0.9");
        ask("a.example", DNS_MX);
        ck_assert_int_eq(got.status, DNS_NODATA);
        ask("b.example", DNS_MX);
        ck_assert_int_eq(got.status, DNS_NXDOMAIN);
    }
END_TEST

START_TEST(a_name_can_be_made_to_fail)
    {
        give("a.example. A 127.0.0.9");
        give("$FAIL a.example MX");
        give("$FAIL b.example");
        ask("a.example", DNS_MX);
        ck_assert_int_eq(got.status, DNS_FAILED);
        ask("a.example", DNS_A);
        ck_assert_int_eq(got.status, DNS_OK);
        ask("b.example", DNS_AAAA);
        ck_assert_int_eq(got.status, DNS_FAILED);
        dns_remove(dns, "b.example.");
        ask("b.example", DNS_AAAA);
        ck_assert_int_eq(got.status, DNS_NXDOMAIN);
    }
END_TEST

START_TEST(aliases_are_followed_but_not_in_a_circle)
    {
        give("c.example. CNAME d.example.");
        give("d.example. CNAME a.example.");
        give("a.example. MX 5 mx.example.");
        give("round.example. CNAME about.example.");
        give("about.example. CNAME round.example.");
        ask("c.example", DNS_MX);
        ck_assert_int_eq(got.status, DNS_OK);
        ck_assert_str_eq(got.last, "a.example");
        ask("round.example", DNS_MX);
        ck_assert_int_eq(got.status, DNS_FAILED);
    }
END_TEST

/* Every name on the way has to be signed for the answer to count as signed. */
START_TEST(an_answer_is_secure_where_it_was_said)
    {
        give("$SECURE signed.example");
        give("_25._tcp.mx.signed.example. TLSA 3 1 1 "
             "0000000000000000000000000000000000000000000000000000000000000000");
        give("alias.example. CNAME mx.signed.example.");
        give("mx.signed.example. A 127.0.0.9");
        ask("_25._tcp.mx.signed.example", DNS_TLSA);
        ck_assert_int_eq(got.status, DNS_OK);
        ck_assert(got.secure);
        ask("nothing.signed.example", DNS_TLSA);
        ck_assert(got.secure);
        ask("alias.example", DNS_A);
        ck_assert_int_eq(got.status, DNS_OK);
        ck_assert(!got.secure);
    }
END_TEST

START_TEST(nonsense_is_no_record)
    {
        struct err err;
        ck_assert_int_eq(dns_add(dns, "nonsense", &err), -1);
        ck_assert_ptr_nonnull(strstr(err.text, "nonsense"));
        ck_assert_int_eq(dns_add(dns, "$SOMETHING a.example", &err), -1);
        ck_assert_int_eq(dns_add(dns, "$FAIL a.example NOTYPE", &err), -1);
        ck_assert_int_eq(dns_add(dns, "; a comment", &err), 0);
        ck_assert_int_eq(dns_add(dns, "", &err), 0);
    }
END_TEST

START_TEST(a_question_that_nobody_waits_for_any_more_is_not_answered)
    {
        memset(&got, 0, sizeof got);
        dns_cancel(dns_ask(dns, "a.example", DNS_A, answered, NULL));
        for (int i = 0; i < 5; i++)
            loop_once(loop, 1);
        ck_assert(!got.done);
        ck_assert_uint_eq(dns_pending(dns), 0);
        dns_ask(dns, "a.example", DNS_A, answered, NULL); /* and one that is open at the end */
    }
END_TEST

START_TEST(names_in_records_are_bounded)
    {
        char name[DNS_NAME_MAX + 1];
        static const unsigned char whole[] = "\x02mx\x07"
                                             "example",
                                   root[] = "", cut[] = "\x05mx", dotted[] = "\x03m.x";
        ck_assert_int_eq(record_name(whole, sizeof whole, name), 0);
        ck_assert_str_eq(name, "mx.example");
        for (size_t i = 0; i < sizeof whole - 1; i++)
            ck_assert_msg(record_name(whole, i, name) != 0, "cut after %zu bytes", i);
        ck_assert_int_eq(record_name(root, 1, name), 0);
        ck_assert_str_eq(name, "");
        ck_assert_int_eq(record_name(cut, 3, name), -1);
        ck_assert_int_eq(record_name(dotted, sizeof dotted, name), -1);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("dns");
    TCase *t = tcase_create("dns");
    tcase_add_checked_fixture(t, start, stop);
    tcase_add_test(t, records_that_were_given_come_back);
    tcase_add_test(t, no_record_and_no_name_are_told_apart);
    tcase_add_test(t, a_name_can_be_made_to_fail);
    tcase_add_test(t, aliases_are_followed_but_not_in_a_circle);
    tcase_add_test(t, an_answer_is_secure_where_it_was_said);
    tcase_add_test(t, nonsense_is_no_record);
    tcase_add_test(t, a_question_that_nobody_waits_for_any_more_is_not_answered);
    tcase_add_test(t, names_in_records_are_bounded);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
