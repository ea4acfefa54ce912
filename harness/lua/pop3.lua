-- POP3 connections. RFC 1939, 2449 (CAPA), 2595 (STLS), 5034 (AUTH).
-- SPDX-License-Identifier: MIT
local auth = require "auth"
local connection = require "conn"
local show = require "show"
local strict = require "strict"

local pop3 = { auth = auth.pop3 }

-- Commands whose +OK is followed by lines up to a dot; "bare" ones only without an argument.
local MULTI = { RETR = "always", TOP = "always", CAPA = "always", LIST = "bare", UIDL = "bare", AUTH = "bare",
  LANG = "bare" }

function pop3:_line(line)
  if self._continues then
    self._continues = false
    return
  end
  local verb = connection.verb(line)
  local multi = self._says_multiline
  if multi == nil and verb then
    multi = MULTI[verb] == "always" or (MULTI[verb] == "bare" and not line:find "%S%s+%S")
  end
  self:_push(verb, line:sub(1, 1000), multi)
end

function pop3:_made(r, first, word, line)
  if r.body then
    r.lines = {}
    for text in r.body:gmatch "([^\n]*)\n" do
      text = text:gsub("\r$", "")
      r.lines[#r.lines + 1] = text
    end
  end
  if first then return end
  if r.status == "+" then
    self._continues = true
    self:_push_front(word, line)
  elseif word == "CAPA" then
    self._caps = {}
    for _, text in ipairs(r.lines or {}) do
      local key, rest = text:match "^(%S+)%s*(.*)$"
      if key then self._caps[key:upper()] = rest end
    end
  elseif (word == "PASS" or word == "APOP" or word == "AUTH") and r.status == "+OK" then
    self._caps = nil -- the list may be another one now, RFC 2449, 5
  end
end

function pop3:send(line, o)
  self:_alive()
  strict.string(line, "send")
  o = strict.options(o, { multiline = "boolean" }, "send")
  self._t:_step(self, "send " .. show.quoted(line, 200))
  self._says_multiline = o.multiline
  self:_track(line .. "\r\n")
  self._says_multiline = nil
  self:_put(line .. "\r\n")
end

function pop3:_ask_capabilities()
  self:send "CAPA"
  self:expect("+OK", "-ERR")
end

function pop3:_upgrade(o)
  self:send "STLS"
  self:expect "+OK"
  self:starttls(o)
end

function pop3:secure(o) return self._t:_prerequisite(self._upgrade, self, o) end

return connection.class("a POP3 connection", pop3, {})
