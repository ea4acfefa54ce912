/* The scenario language against servers that play a given part: what a script says, and what
 * verdict and sentence come of the answers. SPDX-License-Identifier: MIT */
#include "run/script.h"

#include <check.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/fake_server.h"

/* ---- one scenario ---- */

#define MOVES(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static lua_State *L;
static char ca_file[] = "/tmp/mailproof-test-ca-XXXXXX";
static struct script_result result;
static json_t *events;

static void make_identity(void)
{
    fake_server_tls(ca_file);
}

static void drop_identity(void)
{
    SSL_CTX_free(fake_ctx);
    (void)unlink(ca_file);
}

static void open_language(void)
{
    struct err err;
    L = luaL_newstate();
    luaL_openlibs(L);
    const char *home = getenv("MAILPROOF_HOME");
    ck_assert_msg(script_open(L, home != NULL ? home : ".", &err) == 0, "%s", err.text);
}

static void close_language(void)
{
    lua_close(L);
    json_decref(events);
    events = NULL;
}

/* How long replies are waited for. Silence is short; a handshake on a busy machine is not. */
static double patience(const char *const *moves)
{
    for (size_t i = 0; moves[i] != NULL; i++)
        if (strcmp(moves[i], "t") == 0)
            return 10;
    return 0.3;
}

/* Runs `body`, the inside of run = function(t) … end, which begins in line 1 of scenarios/test.lua,
 * as a scenario of this level against a server that plays the moves as each of the services. */
static void run(const char *level, const char *const *moves, const char *body)
{
    struct fake_server server;
    fake_server_start(&server, moves);
    char text[1024];
    int n = snprintf(
        text, sizeof text,
        "local at = { host = '127.0.0.1', port = %d }\n"
        "return { id = 'test', level = '%s', users = {{ name = 'ann', password = 'secret',"
        " address = 'ann@test.example' }}, domain = 'test.example', marker = 'm4rker', seed = 7,"
        " timeout_scale = 1, messages = {}, reply_timeout = %g, file = 'scenarios/test.lua',"
        " target = { name = 'fake', ca = '%s', verify_name = 'localhost',"
        " services = { smtp = at, imap = at, imaps = at, pop3 = at } } }",
        server.port, level, patience(moves), ca_file);
    ck_assert_int_lt(n, (int)sizeof text);
    ck_assert_msg(luaL_dostring(L, text) == LUA_OK, "%s", lua_tostring(L, -1));
    lua_newtable(L);
    const char *chunk = lua_pushfstring(L, "return function(t) %s\nend", body);
    ck_assert_msg(luaL_loadbuffer(L, chunk, strlen(chunk), "@scenarios/test.lua") == LUA_OK, "%s",
                  lua_tostring(L, -1));
    lua_remove(L, -2);
    lua_call(L, 0, 1);
    lua_setfield(L, -2, "run");
    json_decref(events);
    events = json_array();
    struct event_sink sink = {.list = events, .scenario = "test", .fd = -1};
    script_run(L, -1, -2, &sink, &result);
    lua_settop(L, 0);
    fake_server_stop(&server);
}

static void verdict_is(enum verdict verdict, const char *why)
{
    ck_assert_msg(result.verdict == verdict && strstr(result.why, why) != NULL,
                  "wanted %s with \"%s\", got %s: %s (%s)", verdict_names[verdict], why,
                  verdict_names[result.verdict], result.why, result.where);
}

static void passes(const char *const *moves, const char *body)
{
    run("MUST", moves, body);
    verdict_is(VERDICT_PASS, "");
    ck_assert_msg(result.why[0] == '\0', "%s", result.why);
}

static void fails(const char *const *moves, const char *body, const char *why)
{
    run("MUST", moves, body);
    verdict_is(VERDICT_FAIL, why);
}

/* What a scenario builds on failed: the verdict is not about its own point. */
static void depends(const char *const *moves, const char *body, const char *why)
{
    run("MUST", moves, body);
    verdict_is(VERDICT_DEPENDENCY, why);
}

static int count(const char *ev)
{
    size_t i;
    int n = 0;
    json_t *e;
    json_array_foreach (events, i, e)
        n += strcmp(json_string_value(json_object_get(e, "ev")), ev) == 0;
    return n;
}

/* ---- SMTP ---- */

#define SMTP_HELLO                                                                                 \
    "> 220 mx.example ready", "< EHLO client.test.example", "> 250-mx.example", "> 250-SIZE 1000", \
        "> 250-PIPELINING", "> 250 AUTH PLAIN SCRAM-SHA-1"

START_TEST(smtp_opens_with_greeting_and_ehlo)
    {
        passes(
            MOVES(SMTP_HELLO, "< NOOP", "> 250 2.0.0 fine"),
            "local c = t:smtp()\n"
            "c:send 'NOOP'\n"
            "local r = c:expect '250'\n"
            "t:equal(r.code, 250, 'code') t:equal(r.enhanced, '2.0.0', 'enhanced code')\n"
            "t:equal(r.lines[1], '2.0.0 fine', 'text')\n"
            "t:check(r:is('2yz') and r:is('25z', '5yz') and r:is '250 2.0.0' and r:is '250 2.x.x', "
            "'patterns')\n"
            "t:check(not r:is '251' and not r:is '250 2.1.0' and not r:is 'closed', 'not these')\n"
            "t:check(c:has 'SIZE' and c:has 'auth=plain' and not c:has 'AUTH=LOGIN', "
            "'capabilities')\n"
            "t:equal(c:capabilities().SIZE, '1000', 'SIZE')\n"
            "t:equal(t.domain, 'test.example', 'domain')\n");
        ck_assert_int_eq(count("conn"), 1);
        ck_assert_int_ge(count("step"), 4);
        ck_assert_int_ge(count("check"), 7);
    }
END_TEST

