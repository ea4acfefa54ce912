-- MTA-STS: a domain says which hosts take its mail, and that they speak TLS. RFC 8461.
-- SPDX-License-Identifier: MIT

local function policy(mode, ...)
  local lines = { "version: STSv1", "mode: " .. mode }
  for _, mx in ipairs { ... } do lines[#lines + 1] = "mx: " .. mx end
  lines[#lines + 1] = "max_age: 604800"
  return table.concat(lines, "\r\n") .. "\r\n"
end

-- Mail to a domain with that policy, whose only MX is `mx` at the address.
local function mail(t, domain, mx, address, text)
  local sink = t:listen { address = address }
  t:zone(domain .. ". MX 10 " .. mx .. ".", mx .. ". A " .. address,
    "_mta-sts." .. domain .. '. TXT "v=STSv1; id=20261121"')
  t:control { ["do"] = "sts", domain = domain, policy = text }
  t:submit("bob@" .. domain)
  return sink
end

local function common(def)
  def.services, def.needs_control = { "submission" }, true
  return def
end

scenario(common {
  name = "enforce-needs-tls",
  title = "Under an enforced policy a host without STARTTLS gets no mail",
  proves = { "rfc8461-5-1", "rfc8461-5-x1", "rfc8461-4-1", "rfc8461-5-3" },
  says = [[The host is on the list and offers no TLS: the message waits; it is not sent in clear, and not returned at
           once.]],
  why = [[The policy is there against those who take STARTTLS out of the reply.]],
  catches = { "queue-sts-downgrade", "queue-sts-returns", "queue-gives-up-on-4xx" },
  run = function(t)
    local sink = mail(t, "sts1.example", "mx.sts1.example", "127.0.5.21", policy("enforce", "mx.sts1.example"))
    local line = sink:first_command()
    t:check(not (line or ""):find "^MAIL", "a host under an enforced policy offers no TLS, and got %s", line)
    t:settle()
    t:equal(#t:inbox(), 0, "reports about mail that has to wait")
  end,
})

scenario(common {
  name = "testing-does-not-bind",
  title = "In mode testing and in mode none the mail goes as without a policy",
  proves = "rfc8461-5-x2",
  says = [[A host that would fail the policy gets the mail all the same.]],
  why = [[It is how a domain finds out, without loss, whether its policy is right.]],
  catches = { "queue-sts-testing-binds", "queue-address-beside-mx", "smtp-loses-after-250" },
  run = function(t)
    for i, mode in ipairs { "testing", "none" } do
      local domain = ("sts%s.example"):format(mode)
      local sink = mail(t, domain, "mx." .. domain, "127.0.5." .. 23 + i,
        policy(mode, table.unpack(mode == "none" and {} or { "elsewhere.example" })))
      local s = sink:serve()
      t:check(s and s.message, "under a policy in mode %s no mail came", mode)
    end
  end,
})

scenario(common {
  name = "parent-does-not-bind",
  title = "The policy of a domain does not bind its subdomains",
  proves = "rfc8461-3.4-2",
  says = [[Mail for sub.sts6.example is not held by the policy of sts6.example.]],
  why = [[A subdomain often has other hosts, under other hands.]],
  catches = { "queue-sts-parent-binds", "queue-address-beside-mx", "smtp-loses-after-250" },
  run = function(t)
    t:control { ["do"] = "sts", domain = "sts6.example", policy = policy("enforce", "mx.sts6.example") }
    local sink = t:listen { address = "127.0.5.26" }
    t:zone('_mta-sts.sts6.example. TXT "v=STSv1; id=1"', "sub.sts6.example. MX 10 mx.sub.sts6.example.",
      "mx.sub.sts6.example. A 127.0.5.26")
    t:submit "bob@sub.sts6.example"
    local s = sink:serve()
    t:check(s and s.message, "the policy of the parent kept the mail back")
  end,
})
