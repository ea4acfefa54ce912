/* What `mailproof ports` makes of servers that are slow, swapped, limited or not there at all. The
 * server is a process that this test forks; it listens before the fork, so nothing has to wait for
 * it. SPDX-License-Identifier: MIT */
#include "ports/port.h"

#include <arpa/inet.h>
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports/dial/suites.h"

static pid_t server;
static struct ports_options options;
static struct port port;

/* How the server answers its nth connection (from 1). */
typedef void answer_fn(int fd, int nth);

static uint16_t listen_on(int *fd)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    *fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(*fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(*fd, 64), 0);
    ck_assert_int_eq(getsockname(*fd, (struct sockaddr *)&a, &n), 0);
    return ntohs(a.sin_port);
}

static uint16_t serve(answer_fn *answer)
{
    int fd;
    uint16_t number = listen_on(&fd);
    server = fork();
    ck_assert_int_ge(server, 0);
    if (server == 0) {
        signal(SIGCHLD, SIG_IGN);
        for (int nth = 1;; nth++) {
            int c = accept(fd, NULL, NULL);
            if (c < 0)
                _exit(0);
            if (fork() == 0) {
                alarm(20);
                answer(c, nth);
                _exit(0);
            }
            close(c);
        }
    }
    close(fd);
    return number;
}

static void say(int fd, const char *text)
{
    (void)!write(fd, text, strlen(text));
}

/* A line, or false. */
static bool hear(int fd, char *line, size_t size)
{
    size_t n = 0;
    while (n + 1 < size && read(fd, line + n, 1) == 1)
        if (line[n++] == '\n')
            break;
    line[n] = '\0';
    return n > 0;
}

/* SMTP without TLS. */
static void plain_smtp(int fd, int nth)
{
    char line[512];
    (void)nth;
    say(fd, "220 mx.example ESMTP\r\n");
    while (hear(fd, line, sizeof line)) {
        if (strncmp(line, "EHLO", 4) == 0)
            say(fd, "250-mx.example\r\n250 SIZE 1000\r\n");
        else if (strncmp(line, "QUIT", 4) == 0)
            return;
        else
            say(fd, "502 5.5.1 not here\r\n");
    }
}

static void limited_from_four(int fd, int nth)
{
    if (nth < 4) {
        plain_smtp(fd, nth);
        return;
    }
    say(fd, "421 4.7.0 too many connections\r\n");
}

static void silent_for_a_while(int fd, int nth)
{
    usleep(1200 * 1000);
    plain_smtp(fd, nth);
}

/* A greeting in two pieces, to a client that says nothing before it. */
static void greets_in_pieces(int fd, int nth)
{
    char early;
    say(fd, "22");
    usleep(300 * 1000);
    if (recv(fd, &early, 1, MSG_DONTWAIT) > 0)
        say(fd, "0-\r\n554 5.5.0 you spoke first\r\n");
    else
        say(fd, "0 ");
    plain_smtp(fd, nth);
}

