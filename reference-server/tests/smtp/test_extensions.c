/* What senders may ask for besides delivery, as the wire shows it, and its faults: DSN, REQUIRETLS,
 * DELIVERBY, FUTURERELEASE, MT-PRIORITY, LIMITS, ETRN. SPDX-License-Identifier: MIT */
#include "queue/relay.h"
#include "smtp/smtp_world.h"

static struct relay relay;

static void start(void)
{
    relay_start(&relay);
    world_start_tls(&relay.world);
}

static void stop(void)
{
    relay_stop(&relay);
}

static void on(const char *name)
{
    struct err err;
    ck_assert_msg(fault_switch(name, true, &err) == 0, "%s", err.text);
}

enum kind { ON_25, IN_TLS, USER, ON_LMTP, USER_ON_25 };

static void begin(struct world_client *k, enum kind kind)
{
    static const enum service services[] = {SERVICE_SMTP, SERVICE_SMTP, SERVICE_SUBMISSION,
                                            SERVICE_LMTP, SERVICE_SMTP};
    smtp_world_hello(&relay.world, k, services[kind]);
    if (kind == IN_TLS || kind == USER || kind == USER_ON_25) {
        world_ask(k, "STARTTLS\r\n", "220");
        ck_assert(world_handshake(k, 0));
        world_forget(k);
        world_text(k, "EHLO client.example\r\n");
        world_hear(k, "250 HELP\r\n");
    }
    if (kind == USER || kind == USER_ON_25)
        world_ask(k, "AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "235");
}

#define FROM "MAIL FROM:<user1@test.example>"
#define TO "RCPT TO:<user1@test.example>"

/* A line, what it gets, and what it gets with the fault. */
static const struct {
    const char *fault;
    enum kind kind;
    const char *before; /* lines that get 250; or NULL */
    const char *line, *right, *wrong;
} answers[] = {
    {"smtp-dsn-never-beside-others", ON_25, FROM, TO " NOTIFY=NEVER,SUCCESS", "501 5.5.4", "250"},
    {"smtp-dsn-xtext-unchecked", ON_25, NULL, FROM " ENVID=a+", "501 5.5.4", "250"},
    {"smtp-dsn-xtext-unchecked", ON_LMTP, NULL, FROM " ENVID=a+0A", "501 5.5.4", "250"},
    {"smtp-dsn-ret-any", ON_25, NULL, FROM " RET=SOME", "501 5.5.4", "250"},
    {"smtp-dsn-repeated", ON_25, NULL, FROM " RET=HDRS RET=HDRS", "501 5.5.4", "250"},
    {"smtp-dsn-repeated", ON_25, FROM, TO " NOTIFY=DELAY NOTIFY=DELAY", "501 5.5.4", "250"},
    {"smtp-dsn-ret-any", ON_25, NULL, FROM " RET=", "501 5.5.4", "250"},
    {"smtp-dsn-notify-any", ON_25, FROM, TO " NOTIFY=SOON", "501 5.5.4", "250"},
    {"smtp-dsn-notify-any", ON_25, FROM, TO " NOTIFY=", "501 5.5.4", "250"},
    {"smtp-dsn-words-case", ON_25, NULL, FROM " RET=hdrs", "250", "501"},
    {"smtp-dsn-words-case", ON_25, FROM, TO " NOTIFY=Never", "250", "501"},
    {"smtp-dsn-envid-short", ON_25, NULL, FROM " ENVID=123456789", "250", "501"},
    {"smtp-dsn-never-refused", ON_25, FROM, TO " NOTIFY=never", "250", "550"},
    {"smtp-dsn-xtext-unchecked", ON_25, FROM, TO " ORCPT=rfc822;a+4", "501 5.5.4", "250"},
    {"smtp-dsn-orcpt-no-type", ON_25, FROM, TO " ORCPT=a", "501 5.5.4", "250"},
    {"smtp-dsn-orcpt-short", ON_25, FROM,
     TO " ORCPT=rfc822;"
        "123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
        "5678901234567890123456789012345678901234567890",
     "250", "501"},
    {"smtp-requiretls-in-clear", ON_25, NULL, FROM " REQUIRETLS", "530 5.7.10", "250"},
    {"smtp-by-any-value", USER, NULL, FROM " BY=0;R", "501 5.5.4", "250"},
    {"smtp-by-zero", ON_25, NULL, FROM " BY=0;R", "501 5.5.4", "250"},
    {"smtp-by-zero", ON_25, NULL, FROM " BY=-5;R", "501 5.5.4", "250"},
    {"smtp-by-without-value", ON_25, NULL, FROM " BY", "501 5.5.4", "250"},
    {"smtp-by-without-value", ON_25, NULL, FROM " BY=", "501 5.5.4", "250"},
    {"smtp-by-past-refused", ON_25, NULL, FROM " BY=-1;N", "250", "501"},
    {"smtp-by-minimum-ignored", ON_25, NULL, FROM " BY=1;R", "555", "250"},
    {"smtp-hold-offered-on-25", ON_25, NULL, FROM " HOLDFOR=1", "555", "250"},
    {"smtp-hold-most-ignored", USER, NULL, FROM " HOLDFOR=999999999", "501 5.5.4", "250"},
    {"smtp-by-any-value", ON_25, NULL, FROM " BY=ten;R", "501 5.5.4", "250"},
    {"smtp-by-mode-case", ON_25, NULL, FROM " BY=100;r", "250", "501"},
    {"smtp-hold-until-refused", USER, NULL, FROM " HOLDUNTIL=2026-11-21T06:00:00Z HOLDFOR=1",
     "501 5.5.4 ", "501 5.5.4 HOLDUNTIL takes nothing"},
    {"smtp-hold-any-value", USER, NULL, FROM " HOLDFOR=soon", "501 5.5.4", "250"},
    {"smtp-hold-any-value", USER, NULL, FROM " HOLDUNTIL=soon", "501 5.5.4", "250"},
    {"smtp-hold-twice", USER, NULL, FROM " HOLDFOR=1 HOLDFOR=2", "501 5.5.4", "250"},
    {"smtp-hold-555", USER, NULL, FROM " HOLDFOR=x", "501 5.5.4", "555 5.5.2"},
    {"smtp-priority-twice", USER, NULL, FROM " MT-PRIORITY=1 MT-PRIORITY=1", "501 5.5.4", "250"},
    {"submission-offers-etrn", USER, NULL, "ETRN away.example", "502 5.5.1", "251"},
    {"submission-null-sender-refused", USER, NULL, "MAIL FROM:<>", "250", "550"},
    {"smtp-mail-auth-refused", ON_25, NULL, FROM " AUTH=<>", "250", "501"},
    {"smtp-mail-auth-any-value", ON_25, NULL, FROM " AUTH=ann+4", "501", "250"},
    {"smtp-auth-case-sensitive", IN_TLS, NULL, "AUTH plain AHVzZXIxAHBhc3M=", "235", "504"},
    {"smtp-auth-padding-optional", IN_TLS, NULL, "AUTH PLAIN AHVzZXIxAHBhc3M", "501", "235"},
    {"smtp-auth-cram-initial-ignored", IN_TLS, NULL, "AUTH CRAM-MD5 eA==", "501", "334"},
    {"smtp-utf8-takes-value", ON_25, NULL, FROM " SMTPUTF8=yes", "501", "250"},
    {"smtp-utf8-local-part-refused", ON_25, NULL, "MAIL FROM:<\xc3\xa4@a.example> SMTPUTF8", "250",
     "501"},
    {"smtp-utf8-domain-refused", ON_25, NULL, "MAIL FROM:<a@\xc3\xa4.example> SMTPUTF8", "250",
     "501"},
    {"smtp-utf8-invalid-accepted", ON_25, NULL, "MAIL FROM:<\xe4@a.example> SMTPUTF8", "501",
     "250"},
    {"smtp-utf8-echoes", ON_25, NULL, "VRFY \xc3\xa4", "550 5.1.1 There is no such user\r",
     "550 5.1.1 There is no such user: \xc3\xa4"},
    {"smtp-hold-beyond-by", USER, NULL, FROM " HOLDFOR=60 BY=30;R", "501 5.5.4", "250"},
    {"smtp-priority-syntax-ignored", USER, NULL, FROM " MT-PRIORITY=10", "501 5.5.2", "250"},
    {"smtp-priority-for-strangers", ON_25, NULL, FROM " MT-PRIORITY=3", "250 2.3.6 0 ",
     "250 2.1.0"},
    {"smtp-priority-changed-silently", ON_25, NULL, FROM " MT-PRIORITY=3", "250 2.3.6 0 ",
     "250 2.1.0"},
    {"smtp-etrn-in-transaction", USER_ON_25, FROM, "ETRN away.example", "503 5.5.1", "251"},
    {"smtp-etrn-bad-node-accepted", ON_25, NULL, "ETRN localname", "501 5.5.4", "250"},
};

START_TEST(a_fault_changes_the_answer)
    {
        for (int bad = 0; bad < 2; bad++) {
            struct world_client k;
            char line[200];
            begin(&k, answers[_i].kind);
            if (answers[_i].before != NULL) {
                snprintf(line, sizeof line, "%s\r\n", answers[_i].before);
                world_ask(&k, line, "250");
            }
            if (bad)
                on(answers[_i].fault);
            snprintf(line, sizeof line, "%s\r\n", answers[_i].line);
            world_ask(&k, line, bad ? answers[_i].wrong : answers[_i].right);
            world_hang_up(&k);
        }
    }
END_TEST

static const char *greeting(struct world_client *k, enum kind kind)
{
    begin(k, kind);
    if (kind == USER)
        world_forget(k);
    world_forget(k);
    world_text(k, kind == ON_LMTP ? "LHLO client.example\r\n" : "EHLO client.example\r\n");
    return world_hear(k, "250 HELP\r\n");
}

START_TEST(each_service_offers_what_is_its_own)
    {
        struct world_client k;
        const char *text = greeting(&k, ON_25);
        ck_has(text, "250-DSN\r\n");
        ck_has(text, "250-DELIVERBY 10\r\n");
        ck_lacks(text, "ETRN");
        ck_lacks(text, "REQUIRETLS");
        ck_lacks(text, "FUTURERELEASE");
        world_hang_up(&k);
        ck_has(greeting(&k, USER_ON_25), "250-ETRN\r\n");
        world_hang_up(&k);
        text = greeting(&k, IN_TLS);
        ck_has(text, "250-REQUIRETLS\r\n");
        world_hang_up(&k);
        text = greeting(&k, USER);
        ck_has(text, "250-FUTURERELEASE 2592000 20");
        ck_has(text, "250-REQUIRETLS\r\n");
        world_hang_up(&k);
        text = greeting(&k, ON_LMTP);
        ck_has(text, "250-DSN\r\n");
        ck_has(text, "250-MT-PRIORITY\r\n");
        ck_lacks(text, "ETRN");
        ck_lacks(text, "DELIVERBY");
        world_hang_up(&k);
    }
END_TEST

START_TEST(faults_change_what_is_offered)
    {
        struct world_client k;
        on("smtp-requiretls-not-offered");
        ck_lacks(greeting(&k, IN_TLS), "REQUIRETLS");
        world_hang_up(&k);
        fault_clear_all();
        on("smtp-hold-offered-on-25");
        on("smtp-requiretls-in-clear");
        on("smtp-limits-unregistered");
        on("smtp-hold-date-local");
        const char *text = greeting(&k, ON_25);
        ck_has(text, "FUTURERELEASE");
        ck_has(text, "+01:00\r\n");
        ck_has(text, "REQUIRETLS");
        ck_has(text, "SPEEDMAX");
        world_hang_up(&k);
    }
END_TEST

START_TEST(a_policy_of_priorities_is_named)
    {
        struct world_client k;
        relay.world.server.priority_policy = "STANAG4406";
        ck_has(greeting(&k, ON_25), "250-MT-PRIORITY STANAG4406\r\n");
        world_hang_up(&k);
    }
END_TEST

START_TEST(the_limits_that_are_told_hold)
    {
        struct world_client k;
        struct limits *limits = &relay.world.server.limits;
        limits->smtp_transactions = 4;
        limits->recipients = 2;
        limits->recipient_domains = 1;
        const char *text = greeting(&k, USER);
        ck_has(text, "250-LIMITS MAILMAX=4 RCPTMAX=2 RCPTDOMAINMAX=1\r\n");
        world_ask(&k, FROM "\r\n", "250");
        world_ask(&k, TO "\r\n", "250");
        world_ask(&k, "RCPT TO:<x@away.example>\r\n", "452 4.5.3");
        world_ask(&k, TO "\r\n", "250");
        world_ask(&k, TO "\r\n", "452 4.5.3");
        world_ask(&k, "RSET\r\n", "250");
        world_ask(&k, "MAIL FROM:\r\n", "501"); /* counts too */
        world_ask(&k, FROM "\r\n", "250");
        world_ask(&k, "RSET\r\n", "250");
        world_ask(&k, FROM "\r\n", "250");
        world_ask(&k, "RSET\r\n", "250");
        world_ask(&k, FROM "\r\n", "421 4.7.0");
        world_hear(&k, NULL);
        world_hang_up(&k);
        limits->recipients = 1000;
        on("smtp-limits-mailmax-lower");
        begin(&k, ON_25);
        for (int i = 0; i < 2; i++) {
            world_ask(&k, FROM "\r\n", "250");
            world_ask(&k, "RSET\r\n", "250");
        }
        world_ask(&k, FROM "\r\n", "421");
        world_hang_up(&k);
    }
END_TEST

static const char *newest(void)
{
    size_t count;
    return relay_inbox(&relay, &count);
}

static void mail(struct world_client *k, const char *parameters, const char *to)
{
    char line[400];
    snprintf(line, sizeof line, FROM "%s\r\n", parameters);
    world_ask(k, line, "250");
    snprintf(line, sizeof line, "RCPT TO:%s\r\n", to);
    world_ask(k, line, "250");
    world_ask(k, "DATA\r\n", "354");
    world_ask(k, "Subject: wish\r\n\r\nplease\r\n.\r\n", "250");
}

START_TEST(a_priority_stands_in_the_received_field)
    {
        struct world_client k;
        begin(&k, USER);
        mail(&k, " MT-PRIORITY=4", "<user1@test.example>");
        ck_has(newest(), "\r\n\tPRIORITY 4");
        on("smtp-received-no-priority");
        mail(&k, " MT-PRIORITY=5", "<user1@test.example>");
        ck_lacks(newest(), "PRIORITY");
        fault_clear_all();
        mail(&k, "", "<user1@test.example>");
        ck_lacks(newest(), "PRIORITY");
        world_hang_up(&k);
    }
END_TEST

/* --- ETRN --- */

START_TEST(etrn_starts_what_waits_for_a_node)
    {
        struct world_client k;
        relay_zone(&relay, "sub.away.example. MX 10 mx.away.example.");
        relay.sink->rcpt = "450 4.2.1 later";
        relay_send(&relay, "x@away.example");
        relay_send(&relay, "x@sub.away.example");
        relay_settle(&relay);
        relay.sink->rcpt = NULL;
        begin(&k, USER_ON_25);
        world_ask(&k, "ETRN nobody.example\r\n", "251 2.0.0 ");
        world_ask(&k, "ETRN test.example\r\n", "459 4.7.1 ");
        world_ask(&k, "ETRN @com\r\n", "501 5.5.4");
        world_ask(&k, "ETRN\r\n", "501 5.5.4");
        world_ask(&k, "ETRN #uucp\r\n", "458 4.3.0 ");
        on("smtp-etrn-starts-nothing");
        world_ask(&k, "ETRN away.example\r\n", "253 ");
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 0);
        fault_clear_all();
        on("smtp-etrn-always-251");
        on("smtp-etrn-node-only");
        world_ask(&k, "ETRN @example.example\r\n", "251 ");
        fault_clear_all();
        world_ask(&k, "ETRN away.example\r\n", "253 2.0.0 OK, 1 pending");
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        world_ask(&k, "ETRN away.example\r\n", "251 ");
        on("smtp-etrn-node-only");
        world_ask(&k, "ETRN @away.example\r\n", "251 ");
        fault_clear_all();
        world_ask(&k, "ETRN @away.example\r\n", "252 ");
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 2);
        world_ask(&k, "ETRN #all\r\n", "250 ");
        world_hang_up(&k);
    }
