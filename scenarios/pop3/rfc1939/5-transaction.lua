-- STAT, LIST, RETR, DELE, RSET. RFC 1939, 5.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "stat-list-retr-agree",
  title   = "STAT, LIST and RETR agree about every octet",
  proves  = { "rfc1939-5/STAT-2", "rfc1939-i-5/STAT-2", "rfc1939-5/LIST-3", "rfc1939-i-5/LIST-1",
    "rfc1939-i-5/LIST-3",
    "rfc1939-4-x1", "rfc1939-4-x2", "rfc1939-i-5/LIST-2", "rfc1939-11-x1", "rfc1939-11-2" },
  says    = [[Numbers run from 1 without holes; each size counts the octets that RETR sends, line ends as two and
              without the doubled dots; STAT has their number and sum.]],
  why     = [[Clients show progress by these numbers, and decide what to download; a few reserve the memory.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "pop3-size-counts-lf", "pop3-size-counts-dots", "pop3-stat-wrong-sum", "pop3-stat-form",
    "pop3-list-form", "pop3-no-dot-stuffing", "pop3-no-final-dot", "pop3-list-one-is-many" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "STAT"
    local stat = c:expect "+OK"
    local count, sum = stat.text:match "^(%d+) (%d+)"
    t:check(count, "STAT's answer has no count and size: %s", stat)
    c:send "LIST"
    local list = c:expect "+OK"
    t:equal(#list.lines, 3, "lines of LIST")
    local total = 0
    for n, line in ipairs(list.lines) do
      local number, size = line:match "^(%d+) (%d+)"
      t:equal(tonumber(number), n, "number in line " .. n .. " of LIST")
      c:send("LIST " .. n)
      local one = c:expect "+OK"
      t:check(one.text:match("^" .. n .. " " .. (size or "?") .. "%f[%D]"), "LIST %d says %s, LIST says %s", n, one,
        line)
      c:send("RETR " .. n)
      local r = c:expect "+OK"
      t:equal(tonumber(size), #r.body, "size of message " .. n .. " in LIST, against what RETR sent")
      total = total + #r.body
    end
    t:equal(tonumber(count), 3, "messages in STAT")
    t:equal(tonumber(sum), total, "octets in STAT")
  end,
}

scenario {
  name    = "dots-arrive-intact",
  title   = "Lines that begin with a dot arrive as they were",
  proves  = { "rfc1939-3-x2", "rfc1939-i-5/RETR-2", "rfc1939-i-5/RETR-1", "rfc1939-i-3-3" },
  says    = [[The server doubles the dot at the beginning of a line and ends with a line of one dot; undone, the message
              is what was stored, byte for byte.]],
  why     = [[A line of one dot in the middle of a letter would end it there, and the rest would be taken for
              replies.]],
  messages = { "dots", "plain" },
  catches = { "pop3-no-dot-stuffing", "pop3-no-final-dot" },
  run = function(t)
    local want = {}
    for _, m in ipairs(t.messages) do want[message.header(m, "Subject")] = select(2, message.split(m)) end
    local c = t:pop3 { login = true }
    for n = 1, 2 do
      c:send("RETR " .. n)
      local r = c:expect "+OK"
      local _, got = message.split(r.body)
      t:equal(got, want[message.header(r.body, "Subject")], "body of message " .. n)
      c:send "NOOP"
      t:check(c:reply():is "+OK", "after RETR %d the replies are out of step", n)
    end
  end,
}

scenario {
  name    = "ends-on-a-line-of-its-own",
  title   = "The final dot stands on a line of its own, also behind a message without a last line end",
  proves  = { "rfc1939-i-3-4" },
  says    = [[A multi-line response ends with CR LF . CR LF on the wire, even when the message itself does not end in a
              line end.]],
  why     = [[Else the client reads "end." and waits for ever.]],
  messages = { "no-last-line-end" },
  catches = { "pop3-final-dot-glued", "pop3-no-final-dot" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "RETR 1"
    local r = c:expect "+OK"
    t:equal(r.raw:sub(-5), "\r\n.\r\n", "the last octets of RETR")
    t:check(r.body:find("last line without an end", 1, true), "the last line of the message is missing")
    c:send "NOOP"
    c:expect "+OK"
  end,
}

scenario {
  name    = "empty-maildrop",
  title   = "An empty maildrop is no error",
  proves  = { "rfc1939-i-5/LIST-4", "rfc1939-i-5/STAT-1" },
  says    = [[STAT says 0 0, LIST gets +OK and the dot line alone.]],
  why     = [[Most polls find nothing; a client that is told -ERR shows its user an alarm.]],
  messages = 0,
  catches = { "pop3-empty-list-error", "pop3-stat-form", "pop3-stat-wrong-sum" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "STAT"
    local r = c:expect "+OK"
    t:check(r.text:match "^0 0", "STAT of an empty maildrop says %s", r)
    c:send "LIST"
    r = c:reply()
    t:check(r:is "+OK", "LIST of an empty maildrop got %s", r)
    if r:is "+OK" then t:equal(#r.lines, 0, "lines of LIST") end
  end,
}

scenario {
  name    = "marked-is-gone-for-this-session",
  title   = "A marked message is refused and left out until RSET brings it back",
  proves  = { "rfc1939-i-5/DELE-1", "rfc1939-5/DELE-1", "rfc1939-5/DELE-x1", "rfc1939-5/LIST-1", "rfc1939-5/LIST-x1",
    "rfc1939-5/RETR-1", "rfc1939-5/STAT-x1", "rfc1939-5/RSET-x1" },
  says    = [[After DELE the number is refused by LIST, RETR and DELE, STAT and LIST leave it out, the others keep
              their numbers; RSET takes the mark back.]],
  why     = [[Numbers that moved up would make the client delete the wrong message next.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "pop3-stat-counts-deleted", "pop3-rset-does-not-restore", "pop3-dele-renumbers",
    "pop3-list-shows-deleted", "pop3-deleted-readable", "pop3-dele-twice" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "LIST"
    local before = c:expect "+OK"
    c:send "DELE 2"
    c:expect "+OK"
    for _, command in ipairs { "DELE 2", "RETR 2", "LIST 2" } do
      c:send(command)
      local r = c:reply()
      t:check(r:is "-ERR", "%s of a marked message got %s", command, r)
    end
    c:send "STAT"
    local r = c:expect "+OK"
    t:check(r.text:match "^2 ", "STAT with one of three marked says %s", r)
    c:send "LIST"
    r = c:expect "+OK"
    t:equal(r.lines, { before.lines[1], before.lines[3] }, "LIST with message 2 marked")
    c:send "RSET"
    c:expect "+OK"
    c:send "LIST"
    r = c:expect "+OK"
    t:equal(r.lines, before.lines, "LIST after RSET")
  end,
}

scenario {
  name    = "numbers-are-frozen",
  title   = "Mail that arrives during a session changes neither STAT nor LIST",
  proves  = "rfc1939-4-x5",
  says    = [[Numbers and sizes are those of the login; what comes later is for the next session.]],
  why     = [[The client counts down from the number it was told; a message that slips in between is lost or read
              twice.]],
  messages = { "plain" },
  catches = "pop3-numbers-not-frozen",
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "STAT"
    local before = c:expect "+OK".text
    t:deliver(message.make { subject = "late", body = t.marker .. "\r\n" })
    c:send "STAT"
    t:equal(c:expect "+OK".text:match "^%d+ %d+", before:match "^%d+ %d+", "STAT after mail has arrived")
    c:send "LIST"
    t:equal(#c:expect "+OK".lines, 1, "lines of LIST after mail has arrived")
  end,
}
