-- Reports of failures: who gets one, and who must not. The next host refuses the recipient for good.
-- SPDX-License-Identifier: MIT

local function common(def)
  def.services, def.needs_control = { "submission" }, true
  return def
end

local REFUSES = { rcpt = "550 5.1.1 nobody of this name" }

-- Takes those whose name begins with "good", refuses the others, until n recipients were named.
local function choosy(t, sink, n)
  local seen = 0
  while seen < n do
    local s = sink:serve { rcpt = function(to)
      return to:find "^<good" and "250 ok" or "550 5.1.1 nobody of this name"
    end }
    if not s then t:fail("only %d recipients were named to the next host", seen) end
    seen = seen + #s.to
  end
end

scenario(common {
  name = "failure-is-reported",
  title = "A refusal is reported with NOTIFY=FAILURE, and without NOTIFY",
  proves = { "rfc3461-5.2.2-3", "rfc3461-5.2.2-8", "rfc3461-5.2.6-1", "rfc3461-5.2.6-4", "rfc3461-5.2.6-5",
    "rfc5321-3.6.3-1", "rfc5321-4.4-25", "rfc5321-4.4-26" },
  says = [[A recipient that the next host refused is reported to the sender with Action failed, whether he asked for it
           or said nothing. Each one of several is named, those that were taken are not.]],
  why = [[Mail that nobody got and nobody told of is the worst that a mail system can do.]],
  catches = { "queue-no-failure-dsn", "queue-dsn-wrong-action", "queue-dsn-plain", "queue-retries-5xx",
    "queue-dsn-names-all", "queue-dsn-first-only", "queue-one-by-one", "queue-success-unasked",
    "queue-dsn-base64-status", "smtp-loses-after-250" },
  needs = { "DSN" },
  run = function(t)
    local sink = t:listen { address = "127.0.0.81" }
    t:zone "failed.example. A 127.0.0.81"
    t:submit({ "bad1@failed.example NOTIFY=FAILURE", "good1@failed.example NOTIFY=FAILURE", "bad2@failed.example",
      "good2@failed.example" })
    choosy(t, sink, 4)
    t:report()
    t:settle()
    local told = {}
    for _, bytes in ipairs(t:inbox()) do                   -- one report, or one for each
      for _, one in ipairs((message.report(bytes) or { recipients = {} }).recipients) do
        told[(one["final-recipient"] or ""):match "; *(%w+)@" or "?"] = (one.action or "none"):lower()
      end
    end
    t:equal(told, { bad1 = "failed", bad2 = "failed" }, "recipients in the reports, and what is said of them")
  end,
})

scenario(common {
  name = "unwanted-is-not-sent",
  title = "A refusal is not reported where NOTIFY lacks FAILURE",
  proves = { "rfc3461-5.2.2-4", "rfc3461-5.2.6-2", "rfc3461-4.1-x1", "rfc3461-5.2.8-2" },
  says = [[NOTIFY=NEVER, and a NOTIFY of SUCCESS or DELAY alone, keep a failure from the sender, also in the report of
           another recipient.]],
  why = [[Lists and mass mailers ask for silence because the reports would drown them.]],
  catches = { "queue-dsn-despite-never", "queue-dsn-failure-unasked", "queue-dsn-names-all", "queue-no-failure-dsn",
    "queue-dsn-plain", "queue-retries-5xx", "queue-dsn-base64-status", "smtp-loses-after-250", "queue-one-by-one" },
  needs = { "DSN" },
  run = function(t)
    local sink = t:listen { address = "127.0.0.82" }
    t:zone "never.example. A 127.0.0.82"
    t:submit({ "never@never.example NOTIFY=NEVER", "success@never.example NOTIFY=SUCCESS",
      "delay@never.example NOTIFY=DELAY", "failure@never.example NOTIFY=FAILURE" })
    choosy(t, sink, 4)
    t:report()
    t:submit "later@never.example"
    choosy(t, sink, 1)
    t:settle()
    local last = false
    for _, bytes in ipairs(t:inbox()) do
      local r = message.report(bytes) or { recipients = {} }
      for _, one in ipairs(r.recipients) do
        local who = (one["final-recipient"] or ""):match "; *(%w+)@"
        if who == "later" then last = true end
        if who ~= "later" and who ~= "failure" then t:fail("a report names the recipient with NOTIFY=%s", who) end
      end
    end
    t:check(last, "no report for the last message")
  end,
})

scenario(common {
  name = "null-sender-is-never-told",
  title = "Mail with the null sender is not reported, whatever NOTIFY says",
  proves = { "rfc3461-5.2-2", "rfc5321-3.6.3-4", "rfc5321-6.1-6", "rfc5321-4.5.4-2", "rfc5321-4.5.5-x12" },
  says = [[A message from <> that cannot be delivered ends there: nobody gets a report, no address in its header and no
           postmaster.]],
  why = [[Reports have the null sender. If they were answered, two servers could write to each other for ever.]],
  catches = { "queue-bounces-bounce", "submission-null-sender-refused", "smtp-null-sender-refused",
    "smtp-loses-after-250" },
  run = function(t)
    local name = t:smtp().greeting.lines[1]:match "^(%S+)"
    local sink, home = t:listen { address = "127.0.0.83" }, t:listen { address = "127.0.0.84" }
    t:zone("bounce.example. A 127.0.0.83", name .. ". A 127.0.0.84", "client.example. A 127.0.0.84")
    t:submit("bob@bounce.example", { from = "" })
    if not sink:serve(REFUSES) then t:fail "the message was not relayed" end
    t:submit "eve@bounce.example"
    if not sink:serve(REFUSES) then t:fail "the second message was not relayed" end
    t:delivered "eve@bounce.example"                       -- its report came: the other would have been made before
    t:check(not home:accept(), "mail from the null sender was answered with a report")
    for _, bytes in ipairs(t:inbox()) do
      t:check(not bytes:find("bob@bounce.example", 1, true), "mail from the null sender was reported to the user")
    end
  end,
})

