-- The codes that tell a wrong password from other trouble. RFC 3206, 4 to 6.
-- SPDX-License-Identifier: MIT

-- A connection on which passwords may be tried.
local function ready(t)
  local c = t:pop3()
  if not (c:has "USER" and c:has "AUTH=PLAIN") and c:has "STLS" then c:secure() end
  return c
end

scenario {
  name    = "wrong-password-is-told",
  title   = "With AUTH-RESP-CODE every login that fails for its password has the code [AUTH]",
  proves  = { "rfc3206-6-x1", "rfc3206-5-1" },
  says    = [[PASS, APOP and AUTH with wrong credentials all get -ERR [AUTH] where CAPA lists AUTH-RESP-CODE, and where
              it does not none of them does.]],
  why     = [[By this code a client decides to ask its user for another password, and not to try again later.]],
  messages = 0,
  needs   = { "USER" },
  catches = { "pop3-auth-code-missing", "pop3-apop-code-missing", "pop3-apop-any-digest", "pop3-any-password",
    "pop3-unannounced-codes", "pop3-response-code-syntax", "pop3-auth-no-initial-response" },
  run = function(t)
    local c = ready(t)
    local announced = c:has "AUTH-RESP-CODE"
    local function judge(what, r)
      if r:is "closed" then return t:record("hangs up after", what) end
      t:check(not r:is "+OK", "%s got %s", what, r)
      if announced then
        t:check(r:is "-ERR [AUTH]", "%s got %s, without the code [AUTH] that CAPA announces", what, r)
      else
        t:check(r.code ~= "AUTH", "%s got %s, and CAPA does not list AUTH-RESP-CODE", what, r)
      end
    end
    for _, name in ipairs { t.user.name, "nobody-" .. t.marker } do
      c = ready(t)
      c:send("USER " .. name)
      local r = c:expect("+OK", "-ERR", "closed")
      if r:is "+OK" then
        c:send "PASS not-the-password"
        judge("PASS with a wrong password", c:expect("+OK", "-ERR", "closed"))
      end
    end
    if c:has "AUTH=PLAIN" then
      c = ready(t)
      judge("AUTH PLAIN with a wrong password", c:auth { mech = "PLAIN", password = "not-the-password" })
    end
    c = ready(t)
    local stamp = c:history():match "<[^<>%s]+@[^<>%s]+>"
    if stamp then
      c:send("APOP " .. t.user.name .. " " .. mime.digest("md5", stamp .. "not-the-password"))
      judge("APOP with a wrong digest", c:expect("+OK", "-ERR", "closed"))
    end
  end,
}

scenario {
  name    = "other-failures-have-no-auth-code",
  title   = "A login that fails for another reason has no code [AUTH]",
  proves  = { "rfc3206-6-x2", "rfc3206-5-x1" },
  says    = [[A cancelled exchange and a maildrop in use are no matter of credentials.]],
  why     = [[A client that believes its password was wrong throws it away.]],
  messages = 0,
  needs   = { "AUTH-RESP-CODE" },
  level   = "SHOULD", -- "some other problem" leaves room
  catches = { "pop3-auth-code-at-cancel", "pop3-auth-cancel-ignored", "pop3-auth-unknown-challenged" },
  run = function(t)
    local c = ready(t)
    c:send "AUTH XMP-NO-SUCH"
    local r = c:expect("-ERR", "closed")
    t:record("code for a mechanism that the server does not have", r.code) -- Dovecot and Cyrus: AUTH
    c = ready(t)
    if c:has "AUTH=PLAIN" then
      c:send "AUTH PLAIN"
      c:expect "+"
      c:send "*"
      r = c:expect("-ERR", "closed")
      t:check(r:is "closed" or r.code ~= "AUTH", "a cancelled exchange got %s", r)
    end
    local first = t:pop3 { login = true }
    first:send "STAT"
    first:expect "+OK"
    c = ready(t)
    if not c:has "USER" then return end
    c:send("USER " .. t.user.name)
    if c:expect("+OK", "-ERR", "closed"):is "+OK" then
      c:send("PASS " .. t.user.password)
      r = c:expect("+OK", "-ERR", "closed")
      t:check(not r:is "-ERR [AUTH]", "the right password for a maildrop that is in use got %s", r)
    end
  end,
}

scenario {
  name    = "user-never-has-it",
  title   = "USER does not tell with [AUTH] that a name does not exist",
  proves  = "rfc3206-5-2",
  says    = [[The answer to USER is the same for a name that nobody has.]],
  why     = [[One line for each guess, and no password: the list of all accounts comes cheap.]],
  needs   = { "USER" },
  catches = "pop3-user-tells",
  run = function(t)
    local replies = {}
    for n, name in ipairs { t.user.name, "nobody-" .. t.marker:lower() } do
      local c = ready(t)
      c:send("USER " .. name)
      local r = c:expect("+OK", "-ERR", "closed")
      t:check(not r:is "-ERR [AUTH]", "USER %s got %s", name, r)
      replies[n] = r
    end
    t:record("USER of a name that nobody has", replies[2].status)
  end,
}
