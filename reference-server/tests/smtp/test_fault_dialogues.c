/* Faults of BDAT, LMTP, replies and trust: one dialogue for each, said at once, which has another
 * answer or leaves something else in a mailbox when the fault is on. SPDX-License-Identifier: MIT
 */
#include "net/guard.h"
#include "net/listen.h"
#include "smtp/smtp_world.h"

#include <arpa/inet.h>

static struct world w;

static void start(void)
{
    world_start(&w);
}

static void stop(void)
{
    world_stop(&w);
}

#define HI "EHLO client.example\r\n"
#define FROM "MAIL FROM:<ann@client.example>\r\n"
#define TO "RCPT TO:<user1@test.example>\r\n"
#define TO2 "RCPT TO:<user2@test.example>\r\n"
#define NOBODY "RCPT TO:<nobody@test.example>\r\n"
#define TEXT "Subject: x\r\n\r\n" /* 14 octets */
#define LAST "BDAT 14 LAST\r\n" TEXT
#define DATA "DATA\r\n" TEXT ".\r\n"
#define FIVE "250 2.0.0 So far 5 octets\r\n"
#define BARE "DATA\r\nSubject: x\n\r\n.\r\n"
#define SEQUENCE "503 5.5.1"
#define OK "250 2.0.0 Ok"
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X512 X64 X64 X64 X64 X64 X64 X64 X64

