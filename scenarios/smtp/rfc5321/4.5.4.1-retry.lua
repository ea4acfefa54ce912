-- When mail is tried again, and when no more. The control socket moves the server's clock: days pass in a moment.
-- SPDX-License-Identifier: MIT

local HOUR, DAY = 3600, 86400

scenario {
  name = "again-after-4yz",
  title = "Mail that got a 4yz is tried again, and not at once",
  proves = { "rfc5321-4.5.4.1-x11", "rfc5321-4.5.4.1-x13", "rfc5321-4.5.4.1-1", "rfc5321-4.5.4.1-2" },
  says = [[After a 4yz the message stays in the queue, and some time passes before the next attempt.]],
  why = [[A full disk over there is over in an hour, and greylisting expects exactly this. A sender that knocks
          without a pause makes the trouble worse.]],
  catches = { "queue-gives-up-on-4xx", "queue-impatient", "smtp-loses-after-250" },
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local sink = t:listen { address = "127.0.0.51" }
    t:submit("bob@again.example", { at = "127.0.0.51" })
    if not sink:serve { rcpt = "451 4.3.0 later" } then t:fail "never tried" end
    t:advance(60)
    t:check(not sink:accept(), "tried again within a minute of the 4yz")
    local s = sink:serve_later()
    t:check(s.message and s.message:find(t.marker, 1, true), "the second attempt was without the message")
  end,
}

scenario {
  name = "not-again-after-5yz",
  title = "Mail that got a 5yz is returned, and not tried again",
  proves = { "rfc5321-4.2.1-x11", "rfc5321-4.2.1-9" },
  says = [[A 5yz is final: the sender is told, and the recipient is not tried again.]],
  why = [[Who repeats what was refused for good annoys the other host, and leaves the sender without an answer.]],
  catches = { "queue-retries-5xx", "queue-dsn-plain", "queue-no-failure-dsn", "smtp-loses-after-250" },
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local sink = t:listen { address = "127.0.0.52" }
    t:submit("bob@final.example", { at = "127.0.0.52" })
    if not sink:serve { rcpt = "550 5.1.1 nobody of this name" } then t:fail "never tried" end
    t:delivered(t.marker, { judge = true })
    t:advance(2 * HOUR)
    t:check(not sink:accept(), "tried again after a 5yz")
  end,
}

scenario {
  name = "gives-up-after-days",
  title = "After some days of failure the sender is told",
  timeout = 60,
  proves = { "rfc5321-4.5.4.1-x12", "rfc5321-4.5.4.1-x1", "rfc5321-6.1-3" },
  says = [[The queue goes on trying for four to five days; then it gives up and returns the message.]],
  why = [[A message that nobody could deliver and nobody returned is lost without a word.]],
  catches = { "queue-never-gives-up", "queue-gives-up-on-4xx", "queue-impatient", "queue-dsn-wrong-action",
    "queue-dsn-plain", "queue-dsn-base64-status", "smtp-loses-after-250" },
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local sink = t:listen { address = "127.0.0.53" }
    t:submit("bob@days.example", { at = "127.0.0.53" })
    if not sink:serve { rcpt = "451 4.3.0 later" } then t:fail "never tried" end
    t:advance(60)
    if sink:accept() then t:fail "tried again within a minute of the 4yz" end
    sink:close()                                           -- from here on nobody answers
    local function failed()
      for _, m in ipairs(t:inbox()) do
        if m:find(t.marker, 1, true) and m:lower():find "action: *failed" then return true end
      end
    end
    for _ = 1, 7 do t:advance(HOUR * 12) end              -- three days and a half
    t:check(not failed(), "gave up within four days")
    for _ = 1, 8 do t:advance(DAY / 2) end                -- seven and a half
    t:settle()
    t:check(failed(), "not a word to the sender after a week without success")
  end,
}
