-- What lies in a user's INBOX, looked at from outside: over IMAP, else POP3, else the target's maildir. For
-- t:delivered, t:inbox and the preparation of mailboxes.
-- SPDX-License-Identifier: MIT
local open = require "open"
local wire = require "wire"

local M = {}

local function services(t) return t._context.target.services end

-- IMAP keeps its connection and asks for what is new; the mailbox is EXAMINEd, so that looking changes nothing. A
-- server need not tell everything at NOOP (Courier overlooks what comes in the second in which it has looked), so that
-- the mailbox is opened anew at each eighth look.
local ANEW = 8

local function over_imap(t, user)
  local c = open.open(t, "imap", { user = user, examine = "INBOX", name = t:_name "look", verify = false })
  local messages, exists = {}, 0
  local function note(r)
    for _, u in ipairs(r.untagged) do
      if u.type == "EXISTS" then
        exists = u.number
      elseif u.type == "EXPUNGE" or u.type == "VANISHED" then
        messages = {}
        if u.type == "EXPUNGE" then exists = math.max(exists - 1, 0) end
      end
    end
  end
  note(c.selected)
  local looks = 0
  local reader = {}
  function reader.all()
    if looks > 0 and looks % ANEW == 0 then
      messages, exists = {}, 0
      c:send "EXAMINE INBOX"
      note(c:expect "OK")
    elseif looks > 0 then
      c:send "NOOP"
      note(c:expect "OK")
    end
    looks = looks + 1
    local from = #messages + 1
    if exists >= from then
      c:send(string.format("FETCH %d:%d BODY.PEEK[]", from, exists))
      local r = c:expect("OK", "NO")
      for n = from, exists do
        local items = r:fetch(n)
        local bytes = items and items["BODY[]"]
        if type(bytes) ~= "string" then break end
        messages[n] = bytes
      end
      note(r)
    end
    return { table.unpack(messages) }
  end
  function reader.close()
    c:send "LOGOUT"
    c:expect("OK", "BYE", "closed")
    c:close()
  end
  return reader
end

-- A POP3 session sees the maildrop as it was at login: every look is a session of its own.
local function over_pop3(t, user)
  local reader = {}
  function reader.all()
    local c = open.open(t, "pop3", { user = user, login = true, name = t:_name "look", verify = false })
    c:send "STAT"
    local n = math.tointeger(tonumber(c:expect "+OK".text:match "^(%d+)")) or 0
    local messages = {}
    for i = 1, n do
      c:send("RETR " .. i)
      messages[i] = c:expect "+OK".body
    end
    c:send "QUIT"
    c:expect("+OK", "closed")
    c:close()
    return messages
  end
  function reader.close() end
  return reader
end

---The folder of a user's maildir: the target file says, with %n for the login name and $STATE for the target's folder.
local function folder_of(t, user)
  local target = t._context.target
  local folder = target.maildir
  if type(folder) == "function" then
    return folder(user)
  end
  folder = folder:gsub("%%n", (user.name:gsub("%%", "%%%%")))
  local state = target.state or os.getenv "MAILPROOF_STATE"
  if state then folder = folder:gsub("%$STATE", (state:gsub("%%", "%%%%"))) end
  return folder
end

---Removes every message of a user's maildir.
function M.empty_maildir(t, user)
  local folder = folder_of(t, user)
  for _, part in ipairs { "new", "cur" } do
    for _, name in ipairs(wire.files(folder .. "/" .. part) or {}) do
      local ok, why = os.remove(folder .. "/" .. part .. "/" .. name)
      if not ok then t:_fail("the INBOX of " .. user.name .. " cannot be emptied: " .. why) end
    end
  end
end

local function over_maildir(t, user)
  local folder = folder_of(t, user)
  local reader = {}
  function reader.all()
    local found = {}
    for _, part in ipairs { "new", "cur" } do
      for _, name in ipairs(wire.files(folder .. "/" .. part) or {}) do
        local f = io.open(folder .. "/" .. part .. "/" .. name, "rb")
        if f then -- else it moved from new to cur meanwhile
          found[#found + 1] = { name = name, bytes = f:read "a" }
          f:close()
        end
      end
    end
    table.sort(found, function(a, b) return a.name < b.name end)
    local messages = {}
    for i, one in ipairs(found) do
      -- A maildir has the line ends of its machine.
      messages[i] = one.bytes:find "\r\n" and one.bytes or one.bytes:gsub("\n", "\r\n")
    end
    return messages
  end
  function reader.close() end
  return reader
end

---Whether the target wants its mailboxes looked at and emptied over POP3 though it has IMAP (look = "pop3").
function M.by_pop3(t)
  local target = t._context.target
  return target.look == "pop3" and (target.services.pop3 or target.services.pop3s) ~= nil
end

---A reader of the user's INBOX, or nil when the target shows it by no means. reader.all() -> messages.
function M.reader(t, user)
  local s = services(t)
  if M.by_pop3(t) then return over_pop3(t, user) end
  if s.imap or s.imaps then return over_imap(t, user) end
  if s.pop3 or s.pop3s then return over_pop3(t, user) end
  if t._context.target.maildir then return over_maildir(t, user) end
  return nil
end

---Waits until done(messages) gives something true, at most `seconds`, and no longer than until over() (may be nil) says
---that nothing can come any more. That, messages; or nil, messages.
function M.wait(t, user, seconds, done, over)
  local deadline, pause = wire.now() + seconds, 0.01
  local last = over and over()                             -- before each look: what has come by then is seen
  local reader = M.reader(t, user)
  while true do
    local messages = t:_prerequisite(reader.all)
    local hit = done(messages)
    if hit or last or wire.now() >= deadline then
      reader.close()
      return hit, messages
    end
    wire.pause(math.min(pause, math.max(deadline - wire.now(), 0)))
    pause = math.min(pause * 1.5, 0.25)
    last = over and over()
  end
end

return M
