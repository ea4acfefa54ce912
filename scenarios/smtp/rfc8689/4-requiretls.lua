-- REQUIRETLS: mail that goes over TLS or not at all. RFC 8689.
-- SPDX-License-Identifier: MIT

local function submit(t, host, domain, o)
  t:submit("bob@" .. domain, { at = host, tls = "starttls", from = o.from, params = o.params,
    data = message.make { subject = t.marker, headers = o.headers, body = "the-text-of-the-message\r\n" } })
end

-- What the relay says to a host that offers these extensions in clear: it may QUIT, but not send.
local function refuses(t, sink, ehlo)
  local line, s = sink:first_command(ehlo)
  t:check(not (line or ""):find "^MAIL", "a host without REQUIRETLS inside TLS got %s", line)
  if s then s:close() end
end

local function client(def)
  def.services, def.needs_control, def.needs = { "submission" }, true, { "tls:REQUIRETLS" }
  return def
end

scenario {
  name    = "inside-tls-only",
  title   = "REQUIRETLS is listed inside TLS only, and refused in clear",
  proves  = { "rfc8689-2-1", "rfc8689-2-x1" },
  says    = [[EHLO lists it after STARTTLS and not before, without a parameter. In clear MAIL with it is refused; inside
              TLS it is taken, and refused with a value.]],
  why     = [[Mail that must not be read on the way has been read already when it came in clear.]],
  catches = { "smtp-requiretls-in-clear", "smtp-requiretls-takes-value", "smtp-requiretls-not-offered",
    "smtp-rset-closes" },
  needs   = { "STARTTLS", "tls:REQUIRETLS" },
  users   = 0,
  run = function(t)
    local c = t:smtp()
    t:check(not c:has "REQUIRETLS", "EHLO in clear lists REQUIRETLS")
    c:send "MAIL FROM:<ann@client.example> REQUIRETLS"
    local r = c:expect("2yz", "5yz")
    t:check(r:is "5yz", "MAIL with REQUIRETLS in clear got %s", r)
    c = t:smtp { tls = "starttls" }
    t:equal(c:capabilities().REQUIRETLS, "", "what stands behind REQUIRETLS")
    c:send "MAIL FROM:<ann@client.example> REQUIRETLS=yes"
    r = c:expect("2yz", "5yz")
    t:check(r:is "5yz", "REQUIRETLS=yes got %s", r)
    c:send "RSET"
    c:expect "250"
    c:send "MAIL FROM:<ann@client.example> REQUIRETLS"
    r = c:expect("2yz", "5yz")
    t:check(r:is "250", "MAIL with REQUIRETLS inside TLS got %s", r)
  end,
}

scenario {
  name    = "on-submission-too",
  title   = "Submission inside TLS takes REQUIRETLS",
  proves  = "rfc8689-4.3-1",
  says    = [[A server that offers it on port 25 offers it to its own users as well.]],
  why     = [[They are the ones who know what must stay private.]],
  catches = "smtp-requiretls-not-offered",
  services = { "submission" },
  needs   = { "STARTTLS", "smtp:STARTTLS" },
  run = function(t)
    if not t:offers "smtp" or not t:smtp { tls = "starttls" }:has "REQUIRETLS" then
      local c = t:smtp { service = "submission", tls = "starttls", login = true }
      if not c:has "REQUIRETLS" and t.target ~= "mailproofd" then t:skip "no REQUIRETLS at all" end
    end
    local c = t:smtp { service = "submission", tls = "starttls", login = true }
    t:check(c:has "REQUIRETLS", "EHLO on submission does not list REQUIRETLS")
    c:send("MAIL FROM:<" .. t.user.address .. "> REQUIRETLS")
    local r = c:expect("2yz", "5yz")
    t:check(r:is "250", "MAIL with REQUIRETLS got %s", r)
  end,
}