END_TEST

/* The answers tell for whom how much mail waits: RFC 1985, 5.1 and 5.3. */
START_TEST(etrn_is_for_those_who_may_relay_and_for_listed_addresses)
    {
        struct world_client k;
        struct err err;
        relay.sink->rcpt = "450 4.2.1 later";
        relay_send(&relay, "x@away.example");
        relay_settle(&relay);
        relay.sink->rcpt = NULL;
        begin(&k, ON_25);
        ck_lacks(k.heard, "ETRN");
        world_ask(&k, "ETRN away.example\r\n", "459 4.7.1 ");
        world_ask(&k, "ETRN @away.example\r\n", "459 4.7.1 ");
        world_ask(&k, "ETRN nobody.example\r\n", "459 4.7.1 ");
        world_ask(&k, "ETRN #all\r\n", "458 4.7.1 ");
        world_ask(&k, "ETRN @com\r\n", "501 5.5.4");
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 0);
        world_hang_up(&k);
        begin(&k, USER_ON_25);
        world_ask(&k, "ETRN away.example\r\n", "253 ");
        world_hang_up(&k);
        ck_assert(policy_set(&relay.world.server.policy, "etrn-from", "127.0.0.0/8", &err) == 0);
        struct networks *from = &relay.world.server.policy.etrn_from;
        ck_assert(networks_hold(from, "127.0.0.9") && !networks_hold(from, "192.0.2.1"));
        relay_settle(&relay);
    }
