-- UTF-8 mode. RFC 6856, 2, 4 and 5.
-- SPDX-License-Identifier: MIT

local SUBJECT = "Gr\u{fc}\u{df}e aus K\u{f6}ln, \u{4f60}\u{597d}"

-- A message whose header holds UTF-8 (RFC 6532).
local function international(t)
  return "From: J\u{f6}rg <ann@client.example>\r\nTo: " .. t.user.address .. "\r\nSubject: " .. SUBJECT .. "\r\n" ..
    "Date: Mon, 1 Jun 2026 10:00:00 +0000\r\nMessage-ID: <" .. t.marker .. "@client.example>\r\n" ..
    "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" ..
    "Sch\u{f6}ne T\u{e4}ge\r\n.\r\n"
end

-- A connection, in UTF-8 mode if asked, then logged in.
local function enter(t, utf8)
  local c = t:pop3()
  if not c:has "USER" and c:has "STLS" then c:secure() end
  if utf8 then
    c:send "UTF8"
    local r = c:expect("+OK", "-ERR")
    if r:is "-ERR" then t:skip("UTF8 was refused, as it may be: %s", r) end
  end
  c:send("USER " .. t.user.name)
  c:expect "+OK"
  c:send("PASS " .. t.user.password)
  c:expect "+OK"
  return c
end

scenario {
  name    = "command-before-login-only",
  title   = "UTF8 has no argument and belongs before the login",
  proves  = { "rfc6856-2-x2", "rfc6856-2.1-x1", "rfc6856-2.1-4", "rfc6856-2-x1" },
  says    = [[UTF8 with an argument, and UTF8 after login, get -ERR; before login it gets +OK, or -ERR if the server
              does not want to.]],
  why     = [[Sizes and texts of the session depend on the mode: it cannot change in the middle.]],
  needs   = { "UTF8" },
  messages = 0,
  catches = { "pop3-utf8-after-login", "pop3-utf8-takes-argument", "pop3-capa-after-login-refused",
    "pop3-capa-forgets-utf8" },
  run = function(t)
    local c = t:pop3()
    c:send "UTF8 now"
    local r = c:reply()
    t:check(r:is "-ERR", "UTF8 with an argument got %s", r)
    c = enter(t, true)
    c:send "UTF8"
    r = c:reply()
    t:check(r:is "-ERR", "UTF8 after login got %s", r)
    t:check(c:has "UTF8", "CAPA lists UTF8 before login and not after it")
  end,
}

