-- Limits that a peer runs into: full mailboxes, too many messages, too many recipients. RFC 5321, 4.2.1 and 4.5.3.1.
-- SPDX-License-Identifier: MIT

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

local function text(c, bytes)
  c:send "DATA"
  c:expect "354"
  c:write(bytes .. "\r\n.\r\n")
  return c:expect("2yz", "4yz", "5yz")
end

-- Enough to pass a quota that the message's header alone keeps.
local function large(marker)
  return message.make { subject = "large", body = marker .. "\r\n" .. (("z"):rep(70) .. "\r\n"):rep(300) }
end

local function quota(t, user, bytes) t:control { ["do"] = "quota", account = user.name, bytes = bytes } end

scenario {
  name    = "full-mailbox",
  title   = "A full mailbox refuses its own mail, and nobody else's",
  proves  = { "rfc5321-4.2.1-x13", "rfc5321-i-4.1.1.4-3" },
  says    = [[A recipient whose mailbox is full gets 4yz or 5yz at RCPT, and the transaction goes on; the others get the
              message, the full mailbox does not.]],
  why     = [[One user who never cleans up must not stop the mail of all who are named beside him.]],
  users   = 3,
  needs_control = true,
  catches = { "smtp-quota-ignored", "smtp-quota-refuses-all", "smtp-delivers-to-first-only" },
  run = function(t)
    local full = t.users[2]
    t:deliver(message.make { subject = "there before" }, full)
    quota(t, full, 10)
    local c = t:smtp()
    local replies = begin(c, { t.users[1].address, full.address, t.users[3].address })
    t:check(replies[1]:is "25z" and replies[3]:is "25z", "a recipient beside a full mailbox got %s and %s", replies[1],
      replies[3])
    local r = text(c, message.make { subject = "to three", body = t.marker })
    t:check(r:is "250", "a message for one full mailbox and two others got %s", r)
    for _, n in ipairs { 1, 3 } do t:delivered(t.marker, { user = t.users[n], judge = true }) end
    t:equal(#t:inbox(full), 1, "messages in the mailbox that is full")
  end,
}

-- A message that passes the quota in the middle of its text, then the quota lifted and another message.
local function refused_at_the_end(t, reply, pattern)
  t:control { ["do"] = "set", name = "quota-reply", value = reply }
  quota(t, t.user, 5000)
  local c = t:smtp()
  t:check(begin(c, { t.user.address })[1]:is "25z", "RCPT for a mailbox with room was refused")
  local r = text(c, large(t.marker .. "-refused"))
  t:check(r:is(pattern), "a message that is larger than the mailbox got %s", r)
  if r:is "250" then return end
  quota(t, t.user, 0)
  c:mail { data = message.make { subject = "fence", body = t.marker .. "-fence" } }
  local _, all = t:delivered(t.marker .. "-fence")
  t:equal(#all, 1, "messages in the INBOX after one was refused and one taken")
end

scenario {
  name    = "refused-for-now-at-the-end",
  title   = "A message that got 4yz at its end is not delivered, then or later",
  proves  = "rfc5321-4.2.5-1",
  says    = [[After 4yz to the final dot the message is the client's again; the server forgets it.]],
  why     = [[The client sends it again: who had it already has it twice.]],
  needs_control = true,
  catches = { "smtp-4yz-delivers", "smtp-quota-ignored" },
  run = function(t) refused_at_the_end(t, "temporary", "4yz") end,
}

scenario {
  name    = "refused-for-good-at-the-end",
  title   = "A message that got 5yz at its end is not delivered",
  proves  = "rfc5321-4.2.5-4",
  says    = [[After 5yz to the final dot the message is the client's again; the server forgets it.]],
  why     = [[Its author is told that it did not arrive, which has to be true.]],
  needs_control = true,
  catches = { "smtp-5yz-delivers", "smtp-quota-ignored" },
  run = function(t) refused_at_the_end(t, "permanent", "5yz") end,
}

scenario {
  name    = "some-too-full-at-the-end",
  title   = "When only some mailboxes turn out too full after the text, the rest get it and the sender is told",
  proves  = { "rfc5321-4.4-24", "rfc5321-4.2.1-x13" },
  says    = [[Once every recipient was accepted, the reply to the final dot is one for all: 250, and a report about
              those who did not get it; or a refusal, and nobody has it.]],
  why     = [[SMTP has one reply for all. If it is 4yz after some have got the message, they get it again and again.]],
  users   = 3,
  needs_control = true,
  catches = { "smtp-quota-ignored", "smtp-delivers-to-first-only" },
  run = function(t)
    local full = t.users[2]
    quota(t, full, 5000)
    local c = t:smtp()
    c:send("MAIL FROM:<" .. t.users[3].address .. ">")
    c:expect "250"
    for n = 1, 2 do
      c:send("RCPT TO:<" .. t.users[n].address .. ">")
      c:expect "250"
    end
    local r = text(c, large(t.marker))
    if r:is "250" then
      t:delivered(t.marker, { user = t.users[1], judge = true })
      local report = t:delivered(full.address, { user = t.users[3], judge = true })
      t:check(message.report(report), "what the sender got about the full mailbox is no delivery report")
    else
      quota(t, full, 0)
      c:mail { to = t.users[1].address, data = message.make { subject = "fence", body = t.marker .. "-fence" } }
      local _, all = t:delivered(t.marker .. "-fence", { user = t.users[1] })
      t:equal(#all, 1, "messages for the other recipient after " .. tostring(r) .. " and one more")
    end
    t:equal(#t:inbox(full), 0, "messages in the mailbox that was too full")
  end,
}

scenario {
  name    = "too-many-messages-a-minute",
  title   = "Who is over the limit of messages gets 4yz, and is served again when the minute is over",
  proves  = "rfc5321-4.2.1-x12",
  says    = [[A limit that time lifts is no lasting refusal: the code is 4yz (421, 450, 451 or 452), and a minute later
              the same mail is taken.]],
  why     = [[A 5yz sends the mail back to its author, who did nothing wrong but to write on a busy day.]],
  needs_control = true,
  catches = { "smtp-rate-limit-ignored", "smtp-rate-limit-permanent" },
  run = function(t)
    t:control { ["do"] = "limit", name = "messages_per_minute", value = 2 }
    local function mail(c)
      c:send "MAIL FROM:<ann@client.example>"
      local r = c:expect("250", "4yz", "5yz")
      if not r:is "250" then return r end
      c:send("RCPT TO:<" .. t.user.address .. ">")
      r = c:expect("250", "4yz", "5yz")
      if not r:is "250" then return r end
      return text(c, message.make { subject = "rate", body = t.marker })
    end
    local c = t:smtp()
    for n = 1, 2 do
      local r = mail(c)
      t:check(r:is "250", "message %d of two a minute got %s", n, r)
    end
    local r = mail(c)
    t:check(r:is "4yz", "message 3 of two a minute got %s", r)
    t:control { ["do"] = "advance", seconds = 61 }
    r = mail(t:smtp())
    t:check(r:is "250", "a minute later a message got %s", r)
  end,
}

scenario {
  name    = "one-recipient-too-many",
  title   = "Recipients past the limit get 452, and those before it get the message",
  proves  = { "rfc5321-4.5.3.1.8-3", "rfc5321-4.5.3.1.10-2" },
  says    = [[The recipient that is one too many gets 452; the transaction stays, and the message goes to all who were
              accepted.]],
  why     = [[The client sends the rest in a second transaction. If the first one is lost or refused for good, the
              message reaches nobody.]],
  timeout = 60,
  needs   = { "PIPELINING" },
  catches = { "smtp-recipient-limit-552", "smtp-recipient-limit-resets", "smtp-pipelining-flushes",
    "smtp-segment-is-line", "smtp-loses-after-250", "smtp-group-of-sixteen" },
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    local rcpt = "RCPT TO:<" .. t.user.address .. ">\r\n"
    local refused, count
    for group = 1, 11 do
      c:write(rcpt:rep(100))
      for n = 1, 100 do
        local r = c:expect("25z", "4yz", "5yz")
        if not r:is "25z" and not refused then refused, count = r, group * 100 + n - 101 end
      end
      if refused then break end
    end
    if not refused then t:skip "takes more than 1100 recipients" end
    t:record("recipients of one message", count)
    t:check(refused:is "452", "recipient %d got %s", count + 1, refused)
    local r = text(c, message.make { subject = "to many", body = t.marker })
    t:check(r:is "250", "the message for %d recipients got %s", count, r)
    if r:is "250" then t:delivered(t.marker, { judge = true }) end
  end,
}
