-- Numbers, ranges, quoted strings. RFC 3501, 4.3 and 9.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "message-numbers",
  title   = "A number beyond the last message gets BAD, and 3:1 is 1:3",
  proves  = { "rfc3501-9-18", "rfc3501-9-x4" },
  says    = [[FETCH of message 4 of 3 is refused; the ends of a range may stand in either order.]],
  why     = [[Who asks for a message that is not there has lost count, and has to be told.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "imap-number-beyond-ok", "imap-range-reversed-empty" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send "FETCH 3:1 (UID)"
    t:equal(c:expect "OK":count "FETCH", 3, "messages for FETCH 3:1")
    c:send "FETCH 4 (UID)"
    local r = c:expect("BAD", "NO", "OK")
    t:check(r:is("BAD", "NO"), "FETCH of message 4 of 3 got %s", r)
  end,
}

scenario {
  name    = "quotes-in-strings",
  title   = "Quotes and high octets in a header arrive whole in ENVELOPE",
  proves  = "rfc3501-4.3-x2",
  says    = [[In a quoted string quote and backslash are escaped and there is no octet above 127; what does not fit
              goes as a literal.]],
  why     = [[An unescaped quote ends the string, and the rest of the line is read as something else.]],
  messages = 0,
  catches = { "imap-quoted-bare-quote", "imap-quoted-8bit", "imap-literal-no-continue",
    "imap-no-exists-after-append" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    local subject = [[He said "hi\there"]]
    c:command("APPEND INBOX ", { literal = message.make { subject = subject, body = t.marker .. "\r\n" } })
    c:expect "OK"
    c:command("APPEND INBOX ", { literal = message.make { subject = "raw gr\xc3\xbc\xc3\x9fe", body = "x\r\n" } })
    c:expect "OK"
    c:send "NOOP"
    c:expect "OK"
    c:send "FETCH 1 (ENVELOPE)"
    t:equal((c:expect "OK":fetch(1) or { ENVELOPE = {} }).ENVELOPE[2], subject, "subject with quotes")
    c:send "FETCH 2 (ENVELOPE)"
    local raw = c:expect "OK".raw
    t:check(not raw:gsub("{%d+}\r\n[^\"]*", ""):find '"[^"\r\n]*[\128-\255]', "octets above 127 in a quoted string")
  end,
}

scenario {
  name    = "wrong-before-its-literal",
  title   = "A command that is wrong before its literal gets BAD in place of \"+\"",
  proves  = "rfc3501-i-2.2.1-2",
  level   = "SHOULD", -- a server that reads the whole command before it looks has found no error yet
  says    = [[The server does not ask for the octets of a command that it cannot take, and reads the next line as a new
              command. If it asks all the same, it takes them, and refuses then.]],
  why     = [[Else the client sends a large message for nothing.]],
  users   = 1,
  catches = { "imap-literal-invited-anyway", "imap-tag-upper-cased" },
  run = function(t)
    local c = t:imap { login = true }
    c:write "w1 FLURB {5}\r\n"
    local r = c:expect_tag("w1", "BAD", "NO", "+")
    t:check(not r:is "+", "asked for the literal of a command that does not exist")
    if r:is "+" then
      c:write "12345\r\n"
      c:expect_tag("w1", "BAD", "NO")
    end
    c:write "w2 NOOP\r\n"
    c:expect_tag("w2", "OK")
  end,
}
