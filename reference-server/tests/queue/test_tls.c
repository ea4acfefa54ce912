/* Encrypted ways to other hosts: opportunistic, DANE, MTA-STS, REQUIRETLS, smarthosts with login.
 * The other host is a whole server of its own. SPDX-License-Identifier: MIT */
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "fault.h"
#include "net/listen.h"
#include "queue/relay.h"
#include "tls/certificate.h"

static struct relay relay;
static struct world away; /* its server shares the loop and the clock */
static struct listener *listener;
static char ca_path[100];

static void start_with(const char *smarthost)
{
    struct err err;
    struct relay_options o = {.smarthost = smarthost};
    relay_start_with(&relay, &o);
    relay.world.server.hostname = "relay.test.example"; /* no MX of its own */
    world_start(&away);
    world_start_tls(&away); /* made out to mail.test.example */
    /* One loop for both: the other world's own is not used. */
    snprintf(ca_path, sizeof ca_path, "%s/ca.pem", away.state);
    away.server.hostname = "mx.signed.example";
    accounts_add_domain(away.server.accounts, "signed.example");
    ck_assert_msg(accounts_add(away.server.accounts, away.server.store, "bob", "pw",
                               "bob@signed.example", NULL, &err) == 0,
                  "%s", err.text);
    ck_assert_msg(listen_open(&away.server, SERVICE_SMTP, "127.0.0.5", relay.sink->port, &listener,
                              &err) == 0,
                  "%s", err.text);
    /* With the certificate's authority known. */
    queue_close(relay.world.server.queue);
    o.ca = ca_path;
    relay_open(&relay, &o);
    relay_zone(&relay, "$SECURE signed.example");
    relay_zone(&relay, "signed.example. MX 10 mail.test.example.");
    relay_zone(&relay, "mail.test.example. A 127.0.0.5");
}

static void start(void)
{
    start_with(NULL);
}

static void stop(void)
{
    listen_close(listener);
    relay_stop(&relay);
    world_stop(&away);
}

/* Both loops run, until the queue rests. */
static void settle(void)
{
    long end = world_now_ms() + WORLD_PATIENCE_MS;
    for (int quiet = 0; quiet < 5;) {
        loop_once(relay.world.server.loop, 1);
        loop_once(away.server.loop, 1);
        quiet = queue_busy(relay.world.server.queue) ? 0 : quiet + 1;
        ck_assert_msg(world_now_ms() < end, "the queue does not come to rest");
    }
}

/* How many messages bob has, and the newest one. */
static size_t arrived(char text[4096])
{
    struct mailbox *m;
    struct blob b;
    struct account *bob = account_find(away.server.accounts, "bob");
    ck_assert(mailbox_open(away.server.store, bob->id, "INBOX", &m) == 0);
    size_t count = m->count;
    text[0] = '\0';
    if (count > 0 && blob_read(away.server.store, m->messages[count - 1].blob, &b, NULL) == 0) {
        snprintf(text, 4096, "%.*s", (int)b.len, (const char *)b.data);
        blob_release(&b);
    }
    mailbox_close(m);
    return count;
}

static void send_to(const char *address, bool requiretls)
{
    struct queue_recipient r = {.address = address};
    struct queue_envelope e = {.sender = "user1@test.example",
                               .wishes = {.requiretls = requiretls},
                               .recipients = &r,
                               .count = 1};
    relay_submit(&relay, &e, relay_text);
    settle();
}

static void last_status(void *arg, const struct queue_entry *e)
{
    snprintf(arg, 300, "%s %s", e->status, e->diagnostic);
}

/* What the only queued recipient waits for. */
static const char *waits(void)
{
    static char text[300];
    text[0] = '\0';
    queue_list(relay.world.server.queue, last_status, text);
    return text;
}

/* The TLSA record of the server's key; wrong: of another one. */
static void publish_tlsa(bool wrong, const char *where)
{
    char path[120], hex[65], line[300];
    unsigned char hash[32], *der = NULL;
    snprintf(path, sizeof path, "%s/server.pem", away.state);
    FILE *f = fopen(path, "r");
    ck_assert(f != NULL);
    X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    int n = i2d_PUBKEY(X509_get0_pubkey(cert), &der);
    SHA256(der, (size_t)n, hash);
    hash[0] ^= wrong;
    for (int i = 0; i < 32; i++)
        snprintf(hex + i * 2, 3, "%02x", hash[i]);
    snprintf(line, sizeof line, "_%u._tcp.%s. TLSA 3 1 1 %s", relay.sink->port, where, hex);
    relay_zone(&relay, line);
    OPENSSL_free(der);
    X509_free(cert);
}

START_TEST(tls_is_used_where_it_is_offered)
    {
        char text[4096];
        send_to("bob@signed.example", false);
        ck_assert_uint_eq(arrived(text), 1);
        ck_has(text, "with ESMTPS id");
        ck_has(text, "Return-Path: <user1@test.example>\r\n");
    }
END_TEST