START_TEST(smtp_wrong_reply_names_command_and_line)
    {
        fails(
            MOVES(SMTP_HELLO, "< MAIL", "> 550 5.7.1 no"),
            "local c = t:smtp()\n\nc:send 'MAIL FROM:<a@b>'\nc:expect '250'\nt:fail 'not reached'",
            "expected 250 to MAIL, got \"550 5.7.1 no\"");
        ck_assert_str_eq(result.where, "scenarios/test.lua:4");
    }
END_TEST

START_TEST(smtp_pipelined_replies_keep_their_commands)
    {
        fails(MOVES(SMTP_HELLO, "< MAIL", "< RCPT", "< RCPT", "> 250 a", "> 250 b", "> 451 c"),
              "local c = t:smtp()\n"
              "c:write 'MAIL FROM:<a@b>\\r\\nRCPT TO:<c@d>\\r\\nRCPT TO:<e@f>\\r\\n'\n"
              "c:expect '250' c:expect '250' c:expect '250'",
              "expected 250 to RCPT, got \"451 c\"");
    }
END_TEST

START_TEST(smtp_mail_stuffs_dots)
    {
        passes(MOVES(SMTP_HELLO, "< MAIL FROM:<ann@client.example>", "> 250 ok",
                     "< RCPT TO:<ann@test.example>", "> 250 ok", "< DATA", "> 354 go", "< ..one",
                     "< ...", "< two", "< .", "> 250 taken", "< NOOP", "> 250 ok"),
               "local c = t:smtp() local r = c:mail { data = '.one\\r\\n..\\r\\ntwo' }\n"
               "t:equal(r.text, 'taken', 'reply') c:send 'NOOP' c:expect '250'");
    }
END_TEST

START_TEST(smtp_text_behind_data_is_no_command)
    {
        fails(MOVES(SMTP_HELLO, "< DATA", "> 354 go", "."),
              "local c = t:smtp() c:send 'DATA' c:expect '354'\n"
              "c:write 'QUIT\\r\\nRSET\\r\\n.\\r\\n' c:expect '250'",
              "no reply to the end of the message within 0.3 s");
    }
END_TEST

START_TEST(smtp_refused_data_makes_the_rest_commands)
    {
        fails(MOVES(SMTP_HELLO, "< DATA", "< VRFY", "> 503 no", "> 500 what"),
              "local c = t:smtp() c:write 'DATA\\r\\nVRFY x\\r\\n' c:expect '503' c:expect '252'",
              "expected 252 to VRFY, got \"500 what\"");
    }
END_TEST

START_TEST(write_sends_pieces_with_pauses)
    {
        passes(MOVES(SMTP_HELLO, "# 2", "< OP", "> 250 ok", "< NOOP", "> 250 ok"),
               "local c = t:smtp() local before = t:now()\n"
               "c:write { 'NO', 0.05, 'OP\\r\\n' } c:expect '250'\n"
               "t:check(t:now() - before >= 0.05, 'paused')\n"
               "c:segment(3, 0.001) c:send 'NOOP' c:expect '250'");
    }
END_TEST

START_TEST(closed_is_an_answer_when_asked_for)
    {
        passes(MOVES(SMTP_HELLO, "< QUIT", "> 221 bye", "x"),
               "local c = t:smtp() c:send 'QUIT' c:expect '221'\n"
               "local r = c:expect('250', 'closed') t:check(r:is 'closed' and r.closed, 'closed')\n"
               "t:equal(r.code, 0, 'code of a closed connection')\n"
               "c:send 'NOOP' t:check(c:wait(0.1):is 'closed', 'still closed')");
        fails(MOVES(SMTP_HELLO, "< NOOP", "x"), "local c = t:smtp() c:send 'NOOP' c:expect '250'",
              "the connection ended where a reply to NOOP was due");
        fails(MOVES(SMTP_HELLO, "< NOOP", "+ 250-half", "x"),
              "local c = t:smtp() c:send 'NOOP' c:expect '250'",
              "in the middle of the reply to NOOP");
        fails(MOVES(SMTP_HELLO, "< NOOP", "> 250 here"),
              "local c = t:smtp() c:send 'NOOP' c:expect 'closed'",
              "the server was to close the connection, and said \"250 here\"");
    }
END_TEST

START_TEST(silence_and_nonsense_have_their_sentences)
    {
        depends(MOVES("w"), "t:smtp()", "no greeting within 0.3 s");
        depends(MOVES("x"), "t:smtp()", "the connection ended before any greeting");
        run("MUST", MOVES("r"), "t:smtp()");
        verdict_is(VERDICT_DEPENDENCY, ""); /* the RST may overtake connect itself */
        ck_assert_msg(strstr(result.why, "before any greeting") != NULL ||
                          strstr(result.why, "connection reset by peer") != NULL,
                      "%s", result.why);
        depends(MOVES("> HTTP/1.1 400 Bad Request"), "t:smtp()",
                "the answer to the greeting is no SMTP reply: ");
        fails(MOVES(SMTP_HELLO, "< RCPT", "w"),
              "local c = t:smtp() c:send 'RCPT TO:<x@y>' c:expect '250'",
              "no reply to RCPT within 0.3 s");
        fails(MOVES(SMTP_HELLO, "< RCPT", "+ 250-on", "w"),
              "local c = t:smtp() c:send 'RCPT TO:<x@y>' c:expect '250'",
              "was not complete after 0.3 s: \"250-on\"");
        depends(MOVES(SMTP_HELLO), "local a = t:smtp() t:smtp()", "no greeting");
    }
END_TEST

START_TEST(wait_gives_nil_in_silence_and_goes_on_in_the_middle)
    {
        passes(MOVES(SMTP_HELLO, "< NOOP", "+ 250 o", "p 150", "> k", "w"),
               "local c = t:smtp() c:send 'NOOP'\n"
               "t:check(c:wait(0.05) == nil, 'nothing yet')\n"
               "t:equal(c:expect '250'.text, 'ok', 'text')");
    }
