-- The second host of a scenario: a listening socket that takes mail as the script wants it taken, and the line to the
-- target's control socket. The server under test is the client here, so nothing is linted: what it says is judged by
-- the scenario.
-- SPDX-License-Identifier: MIT
local show = require "show"
local strict = require "strict"
local wire = require "wire"

local M = {}
local sink, session, identity = {}, {}, {}
local sink_class = strict.class("a sink", sink, { address = true, port = true })
local identity_class = strict.class("an identity", identity, {})
local session_class = strict.class("a session of a sink", session, { name = true, greeted = true, from = true,
  to = true, message = true, lines = true, tls = true, tls_why = true })

local LISTEN = { protocol = "string", address = "string", port = "number" }

---t:listen{address =, port =}: default the port that the target relays to.
function M.listen(t, o)
  o = strict.options(o, LISTEN, "t:listen", 2)
  if o.protocol and o.protocol ~= "smtp" then error('t:listen: the protocol is "smtp"', 3) end
  local address, port = o.address or "127.0.0.2", o.port or t._context.target.relay_port or 0
  t:_step(nil, string.format("listen at %s:%d", address, port))
  local listener, why = wire.listen(address, port)
  if not listener then error(string.format("%s:%d: %s", address, port, why), 0) end
  return setmetatable({ address = address, port = listener:port(), _l = listener, _t = t }, sink_class)
end

local function limit(self) return (self._t._context.reply_timeout or 10) * (self._t._context.timeout_scale or 1) end

---Whether the queue of a server of the scenario's own has nothing to do until its clock moves on, now or within the
---seconds: then nobody has to wait for what does not come.
function M.at_rest(t, seconds)
  local path = t._context.own and t._context.target.control
  if not path then return false end
  local answer = wire.control(path, { ["do"] = "rest", seconds = seconds or 0 }, limit { _t = t })
  return answer ~= nil and answer.ok == true
end

local LOOK_SECONDS = 0.02

---A connection of the server under test, or nil when none came within the seconds, or before its queue was at rest.
function sink:accept(seconds)
  local t = self._t
  seconds = (seconds or 5) * (t._context.timeout_scale or 1)
  t:_step(nil, string.format("accept at %s:%d", self.address, self.port))
  local name, deadline = t:_name "s", wire.now() + seconds
  local handle, why
  repeat
    local over = M.at_rest(t)                              -- before the look: who connects is not at rest
    local left = over and 0 or math.max(deadline - wire.now(), 0)
    handle, why = self._l:accept(name, self.address, t._context.own and math.min(left, LOOK_SECONDS) or left)
    if why then error(why, 0) end
  until handle or over or wire.now() >= deadline
  if not handle then return nil end
  return setmetatable({ name = name, to = {}, lines = {}, _h = handle, _t = t }, session_class)
end

---Stops listening: who connects from now on is refused.
function sink:close() self._l:close() end

