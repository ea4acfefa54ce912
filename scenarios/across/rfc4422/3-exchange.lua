-- What holds for every SASL mechanism, in every protocol. RFC 4422.
-- SPDX-License-Identifier: MIT
local SERVICES = { "submission/imap/pop3" }
local SCRAM = { "SCRAM-SHA-256", "SCRAM-SHA-1" }

-- A reply without what is the server's to choose each time: IMAP's tag, and the name that was asked for.
local function verdict(door, r, name)
  if r:is "closed" then return "closed" end
  local line = r.raw:gsub("\r\n$", ""):match "[^\r\n]*$"
  if door.protocol == "imap" then line = line:gsub("^%S+ ", "") end
  return (line:gsub(name, "NAME", 1))
end

scenario {
  name     = "no-word-about-the-name",
  title    = "A name that nobody has and a wrong password get the same answer",
  proves   = { "rfc4422-3.6-x1", "rfc4954-4-24" },
  says     = [[By PLAIN, LOGIN, CRAM-MD5 and SCRAM alike, the final answer does not tell which of the two was wrong.]],
  why      = [[Whoever knows the names needs to guess only passwords.]],
  services = SERVICES,
  timeout  = 90,
  catches  = { "smtp-auth-user-oracle", "smtp-auth-accepts-any-password", "smtp-challenge-not-base64",
    "sasl-cram-any-digest" },
  tags     = { "auth" },
  run = function(t)
    -- As long as the account's own, so that no echo of its length differs.
    local nobody = ("n"):rep(#t.user.name)
    for _, mech in ipairs { "PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256" } do
      t:each_door({ mech, "PLAIN" }, function(door)
        if door.mech ~= mech then return end
        local said = {}
        for n, name in ipairs { t.user.name, nobody } do
          local c = door.open()
          local r = c:auth { mech = mech, name = name, password = "not-the-password" }
          t:check(not door.accepted(r), "%s: %s with a wrong password logged in", door.service, mech)
          said[n] = verdict(door, r, name)
          c:close()
        end
        t:equal(said[2], said[1], door.service .. ": answer to " .. mech ..
          " for a name that nobody has, against a wrong password")
      end)
    end
  end,
}

scenario {
  name     = "cancel-at-every-step",
  title    = "An exchange may be cancelled at every step, and the next one can succeed",
  proves   = { "rfc4422-3.5-3", "rfc4422-3.4-4" },
  says     = [["*" in the place of any response ends the exchange without a login; the session is as it was before.]],
  why      = [[A client cancels when the server's part of the exchange is wrong, and tries another mechanism.]],
  services = SERVICES,
  timeout  = 60,
  catches  = { "pop3-auth-challenge-has-text", "pop3-auth-data-in-ok", "smtp-auth-challenge-has-text",
    "smtp-scram-no-server-signature", "imap-authenticate-challenge-has-text" },
  tags     = { "auth" },
  run = function(t)
    t:each_door(SCRAM, function(door)
      local c = door.open()
      for at = 0, 1 do
        local r = c:auth { mech = door.mech, initial = false, tamper = function(step)
          if step == at then return "*", true end
        end }
        t:check(not door.accepted(r), "%s: %s cancelled at step %d logged in", door.service, door.mech, at)
        if r:is "closed" then c = door.open() end
      end
      local r = c:auth { mech = door.mech }
      t:check(door.accepted(r), "%s: after two cancelled exchanges the right password got %s", door.service, r)
      door.leave(c, r)
    end)
  end,
}

scenario {
  name     = "first-challenge-is-empty",
  title    = "Where the client speaks first and did not, the first challenge is empty",
  proves   = { "rfc4422-5-3", "rfc4422-3.1-x1" },
  says     = [[PLAIN and SCRAM without an initial response get a challenge of no octets; mechanism names are capitals,
               digits, hyphens and underscores, twenty at most.]],
  why      = [[A client that finds something there takes it for a part of the exchange.]],
  services = SERVICES,
  timeout  = 60,
  catches  = { "pop3-auth-challenge-has-text", "smtp-auth-challenge-has-text",
    "imap-authenticate-challenge-has-text", "smtp-ehlo-mechanism-lower-case" },
  tags     = { "auth" },
  run = function(t)
    for _, mech in ipairs { "PLAIN", "SCRAM-SHA-256" } do
      t:each_door({ mech, "PLAIN" }, function(door)
        if door.mech ~= mech then return end
        local c = door.open()
        local caps = c:capabilities()
        local listed = caps.AUTH or caps.SASL or ""
        for word in listed:gmatch "%S+" do
          t:check(word:match "^[A-Z0-9_-]+$" and #word <= 20, "%s: %q is no name of a mechanism", door.service, word)
        end
        c:send((door.protocol == "imap" and "AUTHENTICATE " or "AUTH ") .. mech)
        local r = c:reply()
        local data = door.protocol == "smtp" and r.code == 334 and r.lines[1] or
          door.protocol ~= "smtp" and r:is "+" and r.text
        t:check(data == "", "%s: %s without an initial response got %s", door.service, mech, r)
        c:close()
      end)
    end
  end,
}

scenario {
  name     = "external-needs-proof",
  title    = "EXTERNAL without a client certificate does not log in",
  proves   = { "rfc4422-A-x1", "rfc4422-6.1.2-2" },
  says     = [[A client that has proved nothing outside SASL is refused, whatever name it gives; EXTERNAL is best not
               listed to it.]],
  why      = [[A server that has the mechanism but not the check lets anyone in by name.]],
  services = SERVICES,
  timeout  = 60,
  catches  = "sasl-external-any-name",
  tags     = { "auth", "tls" },
  run = function(t)
    t:each_door({ "PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1" }, function(door)
      for _, response in ipairs { t.user.name, "" } do
        local c = door.open()
        local listed = c:has "AUTH=EXTERNAL"
        local r = c:auth { mech = "EXTERNAL", by_hand = true, tamper = function() return response end }
        t:check(not door.accepted(r), "%s: EXTERNAL without a certificate, with the name %q, logged in", door.service,
          response)
        t:record(door.service .. " lists EXTERNAL without a certificate", listed)
        c:close()
      end
    end)
  end,
}
