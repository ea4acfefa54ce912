/* UTF8, LANG, LOGIN-DELAY and EXPIRE: RFC 6856; RFC 2449, 6.5 and 6.7.
 * SPDX-License-Identifier: MIT */
#include "pop3/lang.h"
#include "world.h"

static struct world w;
static struct world_client c;

static const char plain[] = "From: a@example\r\nSubject: one\r\n\r\nbody\r\n";
static const char foreign[] = "From: J\xc3\xbcrgen <j\xc3\xbcrgen@example>, Ann <ann@example>\r\n"
                              "To: gr\xc3\xb6\xc3\x9f"
                              "e@example\r\n"
                              "Subject: Gr\xc3\xbc\xc3\x9f"
                              "e\r\n"
                              "X-Note: \xc3\xa4\r\n"
                              "Content-Type: text/plain; charset=utf-8; name=\"\xc3\xa4; b\"\r\n"
                              "\r\nB\xc3\xb6"
                              "dy\r\n";
static const char substitute[] =
    "From: =?UTF-8?B?SsO8cmdlbg==?= <invalid@internationalized-address.invalid>,\r\n"
    " \"Ann\" <ann@example>\r\n"
    "To: =?UTF-8?B?Z3LDtsOfZUBleGFtcGxl?= <invalid@internationalized-address.invalid>\r\n"
    "Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n"
    "Content-Type: text/plain;\r\n charset=utf-8\r\n"
    "\r\nB\xc3\xb6"
    "dy\r\n";

static void set(const char *name, const char *value)
{
    struct err err;
    ck_assert_msg(policy_set(&w.server.policy, name, value, &err) == 0, "%s", err.text);
}

static void connect_client(void)
{
    world_connect(&w, &c, SERVICE_POP3, &pop3_protocol, false);
    world_hear(&c, "\r\n");
}

static void begin(void)
{
    world_start(&w);
    world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", plain, 0);
    world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", foreign, 0);
    connect_client();
}

static void end(void)
{
    world_hang_up(&c);
    world_stop(&w);
}

static const char *login(const char *begins)
{
    world_ask(&c, "USER user1\r\n", "+OK");
    return world_ask(&c, "PASS pass\r\n", begins);
}

static void again(void)
{
    world_ask(&c, "QUIT\r\n", "+OK");
    world_hear(&c, NULL);
    world_hang_up(&c);
    connect_client();
}

static const char *capa(void)
{
    world_forget(&c);
    world_text(&c, "CAPA\r\n");
    return world_hear(&c, "\r\n.\r\n");
}

static void expect_retr(const char *message)
{
    char answer[2048];
    snprintf(answer, sizeof answer, "+OK %zu octets\r\n%s.\r\n", strlen(message), message);
    world_expect(&c, "RETR 2\r\n", answer);
}

/* --- UTF8 --- */

START_TEST(in_utf8_mode_mail_goes_out_as_it_is)
    {
        ck_assert_ptr_nonnull(strstr(capa(), "\r\nUTF8 USER\r\n"));
        world_ask(&c, "UTF8\r\n", "+OK");
        login("+OK");
        ck_assert_ptr_nonnull(strstr(capa(), "\r\nUTF8 USER\r\n"));
        expect_retr(foreign);
    }
END_TEST

START_TEST(utf8_is_for_before_the_login_and_takes_no_argument)
    {
        world_ask(&c, "UTF8 USER\r\n", "-ERR");
        login("+OK");
        world_ask(&c, "UTF8\r\n", "-ERR");
        world_ask(&c, "RETR 2\r\n", "-ERR [UTF8]");
    }
END_TEST

START_TEST(without_utf8_such_mail_is_refused_and_other_mail_is_not)
    {
        login("+OK");
        world_ask(&c, "RETR 2\r\n", "-ERR [UTF8] ");
        world_ask(&c, "TOP 2 0\r\n", "-ERR [UTF8] ");
        world_ask(&c, "LIST 2\r\n", "+OK 2 ");
        world_forget(&c);
        world_text(&c, "RETR 1\r\n");
        ck_assert_ptr_nonnull(strstr(world_hear(&c, "\r\n.\r\n"), plain));
        world_ask(&c, "DELE 2\r\n", "+OK"); /* who cannot read it can still remove it */
    }
