-- FUTURERELEASE: mail that is submitted now and sent later. RFC 4865.
-- SPDX-License-Identifier: MIT

local function mail(c, t, parameters)
  c:send("MAIL FROM:<" .. t.user.address .. "> " .. parameters)
  local r = c:expect("2yz", "4yz", "5yz")
  if r:is "2yz" then
    c:send "RSET"
    c:expect "250"
  end
  return r
end

-- The longest interval and the last moment that are announced.
local function limits(t, c)
  local text = c:capabilities().FUTURERELEASE or ""
  local longest, last = text:match "^(%d+) (%S+)$"
  if not longest then t:fail("FUTURERELEASE is listed with %q", text) end
  return tonumber(longest), last
end

-- Seconds since 1970 of "2026-11-21T06:58:57Z", and back.
local function moment(text)
  local y, mo, d, h, mi, s = text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)"
  local here = os.time { year = y, month = mo, day = d, hour = h, min = mi, sec = s, isdst = false }
  return here + os.difftime(os.time(os.date("*t", here)), os.time(os.date("!*t", here)))
end
local function text_of(seconds) return os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(seconds)) end

local function common(def)
  def.services, def.needs = { "submission" }, { "FUTURERELEASE" }
  return def
end

scenario {
  name    = "not-on-25",
  title   = "FUTURERELEASE is not offered on port 25",
  proves  = "rfc4865-4.2-2",
  says    = [[It is for submission only.]],
  why     = [[Between servers a message that is held looks like one that is lost.]],
  catches = "smtp-hold-offered-on-25",
  users   = 0,
  run = function(t)
    t:check(not t:smtp():has "FUTURERELEASE", "EHLO on port 25 lists FUTURERELEASE")
  end,
}

