-- Structured matching of untagged IMAP responses: what imap_reply:match does.
--
--   match(untagged, { "* $n EXISTS", "* 1 FETCH (UID $uid FLAGS (\\Seen ...))", none = { "* $ EXPUNGE" } })
--
-- A template is written like the response, with or without its "* ". Its words:
--   word      an atom, number or string spelled like this; ASCII case does not count
--   "text"    exactly these bytes, however they were sent; also for words that begin with $
--   NIL       NIL, and not the string "NIL"
--   $name     anything at the first match, and from then on something equal
--   $         anything
--   ...       at the end of a list: the rest of it, possibly nothing
--   ( )       a list; [ ] a response code behind OK, NO, BAD, BYE, PREAUTH
-- A number that the template leaves out ("* EXISTS") may be any; so may the code and the text of a status
-- response, and the value of the last item of a FETCH or the like ("* FETCH (UID ...)"). Where IMAP gives an
-- order no meaning, order does not count: FETCH, STATUS, ESEARCH and ID items, flags, LIST attributes,
-- capabilities, SEARCH results. Everything else is matched in order and completely.
--
-- Each template takes an untagged response of its own; all ways to deal them out are tried, within a limit.
-- SPDX-License-Identifier: MIT

-- NIL as it stands among values: the binding's, or a table of our own where there is none.
local binding, wire = pcall(require, "wire")
local M = { NIL = binding and wire.NIL or {} }

local STATUS = { OK = true, NO = true, BAD = true, BYE = true, PREAUTH = true }
local STEPS = 1000000 -- comparisons that one match may take

-- How values are compared. "set": any order. "pairs": names and values, the pairs in any order; `inner` says
-- how the values of some names are compared.
local ORDERED = { how = "ordered" }
local SET = { how = "set" }
local PAIRS = { how = "pairs", inner = {} }
local FETCH_ITEMS = { how = "pairs", inner = { FLAGS = SET } }

-- The top level of each response, and of each response code.
local TOP = {
  FLAGS = { how = "ordered", at = { SET } },
  LIST = { how = "ordered", at = { SET } },
  LSUB = { how = "ordered", at = { SET } },
  XLIST = { how = "ordered", at = { SET } },
  FETCH = { how = "ordered", at = { FETCH_ITEMS } },
  STATUS = { how = "ordered", at = { ORDERED, PAIRS } },
  ID = { how = "ordered", at = { PAIRS } },
  ESEARCH = { how = "esearch" },
  SEARCH = SET,
  CAPABILITY = SET,
  ENABLED = SET,
}
local CODE = {
  PERMANENTFLAGS = { how = "ordered", at = { SET } },
  BADCHARSET = { how = "ordered", at = { SET } },
  CAPABILITY = SET,
}

-- Templates ------------------------------------------------------------------------------------------------

local function bad(template, why)
  error(("template %q: %s"):format(template, why), 0)
end

local read_items

