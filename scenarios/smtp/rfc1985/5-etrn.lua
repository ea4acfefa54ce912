-- ETRN: a client asks that mail which waits for it be sent now. RFC 1985.
-- SPDX-License-Identifier: MIT

-- Lets a message wait: the next host puts it off. Returns the sink.
local function waits(t, host, domain)
  local sink = t:listen { address = host }
  t:submit("bob@" .. domain, { at = host })
  if not sink:serve { rcpt = "451 4.3.0 later" } then t:fail "the message was not tried" end
  return sink
end

scenario {
  name    = "syntax",
  title   = "ETRN without a node, or with one that is no domain, is a syntax error",
  proves  = { "rfc1985-5.1-9", "rfc1985-5.1-x1" },
  says    = [[Both get 500 or 501. Every reply to ETRN is one of its own codes, or a refusal by policy.]],
  why     = [[A 250 to a misspelt name makes the client wait for mail that nobody sends.]],
  catches = "smtp-etrn-bad-node-accepted",
  needs   = { "ETRN" },
  users   = 0,
  run = function(t)
    local c = t:smtp()
    for _, line in ipairs { "ETRN", "ETRN under_score!.example", "ETRN a..example", "ETRN one.example two.example" } do
      c:send(line)
      local r = c:expect("2yz", "4yz", "5yz")
      t:check(r:is("500", "501", "502"), "%s got %s", line, r)
    end
    c:send "ETRN nothing-waits.example"
    local r = c:expect("2yz", "4yz", "5yz")
    t:check(r:is("250", "251", "252", "253", "458", "459", "5yz"), "ETRN got %s", r)
  end,
}

scenario {
  name    = "not-in-a-transaction",
  title   = "ETRN between MAIL and the message is refused and changes nothing",
  proves  = { "rfc1985-5-2", "rfc1985-5-1" },
  says    = [[It gets 503 or another error, the transaction goes on; afterwards it is in order again.]],
  why     = [[The command is about other mail than the one that is being sent.]],
  catches = "smtp-etrn-in-transaction",
  needs   = { "ETRN" },
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "ETRN waiting.example"
    local r = c:expect("2yz", "4yz", "5yz")
    t:check(r:is("4yz", "5yz"), "ETRN in a transaction got %s", r)
    c:send "DATA"
    r = c:expect("354", "5yz")
    t:check(r:is "354", "the transaction was gone after the refused ETRN: DATA got %s", r)
  end,
}

scenario {
  name    = "starts-the-queue",
  title   = "ETRN has the mail that waits for a host sent at once",
  proves  = { "rfc1985-5.1-3", "rfc1985-1-2", "rfc1985-5.1-7", "rfc1985-5.1-6" },
  says    = [[After a 250, 252 or 253 the server connects to the host and sends, without the pause that its own retries
              keep. 251 says that nothing waits, and is not said when something does.]],
  why     = [[It is for hosts that are online for minutes: they say when.]],
  catches = { "smtp-etrn-starts-nothing", "smtp-etrn-always-251", "queue-gives-up-on-4xx", "smtp-loses-after-250" },
  services = { "smtp", "submission" },
  needs   = { "ETRN" },
  needs_control = true,
  run = function(t)
    local sink = waits(t, "127.0.3.1", "waits.example")
    local c = t:smtp()
    c:send "ETRN waits.example"
    local r = c:expect("2yz", "4yz", "5yz")
    if not r:is "2yz" then t:pass("does not serve this node: %s", r) end
    t:check(not r:is "251", "says that nothing waits: %s", r)
    local s = sink:serve()
    t:check(s and s.message, "the mail that waited was not sent after ETRN")
  end,
}

scenario {
  name    = "at-sign-takes-subdomains",
  title   = "ETRN with @ starts the domains below the node too",
  proves  = "rfc1985-5.3-1",
  says    = [[ETRN @b.example is for b.example and for every domain below it; without @ it is for b.example alone.]],
  why     = [[A site with a hundred hosts asks once.]],
  catches = { "smtp-etrn-node-only", "smtp-etrn-starts-nothing", "queue-gives-up-on-4xx", "smtp-loses-after-250" },
  services = { "smtp", "submission" },
  needs   = { "ETRN" },
  needs_control = true,
  run = function(t)
    local sink = waits(t, "127.0.3.2", "a.b.example")
    local c = t:smtp()
    c:send "ETRN b.example"
    c:expect("2yz", "4yz", "5yz")
    t:check(not sink:accept(), "ETRN without @ started a domain below the node")
    c:send "ETRN @b.example"
    local r = c:expect("2yz", "4yz", "5yz")
    if not r:is "2yz" then t:pass("does not serve this node: %s", r) end
    local s = sink:serve()
    t:check(s and s.message, "the mail for a domain below the node was not sent")
  end,
}
