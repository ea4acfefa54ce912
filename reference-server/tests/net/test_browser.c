/* A browser at a mail port: it is told from mail clients by its first line, and gets nothing back
 * of what it sent. SPDX-License-Identifier: MIT */
#include "net/browser.h"

#include "world.h"

static struct world w;
static struct world_client c;

static const struct line {
    const char *text;
    bool browser;
} lines[] = {
    {"GET / HTTP/1.1\r\n", true},
    {"GET / HTTP/1.0\n", true},
    {"POST /form?a=b HTTP/1.1\r\nHost: mail.example\r\n\r\nHELO x\r\n", true},
    {"HEAD / HTTP/1.1\r\n", true},
    {"PUT /x HTTP/1.1\r\n", true},
    {"DELETE /x HTTP/1.1\r\n", true},
    {"OPTIONS * HTTP/1.1\r\n", true},
    {"CONNECT mail.example:25 HTTP/1.1\r\n", true},
    {"TRACE / HTTP/1.1\r\n", true},
    {"PATCH /x HTTP/1.1\r\n", true},
    /* Mail, and what only looks like a request. */
    {"EHLO client.example\r\n", false},
    {"a1 CAPABILITY\r\n", false},
    {"USER ann\r\n", false},
    {"GET /\r\n", false},
    {"get / HTTP/1.1\r\n", false},
    {"GETS / HTTP/1.1\r\n", false},
    {" GET / HTTP/1.1\r\n", false},
    {"HELO HTTP/1.1\r\n", false},
    {"GET / HTTP/2\r\n", false},
    {"NOOP\r\nGET / HTTP/1.1\r\n", false}, /* not the first line */
    {"GET /\r\nx HTTP/1.1\r\n", false},
    {"\n", false},
    {"", false},
};
enum { LINES = sizeof lines / sizeof *lines };

static bool speaks(const char *text, size_t n)
{
    struct buf in;
    buf_init(&in, 4096);
    ck_assert(n == 0 || buf_add(&in, text, n));
    bool is = browser_speaks(&in);
    ck_assert_uint_eq(in.len, n); /* a look takes nothing */
    buf_free(&in);
    return is;
}

START_TEST(a_request_of_http_is_told_from_mail)
    {
        for (size_t i = 0; i < LINES; i++)
            ck_assert_msg(speaks(lines[i].text, strlen(lines[i].text)) == lines[i].browser, "%s",
                          lines[i].text);
    }
END_TEST

/* Half a line is nothing yet, wherever it is cut. */
START_TEST(nothing_is_said_of_half_a_line)
    {
        for (size_t i = 0; i < LINES; i++)
            for (size_t cut = 0; cut < strcspn(lines[i].text, "\n"); cut++)
                ck_assert_msg(!speaks(lines[i].text, cut), "%s, cut at %zu", lines[i].text, cut);
    }
END_TEST

/* Half a request is waited for; what cannot become one goes to the protocol at once, and so does
 * what never ends. */
START_TEST(half_a_request_is_waited_for)
    {
        static const struct line all[] = {{"G", true},     {"GET", true},      {"GET /x", true},
                                          {"POST ", true}, {"", false},        {"GETX", false},
                                          {"g", false},    {"a1 N", false},    {"EHLO", false},
                                          {"P LO", false}, {"GET /x\n", false}};
        struct buf in;
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            buf_init(&in, 4096);
            ck_assert(all[i].text[0] == '\0' || buf_add(&in, all[i].text, strlen(all[i].text)));
            ck_assert_msg(browser_may_speak(&in) == all[i].browser, "%s", all[i].text);
            buf_free(&in);
        }
        buf_init(&in, 65536);
        ck_assert(buf_add(&in, "GET ", 4));
        while (in.len < 10000)
            ck_assert(buf_add(&in, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 32));
        ck_assert(!browser_may_speak(&in));
        buf_free(&in);
    }
END_TEST

