/* Whole SMTP, submission and LMTP sessions: what each command is answered, in which order, and what
 * they leave in the store. SPDX-License-Identifier: MIT */
#include "smtp_world.h"

static struct world w;

static void start(void)
{
    world_start(&w);
}

static void stop(void)
{
    world_stop(&w);
}

/* Lines said one after the other, and how each reply begins. */
struct exchange {
    const char *say, *begins;
};

static void talk(struct world_client *k, const struct exchange *e)
{
    for (; e->say != NULL; e++)
        world_ask(k, e->say, e->begins);
}

#define MAIL "MAIL FROM:<ann@client.example>\r\n", "250 2.1.0 "
#define RCPT "RCPT TO:<user1@test.example>\r\n", "250 2.1.5 "

START_TEST(greeting_and_hello_have_their_forms)
    {
        struct world_client k;
        world_connect(&w, &k, SERVICE_SMTP, &smtp_protocol, false);
        ck_assert_ptr_nonnull(strstr(world_hear(&k, "\r\n"), "220 mail.test.example ESMTP "));
        world_expect(&k, "HELO client.example\r\n", "250 mail.test.example greets you\r\n");
        world_expect(
            &k, "EHLO [127.0.0.1]\r\n",
            "250-mail.test.example greets you\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n"
            "250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
            "250-AUTH SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN\r\n"
            "250-CHUNKING\r\n250-BINARYMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250-MT-PRIORITY\r\n"
            "250-LIMITS MAILMAX=1000 RCPTMAX=1000 RCPTDOMAINMAX=1000\r\n"
            "250-VRFY\r\n250-EXPN\r\n"
            "250 HELP\r\n");
        world_expect(&k, "QUIT\r\n", "221 2.0.0 mail.test.example closing\r\n");
        world_hear(&k, NULL);
        world_hang_up(&k);
    }
END_TEST