static const struct dialogue {
    const char *fault;
    enum service service;
    const char *set, *value; /* NULL: nothing */
    const char *says, *right, *wrong;
    int kept, kept_wrong;      /* messages of user1 behind it */
    const char *text, *spoilt; /* in the newest of them; NULL: whatever */
} dialogues[] = {
    {"smtp-bdat-after-last-taken", SERVICE_SMTP, NULL, NULL, FROM TO LAST LAST, SEQUENCE,
     "Stored once more", 1, 1, NULL, NULL},
    {"smtp-bdat-then-data", SERVICE_SMTP, NULL, NULL, FROM TO "BDAT 5\r\nabc\r\nDATA\r\n",
     FIVE SEQUENCE, FIVE "354 ", 0, 0, NULL, NULL},
    {"smtp-bdat-refused-no-reply", SERVICE_SMTP, NULL, NULL,
     FROM "BDAT 5\r\nabc\r\nBDAT 5\r\nabc\r\nNOOP\r\n", "chunk was refused",
     "come first\r\n250 2.0.0 Ok", 0, 0, NULL, NULL},
    {"smtp-bdat-any-word", SERVICE_SMTP, NULL, NULL, FROM TO "BDAT 5 FIRST\r\n", "501 5.5.4", "", 0,
     0, NULL, NULL},
    {"smtp-bdat-any-word", SERVICE_SMTP, NULL, NULL, FROM TO "BDAT\r\n", "501 5.5.4",
     "250 2.0.0 So far 0", 0, 0, NULL, NULL},
    {"smtp-bdat-without-rcpt", SERVICE_SMTP, NULL, NULL, FROM "BDAT 5\r\nabc\r\n", SEQUENCE, FIVE,
     0, 0, NULL, NULL},
    {"smtp-bdat-rset-keeps-text", SERVICE_SMTP, NULL, NULL,
     FROM TO "BDAT 6\r\nA: b\r\nRSET\r\n" FROM TO LAST, "250", "250", 1, 1, "\r\nSubject: x",
     "A: b\r\nSubject: x"},
    {"smtp-bdat-rset-keeps-text", SERVICE_SMTP, NULL, NULL,
     FROM TO "BDAT 6\r\nA: b\r\n" HI FROM TO LAST, "250", "250", 1, 1, NULL, "A: b\r\nSubject: x"},
    {"smtp-bdat-zero-refused", SERVICE_SMTP, NULL, NULL, FROM TO "BDAT 0\r\n", "So far 0",
     "501 5.5.4", 0, 0, NULL, NULL},
    {"smtp-bdat-last-case", SERVICE_SMTP, NULL, NULL, FROM TO "BDAT 14 last\r\n" TEXT "NOOP\r\n",
     "Stored", "501 5.5.4 What is last?\r\n250 2.0.0 Ok", 1, 0, NULL, NULL},
    {"smtp-bdat-no-data-later", SERVICE_SMTP, NULL, NULL, FROM TO LAST FROM TO "DATA\r\n", "354 ",
     SEQUENCE, 1, 1, NULL, NULL},
    {"smtp-bdat-count-to-line-end", SERVICE_SMTP, NULL, NULL,
     FROM TO "BDAT 3\r\nA: NOOP\r\nRSET\r\n", "250 2.0.0 Ok", "3 octets\r\n250 2.0.0 Forgotten", 0,
     0, NULL, NULL},
    {"smtp-bdat-left-over-closes", SERVICE_SMTP, NULL, NULL, "BDAT 0\r\n\xff\r\n", "500 5.5.2",
     "come first\r\n", 0, 0, NULL, NULL},
    {"smtp-binarymime-lines", SERVICE_SMTP, NULL, NULL,
     "MAIL FROM:<> BODY=BINARYMIME\r\n" TO "BDAT 12 LAST\r\nSubject: x\n\n", "Stored", "Stored", 1,
     1, "Subject: x\n\n", "Subject: x\r\n\r\n"},
    {"smtp-binarymime-data", SERVICE_SMTP, NULL, NULL,
     "MAIL FROM:<> BODY=BINARYMIME\r\n" TO "DATA\r\n", SEQUENCE, "354 ", 0, 0, NULL, NULL},
    {"smtp-binarymime-without-chunking", SERVICE_SMTP, NULL, NULL, HI, "CHUNKING\r\n250-BINARYMIME",
     "LOGIN\r\n250-BINARYMIME", 0, 0, NULL, NULL},
    {"lmtp-replies-reversed", SERVICE_LMTP, NULL, NULL, FROM TO TO2 DATA,
     "<user1@test.example>\r\n250", "<user2@test.example>\r\n250", 1, 1, NULL, NULL},
    {"lmtp-replies-for-refused", SERVICE_LMTP, NULL, NULL, FROM NOBODY TO DATA,
     "<user1@test.example>\r\n221", "<user1@test.example>\r\n550 5.1.1 There is no such mailbox", 1,
     1, NULL, NULL},
    {"lmtp-bdat-one-reply", SERVICE_LMTP, NULL, NULL, FROM TO TO2 LAST, "<user2@test.example>", "",
     1, 1, NULL, NULL},
    {"lmtp-bdat-chunk-many", SERVICE_LMTP, NULL, NULL, FROM TO TO2 "BDAT 5\r\nabc\r\n", FIVE "221",
     FIVE FIVE, 0, 0, NULL, NULL},
    {"lmtp-one-fails-all-fail", SERVICE_LMTP, "quota-bytes", "user2=20", FROM TO TO2 DATA,
     "<user1@test.example>\r\n452 4.2.2", "452 4.2.2 The mailbox is full\r\n452 4.2.2", 1, 0, NULL,
     NULL},
    {"lmtp-replies-accumulate", SERVICE_LMTP, NULL, NULL, FROM TO DATA FROM TO DATA,
     "<user1@test.example>\r\n250 2.1.0", "250 2.0.0 Stored some time ago", 2, 2, NULL, NULL},
    {"lmtp-data-without-rcpt-354", SERVICE_LMTP, NULL, NULL, FROM NOBODY "DATA\r\n", SEQUENCE,
     "354 ", 0, 0, NULL, NULL},
    {"smtp-enhanced-not-after-helo", SERVICE_SMTP, NULL, NULL, "HELO client.example\r\n" FROM,
     "250 2.1.0 Sender", "250 Sender", 0, 0, NULL, NULL},
    {"smtp-enhanced-unknown-user", SERVICE_SMTP, NULL, NULL, FROM NOBODY, "550 5.1.1", "550 5.7.1",
     0, 0, NULL, NULL},
    {"smtp-enhanced-wrong-order", SERVICE_SMTP, NULL, NULL, "DATA\r\n", SEQUENCE, "503 5.1.0", 0, 0,
     NULL, NULL},
    {"smtp-enhanced-wrong-argument", SERVICE_SMTP, NULL, NULL, "RSET now\r\n", "501 5.5.4",
     "501 5.3.0", 0, 0, NULL, NULL},
    {"smtp-enhanced-in-354", SERVICE_SMTP, NULL, NULL, FROM TO "DATA\r\n", "354 End", "354 3.0.0",
     0, 0, NULL, NULL},
    {"smtp-5yz-delivers", SERVICE_SMTP, NULL, NULL, FROM TO BARE, "550 5.5.2", "550 5.5.2", 0, 1,
     NULL, "Subject: x"},
    {"smtp-4yz-delivers", SERVICE_SMTP, "quota-bytes", "user1=20", FROM TO DATA, "452 4.2.2",
     "452 4.2.2", 0, 1, NULL, "Subject: x"},
    {"smtp-4yz-delivers", SERVICE_LMTP, "quota-bytes", "user1=20", FROM TO LAST, "452 4.2.2",
     "452 4.2.2", 0, 1, NULL, "Subject: x"},
    {"smtp-ehlo-unregistered", SERVICE_SMTP, NULL, NULL, HI, "250-EXPN\r\n250 HELP",
     "250-MAILPROOF\r\n", 0, 0, NULL, NULL},
    {"smtp-ehlo-name-checked", SERVICE_SMTP, NULL, NULL, "EHLO no.invalid\r\n" FROM, "250 2.1.0",
     "550 5.7.1", 0, 0, NULL, NULL},
    {"smtp-listed-command-502", SERVICE_SMTP, NULL, NULL, "VRFY user1\r\n", "250 2.1.5",
     "502 5.5.1", 0, 0, NULL, NULL},
    {"smtp-listed-command-502", SERVICE_SMTP, NULL, NULL, "EXPN user1\r\n", "250 2.1.5",
     "502 5.5.1", 0, 0, NULL, NULL},
    {"smtp-size-ends-data", SERVICE_SMTP, NULL, NULL,
     "MAIL FROM:<> SIZE=14\r\n" TO "DATA\r\n" TEXT "more\r\n.\r\n", "Stored as ",
     "500 5.5.2 I do not know", 1, 1, "more", NULL},
    {"smtp-parameters-case-sensitive", SERVICE_SMTP, NULL, NULL, "MAIL FROM:<> size=9\r\n",
     "250 2.1.0", "555 5.5.4", 0, 0, NULL, NULL},
    {"smtp-size-any-value", SERVICE_SMTP, NULL, NULL, "MAIL FROM:<> SIZE=x\r\n", "501 5.5.4",
     "250 2.1.0", 0, 0, NULL, NULL},
    {"smtp-size-any-value", SERVICE_SMTP, NULL, NULL, "MAIL FROM:<> SIZE\r\n", "501 5.5.4",
     "250 2.1.0", 0, 0, NULL, NULL},
    {"smtp-size-twice", SERVICE_SMTP, NULL, NULL, "MAIL FROM:<> SIZE=9 SIZE=9\r\n", "501 5.5.4",
     "250 2.1.0", 0, 0, NULL, NULL},
    {"smtp-command-cr-ends-line", SERVICE_SMTP, NULL, NULL, "NOOP\rNOOP\r\n", "5",
     "250 2.0.0 Ok\r\n250 2.0.0 Ok", 0, 0, NULL, NULL},
    {"smtp-auth-obeys-commands", SERVICE_SMTP, NULL, NULL, "AUTH PLAIN\r\nNOOP\r\n*\r\n",
     "501 5.5.2", "334 \r\n250 2.0.0 Ok\r\n501 5.7.0", 0, 0, NULL, NULL},
    {"smtp-auth-504-bare", SERVICE_SMTP, NULL, NULL, "AUTH WHAT\r\n", "504 5.5.4", "504 5.0.0", 0,
     0, NULL, NULL},
    {"smtp-auth-drops-batch", SERVICE_SMTP, NULL, NULL, "AUTH PLAIN AHVzZXIxAHBhc3M=\r\nNOOP\r\n",
     "250 2.0.0 Ok", "", 0, 0, NULL, NULL},
    {"smtp-quota-ignored", SERVICE_SMTP, "quota-bytes", "user1=1", FROM TO DATA, "452 4.2.2",
     "Stored as", 0, 1, NULL, NULL},
    {"smtp-quota-refuses-all", SERVICE_SMTP, "quota-messages", "user2=1",
     FROM TO2 DATA FROM TO TO2 DATA, "Stored as", SEQUENCE, 1, 0, NULL, NULL},
    {"xclient-from-strangers", SERVICE_SMTP, NULL, NULL, "XCLIENT ADDR=192.0.2.9\r\n", "550 5.7.0",
     "220 mail", 0, 0, NULL, NULL},
    {"xclient-listed-to-strangers", SERVICE_SMTP, NULL, NULL, HI, "250 HELP", "250-XCLIENT", 0, 0,
     NULL, NULL},
    {"xclient-keeps-transaction", SERVICE_SMTP, "xclient-from", "127.0.0.1",
     FROM TO "XCLIENT ADDR=192.0.2.9\r\n" DATA, SEQUENCE, "Stored as", 1, 1, NULL, NULL},
    {"xclient-keeps-ehlo", SERVICE_SMTP, "xclient-from", "127.0.0.1",
     "XCLIENT ADDR=192.0.2.9\r\n" FROM TO DATA, "503 5.5.1 Say hello first", "Stored as", 0, 1,
     NULL, "from client.example"},
    {"xclient-reply-250", SERVICE_SMTP, "xclient-from", "127.0.0.1", "XCLIENT ADDR=192.0.2.9\r\n",
     "220 mail", "250 2.0.0 So be it", 0, 0, NULL, NULL},
    {"xclient-address-ignored", SERVICE_SMTP, "xclient-from", "127.0.0.1",
     "XCLIENT ADDR=192.0.2.9\r\n" HI FROM TO DATA, "Stored", "Stored", 1, 1, "[192.0.2.9]",
     "[127.0.0.1]"},
    {"xclient-any-argument", SERVICE_SMTP, "xclient-from", "127.0.0.1", "XCLIENT COLOUR=red\r\n",
     "501 5.5.4", "220 mail", 0, 0, NULL, NULL},
    {"smtp-null-recipient", SERVICE_SMTP, NULL, NULL, FROM "RCPT TO:<>\r\n", "501 5.1.3",
     "250 2.1.5", 0, 0, NULL, NULL},
    {"smtp-junk-behind-path", SERVICE_SMTP, NULL, NULL, "MAIL FROM:<a@b.example>xyz\r\n",
     "501 5.1.7", "250 2.1.0", 0, 0, NULL, NULL},
    {"smtp-junk-behind-path", SERVICE_SMTP, NULL, NULL, FROM "RCPT TO:<user1@test.example>xyz\r\n",
     "501 5.1.3", "250 2.1.5", 0, 0, NULL, NULL},
    {"smtp-helo-keeps-transaction", SERVICE_SMTP, NULL, NULL,
     FROM TO "HELO client.example\r\n" DATA, SEQUENCE, "Stored", 0, 1, NULL, NULL},
    {"smtp-size-wraps", SERVICE_SMTP, NULL, NULL, "MAIL FROM:<> SIZE=4294967297\r\n", "552 5.3.4",
     "250 2.1.0", 0, 0, NULL, NULL},
    {"smtp-size-wraps", SERVICE_SMTP, NULL, NULL, "MAIL FROM:<> SIZE=18446744073709551617\r\n",
     "552 5.3.4", "250 2.1.0", 0, 0, NULL, NULL},
    {"smtp-noop-argument-501", SERVICE_SMTP, NULL, NULL, "NOOP x\r\n", OK, "501 5.5.4", 0, 0, NULL,
     NULL},
    {"smtp-turn", SERVICE_SMTP, NULL, NULL, "TURN\r\n", "500 5.5.2", "250 2.0.0", 0, 0, NULL, NULL},
    {"smtp-turn", SERVICE_SMTP, NULL, NULL, HI, "250 HELP", "250-TURN\r\n", 0, 0, NULL, NULL},
    {"smtp-dot-ends-long-line", SERVICE_SMTP, NULL, NULL,
     FROM TO "DATA\r\n" X512 ".\r\nNOOP\r\n.\r\n", "Stored", OK, 1, 1, "NOOP", NULL},
    {"smtp-dot-ends-long-line", SERVICE_SMTP, NULL, NULL,
     FROM TO "DATA\r\n\r\n" X512 X512 ".\r\nNOOP\r\n.\r\n", "Stored", OK, 1, 1, "NOOP", NULL},
    {"smtp-unstuff-misses-seam", SERVICE_SMTP, NULL, NULL,
     FROM TO "DATA\r\nA: 2345" X64 X64 X64 X64 X64 X64 X64
             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n..dots\r\n..dots\r\n.\r\n",
     "Stored", "Stored", 1, 1, "x\r\n.dots\r\n.dots", "x\r\n..dots\r\n.dots"},
    {"smtp-cuts-beyond-1000", SERVICE_SMTP, NULL, NULL,
     FROM TO "DATA\r\n\r\n" X512 X512 "end\r\nnext\r\n.\r\n", "Stored", "Stored", 1, 1,
     "xend\r\nnext", "x\r\nnext"},
    {"smtp-dot-flushes", SERVICE_SMTP, NULL, NULL, FROM TO DATA "NOOP\r\n", OK, "", 1, 1, NULL,
     NULL},
    {"smtp-bdat-flushes", SERVICE_SMTP, NULL, NULL, FROM TO LAST "NOOP\r\n", OK, "", 1, 1, NULL,
     NULL},
    {"smtp-refused-text-keeps-transaction", SERVICE_SMTP, NULL, NULL, FROM TO BARE TO, SEQUENCE,
     "alone: lines end with CR LF\r\n250 2.1.5", 0, 0, NULL, NULL},
    {"smtp-refused-text-keeps-transaction", SERVICE_SMTP, "quota-bytes", "user1=20",
     FROM TO DATA TO, SEQUENCE, "full\r\n250 2.1.5", 0, 0, NULL, NULL},
    {"smtp-bdat-count-wraps", SERVICE_SMTP, NULL, NULL,
     FROM TO "BDAT 4294967301 LAST\r\nabc\r\nNOOP\r\n", "250 2.1.5", OK, 0, 1, NULL, NULL},
    {"smtp-bdat-count-wraps", SERVICE_SMTP, NULL, NULL,
     FROM TO "BDAT 18446744073709551621 LAST\r\nabc\r\nNOOP\r\n", "501 5.5.4", "Stored as", 0, 1,
     NULL, NULL},
    {"smtp-received-zone-name", SERVICE_SMTP, NULL, NULL, FROM TO DATA, "Stored", "Stored", 1, 1,
     NULL, " GMT\r\n"},
    {"smtp-return-path-below", SERVICE_SMTP, NULL, NULL, FROM TO DATA, "Stored", "Stored", 1, 1,
     "Return-Path: <ann@client.example>\r\nReceived",
     "Return-Path: <ann@client.example>\r\nSubject"},
    {"smtp-group-of-sixteen", SERVICE_SMTP, NULL, NULL,
     "RSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET\r\nRSET"
     "\r\n"
     "RSET\r\nRSET\r\nRSET\r\nRSET\r\nNOOP\r\n",
     OK, "", 0, 0, NULL, NULL},
    {"smtp-percent-relay", SERVICE_SMTP, NULL, NULL,
     FROM "RCPT TO:<x%foreign.example@test.example>\r\n", "550 5.1.1", "250 2.1.5", 0, 0, NULL,
     NULL},
    {"smtp-percent-relay", SERVICE_SMTP, NULL, NULL,
     FROM "RCPT TO:<foreign.example!x@test.example>\r\n", "550 5.1.1", "250 2.1.5", 0, 0, NULL,
     NULL},
    {"smtp-auth-third-word", SERVICE_SMTP, NULL, NULL, "AUTH PLAIN AHVzZXIxAHBhc3M= now\r\n",
     "501 5.5.4", "235 2.7.0", 0, 0, NULL, NULL},
    {"proxy-header-from-strangers", SERVICE_SMTP, NULL, NULL,
     "PROXY TCP4 192.0.2.7 192.0.2.8 7 25\r\n" FROM TO DATA, "500 5.5.2", "Stored", 1, 1,
     "[127.0.0.1]", "[192.0.2.7]"},
};

