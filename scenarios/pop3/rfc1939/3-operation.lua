-- Commands and responses of POP3. RFC 1939, 3 and 4.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "greeting-is-one-positive-line",
  title   = "The greeting comes unasked: one line with +OK",
  proves  = { "rfc1939-i-3-1", "rfc1939-i-4-1" },
  says    = [[The server speaks first, with one line that begins with +OK.]],
  why     = [[A client waits for it before it says anything; anything else means: not ready.]],
  catches = { "pop3-greeting-not-ok", "pop3-no-greeting", "pop3-quit-before-login" },
  users   = 0,
  run = function(t)
    local c = t:pop3 { greet = false }
    local r = c:reply()
    t:check(r:is "+OK", "greets with %s", r)
    c:send "QUIT"
    c:expect "+OK"
    c:expect "closed"
    local _, lines = c:history():gsub("\r\n", "")
    t:equal(lines, 2, "lines of greeting and reply to QUIT")
  end,
}

scenario {
  name    = "nothing-before-login",
  title   = "Maildrop commands before login get -ERR",
  proves  = { "rfc1939-3-4", "rfc1939-3-6", "rfc1939-i-3-5", "rfc1939-5/LIST-2", "rfc1939-5/RETR-2", "rfc1939-5/DELE-2",
    "rfc1939-5/NOOP-1", "rfc1939-5/RSET-1", "rfc1939-5/STAT-1" },
  says    = [[STAT, LIST, RETR, DELE, NOOP and RSET are refused until somebody has logged in.]],
  why     = [[Mail is somebody's; before login the server does not know whose.]],
  catches = { "pop3-noop-before-login", "pop3-stat-before-login" },
  users   = 0,
  run = function(t)
    for _, command in ipairs { "STAT", "LIST 1", "RETR 1", "DELE 1", "NOOP", "RSET" } do
      local c = t:pop3() -- a new one each time: servers hang up on a client that errs too often
      c:send(command, { multiline = false })
      local r = c:reply()
      t:check(r:is "-ERR", "%s before login got %s", command, r)
    end
  end,
}

scenario {
  name    = "unknown-and-malformed",
  title   = "Unknown and malformed commands get -ERR, and the session goes on",
  proves  = { "rfc1939-3-5", "rfc1939-i-5-1", "rfc1939-5/LIST-x2", "rfc1939-5/RETR-x1", "rfc1939-5/DELE-x3" },
  says    = [[A verb that does not exist, an argument that is missing or no number, a message number that nobody has:
              each gets one -ERR.]],
  why     = [[A server that guesses may delete the wrong message; one that hangs up loses the session's marks.]],
  messages = { "plain" },
  catches = { "pop3-unknown-command-ok", "pop3-zero-is-first", "pop3-stat-form", "pop3-missing-number-is-first" },
  run = function(t)
    local c = t:pop3 { login = true }
    for _, command in ipairs { "FLURB", "RETR", "RETR x", "RETR 0", "RETR 2", "DELE", "DELE 0", "DELE 99", "LIST 0",
      "LIST 99" } do
      c:send(command, { multiline = false })
      local r = c:reply()
      t:check(r:is "-ERR", "%s got %s", command, r)
    end
    c:send "STAT"
    t:check(c:reply().text:match "^1 %d+", "after refused commands STAT no longer counts one message")
  end,
}

scenario {
  name    = "any-case-any-segments",
  title   = "Keywords are matched in any case, and a command may come in pieces",
  proves  = { "rfc1939-3-x1", "rfc1939-3-x3" },
  says    = [[sTaT is STAT, and nothing happens before CR LF has come, however the bytes are cut.]],
  why     = [[TCP cuts where it likes; a server that takes one read for one command fails under load only.]],
  messages = 0,
  catches = { "pop3-verbs-case-sensitive", "pop3-segment-is-line" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "sTaT"
    local r = c:reply()
    t:check(r:is "+OK", "sTaT got %s", r)
    c:write { "NO", 0.02, "OP\r", 0.02, "\n" }
    r = c:reply()
    t:check(r:is "+OK", "NOOP in three pieces got %s", r)
    c:write { "ST", 0.02, "AT\r\n" }
    r = c:reply()
    t:check(r:is "+OK", "STAT in two pieces got %s", r)
  end,
}