/* Waits for its client, as web servers do. */
static void web(int fd, int nth)
{
    char line[512];
    (void)nth;
    if (read(fd, line, sizeof line) > 0)
        say(fd, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
}

static void news(int fd, int nth)
{
    (void)nth;
    say(fd, "200 news.example ready\r\n");
}

static void not_here(int fd, int nth)
{
    (void)nth;
    say(fd, "554 no mail here\r\n");
}

/* A login in clear ends the connection. */
static void hangs_up_at_auth(int fd, int nth)
{
    char line[512];
    (void)nth;
    say(fd, "220 mx.example ESMTP\r\n");
    while (hear(fd, line, sizeof line) && strncmp(line, "AUTH", 4) != 0)
        say(fd, strncmp(line, "EHLO", 4) == 0 ? "250-mx.example\r\n250 AUTH PLAIN\r\n"
                                              : "502 5.5.1 not here\r\n");
}

static void never_ends(int fd, int nth)
{
    (void)nth;
    for (int i = 0; i < 5000; i++)
        say(fd, "220-more\r\n");
}

/* IMAP that does not know LOGIN before TLS. */
static void imap_knows_no_login(int fd, int nth)
{
    char line[512], tag[16], out[128];
    (void)nth;
    say(fd, "* OK ready\r\n");
    while (hear(fd, line, sizeof line) && sscanf(line, "%15s", tag) == 1) {
        (void)snprintf(
            out, sizeof out, "%s%s %s\r\n",
            strstr(line, " CAPABILITY") != NULL ? "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n" : "",
            tag, strstr(line, " CAPABILITY") != NULL ? "OK" : "BAD what");
        say(fd, out);
    }
}

static void never_a_word(int fd, int nth)
{
    char line[512];
    (void)nth;
    while (hear(fd, line, sizeof line))
        ;
}

/* IMAP without TLS that refuses every login, and tells when. */
static void imap_refuses(int fd, int nth)
{
    char line[512], tag[16], out[128];
    say(fd, "* OK ready\r\n");
    while (hear(fd, line, sizeof line) && sscanf(line, "%15s", tag) == 1) {
        if (strstr(line, " CAPABILITY") != NULL)
            (void)snprintf(out, sizeof out, "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n%s OK\r\n",
                           tag);
        else
            (void)snprintf(out, sizeof out, "%s NO refused [09:44:%d]\r\n", tag, 20 + nth);
        say(fd, out);
    }
}

/* The same, and the wrong password gets another word, after longer than an answer may take. */
static void imap_tells(int fd, int nth)
{
    char line[512], tag[16], out[128];
    (void)nth;
    say(fd, "* OK ready\r\n");
    while (hear(fd, line, sizeof line) && sscanf(line, "%15s", tag) == 1) {
        bool wrong = strstr(line, "LOGIN") != NULL && strstr(line, "secret") == NULL;
        if (wrong)
            usleep(1300 * 1000);
        (void)snprintf(out, sizeof out, "%s%s %s\r\n",
                       strstr(line, " CAPABILITY") != NULL ? "* CAPABILITY IMAP4rev1\r\n" : "", tag,
                       wrong                                ? "NO wrong"
                       : strstr(line, "LOGIN") != NULL      ? "NO not now"
                       : strstr(line, "CAPABILITY") != NULL ? "OK"
                                                            : "BAD");
        say(fd, out);
    }
}

static void look_as(uint16_t number, enum port_protocol protocol, enum port_mode mode)
{
    size_t n;
    (void)suites_all(&n);
    port_init(&port, &options, "127.0.0.1", AF_INET, number, protocol, mode);
    port_examine(&port);
}

static void look(uint16_t number, enum port_mode mode, int budget)
{
    options = (struct ports_options){.host = "mx.example",
                                     .depth = DEPTH_NORMAL,
                                     .budget = budget,
                                     .connect_ms = 2000,
                                     .answer_ms = 1000,
                                     .greeting_ms = 4000,
                                     .host_is_name = true};
    look_as(number, PROTOCOL_SMTP, mode);
}

static void look_at_logins(uint16_t number)
{
    options = (struct ports_options){.host = "imap.example",
                                     .user = "ann",
                                     .password = "secret",
                                     .depth = DEPTH_NORMAL,
                                     .connect_ms = 2000,
                                     .answer_ms = 1000,
                                     .greeting_ms = 4000,
                                     .host_is_name = true};
    look_as(number, PROTOCOL_IMAP, MODE_CLEAR);
}

static void tidy(void)
{
    port_clear(&port);
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    server = 0;
}

START_TEST(mail_in_clear_where_tls_was_expected_is_a_swapped_mode)
    {
        look(serve(plain_smtp), MODE_IMPLICIT, 150);
        ck_assert_int_eq(port.state, PORT_OPEN);
        ck_assert_int_eq(port.mode, MODE_CLEAR);
        ck_assert_int_eq(port.found[CHECK_P04].kind, FINDING_BAD);
        ck_assert_msg(strstr(port.found[CHECK_P03].why, "mode swapped") != NULL, "%s",
                      port.found[CHECK_P03].why);
        tidy();
    }
END_TEST

START_TEST(no_starttls_is_told_and_nothing_is_made_up)
    {
        look(serve(plain_smtp), MODE_CLEAR, 150);
        ck_assert_int_eq(port.found[CHECK_P02].kind, FINDING_GOOD);
        ck_assert_int_eq(port.found[CHECK_S01].kind, FINDING_BAD);
        ck_assert_int_eq(port.found[CHECK_S04].kind, FINDING_BAD);
        ck_assert_int_eq(port.found[CHECK_Z03].kind, FINDING_UNTESTED);
        tidy();
    }
END_TEST

START_TEST(sent_away_is_no_missing_tls)
    {
        look(serve(limited_from_four), MODE_CLEAR, 150);
        ck_assert(port.limited);
        ck_assert_int_ge(port.limited_at, 4);
        ck_assert_msg(strstr(port.limited_why, "421") != NULL, "%s", port.limited_why);
        ck_assert_int_eq(port.used, port.limited_at);
        ck_assert_int_eq(port.found[CHECK_O01].kind, FINDING_FACT);
        ck_assert_int_eq(port.found[CHECK_K15].kind, FINDING_UNTESTED);
        ck_assert_msg(strstr(port.found[CHECK_K15].why, "rate-limited at connection") != NULL, "%s",
                      port.found[CHECK_K15].why);
        tidy();
    }
END_TEST

START_TEST(a_late_greeting_is_waited_for)
    {
        look(serve(silent_for_a_while), MODE_CLEAR, 4);
        ck_assert_int_eq(port.protocol, PROTOCOL_SMTP);
        ck_assert_int_eq(port.found[CHECK_P02].kind, FINDING_GOOD);
        ck_assert_int_eq(port.found[CHECK_O02].kind, FINDING_FACT);
        tidy();
    }
END_TEST

START_TEST(the_budget_is_kept)
    {
        look(serve(plain_smtp), MODE_CLEAR, 3);
        ck_assert_int_le(port.used, 3);
        ck_assert_int_gt(port.left_unasked, 0);
        tidy();
    }
END_TEST

START_TEST(a_closed_port_is_refused)
    {
        int fd;
        uint16_t number = listen_on(&fd);
        close(fd);
        look(number, MODE_CLEAR, 150);
        ck_assert_int_eq(port.state, PORT_REFUSED);
        ck_assert_int_eq(port.found[CHECK_V03].kind, FINDING_UNTESTED);
        tidy();
    }
END_TEST

START_TEST(a_port_that_says_nothing_ends_in_time)
    {
        look(serve(never_a_word), MODE_CLEAR, 150);
        ck_assert_int_eq(port.found[CHECK_P02].kind, FINDING_BAD);
        ck_assert_int_eq(port.mode, MODE_UNKNOWN);
        ck_assert(port.seconds < 8);
        tidy();
    }
END_TEST

START_TEST(a_time_of_day_in_a_refusal_is_no_oracle)
    {
        look_at_logins(serve(imap_refuses));
        ck_assert_int_eq(port.found[CHECK_J11].kind, FINDING_GOOD);
        ck_assert_msg(port.found[CHECK_J16].kind == FINDING_GOOD, "%s", port.found[CHECK_J16].why);
        tidy();
    }
END_TEST

START_TEST(a_refusal_that_comes_late_is_waited_for)
    {
        look_at_logins(serve(imap_tells));
        ck_assert_int_eq(port.found[CHECK_J11].kind, FINDING_BAD);
        ck_assert_int_eq(port.found[CHECK_J16].kind, FINDING_BAD);
        ck_assert_msg(strstr(port.found[CHECK_J16].why, "NO not now\", a wrong one \"") != NULL &&
                          strstr(port.found[CHECK_J16].why, "NO wrong\"") != NULL,
                      "%s", port.found[CHECK_J16].why);
        tidy();
    }
END_TEST

START_TEST(a_greeting_comes_in_any_pieces_and_nothing_is_said_before_it)
    {
        look(serve(greets_in_pieces), MODE_CLEAR, 3);
        ck_assert_msg(port.found[CHECK_P02].kind == FINDING_GOOD, "%s", port.found[CHECK_P02].why);
        ck_assert_int_eq(port.protocol, PROTOCOL_SMTP);
        ck_assert(!port.limited);
        tidy();
    }
END_TEST

START_TEST(what_is_no_mail_is_named)
    {
        static const struct {
            answer_fn *server;
            const char *said;
        } others[] = {{web, "HTTP/1.1 400"}, {news, "200 news"}};
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            look(serve(others[i].server), MODE_CLEAR, 150);
            ck_assert_int_eq(port.found[CHECK_P02].kind, FINDING_BAD);
            ck_assert_msg(strstr(port.found[CHECK_P02].why, others[i].said) != NULL, "%s",
                          port.found[CHECK_P02].why);
            ck_assert_int_eq(port.protocol, PROTOCOL_UNKNOWN);
            ck_assert_int_le(port.used, 2);
            tidy();
        }
    }
