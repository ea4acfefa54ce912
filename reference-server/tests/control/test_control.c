/* The control socket: what a test can do to the server from outside.
 * SPDX-License-Identifier: MIT */
#include "control/control.h"
#include "control/rule.h"
#include "world.h"

#include <jansson.h>

#include <sys/un.h>

static struct world w;
static struct control *control;
static struct world_client c;
static char folder[64], path[96];

static void begin(void)
{
    struct err err;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    world_start(&w);
    snprintf(folder, sizeof folder, "/tmp/mailproofd-control-XXXXXX");
    ck_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/sock", folder);
    ck_assert_msg(control_open(&w.server, path, &control, &err) == 0, "%s", err.text);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    c = (struct world_client){.world = &w};
    c.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert(connect(c.fd, (struct sockaddr *)&a, sizeof a) == 0);
}

static void end(void)
{
    world_hang_up(&c);
    control_close(control);
    ck_assert_int_ne(access(path, F_OK), 0); /* the socket is taken away */
    rmdir(folder);
    world_stop(&w);
}

/* Sends a line, gives the answer; the caller lets go of it. */
static json_t *ask(const char *line)
{
    world_forget(&c);
    world_text(&c, line);
    world_text(&c, "\n");
    json_t *o = json_loads(world_hear(&c, "\n"), 0, NULL);
    ck_assert_msg(o != NULL, "no JSON: %s", c.heard);
    return o;
}

static json_t *fine(const char *line)
{
    json_t *o = ask(line);
    ck_assert_msg(json_is_true(json_object_get(o, "ok")), "to %s: %s", line, c.heard);
    return o;
}

static void wrong(const char *line, const char *why)
{
    json_t *o = ask(line);
    const char *error = json_string_value(json_object_get(o, "error"));
    ck_assert_msg(json_is_false(json_object_get(o, "ok")) && error != NULL &&
                      strstr(error, why) != NULL,
                  "to %s: %s", line, c.heard);
    json_decref(o);
}

START_TEST(faults_are_switched)
    {
        json_decref(fine("{\"do\":\"ping\"}"));
        json_decref(fine("{\"do\":\"fault\",\"name\":\"tls-no-close-notify\"}"));
        ck_assert(fault(FAULT_TLS_NO_CLOSE_NOTIFY));
        json_decref(fine("{\"do\":\"fault\",\"name\":\"tls-no-close-notify\",\"on\":false}"));
        ck_assert(!fault(FAULT_TLS_NO_CLOSE_NOTIFY));
        json_decref(fine("{\"do\":\"fault\",\"name\":\"tls-wrong-name\",\"session\":1}"));
        ck_assert_ptr_nonnull(rule_first());
        json_decref(fine("{\"do\":\"faults-off\"}"));
        ck_assert_ptr_null(rule_first());
    }
END_TEST

START_TEST(accounts_and_messages_are_added_and_dumped)
    {
        json_decref(fine("{\"do\":\"add-account\",\"name\":\"new\",\"password\":\"x\"}"));
        ck_assert_ptr_nonnull(account_find(w.server.accounts, "new"));
        json_t *o = fine(
            "{\"do\":\"add-message\",\"account\":\"new\",\"data\":\"A: b\\r\\n\\r\\nc\\u0000\","
            "\"flags\":[\"\\\\Seen\",\"kw\"],\"date\":86400}");
        ck_assert_int_eq(json_integer_value(json_object_get(o, "uid")), 1);
        json_decref(o);
        json_decref(fine("{\"do\":\"add-message\",\"account\":\"new\",\"base64\":\"aGk=\"}"));
        o = fine("{\"do\":\"dump\",\"account\":\"new\"}");
        const char *name;
        int size1, size2, flags, date;
        ck_assert_msg(json_unpack(o, "{s:[{s:s,s:[{s:[{s:i,s:i,s:i},{s:i}]}]}]}", "accounts",
                                  "name", &name, "mailboxes", "messages", "size", &size1, "flags",
                                  &flags, "date", &date, "size", &size2) == 0,
                      "%s", c.heard);
        ck_assert_str_eq(name, "new");
        ck_assert_int_eq(size1, 10);
        ck_assert_int_eq(flags, (int)(FLAG_SEEN | 1 << FLAG_KEYWORD_0));
        ck_assert_int_eq(date, 86400);
        ck_assert_int_eq(size2, 2);
        json_decref(o);
    }
END_TEST

