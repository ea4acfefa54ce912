-- What connections of all protocols can do: the base of smtp.lua, imap.lua and pop3.lua. A connection knows which
-- commands it has sent and not seen answered, so that every sentence about a missing reply can name the command.
--
-- The protocols add: _line(line) for each command line that went out, _make(raw table) for each reply, _match rules.
-- SPDX-License-Identifier: MIT
local reply = require "reply"
local show = require "show"
local strict = require "strict"
local wire = require "wire"

local conn = {}
local M = { conn = conn }

local FIELDS = { name = true, protocol = true, service = true, host = true, port = true, greeting = true }

---A connection class: methods on top of the common ones.
function M.class(what, methods, fields)
  for k, v in pairs(conn) do
    if methods[k] == nil then methods[k] = v end
  end
  for k in pairs(FIELDS) do fields[k] = true end
  return strict.class(what, methods, fields)
end

---Makes the object: t the timeline (or the quiet one of prepare.lua), handle of wire.connect.
function M.new(class, t, handle, o)
  local self = {
    name = o.name, protocol = o.protocol, service = o.service, host = o.host, port = o.port,
    _t = t, _h = handle, _first = true, _sent_at = wire.now(), _words = {}, _lines = {}, _multi = {}, _from = 1,
    _to = 0, _tail = "", _mode = "lines", _count = 0, _last = "",
  }
  return setmetatable(self, class)
end

-- Which command a reply answers -------------------------------------------------------------------------------

---Puts a command's word at the end of the line of those that wait for a reply.
function conn:_push(word, line, multiline)
  self._to = self._to + 1
  self._words[self._to] = word or false
  self._lines[self._to] = word and line or nil
  self._multi[self._to] = multiline or nil
end

---The same at its front: the command goes on after a "334" or "+".
function conn:_push_front(word, line)
  self._from = self._from - 1
  self._words[self._from] = word or false
  self._lines[self._from] = line
end

function conn:_pop()
  if self._from > self._to then return nil end
  local word, line = self._words[self._from], self._lines[self._from]
  self._words[self._from], self._lines[self._from], self._multi[self._from] = nil, nil, nil
  self._from = self._from + 1
  return word or nil, line
end

function conn:_front() return self._words[self._from] or nil end

---The command that the next reply answers, for lint; nil when nobody can be sure.
function conn:_lint_command()
  if self._unsure then return nil end
  return self._lines[self._from]
end

function conn:_forget_sent()
  self._words, self._lines, self._multi, self._from, self._to, self._tail = {}, {}, {}, 1, 0, ""
  self._mode, self._count = "lines", 0
end

