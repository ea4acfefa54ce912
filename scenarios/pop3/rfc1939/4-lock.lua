-- Ends before there was a login, and the lock. RFC 1939, 4.
-- SPDX-License-Identifier: MIT

-- The reply to a login by USER and PASS on a connection of its own.
local function login(t, password)
  local c = t:pop3()
  if not c:has "USER" and c:has "STLS" then c:secure() end
  c:send("USER " .. t.user.name)
  local r = c:expect("+OK", "-ERR", "closed")
  if r:is "+OK" then
    c:send("PASS " .. password)
    r = c:expect("+OK", "-ERR", "closed")
  end
  return r, c
end

scenario {
  name    = "quit-before-login",
  title   = "QUIT before login gets +OK, ends the connection and removes nothing",
  proves  = { "rfc1939-4-x4", "rfc1939-6-x1" },
  says    = [[Whoever has not logged in may leave politely, too.]],
  why     = [[Monitors connect and leave; they are told -ERR otherwise and call it an outage.]],
  messages = { "plain" },
  catches = "pop3-quit-before-login",
  run = function(t)
    local c = t:pop3()
    c:send("USER " .. t.user.name)
    c:expect("+OK", "-ERR")
    c:send "QUIT"
    local r = c:reply()
    t:check(r:is "+OK", "QUIT before login got %s", r)
    if not r:is "+OK" then return end
    c:expect "closed"
    local d = t:pop3 { login = true }
    d:send "STAT"
    t:check(d:expect "+OK".text:match "^1 ", "QUIT before login has removed a message")
  end,
}

scenario {
  name    = "failed-login-holds-no-lock",
  title   = "A session whose login failed does not keep others out",
  proves  = "rfc1939-4-4",
  says    = [[After -ERR to a login the maildrop is free, although that connection is still open.]],
  why     = [[Anyone who knows a name could lock its owner out.]],
  messages = 0,
  catches = { "pop3-failed-login-locks", "pop3-any-password" },
  run = function(t)
    local r = login(t, "not-the-password") -- and stays
    t:check(not r:is "+OK", "a wrong password got %s", r)
    r = login(t, t.user.password)
    t:check(r:is "+OK", "while a session with a wrong password is open the owner got %s", r)
  end,
}

scenario {
  name    = "lock-ends-with-the-connection",
  title   = "A maildrop whose session was cut off can be opened again, and nothing is lost",
  proves  = { "rfc1939-6-x2", "rfc1939-6-1" },
  says    = [[When the connection ends in the middle of RETR the lock goes with it, within seconds, and every message is
              still there.]],
  why     = [[Telephones lose their connection all the time; a lock that stays keeps the mail from its owner.]],
  messages = { "plain", "dots" },
  catches = "pop3-disconnect-keeps-lock",
  run = function(t)
    t:deliver(message.make { subject = "large", body = (("y"):rep(70) .. "\r\n"):rep(15000) })
    local c = t:pop3 { login = true }
    c:send "STAT"
    local before = c:expect "+OK".text:match "^%d+" -- an mbox may grow by what the server notes in it
    c:write "RETR 1\r\nRETR 2\r\nRETR 3\r\n"
    c:reset()
    local r, d
    for _ = 1, 30 do -- a server may need a moment to notice
      r, d = login(t, t.user.password)
      if r:is "+OK" then break end
      d:close()
      t:pause(0.1)
    end
    t:check(r:is "+OK", "3 s after the connection broke the maildrop is still locked: %s", r)
    if not r:is "+OK" then return end
    d:send "STAT"
    t:equal(d:expect "+OK".text:match "^%d+", before, "messages after a session that was cut off in RETR")
  end,
}

scenario {
  name    = "apop-only-before-login",
  title   = "APOP after login is refused, and so it is without a timestamp in the greeting",
  proves  = { "rfc1939-7/APOP-1", "rfc1939-7/APOP-x1" },
  says    = [[APOP belongs to the AUTHORIZATION state; a greeting without a timestamp says that there is no APOP.]],
  why     = [[The session would change its owner in the middle of his mail.]],
  messages = 0,
  catches = "pop3-apop-after-login",
  run = function(t)
    local c = t:pop3 { login = true }
    local stamp = c.greeting.raw:match "<[^<>%s]+@[^<>%s]+>"
    c:send("APOP " .. t.user.name .. " " .. mime.digest("md5", (stamp or "") .. t.user.password))
    local r = c:reply()
    t:check(r:is "-ERR", "APOP after login got %s", r)
    if not stamp then
      local d = t:pop3()
      d:send("APOP " .. t.user.name .. " " .. mime.digest("md5", t.user.password))
      r = d:reply()
      t:check(not r:is "+OK", "APOP without a timestamp got %s", r)
    end
  end,
}
