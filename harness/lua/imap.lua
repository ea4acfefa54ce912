-- IMAP connections. RFC 3501, 9051. A reply is the completion of a command with every untagged response before it.
-- Also the global `imap`.
-- SPDX-License-Identifier: MIT
local auth = require "auth"
local connection = require "conn"
local reply = require "reply"
local show = require "show"
local strict = require "strict"
local wire = require "wire"

local imap = { auth = auth.imap }
local M = { NIL = wire.NIL }

-- Tracking ----------------------------------------------------------------------------------------------------

---A line of a command, or the rest of one after a literal. Its last words may announce the next literal.
function imap:_line(line)
  local size, plus = line:match "{(%d+)(%+?)}$"
  if self._in_command then
    self._in_command = size ~= nil
  elseif self._continues and not (self._idles and line:upper() ~= "DONE" and line:find "^%S+ %a") then
    self._continues, self._idles = false, false
    return
  else
    local tag, verb = line:match "^([^%c%s\128-\255]+) +(%a+)"
    tag = tag or line:match "^(%S+)"
    verb = verb and verb:upper()
    if verb == "UID" then verb = "UID " .. (line:match "^%S+ +%a+ +(%a+)" or ""):upper() end
    if tag then
      self._tag, self._verbs[tag], self._done[tag], self._lines[tag] = tag, verb or "?", nil, line:sub(1, 1000)
      self._open[#self._open + 1] = tag
      self._idles = verb == "IDLE"
      self._continues = verb == "IDLE" -- DONE may go out before "+" is read
    end
    self._in_command = size ~= nil
  end
  if size then
    self._mode, self._count = "count", tonumber(size)
    self._literal = plus == "" and self._tag or nil
    if self._count == 0 then self._mode = "lines" end
  end
end

function imap:_lint_command()
  if self._unsure or #self._open > 1 then return nil end
  return self._open[1] and self._lines[self._open[1]] or ""
end

function imap:_asked()
  if self._first then return "the greeting" end
  local verb = self._tag and not self._done[self._tag] and self._verbs[self._tag]
  if verb and verb ~= "?" then return self._tag .. " " .. verb end
  return "what was sent"
end

function imap:_forget_sent()
  connection.conn._forget_sent(self)
  self._open, self._in_command, self._continues, self._idles, self._pending = {}, false, false, false, {}
end

-- Reading -----------------------------------------------------------------------------------------------------

local function learn(self, r)
  if r.type == "CAPABILITY" then
    self._caps = {}
    for _, word in ipairs(r.data) do self._caps[tostring(word):upper()] = "" end
  elseif r.code and tostring(r.code):upper() == "CAPABILITY" then
    self._caps = {}
    for _, word in ipairs(r.code_args) do self._caps[tostring(word):upper()] = "" end
  elseif r.role == "tagged" and r.type == "OK" then
    local verb = self._verbs[r.tag]
    if verb == "LOGIN" or verb == "AUTHENTICATE" then self._caps = nil end
  end
end

local UNTAGGED = { "type", "number", "data", "code", "code_args", "text", "raw", "at", "role", "tag" }

---One response, put where it belongs: untagged ones wait for the next reply. nil, kind, partial as _read.
function imap:_response(seconds)
  local first = self._first
  local r, kind, partial = self:_read(seconds)
  if not r then return nil, kind, partial end
  learn(self, r)
  r.kind = r.role
  if r.role == "untagged" then
    local u = {}
    for _, k in ipairs(UNTAGGED) do u[k] = r[k] end
    if r.type == "FETCH" then u.items = reply.fetch_items(r.data[1]) end
    self._pending[#self._pending + 1] = setmetatable(u, reply.untagged)
    r.items = u.items
  elseif r.role == "continue" then
    self._continues = self._idles or self._verbs[self._tag or ""] == "AUTHENTICATE"
  else
    for i, tag in ipairs(self._open) do
      if tag == r.tag then
        table.remove(self._open, i)
        break
      end
    end
    if r.tag == self._tag then
      -- Over, whatever was still missing: a refused literal is not sent any more.
      self._in_command, self._continues, self._idles = false, false, false
      if self._mode == "count" then self._mode, self._tail = "lines", "" end
    end
  end
  if first then self.greeting = self:_whole(r) end
  return r
end

function imap:_last_words()
  for _, u in ipairs(self._pending) do
    if u.type == "BYE" then return string.format(", after %s", u) end
  end
  return ""
end

---The response as a reply, with the untagged ones since the last.
function imap:_whole(r)
  local raw = {}
  for i, u in ipairs(self._pending) do raw[i] = u.raw end
  if r.kind ~= "untagged" then raw[#raw + 1] = r.raw end
  local out = {
    kind = r.kind, status = r.kind == "continue" and "+" or r.type, type = r.type, tag = r.tag, number = r.number,
    code = r.code, code_args = r.code_args or {}, text = r.text, data = r.data, items = r.items, at = r.at,
    took = r.took, last = r.raw, raw = table.concat(raw), untagged = self._pending,
  }
  return self:_finish_reply(out)
end

---Takes a reply: the pending responses are its own now.
function imap:_hand_over(r)
  local whole = self:_whole(r)
  self._pending = {}
  return whole
end

local function takes(patterns, kind)
  for _, p in ipairs(patterns) do
    if p.kind == kind then return true end
  end
  return false
end

---Waits for the completion of `tag` or for something that the patterns name.
function imap:_until(tag, patterns, seconds)
  if tag and self._done[tag] and self._done[tag] ~= "taken" then
    local r = self._done[tag]
    self._done[tag] = "taken"
    return r
  end
  for _, u in ipairs(self._pending) do
    if reply.fits("imap", { kind = "untagged", status = u.type, number = u.number, code = u.code }, patterns) then
      local r = {}
      for _, k in ipairs(UNTAGGED) do r[k] = u[k] end
      r.kind, r.items, r.took = "untagged", u.items, u.at - self._sent_at
      return self:_hand_over(r)
    end
  end
  local unasked = not tag or self._done[tag] == "taken"
  local deadline = wire.now() + seconds
  while true do
    local r, kind, partial = self:_response(deadline - wire.now())
    if not r then return nil, kind, partial end
    if r.role == "untagged" then
      -- Before any command the greeting answers to plain OK, too.
      if reply.fits("imap", { kind = "untagged", status = r.type, number = r.number, code = r.code }, patterns)
          or (unasked and not self._tag and reply.fits("imap", { kind = "tagged", status = r.type, code = r.code },
            patterns)) then
        return self:_hand_over(r)
      end
      deadline = wire.now() + seconds -- a server that talks is not silent
    elseif r.role == "continue" then
      return self:_hand_over(r)
    elseif r.tag == tag then
      self._done[tag] = "taken"
      return self:_hand_over(r)
    elseif self._verbs[r.tag] and not self._done[r.tag] then
      self._done[r.tag] = self:_hand_over(r) -- an older command: kept for expect_tag
      deadline = wire.now() + seconds
    else
      local whole = self:_hand_over(r)
      -- A tag that nobody asked with, or a second completion: expect does not take it.
      rawset(whole, "stray", r.role == "tagged")
      return whole
    end
  end
end

function imap:_expected(patterns, seconds)
  self:_alive(2)
  local tag = self._tag
  if takes(patterns, "tagged") and not takes(patterns, "untagged") and not takes(patterns, "continue")
      and tag and self._done[tag] == "taken" then
    error(string.format('the completion of %s was taken already; use "* …" for what comes unasked', tag), 3)
  end
  return self:_until(tag, patterns, seconds)
end

---A mailbox name that the user may create: the word below the prefix of his own namespace (RFC 2342).
function imap:mailbox(word)
  strict.string(word, "mailbox")
  if not self._prefix then
    self._prefix = ""
    if self:has "NAMESPACE" then
      self:send "NAMESPACE"
      local line = self:expect("OK", "NO"):all "NAMESPACE"[1]
      local own = line and type(line.data[1]) == "table" and line.data[1][1]
      if type(own) == "table" and type(own[1]) == "string" then self._prefix = own[1] end
    end
  end
  return self._prefix .. word
end

function imap:expect_tag(tag, ...)
  strict.string(tag, "expect_tag")
  local list = { ... }
  if #list == 0 then error("expect_tag takes a tag and at least one pattern", 2) end
  local patterns = reply.patterns("imap", list, 2)
  if not self._verbs[tag] then error(string.format("no command was sent with the tag %s", tag), 2) end
  self._t:_step(self, string.format("expect %s of %s", table.concat(list, " or "), tag))
  local seconds = self:_limit()
  local r, kind, partial = self:_until(tag, patterns, seconds)
  if not r then
    if kind == "ended" and takes(patterns, "closed") then return self:_closed_reply() end
    self:_no_reply(kind, partial, seconds)
  end
  if not reply.fits("imap", r, patterns) then
    self._t:_fail(string.format("expected %s to %s %s, got %s", table.concat(list, " or "), tag, self._verbs[tag], r))
  end
  return r
end

---reply and wait: the completion of the newest command or "+"; while none runs, or IDLE does, any response.
function imap:_take(seconds)
  self:_alive(2)
  local tag = self._tag
  if tag and self._done[tag] == nil and not self._idles then return self:_until(tag, {}, seconds) end
  if tag and self._done[tag] and self._done[tag] ~= "taken" then return self:_until(tag, {}, seconds) end
  local r, kind, partial = self:_response(seconds)
  if not r then return nil, kind, partial end
  if r.role == "tagged" and self._verbs[r.tag] then self._done[r.tag] = "taken" end
  return self:_hand_over(r)
end

-- Sending -----------------------------------------------------------------------------------------------------

function imap:_new_tag()
  self._tags = (self._tags or 0) + 1
  return "A" .. self._tags
end

function imap:send(line)
  self:_alive()
  strict.string(line, "send")
  -- DONE and the answers to "+" have no tag of their own.
  local bare = self._continues and (not self._idles or line:upper() == "DONE")
  local tag
  if not bare then
    tag = self:_new_tag()
    line = tag .. " " .. line
  end
  self._t:_step(self, "send " .. show.quoted(line, 200))
  self:_track(line .. "\r\n")
  self:_put(line .. "\r\n")
  return tag
end

function imap:command(...)
  self:_alive()
  local parts = { ... }
  if #parts == 1 and type(parts[1]) == "table" and parts[1].literal == nil then parts = parts[1] end
  for i, part in ipairs(parts) do
    if type(part) == "table" then
      strict.options(part, { literal = "string", plus = "boolean", binary = "boolean" }, "a literal of command")
      strict.string(part.literal, "a literal of command")
    elseif type(part) ~= "string" then
      error(string.format("part %d of command is %s: parts are strings and {literal = …}", i, type(part)), 2)
    end
  end
  local tag = self:_new_tag()
  local out = tag .. " "
  local function flush(bytes)
    self._t:_step(self, "send " .. show.quoted(bytes, 200))
    self:_track(bytes)
    self:_put(bytes)
  end
  for _, part in ipairs(parts) do
    if type(part) == "string" then
      out = out .. part
    else
      out = string.format("%s%s{%d%s}\r\n", out, part.binary and "~" or "", #part.literal, part.plus and "+" or "")
      if not part.plus then
        flush(out)
        out = ""
        local seconds = self:_limit()
        local r, kind, partial = self:_until(tag, { { kind = "continue" } }, seconds)
        if not r then
          if kind == "ended" then return tag end
          self:_no_reply(kind, partial, seconds)
        end
        if r.kind ~= "continue" then
          self._done[tag] = r
          return tag
        end
        self._pending = r.untagged -- what was told before "+" belongs to the completion
      end
      out = out .. part.literal
    end
  end
  flush(out .. "\r\n")
  return tag
end

function imap:_ask_capabilities()
  self:send "CAPABILITY"
  self:expect "OK"
  if not self._caps then self._caps = {} end
end

function imap:_upgrade(o)
  self:send "STARTTLS"
  self:expect "OK"
  self:starttls(o)
end

function imap:secure(o) return self._t:_prerequisite(self._upgrade, self, o) end

function imap:has(word)
  strict.string(word, "has")
  local caps = self:capabilities()
  word = word:upper()
  if word ~= "AUTH" then return caps[word] ~= nil end
  for k in pairs(caps) do
    if k:find "^AUTH=" then return true end
  end
  return false
end

-- The global `imap` -------------------------------------------------------------------------------------------

---A quoted string, or a non-synchronising choice is not ours to make: bytes that cannot be quoted are an error.
function M.quote(s)
  strict.string(s, "imap.quote")
  if s:find "[%z\r\n\128-\255]" then
    error("imap.quote: these bytes cannot be quoted; send them as {literal = …} with command", 2)
  end
  return '"' .. s:gsub('[\\"]', "\\%0") .. '"'
end

---"1:3,7" -> {1,2,3,7}
function M.set(s)
  s = tostring(s)
  local list = {}
  for part in s:gmatch "[^,]+" do
    local low, high = part:match "^(%d+):(%d+)$"
    low = math.tointeger(tonumber(low or part:match "^%d+$"))
    high = high and math.tointeger(tonumber(high)) or low
    if not low then error(string.format('imap.set: "%s" is no set of numbers', s), 2) end
    if low > high then low, high = high, low end
    if high - low > 1000000 then error(string.format('imap.set: "%s" is too large', s), 2) end
    for n = low, high do list[#list + 1] = n end
  end
  return list
end

M.class = connection.class("an IMAP connection", imap, { selected = true })

function M.new(t, handle, o)
  local c = connection.new(M.class, t, handle, o)
  c._verbs, c._done, c._open, c._pending, c._in_command = {}, {}, {}, {}, false
  return c
end

return M
