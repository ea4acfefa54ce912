-- MT-PRIORITY: which message goes first. RFC 6710.
-- SPDX-License-Identifier: MIT

local function mail(c, from, parameters)
  c:send("MAIL FROM:<" .. from .. "> " .. parameters)
  local r = c:expect("2yz", "4yz", "5yz")
  if r:is "2yz" then
    c:send "RSET"
    c:expect "250"
  end
  return r
end

scenario {
  name    = "values",
  title   = "MT-PRIORITY takes -9 to 9, and refuses what is no such number",
  proves  = { "rfc6710-3-x1", "rfc6710-4.1-1", "rfc6710-3-1" },
  says    = [[One digit, with a minus before 1 to 9 at most. +1, 10, 01, -0, empty, and a second one in the same MAIL
              are refused.]],
  why     = [[Two servers that read +1 differently give a message two priorities.]],
  catches = { "smtp-priority-syntax-ignored", "smtp-priority-twice", "smtp-rset-closes", "smtp-rset-keeps-sender" },
  needs   = { "MT-PRIORITY" },
  run = function(t)
    local c = t:smtp()
    local policy = c:capabilities()["MT-PRIORITY"]
    t:check(policy == "" or policy:find "^[%w._-]+$" and #policy <= 20, "MT-PRIORITY is listed with %q", policy)
    for _, p in ipairs { "0", "-1", "-9", "3", "9" } do
      local r = mail(c, t.user.address, "MT-PRIORITY=" .. p)
      t:check(r:is("250", "450", "550"), "MT-PRIORITY=%s got %s", p, r)
    end
    for _, p in ipairs { "MT-PRIORITY=10", "MT-PRIORITY=+1", "MT-PRIORITY=01", "MT-PRIORITY=-0", "MT-PRIORITY=",
      "MT-PRIORITY", "MT-PRIORITY=high", "MT-PRIORITY=-10", "MT-PRIORITY=1 MT-PRIORITY=1" } do
      local r = mail(c, t.user.address, p)
      t:check(r:is "5yz", "%s got %s", p, r)
    end
  end,
}

scenario {
  name    = "change-is-told",
  title   = "Who changes a priority says so with X.3.6 and the new value",
  proves  = "rfc6710-4.1-8",
  says    = [[When a stranger's positive priority is lowered, the reply to MAIL or to the end of the message has 2.3.6
              and then the new number.]],
  why     = [[The client can then take another way for its urgent message.]],
  catches = "smtp-priority-changed-silently",
  needs   = { "MT-PRIORITY", "ENHANCEDSTATUSCODES" },
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example> MT-PRIORITY=5"
    local first = c:expect("2yz", "4yz", "5yz")
    if not first:is "2yz" then t:pass("refuses a stranger's priority: %s", first) end
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "2yz"
    c:send "DATA"
    c:expect "354"
    c:write(message.make { subject = t.marker } .. ".\r\n")
    local last = c:expect "250"
    local got = t:delivered(t.marker, { seconds = 8 })
    local kept = (message.header(got, "Received") or ""):upper():match "PRIORITY%s+(%-?%d)"
    if kept == "5" then t:pass "leaves the priority as it was" end
    local told = first.enhanced == "2.3.6" and first or last.enhanced == "2.3.6" and last
    t:check(told, "the priority was not kept (%s), and neither reply has 2.3.6: %s, %s", kept, first, last)
    if told then t:check(told.text:find "^2%.3%.6 %-?%d ", "no new value in %s", told) end
  end,
}

scenario {
  name    = "received-names-it",
  title   = "Received has a PRIORITY clause",
  proves  = "rfc6710-4.1-2",
  says    = [[The trace field of mail that came with MT-PRIORITY says PRIORITY and the value.]],
  why     = [[Who looks for the reason of a delay finds it there.]],
  catches = { "smtp-received-no-priority", "smtp-no-received", "smtp-loses-after-250" },
  needs   = { "MT-PRIORITY" },
  run = function(t)
    t:smtp():mail { params = "MT-PRIORITY=-3", data = message.make { subject = t.marker } }
    local got = t:delivered(t.marker, { judge = true, seconds = 8 })
    local field = message.header(got, "Received") or ""
    t:check(field:upper():gsub("%b()", ""):find "PRIORITY%s+%-?%d", "no PRIORITY in %s", field)
  end,
}

scenario {
  name    = "strangers-do-not-climb",
  title   = "A stranger's positive priority is not honoured",
  proves  = "rfc6710-4.1-5",
  says    = [[Without login a priority above 0 counts as 0 at most, or MAIL is refused.]],
  why     = [[Else all spam would be urgent.]],
  catches = { "smtp-priority-for-strangers", "smtp-received-no-priority", "smtp-no-received", "smtp-loses-after-250" },
  needs   = { "MT-PRIORITY" },
  level   = "SHOULD",
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example> MT-PRIORITY=9"
    if c:expect("2yz", "4yz", "5yz"):is("4yz", "5yz") then t:pass "refuses it" end
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "2yz"
    c:send "DATA"
    c:expect "354"
    c:write(message.make { subject = t.marker } .. ".\r\n")
    c:expect "250"
    local got = t:delivered(t.marker, { judge = true, seconds = 8 })
    local value = (message.header(got, "Received") or ""):upper():match "PRIORITY%s+(%-?%d)"
    t:check(value and tonumber(value) <= 0, "Received of a stranger's mail says PRIORITY %s", value)
  end,
}

scenario {
  name    = "passed-on",
  title   = "A next host with MT-PRIORITY gets the value, another one does not",
  proves  = { "rfc6710-4.2-1", "rfc6710-5-2", "rfc6710-4.3-x1" },
  says    = [[The value of a user goes on as it came where EHLO lists the extension, and nowhere else.]],
  why     = [[A priority that ends at the first relay is of little use.]],
  catches = { "queue-priority-not-passed", "queue-priority-unasked", "queue-priority-rounded", "smtp-loses-after-250" },
  services = { "submission" },
  needs   = { "MT-PRIORITY" },
  needs_control = true,
  run = function(t)
    local sink = t:listen { address = "127.0.3.31" }
    t:zone "urgent.example. A 127.0.3.31"
    for _, value in ipairs { "-7", "1", "7" } do
      t:submit("bob@urgent.example", { params = "MT-PRIORITY=" .. value })
      local s = sink:serve { ehlo = "MT-PRIORITY MIXER" }
      if not s then t:fail "no connection to the next host" end
      t:equal((s.from or ""):upper():match " MT%-PRIORITY=(%S+)", value, "MT-PRIORITY at the next host")
    end
    t:submit("bob@urgent.example", { params = "MT-PRIORITY=7" })
    local s = sink:serve()
    t:check(s and not (s.from or ""):upper():find "MT%-PRIORITY", "a host without it got MAIL FROM:%s", s and s.from)
  end,
}

scenario {
  name    = "higher-goes-first",
  title   = "Of two messages that wait, the one with the higher priority goes first",
  proves  = "rfc6710-5-1",
  says    = [[Mail with priority 6 overtakes mail of 0 that came before it.]],
  why     = [[It is what the extension is for.]],
  catches = { "queue-priority-ignored", "queue-gives-up-on-4xx", "smtp-loses-after-250" },
  services = { "submission" },
  needs   = { "MT-PRIORITY" },
  needs_control = true,
  run = function(t)
    local sink = t:listen { address = "127.0.3.32" }
    -- While the name server fails all three wait; then the queue is started by hand.
    t:zone("$FAIL order.example MX", "$FAIL order.example A")
    for _, p in ipairs { "0", "6", "-6" } do
      t:submit("bob@order.example", { params = "MT-PRIORITY=" .. p, subject = t.marker .. " priority " .. p })
    end
    t:settle()
    t:control { ["do"] = "dns", clear = true }
    t:zone "order.example. A 127.0.3.32"
    t:control { ["do"] = "flush", domain = "order.example" }
    local s = sink:serve()
    if not s or not s.message then t:fail "no message came" end
    t:check(s.message:find "priority 6\r\n", "the first message is %s", message.header(s.message, "Subject"))
  end,
}
