-- VRFY. RFC 5321, 3.5.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "unknown-is-not-verified",
  title   = "VRFY of a user who does not exist does not get 250",
  proves  = { "rfc5321-3.5.3-1", "rfc5321-7.3-2" },
  says    = [[250 is for addresses that were looked up and found. Who does not want to tell says 252, for everyone.]],
  why     = [[A 250 that means nothing is worse than no answer: it is believed.]],
  catches = "smtp-vrfy-unknown-250",
  users   = 0,
  run = function(t)
    local c = t:smtp()
    c:send "VRFY nobody-of-this-name"
    local r = c:reply()
    t:check(not r:is("250", "251"), "VRFY of a user who does not exist got %s", r)
  end,
}
