/* SIGHUP: accounts, limits and certificate change under way, and a mistake changes nothing.
 * SPDX-License-Identifier: MIT */
#include "world.h"

#include "config/config.h"
#include "config/reload.h"

static struct world w;
static struct config c;
static struct err err;
static char users[64];
static char *words[] = {(char *)"mailproofd", (char *)"--users",         users,
                        (char *)"--limit",    (char *)"smtp_errors=100", NULL};

static void write_users(const char *text)
{
    FILE *f = fopen(users, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void begin(void)
{
    world_start(&w);
    world_start_tls(&w);
    snprintf(users, sizeof users, "/tmp/reload-%ld", (long)getpid());
    words[4] = (char *)"smtp_errors=100";
    write_users("# ours\n\nann:one\nbob:two:three\n");
    ck_assert_int_eq(config_read(5, words, &c, stdout, &err), CONFIG_RUN);
    for (size_t i = 0; i < c.user_count; i++)
        ck_assert_int_eq(accounts_add(w.server.accounts, w.server.store, c.users[i].name,
                                      c.users[i].password, NULL, NULL, &err),
                         0);
}

static void end(void)
{
    unlink(users);
    config_free(&c);
    world_stop(&w);
}

START_TEST(accounts_come_go_and_change)
    {
        struct accounts *a = w.server.accounts;
        struct account *bob = account_check(a, "bob", "two:three");
        ck_assert_ptr_nonnull(bob);
        write_users("ann:new\ncy:four\n");
        ck_assert_msg(reload(&w.server, &c, 5, words, w.state, &err) == 0, "%s", err.text);
        ck_assert_ptr_null(account_check(a, "ann", "one"));
        ck_assert_ptr_nonnull(account_check(a, "ann", "new"));
        ck_assert_ptr_nonnull(account_check(a, "cy", "four"));
        ck_assert_ptr_null(account_check(a, "bob", "two:three"));
        ck_assert_str_eq(bob->name, "bob");              /* a session of his may still look */
        ck_assert_ptr_nonnull(account_find(a, "user1")); /* made otherwise */
    }
END_TEST

/* Behind tabs: a password may have spaces and colons. */
START_TEST(a_line_of_a_user_may_have_quotas)
    {
        write_users("ann:one:two three\tquota-bytes=1000\tquota-messages=3\nbob:x\n");
        ck_assert_msg(reload(&w.server, &c, 5, words, w.state, &err) == 0, "%s", err.text);
        ck_assert_ptr_nonnull(account_check(w.server.accounts, "ann", "one:two three"));
        ck_assert_int_eq(per_account_get(&w.server.policy.quota_bytes, "ann"), 1000);
        ck_assert_int_eq(per_account_get(&w.server.policy.quota_messages, "ann"), 3);
        ck_assert_int_eq(per_account_get(&w.server.policy.quota_bytes, "bob"), 0);
        write_users("ann:one\nbob:x\tquota-messages=many\n");
        ck_assert_int_eq(reload(&w.server, &c, 5, words, w.state, &err), -1);
        ck_assert_ptr_nonnull(strstr(err.text, ":2: quota-messages wants"));
        write_users("ann:one\tadmin=yes\n");
        ck_assert_int_eq(reload(&w.server, &c, 5, words, w.state, &err), -1);
        ck_assert_ptr_nonnull(strstr(err.text, ":1: \"admin=yes\" is neither"));
        ck_assert_int_eq(per_account_get(&w.server.policy.quota_bytes, "ann"), 1000);
        write_users("ann:one\n");
        ck_assert_msg(reload(&w.server, &c, 5, words, w.state, &err) == 0, "%s", err.text);
        ck_assert_int_eq(per_account_get(&w.server.policy.quota_bytes, "ann"), 0);
    }
END_TEST

START_TEST(limits_and_the_certificate_are_taken_anew)
    {
        const struct tls_identity *before = w.server.tls;
        words[4] = (char *)"smtp_errors=7";
        ck_assert_msg(reload(&w.server, &c, 5, words, w.state, &err) == 0, "%s", err.text);
        ck_assert_int_eq(w.server.limits.smtp_errors, 7);
        ck_assert_ptr_ne(w.server.tls, before);
    }
END_TEST

START_TEST(a_mistake_changes_nothing)
    {
        const struct tls_identity *before = w.server.tls;
        words[4] = (char *)"smtp_errors=7";
        write_users("cy:four\nno colon\n");
        ck_assert_int_eq(reload(&w.server, &c, 5, words, w.state, &err), -1);
        ck_assert_msg(strstr(err.text, ":2:") != NULL, "%s", err.text);
        ck_assert_msg(strstr(err.text, "colon") == NULL, "a password may be told: %s", err.text);
        ck_assert_ptr_eq(w.server.tls, before);
        ck_assert_int_ne(w.server.limits.smtp_errors, 7);
        ck_assert_ptr_nonnull(account_check(w.server.accounts, "ann", "one"));
        ck_assert_ptr_null(account_find(w.server.accounts, "cy"));
    }
END_TEST

START_TEST(the_check_finds_what_a_start_would_stumble_over)
    {
        ck_assert_int_eq(reload_check(&c, &err), 0);
        c.dns_zone = strdup("/nowhere/zone");
        ck_assert_int_eq(reload_check(&c, &err), -1);
        ck_assert_msg(strstr(err.text, "/nowhere/zone") != NULL, "%s", err.text);
        free(c.dns_zone);
        c.dns_zone = NULL;
        c.cert = strdup(users);
        c.key = strdup(users);
        ck_assert_int_eq(reload_check(&c, &err), -1);
        ck_assert_msg(strstr(err.text, users) != NULL, "%s", err.text);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("reload");
    TCase *t = tcase_create("reload");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, accounts_come_go_and_change);
    tcase_add_test(t, a_line_of_a_user_may_have_quotas);
    tcase_add_test(t, limits_and_the_certificate_are_taken_anew);
    tcase_add_test(t, a_mistake_changes_nothing);
    tcase_add_test(t, the_check_finds_what_a_start_would_stumble_over);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int bad = srunner_ntests_failed(r);
    srunner_free(r);
    return bad != 0;
}
