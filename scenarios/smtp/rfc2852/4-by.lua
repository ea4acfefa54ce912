-- DELIVERBY: a message that is of no use after its time. RFC 2852.
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

-- A message to the domain, whose host listens there, with these parameters of MAIL and RCPT.
local function submit(t, host, domain, parameters, notify)
  t:submit("bob@" .. domain .. (notify or ""), { at = host, params = parameters })
end

local function report(t)
  local r = t:report()
  return r, r.recipients[1] or {}
end

-- Of several reports the one that says that action.
local function reported(t, action)
  t:settle()
  for _, bytes in ipairs(t:inbox()) do
    local r = message.report(bytes)
    local one = r and r.recipients[1] or {}
    if (one.action or ""):lower():find("^" .. action) then return one, r end
  end
end

local function common(def)
  def.services, def.needs_control, def.needs = { "submission" }, true, { "DELIVERBY" }
  return def
end

scenario {
  name    = "values",
  title   = "BY takes a time and a mode, and refuses what is neither",
  proves  = { "rfc2852-4-x1", "rfc2852-4-2", "rfc2852-4-3", "rfc2852-4-10", "rfc2852-4-11", "rfc2852-2-x1" },
  level   = "SHOULD",
  says    = [[BY=seconds;R or N, with T behind it, in any case. What breaks the syntax gets 501 (5.5.4), and so do a
              second BY and one without value, and mode R with no time left.]],
  why     = [[The mode decides whether late mail is returned or goes on: a guess is wrong half the time.]],
  catches = { "smtp-by-any-value", "smtp-by-zero", "smtp-by-without-value", "smtp-by-mode-case", "smtp-rset-closes",
    "smtp-rset-keeps-sender", "smtp-enhanced-wrong-argument" },
  needs   = { "DELIVERBY" },
  run = function(t)
    local c = t:smtp()
    local least = c:capabilities().DELIVERBY
    t:check(least == "" or least:find "^%d+$", "DELIVERBY is listed with %s", least)
    for _, by in ipairs { "BY=100000;R", "BY=100000;N", "BY=100000;RT", "BY=100000;nt", "by=999999999;r" } do
      local r = mail(c, t, by)
      t:check(r:is("250", "455", "555"), "%s got %s", by, r)
    end
    for _, by in ipairs { "BY", "BY=", "BY=100", "BY=100;", "BY=100;X", "BY=100;RN", "BY=;R", "BY=ten;R",
      "BY=100;R BY=100;R", "BY=100,R", "BY=0;R", "BY=-5;R", "BY=1234567890;R" } do
      local r = mail(c, t, by)
      t:check(r:is("501", "555") and not (r:is "555" and by:find ";"), "%s got %s", by, r)
      t:check(not r:is "501" or r.enhanced == nil or r.enhanced == "5.5.4", "%s got %s", by, r)
    end
  end,
}

scenario {
  name    = "past-time-in-mode-n",
  title   = "In mode N zero and negative times are taken",
  proves  = "rfc2852-4-8",
  says    = [[BY=0;N and BY=-300;N are no errors: the message is late already, and goes on.]],
  why     = [[A message that was late at one relay would otherwise be refused by the next.]],
  catches = { "smtp-by-past-refused", "smtp-rset-closes", "smtp-rset-keeps-sender" },
  needs   = { "DELIVERBY" },
  run = function(t)
    local c = t:smtp()
    for _, by in ipairs { "BY=0;N", "BY=-300;N", "BY=-1;NT" } do
      local r = mail(c, t, by)
      t:check(r:is "250", "%s got %s", by, r)
    end
  end,
}

scenario {
  name    = "below-the-minimum",
  title   = "A time below the announced minimum is refused in mode R",
  proves  = "rfc2852-4-12",
  says    = [[With DELIVERBY n in EHLO, mode R and less than n seconds gets 555, or 455 if that can change.]],
  why     = [[The sender may still find another way: later he cannot.]],
  catches = { "smtp-by-minimum-ignored", "smtp-by-any-value" },
  needs   = { "DELIVERBY" },
  run = function(t)
    local c = t:smtp()
    local least = tonumber(c:capabilities().DELIVERBY or "")
    if not least or least < 2 then t:skip "the server announces no minimum" end
    local r = mail(c, t, ("BY=%d;R"):format(least - 1))
    t:check(r:is("455", "555"), "BY=%d;R with a minimum of %d got %s", least - 1, least, r)
    r = mail(c, t, ("BY=%d;R"):format(least))
    t:check(r:is "250", "BY=%d;R with a minimum of %d got %s", least, least, r)
  end,
}

