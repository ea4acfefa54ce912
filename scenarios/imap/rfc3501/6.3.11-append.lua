-- APPEND. RFC 3501, 6.3.11.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "keeps-octets-flags-and-date",
  title   = "An appended message has the octets, flags and date that were given",
  proves  = { "rfc3501-6.3.11-x1", "rfc3501-6.3.11-6", "rfc3501-6.3.11-7", "rfc3501-2.3.3-3", "rfc9051-2.3.3-2" },
  says    = [[APPEND with a flag list and a date-time stores them with the message; BODY[] gives its octets back.]],
  why     = [[Moving mail from one server to another is done by APPEND; what it loses is lost for good.]],
  messages = 0,
  catches = { "imap-append-drops-flags", "imap-append-ignores-date", "imap-date-unpadded",
    "imap-internaldate-zone-name", "imap-literal-length-off-by-one", "imap-literal-no-continue",
    "imap-no-exists-after-append" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    local text = message.make { subject = "append", body = t.marker .. "\r\n.\r\n\r\n8bit: \xc3\xa9\r\n" }
    c:command([[APPEND INBOX (\Seen \Flagged) " 5-Mar-2021 08:15:30 +0100" ]], { literal = text })
    c:expect "OK"
    c:send "NOOP" -- the latest moment to be told of it
    c:expect "OK"
    c:send "FETCH 1 (FLAGS INTERNALDATE BODY.PEEK[])"
    local item = c:expect "OK":fetch(1)
    t:check(item, "the appended message is not there")
    if not item then return end
    t:equal(item["BODY[]"], text, "the message as fetched")
    t:check(item.FLAGS["\\Seen"] and item.FLAGS["\\Flagged"], "the flags given to APPEND are not set")
    local day, month, year, hour, minute, second, sign, zh, zm =
      item.INTERNALDATE:match "^([ %d]%d)%-(%a%a%a)%-(%d%d%d%d) (%d%d):(%d%d):(%d%d) ([+-])(%d%d)(%d%d)$"
    t:check(day, "INTERNALDATE has the form %q", item.INTERNALDATE)
    if not day then return end
    -- the zone may be the server's own: the moment is what counts, 07:15:30 UTC
    local offset = (tonumber(zh) * 60 + tonumber(zm)) * (sign == "-" and -1 or 1)
    local minutes = tonumber(hour) * 60 + tonumber(minute) - offset
    t:check(tonumber(day) == 5 and month == "Mar" and year == "2021" and minutes == 7 * 60 + 15 and second == "30",
      "INTERNALDATE is %s, APPEND said 5-Mar-2021 08:15:30 +0100", item.INTERNALDATE)
  end,
}

scenario {
  name    = "missing-mailbox",
  title   = "APPEND to a mailbox that does not exist gets NO [TRYCREATE] and makes none",
  proves  = { "rfc3501-6.3.11-9", "rfc3501-6.3.11-10" },
  says    = [[The mailbox is not created by APPEND; the response code tells the client that CREATE would help.]],
  why     = [[A typing error in a folder name should not make a folder.]],
  users   = 1,
  destructive = true,
  catches = { "imap-append-creates", "imap-append-no-trycreate" },
  run = function(t)
    local c = t:imap { login = true }
    local name = c:mailbox("mp-none-" .. t.marker)
    c:command("APPEND " .. name .. " ", { literal = message.make { subject = "x", body = "x\r\n" } })
    local r = c:expect("NO", "OK", "BAD")
    t:check(r:is "NO [TRYCREATE]", "APPEND to a mailbox that does not exist got %s", r)
    c:send("LIST \"\" " .. name)
    t:equal(c:expect "OK":count "LIST", 0, "mailboxes of that name after APPEND")
  end,
}

scenario {
  name    = "announced-to-the-selected",
  title   = "A message appended to the selected mailbox is announced",
  proves  = { "rfc3501-6.3.11-11", "rfc3501-6.3.11-12", "rfc3501-i-7.3.1-1" },
  level   = "SHOULD",
  says    = [[EXISTS with the new number comes before the OK of APPEND, or with the next command at the latest.]],
  why     = [[Else the client has stored a message that it cannot see.]],
  messages = { "plain" },
  catches = { "imap-no-exists-after-append", "imap-literal-no-continue" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:command("APPEND INBOX ", { literal = message.make { subject = "two", body = "two\r\n" } })
    local r = c:expect "OK"
    c:send "NOOP"
    local later = c:expect "OK"
    local last
    for _, reply in ipairs { r, later } do
      for _, line in ipairs(reply:all "EXISTS") do last = line.number end
    end
    t:check(last == 2, "after APPEND to the selected mailbox EXISTS said %s", last or "nothing")
    t:record("EXISTS before the OK of APPEND", r:count "EXISTS" > 0)
  end,
}
