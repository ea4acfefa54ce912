/* Faults of SMTP with sizes, forms of addresses, header fields, VRFY, EXPN and HELP: each changes
 * an answer or a message. SPDX-License-Identifier: MIT */
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

static void on(const char *name)
{
    struct err err;
    ck_assert_msg(fault_switch(name, true, &err) == 0, "%s", err.text);
}

#define FROM "MAIL FROM:<ann@client.example>"
#define L40 "1234567890123456789012345678901234567890"
#define D60 "d123456789012345678901234567890123456789012345678901234567.e"

static const struct {
    const char *fault, *before, *line, *right, *wrong;
} answers[] = {
    {"smtp-vrfy-half-address", NULL, "VRFY user1", "250 2.1.5 <user1@test.example>",
     "250 2.1.5 <user1>"},
    {"smtp-vrfy-knows-nobody", NULL, "VRFY user1", "250", "550"},
    {"smtp-vrfy-needs-nothing", NULL, "VRFY", "501", "252"},
    {"smtp-vrfy-confirms-elsewhere", NULL, "VRFY x@elsewhere.example", "252", "250"},
    {"smtp-help-code", NULL, "HELP", "214", "250"},
    {"smtp-short-local-part", NULL, "MAIL FROM:<" L40 "@a.example>", "250", "501"},
    {"smtp-short-path", NULL, "MAIL FROM:<a@" D60 "." D60 "." D60 ">", "250", "501"},
    {"smtp-short-domain", NULL, "EHLO " D60 "." D60, "250", "501"},
    {"smtp-any-domain", FROM, "RCPT TO:<a@b_*.example>", "501", "250"},
    {"smtp-any-literal", NULL, "MAIL FROM:<a@[what?]>", "501", "250"},
    {"smtp-eight-bit-address", NULL, "MAIL FROM:<\xc3\xa4@a.example>", "553", "250"},
    {"smtp-trailing-blank-501", NULL, "NOOP ", "250", "501"},
    {"smtp-source-route-in-mail", NULL, "MAIL FROM:<@a.example:b@c.example>", "250", "501"},
};