---The bytes up to and with `mark`; nil when the other side closed first, and, where `idle` is true, when it has nothing
---more to do though it keeps the connection.
local function up_to(self, mark, what, idle)
  local t, deadline = self._t, wire.now() + limit(self)
  while true do
    local over = idle and M.at_rest(t)                     -- before the look: what was said by then is there
    if over then self._h:fill(#self._h:input(), 0) end
    local bytes = self._h:input()
    local _, stop = bytes:find(mark, 1, true)
    if stop then
      self._h:took(stop)
      return bytes:sub(1, stop)
    end
    local left = math.max(deadline - wire.now(), 0)
    local rc = over and -1 or self._h:fill(#bytes, idle and t._context.own and math.min(left, LOOK_SECONDS) or left)
    if rc < 0 then return nil end
    if rc == 0 and left == 0 then
      t:_fail(string.format("the relaying server sent no %s within %s", what, show.seconds(limit(self))))
    end
  end
end

local function next_line(self, idle)
  local line = up_to(self, "\r\n", "line", idle)
  if not line then return nil end
  self.lines[#self.lines + 1] = line:sub(1, -3)
  return line:sub(1, -3)
end

---The next line without its CRLF; nil when the connection ended.
function session:read_line() return next_line(self, false) end

---Sends a reply; "\n" parts its lines: the separators are put in.
function session:reply(text)
  strict.string(text, "reply")
  self._t:_step(nil, self.name .. " replies " .. show.quoted(text, 200))
  local code, rest = text:match "^(%d%d%d) ?(.*)$"
  local parts, out = {}, {}
  for part in ((rest or text) .. "\n"):gmatch "(.-)\n" do parts[#parts + 1] = part end
  for i, part in ipairs(parts) do
    out[i] = (code and code .. (i < #parts and "-" or " ") or "") .. part .. "\r\n"
  end
  return (self._h:write(table.concat(out), limit(self)))
end

---Sends exactly these bytes, in one write.
function session:write(bytes)
  strict.string(bytes, "write")
  self._t:_step(nil, self.name .. " writes " .. show.quoted(bytes, 200))
  return (self._h:write(bytes, limit(self)))
end

---The message after 354 as it came, dots undone; nil when the connection ended first. `raw` is what was on the wire.
function session:data()
  local first = up_to(self, "\r\n", "message")
  if not first then return nil end
  local raw = first
  if first ~= ".\r\n" then
    local rest = up_to(self, "\r\n.\r\n", "end of the message")
    if not rest then return nil end
    raw = first .. rest
  end
  local text = raw:sub(1, -4)
  return (("\r\n" .. text):gsub("\r\n%.", "\r\n"):sub(3)), text
end

---A certificate for a second host with that name in it, signed by itself, or by the authority that the scenario's own
---server was started with: t:identity("mx.example", {expired = true}).
function M.identity(t, name, o)
  strict.string(name, "t:identity")
  o = strict.options(o, { expired = "boolean", trusted = "boolean" }, "t:identity", 2)
  local folder = o.trusted and (t._context.target.state or "") or nil
  return setmetatable({ _i = wire.identity(name, o.expired or false, folder) }, identity_class)
end

---The data of a TLSA record "3 1 1" that is right for it.
function identity:tlsa() return "3 1 1 " .. self._i:spki() end
---The server_name that the last client sent, "" for none.
function identity:asked() return self._i:asked() end

---The server's side of a handshake, after the reply to STARTTLS; whether it succeeded, and why not.
function session:starttls(who)
  self._t:_step(nil, self.name .. " begins TLS")
  return wire.serve_tls(self._h, who._i, limit(self))
end

---What has come and was not read yet; does not wait.
function session:unread() return self._h:input() end

function session:close() self._h:finish "close" end

local STEPS_MOST, STEP_SECONDS = 150, 50

local SERVE = { seconds = "number", ehlo = "string", greeting = "string", mail = "string", rcpt = "string or function",
  data = "string", dot = "string", tls = "table", ehlo_in_tls = "string" }

---Serves one session with these replies (2yz where none is given) up to the first message or refusal, then hangs up:
---a relay may keep a connection open for long in the hope of more mail. Returns the session (from, to with their
---parameters, message); nil when nobody came.
function sink:serve(o)
  o = strict.options(o, SERVE, "serve")
  local s = self:accept(o.seconds)
  if not s then return nil end
  local greeting = o.greeting or "220 sink.example"
  s:reply(greeting)
  if greeting:find "^4" or greeting:find "^5" then
    s:read_line()
    s:close()
    return s
  end
  local function answer(text)
    s:reply(text)
    return not text:find "^[45]"
  end
  local going = true
  while going do
    local line = s:read_line()
    if not line then break end
    local verb = (line:match "^%a+" or ""):upper()
    if verb == "EHLO" or verb == "HELO" then
      s.greeted = line
      local words = s.tls and (o.ehlo_in_tls or o.ehlo) or o.ehlo
      if o.tls and not s.tls then words = words and words .. "\nSTARTTLS" or "STARTTLS" end
      s:reply(verb == "EHLO" and words and "250 sink.example\n" .. words or "250 sink.example")
    elseif verb == "STARTTLS" and o.tls and not s.tls then
      s:reply "220 go on"
      s.tls, s.tls_why = s:starttls(o.tls)
      going = s.tls
    elseif verb == "MAIL" then
      s.from = line:match "^%a+ +[Ff][Rr][Oo][Mm]:(.*)$"
      going = answer(o.mail or "250 ok")
    elseif verb == "RCPT" then
      s.to[#s.to + 1] = line:match "^%a+ +[Tt][Oo]:(.*)$"
      if type(o.rcpt) == "function" then
        s:reply(o.rcpt(s.to[#s.to]))                       -- recipients differ: the others go on
      else
        going = answer(o.rcpt or "250 ok")
      end
    elseif verb == "DATA" then
      going = answer(o.data or "354 go on")
      if going then
        s.message = s:data()
        if s.message then s:reply(o.dot or "250 taken") end
        going = false
      end
    elseif verb == "QUIT" then
      s:reply "221 bye"
      break
    elseif verb == "RSET" then
      s:reply "250 ok"
      going = #s.to == 0                                   -- every recipient was refused: the transaction is over
    elseif verb == "NOOP" then
      s:reply "250 ok"
    else
      s:reply "502 not here"
    end
  end
  s:close()
  return s
end

---As serve, for mail that waits: the server's clock goes on until a session comes. In small steps, so that the server's
---own patience with a connection does not run out on the way; an answer of "at rest" ends the wait in each of them.
function sink:serve_later(o)
  o = strict.options(o, SERVE, "serve_later")
  for _ = 1, STEPS_MOST do
    M.control(self._t, { ["do"] = "advance", seconds = STEP_SECONDS })
    local s = self:serve(o)
    if s then return s end
  end
  self._t:_fail(string.format("the mail was not sent again in %.0f minutes", STEPS_MOST * STEP_SECONDS / 60))
end

---The first command after EHLO, of a session with a host that lists these extensions (nil: none): "" when the server
---hung up or has nothing to say, nil when it did not even connect. The session is open if there is something to answer.
function sink:first_command(extensions, seconds)
  local s = self:accept(seconds)
  if not s then return nil end
  s:reply "220 sink.example"
  local line = s:read_line()
  if line then
    s:reply("250 sink.example" .. (extensions and "\n" .. extensions or ""))
    line = next_line(s, true)
  end
  if line == "QUIT" then s:reply "221 bye" end
  if line == nil or line == "QUIT" then s:close() end
  return line or "", s
end

local CONTROL_SECONDS = 30 -- days of clock, with an attempt every half minute, on a busy machine

---One line to the target's control socket, and its answer. A target without one skips the scenario.
function M.control(t, ask)
  local path = t._context.target.control
  if type(ask) ~= "table" or type(ask["do"]) ~= "string" then
    error('t:control takes a table with a string "do"', 3)
  end
  if not path then t:skip "the target has no control socket" end
  t:_step(nil, "control: " .. ask["do"])
  local answer, why = wire.control(path, ask, CONTROL_SECONDS * (t._context.timeout_scale or 1))
  if not answer then error(why, 0) end
  if answer.ok ~= true then
    error(string.format("the control socket refused %s: %s", ask["do"], tostring(answer.error)), 0)
  end
  return answer
end

return M