scenario(common {
  name = "passed-on-with-what-is-left",
  title = "A next host with DELIVERBY gets the time that is left",
  proves = "rfc2852-4.1.4-3",
  says = [[BY goes on with the seconds to the same moment, and with mode and trace as they came.]],
  why = [[If each relay passed on the full time, ten of them would make ten times of it.]],
  catches = { "queue-by-not-passed", "queue-by-not-counted", "queue-gives-up-on-4xx", "queue-impatient",
    "smtp-by-any-value", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.11" }
    submit(t, "127.0.3.11", "by.example", "BY=50000;R")
    local s = sink:serve { ehlo = "DELIVERBY\nDSN", rcpt = "451 4.3.0 later" }
    if not s then t:fail "no connection to the next host" end
    local left, mode = (s.from or ""):upper():match " BY=(%-?%d+);(%a+)"
    t:check(left and tonumber(left) <= 50000 and tonumber(left) > 49900, "MAIL FROM:%s", s.from)
    t:equal(mode, "R", "mode at the next host")
    s = sink:serve_later { ehlo = "DELIVERBY\nDSN" }
    left = tonumber((s.from or ""):upper():match " BY=(%-?%d+);" or "")
    t:check(left and left < 50000 - 250 and left > 30000, "after the wait: MAIL FROM:%s", s.from)
  end,
})

scenario(common {
  name = "return-mode-needs-the-extension",
  title = "Mode R does not go to a host without DELIVERBY",
  proves = { "rfc2852-4.1.4.1-1", "rfc2852-4.1.4.1-3" },
  says = [[The message is not handed to a host that cannot promise to return it; the sender gets a report of failure.]],
  why = [[Past that host nobody would know that the message has a time.]],
  catches = { "queue-by-return-to-anyone", "queue-dsn-plain", "queue-dsn-wrong-action", "queue-retries-5xx",
    "queue-dsn-base64-status", "smtp-by-any-value", "smtp-loses-after-250", "queue-by-time-ignored" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.12" }
    submit(t, "127.0.3.12", "nobody.example", "BY=50000;R")
    local line, s = sink:first_command("DSN")
    if not s then t:fail "no connection to the next host" end
    t:check(not line:find "^MAIL", "a host without DELIVERBY got %s", line)
    s:close()
    local _, one = report(t)
    t:equal((one.action or "none"):lower():match "^%a+", "failed", "Action")
  end,
})

scenario(common {
  name = "return-mode-heeds-the-minimum",
  title = "Mode R does not go to a host whose minimum is longer than the time left",
  proves = { "rfc2852-4.1.4.1-2", "rfc2852-4.1.4.1-3" },
  says = [[A host that lists DELIVERBY 3600 does not get a message with less than an hour.]],
  why = [[It has said that it cannot do it.]],
  catches = { "queue-by-minimum-ignored", "queue-dsn-plain", "queue-dsn-wrong-action", "queue-retries-5xx",
    "queue-dsn-base64-status", "smtp-by-any-value", "smtp-loses-after-250", "queue-by-time-ignored" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.13" }
    submit(t, "127.0.3.13", "slowly.example", "BY=1800;R")
    local line, s = sink:first_command("DELIVERBY 3600\nDSN")
    if not s then t:fail "no connection to the next host" end
    t:check(not line:find "^MAIL", "a host that needs an hour got %s", line)
    s:close()
    local _, one = report(t)
    t:equal((one.action or "none"):lower():match "^%a+", "failed", "Action")
  end,
})

scenario(common {
  name = "notify-mode-goes-anywhere",
  title = "Mode N goes to a host without DELIVERBY, and the sender is told that it was relayed",
  proves = { "rfc2852-4.1.4.2-1", "rfc2852-4.1.4.2-2" },
  says = [[The message goes on without BY; the sender gets a report with Action relayed although he asked for none.]],
  why = [[From there on nobody watches the time, and he has to know it.]],
  catches = { "queue-by-relayed-untold", "queue-by-unasked", "queue-dsn-plain", "queue-relayed-as-delivered",
    "queue-dsn-base64-status", "smtp-by-any-value", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.14" }
    submit(t, "127.0.3.14", "anyone.example", "BY=50000;N")
    local s = sink:serve()
    if not s or not s.message then t:fail "the message was not sent to a host without DELIVERBY" end
    t:check(not s.from:upper():find " BY=", "a host without DELIVERBY got MAIL FROM:%s", s.from)
    local _, one = report(t)
    t:equal((one.action or "none"):lower():match "^%a+", "relayed", "Action")
  end,
})

scenario(common {
  name = "time-over-in-mode-r",
  title = "When the time is over in mode R the message is returned with 5.4.7 and tried no more",
  proves = { "rfc2852-4.1.3-1", "rfc2852-4.1.3-2", "rfc2852-4.1-2" },
  says = [[A failed report with status 5.4.7 and Deliver-By-Date goes to the sender, and no attempt follows.]],
  why = [[The message is of no use any more; the sender may still telephone.]],
  catches = { "queue-by-time-ignored", "queue-by-wrong-status", "queue-by-date-missing", "queue-dsn-no-status",
    "queue-dsn-wrong-action", "queue-dsn-plain", "queue-gives-up-on-4xx", "queue-dsn-base64-status",
    "smtp-by-any-value", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.15" }
    submit(t, "127.0.3.15", "over.example", "BY=1000;R")
    if not sink:serve { ehlo = "DELIVERBY", rcpt = "451 4.3.0 later" } then
      t:fail "no connection to the next host"
    end
    sink:close()                                           -- nobody is there any more
    for _ = 1, 6 do t:advance(200) end
    local r, one = report(t)
    t:equal((one.action or "none"):lower():match "^%a+", "failed", "Action")
    t:equal((one.status or "none"):match "^%S+", "5.4.7", "Status")
    t:check(r.message["deliver-by-date"], "no Deliver-By-Date in the report")
  end,
})

scenario(common {
  name = "time-over-in-mode-n",
  title = "When the time is over in mode N the sender is told of a delay, and the attempts go on",
  proves = { "rfc2852-4.1.3-3", "rfc2852-4.1.3-4" },
  says = [[A delayed report with status 4.4.7 goes to the sender; the message stays in the queue and is delivered when
           the host takes it.]],
  why = [[Late is better than never, if the sender knows that it is late.]],
  catches = { "queue-by-time-ignored", "queue-by-n-returned", "queue-dsn-no-status", "queue-dsn-plain",
    "queue-gives-up-on-4xx", "queue-impatient", "queue-dsn-base64-status", "smtp-by-any-value",
    "smtp-loses-after-250", "queue-no-delay-dsn" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.16" }
    submit(t, "127.0.3.16", "late.example", "BY=200;N")
    if not sink:serve { rcpt = "451 4.3.0 later" } then t:fail "no connection to the next host" end
    t:advance(250)
    local one = reported(t, "delayed")
    if not t:check(one, "no report of the delay when the time was over") then return end
    t:equal((one.status or "none"):match "^%S+", "4.4.7", "Status")
    t:check(sink:serve_later().message, "the attempt after the time was over had no message")
  end,
})

scenario(common {
  name = "trace-is-reported",
  title = "With T the relay to a host with DELIVERBY is reported too",
  proves = "rfc2852-4.1.4-7",
  says = [[BY=…;NT makes each relay on the way report relayed, and T goes on.]],
  why = [[It is how a site finds out where its mail loses its time.]],
  catches = { "queue-by-trace-ignored", "queue-by-not-passed", "queue-dsn-plain", "queue-relayed-as-delivered",
    "queue-dsn-base64-status", "smtp-by-any-value", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.17" }
    submit(t, "127.0.3.17", "trace.example", "BY=50000;NT")
    local s = sink:serve { ehlo = "DELIVERBY\nDSN" }
    if not s or not s.message then t:fail "the message was not sent to the next host" end
    t:check((s.from or ""):upper():find " BY=%d+;NT", "T was not passed on: MAIL FROM:%s", s.from)
    local _, one = report(t)
    t:equal((one.action or "none"):lower():match "^%a+", "relayed", "Action")
  end,
})
