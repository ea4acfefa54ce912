-- What a scenario does to the queue of the server under test: what its DNS says, mail for other hosts, its clock. The
-- other host is harness/lua/sink.lua.
-- SPDX-License-Identifier: MIT
local sink = require "sink"
local strict = require "strict"

local M = {}

---Adds records to the DNS of the server.
function M.zone(t, ...)
  for i = 1, select("#", ...) do strict.string((select(i, ...)), "t:zone", 2) end
  sink.control(t, { ["do"] = "dns", add = { ... } })
end

function M.advance(t, seconds)
  if type(seconds) ~= "number" then error("t:advance takes a number of seconds", 3) end
  sink.control(t, { ["do"] = "advance", seconds = seconds })
end

-- A line for each domain of these recipients: it has its address there.
local function addresses(recipients, at)
  local lines, known = {}, {}
  for _, one in ipairs(recipients) do
    local domain = strict.string(one, "t:submit", 3):match "^[^@]+@([^@ ]+)"
    if not domain then error(string.format('t:submit: "%s" has no domain that could be at %s', one, at), 4) end
    if not known[domain] then lines[#lines + 1] = domain .. ". A " .. at end
    known[domain] = true
  end
  return lines
end

local SUBMIT = { at = "string", from = "string", params = "string", data = "string", subject = "string",
  tls = "string" }

---One mail of the user for other hosts, after login.
function M.submit(t, to, o)
  o = strict.options(o, SUBMIT, "t:submit", 2)
  local recipients = type(to) == "table" and to or { to }
  if #recipients == 0 then error("t:submit takes a recipient or a list of them", 3) end
  if o.at then M.zone(t, table.unpack(addresses(recipients, o.at))) end
  return t:submission { tls = o.tls }:mail { from = o.from or t.user.address, to = recipients, params = o.params,
    data = o.data or message.make { subject = o.subject or t.marker } }
end

---Waits until the queue is at rest, but not for long: a server that does what it should not may have no rest.
function M.settle(t)
  t:_step(nil, "wait until the queue is at rest")
  return sink.at_rest(t, 3)
end

---The report about it in the user's INBOX, taken apart, and its bytes.
function M.report(t, marker)
  local bytes = t:delivered(marker or t.marker, { judge = true })
  local r, why = message.report(bytes)
  if not r then t:fail("the report is none: %s", why) end
  return r, bytes
end

return M
