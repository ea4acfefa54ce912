-- \Recent, and what leaves it alone. RFC 3501, 6.3.1, 6.3.2 and 6.3.10.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "examine-and-status-leave-recent",
  title   = "EXAMINE and STATUS leave \\Recent to the next SELECT",
  proves  = { "rfc3501-6.3.2-2", "rfc3501-6.3.10-1" },
  edition = "rev1",
  says    = [[A message that came since the last SELECT is recent in the next one, whoever looked by EXAMINE or STATUS
              in between.]],
  why     = [[Else a program that only counts takes the news away from the person it is for.]],
  messages = { "plain" },
  catches = { "imap-examine-claims-recent", "imap-status-clears-recent", "imap-examine-read-write",
    "imap-recent-never-claimed" },
  run = function(t)
    local function recent()
      local c = t:imap { login = true }
      c:send "SELECT INBOX"
      local n = c:expect "OK":one "RECENT".number
      c:send "LOGOUT"
      c:expect "OK"
      return n
    end
    recent()
    for _, command in ipairs { "STATUS INBOX (RECENT)", "EXAMINE INBOX" } do
      t:deliver(message.make { subject = "new", body = t.marker .. "\r\n" })
      local c = t:imap { login = true }
      c:send(command)
      c:expect "OK"
      c:send "LOGOUT"
      c:expect "OK"
      t:equal(recent(), 1, "RECENT at SELECT after " .. command)
    end
  end,
}

scenario {
  name    = "unseen-is-a-number",
  title   = "UNSEEN at SELECT is the number of the first unseen message",
  proves  = "rfc3501-6.3.1-x4",
  edition = "rev1",
  says    = [[The code names a message, it does not count.]],
  why     = [[Clients jump to that message.]],
  messages = { "plain", "dots", "multipart" },
  catches = "imap-unseen-counts",
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send [[STORE 1:2 +FLAGS.SILENT (\Seen)]]
    c:expect "OK"
    c:send "CLOSE"
    c:expect "OK"
    c:send "SELECT INBOX"
    local code = c:expect "OK":find_code "UNSEEN"
    if not code then t:skip "SELECT does not tell UNSEEN" end
    t:equal(code[1], 3, "UNSEEN with messages 1 and 2 of 3 seen")
  end,
}
