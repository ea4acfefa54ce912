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
  catches  = { "pop3-expire-announced-never", "pop3-expire-form" },
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
