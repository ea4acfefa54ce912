-- Loads scenario files and requirement catalogues and checks every word of their metadata, so that a typo is found
-- before anything runs: with file, line, and the nearest right name. The C side (harness/catalogue) calls load() and
-- reads the tables that it returns; nothing here talks to a server.
-- SPDX-License-Identifier: MIT
local M = {}

local SERVICES = { smtp = true, submission = true, submissions = true, lmtp = true, imap = true, imaps = true,
  pop3 = true, pop3s = true }

-- What stands in for a service that the scenario did not name itself.
local DEFAULT_SERVICES = { smtp = "smtp", submission = "submission", lmtp = "lmtp", imap = "imap/imaps",
  pop3 = "pop3/pop3s" }

-- How binding a level is; a scenario may lower its catalogue's level, never raise it.
local LEVELS = { MUST = 3, ["MUST NOT"] = 3, stated = 3, SHOULD = 2, ["SHOULD NOT"] = 2, MAY = 1 }

local TESTS = { wire = true, ["second host"] = true, dns = true, time = true, config = true, relay = true,
  ports = true }

-- Field name to the types it may have; "!" marks what may not be missing.
local FIELDS = {
  name = "string!", title = "string!", proves = "string|strings!", says = "string!", why = "string!",
  catches = "string|strings", run = "function!", services = "string|strings", needs = "string|strings",
  messages = "integer|strings", users = "integer", edition = "string", level = "string", timeout = "number",
  reply_timeout = "number", serial = "boolean", tags = "string|strings", destructive = "boolean",
  needs_control = "boolean", flags = "strings",
}

local REQUIREMENT_FIELDS = { id = "string!", section = "string!", level = "string!", test = "string!",
  says = "string!" }

