/* Faults of outgoing SMTP and of notifications: each changes what the next host hears or what the
 * sender reads. SPDX-License-Identifier: MIT */
#include "fault.h"
#include "queue/relay.h"

static struct relay relay;

static void start(void)
{
    relay_start(&relay);
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

enum where { COMMANDS, TEXT, INBOX };
enum mail {
    BARE,      /* nothing asked for */
    ASKING,    /* ENVID, RET=FULL, ORCPT, NOTIFY=SUCCESS,FAILURE */
    TWO,       /* to x and y */
    FROM_NULL, /* the null sender */
    ROUTED,    /* the sender has a source route */
    EIGHT_BIT,
    NEEDS_UTF8,
    SAYS_UTF8, /* SMTPUTF8 and nothing that needs it */
    BINARY,
    LONE, /* CR and LF that stand alone */
    TO_NOWHERE,
};

#define NO_DSN "250 sink.example"
#define WITH_8BIT "250-sink.example\r\n250 8BITMIME"

static const char text[] =
    "Reply-To: <user2@test.example>\r\nSubject: away\r\n\r\nblank  \r\n.\r\n";

static void send_mail(enum mail mail)
{
    struct queue_recipient r[] = {{.address = "X@away.example"}, {.address = "y@away.example"}};
    struct queue_envelope e = {.sender = "user1@test.example", .recipients = r, .count = 1};
    const char *body = text;
    switch (mail) {
    case ASKING:
        r[0].orcpt = "rfc822;Old+2B@b.example";
        r[0].notify = QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_FAILURE;
        e.envid = "an+2Bid";
        e.return_full = true;
        break;
    case TWO:
        e.count = 2;
        break;
    case FROM_NULL:
        e.sender = "";
        r[0].notify = QUEUE_NOTIFY_NEVER;
        break;
    case ROUTED:
        e.sender = "@away.example:ann@elsewhere.example";
        break;
    case EIGHT_BIT:
        body = "Subject: away\r\n\r\n\xc3\xa4\r\n";
        break;
    case NEEDS_UTF8:
        r[0].address = "\xc3\xa4@away.example";
        e.utf8 = true;
        break;
    case SAYS_UTF8:
        e.utf8 = true;
        break;
    case BINARY:
        e.binary = true;
        break;
    case LONE:
        body = "Subject: away\r\n\r\none\n.two\rthree\r\n";
        break;
    case TO_NOWHERE:
        body = "Resent-To: Y <y@nowhere.example>\r\nSubject: away\r\n\r\n";
        break;
    case BARE:
        break;
    }
    relay_submit(&relay, &e, body);
    relay_settle(&relay);
}

/* What is there without the fault and not with it, or the other way round. */
static const struct {
    const char *fault;
    enum mail mail;
    const char *ehlo, *rcpt; /* NULL: as the sink does */
    enum where where;
    const char *has, *gets; /* NULL: nothing to look for */
} rows[] = {
    {"queue-drops-envid", ASKING, NULL, NULL, COMMANDS, " ENVID=an+2Bid", NULL},
    {"queue-drops-ret", ASKING, NULL, NULL, COMMANDS, " RET=FULL", NULL},
    {"queue-orcpt-lowered", ASKING, NULL, NULL, COMMANDS, "Old+2B", "old+2b"},
    {"queue-adds-notify", BARE, NULL, NULL, COMMANDS, NULL, "NOTIFY=FAILURE,DELAY"},
    {"queue-adds-ret", BARE, NULL, NULL, COMMANDS, NULL, "RET=HDRS"},
    {"queue-dsn-unasked", ASKING, NO_DSN, NULL, COMMANDS, NULL, "ENVID=an+2Bid"},
    {"queue-one-by-one", TWO, NULL, NULL, COMMANDS, "<X@away.example>\r\nRCPT", "y@"},
    {"queue-ehlo-short-name", BARE, NULL, NULL, COMMANDS, "EHLO mail.", "EHLO localhost"},
    {"queue-no-quit", BARE, NULL, NULL, COMMANDS, "QUIT", NULL},
    {"queue-no-helo", BARE, "502 what?", NULL, COMMANDS, "HELO mail", NULL},
    {"queue-lowers-local-part", BARE, NULL, NULL, COMMANDS, "TO:<X@", "TO:<x@"},
    {"queue-strips-trailing-blanks", BARE, NULL, NULL, TEXT, "blank  \r\n", "blank\r\n"},
    {"queue-adds-date", BARE, NULL, NULL, TEXT, NULL, "Date: "},
    {"queue-keeps-source-route", ROUTED, NULL, NULL, COMMANDS, "FROM:<ann@", "FROM:<@away"},
    {"queue-again-to-all", TWO, NULL, "450 4.2.1 later", COMMANDS, "TO:<X", "TO:<X"},
    {"queue-utf8-word-missing", NEEDS_UTF8, NULL, NULL, COMMANDS, " SMTPUTF8", NULL},
    {"queue-utf8-word-always", SAYS_UTF8, NULL, NULL, COMMANDS, NULL, " SMTPUTF8"},
    {"queue-utf8-unasked", NEEDS_UTF8, NO_DSN, NULL, TEXT, NULL, "Subject"},
    {"queue-size-too-small", BARE, NULL, NULL, COMMANDS, " SIZE=6", " SIZE=1"},
    {"queue-size-unasked", BARE, NO_DSN, NULL, COMMANDS, NULL, " SIZE="},
    {"queue-8bit-body-missing", EIGHT_BIT, WITH_8BIT, NULL, COMMANDS, " BODY=8BITMIME", NULL},
    {"queue-8bit-cleared", EIGHT_BIT, WITH_8BIT, NULL, TEXT, "\xc3\xa4", "C$"},
    {"queue-binary-unasked", BINARY, WITH_8BIT, NULL, TEXT, NULL, "Subject"},
    {"queue-sends-bare-lf", LONE, NULL, NULL, TEXT, "\r\none\r\n..two\r\nthree\r\n",
     "\r\none\n..two\rthree\r\n"},
    {"queue-routes-by-header", TO_NOWHERE, NULL, NULL, TEXT, "Subject", NULL},
    {"queue-text-without-354", BARE, NULL, NULL, TEXT, "Subject", "Subject"},

    {"queue-envid-encoded", ASKING, NULL, "550 no", INBOX, "Envelope-Id: an+id", "Id: an+2Bid"},
    {"queue-envid-invented", BARE, NULL, "550 no", INBOX, NULL, "Original-Envelope-Id"},
    {"queue-orcpt-invented", BARE, NULL, "550 no", INBOX, NULL, "Original-Recipient"},
    {"queue-success-full", ASKING, NO_DSN, NULL, INBOX, "rfc822-headers", "blank"},
    {"queue-relayed-as-delivered", ASKING, NO_DSN, NULL, INBOX, "n: relayed", "n: delivered"},
    {"queue-success-unasked", BARE, NO_DSN, NULL, INBOX, NULL, "Action: relayed"},
    {"queue-relayed-despite-dsn", ASKING, NULL, NULL, INBOX, NULL, "Action: relayed"},
    {"queue-no-failure-dsn", BARE, NULL, "550 no", INBOX, "Action: failed", NULL},
    {"queue-dsn-names-all", TWO, NULL, "550 no", INBOX, "y@away", "y@away"},
    {"queue-dsn-first-only", TWO, NULL, "550 no", INBOX, "rfc822;y@away", NULL},
    {"queue-ret-full-hdrs", ASKING, NULL, "550 no", INBOX, "blank", "rfc822-headers"},
    {"queue-dsn-no-reporting-mta", BARE, NULL, "550 no", INBOX, "Reporting-MTA", NULL},
    {"queue-dsn-date-zone-name", BARE, NULL, "550 no", INBOX, NULL, "GMT\r\n"},
    {"queue-dsn-recipient-lowered", BARE, NULL, "550 no", INBOX, "822;X@", "822;x@"},
    {"queue-dsn-no-diagnostic", BARE, NULL, "550 no", INBOX, "Diagnostic-Code", NULL},
    {"queue-diagnostic-first-line", BARE, NULL, "550-no\r\n550 never", INBOX, "never", NULL},
    {"queue-dsn-will-retry", BARE, NULL, "550 no", INBOX, NULL, "Will-Retry-Until"},
    {"queue-dsn-to-header-from", BARE, NULL, "550 no", INBOX, "To: <user1@", NULL},
    {"queue-dsn-no-to", BARE, NULL, "550 no", INBOX, "\r\nTo: ", NULL},
    {"queue-dsn-base64-status", BARE, NULL, "550 no", INBOX, NULL, "Encoding: base64"},
    {"queue-dsn-no-human-part", BARE, NULL, "550 no", INBOX, "This is the mail", NULL},
};

static const char *look(enum where where)
{
    size_t count;
    relay_advance(&relay, 10); /* the session ends */
    return where == COMMANDS ? relay.sink->commands
           : where == TEXT   ? relay.sink->text
                             : relay_inbox(&relay, &count);
}

START_TEST(a_fault_changes_what_is_heard)
    {
        bool same = rows[_i].has != NULL && rows[_i].gets != NULL &&
                    strcmp(rows[_i].has, rows[_i].gets) == 0;
        for (int faulty = 0; faulty < 2; faulty++) {
            if (faulty) {
                stop();
                start();
                on(rows[_i].fault);
            }
            relay.sink->ehlo = rows[_i].ehlo;
            relay.sink->rcpt = rows[_i].rcpt;
            send_mail(rows[_i].mail);
            const char *heard = look(rows[_i].where), *good = rows[_i].has, *bad = rows[_i].gets;
            if (good != NULL && (!faulty || same))
                ck_has(heard, good);
            if (bad != NULL && faulty)
                ck_has(heard, bad);
            if (good != NULL && faulty && !same)
                ck_lacks(heard, good);
            if (bad != NULL && !faulty && !same && strstr(bad, "y@") == NULL &&
                strstr(bad, "SIZE=1") == NULL)
                ck_lacks(heard, bad);
        }
    }
END_TEST

START_TEST(reports_ask_for_reports)
    {
        relay_zone(&relay, "elsewhere.example. MX 10 mx.away.example.");
        on("queue-dsn-asks-notify");
        struct queue_recipient r = {.address = "x@away.example"};
        struct queue_envelope e = {.sender = "a@elsewhere.example", .recipients = &r, .count = 1};
        relay.sink->rcpt = "550 no";
        relay.sink->rcpt_refused = "x@";
        relay_submit(&relay, &e, relay_text);
        relay_settle(&relay);
        ck_has(relay.sink->commands, "RET=FULL");
        ck_has(relay.sink->commands, "NOTIFY=FAILURE");
        on("queue-report-along-route");
        relay.sink->rcpt_refused = "X@";
        send_mail(ROUTED);
        ck_has(relay.sink->commands, "RCPT TO:<@away.example:ann@elsewhere.example>");
    }
END_TEST

START_TEST(refusals_are_taken_wrongly)
    {
        relay.sink->ehlo = NO_DSN;
        relay.sink->rcpt = "450 4.2.1 later";
        relay.sink->rcpt_refused = "X@";
        on("queue-4yz-ends-transaction");
        send_mail(TWO);
        ck_assert_uint_eq(relay.sink->transactions, 0);
        fault_clear_all();
        relay_advance(&relay, 400);
        ck_assert_uint_eq(relay.sink->transactions, 1); /* y has it, X waits */
        on("queue-remembers-refusal");
        relay.sink->rcpt = NULL;
        relay.sink->mail = "550 5.7.1 no";
        send_mail(BARE);
        relay.sink->mail = NULL;
        relay_advance(&relay, 10);
        send_mail(BARE);
        ck_assert_uint_eq(relay.sink->transactions, 1);
    }
END_TEST

START_TEST(a_cut_connection_is_taken_wrongly)
    {
        size_t count;
        relay.sink->hangs_up = true;
        send_mail(BARE);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 1);
        on("queue-cut-off-is-success");
        send_mail(BARE);
        relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 0);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 1);
        fault_clear_all();
        on("queue-cut-off-is-final");
        send_mail(BARE);
        relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 1);
    }
