-- AUTH of POP3. RFC 5034, 4.
-- SPDX-License-Identifier: MIT

-- A connection on which AUTH PLAIN may be tried, inside TLS if that is on offer.
local function ready(t)
  local c = t:pop3()
  if c:has "STLS" then c:secure() end
  if not c:has "AUTH=PLAIN" then t:skip "CAPA does not list SASL PLAIN" end
  return c
end

scenario {
  name    = "plain-with-and-without-initial-response",
  title   = "AUTH PLAIN logs in, with an initial response and after an empty challenge",
  proves  = { "rfc5034-4-7", "rfc5034-4-8", "rfc5034-i-4-5", "rfc5034-4-x1", "rfc2449-6.3-x2" },
  says    = [[Without initial response the server sends "+ " and nothing else; the right password gets +OK and opens the
              maildrop either way.]],
  why     = [[Clients decode what stands behind the plus sign: a kind word there breaks the login.]],
  messages = 0,
  catches = { "pop3-auth-challenge-has-text", "pop3-auth-no-initial-response", "pop3-auth-bare-plus" },
  tags    = { "auth" },
  run = function(t)
    local plain = mime.base64("\0" .. t.user.name .. "\0" .. t.user.password)
    local c = ready(t)
    c:send "AUTH PLAIN"
    local r = c:expect "+"
    t:equal(r.raw, "+ \r\n", "the empty challenge")
    c:send(plain)
    r = c:reply()
    t:check(r:is "+OK", "the right password got %s", r)
    c:send "STAT"
    t:check(c:reply():is "+OK", "STAT after AUTH was refused")
    c:send "QUIT"
    c:expect "+OK"
    c:expect "closed"
    local d = ready(t)
    d:send("AUTH PLAIN " .. plain)
    r = d:reply()
    t:check(r:is "+OK", "AUTH PLAIN with an initial response got %s", r)
  end,
}

scenario {
  name    = "cancel-and-failure-leave-nothing",
  title   = "A cancelled, a broken and a wrong AUTH get -ERR, and the next one can succeed",
  proves  = { "rfc5034-4-6", "rfc5034-4-12", "rfc5034-4-14", "rfc5034-4-18", "rfc5034-4-25" },
  says    = [["*" cancels; a response that is no base64, and a wrong password, fail; after each the session is as it
              was.]],
  why     = [[Clients try their mechanisms one after another on one connection.]],
  messages = 0,
  catches = { "pop3-auth-cancel-ignored", "pop3-auth-bad-base64-accepted" },
  tags    = { "auth" },
  run = function(t)
    local plain = mime.base64("\0" .. t.user.name .. "\0" .. t.user.password)
    local c = ready(t)
    for _, bad in ipairs { "*", plain:sub(1, 4) .. "!" .. plain:sub(5), "=AAA",
      mime.base64("\0" .. t.user.name .. "\0not-the-password") } do
      c:send "AUTH PLAIN"
      c:expect "+"
      c:send(bad)
      local r = c:expect("-ERR", "+OK", "+", "closed")
      t:check(r:is("-ERR", "closed"), "the response %q got %s", bad, r)
      if r:is("+OK", "+") then return end
      if r:is "closed" then c = ready(t) end
    end
    c:send "AUTH PLAIN"
    c:expect "+"
    c:send(plain)
    local r = c:reply()
    t:check(r:is "+OK", "the right password after failures got %s", r)
  end,
}

scenario {
  name    = "not-after-login",
  title   = "AUTH after a login gets -ERR",
  proves  = { "rfc5034-4-3", "rfc5034-4-4" },
  says    = [[In the TRANSACTION state there is nobody left to log in.]],
  why     = [[The session would change its owner in the middle of his mail.]],
  messages = 0,
  catches = { "pop3-auth-again", "pop3-auth-no-initial-response" },
  tags    = { "auth" },
  run = function(t)
    local c = ready(t)
    local command = "AUTH PLAIN " .. mime.base64("\0" .. t.user.name .. "\0" .. t.user.password)
    c:send(command)
    c:expect "+OK"
    c:send(command)
    local r = c:reply()
    t:check(r:is "-ERR", "a second AUTH got %s", r)
  end,
}

scenario {
  name    = "last-data-in-a-challenge",
  title   = "The last data of SCRAM come as a challenge, not behind +OK",
  proves  = "rfc5034-4-x2",
  says    = [[The server's signature is one more challenge that the client answers with an empty line; +OK has only
              text.]],
  why     = [[The client has to see the signature before it believes that this is its server.]],
  messages = 0,
  catches = { "pop3-auth-data-in-ok", "pop3-auth-no-initial-response", "sasl-scram-wrong-signature" },
  tags    = { "auth" },
  run = function(t)
    local c = t:pop3()
    if c:has "STLS" then c:secure() end
    local mech = c:has "AUTH=SCRAM-SHA-256" and "SCRAM-SHA-256" or c:has "AUTH=SCRAM-SHA-1" and "SCRAM-SHA-1"
      or t:skip "the server offers no SCRAM"
    local r = c:auth { mech = mech }
    t:check(r:is "+OK", "%s with the right password got %s", mech, r)
    local text = mime.unbase64(r.text:match "^%S*" or "")
    t:check(not (text and text:find "^v="), "the signature stands behind +OK: %s", r)
  end,
}

scenario {
  name    = "capa-keeps-sasl",
  title   = "CAPA lists SASL after a login, too",
  proves  = "rfc5034-3-4",
  says    = [[The mechanisms stay listed when AUTH has succeeded.]],
  why     = [[A client compares the list from inside with the one it saw before: a shorter one was tampered with.]],
  messages = 0,
  catches = { "pop3-capa-forgets-sasl", "pop3-auth-no-initial-response", "pop3-capa-after-login-refused" },
  tags    = { "auth" },
  run = function(t)
    local c = ready(t)
    c:send("AUTH PLAIN " .. mime.base64("\0" .. t.user.name .. "\0" .. t.user.password))
    c:expect "+OK"
    c:send "CAPA"
    local found
    for _, line in ipairs(c:expect "+OK".lines) do found = found or line:upper():match "^SASL%f[%W]" end
    t:check(found, "CAPA after AUTH does not list SASL")
  end,
}