local function keys(t)
  local list = {}
  for k in pairs(t) do list[#list + 1] = k end
  table.sort(list)
  return list
end

local function of_type(value, name)
  if name == "strings" then
    if type(value) ~= "table" then return false end
    local n = 0
    for _ in pairs(value) do n = n + 1 end
    if n ~= #value then return false end
    for _, v in ipairs(value) do
      if type(v) ~= "string" then return false end
    end
    return true
  elseif name == "integer" then
    return math.type(value) == "integer"
  end
  return type(value) == name
end

local TYPE_WORDS = { strings = "a list of strings", integer = "an integer", ["function"] = "a function",
  string = "a string", number = "a number", boolean = "true or false", table = "a table" }

local function type_words(spec)
  local words = {}
  for name in spec:gmatch "[%a]+" do words[#words + 1] = TYPE_WORDS[name] end
  return table.concat(words, " or ")
end

-- The line of `field = …` in the file, at or after `from`: Lua keeps no lines of table fields.
local function line_of(source, from, field)
  local line = 1
  local pattern = "^%s*" .. field:gsub("%W", "%%%0") .. "%s*="
  local quoted = '^%s*%["' .. field:gsub("%W", "%%%0") .. '"%]%s*='
  local inline = "[{,%s]" .. field:gsub("%W", "%%%0") .. "%s*="
  local hit
  for text in (source .. "\n"):gmatch "(.-)\n" do
    if line >= from then
      if text:find(pattern) or text:find(quoted) then return line end
      if not hit and text:find(inline) then hit = line end
      if line > from and text:find "^scenario" then break end
    end
    line = line + 1
  end
  return hit or from
end

local function as_list(value)
  if value == nil then return {} end
  if type(value) == "string" then return { value } end
  return value
end

-- ', did you mean "x"?' when something near it is known, else what is known, if that is short.
local function hint(nearest, word, known)
  local near = nearest(word, known)
  if near then return string.format('; did you mean "%s"?', near) end
  if #known <= 10 then return "; known are " .. table.concat(known, ", ") end
  return ""
end

-- Checks def against a field table; problem(field, sentence) is called for each mistake. True when it found none.
local function check_fields(def, fields, nearest, problem)
  local ok = true
  local function bad(field, ...)
    ok = false
    problem(field, string.format(...))
  end
  for _, field in ipairs(keys(fields)) do
    local spec = fields[field]
    if def[field] == nil then
      -- A misspelt field explains its missing twin: say the typo only.
      if spec:find "!" then
        local typo
        for k in pairs(def) do
          if type(k) == "string" and not fields[k] and nearest(k, { field }) then typo = true end
        end
        if not typo then bad(nil, 'the field "%s" is missing', field) end
        ok = false
      end
    else
      local right = false
      for name in spec:gmatch "%a+" do right = right or of_type(def[field], name) end
      if not right then bad(field, '"%s" is %s, got %s', field, type_words(spec), type(def[field])) end
    end
  end
  local unknown = {}
  for k in pairs(def) do
    if type(k) ~= "string" then
      bad(nil, "an entry without a field name (%s): the fields of a table are written name = value", tostring(def[k]))
    elseif not fields[k] then
      unknown[#unknown + 1] = k
    end
  end
  table.sort(unknown)
  for _, k in ipairs(unknown) do bad(k, 'unknown field "%s"%s', k, hint(nearest, k, keys(fields))) end
  return ok
end

M.check_fields = check_fields
M.hint = hint
M.keys = keys

-- Reads a file whole; nil and words when it cannot.
local function read_file(path)
  local f, why = io.open(path, "rb")
  if not f then return nil, why end
  local bytes = f:read "a"
  f:close()
  return bytes
end

M.read_file = read_file

local function load_requirements(L)
  for _, file in ipairs(L.requirement_files) do
    local function problem(line, ...)
      L.problems[#L.problems + 1] = string.format("%s:%d: %s", file, line, string.format(...))
    end
    local source = read_file(L.home .. "/" .. file) or ""
    local chunk, why = load(source, "@" .. file, "t", {})
    local ok, data
    if chunk then ok, data = pcall(chunk) end
    if not ok then
      L.problems[#L.problems + 1] = tostring(why or data)
    elseif type(data) ~= "table" or math.type(data.rfc) ~= "integer" or type(data.title) ~= "string"
        or type(data.requirements) ~= "table" then
      problem(1, "a requirement catalogue returns { rfc = NUMBER, title = TEXT, requirements = { … } }")
    else
      L.rfcs[data.rfc] = data.title
      for i, r in ipairs(data.requirements) do
        local id = type(r) == "table" and type(r.id) == "string" and r.id or nil
        local function at()
          if not id then return 1 end
          local line = 1
          local place = source:find('"' .. id .. '"', 1, true)
          if place then
            for _ in source:sub(1, place):gmatch "\n" do line = line + 1 end
          end
          return line
        end
        local function bad(sentence) problem(at(), '%s: %s', id or ("entry " .. i), sentence) end
        if type(r) ~= "table" then
          problem(1, "entry %d is no table", i)
        elseif check_fields(r, REQUIREMENT_FIELDS, L.nearest, function(_, s) bad(s) end) then
          if not LEVELS[r.level] then
            bad(string.format('unknown level "%s"%s', r.level, hint(L.nearest, r.level, keys(LEVELS))))
          elseif not TESTS[r.test] and not r.test:find "^not observable" then
            bad(string.format('unknown test "%s"%s', r.test, hint(L.nearest, r.test, keys(TESTS))))
          elseif not id:find("^rfc" .. data.rfc .. "%-") then
            bad(string.format("the id of a requirement of this file begins with rfc%d-", data.rfc))
          elseif L.requirements[id] then
            bad("the id stands twice")
          else
            r.rfc = data.rfc
            L.requirements[id] = r
            L.requirement_list[#L.requirement_list + 1] = r
          end
        end
      end
    end
  end
end

-- "scenarios/smtp/rfc5321/4.1.1.4-data.lua" -> "smtp/rfc5321", "4.1.1.4", "smtp"
local function split_place(file)
  local folder, base = file:match "^scenarios/(.+)/([^/]+)%.lua$"
  if not folder then return nil end
  local section = base:match "^([%w.]+)%-[%w%-]+$"
  return folder, section, folder:match "^[^/]+"
end

local function check_services(def, L, protocol, bad)
  local list = as_list(def.services)
  if #list == 0 then
    if not DEFAULT_SERVICES[protocol] then
      bad(nil, 'the field "services" is missing: the folder "%s" is no service', protocol)
      return {}
    end
    return { DEFAULT_SERVICES[protocol] }
  end
  for _, choice in ipairs(list) do
    for word in choice:gmatch "[^/]+" do
      if not SERVICES[word] then
        bad("services", 'unknown service "%s"%s', word, hint(L.nearest, word, keys(SERVICES)))
      end
    end
  end
  return list
end

local function check_proves(def, L, bad)
  local first, level
  local list = as_list(def.proves)
  if #list == 0 then bad("proves", '"proves" names no requirement') end
  for _, id in ipairs(list) do
    local r = L.requirements[id]
    if not r then
      L.requirement_ids = L.requirement_ids or keys(L.requirements)
      bad("proves", 'unknown requirement "%s"%s', id, hint(L.nearest, id, L.requirement_ids))
    else
      first = first or r
      if not level or LEVELS[r.level] > LEVELS[level] then level = r.level end
    end
  end
  if def.level and level then
    if not LEVELS[def.level] then
      bad("level", 'unknown level "%s"%s', def.level, hint(L.nearest, def.level, keys(LEVELS)))
    elseif LEVELS[def.level] > LEVELS[level] then
      bad("level", "the level %s is above the catalogue's %s: a scenario may only lower it", def.level, level)
    else
      level = def.level
    end
  end
  return list, first, level
end

local function declare(L, file, source, line, def)
  local function bad(field, ...)
    local at = field and line_of(source, line, field) or line
    L.problems[#L.problems + 1] = string.format("%s:%d: %s", file, at, string.format(...))
  end
  if type(def) ~= "table" then return bad(nil, "scenario takes a table, got %s", type(def)) end
  local ok = check_fields(def, FIELDS, L.nearest, function(field, s) bad(field, "%s", s) end)
  if not ok then return end
  local before = #L.problems
  local folder, section, protocol = split_place(file)
  if not section then
    return bad(nil, "the file's name says the section and a word, as in 4.1.1.4-data.lua")
  end
  if not def.name:find "^[%l%d][%l%d%-]*$" then
    bad("name", 'the name "%s" is not made of hyphenated lower-case words', def.name)
  end
  local s = {
    id = folder .. "/" .. section .. "/" .. def.name, file = file, line = line, name = def.name, title = def.title,
    says = def.says, why = def.why, run = def.run, protocol = protocol,
    catches = as_list(def.catches), needs = as_list(def.needs), tags = as_list(def.tags),
    users = def.users or 1, serial = def.serial or false, destructive = def.destructive or false,
    needs_control = def.needs_control or false, flags = def.flags,
    timeout = def.timeout or 20, reply_timeout = def.reply_timeout or 10, edition = def.edition or "both",
    messages = def.messages,
  }
  s.services = check_services(def, L, protocol, bad)
  local first
  s.proves, first, s.level = check_proves(def, L, bad)
  s.section = first and first.section or section
  s.rfc = first and first.rfc or 0
  if s.edition ~= "rev1" and s.edition ~= "rev2" and s.edition ~= "both" then
    bad("edition", 'unknown edition "%s"%s', s.edition, hint(L.nearest, s.edition, { "both", "rev1", "rev2" }))
  end
  if s.flags and not s.needs_control then bad("flags", "flags are for a server of its own: needs_control = true") end
  if s.users < 0 or s.users > 100 then bad("users", "users is a number from 0 to 100") end
  if s.timeout <= 0 then bad("timeout", "the timeout is above 0 seconds") end
  if s.reply_timeout <= 0 then bad("reply_timeout", "the reply_timeout is above 0 seconds") end
  if s.messages ~= nil then
    if s.users == 0 then bad("messages", "messages needs a user whose INBOX holds them, users is 0") end
    if type(s.messages) == "number" then
      if s.messages < 0 or s.messages > 10000 then bad("messages", "messages is a number from 0 to 10000") end
    else
      for _, name in ipairs(s.messages) do
        if not read_file(L.home .. "/scenarios/messages/" .. name .. ".eml") then
          bad("messages", 'there is no scenarios/messages/%s.eml', name)
        end
      end
    end
  end
  local twin = L.by_id[s.id]
  if twin then bad("name", "the id %s is taken by %s:%d", s.id, twin.file, twin.line) end
  if #L.problems == before then
    L.by_id[s.id] = s
    L.scenarios[#L.scenarios + 1] = s
  end
end

local function load_file(L, file)
  local source, unreadable = read_file(L.home .. "/" .. file)
  if not source then
    L.problems[#L.problems + 1] = string.format("%s:1: %s", file, unreadable)
    return
  end
  local names = keys(_G)
  names[#names + 1] = "scenario"
  -- A file sees the language and keeps its own names to itself: what it assigns globally is a forgotten `local`.
  local env = setmetatable({
    scenario = function(def)
      declare(L, file, source, debug.getinfo(2, "l").currentline, def)
    end,
  }, {
    __index = function(_, k)
      local v = rawget(_G, k)
      if v == nil and type(k) == "string" then
        error(string.format('unknown name "%s"%s', k, hint(L.nearest, k, names)), 2)
      end
      return v
    end,
    __newindex = function(_, k)
      error(string.format('"%s" is assigned without local', tostring(k)), 2)
    end,
  })
  local chunk, why = load(source, "@" .. file, "t", env)
  if chunk then
    local ok
    ok, why = pcall(chunk)
    if ok then return end
  end
  L.problems[#L.problems + 1] = tostring(why)
end

-- files: { requirements = { paths }, scenarios = { paths } }, relative to home and sorted. nearest(word, list) gives
-- the most alike word of a list or nil. Returns { scenarios, by_id, requirements (by id), requirement_list, rfcs,
-- problems = { "file:line: sentence" } }.
function M.load(home, files, nearest)
  local L = {
    home = home, nearest = nearest, requirement_files = files.requirements, scenarios = {}, by_id = {},
    requirements = {}, requirement_list = {}, rfcs = {}, problems = {},
  }
  load_requirements(L)
  for _, file in ipairs(files.scenarios) do load_file(L, file) end
  table.sort(L.scenarios, function(a, b)
    if a.file ~= b.file then return a.file < b.file end
    return a.line < b.line
  end)
  return L
end

return M
