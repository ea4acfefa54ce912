-- AUTH in a batch of commands, its codes, and names that cannot be. RFC 4954, 4.
-- SPDX-License-Identifier: MIT

scenario {
  name     = "a-line-in-the-exchange-is-a-response",
  title    = "What stands behind AUTH in the same write is a response and no command",
  proves   = "rfc4954-4-36",
  says     = [[Once AUTH has begun each line is a part of the exchange; a command there is not carried out.]],
  why      = [[Who can put lines into somebody's batch would otherwise act for him.]],
  services = { "submissions/submission/smtp" },
  tags     = { "auth" },
  catches  = { "smtp-auth-obeys-commands", "smtp-segment-is-line" },
  run = function(t)
    t:each_door("PLAIN", function(door)
      if door.protocol ~= "smtp" then return end
      local c = door.open()
      c:write "AUTH PLAIN\r\nRSET\r\nNOOP\r\n"
      c:expect "334"
      local r = c:wait(3)
      if not r then -- what came too early was thrown away
        c:send "*"
        r = c:reply()
      end
      t:check(r:is("4yz", "5yz", "closed"), "RSET inside of an exchange was answered %s", r)
    end)
  end,
}

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
  catches  = { "smtp-auth-drops-batch", "smtp-segment-is-line" },
  run = function(t)
    t:each_door("PLAIN", function(door)
      if door.protocol ~= "smtp" then return end
      local c = door.open()
      c:write(("AUTH PLAIN %s\r\nNOOP\r\nMAIL FROM:<%s>\r\n"):format(
        mime.base64("\0" .. t.user.name .. "\0" .. t.user.password), t.user.address))
      c:expect "235"
      for _, command in ipairs { "NOOP", "MAIL" } do
        local r = c:reply()
        t:check(r:is "250", "%s in one write with AUTH PLAIN got %s", command, r)
      end
    end)
  end,
}

scenario {
  name     = "code-of-an-unknown-mechanism",
  title    = "The 504 for an unknown mechanism has the enhanced code 5.5.4",
  proves   = "rfc4954-4-6",
  says     = [[AUTH with a mechanism that the server does not have gets 504 5.5.4.]],
  why      = [[Nothing is wrong with the password: the client should try another mechanism.]],
  services = { "submissions/submission/smtp" },
  tags     = { "auth" },
  catches  = "smtp-auth-504-bare",
  run = function(t)
    t:each_door({ "PLAIN", "LOGIN", "SCRAM-SHA-256" }, function(door)
      if door.protocol ~= "smtp" then return end
      local c = door.open()
      if not c:has "ENHANCEDSTATUSCODES" then t:skip "no ENHANCEDSTATUSCODES" end
      c:send "AUTH NO-SUCH-MECHANISM"
      local r = c:expect("4yz", "5yz")
      if r:is "504" then t:check(r.enhanced == "5.5.4", "an unknown mechanism got %s", r) end
    end)
  end,
}

scenario {
  name     = "names-that-cannot-be",
  title    = "A name that SASLprep forbids, or of which it leaves nothing, does not log in",
  proves   = { "rfc4954-4-21", "rfc4616-2-9" },
  level    = "SHOULD",
  says     = [[Controls are forbidden in names: they are not left out so that the rest fits, and a name of soft hyphens
               alone is none.]],
  why      = [[Two spellings of one name pass two filters.]],
  services = { "submission/imap/pop3" },
  timeout  = 60,
  tags     = { "auth" },
  catches  = "sasl-prep-drops-forbidden",
  run = function(t)
    local name = t.user.name
    t:each_door("PLAIN", function(door)
      for what, other in pairs { ["a BEL in it"] = name:sub(1, 1) .. "\7" .. name:sub(2),
        ["nothing but a soft hyphen"] = "\u{AD}" } do
        local c = door.open()
        local r = c:auth { mech = "PLAIN", by_hand = true, tamper = function()
          return "\0" .. other .. "\0" .. t.user.password
        end }
        t:check(not door.accepted(r), "%s: a name with %s logged in", door.service, what)
        c:close()
      end
    end)
  end,
}