scenario(common {
  name = "announces-both-limits",
  title = "FUTURERELEASE is listed with the longest interval and the last moment",
  proves = { "rfc4865-4.2-3", "rfc4865-4.2-4" },
  says = [[A number of seconds from 1 to 999999999, and a date and time in UTC. A request within them is taken.]],
  why = [[A client with a clock uses the one, a client without the other.]],
  catches = { "smtp-hold-date-local", "smtp-hold-until-refused", "smtp-rset-closes", "smtp-rset-keeps-sender",
    "smtp-parameters-case-sensitive" },
  run = function(t)
    local c = t:submission()
    local longest, last = limits(t, c)
    t:check(longest >= 1 and longest <= 999999999, "the longest interval is %s", longest)
    t:check(last:find "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.?%d*Z$", "the last moment is %s", last)
    for _, p in ipairs { "HOLDFOR=1", "HOLDFOR=" .. longest, "holdfor=60",
      "HOLDUNTIL=" .. text_of(moment(last) - longest // 2) } do
      local r = mail(c, t, p)
      t:check(r:is "250", "%s got %s", p, r)
    end
  end,
})

scenario(common {
  name = "refuses-beyond-and-wrong",
  title = "A request beyond the limits, a wrong one and a second one are refused",
  proves = { "rfc4865-4.2-7", "rfc4865-4.2-8", "rfc4865-4.2-9" },
  says = [[HOLDFOR above the longest interval or no number, HOLDUNTIL past the last moment or no date, and two of them
           in one MAIL: refused.]],
  why = [[A message that the server throws away before its time comes would be lost without a word.]],
  catches = { "smtp-hold-most-ignored", "smtp-hold-any-value", "smtp-hold-twice" },
  run = function(t)
    local c = t:submission()
    local longest, last = limits(t, c)
    for _, p in ipairs { "HOLDFOR=" .. longest + 1, "HOLDFOR=0", "HOLDFOR=-5", "HOLDFOR=1h", "HOLDFOR=", "HOLDFOR",
      "HOLDFOR=1234567890", "HOLDUNTIL=" .. text_of(moment(last) + 86400), "HOLDUNTIL=tomorrow", "HOLDUNTIL=",
      "HOLDUNTIL=2026-13-01T00:00:00Z", "HOLDUNTIL=20261201", "HOLDFOR=60 HOLDFOR=60",
      "HOLDFOR=60 HOLDUNTIL=" .. text_of(moment(last) - 60) } do
      local r = mail(c, t, p)
      t:check(r:is("5yz"), "%s got %s", p, r)
    end
  end,
})

scenario(common {
  name = "refusals-are-501",
  title = "These refusals are 501 5.5.4",
  proves = { "rfc4865-4.2-10", "rfc4865-4.2-11" },
  says = [[The code for a request that cannot be is 501, with 5.5.4 where enhanced codes are offered.]],
  why = [[Clients tell the user what was wrong by the code.]],
  catches = { "smtp-hold-555", "smtp-hold-most-ignored", "smtp-hold-any-value", "smtp-hold-twice",
    "smtp-enhanced-wrong-argument" },
  run = function(t)
    local c = t:submission()
    local longest = limits(t, c)
    for _, p in ipairs { "HOLDFOR=" .. longest + 1, "HOLDFOR=1h", "HOLDUNTIL=tomorrow", "HOLDFOR=60 HOLDFOR=61" } do
      local r = mail(c, t, p)
      t:check(r:is "501" and (r.enhanced == nil or r.enhanced == "5.5.4"), "%s got %s", p, r)
    end
  end,
})

scenario(common {
  name = "not-behind-deliver-by",
  title = "A release later than the delivery time of BY is refused",
  proves = { "rfc4865-5.2.2-1", "rfc4865-5.2.2-2" },
  level = "SHOULD",
  says = [[HOLDFOR=600 with BY=300;R cannot be kept: 501 at MAIL.]],
  why = [[The message would be returned before it was ever sent.]],
  catches = { "smtp-hold-beyond-by", "smtp-by-any-value" },
  needs = { "FUTURERELEASE", "DELIVERBY" },
  run = function(t)
    local c = t:submission()
    local r = mail(c, t, "HOLDFOR=6000 BY=3000;R")
    t:check(r:is "501", "HOLDFOR=6000 BY=3000;R got %s", r)
    r = mail(c, t, "BY=3000;R HOLDFOR=6000")
    t:check(r:is "501", "BY=3000;R HOLDFOR=6000 got %s", r)
    r = mail(c, t, "HOLDFOR=300 BY=3000;R")
    t:check(r:is "250", "HOLDFOR=300 BY=3000;R got %s", r)
  end,
})

for _, way in ipairs { "for", "until" } do
  scenario(common {
    name = "held-" .. way,
    title = way == "for" and "HOLDFOR keeps the message until the seconds have passed"
      or "HOLDUNTIL keeps the message until its moment",
    proves = way == "for" and "rfc4865-4.2-5" or "rfc4865-4.2-6",
    says = [[Before that time nothing goes to the next host; after it the message does.]],
    why = [[Mail that is written for Monday and read on Friday can be worse than none.]],
    catches = { "queue-hold-ignored", "queue-hold-forgotten", "smtp-loses-after-250",
      way == "until" and "smtp-hold-until-refused" or nil },
    needs_control = true,
    run = function(t)
      local host = way == "for" and "127.0.3.21" or "127.0.3.22"
      local sink = t:listen { address = host }
      local words = "HOLDFOR=1000"
      if way == "until" then
        local longest, last = limits(t, t:submission())
        words = "HOLDUNTIL=" .. text_of(moment(last) - longest + 1000)
      end
      t:submit("bob@" .. way .. "-later.example", { at = host, params = words })
      t:check(not sink:accept(), "sent at once")
      t:advance(900)
      t:check(not sink:accept(), "sent a hundred seconds too early")
      local s = sink:serve_later()
      t:check(s.message and s.message:find(t.marker, 1, true), "the session after the time had no message")
    end,
  })
end

scenario(common {
  name = "reported-with-the-request",
  title = "A report about mail that was held repeats the request",
  proves = { "rfc4865-5.1.2-1", "rfc4865-5.1.2-2" },
  says = [[It has Arrival-Date, and Future-Release-Request with what was asked.]],
  why = [[The sender sees why the report comes so late.]],
  catches = { "queue-hold-not-reported", "queue-no-failure-dsn", "queue-dsn-plain", "queue-retries-5xx",
    "queue-dsn-base64-status", "smtp-loses-after-250", "queue-hold-forgotten" },
  needs_control = true,
  run = function(t)
    local sink = t:listen { address = "127.0.3.23" }
    t:submit("bob@held.example", { at = "127.0.3.23", params = "HOLDFOR=100" })
    sink:serve_later { rcpt = "550 5.1.1 nobody of this name" }
    local r = t:report()
    t:check(r.message["arrival-date"], "no Arrival-Date in the report")
    t:check((r.message["future-release-request"] or ""):lower():find "^for *; *100", "Future-Release-Request is %s",
      r.message["future-release-request"])
  end,
})