END_TEST

START_TEST(etrn_does_not_free_what_is_held_back)
    {
        struct world_client k;
        begin(&k, USER);
        mail(&k, " HOLDFOR=3600", "<x@away.example>");
        world_hang_up(&k);
        begin(&k, USER_ON_25);
        world_ask(&k, "ETRN away.example\r\n", "251 ");
        relay_settle(&relay);
        ck_assert_uint_eq(relay.sink->transactions, 0);
        relay_advance(&relay, 3610);
        ck_assert_uint_eq(relay.sink->transactions, 1);
        world_hang_up(&k);
    }
END_TEST

/* RFC 4865, 6: a quota for each user, 552 at MAIL, and room again once the time has come. */
START_TEST(only_so_many_messages_are_held_for_a_user)
    {
        struct world_client k, other, second;
        relay.world.server.limits.future_release_messages = 2;
        begin(&k, USER);
        begin(&second, USER);
        mail(&k, " HOLDFOR=3600", "<x@away.example>");
        world_ask(&k, FROM " HOLDFOR=60\r\n", "250");
        world_ask(&k, TO "\r\n", "250");
        mail(&second, " HOLDFOR=3600", "<user1@test.example>");
        world_ask(&second, FROM " HOLDFOR=60\r\n", "552 5.7.16 ");
        world_ask(&second, FROM "\r\n", "250"); /* what is not held back is none of it */
        world_ask(&k, "DATA\r\n", "354");
        world_ask(&k, "Subject: wish\r\n\r\n.\r\n", "552 5.7.16 ");
        smtp_world_hello(&relay.world, &other, SERVICE_SUBMISSION);
        world_ask(&other, "AUTH PLAIN AHVzZXIyAHBhc3M=\r\n", "235");
        mail(&other, " HOLDFOR=60", "<user2@test.example>");
        world_hang_up(&other);
        world_hang_up(&second);
        world_hang_up(&k);
        queue_close(relay.world.server.queue); /* a new start knows whose they are */
        relay_open(&relay, NULL);
        begin(&k, USER);
        world_ask(&k, FROM " HOLDFOR=60\r\n", "552 5.7.16 ");
        world_hang_up(&k);
        relay_advance(&relay, 3610);
        begin(&k, USER);
        mail(&k, " HOLDFOR=60", "<user1@test.example>");
        world_hang_up(&k);
    }
