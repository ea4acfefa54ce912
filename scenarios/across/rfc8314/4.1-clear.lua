-- What a server says to a password that it does not want in clear. RFC 8314, 4.1.
-- SPDX-License-Identifier: MIT

-- One login in clear, by SASL or by the commands of the protocol, and what was said to it.
local TRIES = {
  submission = function(c, name, password)
    c:send("AUTH PLAIN " .. mime.base64("\0" .. name .. "\0" .. password))
    return c:expect("2yz", "4yz", "5yz", "closed")
  end,
  pop3 = function(c, name, password)
    c:send("USER " .. name)
    local r = c:expect("+OK", "-ERR", "closed")
    if not r:is "+OK" then return r end
    c:send("PASS " .. password)
    return c:expect("+OK", "-ERR", "closed")
  end,
  imap = function(c, name, password)
    c:send("LOGIN " .. imap.quote(name) .. " " .. imap.quote(password))
    return c:expect("OK", "NO", "BAD", "closed")
  end,
}
local OPEN = {
  submission = function(t) return t:smtp { service = "submission", tls = "none" } end,
  pop3 = function(t) return t:pop3 { service = "pop3", tls = "none" } end,
  imap = function(t) return t:imap { service = "imap", tls = "none" } end,
}

scenario {
  name     = "no-word-about-the-password",
  title    = "Where passwords are refused in clear, a right one and a wrong one get the same answer",
  proves   = "rfc8314-4.1-3",
  says     = [[A login in clear that is refused for being in clear is refused alike, whatever the password.]],
  why      = [[Whoever listens learns from the difference that the password which he just read is good.]],
  services = { "submission/pop3/imap" },
  timeout  = 60,
  needs_control = true,
  flags    = { "--plaintext-login", "no" },
  catches  = { "sasl-clear-oracle" },
  tags     = { "auth", "tls" },
  run = function(t)
    for service, try in pairs(TRIES) do
      if t:offers(service) then
        local said = {}
        for n, password in ipairs { t.user.password, "not-the-password" } do
          local c = OPEN[service](t)
          local r = try(c, t.user.name, password)
          if r:is(service == "submission" and "2yz" or service == "pop3" and "+OK" or "OK") then
            t:fail("%s: the right password in clear logged in: %s", service, r)
          end
          said[n] = r:is "closed" and "closed" or r.raw:gsub("^[AT]%d+", "")
          c:close()
        end
        t:equal(said[2], said[1], service .. ": answer to a wrong password, against that to the right one")
      end
    end
  end,
}