static bool in_newest(const char *what)
{
    char *text = smtp_world_newest(&w, w.user1, NULL);
    bool there = strstr(text, what) != NULL;
    free(text);
    return there;
}

static void run(const struct dialogue *d, bool bad)
{
    struct err err;
    struct world_client k;
    if (bad)
        ck_assert_msg(fault_switch(d->fault, true, &err) == 0, "%s", err.text);
    if (d->set != NULL)
        ck_assert_msg(policy_set(&w.server.policy, d->set, d->value, &err) == 0, "%s", err.text);
    smtp_world_hello(&w, &k, d->service);
    world_forget(&k);
    world_text(&k, d->says);
    /* A session that waits for text or a chunk takes this for it, and the end says so. */
    world_text(&k, "QUIT\r\n");
    shutdown(k.fd, SHUT_WR);
    const char *heard = world_hear(&k, NULL), *wanted = bad ? d->wrong : d->right;
    ck_assert_msg(strstr(heard, wanted) != NULL, "%s %s: heard \"%s\" and not \"%s\"", d->fault,
                  bad ? "on" : "off", heard, wanted);
    if (bad && *d->wrong == '\0')
        ck_assert_msg(strstr(heard, d->right) == NULL, "%s on: heard \"%s\"", d->fault, heard);
    size_t kept = smtp_world_count(&w, w.user1);
    ck_assert_msg((int)kept == (bad ? d->kept_wrong : d->kept), "%s %s: %zu messages are there",
                  d->fault, bad ? "on" : "off", kept);
    if (!bad && d->text != NULL)
        ck_assert_msg(in_newest(d->text), "%s off: no %s", d->fault, d->text);
    if (bad && d->spoilt != NULL)
        ck_assert_msg(in_newest(d->spoilt), "%s on: no %s", d->fault, d->spoilt);
    if (kept > 0 && !bad && d->spoilt != NULL)
        ck_assert_msg(!in_newest(d->spoilt), "%s off: %s", d->fault, d->spoilt);
    world_hang_up(&k);
}

