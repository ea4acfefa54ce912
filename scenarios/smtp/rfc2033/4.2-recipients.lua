-- LMTP: what each recipient's reply is about. RFC 2033, 4.2 and 4.3.
-- SPDX-License-Identifier: MIT

local function lhlo(t) return t:smtp { service = "lmtp" } end

-- MAIL, then RCPT for each of these; returns the replies to RCPT.
local function begin(c, recipients)
  c:send "MAIL FROM:<ann@client.example>"
  c:expect "250"
  local replies = {}
  for n, address in ipairs(recipients) do
    c:send("RCPT TO:<" .. address .. ">")
    replies[n] = c:expect("25z", "4yz", "5yz")
  end
  return replies
end

scenario {
  name     = "no-reply-for-a-refused-recipient",
  title    = "A recipient that was refused at RCPT has no reply after the text",
  proves   = { "rfc2033-4.2-x1", "rfc2033-4.2-x2" },
  says     = [[The final dot is answered for the recipients that were accepted, and only for these.]],
  why      = [[The client counts: one reply too many, and each later reply is taken for that of the one before.]],
  services = { "lmtp" },
  users    = 2,
  catches  = { "lmtp-replies-for-refused", "lmtp-one-reply", "smtp-bad-rcpt-drops-transaction",
    "smtp-delivers-to-first-only", "smtp-quit-no-reply", "smtp-segment-is-line", "smtp-loses-after-250",
    "smtp-dot-flushes" },
  run = function(t)
    local c = lhlo(t)
    local nobody = "nobody-of-this-name@" .. t.domain
    local replies = begin(c, { nobody, t.users[1].address, nobody, t.users[2].address })
    if replies[1]:is "25z" then t:skip "the server refuses nobody at RCPT" end
    for _, n in ipairs { 2, 4 } do
      t:check(replies[n]:is "25z", "recipient %d got %s", n, replies[n])
    end
    c:send "DATA"
    c:expect "354"
    c:write("Subject: two of four\r\n\r\n" .. t.marker .. "\r\n.\r\nNOOP\r\nQUIT\r\n")
    for n = 1, 2 do
      local r = c:reply()
      t:check(r:is "250", "reply %d of 2 to the final dot is %s", n, r)
    end
    local r = c:reply()
    t:check(r:is "250", "the reply to NOOP behind the message is %s", r)
    r = c:expect("221", "2yz", "4yz", "5yz")
    t:check(r:is "221", "a reply too many: that to QUIT is %s", r)
    t:delivered(t.marker, { user = t.users[2], judge = true })
  end,
}