-- One node of the template that begins at `at`; returns it and the position behind it.
local function read_node(template, at, in_code)
  local c = template:sub(at, at)
  if c == "(" then
    local items, behind, rest = read_items(template, at + 1, ")", in_code)
    return { kind = "list", items = items, rest = rest }, behind
  end
  if c == '"' then
    local bytes, i = {}, at + 1
    while template:sub(i, i) ~= '"' do
      if template:sub(i, i) == "\\" then i = i + 1 end
      if i > #template then bad(template, "a quoted string has no end") end
      bytes[#bytes + 1] = template:sub(i, i)
      i = i + 1
    end
    return { kind = "quoted", text = table.concat(bytes) }, i + 1
  end
  if c == "$" then
    local name, behind = template:match("^([%a_][%w_]*)()", at + 1)
    local node = name and { kind = "bind", name = name } or { kind = "any" }
    behind = behind or at + 1
    if template:find(in_code and '^[^ %)%]]' or "^[^ %)]", behind) then
      bad(template, "a name behind $ is made of letters, digits and _")
    end
    return node, behind
  end
  local i = at
  local stop = in_code and '[ ()"%]]' or '[ ()"]'
  while i <= #template and not template:find("^" .. stop, i) do
    if not in_code and i > at and template:sub(i, i) == "[" then -- BODY[HEADER.FIELDS (DATE)]<0>
      local close = template:find("]", i, true)
      if not close then bad(template, "a section has no ]") end
      i = close
    end
    i = i + 1
  end
  local text = template:sub(at, i - 1)
  if text == "" then bad(template, ("%q is not expected here"):format(c)) end
  if text == "..." or text == "\u{2026}" then return { kind = "rest" }, i end
  return { kind = "word", text = text:upper() }, i
end

-- Nodes up to `close` (or the end, where close is nil); returns them, the position behind and whether "..."
-- stood last.
function read_items(template, at, close, in_code)
  local items, rest = {}, false
  while true do
    at = template:match("^ *()", at)
    if at > #template then
      if close then bad(template, close .. " is missing") end
      return items, at, rest
    end
    if close and template:sub(at, at) == close then return items, at + 1, rest end
    if rest then bad(template, "... has to be the last of its list") end
    local node
    node, at = read_node(template, at, in_code)
    if node.kind == "rest" then
      rest = true
    else
      items[#items + 1] = node
    end
  end
end

local function read_status(t, template, at)
  at = template:match("^ *()", at)
  if template:sub(at, at) == "[" then
    local items, behind, rest = read_items(template, at + 1, "]", true)
    if #items == 0 then bad(template, "a response code has to have a name") end
    t.code = table.remove(items, 1)
    t.code_args = { kind = "list", items = items, rest = rest }
    at = template:match("^ *()", behind)
  end
  local text = template:sub(at)
  if text ~= "" and text ~= "..." and text ~= "\u{2026}" then t.text = text end
end

-- The template as a table: number (a node or nil), type, data (a list node), or code, code_args, text.
local function read_template(template)
  if type(template) ~= "string" then error("a template has to be a string, not a " .. type(template), 0) end
  local t = { source = template }
  local at = template:match("^%* +()") or template:match("^ *()")
  local node
  if at <= #template then node, at = read_node(template, at) end
  if node and (node.kind == "any" or node.kind == "bind" or node.kind == "word" and node.text:find("^%d+$")) then
    t.number = node
    at = template:match("^ *()", at)
    node = nil
    if at <= #template then node, at = read_node(template, at) end
  end
  if not node or node.kind ~= "word" then bad(template, "it has to name a response: EXISTS, FETCH, OK, ...") end
  t.type = node.text
  if STATUS[t.type] then
    read_status(t, template, at)
  else
    local items, _, rest = read_items(template, at)
    t.data = { kind = "list", items = items, rest = rest }
  end
  return t
end

-- Values ---------------------------------------------------------------------------------------------------

local function is_nil(v)
  return v == M.NIL
end

local function is_list(v)
  return type(v) == "table" and not is_nil(v)
end

local function equal(a, b)
  if a == b then return true end
  if not is_list(a) or not is_list(b) or #a ~= #b then return false end
  for i = 1, #a do
    if not equal(a[i], b[i]) then return false end
  end
  return true
end

local function is_word(text, v)
  if is_nil(v) then return text == "NIL" end
  if type(v) == "string" then return v:upper() == text and text ~= "NIL" end
  return math.type(v) == "integer" and text:find("^%d+$") ~= nil and tonumber(text) == v
end

-- Matching, with a continuation: every function calls `go` once for each way to match and returns true as
-- soon as one of them leads to the end. `s` holds the bindings and counts the steps.

local match_value

local function step(s)
  s.steps = s.steps + 1
  if s.steps > STEPS then error("these templates can be dealt out in too many ways", 0) end
end

local function match_ordered(s, mode, items, rest, values, i, go)
  if i > #items then return (rest or #values == #items) and go() end
  if i > #values then return false end
  return match_value(s, mode.at and mode.at[i] or ORDERED, items[i], values[i], function()
    return match_ordered(s, mode, items, rest, values, i + 1, go)
  end)
end

-- Deals `width` values at a time (1: a set, 2: pairs) to the template's items, from the i-th on.
local function match_any_order(s, mode, width, items, rest, values, i, used, go)
  if i > #items then return (rest or #values == #items) and go() end
  for k = 1, #values - width + 1, width do
    if not used[k] then
      used[k] = true
      local done = match_value(s, ORDERED, items[i], values[k], function()
        local function onward()
          return match_any_order(s, mode, width, items, rest, values, i + width, used, go)
        end
        if width == 1 then return onward() end
        local inner = type(values[k]) == "string" and mode.inner[values[k]:upper()] or ORDERED
        return match_value(s, inner, items[i + 1], values[k + 1], onward)
      end)
      if done then return true end
      used[k] = nil
    end
  end
  return false
end

local function tail(list, from)
  return table.move(list, from, #list, 1, {})
end

-- ESEARCH: (TAG "a1"), then UID, then pairs. A correlator that the template leaves out may be there.
local function match_esearch(s, items, rest, values, go)
  local function pairs_of(i, v)
    return match_any_order(s, PAIRS, 2, tail(items, i), rest, tail(values, v), 1, {}, go)
  end
  local function uid(i, v)
    local wanted = items[i] ~= nil and items[i].kind == "word" and items[i].text == "UID"
    local there = values[v] ~= nil and is_word("UID", values[v])
    if wanted ~= there then return false end
    return pairs_of(wanted and i + 1 or i, there and v + 1 or v)
  end
  if items[1] and items[1].kind == "list" then
    return values[1] ~= nil and match_value(s, ORDERED, items[1], values[1], function() return uid(2, 2) end)
  end
  return uid(1, is_list(values[1]) and 2 or 1)
end

local function match_list(s, mode, node, values, go)
  if mode.how == "set" then return match_any_order(s, mode, 1, node.items, node.rest, values, 1, {}, go) end
  if mode.how == "pairs" then return match_any_order(s, mode, 2, node.items, node.rest, values, 1, {}, go) end
  if mode.how == "esearch" then return match_esearch(s, node.items, node.rest, values, go) end
  return match_ordered(s, mode, node.items, node.rest, values, 1, go)
end

function match_value(s, mode, node, v, go)
  step(s)
  if node == nil then return go() end -- a name at the end of a list of pairs: its value may be anything
  if node.kind == "any" then return go() end
  if node.kind == "bind" then
    local bound = s.bind[node.name]
    if bound ~= nil then return equal(bound, v) and go() end
    s.bind[node.name] = v
    if go() then return true end
    s.bind[node.name] = nil
    return false
  end
  if node.kind == "word" then return is_word(node.text, v) and go() end
  if node.kind == "quoted" then
    return (v == node.text or (math.type(v) == "integer" and tostring(v) == node.text)) and go()
  end
  return is_list(v) and match_list(s, mode, node, v, go)
end

local function match_response(s, t, u, go)
  step(s)
  if t.type ~= u.type:upper() then return false end
  if t.number and (u.number == nil) then return false end
  local function body()
    if t.data then return match_list(s, TOP[t.type] or ORDERED, t.data, u.data or {}, go) end
    if t.text and t.text ~= u.text then return false end
    if not t.code then return go() end
    if not u.code then return false end
    return match_value(s, ORDERED, t.code, u.code, function()
      return match_list(s, CODE[u.code:upper()] or ORDERED, t.code_args, u.code_args or {}, go)
    end)
  end
  if t.number then return match_value(s, ORDERED, t.number, u.number, body) end
  return body()
end

-- Gives the templates from the i-th on a response each.
local function deal(s, templates, untagged, used, i)
  if i > #templates then return true end
  if i > s.furthest then
    s.furthest = i
    s.known = {}
    for name, v in pairs(s.bind) do s.known[name] = v end
  end
  for k, u in ipairs(untagged) do
    if not used[k] then
      used[k] = true
      if match_response(s, templates[i], u, function() return deal(s, templates, untagged, used, i + 1) end) then
        return true
      end
      used[k] = nil
    end
  end
  return false
end

-- Sentences ------------------------------------------------------------------------------------------------

local function show(v)
  if is_nil(v) then return "NIL" end
  if type(v) ~= "table" then return tostring(v) end
  local words = {}
  for i, item in ipairs(v) do words[i] = show(item) end
  return "(" .. table.concat(words, " ") .. ")"
end

local function short(raw)
  local text = raw:gsub("\r?\n$", ""):gsub("[^\32-\126]", ".")
  return #text > 100 and text:sub(1, 97) .. "..." or text
end

local function show_response(u)
  if u.raw then return short(u.raw) end
  local words = { "*", u.number and tostring(u.number) or nil }
  words[#words + 1] = u.type
  for _, v in ipairs(u.data or {}) do words[#words + 1] = show(v) end
  return short(table.concat(words, " "))
end

local function nothing_matches(t, bind, untagged)
  local seen, others = {}, 0
  for _, u in ipairs(untagged) do
    if u.type:upper() == t.type then
      if #seen < 3 then seen[#seen + 1] = show_response(u) else others = others + 1 end
    end
  end
  local words = { ("nothing matches %q"):format(t.source) }
  local names = {}
  for name in pairs(bind) do
    if t.source:find("$" .. name, 1, true) then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do names[i] = ("$%s = %s"):format(name, show(bind[name])) end
  if #names > 0 then words[#words + 1] = " with " .. table.concat(names, ", ") end
  if #seen == 0 then
    words[#words + 1] = (": no %s came"):format(t.type)
  else
    words[#words + 1] = ": got " .. table.concat(seen, " | ")
    if others > 0 then words[#words + 1] = (" and %d more"):format(others) end
  end
  return table.concat(words)
end

---Matches untagged responses against templates.
---@param untagged imap_untagged[]
---@param templates string[]|{none?: string[]}
---@return table<string, any>|nil bindings   nil when they do not match
---@return string|nil sentence               then: what was missing, or came and must not
function M.match(untagged, templates)
  if type(templates) == "string" then templates = { templates } end
  local read = {}
  for i, template in ipairs(templates) do read[i] = read_template(template) end
  local s = { bind = {}, steps = 0, furthest = 0, known = {} }
  if not deal(s, read, untagged, {}, 1) then
    return nil, nothing_matches(read[s.furthest], s.known, untagged)
  end
  local none = templates.none or {}
  if type(none) == "string" then none = { none } end
  for _, template in ipairs(none) do
    local t = read_template(template)
    for _, u in ipairs(untagged) do
      if match_response({ bind = setmetatable({}, { __index = s.bind }), steps = 0 }, t, u,
                        function() return true end) then
        return nil, ("%q must not come, but there is %s"):format(template, show_response(u))
      end
    end
  end
  return s.bind
end

return M
