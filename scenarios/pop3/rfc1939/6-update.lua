-- When deletion happens. RFC 1939, 6.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "quit-deletes",
  title   = "QUIT removes the marked messages and no others",
  proves  = { "rfc1939-i-6/QUIT-1", "rfc1939-6/QUIT-2", "rfc1939-i-3-8" },
  says    = [[After DELE and QUIT the next session has the other messages and not the marked one.]],
  why     = [[A message that stays is downloaded twice; one too many that goes is lost.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "pop3-quit-deletes-nothing", "pop3-quit-deletes-all", "pop3-uidl-per-session" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "UIDL"
    local before = c:expect "+OK"
    c:send "DELE 2"
    c:expect "+OK"
    c:send "QUIT"
    c:expect "+OK"
    c:expect "closed"
    local d = t:pop3 { login = true }
    d:send "UIDL"
    local after = d:expect "+OK"
    t:equal(#after.lines, 2, "messages after QUIT")
    local function id(line) return (line or ""):match " (.+)$" end
    t:equal(id(after.lines[1]), id(before.lines[1]), "unique-id of the first message left")
    t:equal(id(after.lines[2]), id(before.lines[3]), "unique-id of the second message left")
  end,
}

scenario {
  name    = "no-deletion-without-quit",
  title   = "A session that is cut off deletes nothing",
  proves  = { "rfc1939-6-1", "rfc1939-5/DELE-x2", "rfc1939-4-x3" },
  says    = [[When the connection ends without QUIT the marked messages stay, and nothing is marked in the next
              session.]],
  why     = [[The client may not have saved what it downloaded: it marks first and confirms with QUIT when all is
              safe.]],
  messages = { "plain", "dots" },
  catches = { "pop3-dele-at-disconnect", "pop3-dele-at-once" },
  run = function(t)
    for _, how in ipairs { "close", "reset" } do
      local c = t:pop3 { login = true }
      c:send "DELE 1"
      c:expect "+OK"
      if how == "reset" then
        c:reset()
      else
        c:shutdown()
        c:until_closed(10)
      end
    end
    local d = t:pop3()
    if not d:has "USER" and d:has "STLS" then d:secure() end
    local r
    for _ = 1, 50 do -- a server may need a moment to notice the reset and to free the lock
      d:send("USER " .. t.user.name)
      d:expect "+OK"
      d:send("PASS " .. t.user.password)
      r = d:expect("+OK", "-ERR", "closed")
      if r:is "+OK" then break end
      if r:is "closed" then d = t:pop3() end
      t:pause(0.1)
    end
    t:check(r:is "+OK", "5 s after the connection broke the maildrop is still locked: %s", r)
    d:send "STAT"
    local stat = d:expect "+OK"
    t:check(stat.text:match "^2 ", "messages were deleted without QUIT: STAT says %s", stat)
  end,
}
