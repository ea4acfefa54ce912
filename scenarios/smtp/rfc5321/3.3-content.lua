-- What a server must not mind in a message, and what it must not write into it. RFC 5321, 3.3, 3.7.2, 4.4, 6.3, 7.2.
-- SPDX-License-Identifier: MIT

local function delivers(t, headers, what, to)
  local r = t:smtp():mail { to = to, may_fail = true,
    data = message.make { subject = t.marker, headers = headers } }
  if not t:check(r:is "250", "refused a message with %s: %s", what, r) then return nil end
  return t:delivered(t.marker, { judge = true, seconds = 8 })
end

scenario {
  name    = "odd-headers-are-taken",
  title   = "Faults in header and MIME structure are no reason to refuse a message",
  proves  = { "rfc5321-3.3-17", "rfc5321-3.3-18", "rfc5321-3.7.2-3" },
  says    = [[Unequal Resent fields, broken MIME, strange Received and Return-Path fields: the message is taken.]],
  why     = [[The server's business is the envelope. Broken mail that is refused comes back as a report that its author
              cannot read.]],
  catches = { "smtp-judges-headers", "smtp-loses-after-250" },
  run = function(t)
    delivers(t, { "Resent-To: eve@client.example", "Resent-Date: yesterday", "MIME-Version: 9.9",
      "Content-Type: multipart/mixed; boundary=", "Content-Transfer-Encoding: rot13",
      "Received: by nobody, never", "Received:", "Return-Path: nonsense <<", "Date: sometime" }, "odd header fields")
  end,
}

scenario {
  name    = "hundred-received",
  title   = "A message with 99 Received fields is taken",
  proves  = "rfc5321-6.3-1",
  level   = "SHOULD",
  says    = [[Counting Received fields finds loops; the limit is large, a hundred at least.]],
  why     = [[Mail through several companies, each with its filters, collects dozens.]],
  catches = { "smtp-counts-thirty-received", "smtp-no-received", "smtp-loses-after-250", "smtp-strips-received" },
  run = function(t)
    local fields = {}
    for i = 1, 99 do
      fields[i] = ("Received: from h%d.example by h%d.example; Sat, 21 Nov 2026 01:02:03 +0000"):format(i, i + 1)
    end
    local got = delivers(t, fields, "99 Received fields")
    if got then
      t:check(#message.headers(got, "Received") >= 100, "%d of the 100 Received fields are left",
        #message.headers(got, "Received"))
    end
  end,
}

scenario {
  name    = "blind-stays-blind",
  title   = "No header field tells who else got the message",
  proves  = { "rfc5321-7.2-2", "rfc5321-7.2-5", "rfc5321-7.6-3", "rfc5321-4.4-5" },
  level   = "SHOULD",
  says    = [[With two recipients the message that one of them gets names the other nowhere: no list of the envelope, no
              Apparently-To, and a "for" in Received with no more than one address, better with none.]],
  why     = [[A blind copy is blind because nobody writes it down.]],
  catches = { "smtp-apparently-to", "smtp-received-for-all", "smtp-loses-after-250", "smtp-delivers-to-first-only" },
  users   = 2,
  run = function(t)
    local r = t:smtp():mail { to = { t.users[1].address, t.users[2].address },
      data = message.make { subject = t.marker, to = "somebody@client.example" } }
    t:check(r:is "250", "refused: %s", r)
    for i = 1, 2 do
      local got = t:delivered(t.marker, { user = t.users[i], judge = true })
      local other = t.users[3 - i].address
      t:check(not message.split(got):lower():find(other:lower(), 1, true),
        "the message for %s names %s", t.users[i].address, other)
      t:equal(message.header(got, "Apparently-To"), nil, "Apparently-To")
    end
  end,
}

scenario {
  name    = "received-words",
  title   = "The words after with and via in Received are registered ones",
  proves  = { "rfc5321-4.4-33", "rfc5321-4.4-32", "rfc5321-4.4-31" },
  says    = [["with" is followed by a protocol of the registry, ESMTP after EHLO; "via" by a registered link.]],
  why     = [[Programs that follow a message across hosts read these words.]],
  catches = { "smtp-received-with-any", "smtp-loses-after-250" },
  run = function(t)
    local got = delivers(t, {}, "nothing odd")
    if not got then return end
    local first = message.header(got, "Received") or ""
    local clauses = first:gsub("%b()", ""):match "^(.-);"
    local with, via = (clauses or ""):match "[Ww][Ii][Tt][Hh]%s+(%S+)", (clauses or ""):match "[Vv][Ii][Aa]%s+(%S+)"
    local known = { SMTP = true, ESMTP = true, ESMTPA = true, ESMTPS = true, ESMTPSA = true, LMTP = true, LMTPA = true,
      LMTPS = true, LMTPSA = true, UTF8SMTP = true, UTF8SMTPA = true, UTF8SMTPS = true, UTF8SMTPSA = true,
      UTF8LMTP = true, UTF8LMTPA = true, UTF8LMTPS = true, UTF8LMTPSA = true }
    t:check(with == nil or known[with:upper()], "with %s in %s", with, first)
    t:check(via == nil or via:upper() == "TCP" or via:upper() == "UUCP", "via %s in %s", via, first)
  end,
}

scenario {
  name    = "two-clients-at-once",
  title   = "A second client is served while the first one is in the middle of its message",
  proves  = "rfc5321-4.5.4.2-2",
  says    = [[Connections run side by side.]],
  why     = [[One slow client would hold up everybody's mail.]],
  catches = "smtp-one-at-a-time",
  reply_timeout = 5,
  run = function(t)
    local slow = t:smtp()
    slow:send "MAIL FROM:<ann@client.example>"
    slow:expect "250"
    slow:send("RCPT TO:<" .. t.user.address .. ">")
    slow:expect "250"
    slow:send "DATA"
    slow:expect "354"
    slow:write "Subject: half a me"
    local second = t:smtp { greet = false }                -- its greeting is the point: no prerequisite
    second:expect "220"
    second:send "EHLO client.test.example"
    second:expect "250"
    local r = second:mail { data = message.make { subject = t.marker } }
    t:check(r:is "250", "the second client got %s", r)
    slow:write "ssage\r\n\r\nhello\r\n.\r\n"
    slow:expect "250"
  end,
}
