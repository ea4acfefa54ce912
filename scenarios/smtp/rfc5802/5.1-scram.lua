-- SCRAM as a server speaks it. RFC 5802, 5.1 and 6.
-- SPDX-License-Identifier: MIT

-- A connection inside TLS on which the mechanism is on offer; skips without it.
local function ready(t, mech)
  local c = t:smtp { service = "submission", tls = "starttls" }
  if not c:has("AUTH=" .. mech) then t:skip("the server does not offer %s", mech) end
  return c
end

scenario {
  name     = "nonce-is-new-every-time",
  title    = "The server's part of the nonce is new in every exchange, behind the client's part",
  proves   = { "rfc5802-5.1-x1", "rfc5802-5.1-14" },
  says     = [[The first server message repeats the client's nonce and adds something of its own that never comes twice;
               the iteration count is at least 4096.]],
  why      = [[A nonce that comes twice lets an eavesdropper play an old exchange again.]],
  services = { "submission" },
  needs    = { "STARTTLS" },
  catches  = { "sasl-scram-nonce-constant", "smtp-challenge-not-base64", "sasl-scram-few-iterations" },
  tags     = { "auth" },
  run = function(t)
    local seen = {}
    for round = 1, 2 do
      local c = ready(t, "SCRAM-SHA-256")
      local first
      c:auth { mech = "SCRAM-SHA-256", nonce = "mailproofnonce", tamper = function(step, _, challenge)
        if step == 1 then first = challenge end
      end }
      local nonce = (first or ""):match "^r=([^,]*),"
      t:check(nonce and nonce:sub(1, 14) == "mailproofnonce" and #nonce > 14,
        "the nonce is %q: not the client's with something behind it", nonce)
      t:check((tonumber((first or ""):match ",i=(%d+)") or 0) >= 4096, "the iteration count is below 4096: %s", first)
      seen[round] = nonce
    end
    t:check(seen[1] ~= seen[2], "two exchanges had the same nonce %s", seen[1])
  end,
}

scenario {
  name     = "binding-is-checked",
  title    = "A -PLUS login with binding data of another channel is refused",
  proves   = { "rfc5802-6-12", "rfc5802-6-x1" },
  says     = [[SCRAM-SHA-256-PLUS succeeds with the data of this TLS channel and fails with any other.]],
  why      = [[The binding is what tells the client's own channel from that of somebody in the middle.]],
  services = { "submission" },
  needs    = { "STARTTLS" },
  catches  = { "sasl-scram-binding-unchecked", "smtp-auth-accepts-any-password", "smtp-challenge-not-base64",
    "smtp-scram-no-server-signature", "sasl-scram-wrong-signature", "sasl-no-tls-exporter" },
  tags     = { "auth" },
  run = function(t)
    local c = ready(t, "SCRAM-SHA-256-PLUS")
    local r = c:auth { mech = "SCRAM-SHA-256-PLUS", binding_data = ("x"):rep(32) }
    t:check(not r:is "235", "binding data of another channel were taken")
    if r:is "235" then return end
    c = ready(t, "SCRAM-SHA-256-PLUS")
    r = c:auth { mech = "SCRAM-SHA-256-PLUS" }
    t:check(r:is "235", "the right binding data got %s", r)
  end,
}
