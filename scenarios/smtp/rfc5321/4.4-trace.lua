-- Trace fields. RFC 5321, 4.4.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "received-on-top",
  title   = "A delivered message begins with the server's Received, and older ones stay below it",
  proves  = { "rfc5321-4.4-1", "rfc5321-4.4-6", "rfc5321-4.4-7" },
  says    = [[The server puts its own Received field above all others (Return-Path and delivery fields may stand
              higher) and leaves those that came with the message as they were.]],
  why     = [[The list of stations is what postmasters follow when mail is lost or forged.]],
  catches = { "smtp-no-received", "smtp-strips-received" },
  run = function(t)
    local c = t:smtp()
    local old = "Received: from first.example by second.example with SMTP id 1;\r\n\tMon, 1 Jun 2026 10:00:00 +0000\r\n"
    c:mail { from = "ann@client.example", to = t.user.address,
      data = old .. message.make { subject = "trace", body = t.marker .. "\r\n" } }
    local got = t:delivered(t.marker)
    local header = message.split(got)
    local at = header:find("Received: from first.example", 1, true)
    t:check(at, "the Received field that the message came with is gone")
    local own = ("\r\n" .. header):lower():find("\r\nreceived:", 1, true)
    t:check(own and at and own < at, "no Received field stands above the one that the message came with")
    t:check(got:find(old, 1, true), "the older Received field was changed")
  end,
}

scenario {
  name    = "received-form",
  title   = "Received has from, by and a date with a four-digit year and a numeric zone",
  proves  = { "rfc5321-4.4-2", "rfc5321-4.4-3", "rfc5321-4.4-29", "rfc5321-F.5-1" },
  says    = [[The new Received field names in "from" what EHLO said and the client's address, has a "by", and ends in
              a semicolon and a date.]],
  why     = [[Programs read it: spam filters and loop detectors among them.]],
  catches = { "smtp-received-without-from", "smtp-received-two-digit-year", "smtp-no-received",
    "smtp-received-zone-name" },
  run = function(t)
    local c = t:smtp { ehlo = "client.test.example" }
    c:mail { from = "ann@client.example", to = t.user.address,
      data = message.make { subject = "trace", body = t.marker .. "\r\n" } }
    local got = t:delivered(t.marker)
    -- a delivery over LMTP adds a field of its own above; ours is the one that knows our EHLO name
    local field
    for value in ("\r\n" .. got:gsub("\r\n[ \t]+", " ")):gmatch "\r\n[Rr]eceived:%s*([^\r]*)" do
      if value:find("client.test.example", 1, true) then field = field or value end
    end
    t:check(field, "no Received field has the name from EHLO in it")
    if not field then return end
    t:check(field:match "^from%s", "it does not begin with a from clause: %s", field)
    t:check(field:find "%sby%s", "it has no by clause: %s", field)
    t:check(field:find("[127.", 1, true) or field:find("[IPv6:", 1, true) or field:find("[::1", 1, true),
      "it does not have the client's address in brackets: %s", field)
    t:check(field:match ";%s*%a*,?%s*%d%d?%s+%a%a%a%s+%d%d%d%d%s+%d%d:%d%d:?%d*%s+[+-]%d%d%d%d",
      "its date is not day, month, four-digit year, time and numeric zone: %s", field)
  end,
}

scenario {
  name    = "return-path",
  title   = "Delivered mail has one Return-Path: the sender of the envelope",
  proves  = { "rfc5321-4.4-11", "rfc5321-4.4-x1", "rfc5321-4.4-18" },
  says    = [[The first field is Return-Path with exactly the address from MAIL; one that came in the message is
              not a second one.]],
  why     = [[It is where a report about the message has to go, and the only trace of the envelope's sender.]],
  catches = { "smtp-no-return-path", "smtp-keeps-foreign-return-path", "smtp-local-part-lowered" },
  run = function(t)
    local c = t:smtp()
    c:mail { from = "Bounce+tag=1@client.example", to = t.user.address,
      data = "Return-Path: <forged@evil.example>\r\n" ..
        message.make { subject = "path", body = t.marker .. "\r\n" } }
    local header = message.split(t:delivered(t.marker))
    local found = {}
    for value in ("\r\n" .. header):gmatch "\r\n[Rr][Ee][Tt][Uu][Rr][Nn]%-[Pp][Aa][Tt][Hh]:%s*([^\r]*)" do
      found[#found + 1] = value
    end
    t:check(found[1] == "<Bounce+tag=1@client.example>", "the first Return-Path is %s, the envelope's sender was " ..
      "<Bounce+tag=1@client.example>", found[1] or "missing")
    t:check(#found == 1, "there are %d Return-Path fields", #found)
  end,
}
