-- LOGIN-DELAY: how soon a user may come again. RFC 2449, 6.5 and 8.1.1.
-- SPDX-License-Identifier: MIT

-- What CAPA says of this capability on a connection: its parameters, or nil.
local function told(c, tag)
  c:send "CAPA"
  for _, line in ipairs(c:expect "+OK".lines) do
    local rest = (line .. " "):match("^" .. tag:gsub("%-", "%%-") .. " (.*) $") or line == tag and ""
    if rest then return rest end
  end
end

-- A login by PASS on a new connection; returns its reply and the connection.
local function login(t, user, password)
  local c = t:pop3()
  c:send("USER " .. user.name)
  local r = c:expect("+OK", "-ERR")
  if r:is "-ERR" then return r, c end
  c:send("PASS " .. (password or user.password))
  return c:expect("+OK", "-ERR"), c
end

local function quit(c)
  c:send "QUIT"
  c:expect "+OK"
end

local function delay(t, value) t:control { ["do"] = "set", name = "pop3-login-delay", value = value } end

local function advance(t, seconds) t:control { ["do"] = "advance", seconds = seconds } end

local function common(def)
  def.services, def.needs_control = { "pop3" }, true
  return def
end

scenario(common {
  name    = "delay-is-kept",
  title   = "A second login within the delay is refused with [LOGIN-DELAY], and taken after it",
  proves  = { "rfc2449-6.5-2", "rfc2449-8.1.1-x1", "rfc2449-6.5-x1" },
  says    = [[Where LOGIN-DELAY is announced, the right password that comes again too soon gets -ERR with that code;
              when the seconds are over it gets +OK.]],
  why     = [[The delay is there so that nobody polls every second. Without the code a client asks its user for another
              password.]],
  catches = "pop3-login-delay-not-kept",
  run = function(t)
    delay(t, "60")
    local r, c = login(t, t.user)
    t:check(r:is "+OK", "the first login got %s", r)
    t:check((told(c, "LOGIN-DELAY") or ""):match "^60", "CAPA does not tell the delay of 60 seconds")
    quit(c)
    advance(t, 30)
    r = login(t, t.user)
    t:check(r:is "-ERR", "a login after half of the delay got %s", r)
    t:check(r:is("-ERR [LOGIN-DELAY]", "+OK"), "a login that came too soon was refused without its code: %s", r)
    advance(t, 31)
    r = login(t, t.user)
    t:check(r:is "+OK", "a login after the delay got %s", r)
  end,
})
