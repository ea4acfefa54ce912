-- What the runner asks before and after scenarios: mailboxes that hold exactly what a scenario declared, and what a
-- target can do. Each function raises one clear sentence when it cannot.
--
--   prepare.fill(context, messages)     INBOX of context.users[1] holds exactly these; context.messages is set
--   prepare.clear(context)              INBOX of each of context.users is empty
--   prepare.tidy(context)               what carries the scenario's marker is gone: messages in INBOX, mailboxes
--   prepare.probe(context, service)     { clear =, tls =, login = capabilities of each stage, greeting = … }
--
-- Nothing here is part of a scenario's evidence, except t:deliver, which hands in its own time line.
-- SPDX-License-Identifier: MIT
local mailbox = require "mailbox"
local message = require "message"
local open = require "open"
local timeline = require "timeline"

local M = { NO_WAY = "mailboxes cannot be filled: the target has no imap, lmtp or smtp (one more --target)" }

---Calls f with a quiet time line; whatever goes wrong in it becomes one sentence.
local function quietly(context, f)
  local t, stopped = timeline.new(context)
  local ok, result = pcall(f, t)
  for _, c in ipairs(t._conns) do c._h:free() end
  if ok then return result end
  if getmetatable(result) == stopped then error(result.why, 0) end
  error(result, 0)
end

local function way(context)
  local target = context.target
  local s = target.services
  if target.fill == "pop3" then return s.lmtp and "lmtp" or "smtp" end
  if target.fill then return target.fill end
  if s.imap or s.imaps then return "append" end
  if s.lmtp then return "lmtp" end
  if s.smtp then return "smtp" end
  error(M.NO_WAY, 0)
end

local function imap_of(t, user)
  return open.open(t, "imap", { user = user, login = true, verify = false, name = t:_name "prepare" })
end

local function goodbye(c)
  c:send "LOGOUT"
  c:expect("OK", "BYE", "closed")
  c:close()
end

-- CLOSE removes what is marked and says nothing, and leaves no session that would take \Recent away.
local function clear_imap(c)
  c:send "SELECT INBOX"
  local r = c:expect "OK"
  local exists = 0
  for _, u in ipairs(r:all "EXISTS") do exists = u.number end
  if exists > 0 then
    c:send [[STORE 1:* +FLAGS.SILENT (\Deleted)]]
    c:expect "OK"
    c:send "EXPUNGE" -- a server whose CLOSE keeps mail is judged by a scenario, not by all of them
    c:expect "OK"
  end
  c:send "CLOSE"
  c:expect "OK"
end

