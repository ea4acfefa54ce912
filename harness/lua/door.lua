-- The doors of a target: every protocol in which a SASL mechanism is on offer, for rules that hold in all of them.
-- t:each_door(mechanisms, use) of the scenario language. A door where the right password does not open, by the very
-- mechanism, is left out: other scenarios say so, and nothing that is refused there would prove anything.
-- SPDX-License-Identifier: MIT
local open = require "open"
local strict = require "strict"
local wire = require "wire"

local M = {}

local ACCEPTED = { smtp = "235", imap = "OK", pop3 = "+OK" }
-- TLS from the first octet where it can be had: what STARTTLS does wrong is not the matter here.
local SERVICES = { { "smtp", "submissions", "submission" }, { "imap", "imaps", "imap" }, { "pop3", "pop3s", "pop3" } }

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

---Hangs up; a maildrop that is open is given back first, so that the next one need not wait for it.
local function leave(c, r)
  if c.protocol == "pop3" and r and r:is "+OK" then
    c:send "QUIT"
    c:expect("+OK", "-ERR", "closed")
  end
  c:close()
end

---Whether the right password opens. A mechanism that binds to the channel is not tried: that is what scenarios with
---bindings are about; its plain form stands for it, since a server may list SCRAM and have no passwords that fit it.
local function opens(t, c, mech)
  if not rawget(t, "user") then return true end
  local plain = mech:gsub("%-PLUS$", "")
  if not c:has("AUTH=" .. plain) then return true end
  -- For the plain form the server's signature is not the matter: whatever it is, its last message is answered.
  local r = c:auth { mech = plain, by_hand = true, tamper = function(_, _, challenge)
    if plain ~= mech and (challenge or ""):find "^v=" then return "" end
  end }
  leave(c, r)
  return r:is(ACCEPTED[c.protocol])
end

function M.each(t, mechanisms, use)
  if type(mechanisms) == "string" then mechanisms = { mechanisms } end
  local why = "the target offers %s nowhere"
  local used = false
  for _, row in ipairs(SERVICES) do
    local protocol = row[1]
    local service = t:offers(row[2]) and row[2] or t:offers(row[3]) and row[3]
    local c = service and enter(t, protocol, service)
    local mech = c and offered(c, mechanisms)
    if mech and opens(t, c, mech) then
      used = true
      use { protocol = protocol, service = service, mech = mech,
        open = function(o)
          local s = service -- a service in clear, where that is asked for
          if o and o.tls == "none" then s = t:offers(row[3]) and row[3] or t:skip("the target has no %s", row[3]) end
          return enter(t, protocol, s, o)
        end,
        leave = leave,
        accepted = function(r) return r:is(ACCEPTED[protocol]) end }
    elseif mech then
      why = "the right password does not open by %s"
      wire.emit { ev = "record", what = service .. ": the right password does not open by " .. mech, value = "left out",
        where = t:_where() }
    end
  end
  if not used then t:skip(why, table.concat(mechanisms, " or ")) end
end

function M.check(mechanisms, use)
  if type(mechanisms) ~= "table" then strict.string(mechanisms, "t:each_door") end
  if type(use) ~= "function" then error("t:each_door(mechanisms, use) takes a function", 3) end
end

return M
