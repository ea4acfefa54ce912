-- The fields of a notification about mail that the next host refused, and the message that it travels in.
-- SPDX-License-Identifier: MIT

-- Mail to a host that refuses it for good; the report that came back, taken apart, and its bytes.
local function report(t, host, to)
  local sink = t:listen { address = host }
  t:submit(to, { at = host })
  local s = sink:serve { rcpt = "550 5.1.1 nobody of this name" }
  if not s then t:fail "the message was not relayed" end
  return t:report()
end

local ALWAYS = { "queue-no-failure-dsn", "queue-dsn-plain", "queue-retries-5xx", "smtp-loses-after-250" }

local function common(def)
  def.services, def.needs_control = { "submission" }, true
  table.move(ALWAYS, 1, #ALWAYS, #def.catches + 1, def.catches)
  return def
end

scenario(common {
  name = "fields-of-the-message",
  title = "The report names its maker and when the message came, each once",
  proves = { "rfc3464-2.2.2-1", "rfc3464-2.2.5-1", "rfc3464-2.2.3-1", "rfc3464-2.2.1-2", "rfc3461-6.3-4",
    "rfc3461-6.3-5", "rfc3461-6.3-2" },
  says = [[Reporting-MTA is dns; and a full domain name. Arrival-Date, where it stands, has a numeric zone. There is no
           DSN-Gateway, no Original-Envelope-Id that nobody gave, and no field twice.]],
  why = [[Programs that read reports take the first field of a name, or the last; two of them mean two things.]],
  catches = { "queue-dsn-no-reporting-mta", "queue-dsn-date-zone-name", "queue-envid-invented",
    "queue-dsn-base64-status" },
  run = function(t)
    local r = report(t, "127.0.1.1", "bob@maker.example")
    local name = r.message["reporting-mta"] or "none"
    t:check(name:lower():find "^dns *; *[%w-]+%.[%w.-]+$", "Reporting-MTA is %s", name)
    local date = r.message["arrival-date"]
    t:check(date == nil or date:find "[+-]%d%d%d%d$" or date:find "[+-]%d%d%d%d %b()$", "Arrival-Date is %s", date)
    t:equal(r.message["dsn-gateway"], nil, "DSN-Gateway")
    t:equal(r.message["original-envelope-id"], nil, "Original-Envelope-Id that nobody gave")
    t:equal(r.twice, {}, "fields that stand twice")
  end,
})

scenario(common {
  name = "fields-of-the-recipient",
  title = "The recipient has his address as it was, and the words of the host that refused him",
  proves = { "rfc3464-2.3.2-1", "rfc3464-2.3.2-2", "rfc3464-2.3.2-6", "rfc3464-2.3.3-1", "rfc3464-2.3.4-1",
    "rfc3464-2.3.4-3", "rfc3464-2.3.9-1", "rfc3461-6.3-15", "rfc3461-6.3-16", "rfc3461-9.1-1", "rfc3464-2.3.7-3",
    "rfc3464-3-1" },
  says = [[Final-Recipient is the address of RCPT with each capital; Status has no leading zeros; Remote-MTA and
           Diagnostic-Code say who refused and how; there is no Will-Retry-Until and no Original-Recipient.]],
  why = [[The reply of the other host is the only thing in a report that tells a human what to do.]],
  catches = { "queue-dsn-recipient-lowered", "queue-dsn-no-diagnostic", "queue-dsn-no-status", "queue-dsn-wrong-action",
    "queue-dsn-will-retry", "queue-dsn-date-zone-name", "queue-orcpt-invented", "queue-dsn-base64-status" },
  run = function(t)
    local r = report(t, "127.0.1.2", "Bob.The-Second+tag@words.example")
    if not t:equal(#r.recipients, 1, "recipients in the report") then return end
    local one = r.recipients[1]
    t:equal((one["final-recipient"] or "none"):gsub("^[Rr][Ff][Cc]822 *; *", ""), "Bob.The-Second+tag@words.example",
      "Final-Recipient")
    t:equal((one.action or "none"):lower():match "^%a+", "failed", "Action")
    local status = (one.status or "none"):match "^%S+"
    t:check(status:find "^5%.%d+%.%d+$" and not status:find "%.0%d", "Status is %s", status)
    t:check((one["remote-mta"] or ""):lower():find "^dns *; *%S", "Remote-MTA is %s", one["remote-mta"])
    t:check((one["diagnostic-code"] or ""):lower():find "^smtp *; *550", "Diagnostic-Code is %s",
      one["diagnostic-code"])
    t:equal(one["will-retry-until"], nil, "Will-Retry-Until of a failure")
    t:equal(one["original-recipient"], nil, "Original-Recipient that nobody gave")
    local date = one["last-attempt-date"]
    t:check(date == nil or date:find "[+-]%d%d%d%d", "Last-Attempt-Date is %s", date)
  end,
})

scenario(common {
  name = "reply-is-repeated",
  title = "Diagnostic-Code repeats the reply of the host that refused",
  proves = { "rfc3461-9.2-1", "rfc3464-2.3.6-7" },
  says = [[It is of type smtp and has the code and all of the text, also of a reply of several lines.]],
  why = [[The reason often stands in the second line: which list, which quota, whom to ask.]],
  catches = { "queue-dsn-no-diagnostic", "queue-diagnostic-first-line", "queue-dsn-base64-status" },
  run = function(t)
    local sink = t:listen { address = "127.0.1.3" }
    t:zone "reply.example. A 127.0.1.3"
    t:submission():mail { from = t.user.address, to = "bob@reply.example",
      data = message.make { subject = t.marker } }
    if not sink:serve { rcpt = "550 5.7.1 go away\n5.7.1 or ask joe@reply.example" } then
      t:fail "the message was not relayed"
    end
    local r, why = message.report(t:delivered(t.marker, { judge = true }))
    if not r then t:fail("the report is none: %s", why) end
    local code = (r.recipients[1] or {})["diagnostic-code"] or "none"
    t:check(code:lower():find "^smtp *; *550", "Diagnostic-Code is %s", code)
    t:check(code:find("go away", 1, true) and code:find("or ask joe@reply.example", 1, true),
      "Diagnostic-Code has lost some of the reply: %s", code)
  end,
})

scenario(common {
  name = "envelope-and-header",
  title = "A report goes to the sender of the envelope, and comes from somebody who answers",
  proves = { "rfc3464-2-3", "rfc5321-4.4-20", "rfc5321-6.1-5" },
  says = [[It is for the address of MAIL, whatever From and Reply-To of the message say, and its own To says so.]],
  why = [[From can name a list or a third person, who would get the reports of everybody.]],
  catches = { "queue-dsn-to-header-from", "queue-dsn-no-to" },
  run = function(t)
    local sink, other = t:listen { address = "127.0.1.4" }, t:listen { address = "127.0.1.5" }
    t:zone("whom.example. A 127.0.1.4", "other.example. A 127.0.1.5")
    t:submission():mail { from = t.user.address, to = "bob@whom.example",
      data = message.make { subject = t.marker, from = t.user.address,
        headers = { "Reply-To: joe@other.example", "Errors-To: joe@other.example",
          "Return-Receipt-To: joe@other.example" } } }
    if not sink:serve { rcpt = "550 5.1.1 nobody of this name" } then
      t:fail "the message was not relayed"
    end
    local bytes = t:delivered(t.marker, { judge = true })
    local to = message.header(bytes, "To") or "none"
    t:check(to:lower():find(t.user.address:lower(), 1, true), "To of the report is %s", to)
    t:check((message.header(bytes, "From") or ""):find "@", "From of the report has no address")
    t:check(not other:accept(0), "the report went to an address from the header")
  end,
})

scenario(common {
  name = "three-parts",
  title = "A report has words, fields and the message, in this order",
  proves = { "rfc3464-2-x3", "rfc3464-2.1-1", "rfc6522-3-x1", "rfc6522-3-x2", "rfc6522-3-x3", "rfc5321-3.6.3-2" },
  says = [[The first part is for humans, the second message/delivery-status in 7bit, the third, where there is one, the
           message or its header. report-type agrees.]],
  why = [[Mail clients show the first part and hide the others; programs look at the second.]],
  catches = { "queue-dsn-base64-status", "queue-dsn-no-human-part" },
  run = function(t)
    local r = report(t, "127.0.1.6", "bob@parts.example")
    t:check(#r.parts == 2 or #r.parts == 3, "a report of %d parts", #r.parts)
    local first = (message.header(r.parts[1], "Content-Type") or "text/plain"):lower()
    t:check(first:find "^text/" or first:find "^multipart/alternative", "the first part is %s", first)
    local _, words = message.split(r.parts[1])
    t:check(words:find "%a%a%a", "the first part has no words in it")
    local encoding = (message.header(r.parts[2], "Content-Transfer-Encoding") or "7bit"):lower()
    t:equal(encoding, "7bit", "encoding of the message/delivery-status part")
    if r.returned then
      local third = (message.header(r.returned, "Content-Type") or "none"):lower()
      t:check(third:find "^message/rfc822" or third:find "^text/rfc822%-headers" or third:find "^message/global",
        "the third part is %s", third)
    end
  end,
})
