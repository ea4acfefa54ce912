-- One address that stands for many: aliases and lists. RFC 5321, 3.9 and 3.5.1.
-- SPDX-License-Identifier: MIT

local function set(t, name, value) t:control { ["do"] = "set", name = name, value = value } end

local function addresses(users, n)
  local list = {}
  for i = 1, n do list[i] = users[i].address end
  return table.concat(list, ",")
end

-- What Return-Path says: the sender that the mail had in its envelope at the end.
local function sender(bytes) return message.header(bytes, "Return-Path") end

local function common(def)
  def.needs_control = true
  return def
end

scenario(common {
  name    = "alias-keeps-the-envelope",
  title   = "Mail to an alias goes to each of its addresses, with its sender and its text as they came",
  proves  = { "rfc5321-3.9-1", "rfc5321-3.9.1-x1", "rfc5321-4.5.5-4" },
  says    = [[Only the recipient changes: every address of the alias gets the message, MAIL FROM stays, the empty one
              too, and nothing in the text is touched.]],
  why     = [[Reports have to reach who wrote. And a report that goes through an alias must not become mail that can be
              answered by another report.]],
  users   = 3,
  catches = { "smtp-alias-changes-sender", "smtp-alias-first-only", "smtp-no-return-path",
    "smtp-delivers-to-first-only" },
  run = function(t)
    set(t, "alias", "team=" .. addresses(t.users, 3))
    for word, from in pairs { ["-person"] = "Bounce+1@client.example", ["-report"] = "" } do
      local text = message.make { subject = "to the team", body = t.marker .. word .. "\r\n" }
      t:smtp():mail { from = from, to = "team@" .. t.domain, data = text }
      for _, user in ipairs(t.users) do
        local got = t:delivered(t.marker .. word, { user = user, judge = true })
        t:check(sender(got) == "<" .. from .. ">", "%s got mail from <%s> with the sender %s", user.name, from,
          sender(got))
        t:check(got:sub(-#text) == text, "the text that came to %s is not the one that was sent", user.name)
      end
    end
  end,
})

scenario(common {
  name    = "list-has-its-own-sender",
  title   = "Mail to a list goes to all members with the list's owner as its sender, and the header as it was",
  proves  = { "rfc5321-3.9-1", "rfc5321-3.9-2", "rfc5321-3.9-3", "rfc5321-3.9-4" },
  says    = [[MAIL FROM is the address of who looks after the list; From stays the author's; the author gets his copy
              like the others if he is on the list.]],
  why     = [[Who writes to a list cannot do anything about members that have moved: the reports are for its owner.]],
  users   = 3,
  catches = { "smtp-list-keeps-sender", "smtp-list-changes-from", "smtp-list-not-to-author" },
  run = function(t)
    local owner, author = t.users[3].address, t.users[1].address
    set(t, "list", "crew=" .. owner .. ":" .. addresses(t.users, 2))
    local text = message.make { subject = "to the crew", from = "Ann <" .. author .. ">", to = "crew@" .. t.domain,
      body = t.marker .. "\r\n" }
    t:smtp():mail { from = author, to = "crew@" .. t.domain, data = text }
    for n = 1, 2 do
      local got = t:delivered(t.marker, { user = t.users[n], judge = true })
      t:check(sender(got) == "<" .. owner .. ">", "member %d got mail of the list with the sender %s", n, sender(got))
      t:equal(message.header(got, "From"), "Ann <" .. author .. ">", "From of mail of the list")
    end
    t:equal(#t:inbox(t.users[3]), 0, "messages for the owner, who is no member")
  end,
})

scenario(common {
  name    = "expn-names-the-members",
  title   = "EXPN of a list names the mailboxes of all its members, one a line",
  proves  = { "rfc5321-3.5.1-5", "rfc5321-3.5.1-x1", "rfc5321-3.5.1-7" },
  says    = [[250 to EXPN is complete: a line for each member with the mailbox. VRFY of the list does not answer 250 for
              one of them. Both may be refused.]],
  why     = [[Who looks for the address that loops must see all of them.]],
  users   = 3,
  catches = "smtp-expn-first-member",
  run = function(t)
    set(t, "list", "crew=" .. t.users[1].address .. ":" .. addresses(t.users, 3))
    local c = t:smtp()
    c:send "EXPN crew"
    local r = c:expect("2yz", "5yz", "4yz")
    t:record("EXPN of a list", r.code)
    if not r:is "250" then return end
    t:equal(#r.lines, 3, "lines of the reply to EXPN of a list with three members")
    for _, user in ipairs(t.users) do
      local lines = 0
      for _, line in ipairs(r.lines) do
        if line:find(user.address, 1, true) then lines = lines + 1 end
      end
      t:equal(lines, 1, "lines that name " .. user.address)
    end
  end,
})

scenario(common {
  name     = "report-goes-to-the-owner",
  title    = "When a member of a list cannot be reached the list's owner is told, and not the author",
  proves   = { "rfc5321-3.9-2", "rfc5321-3.6.3-3" },
  says     = [[The report goes to the sender of the envelope, which for mail of a list is its owner.]],
  why      = [[Otherwise everybody who writes to a large list gets a report about each dead address on it.]],
  users    = 2,
  services = { "submission" },
  catches  = { "smtp-list-keeps-sender", "queue-no-failure-dsn", "queue-dsn-plain", "queue-retries-5xx" },
  run = function(t)
    local author, owner = t.users[1], t.users[2]
    set(t, "list", "crew=" .. owner.address .. ":bob@gone.example")
    local sink = t:listen { address = "127.0.2.90" }
    t:zone "gone.example. A 127.0.2.90"
    t:submit("crew@" .. t.domain)
    if not sink:serve { rcpt = "550 5.1.1 gone" } then t:fail "nothing was sent to the member" end
    local report = t:delivered("bob@gone.example", { user = owner, judge = true })
    t:check(message.report(report), "what the owner got is no delivery report")
    t:equal(#t:inbox(author), 0, "messages for the author")
  end,
})
