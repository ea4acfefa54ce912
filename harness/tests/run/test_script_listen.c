/* The second host of a scenario: it takes mail as the script says, and control lines reach their
 * socket. SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <check.h>
#include <lauxlib.h>
#include <lualib.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/script.h"

static struct script_result result;
static json_t *events;

/* Runs `body` as a scenario with this control socket ("" for none). */
static void run(const char *control, const char *body)
{
    struct err err;
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    const char *home = getenv("MAILPROOF_HOME");
    ck_assert_msg(script_open(L, home != NULL ? home : ".", &err) == 0, "%s", err.text);
    char text[8192];
    int n = snprintf(
        text, sizeof text,
        "local control = '%s'\n"
        "return { id = 'test', level = 'MUST', users = {}, domain = 'test.example', marker = 'm',"
        " seed = 7, timeout_scale = 1, messages = {}, reply_timeout = 1, file = 'x.lua', target = {"
        " name = 'fake', services = {}, control = control ~= '' and control or nil } },\n"
        "{ run = function(t)\n%s\nend }",
        control, body);
    ck_assert_int_lt(n, (int)sizeof text);
    ck_assert_msg(luaL_dostring(L, text) == LUA_OK, "%s", lua_tostring(L, -1));
    json_decref(events);
    events = json_array();
    struct event_sink sink = {.list = events, .scenario = "test", .fd = -1};
    script_run(L, -1, -2, &sink, &result);
    lua_close(L);
}

static void verdict_is(enum verdict verdict, const char *why)
{
    ck_assert_msg(result.verdict == verdict && strstr(result.why, why) != NULL,
                  "wanted %s with \"%s\", got %s: %s", verdict_names[verdict], why,
                  verdict_names[result.verdict], result.why);
}

static uint16_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

/* A relay that tries for two seconds, says all at once and waits for the end. */
static pid_t relay_start(uint16_t port, const char *says)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid != 0)
        return pid;
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < 200; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        char rest[512];
        if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0) {
            if (send(fd, says, strlen(says), MSG_NOSIGNAL) < 0)
                _exit(1);
            (void)shutdown(fd, SHUT_WR);
            while (recv(fd, rest, sizeof rest, 0) > 0)
                continue;
            _exit(0);
        }
        (void)close(fd);
        (void)usleep(10000);
    }
    _exit(2);
}

static void with_relay(const char *says, const char *body)
{
    char text[4096];
    uint16_t port = free_port();
    pid_t pid = relay_start(port, says);
    snprintf(text, sizeof text, "local sink = t:listen{address = '127.0.0.1', port = %u}\n%s",
             (unsigned)port, body);
    run("", text);
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

START_TEST(a_sink_takes_a_message_and_undoes_its_dots)
    {
        with_relay(
            "EHLO a\r\nMAIL FROM:<a@b> RET=HDRS\r\nRCPT TO:<c@d>\r\nDATA\r\n..one\r\ntwo\r\n.\r\n",
            "local s = sink:serve{ehlo = 'DSN\\nSIZE'}\n"
            "t:equal(s.from, '<a@b> RET=HDRS', 'from') t:equal(s.to, {'<c@d>'}, 'to')\n"
            "t:equal(s.message, '.one\\r\\ntwo\\r\\n', 'message') t:equal(s.greeted, 'EHLO a', "
            "'EHLO')");
        verdict_is(VERDICT_PASS, "");
    }
END_TEST

START_TEST(a_sink_stops_where_it_refuses)
    {
        with_relay("EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n",
                   "local s = sink:serve{rcpt = '550 no'}\n"
                   "t:equal(s.message, nil, 'message') t:equal(#s.lines, 3, 'lines')");
        verdict_is(VERDICT_PASS, "");
    }
END_TEST

START_TEST(a_session_can_be_led_by_hand)
    {
        with_relay(
            "EHLO a\r\n.\r\nlast",
            "local s = sink:accept(3)\n"
            "t:equal(s:read_line(), 'EHLO a', 'line') s:reply '250-x\\ny'\n"
            "t:equal(s:data(), '', 'empty message') t:equal(s:read_line(), nil, 'half a line')\n"
            "s:close()");
        verdict_is(VERDICT_PASS, "");
    }
END_TEST

START_TEST(nobody_comes_in_time)
    {
        run("", "t:equal(t:listen{address = '127.0.0.1', port = 0}:accept(0.05), nil, 'session')");
        verdict_is(VERDICT_PASS, "");
    }
END_TEST

START_TEST(what_a_sink_accepts_is_evidence)
    {
        with_relay("QUIT\r\n", "local s = sink:serve()\n t:equal(s.lines, {'QUIT'}, 'lines')");
        verdict_is(VERDICT_PASS, "");
        size_t i;
        json_t *e;
        int conns = 0, bytes = 0;
        json_array_foreach (events, i, e) {
            const char *ev = json_string_value(json_object_get(e, "ev"));
            conns += strcmp(ev, "conn") == 0 &&
                     strcmp(json_string_value(json_object_get(e, "name")), "s1") == 0;
            bytes += strcmp(ev, "io") == 0;
        }
        ck_assert_int_eq(conns, 1);
        ck_assert_int_ge(bytes, 2);
    }
END_TEST

/* A client that begins TLS at once, names `sni` and says NOOP inside; its end says how that went.
 */
static void tls_client(uint16_t port, const char *sni)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = -1;
    for (int tries = 0; fd < 0 && tries < 300; tries++) {
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
            (void)close(fd);
            fd = -1;
            (void)usleep(10 * 1000);
        }
    }
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    _exit(fd >= 0 && SSL_set_fd(ssl, fd) == 1 && SSL_set_tlsext_host_name(ssl, sni) == 1 &&
                  SSL_connect(ssl) == 1 && SSL_write(ssl, "NOOP\r\n", 6) == 6
              ? 0
              : 1);
}

