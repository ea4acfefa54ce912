-- Targets: reads target files and --target URLs, checks them, and says what a scenario gets to see of its target.
-- harness/run/target.c starts and stops the programs; nothing here touches the network.
--
-- A target file returns a table: name, services = { smtp = "127.0.0.1:25", … } or start = { "command", "arg", … },
-- accounts = { { name =, password =, address = }, … }, domain, ca, source, verify_name, ehlo, throwaway, fill, maildir,
-- login_tls, baseline, stop, look ("pop3": mailboxes are looked at and emptied over POP3 even where there is IMAP).
-- It may use the table `mailproof`: home, state (a fresh folder), daemon (mailproofd's path), port_base, faults (of
-- --fault), flags (those that the scenario wants for a server of its own).
-- SPDX-License-Identifier: MIT
local scenario = ...
local M = {}

local PORTS = { smtp = 25, submission = 587, submissions = 465, lmtp = 24, imap = 143, imaps = 993, pop3 = 110,
  pop3s = 995 }

local FIELDS = {
  name = "string", services = "table", start = "strings", stop = "strings", accounts = "table", domain = "string",
  ca = "string", source = "string", verify_name = "string", ehlo = "string", throwaway = "boolean",
  fill = "string|function", maildir = "string|function", login_tls = "boolean", baseline = "string",
  look = "string", ready_seconds = "number", about = "string", software = "string", reset = "function",
  faults = "boolean", own_server = "boolean", relay_port = "number",
}

local FILLS = { append = true, lmtp = true, smtp = true, pop3 = true }

-- "host:port", "host", "[::1]:25", "::1" -> host, port
local function split_address(text, default_port)
  local host, port = text:match "^%[([^%]]+)%]:(%d+)$"
  if not host then host = text:match "^%[([^%]]+)%]$" end
  if not host then host, port = text:match "^([^:]+):(%d+)$" end
  if not host and (text:find "^[^:]+$" or text:find ":.*:") then host = text end
  port = tonumber(port or default_port)
  if not host or host == "" or not port or port < 1 or port > 65535 then return nil end
  return host, math.tointeger(port)
end

local function add_service(target, service, text, nearest)
  if not PORTS[service] then
    return nil, string.format('unknown service "%s"%s', tostring(service),
      scenario.hint(nearest, tostring(service), scenario.keys(PORTS)))
  end
  local host, port
  if type(text) == "table" then
    host, port = text.host, text.port or PORTS[service]
  else
    host, port = split_address(tostring(text), PORTS[service])
  end
  if not host then return nil, string.format('"%s" is no HOST or HOST:PORT', tostring(text)) end
  target.services[service] = { host = host, port = port }
  return true
end

-- urls: { "smtp://host:port", … } of one server.
function M.from_urls(urls, nearest)
  local target = { services = {}, accounts = {}, throwaway = false, kind = "url" }
  for _, url in ipairs(urls) do
    local scheme, rest = url:match "^(%w+)://([^/]+)/?$"
    if not scheme then return nil, string.format('"%s" is no URL like imap://host:143', url) end
    if target.services[scheme:lower()] then return nil, string.format("%s is named twice", scheme) end
    local ok, why = add_service(target, scheme:lower(), rest, nearest)
    if not ok then return nil, why .. string.format(' in "%s"', url) end
    target.name = target.name or target.services[scheme:lower()].host
  end
  return target
end

