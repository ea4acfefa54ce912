/* Snapshots: everything comes back, and quickly. SPDX-License-Identifier: MIT */
#include "control/snapshot.h"
#include "world.h"

#include "control/rule.h"
#include "dns/dns.h"
#include "queue/queue.h"
#include "queue/sts.h"

static struct world w;
static struct err err;

static void begin(void)
{
    struct dns_options dns = {.zone = NULL};
    world_start(&w);
    dns.loop = w.server.loop;
    ck_assert_msg(dns_open(&dns, &w.server.dns, &err) == 0, "%s", err.text);
    struct queue_options queue = {.server = &w.server, .dns = w.server.dns};
    ck_assert_msg(queue_open(&queue, &w.server.queue, &err) == 0, "%s", err.text);
}

static void end(void)
{
    snapshot_forget_all();
    conn_abort_all(&w.server);
    queue_close(w.server.queue);
    dns_close(w.server.dns);
    world_stop(&w);
}

static void take(const char *name)
{
    ck_assert_msg(snapshot_take(&w.server, name, &err) == 0, "%s", err.text);
}

static void restore(const char *name)
{
    ck_assert_msg(snapshot_restore(&w.server, name, &err) == 0, "%s", err.text);
}

static struct mailbox *inbox(const struct account *a)
{
    struct mailbox *m;
    ck_assert_int_eq(mailbox_open(w.server.store, a->id, "INBOX", &m), 0);
    return m;
}

static uint32_t add(const char *text)
{
    return world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", text, 0);
}

static void expunge(uint32_t uid)
{
    struct world_done d = {.done = false};
    struct mailbox *m = inbox(w.user1);
    store_expunge(m, &uid, 1, false, NULL, world_done, &d);
    world_wait(w.server.loop, &d);
    mailbox_close(m);
}

START_TEST(mail_is_what_it_was)
    {
        uint32_t first = add("one");
        struct blob text;
        take("a");
        expunge(first);
        ck_assert_uint_eq(add("two"), 2);
        restore("a");
        struct mailbox *m = inbox(w.user1);
        ck_assert_uint_eq(m->count, 1);
        ck_assert_uint_eq(m->messages[0].uid, first);
        ck_assert_uint_eq(m->uidnext, 2);
        ck_assert_msg(blob_read(w.server.store, m->messages[0].blob, &text, &err) == 0, "%s",
                      err.text);
        ck_assert_str_eq((const char *)text.data, "one");
        blob_release(&text);
        mailbox_close(m);
        expunge(first); /* its text is referred to once, not more */
        restore("a");
        restore("a"); /* as often as one likes */
        m = inbox(w.user1);
        ck_assert_uint_eq(m->count, 1);
        mailbox_close(m);
    }
END_TEST

/* What a session of before still wants to do to its mailbox does not happen to the restored one. */
START_TEST(an_open_mailbox_is_gone)
    {
        uint32_t uid = add("one");
        struct world_done d = {.done = false};
        struct mailbox *before = inbox(w.user1);
        take("a");
        restore("a");
        ck_assert(before->gone);
        store_expunge(before, &uid, 1, false, NULL, world_done, &d);
        world_wait(w.server.loop, &d);
        ck_assert_int_eq(d.status, STORE_NO_MAILBOX);
        mailbox_close(before);
        struct mailbox *after = inbox(w.user1);
        ck_assert_uint_eq(after->count, 1);
        mailbox_close(after);
    }
END_TEST

/* A UIDVALIDITY that was given to a mailbox of meanwhile is not given again. */
START_TEST(uidvalidity_is_never_given_twice)
    {
        struct world_done made = {.done = false}, again = {.done = false};
        take("a");
        store_create(w.server.store, w.user1->id, "x", world_done, &made);
        world_wait(w.server.loop, &made);
        restore("a");
        store_create(w.server.store, w.user1->id, "x", world_done, &again);
        world_wait(w.server.loop, &again);
        ck_assert_int_eq(again.status, STORE_OK);
        ck_assert_uint_gt(again.uidvalidity, made.uidvalidity);
    }
END_TEST

