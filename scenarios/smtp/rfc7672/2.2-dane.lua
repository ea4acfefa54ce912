-- DANE: TLSA records say whether, and with which key, the next host speaks TLS. RFC 7672.
-- SPDX-License-Identifier: MIT

-- The zone of a host at that address whose records are signed, with these TLSA records (data only).
local function secure(t, domain, address, ...)
  local name = "mx." .. domain
  local lines = { "$SECURE " .. domain, "$SECURE " .. name, domain .. ". MX 10 " .. name .. ".",
    name .. ". A " .. address }
  local sink = t:listen { address = address }
  local tlsa = ("_%d._tcp.%s"):format(sink.port, name)
  lines[#lines + 1] = "$SECURE " .. tlsa
  for _, data in ipairs { ... } do lines[#lines + 1] = tlsa .. ". TLSA " .. data end
  t:zone(table.unpack(lines))
  return sink
end

local function common(def)
  def.services, def.needs_control = { "submission" }, true
  return def
end

-- A session with a host that offers no STARTTLS: nothing of the mail may come.
local function nothing_in_clear(t, sink, why)
  local line, s = sink:first_command()
  t:check(not (line or ""):find "^MAIL", "%s, and got %s in clear", why, line)
  if s then s:close() end
end

local OTHER = "3 1 1 " .. ("ab"):rep(32)

scenario(common {
  name = "right-key-is-enough",
  title = "A key that a 3 1 1 record names is enough, whatever name and dates the certificate has",
  proves = { "rfc7672-2.2-2", "rfc7672-3.1.1-1", "rfc7672-3.1.1-2", "rfc7672-2.2.3-1", "rfc7672-8.1-1" },
  says = [[The mail goes over TLS to a host whose key is the one of the record, although its certificate has expired
           and names another host. The handshake names the host of the record (SNI).]],
  why = [[The record is renewed with the key and signed with the zone: no authority and no date has to be asked.]],
  catches = { "queue-dane-checks-names", "queue-dane-no-sni", "queue-address-beside-mx", "smtp-loses-after-250" },
  run = function(t)
    local who = t:identity("elsewhere.example", { expired = true })
    local sink = secure(t, "dane7.example", "127.0.5.7", who:tlsa())
    t:submit "bob@dane7.example"
    local s = sink:serve { tls = who }
    if not s then t:fail "no connection to the host" end
    t:check(s.tls, "no TLS with the key that the record names: %s", s.tls_why or s.lines)
    t:check(s.message, "no mail over TLS with the key that the record names: %s", s.lines)
    t:equal(who:asked(), "mx.dane7.example", "name in the handshake")
  end,
})

scenario(common {
  name = "wrong-key-gets-nothing",
  title = "A host whose key no TLSA record names gets no mail",
  proves = { "rfc7672-3.2-2", "rfc7672-2.2-x2", "rfc7672-2.2-3" },
  says = [[TLS comes up, the key is another one than the record says: the client leaves without sending.]],
  why = [[A certificate that looks right in every other way is what somebody in the middle shows.]],
  catches = { "queue-dane-ignored", "queue-gives-up-on-4xx", "queue-address-beside-mx", "queue-dane-returns" },
  run = function(t)
    local sink = secure(t, "dane8.example", "127.0.5.8", OTHER)
    t:submit "bob@dane8.example"
    local s = sink:serve { tls = t:identity "mx.dane8.example" }
    t:check(not s or not s.message and not s.from, "a host with a wrong key got MAIL FROM:%s", s and s.from)
    t:settle()
    t:equal(#t:inbox(), 0, "reports about mail that has to wait")
  end,
})

scenario(common {
  name = "no-fall-back-to-clear",
  title = "A host with secure TLSA records gets no mail in clear",
  proves = { "rfc7672-2.2-x1", "rfc7672-2.2-2", "rfc7672-2.2-x3", "rfc7672-2.2-3" },
  says = [[The records say that TLS is there. When the host offers none, the mail waits: it is neither sent nor
           returned at once.]],
  why = [[Whoever sits on the line takes STARTTLS out of the EHLO reply, and would then read all mail.]],
  catches = { "queue-dane-downgrade", "queue-dane-returns", "queue-gives-up-on-4xx", "queue-address-beside-mx" },
  run = function(t)
    local sink = secure(t, "dane1.example", "127.0.5.1", OTHER)
    t:submit "bob@dane1.example"
    nothing_in_clear(t, sink, "a host with TLSA records offers no TLS")
    t:settle()
    t:equal(#t:inbox(), 0, "reports about mail that has to wait")
  end,
})

scenario(common {
  name = "unusable-records-need-tls",
  title = "Secure TLSA records that nobody can use still demand TLS",
  proves = { "rfc7672-2.2-4", "rfc7672-2.2-5", "rfc7672-3.1.3-x1" },
  says = [[Records of usages 0 and 1 count as unusable: the certificate is not looked at, but clear text is out.]],
  why = [[The domain has said that it has TLS; only how to check it is not understood.]],
  catches = { "queue-dane-downgrade", "queue-dane-unusable-clear" },
  run = function(t)
    local sink = secure(t, "dane2.example", "127.0.5.2", "0 0 1 " .. ("cd"):rep(32), "1 1 1 " .. ("cd"):rep(32))
    t:submit "bob@dane2.example"
    nothing_in_clear(t, sink, "a host with unusable TLSA records offers no TLS")
  end,
})

scenario(common {
  name = "failed-question-is-no-answer",
  title = "A host whose TLSA question fails gets no mail",
  proves = { "rfc7672-2.1.2-4" },
  says = [[When the DNS cannot say whether there are TLSA records the host counts as unreachable.]],
  why = [[Else it would be enough to disturb one question to turn DANE off.]],
  catches = { "queue-dane-failure-ignored" },
  run = function(t)
    local sink = t:listen { address = "127.0.5.3" }
    t:zone("$SECURE dane3.example", "$SECURE mx.dane3.example",
      "dane3.example. MX 10 mx.dane3.example.", "mx.dane3.example. A 127.0.5.3",
      ("$FAIL _%d._tcp.mx.dane3.example TLSA"):format(sink.port))
    t:submit "bob@dane3.example"
    nothing_in_clear(t, sink, "the question for TLSA failed")
  end,
})

scenario(common {
  name = "next-host-when-one-fails",
  title = "When a host with TLSA records cannot be authenticated the next MX gets the mail",
  proves = { "rfc7672-2.2-3", "rfc7672-2.2.1-1", "rfc7672-2.2-6" },
  says = [[Hosts are tried in the order of their preference; one that offers no TLS where its records demand it is
           passed over, and a host without records may get the mail in clear.]],
  why = [[One host that is set up wrongly must not stop the mail of a domain with two.]],
  catches = { "queue-dane-downgrade", "queue-first-mx-only", "queue-address-beside-mx", "smtp-loses-after-250" },
  run = function(t)
    local first = secure(t, "dane4.example", "127.0.5.4", OTHER)
    local second = t:listen { address = "127.0.5.5" }
    t:zone("dane4.example. MX 20 b.dane4.example.", "b.dane4.example. A 127.0.5.5")
    t:submit "bob@dane4.example"
    nothing_in_clear(t, first, "the first host has TLSA records and no TLS")
    local s = second:serve()
    t:check(s and s.message, "the second host got no mail")
  end,
})

scenario(common {
  name = "insecure-records-do-not-bind",
  title = "TLSA records without DNSSEC bind nobody",
  proves = "rfc7672-2.2-6",
  says = [[Where the records are not signed the mail goes as without them: over TLS if it is offered, else in clear.]],
  why = [[Anybody could invent such records, and stop the mail of a domain with them.]],
  catches = { "queue-dane-insecure-binds", "queue-address-beside-mx", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.5.6" }
    t:zone("dane5.example. MX 10 mx.dane5.example.", "mx.dane5.example. A 127.0.5.6",
      ("_%d._tcp.mx.dane5.example. TLSA "):format(sink.port) .. OTHER)
    t:submit "bob@dane5.example"
    local s = sink:serve()
    t:check(s and s.message, "a host with unsigned TLSA records got no mail")
  end,
})