/* One line each, on a session that has said EHLO. */
static const struct exchange lines[] = {
    {"NOOP\r\n", "250 2.0.0 "},
    {"noop and more\r\n", "250 2.0.0 "},
    {"NOOP  \t \r\n", "250 "},
    {"NoOp\r\n", "250 "},
    {" NOOP\r\n", "500 "},
    {"NOOPS\r\n", "500 "},
    {"\r\n", "500 "},
    {"XFROB\r\n", "500 5.5.2 "},
    {"TURN\r\n", "500 "},
    {"LHLO a.example\r\n", "500 "},
    {"NOOP a\x01\r\n", "501 5.5.2 "},
    {"NOOP\ta\r\n", "500 "},
    {"NOOP a\nNOOP\r\n", "501 "},
    {"NOOP\rNOOP\r\n", "500 "},
    {"EHLO\r\n", "501 5.5.4 "},
    {"EHLO a_b\r\n", "501 5.5.4 "},
    {"EHLO a b\r\n", "501 "},
    {"HELO\r\n", "501 "},
    {"RSET x\r\n", "501 5.5.4 "},
    {"QUIT x\r\n", "501 "},
    {"DATA\r\n", "503 5.5.1 "},
    {"DATA x\r\n", "501 "},
    {"RCPT TO:<user1@test.example>\r\n", "503 5.5.1 "},
    {"BDAT\r\n", "501 "},
    {"BDAT x\r\n", "501 "},
    {"BDAT 0\r\n", "503 "},
    {"BDAT 0 LASTLY\r\n", "501 "},
    {"BDAT 99999999999999999999 LAST\r\n", "501 "},
    {"MAIL\r\n", "501 "},
    {"MAIL FROM\r\n", "501 "},
    {"MAIL FROM:\r\n", "501 "},
    {"MAIL FROM: <a@b>\r\n", "501 "},
    {"MAIL FROM :<a@b>\r\n", "501 "},
    {"MAIL TO:<a@b>\r\n", "501 "},
    {"MAIL FROM:a@b\r\n", "501 "},
    {"MAIL FROM:<a@b>x\r\n", "501 "},
    {"MAIL FROM:<a@b> FROB=1\r\n", "555 5.5.4 "},
    {"MAIL FROM:<a@b> SIZE=52428801\r\n", "552 5.3.4 "},
    {"MAIL FROM:<\xc3\xa4@b>\r\n", "553 5.6.7 "},
    {"MAIL FROM:<\xc3\xa4@b> SMTPUTF8\r\n", "250 "},
    {"mail from:<> size=52428800 body=8bitmime auth=<>\r\n", "250 2.1.0 "},
    {"MAIL FROM:<@a.example,@b.example:ann@c.example>\r\n", "250 "},
    {"VRFY\r\n", "501 "},
    {"VRFY user1\r\n", "250 2.1.5 <user1@test.example>"},
    {"VRFY user1@test.example\r\n", "250 2.1.5 <user1@test.example>"},
    {"VRFY <USER1@TEST.example>\r\n", "250 2.1.5 <user1@test.example>"},
    {"VRFY nobody\r\n", "550 5.1.1 "},
    {"VRFY a@elsewhere.example\r\n", "252 2.5.2 "},
    {"EXPN user2\r\n", "250 2.1.5 <user2@test.example>"},
    {"EXPN\r\n", "501 "},
    {"AUTH\r\n", "501 "},
    {"AUTH DIGEST-MD5\r\n", "504 5.5.4 "},
    {"AUTH PLAIN x y\r\n", "501 5.5.4 "},
    {"AUTH PLAIN !\r\n", "501 5.5.2 "},
    {"AUTH PLAIN =\r\n", "501 5.5.2 "},
    {"AUTH CRAM-MD5 Zm9v\r\n", "501 5.7.0 "},
    {"AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "235 2.7.0 "},
    {"auth plain AHVzZXIxAHdyb25n\r\n", "535 5.7.8 "},
    {"STARTTLS\r\n", "502 "},
    {"STARTTLS x\r\n", "501 5.5.4 "},
};

START_TEST(one_line_gets_one_reply_and_the_session_goes_on)
    {
        struct world_client k;
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        world_ask(&k, lines[_i].say, lines[_i].begins);
        world_ask(&k, "RSET\r\n", "250 ");
        world_hang_up(&k);
    }
END_TEST

static const struct exchange recipients[] = {
    {"RCPT TO:<user1@test.example>\r\n", "250 2.1.5 "},
    {"rcpt to:<USER1@Test.Example>\r\n", "250 "},
    {"RCPT TO:<\"user1\"@test.example>\r\n", "250 "},
    {"RCPT TO:<\"us\\er1\"@test.example>\r\n", "250 "},
    {"RCPT TO:<user1+lists@test.example>\r\n", "250 "},
    {"RCPT TO:<@a.example:user1@test.example>\r\n", "250 "},
    {"RCPT TO:<user1@mail.test.example>\r\n", "250 "},
    {"RCPT TO:<postmaster>\r\n", "250 "},
    {"RCPT TO:<PostMaster>\r\n", "250 "},
    {"RCPT TO:<POSTMASTER@test.example>\r\n", "250 "},
    {"RCPT TO:<user1@test.example> NOTIFY=NEVER ORCPT=rfc822;a@b\r\n", "250 "},
    {"RCPT TO:<user1@test.example> FROB\r\n", "555 "},
    {"RCPT TO:<user1@test.example> NOTIFY=X\r\n", "501 "},
    {"RCPT TO:<nobody@test.example>\r\n", "550 5.1.1 "},
    {"RCPT TO:<user1@elsewhere.example>\r\n", "550 5.7.1 "},
    {"RCPT TO:<user1@[192.0.2.77]>\r\n", "550 5.7.1 "},
    {"RCPT TO:<user1>\r\n", "501 "},
    {"RCPT TO:<>\r\n", "501 "},
    {"RCPT TO: <user1@test.example>\r\n", "501 "},
    {"RCPT TO:user1@test.example\r\n", "501 "},
    {"RCPT TO:<user1@test.example\r\n", "501 "},
    {"RCPT TO:<\xc3\xa4@test.example>\r\n", "553 "},
};

START_TEST(recipients_are_judged_one_by_one)
    {
        struct world_client k;
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        const struct exchange e[] = {
            {MAIL},      recipients[_i], {RCPT}, {"DATA\r\n", "354 "}, {"x\r\n.\r\n", "250 2.0.0 "},
            {NULL, NULL}};
        talk(&k, e);
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 1);
        world_hang_up(&k);
    }
