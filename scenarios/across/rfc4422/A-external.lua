-- EXTERNAL: who showed a certificate in the TLS handshake need not prove anything again. RFC 4422, A.
-- SPDX-License-Identifier: MIT
local SERVICES = { "submissions/imaps/pop3s" }

-- A certificate for this name, signed by the server's own authority or (self_signed) by itself.
local function certificate(t, name, self_signed)
  t:control { ["do"] = "set", name = "client-certificates", value = "yes" }
  return t:control { ["do"] = "client-certificate", name = name, ["self-signed"] = self_signed }
end

-- Calls use(service, open) for each service with implicit TLS; open(certificate) connects with it.
local function each(t, use)
  for _, service in ipairs { "submissions", "imaps", "pop3s" } do
    if t:offers(service) then
      use(service, function(who, o)
        o = o or {}
        o.service, o.cert, o.key = service, who and who.cert, who and who.key
        return service == "imaps" and t:imap(o) or service == "pop3s" and t:pop3(o) or t:smtp(o)
      end)
    end
  end
end

local function external(c, name)
  local r = c:auth { mech = "EXTERNAL", by_hand = true, tamper = function() return name end }
  return r:is(c.protocol == "imap" and "OK" or c.protocol == "pop3" and "+OK" or "235"), r
end

local function common(def)
  def.services, def.needs_control, def.timeout, def.tags = SERVICES, true, 60, { "auth", "tls" }
  return def
end

scenario(common {
  name    = "certificate-logs-in",
  title   = "A client with a certificate of ours logs in by EXTERNAL, with and without its own name",
  proves  = { "rfc4422-A-x1", "rfc4422-A-x2" },
  says    = [[The empty response acts for whom the certificate names; that very name in the response does the same.]],
  why     = [[It is the login without a password: what the handshake proved is enough.]],
  catches = "sasl-external-not-listed",
  run = function(t)
    local who = certificate(t, t.user.name)
    each(t, function(service, open)
      for _, name in ipairs { "", t.user.name } do
        local c = open(who)
        t:check(c:has "AUTH=EXTERNAL", "%s does not list EXTERNAL to a client with a certificate", service)
        local done, r = external(c, name)
        t:check(done, "%s: EXTERNAL with the response %q got %s", service, name, r)
        if service == "pop3s" then
          c:send "QUIT"
          c:expect "+OK"
        end
        c:close()
      end
    end)
  end,
})

scenario(common {
  name    = "not-for-others",
  title   = "EXTERNAL does not act for another than the one whom the certificate names",
  proves  = "rfc4422-A-x2",
  says    = [[A name in the response for which this identity may not act makes the login fail; it is not passed over.]],
  why     = [[Passed over, the client works in a mailbox that it did not ask for; obeyed, anybody reads anything.]],
  users   = 2,
  catches = { "sasl-external-authzid-ignored", "sasl-external-authzid-obeyed" },
  run = function(t)
    local who = certificate(t, t.users[1].name)
    each(t, function(service, open)
      for _, name in ipairs { t.users[2].name, "nobody-of-this-name" } do
        local c = open(who)
        local done = external(c, name)
        t:check(not done, "%s: EXTERNAL logged in for %q with the certificate of %q", service, name, t.users[1].name)
        c:close()
      end
    end)
  end,
})

scenario(common {
  name    = "nothing-without-proof",
  title   = "Without a certificate, or with one that nobody signed, EXTERNAL is neither listed nor taken",
  proves  = { "rfc4422-A-x1", "rfc4422-6.1.2-2" },
  says    = [[What proves nothing logs nobody in, also where certificates are asked for.]],
  why     = [[Anybody can write any name into a certificate that he signs himself.]],
  catches = { "sasl-external-any-name", "sasl-external-any-certificate" },
  run = function(t)
    local forged = certificate(t, t.user.name, true)
    each(t, function(service, open)
      local c = open(nil)
      t:check(not c:has "AUTH=EXTERNAL", "%s lists EXTERNAL to a client without a certificate", service)
      for _, name in ipairs { "", t.user.name } do
        t:check(not external(c, name), "%s: EXTERNAL without a certificate logged in", service)
      end
      c:close()
      c = open(forged, { greet = false })
      if c:wait(5) and not c:ended() then
        if service == "submissions" then
          c:send "EHLO client.test.example"
          c:expect "250"
        end
        t:check(not external(c, ""), "%s: EXTERNAL with a certificate that nobody signed logged in", service)
      end
      c:close()
    end)
  end,
})
