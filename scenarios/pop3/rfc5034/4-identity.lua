-- Whom AUTH PLAIN asks to act for, where that is no name. RFC 5034, 4.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "asks-to-be-nobody",
  title   = "A name to act for that cannot be prepared, or of which nothing is left, makes the login fail",
  proves  = "rfc5034-4-20",
  says    = [[A control character in that name, or a name of a soft hyphen alone, is not passed over as if no name had
              been given.]],
  why     = [[The client asked for somebody else's maildrop, and would delete what is in its own.]],
  needs   = { "SASL" },
  tags    = { "auth" },
  catches = "sasl-plain-authzid-ignored",
  run = function(t)
    t:each_door("PLAIN", function(door)
      if door.protocol ~= "pop3" then return end
      for what, name in pairs { ["a BEL"] = t.user.name .. "\7", ["a soft hyphen alone"] = "\u{AD}" } do
        local c = door.open()
        local r = c:auth { mech = "PLAIN", by_hand = true, tamper = function()
          return name .. "\0" .. t.user.name .. "\0" .. t.user.password
        end }
        t:check(not door.accepted(r), "a login to act for %s was taken", what)
        door.leave(c, r)
      end
    end)
  end,
}
