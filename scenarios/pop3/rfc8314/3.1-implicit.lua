-- The port where TLS comes first. RFC 8314, 3.1.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "begins-before-login",
  title   = "With TLS from the first octet, the session begins as any other: nobody is logged in, and there is no STLS",
  proves  = { "rfc8314-3.1-2", "rfc2595-4-x4" },
  says    = [[The greeting comes inside TLS, maildrop commands are refused until there was a login, and STLS is neither
              listed nor taken.]],
  why     = [[TLS says who the server is; who the client is it does not say.]],
  services = { "pop3s" },
  messages = { "plain" },
  catches = { "pop3-stat-before-login", "pop3-stls-listed-in-tls", "pop3-no-final-dot" },
  tags    = { "tls" },
  run = function(t)
    local c = t:pop3 { service = "pop3s" }
    c:send "STAT"
    local r = c:reply()
    t:check(r:is "-ERR", "STAT at once got %s", r)
    t:check(not c:has "STLS", "CAPA inside TLS lists STLS")
    local d = t:pop3 { service = "pop3s" }
    d:send "STLS"
    r = d:reply()
    t:check(r:is "-ERR", "STLS inside TLS got %s", r)
    local e = t:pop3 { service = "pop3s", login = true }
    e:send "RETR 1"
    r = e:expect "+OK"
    t:check(r.body:find "this is the whole text", "the message is not what was put there")
  end,
}

scenario {
  name    = "modern-versions",
  title   = "TLS 1.2 and TLS 1.3 can be negotiated",
  proves  = "rfc8314-4-11",
  says    = [[The server speaks TLS 1.2 or a later version.]],
  why     = [[Older versions are broken; clients have given them up.]],
  services = { "pop3s" },
  users   = 0,
  catches = "tls-no-modern-version",
  tags    = { "tls" },
  run = function(t)
    local c = t:pop3 { service = "pop3s", tls = "none", greet = false }
    local ok, why = c:starttls { may_fail = true, min_version = "TLSv1.2" }
    t:check(ok, "a client that speaks TLS 1.2 and 1.3 cannot connect: %s", why)
    if ok then t:record("version", c:tls().version) end
  end,
}
