-- Commands on the wire: pieces, batches, lengths. RFC 5321, 2.4, 4.2 and 4.5.3.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "waits-for-crlf",
  title   = "A command in pieces is one command",
  proves  = { "rfc5321-2.4-x1", "rfc5321-4.2-1" },
  says    = [[The server waits for CR LF, however the line is cut on its way, and answers once.]],
  why     = [[TCP keeps no borders: a server that takes each read for a line works on a quiet network only.]],
  catches = "smtp-segment-is-line",
  users   = 0,
  run = function(t)
    local c = t:smtp()
    c:write { "NO", 0.02, "OP\r", 0.02, "\n" }
    t:check(c:reply():is "250", "NOOP in three pieces was not answered 250")
    c:write { "MAIL FROM:<ann", 0.02, "@client.example>\r\n" }
    t:check(c:reply():is "250", "MAIL in two pieces was not answered 250")
    c:send "NOOP"
    t:check(c:reply():is "250", "the replies are out of step")
  end,
}

scenario {
  name    = "pipelined-transaction",
  title   = "A whole transaction in one packet gets its replies in order",
  proves  = "rfc5321-4.2-1",
  says    = [[With PIPELINING on offer, MAIL, RCPT and DATA in one packet each get their one reply, in order, also when
              one of them is refused.]],
  why     = [[It saves a round trip for every command. A reply lost or swapped makes the client think that the wrong
              recipient was refused.]],
  needs   = { "PIPELINING" },
  catches = { "smtp-pipelining-flushes", "smtp-pipelining-out-of-order", "smtp-segment-is-line",
    "smtp-quit-no-reply", "smtp-quit-stays-open", "smtp-bad-rcpt-drops-transaction", "smtp-dot-flushes" },
  tags    = { "pipelining" },
  run = function(t)
    local unknown = "RCPT TO:<nobody-of-this-name@" .. t.domain .. ">"
    local c = t:smtp() -- first one by one: some take every name
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send(unknown)
    local alone = c:expect("2yz", "4yz", "5yz").code
    c:send "QUIT"
    c = t:smtp()
    c:write("MAIL FROM:<ann@client.example>\r\n" .. unknown .. "\r\n" ..
      "RCPT TO:<" .. t.user.address .. ">\r\n" ..
      "DATA\r\n")
    c:expect "250"
    local r = c:reply()
    t:check(r.code == alone, "the second reply is %s; the same RCPT on its own got %s", r, alone)
    t:check(c:reply():is "25z", "the third reply does not accept the good recipient")
    r = c:reply()
    t:check(r:is "354", "the fourth reply is %s, not 354", r)
    c:write("Subject: batch\r\n\r\n" .. t.marker .. "\r\n.\r\nQUIT\r\n") -- QUIT may end a group
    c:expect "250"
    c:expect "221"
    c:expect "closed"
  end,
}

scenario {
  name    = "line-of-512",
  title   = "A command line of 512 octets is read whole",
  proves  = "rfc5321-4.5.3.1.4-x1",
  says    = [[Lines of up to 512 octets with their CR LF are not refused for their length.]],
  why     = [[It is the length that every client may use.]],
  catches = "smtp-short-command-line",
  users   = 0,
  run = function(t)
    local c = t:smtp()
    c:send "NOOP x" -- some refuse the argument, whatever its length
    local short = c:reply()
    c:send("NOOP " .. ("x"):rep(512 - #"NOOP " - 2))
    local r = c:reply()
    t:check(r.code == short.code, "a NOOP of 512 octets got %s, a short one %s", r, short)
    c:send "NOOP"
    r = c:reply()
    t:check(r:is "250", "after a line of 512 octets NOOP got %s", r)
  end,
}

scenario {
  name    = "too-long-a-line-is-one-error",
  title   = "A line that is too long gets one refusal, and the session goes on",
  proves  = { "rfc5321-4.5.3.1.9-1", "rfc5321-4.2-1" },
  says    = [[A command line beyond any limit is answered once, with 500 or another refusal (or the server hangs up);
              its rest is not read as commands.]],
  why     = [[If the tail of the long line were obeyed, whoever chooses a long argument could choose the next
              command.]],
  catches = { "smtp-long-line-tail-obeyed", "smtp-unknown-command-closes", "smtp-unknown-command-250",
    "smtp-segment-is-line" },
  users   = 0,
  run = function(t)
    local c = t:smtp()
    local half = ("RSET\tQUIT\t"):rep(3500)
    c:write { "NOOP " .. half, 0.5, half .. "\r\n" }
    local r = c:expect("5yz", "250", "421", "closed")
    if r:is("closed", "421") then return t:pass "hung up at a line of 70 kB" end
    c:send "XNOSUCH" -- a verb whose reply is another one than that of NOOP
    r = c:expect("5yz", "closed")
    if r:is "closed" then return t:pass "answered a line of 70 kB and hung up" end
    c:send "NOOP"
    r = c:reply()
    t:check(r:is "250", "the replies are out of step after a long line: NOOP got %s", r)
  end,
}
