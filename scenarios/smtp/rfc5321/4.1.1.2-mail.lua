-- MAIL: how a transaction begins. RFC 5321, 4.1.1.2, 4.1.1 and 4.1.4.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "null-sender",
  title   = "The empty reverse-path is accepted",
  proves  = "rfc5321-4.1.1.2-4",
  says    = [[MAIL FROM:<> opens a transaction like any other sender.]],
  why     = [[Delivery reports come with the empty sender, so that a report about a report cannot start a loop.
              A server that refuses it never learns that its own mail failed.]],
  catches = "smtp-null-sender-refused",
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<>"
    t:check(c:reply():is "250", "MAIL FROM:<> was refused")
    c:send("RCPT TO:<" .. t.user.address .. ">")
    t:check(c:reply():is "250", "a recipient was refused because the sender is empty")
  end,
}

scenario {
  name    = "nested",
  title   = "MAIL inside a transaction gets 503 and disturbs nothing",
  proves  = "rfc5321-4.1.4-15",
  says    = [[A second MAIL before the first message is finished is refused with 503, and the transaction that
              was open can be completed with its own sender and recipients.]],
  why     = [[Were the second one taken, the message would leave with a sender that its recipients were not
              meant for.]],
  catches = { "smtp-nested-mail", "smtp-bad-sequence-500" },
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<first@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "MAIL FROM:<second@client.example>"
    local r = c:reply()
    t:check(r:is "503", "a second MAIL got %s, not 503", r)
    c:send "DATA"
    t:check(c:reply():is "354", "after the refused MAIL the transaction was gone")
    c:write("Subject: nested\r\n\r\n" .. t.marker .. "\r\n.\r\n")
    c:expect "250"
  end,
}

scenario {
  name    = "unknown-parameter",
  title   = "A parameter that nobody offered is refused",
  proves  = { "rfc5321-4.1.1-4", "rfc5321-i-4.1.1.11-1" },
  level   = "SHOULD",
  says    = [[MAIL with a parameter that belongs to no extension in the reply to EHLO is refused: 555, or 501.]],
  why     = [[The client believes that its request will be honoured. To nod and forget it is to lie.]],
  catches = "smtp-unknown-parameter-accepted",
  users   = 0,
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example> XMPUNKNOWN=1"
    local r = c:reply()
    t:check(r:is("555", "501", "504", "503", "500"), "an unknown parameter of MAIL got %s", r)
    c:send "NOOP"
    c:expect "250"
  end,
}

scenario {
  name    = "good-after-bad",
  title   = "After a MAIL that was refused for its syntax, a good one works",
  proves  = { "rfc5321-4.1.4-16", "rfc5321-4.1.2-x2" },
  says    = [[MAIL without an address or with a broken one is refused; the session stays as it was and takes the
              next MAIL.]],
  why     = [[A typing error must not cost the connection, nor leave behind half a transaction.]],
  catches = { "smtp-accepts-bad-path", "smtp-bad-mail-opens-transaction" },
  users   = 0,
  run = function(t)
    for _, bad in ipairs { "MAIL", "MAIL FROM:", "MAIL FROM:<ann@>", "MAIL FROM:<@client.example>",
      "MAIL FROM:<ann@client..example>", "MAIL FROM:<ann@client.example" } do
      local c = t:smtp() -- a new one each time: servers hang up on a client that errs too often
      c:send(bad)
      local r = c:reply()
      t:check(r:is "5yz", "%s got %s", bad, r)
      if r:is "5yz" then
        c:send "MAIL FROM:<ann@client.example>"
        r = c:reply()
        t:check(r:is "250", "a good MAIL after %s got %s", bad, r)
      end
      c:close()
    end
  end,
}
