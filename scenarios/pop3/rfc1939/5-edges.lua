-- POP3 at its edges: arguments that are missing or too many, counts beyond a machine word, dots where buffers end, and
-- what STAT adds up. RFC 1939, 3, 5 and 7.
-- SPDX-License-Identifier: MIT

-- A new session, logged in, for servers that hang up on who errs too often.
local function again(t, c)
  c:close()
  return t:pop3 { login = true }
end

-- Each of the commands gets -ERR, and both messages are still there.
local function refuses(t, commands)
  local c = t:pop3 { login = true }
  for _, command in ipairs(commands) do
    c:send(command, { multiline = false })
    local r = c:expect("+OK", "-ERR", "closed")
    if r:is "+OK" then t:fail("%q got %s", command, r) end
    if r:is "closed" then c = again(t, c) end
  end
  c:send "STAT"
  local r = c:expect "+OK"
  t:check(r.text:match "^2 ", "after refused commands STAT no longer counts two messages: %s", r)
end

scenario {
  name    = "number-is-needed",
  title   = "RETR, DELE and TOP without a number are refused",
  proves  = "rfc1939-3-5",
  says    = [[A command whose number is missing gets -ERR and touches no message.]],
  why     = [[A server that takes nothing for 0, and 0 for the first, deletes a message that nobody named.]],
  messages = { "plain", "dots" },
  catches = { "pop3-missing-number-is-first" },
  run = function(t)
    refuses(t, { "RETR", "DELE", "TOP", "RETR ", "DELE " })
  end,
}

scenario {
  name    = "second-number-is-refused",
  title   = "DELE and RETR with two numbers are refused",
  proves  = "rfc1939-3-5",
  says    = [[A command with more arguments than it has gets -ERR; the first of them is not obeyed.]],
  why     = [[Who wrote DELE 1 2 believes that both are gone, or that a list was meant.]],
  messages = { "plain", "dots" },
  catches = { "pop3-extra-words-ignored", "pop3-number-prefix" },
  run = function(t)
    refuses(t, { "RETR 1 2", "DELE 1 2", "DELE 1,2", "DELE 1:2" })
  end,
}

