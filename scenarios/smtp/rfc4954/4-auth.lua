-- AUTH: the exchange. RFC 4954, 4.
-- SPDX-License-Identifier: MIT

-- A connection on which AUTH may be tried: submission if there is one, inside TLS if that is on offer.
local function ready(t)
  local c = t:smtp { service = "submission" }
  if c:has "STARTTLS" then c:secure() end
  return c
end

local function needs_plain(t, c)
  if not c:has "AUTH=PLAIN" then t:skip "the server does not offer AUTH PLAIN" end
end

scenario {
  name     = "every-mechanism-can-begin",
  title    = "Every mechanism that EHLO lists can be begun",
  proves   = { "rfc4954-3-x2", "rfc4954-4-8" },
  says     = [[AUTH with a listed mechanism gets a challenge, not 500, 502 or 504; "*" ends the exchange with 501 and
               nobody is logged in.]],
  why      = [[Clients take the strongest mechanism of the list. One that is not there makes login fail where a
               weaker one would have worked.]],
  services = { "submission" },
  catches  = { "smtp-auth-lists-missing-mechanism", "smtp-auth-cancel-ignored" },
  tags     = { "auth" },
  users    = 0,
  run = function(t)
    local c = ready(t)
    local list = c:capabilities().AUTH or t:skip "the server does not offer AUTH"
    for mechanism in list:gmatch "%S+" do
      c:send("AUTH " .. mechanism)
      local r = c:reply()
      t:check(not r:is("500", "502", "504"), "AUTH %s is listed and got %s", mechanism, r)
      if r:is "334" then
        c:send "*"
        r = c:reply()
        t:check(r:is "501", "\"*\" in the middle of %s got %s, not 501", mechanism, r)
      end
    end
    c:send "NOOP"
    c:expect "250"
  end,
}

scenario {
  name     = "empty-challenge",
  title    = "AUTH PLAIN without initial response gets \"334 \" and nothing else",
  proves   = { "rfc4954-4-9", "rfc4954-i-4-4", "rfc4954-i-4-7" },
  says     = [[The server asks for the response with an empty challenge: 334, one space, CR LF; then the login goes
               on and succeeds with 235.]],
  why      = [[Clients decode what stands behind the space as base64: a kind word there breaks the login.]],
  services = { "submission" },
  catches  = { "smtp-auth-challenge-has-text", "smtp-auth-challenge-no-space" },
  tags     = { "auth" },
  run = function(t)
    local c = ready(t)
    needs_plain(t, c)
    c:send "AUTH PLAIN"
    local r = c:expect "334"
    t:equal(r.raw, "334 \r\n", "the empty challenge")
    c:send(mime.base64("\0" .. t.user.name .. "\0" .. t.user.password))
    r = c:reply()
    t:check(r:is "235", "the right password got %s", r)
  end,
}

scenario {
  name     = "wrong-password",
  title    = "A wrong password and an unknown user get the same 535",
  proves   = { "rfc4954-4-24", "rfc4954-4-x2" },
  level    = "SHOULD",
  says     = [[Wrong credentials are answered 535, for a user who exists as for one who does not; a later AUTH with the
               right password succeeds.]],
  why      = [[Two different answers tell an attacker which names are worth guessing at.]],
  services = { "submission" },
  catches  = { "smtp-auth-user-oracle", "smtp-auth-accepts-any-password", "smtp-auth-failure-closes" },
  tags     = { "auth" },
  run = function(t)
    local c = ready(t)
    needs_plain(t, c)
    c:send("AUTH PLAIN " .. mime.base64("\0" .. t.user.name .. "\0not-the-password"))
    local known = c:reply()
    t:check(known:is "535", "a wrong password got %s", known)
    c:send("AUTH PLAIN " .. mime.base64 "\0nobody-of-this-name\0not-the-password")
    local unknown = c:reply()
    t:equal(unknown.code, known.code, "the code for an unknown user")
    c:send("AUTH PLAIN " .. mime.base64("\0" .. t.user.name .. "\0" .. t.user.password))
    local r = c:reply()
    t:check(r:is "235", "the right password after wrong ones got %s", r)
  end,
}

scenario {
  name     = "bad-base64",
  title    = "A response that is no base64 makes AUTH fail",
  proves   = { "rfc4954-4-14", "rfc4954-4-16", "rfc4954-4-1" },
  says     = [[Octets outside the alphabet, or "=" in the middle, are refused with 501 and never skipped.]],
  why      = [[A lenient decoder lets two spellings mean one password, and hides truncation.]],
  services = { "submission" },
  catches  = { "smtp-auth-bad-base64-accepted", "smtp-auth-padding-optional" },
  tags     = { "auth" },
  run = function(t)
    local c = ready(t)
    needs_plain(t, c)
    local good = mime.base64("\0" .. t.user.name .. "\0" .. t.user.password)
    for _, bad in ipairs { good:sub(1, 4) .. "!" .. good:sub(5), good:sub(1, 4) .. "=" .. good:sub(5), "=AAA" } do
      c:send("AUTH PLAIN " .. bad)
      local r = c:reply()
      t:check(r:is("501", "535", "5yz"), "the response %q, which is no base64, got %s", bad, r)
      if r:is "334" then
        c:send "*"
        c:reply()
      elseif r:is "235" then
        return
      end
    end
    c:send "NOOP"
    c:expect "250"
  end,
}