START_TEST(without_the_fault_it_is_right)
    {
        run(&dialogues[_i], false);
    }
END_TEST

START_TEST(with_the_fault_it_is_wrong)
    {
        run(&dialogues[_i], true);
    }
END_TEST

static void on(const char *name)
{
    fault_clear_all();
    if (name != NULL)
        ck_assert_int_eq(fault_switch(name, true, NULL), 0);
}

START_TEST(nul_octets_are_kept_unless_a_fault_drops_them)
    {
        static const char chunk[] = "BDAT 5 LAST\r\na\0b\r\n";
        for (int bad = 0; bad < 2; bad++) {
            struct world_client k;
            size_t len;
            on(bad ? "smtp-bdat-drops-nul" : NULL);
            smtp_world_hello(&w, &k, SERVICE_SMTP);
            world_ask(&k, FROM, "250");
            world_ask(&k, TO, "250");
            world_forget(&k);
            world_say(&k, chunk, sizeof chunk - 1);
            world_hear(&k, "\r\n");
            char *text = smtp_world_newest(&w, w.user1, &len);
            ck_assert(memcmp(text + len - 4, bad ? "ab\r\n" : "\0b\r\n", 4) == 0);
            free(text);
            world_hang_up(&k);
        }
    }
END_TEST

START_TEST(nul_octets_end_no_command_unless_a_fault_has_them)
    {
        static const char rset[] = "RSET\0x\r\n";
        for (int bad = 0; bad < 2; bad++) {
            struct world_client k;
            on(bad ? "smtp-nul-ends-command" : NULL);
            smtp_world_hello(&w, &k, SERVICE_SMTP);
            world_forget(&k);
            world_say(&k, rset, sizeof rset - 1);
            ck_assert_int_eq(strncmp(world_hear(&k, "\r\n"), bad ? "250 " : "50", bad ? 4 : 2), 0);
            world_hang_up(&k);
        }
    }
