/* LOGIN-DELAY and EXPIRE where users differ, right and wrong in each way that a fault knows. user1
 * has 30 seconds and 2 days, user2 60 seconds and 4 days, and all others none and for ever.
 * SPDX-License-Identifier: MIT */
#include "world.h"

static struct world w;
static struct world_client c;

static void set(const char *name, const char *value)
{
    struct err err;
    ck_assert_msg(policy_set(&w.server.policy, name, value, &err) == 0, "%s", err.text);
}

static void connect_client(void)
{
    world_connect(&w, &c, SERVICE_POP3, &pop3_protocol, false);
    world_hear(&c, "\r\n");
}

static void begin(void)
{
    world_start(&w);
    set("pop3-login-delay", "user1=30");
    set("pop3-login-delay", "user2=60");
    set("pop3-expire", "user1=2");
    set("pop3-expire", "user2=4");
    world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", "A: b\r\n\r\nc\r\n", 0);
    connect_client();
}

static void end(void)
{
    world_hang_up(&c);
    world_stop(&w);
}

static void on(const char *name)
{
    fault_clear_all();
    if (name != NULL)
        ck_assert_int_eq(fault_switch(name, true, NULL), 0);
}

static void log_in(const char *user, const char *password, const char *answer)
{
    char line[64];
    snprintf(line, sizeof line, "USER %s\r\n", user);
    world_ask(&c, line, "+OK");
    snprintf(line, sizeof line, "PASS %s\r\n", password);
    world_ask(&c, line, answer);
}

static void again(void)
{
    world_ask(&c, "QUIT\r\n", "+OK");
    world_hang_up(&c);
    connect_client();
}

static const struct {
    const char *fault;
    bool logged_in; /* as user1 */
    const char *right, *wrong;
} told[] = {
    {"pop3-login-delay-least", false, "\r\nLOGIN-DELAY 60 USER\r\n", "\r\nLOGIN-DELAY 0 USER\r\n"},
    {"pop3-login-delay-no-user", false, "\r\nLOGIN-DELAY 60 USER\r\n", "\r\nLOGIN-DELAY 60\r\n"},
    {"pop3-login-delay-same-for-all", true, "\r\nLOGIN-DELAY 30\r\n", "\r\nLOGIN-DELAY 60\r\n"},
    {"pop3-expire-most", false, "\r\nEXPIRE 2 USER\r\n", "\r\nEXPIRE NEVER USER\r\n"},
    {"pop3-expire-no-user", false, "\r\nEXPIRE 2 USER\r\n", "\r\nEXPIRE 2\r\n"},
    {"pop3-expire-same-for-all", true, "\r\nEXPIRE 2\r\n", "\r\nEXPIRE 1\r\n"},
};

START_TEST(what_capa_tells)
    {
        if (told[_i].logged_in && strstr(told[_i].fault, "expire") != NULL)
            set("pop3-expire", "user2=1");
        if (told[_i].logged_in)
            log_in("user1", "pass", "+OK");
        for (int bad = 0; bad < 2; bad++) {
            on(bad ? told[_i].fault : NULL);
            world_forget(&c);
            world_text(&c, "CAPA\r\n");
            const char *heard = world_hear(&c, "\r\n.\r\n");
            const char *wanted = bad ? told[_i].wrong : told[_i].right;
            ck_assert_msg(strstr(heard, wanted) != NULL, "%s: %s", told[_i].fault, heard);
        }
    }
END_TEST

START_TEST(who_comes_too_soon_is_told_at_the_right_time)
    {
        log_in("user1", "pass", "+OK");
        again();
        log_in("user1", "pass", "-ERR [LOGIN-DELAY]");
        on("pop3-login-delay-no-code");
        log_in("user1", "pass", "-ERR too soon");
        on("pop3-login-delay-at-user");
        world_ask(&c, "USER user1\r\n", "-ERR [LOGIN-DELAY]");
        on(NULL);
        log_in("user1", "wrong", "-ERR [AUTH]");
        on("pop3-login-delay-wrong-password");
        log_in("user1", "wrong", "-ERR [LOGIN-DELAY]");
    }
END_TEST

START_TEST(a_refusal_does_not_begin_the_delay)
    {
        for (int bad = 0; bad < 2; bad++) {
            on(NULL);
            log_in("user1", "pass", "+OK");
            again();
            on(bad ? "pop3-login-delay-restarts" : NULL);
            clock_advance(w.server.clock, 20000);
            log_in("user1", "pass", "-ERR [LOGIN-DELAY]");
            clock_advance(w.server.clock, 11000);
            log_in("user1", "pass", bad ? "-ERR [LOGIN-DELAY]" : "+OK");
            again();
            clock_advance(w.server.clock, 60000);
        }
    }
END_TEST

START_TEST(each_user_has_a_delay_of_ones_own)
    {
        for (int bad = 0; bad < 2; bad++) {
            on(bad ? "pop3-login-delay-for-everyone" : NULL);
            log_in("user1", "pass", "+OK");
            again();
            log_in("user2", "pass", bad ? "-ERR [LOGIN-DELAY]" : "+OK");
            again();
            clock_advance(w.server.clock, 61000);
        }
    }
END_TEST

START_TEST(mail_stays_for_all_of_its_days)
    {
        clock_advance(w.server.clock, INT64_C(36) * 3600 * 1000);
        world_hang_up(&c);
        connect_client();
        log_in("user1", "pass", "+OK 1 ");
        again();
        clock_advance(w.server.clock, 31000);
        on("pop3-expire-early");
        log_in("user1", "pass", "+OK 0 ");
    }
END_TEST

START_TEST(what_was_read_stays_when_the_connection_breaks)
    {
        set("pop3-login-delay", "default");
        set("pop3-expire", "user1=0");
        for (int bad = 0; bad < 2; bad++) {
            log_in("user1", "pass", "+OK 1 ");
            on(bad ? "pop3-expire-zero-at-disconnect" : NULL);
            world_forget(&c);
            world_text(&c, "RETR 1\r\n");
            world_hear(&c, "\r\n.\r\n");
            world_hang_up(&c);
            connect_client();
        }
        log_in("user1", "pass", "+OK 0 ");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("pop3 user faults");
    TCase *t = tcase_create("users");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, what_capa_tells, 0, (int)(sizeof told / sizeof *told));
    tcase_add_test(t, who_comes_too_soon_is_told_at_the_right_time);
    tcase_add_test(t, a_refusal_does_not_begin_the_delay);
    tcase_add_test(t, each_user_has_a_delay_of_ones_own);
    tcase_add_test(t, mail_stays_for_all_of_its_days);
    tcase_add_test(t, what_was_read_stays_when_the_connection_breaks);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
