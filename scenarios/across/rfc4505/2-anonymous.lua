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
  title    = "Nobody comes in by ANONYMOUS where nobody turned it on",
  proves   = "rfc4505-5-1",
  level    = "SHOULD", -- it may have been turned on
  says     = [[A server as it comes lets nobody in without a name. To list the mechanism and refuse it is odd, and no
               more.]],
  why      = [[Who installs a server does not think of a door that he never asked for.]],
  services = SERVICES,
  timeout  = 60,
  tags     = { "auth" },
  catches  = "sasl-anonymous-always",
  run = function(t)
    t:each_door(OTHERS, function(door)
      local r, c = login(door, "ann@client.example", true)
      if c:has "AUTH=ANONYMOUS" then t:record(door.service, "lists ANONYMOUS") end
      t:check(not door.accepted(r), "%s: ANONYMOUS logged in: it is on, or somebody turned it on", door.service)
      c:close()
    end)
  end,
}

scenario {
  name     = "any-trace",
  title    = "Any trace opens alike: an address, a word, 255 characters, none",
  proves   = { "rfc4505-2-x1", "rfc4505-2-x2", "rfc4505-2-4" },
  says     = [[The trace is a courtesy to the server's keeper. Up to 255 characters are taken, even where each has
               several octets.]],
  why      = [[A client cannot know which traces a server likes.]],
  services = SERVICES,
  needs_control = true,
  timeout  = 60,
  tags     = { "auth" },
  catches  = { "sasl-anonymous-needs-trace", "sasl-anonymous-short-trace" },
  run = function(t)
    t:control { ["do"] = "set", name = "anonymous", value = "yes" }
    local listed
    t:each_door(OTHERS, function(door)
      for what, trace in pairs { ["an address"] = "ann@client.example", ["a word"] = "sirhc",
        ["255 letters"] = ("a"):rep(255), ["255 characters in UTF-8"] = ("\u{3b1}"):rep(255), ["nothing"] = "" } do
        local r, c = login(door, trace)
        if r then
          listed = true
          t:check(door.accepted(r), "%s: ANONYMOUS with %s as trace got %s", door.service, what, r)
          door.leave(c, r)
        end
      end
    end)
    if not listed then t:skip "no service lists ANONYMOUS" end
  end,
}

scenario {
  name     = "reads-nobodys-mail",
  title    = "Who came in anonymously sees nobody's mail",
  proves   = "rfc4505-5-2",
  says     = [[There is no mailbox for him, or an empty one.]],
  why      = [[The whole world can log in this way.]],
  services = { "imap/pop3" },
  needs_control = true,
  messages = { "plain" },
  tags     = { "auth" },
  catches  = "sasl-anonymous-reads-mail",
  run = function(t)
    t:control { ["do"] = "set", name = "anonymous", value = "yes" }
    t:each_door(OTHERS, function(door)
      if door.protocol == "smtp" then return end
      local r, c = login(door, "sirhc")
      if not r then return end
      t:check(door.accepted(r), "%s: ANONYMOUS got %s", door.service, r)
      if door.protocol == "pop3" then
        c:send "STAT"
        r = c:expect("+OK", "-ERR")
        t:check(r:is "-ERR" or r.text:match "^0 0", "STAT of an anonymous session got %s", r)
        c:send "QUIT"
      else
        c:send "STATUS INBOX (MESSAGES)"
        r = c:expect("OK", "NO", "BAD")
        local status = r:is "OK" and r:one "STATUS"
        t:check(not status or status.raw:upper():find "MESSAGES 0", "an anonymous session sees mail: %s", r)
        c:close()
      end
    end)
  end,
}