END_TEST

START_TEST(who_sends_us_away_at_once_is_not_judged)
    {
        look(serve(not_here), MODE_CLEAR, 150);
        ck_assert(port.limited);
        ck_assert_int_eq(port.found[CHECK_P02].kind, FINDING_UNTESTED);
        ck_assert_msg(strstr(port.found[CHECK_P02].why, "554 no mail here") != NULL, "%s",
                      port.found[CHECK_P02].why);
        tidy();
    }
END_TEST

START_TEST(a_greeting_without_end_is_none)
    {
        look(serve(never_ends), MODE_CLEAR, 150);
        ck_assert_int_eq(port.found[CHECK_P02].kind, FINDING_BAD);
        tidy();
    }
END_TEST

START_TEST(a_login_that_is_not_known_is_not_taken)
    {
        look_at_logins(serve(imap_knows_no_login));
        ck_assert_int_eq(port.found[CHECK_J11].kind, FINDING_BAD);
        ck_assert_int_eq(port.found[CHECK_J18].kind, FINDING_GOOD);
        tidy();
    }
END_TEST

START_TEST(an_end_is_no_login)
    {
        look(serve(hangs_up_at_auth), MODE_CLEAR, 150);
        ck_assert_int_eq(port.found[CHECK_J15].kind, FINDING_GOOD);
        ck_assert_int_eq(port.found[CHECK_J18].kind, FINDING_GOOD);
        tidy();
    }
END_TEST

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    Suite *s = suite_create("port");
    TCase *t = tcase_create("port");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, NULL, tidy);
    tcase_add_test(t, mail_in_clear_where_tls_was_expected_is_a_swapped_mode);
    tcase_add_test(t, no_starttls_is_told_and_nothing_is_made_up);
    tcase_add_test(t, sent_away_is_no_missing_tls);
    tcase_add_test(t, a_late_greeting_is_waited_for);
    tcase_add_test(t, the_budget_is_kept);
    tcase_add_test(t, a_closed_port_is_refused);
    tcase_add_test(t, a_port_that_says_nothing_ends_in_time);
    tcase_add_test(t, a_time_of_day_in_a_refusal_is_no_oracle);
    tcase_add_test(t, a_refusal_that_comes_late_is_waited_for);
    tcase_add_test(t, a_greeting_comes_in_any_pieces_and_nothing_is_said_before_it);
    tcase_add_test(t, what_is_no_mail_is_named);
    tcase_add_test(t, who_sends_us_away_at_once_is_not_judged);
    tcase_add_test(t, a_greeting_without_end_is_none);
    tcase_add_test(t, a_login_that_is_not_known_is_not_taken);
    tcase_add_test(t, an_end_is_no_login);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
