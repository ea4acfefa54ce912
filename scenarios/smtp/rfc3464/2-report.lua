-- What a notification of a failure is made of. SPDX-License-Identifier: MIT

-- Mail that the next host refuses; from is the sender that the report goes to.
local function refused(t, host, domain, from, ...)
  local sink = t:listen { address = host }
  t:zone(domain .. ". A " .. host, ...)
  t:submit("bob@" .. domain, { from = from })
  local s = sink:serve { rcpt = "550 5.1.1 nobody of this name" }
  if not s then t:fail "the message was not relayed" end
end

local function report(t, host, domain)
  refused(t, host, domain, t.user.address)
  return t:delivered(t.marker, { judge = true })
end

local function common(def)
  def.services, def.needs_control = { "submission" }, true
  return def
end

scenario(common {
  name = "multipart-report",
  title = "A notification is a multipart/report with a message/delivery-status",
  proves = "rfc3464-2-x2",
  says = [[Its type is multipart/report with report-type delivery-status, and its second part is for programs.]],
  why = [[Mailing lists find dead addresses by it; from free text they cannot.]],
  catches = { "queue-dsn-plain", "queue-retries-5xx", "queue-no-failure-dsn", "queue-dsn-no-human-part",
    "smtp-loses-after-250" },
  run = function(t)
    local dsn = report(t, "127.0.0.61", "report.example")
    local kind = (message.header(dsn, "Content-Type") or "none"):lower()
    t:check(kind:find "^multipart/report", "a notification of type %s", kind)
    t:check(kind:find "report%-type=\"?delivery%-status", "no report-type of delivery-status in %s", kind)
    local _, parts = dsn:lower():gsub("\r\ncontent%-type: *message/delivery%-status", "")
    t:equal(parts, 1, "parts of type message/delivery-status")
  end,
})

scenario(common {
  name = "recipient-fields",
  title = "Each failed recipient is told with Final-Recipient, Action and Status",
  proves = { "rfc3464-2.3.4-x1", "rfc3464-2.3.3-x1" },
  says = [[A refused recipient has Action failed and a Status of class 5 beside its address.]],
  why = [[Who reads notifications by program decides on these fields whether an address is dead.]],
  catches = { "queue-dsn-no-status", "queue-dsn-wrong-action", "queue-dsn-plain", "queue-retries-5xx",
    "queue-no-failure-dsn", "queue-dsn-base64-status", "smtp-loses-after-250" },
  run = function(t)
    local dsn = report(t, "127.0.0.62", "fields.example"):lower()
    t:check(dsn:find "\r\nfinal%-recipient: *rfc822; *bob@fields%.example", "no Final-Recipient with the address")
    t:check(dsn:find "\r\naction: *failed", "no Action that says failed")
    t:check(dsn:find "\r\nstatus: *5%.%d+%.%d+", "no Status of class 5")
  end,
})

scenario(common {
  name = "null-sender",
  title = "A notification is sent with the null sender",
  proves = { "rfc3464-2-x1", "rfc5321-4.5.5-x11", "rfc5321-6.1-4" },
  says = [[MAIL FROM of a notification is <>.]],
  why = [[A notification with a sender can be answered by another one, without end.]],
  catches = { "queue-dsn-nonnull-sender", "queue-retries-5xx", "queue-no-failure-dsn", "smtp-loses-after-250" },
  run = function(t)
    local back = t:listen { address = "127.0.0.64" }
    refused(t, "127.0.0.63", "null.example", "ann@back.example", "back.example. A 127.0.0.64")
    local s = back:serve()
    if not s then t:fail "no notification to the sender" end
    t:check(s.from and s.from:find "^<>", "a notification with MAIL FROM:%s", s.from)
  end,
})
