-- Passwords on a line that everybody can read. RFC 2595, 2.3, and RFC 5034, 4.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "no-password-in-clear",
  title   = "Where plaintext logins are turned off neither USER nor AUTH PLAIN works before STLS",
  proves  = { "rfc2595-2.3-1", "rfc5034-4-27" },
  says    = [[Without TLS CAPA lists neither USER nor PLAIN, and the right password is refused by either way; behind
              STLS it is taken.]],
  why     = [[A password that was sent in clear is lost, whatever the server answers to it.]],
  needs_control = true,
  flags   = { "--plaintext-login", "no" },
  tags    = { "auth", "tls" },
  catches = { "pop3-plain-in-clear" },
  run = function(t)
    local c = t:pop3 { service = "pop3", tls = "none" }
    t:check(not c:has "USER", "CAPA in clear lists USER")
    t:check(not c:has "AUTH=PLAIN" and not c:has "AUTH=LOGIN", "CAPA in clear lists PLAIN or LOGIN")
    c:send("AUTH PLAIN " .. mime.base64("\0" .. t.user.name .. "\0" .. t.user.password))
    local r = c:expect("+OK", "-ERR", "+")
    t:check(r:is "-ERR", "AUTH PLAIN with the right password in clear got %s", r)
    c = t:pop3 { service = "pop3", tls = "none" }
    c:send("USER " .. t.user.name)
    r = c:expect("+OK", "-ERR")
    if r:is "+OK" then
      c:send("PASS " .. t.user.password)
      r = c:expect("+OK", "-ERR")
    end
    t:check(r:is "-ERR", "USER and PASS with the right password in clear got %s", r)
    c = t:pop3 { service = "pop3", tls = "starttls", login = true }
    c:send "NOOP"
    c:expect "+OK"
  end,
}