END_TEST

START_TEST(the_level_weighs_a_failure)
    {
        static const struct {
            const char *level;
            enum verdict verdict;
        } cases[] = {{"MUST", VERDICT_FAIL},       {"MUST NOT", VERDICT_FAIL},
                     {"stated", VERDICT_FAIL},     {"SHOULD", VERDICT_WEAK},
                     {"SHOULD NOT", VERDICT_WEAK}, {"MAY", VERDICT_NOTED}};
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            run(cases[i].level, MOVES(SMTP_HELLO),
                "\nt:check(false, 'the first %s', 'one')\nt:check(false, 'the second') t:pass "
                "'never mind'");
            verdict_is(cases[i].verdict, "the first one");
            ck_assert_str_eq(result.where, "scenarios/test.lua:2");
        }
    }
END_TEST

START_TEST(pass_skip_and_fail_end_the_scenario)
    {
        run("MUST", MOVES("w"), "t:pass('because %d', 7) error 'no'");
        verdict_is(VERDICT_PASS, "because 7");
        run("MUST", MOVES("w"), "t:skip 'not here' error 'no'");
        verdict_is(VERDICT_SKIP, "not here");
        run("MUST", MOVES("w"), "\nt:fail('broken: %s', '\\r\\n') error 'no'");
        verdict_is(VERDICT_FAIL, "broken: \\r\\n");
        ck_assert_str_eq(result.where, "scenarios/test.lua:2");
        run("MUST", MOVES("w"), "t:smtp { service = 'lmtp' }");
        verdict_is(VERDICT_SKIP, "the target has no lmtp service");
        run("MUST", MOVES("w"), "t:equal({1, {2}}, {1, {3}}, 'a table')");
        verdict_is(VERDICT_FAIL, "a table: got {1, {2}}, want {1, {3}}");
    }
END_TEST

/* A caught failure is still a failure: pcall cannot turn a verdict. */
START_TEST(pcall_does_not_undo_a_failure)
    {
        fails(MOVES(SMTP_HELLO, "< NOOP", "> 500 no"),
              "local c = t:smtp() c:send 'NOOP' pcall(function() c:expect '250' end)",
              "expected 250 to NOOP");
    }
END_TEST

START_TEST(mistakes_of_the_script_are_errors_with_the_right_name)
    {
        static const struct {
            const char *body, *why;
        } cases[] = {
            {"\nt:smpt()", "the time line t has no \"smpt\"; did you mean \"smtp\"?"},
            {"local c = t:smtp()\nc:exepct '250'",
             "an SMTP connection has no \"exepct\"; did you mean \"expect\"?"},
            {"local c = t:smtp()\nc.sned = 1", "has no field \"sned\""},
            {"\nt:smtp { grete = false }",
             "t:smtp has no option \"grete\"; did you mean \"greet\"?"},
            {"\nt:smtp { greet = 1 }", "option \"greet\" of t:smtp is true or false, got number"},
            {"\nt:smtp { tls = 'startls' }", "did you mean \"starttls\"?"},
            {"local c = t:smtp()\nc:expect 'OK'", "\"OK\" is no pattern for SMTP"},
            {"local c = t:smtp()\nc:expect()", "at least one pattern"},
            {"local c = t:smtp()\nc:send(nil)", "send takes a string, got nil"},
            {"local c = t:smtp() c:close()\nc:send 'NOOP'", "c1 was closed by the script"},
            {"local x\nlocal y = x.z", "attempt to index a nil value (local 'x')"},
            {"\nerror 'boom'", "boom"},
            {"local c = t:smtp()\nlocal r = c.greeting.cod",
             "a reply of SMTP has no \"cod\"; did you mean \"code\"?"},
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            run("MAY", MOVES(SMTP_HELLO), cases[i].body);
            verdict_is(VERDICT_ERROR, cases[i].why);
            ck_assert_msg(strcmp(result.where, "scenarios/test.lua:2") == 0, "%s: %s",
                          cases[i].body, result.where);
            ck_assert_msg(strncmp(result.why, "scenarios", 9) != 0, "%s", result.why);
        }
    }
END_TEST

START_TEST(an_unreachable_target_is_a_dependency_in_words)
    {
        depends(MOVES("w"),
                "t._context.target.services.smtp = { host = '127.0.0.1', port = 1 } t:smtp()",
                "cannot reach smtp at 127.0.0.1:1: connection refused");
    }
END_TEST

START_TEST(a_failed_handshake_can_be_allowed)
    {
        passes(MOVES(SMTP_HELLO, "< STARTTLS", "> 220 go", "# 5", "> 500 that was no command", "x"),
               "local c = t:smtp() c:send 'STARTTLS' c:expect '220'\n"
               "local done, why = c:starttls { may_fail = true }\n"
               "t:check(done == false and #why > 0, 'a reason: %s', why) t:check(c:tls() == nil, "
               "'no facts')");
        fails(MOVES(SMTP_HELLO, "< STARTTLS", "> 220 go", "# 5", "> 500 no", "x"),
              "local c = t:smtp() c:send 'STARTTLS' c:expect '220' c:starttls()",
              "TLS with smtp: ");
    }
END_TEST

START_TEST(until_closed_and_history_give_bytes)
    {
        passes(MOVES(SMTP_HELLO, "<", "+ one\n", "p 20", "+ two", "x"),
               "local c = t:smtp() c:send 'X' t:equal(c:until_closed(), 'one\\ntwo', 'bytes')\n"
               "t:check(c:history():find('^220 mx.example ready\\r\\n') and c:history():find "
               "'two$', 'history')\n"
               "t:equal(c:ended(), 'fin', 'end')");
        fails(MOVES(SMTP_HELLO, "w"), "local c = t:smtp() c:until_closed(0.1)",
              "the server did not close the connection within 0.1 s");
    }
