-- Login and the lock. RFC 1939, 4 and 7.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "right-and-wrong-password",
  title   = "PASS judges name and password together",
  proves  = { "rfc1939-7/PASS-2", "rfc1939-4-x6", "rfc1939-i-3-6", "rfc1939-4-2" },
  says    = [[The right pair gets +OK and opens the maildrop; a wrong password or an unknown name gets -ERR, and the
              next try on the same connection may succeed.]],
  why     = [[It is the door of the house.]],
  catches = { "pop3-any-password" },
  run = function(t)
    local c = t:pop3()
    if not c:has "USER" and not c:capabilities().USER and c:has "STLS" then c:secure() end
    c:send("USER " .. t.user.name)
    c:expect "+OK"
    c:send "PASS not-the-password"
    local r = c:expect("+OK", "-ERR", "closed")
    t:check(not r:is "+OK", "a wrong password got %s", r)
    if r:is "+OK" then return end
    if r:is "closed" then return t:pass "hangs up after a wrong password" end
    c:send("USER " .. t.user.name)
    r = c:expect("+OK", "-ERR", "closed")
    if r:is "closed" then return t:pass "hangs up after a wrong password" end
    c:send("PASS " .. t.user.password)
    r = c:reply()
    t:check(r:is "+OK", "the right password after a wrong one got %s", r)
    c:send "STAT"
    t:check(c:reply():is "+OK", "STAT after login was refused")
  end,
}

scenario {
  name    = "pass-needs-user",
  title   = "PASS without USER gets -ERR, and so does USER after login",
  proves  = { "rfc1939-7/PASS-1", "rfc1939-7/USER-1" },
  says    = [[PASS is taken only behind a USER that got +OK; once logged in neither is.]],
  why     = [[A password that is taken for the name of an earlier attempt opens the wrong maildrop.]],
  catches = { "pop3-user-after-login", "pop3-pass-without-user" },
  run = function(t)
    local c = t:pop3()
    c:send("PASS " .. t.user.password)
    local r = c:reply()
    t:check(r:is "-ERR", "PASS without USER got %s", r)
    local d = t:pop3 { login = true }
    d:send("USER " .. t.user.name)
    r = d:reply()
    t:check(r:is "-ERR", "USER after login got %s", r)
  end,
}

scenario {
  name    = "maildrop-is-locked",
  title   = "A second login does not disturb the first, and after QUIT the lock is free",
  proves  = { "rfc1939-4-3", "rfc1939-i-4-3", "rfc1939-i-6/QUIT-2" },
  level   = "SHOULD",
  says    = [[While one session has the maildrop, another one with the right password is refused; after QUIT it
              gets in at once.]],
  why     = [[Message numbers and sizes are promises for the length of a session. A second session that deletes
              breaks those of the first.]],
  messages = { "plain" },
  catches = { "pop3-no-lock", "pop3-quit-keeps-lock" },
  run = function(t)
    local first = t:pop3 { login = true }
    first:send "STAT"
    first:expect "+OK"
    local second = t:pop3()
    if not second:has "USER" and second:has "STLS" then second:secure() end
    second:send("USER " .. t.user.name)
    local r = second:expect("+OK", "-ERR")
    if r:is "+OK" then
      second:send("PASS " .. t.user.password)
      r = second:expect("+OK", "-ERR", "closed")
    end
    t:check(not r:is "+OK", "a second session opened the maildrop that the first one holds")
    first:send "QUIT"
    first:expect "+OK"
    first:expect "closed"
    local third = t:pop3()
    if not third:has "USER" and third:has "STLS" then third:secure() end
    third:send("USER " .. t.user.name)
    third:expect "+OK"
    third:send("PASS " .. t.user.password)
    r = third:expect("+OK", "-ERR", "closed")
    t:check(r:is "+OK", "after QUIT the maildrop was not free: %s", r)
  end,
}
