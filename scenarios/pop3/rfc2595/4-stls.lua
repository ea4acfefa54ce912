-- STLS: from clear to TLS without a seam. RFC 2595, 4.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "plaintext-not-obeyed-inside-tls",
  title   = "A command sent in clear before TLS is not answered inside TLS",
  proves  = "rfc2595-4-x1",
  says    = [[After its +OK to STLS the server reads a TLS handshake, and nothing else.]],
  why     = [[Someone on the path can glue a command to the client's STLS. A server that keeps
              its input buffer obeys it later, as if it had come encrypted: CERT VU#555316.]],
  needs   = { "STLS" },
  catches = { "pop3-stls-keeps-buffer", "pop3-stls-greets-again" },
  tags    = { "tls" },
  users   = 0,
  run = function(t)
    local c = t:pop3 { tls = "none" }
    c:write "STLS\r\nCAPA\r\n" -- one write: the CAPA is the attacker's
    local r = c:expect("+OK", "-ERR", "closed")
    if not r:is "+OK" then return t:pass("refused STLS with bytes behind it: %s", r) end
    if not c:starttls { may_fail = true } then
      return t:pass "took the extra bytes as a broken TLS handshake"
    end
    c:send "STLS" -- refused inside TLS: a reply that CAPA cannot have
    local first = c:expect("-ERR", "+OK", "closed")
    t:check(not first:is "+OK", "answered the plaintext CAPA: %s", first)
  end,
}

scenario {
  name    = "offered-only-where-allowed",
  title   = "CAPA lists STLS in clear before login, and not inside TLS",
  proves  = { "rfc2595-4-x4", "rfc2595-4-1", "rfc2595-4-x3", "rfc2595-4-x8" },
  says    = [[Inside TLS STLS is no longer listed, there is no second greeting, and the session is not logged in yet.]],
  why     = [[A client that sees STLS believes that it speaks in clear.]],
  needs   = { "STLS" },
  messages = 0,
  catches = { "pop3-stls-listed-in-tls", "pop3-stls-greets-again", "pop3-stat-before-login",
    "tls-no-modern-version" },
  tags    = { "tls" },
  run = function(t)
    local c = t:pop3 { tls = "none" }
    c:send "STLS"
    c:expect "+OK"
    c:starttls()
    c:send "STAT"
    local r = c:reply()
    t:check(r:is "-ERR", "the first reply inside TLS, to STAT, is %s", r)
    c:send "CAPA"
    r = c:expect "+OK"
    for _, line in ipairs(r.lines or {}) do
      t:check(not line:upper():match "^STLS%f[%W]", "CAPA inside TLS lists STLS")
    end
  end,
}

scenario {
  name    = "name-from-before-is-forgotten",
  title   = "A USER sent in clear does not carry over into TLS",
  proves  = { "rfc2595-4-x7", "rfc1939-7/PASS-1" },
  level   = "SHOULD", -- no sentence says it outright, and Dovecot, Cyrus and Courier all keep the name
  says    = [[PASS as the first command after STLS gets -ERR.]],
  why     = [[The name came from whoever was on the path.]],
  needs   = { "STLS", "USER" },
  catches = { "pop3-stls-keeps-user", "pop3-stls-greets-again", "pop3-pass-without-user", "tls-no-modern-version" },
  tags    = { "tls" },
  run = function(t)
    local c = t:pop3 { tls = "none" }
    c:send("USER " .. t.user.name)
    local r = c:reply()
    if r:is "-ERR" then t:skip "USER is refused in clear" end
    c:send "STLS"
    r = c:expect("+OK", "-ERR")
    if r:is "-ERR" then return t:pass "refuses STLS after USER" end
    c:starttls()
    c:send("PASS " .. t.user.password)
    r = c:reply()
    t:check(r:is "-ERR", "PASS without USER inside TLS got %s", r)
  end,
}

scenario {
  name    = "not-after-login",
  title   = "STLS after login gets -ERR",
  proves  = "rfc2595-4-x2",
  says    = [[TLS begins before login or not at all.]],
  why     = [[What was said in clear so far would look as if it had been protected.]],
  needs   = { "STLS", "USER" },
  messages = 0,
  catches = "pop3-stls-after-login",
  tags    = { "tls" },
  run = function(t)
    local c = t:pop3 { tls = "none" }
    c:send("USER " .. t.user.name)
    c:expect "+OK"
    c:send("PASS " .. t.user.password)
    local r = c:expect("+OK", "-ERR")
    if r:is "-ERR" then t:skip "passwords are refused in clear" end
    c:send "STLS"
    r = c:reply()
    t:check(r:is "-ERR", "STLS after login got %s", r)
  end,
}

scenario {
  name    = "takes-no-argument",
  title   = "STLS with an argument gets -ERR, and the connection stays in clear",
  proves  = "rfc2595-4-x6",
  says    = [[STLS has nothing behind it; with something there it is refused, and commands in clear still work.]],
  why     = [[Who begins a handshake after such a line may be speaking to a client that did not ask for one.]],
  needs   = { "STLS" },
  level   = "SHOULD",
  catches = "pop3-stls-takes-argument",
  tags    = { "tls" },
  users   = 0,
  run = function(t)
    local c = t:pop3 { tls = "none" }
    c:send "STLS now"
    local r = c:reply()
    t:check(r:is "-ERR", "STLS with an argument got %s", r)
    if r:is "+OK" then return end
    c:send "CAPA"
    c:expect "+OK"
  end,
}
