-- Opens connections as t:smtp, t:imap and t:pop3 promise: which service, greeting, EHLO, TLS, login, mailbox.
-- SPDX-License-Identifier: MIT
local connection = require "conn"
local imap = require "imap"
local pop3_class = require "pop3"
local smtp_class = require "smtp"
local strict = require "strict"
local wire = require "wire"

local M = {}

local OPTIONS = { service = "string", tls = "string", greet = "boolean", ehlo = "string or false", login = "boolean",
  user = "table", select = "string", examine = "string", enable = "strings", family = "number", source = "string",
  name = "string" }
for k, v in pairs(connection.TLS_OPTIONS) do OPTIONS[k] = v end

local PROTOCOL = { smtp = "smtp", submission = "smtp", submissions = "smtp", lmtp = "smtp", imap = "imap",
  imaps = "imap", pop3 = "pop3", pop3s = "pop3" }
local DEFAULT = { smtp = { "smtp" }, imap = { "imap", "imaps" }, pop3 = { "pop3", "pop3s" } }
local GREETING = { smtp = "220", imap = { "* OK", "* PREAUTH" }, pop3 = "+OK" }
local TLS = { none = true, starttls = true, implicit = true }

-- The driver's own trouble: no verdict about the server follows from it.
local OURS = { "Too many open files", "Cannot allocate memory", "Network is unreachable", "cannot use the source",
  "source address", "cannot make a socket", "cannot look up" }

local function service_of(t, protocol, o)
  local services = t._context.target.services
  if o.service then
    if PROTOCOL[o.service] ~= protocol then
      error(string.format('"%s" is no %s service%s', o.service, protocol:upper(), strict.hint(o.service, PROTOCOL)), 4)
    end
    if not services[o.service] then t:skip("the target has no %s service", o.service) end
    return o.service
  end
  for _, name in ipairs(DEFAULT[protocol]) do
    if services[name] then return name end
  end
  t:skip("the target has no %s service", DEFAULT[protocol][1])
end

---The host for the wanted address family; loopback has one of each.
local function host_for(t, host, family)
  if not family then return host end
  local six = host:find ":" ~= nil
  local four = host:find "^%d+%.%d+%.%d+%.%d+$" ~= nil
  if (family == 6 and not four) or (family == 4 and not six) then return host end
  if family == 6 and host:find "^127%." then return "::1" end
  if family == 4 and host == "::1" then return "127.0.0.1" end
  t:skip("the target's address %s has no IPv%d counterpart", host, family)
end

---"127.0.0.1:25", "[::1]:25"
function M.address(host, port)
  return string.format(host:find ":" and "[%s]:%d" or "%s:%d", host, port)
end

