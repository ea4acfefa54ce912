-- SMTP, submission and LMTP connections. RFC 5321, 3207, 3030 (BDAT), 2033.
-- SPDX-License-Identifier: MIT
local auth = require "auth"
local connection = require "conn"
local message = require "message"
local strict = require "strict"

local smtp = { auth = auth.smtp }

-- Tracking: which line out there is a command -----------------------------------------------------------------

function smtp:_line(line)
  if self._continues then
    self._continues = false
    return
  end
  local verb = connection.verb(line)
  if verb == "DATA" and not line:find " " then
    self:_push("DATA", line)
    -- Until its reply comes nobody knows whether the bytes behind DATA are text or commands: take them for text,
    -- and remember them for the other case.
    self._mode, self._tail, self._behind, self._behind_to = "data", "\r\n" .. self._tail, self._tail, self._to
    return
  end
  self:_push(verb, line:sub(1, 1000))
  local size = verb == "BDAT" and line:match "^%a+ +(%d+)"
  if size then
    self._mode, self._count = "count", tonumber(size)
    if line:upper():find " LAST%s*$" then self:_more_replies "BDAT" end
  end
end

---LMTP answers once for each recipient that it took, RFC 2033, 4.2.
function smtp:_more_replies(word)
  if self.service ~= "lmtp" then return end
  for _ = 2, self._taken or 1 do self:_push(word, "DATA") end
end

function smtp:_data_over()
  self:_push(".", "DATA")
  self:_more_replies "."
end

function smtp:_track(bytes)
  if self._behind then
    self._behind = #self._behind < 1 << 20 and self._behind .. bytes or self._behind
  end
  connection.conn._track(self, bytes)
end

function smtp:_made(r, first, word, line)
  r.text = table.concat(r.lines, "\n")
  if first then return end
  if r.code == 334 then
    self._continues = true
    self:_push_front(word, line)
  elseif word == "DATA" then
    local behind, to = self._behind, self._behind_to
    self._behind = nil
    if r.code ~= 354 and behind then
      -- Refused: a server that pipelines reads on, and takes what follows for commands.
      for i = to + 1, self._to do self._words[i], self._lines[i] = nil, nil end
      self._to, self._mode, self._tail = to, "lines", ""
      connection.conn._track(self, behind)
    end
  elseif (word == "EHLO" or word == "LHLO") and r.code == 250 then
    local caps = {}
    for i = 2, #r.lines do
      local key, rest = r.lines[i]:match "^([%w-]+)[ =]?(.*)$"
      -- "AUTH=PLAIN" beside "AUTH PLAIN" is for very old clients.
      if key and (caps[key:upper()] == nil or not r.lines[i]:find "=") then caps[key:upper()] = rest end
    end
    self._caps = caps
  elseif word == "HELO" and r.code == 250 then
    self._caps = {}
  elseif word == "RCPT" and r.code // 100 == 2 then
    self._taken = (self._taken or 0) + 1
  elseif word == "MAIL" or word == "RSET" then
    self._taken = 0
  end
end

-- The language ------------------------------------------------------------------------------------------------

function smtp:_hello()
  self:send((self.service == "lmtp" and "LHLO " or "EHLO ") .. (self._ehlo or "client.test.example"))
  return self:expect "250"
end

function smtp:_ask_capabilities()
  self:_hello()
  if not self._caps then self._caps = {} end
end

function smtp:_upgrade(o)
  self:send "STARTTLS"
  self:expect "220"
  self:starttls(o)
  return self:_hello()
end

function smtp:secure(o) return self._t:_prerequisite(self._upgrade, self, o) end

local MAIL_OPTIONS = { from = "string", to = "string or strings", data = "string", params = "string",
  may_fail = "boolean" }

function smtp:mail(o)
  o = strict.options(o, MAIL_OPTIONS, "mail")
  local data = strict.string(o.data, "mail{data = …}")
  local to = o.to or self._t.user.address
  if type(to) == "string" then to = { to } end
  self:send(string.format("MAIL FROM:<%s>%s", o.from or "ann@client.example", o.params and " " .. o.params or ""))
  self:expect "250"
  for _, address in ipairs(to) do
    local mailbox, words = address:match '^([^" ]+)( .+)$' -- in quotes a blank belongs to the address
    self:send("RCPT TO:<" .. (mailbox or address) .. ">" .. (words or ""))
    self:expect("250", "251", "252")
  end
  self:send "DATA"
  self:expect "354"
  local bytes = message.stuff(data)
  -- A message that ends its last line itself gets no second line end.
  self:write(bytes .. (bytes:sub(-2) == "\r\n" and ".\r\n" or "\r\n.\r\n"))
  local last, all = nil, {}
  for i = 1, self.service == "lmtp" and #to or 1 do
    last = o.may_fail and self:reply() or self:expect "250"
    all[i] = last
  end
  last.replies = all
  return last
end

return connection.class("an SMTP connection", smtp, {})