---Takes what went out, cuts it into lines as a correct server does, and skips what is no command line.
function conn:_track(bytes)
  self._tail = self._tail .. bytes
  while #self._tail > 0 do
    if self._mode == "count" then
      local n = math.min(self._count, #self._tail)
      self._tail = self._tail:sub(n + 1)
      self._count = self._count - n
      if self._count > 0 then return end
      self._mode = "lines"
    elseif self._mode == "data" then
      local _, stop = self._tail:find("\r\n.\r\n", 1, true)
      if not stop then
        -- The end may be cut anywhere: the last four bytes can belong to it.
        self._tail = self._tail:sub(-4)
        return
      end
      self._tail = self._tail:sub(stop + 1)
      self._mode = "lines"
      self:_data_over()
    else
      local at, stop = self._tail:find("\r\n", 1, true)
      if not at then
        if #self._tail > 65536 then self._tail = self._tail:sub(1, 1024) .. self._tail:sub(-1) end
        return
      end
      local line = self._tail:sub(1, at - 1)
      self._tail = self._tail:sub(stop + 1)
      self:_line(line)
    end
  end
end

function conn._data_over() end

---"NOOP" of a command line; nil when it does not begin like a command, or has 8-bit characters and no SMTPUTF8.
function M.verb(line)
  if line:find "%c" or line:find "[\128-\255]" and not line:upper():find("SMTPUTF8", 1, true) then return nil end
  local word = line:match "^(%a[%w-]*)%f[ \0]" or line:match "^(%a[%w-]*)$"
  return word and word:upper()
end

-- Sending -----------------------------------------------------------------------------------------------------

function conn:_limit()
  local context = self._t._context
  return (context.reply_timeout or 10) * (context.timeout_scale or 1)
end

function conn:_alive(level)
  if self._gone then
    error(string.format("%s was closed by the script; nothing can be sent on it", self.name), (level or 1) + 2)
  end
end

---All bytes leave through here. A server that has hung up is no failure yet: the next expect sees it, and may have
---asked for it.
function conn:_put(bytes)
  local ok, why = self._h:write(bytes, self:_limit())
  self._sent_at = wire.now()
  if ok then return true end
  if self._h:ended() == "open" then
    self._t:_fail(string.format("%s could not send %d bytes: %s", self.name, #bytes, why))
  end
  return false
end

function conn:send(line)
  self:_alive()
  strict.string(line, "send")
  self._t:_step(self, "send " .. show.quoted(line, 200))
  self:_track(line .. "\r\n")
  self:_put(line .. "\r\n")
end

function conn:write(bytes)
  self:_alive()
  if type(bytes) == "string" then bytes = { bytes } end
  if type(bytes) ~= "table" then error("write takes a string or a list of strings and pauses", 2) end
  local shown = {}
  for i, part in ipairs(bytes) do
    if type(part) ~= "string" and type(part) ~= "number" then
      error(string.format("part %d of write is %s: parts are strings, and numbers for pauses", i, type(part)), 2)
    end
    shown[i] = type(part) == "string" and show.quoted(part, 200) or show.seconds(part)
  end
  self._t:_step(self, "write " .. table.concat(shown, ", ", 1, math.min(#shown, 20)))
  for _, part in ipairs(bytes) do
    if type(part) == "number" then
      wire.pause(part)
    else
      -- Where a line ends may be seen differently over there from here on.
      local seam = self._last .. part
      if seam:find "%z" or seam:gsub("\r\n", ""):gsub("\r$", ""):find "[\r\n]" then self._unsure = true end
      self._last = part:sub(-1)
      self:_track(part)
      if not self:_put(part) then return end
    end
  end
end

function conn:segment(bytes, seconds)
  self._h:segment(bytes or 0, seconds or 0)
end

-- Reading -----------------------------------------------------------------------------------------------------

---"RCPT" as sentences name it.
function conn:_asked()
  local word = self:_front()
  if self._first then return "the greeting" end
  if word == "." then return "the end of the message" end
  return word or "what was sent"
end

function conn:_ended_words()
  local _, words = self._h:ended()
  return words
end

---One unit of the protocol, or nil with "timeout", "ended". Nonsense fails the scenario here.
function conn:_read(seconds, multiline)
  local r, kind, why, partial = self._h:read(self.protocol, seconds, self._first, self:_lint_command(), multiline)
  if r then
    self._first = false
    r.took = r.at - self._sent_at
    return r
  end
  if kind == "nonsense" then
    local rest = partial .. self._h:input()
    self._t:_fail(string.format("the answer to %s is no %s reply: %s: %s", self:_asked(), self.protocol:upper(), why,
      show.quoted(rest, 120)))
  end
  return nil, kind, partial
end

---What a closed connection looks like as a reply.
function conn:_closed_reply()
  local r = { closed = true, status = "closed", raw = "", text = self:_ended_words(), at = wire.now(),
    took = wire.now() - self._sent_at, lines = {} }
  if self.protocol == "smtp" then r.code = 0 end
  if self.protocol == "imap" then
    r.untagged, r.kind, r.last, r.code_args = self._pending or {}, "closed", "", {}
    self._pending = {}
  end
  setmetatable(r, reply[self.protocol])
  reply.conn_of[r] = self
  return r
end

---What the server said about its reasons before it hung up.
function conn._last_words() return "" end

---Fails for want of a reply: kind is what _read said.
function conn:_no_reply(kind, partial, seconds)
  local asked = self:_asked()
  if kind == "timeout" then
    if partial ~= "" then
      self._t:_fail(string.format("the reply to %s was not complete after %s: %s", asked, show.seconds(seconds),
        show.quoted(partial)))
    end
    self._t:_fail(string.format(self._first and "no greeting within %s" or "no reply to %s within %s",
      self._first and show.seconds(seconds) or asked, show.seconds(seconds)))
  end
  local words = self:_ended_words() .. self:_last_words()
  if partial ~= "" then
    self._t:_fail(string.format("the connection ended in the middle of the reply to %s: %s, after %s", asked, words,
      show.quoted(partial)))
  end
  if self._first then self._t:_fail("the connection ended before any greeting: " .. words) end
  self._t:_fail(string.format("the connection ended where a reply to %s was due: %s", asked, words))
end

function conn:_finish_reply(r)
  setmetatable(r, reply[self.protocol])
  reply.conn_of[r] = self
  return r
end

local function listed(patterns)
  local words = {}
  for i, p in ipairs(patterns) do words[i] = p end
  return table.concat(words, " or ")
end

---One complete reply; SMTP and POP3. IMAP has its own.
function conn:_next(seconds)
  local first, at, to = self._first, self._from, self._to
  local r, kind, partial = self:_read(seconds, not first and self._multi[at])
  if not r then return nil, kind, partial end
  local word, line
  if at <= to and not first then word, line = self:_pop() end
  self:_made(r, first, word, line)
  r = self:_finish_reply(r)
  if first then self.greeting = r end
  return r
end

function conn:_take(seconds)
  self:_alive(2)
  return self:_next(seconds)
end

function conn:expect(...)
  local list = { ... }
  if #list == 1 and type(list[1]) == "table" then list = list[1] end
  if #list == 0 then error("expect takes at least one pattern", 2) end
  local patterns = reply.patterns(self.protocol, list, 2)
  self._t:_step(self, "expect " .. listed(list))
  local asked, seconds = self:_asked(), self:_limit()
  local r, kind, partial = self:_expected(patterns, seconds)
  if not r then
    if kind == "ended" and reply.fits(self.protocol, { closed = true }, patterns) then
      return self:_closed_reply()
    end
    self:_no_reply(kind, partial, seconds)
  end
  if not reply.fits(self.protocol, r, patterns) then
    if #list == 1 and list[1] == "closed" then
      self._t:_fail(string.format("the server was to close the connection, and said %s", r))
    end
    self._t:_fail(string.format("expected %s to %s, got %s", listed(list), asked, r))
  end
  return r
end

---The reply that expect judges; IMAP picks it by the patterns.
function conn:_expected(_, seconds) return self:_take(seconds) end

function conn:reply()
  self._t:_step(self, "reply")
  local seconds = self:_limit()
  local r, kind, partial = self:_take(seconds)
  if not r then self:_no_reply(kind, partial, seconds) end
  return r
end

function conn:wait(seconds)
  if type(seconds) ~= "number" then error("wait takes a number of seconds", 2) end
  self._t:_step(self, "wait " .. show.seconds(seconds))
  local r, kind = self:_take(seconds * (self._t._context.timeout_scale or 1))
  if not r and kind == "ended" then return self:_closed_reply() end
  return r
end

function conn:history() return self._h:history() end
function conn:unread() return self._h:input() end

function conn:until_closed(seconds)
  self._t:_step(self, "until_closed")
  seconds = (seconds and seconds * (self._t._context.timeout_scale or 1)) or self:_limit()
  local deadline = wire.now() + seconds
  while true do
    local rc = self._h:fill(self._h:waiting(), deadline - wire.now())
    if rc == 0 then
      self._t:_fail(string.format("the server did not close the connection within %s", show.seconds(seconds)))
    end
    if rc < 0 then break end
  end
  local rest = self._h:input()
  self._h:took(#rest)
  return rest
end

---How the connection ended: nil while it is open, else "close_notify", "fin", "reset", "alert", "overflow", "local".
function conn:ended()
  self._h:fill(self._h:waiting(), 0)
  local how = self._h:ended()
  return how ~= "open" and how or nil
end

-- Closing -----------------------------------------------------------------------------------------------------

function conn:shutdown()
  self._t:_step(self, "shutdown")
  self._h:finish "shutdown"
end

function conn:close(o)
  o = strict.options(o, { rude = "boolean" }, "close")
  self._t:_step(self, o.rude and "close without close_notify" or "close")
  if not self._gone then self._h:finish(o.rude and "rude" or "close") end
  self._gone = true
end

function conn:reset()
  self._t:_step(self, "reset")
  if not self._gone then self._h:finish "reset" end
  self._gone = true
end

-- TLS ---------------------------------------------------------------------------------------------------------

M.TLS_OPTIONS = { sni = "string or false", alpn = "string", min_version = "string", max_version = "string",
  ciphers = "string", ciphersuites = "string", groups = "string", cert = "string", key = "string",
  verify = "boolean", verify_name = "string", ca = "string" }

local STARTTLS_OPTIONS = { may_fail = "boolean" }
for k, v in pairs(M.TLS_OPTIONS) do STARTTLS_OPTIONS[k] = v end

local function is_address(host) return host:find ":" ~= nil or host:find "^%d+%.%d+%.%d+%.%d+$" ~= nil end

---A certificate that does not hold is a prerequisite that failed; verify = false where it is the point.
local function trusted(self, options)
  local facts = self._h:tls()
  if not facts.chain_ok then
    self._t:_fail(string.format("the certificate of %s is not trusted: %s%s", self.service, facts.chain_why,
      options.ca and "" or " (--ca FILE names the authority)"))
  end
  if not facts.name_ok then
    self._t:_fail(string.format("the certificate of %s is not for %s: it is %s", self.service,
      options.verify_name, facts.subject))
  end
end

---The handshake with what the target and the connection's own options say; o wins. done, words.
function conn:_handshake(o)
  local target, mine = self._t._context.target, self._tls_options or {}
  local function pick(k)
    if o[k] ~= nil then return o[k] end
    return mine[k]
  end
  local name = target.verify_name or self.host
  local options = { timeout = self:_limit(), verify_name = pick "verify_name" or name, ca = pick "ca" or target.ca }
  for _, k in ipairs { "alpn", "min_version", "max_version", "ciphers", "ciphersuites", "groups", "cert", "key" } do
    options[k] = pick(k)
  end
  local sni = pick "sni"
  if sni == nil and not is_address(name) then sni = name end
  options.sni = sni or nil
  local done, why = self._h:starttls(options)
  local early = self._h:plaintext_left()
  if early > 0 then
    -- What came in clear must not be taken for an answer from inside TLS.
    self._early = self._h:input():sub(1, early)
    self._h:took(#self._early)
  end
  if not done then
    -- Options that cannot be used are not the server's fault; that it hung up before the handshake is.
    if not self._h:tls().tried and self._h:ended() == "open" then error(why, 0) end
    return false, why
  end
  self:_forget_sent()
  self._caps = nil
  local verify = pick "verify"
  if verify == nil then verify = target.verify ~= false end
  if verify then self._t:_prerequisite(trusted, self, options) end
  return true
end

function conn:starttls(o)
  self:_alive()
  o = strict.options(o, STARTTLS_OPTIONS, "starttls")
  self._t:_step(self, "TLS handshake")
  local done, why = self:_handshake(o)
  if not done and not o.may_fail then self._t:_fail("TLS with " .. self.service .. ": " .. why) end
  if done then return true end
  return false, why
end

function conn:tls()
  local facts = self._h:tls()
  if not facts.done then return nil end
  facts.done, facts.tried, facts.in_tls = nil, nil, nil
  facts.early_plaintext = self._early or ""
  return facts
end

-- Capabilities ------------------------------------------------------------------------------------------------

function conn:capabilities()
  if not self._caps then self:_ask_capabilities() end
  return self._caps
end

function conn:has(word)
  strict.string(word, "has")
  local caps = self:capabilities()
  word = word:upper()
  if caps[word] then return true end
  local key, value = word:match "^([^=]+)=(.+)$"
  if not key then return false end
  local params = caps[key] or (key == "AUTH" and caps.SASL)
  if not params then return false end
  for param in params:upper():gmatch "%S+" do
    if param == value then return true end
  end
  return false
end

return M
