-- Replies as scenarios see them: one class a protocol, with the same manners. Patterns of expect and :is are read here.
-- SPDX-License-Identifier: MIT
local show = require "show"
local strict = require "strict"

local M = {}

-- The connection that a reply came on, without a field that a scenario could trip over.
local conn_of = setmetatable({}, { __mode = "k" })
M.conn_of = conn_of

-- Patterns ----------------------------------------------------------------------------------------------------

local PATTERN_WORDS = {
  smtp = 'a code like "250", "2yz" or "250 2.1.0", or "closed"',
  pop3 = '"+OK", "-ERR", "+", "-ERR [IN-USE]" or "closed"',
  imap = '"OK", "NO", "BAD", "OK [READ-ONLY]", "+", "* EXISTS", "* OK [ALERT]", "BYE", "PREAUTH" or "closed"',
}

local function class_of(digits)
  return "^" .. digits:gsub("[xyz]", "%%d") .. "$"
end

local read = {}

function read.smtp(text)
  local code, rest = text:match "^([2-5x][%dy][%dz])(.*)$"
  if not code then return nil end
  local p = { code = class_of(code) }
  if rest ~= "" then
    local enhanced = rest:match "^ ([%dx]%.[%dxyz]+%.[%dxyz]+)$"
    if not enhanced then return nil end
    p.enhanced = "^" .. enhanced:gsub("%.", "%%."):gsub("[xyz]+", "%%d+") .. "$"
  end
  return p
end

function read.pop3(text)
  local status, code = text:match "^(%S+) %[([^%]]+)%]$"
  status = status or text
  if status ~= "+OK" and status ~= "-ERR" and status ~= "+" then return nil end
  return { status = status, resp = code and code:upper() }
end

local STATUS = { OK = true, NO = true, BAD = true }

function read.imap(text)
  if text == "+" then return { kind = "continue" } end
  if text == "BYE" or text == "PREAUTH" then return { kind = "untagged", type = text } end
  local star, rest = text:match "^(%* )(.*)$"
  rest = rest or text
  local number, word = rest:match "^(%d+) (%S+)$"
  local code
  if not word then
    word, code = rest:match "^(%a[%w-]*) %[([^%]]+)%]$"
    word = word or rest:match "^%a[%w-]*$"
  end
  if not word then return nil end
  word = word:upper()
  if not star and not STATUS[word] then return nil end
  return { kind = star and "untagged" or "tagged", type = word, number = number and math.tointeger(number),
    resp = code and code:upper() }
end

local cache = { smtp = {}, pop3 = {}, imap = {} }

---Reads a pattern; a wrong one is the scenario's mistake.
function M.pattern(protocol, text, level)
  if text == "closed" then return { kind = "closed" } end
  local p = type(text) == "string" and (cache[protocol][text] or read[protocol](text))
  if not p then
    error(string.format("%s is no pattern for %s: it takes %s", show.value(text), protocol:upper(),
      PATTERN_WORDS[protocol]), (level or 1) + 1)
  end
  cache[protocol][text] = p
  return p
end

function M.patterns(protocol, list, level)
  local out = {}
  if #list == 1 and type(list[1]) == "table" then list = list[1] end
  for i, text in ipairs(list) do out[i] = M.pattern(protocol, text, (level or 1) + 1) end
  return out
end

local fits = {}

function fits.smtp(r, p)
  if not tostring(r.code):find(p.code) then return false end
  return not p.enhanced or (r.enhanced ~= nil and r.enhanced:find(p.enhanced) ~= nil)
end

function fits.pop3(r, p)
  return r.status == p.status and (not p.resp or (r.code ~= nil and r.code:upper() == p.resp))
end

function fits.imap(r, p)
  if r.kind ~= p.kind then return false end
  if p.kind == "continue" then return true end
  if r.status ~= p.type or (p.number and r.number ~= p.number) then return false end
  return not p.resp or (r.code ~= nil and tostring(r.code):upper() == p.resp)
end

