-- What CAPA announces holds: forms, both states, PIPELINING, codes. RFC 2449, 5, 6 and 8.
-- SPDX-License-Identifier: MIT

-- The lines of CAPA: tag to parameters.
local function capabilities(c)
  c:send "CAPA"
  local r = c:expect("+OK", "-ERR")
  if r:is "-ERR" then return nil end
  local caps = {}
  for _, line in ipairs(r.lines) do
    local tag, rest = line:match "^(%S+) ?(.*)$"
    if tag then caps[tag:upper()] = rest end
  end
  return caps
end

scenario {
  name    = "kept-after-login",
  title   = "What CAPA lists for both states before login, it lists after login, too",
  proves  = { "rfc2449-5-2", "rfc2449-8-x2", "rfc3206-6-x3" },
  says    = [[A capability that is announced before login and holds in both states is announced again after it.]],
  why     = [[The client compares the two lists to see whether somebody on the path has edited the first one.]],
  messages = 0,
  catches = { "pop3-capa-forgets-codes", "pop3-capa-forgets-top", "pop3-capa-after-login-refused",
    "pop3-capa-forgets-utf8" },
  run = function(t)
    local before = capabilities(t:pop3()) or t:skip "the server has no CAPA"
    local after = capabilities(t:pop3 { login = true })
    if not after then return t:fail "CAPA after login got -ERR" end
    for _, tag in ipairs { "TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE", "LOGIN-DELAY", "UTF8",
      "LANG" } do
      t:check(not before[tag] or after[tag], "CAPA lists %s before login and not after it", tag)
    end
  end,
}