START_TEST(dane_delivers_to_the_right_key)
    {
        char text[4096];
        relay_zone(&relay, "$SECURE mail.test.example");
        publish_tlsa(false, "mail.test.example");
        send_to("bob@signed.example", false);
        ck_assert_msg(arrived(text) == 1, "%s", waits());
        ck_has(text, "with ESMTPS id");
    }
END_TEST

/* RFC 7672, 2.2: no delivery without the right certificate. */
START_TEST(dane_keeps_mail_from_the_wrong_key)
    {
        char text[4096];
        relay_zone(&relay, "$SECURE mail.test.example");
        publish_tlsa(true, "mail.test.example");
        send_to("bob@signed.example", false);
        ck_assert_uint_eq(arrived(text), 0);
        ck_has(waits(), "4.");
        ck_has(waits(), "TLS");
        fault_switch("queue-dane-ignored", true, NULL);
        clock_advance(relay.world.server.clock, 310000);
        settle();
        ck_assert_uint_eq(arrived(text), 1);
    }
END_TEST

START_TEST(records_that_are_not_validated_mean_nothing)
    {
        char text[4096];
        publish_tlsa(true, "mail.test.example"); /* its zone is not signed */
        send_to("bob@signed.example", false);
        ck_assert_uint_eq(arrived(text), 1);
    }
END_TEST

START_TEST(dane_does_not_go_on_in_clear)
    {
        char text[4096];
        struct tls_identity *kept = away.server.tls;
        relay_zone(&relay, "$SECURE mail.test.example");
        publish_tlsa(false, "mail.test.example");
        away.server.tls = NULL; /* no STARTTLS */
        send_to("bob@signed.example", false);
        ck_assert_uint_eq(arrived(text), 0);
        ck_has(waits(), "4.7.4");
        fault_switch("queue-dane-downgrade", true, NULL);
        clock_advance(relay.world.server.clock, 310000);
        settle();
        ck_assert_uint_eq(arrived(text), 1);
        ck_has(text, "with ESMTP id");
        away.server.tls = kept;
    }
END_TEST

/* RFC 7672, 2.1.2: whoever can make a question fail could hide the records. */
START_TEST(tlsa_that_cannot_be_asked_for_keeps_mail_back)
    {
        char text[4096], line[100];
        relay_zone(&relay, "$SECURE mail.test.example");
        snprintf(line, sizeof line, "$FAIL _%u._tcp.mail.test.example TLSA", relay.sink->port);
        relay_zone(&relay, line);
        send_to("bob@signed.example", false);
        ck_assert_uint_eq(arrived(text), 0);
        ck_has(waits(), "4.7.5");
    }
END_TEST

static const char *const policy = "version: STSv1\nmode: enforce\nmx: %s\nmax_age: 86400\n";

static void publish_policy(const char *mx)
{
    char text[200];
    struct err err;
    snprintf(text, sizeof text, policy, mx);
    ck_assert_msg(queue_set_policy(relay.world.server.queue, "signed.example", text, &err) == 0,
                  "%s", err.text);
    relay_zone(&relay, "_mta-sts.signed.example. TXT \"v=STSv1; id=1;\"");
}

START_TEST(mta_sts_lets_mail_to_the_hosts_it_names)
    {
        char text[4096];
        publish_policy("*.test.example");
        send_to("bob@signed.example", false);
        ck_assert_msg(arrived(text) == 1, "%s", waits());
        ck_has(text, "with ESMTPS id");
    }
END_TEST

START_TEST(mta_sts_keeps_mail_from_other_hosts)
    {
        char text[4096];
        publish_policy("*.elsewhere.example");
        send_to("bob@signed.example", false);
        ck_assert_uint_eq(arrived(text), 0);
        ck_has(waits(), "4.7.5");
    }
END_TEST

START_TEST(mta_sts_keeps_mail_from_a_certificate_for_somebody_else)
    {
        char text[4096];
        fault_switch("tls-wrong-name", true, NULL);
        publish_policy("mail.test.example");
        send_to("bob@signed.example", false);
        ck_assert_uint_eq(arrived(text), 0);
        ck_has(waits(), "TLS");
        fault_switch("queue-sts-any-certificate", true, NULL);
        send_to("bob@signed.example", false);
        ck_assert_uint_eq(arrived(text), 1);
    }
END_TEST

/* Without a policy the certificate does not matter (RFC 7435). */
START_TEST(a_bad_certificate_is_better_than_none)
    {
        char text[4096];
        fault_switch("tls-wrong-name", true, NULL);
        send_to("bob@signed.example", false);
        ck_assert_uint_eq(arrived(text), 1);
        ck_has(text, "with ESMTPS id");
    }
END_TEST

START_TEST(requiretls_needs_a_server_that_knows_it)
    {
        char text[4096];
        size_t count;
        relay.world.server.hostname = "relay.test.example";
        send_to("bob@signed.example", true);
        if (arrived(text) == 0) { /* a server that offers REQUIRETLS takes it */
            const char *bounce = relay_inbox(&relay, &count);
            ck_assert_uint_eq(count, 1);
            ck_has(bounce, "Status: 5.7.30\r\n");
        }
        relay_zone(&relay, "unsigned.example. MX 10 mail.test.example.");
        send_to("bob@unsigned.example", true);
        ck_has(relay_inbox(&relay, &count), "Status: 5.7.30\r\n");
    }
