-- CAPA and what it lists. RFC 2449, 5 and 6.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "listed-is-obeyed",
  title   = "CAPA works before and after login, and what it lists works",
  proves  = { "rfc2449-i-5-1", "rfc2449-i-5-3", "rfc2449-5-7", "rfc2449-6.1-x1", "rfc2449-6.8-x1" },
  says    = [[CAPA gets +OK and one capability a line, in both states; TOP and UIDL, if listed, are listed in both and
              work after login.]],
  why     = [[It is the only way to know what a server can do without trying it on somebody's mail.]],
  messages = { "plain" },
  catches = { "pop3-capa-after-login-refused", "pop3-capa-lists-missing-top", "pop3-capa-form",
    "pop3-capa-forgets-top" },
  run = function(t)
    local c = t:pop3()
    c:send "CAPA"
    local before = c:expect("+OK", "-ERR")
    if before:is "-ERR" then t:skip "the server has no CAPA" end
    local d = t:pop3 { login = true }
    d:send "CAPA"
    local after = d:reply()
    t:check(after:is "+OK", "CAPA after login got %s", after)
    if not after:is "+OK" then return end
    local listed = { {}, {} }
    for n, r in ipairs { before, after } do
      for _, line in ipairs(r.lines) do
        t:check(line:match "^[\33-\45\47-\126][\33-\126]*$" or line:match "^[\33-\45\47-\126][\33-\126]* [\33-\126]",
          "this line of CAPA is no capability: %q", line)
        listed[n][line:upper():match "^%S*"] = true
      end
    end
    for _, word in ipairs { "TOP", "UIDL" } do
      t:equal(listed[2][word], listed[1][word], word .. " listed after login, against before")
      if listed[2][word] then
        d:send(word == "TOP" and "TOP 1 0" or "UIDL 1")
        local r = d:reply()
        t:check(r:is "+OK", "%s is listed and got %s", word, r)
      end
    end
  end,
}

scenario {
  name    = "pipelining-in-order",
  title   = "With PIPELINING, commands in one packet are answered in their order",
  proves  = { "rfc2449-6.6-1", "rfc2449-6.6-x1" },
  says    = [[Several commands may be sent at once; each is carried out and answered, none is lost behind a long
              response.]],
  why     = [[Without it every message costs a round trip.]],
  needs   = { "PIPELINING" },
  messages = { "plain", "dots" },
  catches = { "pop3-pipelining-flushes", "pop3-pipelining-out-of-order", "pop3-no-dot-stuffing", "pop3-no-final-dot" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:write "RETR 1\r\nNOOP\r\nRETR 9\r\nRETR 2\r\nSTAT\r\n"
    local want = {} -- by subject: the order of a maildrop is the server's own
    for _, m in ipairs(t.messages) do want[message.header(m, "Subject")] = select(2, message.split(m)) end
    local one = c:expect "+OK"
    t:equal(select(2, message.split(one.body)), want[message.header(one.body, "Subject")], "body of message 1")
    t:check(c:reply():is "+OK", "the second reply is not NOOP's +OK")
    t:check(c:reply():is "-ERR", "the third reply does not refuse message 9")
    local two = c:expect "+OK"
    t:equal(select(2, message.split(two.body)), want[message.header(two.body, "Subject")], "body of message 2")
    t:check(c:reply().text:match "^2 ", "the fifth reply is not STAT's")
  end,
}

scenario {
  name    = "takes-no-argument",
  title   = "CAPA with an argument is refused",
  proves  = "rfc2449-5-x2",
  says    = [[CAPA has nothing behind it.]],
  why     = [[A later standard may give an argument a meaning; a server that ignores it would then answer wrongly.]],
  level   = "SHOULD",
  catches = "pop3-capa-takes-argument",
  users   = 0,
  run = function(t)
    local c = t:pop3()
    c:send "CAPA"
    if c:expect("+OK", "-ERR"):is "-ERR" then t:skip "the server has no CAPA" end
    c:send "CAPA now"
    local r = c:reply()
    t:check(r:is "-ERR", "CAPA with an argument got %s", r)
  end,
}

scenario {
  name    = "apop-is-no-capability",
  title   = "CAPA does not list APOP",
  proves  = "rfc2449-6-x1",
  says    = [[The timestamp in the greeting announces APOP, and nothing else does.]],
  why     = [[Two announcements can disagree.]],
  catches = "pop3-capa-lists-apop",
  users   = 0,
  run = function(t)
    local c = t:pop3()
    t:check(not c:has "APOP", "CAPA lists APOP")
  end,
}

scenario {
  name    = "codes-are-announced-and-come-after-the-password",
  title   = "Response codes are sent only where RESP-CODES is listed, and IN-USE only after the right password",
  proves  = { "rfc2449-i-8-1", "rfc2449-8.1.2-x1" },
  says    = [[While a session holds the maildrop, another one with a wrong password is not told [IN-USE]; with the
              right one it may be, if CAPA lists RESP-CODES.]],
  why     = [[That somebody is reading his mail is nobody else's business.]],
  messages = 0,
  catches = { "pop3-unannounced-codes", "pop3-in-use-before-password", "pop3-any-password" },
  run = function(t)
    local first = t:pop3 { login = true }
    first:send "STAT"
    first:expect "+OK"
    local announced = first:has "RESP-CODES"
    for _, password in ipairs { "not-the-password", t.user.password } do
      local c = t:pop3()
      if not c:has "USER" and c:has "STLS" then c:secure() end
      c:send("USER " .. t.user.name)
      local r = c:expect("+OK", "-ERR")
      if r:is "+OK" then
        c:send("PASS " .. password)
        r = c:expect("+OK", "-ERR", "closed")
        t:check(password == t.user.password or not r:is "-ERR [IN-USE]", "told [IN-USE] to a wrong password")
      end
      if r.code then
        t:check(announced or c:has "RESP-CODES", "sent the code [%s], and CAPA does not list RESP-CODES", r.code)
      end
      c:close()
    end
  end,
}