END_TEST

START_TEST(or_is_sent_in_ascii_with_the_size_that_it_has_then)
    {
        char answer[64];
        set("pop3-utf8-mail", "surrogate");
        login("+OK");
        snprintf(answer, sizeof answer, "+OK 2 %zu\r\n", strlen(plain) + strlen(substitute));
        world_expect(&c, "STAT\r\n", answer);
        snprintf(answer, sizeof answer, "+OK 2 %zu\r\n", strlen(substitute));
        world_expect(&c, "LIST 2\r\n", answer);
        expect_retr(substitute);
        again();
        world_ask(&c, "UTF8\r\n", "+OK");
        login("+OK");
        snprintf(answer, sizeof answer, "+OK 2 %zu\r\n", strlen(foreign));
        world_expect(&c, "LIST 2\r\n", answer);
        expect_retr(foreign);
    }
END_TEST

START_TEST(headers_of_parts_count_too)
    {
        world_add(w.server.store, w.server.loop, w.user1->id, "INBOX",
                  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                  "Content-Disposition: attachment; filename=\xc3\xa4\r\n\r\nx\r\n--b--\r\n",
                  0);
        login("+OK");
        world_ask(&c, "RETR 3\r\n", "-ERR [UTF8]");
        again();
        set("pop3-utf8-mail", "surrogate");
        login("+OK");
        world_forget(&c);
        world_text(&c, "RETR 3\r\n");
        ck_assert_ptr_nonnull(
            strstr(world_hear(&c, "\r\n.\r\n"),
                   "--b\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--\r\n"));
    }
END_TEST

/* Short addresses give way to a long one each, and none is lost. */
START_TEST(many_short_addresses_fit)
    {
        char *text = malloc(40000), *at = text + sprintf(text, "To: ");
        ck_assert_ptr_nonnull(text);
        for (int i = 0; i < 4000; i++)
            at += sprintf(at, "%s\xc3\xa4@b", i == 0 ? "" : i % 50 == 0 ? ",\r\n " : ",");
        strcpy(at, "\r\nContent-Type: text/\xc3\xa4; a=b\r\nSubject: last\r\n\r\nend\r\n");
        world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", text, 0);
        free(text);
        set("pop3-utf8-mail", "surrogate");
        login("+OK");
        world_forget(&c);
        world_text(&c, "RETR 3\r\n");
        const char *heard = world_hear(&c, "\r\n.\r\n");
        int count = 0;
        for (const char *p = heard; (p = strstr(p, "@internationalized-address")) != NULL; p++)
            count++;
        ck_assert_int_eq(count, 4000);
        ck_assert_ptr_nonnull(strstr(heard, "\r\nSubject: last\r\n\r\nend\r\n"));
        ck_assert_ptr_null(strstr(heard, "Content-Type"));
    }
END_TEST

START_TEST(long_text_is_cut_between_characters)
    {
        char text[512] = "Subject: ";
        for (int i = 0; i < 60; i++)
            strcat(text, "\xe2\x82\xac");
        strcat(text, "\r\n\r\nx\r\n");
        world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", text, 0);
        set("pop3-utf8-mail", "surrogate");
        login("+OK");
        world_forget(&c);
        world_text(&c, "TOP 3 0\r\n");
        const char *heard = world_hear(&c, "\r\n.\r\n");
        int words = 0;
        for (const char *at = heard; (at = strstr(at, "=?UTF-8?B?")) != NULL; words++) {
            const char *stop = strstr(at + 10, "?=");
            ck_assert(stop - at + 2 <= 75);
            ck_assert_int_eq((stop - at - 10) % 4, 0);
            ck_assert_int_eq(strncmp(at + 10, "4oKs", 4), 0); /* each begins with a whole sign */
            at = stop;
        }
        ck_assert_int_eq(words, 4);
    }
END_TEST

