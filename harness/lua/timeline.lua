-- The time line `t` of a scenario: opens connections, judges, records, and runs the scenario. Loaded by
-- harness/run/script.c, which calls run(scenario, context) for each scenario.
-- SPDX-License-Identifier: MIT
local wire = require "wire"
imap = require "imap"
message = require "message"
mime = require "mime"

local door = require "door"
local mailbox = require "mailbox"
local open = require "open"
local queue = require "queue"
local show = require "show"
local sink = require "sink"
local strict = require "strict"

local M = {}
local timeline = {}

local FIELDS = { user = true, users = true, messages = true, domain = true, marker = true, target = true,
  edition = true }
local class = strict.class("the time line t", timeline, FIELDS)
local by_class = class.__index

function class.__index(t, k)
  if k == "user" then
    error("this scenario leases no account (users = 0), so there is no t.user", 2)
  elseif k == "marker" then
    t._context.marked = true -- prepare.tidy looks for what carries it
    return t._context.marker or ""
  elseif k == "messages" then
    return nil
  end
  return by_class(t, k)
end

-- Where the scenario stands -----------------------------------------------------------------------------------

local OURS = "@" .. wire.home .. "/harness/lua/"

---"scenarios/….lua:21" of the innermost line of the scenario's own file; of any file but ours if it has none.
local function where(context)
  local other
  for level = 2, 60 do
    local info = debug.getinfo(level, "Sl")
    if not info then break end
    if info.currentline > 0 then
      if context.file and info.source == "@" .. context.file then
        return context.file .. ":" .. info.currentline
      end
      if not other and info.source:sub(1, #OURS) ~= OURS then
        other = info.short_src .. ":" .. info.currentline
      end
    end
  end
  return other or ""
end

function timeline:_where() return where(self._context) end

function timeline:_step(c, text)
  wire.emit { ev = "step", conn = c and c._h:number() or nil, text = text, where = where(self._context) }
end

function timeline:_name(kind)
  if kind then
    self._looks = self._looks + 1
    return kind .. self._looks
  end
  self._opened = self._opened + 1
  return "c" .. self._opened
end

-- Judging -----------------------------------------------------------------------------------------------------

local function sentence(format, ...)
  if type(format) ~= "string" then
    error(string.format("the sentence is a string, got %s", type(format)), 3)
  end
  if select("#", ...) == 0 then return format end
  local args = table.pack(...)
  for i = 1, args.n do
    -- %d of nil says "number expected, got nil" without the name of anything: show what there is.
    if type(args[i]) == "string" then
      args[i] = show.text(args[i], 400)
    elseif type(args[i]) ~= "number" then
      args[i] = show.value(args[i])
    end
  end
  local ok, text = pcall(string.format, format, table.unpack(args, 1, args.n))
  if ok then return text end
  for i = 1, args.n do args[i] = tostring(args[i]) end
  return format .. " (" .. table.concat(args, ", ") .. ")"
end

---Notes a failure: the verdict is decided, the script may go on.
function timeline:_missed(why)
  local at = where(self._context)
  wire.emit { ev = "check", ok = false, text = why, where = at }
  self._failures[#self._failures + 1] = { why = why, where = at, before = self._before > 0 }
end

---Runs f: what fails inside is a prerequisite of the scenario and not its point, so the verdict is "dependency". The
---scenario whose point it is opens its connections by hand and says so.
function timeline:_prerequisite(f, ...)
  self._before = self._before + 1
  local result = table.pack(f(...))
  self._before = self._before - 1
  return table.unpack(result, 1, result.n)
end

---A failure that ends the scenario.
function timeline:_fail(why)
  self:_missed(why)
  error(setmetatable({ stop = "fail", why = why }, self._stopped), 0)
end

function timeline:check(cond, format, ...)
  local text = sentence(format, ...)
  if cond then
    wire.emit { ev = "check", ok = true, text = text, where = where(self._context) }
    return true
  end
  self:_missed(text)
  return false
end

local function same(a, b, depth)
  if a == b then return true end
  if type(a) ~= "table" or type(b) ~= "table" or depth > 32 then return false end
  for k, v in pairs(a) do
    if not same(v, rawget(b, k), depth + 1) then return false end
  end
  for k in pairs(b) do
    if rawget(a, k) == nil then return false end
  end
  return true
end

---Where two long strings part, so that the message shows it.
local function difference(got, want)
  if type(got) ~= "string" or type(want) ~= "string" or (#got < 100 and #want < 100) then
    return string.format("got %s, want %s", show.value(got), show.value(want))
  end
  local low, high = 0, math.min(#got, #want)
  while low < high do
    local middle = (low + high + 1) // 2
    if got:sub(1, middle) == want:sub(1, middle) then low = middle else high = middle - 1 end
  end
  local from = math.max(low - 20, 1)
  return string.format("%d bytes, want %d; they part at byte %d: got %s, want %s", #got, #want, low + 1,
    show.quoted(got:sub(from, low + 40)), show.quoted(want:sub(from, low + 40)))
end

function timeline:equal(got, want, what)
  strict.string(what, "t:equal(got, want, what)")
  if same(got, want, 0) then return self:check(true, "%s", what .. ": " .. show.text(show.value(got), 200)) end
  self:_missed(what .. ": " .. difference(got, want))
  return false
end

function timeline:record(what, value)
  strict.string(what, "t:record")
  if type(value) == "string" then
    value = show.text(value, 2000)
  elseif type(value) == "table" then
    value = show.value(value)
  elseif type(value) == "nil" then
    value = "none"
  end
  wire.emit { ev = "record", what = what, value = value, where = where(self._context) }
end

function timeline:pass(format, ...)
  local text = format and sentence(format, ...) or ""
  error(setmetatable({ stop = "pass", why = text, where = where(self._context) }, self._stopped), 0)
end

function timeline:fail(format, ...) self:_fail(sentence(format, ...)) end

function timeline:skip(format, ...)
  local text = sentence(format, ...)
  error(setmetatable({ stop = "skip", why = text, where = where(self._context) }, self._stopped), 0)
end

-- Connections -------------------------------------------------------------------------------------------------

function timeline:smtp(o) return open.open(self, "smtp", o) end
function timeline:imap(o) return open.open(self, "imap", o) end
function timeline:pop3(o) return open.open(self, "pop3", o) end

function timeline:submission(o)
  local mine = { login = true }
  for k, v in pairs(o or {}) do mine[k] = v end
  local services = self._context.target.services
  mine.service = mine.service or (not services.submission and services.submissions and "submissions") or "submission"
  return open.open(self, "smtp", mine)
end

function timeline:each_door(mechanisms, use)
  door.check(mechanisms, use)
  door.each(self, mechanisms, use)
end

---The second host, and what holds the target's strings.
function timeline:listen(o) return sink.listen(self, o) end

function timeline:identity(name, o) return sink.identity(self, name, o) end
function timeline:control(ask) return sink.control(self, ask) end
function timeline:zone(...) queue.zone(self, ...) end
function timeline:submit(to, o) return queue.submit(self, to, o) end
function timeline:advance(seconds) queue.advance(self, seconds) end
function timeline:settle() return queue.settle(self) end
function timeline:report(marker) return queue.report(self, marker) end

---Whether the target offers a service: "pop3", "lmtp".
function timeline:offers(service)
  strict.string(service, "t:offers")
  return self._context.target.services[service] ~= nil
end

-- Mail --------------------------------------------------------------------------------------------------------

local function reachable(t)
  local s = t._context.target.services
  return s.imap or s.imaps or s.pop3 or s.pop3s or t._context.target.maildir
end

function timeline:delivered(marker, o)
  strict.string(marker, "t:delivered")
  o = strict.options(o, { user = "table", seconds = "number", optional = "boolean", judge = "boolean" }, "t:delivered")
  if not reachable(self) then self:skip "the target shows its mailboxes over no protocol that mailproof speaks" end
  local user = o.user or self.user
  local seconds = (o.seconds or 10) * (self._context.timeout_scale or 1)
  self:_step(nil, string.format("look for %s in the INBOX of %s", show.quoted(marker), user.name))
  local hit, all = mailbox.wait(self, user, seconds, function(messages)
    for _, bytes in ipairs(messages) do
      if bytes:find(marker, 1, true) then return bytes end
    end
  end, function() return sink.at_rest(self) end)
  if not hit and not o.optional then
    local why = string.format("no message with %s in the INBOX of %s within %s (%d other message%s)",
      show.quoted(marker), user.name, show.seconds(seconds), #all, #all == 1 and "" or "s")
    if o.judge then self:_fail(why) end
    self:_prerequisite(self._fail, self, why)
  end
  return hit, all
end

function timeline:inbox(user)
  if not reachable(self) then self:skip "the target shows its mailboxes over no protocol that mailproof speaks" end
  user = user or self.user
  self:_step(nil, "look into the INBOX of " .. user.name)
  local reader = mailbox.reader(self, user)
  local messages = self:_prerequisite(reader.all)
  reader.close()
  return messages
end

function timeline:deliver(bytes, user)
  strict.string(bytes, "t:deliver")
  user = user or self.user
  self:_step(nil, "put a message into the INBOX of " .. user.name)
  local prepare = require "prepare"
  if not prepare.fillable(self._context) then self:skip("%s", prepare.NO_WAY) end
  self:_prerequisite(prepare.put, self, user, bytes)
end

-- Time and chance ---------------------------------------------------------------------------------------------

function timeline:pause(seconds)
  if type(seconds) ~= "number" then error("t:pause takes a number of seconds", 2) end
  self:_step(nil, "pause " .. show.seconds(seconds))
  wire.pause(seconds)
end

function timeline.now() return wire.now() end

---xorshift64*: the same numbers for the same seed and scenario, whatever else runs.
function timeline:random(low, high)
  if math.type(low) ~= "integer" or math.type(high) ~= "integer" or low > high then
    error("t:random takes two integers, the lower one first", 2)
  end
  local x = self._random
  x = x ~ (x >> 12)
  x = x ~ (x << 25)
  x = x ~ (x >> 27)
  self._random = x
  local range = high - low + 1
  local r = (x * 0x2545F4914F6CDD1D) >> 1
  return range > 0 and low + r % range or r
end

local function seed_of(context)
  local x = math.tointeger(context.seed) or 1
  for i = 1, #(context.id or "") do x = x * 1099511628211 ~ context.id:byte(i) end
  return x ~= 0 and x or 1
end

-- Running -----------------------------------------------------------------------------------------------------

---A time line for a context. quiet: errors are plain sentences and nothing is recorded (prepare.lua).
function M.new(context)
  local stopped = { __tostring = function(e) return e.why end }
  local t = { users = context.users or {}, domain = context.domain,
    target = context.target.name, edition = context.edition, _context = context, _failures = {}, _conns = {},
    _opened = 0, _looks = 0, _before = 0, _random = seed_of(context), _stopped = stopped }
  t.user = t.users[1]
  t.messages = context.messages or {}
  return setmetatable(t, class), stopped
end

---What becomes of a failure, by the level of the requirement.
local function weigh(level)
  level = level or "MUST"
  if level:find "^SHOULD" or level:find "^RECOMMENDED" or level:find "^NOT RECOMMENDED" then return "weak" end
  if level:find "^MAY" or level:find "^OPTIONAL" then return "noted" end
  return "fail"
end

---Runs one scenario: verdict, why, where.
function M.run(scenario, context)
  local t, stopped = M.new(context)
  local function caught(e)
    if type(e) == "table" and getmetatable(e) == stopped then return e end
    local at = where(context)
    local why = tostring(e)
    if at ~= "" and why:find(at .. ": ", 1, true) then why = why:gsub("^.-:%d+: ", "", 1) end
    return { stop = "error", why = why, where = at }
  end
  local ok, e = xpcall(scenario.run, caught, t)
  if ok then e = { stop = "pass", why = "", where = "" } end
  if e.stop == "error" then return "error", e.why, e.where end
  local first = t._failures[1]
  if first then return first.before and "dependency" or weigh(context.level), first.why, first.where end
  return e.stop == "skip" and "skip" or "pass", e.why, e.where or ""
end

return M
