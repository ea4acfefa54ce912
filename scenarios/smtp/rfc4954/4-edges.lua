-- AUTH of SMTP at its edges: names in any case, responses of any length, and what a login changes. RFC 4954, 4 to 8.
-- SPDX-License-Identifier: MIT

-- A connection to submission, inside TLS if that is on offer, on which the mechanism may be tried.
local function ready(t, mech)
  local c = t:smtp { service = "submission" }
  if c:has "STARTTLS" then c:secure() end
  if mech and not c:has("AUTH=" .. mech) then t:skip("EHLO does not list AUTH %s", mech) end
  return c
end

local function plain(t) return mime.base64("\0" .. t.user.name .. "\0" .. t.user.password) end

scenario {
  name     = "names-in-any-case",
  title    = "auth plain is AUTH PLAIN",
  proves   = { "rfc4954-8-1", "rfc4954-4-34" },
  says     = [[The verb and the names of mechanisms are understood in any mixture of upper and lower case.]],
  why      = [[Standards write them in capitals, and people type.]],
  services = { "submission" },
  catches  = { "smtp-auth-case-sensitive", "smtp-verbs-case-sensitive" },
  tags     = { "auth" },
  run = function(t)
    local c = ready(t, "PLAIN")
    c:send("aUth plAIn " .. plain(t))
    local r = c:reply()
    t:check(r:is "235", "aUth plAIn got %s", r)
  end,
}

scenario {
  name     = "server-first-takes-no-initial-response",
  title    = "An initial response where the server speaks first gets 501",
  proves   = { "rfc4954-4-12", "rfc4422-5-x1" },
  says     = [[AUTH CRAM-MD5 with a response behind it fails: there is no challenge yet that it could answer.]],
  why      = [[Who takes it has not looked at the challenge.]],
  services = { "submission" },
  catches  = "smtp-auth-cram-initial-ignored",
  tags     = { "auth" },
  run = function(t)
    local c = ready(t, "CRAM-MD5")
    c:send("AUTH CRAM-MD5 " .. mime.base64(t.user.name .. " " .. ("0"):rep(32)))
    local r = c:reply()
    t:check(r:is("501", "5yz"), "AUTH CRAM-MD5 with an initial response got %s", r)
    t:record("code", r.code)
  end,
}

scenario {
  name     = "padding-is-needed",
  title    = "Base64 without its padding gets 501",
  proves   = "rfc4954-4-16",
  says     = [[Responses are base64 as the standard has it: groups of four, "=" at the end only.]],
  why      = [[Two spellings of one password are one more than whoever compares or counts them expects.]],
  services = { "submission" },
  catches  = { "smtp-auth-padding-optional", "smtp-auth-bad-base64-accepted" },
  tags     = { "auth" },
  run = function(t)
    local c = ready(t, "PLAIN")
    local good = plain(t)
    if not good:find "=" then good = mime.base64(t.user.name .. "\0" .. t.user.name .. "\0" .. t.user.password) end
    if not good:find "=" then t:skip "name and password leave nothing to pad" end
    c:send("AUTH PLAIN " .. good:gsub("=", ""))
    local r = c:reply()
    t:check(r:is "5yz", "base64 without its padding got %s", r)
  end,
}

scenario {
  name     = "long-responses",
  title    = "A response far longer than a command line is taken",
  proves   = "rfc4954-4-17",
  says     = [[The limit for commands is not one for responses: whatever a mechanism can need is read.]],
  why      = [[Tickets and tokens are long. A server that cuts them cannot be used with them.]],
  services = { "submission" },
  catches  = { "sasl-long-response-refused", "sasl-scram-wrong-signature", "smtp-scram-no-server-signature",
    "smtp-challenge-not-base64", "smtp-auth-challenge-has-text" },
  tags     = { "auth" },
  run = function(t)
    local c = ready(t)
    local mech = c:has "AUTH=SCRAM-SHA-256" and "SCRAM-SHA-256" or c:has "AUTH=SCRAM-SHA-1" and "SCRAM-SHA-1"
      or t:skip "the server offers no SCRAM, the mechanism whose responses we can make long"
    local r = c:auth { mech = mech, initial = false, nonce = ("n"):rep(600) }
    t:check(r:is "235", "%s with a nonce of 600 octets and the right password got %s", mech, r)
  end,
}