START_TEST(a_session_takes_the_servers_side_of_tls)
    {
        uint16_t port = free_port();
        pid_t pid = fork();
        if (pid == 0)
            tls_client(port, "mx.example");
        char body[1024];
        (void)snprintf(
            body, sizeof body,
            "local who = t:identity('other.example', {expired = true})\n"
            "local s = t:listen{address = '127.0.0.1', port = %d}:accept(3)\n"
            "t:check(s:starttls(who), 'no handshake')\n"
            "t:equal(s:read_line(), 'NOOP', 'line inside TLS')\n"
            "t:equal(who:asked(), 'mx.example', 'name asked for')\n"
            "t:check(who:tlsa():find('^3 1 1 ' .. ('%%x'):rep(64) .. '$'), 'no TLSA data')\n"
            "t:check(who:tlsa() ~= t:identity('other.example'):tlsa(), 'one key for two')",
            port);
        run("", body);
        int status = 0;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        verdict_is(VERDICT_PASS, "");
        ck_assert_int_eq(status, 0);
    }
END_TEST

START_TEST(an_authority_signs_for_second_hosts)
    {
        char folder[] = "/tmp/mailproof-test-XXXXXX", path[64], body[512];
        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(body, sizeof body,
                       "t._context.target.state = '%s'\n"
                       "t:equal(require 'wire'.authority('%s'), '%s/authority.pem', 'file')\n"
                       "t:identity('mx.example', {trusted = true})",
                       folder, folder, folder);
        run("", body);
        verdict_is(VERDICT_PASS, "");
        (void)snprintf(path, sizeof path, "%s/authority.key", folder);
        ck_assert_int_eq(unlink(path), 0);
        (void)snprintf(body, sizeof body,
                       "t._context.target.state = '%s' t:identity('mx.example', {trusted = true})",
                       folder);
        run("", body);
        verdict_is(VERDICT_ERROR, "trusts no authority of ours");
        (void)snprintf(path, sizeof path, "%s/authority.pem", folder);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(folder), 0);
        run("", "require 'wire'.authority '/nowhere'");
        verdict_is(VERDICT_ERROR, "/nowhere/authority.pem cannot be written");
    }
END_TEST

