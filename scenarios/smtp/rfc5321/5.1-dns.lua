-- Where mail goes, and what happens when the DNS has no good answer. RFC 5321, 5.1; RFC 7505.
-- SPDX-License-Identifier: MIT

local function common(def)
  def.services, def.needs_control = { "submission" }, true
  return def
end

-- Mail that cannot go anywhere: refused in the session, or returned at once.
local function returned(t, to)
  local c = t:submission()
  c:send("MAIL FROM:<" .. t.user.address .. ">")
  c:expect "250"
  c:send("RCPT TO:<" .. to .. ">")
  local r = c:expect("2yz", "4yz", "5yz")
  if r:is "5yz" then return r end
  c:send "DATA"
  c:expect "354"
  c:write(message.make { subject = t.marker } .. ".\r\n")
  r = c:expect("2yz", "5yz")
  if r:is "5yz" then return r end
  t:delivered(t.marker, { judge = true })
end

scenario(common {
  name = "no-such-domain",
  title = "Mail for a domain that does not exist is refused or returned at once",
  proves = { "rfc5321-5.1-3", "rfc5321-5.1-1" },
  says = [[A name that the DNS says does not exist is an error for good: nobody waits for days.]],
  why = [[Most such names are misspelt. The sender should hear of it while he remembers the message.]],
  catches = { "queue-nxdomain-waits", "queue-dsn-plain", "queue-retries-5xx", "smtp-loses-after-250" },
  run = function(t)
    t:zone("example. SOA ns.example. joe.example. 1 60 60 60 60", "good.example. A 127.0.4.1")
    returned(t, "bob@missing.good.example")
  end,
})

scenario(common {
  name = "alias-is-followed",
  title = "A domain that is an alias is followed, and the MX records there count",
  proves = "rfc5321-5.1-x1",
  says = [[A CNAME at the domain leads to another name; its MX is where the mail goes.]],
  why = [[Providers have thousands of domains that are aliases of one.]],
  catches = { "queue-cname-not-followed", "queue-address-beside-mx", "smtp-loses-after-250" },
  run = function(t)
    local mx, web = t:listen { address = "127.0.4.2" }, t:listen { address = "127.0.4.3" }
    t:zone("alias.example. CNAME real.example.", "real.example. MX 10 mx.real.example.",
      "real.example. A 127.0.4.3", "mx.real.example. A 127.0.4.2")
    t:submit "bob@alias.example"
    local s = mx:serve()
    t:check(s and s.message, "the MX of the name behind the alias got no mail")
    t:check(not web:accept(0), "connected to the address of the name behind the alias, beside its MX")
  end,
})

scenario(common {
  name = "equal-hosts-share",
  title = "MX hosts of equal preference share the mail",
  proves = "rfc5321-5.1-14",
  says = [[Many messages for a domain with two hosts of the same preference go to both.]],
  why = [[It is how a domain spreads its load.]],
  catches = { "queue-equal-mx-in-order", "queue-address-beside-mx", "smtp-loses-after-250" },
  run = function(t)
    local first, second = t:listen { address = "127.0.4.4" }, t:listen { address = "127.0.4.5" }
    local a, b = 0, 0
    for i = 1, 16 do                                       -- all at one host: once in 32768 runs
      -- A name for each message, so that no connection is used again.
      local domain = ("s%d.example"):format(i)
      t:zone(domain .. ". MX 10 a.share.example.", domain .. ". MX 10 b.share.example.",
        "a.share.example. A 127.0.4.4", "b.share.example. A 127.0.4.5")
      t:submit("bob@" .. domain)
      for _ = 1, 300 do
        local s = first:serve { seconds = 0.01 }
        if s then a = a + 1 break end
        s = second:serve { seconds = 0.01 }
        if s then b = b + 1 break end
      end
      if a > 0 and b > 0 then return end
    end
    t:check(false, "of 16 messages %d went to one host and %d to the other, of equal preference", a, b)
  end,
})

scenario(common {
  name = "nobody-behind-me",
  title = "When dropping its own level leaves no MX host, the mail is returned",
  proves = { "rfc5321-5.1-24", "rfc5321-5.1-5" },
  says = [[A server that finds itself as the best MX of a domain that it does not serve has nowhere to send to: the
           sender is told at once.]],
  why = [[It would connect to itself for ever, or hold the mail for days.]],
  catches = { "queue-mx-self-waits", "queue-dsn-plain", "smtp-greeting-no-host", "queue-retries-5xx",
    "smtp-loses-after-250" },
  run = function(t)
    local name = t:smtp().greeting.lines[1]:match "^(%S+)"
    local here = t:listen { address = "127.0.4.6" }
    t:zone("mine.example. MX 10 " .. name .. ".", name .. ". A 127.0.4.6")
    returned(t, "bob@mine.example")
    t:check(not here:accept(0), "connected to itself")
  end,
})

