-- LOGINDISABLED. RFC 3501, 6.2.3 and 7.2.1.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "logindisabled-is-true",
  title   = "LOGIN in clear is refused if, and only if, LOGINDISABLED is listed",
  proves  = { "rfc3501-i-7.2.1-1", "rfc3501-6.2.3-3", "rfc3501-i-11.2-2" },
  says    = [[Where LOGINDISABLED is listed the right name and password get NO; where it is not, they log in.]],
  why     = [[Clients decide by this word whether to send the password in clear.]],
  catches = "imap-logindisabled-ignored",
  tags    = { "auth" },
  run = function(t)
    local c = t:imap { tls = "none" }
    local disabled = c:has "LOGINDISABLED"
    c:send("LOGIN " .. imap.quote(t.user.name) .. " " .. imap.quote(t.user.password))
    local r = c:expect("OK", "NO", "BAD")
    if disabled then
      t:check(r:is("NO", "BAD"), "LOGINDISABLED is listed, and LOGIN got %s", r)
    else
      t:check(r:is "OK", "LOGINDISABLED is not listed, and LOGIN with the right password got %s", r)
    end
  end,
}

scenario {
  name    = "logindisabled-by-setting",
  title   = "Where plaintext logins are turned off LOGINDISABLED is listed, LOGIN refused, and both end with TLS",
  proves  = { "rfc3501-6.2.3-3", "rfc3501-i-7.2.1-1" },
  says    = [[The server has a setting for it. In clear CAPABILITY lists LOGINDISABLED and LOGIN with the right password
              gets NO; inside TLS the word is gone and LOGIN gets OK.]],
  why     = [[A client that is not told sends the password first, and is refused when everybody has read it.]],
  catches = { "imap-logindisabled-hidden", "imap-logindisabled-ignored" },
  tags    = { "auth" },
  needs_control = true,
  flags   = { "--plaintext-login", "no" },
  run = function(t)
    local login = "LOGIN " .. imap.quote(t.user.name) .. " " .. imap.quote(t.user.password)
    local c = t:imap { tls = "none" }
    t:check(c:has "LOGINDISABLED", "plaintext logins are turned off, and LOGINDISABLED is not listed")
    c:send(login)
    local r = c:expect("OK", "NO", "BAD")
    t:check(r:is "NO", "plaintext logins are turned off, and LOGIN in clear got %s", r)
    c = t:imap { tls = "starttls" }
    t:check(not c:has "LOGINDISABLED", "LOGINDISABLED is listed inside TLS")
    c:send(login)
    c:expect "OK"
  end,
}
