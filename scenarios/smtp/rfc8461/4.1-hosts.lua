-- MTA-STS: which hosts a policy lets take the mail, and how they prove who they are. RFC 8461, 4.
-- SPDX-License-Identifier: MIT

-- Mail to a domain under an enforced policy that lists this pattern; its only MX is o.mx at that address, and shows a
-- certificate for o.name. The session, or nil when nobody came, and the certificate.
local function session(t, domain, address, o)
  local mx = o.mx or "mx." .. domain
  local sink = t:listen { address = address }
  t:zone(domain .. ". MX 10 " .. mx .. ".", mx .. ". A " .. address, table.unpack(o.zone and o.zone(sink.port) or {}))
  t:zone("_mta-sts." .. domain .. '. TXT "v=STSv1; id=20261121"')
  t:control { ["do"] = "sts", domain = domain,
    policy = "version: STSv1\r\nmode: enforce\r\nmx: " .. (o.pattern or mx) .. "\r\nmax_age: 604800\r\n" }
  local who = t:identity(o.name or mx, { trusted = o.trusted ~= false, expired = o.expired })
  t:submit("bob@" .. domain)
  local s = sink:serve { tls = who }
  sink:close()
  return s, who
end

local function gets_nothing(t, domain, address, o, why)
  local s = session(t, domain, address, o)
  t:check(not s or not s.from, "%s, and got MAIL FROM:%s", why, s and s.from)
end

local function common(def)
  def.services, def.needs_control, def.flags = { "submission" }, true, { "--relay-ca", "{authority}" }
  return def
end

scenario(common {
  name = "listed-host-with-a-good-certificate",
  title = "A listed host whose certificate holds gets the mail, over TLS, and is asked for by name",
  proves = { "rfc8461-4-1", "rfc8461-4.2-1", "rfc8461-7.1-3" },
  says = [[The host is among the patterns, offers STARTTLS, and its certificate is in date, from a trusted authority and
           for its name: the mail goes there inside TLS, and the handshake names the host.]],
  why = [[A machine that is MX for many domains finds the right certificate by the name in the handshake.]],
  catches = { "queue-dane-no-sni", "queue-address-beside-mx", "smtp-loses-after-250" },
  run = function(t)
    local s, who = session(t, "hosts1.example", "127.0.5.41", {})
    if not s then t:fail "no connection to the listed host" end
    t:check(s.tls and s.message, "no mail to a listed host whose certificate holds: %s", s.tls_why or s.lines)
    t:equal(who:asked(), "mx.hosts1.example", "name in the handshake")
  end,
})

scenario(common {
  name = "unlisted-host-gets-nothing",
  title = "Under an enforced policy a host that it does not list gets no mail",
  proves = { "rfc8461-5-x1", "rfc8461-4-1", "rfc8461-5-1", "rfc8461-5-3" },
  says = [[The MX record names a host that is not in the policy. Its certificate holds, and still the mail waits.]],
  why = [[Who can forge the MX record has a certificate for his own host. The list is what he cannot forge.]],
  catches = { "queue-sts-ignored", "queue-sts-returns", "queue-gives-up-on-4xx" },
  run = function(t)
    gets_nothing(t, "hosts2.example", "127.0.5.42", { mx = "mx.stranger.example", pattern = "mx.hosts2.example" },
      "the host is not listed in the policy")
    t:settle()
    t:equal(#t:inbox(), 0, "reports about mail that has to wait")
  end,
})

scenario(common {
  name = "star-is-one-label",
  title = "*. in a pattern stands for one label",
  proves = { "rfc8461-4.1-x1" },
  says = [[*.hosts3.example lets mx.hosts3.example take the mail, and neither a.mx.hosts3.example nor hosts3.example
           itself.]],
  why = [[It is how certificates read a star. A pattern that covers more than its certificate would, or less, is a trap
          for who writes policies.]],
  catches = { "queue-sts-wildcard-deep", "queue-sts-ignored", "queue-address-beside-mx", "smtp-loses-after-250" },
  run = function(t)
    local s = session(t, "hosts3.example", "127.0.5.43", { pattern = "*.hosts3.example" })
    t:check(s and s.message, "mx.hosts3.example got no mail under *.hosts3.example: %s", s and (s.tls_why or s.lines))
    gets_nothing(t, "hosts4.example", "127.0.5.44", { mx = "a.mx.hosts4.example", pattern = "*.hosts4.example" },
      "the policy lists *.hosts4.example, the host is a.mx.hosts4.example")
    gets_nothing(t, "hosts5.example", "127.0.5.45", { mx = "hosts5.example", pattern = "*.hosts5.example" },
      "the policy lists *.hosts5.example, the host is hosts5.example")
  end,
})

scenario(common {
  name = "certificate-has-to-hold",
  title = "A listed host whose certificate does not hold gets no mail",
  proves = { "rfc8461-4.2-1", "rfc8461-5-1", "rfc8461-5-x1" },
  says = [[Past its date, for another name, or from nobody whom the sender trusts: the mail waits.]],
  why = [[Whoever sits on the line can show a certificate, only not a good one.]],
  catches = { "queue-sts-any-certificate", "queue-sts-downgrade" },
  run = function(t)
    gets_nothing(t, "hosts6.example", "127.0.5.46", { expired = true }, "the certificate has expired")
    gets_nothing(t, "hosts7.example", "127.0.5.47", { name = "mx.elsewhere.example" },
      "the certificate is for another name")
    gets_nothing(t, "hosts8.example", "127.0.5.48", { trusted = false }, "the certificate is signed by itself")
  end,
})

scenario(common {
  name = "policy-does-not-outweigh-dane",
  title = "A host that fails DANE gets no mail, whatever the policy says",
  proves = { "rfc8461-2-1", "rfc7672-2.2-x2" },
  says = [[The host is listed and its certificate holds, but secure TLSA records name another key: the mail waits.]],
  why = [[Both are there to make it harder for somebody in the middle; the one must not open what the other shuts.]],
  catches = { "queue-dane-ignored" },
  run = function(t)
    local mx = "mx.hosts9.example"
    gets_nothing(t, "hosts9.example", "127.0.5.49", { zone = function(port)
      local tlsa = ("_%d._tcp.%s"):format(port, mx)
      return { "$SECURE hosts9.example", "$SECURE " .. mx, "$SECURE " .. tlsa,
        tlsa .. ". TLSA 3 1 1 " .. ("ab"):rep(32) }
    end }, "secure TLSA records name another key")
  end,
})
