-- How long a server waits. RFC 5321, 4.5.3.2.7.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "five-minutes-at-least",
  title   = "A session that is silent for almost five minutes goes on",
  proves  = "rfc5321-4.5.3.2.7-1",
  says    = [[The server waits five minutes for the next command, wherever in a transaction it is due.]],
  why     = [[A client that asks the DNS or scans a file between two commands would lose its session and try again, and
              again.]],
  needs_control = true,
  catches = { "smtp-timeout-short" },
  run = function(t)
    local c = t:smtp()
    for _, command in ipairs { "NOOP", "MAIL FROM:<ann@client.example>", "RCPT TO:<" .. t.user.address .. ">",
      "DATA" } do
      t:advance(295)
      c:send(command)
      local r = c:expect("250", "354", "4yz", "5yz", "closed")
      if not r:is("250", "354") then t:fail("after 295 s of silence %s got %s", command, r) end
    end
  end,
}