START_TEST(accounts_are_what_they_were)
    {
        struct accounts *all = w.server.accounts;
        struct account *made;
        take("a");
        ck_assert(accounts_add(all, w.server.store, "late", "x", NULL, &made, &err) == 0);
        ck_assert(accounts_add(all, w.server.store, "user1", "changed", NULL, NULL, &err) == 0);
        ck_assert(accounts_remove(all, "user2"));
        restore("a");
        ck_assert_uint_eq(accounts_count(all), 2);
        ck_assert_ptr_null(account_find(all, "late"));
        ck_assert_ptr_eq(account_check(all, "user1", "pass"), w.user1);
        ck_assert_ptr_null(account_check(all, "user1", "changed"));
        const struct account *user2 = account_check(all, "user2", "pass");
        ck_assert_ptr_nonnull(user2);
        ck_assert_int_eq(user2->id, w.user2->id);
        /* A newcomer gets a mailbox of its own, not that of the one who is gone. */
        ck_assert(accounts_add(all, w.server.store, "later", "x", NULL, &made, &err) == 0);
        mailbox_close(inbox(made));
    }
END_TEST

START_TEST(time_goes_back_and_takes_the_timers_along)
    {
        struct clock *c = w.server.clock;
        struct timer t = {.fire = NULL};
        int64_t wall = clock_wall_s(c);
        take("a");
        clock_advance(c, 5LL * 86400 * 1000);
        clock_set(c, &t, 10000);
        restore("a");
        ck_assert_int_le(clock_wall_s(c), wall + 5);
        int wait = clock_wait_ms(c);
        ck_assert_msg(wait > 5000 && wait <= 10000, "%d", wait);
        clock_cancel(c, &t);
    }
END_TEST

START_TEST(faults_rules_and_limits_are_what_they_were)
    {
        ck_assert_int_eq(fault_switch("tls-no-close-notify", true, NULL), 0);
        ck_assert_int_eq(rule_add_text("match=NOOP drop", &err), 0);
        w.server.limits.recipients = 7;
        take("a");
        rule_remove(0);
        w.server.limits.recipients = 8;
        fault_clear_all();
        ck_assert_int_eq(fault_switch("tls-wrong-name", true, NULL), 0);
        restore("a");
        ck_assert(fault(FAULT_TLS_NO_CLOSE_NOTIFY));
        ck_assert(!fault(FAULT_TLS_WRONG_NAME));
        ck_assert_int_eq(w.server.limits.recipients, 7);
        ck_assert(rule_first() != NULL && strcmp(rule_first()->match, "NOOP") == 0);
        rule_remove(0);
    }
END_TEST

static struct dns_answer last_answer;

static void answered(void *arg, const struct dns_answer *a)
{
    last_answer = *a;
    *(bool *)arg = true;
}

static enum dns_status look_up(const char *name)
{
    bool done = false;
    long end = world_now_ms() + WORLD_PATIENCE_MS;
    dns_ask(w.server.dns, name, DNS_A, answered, &done);
    while (!done) {
        loop_once(w.server.loop, 10);
        ck_assert_msg(world_now_ms() < end, "no answer");
    }
    return last_answer.status;
}

static void set(const char *name, const char *value)
{
    ck_assert_msg(policy_set(&w.server.policy, name, value, &err) == 0, "%s", err.text);
}

START_TEST(settings_records_and_policies_are_what_they_were)
    {
        struct policy *p = &w.server.policy;
        set("alias", "sales=user1");
        set("quota-bytes", "user1=77");
        set("xclient-from", "192.0.2.0/24");
        set("proxy-from", "smtp=192.0.2.1");
        set("bare-lf", "accept");
        ck_assert_int_eq(dns_add(w.server.dns, "a.example. A 192.0.2.1", &err), 0);
        ck_assert_int_eq(dns_add(w.server.dns, "$FAIL b.example", &err), 0);
        ck_assert_int_eq(queue_set_policy(w.server.queue, "a.example",
                                          "version: STSv1\nmode: enforce\nmax_age: 60\nmx: m",
                                          &err),
                         0);
        take("a");
        set("alias", "default");
        set("quota-bytes", "default");
        set("xclient-from", "default");
        set("proxy-from", "default");
        set("bare-lf", "default");
        dns_clear(w.server.dns);
        ck_assert_int_eq(dns_add(w.server.dns, "c.example. A 192.0.2.1", &err), 0);
        ck_assert_int_eq(queue_set_policy(w.server.queue, "a.example", NULL, &err), 0);
        for (int i = 0; i < 2; i++) { /* it may be brought back again */
            restore("a");
            ck_assert_str_eq(texts_get(&p->aliases, "sales"), "user1");
            ck_assert_int_eq(per_account_get(&p->quota_bytes, "user1"), 77);
            ck_assert(networks_hold(&p->xclient_from, "192.0.2.9"));
            ck_assert(networks_hold(&p->proxy_from[SERVICE_SMTP], "192.0.2.1"));
            ck_assert_int_eq(p->bare_lf, BARE_ACCEPT);
            ck_assert_int_eq(look_up("a.example"), DNS_OK);
            ck_assert_int_eq(look_up("b.example"), DNS_FAILED);
            ck_assert_int_eq(look_up("c.example"), DNS_NXDOMAIN);
            ck_assert(sts_allows(queue_policies(w.server.queue), "a.example", "m"));
            set("alias", "default");
        }
    }