START_TEST(a_state_is_kept_and_brought_back)
    {
        json_decref(fine("{\"do\":\"snapshot\",\"name\":\"empty\"}"));
        json_decref(fine("{\"do\":\"add-message\",\"account\":\"user1\",\"data\":\"x\"}"));
        json_t *o = fine("{\"do\":\"restore\",\"name\":\"empty\"}");
        ck_assert(json_is_real(json_object_get(o, "ms")));
        json_decref(o);
        struct mailbox *m;
        ck_assert(mailbox_open(w.server.store, w.user1->id, "INBOX", &m) == 0);
        ck_assert_uint_eq(m->count, 0);
        mailbox_close(m);
        o = fine("{\"do\":\"snapshots\"}");
        ck_assert_str_eq(json_string_value(json_array_get(json_object_get(o, "names"), 0)),
                         "empty");
        json_decref(o);
        wrong("{\"do\":\"restore\",\"name\":\"full\"}", "no snapshot \"full\"");
        wrong("{\"do\":\"snapshot\"}", "name is missing");
    }
END_TEST

START_TEST(rules_are_added_listed_and_removed)
    {
        json_t *o = fine("{\"do\":\"rule\",\"match\":\"NOOP\",\"reply\":\"500 x\"}");
        json_int_t id = json_integer_value(json_object_get(o, "id"));
        json_decref(o);
        json_decref(fine("{\"do\":\"capabilities\",\"protocol\":\"smtp\",\"remove\":[\"SIZE\"]}"));
        o = fine("{\"do\":\"rules\"}");
        ck_assert_uint_eq(json_array_size(json_object_get(o, "rules")), 2);
        json_decref(o);
        char line[64];
        snprintf(line, sizeof line, "{\"do\":\"rules-off\",\"id\":%d}", (int)id);
        json_decref(fine(line));
        wrong(line, "no rule of this id");
        ck_assert_ptr_nonnull(rule_first());
        json_decref(fine("{\"do\":\"rules-off\"}"));
        ck_assert_ptr_null(rule_first());
        wrong("{\"do\":\"rule\",\"match\":\"NOOP\"}", "does nothing");
        wrong("{\"do\":\"rule\",\"drop\":true,\"mtach\":\"NOOP\"}", "did you mean \"match\"?");
        /* The named fault with conditions is one, too, and goes with its name. */
        json_decref(fine("{\"do\":\"fault\",\"name\":\"tls-wrong-name\",\"times\":1}"));
        ck_assert_ptr_nonnull(rule_first());
        json_decref(fine("{\"do\":\"fault\",\"name\":\"tls-wrong-name\",\"on\":false}"));
        ck_assert_ptr_null(rule_first());
    }
END_TEST

START_TEST(uidvalidity_and_time_are_ours_to_set)
    {
        json_t *o = fine("{\"do\":\"uidvalidity\",\"account\":\"user1\",\"value\":4000000000}");
        ck_assert(json_integer_value(json_object_get(o, "uidvalidity")) == 4000000000);
        json_decref(o);
        int64_t before = clock_wall_s(w.server.clock);
        json_decref(fine("{\"do\":\"advance\",\"seconds\":432000}"));
        ck_assert_int_ge(clock_wall_s(w.server.clock), before + 432000);
    }
END_TEST

START_TEST(rest_is_answered_when_it_comes)
    {
        json_decref(fine("{\"do\":\"rest\"}"));
        json_decref(fine("{\"do\":\"rest\",\"seconds\":0.5}"));
        wrong("{\"do\":\"rest\",\"seconds\":61}", "from 0 to 60");
        wrong("{\"do\":\"rest\",\"seconds\":\"x\"}", "from 0 to 60");
        world_text(&c, "{\"do\":\"rest\"}\n"); /* and leaves */
        loop_once(w.server.loop, 0);
        shutdown(c.fd, SHUT_RDWR);
        for (int i = 0; i < 20; i++)
            loop_once(w.server.loop, 1);
    }
END_TEST

START_TEST(a_slow_disk_holds_back_what_waits_for_it)
    {
        static const char add[] = "{\"do\":\"add-message\",\"account\":\"user1\",\"data\":\"x\"}";
        wrong("{\"do\":\"disk\"}", "from 0 to 5");
        wrong("{\"do\":\"disk\",\"delay\":-1}", "from 0 to 5");
        json_decref(fine("{\"do\":\"disk\",\"delay\":0.1}"));
        long began = world_now_ms();
        json_decref(fine(add));
        ck_assert_int_ge(world_now_ms() - began, 100);
        json_decref(fine("{\"do\":\"disk\",\"delay\":0}"));
    }
END_TEST

START_TEST(lines_that_come_together_are_answered_in_order)
    {
        world_text(
            &c,
            "{\"do\":\"add-message\",\"account\":\"user1\",\"data\":\"x\"}\n{\"do\":\"reset\"}\n"
            "{\"do\":\"ping\"}\n");
        for (int i = 0; i < 200 && (c.heard == NULL || strstr(c.heard, "{\"ok\":true}\n") == NULL);
             i++)
            world_round(&c);
        ck_assert_ptr_nonnull(strstr(c.heard, "\"uid\":1}\n"));
        struct mailbox *m;
        ck_assert(mailbox_open(w.server.store, w.user1->id, "INBOX", &m) == 0);
        ck_assert_uint_eq(m->count, 0); /* the reset came after the message */
        mailbox_close(m);
    }
