-- ANONYMOUS: who comes in without being anybody. RFC 4505.
-- SPDX-License-Identifier: MIT
local SERVICES = { "submission/imap/pop3" }

-- Any other mechanism: the doors of the target. Whether ANONYMOUS opens there is the point here.
local OTHERS = { "PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1" }

-- The reply to ANONYMOUS with this trace, and the connection; nil where it is not on the list.
local function login(door, trace, unlisted)
  local c = door.open()
  if not unlisted and not c:has "AUTH=ANONYMOUS" then return nil, c:close() end
  return c:auth { mech = "ANONYMOUS", by_hand = true, tamper = function() return trace end }, c
end

scenario {
  name     = "off-unless-turned-on",
  title    = "ANONYMOUS is neither listed nor taken where nobody turned it on",
  proves   = "rfc4505-5-1",
  says     = [[A server as it comes lets nobody in without a name.]],
  why      = [[Who installs a server does not think of a door that he never asked for.]],
  services = SERVICES,
  timeout  = 60,
  tags     = { "auth" },
  catches  = "sasl-anonymous-always",
  run = function(t)
    t:each_door(OTHERS, function(door)
      local r, c = login(door, "ann@client.example", true)
      t:check(not c:has "AUTH=ANONYMOUS", "%s lists ANONYMOUS", door.service)
      t:check(not door.accepted(r), "%s: ANONYMOUS logged in", door.service)
      c:close()
    end)
  end,
}