scenario {
  name    = "forms-of-parameters",
  title   = "EXPIRE, LOGIN-DELAY and IMPLEMENTATION have the parameters that they must have",
  proves  = { "rfc2449-6.7-x1", "rfc2449-6.5-x1", "rfc2449-6.9-x1", "rfc2449-5-8", "rfc2449-5-x1" },
  says    = [[EXPIRE has a number of days or NEVER, LOGIN-DELAY a number of seconds, both with USER behind it before
              login only; IMPLEMENTATION has a name; RESP-CODES and the like have nothing.]],
  why     = [[A client that cannot read how long mail is kept deletes too early, or loses what it left.]],
  messages = 0,
  catches = { "pop3-expire-form", "pop3-implementation-empty", "pop3-capa-form" },
  run = function(t)
    for _, o in ipairs { {}, { login = true } } do
      local c = t:pop3(o)
      local caps = capabilities(c) or t:skip "the server has no CAPA"
      local when = o.login and "after login" or "before login"
      local user = o.login and "" or " USER"
      for tag, rest in pairs(caps) do
        t:check(#tag + #rest + 3 <= 512, "the line of %s is longer than 512 octets", tag)
        local bare = rest:sub(-#user) == user and user ~= "" and rest:sub(1, -#user - 1) or rest
        if tag == "EXPIRE" then
          t:check(bare == "NEVER" or bare:match "^%d+$", "%s CAPA says EXPIRE %s", when, rest)
        elseif tag == "LOGIN-DELAY" then
          t:check(bare:match "^%d+$", "%s CAPA says LOGIN-DELAY %s", when, rest)
        elseif tag == "IMPLEMENTATION" then
          t:check(rest:match "%S", "%s CAPA says IMPLEMENTATION and not of what", when)
        elseif tag == "RESP-CODES" or tag == "AUTH-RESP-CODE" or tag == "PIPELINING" or tag == "TOP" or tag == "UIDL"
          or tag == "STLS" or tag == "LANG" then
          t:equal(rest, "", "parameters of " .. tag .. " " .. when)
        elseif tag == "UTF8" then
          t:check(rest == "" or rest == "USER", "%s CAPA says UTF8 %s", when, rest)
        end
      end
    end
  end,
}

scenario {
  name    = "in-use-is-told",
  title   = "A login refused because the maildrop is in use has the code [IN-USE]",
  proves  = "rfc2449-8.1.2-x2",
  says    = [[Where RESP-CODES is listed, the right password is told why it was refused.]],
  why     = [[Without the code a client asks its user for another password.]],
  needs   = { "RESP-CODES" },
  messages = 0,
  catches = "pop3-in-use-without-code",
  run = function(t)
    local first = t:pop3 { login = true }
    first:send "STAT"
    first:expect "+OK"
    local c = t:pop3()
    if not c:has "USER" and c:has "STLS" then c:secure() end
    c:send("USER " .. t.user.name)
    c:expect "+OK"
    c:send("PASS " .. t.user.password)
    local r = c:expect("+OK", "-ERR", "closed")
    if r:is "+OK" then
      first:send "NOOP"
      if first:expect("+OK", "-ERR", "closed"):is "+OK" then t:skip "sessions share the maildrop: nothing is in use" end
      return
    end
    t:check(r:is "-ERR [IN-USE]", "the right password for a maildrop that is in use got %s", r)
  end,
}

scenario {
  name    = "many-at-once",
  title   = "A hundred commands in one write are all answered, in order",
  proves  = { "rfc2449-6.6-3", "rfc2449-6.6-1" },
  says    = [[A client may send the commands for its whole maildrop before it reads; no command is lost, and neither
              side waits for the other.]],
  why     = [[A server that stops reading while it cannot write hangs with a client that stops reading while it cannot
              write.]],
  needs   = { "PIPELINING" },
  messages = { "plain" },
  catches = { "pop3-pipelining-sixteen", "pop3-pipelining-flushes", "pop3-pipelining-out-of-order",
    "pop3-stat-form", "pop3-no-final-dot", "pop3-size-counts-lf", "pop3-list-form" },
  run = function(t)
    t:deliver(message.make { subject = "large", body = (("z"):rep(70) .. "\r\n"):rep(600) })
    local c = t:pop3 { login = true }
    c:send "LIST"
    local sizes = {}
    for n, line in ipairs(c:expect "+OK".lines) do sizes[n] = tonumber(line:match " (%d+)") or 0 end
    local batch = {}
    for _ = 1, 34 do batch[#batch + 1] = "RETR 1\r\nRETR 2\r\nNOOP\r\n" end
    c:write(table.concat(batch) .. "STAT\r\n")
    for round = 1, 34 do
      for n = 1, 2 do
        local r = c:expect("+OK", "-ERR")
        if not r.body then return t:fail("reply %d to a batch of commands is %s", round * 3 - 3 + n, r) end
        t:check(math.abs(#r.body - sizes[n]) <= 2, "RETR %d in round %d has %d octets, and LIST says %d", n, round,
          #r.body, sizes[n])
      end
      c:expect "+OK"
    end
    t:check(c:expect "+OK".text:match "^2 %d+", "the last reply is not STAT's")
  end,
}

scenario {
  name    = "login-in-one-write",
  title   = "USER, PASS and what follows may come in one write",
  proves  = { "rfc2449-6.6-1", "rfc2449-6.6-x1" },
  says    = [[PIPELINING holds before login, too: commands that arrive together with PASS are carried out after it.]],
  why     = [[A poll takes one round trip then, and not five.]],
  needs   = { "PIPELINING" },
  messages = { "plain" },
  catches = { "pop3-pipelining-drops-after-pass", "pop3-pipelining-flushes", "pop3-stat-form",
    "pop3-pipelining-out-of-order", "pop3-no-final-dot" },
  run = function(t)
    local c = t:pop3()
    if not c:has "USER" and c:has "STLS" then c:secure() end
    c:write("USER " .. t.user.name .. "\r\nPASS " .. t.user.password .. "\r\nSTAT\r\nRETR 1\r\nQUIT\r\n")
    c:expect "+OK"
    c:expect "+OK"
    local r = c:wait(5)
    t:check(r and r:is "+OK" and r.text:match "^1 %d+", "STAT in one write with the login got %s", r or "no answer")
    if not (r and r:is "+OK") then return end
    r = c:expect "+OK"
    t:check(r.body and r.body:find "this is the whole text", "RETR in one write with the login sent %s", r)
    c:expect "+OK"
    c:expect "closed"
  end,
}

scenario {
  name    = "nothing-behind-quit",
  title   = "Commands behind QUIT in the same write are not carried out",
  proves  = { "rfc2449-6.6-x2", "rfc1939-i-3-8" },
  says    = [[QUIT gets one reply and the connection ends, whatever else has arrived.]],
  why     = [[A mark that comes behind the goodbye must not delete anything.]],
  needs   = { "PIPELINING" },
  messages = { "plain", "dots" },
  catches = "pop3-obeys-after-quit",
  run = function(t)
    local c = t:pop3 { login = true }
    local before = #c:history()
    c:write "QUIT\r\nDELE 1\r\nNOOP\r\n"
    c:until_closed(10)
    local _, lines = c:history():sub(before + 1):gsub("\r\n", "")
    t:equal(lines, 1, "replies to QUIT and two commands behind it")
    local d = t:pop3 { login = true }
    d:send "STAT"
    t:check(d:expect "+OK".text:match "^2 ", "a DELE behind QUIT was carried out")
  end,
}
