-- SCRAM-...-PLUS and what it binds to, wherever a target offers it. RFC 5802, 6; RFC 5929; RFC 9266.
-- SPDX-License-Identifier: MIT
local SERVICES = { "submission/imap/pop3" }
local PLUS = { "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS" }

local function try(door, o, versions)
  local c = door.open(versions)
  local r = c:auth { mech = door.mech, binding = o.binding, binding_data = o.data and o.data(c), tamper = o.tamper,
    by_hand = o.tamper and true or nil }
  door.leave(c, r)
  return door.accepted(r), r
end

scenario {
  name     = "exporter-of-this-connection",
  title    = "Under TLS 1.3 tls-exporter binds, and its value is good on its own connection only",
  proves   = { "rfc9266-2-x1", "rfc9266-2-x2", "rfc9266-3-x1" },
  says     = [[The value exported from this connection logs in; that of another connection to the same server does
               not.]],
  why      = [[Somebody in the middle has two connections, and the value of the wrong one.]],
  services = SERVICES,
  timeout  = 60,
  catches  = { "sasl-no-tls-exporter", "sasl-scram-binding-unchecked", "smtp-scram-no-server-signature",
    "sasl-scram-wrong-signature", "pop3-auth-data-in-ok", "smtp-auth-accepts-any-password" },
  tags     = { "auth", "tls" },
  run = function(t)
    t:each_door(PLUS, function(door)
      local other = door.open()
      if other:tls().version ~= "TLSv1.3" then t:skip("%s negotiates %s", door.service, other:tls().version) end
      local foreign = other:tls().exporter
      local ok, r = try(door, { binding = "tls-exporter" })
      t:check(ok, "%s: %s with tls-exporter got %s", door.service, door.mech, r)
      ok, r = try(door, { binding = "tls-exporter", data = function() return foreign end })
      t:check(not ok, "%s: %s with the tls-exporter value of another connection got %s", door.service, door.mech, r)
    end)
  end,
}

scenario {
  name     = "end-point-is-the-certificate",
  title    = "tls-server-end-point is the hash of the certificate, or is refused",
  proves   = { "rfc5929-4-x1", "rfc5929-4-x2", "rfc5802-6.1-4" },
  says     = [[A server may know this kind of binding or not; the value of another kind, given under its name, is
               refused in any case.]],
  why      = [[The kind tells what was proved: the certificate here, the connection there.]],
  services = SERVICES,
  timeout  = 60,
  catches  = { "sasl-end-point-wrong", "sasl-scram-binding-unchecked", "sasl-scram-wrong-signature",
    "pop3-auth-data-in-ok", "smtp-auth-accepts-any-password",
    "smtp-scram-no-server-signature" },
  tags     = { "auth", "tls" },
  run = function(t)
    t:each_door(PLUS, function(door)
      -- A server that knows a kind goes on behind the first message; one that goes on whatever the kind is cannot be
      -- judged by that.
      local function knows(kind)
        local goes_on = false
        try(door, { binding = "tls-server-end-point", tamper = function(step, bytes)
          if step == 0 then return (bytes:gsub("^p=[^,]+", "p=" .. kind)) end
          goes_on = true
          if step == 1 then return "*", true end
        end })
        return goes_on
      end
      local known = knows "tls-server-end-point" and not knows "tls-no-such"
      t:record(door.service .. " knows tls-server-end-point", known)
      if known then
        local ok, r = try(door, { binding = "tls-server-end-point" })
        t:check(ok, "%s: the hash of the certificate as tls-server-end-point got %s", door.service, r)
      end
      local ok, r = try(door, { binding = "tls-server-end-point", data = function(c) return c:tls().exporter end })
      t:check(not ok, "%s: the value of tls-exporter under the name tls-server-end-point got %s", door.service, r)
    end)
  end,
}

scenario {
  name     = "unique-in-older-tls",
  title    = "tls-unique binds under TLS 1.2, and under TLS 1.3 there is none",
  proves   = { "rfc5802-6.1-1", "rfc5929-3-x1" },
  says     = [[A server that binds at all knows tls-unique where TLS 1.2 was negotiated; under TLS 1.3 the name stands
               for nothing and is refused.]],
  why      = [[The Finished message of TLS 1.3 does not bind what it was thought to bind.]],
  services = SERVICES,
  timeout  = 60,
  catches  = { "smtp-scram-no-server-signature", "sasl-scram-wrong-signature", "sasl-tls-unique-in-13",
    "pop3-auth-data-in-ok" },
  tags     = { "auth", "tls" },
  run = function(t)
    t:each_door(PLUS, function(door)
      local c = door.open { max_version = "TLSv1.2" }
      if c:tls().version == "TLSv1.2" and c:has("AUTH=" .. door.mech) then
        local r = c:auth { mech = door.mech, binding = "tls-unique" }
        t:check(door.accepted(r), "%s: %s with tls-unique under TLS 1.2 got %s", door.service, door.mech, r)
        door.leave(c, r)
      end
      local d = door.open()
      if d:tls().version ~= "TLSv1.3" then return end
      local r = d:auth { mech = door.mech, binding = "tls-unique", binding_data = d:tls().finished }
      t:check(not door.accepted(r), "%s: %s with tls-unique under TLS 1.3 logged in", door.service, door.mech)
      door.leave(d, r)
    end)
  end,
}

scenario {
  name     = "listed-where-it-can-bind",
  title    = "-PLUS forms are listed inside TLS, beside the plain ones, and not in clear",
  proves   = { "rfc5802-6-2", "rfc5802-6-3" },
  level    = "SHOULD",
  says     = [[In clear there is nothing to bind to; inside TLS a client takes what it can.]],
  why      = [[A -PLUS form in clear cannot succeed; a client that cannot bind needs the plain form.]],
  services = SERVICES,
  users    = 0,
  catches  = { "sasl-plus-in-clear", "sasl-plus-only" },
  tags     = { "auth", "tls" },
  run = function(t)
    t:each_door(PLUS, function(door)
      local c = door.open { tls = "none" }
      for _, mech in ipairs(PLUS) do
        t:check(c:tls() or not c:has("AUTH=" .. mech), "%s: lists %s in clear", door.service, mech)
      end
      c:close()
      local d = door.open()
      local plain = door.mech:gsub("%-PLUS$", "")
      t:check(d:has("AUTH=" .. plain), "%s: lists %s inside TLS, and not %s", door.service, door.mech, plain)
      d:close()
    end)
  end,
}
