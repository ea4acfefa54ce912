-- Reports about mail that waits: who gets one, and who must not. The clock is the server's, and goes on in a moment.
-- SPDX-License-Identifier: MIT

-- Mail to a host that puts it off, with that NOTIFY; then nobody listens any more, and hours pass.
local function waits(t, host, domain, notify)
  local sink = t:listen { address = host }
  t:submit("bob@" .. domain .. notify, { at = host })
  if not sink:serve { rcpt = "451 4.3.0 later" } then t:fail "the message was not tried" end
  sink:close()
  for _ = 1, 10 do t:advance(1800) end
  t:settle()
end

local function delays(t)
  local n, last = 0, nil
  for _, bytes in ipairs(t:inbox()) do
    local r = message.report(bytes)
    for _, one in ipairs(r and r.recipients or {}) do
      if (one.action or ""):lower():find "^delayed" then n, last = n + 1, one end
    end
  end
  return n, last
end

local function common(def)
  def.services, def.needs_control, def.needs = { "submission" }, true, { "DSN" }
  return def
end

scenario(common {
  name = "asked-for",
  title = "With NOTIFY=DELAY a long wait is reported as delayed",
  timeout = 60,
  proves = { "rfc3461-5.2.5-2", "rfc3464-2.3.4-x2" },
  level = "SHOULD",
  says = [[The report has Action delayed and a Status of class 4; the message stays in the queue.]],
  why = [[Who knows that a message waits can telephone.]],
  catches = { "queue-no-delay-dsn", "queue-dsn-plain", "queue-dsn-no-status", "queue-gives-up-on-4xx",
    "queue-never-gives-up", "smtp-loses-after-250", "queue-dsn-base64-status" },
  run = function(t)
    waits(t, "127.0.0.91", "delay1.example", " NOTIFY=DELAY")
    local n, one = delays(t)
    if not t:check(n > 0, "not a word after five hours of waiting") then return end
    t:check((one.status or ""):find "^4%.%d+%.%d+", "Status is %s", one.status)
  end,
})

scenario(common {
  name = "not-asked-for",
  title = "A NOTIFY without DELAY keeps a long wait quiet",
  timeout = 60,
  proves = { "rfc3461-5.2.5-4", "rfc3461-5.2.5-1" },
  says = [[With NOTIFY=FAILURE, SUCCESS or NEVER no report says that the message waits.]],
  why = [[The sender has said what he wants to hear of.]],
  catches = { "queue-delay-unasked", "smtp-loses-after-250" },
  run = function(t)
    waits(t, "127.0.0.92", "delay2.example", " NOTIFY=FAILURE,SUCCESS")
    waits(t, "127.0.0.93", "delay3.example", " NOTIFY=NEVER")
    t:equal(delays(t), 0, "reports of a delay that nobody asked for")
  end,
})
