/* The scenario language against servers that play a given part: what a script says, and what
 * verdict and sentence come of the answers. SPDX-License-Identifier: MIT */
#include "run/script_case.h"

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

/* Only what carries the marker goes, and nothing is looked for unless the scenario asked for it. */
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

static void add(TCase *tc)
{
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
    tcase_add_test(tc, helpers_of_messages_and_encodings);
    tcase_add_test(tc, prepare_probes_what_a_service_can);
    tcase_add_test(tc, broken_replies_reach_lint);
}

int main(void)
{
    return script_main("script", add);
}