scenario {
  name    = "stat-leaves-marked-octets-out",
  title   = "STAT leaves a marked message out of its octets, too, until RSET",
  proves  = { "rfc1939-5/STAT-x1", "rfc1939-5/RSET-x1", "rfc1939-11-x1" },
  says    = [[Behind DELE both numbers of STAT shrink, the second by just the size of that message; behind RSET both are
              what they were.]],
  why     = [[Clients wait for as many octets as STAT promised.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "pop3-stat-octets-of-marked", "pop3-stat-counts-deleted", "pop3-rset-does-not-restore",
    "pop3-list-form", "pop3-stat-form", "pop3-stat-wrong-sum" },
  run = function(t)
    local c = t:pop3 { login = true }
    local function stat()
      c:send "STAT"
      local r = c:expect "+OK"
      local count, sum = r.text:match "^(%d+) (%d+)"
      return { tonumber(count), tonumber(sum) }
    end
    c:send "LIST"
    local size = {}
    for n, line in ipairs(c:expect "+OK".lines) do size[n] = tonumber(line:match "^%d+ (%d+)") end
    if #size ~= 3 then t:fail("LIST has %d lines for three messages", #size) end
    t:equal(stat(), { 3, size[1] + size[2] + size[3] }, "STAT of three messages")
    c:send "DELE 2"
    c:expect "+OK"
    t:equal(stat(), { 2, size[1] + size[3] }, "STAT with message 2 marked")
    c:send "DELE 1"
    c:expect "+OK"
    t:equal(stat(), { 1, size[3] }, "STAT with messages 1 and 2 marked")
    c:send "RSET"
    c:expect "+OK"
    t:equal(stat(), { 3, size[1] + size[2] + size[3] }, "STAT behind RSET")
  end,
}

scenario {
  name    = "pass-is-for-one-try",
  title   = "After a PASS that failed another one needs a new USER",
  proves  = "rfc1939-7/PASS-1",
  says    = [[PASS stands right behind a USER. When it was refused the next login begins with USER again.]],
  why     = [[The next command of somebody else on the same connection would be judged under the old name.]],
  catches = { "pop3-pass-again", "pop3-any-password", "pop3-pass-without-user" },
  run = function(t)
    local c = t:pop3()
    if not c:has "USER" and c:has "STLS" then c:secure() end
    c:send("USER " .. t.user.name)
    c:expect "+OK"
    c:send "PASS not-the-password"
    local r = c:expect("-ERR", "closed")
    if r:is "closed" then return t:pass "hangs up behind a wrong password" end
    c:send("PASS " .. t.user.password)
    r = c:expect("+OK", "-ERR", "closed")
    t:check(not r:is "+OK", "the second PASS behind one USER got %s", r)
  end,
}

scenario {
  name    = "top-of-many-lines",
  title   = "TOP with a count beyond 32 bits is the whole message, or refused",
  proves  = { "rfc1939-i-7/TOP-3", "rfc1939-3-5" },
  says    = [[A count that is larger than the message has lines sends all of it, however large; a server may refuse a
              number that it cannot hold. It is not cut to a smaller one.]],
  why     = [[Clients ask for "all lines" with the largest number they have.]],
  needs   = { "TOP" },
  messages = { "ten-lines" },
  catches = { "pop3-top-count-wraps", "pop3-top-no-dot-stuffing", "pop3-no-final-dot" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "RETR 1"
    local whole = c:expect "+OK".body
    for _, count in ipairs { "2147483647", "4294967295", "4294967296", "4294967297", "18446744073709551616" } do
      c:send("TOP 1 " .. count)
      local r = c:expect("+OK", "-ERR", "closed")
      if r:is "closed" then
        c = again(t, c)
      elseif r:is "+OK" then
        t:equal(r.body, whole, "TOP 1 " .. count .. ", against RETR")
      end
    end
  end,
}

scenario {
  name    = "dots-of-top",
  title   = "TOP doubles dots as RETR does",
  proves  = { "rfc1939-3-x2", "rfc1939-i-7/TOP-2" },
  says    = [[Lines of the message that begin with a dot have one more on the wire in the reply to TOP, too.]],
  why     = [[A line of one dot would end the reply there, and the rest of the message would be read as replies.]],
  needs   = { "TOP" },
  messages = { "dots" },
  catches = { "pop3-top-no-dot-stuffing", "pop3-capa-lists-missing-top", "pop3-no-final-dot" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "RETR 1"
    local whole = c:expect "+OK".body
    c:send "TOP 1 10000"
    local r = c:expect "+OK"
    t:equal(r.body, whole, "TOP of all lines, against RETR")
    c:send "NOOP"
    r = c:reply()
    t:check(r:is "+OK" , "behind TOP of a message with dots NOOP got %s", r)
  end,
}

scenario {
  name    = "dots-at-every-offset",
  title   = "Dots are doubled wherever in the message their line begins",
  proves  = { "rfc1939-3-x2", "rfc1939-11-2", "rfc1939-i-5/RETR-2" },
  says    = [[Thousands of lines that begin with a dot, at every offset of the message, arrive as they were, and LIST
              counts them without the dots that were added.]],
  why     = [[A server that sends a message in pieces easily misses the dot that comes first in one.]],
  messages = 0,
  timeout = 40,
  catches = { "pop3-stuffing-misses-seam", "pop3-no-dot-stuffing", "pop3-size-counts-dots", "pop3-size-counts-lf",
    "pop3-list-one-is-many", "pop3-no-final-dot" },
  run = function(t)
    local lines = {}
    for n = 1, 4000 do lines[n] = "." .. ("y"):rep(n % 5) .. "\r\n" end
    local text = table.concat(lines)
    t:deliver(message.make { subject = t.marker, body = text })
    local c = t:pop3 { login = true }
    c:send "LIST 1"
    local size = c:expect "+OK".text:match "^1 (%d+)"
    c:send "RETR 1"
    local r = c:expect "+OK"
    local _, body = message.split(r.body)
    t:equal(body, text, "the lines as retrieved")
    t:equal(tonumber(size), #r.body, "size in LIST, against what RETR sent")
    c:send "NOOP"
    c:expect "+OK"
  end,
}

scenario {
  name    = "stamp-is-a-message-id",
  title   = "The timestamp of the greeting is a message-id",
  proves  = { "rfc2449-3-2", "rfc1939-7/APOP-x3" },
  level   = "MUST",
  says    = [[Where the greeting has angle brackets, what stands in them is a local part, an at sign and a domain.]],
  why     = [[Clients with APOP look for just that, and take everything else for no APOP at all.]],
  users   = 0,
  catches = { "pop3-apop-stamp-form" },
  run = function(t)
    local c = t:pop3()
    local stamp = c.greeting.raw:match "<[^\r\n]*>"
    if not stamp then t:skip "the greeting has no timestamp" end
    t:check(stamp:match "^<[^<>@%s]+@[^<>@%s]+>$", "the timestamp of the greeting is %s", stamp)
  end,
}
