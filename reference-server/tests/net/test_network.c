/* Networks: which addresses are in them. SPDX-License-Identifier: MIT */
#include <check.h>

#include "net/network.h"

START_TEST(an_address_is_in_the_networks_that_share_its_front)
    {
        static const struct {
            const char *network, *address;
            bool in;
        } cases[] = {
            {"192.0.2.7", "192.0.2.7", true},
            {"192.0.2.7", "192.0.2.8", false},
            {"192.0.2.0/25", "192.0.2.127", true},
            {"192.0.2.0/25", "192.0.2.128", false},
            {"0.0.0.0/0", "203.0.113.9", true},
            {"0.0.0.0/0", "::1", false},
            {"2001:db8::/33", "2001:db8:7fff::1", true},
            {"2001:db8::/33", "2001:db8:8000::1", false},
            {"::/0", "fe80::1", true},
            {"::/0", "somewhere", false},
        };
        struct err err;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct networks n = {.list = NULL};
            ck_assert(networks_add(&n, cases[i].network, &err) == 0);
            ck_assert_msg(networks_hold(&n, cases[i].address) == cases[i].in, "%s in %s",
                          cases[i].address, cases[i].network);
            networks_free(&n);
        }
    }
END_TEST

START_TEST(what_is_no_network_is_refused)
    {
        static const char *const texts[] = {"",     "host",  "192.0.2.1/33", "192.0.2.1/",
                                            "::/x", "::/-1", "192.0.2",      "::1/129"};
        struct networks n = {.list = NULL};
        struct err err;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            ck_assert_msg(networks_add(&n, texts[i], &err) == -1, "\"%s\" was taken", texts[i]);
        ck_assert_uint_eq(n.count, 0);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("network");
    TCase *t = tcase_create("lists");
    tcase_add_test(t, an_address_is_in_the_networks_that_share_its_front);
    tcase_add_test(t, what_is_no_network_is_refused);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