END_TEST

START_TEST(chunks_beyond_the_size_are_refused_unless_a_fault_drops_them)
    {
        static const char chunk[] = "BDAT 14\r\n" TEXT;
        for (int bad = 0; bad < 2; bad++) {
            struct world_client k;
            on(bad ? "smtp-bdat-size-not-enforced" : NULL);
            w.server.limits.message_bytes = 20;
            smtp_world_hello(&w, &k, SERVICE_SMTP);
            world_ask(&k, FROM, "250");
            world_ask(&k, TO, "250");
            world_ask(&k, chunk, "250");
            world_ask(&k, chunk, bad ? "250" : "552 5.3.4");
            world_ask(&k, "BDAT 0 LAST\r\n", bad ? "250" : SEQUENCE);
            world_ask(&k, TO, SEQUENCE);
            ck_assert_uint_eq(smtp_world_count(&w, w.user1), 0);
            world_hang_up(&k);
        }
    }
END_TEST

START_TEST(silence_is_borne_for_five_minutes_unless_a_fault_says_two)
    {
        for (int bad = 0; bad < 2; bad++) {
            struct world_client k;
            on(bad ? "smtp-timeout-short" : NULL);
            smtp_world_hello(&w, &k, SERVICE_SMTP);
            clock_advance(w.server.clock, 130000);
            if (bad)
                ck_assert_ptr_nonnull(strstr(world_hear(&k, NULL), "421 4.4.2 "));
            else
                world_ask(&k, "NOOP\r\n", "250");
            world_hang_up(&k);
        }
    }