END_TEST

/* RFC 5321, 4.1.4: what comes out of order changes nothing. */
START_TEST(order_is_kept)
    {
        static const struct exchange e[] = {
            {"MAIL FROM:<a@b>\r\n", "503 5.5.1 "}, /* before EHLO */
            {"VRFY user1\r\n", "250 "},
            {"RSET\r\n", "250 "},
            {"AUTH PLAIN\r\n", "503 "},
            {"HELO client.example\r\n", "250 "},
            {"MAIL FROM:<a@b> SIZE=1\r\n", "555 "}, /* no parameters after HELO */
            {MAIL},
            {"MAIL FROM:<other@b>\r\n", "503 5.5.1 "},
            {"DATA\r\n", "503 5.5.1 "},
            {"NOOP\r\n", "250 "},
            {"EHLO\r\n", "501 "},
            {RCPT},
            {"AUTH PLAIN\r\n", "503 "},
            {"VRFY user2\r\n", "250 "},
            {"DATA\r\n", "354 "},
            {"one\r\n.\r\n", "250 2.0.0 "},
            {"RCPT TO:<user1@test.example>\r\n", "503 "},
            {MAIL},
            {RCPT},
            {"RSET\r\n", "250 "},
            {"RCPT TO:<user1@test.example>\r\n", "503 "},
            {MAIL},
            {"HELO again.example\r\n", "250 "},
            {"RCPT TO:<user1@test.example>\r\n", "503 "},
            {NULL, NULL},
        };
        struct world_client k;
        smtp_world_connect(&w, &k, SERVICE_SMTP);
        talk(&k, e);
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 1);
        world_hang_up(&k);
    }
END_TEST

static const char batch[] = "EHLO client.example\r\nMAIL FROM:<ann@client.example>\r\n"
                            "RCPT TO:<nobody@test.example>\r\nRCPT TO:<user1@test.example>\r\n"
                            "DATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\n"
                            "MAIL FROM:<>\r\nRCPT TO:<user2@test.example>\r\n"
                            "BDAT 7\r\nA: b\r\n\rBDAT 4 LAST\r\n\nx\r\nQUIT\r\n";

/* RFC 2920: the network may cut a pipelined batch anywhere, and every cut is answered the same. */
START_TEST(a_batch_is_answered_the_same_at_every_cut)
    {
        char *first = NULL;
        for (size_t cut = 0; cut < strlen(batch); cut += cut < 8 ? 1 : 3) {
            struct world_client k;
            smtp_world_connect(&w, &k, SERVICE_SMTP);
            world_forget(&k);
            world_say(&k, batch, cut);
            world_round(&k);
            world_say(&k, batch + cut, strlen(batch) - cut);
            char *heard = strdup(world_hear(&k, NULL));
            for (char *id = heard; (id = strstr(id, "Stored as ")) != NULL; id++)
                memset(id + 10, 'i', strcspn(id + 10, "\r"));
            /* Only the length of the id may vary. */
            if (first == NULL)
                first = strdup(heard);
            ck_assert_msg(strncmp(first, heard, 320) == 0, "cut after %zu: %s", cut, heard);
            ck_assert_ptr_nonnull(strstr(heard, "550 5.1.1 "));
            ck_assert_ptr_nonnull(
                strstr(heard, "250 2.0.0 So far 7 octets\r\n250 2.0.0 Stored as "));
            ck_assert_ptr_nonnull(strstr(heard, "221 2.0.0 "));
            free(heard);
            world_hang_up(&k);
        }
        free(first);
        size_t n = smtp_world_count(&w, w.user1);
        ck_assert_uint_gt(n, 20);
        ck_assert_uint_eq(smtp_world_count(&w, w.user2), n);
        char *text = smtp_world_newest(&w, w.user1, NULL);
        ck_assert_ptr_nonnull(strstr(text, "\r\nSubject: x\r\n\r\n.dot\r\n"));
        free(text);
        text = smtp_world_newest(&w, w.user2, NULL);
        ck_assert_ptr_nonnull(strstr(text, "\r\nA: b\r\n\r\nx\r\n"));
        free(text);
    }
END_TEST