END_TEST

START_TEST(half_close_still_hears_the_answer)
    {
        passes(MOVES(SMTP_HELLO, "< NOOP", "w", "> 250 heard the end"),
               "local c = t:smtp() c:send 'NOOP' c:shutdown() t:equal(c:expect '250'.text, 'heard "
               "the end', 'text')");
    }
END_TEST

/* ---- TLS ---- */

#define SMTP_TLS                                                                                   \
    "> 220 mx.example ready", "< EHLO", "> 250-mx.example", "> 250-SIZE 1000", "> 250 STARTTLS",   \
        "< STARTTLS", "> 220 go"

START_TEST(secure_says_ehlo_again_and_forgets_the_old_answer)
    {
        passes(MOVES(SMTP_TLS, "t", "< EHLO", "> 250-mx.example", "> 250 AUTH PLAIN", "< NOOP",
                     "> 250 ok"),
               "local c = t:smtp { tls = 'starttls' }\n"
               "t:check(not c:has 'SIZE' and not c:has 'STARTTLS' and c:has 'AUTH=PLAIN', "
               "'capabilities')\n"
               "local facts = c:tls()\n"
               "t:equal(facts.version, 'TLSv1.3', 'version') t:equal(facts.early_plaintext, '', "
               "'early')\n"
               "t:check(facts.chain_ok and facts.name_ok, 'trusted') t:equal(facts.sni, "
               "'localhost', 'SNI')\n"
               "c:send 'NOOP' c:expect '250'");
        ck_assert_int_eq(count("tls"), 1);
        ck_assert_int_ge(count("keylog"), 2);
    }
END_TEST

/* What came in clear behind the agreement is kept apart from what comes through TLS. */
START_TEST(early_plaintext_is_no_reply_inside_tls)
    {
        passes(MOVES("> 220 mx.example ready", "< EHLO", "> 250 STARTTLS", "< STARTTLS",
                     "+ 220 go\r\n250 too early\r\n", "t", "< NOOP", "> 250 inside"),
               "local c = t:smtp() c:send 'STARTTLS' c:expect '220' c:starttls()\n"
               "t:equal(c:tls().early_plaintext, '250 too early\\r\\n', 'early')\n"
               "c:send 'NOOP' t:equal(c:expect '250'.text, 'inside', 'reply')");
    }
END_TEST

START_TEST(a_certificate_that_is_wrong_counts_unless_allowed)
    {
        depends(MOVES("t", "w"), "t:imap { service = 'imaps', verify_name = 'elsewhere.example' }",
                "the certificate of imaps is not for elsewhere.example");
        depends(MOVES("t", "w"), "t._context.target.ca = nil t:imap { service = 'imaps' }",
                "the certificate of imaps is not trusted: ");
        ck_assert_msg(strstr(result.why, "(--ca FILE names the authority)") != NULL, "%s",
                      result.why);
        passes(MOVES("t", "> * OK hello"),
               "local c = t:imap { service = 'imaps', verify_name = 'elsewhere.example', verify = "
               "false }\n"
               "t:check(c:tls().chain_ok and not c:tls().name_ok, 'judged apart')");
        run("MUST", MOVES("t", "w"), "t:imap { service = 'imaps', min_version = 'TLSv9' }");
        verdict_is(VERDICT_ERROR, "no TLS version is called \"TLSv9\"");
    }
END_TEST

START_TEST(login_goes_through_tls_where_clear_is_forbidden)
    {
        passes(MOVES("> * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hello", "< A1 STARTTLS",
                     "> A1 OK go", "t", "< A2 CAPABILITY", "> * CAPABILITY IMAP4rev1 AUTH=PLAIN",
                     "> A2 OK", "< A3 LOGIN", "> A3 OK in"),
               "t:check(t:imap { login = true }:tls(), 'in TLS')");
        passes(MOVES("> +OK hello", "< CAPA", "> +OK", "> STLS", "> .", "< STLS", "> +OK", "t",
                     "< USER", "> +OK", "< PASS", "> +OK"),
               "t:check(t:pop3 { login = true }:tls(), 'in TLS')");
    }
END_TEST

START_TEST(a_goodbye_in_tls_is_told_from_a_cut)
    {
        passes(MOVES("t", "> * OK hello", "x"), "local c = t:imap { service = 'imaps' } c:expect "
                                                "'closed' t:equal(c:ended(), 'fin', 'end')");
    }
END_TEST

/* ---- SASL ---- */

START_TEST(auth_goes_through_the_steps)
    {
        passes(MOVES(SMTP_HELLO, "< AUTH PLAIN AGFubgBzZWNyZXQ=", "> 235 in"),
               "local c = t:smtp() t:check(c:auth():is '235', 'in')");
        passes(MOVES(SMTP_HELLO, "< AUTH PLAIN\r", "> 334 ", "< AGFubgBzZWNyZXQ=", "> 235 in",
                     "< NOOP", "> 250 ok"),
               "local c = t:smtp() t:check(c:auth{initial = false}:is '235', 'in') c:send 'NOOP' "
               "c:expect '250'");
        passes(MOVES(SMTP_HELLO, "< AUTH LOGIN\r", "> 334 VXNlcm5hbWU6", "< YW5u",
                     "> 334 UGFzc3dvcmQ6", "< c2VjcmV0", "> 535 no"),
               "local c = t:smtp() t:check(c:auth{mech = 'LOGIN'}:is '535', 'refused')");
    }
END_TEST

