-- Login, and what is refused before it. RFC 3501, 6.2 and 3.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "refused-before-login",
  title   = "Mailbox and message commands are refused before login, message commands before SELECT",
  proves  = { "rfc3501-3.1-1", "rfc3501-3.2-1", "rfc3501-i-3-1", "rfc9051-3.1-1", "rfc9051-3.2-1" },
  says    = [[SELECT, LIST and FETCH get NO or BAD until somebody has logged in; FETCH and STORE get NO or BAD until a
              mailbox is selected.]],
  why     = [[Before login there is nobody whose mail it could be.]],
  catches = { "imap-list-before-login", "imap-fetch-without-select" },
  run = function(t)
    for _, command in ipairs { "SELECT INBOX", "LIST \"\" *", "FETCH 1 FLAGS", "STATUS INBOX (MESSAGES)" } do
      local c = t:imap() -- a new one each time: servers hang up on a client that errs too often
      c:send(command)
      local r = c:expect("NO", "BAD", "OK")
      t:check(r:is("NO", "BAD"), "%s before login got %s", command, r)
    end
    local d = t:imap { login = true }
    for _, command in ipairs { "FETCH 1 FLAGS", [[STORE 1 +FLAGS (\Seen)]], "EXPUNGE", "CLOSE" } do
      d:send(command)
      local r = d:expect("NO", "BAD", "OK")
      t:check(r:is("NO", "BAD"), "%s without a selected mailbox got %s", command, r)
    end
  end,
}

scenario {
  name    = "right-and-wrong-password",
  title   = "LOGIN takes the right password, refuses a wrong one with NO, and says no more",
  proves  = { "rfc3501-6.2.3-x1", "rfc3501-i-6.2-1", "rfc3501-6.2-x1", "rfc9051-6.2.3-x1" },
  says    = [[A wrong password and an unknown name get NO and nobody is logged in; the right pair gets OK, and then
              there is no second LOGIN.]],
  why     = [[It is the door of the house.]],
  catches = { "imap-any-password", "imap-login-twice" },
  run = function(t)
    local c = t:imap()
    if c:has "LOGINDISABLED" then c:secure() end
    c:send("LOGIN " .. t.user.name .. " not-the-password")
    local r = c:expect("NO", "OK", "BAD")
    t:check(r:is "NO", "a wrong password got %s", r)
    if r:is "OK" then return end
    c:send "LOGIN nobody-of-this-name not-the-password"
    r = c:expect("NO", "OK", "BAD")
    t:check(r:is "NO", "an unknown name got %s", r)
    c:send("LOGIN " .. imap.quote(t.user.name) .. " " .. imap.quote(t.user.password))
    r = c:expect("OK", "NO", "BAD")
    t:check(r:is "OK", "the right password after wrong ones got %s", r)
    if not r:is "OK" then return end
    c:send("LOGIN " .. t.user.name .. " " .. t.user.password)
    r = c:expect("NO", "BAD", "OK")
    t:check(r:is("NO", "BAD"), "a second LOGIN got %s", r)
  end,
}

scenario {
  name    = "authenticate-plain",
  title   = "AUTHENTICATE PLAIN asks with \"+ \" and can be cancelled",
  proves  = { "rfc3501-6.2.2-3", "rfc3501-6.2.2-4", "rfc3501-i-6.2.2-2", "rfc3501-6.2.2-x2", "rfc9051-6.2.2-x1" },
  says    = [[Inside TLS the server asks for the response with an empty challenge; "*" ends the exchange with BAD, and
              the next one with the right password succeeds.]],
  why     = [[Every IMAP server has PLAIN under TLS, so that every client can log in somewhere.]],
  messages = 0,
  catches = { "imap-authenticate-cancel-ignored", "imap-authenticate-challenge-has-text", "imap-challenge-no-space",
    "imap-no-for-bad" },
  tags    = { "auth" },
  run = function(t)
    local c = t:imap()
    if c:has "STARTTLS" then c:secure() end
    if not c:has "AUTH=PLAIN" then t:skip "the server does not offer AUTH=PLAIN" end
    c:send "AUTHENTICATE PLAIN"
    local r = c:expect "+"
    t:check(r.raw == "+ \r\n", "the empty challenge is %q", r.raw)
    c:write "*\r\n"
    r = c:expect("BAD", "NO", "OK", "+")
    t:check(r:is "BAD", "\"*\" got %s", r)
    if r:is "+" then return end
    c:send "AUTHENTICATE PLAIN"
    c:expect "+"
    c:write(mime.base64("\0" .. t.user.name .. "\0" .. t.user.password) .. "\r\n")
    r = c:expect("OK", "NO", "BAD")
    t:check(r:is "OK", "the right password got %s", r)
  end,
}

scenario {
  name    = "says-no-more-than-no",
  title   = "A wrong password and an unknown name get the same answer",
  proves  = "rfc3501-11.2-3",
  says    = [[Text and code are the same, whether there is such a user or not.]],
  why     = [[Two different answers tell an attacker which names are worth guessing at.]],
  catches = { "imap-login-tells", "imap-any-password" },
  run = function(t)
    local said = {}
    for n, name in ipairs { t.user.name, "nobody-of-this-name" } do
      local c = t:imap()
      if c:has "LOGINDISABLED" then c:secure() end
      c:send("LOGIN " .. name .. " not-the-password")
      local r = c:expect("NO", "BAD", "OK")
      said[n] = ("%s %s %s"):format(r.status, r.code or "", (r.text:gsub("%(%d[^)]*%)", "")))
    end
    t:equal(said[2], said[1], "the answer to an unknown name")
  end,
}

scenario {
  name    = "disabled-means-disabled",
  title   = "While LOGINDISABLED is listed LOGIN gets NO, with the right password too",
  proves  = "rfc3501-i-7.2.1-1",
  says    = [[A server that asks for TLS first does not take the password all the same.]],
  why     = [[A client that ignores the word has sent its password in clear; being let in, it will do so again.]],
  catches = "imap-logindisabled-ignored",
  run = function(t)
    local c = t:imap { tls = "none" }
    if not c:has "LOGINDISABLED" then t:skip "the server does not list LOGINDISABLED in clear" end
    c:send("LOGIN " .. imap.quote(t.user.name) .. " " .. imap.quote(t.user.password))
    local r = c:expect("NO", "BAD", "OK")
    t:check(not r:is "OK", "LOGIN was taken while LOGINDISABLED is listed")
  end,
}