START_TEST(bytes_one_at_a_time_make_the_same_session)
    {
        struct world_client k;
        smtp_world_connect(&w, &k, SERVICE_SMTP);
        for (size_t i = 0; i < strlen(batch); i++) {
            world_say(&k, batch + i, 1);
            world_round_of(&k, 0);
        }
        ck_assert_ptr_nonnull(strstr(world_hear(&k, NULL), "221 2.0.0 "));
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 1);
        ck_assert_uint_eq(smtp_world_count(&w, w.user2), 1);
        world_hang_up(&k);
    }
END_TEST

/* The smuggling family: refused after the true end, and nothing before it ends the text. */
START_TEST(lone_cr_and_lf_are_refused_at_the_true_end)
    {
        static const char *const texts[] = {"a\n.\nb\r\n.\r\n",   "a\n.\r\nb\r\n.\r\n",
                                            "a\r\n.\nb\r\n.\r\n", "a\r.\rb\r\n.\r\n",
                                            "a\nb\r\n.\r\n",      "a\rb\r\n.\r\n"};
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            struct world_client k;
            smtp_world_hello(&w, &k, SERVICE_SMTP);
            const struct exchange e[] = {{MAIL},
                                         {RCPT},
                                         {"DATA\r\n", "354 "},
                                         {texts[i], "550 5.5.2 "},
                                         {"NOOP\r\n", "250 "},
                                         {"RCPT TO:<user1@test.example>\r\n", "503 "},
                                         {NULL, NULL}};
            talk(&k, e);
            world_hang_up(&k);
        }
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 0);
    }
END_TEST

START_TEST(a_delivered_message_begins_with_its_trace)
    {
        struct world_client k;
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        const struct exchange e[] = {
            {"MAIL FROM:<@r.example:\"Ann B\"@client.example>\r\n", "250 "},
            {RCPT},
            {"DATA\r\n", "354 "},
            {"Return-Path: <old@x>\r\nReceived: from x by y; z\r\nSubject: s\r\n\ttwo\r\n"
             "return-path:\r\n <old@y>\r\n\r\nReturn-Path: body\r\n.\r\n",
             "250 2.0.0 Stored as "},
            {NULL, NULL}};
        talk(&k, e);
        char *text = smtp_world_newest(&w, w.user1, NULL);
        const char
            *path = "Return-Path: <\"Ann B\"@client.example>\r\nReceived: from client.example ([",
            *tail =
                "\r\nReceived: from x by y; z\r\nSubject: s\r\n\ttwo\r\n\r\nReturn-Path: body\r\n";
        ck_assert_msg(strncmp(text, path, strlen(path)) == 0, "%s", text);
        ck_assert_ptr_nonnull(strstr(text, "by mail.test.example with ESMTP id "));
        ck_assert_ptr_nonnull(strstr(text, "\r\n\tfor <user1@test.example>; "));
        ck_assert_msg(strcmp(text + strlen(text) - strlen(tail), tail) == 0, "%s", text);
        free(text);
        world_hang_up(&k);
    }
END_TEST

START_TEST(blind_copies_stay_blind_and_come_once)
    {
        struct world_client k;
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        const struct exchange e[] = {{"MAIL FROM:<>\r\n", "250 "},
                                     {RCPT},
                                     {RCPT},
                                     {"RCPT TO:<user2@test.example>\r\n", "250 "},
                                     {"DATA\r\n", "354 "},
                                     {".\r\n", "250 "},
                                     {NULL, NULL}};
        talk(&k, e);
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 1);
        ck_assert_uint_eq(smtp_world_count(&w, w.user2), 1);
        char *text = smtp_world_newest(&w, w.user1, NULL);
        ck_assert_msg(strncmp(text, "Return-Path: <>\r\n", 17) == 0, "%s", text);
        ck_assert_ptr_null(strstr(text, "user2"));
        ck_assert_ptr_null(strstr(text, " for "));
        ck_assert_ptr_null(
            strstr(text, "Message-ID")); /* a relay's task it is not: RFC 5321, 6.4 */
        free(text);
        world_hang_up(&k);
    }
END_TEST

