-- AUTH of POP3 at its edges: initial responses, names, base64, long responses. RFC 5034, 4 and 5.
-- SPDX-License-Identifier: MIT

-- A connection on which AUTH may be tried, inside TLS if that is on offer.
local function ready(t, mech, max_version)
  local c = t:pop3 { max_version = max_version }
  if c:has "STLS" then c:secure() end
  if mech and not c:has("AUTH=" .. mech) then t:skip("CAPA does not list SASL %s", mech) end
  return c
end

-- Mechanisms that mailproof speaks and that need nothing but a name and a password.
local SPOKEN = { "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS",
  "SCRAM-SHA-256-PLUS" }

-- How a mechanism may bind to the channel: which ways a server knows is its own matter.
local function bindings(mech)
  if not mech:find "%-PLUS$" then return { {} } end
  return { { "tls-exporter" }, { "tls-unique", "TLSv1.2" }, { "tls-server-end-point" } }
end

scenario {
  name    = "every-listed-mechanism-works",
  title   = "Each mechanism that CAPA lists logs in with the right password",
  proves  = { "rfc2449-6.3-x1", "rfc5034-3-x1", "rfc5034-4-26", "rfc5034-4-30" },
  says    = [[What stands behind SASL are the mechanisms that AUTH knows; PLAIN is among them inside TLS, and one that
              does not send the password.]],
  why     = [[A client takes the strongest that is listed. If that one does not work it has no mail.]],
  messages = 0,
  catches = { "pop3-auth-lists-missing-mechanism", "pop3-auth-no-initial-response", "pop3-auth-data-in-ok",
    "sasl-scram-wrong-signature", "pop3-stls-greets-again" },
  tags    = { "auth" },
  run = function(t)
    local c = ready(t)
    local listed = c:capabilities().SASL or t:skip "CAPA lists no SASL"
    local strong = false
    for mech in listed:gmatch "%S+" do
      local known = false
      for _, word in ipairs(SPOKEN) do known = known or word == mech:upper() end
      if known then
        strong = strong or (mech ~= "PLAIN" and mech ~= "LOGIN")
        local d, r
        for _, how in ipairs(bindings(mech)) do
          d = ready(t, nil, how[2])
          r = d:auth { mech = mech, binding = how[1] }
          if r:is "+OK" then break end
        end
        t:check(r:is "+OK", "%s with the right password got %s", mech, r)
        if r:is "+OK" then
          d:send "QUIT"
          d:expect "+OK"
          d:expect "closed"
        end
      else
        local d = ready(t)
        d:send("AUTH " .. mech)
        local r = d:expect("+", "-ERR", "closed")
        t:check(r:is "+" or r.code == "AUTH", "%s is listed, and AUTH %s got %s", mech, mech, r)
      end
    end
    if c:tls() then t:check(c:has "AUTH=PLAIN", "CAPA inside TLS does not list PLAIN") end
    t:record("a mechanism that does not send the password", strong)
  end,
}

scenario {
  name    = "names-in-any-case",
  title   = "auth plain is AUTH PLAIN",
  proves  = "rfc5034-5-1",
  says    = [[The word AUTH and the names of mechanisms are matched without regard to case.]],
  why     = [[Standards write them in capitals, and people type.]],
  messages = 0,
  catches = { "pop3-auth-case-sensitive", "pop3-verbs-case-sensitive", "pop3-auth-no-initial-response" },
  tags    = { "auth" },
  run = function(t)
    local c = ready(t, "PLAIN")
    c:send("aUth plAIn " .. mime.base64("\0" .. t.user.name .. "\0" .. t.user.password))
    local r = c:reply()
    t:check(r:is "+OK", "aUth plAIn got %s", r)
  end,
}

scenario {
  name    = "unknown-mechanism",
  title   = "AUTH with a mechanism that does not exist gets -ERR at once",
  proves  = { "rfc5034-i-4-1", "rfc1939-3-5" },
  says    = [[There is no challenge for a mechanism that the server does not have, and the session goes on.]],
  why     = [[The client then tries the next one.]],
  users   = 0,
  catches = "pop3-auth-unknown-challenged",
  tags    = { "auth" },
  run = function(t)
    local c = ready(t, "PLAIN")
    for _, line in ipairs { "AUTH XMP-NO-SUCH", "AUTH XMP-NO-SUCH dGVzdA==" } do
      c:send(line)
      local r = c:expect("-ERR", "+", "+OK", "closed")
      t:check(r:is "-ERR", "%s got %s", line, r)
      if not r:is "-ERR" then return end
    end
    c:send "CAPA"
    c:expect "+OK"
  end,
}

