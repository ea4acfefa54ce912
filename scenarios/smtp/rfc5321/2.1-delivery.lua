-- What a 250 to the final dot promises. RFC 5321, 2.1 and 4.2.5.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "accepted-is-delivered",
  title   = "A message that was accepted is in every recipient's mailbox, once",
  proves  = { "rfc5321-2.1-4", "rfc5321-4.1.1.4-6" },
  says    = [[After 250 to the final dot each accepted recipient gets the message, and gets it once.]],
  why     = [[It is the whole contract: the client forgets the message at that 250.]],
  catches = { "smtp-loses-after-250", "smtp-delivers-to-first-only" },
  users   = 2,
  run = function(t)
    local c = t:smtp()
    c:mail { from = "ann@client.example", to = { t.users[1].address, t.users[2].address },
      data = message.make { subject = "both", body = t.marker .. "\r\n" } }
    for _, user in ipairs(t.users) do
      local _, all = t:delivered(t.marker, { user = user, judge = true })
      local n = 0
      for _, m in ipairs(all) do
        if m:find(t.marker, 1, true) then n = n + 1 end
      end
      t:equal(n, 1, "copies in the mailbox of " .. user.name)
    end
  end,
}
