-- Writes JSON: keys in the order given, strings as valid UTF-8 whatever bytes they hold.
-- SPDX-License-Identifier: MIT
local json = { null = {} }
local OBJECT, ARRAY = {}, {}

-- A table of { key, value } pairs; a nil value leaves the key out.
function json.object(pairs_in_order) return setmetatable(pairs_in_order, OBJECT) end
function json.array(list) return setmetatable(list, ARRAY) end

local names = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quote(s)
  if not utf8.len(s) then
    s = s:gsub("[\x80-\xff]", function(c) return ("\\x%02X"):format(c:byte()) end)
  end
  return '"' .. s:gsub('[%c"\\\x7f]', function(c)
    return names[c] or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local function number(v)
  if math.type(v) == "integer" then return ("%d"):format(v) end
  if v ~= v or v == math.huge or v == -math.huge then return "null" end
  local s = ("%.6f"):format(v):gsub("0+$", ""):gsub("%.$", "")
  return s
end

-- indent: "\n" puts each member of the outermost objects and arrays on a line of its own; nil is one line.
function json.encode(v, indent)
  local t = type(v)
  if v == json.null or t == "nil" then return "null" end
  if t == "boolean" then return tostring(v) end
  if t == "number" then return number(v) end
  if t == "string" then return quote(v) end
  assert(t == "table", "JSON has no place for a " .. t)
  local parts, meta = {}, getmetatable(v)
  local deeper = indent and #indent < 5 and indent .. "  " or nil
  if meta == OBJECT then
    for _, member in ipairs(v) do
      if member[2] ~= nil then
        parts[#parts + 1] = quote(member[1]) .. (indent and ": " or ":") .. json.encode(member[2], deeper)
      end
    end
  elseif meta == ARRAY or #v > 0 then
    for i, member in ipairs(v) do parts[i] = json.encode(member, deeper) end
  else
    local keys = {}
    for key in pairs(v) do keys[#keys + 1] = key end
    table.sort(keys)
    for i, key in ipairs(keys) do
      parts[i] = quote(tostring(key)) .. (indent and ": " or ":") .. json.encode(v[key], deeper)
    end
    meta = OBJECT
  end
  local open, close = "[", "]"
  if meta == OBJECT then open, close = "{", "}" end
  if #parts == 0 then return open .. close end
  if deeper then return open .. deeper .. table.concat(parts, "," .. deeper) .. indent .. close end
  return open .. table.concat(parts, indent and ", " or ",") .. close
end

return json
