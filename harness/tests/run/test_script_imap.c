/* The scenario language in IMAP: replies put together, literals, what delivered does.
 * SPDX-License-Identifier: MIT */
#include "run/script_case.h"

/* Courier does not tell at NOOP what came in the second of its last look. */
START_TEST(delivered_opens_anew_where_noop_tells_nothing)
    {
        passes(MOVES("> * OK [CAPABILITY IMAP4rev1] ready", "< A1 LOGIN", "> A1 OK",
                     "< A2 EXAMINE \"INBOX\"", "> * 0 EXISTS", "> A2 OK", "< A3 NOOP", "> A3 OK",
                     "< A4 NOOP", "> A4 OK", "< A5 NOOP", "> A5 OK", "< A6 NOOP", "> A6 OK",
                     "< A7 NOOP", "> A7 OK", "< A8 NOOP", "> A8 OK", "< A9 NOOP", "> A9 OK",
                     "< A10 EXAMINE INBOX", "> * 1 EXISTS", "> A10 OK", "< A11 FETCH 1:1",
                     "> * 1 FETCH (BODY[] {8}", "+ a m4rker", "> )", "> A11 OK", "< A12 LOGOUT",
                     "> A12 OK"),
               "t:equal(t:delivered(t.marker), 'a m4rker', 'message')");
    }
END_TEST

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

/* "a1 OK" or "A99 OK" completes nothing that was asked. */
START_TEST(imap_completion_with_a_tag_of_nobody_is_none)
    {
        fails(MOVES(IMAP_LOGIN, "< A2 NOOP", "> a2 OK done"),
              "local c = t:imap { login = true } c:send 'NOOP' c:expect 'OK'",
              "expected OK to A2 NOOP, got \"a2 OK done\"");
        fails(MOVES(IMAP_LOGIN, "< w1 NOOP", "> W1 OK done"),
              "local c = t:imap { login = true } c:write 'w1 NOOP\\r\\n' c:expect_tag('w1', 'OK')",
              "expected OK to w1 NOOP, got \"W1 OK done\"");
        fails(MOVES(IMAP_LOGIN, "< A2 NOOP", "> A2 OK done", "> A2 OK again", "< A3", "> A3 OK"),
              "local c = t:imap { login = true } c:send 'NOOP' c:expect 'OK' c:send 'NOOP' "
              "c:expect 'OK'",
              "expected OK to A3 NOOP, got \"A2 OK again\"");
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

static void add(TCase *tc)
{
    tcase_add_test(tc, delivered_opens_anew_where_noop_tells_nothing);
    tcase_add_test(tc, imap_collects_what_comes_before_the_completion);
    tcase_add_test(tc, imap_names_the_command_that_failed);
    tcase_add_test(tc, imap_completion_with_a_tag_of_nobody_is_none);
    tcase_add_test(tc, imap_pipelined_commands_are_told_apart_by_tag);
    tcase_add_test(tc, imap_literals_wait_for_the_go_ahead);
    tcase_add_test(tc, imap_idle_hears_and_ends);
    tcase_add_test(tc, imap_raw_lines_and_untagged_patterns);
    tcase_add_test(tc, imap_authenticates_without_initial_response);
    tcase_add_test(tc, nil_lists_and_numbers_keep_their_kinds);
    tcase_add_test(tc, prepare_fills_an_inbox_over_imap);
    tcase_add_test(tc, prepare_tidies_what_the_scenario_marked);
}

int main(void)
{
    return script_main("script_imap", add);
}
