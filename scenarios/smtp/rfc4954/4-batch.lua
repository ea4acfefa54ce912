-- AUTH in a batch of commands, its codes, and names that cannot be. RFC 4954, 4.
-- SPDX-License-Identifier: MIT

scenario {
  name     = "batch-behind-a-whole-login",
  title    = "Behind AUTH PLAIN with its response the next commands may come in the same write",
  proves   = "rfc4954-i-4-9",
  says     = [[Nothing is awaited any more when the initial response is there: the server answers 235, and then each of
               the commands.]],
  why      = [[A login then costs no round trip of its own.]],
  services = { "submissions/submission/smtp" },
  needs    = { "PIPELINING" },
  tags     = { "auth" },
  catches  = "smtp-segment-is-line",
  run = function(t)
    t:each_door("PLAIN", function(door)
      if door.protocol ~= "smtp" then return end
      local c = door.open()
      c:write(("AUTH PLAIN %s\r\nNOOP\r\nMAIL FROM:<%s>\r\n"):format(
        mime.base64("\0" .. t.user.name .. "\0" .. t.user.password), t.user.address))
      c:expect "235"
      for _, command in ipairs { "NOOP", "MAIL" } do
        local r = c:wait(5)
        t:check(r and r:is "250", "%s in one write with AUTH PLAIN got %s", command, r or "no answer")
        if not r then return end
      end
    end)
  end,
}