---Whether a reply is one of these patterns.
function M.fits(protocol, r, patterns)
  for _, p in ipairs(patterns) do
    if p.kind == "closed" then
      if r.closed then return true end
    elseif not r.closed and not rawget(r, "stray") and fits[protocol](r, p) then
      return true
    end
  end
  return false
end

-- Classes -----------------------------------------------------------------------------------------------------

local function is(protocol)
  return function(self, ...)
    if select("#", ...) == 0 then error("is takes at least one pattern", 2) end
    return M.fits(protocol, self, M.patterns(protocol, { ... }, 2))
  end
end

local function short(self)
  if self.closed then return "a closed connection (" .. self.text .. ")" end
  local raw = self.raw:gsub("\r?\n$", "")
  return show.quoted(raw, 160)
end

local COMMON = { raw = true, text = true, at = true, took = true, closed = true, status = true, code = true,
  lines = true }

local function class(protocol, methods, fields)
  for k in pairs(COMMON) do fields[k] = true end
  methods.is = is(protocol)
  local meta = strict.class("a reply of " .. protocol:upper(), methods, fields)
  meta.__tostring = short
  -- r .. "text" in a sentence works like %s.
  meta.__concat = function(a, b) return tostring(a) .. tostring(b) end
  return meta
end

M.smtp = class("smtp", {}, { enhanced = true, replies = true })
M.pop3 = class("pop3", {}, { body = true })

local imap = {}
M.imap = class("imap", imap, { tag = true, code_args = true, untagged = true, number = true, kind = true,
  data = true, items = true, type = true })

M.imap.__tostring = function(self)
  if self.closed then return short(self) end
  return show.quoted((self.last:gsub("\r?\n$", "")), 160)
end
M.imap.fields.last = true

function imap:all(type)
  strict.string(type, "all")
  local list = {}
  for _, u in ipairs(self.untagged) do
    if u.type == type:upper() then list[#list + 1] = u end
  end
  return list
end

function imap:count(type) return #self:all(strict.string(type, "count")) end

function imap:one(type)
  local list = self:all(strict.string(type, "one"))
  if #list ~= 1 then
    conn_of[self]._t:_fail(string.format("expected one untagged %s, got %s", type:upper(),
      #list == 0 and "none" or tostring(#list)))
  end
  return list[1]
end

function imap:find_code(name)
  strict.string(name, "find_code")
  name = name:upper()
  for _, u in ipairs(self.untagged) do
    if u.code and tostring(u.code):upper() == name then return u.code_args end
  end
  if self.code and tostring(self.code):upper() == name then return self.code_args end
  return nil
end

function imap:fetch(n)
  local merged
  for _, u in ipairs(self.untagged) do
    if u.type == "FETCH" and u.number == n then
      merged = merged or {}
      for k, v in pairs(u.items or {}) do merged[k] = v end
    end
  end
  return merged
end

function imap:match(templates)
  local ok, bindings, why = pcall(require "match".match, self.untagged, templates)
  if not ok then error(bindings, 2) end
  if not bindings then conn_of[self]._t:_fail(why) end
  return bindings
end

-- Untagged responses are read a lot and misspelt as easily.
M.untagged = strict.class("an untagged response", {}, { type = true, number = true, data = true, items = true,
  code = true, code_args = true, text = true, raw = true, at = true, role = true, tag = true })
M.untagged.__tostring = function(self) return show.quoted((self.raw:gsub("\r?\n$", "")), 160) end

-- items.FLAGS is the list as it came, and answers for a flag's name whatever its case.
local FLAGS = {
  __index = function(list, flag)
    if type(flag) ~= "string" then return nil end
    flag = flag:lower()
    for _, one in ipairs(list) do
      if type(one) == "string" and one:lower() == flag then return true end
    end
    return nil
  end,
}

---FETCH data as name to value.
function M.fetch_items(list)
  if type(list) ~= "table" then return nil end
  local items = {}
  for i = 1, #list - 1, 2 do
    local name, value = list[i], list[i + 1]
    if type(name) == "string" then
      name = name:upper()
      if name == "FLAGS" and type(value) == "table" then
        setmetatable(value, FLAGS)
      end
      items[name] = value
    end
  end
  return items
end

return M
