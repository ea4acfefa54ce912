-- TOP and UIDL where there is nothing to show. RFC 1939, 7.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "top-and-uidl-refuse",
  title   = "TOP and UIDL are refused before login and for numbers that no message has",
  proves  = { "rfc1939-7/TOP-2", "rfc1939-7/TOP-x1", "rfc1939-7/TOP-1", "rfc1939-7/UIDL-1", "rfc1939-7/UIDL-2",
    "rfc1939-7/UIDL-x4" },
  says    = [[Both get -ERR before login, for a number beyond the last and for a message that is marked.]],
  why     = [[A client that is told +OK shows its user an empty message, or takes the id for one that it has read.]],
  needs   = { "TOP", "UIDL" },
  messages = { "plain", "dots" },
  catches = { "pop3-top-unknown-ok", "pop3-uidl-unknown-ok", "pop3-top-before-login", "pop3-deleted-readable",
    "pop3-number-prefix", "pop3-capa-lists-missing-top", "pop3-dele-renumbers", "pop3-uidl-lists-deleted" },
  run = function(t)
    for _, command in ipairs { "TOP 1 0", "UIDL", "UIDL 1" } do
      local c = t:pop3()
      c:send(command, { multiline = false })
      local r = c:reply()
      t:check(r:is "-ERR", "%s before login got %s", command, r)
    end
    local c = t:pop3 { login = true }
    c:send "DELE 1"
    c:expect "+OK"
    for _, command in ipairs { "TOP 3 1", "TOP 0 1", "TOP 1 0", "TOP 2 -1", "TOP 2x 0", "UIDL 3", "UIDL 0",
      "UIDL 1" } do
      c:send(command, { multiline = false })
      local r = c:reply()
      t:check(r:is "-ERR", "%s got %s", command, r)
      if r:is "+OK" then return end
    end
    c:send "UIDL"
    local r = c:expect "+OK"
    t:equal(#r.lines, 1, "lines of UIDL with one of two marked")
    t:check((r.lines[1] or ""):match "^2 [\33-\126]+$", "the line of UIDL is %q", r.lines[1])
    c:send "TOP 2 0"
    c:expect "+OK"
  end,
}

scenario {
  name    = "top-of-a-header-alone",
  title   = "TOP of a message without a body is its header, the same as RETR",
  proves  = { "rfc1939-i-7/TOP-2", "rfc1939-i-7/TOP-3" },
  says    = [[However many lines are asked for, a message without a body has none; header and the empty line behind it
              are sent.]],
  why     = [[Such messages exist: receipts, pings, mails that say it all in the subject.]],
  needs   = { "TOP" },
  messages = 0,
  catches = { "pop3-top-no-empty-line", "pop3-capa-lists-missing-top", "pop3-no-final-dot" },
  run = function(t)
    t:deliver(message.make { subject = t.marker, body = "" })
    local c = t:pop3 { login = true }
    c:send "RETR 1"
    local whole = c:expect "+OK".body
    for _, lines in ipairs { 0, 1, 10 } do
      c:send("TOP 1 " .. lines)
      local r = c:expect "+OK"
      t:equal(r.body, whole, "TOP 1 " .. lines .. " of a message without a body, against RETR")
    end
    t:check(whole:find(t.marker, 1, true) and whole:sub(-4) == "\r\n\r\n", "the header does not end in an empty line")
  end,
}

scenario {
  name    = "unique-ids-are-not-used-again",
  title   = "The unique-id of a message that was removed is not given to another one",
  proves  = { "rfc1939-7/UIDL-5", "rfc1939-7/UIDL-3" },
  says    = [[A new message has an id that none had before it, also when the newest ones were removed.]],
  why     = [[A client that keeps the ids it has seen never downloads the message that got an old one.]],
  needs   = { "UIDL" },
  messages = { "plain", "dots" },
  catches = { "pop3-uidl-reused", "pop3-quit-deletes-nothing", "pop3-uidl-duplicates", "pop3-dele-renumbers" },
  run = function(t)
    local seen = {}
    for round = 1, 3 do
      local c = t:pop3 { login = true }
      c:send "UIDL"
      local lines = c:expect "+OK".lines
      for n, line in ipairs(lines) do
        local id = line:match " (.+)$" or ""
        t:check(not seen[id], "round %d: message %d has the unique-id %s, as one that was removed", round, n, id)
        seen[id] = true
        c:send("DELE " .. n)
        c:expect "+OK"
      end
      t:equal(#lines, round == 1 and 2 or 1, "messages in round " .. round)
      c:send "QUIT"
      c:expect "+OK"
      c:expect "closed"
      if round < 3 then t:deliver(message.make { subject = "round " .. round, body = t.marker .. round .. "\r\n" }) end
    end
  end,
}