START_TEST(limits_are_told_and_kept)
    {
        struct world_client k;
        char line[6000];
        w.server.limits.message_bytes = 100;
        w.server.limits.recipients = 2;
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        memset(line, 'x', sizeof line);
        memcpy(line, "NOOP ", 5);
        memcpy(line + 5000, "\r\nNOOP\r\n", 9);
        world_expect(&k, line, "500 5.5.2 Line too long\r\n250 2.0.0 Ok\r\n");
        memcpy(line + 500, "\r\n", 3);
        world_expect(&k, line, "250 2.0.0 Ok\r\n");
        const struct exchange e[] = {{MAIL},
                                     {RCPT},
                                     {RCPT},
                                     {"RCPT TO:<user2@test.example>\r\n", "452 4.5.3 "},
                                     {"DATA\r\n", "354 "},
                                     {NULL, NULL}};
        talk(&k, e);
        memset(line, 'x', 200);
        memcpy(line + 200, "\r\n.\r\n", 6);
        world_ask(&k, line, "552 5.3.4 ");
        const struct exchange f[] = {
            {MAIL}, {RCPT}, {"DATA\r\n", "354 "}, {"small\r\n.\r\n", "250 "},
            {MAIL}, {RCPT}, {NULL, NULL}};
        talk(&k, f);
        /* 101 octets are one too many for a chunk, too; what follows the chunk is a command. */
        memcpy(line, "BDAT 101\r\n", 10);
        memset(line + 10, 'x', 101);
        memcpy(line + 111, "BDAT 1 LAST\r\nyNOOP\r\n", 21);
        world_forget(&k);
        world_text(&k, line);
        const char *heard = world_hear(&k, "Ok\r\n");
        ck_assert_msg(strncmp(heard, "552 5.3.4 ", 10) == 0, "%s", heard);
        ck_assert_msg(strstr(heard, "\r\n503 5.5.1 ") != NULL, "%s", heard);
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 1);
        world_hang_up(&k);
    }
END_TEST

START_TEST(a_line_that_is_too_long_is_one_error_at_every_cut)
    {
        char line[400];
        w.server.limits.smtp_line_bytes = 100;
        memset(line, 'x', sizeof line);
        memcpy(line + 150, "\r\nNOOP\r\n", 9);
        for (size_t cut = 90; cut < 158; cut++) {
            struct world_client k;
            smtp_world_connect(&w, &k, SERVICE_SMTP);
            world_forget(&k);
            world_say(&k, line, cut);
            world_round(&k);
            world_say(&k, line + cut, 158 - cut);
            const char *heard = world_hear(&k, "Ok\r\n");
            ck_assert_msg(strcmp(heard, "500 5.5.2 Line too long\r\n250 2.0.0 Ok\r\n") == 0,
                          "cut after %zu: %s", cut, heard);
            world_hang_up(&k);
        }
    }
END_TEST

START_TEST(chunks_keep_every_octet)
    {
        struct world_client k;
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        const struct exchange e[] = {{"MAIL FROM:<> BODY=BINARYMIME\r\n", "250 "},
                                     {RCPT},
                                     {"DATA\r\n", "503 "},
                                     {"BDAT 5\r\n.\r\n.\r", "250 "},
                                     {"RCPT TO:<user2@test.example>\r\n", "503 "},
                                     {"MAIL FROM:<>\r\n", "503 "},
                                     {"BDAT 0\r\n", "250 "},
                                     {NULL, NULL}};
        talk(&k, e);
        world_forget(&k);
        world_say(&k, "BDAT 6 last\r\n\0\xff\n\r\n.", 19);
        ck_assert_msg(strncmp(world_hear(&k, "\r\n"), "250 2.0.0 Stored", 16) == 0, "%s", k.heard);
        size_t n = 0;
        char *text = smtp_world_newest(&w, w.user1, &n);
        ck_assert_mem_eq(text + n - 11, ".\r\n.\r\0\xff\n\r\n.", 11);
        free(text);
        const struct exchange f[] = {{MAIL},
                                     {RCPT},
                                     {"BDAT 3 LAST\r\na\nb", "550 5.5.2 "},
                                     {MAIL},
                                     {"BDAT 3 LAST\r\nxyz", "503 5.5.1 "},
                                     {"NOOP\r\n", "250 "},
                                     {"RSET\r\n", "250 "},
                                     {MAIL},
                                     {RCPT},
                                     {"BDAT 0 LAST\r\n", "250 2.0.0 Stored"},
                                     {NULL, NULL}};
        talk(&k, f);
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 2);
        world_hang_up(&k);
    }
