-- How the server behaves as a client towards the next host: what it says, in which order, and what it makes of replies.
-- SPDX-License-Identifier: MIT

local function common(def)
  def.services, def.needs_control = def.services or { "submission" }, true
  return def
end

scenario(common {
  name = "one-transaction-for-one-host",
  title = "Several recipients at one host get the message in one transaction",
  proves = { "rfc5321-4.5.4.1-13", "rfc5321-4.5.4.1-14" },
  says = [[The message goes there once, with one RCPT for each recipient.]],
  why = [[A message for a hundred people at one company would otherwise travel a hundred times.]],
  catches = { "queue-one-by-one", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.2.1" }
    t:submit({ "ann@many.example", "bob@many.example", "eve@many.example" }, { at = "127.0.2.1" })
    local s = sink:serve()
    if not s then t:fail "no connection to the next host" end
    local names = {}
    for i, to in ipairs(s.to) do names[i] = to:match "^<(%w+)@" end
    table.sort(names)
    t:equal(names, { "ann", "bob", "eve" }, "recipients of the first transaction")
    t:check(not sink:accept(), "a second connection for the same message")
  end,
})

scenario(common {
  name = "begins-with-greeting-and-ehlo",
  title = "The client waits for the greeting, says EHLO with a full name, and leaves with QUIT",
  proves = { "rfc5321-4.3.1-2", "rfc5321-4.1.1.1-3", "rfc5321-2.3.5-2", "rfc5321-4.1.1.10-3" },
  says = [[Nothing is sent before the greeting has come. The first command is EHLO with a domain of several labels or an
           address literal. At the end of the session stands QUIT.]],
  why = [[Who talks before the greeting is taken for a spammer, and refused.]],
  catches = { "queue-talks-first", "queue-ehlo-short-name", "queue-no-quit", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.2.2" }
    t:submit("bob@begin.example", { at = "127.0.2.2" })
    local s = sink:accept()
    if not s then t:fail "no connection to the next host" end
    for _ = 1, 2 do t:control { ["do"] = "ping" } end      -- a fence: it has seen by now that it is connected
    t:pause(0)
    t:check(#s:unread() == 0, "said %s before the greeting", s:unread())
    s:reply "220 sink.example"
    local hello = s:read_line() or "nothing"
    t:check(hello:find "^EHLO [%w-]+%.[%w.-]+$" or hello:find "^EHLO %[.+%]$", "the first command is %s", hello)
    s:reply "250 sink.example"
    for _ = 1, 2 do
      s:read_line()
      s:reply "250 ok"
    end
    s:read_line()
    s:reply "354 go on"
    s:data()
    s:reply "250 taken"
    t:advance(600)                                        -- whoever keeps connections for reuse gives up by now
    local last = s:read_line()
    t:check(last == "QUIT", "the last line of the session is %s", last)
  end,
})

scenario(common {
  name = "helo-after-ehlo-refused",
  title = "A next host that does not know EHLO is greeted with HELO",
  proves = "rfc5321-3.2-3",
  says = [[When EHLO gets 500 or 502 the client says HELO, and the mail goes through.]],
  why = [[Small devices and old gateways still know no extensions.]],
  catches = { "queue-no-helo", "smtp-loses-after-250", "queue-size-unasked" },
  run = function(t)
    local sink = t:listen { address = "127.0.2.3" }
    t:submit("bob@old.example", { at = "127.0.2.3" })
    local s = sink:accept()
    if not s then t:fail "no connection to the next host" end
    s:reply "220 sink.example"
    s:read_line()
    s:reply "502 what is that"
    local line = s:read_line()
    if line == nil or line == "QUIT" then                  -- lawful: HELO on a new connection
      s:close()
      s = sink:accept()
      if not s then t:fail "gave up when EHLO got 502" end
      s:reply "220 sink.example"
      line = s:read_line()
    end
    t:check((line or ""):find "^HELO [%w-]+%.[%w.-]+$", "after the 502 to EHLO came %s", line)
    s:reply "250 sink.example"
    line = s:read_line()
    t:check((line or ""):upper() == "MAIL FROM:<" .. t.user.address:upper() .. ">", "after HELO came %s", line)
  end,
})

scenario(common {
  name = "addresses-as-they-came",
  title = "Local parts go on as they came",
  proves = { "rfc5321-2.3.11-1", "rfc5321-2.4-4", "rfc5321-C-9", "rfc6409-8.8-4" },
  says = [[Capitals, plus, percent and quoted parts of an address mean something to its own host alone: sender and
           recipient are passed on unchanged.]],
  why = [["Bob" and "bob" can be two people at the host that knows them.]],
  catches = { "queue-lowers-local-part", "smtp-local-part-lowered", "smtp-quoted-local-part-refused",
    "smtp-quoting-matters", "queue-one-by-one", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.2.4" }
    local c = t:submission()
    t:zone "case.example. A 127.0.2.4"
    c:send "MAIL FROM:<Ann.O'Hara+List=2@Client.Example>"
    c:expect "250"
    local sent = { ["Bob.X+y@case.example"] = true, ["a%b!c@case.example"] = false, ['"Joe Doe"@case.example'] = true }
    for to, must in pairs(sent) do
      c:send("RCPT TO:<" .. to .. ">")
      local took = c:expect("250", "5yz"):is "250"
      if must then t:check(took, "refused the lawful recipient %s", to) end
      sent[to] = took or nil
    end
    c:send "DATA"
    c:expect "354"
    c:write(message.make { subject = t.marker } .. ".\r\n")
    c:expect "250"
    local n = 0
    for _ in pairs(sent) do n = n + 1 end
    while n > 0 do
      local s = sink:serve()
      if not s then t:fail "not all recipients reached the next host" end
      t:equal(s.from:match "^<(.-)@", "Ann.O'Hara+List=2", "local part of the sender")
      for _, to in ipairs(s.to) do
        local address = to:match "^<(.*)>"
        t:check(sent[address], "the next host got RCPT TO:%s, which nobody sent", to)
        n = n - 1
      end
    end
  end,
})

scenario(common {
  name = "text-as-it-came",
  title = "A relay changes nothing in header and body",
  proves = { "rfc5321-3.6.3-6", "rfc5321-4.5.2-4", "rfc5321-2.4-9", "rfc5321-6.4-5" },
  says = [[It puts its Received on top, and passes on every byte below as it came, whatever it may think of it: odd
           fields, a missing Date, blanks at line ends, long lines.]],
  why = [[A signature over the message (DKIM, S/MIME) breaks by a single blank.]],
  catches = { "queue-strips-trailing-blanks", "queue-adds-date", "smtp-adds-empty-line", "smtp-truncates-long-line",
    "smtp-no-dot-unstuffing", "smtp-double-unstuffing", "queue-dots-not-doubled",
    "smtp-strips-control-characters", "smtp-strips-received", "queue-strips-received", "smtp-no-received",
    "queue-keeps-return-path", "smtp-apparently-to", "smtp-loses-after-250" },
  services = { "smtp" },
  run = function(t)
    local sink = t:listen { address = "127.0.2.5" }
    t:zone "bytes.example. A 127.0.2.5"
    local sent = "Received: from a.example by b.example; Sat, 21 Nov 2026 01:02:03 +0000\r\n"
      .. "X-Odd:no space\r\nfrom: joe  \r\nSubject: " .. t.marker .. "\r\n  folded \t\r\nTO: undisclosed\r\n\r\n"
      .. "blanks  \r\n\r\n \r\n.dots\r\n..two\r\n" .. ("x"):rep(990) .. "\r\ntab\there\x01\x7f\r\n\r\n\r\n"
    -- Over port 25, where nothing is a submission that may be repaired.
    t:smtp { login = true }:mail { from = t.user.address, to = "bob@bytes.example", data = sent }
    local s = sink:serve()
    if not s or not s.message then t:fail "the message was not sent to the next host" end
    t:equal(s.message:sub(-#sent), sent, "the relayed message without the trace field on top")
    local added = s.message:sub(1, -#sent - 1)
    t:check(added:find "^Received:" and not added:gsub("\r\n[ \t]", " "):find "\r\n%a", "a relay added %s", added)
  end,
})

scenario(common {
  name = "source-routes-are-cut",
  title = "Of a source route only the last address is used",
  proves = { "rfc5321-3.6.1-3", "rfc5321-3.6.1-1", "rfc5321-4.1.1.3-4", "rfc5321-C-1" },
  says = [[Mail for <@a,@b:user@c> goes straight to c for user@c. The sender's route is not passed on, and the relay
           puts neither hosts nor itself before an address.]],
  why = [[Routes come from the time before MX records. Today they serve to send mail through hosts that would refuse
          it.]],
  catches = { "queue-keeps-source-route", "queue-report-along-route", "smtp-source-route-in-mail",
    "smtp-loses-after-250" },
  run = function(t)
    local sink, other = t:listen { address = "127.0.2.6" }, t:listen { address = "127.0.2.7" }
    t:zone("route.example. A 127.0.2.6", "first.example. A 127.0.2.7")
    local c = t:submission()
    c:send("MAIL FROM:<@first.example:" .. t.user.address .. ">")
    c:expect "250"
    c:send "RCPT TO:<@first.example,@second.example:bob@route.example>"
    if c:expect("250", "5yz"):is "5yz" then t:pass "refuses source routes" end
    c:send "DATA"
    c:expect "354"
    c:write(message.make { subject = t.marker } .. ".\r\n")
    c:expect "250"
    local s = sink:serve()
    if not s then t:fail "no connection to the host of the last address" end
    t:equal((s.to[1] or "none"):match "^<.->", "<bob@route.example>", "recipient at the next host")
    t:equal((s.from or "none"):match "^<.->", "<" .. t.user.address .. ">", "sender at the next host")
    t:check(not other:accept(0), "connected to the first host of the route")
  end,
})

scenario(common {
  name = "report-past-the-route",
  title = "A report goes straight to the sender's mailbox and not along his route",
  proves = { "rfc5321-6.1-8", "rfc5321-6.1-10", "rfc5321-C-12" },
  says = [[Mail from <@a:user@d> that fails is reported with RCPT TO:<user@d>, at the host of d.]],
  why = [[Each host of a route is one more at which the report can get lost.]],
  catches = { "queue-report-along-route", "queue-no-failure-dsn", "queue-retries-5xx", "smtp-source-route-in-mail",
    "smtp-loses-after-250" },
  run = function(t)
    local sink, back = t:listen { address = "127.0.2.8" }, t:listen { address = "127.0.2.9" }
    local first = t:listen { address = "127.0.2.10" }
    t:zone("gone.example. A 127.0.2.8", "d.example. A 127.0.2.9",
      "a.example. A 127.0.2.10")
    local c = t:submission()
    c:mail { from = "@a.example:user@d.example", to = "bob@gone.example", data = message.make { subject = t.marker } }
    if not sink:serve { rcpt = "550 5.1.1 nobody of this name" } then
      t:fail "the message was not relayed"
    end
    local s = back:serve()
    if not s then t:fail "no report to the host of the sender's mailbox" end
    t:equal((s.to[1] or "none"):match "^<.->", "<user@d.example>", "recipient of the report")
    t:check(not first:accept(0), "the report went along the route")
  end,
})

scenario(common {
  name = "unknown-codes",
  title = "A code that nobody knows counts by its first digit",
  proves = "rfc5321-4.2-12",
  says = [[259 is success, 459 means later, 559 means never.]],
  why = [[New codes appear with new extensions; a client that stops at one it has never seen breaks with each of
          them.]],
  catches = { "queue-knows-only-250", "queue-gives-up-on-4xx", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.2.11" }
    t:submit("bob@codes.example", { at = "127.0.2.11" })
    if not sink:serve { rcpt = "459 hm" } then t:fail "no connection to the next host" end
    local s = sink:serve_later { mail = "259 hm", rcpt = "259 hm", dot = "259 hm" }
    t:check(s.message, "259 to MAIL or RCPT was no success: %s", s.lines)
    t:check(not sink:accept(), "sent again after a 259")
  end,
})

scenario(common {
  name = "no-text-without-354",
  title = "Text is sent after 354 only, and a 5yz to DATA returns the message",
  proves = { "rfc5321-3.3-14", "rfc5321-3.6.3-1" },
  says = [[When the next host answers DATA with 554 no text follows, and the sender is told.]],
  why = [[Text that is not waited for is read as commands.]],
  catches = { "queue-text-without-354", "queue-no-failure-dsn", "queue-dsn-plain", "queue-retries-5xx",
    "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.2.12" }
    t:submit("bob@nodata.example", { at = "127.0.2.12" })
    local s = sink:accept()
    if not s then t:fail "no connection to the next host" end
    s:reply "220 sink.example"
    for _, reply in ipairs { "250 sink.example", "250 ok", "250 ok", "554 5.7.1 not today" } do
      s:read_line()
      s:reply(reply)
    end
    local line = s:read_line()
    t:check(line == nil or line == "QUIT" or line == "RSET", "after the 554 to DATA came %s", line)
    s:close()
    t:delivered(t.marker, { judge = true })
  end,
})

scenario(common {
  name = "cut-off-is-tried-again",
  title = "A connection that is lost before the last reply counts as a passing failure",
  proves = { "rfc5321-3.8-3", "rfc5321-4.2.5-x1" },
  says = [[When the next host goes away in the middle of a transaction the message stays, and is sent again later.]],
  why = [[Hosts are restarted. Mail that was under way at that moment must neither be lost nor returned.]],
  catches = { "queue-cut-off-is-final", "queue-cut-off-is-success", "queue-gives-up-on-4xx", "queue-success-unasked",
    "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.2.13" }
    t:submit("bob@cut.example", { at = "127.0.2.13" })
    local s = sink:accept()
    if not s then t:fail "no connection to the next host" end
    s:reply "220 sink.example"
    for _, reply in ipairs { "250 sink.example", "250 ok", "250 ok", "354 go on" } do
      s:read_line()
      s:reply(reply)
    end
    s:data()
    s:close()                                              -- the text was read, its reply is never sent
    s = sink:serve_later()
    t:check(s.message and s.message:find(t.marker, 1, true), "the second attempt had no message: %s", s.lines)
    t:settle()
    t:equal(#t:inbox(), 0, "reports about a message that was delivered at the second attempt")
  end,
})

scenario(common {
  name = "refusal-of-one-day",
  title = "A 5yz to one message is not held against the next one",
  proves = "rfc5321-4.5.4.1-12",
  says = [[After a 550 to MAIL the next message to that host is tried as if nothing had been.]],
  why = [[The refusal may have been for that sender or that message alone.]],
  catches = { "queue-remembers-refusal", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.2.14" }
    t:submit("bob@moody.example", { at = "127.0.2.14" })
    if not sink:serve { mail = "550 5.7.1 not you" } then t:fail "no connection to the next host" end
    t:submit("bob@moody.example", { subject = t.marker .. "-second" })
    local s = sink:serve()
    t:check(s and s.message and s.message:find(t.marker .. "-second", 1, true), "the second message was not tried")
  end,
})

scenario(common {
  name = "some-now-some-later",
  title = "A recipient that gets 4yz is tried again without the others",
  proves = { "rfc5321-4.5.4.1-x11", "rfc5321-4.2.1-8" },
  says = [[Those that were taken have the message; only the one that was put off gets it later.]],
  why = [[Whoever sends to all again gives the others the message twice.]],
  catches = { "queue-again-to-all", "queue-gives-up-on-4xx", "queue-4yz-ends-transaction", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.2.15" }
    t:submit({ "ann@some.example", "late@some.example", "eve@some.example" }, { at = "127.0.2.15" })
    local s = sink:serve { rcpt = function(to)
      return to:find "^<late" and "452 4.5.3 one too many" or "250 ok"
    end }
    if not s then t:fail "no connection to the next host" end
    t:check(s.message, "the message was not sent to those that were taken")
    t:check(not sink:accept(), "tried again at once")
    s = sink:serve_later()
    t:equal(#s.to, 1, "recipients of the second attempt")
    t:check((s.to[1] or ""):find "^<late@", "the second attempt is for %s", s.to)
    t:check(s.message, "the second attempt was without the message")
  end,
})

scenario(common {
  name = "silence-ends-the-wait",
  title = "A next host that says nothing is waited for, but not for ever",
  timeout = 60,
  proves = { "rfc5321-4.5.3.2-1", "rfc5321-4.5.3.2-4", "rfc5321-4.5.4-1" },
  level = "SHOULD",
  says = [[For the greeting and for the reply to MAIL a client waits five minutes; then it gives the connection up, and
           tries again later.]],
  why = [[Busy hosts do take minutes. A client without patience comes again and again and makes it worse; one without an
          end to its patience hangs.]],
  catches = { "queue-no-patience", "queue-waits-for-ever", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.2.16" }
    t:submit("bob@slow.example", { at = "127.0.2.16" })
    local s = sink:accept()
    if not s then t:fail "no connection to the next host" end
    t:advance(280)                                        -- almost five minutes of silence
    s:reply "220 sink.example"
    t:check((s:read_line() or "closed"):find "^EHLO", "did not wait five minutes for the greeting")
    s:reply "250 sink.example"
    t:check((s:read_line() or "closed"):find "^MAIL", "no MAIL after EHLO")
    t:advance(280)
    s:reply "250 ok"
    t:check((s:read_line() or "closed"):find "^RCPT", "did not wait five minutes for the reply to MAIL")
    for _ = 1, 4 do t:advance(1000) end                   -- more than an hour without a word
    local line = s:read_line()
    t:check(line == nil or line == "QUIT", "still there after an hour of silence, and says %s", line)
  end,
})