scenario(common {
  name = "address-literal",
  title = "Mail for an address literal goes to that address",
  proves = "rfc5321-5.1-x2",
  says = [[For bob@[127.0.4.7] nobody asks the DNS: the address is the host. Refusing such recipients is lawful.]],
  why = [[It is the way to reach a postmaster whose DNS is broken.]],
  catches = { "queue-literal-lost", "smtp-address-literal-refused", "smtp-loses-after-250" },
  level = "SHOULD",
  run = function(t)
    local sink = t:listen { address = "127.0.4.7" }
    local c = t:submission()
    c:send("MAIL FROM:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "RCPT TO:<bob@[127.0.4.7]>"
    local r = c:expect("2yz", "5yz")
    t:check(not r:is("500", "501"), "a recipient at an address literal is called bad syntax: %s", r)
    if r:is "5yz" then return end
    c:send "DATA"
    c:expect "354"
    c:write(message.make { subject = t.marker } .. ".\r\n")
    c:expect "250"
    local s = sink:serve()
    t:check(s and s.message, "the host of the literal got no mail")
    t:check(s and (s.to[1] or ""):find "^<bob@%[127%.0%.4%.7%]>", "RCPT TO:%s at the host of the literal",
      s and s.to[1])
  end,
})

scenario(common {
  name = "null-mx-at-rcpt",
  title = "A recipient whose domain has a null MX is refused with 556 5.1.10",
  proves = { "rfc7505-4.1-1", "rfc7504-4-x1" },
  says = [[Who looks the domain up at RCPT and finds that it takes no mail says 556 with 5.1.10.]],
  why = [[The code says that it is the domain and not the mailbox, and that trying again is of no use.]],
  catches = { "smtp-null-mx-550" },
  run = function(t)
    t:zone "nomail.example. MX 0 ."
    local c = t:submission()
    c:send("MAIL FROM:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "RCPT TO:<bob@nomail.example>"
    local r = c:expect("2yz", "4yz", "5yz")
    if r:is "2yz" then t:pass "does not look at the DNS at RCPT" end
    t:check(r:is "556" and (r.enhanced == nil or r.enhanced == "5.1.10"), "a recipient with a null MX got %s", r)
  end,
})

scenario(common {
  name = "greeting-521",
  title = "A next host that greets with 521 or 554 gets nothing, and the next MX is tried",
  proves = { "rfc7504-3-x1" },
  says = [[The greeting says that the host takes no mail. The message goes to the next host, where there is one.]],
  why = [[A machine that answers on port 25 only to say no must not swallow the mail of a domain.]],
  catches = { "queue-521-ignored", "queue-first-mx-only", "queue-mx-inverted", "queue-address-beside-mx",
    "queue-talks-first", "smtp-loses-after-250" },
  run = function(t)
    local no, yes = t:listen { address = "127.0.4.8" }, t:listen { address = "127.0.4.9" }
    t:zone("dummy.example. MX 10 no.dummy.example.", "dummy.example. MX 20 yes.dummy.example.",
      "no.dummy.example. A 127.0.4.8", "yes.dummy.example. A 127.0.4.9")
    t:submit "bob@dummy.example"
    local s = no:accept()
    if not s then t:fail "the first host was not tried" end
    s:reply "521 no mail here"
    local line = s:read_line()
    t:check(line == nil or line == "QUIT", "after the 521 came %s", line)
    if line == "QUIT" then s:reply "221 bye" end
    s:close()
    s = yes:serve()
    t:check(s and s.message, "the second host got no mail")
  end,
})

scenario(common {
  name = "greeting-521-is-final",
  title = "Mail whose only host greets with 521 is returned, and not tried again",
  proves = "rfc7504-3-x1",
  says = [[There is nobody else to try: the sender is told, and hours later nobody connects again.]],
  why = [[521 says that the machine takes no mail, today and tomorrow. Five days of knocking change nothing.]],
  catches = { "queue-retries-521", "queue-521-ignored", "queue-dsn-plain", "queue-retries-5xx",
    "queue-no-failure-dsn", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.4.10" }
    t:submit("bob@closed.example", { at = "127.0.4.10" })
    if not sink:serve { greeting = "521 no mail here" } then t:fail "the host was not tried" end
    t:delivered(t.marker, { judge = true })
    for _ = 1, 4 do t:advance(1800) end
    t:check(not sink:accept(), "tried again after a 521")
  end,
})