local function connect(t, protocol, service, o)
  local context = t._context
  local at = context.target.services[service]
  local host = host_for(t, at.host, o.family)
  local source = o.source or context.target.source
  if source and (source:find ":" ~= nil) ~= (host:find ":" ~= nil) then source = nil end
  local name = o.name or t:_name()
  t:_step(nil, string.format("connect %s to %s at %s", name, service, M.address(host, at.port)))
  local handle, why = wire.connect { name = name, host = host, port = at.port, source = source, family = o.family,
    protocol = protocol, service = service,
    timeout = (context.reply_timeout or 10) * (context.timeout_scale or 1) }
  if not handle then
    why = why:gsub("^cannot connect to .- port %d+: ", "")
    why = why:sub(1, 1):lower() .. why:sub(2)
    why = string.format("cannot reach %s at %s: %s", service, M.address(host, at.port), why)
    for _, words in ipairs(OURS) do
      if why:lower():find(words:lower(), 1, true) then error(why, 0) end
    end
    if o.family and host ~= at.host then t:skip("%s", why) end
    t:_fail(why)
  end
  local spec = { name = name, protocol = protocol, service = service, host = host, port = at.port }
  local c
  if protocol == "imap" then
    c = imap.new(t, handle, spec)
  else
    c = connection.new(protocol == "smtp" and smtp_class or pop3_class, t, handle, spec)
  end
  t._conns[#t._conns + 1] = c
  c._tls_options = {}
  for k in pairs(connection.TLS_OPTIONS) do c._tls_options[k] = o[k] end
  return c
end

---Whether logging in asks for TLS first: the target file says, or the server does.
local function wants_tls(t, c)
  if c._h:tls().in_tls then return false end
  local said = t._context.target.login_tls
  if said ~= nil then return said end
  local caps = c:capabilities()
  if c.protocol == "imap" then return caps.LOGINDISABLED ~= nil and caps.STARTTLS ~= nil end
  if c.protocol == "pop3" then return caps.STLS ~= nil and caps.USER == nil and caps.SASL == nil end
  return caps.AUTH == nil and caps.STARTTLS ~= nil
end

local function login_failed(t, c, user, r)
  local said = tostring(r.closed and r or r.raw:gsub("\r?\n$", ""))
  if c.protocol == "imap" and not r.closed then said = r.last:gsub("^%S+ ", ""):gsub("\r?\n$", "") end
  t:_fail(string.format('login as "%s" refused by %s at %s: %s', user.name, c.service, M.address(c.host, c.port),
    require "show".text(said, 200)))
end

local login = {}

function login.imap(t, c, user)
  local r
  if c:capabilities().LOGINDISABLED then
    r = c:auth { user = user }
  else
    local quotable = not (user.name .. user.password):find "[%z\r\n\128-\255]"
    if quotable then
      c:send(string.format("LOGIN %s %s", imap.quote(user.name), imap.quote(user.password)))
    else
      c:command("LOGIN ", { literal = user.name }, " ", { literal = user.password })
    end
    r = c:expect("OK", "NO", "BAD", "closed")
  end
  if not r:is "OK" then login_failed(t, c, user, r) end
end

function login.pop3(t, c, user)
  -- The maildrop may still be locked by a session that has just ended, or (SYS/TEMP) be made for the first time by
  -- another one at this moment, as in Cyrus: ask again for a little while.
  local deadline, pause = wire.now() + 3, 0.02
  while true do
    c:send("USER " .. user.name)
    local r = c:expect("+OK", "-ERR", "closed")
    if r:is "+OK" then
      c:send("PASS " .. user.password)
      r = c:expect("+OK", "-ERR", "closed")
      if r:is "+OK" then return end
      local locked = not r.closed and (r:is("-ERR [IN-USE]", "-ERR [SYS/TEMP]") or r.text:lower():find "lock")
      if not locked or wire.now() > deadline then login_failed(t, c, user, r) end
    else
      -- Some servers have no USER; they say so in CAPA.
      if c:has "SASL" then
        r = c:auth { user = user }
        if r:is "+OK" then return end
      end
      login_failed(t, c, user, r)
    end
    wire.pause(pause)
    pause = math.min(pause * 2, 0.2)
  end
end

function login.smtp(t, c, user)
  local r = c:auth { user = user }
  if not r:is "235" then login_failed(t, c, user, r) end
end

---Logs in on an open connection, or fails with who, where and what the server said.
function M.login(t, c, user) login[c.protocol](t, c, user) end

function M.open(t, protocol, o)
  o = strict.options(o, OPTIONS, "t:" .. protocol, 2)
  if o.tls and not TLS[o.tls] then
    error(string.format('tls = "%s"%s', o.tls, strict.hint(o.tls, TLS)), 3)
  end
  if o.family and o.family ~= 4 and o.family ~= 6 then error("family is 4 or 6", 3) end
  return t:_prerequisite(M._open, t, protocol, service_of(t, protocol, o), o)
end

function M._open(t, protocol, service, o)
  local user = o.login ~= false and (o.user or ((o.login or o.select or o.examine or o.enable) and t.user)) or nil
  if o.user and not (o.login or o.select or o.examine or o.enable) then user = nil end
  local c = connect(t, protocol, service, o)
  local tls = o.tls or (service:find "s$" and "implicit" or nil)
  if tls == "implicit" then
    t:_step(c, "TLS handshake")
    local done, why = c:_handshake {}
    if not done then t:_fail("TLS with " .. service .. ": " .. why) end
  end
  if o.greet == false then return c end
  c:expect(GREETING[protocol])
  if protocol == "smtp" then
    if type(o.ehlo) == "string" then c._ehlo = o.ehlo end
    if o.ehlo ~= false or tls == "starttls" or user then c:_hello() end
  end
  if tls == "starttls" or (user and tls == nil and wants_tls(t, c)) then c:secure() end
  if user and not (protocol == "imap" and c.greeting:is "PREAUTH") then login[protocol](t, c, user) end
  if protocol == "imap" then
    if o.enable then
      c:send("ENABLE " .. table.concat(o.enable, " "))
      c:expect "OK"
    end
    local mailbox = o.select or o.examine
    if mailbox then
      c:command(o.select and "SELECT " or "EXAMINE ", imap.quote(mailbox))
      c.selected = c:expect "OK"
    end
  end
  return c
end

return M
