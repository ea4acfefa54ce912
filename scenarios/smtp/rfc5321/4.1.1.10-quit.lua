-- How a session ends. RFC 5321, 4.1.1.10 and 3.8.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "answers-then-closes",
  title   = "QUIT gets 221, then the server closes",
  proves  = { "rfc5321-4.1.1.10-1", "rfc5321-4.1.1.10-5" },
  says    = [[QUIT works inside a transaction, too: 221 comes first, then the connection ends from the server's side.]],
  why     = [[A client that waits for 221 knows that nothing it was told before is still in doubt.]],
  catches = { "smtp-quit-no-reply", "smtp-quit-stays-open" },
  users   = 0,
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send "QUIT"
    local r = c:reply()
    t:check(r:is "221", "QUIT got %s", r)
    c:expect "closed"
  end,
}

scenario {
  name    = "unfinished-message-is-dropped",
  title   = "A message whose connection breaks before the final dot is not delivered",
  proves  = { "rfc5321-4.1.1.10-4", "rfc5321-4.1.1.5-6" },
  says    = [[When the client vanishes in the middle of the text, the message is as if it had never been; the
              next client is served.]],
  why     = [[The client will send it again. A half kept now is a torn copy in the mailbox for ever.]],
  catches = "smtp-delivers-unfinished",
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "DATA"
    c:expect "354"
    c:write("Subject: half\r\n\r\n" .. t.marker .. " half\r\n")
    c:shutdown()
    c:until_closed(10)
    local d = t:smtp()
    d:mail { from = "ann@client.example", to = t.user.address,
      data = message.make { subject = "whole", body = t.marker .. " whole\r\n" } }
    local _, all = t:delivered(t.marker .. " whole")
    for _, m in ipairs(all) do
      t:check(not m:find(t.marker .. " half", 1, true), "half a message was delivered")
    end
  end,
}

scenario {
  name    = "errors-do-not-close",
  title   = "Unknown commands get 500 and the session goes on",
  proves  = { "rfc5321-i-3.8-3", "rfc5321-4.2.4-3", "rfc5321-3.8-1", "rfc5321-4.1.1.10-2" },
  level   = "SHOULD",
  says    = [[A verb that does not exist gets 500 (502 for one that is not implemented), as often as a few times in a
              row, and the connection stays.]],
  why     = [[New clients try new verbs; if that costs the connection, old servers become unreachable.]],
  catches = { "smtp-unknown-command-closes", "smtp-unknown-command-250" },
  users   = 0,
  run = function(t)
    local c = t:smtp()
    for n = 1, 3 do
      c:send("FLURB " .. n)
      local r = c:reply()
      t:check(r:is("500", "502"), "the unknown command FLURB got %s", r)
    end
    c:send "NOOP"
    c:expect "250"
  end,
}

scenario {
  name    = "text-after-argument-free-verbs",
  title   = "DATA, RSET and QUIT with an argument get 501",
  proves  = "rfc5321-4.3.2-4",
  says    = [[These verbs take nothing behind them; with something there they should be refused and not done.]],
  why     = [[What looks like an argument is the mark of a client that has lost its place.]],
  catches = "smtp-arguments-ignored",
  users   = 0,
  run = function(t)
    local c = t:smtp()
    for _, command in ipairs { "RSET now", "QUIT now" } do
      c:send(command)
      local r = c:reply()
      t:check(r:is "501", "%s got %s", command, r)
      if r:is "221" then return end
    end
    c:send "NOOP"
    c:expect "250"
  end,
}