START_TEST(auth_can_be_tampered_with)
    {
        passes(MOVES(SMTP_HELLO, "< AUTH PLAIN AAAA", "> 535 no", "< AUTH PLAIN\r", "> 334 ", "< *",
                     "> 501 cancelled", "< AUTH PLAIN\r", "> 334 ", "< not base64!", "> 501 what",
                     "< AUTH PLAIN =", "> 535 empty"),
               "local c = t:smtp()\n"
               "t:check(c:auth{tamper = function() return '\\0\\0\\0' end}:is '535', 'zeros')\n"
               "t:check(c:auth{initial = false, tamper = function() return '*', true end}:is "
               "'501', 'cancel')\n"
               "local seen\n"
               "c:auth{initial = false, tamper = function(step, bytes, challenge)\n"
               "  seen = {step, bytes, challenge} return 'not base64!', true end}\n"
               "t:equal(seen, {0, '\\0ann\\0secret', ''}, 'what tamper got')\n"
               "c:auth{tamper = function() return '' end}");
    }
END_TEST

START_TEST(scram_is_held_to_its_signature)
    {
        /* "r=" with another nonce than ours: the client says so instead of going on. */
        fails(MOVES(SMTP_HELLO, "< AUTH SCRAM-SHA-1 biwsbj1hbm4scj1h",
                    "> 334 cj14eXoscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==", "< *", "> 501 cancelled"),
              "local c = t:smtp() c:auth{mech = 'SCRAM-SHA-1', nonce = 'a'}", "SCRAM-SHA-1: ");
        fails(MOVES(SMTP_HELLO, "< AUTH SCRAM-SHA-1 biwsbj1hbm4scj1h", "> 235 come in"),
              "local c = t:smtp() c:auth{mech = 'SCRAM-SHA-1', nonce = 'a'}",
              "accepted before the exchange was complete");
    }
END_TEST

/* ---- POP3 ---- */

START_TEST(pop3_knows_which_answers_have_lines)
    {
        passes(
            MOVES("> +OK ready", "< CAPA", "> +OK", "> TOP", "> SASL PLAIN LOGIN", "> .",
                  "< USER ann", "> +OK", "< PASS secret", "> +OK", "< STAT", "> +OK 1 7",
                  "< LIST\r", "> +OK 1 message", "> 1 7", "> .", "< LIST 1", "> +OK 1 7",
                  "< RETR 1", "> +OK", "> ..a", "> ", "> .", "< RETR 9",
                  "> -ERR [SYS/PERM] no such message", "< XTND", "> +OK", "> line", "> ."),
            "local c = t:pop3 { login = true }\n"
            "c:send 'STAT' t:equal(c:expect '+OK'.text, '1 7', 'STAT')\n"
            "c:send 'LIST' t:equal(c:expect '+OK'.lines, {'1 7'}, 'LIST')\n"
            "c:send 'LIST 1' t:equal(c:expect '+OK'.body, nil, 'LIST 1 has no lines')\n"
            "c:send 'RETR 1' local r = c:expect '+OK'\n"
            "t:equal(r.body, '.a\\r\\n\\r\\n', 'message') t:equal(r.lines, {'.a', ''}, 'lines')\n"
            "c:send 'RETR 9' r = c:expect('+OK', '-ERR')\n"
            "t:equal(r.code, 'SYS/PERM', 'code') t:check(r:is '-ERR [SYS/PERM]' and not r:is "
            "'+OK', 'is')\n"
            "c:send('XTND', { multiline = true }) t:equal(c:expect '+OK'.lines, {'line'}, "
            "'lines')\n");
    }
END_TEST

START_TEST(pop3_login_waits_for_the_lock_of_another_session)
    {
        passes(MOVES("> +OK ready", "< CAPA", "> -ERR", "< USER ann", "> +OK", "< PASS",
                     "> -ERR [IN-USE] locked", "< USER ann", "> +OK", "< PASS", "> +OK"),
               "t:pop3 { login = true }");
        depends(MOVES("> +OK ready", "< CAPA", "> -ERR", "< USER ann", "> +OK", "< PASS",
                      "> -ERR wrong"),
                "t:pop3 { login = true }", "login as \"ann\" refused by pop3 at 127.0.0.1:");
    }
END_TEST

START_TEST(delivered_looks_until_it_is_there)
    {
#define LOOK "> +OK ready", "< CAPA", "> -ERR", "< USER", "> +OK", "< PASS", "> +OK", "< STAT"
        passes(MOVES(LOOK, "> +OK 0 0", "< QUIT", "> +OK", "n", LOOK, "> +OK 1 9", "< RETR 1",
                     "> +OK", "> a m4rker", "> .", "< QUIT", "> +OK"),
               "local s = t._context.target.services s.imap, s.imaps = nil, nil\n"
               "local bytes, all = t:delivered(t.marker)\n"
               "t:equal(bytes, 'a m4rker\\r\\n', 'message') t:equal(#all, 1, 'messages')");
        depends(
            MOVES(LOOK, "> +OK 0 0", "< QUIT", "> +OK", "n", LOOK, "> +OK 0 0", "< QUIT", "> +OK"),
            "local s = t._context.target.services s.imap, s.imaps = nil, nil t:delivered('m', { "
            "seconds = 0.005 })",
            "no message with \"m\" in the INBOX of ann within 0.005 s (0 other messages)");
    }
END_TEST

/* ---- IMAP ---- */

#define IMAP_LOGIN                                                                                 \
    "> * OK [CAPABILITY IMAP4rev1 LITERAL+] ready", "< A1 LOGIN \"ann\" \"secret\"", "> A1 OK in"
#define IMAP_SELECT                                                                                \
    IMAP_LOGIN, "< A2 SELECT \"INBOX\"", "> * 2 EXISTS", "> A2 OK [READ-WRITE] there"