scenario {
  name    = "equals-sign-is-an-empty-response",
  title   = "\"=\" as initial response is an empty response, not a missing one",
  proves  = { "rfc5034-4-1", "rfc5034-i-4-4" },
  says    = [[AUTH PLAIN = carries a response of no octets: it is judged (and fails), and not asked for again.]],
  why     = [[A client that has sent its response waits for a verdict, and the server for a response: both for ever.]],
  users   = 0,
  catches = "pop3-auth-equals-ignored",
  tags    = { "auth" },
  run = function(t)
    local c = ready(t, "PLAIN")
    c:send "AUTH PLAIN ="
    local r = c:expect("-ERR", "+OK", "+", "closed")
    t:check(not r:is "+", "\"=\" was taken for no response at all: %s", r)
    t:check(not r:is "+OK", "an empty response logged in")
  end,
}

scenario {
  name    = "server-first-takes-no-initial-response",
  title   = "An initial response where the server speaks first gets -ERR",
  proves  = { "rfc5034-4-11", "rfc4422-5-x1" },
  says    = [[AUTH CRAM-MD5 with a response behind it fails: there is no challenge yet that it could answer.]],
  why     = [[Who takes it has not looked at the challenge.]],
  messages = 0,
  catches = "pop3-auth-cram-initial-ignored",
  tags    = { "auth" },
  run = function(t)
    local c = ready(t, "CRAM-MD5")
    c:send("AUTH CRAM-MD5 " .. mime.base64(t.user.name .. " " .. ("0"):rep(32)))
    local r = c:expect("-ERR", "+OK", "+", "closed")
    t:check(r:is("-ERR", "closed"), "AUTH CRAM-MD5 with an initial response got %s", r)
  end,
}

scenario {
  name    = "padding-is-needed",
  title   = "Base64 without its padding, or with text behind it, gets -ERR",
  proves  = { "rfc5034-4-x6", "rfc5034-4-12", "rfc5034-4-14" },
  says    = [[Responses are base64 as the standard has it: groups of four, "=" at the end only.]],
  why     = [[Two spellings of one password are one more than whoever compares or counts them expects.]],
  messages = 0,
  catches = { "pop3-auth-padding-optional", "pop3-auth-bad-base64-accepted" },
  tags    = { "auth" },
  run = function(t)
    local c = ready(t, "PLAIN")
    local plain = mime.base64("\0" .. t.user.name .. "\0" .. t.user.password)
    local padded = plain:find "=" and plain -- else with the name to act for, which needs another length
      or mime.base64(t.user.name .. "\0" .. t.user.name .. "\0" .. t.user.password)
    local bad = { plain .. "====", plain:sub(1, 4) .. " " .. plain:sub(5) }
    if padded:find "=" then bad[#bad + 1] = padded:gsub("=", "") end
    for _, response in ipairs(bad) do
      c:send "AUTH PLAIN"
      c:expect "+"
      c:send(response)
      local r = c:expect("-ERR", "+OK", "+", "closed")
      t:check(r:is("-ERR", "closed"), "the response %q, which is no base64, got %s", response, r)
      if r:is "+OK" then return end
      if r:is "closed" then c = ready(t, "PLAIN") end
    end
  end,
}

scenario {
  name    = "long-responses",
  title   = "A response far longer than a command line is taken",
  proves  = { "rfc5034-4-16", "rfc5034-i-4-3" },
  says    = [[The limit for commands is not one for responses: whatever a mechanism can need is read.]],
  why     = [[Tickets and tokens are long. A server that cuts them cannot be used with them.]],
  messages = 0,
  catches = { "sasl-long-response-refused", "pop3-auth-data-in-ok", "sasl-scram-wrong-signature",
    "pop3-auth-challenge-has-text" },
  tags    = { "auth" },
  run = function(t)
    local c = ready(t)
    local mech = c:has "AUTH=SCRAM-SHA-256" and "SCRAM-SHA-256" or c:has "AUTH=SCRAM-SHA-1" and "SCRAM-SHA-1"
      or t:skip "the server offers no SCRAM, the mechanism whose responses we can make long"
    local r = c:auth { mech = mech, initial = false, nonce = ("n"):rep(600) }
    t:check(r:is "+OK", "%s with a nonce of 600 octets and the right password got %s", mech, r)
  end,
}