START_TEST(names_and_passwords_are_prepared)
    {
        struct err err;
        ck_assert(accounts_add(w.server.accounts, w.server.store, "j\xc3\xbcrgen", "p\xc3\xa4ss",
                               "j@test.example", NULL, &err) == 0);
        world_ask(&c, "USER ju\xcc\x88rgen\r\n", "+OK"); /* NFKC puts it together */
        world_ask(&c, "PASS p\xc3\xa4ss\r\n", "+OK");
        again();
        world_ask(&c, "USER j\xfcrgen\r\n", "-ERR");
        world_ask(&c, "PASS p\xc3\xa4ss\r\n", "-ERR");
        world_ask(&c, "USER j\xc3\xbcrgen\r\n", "+OK");
        world_ask(&c, "PASS p\xe4ss\r\n", "-ERR [AUTH]");
    }
END_TEST

START_TEST(stls_behind_utf8_is_refused)
    {
        world_start_tls(&w);
        world_ask(&c, "UTF8\r\n", "+OK");
        world_ask(&c, "STLS\r\n", "-ERR");
    }
END_TEST

/* --- LANG --- */

START_TEST(languages_are_listed_and_chosen)
    {
        static const struct {
            const char *command, *answer;
        } cases[] = {
            {"LANG de\r\n", "+OK de Sprache gew\xc3\xa4hlt\r\n"},
            {"LANG\r\n", "+OK es folgen die Sprachen\r\ni-default\r\nen English\r\nde Deutsch\r\n"
                         ".\r\n"},
            {"LANG tlh\r\n", "-ERR diese Sprache spricht hier niemand\r\n"},
            {"STAT\r\n", "-ERR erst kommt die Anmeldung\r\n"},
            {"lang EN-us\r\n", "+OK en language chosen\r\n"},
            {"LANG DE-AT\r\n", "+OK de Sprache gew\xc3\xa4hlt\r\n"},
            {"LANG *\r\n", "+OK i-default language chosen\r\n"},
            {"LANG de en\r\n", "-ERR the number of arguments is wrong\r\n"},
        };
        ck_assert_ptr_nonnull(strstr(capa(), "\r\nLANG\r\n"));
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            world_expect(&c, cases[i].command, cases[i].answer);
        set("pop3-language", "de");
        world_expect(&c, "LANG *\r\n", "+OK de Sprache gew\xc3\xa4hlt\r\n");
        world_ask(&c, "USER user1\r\n", "+OK und das Passwort?\r\n");
        world_ask(&c, "PASS wrong\r\n", "-ERR [AUTH] Name oder Passwort ist falsch\r\n");
        login("+OK 2 Nachrichten, ");
        ck_assert_ptr_nonnull(strstr(capa(), "\r\nLANG\r\n"));
        world_ask(&c, "LANG en\r\n", "+OK en language chosen\r\n");
    }
END_TEST

START_TEST(stls_forgets_the_language)
    {
        world_start_tls(&w);
        world_ask(&c, "LANG de\r\n", "+OK de");
        world_ask(&c, "STLS\r\n", "+OK TLS kann beginnen\r\n");
        ck_assert(world_handshake(&c, 0));
        world_ask(&c, "STAT\r\n", "-ERR log in first\r\n");
    }
END_TEST

/* printf directives and response codes of a text, one behind the other. */
static void bones(const char *text, char *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '[')
            while (*text != ' ')
                *out++ = *text++;
        if (*text == '%')
            do
                *out++ = *text;
            while (strchr("sudcx", *text++) == NULL);
        if (*text == '\0')
            break;
    }
    *out = '\0';
}

START_TEST(texts_of_a_kind_have_the_same_directives_and_codes)
    {
        static const char *const english[] = {
#define TEXT(en, de) en,
#include "pop3/texts.def"
#undef TEXT
        };
        char one[600], other[600];
        for (size_t i = 0; i < sizeof english / sizeof *english; i++) {
            const char *german = pop3_text(POP3_DE, english[i]);
            bones(english[i], one);
            bones(german, other);
            ck_assert_msg(strcmp(one, other) == 0, "\"%s\": %s, \"%s\": %s", english[i], one,
                          german, other);
        }
    }
END_TEST

/* --- LOGIN-DELAY --- */

