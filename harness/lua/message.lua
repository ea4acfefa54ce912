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

return M