END_TEST

static void count_entry(void *arg, const struct queue_entry *e)
{
    (void)e;
    ++*(int *)arg;
}

START_TEST(the_queue_is_what_it_was)
    {
        struct world_done d = {.done = false}, gone = {.done = false};
        struct queue *q = w.server.queue;
        struct queue_recipient to = {.address = "bob@far.example"};
        struct queue_envelope e = {.sender = "user1@test.example",
                                   .wishes = {.release_s = clock_wall_s(w.server.clock) + 3600},
                                   .recipients = &to,
                                   .count = 1};
        struct queue_text text = {(unsigned char *)strdup("A: b\r\n\r\n"), 8};
        queue_submit(q, &e, (struct queue_text){NULL, 0}, text, world_done, &d);
        world_wait(w.server.loop, &d);
        int64_t last = queue_last(q);
        take("a");
        queue_clear(q, world_done, &gone);
        world_wait(w.server.loop, &gone);
        ck_assert_uint_eq(queue_count(q), 0);
        restore("a");
        int entries = 0;
        queue_list(q, count_entry, &entries);
        ck_assert_int_eq(entries, 1);
        ck_assert_int_eq(queue_last(q), last); /* numbers go on from there */
    }
END_TEST

START_TEST(mistakes_are_told_in_words)
    {
        ck_assert_int_eq(snapshot_restore(&w.server, "none", &err), -1);
        ck_assert_msg(strstr(err.text, "no snapshot \"none\"") != NULL, "%s", err.text);
        ck_assert_int_eq(snapshot_take(&w.server, "a\"b", &err), -1);
        ck_assert_msg(strstr(err.text, "letters, digits") != NULL, "%s", err.text);
        ck_assert_ptr_null(snapshot_name(0));
    }
END_TEST

/* 100 messages of 2 KiB in two accounts: more than a test usually has. The figures are for people;
 * the limit of the test is for a machine that is very busy. */
START_TEST(it_is_quick)
    {
        char text[2048];
        memset(text, 'x', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        for (int i = 0; i < 100; i++)
            add(text);
        struct timespec t[4];
        struct world_done d = {.done = false};
        clock_gettime(CLOCK_MONOTONIC, &t[0]);
        take("a");
        clock_gettime(CLOCK_MONOTONIC, &t[1]);
        expunge(50);
        add("new");
        clock_gettime(CLOCK_MONOTONIC, &t[2]);
        restore("a");
        clock_gettime(CLOCK_MONOTONIC, &t[3]);
        double ms[2];
        for (size_t i = 0; i < 2; i++)
            ms[i] = (double)(t[2 * i + 1].tv_sec - t[2 * i].tv_sec) * 1e3 +
                    (double)(t[2 * i + 1].tv_nsec - t[2 * i].tv_nsec) / 1e6;
        clock_gettime(CLOCK_MONOTONIC, &t[0]);
        store_reset(w.server.store, world_done, &d);
        world_wait(w.server.loop, &d);
        clock_gettime(CLOCK_MONOTONIC, &t[1]);
        double reset =
            (double)(t[1].tv_sec - t[0].tv_sec) * 1e3 + (double)(t[1].tv_nsec - t[0].tv_nsec) / 1e6;
        printf("snapshot %.2f ms, restore %.2f ms, reset %.2f ms\n", ms[0], ms[1], reset);
        ck_assert(ms[0] < 500 && ms[1] < 500 && reset < 500);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("snapshot");
    TCase *t = tcase_create("snapshot");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, mail_is_what_it_was);
    tcase_add_test(t, an_open_mailbox_is_gone);
    tcase_add_test(t, uidvalidity_is_never_given_twice);
    tcase_add_test(t, accounts_are_what_they_were);
    tcase_add_test(t, time_goes_back_and_takes_the_timers_along);
    tcase_add_test(t, faults_rules_and_limits_are_what_they_were);
    tcase_add_test(t, settings_records_and_policies_are_what_they_were);
    tcase_add_test(t, the_queue_is_what_it_was);
    tcase_add_test(t, mistakes_are_told_in_words);
    tcase_add_test(t, it_is_quick);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