START_TEST(imap_collects_what_comes_before_the_completion)
    {
        passes(MOVES(IMAP_SELECT, "< A3 FETCH", "> * 1 FETCH (UID 7 FLAGS (\\Seen $Junk))",
                     "+ * 1 FETCH (BODY[] {3}\r\na", "> \r\n)", "> * 2 EXPUNGE",
                     "> A3 OK [UIDNEXT 9] done"),
               "local c = t:imap { select = 'INBOX' }\n"
               "t:equal(c.selected.code, 'READ-WRITE', 'code')\n"
               "t:equal(c:send 'FETCH 1:* (UID)', 'A3', 'tag')\n"
               "local r = c:expect('OK', 'NO')\n"
               "t:equal(r:count 'EXPUNGE', 1, 'EXPUNGE') t:equal(#r:all 'fetch', 2, 'FETCH')\n"
               "local item = r:fetch(1)\n"
               "t:equal(item.UID, 7, 'UID') t:equal(item['BODY[]'], 'a\\r\\n', 'BODY[]')\n"
               "t:check(item.FLAGS['\\\\seen'] and not item.FLAGS['\\\\Deleted'] and #item.FLAGS "
               "== 2, 'flags')\n"
               "t:equal(r:fetch(2), nil, 'message 2')\n"
               "t:equal(r:find_code 'UIDNEXT', {9}, 'UIDNEXT') t:equal(r.code_args[1], 9, "
               "'argument')\n"
               "t:check(r:is 'OK' and r:is 'OK [UIDNEXT]' and not r:is 'NO', 'is')\n"
               "t:equal(r:one 'EXPUNGE'.number, 2, 'number')\n"
               "t:equal(r:match{'* $n FETCH (UID $u FLAGS ($ ...))', '* $ EXPUNGE', none = {'* $ "
               "EXISTS'}}.u, 7, 'bound')");
        fails(MOVES(IMAP_LOGIN, "< A2", "> * 5 EXISTS", "> A2 OK"),
              "local c = t:imap{login = true} c:send 'NOOP' c:expect 'OK' :one 'RECENT'",
              "expected one untagged RECENT, got none");
        fails(MOVES(IMAP_LOGIN, "< A2", "> * 5 EXISTS", "> A2 OK done"),
              "local c = t:imap{login = true} c:send 'NOOP' c:expect 'OK' :match{'* 6 EXISTS'}",
              "6 EXISTS");
    }
END_TEST

START_TEST(imap_names_the_command_that_failed)
    {
        fails(MOVES(IMAP_SELECT, "< A3 STORE", "> A3 NO not allowed"),
              "local c = t:imap{select = 'INBOX'} c:send 'STORE 1 +FLAGS (x)' c:expect 'OK'",
              "expected OK to A3 STORE, got \"A3 NO not allowed\"");
        fails(MOVES(IMAP_SELECT, "< A3 NOOP", "> * BYE too long", "x"),
              "local c = t:imap{select = 'INBOX'} c:send 'NOOP' c:expect 'OK'",
              "after \"* BYE too long\"");
        fails(MOVES(IMAP_SELECT, "< A3 NOOP", "> + more"),
              "local c = t:imap{select = 'INBOX'} c:send 'NOOP' c:expect 'OK'",
              "expected OK to A3 NOOP, got \"+ more\"");
        depends(MOVES("> * OK hello", "< A1 CAPABILITY", "> * CAPABILITY IMAP4rev1", "> A1 OK",
                      "< A2 LOGIN", "> A2 NO [AUTHENTICATIONFAILED] wrong"),
                "t:imap { login = true }", "refused by imap at 127.0.0.1:");
        ck_assert_msg(strstr(result.why, ": NO [AUTHENTICATIONFAILED] wrong") != NULL, "%s",
                      result.why);
    }
END_TEST

START_TEST(imap_pipelined_commands_are_told_apart_by_tag)
    {
        passes(MOVES(IMAP_LOGIN, "< A2 NOOP", "< A3 CHECK", "< A4 STATUS", "> A3 OK check",
                     "> * 1 EXISTS", "> A2 NO noop", "> A4 BAD status"),
               "local c = t:imap{login = true} local a, b = c:send 'NOOP', c:send 'CHECK' c:send "
               "'STATUS'\n"
               "c:expect 'BAD' t:equal(c:expect_tag(a, 'NO'):count 'EXISTS', 1, 'EXISTS')\n"
               "t:equal(c:expect_tag(b, 'OK').text, 'check', 'text')");
    }
END_TEST

START_TEST(imap_literals_wait_for_the_go_ahead)
    {
        passes(MOVES(IMAP_LOGIN, "< A2 APPEND INBOX {3}", "> * 1 EXISTS", "> + go", "# 3", "<",
                     "> A2 OK done", "< A3 APPEND INBOX {3+}", "# 3", "<", "> A3 NO full",
                     "< A4 APPEND x {2}", "> A4 NO [TRYCREATE] none", "< A5 NOOP", "> A5 OK"),
               "local c = t:imap{login = true}\n"
               "c:command('APPEND INBOX ', {literal = 'abc'}) t:equal(c:expect 'OK':count "
               "'EXISTS', 1, 'EXISTS')\n"
               "c:command('APPEND INBOX ', {literal = 'abc', plus = true}) c:expect 'NO'\n"
               "c:command('APPEND x ', {literal = 'ab'}) c:expect 'NO [TRYCREATE]' c:send 'NOOP' "
               "c:expect 'OK'");
    }
END_TEST

START_TEST(imap_idle_hears_and_ends)
    {
        passes(
            MOVES(IMAP_SELECT, "< A3 IDLE", "> + idling", "> * 3 EXISTS", "> * 4 EXISTS",
                  "> * 1 RECENT", "< DONE", "> A3 OK idled", "< A4 NOOP", "> A4 OK"),
            "local c = t:imap{select = 'INBOX'} c:send 'IDLE' c:expect '+'\n"
            "t:equal(c:expect '* EXISTS'.number, 3, 'EXISTS') c:expect '* 4 EXISTS'\n"
            "t:equal(c:wait(1).status, 'RECENT', 'untagged') t:equal(c:wait(0.02), nil, "
            "'silence')\n"
            "t:equal(c:send 'DONE', nil, 'tag of DONE') c:expect 'OK' c:send 'NOOP' c:expect 'OK'");
    }
