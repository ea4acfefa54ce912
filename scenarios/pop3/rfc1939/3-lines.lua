-- Lines that are too long, empty, or hold what no command holds. RFC 1939, 3.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "too-long-a-line-is-one-error",
  title   = "A line far beyond the limit is one error, and its rest is not obeyed",
  proves  = "rfc1939-3-x6",
  says    = [[A line that is far too long gets one -ERR, or ends the connection; what is left of it is no command of its
              own.]],
  why     = [[A server that reads on in the middle of a line obeys text as commands, and all later replies belong to
              the wrong ones.]],
  messages = { "plain" },
  catches = { "pop3-long-line-split", "pop3-stat-form" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:write("FLURB " .. ("x"):rep(20000) .. "\r\nSTAT\r\n")
    local r = c:wait(10)
    if not r or r:is "closed" then return t:pass "hangs up at a line that is too long" end
    t:check(r:is "-ERR", "a line of 20,000 octets got %s", r)
    r = c:expect("+OK", "-ERR", "closed")
    if r:is "closed" then return t:pass "hangs up behind the error" end
    t:check(r:is "+OK" and r.text:match "^1 %d+", "the STAT behind the long line got %s", r)
  end,
}

scenario {
  name    = "nul-ends-nothing",
  title   = "A NUL inside a command does not end it",
  proves  = { "rfc1939-3-x7", "rfc1939-3-5" },
  says    = [[A line with a NUL in it is no command: it gets -ERR, and the part before the NUL is not obeyed.]],
  why     = [[Whoever stands between client and server reads one command and the server another.]],
  messages = { "plain", "dots" },
  catches = "pop3-nul-ends-command",
  run = function(t)
    local c = t:pop3 { login = true }
    c:write "DELE 1\0x\r\n"
    local r = c:wait(5)
    if not r then return t:fail "a command with a NUL in it is never answered" end
    t:check(not r:is "+OK", "DELE 1 with a NUL and more behind it got %s", r)
    if r:is "closed" then return end
    c:send "STAT"
    r = c:expect("+OK", "closed")
    t:check(r:is "closed" or r.text:match "^2 ", "the part before the NUL was obeyed: STAT says %s", r)
  end,
}

scenario {
  name    = "empty-line",
  title   = "An empty line gets -ERR and changes nothing",
  proves  = { "rfc1939-3-x8", "rfc1939-3-5" },
  says    = [[A line without a command is answered like any other that is no command.]],
  why     = [[A client that counts replies is out of step for good when one is missing.]],
  messages = { "plain" },
  catches = { "pop3-empty-line-ignored", "pop3-unknown-command-ok", "pop3-stat-form" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:write "\r\nSTAT\r\n"
    local r = c:reply()
    t:check(r:is "-ERR", "an empty line got %s", r)
    if not r:is "-ERR" then return end
    r = c:reply()
    t:check(r:is "+OK" and r.text:match "^%d+ %d+", "STAT behind an empty line got %s", r)
  end,
}

scenario {
  name    = "numbers-are-judged-whole",
  title   = "A message number is judged whole: no sign, no rest, no overflow",
  proves  = { "rfc1939-3-5", "rfc1939-5/RETR-x1", "rfc1939-5/DELE-x3", "rfc1939-5/LIST-x2" },
  says    = [[A number that no message has gets -ERR, also when it is 1 in 32 bits; and so does anything that is no
              number.]],
  why     = [[A number that is cut or wraps names another message, and DELE removes it.]],
  messages = { "plain" },
  catches = { "pop3-number-wraps", "pop3-number-prefix" },
  run = function(t)
    local c = t:pop3 { login = true }
    for _, bad in ipairs { "4294967297", "18446744073709551617", "-1", "1x", "1.5" } do
      for _, verb in ipairs { "LIST", "RETR", "DELE" } do
        c:send(verb .. " " .. bad, { multiline = false })
        local r = c:expect("+OK", "-ERR", "closed")
        if r:is "closed" then
          c = t:pop3 { login = true } -- hung up on somebody who errs too often
        elseif r:is "+OK" then
          return t:fail("%s %s got %s", verb, bad, r)
        end
      end
    end
    c:send "STAT"
    local r = c:expect "+OK"
    t:check(r.text:match "^1 ", "after refused commands STAT no longer counts one message: %s", r)
  end,
}

scenario {
  name    = "line-of-255-octets",
  title   = "A command line of 255 octets is taken and answered",
  proves  = { "rfc2449-4-1", "rfc1939-3-1" },
  says    = [[A server with CAPA reads lines of 255 octets, CR LF counted; one that has it not, arguments of 40.]],
  why     = [[Names and the responses of AUTH get that long.]],
  catches = { "pop3-short-lines", "pop3-unknown-command-ok" },
  users   = 0,
  run = function(t)
    local c = t:pop3()
    c:send "CAPA"
    local long = c:expect("+OK", "-ERR"):is "+OK" and 255 - #"USER \r\n" or 40
    if not c:has "USER" and c:has "STLS" then c:secure() end
    c:send("USER " .. ("x"):rep(long))
    local r = c:reply()
    local tried = r:is "+OK"
    if tried then
      c:send "PASS not-the-password"
      r = c:reply()
      t:check(r:is("-ERR", "closed"), "a name of %d octets that nobody has got %s", long, r)
      if r:is "closed" then return end
    end
    c:send "FLURB"
    r = c:expect("-ERR", "+OK", "closed")
    t:check(not r:is "+OK", "the replies are out of step: %s", r)
    -- Some hang up behind every failed login, which is theirs to choose.
    t:check(tried or not r:is "closed", "hung up at a line of %d octets", long + 7)
  end,
}
