-- The idle timer. RFC 1939, 3.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "ten-minutes-at-least",
  title   = "A session that is silent for almost ten minutes goes on, and each command starts the time anew",
  proves  = { "rfc1939-3-8", "rfc1939-3-9" },
  says    = [[Whatever timer the server has is ten minutes or longer, and starts from zero at every command.]],
  why     = [[A client that asks its user in between loses the session, and its marks with it.]],
  messages = { "plain" },
  needs_control = true,
  catches = { "pop3-timeout-short", "pop3-timeout-not-reset", "pop3-stat-counts-deleted" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "DELE 1"
    c:expect "+OK"
    for round = 1, 4 do
      t:control { ["do"] = "advance", seconds = 595 }
      c:send "STAT"
      local r = c:expect("+OK", "-ERR", "closed")
      t:check(r:is "+OK" and r.text:match "^0 ", "after %d times 595 s the session got %s", round, r)
      if not r:is "+OK" then return end
    end
  end,
}

scenario {
  name    = "ends-without-deleting",
  title   = "At the idle time-out the server hangs up without a word and removes nothing",
  proves  = { "rfc1939-3-10", "rfc1939-3-7" },
  says    = [[A session that was silent too long is closed; no reply is sent, what was marked stays, and the lock is
              free.]],
  why     = [[The client never confirmed with QUIT that it has saved what it marked; and a line that nobody asked for is
              taken for the reply to its next command.]],
  messages = { "plain", "dots" },
  needs_control = true,
  catches = { "pop3-timeout-deletes", "pop3-timeout-speaks", "pop3-dele-at-once", "pop3-dele-at-disconnect" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "DELE 1"
    c:expect "+OK"
    t:control { ["do"] = "advance", seconds = 86400 }
    local r = c:wait(2)
    if not r then return t:pass "the server has no idle timer" end
    t:check(r:is "closed", "at the time-out the server wrote %s", r)
    local d = t:pop3 { login = true }
    d:send "STAT"
    r = d:expect "+OK"
    t:check(r.text:match "^2 ", "the time-out carried out the marks: STAT says %s", r)
  end,
}