scenario(common {
  name = "report-to-report",
  title = "A report that cannot be delivered is dropped",
  proves = { "rfc5321-4.5.4-2", "rfc5321-4.5.5-x12", "rfc5321-3.6.3-5", "rfc5321-4.4-28" },
  says = [[The report goes out from the null sender. When the sender's host refuses it, that is the end.]],
  why = [[Forged senders make such reports all the time: each answer to one would make the flood double.]],
  catches = { "queue-dsn-nonnull-sender", "queue-no-failure-dsn", "queue-retries-5xx", "smtp-loses-after-250" },
  run = function(t)
    local name = t:smtp().greeting.lines[1]:match "^(%S+)"
    local sink, back = t:listen { address = "127.0.0.85" }, t:listen { address = "127.0.0.86" }
    local home = t:listen { address = "127.0.0.87" }
    t:zone("lost.example. A 127.0.0.85", "back.example. A 127.0.0.86", name .. ". A 127.0.0.87")
    t:submit("bob@lost.example", { from = "ann@back.example" })
    if not sink:serve(REFUSES) then t:fail "the message was not relayed" end
    local s = back:serve(REFUSES)
    if not s then t:fail "no report to the sender's host" end
    t:check(s.from and s.from:find "^<>", "the report came with MAIL FROM:%s", s.from)
    t:check(not back:accept(), "a refused report led to another mail to the sender's host")
    t:check(not home:accept(), "a refused report led to another mail to %s", name)
  end,
})

scenario(common {
  name = "report-goes-out-plain",
  title = "A report asks for no reports itself",
  proves = { "rfc3461-6.1-1", "rfc3461-6.1-2", "rfc3461-6.1-3", "rfc3464-2-7" },
  says = [[A report that goes to another host has the null sender, no RET, and either no NOTIFY or NOTIFY=NEVER.]],
  why = [[A report about a report helps nobody.]],
  catches = { "queue-dsn-asks-notify", "queue-dsn-nonnull-sender", "queue-no-failure-dsn", "queue-retries-5xx",
    "queue-adds-ret", "smtp-loses-after-250" },
  needs = { "DSN" },
  run = function(t)
    local sink, back = t:listen { address = "127.0.0.88" }, t:listen { address = "127.0.0.89" }
    t:zone("asks.example. A 127.0.0.88", "asker.example. A 127.0.0.89")
    t:submit("bob@asks.example NOTIFY=FAILURE,SUCCESS", { from = "ann@asker.example", params = "RET=FULL ENVID=Qq1" })
    if not sink:serve(REFUSES) then t:fail "the message was not relayed" end
    local s = back:serve { ehlo = "DSN" }
    if not s then t:fail "no report to the sender's host" end
    t:check(s.from and s.from:find "^<>", "the report came with MAIL FROM:%s", s.from)
    t:check(not (s.from or ""):upper():find " RET=", "a report with RET: %s", s.from)
    local notify = (s.to[1] or ""):upper():match " NOTIFY=(%S+)"
    t:check(notify == nil or notify == "NEVER", "a report with NOTIFY=%s", notify)
  end,
})

scenario(common {
  name = "returns-what-ret-says",
  title = "RET decides whether the report holds the text",
  proves = { "rfc3461-6.2-2", "rfc3461-4.3-x1" },
  says = [[RET=HDRS brings back the header only; RET=FULL brings back the text of a short message as well.]],
  why = [[Text that goes back to a mailbox which others read, or over a link that costs money, is what HDRS prevents.]],
  catches = { "queue-ret-hdrs-full", "queue-ret-full-hdrs", "queue-no-failure-dsn", "queue-retries-5xx",
    "queue-dsn-plain", "smtp-loses-after-250" },
  needs = { "DSN" },
  run = function(t)
    local sink = t:listen { address = "127.0.0.90" }
    t:zone "ret.example. A 127.0.0.90"
    for _, ret in ipairs { "FULL", "HDRS" } do
      t:submit(ret:lower() .. "@ret.example", { params = "RET=" .. ret,
        data = message.make { subject = t.marker, body = "the-text-of-the-message\r\n" } })
      if not sink:serve(REFUSES) then t:fail "the message was not relayed" end
      local bytes = t:delivered(ret:lower() .. "@ret.example", { judge = true })
      local has = bytes:find("the-text-of-the-message", 1, true) ~= nil
      t:equal(has, ret == "FULL", "the text is in the report with RET=" .. ret)
    end
  end,
})
