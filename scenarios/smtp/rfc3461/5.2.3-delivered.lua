-- Reports about mail that was delivered here: the sender and the recipient are both users of the server.
-- SPDX-License-Identifier: MIT

-- Mail from the first user to the second.
local function mail(c, t, subject, parameters, notify)
  c:send("MAIL FROM:<" .. t.users[1].address .. ">" .. parameters)
  c:expect "250"
  c:send("RCPT TO:<" .. t.users[2].address .. ">" .. notify)
  c:expect "2yz"
  c:send "DATA"
  c:expect "354"
  c:write(message.make { subject = subject, to = t.users[2].address, body = "the-text-of-the-message\r\n" } .. ".\r\n")
  c:expect "250"
end

local function report(t, subject)
  local bytes = t:delivered(subject, { user = t.users[1], judge = true, seconds = 8 })
  local r, why = message.report(bytes)
  if not r then t:fail("the report of the delivery is none: %s", why) end
  return r, bytes
end

scenario {
  name = "success-is-reported",
  title = "A delivery with NOTIFY=SUCCESS is reported as delivered",
  proves = { "rfc3461-5.2.3-1", "rfc3461-6.3-10", "rfc3461-6.3-11", "rfc3461-6.3-12", "rfc3461-6.3-13",
    "rfc3461-6.3-4", "rfc3464-2.3.4-x2" },
  says = [[The sender who asked for it gets a report with Action delivered, a Status of class 2, the recipient as he
           stood in RCPT, and Reporting-MTA.]],
  why = [[It is the only way to know that a message lies in the mailbox and not in some queue.]],
  catches = { "smtp-no-delivered-dsn", "queue-dsn-plain", "queue-dsn-no-status", "smtp-delivered-as-relayed",
    "queue-no-success-dsn", "queue-dsn-no-reporting-mta", "queue-dsn-base64-status", "smtp-loses-after-250" },
  needs = { "DSN" },
  users = 2,
  run = function(t)
    mail(t:smtp(), t, t.marker, "", " NOTIFY=SUCCESS")
    local r = report(t, t.marker)
    t:check(r.message["reporting-mta"], "no Reporting-MTA")
    if not t:equal(#r.recipients, 1, "recipients in the report") then return end
    local one = r.recipients[1]
    t:equal((one["final-recipient"] or "none"):lower():gsub("^rfc822; *", ""), t.users[2].address:lower(),
      "Final-Recipient")
    t:equal((one.action or "none"):lower():match "^%a+", "delivered", "Action")
    t:check((one.status or ""):find "^2%.%d+%.%d+", "Status is %s", one.status)
  end,
}

scenario {
  name = "identifiers-come-back",
  title = "ENVID and ORCPT come back in the report",
  proves = { "rfc3461-6.3-1", "rfc3461-6.3-3", "rfc3461-6.3-8" },
  says = [[Original-Envelope-Id is what ENVID was before its encoding, Original-Recipient is what ORCPT gave.]],
  why = [[A program that sent a thousand messages knows by them which one the report is about.]],
  catches = { "queue-no-envid", "queue-no-orcpt", "queue-envid-encoded", "smtp-no-delivered-dsn", "queue-dsn-plain",
    "queue-no-success-dsn", "queue-dsn-base64-status", "smtp-loses-after-250" },
  needs = { "DSN" },
  users = 2,
  run = function(t)
    mail(t:smtp(), t, t.marker, " ENVID=+2Bc+3DD", " NOTIFY=SUCCESS ORCPT=rfc822;First.Name@Old.Example")
    local r = report(t, t.marker)
    t:equal(r.message["original-envelope-id"], "+c=D", "Original-Envelope-Id")
    local original = r.recipients[1] and r.recipients[1]["original-recipient"]
    t:equal(original and original:gsub("; +", ";"), "rfc822;First.Name@Old.Example", "Original-Recipient")
  end,
}

scenario {
  name = "identifiers-not-invented",
  title = "Without ENVID and ORCPT the report has no identifier and no original recipient",
  proves = { "rfc3461-6.3-2", "rfc3461-6.3-9", "rfc3464-2.3.5-2", "rfc3464-3-1" },
  says = [[There is no Original-Envelope-Id and no Original-Recipient that the sender did not give, and no Remote-MTA
           where the message did not leave the server.]],
  why = [[A program that finds an identifier takes it for its own.]],
  catches = { "queue-envid-invented", "queue-orcpt-invented", "smtp-delivered-remote-mta", "smtp-no-delivered-dsn",
    "queue-dsn-plain", "queue-no-success-dsn", "smtp-loses-after-250" },
  needs = { "DSN" },
  users = 2,
  run = function(t)
    mail(t:smtp(), t, t.marker, "", " NOTIFY=SUCCESS")
    local r = report(t, t.marker)
    t:equal(r.message["original-envelope-id"], nil, "Original-Envelope-Id")
    local one = r.recipients[1] or {}
    t:equal(one["original-recipient"], nil, "Original-Recipient")
    t:equal(one["remote-mta"], nil, "Remote-MTA of a delivery without another host")
  end,
}

scenario {
  name = "header-only",
  title = "A report of success does not return the text",
  proves = "rfc3461-6.2-4",
  says = [[A report that tells of no failure holds the header of the message only, RET=FULL or not.]],
  why = [[The sender has the text already; sending it back doubles the traffic of every such message.]],
  catches = { "queue-success-full", "smtp-no-delivered-dsn", "queue-no-success-dsn", "queue-dsn-plain",
    "smtp-loses-after-250" },
  needs = { "DSN" },
  users = 2,
  run = function(t)
    mail(t:smtp(), t, t.marker, " RET=FULL", " NOTIFY=SUCCESS")
    local bytes = t:delivered(t.marker, { user = t.users[1], judge = true, seconds = 8 })
    t:check(not bytes:find("the-text-of-the-message", 1, true), "a report of success that holds the text")
  end,
}

scenario {
  name = "unasked-is-silent",
  title = "A delivery is not reported to a sender who did not ask for it",
  proves = { "rfc3461-5.2.3-2", "rfc3461-5.2.3-3" },
  says = [[Without NOTIFY, and with one that lacks SUCCESS, nobody is told of a delivery.]],
  why = [[If every delivery were reported, reports would be half of all mail, and would tell strangers who exists.]],
  catches = { "smtp-delivered-dsn-unasked", "smtp-no-delivered-dsn", "smtp-dsn-never-refused", "queue-no-success-dsn",
    "queue-dsn-plain", "smtp-data-keeps-transaction", "smtp-loses-after-250" },
  needs = { "DSN" },
  timeout = 40,
  users = 2,
  run = function(t)
    local c = t:smtp()
    mail(c, t, t.marker .. "-quiet1", "", "")
    mail(c, t, t.marker .. "-quiet2", "", " NOTIFY=FAILURE,DELAY")
    mail(c, t, t.marker .. "-quiet3", "", " NOTIFY=NEVER")
    mail(c, t, t.marker .. "-asked", "", " NOTIFY=SUCCESS")
    t:delivered(t.marker .. "-asked", { user = t.users[1], judge = true, seconds = 25 })
    for _, bytes in ipairs(t:inbox(t.users[1])) do
      local quiet = bytes:match(t.marker .. "%-(quiet%d)")
      t:check(not quiet, "a report about the message %s", quiet)
    end
  end,
}