END_TEST

START_TEST(the_limit_of_recipients_leaves_the_others)
    {
        static const struct {
            const char *fault, *answer, *data;
        } each[] = {{NULL, "452 4.5.3", "354"},
                    {"smtp-recipient-limit-552", "552 5.5.3", "354"},
                    {"smtp-recipient-limit-resets", "452 4.5.3", "503"}};
        w.server.limits.recipients = 1;
        for (size_t i = 0; i < 3; i++) {
            struct world_client k;
            on(each[i].fault);
            smtp_world_hello(&w, &k, SERVICE_SMTP);
            world_ask(&k, FROM, "250");
            world_ask(&k, TO, "250");
            world_ask(&k, TO2, each[i].answer);
            world_ask(&k, "DATA\r\n", each[i].data);
            world_hang_up(&k);
        }
    }
END_TEST

START_TEST(a_reply_that_is_held_back_comes_with_the_next)
    {
        struct world_client k;
        for (int bad = 0; bad < 2; bad++) {
            on(bad ? "smtp-rcpt-reply-held-back" : NULL);
            smtp_world_hello(&w, &k, SERVICE_SMTP);
            world_ask(&k, FROM, "250");
            world_ask(&k, TO, "250");
            world_forget(&k);
            world_text(&k, TO2 "NO");
            for (int i = 0; i < 20; i++)
                world_round(&k);
            ck_assert_uint_eq(k.len, bad ? 0 : strlen("250 2.1.5 Recipient taken\r\n"));
            world_text(&k, "OP\r\n");
            ck_assert_str_eq(world_hear(&k, "Ok\r\n"),
                             "250 2.1.5 Recipient taken\r\n250 2.0.0 Ok\r\n");
            world_hang_up(&k);
        }
    }
