-- EXPIRE: how long mail stays in the maildrop. RFC 2449, 6.7, and RFC 1939, 8.
-- SPDX-License-Identifier: MIT

-- What CAPA says behind EXPIRE, before login or (o.login) after it.
local function told(t, o)
  local c = t:pop3(o)
  c:send "CAPA"
  local rest
  for _, line in ipairs(c:expect "+OK".lines) do rest = rest or line:match "^EXPIRE (.*)$" end
  c:send "QUIT"
  c:expect "+OK"
  return rest
end

local function expire(t, value) t:control { ["do"] = "set", name = "pop3-expire", value = value } end

local function days(t, n) t:control { ["do"] = "advance", seconds = n * 86400 } end

local function count(t)
  local c = t:pop3 { login = true }
  c:send "STAT"
  local n = tonumber(c:expect "+OK".text:match "^%d+")
  c:send "QUIT"
  c:expect "+OK"
  return n
end

local function common(def)
  def.services, def.needs_control = { "pop3" }, true
  return def
end

scenario(common {
  name     = "kept-as-long-as-announced",
  title    = "Mail stays for the days that EXPIRE tells, and EXPIRE says when it will not stay for ever",
  proves   = { "rfc2449-6.7-4", "rfc2449-6.7-x2", "rfc2449-6.7-5" },
  says     = [[A site that never removes mail says EXPIRE NEVER; one that removes it says after how many days, and does
               not do so before.]],
  why      = [[Clients that leave mail on the server rely on it: what vanishes early may never have been read.]],
  messages = { "plain", "dots" },
  catches  = { "pop3-expire-announced-never", "pop3-expire-early", "pop3-expire-form" },
  run = function(t)
    t:equal(told(t, { login = true }), "NEVER", "EXPIRE where nothing is removed")
    expire(t, "4")
    local before, after = told(t), told(t, { login = true })
    t:check(before == "4" or before == "4 USER", "CAPA before login says EXPIRE %s where mail stays for 4 days", before)
    t:equal(after, "4", "EXPIRE after login where mail stays for 4 days")
    days(t, 3)
    t:equal(count(t), 2, "messages after three days of four")
    days(t, 2)
    t:record("messages after five days of four", count(t))
  end,
})

scenario(common {
  name    = "differs-between-users",
  title   = "Before login the least number of days is announced, with USER; after login one's own",
  proves  = { "rfc2449-6.7-6", "rfc2449-6.7-7", "rfc2449-6.7-8" },
  says    = [[Where retention differs CAPA before login tells the least that any user can have, and says USER behind it;
              after login it tells what holds for this user.]],
  why     = [[Before login the server does not know who asks: only the least is true for everyone.]],
  users   = 2,
  catches = { "pop3-expire-most", "pop3-expire-no-user", "pop3-expire-same-for-all" },
  run = function(t)
    expire(t, "30")
    expire(t, t.users[1].name .. "=7")
    expire(t, t.users[2].name .. "=NEVER")
    t:equal(told(t), "7 USER", "EXPIRE before login, where users have 30, 7 and NEVER")
    for n, value in ipairs { "7", "NEVER" } do
      t:equal(told(t, { login = true, user = t.users[n] }), value, "EXPIRE after login of the user who has " .. value)
    end
  end,
})

scenario(common {
  name     = "read-and-cut-off",
  title    = "Where reading removes mail, a session that is cut off removes nothing",
  proves   = { "rfc1939-8-8", "rfc2449-6.7-2" },
  says     = [[Under EXPIRE 0 what RETR has read goes at QUIT, and only then: without QUIT nothing is lost.]],
  why      = [[The client may not have got it all before the line broke.]],
  messages = { "plain", "dots" },
  catches  = "pop3-expire-zero-at-disconnect",
  run = function(t)
    expire(t, "0")
    local c = t:pop3 { login = true }
    c:send "RETR 1"
    c:expect "+OK"
    c:send "NOOP"
    c:expect "+OK"
    c:close { rude = true }
    t:equal(count(t), 2, "messages after RETR 1 and a connection that ended without QUIT")
    c = t:pop3 { login = true }
    c:send "RETR 1"
    c:expect "+OK"
    c:send "QUIT"
    c:expect("+OK", "-ERR")
    t:record("messages after RETR 1 and QUIT, of 2", count(t))
  end,
})
