-- One message seen through three protocols: submitted over SMTP, announced by IDLE, fetched over IMAP,
-- retrieved over POP3. RFC 5321, 2.1.
-- SPDX-License-Identifier: MIT

-- Hands a message to the server the way its users do.
local function submit(t, data, to)
  local c = t:submission()
  local r = c:mail { from = t.user.address, to = to or t.user.address, data = data }
  c:send "QUIT"
  c:expect "221"
  return r
end

-- What follows the fields that the server put on top.
local function from_subject(bytes) return bytes:match "(Subject: .*)$" end

scenario {
  name     = "submitted-announced-fetched-retrieved",
  title    = "A message submitted over SMTP is announced by IDLE, fetched and retrieved octet for octet",
  proves   = { "rfc5321-2.1-4", "rfc9051-i-6.3.13-6", "rfc3501-6.3.11-x1", "rfc1939-i-5/RETR-2" },
  says     = [[One IMAP session that idles is told of the new message, another fetches it, POP3 retrieves it, and all
               have what was submitted, below the trace fields.]],
  why      = [[To its user a mail server is one thing, whatever it is made of.]],
  services = { "submission", "imap", "pop3" },
  messages = 0,
  catches  = { "smtp-loses-after-250", "imap-idle-tells-nothing", "pop3-no-dot-stuffing",
    "smtp-no-dot-unstuffing", "imap-idle-no-plus", "imap-literal-length-off-by-one", "imap-size-counts-lf",
    "pop3-no-final-dot", "smtp-quit-no-reply", "smtp-double-unstuffing", "smtp-adds-empty-line",
    "smtp-delivered-dsn-unasked" },
  run = function(t)
    local watcher = t:imap { select = "INBOX" }
    watcher:send "IDLE"
    watcher:expect "+"
    local data = "From: " .. t.user.address .. "\r\nTo: " .. t.user.address .. "\r\n" ..
      "Date: Mon, 1 Jun 2026 10:00:00 +0000\r\nMessage-ID: <" .. t.marker .. "@client.example>\r\n" ..
      "Subject: across\r\n\r\n" .. t.marker .. "\r\n.dot\r\n..\r\n tab\there\r\n"
    submit(t, data)
    watcher:expect "* EXISTS"
    watcher:write "DONE\r\n"
    watcher:expect "OK"
    local reader = t:imap { select = "INBOX" }
    reader:send "FETCH 1 (BODY.PEEK[] RFC822.SIZE)"
    local item = reader:expect "OK":fetch(1)
    t:equal(from_subject(item["BODY[]"]), from_subject(data), "the message as fetched over IMAP")
    reader:send "LOGOUT"
    reader:expect "OK"
    watcher:send "LOGOUT"
    watcher:expect "OK"
    local pop = t:pop3 { login = true }
    pop:send "RETR 1"
    local r = pop:expect "+OK"
    t:equal(r.body, item["BODY[]"], "the message as retrieved over POP3, against IMAP")
    t:equal(#r.body, item["RFC822.SIZE"], "octets over POP3, against RFC822.SIZE")
  end,
}

scenario {
  name     = "deleted-over-pop3-is-gone-from-imap",
  title    = "A message deleted over POP3 is expunged for IMAP at QUIT, not before",
  proves   = { "rfc1939-i-6/QUIT-1", "rfc3501-7-4" },
  level    = "SHOULD",
  says     = [[DELE alone changes nothing that an IMAP session sees; after QUIT the message is gone there, too.]],
  why      = [[Many people have a phone on IMAP and a computer on POP3.]],
  services = { "imap", "pop3" },
  messages = { "plain", "dots" },
  catches  = { "pop3-quit-deletes-nothing", "pop3-quit-deletes-all", "pop3-dele-at-once",
    "imap-expunge-not-told", "imap-header-fields-case-sensitive", "imap-header-fields-no-empty-line",
    "imap-literal-length-off-by-one", "imap-status-wrong-messages", "pop3-no-final-dot",
    "imap-untagged-after-tagged", "pop3-retr-deletes" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    local pop = t:pop3 { login = true }
    local number -- of the plain message: the order of a maildrop is the server's own
    for n = 1, 2 do
      pop:send("RETR " .. n)
      if message.header(pop:expect "+OK".body, "Subject") == "A plain message" then number = n end
    end
    pop:send("DELE " .. number)
    pop:expect "+OK"
    local other = t:imap { login = true }
    other:send "STATUS INBOX (MESSAGES)"
    t:equal(other:expect "OK":one "STATUS".data[2][2], 2, "messages over IMAP after DELE")
    pop:send "QUIT"
    pop:expect "+OK"
    pop:expect "closed"
    c:send "NOOP"
    t:equal(c:expect "OK":count "EXPUNGE", 1, "EXPUNGE responses after QUIT of the POP3 session")
    c:send "FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
    for name, value in pairs(c:expect "OK":fetch(1) or {}) do
      if name:match "^BODY" then
        t:equal(value, "Subject: Lines that begin with a dot\r\n\r\n", "the message that is left")
      end
    end
  end,
}

scenario {
  name     = "sizes-agree",
  title    = "RFC822.SIZE and POP3's LIST say the same",
  proves   = { "rfc3501-2.3.4-x1", "rfc1939-11-x1" },
  says     = [[Both count the octets of the message with CR LF line ends.]],
  why      = [[Two numbers for one message mean that one of the two protocols counts something else.]],
  services = { "imap", "pop3" },
  messages = { "plain", "dots", "multipart" },
  catches  = { "pop3-size-counts-lf", "pop3-size-counts-dots", "imap-size-counts-lf", "pop3-list-form" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send "FETCH 1:3 (RFC822.SIZE)"
    local r = c:expect "OK"
    local sizes = {}
    for n = 1, 3 do sizes[n] = (r:fetch(n) or {})["RFC822.SIZE"] end
    table.sort(sizes)
    c:send "LOGOUT"
    c:expect "OK"
    local pop = t:pop3 { login = true }
    pop:send "LIST"
    local list = {}
    for n, line in ipairs(pop:expect "+OK".lines) do list[n] = tonumber(line:match "^%d+ (%d+)") end
    table.sort(list)
    t:equal(list, sizes, "sizes in LIST of POP3, against RFC822.SIZE")
  end,
}

scenario {
  name     = "pop3-does-not-mark-as-seen-for-others",
  title    = "Flags set over IMAP survive a POP3 session that reads the message",
  proves   = { "rfc3501-2.3.1.1-13", "rfc1939-6/QUIT-2" },
  says     = [[RETR and QUIT without DELE leave every message where it is, with its UID and with the flags that a client
               gave it.]],
  why      = [[A backup over POP3 must not change the mailbox that somebody works in.]],
  services = { "imap", "pop3" },
  messages = { "plain", "dots" },
  catches  = { "pop3-quit-clears-flags", "imap-uids-per-session", "pop3-no-final-dot", "pop3-retr-deletes" },
  run = function(t)
    local function look()
      local c = t:imap { select = "INBOX" }
      c:send "FETCH 1:2 (UID FLAGS)"
      local r = c:expect "OK"
      local seen = {}
      for n = 1, 2 do
        local item = r:fetch(n)
        seen[n] = ("%d %s"):format(item.UID, item.FLAGS["\\Flagged"] and "flagged" or "-")
      end
      c:send "LOGOUT"
      c:expect "OK"
      return seen
    end
    local c = t:imap { select = "INBOX" }
    c:send [[STORE 2 +FLAGS.SILENT (\Flagged)]]
    c:expect "OK"
    c:send "LOGOUT"
    c:expect "OK"
    local before = look()
    local pop = t:pop3 { login = true }
    for n = 1, 2 do
      pop:send("RETR " .. n)
      pop:expect "+OK"
    end
    pop:send "QUIT"
    pop:expect "+OK"
    pop:expect "closed"
    t:equal(look(), before, "UIDs and flags after a POP3 session")
  end,
}

scenario {
  name     = "two-recipients-one-message-each",
  title    = "A message to two users is in both mailboxes, and deleting one copy leaves the other",
  proves   = { "rfc5321-2.1-4", "rfc3501-i-6.4.3-1" },
  says     = [[Each recipient has a copy of his own, whatever the store shares inside.]],
  why      = [[Stores keep one copy to save room; who forgets to count the references loses mail.]],
  services = { "submission", "imap" },
  users    = 2,
  messages = 0,
  catches  = { "smtp-delivers-to-first-only", "smtp-loses-after-250", "smtp-quit-no-reply" },
  run = function(t)
    submit(t, message.make { subject = "both", body = t.marker .. "\r\n" },
      { t.users[1].address, t.users[2].address })
    t:delivered(t.marker, { judge = true })
    t:delivered(t.marker, { user = t.users[2], judge = true })
    local c = t:imap { select = "INBOX" }
    c:send [[STORE 1:* +FLAGS.SILENT (\Deleted)]]
    c:expect "OK"
    c:send "EXPUNGE"
    c:expect "OK"
    local still = t:delivered(t.marker, { user = t.users[2], optional = true })
    t:check(still, "deleting one recipient's copy took the other one's, too")
  end,
}
