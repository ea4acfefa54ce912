/* Where mail for a domain goes. SPDX-License-Identifier: MIT */
#include "fault.h"
#include "queue/relay.h"
#include "queue/route.h"

static struct relay relay;
static struct sink *second; /* 127.0.0.3 */

static void start(void)
{
    relay_start(&relay);
    second = sink_start(relay.world.server.loop, "127.0.0.3", relay.sink->port);
}

static void stop(void)
{
    sink_stop(second);
    relay_stop(&relay);
}

/* Sends one message, and says where it went: 2 or 3; 0: nowhere. */
static int where(const char *to)
{
    unsigned before = relay.sink->transactions, before3 = second->transactions;
    relay_send(&relay, to);
    relay_settle(&relay);
    return relay.sink->transactions > before ? 2 : second->transactions > before3 ? 3 : 0;
}

static const char *bounce(void)
{
    size_t count;
    const char *text = relay_inbox(&relay, &count);
    ck_assert_uint_eq(count, 1);
    return text;
}

START_TEST(the_lower_preference_number_is_tried_first)
    {
        relay_zone(&relay, "two.example. MX 20 b.two.example.");
        relay_zone(&relay, "two.example. MX 10 a.two.example.");
        relay_zone(&relay, "a.two.example. A 127.0.0.3");
        relay_zone(&relay, "b.two.example. A 127.0.0.2");
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(where("x@two.example"), 3);
        relay_advance(&relay, 10);
        fault_switch("queue-mx-inverted", true, NULL);
        ck_assert_int_eq(where("x@two.example"), 2);
    }
END_TEST

START_TEST(the_next_host_is_tried_when_one_does_not_answer)
    {
        relay_zone(&relay, "two.example. MX 10 a.two.example.");
        relay_zone(&relay, "two.example. MX 20 b.two.example.");
        relay_zone(&relay, "two.example. MX 30 c.two.example.");
        relay_zone(&relay, "a.two.example. A 127.0.0.4"); /* nobody listens there */
        relay_zone(&relay, "c.two.example. A 127.0.0.3");
        ck_assert_int_eq(where("x@two.example"), 3);
        relay_advance(&relay, 10);
        fault_switch("queue-first-mx-only", true, NULL);
        ck_assert_int_eq(where("x@two.example"), 0);
    }
END_TEST

START_TEST(the_next_host_is_tried_when_one_greets_badly)
    {
        relay_zone(&relay, "two.example. MX 10 a.two.example.");
        relay_zone(&relay, "two.example. MX 20 b.two.example.");
        relay_zone(&relay, "a.two.example. A 127.0.0.2");
        relay_zone(&relay, "b.two.example. A 127.0.0.3");
        relay.sink->greeting = "421 too busy";
        ck_assert_int_eq(where("x@two.example"), 3);
    }
END_TEST

/* RFC 7504: a host that greets with 521 takes no mail; where all do, the mail fails. */
START_TEST(a_host_that_takes_no_mail_fails_it)
    {
        relay.sink->greeting = "521 5.3.2 no mail here";
        ck_assert_int_eq(where("x@away.example"), 0);
        ck_has(bounce(), "Status: 5.3.2\r\n");
    }
END_TEST

START_TEST(each_address_of_a_host_is_tried)
    {
        relay_zone(&relay, "many.example. MX 1 mx.many.example.");
        relay_zone(&relay, "mx.many.example. A 127.0.0.4");
        relay_zone(&relay, "mx.many.example. A 127.0.0.3");
        ck_assert_int_eq(where("x@many.example"), 3);
    }
END_TEST

START_TEST(a_domain_without_mx_is_its_own_host)
    {
        relay_zone(&relay, "plain.example. A 127.0.0.3");
        ck_assert_int_eq(where("x@plain.example"), 3);
        relay_zone(&relay, "alias.example. CNAME away.example.");
        ck_assert_int_eq(where("x@alias.example"), 2);
    }
END_TEST

START_TEST(an_address_is_no_way_beside_mx)
    {
        relay_zone(&relay, "both.example. A 127.0.0.3");
        relay_zone(&relay, "both.example. MX 10 nowhere.example.");
        ck_assert_int_eq(where("x@both.example"), 0);
        ck_has(bounce(), "Status: 5.4.4\r\n");
    }
END_TEST

