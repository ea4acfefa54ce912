-- SASL PLAIN wherever a target offers it: submission, IMAP, POP3. RFC 4616, 2.
-- SPDX-License-Identifier: MIT
local SERVICES = { "submission/imap/pop3" }

-- One AUTH PLAIN with exactly this message on a connection of its own, and whether it logged in.
local function try(door, bytes)
  local c = door.open()
  local r = c:auth { mech = "PLAIN", tamper = function() return bytes end }
  door.leave(c, r)
  return door.accepted(r), r
end

scenario {
  name     = "two-nuls",
  title    = "A PLAIN message has two NULs, no more and no fewer",
  proves   = { "rfc4616-2-5", "rfc2595-6-x1" },
  says     = [[The right name and password with a third NUL behind them, with one NUL only, or with none are refused.]],
  why      = [[A password that ends at its first NUL is a shorter password than its owner believes.]],
  services = SERVICES,
  timeout  = 60,
  catches  = "sasl-plain-nul-count",
  tags     = { "auth" },
  run = function(t)
    t:each_door("PLAIN", function(door)
      local name, password = t.user.name, t.user.password
      for what, bytes in pairs {
        ["a third NUL and more text"] = "\0" .. name .. "\0" .. password .. "\0more",
        ["a third NUL at the end"] = "\0" .. name .. "\0" .. password .. "\0",
        ["one NUL only"] = name .. "\0" .. password,
        ["no NUL"] = name .. password,
      } do
        local ok, r = try(door, bytes)
        t:check(not ok, "%s: PLAIN with %s got %s", door.service, what, r)
      end
    end)
  end,
}

