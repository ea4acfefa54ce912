-- Passwords on a line that everybody can read. RFC 4954, 4.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "no-plaintext-mechanism-in-clear",
  title   = "Where plaintext logins are turned off AUTH PLAIN and LOGIN are neither listed nor taken in clear",
  proves  = { "rfc4954-4-33", "rfc4954-4-32" },
  says    = [[Without TLS the EHLO reply lists neither PLAIN nor LOGIN, and AUTH with them is refused before a password
              is asked for; inside TLS they work.]],
  why     = [[A password that was sent in clear is lost, whatever the server answers to it.]],
  catches = "smtp-plaintext-login-in-clear",
  services = { "submission" },
  tags    = { "auth" },
  needs_control = true,
  flags   = { "--plaintext-login", "no" },
  run = function(t)
    local c = t:smtp { service = "submission", tls = "none" }
    local listed = " " .. (c:capabilities().AUTH or ""):upper() .. " "
    t:check(not listed:find " PLAIN " and not listed:find " LOGIN ", "AUTH in clear lists%s", listed)
    for _, mechanism in ipairs { "PLAIN", "LOGIN" } do
      c:send("AUTH " .. mechanism)
      local r = c:expect("334", "4yz", "5yz")
      t:check(not r:is "334", "AUTH %s in clear got %s", mechanism, r)
      if r:is "334" then
        c:send "*"
        c:expect "5yz"
      end
    end
    c:send("AUTH PLAIN " .. mime.base64("\0" .. t.user.name .. "\0" .. t.user.password))
    local r = c:expect("2yz", "4yz", "5yz")
    t:check(not r:is "2yz", "AUTH PLAIN with the right password in clear got %s", r)
    t:submission { tls = "starttls" }
  end,
}
