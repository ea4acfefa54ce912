-- Unique-ids and numbers of POP3 while IMAP works in the same mailbox. RFC 1939, 4 and 7.
-- SPDX-License-Identifier: MIT

-- The lines of UIDL, and Subject by unique-id.
local function uidl(c)
  c:send "UIDL"
  local lines, subject = c:expect "+OK".lines, {}
  for n, line in ipairs(lines) do
    local id = line:match " (.+)$"
    lines[n] = id
    c:send("RETR " .. n)
    subject[id or n] = message.header(c:expect "+OK".body, "Subject")
  end
  return lines, subject
end

local function quit(c)
  c:send "QUIT"
  c:expect "+OK"
  c:expect "closed"
end

scenario {
  name     = "ids-survive-imap",
  title    = "Flags, searches and expunges over IMAP change no unique-id of POP3",
  proves   = { "rfc1939-7/UIDL-4", "rfc1939-7/UIDL-x1" },
  says     = [[A message keeps its unique-id while IMAP marks it as read, flags it, and removes the one before it.]],
  why      = [[A client that knows its mail by these ids downloads everything again when they change.]],
  services = { "imap", "pop3" },
  needs    = { "pop3:UIDL" },
  messages = { "plain", "dots", "ten-lines" },
  catches  = { "pop3-uidl-follows-flags", "pop3-uidl-per-session", "imap-expunge-removes-all",
    "pop3-no-final-dot", "pop3-uidl-duplicates", "pop3-retr-deletes", "imap-header-fields-case-sensitive",
    "imap-literal-length-off-by-one" },
  run = function(t)
    local pop = t:pop3 { login = true }
    local before, subject = uidl(pop)
    quit(pop)
    local c = t:imap { select = "INBOX" }
    c:send [[STORE 1:3 +FLAGS.SILENT (\Seen \Flagged)]]
    c:expect "OK"
    c:send "FETCH 1 (BODY[HEADER.FIELDS (SUBJECT)])"
    local gone
    for name, value in pairs(c:expect "OK":fetch(1) or {}) do
      if name:match "^BODY" then gone = message.header(value, "Subject") end
    end
    c:send [[STORE 1 +FLAGS.SILENT (\Deleted)]]
    c:expect "OK"
    c:send "EXPUNGE"
    c:expect "OK"
    c:send "LOGOUT"
    c:expect "OK"
    pop = t:pop3 { login = true }
    local after, now = uidl(pop)
    local want = {}
    for _, id in ipairs(before) do
      if subject[id] ~= gone then want[#want + 1] = id end
    end
    t:equal(after, want, "unique-ids after IMAP flagged all messages and removed one")
    for _, id in ipairs(after) do t:equal(now[id], subject[id], "Subject of the message with the unique-id " .. id) end
  end,
}

scenario {
  name     = "numbers-stay-when-imap-expunges",
  title    = "A message that IMAP expunges during a POP3 session moves no number of that session",
  proves   = { "rfc1939-4-x1", "rfc1939-4-x5" },
  says     = [[The number of the message is refused from then on, or still answered; the others keep theirs.]],
  why      = [[If numbers moved, DELE 3 would remove the message that the client has not saved.]],
  services = { "imap", "pop3" },
  messages = { "plain", "dots", "ten-lines" },
  catches  = { "pop3-expunge-renumbers", "pop3-no-final-dot", "pop3-uidl-duplicates" },
  run = function(t)
    local pop = t:pop3 { login = true }
    local _, by_id = uidl(pop)
    pop:send "UIDL"
    local ids = pop:expect "+OK".lines
    local c = t:imap { select = "INBOX" }
    c:send [[STORE 1 +FLAGS.SILENT (\Deleted)]]
    c:expect("OK", "NO")
    c:send "EXPUNGE"
    c:expect("OK", "NO") -- a server may refuse while POP3 holds the mailbox
    for n, line in ipairs(ids) do
      local id = line:match " (.+)$"
      pop:send("RETR " .. n)
      local r = pop:expect("+OK", "-ERR", "closed")
      if r:is "closed" then return t:pass "ends the session rather than go on with numbers that no longer hold" end
      if r:is "+OK" then
        t:equal(message.header(r.body, "Subject"), by_id[id], "Subject of message " .. n .. " after IMAP has expunged")
      end
    end
  end,
}

scenario {
  name     = "what-pop3-removes-imap-does-not-see",
  title    = "A message deleted by POP3 is gone for IMAP after QUIT, and its UID is not used again",
  proves   = { "rfc1939-i-6/QUIT-1", "rfc3501-2.3.1.1-8", "rfc3501-2.3.1.1-13" },
  says     = [[After the POP3 session the other messages have the UIDs they had, and one that comes later has a greater
               UID than any of them, the deleted one included.]],
  why      = [[An IMAP client shows the old message under the new one's name when a UID comes back.]],
  services = { "imap", "pop3" },
  messages = { "plain", "dots", "ten-lines" },
  catches  = { "pop3-quit-deletes-nothing", "pop3-quit-deletes-all", "imap-uid-search-numbers" },
  run = function(t)
    local function uids()
      local c = t:imap { select = "INBOX" }
      c:send "UID SEARCH ALL"
      local r = c:expect "OK"
      local found = {}
      for _, line in ipairs(r:all "SEARCH") do
        for _, uid in ipairs(line.data) do found[#found + 1] = uid end
      end
      table.sort(found)
      c:send "LOGOUT"
      c:expect "OK"
      return found
    end
    local before = uids()
    local pop = t:pop3 { login = true }
    pop:send "DELE 3"
    pop:expect "+OK"
    quit(pop)
    local after = uids()
    t:equal(#after, 2, "messages after one was deleted over POP3")
    local had = {}
    for _, uid in ipairs(before) do had[uid] = true end
    for _, uid in ipairs(after) do t:check(had[uid], "UID %d was not there before the POP3 session", uid) end
    t:deliver(message.make { subject = "later", body = t.marker .. "\r\n" })
    local last = uids()
    t:check((last[#last] or 0) > before[#before], "a later message has the UID %s, and %d had been given", last[#last],
      before[#before])
  end,
}
