-- What 250 promises. RFC 5321, 6.1.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "stored-before-250",
  title   = "On a slow disk 250 comes when the message is stored, and not before",
  proves  = "rfc5321-6.1-2",
  says    = [[Each commit takes half a second longer. Whoever looks into the mailbox once 250 has come finds the
              message.]],
  why     = [[Behind its 250 the sender forgets the mail. If the power goes between the 250 and the disk nobody has
              it any more.]],
  catches = { "smtp-250-before-stored", "smtp-loses-after-250" },
  needs_control = true,
  run = function(t)
    local box = t:imap { login = true }
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "DATA"
    c:expect "354"
    t:control { ["do"] = "disk", delay = 0.5 }
    c:write("Subject: slow\r\n\r\n" .. t.marker .. "\r\n.\r\n")
    c:expect "250"
    box:send "EXAMINE INBOX"
    local r = box:expect "OK"
    t:control { ["do"] = "disk", delay = 0 }
    r:match { "* 1 EXISTS" }
  end,
}
