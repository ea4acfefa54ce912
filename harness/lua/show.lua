-- How bytes are shown to a reader: on one line, printable, no longer than asked.
-- SPDX-License-Identifier: MIT
local M = {}

local NAMES = { ["\r"] = "\\r", ["\n"] = "\\n", ["\t"] = "\\t", ["\\"] = "\\\\" }

local function escape(c) return NAMES[c] or string.format("\\x%02X", c:byte()) end

---The bytes with control and 8-bit characters spelled out, cut after `limit` bytes (default 120).
function M.text(bytes, limit)
  limit = limit or 120
  local rest = #bytes - limit
  if rest > 0 then bytes = bytes:sub(1, limit) end
  local shown = bytes:gsub("[%c\\]", escape)
  if not utf8.len(shown) then shown = shown:gsub("[\128-\255]", escape) end
  if rest > 0 then shown = shown .. string.format("… (%d more bytes)", rest) end
  return shown
end

---The same between quotation marks.
function M.quoted(bytes, limit) return '"' .. M.text(bytes, limit) .. '"' end

---A Lua value as it would be written, tables included, for the message of t:equal.
function M.value(v, depth)
  depth = depth or 0
  if type(v) == "string" then return M.quoted(v, 200) end
  if type(v) ~= "table" then return tostring(v) end
  local meta = getmetatable(v)
  if meta and meta.__tostring then return tostring(v) end
  if depth > 4 then return "{…}" end
  local parts, n = {}, #v
  for i = 1, math.min(n, 20) do parts[i] = M.value(v[i], depth + 1) end
  if n > 20 then parts[#parts + 1] = string.format("… (%d in all)", n) end
  local names = {}
  for k in pairs(v) do
    if not (math.type(k) == "integer" and k >= 1 and k <= n) then names[#names + 1] = k end
  end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for _, k in ipairs(names) do parts[#parts + 1] = tostring(k) .. " = " .. M.value(v[k], depth + 1) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

---"no matching account": the first letter of a sentence made small, for use inside another.
function M.inner(sentence)
  if sentence:find "^%u%l" then return sentence:sub(1, 1):lower() .. sentence:sub(2) end
  return sentence
end

---"0.05 s", "10 s"
function M.seconds(s) return string.format("%.4g s", s) end

return M