scenario(client {
  name = "not-to-a-host-without-it",
  title = "Mail with REQUIRETLS is not sent to a host that does not offer it, and the sender is told",
  proves = { "rfc8689-4.1-1", "rfc8689-4.2.1-7", "rfc8689-4.2.1-8", "rfc8689-2-5" },
  says = [[A next host without TLS does not get the message; a failed report goes to the sender.]],
  why = [[The sender has asked for it: rather not at all than readable on the way.]],
  catches = { "queue-requiretls-ignored", "queue-dsn-plain", "queue-dsn-wrong-action", "queue-retries-5xx",
    "queue-dsn-base64-status", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.51" }
    submit(t, "127.0.3.51", "clear.example", { params = "REQUIRETLS" })
    refuses(t, sink)
    local one = t:report().recipients[1] or {}
    t:equal((one.action or "none"):lower():match "^%a+", "failed", "Action")
  end,
})

scenario(client {
  name = "status-of-the-failure",
  title = "The report has status 5.7.30 or 5.7.10, and the header of the message only",
  proves = { "rfc8689-4.2.1-9", "rfc8689-5-3", "rfc8689-5-4" },
  level = "SHOULD",
  says = [[5.7.30 where REQUIRETLS was not offered, 5.7.10 where TLS could not be had. RET=FULL counts for nothing: the
           text stays out of the report.]],
  why = [[The report may travel in clear itself.]],
  catches = { "queue-requiretls-full-report", "queue-requiretls-status", "queue-requiretls-ignored",
    "queue-dsn-no-status", "queue-dsn-plain", "queue-retries-5xx", "queue-dsn-base64-status",
    "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.52" }
    submit(t, "127.0.3.52", "status.example", { params = "REQUIRETLS RET=FULL" })
    refuses(t, sink, "REQUIRETLS")                         -- offered in clear: that does not count
    local r, bytes = t:report()
    local status = ((r.recipients[1] or {}).status or "none"):match "^%S+"
    t:check(status == "5.7.30" or status == "5.7.10", "Status is %s", status)
    t:check(not bytes:find("the-text-of-the-message", 1, true), "the report returns the text")
  end,
})

scenario(client {
  name = "parameter-beats-the-field",
  title = "TLS-Required: No in the header does not weaken REQUIRETLS in MAIL",
  proves = "rfc8689-4.1-3",
  says = [[With the parameter the field counts for nothing: the message is not sent in clear.]],
  why = [[Fields come from anywhere; the envelope is what the sender says now.]],
  catches = { "queue-requiretls-header-wins", "queue-requiretls-ignored", "queue-dsn-plain", "queue-retries-5xx",
    "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.53" }
    submit(t, "127.0.3.53", "field.example", { params = "REQUIRETLS", headers = { "TLS-Required: No" } })
    refuses(t, sink)
    t:delivered(t.marker, { judge = true })
  end,
})

scenario(client {
  name = "passed-on-over-good-tls",
  title = "A next host that DANE vouches for and that offers REQUIRETLS gets the mail, with the parameter",
  proves = { "rfc8689-2-4", "rfc8689-2-3", "rfc8689-4.1-1", "rfc8689-2-5" },
  says = [[MX and TLSA records are signed, the key is right, EHLO inside TLS lists REQUIRETLS: the message goes on, and
           MAIL says REQUIRETLS again.]],
  why = [[The chain holds only if each host binds the next one.]],
  catches = { "queue-requiretls-not-passed", "queue-address-beside-mx", "smtp-loses-after-250",
    "queue-starttls-keeps-extensions", "queue-starttls-no-ehlo" },
  run = function(t)
    local who = t:identity "mx.good.example"
    local sink = t:listen { address = "127.0.3.54" }
    local tlsa = ("_%d._tcp.mx.good.example"):format(sink.port)
    t:zone("$SECURE good.example", "$SECURE mx.good.example", "$SECURE " .. tlsa,
      "good.example. MX 10 mx.good.example.", "mx.good.example. A 127.0.3.54", tlsa .. ". TLSA " .. who:tlsa())
    t:submit("bob@good.example", { tls = "starttls", params = "REQUIRETLS" })
    local s = sink:serve { tls = who, ehlo_in_tls = "REQUIRETLS" }
    if not s then t:fail "no connection to the host" end
    t:check(s.tls and s.message, "the message was not sent over TLS that holds: %s", s.lines)
    t:check((s.from or ""):upper():find " REQUIRETLS", "it went on as MAIL FROM:%s", s.from)
  end,
})

-- Mail with the header field, to a host whose secure TLSA record names that key. Returns the listening host.
local function optional(t, domain, address, who)
  local sink = t:listen { address = address }
  local tlsa = ("_%d._tcp.mx.%s"):format(sink.port, domain)
  t:zone("$SECURE " .. domain, "$SECURE mx." .. domain, "$SECURE " .. tlsa, domain .. ". MX 10 mx." .. domain .. ".",
    "mx." .. domain .. ". A " .. address, tlsa .. ". TLSA " .. who:tlsa())
  t:submit("bob@" .. domain, { data = message.make { subject = t.marker, headers = { "TLS-Required: No" } } })
  return sink
end

scenario {
  name = "field-lets-mail-go",
  title = "TLS-Required: No in the header sends mail on where DANE would hold it back",
  proves = { "rfc8689-4.1-2", "rfc8689-3-2" },
  says = [[The next host has secure TLSA records and offers no STARTTLS. Mail with the field, and without REQUIRETLS in
           MAIL, goes there all the same.]],
  why = [[It is for mail that says that TLS is broken: else nobody could tell the one who has to mend it.]],
  catches = { "queue-tls-optional-ignored", "queue-address-beside-mx", "smtp-loses-after-250" },
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local s = optional(t, "optional1.example", "127.0.3.55", t:identity "mx.optional1.example"):serve()
    t:check(s and s.message, "mail with TLS-Required: No was held back: %s", s and s.lines)
  end,
}

scenario {
  name = "field-is-no-hurry",
  title = "Mail with TLS-Required: No goes inside TLS where that is offered",
  proves = "rfc8689-3-3",
  says = [[The field says that TLS may be missing, not that it is unwanted.]],
  why = [[What can be kept from other eyes is kept from them.]],
  catches = { "queue-tls-optional-clear", "queue-address-beside-mx", "smtp-loses-after-250" },
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local who = t:identity "mx.optional2.example"
    local s = optional(t, "optional2.example", "127.0.3.56", who):serve { tls = who }
    if not s or not s.message then t:fail "mail with TLS-Required: No was held back" end
    t:check(s.tls, "went in clear to a host that offers STARTTLS: %s", s.lines)
  end,
}

scenario(client {
  name = "next-host-when-one-lacks-it",
  title = "When the first MX host does not offer REQUIRETLS the next one gets the mail",
  proves = { "rfc8689-4.2.1-5" },
  says = [[A host that lacks REQUIRETLS inside TLS is left with QUIT; the second host has all that is asked, and gets
           the message.]],
  why = [[One old machine among several must not return mail that the others could take.]],
  catches = { "queue-requiretls-first-mx-only", "queue-requiretls-ignored", "queue-requiretls-not-passed",
    "queue-address-beside-mx", "queue-mx-inverted", "queue-first-mx-only", "smtp-loses-after-250",
    "queue-starttls-keeps-extensions", "queue-starttls-no-ehlo" },
  run = function(t)
    local lines, sinks, who = { "$SECURE two.example" }, {}, {}
    for n, name in ipairs { "a.two.example", "b.two.example" } do
      local address = "127.0.3.5" .. 6 + n
      sinks[n], who[n] = t:listen { address = address }, t:identity(name)
      local tlsa = ("_%d._tcp.%s"):format(sinks[n].port, name)
      for _, line in ipairs { "$SECURE " .. name, "$SECURE " .. tlsa, ("two.example. MX %d0 %s."):format(n, name),
        name .. ". A " .. address, tlsa .. ". TLSA " .. who[n]:tlsa() } do
        lines[#lines + 1] = line
      end
    end
    t:zone(table.unpack(lines))
    t:submit("bob@two.example", { tls = "starttls", params = "REQUIRETLS" })
    local first = sinks[1]:serve { tls = who[1], ehlo_in_tls = "8BITMIME" }
    if not first then t:fail "no connection to the host with the smaller preference number" end
    t:check(not first.from, "a host without REQUIRETLS inside TLS got MAIL FROM:%s", first.from)
    local second = sinks[2]:serve { tls = who[2], ehlo_in_tls = "REQUIRETLS" }
    t:check(second and second.message, "the second host, which offers REQUIRETLS, did not get the mail")
    t:check(not second or (second.from or ""):upper():find " REQUIRETLS", "it went on as MAIL FROM:%s",
      second and second.from)
  end,
})
