-- STARTTLS: from clear to TLS without a seam. RFC 3501, 6.2.1; RFC 2595, 3.1.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "plaintext-not-obeyed-inside-tls",
  title   = "A command sent in clear behind STARTTLS is not carried out inside TLS",
  proves  = { "rfc3501-6.2.1-x3", "rfc2595-3.1-x4", "rfc9051-6.2.1-3" },
  says    = [[What arrives in clear together with STARTTLS is dropped, or taken for the handshake; it is never answered
              inside TLS.]],
  why     = [[Someone on the path can glue a LOGIN of his own to the client's STARTTLS, and read what the client then
              stores in his mailbox.]],
  needs   = { "STARTTLS" },
  catches = { "imap-starttls-keeps-buffer", "imap-tag-upper-cased" },
  tags    = { "tls" },
  users   = 0,
  run = function(t)
    local c = t:imap { tls = "none" }
    c:write "s1 STARTTLS\r\nevil NOOP\r\n"
    local r = c:expect_tag("s1", "OK", "NO", "BAD", "closed")
    if not r:is "OK" then return t:pass("refused STARTTLS with bytes behind it: %s", r) end
    if not c:starttls { may_fail = true } then
      return t:pass "took the extra bytes as a broken TLS handshake"
    end
    c:write "s2 NOOP\r\n"
    r = c:expect_tag("s2", "OK", "closed")
    t:check(not c:history():find("\r\nevil ", 1, true), "answered the plaintext command inside TLS")
    t:check(r:is("OK", "closed"), "NOOP inside TLS got %s", r)
  end,
}

scenario {
  name    = "not-offered-inside-tls",
  title   = "Inside TLS STARTTLS is neither listed nor carried out, and nobody is logged in",
  proves  = { "rfc3501-6.2.1-x4", "rfc3501-6.2.1-x2", "rfc9051-6.2.1-5", "rfc9051-6.2.1-x3" },
  says    = [[CAPABILITY inside TLS does not show STARTTLS, a second STARTTLS is refused, and LIST still is, too.]],
  why     = [[A client that sees STARTTLS believes that it speaks in clear.]],
  needs   = { "STARTTLS" },
  catches = { "imap-starttls-listed-in-tls", "imap-capability-empty", "imap-list-before-login" },
  tags    = { "tls" },
  users   = 0,
  run = function(t)
    local c = t:imap { tls = "starttls" }
    c:send "CAPABILITY"
    local r = c:expect "OK"
    for _, word in ipairs(r:one "CAPABILITY".data) do
      t:check(tostring(word):upper() ~= "STARTTLS", "CAPABILITY inside TLS lists STARTTLS")
    end
    c:send "STARTTLS"
    r = c:expect("BAD", "NO", "OK")
    t:check(r:is("BAD", "NO"), "STARTTLS inside TLS got %s", r)
    if r:is "OK" then return end
    c:send "LIST \"\" *"
    r = c:expect("BAD", "NO", "OK")
    t:check(r:is("BAD", "NO"), "LIST inside TLS before login got %s", r)
  end,
}
