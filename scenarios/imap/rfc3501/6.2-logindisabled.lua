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