END_TEST

/* Nobody says anything meanwhile. */
static void pass(int64_t seconds)
{
    for (int i = 0; i < 20; i++)
        loop_once(relay.world.server.loop, 1);
    clock_advance(relay.world.server.clock, seconds * 1000);
    for (int i = 0; i < 20; i++)
        loop_once(relay.world.server.loop, 1);
}

START_TEST(silence_is_waited_for_wrongly)
    {
        relay.sink->silent = true;
        relay_send(&relay, "x@away.example");
        pass(100);
        ck_assert_uint_eq(relay.sink->open, 1);
        pass(250);
        ck_assert_uint_eq(relay.sink->open, 0);
        on("queue-no-patience");
        pass(310);
        ck_assert_uint_eq(relay.sink->open, 1);
        pass(70);
        ck_assert_uint_eq(relay.sink->open, 0);
        fault_clear_all();
        on("queue-waits-for-ever");
        pass(3700);
        ck_assert_uint_eq(relay.sink->open, 1);
        pass(86400);
        ck_assert_uint_eq(relay.sink->open, 1);
    }
END_TEST

START_TEST(odd_codes_are_taken_wrongly)
    {
        relay.sink->mail = "259 odd";
        send_mail(BARE);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 0);
        on("queue-knows-only-250");
        send_mail(BARE);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 1);
    }