scenario {
  name    = "header-as-it-was",
  title   = "In UTF-8 mode a header beyond ASCII arrives as it was, and LIST counts it so",
  proves  = { "rfc6856-2.1-x2", "rfc6856-2.1-5", "rfc6856-2.1-1" },
  says    = [[After UTF8 the message is sent octet for octet; LIST and RETR agree; TOP has the same header.]],
  why     = [[It is what the command is for.]],
  needs   = { "UTF8" },
  messages = 0,
  catches = { "pop3-utf8-still-downgraded", "pop3-utf8-size-of-original", "pop3-eighth-bit",
    "pop3-no-final-dot", "pop3-capa-lists-missing-top", "pop3-size-counts-lf", "pop3-size-counts-dots",
    "pop3-list-one-is-many" },
  run = function(t)
    t:deliver(international(t))
    local c = enter(t, true)
    c:send "LIST 1"
    local size = tonumber(c:expect "+OK".text:match "^1 (%d+)")
    c:send "RETR 1"
    local r = c:expect "+OK"
    t:check(r.body:find("Subject: " .. SUBJECT .. "\r\n", 1, true), "the subject in UTF-8 mode is %q",
      message.header(r.body, "Subject"))
    t:check(r.body:find("Sch\u{f6}ne T\u{e4}ge\r\n.\r\n", 1, true), "the body in UTF-8 mode is not what was delivered")
    t:equal(size, #r.body, "size in LIST, against what RETR sent")
    if c:has "TOP" then
      c:send "TOP 1 0"
      t:check(c:expect "+OK".body:find("Subject: " .. SUBJECT .. "\r\n", 1, true), "TOP has another subject than RETR")
    end
  end,
}

scenario {
  name    = "never-raw-without",
  title   = "Without UTF8 such a message is refused or replaced, never sent raw",
  proves  = { "rfc6856-2.1-2", "rfc6856-2.1-3", "rfc6856-2.1-7", "rfc6856-2.1-5", "rfc6856-5-x1", "rfc6856-4-1",
    "rfc6856-2.1-8" },
  says    = [[RETR and TOP give a header of ASCII alone, or -ERR; where they give a message, its size is what LIST says;
              the code [UTF8] stands behind LIST, TOP and RETR only; and the session goes on.]],
  why     = [[An old client takes the octets for another character set, or for the end of the header.]],
  needs   = { "UTF8" },
  messages = { "plain" },
  catches = { "pop3-utf8-raw-without", "pop3-utf8-code-elsewhere", "pop3-no-final-dot", "pop3-list-one-is-many",
    "pop3-utf8-refusal-closes" },
  run = function(t)
    t:deliver(international(t))
    local c = enter(t, false)
    c:send "STAT"
    local r = c:expect("+OK", "-ERR")
    t:check(r:is "+OK" and r.text:match "^2 ", "STAT of a maildrop with such a message got %s", r)
    local number
    for n = 1, 2 do
      c:send("TOP " .. n .. " 0", { multiline = true })
      r = c:expect("+OK", "-ERR")
      local refused = r:is "-ERR [UTF8]" or r:is "-ERR"
      if refused or not r.body:find "A plain message" then number = n end
      if not refused then
        t:check(not r.body:find "[\128-\255]", "TOP sent a header with octets above 127")
      end
    end
    if not number then return t:fail "the message with the header in UTF-8 is not there" end
    c:send("LIST " .. number)
    local list = c:expect("+OK", "-ERR")
    c:send("RETR " .. number)
    r = c:expect("+OK", "-ERR")
    if r:is "+OK" then
      local header = message.split(r.body)
      t:check(not header:find "[\128-\255]", "RETR sent a header with octets above 127")
      t:check(message.header(r.body, "From") and message.header(r.body, "Date"),
        "what was sent in its place is no message: it has no From or no Date")
      if list:is "+OK" then
        t:equal(tonumber(list.text:match "^%d+ (%d+)"), #r.body, "size in LIST, against what RETR sent")
      end
    else
      t:record("code of the refusal", r.code)
    end
    c:send("DELE " .. number)
    r = c:reply()
    t:check(r:is "+OK", "DELE of such a message got %s", r)
    c:send("RETR " .. 3 - number)
    t:check(c:reply():is "+OK", "the plain message beside it cannot be retrieved")
  end,
}

scenario {
  name    = "ascii-is-the-same",
  title   = "An ASCII message is the same in both modes",
  proves  = { "rfc6856-2.1-x3", "rfc6856-2.1-5" },
  says    = [[Size, unique-id and octets of a message without anything beyond ASCII do not depend on the mode.]],
  why     = [[A client that learns UTF8 would download all its mail again.]],
  needs   = { "UTF8" },
  messages = { "plain", "dots", "ten-lines" },
  catches = { "pop3-uidl-per-session", "pop3-no-final-dot", "pop3-retr-deletes" },
  run = function(t)
    local seen = {}
    for _, utf8 in ipairs { false, true } do
      local c = enter(t, utf8)
      local all = {}
      c:send "LIST"
      for _, line in ipairs(c:expect "+OK".lines) do all[#all + 1] = line end
      c:send("UIDL", { multiline = true })
      local r = c:expect("+OK", "-ERR")
      for _, line in ipairs(r.lines or {}) do all[#all + 1] = line end
      for n = 1, 3 do
        c:send("RETR " .. n)
        all[#all + 1] = c:expect "+OK".body
      end
      seen[#seen + 1] = all
      c:send "QUIT"
      c:expect "+OK"
      c:expect "closed"
    end
    t:equal(seen[2], seen[1], "LIST, UIDL and RETR in UTF-8 mode, against the usual mode")
  end,
}

scenario {
  name    = "names-are-well-formed",
  title   = "A name that is no UTF-8 does not log in",
  proves  = { "rfc6856-2.2-8", "rfc6856-2.2-3" },
  says    = [[Where CAPA says UTF8 USER, octets that are no UTF-8, and control characters, are refused in a name or a
              password, at USER or at PASS.]],
  why     = [[Two decoders make two names of them.]],
  needs   = { "UTF8" },
  catches = { "pop3-utf8-user-bad-utf8", "sasl-prep-drops-forbidden" },
  run = function(t)
    local c = t:pop3()
    if not (c:capabilities().UTF8 or ""):find "USER" then t:skip "CAPA does not say UTF8 USER" end
    for _, name in ipairs { t.user.name .. "\xff", "\xc0\xaf" .. t.user.name, t.user.name .. "\u{85}" } do
      c = t:pop3()
      c:send("USER " .. name)
      local r = c:expect("+OK", "-ERR", "closed")
      if r:is "+OK" then
        c:send("PASS " .. t.user.password)
        r = c:expect("+OK", "-ERR", "closed")
        t:check(not r:is "+OK", "the name %q logged in", name)
      end
    end
  end,
}