END_TEST

/* RFC 2033, 4.2: as many replies as recipients, in their order. */
START_TEST(lmtp_answers_for_each_recipient)
    {
        struct world_client k;
        smtp_world_hello(&w, &k, SERVICE_LMTP);
        const struct exchange e[] = {{"EHLO a.example\r\n", "500 "},
                                     {"HELO a.example\r\n", "500 "},
                                     {MAIL},
                                     {"RCPT TO:<nobody@test.example>\r\n", "550 "},
                                     {"DATA\r\n", "503 5.5.1 "},
                                     {RCPT},
                                     {"RCPT TO:<user2@test.example>\r\n", "250 "},
                                     {"RCPT TO:<user1+x@test.example>\r\n", "250 "},
                                     {"DATA\r\n", "354 "},
                                     {NULL, NULL}};
        talk(&k, e);
        world_forget(&k);
        world_text(&k, "x\r\n.\r\n");
        const char *heard = world_hear(&k, "<user1+x@test.example>\r\n");
        const char *one = strstr(heard, "250 2.0.0 "), *two = strstr(one + 1, "\r\n250 2.0.0 ");
        ck_assert_ptr_nonnull(strstr(one, "<user1@test.example>\r\n"));
        ck_assert_ptr_nonnull(strstr(two, "<user2@test.example>\r\n"));
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 1);
        ck_assert_uint_eq(smtp_world_count(&w, w.user2), 1);
        char *text = smtp_world_newest(&w, w.user2, NULL);
        ck_assert_ptr_nonnull(strstr(text, " with LMTP id "));
        free(text);
        const struct exchange f[] = {{MAIL},
                                     {RCPT},
                                     {"RCPT TO:<user2@test.example>\r\n", "250 "},
                                     {"DATA\r\n", "354 "},
                                     {NULL, NULL}};
        talk(&k, f);
        world_expect(&k, "a\nb\r\n.\r\n",
                     "550 5.5.2 A CR or LF stood alone: lines end with CR LF\r\n"
                     "550 5.5.2 A CR or LF stood alone: lines end with CR LF\r\n");
        world_hang_up(&k);
    }
END_TEST