scenario {
  name     = "endless-response",
  title    = "A response longer than any buffer is one error, and its rest is not obeyed",
  proves   = "rfc4954-i-4-6",
  says     = [[The login fails with 500 or another refusal, or the connection ends; what is left of the line is no
               command.]],
  why      = [[A server that reads on in the middle of a line obeys text as commands.]],
  services = { "submission" },
  catches  = { "smtp-auth-long-line-split", "smtp-long-line-tail-obeyed" },
  tags     = { "auth" },
  users    = 0,
  run = function(t)
    local c = ready(t, "PLAIN")
    c:send "AUTH PLAIN"
    c:expect "334"
    c:write(("QUJD"):rep(50000) .. "\r\nNOOP\r\n")
    local r = c:expect("5yz", "4yz", "closed")
    if r:is "closed" then return t:pass "hangs up at a response of 200,000 octets" end
    r = c:expect("2yz", "5yz", "4yz", "closed")
    t:check(r:is("250", "421", "closed"), "the NOOP behind a response of 200,000 octets got %s", r)
  end,
}

scenario {
  name     = "auth-parameter-of-mail",
  title    = "MAIL takes AUTH= with a mailbox or <>, and refuses anything else",
  proves   = { "rfc4954-5-4", "rfc4954-5-x1", "rfc4954-8-2" },
  says     = [[Where AUTH is listed AUTH=<> and AUTH=user+40test.example are accepted; a value that is no xtext gets
               501.]],
  why      = [[Servers that trust each other hand on by it who sent a message first.]],
  services = { "submission" },
  catches  = { "smtp-mail-auth-refused", "smtp-mail-auth-any-value", "smtp-rset-keeps-sender", "smtp-rset-closes" },
  tags     = { "auth" },
  run = function(t)
    local c = t:submission()
    if not c:capabilities().AUTH then t:skip "EHLO does not list AUTH after the login" end
    local mail = "MAIL FROM:<" .. t.user.address .. "> AUTH="
    for _, value in ipairs { "<>", t.user.address, "ann+2Bwork@client.example" } do
      c:send(mail .. value)
      local r = c:reply()
      t:check(r:is "250", "MAIL with AUTH=%s got %s", value, r)
      c:send "RSET"
      c:expect "250"
    end
    for _, value in ipairs { "+4", "ann+4x@client.example" } do
      c:send(mail .. value)
      local r = c:reply()
      t:check(r:is "5yz", "MAIL with AUTH=%s, which is no xtext, got %s", value, r)
      c:send "RSET"
      c:expect "250"
    end
  end,
}

scenario {
  name     = "received-says-so",
  title    = "The Received field of a message that came after a login says ESMTPA or ESMTPSA",
  proves   = { "rfc4954-7-2", "rfc4954-7-1" },
  says     = [[The letter A stands behind "with" for a login, S before it for TLS.]],
  why      = [[Whoever hunts a sender of spam sees by it that the server knew him.]],
  services = { "submission" },
  messages = 0,
  catches  = { "smtp-received-no-login", "smtp-no-received", "smtp-received-with-any", "smtp-loses-after-250" },
  tags     = { "auth" },
  run = function(t)
    local c = t:submission()
    c:mail { from = t.user.address, data = message.make { subject = "with", body = t.marker .. "\r\n" } }
    local got = t:delivered(t.marker, { judge = true })
    local said = {}
    for _, line in ipairs(message.headers(got, "Received")) do
      said[#said + 1] = (line:match "with%s+(%S+)" or "?"):upper()
    end
    local all = table.concat(said, ", ")
    t:check((" " .. all):find(c:tls() and "[ ,]E?SMTPSA" or "[ ,]E?SMTPA") or all:find "UTF8SM?TP",
      "after a login the Received fields say: with %s", all)
  end,
}

scenario {
  name     = "three-tries",
  title    = "Three wrong passwords in a row each get their reply, and the right one still logs in",
  proves   = { "rfc4954-9-7", "rfc4954-4-x5", "rfc4954-6-2" },
  says     = [[The server does not hang up before the third failed login, and a failed one leaves the session as it
               was.]],
  why      = [[A client tries several mechanisms, and its user mistypes.]],
  services = { "submission" },
  catches  = { "smtp-auth-failure-closes", "smtp-auth-accepts-any-password" },
  tags     = { "auth" },
  timeout  = 60,
  run = function(t)
    local c = ready(t, "PLAIN")
    local wrong = "AUTH PLAIN " .. mime.base64("\0" .. t.user.name .. "\0not-the-password")
    for n = 1, 3 do
      c:send(wrong)
      local r = c:expect("5yz", "4yz", "2yz", "closed")
      t:check(r:is "5yz", "wrong password number %d got %s", n, r)
      if not r:is "5yz" then return end
    end
    c:send("AUTH PLAIN " .. plain(t))
    local r = c:expect("235", "4yz", "5yz", "closed")
    t:check(r:is("235", "closed"), "the right password after three wrong ones got %s", r) -- hanging up is lawful now
  end,
}
