-- The doors of a target: every protocol in which a SASL mechanism is on offer, for rules that hold in all of them.
-- t:each_door(mechanisms, use) of the scenario language.
-- SPDX-License-Identifier: MIT
local open = require "open"
local strict = require "strict"

local M = {}

local ACCEPTED = { smtp = "235", imap = "OK", pop3 = "+OK" }
local SERVICES = { { "smtp", "submission", "submissions" }, { "imap", "imap", "imaps" }, { "pop3", "pop3", "pop3s" } }

---A fresh connection to the service on which nobody has logged in, inside TLS where the server can.
local function enter(t, protocol, service, o)
  local mine = { service = service }
  for k, v in pairs(o or {}) do mine[k] = v end
  local c = open.open(t, protocol, mine)
  if not c:tls() and mine.tls ~= "none" and (c:has "STARTTLS" or c:has "STLS") then c:secure() end
  return c
end

local function offered(c, mechanisms)
  for _, mech in ipairs(mechanisms) do
    if c:has("AUTH=" .. mech) then return mech end
  end
end

function M.each(t, mechanisms, use)
  if type(mechanisms) == "string" then mechanisms = { mechanisms } end
  local found = false
  for _, row in ipairs(SERVICES) do
    local protocol = row[1]
    local service = t:offers(row[2]) and row[2] or t:offers(row[3]) and row[3]
    local mech = service and offered(enter(t, protocol, service), mechanisms)
    if mech then
      found = true
      use { protocol = protocol, service = service, mech = mech,
        open = function(o) return enter(t, protocol, service, o) end,
        accepted = function(r) return r:is(ACCEPTED[protocol]) end }
    end
  end
  if not found then t:skip("the target offers %s nowhere", table.concat(mechanisms, " or ")) end
end

function M.check(mechanisms, use)
  if type(mechanisms) ~= "table" then strict.string(mechanisms, "t:each_door") end
  if type(use) ~= "function" then error("t:each_door(mechanisms, use) takes a function", 3) end
end

return M