START_TEST(submission_wants_a_login_and_completes_the_message)
    {
        struct world_client k;
        smtp_world_hello(&w, &k, SERVICE_SUBMISSION);
        const struct exchange e[] = {{"MAIL FROM:<a@b>\r\n", "530 5.7.0 "},
                                     {"VRFY user1\r\n", "530 "},
                                     {"DATA\r\n", "530 "},
                                     {"NOOP\r\n", "250 "},
                                     {"RSET\r\n", "250 "},
                                     {"FROB\r\n", "500 "},
                                     {"AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "235 2.7.0 "},
                                     {"AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "503 5.5.1 "},
                                     {"MAIL FROM:<user1@test.example>\r\n", "250 "},
                                     {"RCPT TO:<x@elsewhere.example>\r\n", "550 5.4.4 "},
                                     {"RCPT TO:<user2@test.example>\r\n", "250 "},
                                     {"DATA\r\n", "354 "},
                                     {"Subject: x\r\n\r\ny\r\n.\r\n", "250 "},
                                     {NULL, NULL}};
        talk(&k, e);
        char *text = smtp_world_newest(&w, w.user2, NULL);
        ck_assert_ptr_nonnull(strstr(text, " with ESMTPA id "));
        ck_assert_ptr_nonnull(strstr(text, "\r\nMessage-ID: <"));
        ck_assert_ptr_nonnull(strstr(text, "\r\nDate: "));
        free(text);
        const struct exchange f[] = {{"MAIL FROM:<user1@test.example>\r\n", "250 "},
                                     {"RCPT TO:<user2@test.example>\r\n", "250 "},
                                     {"DATA\r\n", "354 "},
                                     {"date: now\r\nmessage-id: <x>\r\n\r\ny\r\n.\r\n", "250 "},
                                     {NULL, NULL}};
        talk(&k, f);
        text = smtp_world_newest(&w, w.user2, NULL);
        ck_assert_ptr_null(strstr(text, "Message-ID: "));
        ck_assert_ptr_null(strstr(text, "Date: "));
        free(text);
        world_hang_up(&k);
    }
END_TEST

START_TEST(an_exchange_of_auth_can_be_given_up_and_begun_anew)
    {
        struct world_client k;
        char line[20000];
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        world_expect(&k, "AUTH PLAIN\r\n", "334 \r\n");
        world_ask(&k, "*\r\n", "501 5.7.0 ");
        world_expect(&k, "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n");
        world_expect(&k, "dXNlcjE=\r\n", "334 UGFzc3dvcmQ6\r\n");
        world_ask(&k, "d3Jvbmc=\r\n", "535 5.7.8 ");
        world_expect(&k, "AUTH PLAIN\r\n", "334 \r\n");
        world_ask(&k, "NOOP!\r\n", "501 5.5.2 "); /* a command it is not */
        world_expect(&k, "AUTH PLAIN\r\n", "334 \r\n");
        memset(line, 'A', sizeof line);
        memcpy(line + 17000, "\r\nNOOP\r\n", 9);
        world_expect(&k, line, "500 5.5.6 The response is too long\r\n250 2.0.0 Ok\r\n");
        /* 12288 octets are fine: RFC 4954, 4. */
        world_expect(&k, "AUTH PLAIN\r\n", "334 \r\n");
        memcpy(line + 12288, "\r\n", 3);
        world_ask(&k, line, "501 ");
        world_expect(&k, "AUTH LOGIN dXNlcjE=\r\n", "334 UGFzc3dvcmQ6\r\n");
        world_ask(&k, "cGFzcw==\r\n", "235 2.7.0 ");
        world_hang_up(&k);
    }
END_TEST

START_TEST(many_failed_logins_end_the_session)
    {
        struct world_client k;
        w.server.limits.smtp_failed_logins = 4;
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        for (int i = 0; i < 3; i++)
            world_ask(&k, "AUTH PLAIN AHVzZXIxAHdyb25n\r\n", "535 5.7.8 ");
        world_forget(&k);
        world_text(&k, "AUTH PLAIN AHVzZXIxAHdyb25n\r\n");
        ck_assert_ptr_nonnull(strstr(world_hear(&k, NULL), "\r\n421 4.7.0 mail.test.example "));
        world_hang_up(&k);
    }
END_TEST

START_TEST(starttls_forgets_everything)
    {
        struct world_client k;
        world_start_tls(&w);
        smtp_world_hello(&w, &k, SERVICE_SUBMISSION);
        const struct exchange e[] = {{"STARTTLS x\r\n", "501 "},
                                     {"AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "235 "},
                                     {MAIL},
                                     {"STARTTLS\r\nNOOP\r\n", "220 2.0.0 "},
                                     {NULL, NULL}};
        talk(&k, e);
        ck_assert(world_handshake(&k, 0));
        const struct exchange f[] = {{"MAIL FROM:<a@b>\r\n", "530 "},
                                     {"STARTTLS\r\n", "503 5.5.1 "},
                                     {"AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "503 "},
                                     {NULL, NULL}};
        talk(&k, f);
        world_forget(&k);
        world_text(&k, "EHLO client.example\r\n");
        ck_assert_ptr_null(strstr(world_hear(&k, "250 HELP\r\n"), "STARTTLS"));
        ck_assert_ptr_nonnull(strstr(k.heard, "SCRAM-SHA-256-PLUS"));
        world_ask(&k, "RCPT TO:<user1@test.example>\r\n", "530 ");
        world_ask(&k, "AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "235 ");
        world_ask(&k, "RCPT TO:<user1@test.example>\r\n", "503 ");
        const struct exchange g[] = {
            {MAIL}, {RCPT}, {"DATA\r\n", "354 "}, {".\r\n", "250 "}, {NULL, NULL}};
        talk(&k, g);
        char *text = smtp_world_newest(&w, w.user1, NULL);
        ck_assert_ptr_nonnull(strstr(text, " with ESMTPSA id "));
        free(text);
        world_hang_up(&k);
    }
END_TEST

START_TEST(silence_ends_in_421_after_five_minutes)
    {
        struct world_client k;
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        world_ask(&k, "NOOP\r\n", "250 ");
        clock_advance(w.server.clock, 299000);
        world_ask(&k, "NOOP\r\n", "250 ");
        world_forget(&k);
        clock_advance(w.server.clock, 301000);
        ck_assert_msg(strncmp(world_hear(&k, NULL), "421 4.4.2 mail.test.example ", 28) == 0, "%s",
                      k.heard);
        world_hang_up(&k);
    }
END_TEST

/* RFC 5321, 4.1.1.10: what was not finished is not delivered, and what was stays. */
START_TEST(a_client_that_vanishes_leaves_nothing_half_done)
    {
        static const char *const cuts[] = {
            "MAIL FROM:<>\r\nRCPT TO:<user1@test.example>\r\nDATA\r\nx\r\n",
            "MAIL FROM:<>\r\nRCPT TO:<user1@test.example>\r\nBDAT 9\r\nx",
            "MAIL FROM:<>\r\nRCPT TO:<user1@te", "AUTH PLAIN\r\nAHV"};
        for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
            struct world_client k;
            smtp_world_hello(&w, &k, SERVICE_SMTP);
            world_text(&k, cuts[i]);
            world_round(&k);
            shutdown(k.fd, SHUT_WR);
            world_hear(&k, NULL);
            world_hang_up(&k);
        }
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 0);
        /* It vanishes while the store is at work: the message was finished and stays. */
        struct world_client k;
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        world_text(&k, "MAIL FROM:<>\r\nRCPT TO:<user1@test.example>\r\nDATA\r\nx\r\n.\r\n");
        world_hang_up(&k);
        for (int i = 0; i < 200 && smtp_world_count(&w, w.user1) == 0; i++)
            loop_once(w.server.loop, 5);
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 1);
    }
END_TEST

START_TEST(a_message_in_circles_is_stopped)
    {
        struct world_client k;
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        for (int hops = 99; hops <= 101; hops += 2) {
            const struct exchange e[] = {{MAIL}, {RCPT}, {"DATA\r\n", "354 "}, {NULL, NULL}};
            talk(&k, e);
            for (int i = 0; i < hops; i++)
                world_text(&k, "Received: by x; y\r\n");
            world_ask(&k, "\r\nx\r\n.\r\n", hops == 99 ? "250 " : "554 5.4.6 ");
        }
        world_hang_up(&k);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("smtp session");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, start, stop);
    tcase_add_test(t, greeting_and_hello_have_their_forms);
    tcase_add_loop_test(t, one_line_gets_one_reply_and_the_session_goes_on, 0,
                        (int)(sizeof lines / sizeof lines[0]));
    tcase_add_loop_test(t, recipients_are_judged_one_by_one, 0,
                        (int)(sizeof recipients / sizeof recipients[0]));
    tcase_add_test(t, order_is_kept);
    tcase_add_test(t, a_batch_is_answered_the_same_at_every_cut);
    tcase_add_test(t, bytes_one_at_a_time_make_the_same_session);
    tcase_add_test(t, lone_cr_and_lf_are_refused_at_the_true_end);
    tcase_add_test(t, a_delivered_message_begins_with_its_trace);
    tcase_add_test(t, blind_copies_stay_blind_and_come_once);
    tcase_add_test(t, limits_are_told_and_kept);
    tcase_add_test(t, a_line_that_is_too_long_is_one_error_at_every_cut);
    tcase_add_test(t, chunks_keep_every_octet);
    tcase_add_test(t, lmtp_answers_for_each_recipient);
    tcase_add_test(t, submission_wants_a_login_and_completes_the_message);
    tcase_add_test(t, an_exchange_of_auth_can_be_given_up_and_begun_anew);
    tcase_add_test(t, many_failed_logins_end_the_session);
    tcase_add_test(t, starttls_forgets_everything);
    tcase_add_test(t, silence_ends_in_421_after_five_minutes);
    tcase_add_test(t, a_client_that_vanishes_leaves_nothing_half_done);
    tcase_add_test(t, a_message_in_circles_is_stopped);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