END_TEST

START_TEST(rates_are_kept_and_refused_for_now)
    {
        static const struct {
            const char *fault, *answer;
        } each[] = {{NULL, "451 4.7.1"},
                    {"smtp-rate-limit-permanent", "550 5.7.1"},
                    {"smtp-rate-limit-ignored", "250"}};
        w.server.guard = guard_new();
        w.server.limits.messages_per_minute = 1;
        struct world_client k;
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        world_ask(&k, FROM, "250");
        for (size_t i = 0; i < 3; i++) {
            on(each[i].fault);
            world_ask(&k, "RSET\r\n", "250");
            world_ask(&k, FROM, each[i].answer);
        }
        world_hang_up(&k);
        guard_free(w.server.guard);
        w.server.guard = NULL;
    }
END_TEST

/* A session through a listener that wants a PROXY header; NULL: nothing is said. */
static const char *through_proxy(const char *fault, const char *first, struct world_client *k)
{
    struct listener *l;
    struct err err;
    struct sockaddr_in a = {.sin_family = AF_INET};
    on(fault);
    policy_set(&w.server.policy, "proxy-from", "127.0.0.1", &err);
    ck_assert_msg(listen_open(&w.server, SERVICE_SMTP, "127.0.0.1", 0, &l, &err) == 0, "%s",
                  err.text);
    a.sin_port = htons(listen_port(l));
    inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
    *k = (struct world_client){.world = &w, .fd = socket(AF_INET, SOCK_STREAM, 0)};
    ck_assert_int_eq(connect(k->fd, (struct sockaddr *)&a, sizeof a), 0);
    fcntl(k->fd, F_SETFL, O_NONBLOCK);
    if (first != NULL)
        world_text(k, first);
    const char *heard = world_hear(k, "\r\n");
    listen_close(l);
    return heard;
}