-- Checks what a target file returned; path is for messages. Returns the target that the rest works with.
function M.from_file(path, def, nearest)
  local problems = {}
  if type(def) ~= "table" then return nil, path .. ": a target file returns a table" end
  scenario.check_fields(def, FIELDS, nearest, function(_, s) problems[#problems + 1] = path .. ": " .. s end)
  if #problems > 0 then return nil, table.concat(problems, "\n") end
  local target = {}
  for k, v in pairs(def) do target[k] = v end
  target.kind = "file"
  target.state = mailproof and mailproof.state
  target.name = def.name or path:match "([^/]+)%.lua$" or path
  target.throwaway = def.throwaway or false
  target.services = {}
  target.accounts = {}
  for _, service in ipairs(scenario.keys(def.services or {})) do
    local ok, why = add_service(target, service, def.services[service], nearest)
    if not ok then return nil, path .. ": " .. why end
  end
  if not next(target.services) and not def.start then
    return nil, path .. ": names neither services nor a start command"
  end
  if type(def.fill) == "string" and not FILLS[def.fill] then
    return nil, string.format('%s: unknown fill "%s"%s', path, def.fill,
      scenario.hint(nearest, def.fill, scenario.keys(FILLS)))
  end
  if def.look and def.look ~= "imap" and def.look ~= "pop3" then
    return nil, string.format('%s: look is "imap" (the default) or "pop3", not "%s"', path, def.look)
  end
  for i, a in ipairs(def.accounts or {}) do
    if type(a) ~= "table" or type(a.name) ~= "string" or type(a.password) ~= "string" then
      return nil, string.format("%s: account %d has no name and password", path, i)
    end
    target.accounts[i] = { name = a.name, password = a.password,
      address = a.address or (a.name:find "@" and a.name) or (a.name .. "@" .. (def.domain or "localhost")) }
  end
  -- A relative file stands beside the target file.
  local folder = path:match "^(.*)/[^/]*$" or "."
  for _, k in ipairs { "baseline", "ca" } do
    if target[k] and not target[k]:find "^/" then target[k] = folder .. "/" .. target[k] end
  end
  return target
end

-- What the program that a target file started said when it was ready.
function M.ready(target, line, nearest)
  for _, service in ipairs(scenario.keys(line.services or {})) do
    local ok, why = add_service(target, service, line.services[service], nearest)
    if not ok then return nil, "the target's ready line: " .. why end
  end
  target.ca = line.ca or target.ca
  target.control = line.control
  target.software = line.software or target.software
  target.state = target.state or line.state
  if not next(target.services) then return nil, "the target's ready line names no services" end
  return true
end

-- Command-line wishes on top: users = { "name:password", … }, domain, ca, source, verify_name.
function M.apply(target, o)
  target.ca = o.ca or target.ca
  target.source = o.source or target.source
  target.verify_name = o.verify_name or target.verify_name
  if o.domain then target.domain = o.domain end
  local given = {}
  for i, text in ipairs(o.users or {}) do
    local name, password = text:match "^([^:]+):(.*)$"
    if not name then return nil, string.format('--user %s: written as NAME:PASSWORD', text) end
    given[i] = { name = name, password = password }
  end
  if #given > 0 then target.accounts = given end
  if not target.domain and target.accounts[1] then
    target.domain = target.accounts[1].name:match "@(.+)$"
      or (target.accounts[1].address or ""):match "@(.+)$"
  end
  target.domain = target.domain or "localhost"
  for _, a in ipairs(target.accounts) do
    a.address = a.address or (a.name:find "@" and a.name) or (a.name .. "@" .. target.domain)
  end
  return true
end

-- The first service of "imap/imaps" that the target has, or nil.
function M.service_of(target, choice)
  for word in choice:gmatch "[^/]+" do
    if target.services[word] then return word end
  end
end

local function has(words, capability)
  if not words then return false end
  capability = capability:upper()
  if words[capability] ~= nil then return true end
  local key, value = capability:match "^([^=]+)=(.+)$"
  if not key then return false end
  for _, k in ipairs { key, key == "AUTH" and "SASL" or key } do
    local params = words[k]
    if type(params) == "string" then
      for word in params:upper():gmatch "%S+" do
        if word == value then return true end
      end
    elseif type(params) == "table" then
      for _, word in ipairs(params) do
        if tostring(word):upper() == value then return true end
      end
    end
  end
  return false
end

-- The services that the needs of a scenario ask about, added to the set `out`.
local function split_need(target, s, need)
  local service, stage, word = M.service_of(target, s.services[1]), "clear", need
  while true do
    local prefix, rest = word:match "^(%a[%w]*):(.+)$"
    if not prefix then break end
    if prefix == "tls" or prefix == "login" then
      stage = prefix
    elseif PORTS[prefix] then
      service = M.service_of(target, prefix) or M.service_of(target, prefix .. "s")
    else
      break
    end
    word = rest
  end
  return service, stage, word
end

-- Why its INBOX cannot be made to hold what it declares, or nil: mail gets in by IMAP, LMTP or SMTP (prepare.lua), and
-- what lies there already goes by IMAP or POP3.
local function unfillable(target, messages)
  local function none(...)
    for _, word in ipairs { ... } do
      if target.services[word] then return false end
    end
    return true
  end
  if not target.maildir and none("imap", "imaps", "pop3", "pop3s") then
    return "it empties an INBOX: the target has no imap or pop3 (one more --target)"
  end
  if messages ~= 0 and not target.fill and none("imap", "imaps", "lmtp", "smtp") then
    return "it needs mail in an INBOX: the target has no imap, lmtp or smtp (one more --target)"
  end
end

-- Why this scenario cannot run on this target, or nil. caps: service -> { clear =, tls =, login = } of the probe, or
-- nil before it. allow: --allow-destructive.
function M.skip_reason(target, s, caps, allow)
  -- A program that is not started yet has not said what it serves.
  for _, choice in ipairs(next(target.services) and s.services or {}) do
    if not M.service_of(target, choice) then
      return string.format("the target has no %s", choice:gsub("/", " or "))
    end
  end
  if s.needs_control and next(target.services) and not target.control then
    return "it needs a control socket, to answer for the DNS and to move the clock"
  end
  if s.messages and next(target.services) and not s.needs_control then
    local why = unfillable(target, s.messages)
    if why then return why end
  end
  if s.flags and not target.own_server then return "it needs a mailproofd that is started for it" end
  if s.users > #target.accounts then
    if #target.accounts == 0 then return "it needs an account (--user NAME:PASSWORD)" end
    return string.format("it needs %d accounts, the target has %d", s.users, #target.accounts)
  end
  if not target.throwaway and not allow then
    if s.messages then return "it empties an INBOX: --allow-destructive" end
    if s.destructive then return "it changes more than messages: --allow-destructive" end
  end
  if not caps then return nil end
  local needs = { table.unpack(s.needs) }
  if s.edition == "rev1" then needs[#needs + 1] = "imap:login:IMAP4REV1" end
  if s.edition == "rev2" then needs[#needs + 1] = "imap:login:IMAP4REV2" end
  for _, need in ipairs(needs) do
    local service, stage, word = split_need(target, s, need)
    local found = service and caps[service]
    if not service then return string.format("it needs %s", need) end
    if found then
      local words = found[stage]
      -- Implicit TLS has no clear stage, a server without logins no third one.
      if stage == "clear" and not words then words = found.tls end
      if stage == "login" and #target.accounts == 0 then return "it needs an account (--user NAME:PASSWORD)" end
      if not has(words, word) then
        local when = stage == "tls" and " inside TLS" or stage == "login" and " after login" or ""
        return string.format("the target does not announce %s over %s%s", word, service, when)
      end
    end
  end
end

-- What each scenario, probe and helper is given. o: seed, timeout_scale, marker.
function M.context(target, s, users, o)
  local given = {}
  for i, n in ipairs(users) do given[i] = target.accounts[n] end
  return {
    id = s and s.id or "probe", level = s and s.level or "MUST", file = s and s.file or "", users = given,
    user = given[1], domain = target.domain, marker = o.marker, seed = o.seed, timeout_scale = o.timeout_scale,
    reply_timeout = s and s.reply_timeout or 10, timeout = s and s.timeout or 20, edition = s and s.edition or "both",
    home = o.home, target = target, services = s and s.services, own = s and s.needs_control,
  }
end

return M