START_TEST(a_null_mx_takes_no_mail)
    {
        relay_zone(&relay, "null.example. MX 0 .");
        relay_zone(&relay, "null.example. A 127.0.0.3");
        ck_assert_int_eq(where("x@null.example"), 0);
        ck_has(bounce(), "Status: 5.1.10\r\n");
        fault_switch("queue-ignores-null-mx", true, NULL);
        ck_assert_int_eq(where("x@null.example"), 3);
    }
END_TEST

/* RFC 5321, 5.1: a temporary error of the DNS is no sign that there is no MX. */
START_TEST(a_dns_that_fails_makes_mail_wait)
    {
        size_t count;
        relay_zone(&relay, "sick.example. A 127.0.0.3");
        relay_zone(&relay, "$FAIL sick.example MX");
        ck_assert_int_eq(where("x@sick.example"), 0);
        relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 0);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 1);
        fault_switch("queue-a-on-mx-failure", true, NULL);
        relay_advance(&relay, 310);
        ck_assert_uint_eq(second->transactions, 1);
    }
END_TEST

START_TEST(a_domain_that_is_not_there_fails)
    {
        ck_assert_int_eq(where("x@nothing.example"), 0);
        ck_has(bounce(), "Status: 5.1.2\r\n");
    }
END_TEST

START_TEST(where_we_are_an_mx_only_better_ones_are_used)
    {
        relay_zone(&relay, "ours.example. MX 10 a.ours.example.");
        relay_zone(&relay, "ours.example. MX 20 MAIL.test.example.");
        relay_zone(&relay, "ours.example. MX 30 c.ours.example.");
        relay_zone(&relay, "a.ours.example. A 127.0.0.4");
        relay_zone(&relay, "mail.test.example. A 127.0.0.2");
        relay_zone(&relay, "c.ours.example. A 127.0.0.3");
        ck_assert_int_eq(where("x@ours.example"), 0);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 1); /* a may come back */
        relay_zone(&relay, "best.example. MX 5 mail.test.example.");
        relay_zone(&relay, "best.example. MX 30 c.ours.example.");
        ck_assert_int_eq(where("x@best.example"), 0);
        ck_has(bounce(), "Status: 5.4.6\r\n");
    }
END_TEST

START_TEST(an_address_literal_is_a_host)
    {
        ck_assert_int_eq(where("x@[127.0.0.3]"), 3);
        ck_assert_int_eq(where("x@[tag:some]"), 0);
        ck_has(bounce(), "Status: 5.1.3\r\n");
    }
END_TEST

/* Hosts of equal preference come in any order, better ones before worse. */
START_TEST(equal_preferences_take_turns)
    {
        struct dns_record records[4] = {{.preference = 10, .name = "a"},
                                        {.preference = 10, .name = "b"},
                                        {.preference = 5, .name = "best"},
                                        {.preference = 20, .name = "last"}};
        struct dns_answer mx = {DNS_OK, false, "x.example", records, 4};
        bool a_first = false, b_first = false;
        for (unsigned i = 0; i < 64; i++) {
            struct route r;
            route_from_mx(&r, "x.example", &mx, "mail.test.example", i * 77777u);
            ck_assert_uint_eq(r.count, 4);
            ck_assert_str_eq(r.hosts[0].name, "best");
            ck_assert_str_eq(r.hosts[3].name, "last");
            a_first = a_first || r.hosts[1].name[0] == 'a';
            b_first = b_first || r.hosts[1].name[0] == 'b';
        }
        ck_assert(a_first && b_first);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("route");
    TCase *t = tcase_create("route");
    tcase_add_checked_fixture(t, start, stop);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, the_lower_preference_number_is_tried_first);
    tcase_add_test(t, the_next_host_is_tried_when_one_does_not_answer);
    tcase_add_test(t, the_next_host_is_tried_when_one_greets_badly);
    tcase_add_test(t, a_host_that_takes_no_mail_fails_it);
    tcase_add_test(t, each_address_of_a_host_is_tried);
    tcase_add_test(t, a_domain_without_mx_is_its_own_host);
    tcase_add_test(t, an_address_is_no_way_beside_mx);
    tcase_add_test(t, a_null_mx_takes_no_mail);
    tcase_add_test(t, a_dns_that_fails_makes_mail_wait);
    tcase_add_test(t, a_domain_that_is_not_there_fails);
    tcase_add_test(t, where_we_are_an_mx_only_better_ones_are_used);
    tcase_add_test(t, an_address_literal_is_a_host);
    tcase_add_test(t, equal_preferences_take_turns);
    suite_add_tcase(s, t);
    return relay_main(s);
}
