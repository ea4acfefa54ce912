-- RSET. RFC 5321, 4.1.1.5.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "forgets-the-transaction",
  title   = "RSET gets 250 and forgets sender and recipients",
  proves  = { "rfc5321-4.1.1.5-1", "rfc5321-4.1.1.5-2", "rfc5321-4.1.1.5-3", "rfc5321-4.1.1.5-4" },
  says    = [[RSET works at any time, twice in a row too; afterwards there is no sender and no recipient, and the
              connection stands.]],
  why     = [[Clients that reuse a connection rely on it to separate messages.]],
  catches = { "smtp-rset-keeps-sender", "smtp-rset-closes", "smtp-bad-sequence-500", "smtp-rcpt-before-mail" },
  run = function(t)
    local c = t:smtp()
    c:send "RSET"
    c:expect "250"
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "RSET"
    c:expect "250"
    c:send "RSET"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    local r = c:reply()
    t:check(r:is "503", "RCPT after RSET got %s: the sender was kept", r)
  end,
}

scenario {
  name    = "old-recipients-get-nothing",
  title   = "Recipients from before RSET do not get the next message",
  proves  = { "rfc5321-4.1.1.2-x1", "rfc5321-4.1.1.5-1" },
  says    = [[A message goes to the recipients of its own transaction alone.]],
  why     = [[A recipient left behind by RSET would read a letter that was not meant for him.]],
  catches = { "smtp-rset-keeps-recipients", "smtp-rset-keeps-sender", "smtp-rset-closes",
    "smtp-data-keeps-transaction" },
  users   = 2,
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.users[2].address .. ">")
    c:expect "250"
    c:send "RSET"
    c:expect "250"
    c:mail { from = "ann@client.example", to = t.user.address,
      data = message.make { subject = "private", body = t.marker .. " private\r\n" } }
    t:delivered(t.marker .. " private")
    c:mail { from = "ann@client.example", to = t.users[2].address,
      data = message.make { subject = "fence", body = t.marker .. " fence\r\n" } }
    local _, all = t:delivered(t.marker .. " fence", { user = t.users[2] })
    for _, m in ipairs(all) do
      t:check(not m:find(t.marker .. " private", 1, true), "the recipient from before RSET got the message")
    end
  end,
}
