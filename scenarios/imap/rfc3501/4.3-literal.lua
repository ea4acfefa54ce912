-- Literals. RFC 3501, 4.3 and 7.5.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "wherever-a-string-may-stand",
  title   = "A literal means the same as a quoted string",
  proves  = { "rfc3501-4.3-x1", "rfc3501-i-2.2.1-1", "rfc3501-7.5-x1", "rfc3501-6.2.3-x2", "rfc9051-4.3-x1" },
  says    = [[LOGIN and SELECT take their arguments as synchronising literals: "+" comes first, then the octets, then
              the rest of the line.]],
  why     = [[It is the only way to send a name with quotes, line ends or high octets in it.]],
  messages = 0,
  catches = { "imap-literal-no-continue", "imap-literal-argument-only-last" },
  run = function(t)
    local c = t:imap()
    if c:has "LOGINDISABLED" then c:secure() end
    c:command("LOGIN ", { literal = t.user.name }, " ", { literal = t.user.password })
    local r = c:expect("OK", "NO", "BAD")
    t:check(r:is "OK", "LOGIN with two literals got %s", r)
    if not r:is "OK" then return end
    c:command("SELECT ", { literal = "INBOX" })
    r = c:expect("OK", "NO", "BAD")
    t:check(r:is "OK", "SELECT with a literal got %s", r)
  end,
}

scenario {
  name    = "not-synchronising",
  title   = "LITERAL+ and LITERAL- draw no continuation request",
  proves  = "rfc9051-i-4.3-1",
  says    = [[{n+} is followed by its octets at once; the next thing that the server says is the answer to the
              command.]],
  why     = [[A "+" that nobody asked for is taken for the answer to the next command.]],
  messages = 0,
  catches = { "imap-literal-plus-continues", "imap-tag-upper-cased" },
  run = function(t)
    local c = t:imap { login = true }
    if not (c:has "LITERAL+" or c:has "LITERAL-" or c:has "IMAP4rev2") then
      t:skip "the server offers neither LITERAL+ nor LITERAL-"
    end
    local text = message.make { subject = "plus", body = t.marker .. "\r\n" }
    c:write("n1 APPEND INBOX {" .. #text .. "+}\r\n" .. text .. "\r\nn2 NOOP\r\n")
    local r = c:expect_tag("n1", "OK", "NO", "BAD", "+")
    t:check(not r:is "+", "asked to go on after a literal that does not wait")
    if r:is "+" then return end
    t:check(r:is "OK", "APPEND with {n+} got %s", r)
    c:expect_tag("n2", "OK")
  end,
}

scenario {
  name    = "announced-octets",
  title   = "A literal from the server has exactly the octets it announces",
  proves  = { "rfc3501-4.3-x4", "rfc9051-4.3-x3", "rfc3501-2.3.4-x1", "rfc3501-6.3.11-x1" },
  says    = [[The number in braces, RFC822.SIZE and the message as it was appended agree, dots and high octets
              included.]],
  why     = [[One octet off, and everything behind the literal is read wrongly.]],
  messages = { "dots", "multipart", "no-last-line-end" },
  catches = { "imap-literal-length-off-by-one", "imap-size-counts-lf" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    for n = 1, 3 do
      c:send("FETCH " .. n .. " (RFC822.SIZE BODY.PEEK[])")
      local r = c:expect "OK"
      local item = r:fetch(n) or {}
      t:equal(item["BODY[]"], t.messages[n], "message " .. n .. " as fetched")
      t:equal(item["RFC822.SIZE"], #t.messages[n], "RFC822.SIZE of message " .. n)
    end
  end,
}