scenario {
  name     = "acting-for-another",
  title    = "A name to act for is obeyed or refused, never ignored",
  proves   = { "rfc4616-2-x1", "rfc4616-2-x2", "rfc2595-6-x3", "rfc2595-6-x2" },
  says     = [[Without a name to act for, and with his own, a user logs in; with another user's name he is refused,
               since nobody has allowed it.]],
  why      = [[Administrators act for users by it. Ignored, they change their own mailbox; obeyed for everybody, anyone
               reads anyone's mail.]],
  services = SERVICES,
  users    = 2,
  timeout  = 60,
  catches  = { "sasl-plain-authzid-ignored", "sasl-plain-authzid-obeyed", "smtp-auth-accepts-any-password" },
  tags     = { "auth" },
  run = function(t)
    t:each_door("PLAIN", function(door)
      local name, password = t.user.name, t.user.password
      local ok, r = try(door, "\0" .. name .. "\0" .. password)
      t:check(ok, "%s: without a name to act for the login got %s", door.service, r)
      ok, r = try(door, name .. "\0" .. name .. "\0" .. password)
      t:check(ok, "%s: to act for himself a user got %s", door.service, r)
      ok, r = try(door, t.users[2].name .. "\0" .. name .. "\0" .. password)
      t:check(not ok, "%s: %s, with his own password, logged in to act for %s: %s", door.service, name,
        t.users[2].name, r)
    end)
  end,
}

scenario {
  name     = "nothing-is-not-a-password",
  title    = "An empty name or password does not log in",
  proves   = { "rfc4616-2-14", "rfc4616-2-4" },
  says     = [[An empty password, an empty name, and octets that are no UTF-8 make the login fail.]],
  why      = [[Directories take a login with an empty password for an anonymous one, and say that it succeeded.]],
  services = SERVICES,
  timeout  = 60,
  catches  = "sasl-plain-empty-password",
  tags     = { "auth" },
  run = function(t)
    t:each_door("PLAIN", function(door)
      local name, password = t.user.name, t.user.password
      for what, bytes in pairs {
        ["an empty password"] = "\0" .. name .. "\0",
        ["an empty name"] = "\0\0" .. password,
        ["nothing but NULs"] = "\0\0",
        ["a password that is no UTF-8"] = "\0" .. name .. "\0" .. password .. "\xff\xfe",
      } do
        local ok, r = try(door, bytes)
        t:check(not ok, "%s: PLAIN with %s got %s", door.service, what, r)
      end
    end)
  end,
}

scenario {
  name     = "long-parts-are-judged",
  title    = "Names and passwords of 255 octets are read and judged",
  proves   = { "rfc4616-2-1", "rfc4616-2-2", "rfc4616-2-3", "rfc4616-2-7", "rfc2595-6-5", "rfc2595-6-6",
    "rfc2595-6-7" },
  says     = [[A message with three parts of 255 octets gets the verdict that any wrong password gets, and on the same
               connection the right one still logs in.]],
  why      = [[Pass phrases are long; a buffer that is too small hangs up on them, or worse.]],
  services = SERVICES,
  timeout  = 60,
  catches  = { "sasl-plain-short", "sasl-long-response-refused", "pop3-auth-challenge-has-text",
    "smtp-auth-challenge-has-text", "smtp-auth-user-oracle", "smtp-auth-accepts-any-password",
    "smtp-auth-failure-closes", "imap-authenticate-challenge-has-text" },
  tags     = { "auth" },
  run = function(t)
    t:each_door("PLAIN", function(door)
      local verdicts = {}
      for n, bytes in ipairs { "\0" .. t.user.name .. "\0not-the-password",
        ("z"):rep(255) .. "\0" .. ("n"):rep(255) .. "\0" .. ("p"):rep(255) } do
        local c = door.open()
        local r = c:auth { mech = "PLAIN", initial = false, tamper = function() return bytes end }
        t:check(not r:is "closed", "%s: hung up at %s", door.service,
          n == 1 and "a wrong password" or "a PLAIN message of 767 octets")
        if r:is "closed" then return end
        verdicts[n] = door.protocol == "smtp" and tostring(r.code) or r.status .. " " .. (r.code or "")
        if n == 2 then
          r = c:auth { mech = "PLAIN" }
          t:check(door.accepted(r), "%s: after a long message the right password got %s", door.service, r)
        end
        door.leave(c, r)
      end
      t:equal(verdicts[2], verdicts[1],
        door.service .. ": verdict on three parts of 255 octets, against a wrong password")
    end)
  end,
}

scenario {
  name     = "prepared-before-compared",
  title    = "Names and passwords that SASLprep makes equal are equal",
  proves   = { "rfc4616-2-9", "rfc5034-4-19", "rfc4954-4-20" },
  level    = "SHOULD",
  says     = [[A soft hyphen inside a name or a password is dropped, and a letter of full width is the plain letter.]],
  why      = [[Keyboards and programs write the same characters in different ways; the user sees no difference.]],
  services = SERVICES,
  timeout  = 60,
  catches  = "sasl-no-saslprep",
  tags     = { "auth" },
  run = function(t)
    t:each_door("PLAIN", function(door)
      local name, password = t.user.name, t.user.password
      local first = password:byte() -- ASCII letters have full-width forms at a constant distance
      for what, bytes in pairs {
        ["a soft hyphen in the password"] = "\0" .. name .. "\0" .. password:sub(1, 2) .. "\u{ad}" .. password:sub(3),
        ["a soft hyphen in the name"] = "\0" .. name:sub(1, 2) .. "\u{ad}" .. name:sub(3) .. "\0" .. password,
        ["a full-width letter in the password"] = "\0" .. name .. "\0" .. utf8.char(first - 0x21 + 0xff01) ..
          password:sub(2),
      } do
        local ok, r = try(door, bytes)
        t:check(ok, "%s: PLAIN with %s got %s", door.service, what, r)
      end
    end)
  end,
}

scenario {
  name     = "password-is-judged-whole",
  title    = "A password that is nearly right does not log in",
  proves   = "rfc4616-2-x3",
  says     = [[Without its last letter, with one more, in another case, with a blank behind it: each is another
               password.]],
  why      = [[A server that compares a part of the password is guessed part by part; one that tidies it has fewer
               passwords than its users believe.]],
  services = SERVICES,
  timeout  = 90,
  catches  = { "sasl-password-prefix", "sasl-password-case", "smtp-auth-accepts-any-password" },
  tags     = { "auth" },
  run = function(t)
    local name, password = t.user.name, t.user.password
    local wrong = { ["without its last letter"] = password:sub(1, -2), ["with a letter behind it"] = password .. "x",
      ["with a blank behind it"] = password .. " " }
    if password:upper() ~= password then wrong["in capitals"] = password:upper() end
    if #password < 2 then wrong["without its last letter"] = nil end
    t:each_door("PLAIN", function(door)
      for what, bytes in pairs(wrong) do
        local ok, r = try(door, "\0" .. name .. "\0" .. bytes)
        t:check(not ok, "%s: the password %s got %s", door.service, what, r)
      end
    end)
  end,
}