START_TEST(a_report_is_taken_apart)
    {
        run("",
            "local crlf = function(s) return (s:gsub('\\n', '\\r\\n')) end\n"
            "local r = message.report(crlf [[Content-Type: multipart/report; report-type=x;\n"
            "  boundary=\"b=1\"\n\npreamble\n--b=1\n\nwords\n--b=1\n"
            "Content-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n\n"
            "Final-Recipient: rfc822;\n B@c.example\nAction: failed\nAction: delayed\n\n"
            "Status: 5.0.0\n\n--b=1\nContent-Type: message/rfc822\n\nX: y\n--b=10\n--b=1--\n]])\n"
            "t:equal(r.message['reporting-mta'], 'dns; a.example', 'field of the message')\n"
            "t:equal(#r.recipients, 2, 'recipients')\n"
            "t:equal(r.recipients[1]['final-recipient'], 'rfc822; B@c.example', 'unfolded')\n"
            "t:equal(r.recipients[2].status, '5.0.0', 'second recipient')\n"
            "t:equal(r.twice, {'Action'}, 'twice')\n"
            "t:check(r.returned:sub(-6) == '--b=10', 'a longer line is no boundary')\n"
            "local none, why = message.report('Subject: x\\r\\n\\r\\nhello\\r\\n')\n"
            "t:equal(none, nil, 'a report of plain text') t:check(why:find 'type', 'no reason')\n"
            "t:equal(message.parts(crlf 'Content-Type: multipart/mixed; boundary=b\\n\\n--b\\n'), "
            "nil,"
            " 'parts without an end')");
        verdict_is(VERDICT_PASS, "");
    }
END_TEST

START_TEST(without_a_control_socket_a_scenario_is_skipped)
    {
        run("", "t:control{['do'] = 'ping'}");
        verdict_is(VERDICT_SKIP, "no control socket");
    }
END_TEST

/* Answers lines of a control socket, a connection each, with these texts; each line has to be the
 * one that is wanted. */
static void with_lines(const char *const lines[][2], size_t lines_n, const char *body)
{
    char path[] = "/tmp/mailproof-test-XXXXXX", sock[64];
    ck_assert_ptr_nonnull(mkdtemp(path));
    snprintf(sock, sizeof sock, "%s/c", path);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    memcpy(at.sun_path, sock, strlen(sock) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bool right = true;
        for (size_t i = 0; i < lines_n && right; i++) {
            char line[256];
            int c = accept(fd, NULL, NULL);
            ssize_t n = recv(c, line, sizeof line - 1, 0);
            line[n > 0 ? n : 0] = '\0';
            json_t *got = json_loads(line, 0, NULL), *want = json_loads(lines[i][0], 0, NULL);
            right = got != NULL && json_equal(got, want) &&
                    send(c, lines[i][1], strlen(lines[i][1]), MSG_NOSIGNAL) > 0;
            (void)close(c);
            json_decref(got);
            json_decref(want);
        }
        _exit(right ? 0 : 1);
    }
    (void)close(fd);
    run(sock, body);
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    (void)unlink(sock);
    (void)rmdir(path);
    ck_assert_int_eq(status, 0);
}

static void with_control(const char *answer, const char *body)
{
    const char *const lines[][2] = {{"{\"do\":\"ping\"}", answer}};
    with_lines(lines, 1, body);
}

START_TEST(a_control_line_gives_its_answer_as_a_table)
    {
        with_control("{\"ok\": true, \"n\": 2, \"list\": [\"a\", {\"b\": false}]}\n",
                     "local a = t:control{['do'] = 'ping'}\n"
                     "t:equal(a, {ok = true, n = 2, list = {'a', {b = false}}}, 'answer')");
        verdict_is(VERDICT_PASS, "");
    }
END_TEST

START_TEST(a_refused_control_line_is_an_error_of_ours)
    {
        with_control("{\"ok\": false, \"error\": \"never\"}\n", "t:control{['do'] = 'ping'}");
        verdict_is(VERDICT_ERROR, "refused ping: never");
        with_control("what?\n", "t:control{['do'] = 'ping'}");
        verdict_is(VERDICT_ERROR, "no JSON");
    }
END_TEST

#define OK "{\"ok\": true}\n"
#define NOT_YET "{\"ok\": false, \"error\": \"busy\"}\n"

START_TEST(zone_and_clock_have_words_of_their_own)
    {
        static const char *const lines[][2] = {
            {"{\"add\":[\"a.example. A 127.0.0.9\",\"$FAIL b.example MX\"],\"do\":\"dns\"}", OK},
            {"{\"do\":\"advance\",\"seconds\":60}", OK},
        };
        with_lines(lines, 2,
                   "t:zone('a.example. A 127.0.0.9', '$FAIL b.example MX') t:advance(60)");
        verdict_is(VERDICT_PASS, "");
        run("", "t:zone(7)");
        verdict_is(VERDICT_ERROR, "t:zone takes a string");
        run("", "t:advance 'x'");
        verdict_is(VERDICT_ERROR, "t:advance takes a number");
        run("", "t:submit({})");
        verdict_is(VERDICT_ERROR, "t:submit takes a recipient");
        run("", "t:submit('bob', {at = '127.0.0.9'})");
        verdict_is(VERDICT_ERROR, "\"bob\" has no domain");
        run("", "t:submit('bob@a.example', {host = '127.0.0.9'})");
        verdict_is(VERDICT_ERROR, "t:submit has no option \"host\"");
    }