END_TEST

/* RFC 8689, 4.1: TLS-Required: No does without good certificates, not without TLS that is there. */
START_TEST(tls_that_is_optional_is_used_all_the_same)
    {
        char text[4096];
        struct queue_recipient r = {.address = "bob@signed.example"};
        struct queue_envelope e = {.sender = "user1@test.example",
                                   .wishes = {.tls_optional = true},
                                   .recipients = &r,
                                   .count = 1};
        relay_submit(&relay, &e, relay_text);
        settle();
        ck_assert_uint_eq(arrived(text), 1);
        ck_has(text, "with ESMTPS id");
        fault_switch("queue-tls-optional-clear", true, NULL);
        clock_advance(relay.world.server.clock, 310000); /* no session is left */
        settle();
        relay_submit(&relay, &e, relay_text);
        settle();
        ck_assert_uint_eq(arrived(text), 2);
        ck_has(text, "with ESMTP id");
    }
END_TEST

/* RFC 3207, 4.2 and 6: what each fault makes of the same delivery. */
static const struct {
    const char *fault, *too; /* too: one of the other host, on in both runs; NULL: none */
    bool requiretls;
    long errors;  /* how many the other host bears; 0: as usual */
    size_t wrong; /* how many messages arrive with the fault; without it: one */
} tls_faults[] = {
    {"queue-starttls-no-ehlo", NULL, false, 0, 0},
    {"queue-starttls-454-returns", "starttls-refused", false, 0, 0},
    {"queue-starttls-in-tls", "smtp-starttls-offered-in-tls", false, 1, 0},
    {"queue-starttls-keeps-extensions", NULL, true, 0, 0},
    {"queue-requiretls-first-mx-only", NULL, true, 0, 0},
};

START_TEST(a_fault_around_starttls_shows)
    {
        char text[4096];
        for (int bad = 0; bad < 2; bad++) {
            if (bad) {
                stop();
                start();
            }
            if (tls_faults[_i].too != NULL)
                fault_switch(tls_faults[_i].too, true, NULL);
            if (tls_faults[_i].errors > 0)
                away.server.limits.smtp_errors = tls_faults[_i].errors;
            if (tls_faults[_i].requiretls) {
                relay_zone(&relay, "$SECURE mail.test.example");
                publish_tlsa(false, "mail.test.example");
            }
            if (strstr(tls_faults[_i].fault, "first-mx") != NULL) {
                relay_zone(&relay, "signed.example. MX 5 sink.signed.example.");
                relay_zone(&relay, "sink.signed.example. A 127.0.0.2");
            }
            if (bad)
                fault_switch(tls_faults[_i].fault, true, NULL);
            send_to("bob@signed.example", tls_faults[_i].requiretls);
            ck_assert_msg(arrived(text) == (bad ? tls_faults[_i].wrong : 1), "%s %d: %s",
                          tls_faults[_i].fault, bad, waits());
        }
    }
END_TEST

START_TEST(a_smarthost_gets_the_login_and_then_everything)
    {
        char text[4096];
        stop();
        start_with("bob:pw@127.0.0.5");
        send_to("bob@signed.example", false);
        ck_assert_msg(arrived(text) == 1, "%s", waits());
        ck_has(text, "with ESMTPSA id");
    }
END_TEST

START_TEST(a_smarthost_that_refuses_the_login_keeps_mail_waiting)
    {
        char text[4096];
        stop();
        start_with("bob:wrong@127.0.0.5");
        send_to("bob@signed.example", false);
        ck_assert_uint_eq(arrived(text), 0);
        ck_has(waits(), "4.7.8 535");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("tls");
    TCase *t = tcase_create("tls");
    tcase_add_checked_fixture(t, start, stop);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, tls_is_used_where_it_is_offered);
    tcase_add_test(t, dane_delivers_to_the_right_key);
    tcase_add_test(t, dane_keeps_mail_from_the_wrong_key);
    tcase_add_test(t, records_that_are_not_validated_mean_nothing);
    tcase_add_test(t, dane_does_not_go_on_in_clear);
    tcase_add_test(t, tlsa_that_cannot_be_asked_for_keeps_mail_back);
    tcase_add_test(t, mta_sts_lets_mail_to_the_hosts_it_names);
    tcase_add_test(t, mta_sts_keeps_mail_from_other_hosts);
    tcase_add_test(t, mta_sts_keeps_mail_from_a_certificate_for_somebody_else);
    tcase_add_test(t, a_bad_certificate_is_better_than_none);
    tcase_add_test(t, requiretls_needs_a_server_that_knows_it);
    tcase_add_test(t, tls_that_is_optional_is_used_all_the_same);
    tcase_add_loop_test(t, a_fault_around_starttls_shows, 0,
                        sizeof tls_faults / sizeof *tls_faults);
    tcase_add_test(t, a_smarthost_gets_the_login_and_then_everything);
    tcase_add_test(t, a_smarthost_that_refuses_the_login_keeps_mail_waiting);
    suite_add_tcase(s, t);
    return relay_main(s);
}
