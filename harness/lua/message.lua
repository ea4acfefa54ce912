-- Messages for scenarios: the global `message`. Makes them, reads them from scenarios/messages/, takes them apart as
-- far as a scenario needs. RFC 5322.
-- SPDX-License-Identifier: MIT
local strict = require "strict"
local wire = require "wire"

local M = {}
local made = 0

local OPTIONS = { from = "string", to = "string", subject = "string", body = "string", date = "string", id = "string",
  headers = "strings" }

---A message with CRLF line ends. A body keeps its own line ends if it has CRLF, else LF becomes CRLF.
function M.make(o)
  o = strict.options(o, OPTIONS, "message.make")
  made = made + 1
  local lines = {
    "From: " .. (o.from or "Ann Example <ann@client.example>"),
    "To: " .. (o.to or "Bob Example <bob@test.example>"),
    "Subject: " .. (o.subject or "a message"),
    "Date: " .. (o.date or os.date("!%a, %d %b %Y %H:%M:%S +0000")),
    "Message-ID: " .. (o.id or string.format("<%x.%d.%d@client.example>", os.time(), math.random(1 << 30), made)),
  }
  for _, line in ipairs(o.headers or {}) do lines[#lines + 1] = line end
  local body = o.body or "Hello.\r\n"
  if not body:find "\r\n" then body = body:gsub("\n", "\r\n") end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

---The bytes of scenarios/messages/NAME.eml.
function M.file(name)
  strict.string(name, "message.file")
  local path = string.format("%s/scenarios/messages/%s.eml", wire.home, name)
  local f = io.open(path, "rb")
  if not f then error(string.format("there is no scenarios/messages/%s.eml", name), 2) end
  local bytes = f:read "a"
  f:close()
  return bytes
end

---Dot-stuffs a message for DATA, without the final dot: one more dot for each line that begins with one.
---RFC 5321, 4.5.2. Only CR LF ends a line here.
function M.stuff(bytes)
  strict.string(bytes, "message.stuff")
  local out = bytes:gsub("\r\n%.", "\r\n..")
  if out:sub(1, 1) == "." then out = "." .. out end
  return out
end

---The header with its last line end, and the body after the empty line. A message without an empty line is all header.
function M.split(bytes)
  strict.string(bytes, "message.split")
  if bytes:sub(1, 2) == "\r\n" then return "", bytes:sub(3) end
  local at = bytes:find("\r\n\r\n", 1, true)
  if at then return bytes:sub(1, at + 1), bytes:sub(at + 4) end
  at = bytes:find("\n\n", 1, true)
  if at then return bytes:sub(1, at), bytes:sub(at + 2) end
  return bytes, ""
end

---Every value of the header fields of that name, unfolded, in order.
function M.headers(bytes, name)
  strict.string(name, "message.headers")
  local header = M.split(bytes):gsub("\r?\n([ \t])", "%1")
  local values = {}
  for line in header:gmatch "[^\r\n]+" do
    local field, value = line:match "^([^%s:]+)[ \t]*:[ \t]*(.-)[ \t]*$"
    if field and field:lower() == name:lower() then values[#values + 1] = value end
  end
  return values
end

---Value of the first header field of that name, unfolded; nil if there is none.
function M.header(bytes, name)
  strict.string(bytes, "message.header")
  strict.string(name, "message.header")
  return M.headers(bytes, name)[1]
end

---The parts of a multipart: strings with their own header, preamble and epilogue left out; nil when it is none or when
---its last boundary is missing. RFC 2046, 5.1.1.
function M.parts(bytes)
  local kind = M.header(bytes, "Content-Type") or ""
  local boundary = kind:match '[; \t][Bb][Oo][Uu][Nn][Dd][Aa][Rr][Yy]="([^"]+)"'
    or kind:match "[; \t][Bb][Oo][Uu][Nn][Dd][Aa][Rr][Yy]=([^%s;\"]+)"
  if not kind:lower():find "^multipart/" or not boundary then return nil end
  local _, body = M.split(bytes)
  local parts, at = {}, nil
  body = "\r\n" .. body .. "\r\n"
  local from = 1
  while true do
    local first, last = body:find("\r\n--" .. boundary, from, true)
    if not first then return nil end
    local closing, line_end = body:match("^(%-?%-?)[ \t]*\r\n()", last + 1)
    if line_end and (closing == "" or closing == "--") then
      if at then parts[#parts + 1] = body:sub(at, first - 1) end
      if closing == "--" then return parts end
      at, from = line_end, line_end - 2
    else
      from = last + 1
    end
  end
end

---Fields of one group of a delivery status: lower-case name to value; a second one of the same name is in `twice`.
local function fields(text, twice)
  local out = {}
  for line in (text:gsub("\r\n([ \t])", "%1")):gmatch "[^\r\n]+" do
    local name, value = line:match "^([^%s:]+)[ \t]*:[ \t]*(.-)[ \t]*$"
    if name and out[name:lower()] then twice[#twice + 1] = name end
    if name then out[name:lower()] = value end
  end
  return out
end

---A delivery status notification taken apart, or nil and why it is none. RFC 3464, 2.
function M.report(bytes)
  local kind = (M.header(bytes, "Content-Type") or "none"):lower()
  if not kind:find "^multipart/report" then return nil, "its type is " .. kind end
  local parts = M.parts(bytes)
  if not parts then return nil, "its parts have no end" end
  local status = parts[2] or ""
  local inner = (M.header(status, "Content-Type") or "none"):lower()
  if not inner:find "^message/[%a-]*delivery%-status" then return nil, "its second part is of type " .. inner end
  local r = { header = M.split(bytes), parts = parts, twice = {}, recipients = {}, returned = parts[3] }
  local _, text = M.split(status)
  for group in (text:gsub("^[\r\n]+", "") .. "\r\n\r\n"):gmatch "(.-\r\n)[\r\n]+" do
    if r.message then
      r.recipients[#r.recipients + 1] = fields(group, r.twice)
    else
      r.message = fields(group, r.twice)
    end
  end
  r.message = r.message or {}
  return r
end

return M
