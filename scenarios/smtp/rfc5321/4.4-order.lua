-- The order and the dates of trace fields. RFC 5321, 4.4.
-- SPDX-License-Identifier: MIT

-- The header of a message that was delivered, field by field, unfolded.
local function fields_of(t)
  local c = t:smtp { ehlo = "client.test.example" }
  c:mail { data = "Received: from old.example by older.example; Mon, 1 Jun 2026 10:00:00 +0000\r\n" ..
    message.make { subject = "trace", body = t.marker .. "\r\n" } }
  local header = message.split(t:delivered(t.marker))
  local fields = {}
  for name, value in ("\r\n" .. header:gsub("\r\n[ \t]+", " ")):gmatch "\r\n([%w-]+):%s*([^\r]*)" do
    fields[#fields + 1] = { name = name:lower(), value = value }
  end
  return fields
end

scenario {
  name    = "return-path-then-received",
  title   = "Delivered mail begins with Return-Path, then come the Received fields, then what the client sent",
  proves  = "rfc5321-4.4-x2",
  says    = [[Return-Path stands above the Received field that goes with it, and both above the header of the message
              (fields of the delivery may stand between).]],
  why     = [[Programs that look for the sender of the envelope read the top of the message.]],
  catches = { "smtp-return-path-below", "smtp-no-received", "smtp-no-return-path", "smtp-strips-received",
    "smtp-received-without-from" },
  run = function(t)
    local at = {}
    for n, field in ipairs(fields_of(t)) do
      if field.name == "received" and field.value:find("client.test.example", 1, true) then at.own = at.own or n end
      if field.name == "received" and field.value:find("old.example", 1, true) then at.old = n end
      if field.name == "return-path" then at.path = at.path or n end
      if field.name == "subject" then at.subject = n end
    end
    t:check(at.own and at.old and at.own < at.old, "the Received field of this hop does not stand above the older one")
    t:check(at.path and at.own and at.path < at.own, "Return-Path does not stand above the Received field of this hop")
    t:check(at.subject and at.path and at.path < at.subject, "Return-Path does not stand above what the client sent")
  end,
}

scenario {
  name    = "zone-in-digits",
  title   = "The date of Received has its zone in digits",
  proves  = { "rfc5321-4.4-8", "rfc5321-4.4-10" },
  says    = [[The date ends in an offset such as -0800; the name of a zone may follow in a comment.]],
  why     = [[Names of zones mean different times to different readers: IST is one of three.]],
  catches = { "smtp-received-zone-name", "smtp-no-received", "smtp-received-without-from" },
  run = function(t)
    for _, field in ipairs(fields_of(t)) do
      if field.name == "received" and field.value:find("client.test.example", 1, true) then
        local date = field.value:match ";%s*([^;]*)$" or ""
        return t:check(date:match "%d%d:%d%d:?%d*%s+[+-]%d%d%d%d%s*$" or
          date:match "%d%d:%d%d:?%d*%s+[+-]%d%d%d%d%s*%(.*%)%s*$",
          "the date of Received is %q: its zone is no offset, or text follows it", date)
      end
    end
    t:check(false, "no Received field has the name from EHLO in it")
  end,
}