END_TEST

START_TEST(a_queue_without_rest_is_no_error)
    {
        static const char *const lines[][2] = {{"{\"do\":\"rest\",\"seconds\":3}", NOT_YET},
                                               {"{\"do\":\"rest\",\"seconds\":3}", OK}};
        with_lines(lines, 2,
                   "t._context.own = true\n"
                   "t:equal(t:settle(), false, 'first') t:equal(t:settle(), true, 'second')");
        verdict_is(VERDICT_PASS, "");
    }
END_TEST

/* The seconds are those that nobody has to wait for. */
START_TEST(a_queue_at_rest_ends_the_wait)
    {
        static const char *const lines[][2] = {{"{\"do\":\"rest\",\"seconds\":0}", NOT_YET},
                                               {"{\"do\":\"rest\",\"seconds\":0}", OK}};
        with_lines(lines, 2,
                   "t._context.own = true\n"
                   "local s = t:listen{address = '127.0.0.1', port = 0}:accept(60)\n"
                   "t:equal(s, nil, 'session') t:check(t:now() < 30, 'waited to the end')");
        verdict_is(VERDICT_PASS, "");
    }
END_TEST

START_TEST(the_first_command_after_ehlo_is_told)
    {
        with_relay("EHLO a\r\nMAIL FROM:<a@b>\r\n",
                   "local line, s = sink:first_command 'DSN'\n"
                   "t:equal(line, 'MAIL FROM:<a@b>', 'command')\n"
                   "t:equal(s:read_line(), nil, 'the session is open')");
        verdict_is(VERDICT_PASS, "");
        with_relay("EHLO a\r\nQUIT\r\n", "t:equal(sink:first_command(), 'QUIT', 'command')");
        verdict_is(VERDICT_PASS, "");
        with_relay("EHLO a\r\n", "t:equal(sink:first_command(), '', 'command')");
        verdict_is(VERDICT_PASS, "");
        run("", "local sink = t:listen{address = '127.0.0.1', port = 0}\n"
                "t:equal(sink:first_command(nil, 0.05), nil, 'command')");
        verdict_is(VERDICT_PASS, "");
    }
END_TEST

START_TEST(mail_that_waits_is_served_later)
    {
        static const char *const lines[][2] = {
            {"{\"do\":\"advance\",\"seconds\":50}", OK},
            {"{\"do\":\"rest\",\"seconds\":0}", OK}, /* nobody came: on */
            {"{\"do\":\"advance\",\"seconds\":50}", OK},
            {"{\"do\":\"rest\",\"seconds\":0}", "what?\n"},
        };
        with_lines(lines, 4,
                   "t._context.own = true\n"
                   "t:listen{address = '127.0.0.1', port = 0}:serve_later{seconds = 0.05}");
        verdict_is(VERDICT_ERROR, "the control socket "); /* is gone at the third step */
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("script_listen");
    TCase *tc = tcase_create("second host");
    tcase_add_test(tc, a_sink_takes_a_message_and_undoes_its_dots);
    tcase_add_test(tc, a_sink_stops_where_it_refuses);
    tcase_add_test(tc, a_session_can_be_led_by_hand);
    tcase_add_test(tc, nobody_comes_in_time);
    tcase_add_test(tc, what_a_sink_accepts_is_evidence);
    tcase_add_test(tc, a_session_takes_the_servers_side_of_tls);
    tcase_add_test(tc, an_authority_signs_for_second_hosts);
    tcase_add_test(tc, a_report_is_taken_apart);
    tcase_add_test(tc, without_a_control_socket_a_scenario_is_skipped);
    tcase_add_test(tc, a_control_line_gives_its_answer_as_a_table);
    tcase_add_test(tc, a_refused_control_line_is_an_error_of_ours);
    tcase_add_test(tc, zone_and_clock_have_words_of_their_own);
    tcase_add_test(tc, a_queue_at_rest_ends_the_wait);
    tcase_add_test(tc, a_queue_without_rest_is_no_error);
    tcase_add_test(tc, the_first_command_after_ehlo_is_told);
    tcase_add_test(tc, mail_that_waits_is_served_later);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