END_TEST

/* RFC 5321, 4.2: what no code of SMTP begins with is the end of the matter. */
START_TEST(codes_out_of_range_are_final_unless_a_fault_tries_again)
    {
        size_t count;
        relay.sink->mail = "600 odd";
        send_mail(BARE);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 0);
        ck_has(relay_inbox(&relay, &count), "Status: 5.0.0\r\n");
        on("queue-6yz-waits");
        send_mail(BARE);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 1);
    }
END_TEST

/* RFC 5321, 4.5.3.1.10. */
START_TEST(the_552_of_too_many_is_for_now_unless_a_fault_takes_it_for_good)
    {
        relay.sink->rcpt = "552 5.5.3 too many";
        relay.sink->rcpt_refused = "y@";
        send_mail(TWO);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 1);
        on("queue-552-is-final");
        send_mail(TWO);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 1);
    }
END_TEST

START_TEST(failures_of_one_attempt_are_one_report_unless_a_fault_makes_more)
    {
        size_t count;
        relay.sink->rcpt = "550 no";
        send_mail(TWO);
        relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 1);
        on("queue-dsn-one-each");
        send_mail(TWO);
        relay_inbox(&relay, &count);
        ck_assert_uint_eq(count, 3);
    }
END_TEST

static const struct {
    const char *fault, *zone[3], *to;
    unsigned transactions; /* with it; without: the other of 0 and 1 */
} routes[] = {
    {"queue-cname-not-followed", {"other.example. CNAME away.example."}, "x@other.example", 0},
    {"queue-literal-lost", {NULL}, "x@[127.0.0.2]", 0},
    {"queue-521-ignored", {NULL}, "x@away.example", 1},
};