scenario {
  name     = "each-transaction-counts-anew",
  title    = "The second message of a session is answered for its own recipients only",
  proves   = { "rfc2033-4.2-x1", "rfc2033-4.2-2" },
  says     = [[Three replies for three recipients, one for one: with the end of a message its recipients are forgotten.
               Two RCPT for the same mailbox are two.]],
  why      = [[Queues keep the connection to the delivery agent open and send one message after the other.]],
  services = { "lmtp" },
  users    = 2,
  catches  = { "lmtp-replies-accumulate", "lmtp-one-reply", "smtp-data-keeps-transaction",
    "smtp-delivers-to-first-only" },
  run = function(t)
    local c = lhlo(t)
    for round, recipients in ipairs {
      { t.users[1].address, t.users[2].address, t.users[2].address }, { t.users[1].address } } do
      for n, r in ipairs(begin(c, recipients)) do
        t:check(r:is "25z", "RCPT %d of message %d got %s", n, round, r)
      end
      c:send "DATA"
      c:expect "354"
      c:write("Subject: round\r\n\r\n" .. t.marker .. round .. "\r\n.\r\n")
      for n = 1, #recipients do
        local r = c:reply()
        t:check(r:is "250", "reply %d of %d to the end of message %d is %s", n, #recipients, round, r)
      end
      c:send "VRFY" -- without an argument: never answered as a message is
      local r = c:reply()
      t:check(not r:is "250", "a reply too many behind message %d: %s", round, r)
    end
  end,
}

scenario {
  name     = "data-for-nobody",
  title    = "DATA without an accepted recipient gets 503",
  proves   = "rfc2033-4.2-1",
  says     = [[There would be no reply to the final dot, so there must not be a final dot.]],
  why      = [[With zero recipients there are zero replies, and the client waits for ever.]],
  services = { "lmtp" },
  users    = 0,
  catches  = { "lmtp-data-without-rcpt-354", "smtp-data-without-rcpt", "smtp-bad-sequence-500" },
  run = function(t)
    local c = lhlo(t)
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send "DATA"
    local r = c:reply()
    t:check(r:is "503", "DATA without RCPT got %s", r)
    c:send "RSET"
    c:expect("250", "closed")
    c = lhlo(t)
    if begin(c, { "nobody-of-this-name@" .. t.domain })[1]:is "25z" then return end
    c:send "DATA"
    r = c:reply()
    t:check(r:is "503", "DATA with no recipient but a refused one got %s", r)
  end,
}

scenario {
  name     = "last-chunk-is-answered-like-the-dot",
  title    = "BDAT LAST is answered once for each recipient, other chunks once",
  proves   = { "rfc2033-4.3-x1", "rfc2033-4.3-x2", "rfc2033-4.3-1" },
  says     = [[A chunk in the middle gets one reply; the last one gets as many as there are accepted recipients.]],
  why      = [[The end of the message is the same, whichever way it came.]],
  services = { "lmtp" },
  needs    = { "lmtp:CHUNKING" },
  users    = 2,
  catches  = { "lmtp-bdat-one-reply", "lmtp-bdat-chunk-many", "smtp-bdat-last-no-reply", "lmtp-one-reply",
    "smtp-delivers-to-first-only", "smtp-noop-resets", "smtp-segment-is-line", "smtp-loses-after-250",
    "smtp-bdat-flushes" },
  run = function(t)
    local c = lhlo(t)
    for _, r in ipairs(begin(c, { t.users[1].address, t.users[2].address, t.users[1].address })) do
      t:check(r:is "25z", "RCPT got %s", r)
    end
    local one, two = "Subject: chunks\r\n\r\n", t.marker .. "\r\n"
    c:write(("BDAT %d\r\n%sNOOP\r\n"):format(#one, one))
    local r = c:reply()
    t:check(r:is "250", "a chunk in the middle got %s", r)
    c:expect "250" -- that of NOOP
    c:write(("BDAT %d LAST\r\n%sVRFY\r\n"):format(#two, two))
    for n = 1, 3 do
      r = c:reply()
      t:check(r:is "250", "reply %d of 3 to the last chunk is %s", n, r)
    end
    r = c:reply()
    t:check(not r:is "250", "a reply too many to a chunk: %s", r)
    t:delivered(t.marker, { user = t.users[2], judge = true })
  end,
}

scenario {
  name     = "one-full-mailbox",
  title    = "One recipient's full mailbox is told in its place, and the others get the message",
  proves   = { "rfc2033-4.2-x2", "rfc2033-4.2-x1" },
  says     = [[The replies come in the order of RCPT; who was refused is the one whose mailbox is full, and has not got
               the message, which the others have.]],
  why      = [[The queue in front sends again to those that were refused: a refusal in the wrong place loses one copy
               and makes another one twice.]],
  services = { "lmtp" },
  users    = 3,
  needs_control = true,
  catches  = { "lmtp-replies-reversed", "lmtp-one-fails-all-fail", "lmtp-one-reply", "smtp-delivers-to-first-only",
    "smtp-quota-ignored" },
  run = function(t)
    local full = t.users[1]
    t:control { ["do"] = "quota", account = full.name, bytes = 10 }
    local c = lhlo(t)
    local order = { full, t.users[2], t.users[3] }
    local expected, at_rcpt = {}, false
    local addresses = {}
    for n, user in ipairs(order) do addresses[n] = user.address end
    for n, r in ipairs(begin(c, addresses)) do
      if r:is "25z" then
        expected[#expected + 1] = order[n]
      else
        at_rcpt = true
        t:check(order[n] == full, "%s, whose mailbox has room, got %s", order[n].name, r)
      end
    end
    c:send "DATA"
    c:expect "354"
    c:write("Subject: full\r\n\r\n" .. t.marker .. "\r\n.\r\n")
    for _, user in ipairs(expected) do
      local r = c:reply()
      t:check(r:is "250" == (user ~= full), "%s, whose mailbox %s, got %s", user.name,
        user == full and "is full" or "has room", r)
    end
    t:record("the full mailbox is told", at_rcpt and "at RCPT" or "after the text")
    for _, user in ipairs { t.users[2], t.users[3] } do t:delivered(t.marker, { user = user, judge = true }) end
    t:equal(#t:inbox(full), 0, "messages in the mailbox that is full")
  end,
}
