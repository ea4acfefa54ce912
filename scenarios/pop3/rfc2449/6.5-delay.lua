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
  catches = { "pop3-login-delay-not-kept", "pop3-login-delay-no-code" },
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

scenario(common {
  name    = "counted-from-the-last-success",
  title   = "The delay counts from the last login that succeeded",
  proves  = { "rfc2449-6.5-x1", "rfc2449-i-8.1.1-1" },
  says    = [[An attempt that is refused, for its time or for its password, does not begin the delay anew; and no other
              user has to wait.]],
  why     = [[A client that asks every minute under a delay of two would never get in again, and a stranger could keep
              everyone out.]],
  users   = 2,
  catches = { "pop3-login-delay-restarts", "pop3-login-delay-for-everyone" },
  run = function(t)
    delay(t, "100")
    local r, c = login(t, t.users[1])
    t:check(r:is "+OK", "the first login got %s", r)
    quit(c)
    r = login(t, t.users[2])
    t:check(r:is "+OK", "another user's login got %s", r)
    advance(t, 60)
    login(t, t.users[1])
    login(t, t.users[1], "wrong")
    advance(t, 41)
    r = login(t, t.users[1])
    t:check(r:is "+OK", "101 seconds after the last login that succeeded a login got %s", r)
  end,
})

scenario(common {
  name    = "code-is-for-the-right-password",
  title   = "[LOGIN-DELAY] tells nothing to who does not know the password",
  proves  = { "rfc2449-i-8.1.1-2", "rfc2449-i-8.1.1-1" },
  says    = [[The code is not sent at USER, and not to a wrong password.]],
  why     = [[Otherwise a stranger learns which names exist, and who has just fetched his mail.]],
  catches = { "pop3-login-delay-at-user", "pop3-login-delay-wrong-password" },
  run = function(t)
    delay(t, "600")
    local r, c = login(t, t.user)
    t:check(r:is "+OK", "the first login got %s", r)
    quit(c)
    c = t:pop3()
    c:send("USER " .. t.user.name)
    r = c:expect("+OK", "-ERR")
    t:check(not r:is "-ERR [LOGIN-DELAY]", "USER within the delay got %s", r)
    if r:is "-ERR" then return end
    c:send "PASS wrong"
    r = c:expect("+OK", "-ERR")
    t:check(not r:is("+OK", "-ERR [LOGIN-DELAY]"), "a wrong password within the delay got %s", r)
  end,
})

scenario(common {
  name    = "differs-between-users",
  title   = "Before login the greatest delay is announced, with USER; after login one's own",
  proves  = { "rfc2449-6.5-3", "rfc2449-6.5-4", "rfc2449-6.5-5" },
  says    = [[Where delays differ CAPA before login tells the greatest value that any user can have, and says USER
              behind it; after login it tells what holds for this user.]],
  why     = [[A client that plans by the announcement never comes too soon, and comes as often as it may once it knows
              better.]],
  users   = 2,
  catches = { "pop3-login-delay-least", "pop3-login-delay-no-user", "pop3-login-delay-same-for-all" },
  run = function(t)
    delay(t, "10")
    delay(t, t.users[1].name .. "=20")
    delay(t, t.users[2].name .. "=300")
    t:equal(told(t:pop3(), "LOGIN-DELAY"), "300 USER", "LOGIN-DELAY before login, where users have 10, 20 and 300")
    for n, seconds in ipairs { "20", "300" } do
      local r, c = login(t, t.users[n])
      t:check(r:is "+OK", "a first login got %s", r)
      t:equal(told(c, "LOGIN-DELAY"), seconds, "LOGIN-DELAY after login of the user who has " .. seconds)
    end
  end,
})
