-- Objects and option tables that know their names: a misspelt one is an error in the scenario file, with the nearest
-- right name, and not a silent nil.
-- SPDX-License-Identifier: MIT
local wire = require "wire"

local M = {}

local function sorted(...)
  local list = {}
  for _, t in ipairs { ... } do
    for k in pairs(t) do
      if type(k) == "string" and not k:find "^_" then list[#list + 1] = k end
    end
  end
  table.sort(list)
  return list
end

function M.hint(name, ...)
  local known = sorted(...)
  local near = wire.nearest(tostring(name), known)
  if near then return string.format('; did you mean "%s"?', near) end
  return "; known are " .. table.concat(known, ", ")
end

---A metatable for objects called `what` in errors. methods: name to function. fields: set of names that an object may
---lack; reading one of them gives nil. Everything else is an error.
function M.class(what, methods, fields)
  local meta = { __name = what, methods = methods, fields = fields }
  function meta.__index(_, k)
    local v = methods[k]
    if v ~= nil then return v end
    if fields[k] or type(k) ~= "string" or k:find "^_" then return nil end
    error(string.format('%s has no "%s"%s', what, k, M.hint(k, methods, fields)), 2)
  end
  function meta.__newindex(self, k, v)
    if type(k) == "string" and not k:find "^_" and not fields[k] then
      error(string.format('%s has no field "%s"%s', what, k, M.hint(k, fields)), 2)
    end
    rawset(self, k, v)
  end
  return meta
end

local TYPES = {
  string = "a string", number = "a number", boolean = "true or false", table = "a table",
  ["function"] = "a function", ["string or false"] = "a string or false",
  ["string or function"] = "a string or a function",
  ["string or strings"] = "a string or a list of strings", strings = "a list of strings", any = "anything",
}

local function fits(v, want)
  if want == "any" then return true end
  if want == "string or false" then return v == false or type(v) == "string" end
  if want == "string or function" then return type(v) == "string" or type(v) == "function" end
  if want == "strings" then return type(v) == "table" end
  if want == "string or strings" then return type(v) == "string" or type(v) == "table" end
  return type(v) == want
end

---Checks an option table (nil is an empty one) against name-to-type and returns it. level: whose line is to blame.
function M.options(o, allowed, what, level)
  if o == nil then return {} end
  level = (level or 1) + 2
  if type(o) ~= "table" then
    error(string.format("%s takes a table of options, got %s", what, type(o)), level)
  end
  for k, v in pairs(o) do
    local want = allowed[k]
    if not want then
      error(string.format('%s has no option "%s"%s', what, tostring(k), M.hint(k, allowed)), level)
    elseif not fits(v, want) then
      error(string.format('option "%s" of %s is %s, got %s', k, what, TYPES[want], type(v)), level)
    end
  end
  return o
end

function M.string(v, what, level)
  if type(v) ~= "string" then
    error(string.format("%s takes a string, got %s", what, type(v)), (level or 1) + 2)
  end
  return v
end

return M