END_TEST

START_TEST(mistakes_are_told_in_words)
    {
        wrong("{", "no JSON");
        wrong("[]", "\"do\" is wanted");
        wrong("{\"do\":\"resett\"}", "did you mean \"reset\"?");
        wrong("{\"do\":\"fault\"}", "wants a name");
        wrong("{\"do\":\"fault\",\"name\":\"no-such\"}", "there is no fault");
        wrong("{\"do\":\"add-account\",\"name\":\"x\"}", "wants name and password");
        wrong("{\"do\":\"add-message\",\"data\":\"x\"}", "account is missing");
        wrong("{\"do\":\"add-message\",\"account\":\"nobody\",\"data\":\"x\"}", "no such account");
        wrong("{\"do\":\"add-message\",\"account\":\"user1\"}", "data or base64");
        wrong("{\"do\":\"add-message\",\"account\":\"user1\",\"base64\":\"a\"}", "data or base64");
        wrong(
            "{\"do\":\"add-message\",\"account\":\"user1\",\"data\":\"x\",\"flags\":[\"\\\\Bad\"]}",
            "flag names");
        wrong("{\"do\":\"add-message\",\"account\":\"user1\",\"mailbox\":\"none\",\"data\":\"x\"}",
              "no such mailbox");
        wrong("{\"do\":\"uidvalidity\",\"account\":\"user1\",\"value\":0}", "between 1 and");
        wrong("{\"do\":\"advance\",\"seconds\":\"many\"}", "advance wants seconds");
    }
END_TEST

START_TEST(a_client_may_leave_in_the_middle_of_a_change)
    {
        world_text(&c, "{\"do\":\"reset\"}\n");
        loop_once(w.server.loop, 0);
        loop_once(w.server.loop, 0);
        shutdown(c.fd, SHUT_RDWR);
        for (int i = 0; i < 50; i++)
            loop_once(w.server.loop, 1);
    }
END_TEST

START_TEST(quotas_are_set_and_usage_is_told)
    {
        world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", "12345", 0);
        json_t *o = fine("{\"do\": \"quota\", \"account\": \"user1\", \"bytes\": 8}");
        ck_assert_int_eq(json_integer_value(json_object_get(o, "bytes")), 5);
        ck_assert_int_eq(json_integer_value(json_object_get(o, "messages")), 1);
        json_decref(o);
        wrong("{\"do\": \"add-message\", \"account\": \"user1\", \"data\": \"1234\"}", "quota");
        json_decref(fine("{\"do\": \"quota\", \"account\": \"user1\", \"bytes\": 9}"));
        json_decref(fine("{\"do\": \"add-message\", \"account\": \"user1\", \"data\": \"1234\"}"));
        wrong("{\"do\": \"quota\", \"account\": \"user1\", \"bytes\": \"many\"}", "numbers");
    }
END_TEST

START_TEST(settings_and_limits_can_be_changed)
    {
        json_decref(fine("{\"do\": \"set\", \"name\": \"pop3-expire\", \"value\": \"user1=3\"}"));
        ck_assert_int_eq(per_account_get(&w.server.policy.expire, "user1"), 4);
        json_decref(fine("{\"do\": \"set\", \"name\": \"pop3-expire\", \"value\": \"default\"}"));
        ck_assert_int_eq(per_account_get(&w.server.policy.expire, "user1"), 0);
        wrong("{\"do\": \"set\", \"name\": \"pop3-expired\", \"value\": \"1\"}",
              "did you mean pop3-expire");
        wrong("{\"do\": \"set\", \"name\": \"bare-lf\", \"value\": \"maybe\"}",
              "refuse|normalize|accept");
        json_decref(fine("{\"do\": \"limit\", \"name\": \"recipients\", \"value\": 7}"));
        ck_assert_int_eq(w.server.limits.recipients, 7);
        wrong("{\"do\": \"limit\", \"name\": \"recipients\", \"value\": 0}", "no number above 0");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("control");
    TCase *t = tcase_create("control");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, quotas_are_set_and_usage_is_told);
    tcase_add_test(t, settings_and_limits_can_be_changed);
    tcase_add_test(t, faults_are_switched);
    tcase_add_test(t, accounts_and_messages_are_added_and_dumped);
    tcase_add_test(t, a_state_is_kept_and_brought_back);
    tcase_add_test(t, rules_are_added_listed_and_removed);
    tcase_add_test(t, uidvalidity_and_time_are_ours_to_set);
    tcase_add_test(t, rest_is_answered_when_it_comes);
    tcase_add_test(t, a_slow_disk_holds_back_what_waits_for_it);
    tcase_add_test(t, lines_that_come_together_are_answered_in_order);
    tcase_add_test(t, mistakes_are_told_in_words);
    tcase_add_test(t, a_client_may_leave_in_the_middle_of_a_change);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