END_TEST

START_TEST(imap_raw_lines_and_untagged_patterns)
    {
        passes(MOVES("> * OK hello", "< x1 NOOP", "> x1 OK", "< ", "> * BAD what", "< A1 LOGOUT",
                     "> * BYE bye", "> A1 OK", "x"),
               "local c = t:imap() c:write 'x1 NOOP\\r\\n' c:expect 'OK' c:write '\\r\\n' c:expect "
               "'* BAD'\n"
               "c:send 'LOGOUT' c:expect 'BYE' c:expect 'OK' c:expect 'closed'");
        passes(MOVES("> * OK [ALERT] hello"), "local c = t:imap{greet = false} t:equal(c:expect('* "
                                              "OK', '* PREAUTH').code, 'ALERT', 'code')");
        depends(MOVES("> hello"), "t:imap()", "is no IMAP reply");
    }
END_TEST

START_TEST(imap_authenticates_without_initial_response)
    {
        passes(MOVES("> * OK hello", "< A1 CAPABILITY", "> * CAPABILITY IMAP4rev1 AUTH=PLAIN",
                     "> A1 OK", "< A2 AUTHENTICATE PLAIN\r", "> + ",
                     "< AGFubgBzZWNyZXQ=", "> A2 OK in"),
               "t:check(t:imap():auth():is 'OK', 'in')");
    }
END_TEST

START_TEST(nil_lists_and_numbers_keep_their_kinds)
    {
        passes(MOVES("> * OK hello", "< A1", "> * LIST (\\Noselect) NIL \"NIL\"",
                     "> * X ((1 \"2\") ())", "> A1 OK"),
               "local c = t:imap() c:send 'LIST \"\" *' local r = c:expect 'OK'\n"
               "local data = r:one 'LIST'.data\n"
               "t:check(data[2] == imap.NIL and data[3] == 'NIL', 'NIL and \"NIL\"')\n"
               "t:equal(r:one 'X'.data, {{{1, '2'}, {}}}, 'lists')");
    }
END_TEST

/* ---- helpers ---- */

START_TEST(helpers_of_messages_and_encodings)
    {
        passes(
            MOVES("w"),
            "t:equal(mime.base64 'ab', 'YWI=', 'base64') t:equal(mime.unbase64 'YWI=', 'ab', "
            "'unbase64')\n"
            "t:equal(mime.unbase64 'Y', nil, 'bad') t:equal(mime.unbase64 'YW=I', nil, 'bad')\n"
            "t:equal(mime.unbase64 '', '', 'empty') t:equal(mime.unbase64 'YQ==', 'a', 'one')\n"
            "t:equal(mime.digest('md5', ''), 'd41d8cd98f00b204e9800998ecf8427e', 'digest')\n"
            "t:equal(mime.base64(mime.hmac('md5', 'Jefe', 'what do ya want for nothing?')), "
            "'dQx4PmqwtQPqqG4xCl23OA==', 'hmac')\n"
            "t:equal(mime.base64(mime.pbkdf2('sha1', 'password', 'salt', 2)), "
            "'6mwBTcctb4zNHtkqzh1B8NjeiVc=', 'pbkdf2')\n"
            "t:equal(message.stuff '.a\\r\\n.\\r\\nb.\\n.c', '..a\\r\\n..\\r\\nb.\\n.c', 'stuff')\n"
            "local m = message.make { subject = 's', headers = {'X-A: 1\\r\\n 2'}, body = 'x\\ny' "
            "}\n"
            "t:equal(message.header(m, 'x-a'), '1 2', 'unfolded') t:equal(select(2, "
            "message.split(m)), 'x\\r\\ny', 'body')\n"
            "t:equal(imap.quote 'a\"b\\\\', '\"a\\\\\"b\\\\\\\\\"', 'quote') t:equal(imap.set "
            "'1:3,7', {1, 2, 3, 7}, 'set')\n"
            "local a = t:random(1, 6) t:check(a >= 1 and a <= 6, 'dice')\n"
            "t:record('a choice', {1, x = 2})");
        ck_assert_int_eq(count("record"), 1);
    }
END_TEST

START_TEST(prepare_fills_an_inbox_over_imap)
    {
        passes(MOVES(IMAP_LOGIN, "< A2 SELECT INBOX", "> * 2 EXISTS", "> A2 OK", "< A3 STORE 1:*",
                     "> A3 OK", "< A4 EXPUNGE", "> A4 OK", "< A5 CLOSE", "> A5 OK",
                     "< A6 CAPABILITY", "> * CAPABILITY IMAP4rev1", "> A6 OK",
                     "< A7 APPEND INBOX {5}", "> +", "# 5", "<", "> A7 OK", "< A8 LOGOUT",
                     "> A8 OK"),
               "require 'prepare'.fill(t._context, {'a: b\\n'})");
        passes(MOVES("> * OK hello", "< A1 CAPABILITY", "> * CAPABILITY IMAP4rev1", "> A1 OK",
                     "< A2 LOGIN", "> A2 NO wrong"),
               "local ok, why = pcall(require 'prepare'.clear, t._context)\n"
               "t:check(type(why) == 'string' and why:find '^login as \"ann\" refused by imap at', "
               "'%s', why)");
    }
END_TEST