START_TEST(a_second_login_has_to_wait)
    {
        set("pop3-login-delay", "60");
        ck_assert_ptr_nonnull(strstr(capa(), "\r\nLOGIN-DELAY 60\r\n"));
        login("+OK");
        ck_assert_ptr_nonnull(strstr(capa(), "\r\nLOGIN-DELAY 60\r\n"));
        again();
        world_ask(&c, "USER user1\r\n", "+OK");
        world_ask(&c, "PASS wrong\r\n", "-ERR [AUTH]"); /* strangers learn nothing */
        login("-ERR [LOGIN-DELAY] ");
        clock_advance(w.server.clock, 59000);
        login("-ERR [LOGIN-DELAY] ");
        world_ask(&c, "USER user2\r\n", "+OK");
        clock_advance(w.server.clock, 1500);
        login("+OK");
    }
END_TEST

START_TEST(who_has_another_delay_is_told_after_the_login)
    {
        set("pop3-login-delay", "user1=30");
        ck_assert_ptr_nonnull(strstr(capa(), "\r\nLOGIN-DELAY 30 USER\r\n"));
        login("+OK");
        ck_assert_ptr_nonnull(strstr(capa(), "\r\nLOGIN-DELAY 30\r\n"));
        again();
        world_ask(&c, "USER user2\r\n", "+OK");
        world_ask(&c, "PASS pass\r\n", "+OK");
        ck_assert_ptr_null(strstr(capa(), "LOGIN-DELAY"));
    }
END_TEST

/* --- EXPIRE --- */

START_TEST(mail_goes_when_its_days_are_over)
    {
        set("pop3-expire", "7");
        ck_assert_ptr_nonnull(strstr(capa(), "\r\nEXPIRE 7\r\n"));
        clock_advance(w.server.clock, INT64_C(6) * 86400 * 1000);
        world_hang_up(&c);
        connect_client();
        world_add(w.server.store, w.server.loop, w.user1->id, "INBOX", plain, 0);
        login("+OK 3 ");
        again();
        clock_advance(w.server.clock, INT64_C(2) * 86400 * 1000);
        world_hang_up(&c);
        connect_client();
        login("+OK 1 ");
        world_ask(&c, "UIDL 1\r\n", "+OK 1 ");
        ck_assert_ptr_nonnull(strstr(c.heard, ".3\r\n"));
        again();
        login("+OK 1 ");
    }
END_TEST

START_TEST(expire_0_keeps_nothing_that_was_read)
    {
        set("pop3-expire", "user1=0");
        ck_assert_ptr_nonnull(strstr(capa(), "\r\nEXPIRE 0 USER\r\n"));
        login("+OK 2 ");
        ck_assert_ptr_nonnull(strstr(capa(), "\r\nEXPIRE 0\r\n"));
        world_forget(&c);
        world_text(&c, "RETR 1\r\n");
        world_hear(&c, "\r\n.\r\n");
        again();
        login("+OK 1 ");
        world_ask(&c, "UIDL 1\r\n", "+OK 1 ");
        ck_assert_ptr_nonnull(strstr(c.heard, ".2\r\n"));
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("pop3 extensions");
    TCase *t = tcase_create("utf8");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, in_utf8_mode_mail_goes_out_as_it_is);
    tcase_add_test(t, utf8_is_for_before_the_login_and_takes_no_argument);
    tcase_add_test(t, without_utf8_such_mail_is_refused_and_other_mail_is_not);
    tcase_add_test(t, or_is_sent_in_ascii_with_the_size_that_it_has_then);
    tcase_add_test(t, headers_of_parts_count_too);
    tcase_add_test(t, many_short_addresses_fit);
    tcase_add_test(t, long_text_is_cut_between_characters);
    tcase_add_test(t, names_and_passwords_are_prepared);
    tcase_add_test(t, stls_behind_utf8_is_refused);
    suite_add_tcase(s, t);
    t = tcase_create("lang");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, languages_are_listed_and_chosen);
    tcase_add_test(t, stls_forgets_the_language);
    tcase_add_test(t, texts_of_a_kind_have_the_same_directives_and_codes);
    suite_add_tcase(s, t);
    t = tcase_create("time");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, a_second_login_has_to_wait);
    tcase_add_test(t, who_has_another_delay_is_told_after_the_login);
    tcase_add_test(t, mail_goes_when_its_days_are_over);
    tcase_add_test(t, expire_0_keeps_nothing_that_was_read);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