scenario {
  name     = "only-once",
  title    = "After a login a second AUTH gets 503",
  proves   = "rfc4954-4-3",
  says     = [[One login a session: every later AUTH is answered 503.]],
  why      = [[Who is speaking must not change in the middle of a session that was already trusted.]],
  services = { "submission" },
  catches  = "smtp-auth-twice",
  tags     = { "auth" },
  run = function(t)
    local c = ready(t)
    needs_plain(t, c)
    local plain = "AUTH PLAIN " .. mime.base64("\0" .. t.user.name .. "\0" .. t.user.password)
    c:send(plain)
    c:expect "235"
    c:send(plain)
    local r = c:reply()
    t:check(r:is "503", "a second AUTH got %s", r)
  end,
}

scenario {
  name     = "not-inside-a-transaction",
  title    = "AUTH inside a transaction gets 503",
  proves   = "rfc4954-4-5",
  says     = [[Between MAIL and the end of the message AUTH is refused.]],
  why      = [[The right to send was judged at MAIL; it must not change under the message.]],
  services = { "smtp" },
  needs    = { "AUTH" },
  catches  = "smtp-auth-in-transaction",
  tags     = { "auth" },
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("AUTH PLAIN " .. mime.base64("\0" .. t.user.name .. "\0" .. t.user.password))
    local r = c:reply()
    t:check(r:is("503", "538"), "AUTH inside a transaction got %s", r) -- 538: not in clear at all
  end,
}

scenario {
  name     = "unknown-mechanism",
  title    = "AUTH with a mechanism that does not exist gets 504, and none at all is refused",
  proves   = { "rfc4954-i-4-1", "rfc4954-8-x1" },
  says     = [[A mechanism that the server does not have is answered 504; AUTH without a name is a syntax error, 501, or
               names none that it has.]],
  why      = [[504 tells a client to try its next mechanism; another code makes it give up.]],
  services = { "submission" },
  catches  = "smtp-auth-unknown-mechanism-code",
  tags     = { "auth" },
  users    = 0,
  run = function(t)
    local c = ready(t)
    c:send "AUTH XMP-NO-SUCH"
    local r = c:reply()
    t:check(r:is "504", "an unknown mechanism got %s", r)
    c:send "AUTH"
    r = c:reply()
    t:check(r:is("501", "504", "500"), "AUTH without a mechanism got %s", r)
  end,
}

scenario {
  name     = "challenge-is-base64",
  title    = "A challenge is base64 and nothing else, and SCRAM logs in with it",
  proves   = { "rfc4954-4-7", "rfc4954-i-4-2", "rfc4954-4-x1" },
  says     = [[Behind "334 " stands base64 alone; server data that SCRAM ends with goes out as one more 334 before
               235.]],
  why      = [[The client hashes the challenge octet for octet: one comment there and no password fits.]],
  services = { "submission" },
  catches  = { "smtp-scram-no-server-signature", "smtp-challenge-not-base64", "sasl-scram-wrong-signature" },
  tags     = { "auth" },
  run = function(t)
    local c = ready(t)
    local mech = c:has "AUTH=SCRAM-SHA-256" and "SCRAM-SHA-256" or c:has "AUTH=SCRAM-SHA-1" and "SCRAM-SHA-1"
      or t:skip "the server offers no SCRAM"
    local r = c:auth { mech = mech }
    t:check(r:is "235", "%s with the right password got %s", mech, r)
    for challenge in c:history():gmatch "334 ([^\r]*)\r\n" do
      t:check(mime.unbase64(challenge), "the challenge %q is no base64", challenge)
    end
  end,
}

scenario {
  name     = "demanded-before-mail",
  title    = "Submission without a login is refused",
  proves   = "rfc4954-6-7",
  says     = [[Where a login is demanded MAIL (or RCPT) gets 530 until there is one; EHLO, NOOP, RSET and QUIT work
               without.]],
  why      = [[The code tells the client what is missing; another one makes it report a bad address.]],
  services = { "submission" },
  catches  = "smtp-submission-without-login",
  tags     = { "auth" },
  run = function(t)
    local c = t:smtp { service = "submission" }
    c:send "NOOP"
    c:expect "250"
    c:send("MAIL FROM:<" .. t.user.address .. ">")
    local r = c:reply()
    if r:is "250" then
      c:send("RCPT TO:<" .. t.user.address .. ">")
      r = c:reply()
    end
    t:check(not r:is "2yz", "took mail on the submission port without a login")
    t:record("code where a login is missing", r.code)
  end,
}

scenario {
  name     = "equals-sign-is-an-empty-response",
  title    = "\"=\" as initial response is an empty response, not a missing one",
  proves   = "rfc4954-i-4-5",
  says     = [[AUTH PLAIN = carries a response of no octets; it is judged (and fails), and not asked for again.]],
  why      = [[A client that has sent its response waits for a verdict, and the server for a response: both for ever.]],
  services = { "submission" },
  catches  = "smtp-auth-equals-ignored",
  tags     = { "auth" },
  users    = 0,
  run = function(t)
    local c = ready(t)
    needs_plain(t, c)
    c:send "AUTH PLAIN ="
    local r = c:reply()
    t:check(not r:is "334", "\"=\" was taken for no response at all: %s", r)
    t:check(not r:is "235", "an empty response logged in")
  end,
}
