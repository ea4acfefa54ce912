-- CRAM-MD5 wherever a target offers it. RFC 2195, 2.
-- SPDX-License-Identifier: MIT
local SERVICES = { "submission/imap/pop3" }

-- One exchange: response(challenge) is what the client answers.
local function exchange(door, response)
  local c, seen = door.open(), nil
  local r = c:auth { mech = "CRAM-MD5", initial = false, by_hand = true, tamper = function(_, _, challenge)
    seen = challenge
    return response(challenge)
  end }
  door.leave(c, r)
  return door.accepted(r), r, seen
end

local function hex(bytes) return (bytes:gsub(".", function(x) return ("%02x"):format(x:byte()) end)) end

scenario {
  name     = "challenge-is-new",
  title    = "Each challenge is a message-id that never came before",
  proves   = "rfc2195-2-x1",
  says     = [[The challenge stands in angle brackets, has an at sign, and is new in every exchange.]],
  why      = [[A challenge that comes twice lets an eavesdropper answer it with what he has heard.]],
  services = SERVICES,
  catches  = "sasl-cram-challenge-constant",
  tags     = { "auth" },
  run = function(t)
    t:each_door("CRAM-MD5", function(door)
      local seen = {}
      for _ = 1, 3 do
        local _, _, challenge = exchange(door, function() return nil end)
        t:check((challenge or ""):match "^<[^<>@%s]+@[^<>@%s]+>$", "%s: the challenge %q is no message-id",
          door.service, challenge)
        t:check(not seen[challenge or ""], "%s: the challenge %q came twice", door.service, challenge)
        seen[challenge or ""] = true
      end
    end)
  end,
}

scenario {
  name     = "digest-is-judged-whole",
  title    = "The right digest logs in; a part of it and one over another challenge do not",
  proves   = { "rfc2195-2-x2", "rfc2195-2-x3", "rfc2195-2-x5" },
  says     = [[The response is the name, a space and 32 hex digits over this challenge; all of them count.]],
  why      = [[A digest that is compared in part is guessed part by part; one over an old challenge is a copy.]],
  services = SERVICES,
  timeout  = 90,
  catches  = { "sasl-cram-any-digest", "sasl-cram-prefix", "smtp-auth-accepts-any-password" },
  tags     = { "auth" },
  run = function(t)
    local name, password = t.user.name, t.user.password
    local function digest(challenge) return hex(mime.hmac("md5", password, challenge)) end
    t:each_door("CRAM-MD5", function(door)
      local ok, r = exchange(door, function(c) return name .. " " .. digest(c) end)
      t:check(ok, "%s: the right digest got %s", door.service, r)
      ok = exchange(door, function(c) return name .. " " .. digest(c) .. "0" end)
      t:record(door.service .. " takes a digit too many", ok) -- Dovecot and Cyrus do
      for what, response in pairs {
        ["the first 16 digits"] = function(c) return name .. " " .. digest(c):sub(1, 16) end,
        ["a digest over another challenge"] = function() return name .. " " .. digest "<1.2@old.example>" end,
        ["32 zeros"] = function() return name .. " " .. ("0"):rep(32) end,
        ["a name alone"] = function() return name end,
      } do
        ok, r = exchange(door, response)
        t:check(not ok, "%s: %s got %s", door.service, what, r)
      end
    end)
  end,
}
