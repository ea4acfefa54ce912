-- After the handshake: a new session. RFC 3207, 4.2.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "not-offered-twice",
  title   = "Inside TLS EHLO does not list STARTTLS, and a second one is refused",
  proves  = { "rfc3207-4.2-7", "rfc3207-4.2-5" },
  says    = [[The server knows that TLS runs: STARTTLS is neither announced nor carried out again.]],
  why     = [[TLS inside TLS is of no use, and a client that sees the keyword may think it is still in clear.]],
  needs   = { "STARTTLS" },
  catches = "smtp-starttls-offered-in-tls",
  tags    = { "tls" },
  users   = 0,
  run = function(t)
    local c = t:smtp { tls = "starttls" }
    t:check(not c:has "STARTTLS", "EHLO inside TLS lists STARTTLS")
    c:send "STARTTLS"
    local r = c:reply()
    t:check(r:is("4yz", "5yz"), "STARTTLS inside TLS got %s", r)
    if r:is "220" then return end
    c:send "NOOP"
    c:expect "250"
  end,
}

scenario {
  name    = "starts-from-nothing",
  title   = "The handshake ends the transaction and forgets EHLO",
  proves  = { "rfc3207-4.2-1", "rfc3207-i-4.2-1" },
  says    = [[What was said in clear is forgotten: an open transaction is gone, and without a new EHLO a MAIL with
              an extension's parameter is not taken on the strength of the old one. There is no second greeting.]],
  why     = [[Anyone on the path could have written what was said in clear.]],
  needs   = { "STARTTLS" },
  catches = { "smtp-starttls-keeps-transaction", "smtp-starttls-greets-again", "smtp-rcpt-before-mail",
    "tls-no-modern-version" },
  tags    = { "tls" },
  run = function(t)
    local c = t:smtp { tls = "none" }
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send "STARTTLS"
    local r = c:expect("220", "503", "5yz")
    if not r:is "220" then return t:pass("refuses STARTTLS inside a transaction: %s", r) end
    c:starttls()
    c:send("RCPT TO:<" .. t.user.address .. ">")
    r = c:reply()
    t:check(not r:is "220", "greets a second time: %s", r)
    t:check(not r:is "2yz", "RCPT inside TLS got %s: the transaction from before was kept", r)
    c:send "EHLO client.test.example"
    c:expect "250"
  end,
}

scenario {
  name     = "login-in-clear-is-forgotten",
  title    = "A login from before the handshake does not hold inside TLS",
  proves   = "rfc3207-4.2-x1",
  says     = [[If STARTTLS is taken after AUTH, the login is forgotten with everything else: AUTH inside TLS is taken as
               the first one, and mail needs it.]],
  why      = [[Whoever was on the path could have logged in with his own name before.]],
  services = { "submission" },
  needs    = { "STARTTLS", "AUTH=PLAIN" },
  catches  = { "smtp-starttls-keeps-login", "smtp-starttls-greets-again", "tls-no-modern-version" },
  tags     = { "tls", "auth" },
  run = function(t)
    local c = t:smtp { service = "submission", tls = "none" }
    local plain = "AUTH PLAIN " .. mime.base64("\0" .. t.user.name .. "\0" .. t.user.password)
    c:send(plain)
    c:expect "235"
    c:send "STARTTLS"
    local r = c:expect("220", "5yz")
    if not r:is "220" then return t:pass("refuses STARTTLS after a login: %s", r) end
    c:starttls()
    c:send "EHLO client.test.example"
    c:expect "250"
    c:send(plain)
    r = c:reply()
    t:check(r:is "235", "AUTH inside TLS got %s: the login in clear was kept", r)
  end,
}
