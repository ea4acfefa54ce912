/* What one address may cost: connections, failed logins, patience; and what the log says of it.
 * SPDX-License-Identifier: MIT */
#include "world.h"

#include "base/log.h"
#include "net/guard.h"

static struct world w;
static struct world_client c;
static char path[64];

static void begin(void)
{
    struct err err;
    world_start(&w);
    w.server.guard = guard_new();
    snprintf(path, sizeof path, "/tmp/guard-%ld", (long)getpid());
    ck_assert_msg(log_open(path, w.server.clock, &err) == 0, "%s", err.text);
}

static void end(void)
{
    struct guard *g = w.server.guard;
    world_stop(&w);
    guard_free(g);
    log_close();
    unlink(path);
}

static const char *log_so_far(void)
{
    static char text[8192];
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

START_TEST(an_address_has_its_share_of_connections_and_no_more)
    {
        struct server *s = &w.server;
        s->limits.connections_per_address = 2;
        ck_assert(guard_enter(s, "192.0.2.1"));
        ck_assert(guard_enter(s, "192.0.2.1"));
        ck_assert(!guard_enter(s, "192.0.2.1"));
        ck_assert(guard_enter(s, "192.0.2.2"));
        guard_leave(s, "192.0.2.1");
        ck_assert(guard_enter(s, "192.0.2.1"));
        ck_assert(guard_enter(s, "2001:db8::1"));
        ck_assert(guard_enter(s, "2001:db8::2:1"));
        ck_assert(!guard_enter(s, "2001:db8::3")); /* the same /64 */
        ck_assert(guard_enter(s, "2001:db8:0:1::1"));
    }
END_TEST

/* Of its address, or of all. */
START_TEST(one_too_many_is_told_so)
    {
        int fds[2];
        char line[256];
        if (_i == 0)
            w.server.limits.connections_per_address = 1;
        else
            w.server.limits.connections = 1;
        world_connect(&w, &c, SERVICE_POP3, &pop3_protocol, false);
        world_hear(&c, "\r\n");
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        ck_assert_ptr_null(conn_start(&w.server, SERVICE_SMTP, &smtp_protocol, false, fds[0]));
        ssize_t n = read(fds[1], line, sizeof line - 1);
        ck_assert_int_gt(n, 0);
        line[n] = '\0';
        ck_assert_msg(strncmp(line, "421 4.7.0 ", 10) == 0, "%s", line);
        ck_assert_int_eq(read(fds[1], line, sizeof line), 0);
        close(fds[1]);
        ck_assert_uint_eq(w.server.conn_count, 1);
        world_hang_up(&c);
    }
END_TEST

/* Known and unknown users wait the same time, by a timer that holds up nobody else. */
START_TEST(failed_logins_are_slowed)
    {
        static const char *const names[] = {"user1", "nobody"};
        w.server.limits.login_free_failures = 1;
        w.server.limits.login_delay_ms = 60000;
        w.server.limits.login_delay_most_ms = 60000;
        for (size_t i = 0; i < 2; i++) {
            char user[64];
            snprintf(user, sizeof user, "USER %s\r\n", names[i]);
            world_connect(&w, &c, SERVICE_POP3, &pop3_protocol, false);
            world_hear(&c, "\r\n");
            world_ask(&c, user, "+OK");
            world_ask(&c, "PASS wrong\r\n", "-ERR [AUTH]");
            world_ask(&c, user, "+OK");
            world_forget(&c);
            world_text(&c, "PASS wrong\r\nNOOP\r\n");
            world_round_of(&c, 20);
            ck_assert_uint_eq(c.len, 0);
            clock_advance(w.server.clock, 59000);
            world_round_of(&c, 20);
            ck_assert_uint_eq(c.len, 0);
            clock_advance(w.server.clock, 1001);
            world_hear(&c, "\r\n");
            world_hang_up(&c);
        }
    }
END_TEST

START_TEST(a_client_may_leave_while_its_answer_is_held)
    {
        w.server.limits.login_free_failures = 1;
        world_connect(&w, &c, SERVICE_POP3, &pop3_protocol, false);
        world_hear(&c, "\r\n");
        world_text(&c, "USER a\r\nPASS b\r\nUSER a\r\nPASS b\r\n");
        world_round_of(&c, 20);
        world_hang_up(&c);
        ck_assert_uint_eq(w.server.conn_count, 0);
        clock_advance(w.server.clock, 10000);
    }
END_TEST

START_TEST(who_sends_a_message_too_slowly_is_cut_off)
    {
        world_connect(&w, &c, SERVICE_SMTP, &smtp_protocol, false);
        world_hear(&c, "\r\n");
        world_ask(&c, "EHLO me.example\r\n", "250");
        world_ask(&c, "MAIL FROM:<a@b.example>\r\n", "250");
        world_ask(&c, "RCPT TO:<user1@test.example>\r\n", "250");
        world_ask(&c, "DATA\r\n", "354");
        for (int i = 0; i < 5 && w.server.conn_count > 0; i++) {
            world_text(&c, "x");
            world_round_of(&c, 5);
            clock_advance(w.server.clock, 50000); /* never idle for as long as that takes */
        }
        ck_assert_uint_eq(w.server.conn_count, 0);
        world_hang_up(&c);
        ck_assert_msg(strstr(log_so_far(), "\"why\":\"slow\"") != NULL, "%s", log_so_far());
    }
END_TEST

START_TEST(the_log_says_who_came_and_went_and_no_password)
    {
        world_connect(&w, &c, SERVICE_POP3, &pop3_protocol, false);
        world_hear(&c, "\r\n");
        world_ask(&c, "USER us\"er\xff\r\n", "");
        world_ask(&c, "USER user1\r\n", "+OK");
        world_ask(&c, "PASS wrongsecret\r\n", "-ERR");
        world_ask(&c, "USER user1\r\n", "+OK");
        world_ask(&c, "PASS pass\r\n", "+OK");
        world_hang_up(&c);
        const char *log = log_so_far();
        ck_assert_msg(strstr(log, "\"event\":\"connect\"") != NULL, "%s", log);
        ck_assert_msg(strstr(log, "\"user\":\"user1\",\"ok\":false") != NULL, "%s", log);
        ck_assert_msg(strstr(log, "\"user\":\"user1\",\"ok\":true") != NULL, "%s", log);
        ck_assert_msg(strstr(log, "\"event\":\"close\"") != NULL, "%s", log);
        ck_assert_msg(strstr(log, "wrongsecret") == NULL, "%s", log);
        ck_assert_msg(strstr(log, "\"pass\"") == NULL, "%s", log);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("guard");
    TCase *t = tcase_create("guard");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, an_address_has_its_share_of_connections_and_no_more);
    tcase_add_loop_test(t, one_too_many_is_told_so, 0, 2);
    tcase_add_test(t, failed_logins_are_slowed);
    tcase_add_test(t, a_client_may_leave_while_its_answer_is_held);
    tcase_add_test(t, who_sends_a_message_too_slowly_is_cut_off);
    tcase_add_test(t, the_log_says_who_came_and_went_and_no_password);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int bad = srunner_ntests_failed(r);
    srunner_free(r);
    return bad != 0;
}
