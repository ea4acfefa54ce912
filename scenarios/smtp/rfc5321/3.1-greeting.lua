-- The first thing a server says. RFC 5321, 3.1 and 4.3.1.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "speaks-first-with-host-name",
  title   = "The greeting comes unasked: 220 and the server's host name",
  proves  = { "rfc5321-i-3.1-1", "rfc5321-i-4.3.1-3" },
  says    = [[When a connection opens the server talks first: one reply with code 220 whose text begins
              with its own host name or an address literal.]],
  why     = [[Clients hold their tongue until they have read the greeting; many log or check the name in it to
              see that they reached the host they wanted.]],
  catches = { "smtp-greeting-wrong-code", "smtp-greeting-no-host", "smtp-greeting-codes-differ" },
  users   = 0,
  run = function(t)
    local c = t:smtp { ehlo = false, greet = false }
    local greeting = c:reply()
    t:check(greeting:is "220", "greets with %s, a ready server says 220", greeting)
    local word = greeting.lines[1]:match "^(%S+)" or ""
    local literal = word:match "^%[[%x.:IPv]+%]$"
    local name = word:match "^%w[%w-]*%.[%w.-]*%w%.?$" or word:match "^%w[%w-]*%w$"
    t:check(literal or name, "the first word after 220 is %q: neither a host name nor an address literal", word)
  end,
}