#define HEADER "PROXY TCP4 192.0.2.7 192.0.2.8 7 25\r\n"

static const struct {
    const char *fault, *first, *greeting, *then, *peer;
} proxied[] = {
    {NULL, HEADER, "220", "", "[192.0.2.7]"},
    {NULL, "NOOP\r\n", "554 5.7.0", NULL, NULL},
    {"proxy-wrong-header-accepted", "NOOP\r\n", "220", "", "[127.0.0.1]"},
    {"proxy-greets-first", NULL, "220", HEADER, "[192.0.2.7]"},
    {"proxy-address-ignored", HEADER, "220", "", "[127.0.0.1]"},
};

START_TEST(the_header_comes_first_and_is_believed)
    {
        struct world_client k;
        const char *heard = through_proxy(proxied[_i].fault, proxied[_i].first, &k);
        ck_assert_msg(strncmp(heard, proxied[_i].greeting, 3) == 0, "heard %s", heard);
        if (proxied[_i].then != NULL) {
            world_text(&k, proxied[_i].then);
            world_text(&k, HI FROM TO DATA "QUIT\r\n");
            world_hear(&k, NULL);
            ck_assert_msg(in_newest(proxied[_i].peer), "no %s", proxied[_i].peer);
        }
        world_hang_up(&k);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("smtp fault dialogues");
    TCase *t = tcase_create("dialogues");
    int count = (int)(sizeof dialogues / sizeof *dialogues);
    tcase_add_checked_fixture(t, start, stop);
    tcase_add_loop_test(t, without_the_fault_it_is_right, 0, count);
    tcase_add_loop_test(t, with_the_fault_it_is_wrong, 0, count);
    tcase_add_test(t, nul_octets_are_kept_unless_a_fault_drops_them);
    tcase_add_test(t, nul_octets_end_no_command_unless_a_fault_has_them);
    tcase_add_test(t, chunks_beyond_the_size_are_refused_unless_a_fault_drops_them);
    tcase_add_test(t, silence_is_borne_for_five_minutes_unless_a_fault_says_two);
    tcase_add_test(t, the_limit_of_recipients_leaves_the_others);
    tcase_add_test(t, a_reply_that_is_held_back_comes_with_the_next);
    tcase_add_test(t, rates_are_kept_and_refused_for_now);
    tcase_add_loop_test(t, the_header_comes_first_and_is_believed, 0,
                        (int)(sizeof proxied / sizeof *proxied));
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
