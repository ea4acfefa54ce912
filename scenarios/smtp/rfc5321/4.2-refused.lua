-- What a relay makes of the refusals of the next host. RFC 5321, 4.4 and 4.5.3.1.10.
-- SPDX-License-Identifier: MIT

local function client(def)
  def.services, def.needs_control = { "submission" }, true
  return def
end

scenario(client {
  name = "failures-in-one-report",
  title = "Several recipients that fail together are told in one report",
  proves = { "rfc5321-4.4-27", "rfc5321-6.2-2" },
  says = [[Three recipients of one message are refused in one session. The sender gets one report with all three.]],
  why = [[A message to a list of dead addresses would otherwise fill its sender's mailbox.]],
  catches = { "queue-dsn-one-each", "queue-dsn-first-only", "queue-no-failure-dsn", "queue-dsn-plain",
    "queue-retries-5xx", "queue-dsn-base64-status", "queue-one-by-one", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.0.86" }
    t:submit({ "a@gone.example", "b@gone.example", "c@gone.example" }, { at = "127.0.0.86" })
    sink:serve { rcpt = function() return "550 5.1.1 no such user" end }
    t:settle()
    local reports, named = 0, 0
    for _, bytes in ipairs(t:inbox()) do
      local r = message.report(bytes)
      if r then reports, named = reports + 1, named + #r.recipients end
    end
    t:equal(named, 3, "recipients that were reported")
    t:equal(reports, 1, "reports about one message that failed for three recipients")
  end,
})

scenario(client {
  name = "too-many-recipients-go-later",
  title = "Recipients that got 552 because there were too many are tried again",
  proves = "rfc5321-4.5.3.1.10-1",
  says = [[Old hosts say 552 where 452 is meant: a limit of recipients in one transaction. Behind recipients that were
           taken it is a passing failure, and the rest goes in another transaction.]],
  why = [[Otherwise the last people on a long list never get their mail.]],
  catches = { "queue-552-is-final", "smtp-loses-after-250", "queue-gives-up-on-4xx", "queue-4yz-ends-transaction",
    "queue-again-to-all" },
  run = function(t)
    local sink = t:listen { address = "127.0.0.87" }
    t:submit({ "a@full.example", "b@full.example", "c@full.example" }, { at = "127.0.0.87" })
    local taken = 0
    local s = sink:serve { rcpt = function()
      taken = taken + 1
      return taken <= 2 and "250 ok" or "552 5.5.3 too many recipients"
    end }
    if not s then t:fail "no connection to the next host" end
    if #s.to < 3 then t:skip "sends fewer recipients at a time" end
    local later = sink:serve_later()
    t:check(later and later.to[1] == s.to[3], "the recipient that got 552 was not tried again, but %s",
      later and later.to)
  end,
})