static const struct door {
    enum service service;
    const struct protocol *protocol;
    const char *goodbye;
} doors[] = {{SERVICE_SMTP, &smtp_protocol, "421 4.7.0 This is no web server\r\n"},
             {SERVICE_SUBMISSION, &smtp_protocol, "421 4.7.0 This is no web server\r\n"},
             {SERVICE_IMAP, &imap_protocol, "* BYE This is no web server\r\n"},
             {SERVICE_POP3, &pop3_protocol, "-ERR This is no web server\r\n"}};
enum { DOORS = sizeof doors / sizeof *doors };

static const char request[] = "POST / HTTP/1.1\r\nX: <script>alert(1)</script>\r\n\r\n"
                              "NOOP\r\na1 NOOP\r\nCAPA\r\n";

/* One line of farewell that holds nothing of the request, and none of its lines is obeyed. */
START_TEST(a_browser_gets_nothing_back)
    {
        world_start(&w);
        world_connect(&w, &c, doors[_i].service, doors[_i].protocol, false);
        (void)world_hear(&c, "\r\n");
        world_forget(&c);
        world_text(&c, request);
        ck_assert_str_eq(world_hear(&c, NULL), doors[_i].goodbye);
        world_stop(&w);
    }
END_TEST

/* The same when it comes byte by byte. */
START_TEST(a_slow_browser_gets_nothing_back)
    {
        world_start(&w);
        world_connect(&w, &c, doors[_i].service, doors[_i].protocol, false);
        (void)world_hear(&c, "\r\n");
        world_forget(&c);
        for (const char *at = request; *at != '\n'; at++) {
            world_say(&c, at, 1);
            world_round(&c);
            ck_assert_msg(c.len == 0 && !c.ended, "after \"%.*s\" heard \"%s\"",
                          (int)(at - request + 1), request, c.heard);
        }
        world_text(&c, "\n");
        ck_assert_str_eq(world_hear(&c, NULL), doors[_i].goodbye);
        world_stop(&w);
    }
END_TEST

/* Only the first line makes a browser: behind a command of mail the same text is a wrong command.
 */
START_TEST(a_mail_client_may_say_what_it_likes)
    {
        static const char *const first[] = {"NOOP\r\n", "NOOP\r\n", "a1 NOOP\r\n", "CAPA\r\n"};
        world_start(&w);
        world_connect(&w, &c, doors[_i].service, doors[_i].protocol, false);
        (void)world_hear(&c, "\r\n");
        (void)world_ask(&c, first[_i], "");
        (void)world_ask(&c, "GET / HTTP/1.1\r\n",
                        doors[_i].protocol == &imap_protocol   ? "GET BAD"
                        : doors[_i].protocol == &pop3_protocol ? "-ERR"
                                                               : "5");
        ck_assert(!c.ended);
        world_stop(&w);
    }
END_TEST

START_TEST(the_fault_sends_the_request_back)
    {
        struct err err;
        world_start(&w);
        ck_assert_int_eq(fault_switch("tls-serves-browsers", true, &err), 0);
        world_connect(&w, &c, doors[_i].service, doors[_i].protocol, false);
        (void)world_hear(&c, "\r\n");
        world_forget(&c);
        world_text(&c, "GET /<script> HTTP/1.1\r\n");
        ck_assert_ptr_nonnull(strstr(world_hear(&c, "\r\n"), "GET /<script> HTTP/1.1"));
        ck_assert(!c.ended);
        world_stop(&w);
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("browser");
    TCase *t = tcase_create("browser");
    tcase_set_timeout(t, 20);
    tcase_add_test(t, a_request_of_http_is_told_from_mail);
    tcase_add_test(t, nothing_is_said_of_half_a_line);
    tcase_add_test(t, half_a_request_is_waited_for);
    tcase_add_loop_test(t, a_browser_gets_nothing_back, 0, DOORS);
    tcase_add_loop_test(t, a_slow_browser_gets_nothing_back, 0, DOORS);
    tcase_add_loop_test(t, a_mail_client_may_say_what_it_likes, 0, DOORS);
    tcase_add_loop_test(t, the_fault_sends_the_request_back, 0, DOORS);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}
