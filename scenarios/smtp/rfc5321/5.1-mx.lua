-- Where mail for another host goes: MX records in their order, and the address where there are none. A second host
-- listens on several addresses of the loopback; the DNS is what the control socket says.
-- SPDX-License-Identifier: MIT

local function arrived(t, s, who)
  if t:check(s, "no connection to %s", who) then
    t:check(s.message and s.message:find(t.marker, 1, true), "the message was not sent to %s, only %s", who, s.lines)
  end
end

scenario {
  name = "lowest-preference-first",
  title = "The MX with the lowest preference number is tried first",
  proves = { "rfc5321-5.1-13", "rfc5321-5.1-x11" },
  says = [[A sender sorts the mail exchangers by preference and starts with the smallest number.]],
  why = [[The order says which host keeps the mailboxes. Backup hosts often filter less and hold mail back.]],
  catches = { "queue-mx-inverted", "queue-address-beside-mx", "smtp-loses-after-250" },
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local first = t:listen { address = "127.0.0.21" }
    local second = t:listen { address = "127.0.0.22" }
    t:zone("order.example. MX 20 b.order.example.", "order.example. MX 10 a.order.example.",
      "a.order.example. A 127.0.0.21", "b.order.example. A 127.0.0.22")
    t:submit "bob@order.example"
    arrived(t, first:serve(), "the host with preference 10")
    t:check(not second:accept(0), "the host with preference 20 was tried although the first one takes mail")
  end,
}

scenario {
  name = "second-when-first-is-down",
  title = "When the first MX host does not answer, the next one gets the mail",
  proves = { "rfc5321-5.1-10", "rfc5321-5.1-12", "rfc5321-5.1-x13" },
  says = [[The sender goes down its list of hosts until one can be reached.]],
  why = [[This is what backup MX hosts are for: one machine that is down must not stop the mail of a domain.]],
  catches = { "queue-first-mx-only", "queue-mx-inverted", "queue-address-beside-mx", "smtp-loses-after-250" },
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local last = t:listen { address = "127.0.0.25" }
    local second = t:listen { address = "127.0.0.24" }     -- nobody listens at 127.0.0.23
    t:zone("down.example. MX 10 a.down.example.", "down.example. MX 20 b.down.example.",
      "down.example. MX 30 c.down.example.", "a.down.example. A 127.0.0.23", "b.down.example. A 127.0.0.24",
      "c.down.example. A 127.0.0.25")
    t:submit "bob@down.example"
    arrived(t, second:serve(), "the second host, while the first is down")
    t:check(not last:accept(0), "the third host was tried although the second one takes mail")
  end,
}

scenario {
  name = "no-address-beside-mx",
  title = "The address of a domain that has MX records is not used",
  proves = { "rfc5321-5.1-6", "rfc5321-5.1-x14" },
  says = [[Once there are MX records, only the hosts that they name get the mail.]],
  why = [[The address of a domain is often its web server, which has no business with its mail.]],
  catches = "queue-address-beside-mx",
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local web = t:listen { address = "127.0.0.27" }        -- the MX names a host without any address
    t:zone("both.example. MX 10 nowhere.example.", "both.example. A 127.0.0.27")
    t:submit "bob@both.example"
    t:check(not web:accept(), "connected to the address of the domain, which its MX does not name")
  end,
}

scenario {
  name = "dns-failure-is-no-answer",
  title = "Mail waits while the question for MX cannot be answered",
  proves = "rfc5321-5.1-x12",
  says = [[A DNS that fails for a time does not say that there are no MX records: the address is not used.]],
  why = [[Otherwise each hiccup of a name server sends mail to machines that bounce it.]],
  catches = "queue-a-on-mx-failure",
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local web = t:listen { address = "127.0.0.28" }
    t:zone("$FAIL sick.example MX", "sick.example. A 127.0.0.28")
    t:submit "bob@sick.example"
    t:check(not web:accept(), "connected to the address of the domain while its MX records are unknown")
  end,
}

scenario {
  name = "self-ends-the-list",
  title = "A server that is itself an MX does not relay to hosts behind it",
  proves = { "rfc5321-5.1-23", "rfc5321-5.1-x15" },
  says = [[A server that finds its own name among the MX records drops those of the same and of greater preference.]],
  why = [[Two backup hosts that hand a message to each other make a loop.]],
  catches = { "queue-mx-self-kept", "smtp-greeting-no-host" },
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local behind = t:listen { address = "127.0.0.29" }
    local name = t:smtp().greeting.lines[1]:match "^(%S+)"
    t:zone("self.example. MX 10 " .. name .. ".", "self.example. MX 20 b.self.example.",
      "b.self.example. A 127.0.0.29")
    t:submit "bob@self.example"
    t:check(not behind:accept(), "relayed to a host of greater preference than its own")
  end,
}
