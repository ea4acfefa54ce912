-- Logins by token: OAUTHBEARER (RFC 7628) and its forerunner XOAUTH2.
-- SPDX-License-Identifier: MIT
local SERVICES = { "submission/imap/pop3" }

-- From now on the user's password is his token, too: so that the doors where it opens can be found.
local function tokens(t)
  t:control { ["do"] = "set", name = "oauth-token", value = t.user.name .. ":" .. t.user.password }
end

local function bearer(t, o)
  o = o or {}
  return ("n,a=%s,\1%sauth=%s %s\1%s"):format(o.name or t.user.name, o.pairs or "", o.scheme or "Bearer",
    o.token or t.user.password, o.last or "\1")
end

-- One exchange; answers[1] is the initial response, answers[n + 1] what is said to challenge n. Returns the last reply
-- and the challenges.
local function exchange(door, mech, answers)
  local c = door.open()
  local challenges = {}
  local r = c:auth { mech = mech, by_hand = true, initial = true, tamper = function(step, _, challenge)
    if challenge and step > 0 then challenges[#challenges + 1] = challenge end
    local answer = answers[step + 1]
    if answer == nil then return "*", true end
    return answer
  end }
  return r, challenges, c
end

local function common(def)
  def.services, def.needs_control, def.timeout, def.tags = SERVICES, true, 60, { "auth", "tls" }
  return def
end

scenario(common {
  name    = "opens-with-more-said",
  title   = "The right token opens, whatever else stands in the message",
  proves  = { "rfc7628-3.1-2", "rfc7628-3.1-3" },
  says    = [[Pairs whose keys the server does not know are ignored, and a name in the header that is the token's own
              changes nothing.]],
  why     = [[Later versions and other services put more into the message.]],
  catches = "sasl-oauth-unknown-key-refused",
  run = function(t)
    tokens(t)
    t:each_door("OAUTHBEARER", function(door)
      for _, words in ipairs { "", "x-later=yes\1", "zz=\1y=1,2;3\1" } do
        local r, _, c = exchange(door, "OAUTHBEARER", { bearer(t, { pairs = words }) })
        t:check(door.accepted(r), "%s: the right token with the pairs %q got %s", door.service, words, r)
        door.leave(c, r)
      end
    end)
  end,
})

scenario(common {
  name    = "failure-in-two-steps",
  title   = "A wrong token gets an error object, and after the client's answer the failure",
  proves  = { "rfc7628-3.2.3-x1", "rfc7628-3.2.2-1", "rfc7628-3.2.2-4" },
  says    = [[The challenge is a JSON object with a member status (and one scope, if any); the client answers with one
              octet 0x01, and then the login fails in the way of the protocol.]],
  why     = [[From the object the client learns that its token is too old, or where it may get another one.]],
  catches = { "sasl-oauth-no-error-challenge", "sasl-oauth-error-no-status" },
  run = function(t)
    tokens(t)
    t:each_door("OAUTHBEARER", function(door)
      for mech, first in pairs { OAUTHBEARER = bearer(t, { token = "no-such-token" }),
        XOAUTH2 = "user=" .. t.user.name .. "\1auth=Bearer no-such-token\1\1" } do
        local c = door.open()
        local listed = c:has("AUTH=" .. mech)
        c:close()
        if listed then
          local r, challenges
          r, challenges, c = exchange(door, mech, { first, mech == "XOAUTH2" and "" or "\1" })
          t:check(not door.accepted(r), "%s: %s with a wrong token logged in", door.service, mech)
          t:equal(#challenges, 1, door.service .. ": challenges that told of the wrong token by " .. mech)
          local object = challenges[1] or ""
          t:check(object:match '^%s*{.*"status"%s*:%s*"[^"]+".*}%s*$', "%s: %s told of a wrong token by %q",
            door.service, mech, object)
          local scope = object:match '"scope"%s*:%s*"([^"]*)"'
          t:check(not (scope and scope:find " "), "%s: %s names several scopes: %s", door.service, mech, scope)
          c:close()
        end
      end
    end)
  end,
})

scenario(common {
  name    = "failure-stays-one",
  title   = "After the error object nothing that the client says logs it in",
  proves  = { "rfc7628-3.2.3-x2", "rfc4422-3.5-3" },
  says    = [[The answer to the error object is a formality: the right token at that place, or a cancelled exchange,
              ends in a failure too.]],
  why     = [[A second try inside one exchange is one that nobody counts.]],
  catches = { "sasl-oauth-second-chance", "sasl-oauth-no-error-challenge" },
  run = function(t)
    tokens(t)
    t:each_door("OAUTHBEARER", function(door)
      local wrong = bearer(t, { token = "no-such-token" })
      for what, answer in pairs { ["the right token"] = bearer(t), ["one 0x01"] = "\1", ["nothing"] = "" } do
        local r, challenges, c = exchange(door, "OAUTHBEARER", { wrong, answer })
        t:check(#challenges > 0, "%s: a wrong token was not told by a challenge", door.service)
        t:check(not door.accepted(r), "%s: %s behind the error object logged in", door.service, what)
        c:close()
      end
      local r, _, c = exchange(door, "OAUTHBEARER", { wrong })
      t:check(not door.accepted(r), "%s: the exchange was cancelled and logged in", door.service)
      c:close()
    end)
  end,
})

scenario(common {
  name    = "broken-messages",
  title   = "A message in another form, or with other credentials than a bearer token, does not log in",
  proves  = { "rfc7628-3.1-x1", "rfc7628-3.1-x2" },
  says    = [[A GS2 header, 0x01, pairs that each end with 0x01, and one more 0x01; auth=Bearer and the token among the
              pairs. All else fails.]],
  why     = [[What is half understood here decides who somebody is.]],
  catches = { "sasl-oauth-no-end", "sasl-oauth-any-scheme" },
  run = function(t)
    tokens(t)
    local name, token = t.user.name, t.user.password
    t:each_door("OAUTHBEARER", function(door)
      for what, first in pairs {
        ["without its last octet"] = bearer(t, { last = "" }),
        ["with the scheme Basic"] = bearer(t, { scheme = "Basic" }),
        ["without credentials"] = "n,a=" .. name .. ",\1host=x\1\1",
        ["without a header"] = "auth=Bearer " .. token .. "\1\1",
        ["with a flag that does not exist"] = "q,a=" .. name .. ",\1auth=Bearer " .. token .. "\1\1",
      } do
        local r, _, c = exchange(door, "OAUTHBEARER", { first, "\1" })
        t:check(not door.accepted(r), "%s: a message %s logged in", door.service, what)
        c:close()
      end
    end)
  end,
})

scenario(common {
  name    = "whose-token",
  title   = "A token opens for its own user only",
  proves  = "rfc7628-3.1-x3",
  says    = [[When the header names another user than the token's, the login fails.]],
  why     = [[The client believes to be who it asked to be: it would read and send in the wrong name.]],
  users   = 2,
  catches = "sasl-oauth-name-ignored",
  run = function(t)
    tokens(t)
    t:each_door("OAUTHBEARER", function(door)
      local r, _, c = exchange(door, "OAUTHBEARER", { bearer(t, { name = t.users[2].name }), "\1" })
      t:check(not door.accepted(r), "%s: the token of one user logged in with the name of another", door.service)
      c:close()
    end)
  end,
})

scenario(common {
  name    = "only-in-tls",
  title   = "Tokens are neither asked for nor taken without TLS",
  proves  = { "rfc7628-5-1", "rfc7628-3-3" },
  says    = [[OAUTHBEARER is not listed in clear, and a login by it fails there.]],
  why     = [[Who reads a token on the way has it, for as long as it is good.]],
  catches = "sasl-oauth-in-clear",
  run = function(t)
    tokens(t)
    for _, service in ipairs { "submission", "imap", "pop3" } do
      if t:offers(service) then
        local o = { service = service, tls = "none" }
        local c = service == "imap" and t:imap(o) or service == "pop3" and t:pop3(o) or t:smtp(o)
        t:check(not c:has "AUTH=OAUTHBEARER", "%s lists OAUTHBEARER without TLS", service)
        local r = c:auth { mech = "OAUTHBEARER", by_hand = true, tamper = function(step)
          return step == 0 and bearer(t) or "\1"
        end }
        local done = service == "imap" and "OK" or service == "pop3" and "+OK" or "235"
        t:check(not r:is(done), "%s took a token without TLS", service)
      end
    end
  end,
})

scenario(common {
  name    = "meant-for-this-port",
  title   = "A message that was meant for another port does not log in",
  proves  = "rfc7628-3.2-3",
  says    = [[The pair port= is where the client believes to be connected: when it is not this port the login fails.]],
  why     = [[A server in the middle that passes the token on to another service is found out by it.]],
  catches = "sasl-oauth-port-ignored",
  run = function(t)
    tokens(t)
    t:each_door("OAUTHBEARER", function(door)
      local c = door.open()
      local port = c.port
      c:close()
      for said, right in pairs { [tostring(port)] = true, ["1"] = false } do
        local r
        local _
        r, _, c = exchange(door, "OAUTHBEARER", { bearer(t, { pairs = "port=" .. said .. "\1" }), "\1" })
        t:check(door.accepted(r) == right, "%s: a message with port=%s got %s", door.service, said, r)
        door.leave(c, r)
      end
    end)
  end,
})
