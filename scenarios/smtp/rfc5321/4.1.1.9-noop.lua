-- Commands that may come at any time and change nothing. RFC 5321, 4.1.1.6 to 4.1.1.9.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "changes-nothing",
  title   = "NOOP, VRFY and HELP inside a transaction leave it alone",
  proves  = { "rfc5321-4.1.1.9-1", "rfc5321-i-4.1.1.9-1", "rfc5321-4.1.1.6-x1", "rfc5321-4.1.1.8-2" },
  says    = [[NOOP gets 250; neither it nor VRFY nor HELP touches the sender and the recipients.]],
  why     = [[Clients send NOOP to see whether the other side still lives, in the middle of a message's envelope.]],
  catches = "smtp-noop-resets",
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "NOOP"
    t:check(c:reply():is "250", "NOOP inside a transaction was not answered 250")
    c:send "VRFY nobody-of-this-name"
    c:reply()
    c:send "HELP"
    c:reply()
    c:send "DATA"
    local r = c:reply()
    t:check(r:is "354", "after NOOP, VRFY and HELP, DATA got %s", r)
    if r:is "354" then
      c:write("Subject: noop\r\n\r\n" .. t.marker .. "\r\n.\r\n")
      c:expect "250"
    end
  end,
}

scenario {
  name    = "before-ehlo",
  title   = "NOOP, RSET and VRFY before EHLO are served",
  proves  = { "rfc5321-4.1.4-12", "rfc5321-4.1.4-3" },
  says    = [[These commands need no EHLO and should not get 503.]],
  why     = [[They have nothing to do with a transaction, so the order rule has nothing to protect.]],
  catches = { "smtp-noop-needs-ehlo", "smtp-rset-closes" },
  users   = 0,
  run = function(t)
    local c = t:smtp { ehlo = false }
    for _, command in ipairs { "NOOP", "RSET", "VRFY postmaster" } do
      c:send(command)
      local r = c:reply()
      t:check(not r:is "503", "%s before EHLO got %s", command, r)
    end
  end,
}