START_TEST(a_fault_changes_where_mail_goes)
    {
        for (int faulty = 0; faulty < 2; faulty++) {
            if (faulty) {
                stop();
                start();
                on(routes[_i].fault);
            }
            if (strcmp(routes[_i].fault, "queue-521-ignored") == 0)
                relay.sink->greeting = "521 no mail here";
            for (size_t i = 0; routes[_i].zone[i] != NULL; i++)
                relay_zone(&relay, routes[_i].zone[i]);
            relay_send(&relay, routes[_i].to);
            relay_settle(&relay);
            unsigned expected = faulty ? routes[_i].transactions : 1 - routes[_i].transactions;
            ck_assert_uint_eq(relay.sink->transactions, expected);
        }
    }
END_TEST

/* RFC 5321, 5.1. Nobody listens on the lesser one; 127.0.0.1 has other programs' ports. */
START_TEST(all_addresses_of_a_host_are_tried_unless_a_fault_knows_one)
    {
        struct sink *live = sink_start(relay.world.server.loop, "127.0.0.77", relay.sink->port);
        relay_zone(&relay, "two.example. MX 10 mx.two.example.");
        relay_zone(&relay, "mx.two.example. A 127.0.0.3");
        relay_zone(&relay, "mx.two.example. A 127.0.0.77");
        relay_send(&relay, "x@two.example");
        relay_settle(&relay);
        ck_assert_uint_eq(live->transactions, 1);
        relay_advance(&relay, 10); /* the session ends */
        on("queue-first-address-only");
        relay_send(&relay, "x@two.example");
        relay_settle(&relay);
        ck_assert_uint_eq(live->transactions, 1);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 1);
        sink_stop(live);
    }
END_TEST

START_TEST(mail_that_is_lost_waits_without_reason)
    {
        relay_zone(&relay, "self.example. MX 10 mail.test.example.");
        relay_send(&relay, "x@self.example");
        relay_send(&relay, "x@nowhere.example");
        relay_settle(&relay);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 0);
        on("queue-mx-self-waits");
        on("queue-nxdomain-waits");
        relay_send(&relay, "x@self.example");
        relay_send(&relay, "x@nowhere.example");
        relay_settle(&relay);
        ck_assert_uint_eq(queue_count(relay.world.server.queue), 2);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("client faults");
    TCase *t = tcase_create("client faults");
    tcase_add_checked_fixture(t, start, stop);
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, a_fault_changes_what_is_heard, 0, sizeof rows / sizeof *rows);
    tcase_add_test(t, reports_ask_for_reports);
    tcase_add_test(t, refusals_are_taken_wrongly);
    tcase_add_test(t, a_cut_connection_is_taken_wrongly);
    tcase_add_test(t, odd_codes_are_taken_wrongly);
    tcase_add_test(t, codes_out_of_range_are_final_unless_a_fault_tries_again);
    tcase_add_test(t, the_552_of_too_many_is_for_now_unless_a_fault_takes_it_for_good);
    tcase_add_test(t, failures_of_one_attempt_are_one_report_unless_a_fault_makes_more);
    tcase_add_test(t, silence_is_waited_for_wrongly);
    tcase_add_loop_test(t, a_fault_changes_where_mail_goes, 0, sizeof routes / sizeof *routes);
    tcase_add_test(t, all_addresses_of_a_host_are_tried_unless_a_fault_knows_one);
    tcase_add_test(t, mail_that_is_lost_waits_without_reason);
    suite_add_tcase(s, t);
    return relay_main(s);
}