END_TEST

/* RFC 5321, 6.3. */
START_TEST(mail_in_circles_ends_unless_a_fault_sends_it_on)
    {
        struct world_client k;
        for (int bad = 0; bad < 2; bad++) {
            if (bad)
                on("queue-loops");
            begin(&k, USER);
            world_ask(&k, FROM "\r\n", "250");
            world_ask(&k, "RCPT TO:<x@away.example>\r\n", "250");
            world_ask(&k, "DATA\r\n", "354");
            for (int i = 0; i < 101; i++)
                world_text(&k, "Received: from a by b\r\n");
            world_ask(&k, "\r\n.\r\n", bad ? "250" : "554 5.4.6");
            relay_settle(&relay);
            ck_assert_uint_eq(relay.sink->transactions, bad ? 1 : 0);
            world_hang_up(&k);
        }
    }
END_TEST

START_TEST(mailboxes_here_wait_for_the_release_as_well)
    {
        struct world_client k;
        size_t count;
        begin(&k, USER);
        mail(&k, " HOLDFOR=3600 ENVID=e1", "<user1@test.example> NOTIFY=SUCCESS");
        relay_settle(&relay);
        relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 0);
        relay_advance(&relay, 3500);
        relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 0);
        relay_advance(&relay, 110);
        const char *text = relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 2); /* the message, and that it was delivered */
        ck_assert(strstr(text, "Subject: wish") != NULL);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 0);
        world_hang_up(&k); /* an hour is too long for it */
        begin(&k, USER);
        on("queue-hold-ignored");
        mail(&k, " HOLDFOR=3600", "<user1@test.example>");
        relay_settle(&relay);
        ck_has(relay_inbox(&relay, &count), "Return-Path: <user1@test.example>\r\n");
        ck_assert_uint_eq(count, 3);
        world_hang_up(&k);
    }
