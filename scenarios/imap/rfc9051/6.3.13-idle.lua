-- IDLE. RFC 9051, 6.3.13 (RFC 2177).
-- SPDX-License-Identifier: MIT
scenario {
  name    = "tells-at-once",
  title   = "IDLE tells new mail, flags and expunged messages while it waits",
  proves  = { "rfc9051-i-6.3.13-5", "rfc9051-i-6.3.13-6", "rfc9051-i-6.3.13-7" },
  level   = "SHOULD", -- the server "is free to"; one that looks every half minute breaks no rule
  says    = [[After "+" changes by another session are told without a further command; DONE ends it with OK.]],
  why     = [[It is how mail appears on the screen when it arrives and not minutes later.]],
  needs   = { "login:IDLE" },
  messages = { "plain", "dots" },
  catches = { "imap-idle-no-plus", "imap-idle-tells-nothing", "imap-expunge-not-told", "imap-literal-no-continue" },
  run = function(t)
    local ann = t:imap { select = "INBOX" }
    local bob = t:imap { select = "INBOX" }
    ann:send "IDLE"
    ann:expect "+"
    bob:command("APPEND INBOX ", { literal = message.make { subject = "new", body = t.marker .. "\r\n" } })
    bob:expect "OK"
    ann:expect "* EXISTS"
    bob:send [[STORE 1 +FLAGS (\Deleted)]]
    bob:expect "OK"
    bob:send "EXPUNGE"
    bob:expect "OK"
    ann:expect "* EXPUNGE"
    ann:write "DONE\r\n"
    ann:expect "OK"
  end,
}

scenario {
  name    = "done-and-nothing-lost",
  title   = "What happens between DONE and the next IDLE is told, too",
  proves  = { "rfc9051-i-6.3.13-7", "rfc9051-i-7-3" },
  says    = [[A change that falls between two IDLEs is told by the next command at the latest.]],
  why     = [[A client that only ever idles would else show an old list for half an hour.]],
  needs   = { "login:IDLE" },
  messages = { "plain" },
  catches = { "imap-idle-loses-event-between", "imap-idle-no-plus", "imap-literal-no-continue" },
  run = function(t)
    local ann = t:imap { select = "INBOX" }
    local bob = t:imap { select = "INBOX" }
    ann:send "IDLE"
    ann:expect "+"
    ann:write "DONE\r\n"
    local one = ann:expect "OK"
    bob:command("APPEND INBOX ", { literal = message.make { subject = "between", body = t.marker .. "\r\n" } })
    bob:expect "OK"
    ann:send "IDLE"
    ann:expect "+"
    ann:write "DONE\r\n"
    local two = ann:expect "OK"
    ann:send "NOOP"
    local three = ann:expect "OK"
    local last
    for _, r in ipairs { one, two, three } do
      for _, line in ipairs(r:all "EXISTS") do last = line.number end
    end
    t:check(last == 2, "the message that came between two IDLEs was not told: EXISTS said %s", last or "nothing")
  end,
}