local function append(c, bytes)
  -- Without the wait for "+" where the server allows it.
  local plus = c:has "LITERAL+" or (c:has "LITERAL-" and #bytes <= 4096)
  c:command("APPEND INBOX ", { literal = bytes, plus = plus })
  c:expect "OK"
end

local function clear_pop3(t, user)
  local c = open.open(t, "pop3", { user = user, login = true, verify = false, name = t:_name "prepare" })
  c:send "STAT"
  local n = math.tointeger(tonumber(c:expect "+OK".text:match "^(%d+)")) or 0
  for i = 1, n do
    c:send("DELE " .. i)
    c:expect "+OK"
  end
  c:send "QUIT"
  c:expect "+OK"
  c:close()
end

local function clear_one(t, user)
  local target = t._context.target
  local s = target.services
  local pop3 = s.pop3 or s.pop3s
  if (s.imap or s.imaps) and not (target.fill == "pop3" and pop3) and not mailbox.by_pop3(t) then
    local c = imap_of(t, user)
    clear_imap(c)
    goodbye(c)
  elseif pop3 then
    clear_pop3(t, user)
  elseif target.maildir then
    mailbox.empty_maildir(t, user)
  else
    t:_fail(string.format("the INBOX of %s cannot be emptied: %s has neither imap nor pop3", user.name, target.name))
  end
end

function M.clear(context)
  quietly(context, function(t)
    for _, user in ipairs(context.users) do clear_one(t, user) end
  end)
end

-- Tidying -----------------------------------------------------------------------------------------------------

---Removes the messages of INBOX that hold the marker, and only those.
local function tidy_inbox(c, marker)
  c:send "SELECT INBOX"
  c:expect "OK"
  c:send("UID SEARCH TEXT " .. marker)
  local r = c:expect("OK", "NO")
  local uids = {}
  for _, u in ipairs(r:all "SEARCH") do table.move(u.data, 1, #u.data, #uids + 1, uids) end
  if #uids > 0 then
    local set = table.concat(uids, ",")
    c:send("UID STORE " .. set .. [[ +FLAGS.SILENT (\Deleted)]])
    c:expect "OK"
    if c:has "UIDPLUS" then
      c:send("UID EXPUNGE " .. set)
    else
      -- A plain EXPUNGE would take others with it that somebody else has marked.
      c:send "UID SEARCH DELETED"
      local deleted = c:expect "OK":all "SEARCH"
      c:send(deleted[1] and #deleted[1].data == #uids and "EXPUNGE" or "NOOP")
    end
    c:expect "OK"
  end
  c:send "UNSELECT" -- where it is unknown the mailbox stays selected, which harms nobody
  c:expect("OK", "NO", "BAD")
end

---Deletes the mailboxes and subscriptions whose name holds the marker, the deepest first.
local function tidy_mailboxes(c, marker)
  local function names(command)
    c:send(string.format('%s "" "*%s*"', command, marker))
    local list = {}
    for _, u in ipairs(c:expect("OK", "NO", "BAD"):all(command)) do
      if type(u.data[3]) == "string" and u.data[3]:find(marker, 1, true) then list[#list + 1] = u.data[3] end
    end
    table.sort(list, function(a, b) return #a > #b end)
    return list
  end
  local function each(command, list)
    for _, name in ipairs(list) do
      c:command(command .. " ", { literal = name, plus = c:has "LITERAL+" })
      c:expect("OK", "NO", "BAD")
    end
  end
  each("DELETE", names "LIST")
  each("UNSUBSCRIBE", names "LSUB")
end

local function tidy_pop3(t, user, marker)
  local c = open.open(t, "pop3", { user = user, login = true, verify = false, name = t:_name "prepare" })
  c:send "STAT"
  local n = math.tointeger(tonumber(c:expect "+OK".text:match "^(%d+)")) or 0
  for i = 1, n do
    c:send("RETR " .. i)
    if c:expect "+OK".body:find(marker, 1, true) then
      c:send("DELE " .. i)
      c:expect "+OK"
    end
  end
  c:send "QUIT"
  c:expect "+OK"
  c:close()
end

---After a scenario: leaves the accounts as they were, as far as the scenario marked what it made.
function M.tidy(context)
  local marker, s = context.marker, context.target.services
  if not context.marked or not marker or not marker:find "^[%w.-]+$" then return end
  quietly(context, function(t)
    for _, user in ipairs(context.users) do
      if s.imap or s.imaps then
        local c = imap_of(t, user)
        tidy_inbox(c, marker)
        tidy_mailboxes(c, marker)
        goodbye(c)
      elseif s.pop3 or s.pop3s then
        tidy_pop3(t, user, marker)
      end
    end
  end)
end

-- Filling -----------------------------------------------------------------------------------------------------

---Sends one message by SMTP or LMTP.
local function send(t, service, user, bytes)
  local c = open.open(t, "smtp", { service = service, verify = false, name = t:_name "prepare" })
  c:mail { from = "prepare@client.example", to = user.address, data = bytes }
  c:send "QUIT"
  c:expect("221", "closed")
  c:close()
end

---Whether there is a way to put mail into an INBOX.
function M.fillable(context) return (pcall(way, context)) end

---Puts one message into the INBOX of a user and returns when it can be seen there.
function M.put(t, user, bytes)
  local how = way(t._context)
  if type(how) == "function" then
    how(t._context, user, { bytes })
  elseif how == "append" then
    local c = imap_of(t, user)
    append(c, bytes)
    goodbye(c)
  else
    local reader = mailbox.reader(t, user)
    local before = reader and #reader.all() or 0
    if reader then reader.close() end
    send(t, how == "lmtp" and "lmtp" or "smtp", user, bytes)
    if reader then
      local seen = mailbox.wait(t, user, 10 * (t._context.timeout_scale or 1), function(messages)
        return #messages > before
      end)
      if not seen then t:_fail("a message for " .. user.name .. " was accepted and did not arrive within 10 s") end
    end
  end
end

---`messages` as bytes: a number makes as many, names are files of scenarios/messages/.
function M.messages(context, spec)
  local list = {}
  if type(spec) == "number" then
    for i = 1, spec do
      list[i] = message.make { to = "<" .. context.users[1].address .. ">", subject = "message " .. i,
        date = string.format("Mon, 7 Feb 2022 10:%02d:%02d +0000", i // 60 % 60, i % 60),
        id = string.format("<%s.%d@client.example>", context.marker, i),
        body = string.format("This is message %d of %d.\r\nIts marker is %s.\r\n", i, spec, context.marker) }
    end
  else
    for i, one in ipairs(spec) do list[i] = one:find "\n" and one or message.file(one) end
  end
  return list
end

function M.fill(context, messages)
  messages = M.messages(context, messages)
  quietly(context, function(t)
    local user = context.users[1]
    local how = (#messages > 0 or M.fillable(context)) and way(context) -- an empty one needs no way in
    if how == "append" then
      local c = imap_of(t, user)
      clear_imap(c)
      for _, bytes in ipairs(messages) do append(c, bytes) end
      goodbye(c)
    else
      clear_one(t, user)
      if type(how) == "function" then
        how(context, user, messages)
      else
        for _, bytes in ipairs(messages) do M.put(t, user, bytes) end
      end
      -- Delivery adds trace fields: what the scenario is told is what a client will see.
      local reader = #messages > 0 and mailbox.reader(t, user)
      if reader then
        messages = reader.all()
        reader.close()
      end
    end
  end)
  context.messages = messages
  return messages
end

-- Probing -----------------------------------------------------------------------------------------------------

local PROTOCOL = { imap = "imap", imaps = "imap", pop3 = "pop3", pop3s = "pop3" }

local function copy(caps)
  local out = {}
  for k, v in pairs(caps) do out[k] = v end
  return out
end

local function tls_words(c)
  return c.protocol == "pop3" and "STLS" or "STARTTLS"
end

-- A server that takes no mail for the accounts that the command line names would fail every other scenario, and for the
-- same reason: the domain is another one, the port wants a login, mail is put off. A target file knows better.
local function takes_mail(t, service, c)
  local target = t._context.target
  if target.kind == "file" or (service ~= "smtp" and service ~= "lmtp") then return end
  for _, account in ipairs(target.accounts) do
    c:send "MAIL FROM:<ann@client.example>"
    local r = c:expect("2yz", "4yz", "5yz", "closed")
    if r:is "2yz" then
      c:send("RCPT TO:<" .. account.address .. ">")
      r = c:expect("2yz", "4yz", "5yz", "closed")
    end
    if not r:is "2yz" then
      local what = r:is "4yz" and "puts off" or "refuses"
      local how = r:is "530" and service == "smtp" and "a port that wants a login is submission://, not smtp://"
        or r:is "4yz" and "greylisting? a limit? let us pass, or run with --no-probe"
        or "--domain names the server's mail domain; --no-probe runs all the same"
      error(string.format("%s at %s: %s mail for %s: %s (%s)", service, open.address(c.host, c.port), what,
        account.address, tostring(r), how), 0)
    end
    c:send "RSET"
    c:expect("2yz", "closed")
  end
end

local TWIN = { smtp = "submissions", submission = "submissions", imap = "imaps", pop3 = "pop3s",
  submissions = "submission or smtp", imaps = "imap", pop3s = "pop3" }

---What a user can do about a probe that failed like this: TLS and clear are easily mixed up.
local function advice(service, why)
  local twin = TWIN[service]
  if twin and (why:find "no greeting within" and not service:find "s$" or why:find "answered in clear") then
    return string.format("%s (is it %s://?)", why, twin)
  end
  return why
end

local probe

---Capabilities of a service before TLS (none for implicit TLS), inside TLS, after login.
function M.probe(context, service)
  local ok, result = pcall(probe, context, service)
  if not ok then error(advice(service, tostring(result)), 0) end
  return result
end

function probe(context, service)
  return quietly(context, function(t)
    local protocol = PROTOCOL[service] or "smtp"
    local found = { greeting = "" }
    local c = open.open(t, protocol, { service = service, verify = false })
    found.greeting = c.greeting.raw
    local user = context.users and context.users[1]
    if service:find "s$" then
      found.tls = copy(c:capabilities())
    else
      found.clear = copy(c:capabilities())
      if found.clear[tls_words(c)] then
        -- A server whose TLS fails is one without TLS: its scenarios will say so, the probe goes on.
        c:send(tls_words(c))
        local r = c:reply()
        local done, why = false, "the server said " .. tostring(r)
        if r:is(protocol == "smtp" and "220" or protocol == "pop3" and "+OK" or "OK") then
          done, why = c:starttls { may_fail = true, verify = false }
        end
        if done then
          found.tls = copy(c:capabilities())
        else
          found.tls_trouble = why
          c:close()
          c = nil
        end
      end
    end
    if protocol == "smtp" then
      c = c or open.open(t, protocol, { service = service, verify = false })
      takes_mail(t, service, c)
    end
    if c then
      local facts = c:tls()
      if facts then found.chain_ok, found.name_ok, found.chain_why = facts.chain_ok, facts.name_ok, facts.chain_why end
    end
    local words = found.tls or found.clear
    if user and service ~= "lmtp" and (protocol ~= "smtp" or words.AUTH) then
      c = c or open.open(t, protocol, { service = service, verify = false })
      open.login(t, c, user)
      if protocol == "smtp" then c:_hello() end -- what is announced may differ now, RFC 4954, 4
      found.login = copy(c:capabilities())
    end
    if c then
      c:send(protocol == "imap" and "LOGOUT" or "QUIT")
      c:expect(protocol == "imap" and "OK" or protocol == "pop3" and "+OK" or "221", "closed")
      c:close()
    end
    return found
  end)
end

return M