END_TEST

/* LMTP answers for each recipient, and reports the deliveries for which that was asked. */
START_TEST(lmtp_reports_what_it_delivers)
    {
        struct world_client k;
        size_t count;
        begin(&k, ON_LMTP);
        world_ask(&k, FROM " ENVID=lm\r\n", "250");
        world_ask(&k, TO " NOTIFY=SUCCESS\r\n", "250");
        world_ask(&k, "RCPT TO:<user2@test.example>\r\n", "250");
        world_ask(&k, "DATA\r\n", "354");
        world_forget(&k);
        world_text(&k, "Subject: wish\r\n\r\nplease\r\n.\r\n");
        ck_has(world_hear(&k, "<user2@test.example>\r\n"), "<user1@test.example>\r\n250 ");
        relay_settle(&relay);
        relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 2);
        ck_assert_uint_eq(smtp_world_count(&relay.world, relay.world.user2), 1);
        ck_has(newest(), "");
        world_hang_up(&k);
    }
END_TEST

START_TEST(a_domain_that_takes_no_mail_is_refused_at_once)
    {
        struct world_client k;
        relay_zone(&relay, "null.example. MX 0 .");
        begin(&k, USER);
        world_ask(&k, FROM "\r\n", "250");
        world_ask(&k, "RCPT TO:<x@null.example>\r\n", "556 5.1.10 ");
        world_ask(&k, "RCPT TO:<x@short>\r\n", "554 5.1.2 ");
        world_ask(&k, "RCPT TO:<x@away.example>\r\n", "250");
        on("smtp-null-mx-550");
        world_ask(&k, "RCPT TO:<x@null.example>\r\n", "550 5.1.1 ");
        fault_clear_all();
        on("submission-short-domains");
        world_ask(&k, "RCPT TO:<x@short>\r\n", "250");
        world_hang_up(&k);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("smtp extensions");
    TCase *t = tcase_create("smtp extensions");
    tcase_add_checked_fixture(t, start, stop);
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, a_fault_changes_the_answer, 0, sizeof answers / sizeof *answers);
    tcase_add_test(t, each_service_offers_what_is_its_own);
    tcase_add_test(t, faults_change_what_is_offered);
    tcase_add_test(t, a_policy_of_priorities_is_named);
    tcase_add_test(t, the_limits_that_are_told_hold);
    tcase_add_test(t, a_priority_stands_in_the_received_field);
    tcase_add_test(t, etrn_starts_what_waits_for_a_node);
    tcase_add_test(t, etrn_is_for_those_who_may_relay_and_for_listed_addresses);
    tcase_add_test(t, only_so_many_messages_are_held_for_a_user);
    tcase_add_test(t, mail_in_circles_ends_unless_a_fault_sends_it_on);
    tcase_add_test(t, etrn_does_not_free_what_is_held_back);
    tcase_add_test(t, mailboxes_here_wait_for_the_release_as_well);
    tcase_add_test(t, lmtp_reports_what_it_delivers);
    tcase_add_test(t, a_domain_that_takes_no_mail_is_refused_at_once);
    suite_add_tcase(s, t);
    return relay_main(s);
}