START_TEST(a_fault_changes_the_answer)
    {
        for (int bad = 0; bad < 2; bad++) {
            struct world_client k;
            char line[400];
            smtp_world_hello(&w, &k, SERVICE_SMTP);
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

static const char *send_text(const char *text, const char *answer)
{
    static char newest[65536];
    struct world_client k;
    smtp_world_hello(&w, &k, SERVICE_SMTP);
    world_ask(&k, FROM "\r\n", "250");
    world_ask(&k, "RCPT TO:<user1@test.example>\r\n", "250");
    world_ask(&k, "RCPT TO:<user2@test.example>\r\n", "250");
    world_ask(&k, "DATA\r\n", "354");
    world_text(&k, text);
    world_ask(&k, ".\r\n", answer);
    world_hang_up(&k);
    newest[0] = '\0';
    if (smtp_world_count(&w, w.user1) > 0) {
        char *made = smtp_world_newest(&w, w.user1, NULL);
        snprintf(newest, sizeof newest, "%s", made);
        free(made);
    }
    return newest;
}

START_TEST(headers_are_refused)
    {
        static char many[8192];
        strcpy(many, "To: a@b.example");
        for (int i = 0; i < 101; i++)
            strcat(many, ",\r\n a@b.example");
        strcat(many, "\r\n\r\ntext\r\n");
        send_text(many, "250");
        send_text("MIME-Version: 2.0\r\n\r\ntext\r\n", "250");
        on("smtp-counts-header-addresses");
        send_text(many, "554");
        fault_clear_all();
        on("smtp-judges-headers");
        send_text("MIME-Version: 2.0\r\n\r\ntext\r\n", "554");
        send_text("Resent-To: a@b.example\r\n\r\ntext\r\n", "554");
        send_text("MIME-Version: 1.0\r\n\r\ntext\r\n", "250");
        many[0] = '\0';
        for (int i = 0; i < 31; i++)
            strcat(many, "Received: from a by b; Sat, 21 Nov 2026 00:00:00 +0000\r\n");
        strcat(many, "\r\ntext\r\n");
        send_text(many, "250");
        on("smtp-counts-thirty-received");
        send_text(many, "554");
    }
END_TEST

static const struct {
    const char *fault, *has;
} fields[] = {
    {"smtp-apparently-to", "Apparently-To: <user2@test.example>\r\n"},
    {"smtp-received-for-all", "for <user1@test.example>,\r\n\t <user2@test.example>;"},
    {"smtp-received-with-any", "with MAILPROOF id"},
};

START_TEST(a_fault_adds_to_the_header)
    {
        ck_assert_ptr_null(strstr(send_text("A: b\r\n\r\ntext\r\n", "250"), fields[_i].has));
        on(fields[_i].fault);
        const char *text = send_text("A: b\r\n\r\ntext\r\n", "250");
        ck_assert_msg(strstr(text, fields[_i].has) != NULL, "%s", text);
    }
END_TEST

START_TEST(sizes_are_kept_badly)
    {
        static char large[4096];
        struct world_client k;
        memset(large, 'x', sizeof large - 3);
        memcpy(large + 900, "\r\n", 2);
        memcpy(large + sizeof large - 3, "\r\n", 3);
        w.server.limits.message_bytes = 2000;
        send_text(large, "552");
        on("smtp-size-not-enforced");
        send_text(large, "250");
        ck_assert_uint_eq(smtp_world_count(&w, w.user1), 0);
        fault_clear_all();
        on("smtp-size-hangs-up");
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        world_ask(&k, FROM "\r\n", "250");
        world_ask(&k, "RCPT TO:<user1@test.example>\r\n", "250");
        world_ask(&k, "DATA\r\n", "354");
        world_text(&k, large);
        world_hear(&k, NULL);
        world_hang_up(&k);
    }
END_TEST

START_TEST(an_empty_message_hangs)
    {
        struct world_client k;
        on("smtp-empty-message-hangs");
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        world_ask(&k, FROM "\r\n", "250");
        world_ask(&k, "RCPT TO:<user1@test.example>\r\n", "250");
        world_ask(&k, "DATA\r\n", "354");
        world_forget(&k);
        world_text(&k, ".\r\n");
        for (int i = 0; i < 5; i++)
            world_round(&k);
        ck_assert_uint_eq(k.len, 0);
        world_ask(&k, ".\r\n", "250");
        world_hang_up(&k);
    }
END_TEST

START_TEST(expn_resets_and_is_not_listed)
    {
        struct world_client k;
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        world_ask(&k, FROM "\r\n", "250");
        world_ask(&k, "EXPN user1\r\n", "250");
        world_ask(&k, "RCPT TO:<user1@test.example>\r\n", "250");
        on("smtp-expn-resets");
        world_ask(&k, "EXPN user1\r\n", "250");
        world_ask(&k, "RCPT TO:<user1@test.example>\r\n", "503");
        on("smtp-expn-unlisted");
        world_forget(&k);
        world_text(&k, "EHLO client.example\r\n");
        ck_assert_ptr_null(strstr(world_hear(&k, "250 HELP\r\n"), "EXPN"));
        world_hang_up(&k);
    }
END_TEST

START_TEST(nobody_is_greeted_while_one_sends)
    {
        struct world_client k, second;
        on("smtp-one-at-a-time");
        smtp_world_hello(&w, &k, SERVICE_SMTP);
        world_ask(&k, FROM "\r\n", "250");
        world_ask(&k, "RCPT TO:<user1@test.example>\r\n", "250");
        world_ask(&k, "DATA\r\n", "354");
        world_connect(&w, &second, SERVICE_SMTP, &smtp_protocol, false);
        for (int i = 0; i < 5; i++)
            world_round(&second);
        ck_assert_uint_eq(second.len, 0);
        world_ask(&k, ".\r\n", "250");
        ck_assert_int_eq(strncmp(world_hear(&second, "\r\n"), "220 ", 4), 0);
        world_hang_up(&second);
        world_hang_up(&k);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("smtp forms");
    TCase *t = tcase_create("smtp forms");
    tcase_add_checked_fixture(t, start, stop);
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, a_fault_changes_the_answer, 0, sizeof answers / sizeof *answers);
    tcase_add_test(t, headers_are_refused);
    tcase_add_loop_test(t, a_fault_adds_to_the_header, 0, sizeof fields / sizeof *fields);
    tcase_add_test(t, sizes_are_kept_badly);
    tcase_add_test(t, an_empty_message_hangs);
    tcase_add_test(t, expn_resets_and_is_not_listed);
    tcase_add_test(t, nobody_is_greeted_while_one_sends);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