/* Only what carries the marker goes, and nothing is looked for unless the scenario asked for it. */
START_TEST(prepare_tidies_what_the_scenario_marked)
    {
        passes(MOVES("w"), "require 'prepare'.tidy(t._context)");
        ck_assert_int_eq(count("conn"), 0);
        passes(MOVES(IMAP_LOGIN, "< A2 SELECT INBOX", "> A2 OK", "< A3 UID SEARCH TEXT m4rker",
                     "> * SEARCH 4 9", "> A3 OK", "< A4 UID STORE 4,9 +FLAGS.SILENT (\\Deleted)",
                     "> A4 OK", "< A5 CAPABILITY", "> * CAPABILITY IMAP4rev1 UIDPLUS LITERAL+",
                     "> A5 OK", "< A6 UID EXPUNGE 4,9", "> A6 OK", "< A7 UNSELECT", "> A7 OK",
                     "< A8 LIST \"\" \"*m4rker*\"", "> * LIST () \"/\" m4rker",
                     "> * LIST () \"/\" m4rker/below", "> A8 OK", "< A9 DELETE {12+}",
                     "< m4rker/below", "> A9 OK", "< A10 DELETE {6+}", "< m4rker", "> A10 OK",
                     "< A11 LSUB", "> A11 OK", "< A12 LOGOUT", "> A12 OK"),
               "t:check(t.marker == 'm4rker', 'marker') require 'prepare'.tidy(t._context)");
    }
END_TEST

START_TEST(prepare_probes_what_a_service_can)
    {
        passes(MOVES("> * OK hello", "< A1 CAPABILITY", "> * CAPABILITY IMAP4rev1 IDLE", "> A1 OK",
                     "< A2 LOGIN", "> A2 OK", "< A3 CAPABILITY", "> * CAPABILITY IMAP4rev1 MOVE",
                     "> A3 OK", "< A4 LOGOUT", "> * BYE", "> A4 OK"),
               "local found = require 'prepare'.probe(t._context, 'imap')\n"
               "t:check(found.clear.IDLE and not found.tls and found.login.MOVE, 'found')");
        passes(MOVES("w"),
               "t._context.target.services.imap = { host = '127.0.0.1', port = 1 }\n"
               "local ok, why = pcall(require 'prepare'.probe, t._context, 'imap')\n"
               "t:equal(why, 'cannot reach imap at 127.0.0.1:1: connection refused', 'sentence')");
    }
END_TEST

START_TEST(broken_replies_reach_lint)
    {
        run("MUST", MOVES(SMTP_HELLO, "< NOOP", "+ 250 ok\n"),
            "local c = t:smtp() c:send 'NOOP' c:expect '250'");
        verdict_is(VERDICT_PASS, "");
        size_t i, broken = 0;
        json_t *e;
        json_array_foreach (events, i, e)
            broken += strcmp(json_string_value(json_object_get(e, "ev")), "lint") == 0 &&
                      json_is_false(json_object_get(e, "ok"));
        ck_assert_msg(broken >= 1, "a bare LF went unnoticed");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("script");
    TCase *tc = tcase_create("language");
    tcase_add_unchecked_fixture(tc, make_identity, drop_identity);
    tcase_add_checked_fixture(tc, open_language, close_language);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, smtp_opens_with_greeting_and_ehlo);
    tcase_add_test(tc, smtp_wrong_reply_names_command_and_line);
    tcase_add_test(tc, smtp_pipelined_replies_keep_their_commands);
    tcase_add_test(tc, smtp_mail_stuffs_dots);
    tcase_add_test(tc, smtp_text_behind_data_is_no_command);
    tcase_add_test(tc, smtp_refused_data_makes_the_rest_commands);
    tcase_add_test(tc, write_sends_pieces_with_pauses);
    tcase_add_test(tc, closed_is_an_answer_when_asked_for);
    tcase_add_test(tc, silence_and_nonsense_have_their_sentences);
    tcase_add_test(tc, wait_gives_nil_in_silence_and_goes_on_in_the_middle);
    tcase_add_test(tc, the_level_weighs_a_failure);
    tcase_add_test(tc, pass_skip_and_fail_end_the_scenario);
    tcase_add_test(tc, pcall_does_not_undo_a_failure);
    tcase_add_test(tc, mistakes_of_the_script_are_errors_with_the_right_name);
    tcase_add_test(tc, an_unreachable_target_is_a_dependency_in_words);
    tcase_add_test(tc, a_failed_handshake_can_be_allowed);
    tcase_add_test(tc, until_closed_and_history_give_bytes);
    tcase_add_test(tc, half_close_still_hears_the_answer);
    tcase_add_test(tc, secure_says_ehlo_again_and_forgets_the_old_answer);
    tcase_add_test(tc, early_plaintext_is_no_reply_inside_tls);
    tcase_add_test(tc, a_certificate_that_is_wrong_counts_unless_allowed);
    tcase_add_test(tc, login_goes_through_tls_where_clear_is_forbidden);
    tcase_add_test(tc, a_goodbye_in_tls_is_told_from_a_cut);
    tcase_add_test(tc, auth_goes_through_the_steps);
    tcase_add_test(tc, auth_can_be_tampered_with);
    tcase_add_test(tc, scram_is_held_to_its_signature);
    tcase_add_test(tc, pop3_knows_which_answers_have_lines);
    tcase_add_test(tc, pop3_login_waits_for_the_lock_of_another_session);
    tcase_add_test(tc, delivered_looks_until_it_is_there);
    tcase_add_test(tc, imap_collects_what_comes_before_the_completion);
    tcase_add_test(tc, imap_names_the_command_that_failed);
    tcase_add_test(tc, imap_pipelined_commands_are_told_apart_by_tag);
    tcase_add_test(tc, imap_literals_wait_for_the_go_ahead);
    tcase_add_test(tc, imap_idle_hears_and_ends);
    tcase_add_test(tc, imap_raw_lines_and_untagged_patterns);
    tcase_add_test(tc, imap_authenticates_without_initial_response);
    tcase_add_test(tc, nil_lists_and_numbers_keep_their_kinds);
    tcase_add_test(tc, helpers_of_messages_and_encodings);
    tcase_add_test(tc, prepare_fills_an_inbox_over_imap);
    tcase_add_test(tc, prepare_tidies_what_the_scenario_marked);
    tcase_add_test(tc, prepare_probes_what_a_service_can);
    tcase_add_test(tc, broken_replies_reach_lint);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
