-- What mail programs do all day: leave on server, delete after download, the same octets by every way. RFC 1939, 11.
-- SPDX-License-Identifier: MIT

local function quit(c)
  c:send "QUIT"
  c:expect "+OK"
  c:expect "closed"
end

-- Hands a message to the server the way its users do.
local function submit(t, data)
  local c = t:submission()
  c:mail { from = t.user.address, data = data }
  c:send "QUIT"
  c:expect "221"
end

scenario {
  name     = "leave-on-server",
  title    = "A client that leaves its mail on the server finds by UIDL exactly what is new",
  proves   = { "rfc1939-7/UIDL-4", "rfc1939-5/RETR-x2", "rfc1939-7/UIDL-5" },
  says     = [[What was read in one session has its unique-id in the next; mail that came in between is the only id that
               is new.]],
  why      = [[It is how a telephone and a computer share one maildrop.]],
  services = { "submission", "pop3" },
  needs    = { "pop3:UIDL" },
  messages = 0,
  catches  = { "pop3-uidl-per-session", "pop3-retr-deletes", "pop3-uidl-duplicates", "smtp-loses-after-250",
    "pop3-no-final-dot", "smtp-quit-no-reply", "smtp-delivered-dsn-unasked" },
  run = function(t)
    local known = {}
    for round = 1, 3 do
      local marker = t.marker .. "-" .. round
      submit(t, message.make { subject = marker, body = "round " .. round .. "\r\n" })
      t:delivered(marker, { judge = true })
      local c = t:pop3 { login = true }
      c:send "UIDL"
      local fresh, lines = {}, c:expect "+OK".lines
      t:equal(#lines, round, "messages in round " .. round .. ", with what was left on the server")
      for n, line in ipairs(lines) do
        local id = line:match " (.+)$" or ""
        if not known[id] then fresh[#fresh + 1] = n end
        known[id] = true
      end
      t:equal(#fresh, 1, "new unique-ids in round " .. round)
      if #fresh ~= 1 then return end
      c:send("RETR " .. fresh[1])
      t:equal(message.header(c:expect "+OK".body, "Subject"), marker, "the message with the new unique-id")
      quit(c)
    end
  end,
}

scenario {
  name     = "delete-after-download",
  title    = "A download that was cut off starts again with everything, and one that ended leaves nothing",
  proves   = { "rfc1939-6-1", "rfc1939-i-6/QUIT-1", "rfc1939-7/UIDL-4" },
  says     = [[RETR and DELE without QUIT leave all messages with their ids; with QUIT the maildrop is empty, for IMAP,
               too.]],
  why      = [[Mail that is deleted before it was saved is lost; mail that comes twice is a nuisance.]],
  services = { "imap", "pop3" },
  needs    = { "pop3:UIDL" },
  messages = { "plain", "dots", "ten-lines" },
  catches  = { "pop3-dele-at-disconnect", "pop3-dele-at-once", "pop3-quit-deletes-nothing",
    "pop3-uidl-per-session", "pop3-no-final-dot", "pop3-dele-renumbers" },
  run = function(t)
    local function download()
      local c = t:pop3 { login = true }
      c:send "UIDL"
      local ids = c:expect "+OK".lines
      for n = 1, #ids do
        c:send("RETR " .. n)
        c:expect "+OK"
        c:send("DELE " .. n)
        c:expect "+OK"
      end
      return ids, c
    end
    local first, cut = download()
    cut:shutdown()
    cut:until_closed(10)
    local second, whole = download()
    t:equal(second, first, "unique-ids after a download that was cut off")
    quit(whole)
    local c = t:imap { select = "INBOX" }
    t:equal(c.selected:all "EXISTS"[1].number, 0, "messages over IMAP after the download")
  end,
}

scenario {
  name     = "same-octets-by-every-way",
  title    = "Long lines, octets above 127, dots and tabs are the same over SMTP, IMAP and POP3, and so is the size",
  proves   = { "rfc1939-11-x2", "rfc1939-11-x1", "rfc3501-2.3.4-x1", "rfc5321-2.1-4" },
  says     = [[The body that was submitted is what FETCH and RETR send, octet for octet; RFC822.SIZE and LIST count the
               same.]],
  why      = [[A signature breaks with one octet; and a client that shows progress by one number and reads another
               hangs.]],
  services = { "submission", "imap", "pop3" },
  needs    = { "submission:8BITMIME" },
  messages = 0,
  catches  = { "pop3-eighth-bit", "pop3-size-counts-lf", "pop3-size-counts-dots", "imap-size-counts-lf",
    "pop3-no-dot-stuffing", "smtp-no-dot-unstuffing", "smtp-double-unstuffing", "pop3-no-final-dot",
    "pop3-list-one-is-many", "smtp-adds-empty-line", "smtp-loses-after-250", "imap-literal-length-off-by-one",
    "smtp-strips-eighth-bit", "smtp-truncates-long-line", "smtp-delivered-dsn-unasked" },
  run = function(t)
    local body = ("a"):rep(900) .. "\r\n" .. ".\r\n..\r\n.x\r\n" .. "Gr\u{fc}\u{df}e \u{4f60}\u{597d}\r\n" ..
      "\t tab and blanks  \r\n" .. ("."):rep(500) .. "\r\n\r\n\r\nend\r\n"
    local c = t:submission()
    c:mail { from = t.user.address, params = "BODY=8BITMIME", data = "From: " .. t.user.address .. "\r\nTo: " ..
      t.user.address .. "\r\nDate: Mon, 1 Jun 2026 10:00:00 +0000\r\nMessage-ID: <" .. t.marker ..
      "@client.example>\r\nSubject: octets\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" ..
      "Content-Transfer-Encoding: 8bit\r\n\r\n" .. body }
    t:delivered(t.marker, { judge = true })
    local i = t:imap { select = "INBOX" }
    i:send "FETCH 1 (BODY.PEEK[] RFC822.SIZE)"
    local item = i:expect "OK":fetch(1) or {}
    i:send "LOGOUT"
    i:expect "OK"
    local pop = t:pop3 { login = true }
    pop:send "LIST 1"
    local size = tonumber(pop:expect "+OK".text:match "^1 (%d+)")
    pop:send "RETR 1"
    local r = pop:expect "+OK"
    t:equal(select(2, message.split(r.body)), body, "the body over POP3")
    t:equal(select(2, message.split(item["BODY[]"] or "")), body, "the body over IMAP")
    t:equal(r.body, item["BODY[]"], "the whole message over POP3, against IMAP")
    t:equal(size, item["RFC822.SIZE"], "size in LIST, against RFC822.SIZE")
    t:equal(#r.body, size, "octets that RETR sent, against LIST")
  end,
}

scenario {
  name     = "arrival-is-for-the-next-session",
  title    = "A message submitted during a POP3 session is there for IMAP at once, and for POP3 in the next session",
  proves   = { "rfc1939-4-x5", "rfc5321-2.1-4" },
  says     = [[Its number of messages is frozen for the POP3 session only; nothing is held back from others.]],
  why      = [[Somebody whose telephone keeps a POP3 session open still wants to see his mail elsewhere.]],
  services = { "submission", "imap", "pop3" },
  messages = { "plain" },
  catches  = { "pop3-numbers-not-frozen", "smtp-loses-after-250", "smtp-quit-no-reply",
    "smtp-delivered-dsn-unasked" },
  run = function(t)
    local pop = t:pop3 { login = true }
    pop:send "STAT"
    local before = pop:expect "+OK".text:match "^%d+ %d+"
    submit(t, message.make { subject = t.marker, body = "meanwhile\r\n" })
    t:delivered(t.marker, { judge = true })
    pop:send "STAT"
    t:equal(pop:expect "+OK".text:match "^%d+ %d+", before, "STAT after a message has arrived")
    pop:send("RETR 2", { multiline = true })
    t:check(pop:reply():is "-ERR", "RETR shows a message that arrived during the session")
    quit(pop)
    pop = t:pop3 { login = true }
    pop:send "STAT"
    t:check(pop:expect "+OK".text:match "^2 ", "the next session does not have the message")
  end,
}
