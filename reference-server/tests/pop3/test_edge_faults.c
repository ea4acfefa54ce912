/* POP3 at its edges, and passwords in all protocols, right and wrong in each way that a fault
 * knows. SPDX-License-Identifier: MIT */
#include "sasl/sasl.h"
#include "world.h"

static struct world w;
static struct world_client c;

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
/* The first of the two lines with a dot begins at octet 512. */
static const char mail[] = "A: b\r\n\r\n" X64 X64 X64 X64 X64 X64 X64
                           "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"
                           ".first\r\n.second\r\n";

static void begin(void)
{
    world_start(&w);
    world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", mail, 0);
    world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", "C: d\r\n\r\ne\r\n", 0);
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

#define IN "USER user1\r\nPASS pass\r\n"

/* What is said at once, and what is in the answer to all of it. */
static const struct {
    const char *fault;
    enum service service;
    bool clear_refused;
    const char *says, *right, *wrong;
} dialogues[] = {
    {"pop3-top-count-wraps", SERVICE_POP3, false, IN "TOP 2 4294967296\r\n", "\r\ne\r\n.\r\n",
     "C: d\r\n\r\n.\r\n"},
    {"pop3-top-count-wraps", SERVICE_POP3, false, IN "TOP 2 99999999999999999999\r\n",
     "\r\ne\r\n.\r\n", "+OK"},
    {"pop3-top-no-dot-stuffing", SERVICE_POP3, false, IN "TOP 1 9\r\n", "\r\n..first\r\n..second",
     "\r\n.first\r\n.second"},
    {"pop3-top-no-dot-stuffing", SERVICE_POP3, false, IN "RETR 1\r\n", "\r\n..first\r\n",
     "\r\n..first\r\n"},
    {"pop3-missing-number-is-first", SERVICE_POP3, false, IN "RETR\r\n", "-ERR", "A: b\r\n"},
    {"pop3-missing-number-is-first", SERVICE_POP3, false, IN "TOP\r\n", "-ERR", "A: b\r\n"},
    {"pop3-missing-number-is-first", SERVICE_POP3, false, IN "DELE\r\n", "-ERR",
     "+OK message 1 is marked"},
    {"pop3-extra-words-ignored", SERVICE_POP3, false, IN "RETR 2 1\r\n", "-ERR", "C: d\r\n"},
    {"pop3-extra-words-ignored", SERVICE_POP3, false, IN "DELE 2 1\r\n", "-ERR", "+OK message 2"},
    {"pop3-extra-words-ignored", SERVICE_POP3, false, IN "STAT 1\r\n", "-ERR", "+OK 2 "},
    {"pop3-extra-words-ignored", SERVICE_POP3, false, IN "NOOP 1\r\n", "-ERR", "+OK nothing done"},
    {"pop3-extra-words-ignored", SERVICE_POP3, false, IN "RSET 1\r\n", "-ERR", "+OK no message"},
    {"pop3-stuffing-misses-seam", SERVICE_POP3, false, IN "RETR 1\r\n", "\r\n..first\r\n..second",
     "\r\n.first\r\n..second"},
    {"pop3-stuffing-misses-seam", SERVICE_POP3, false, IN "TOP 1 9\r\n", "\r\n..first\r\n..second",
     "\r\n..first\r\n..second"},
    {"pop3-pass-again", SERVICE_POP3, false, "USER user1\r\nPASS no\r\nPASS pass\r\n",
     "-ERR USER comes first", "+OK 2 messages"},
    {"pop3-stat-octets-of-marked", SERVICE_POP3, false, IN "DELE 1\r\nSTAT\r\n", "+OK 1 11\r\n",
     "+OK 1 540\r\n"},
    {"sasl-password-prefix", SERVICE_POP3, false, "USER user1\r\nPASS pa\r\n", "-ERR [AUTH]",
     "+OK 2 messages"},
    {"sasl-password-prefix", SERVICE_POP3, false, "USER user1\r\nPASS passport\r\n", "-ERR [AUTH]",
     "+OK 2 messages"},
    {"sasl-password-prefix", SERVICE_POP3, false, "USER user1\r\nPASS pat\r\n", "-ERR [AUTH]",
     "-ERR [AUTH]"},
    {"sasl-password-prefix", SERVICE_SMTP, false,
     "EHLO c.example\r\nAUTH PLAIN AHVzZXIxAHBhcw==\r\n", "535 5.7.8", "235 2.7.0"},
    {"sasl-password-case", SERVICE_SMTP, false, "EHLO c.example\r\nAUTH PLAIN AHVzZXIxAFBBU1M=\r\n",
     "535 5.7.8", "235 2.7.0"},
    {"sasl-password-case", SERVICE_POP3, false, "USER user1\r\nPASS PASS\r\n", "-ERR [AUTH]",
     "-ERR [AUTH]"},
    {"sasl-clear-oracle", SERVICE_SMTP, true, "EHLO c.example\r\nAUTH PLAIN AHVzZXIxAHBhc3M=\r\n",
     "504 5.5.4", "538 5.7.11"},
    {"sasl-clear-oracle", SERVICE_SMTP, true, "EHLO c.example\r\nAUTH PLAIN AHVzZXIxAHdyb25n\r\n",
     "504 5.5.4", "535 5.7.8"},
    {"sasl-clear-oracle", SERVICE_POP3, true, IN, "-ERR USER comes first",
     "comes first\r\n-ERR a password in clear"},
    {"sasl-clear-oracle", SERVICE_POP3, true, "USER user1\r\nPASS wrong\r\n",
     "-ERR USER comes first", "comes first\r\n-ERR [AUTH]"},
    {"sasl-clear-oracle", SERVICE_IMAP, true, "a LOGIN user1 wrong\r\n", "a NO [PRIVACYREQUIRED]",
     "a NO [AUTHENTICATIONFAILED]"},
    {"sasl-clear-oracle", SERVICE_IMAP, true, "a LOGIN user1 pass\r\n", "a NO [PRIVACYREQUIRED]",
     "a NO [PRIVACYREQUIRED]"},
    {"sasl-clear-oracle", SERVICE_IMAP, true, "a AUTHENTICATE PLAIN AHVzZXIxAHdyb25n\r\n",
     "a NO [PRIVACYREQUIRED]", "a NO [AUTHENTICATIONFAILED]"},
};

START_TEST(one_dialogue_right_and_wrong)
    {
        bool bad = _i % 2 != 0;
        const size_t i = (size_t)_i / 2;
        enum service service = dialogues[i].service;
        on(bad ? dialogues[i].fault : NULL);
        w.server.plaintext_login = !dialogues[i].clear_refused;
        world_connect(&w, &c, service,
                      service == SERVICE_POP3   ? &pop3_protocol
                      : service == SERVICE_IMAP ? &imap_protocol
                                                : &smtp_protocol,
                      false);
        world_text(&c, dialogues[i].says);
        world_text(&c, service == SERVICE_IMAP ? "z LOGOUT\r\n" : "QUIT\r\n");
        shutdown(c.fd, SHUT_WR);
        const char *heard = world_hear(&c, NULL);
        const char *wanted = bad ? dialogues[i].wrong : dialogues[i].right;
        ck_assert_msg(strstr(heard, wanted) != NULL, "%s %s: heard \"%s\" without \"%s\"",
                      dialogues[i].fault, bad ? "on" : "off", heard, wanted);
    }
END_TEST

START_TEST(the_timestamp_has_the_form_of_a_message_id)
    {
        for (int bad = 0; bad < 2; bad++) {
            on(bad ? "pop3-apop-stamp-form" : NULL);
            if (bad)
                world_hang_up(&c);
            world_connect(&w, &c, SERVICE_POP3, &pop3_protocol, false);
            const char *greeting = world_hear(&c, "\r\n");
            ck_assert_ptr_nonnull(strchr(greeting, '<'));
            ck_assert_msg((strchr(greeting, '@') == NULL) == (bad != 0), "%s", greeting);
        }
    }
END_TEST

/* The salt in the challenge for a user. */
static void salt_of(const char *first, char out[64])
{
    world_ask(&c, first, "334 ");
    const char *base64 = c.heard + 4;
    unsigned char *plain = NULL;
    size_t len = 0;
    ck_assert_int_eq(base64_decode(base64, strcspn(base64, "\r"), &plain, &len), 0);
    char text[256];
    snprintf(text, sizeof text, "%.*s", (int)len, (const char *)plain);
    snprintf(out, 64, "%.30s", strstr(text, ",s="));
    free(plain);
    world_ask(&c, "*\r\n", "501");
}

START_TEST(each_account_has_a_salt_of_its_own)
    {
        char one[64], two[64];
        world_connect(&w, &c, SERVICE_SMTP, &smtp_protocol, false);
        world_hear(&c, "\r\n");
        world_forget(&c);
        world_text(&c, "EHLO c.example\r\n");
        world_hear(&c, "250 HELP\r\n");
        for (int bad = 0; bad < 2; bad++) {
            on(bad ? "sasl-scram-salt-shared" : NULL);
            salt_of("AUTH SCRAM-SHA-256 biwsbj11c2VyMSxyPWFiYw==\r\n", one);
            salt_of("AUTH SCRAM-SHA-256 biwsbj11c2VyMixyPWFiYw==\r\n", two);
            ck_assert_msg((strcmp(one, two) == 0) == (bad != 0), "%s and %s", one, two);
        }
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("edge faults");
    TCase *t = tcase_create("edges");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, one_dialogue_right_and_wrong, 0,
                        2 * (int)(sizeof dialogues / sizeof *dialogues));
    tcase_add_test(t, the_timestamp_has_the_form_of_a_message_id);
    tcase_add_test(t, each_account_has_a_salt_of_its_own);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
