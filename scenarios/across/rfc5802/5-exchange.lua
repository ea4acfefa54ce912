-- SCRAM spoken by hand, so that each attribute can be wrong while all others, the proof included, are right.
-- RFC 5802, 5.1, 6 and 7, wherever a target offers SCRAM.
-- SPDX-License-Identifier: MIT
local SERVICES = { "submission/imap/pop3" }
local MECHANISMS = { "SCRAM-SHA-256", "SCRAM-SHA-1" }
local PLUS = { "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS" }
local HASHES = { ["SCRAM-SHA-256"] = "sha256", ["SCRAM-SHA-1"] = "sha1", ["SCRAM-SHA-256-PLUS"] = "sha256",
  ["SCRAM-SHA-1-PLUS"] = "sha1" }

local function bytes_of(hex) return (hex:gsub("..", function(x) return string.char(tonumber(x, 16)) end)) end

local function xor(a, b)
  local out = {}
  for n = 1, #a do out[n] = string.char(a:byte(n) ~ b:byte(n)) end
  return table.concat(out)
end

-- One exchange on a connection of its own. Options, all right unless they are given: header (the GS2 header), bound
-- (what c= holds; a function gets the connection), name, prefix (before n=), first (behind the nonce), nonce(r),
-- final (before p=), proof(p).
-- Returns whether it logged in, the last reply, and the server's first message.
local function exchange(t, door, o)
  local hash, header = HASHES[door.mech], o.header or "n,,"
  local bare = (o.prefix or "") .. "n=" .. (o.name or t.user.name) .. ",r=mailproof" .. t:random(1, 1 << 40) ..
    (o.first or "")
  local server_first
  local c = door.open()
  local bound = type(o.bound) == "function" and o.bound(c) or o.bound or header
  local r = c:auth { mech = door.mech, by_hand = true, tamper = function(step, _, challenge)
    if step == 0 then return header .. bare end
    if step > 1 then return "" end
    server_first = challenge
    local nonce, salt, count = challenge:match "^r=([^,]+),s=([^,]+),i=(%d+)"
    if not nonce then return "*", true end
    local salted = mime.pbkdf2(hash, t.user.password, mime.unbase64(salt) or "", tonumber(count))
    local key = mime.hmac(hash, salted, "Client Key")
    local final = "c=" .. mime.base64(bound) .. ",r=" .. (o.nonce and o.nonce(nonce) or nonce) ..
      (o.final or "")
    local proof = xor(key, mime.hmac(hash, bytes_of(mime.digest(hash, key)),
      bare .. "," .. challenge .. "," .. final))
    return final .. ",p=" .. mime.base64(o.proof and o.proof(proof) or proof)
  end }
  door.leave(c, r)
  return door.accepted(r), r, server_first
end

-- Each of these exchanges is refused, although the same exchange without the mistake logs in.
local function refused(t, mistakes)
  t:each_door(MECHANISMS, function(door)
    local ok, r = exchange(t, door, {})
    if not ok then return t:fail("%s: %s with everything right got %s", door.service, door.mech, r) end
    for _, m in ipairs(mistakes) do
      ok, r = exchange(t, door, m)
      t:check(not ok, "%s: %s with %s got %s", door.service, door.mech, m.what, r)
    end
  end)
end

scenario {
  name     = "proof-is-judged-whole",
  title    = "A proof that is wrong in one bit, too short or too long is refused",
  proves   = "rfc5802-5.1-x2",
  says     = [[Every bit of the proof counts, and its length does.]],
  why      = [[Whoever compares a part of it can be guessed part by part.]],
  services = SERVICES,
  timeout  = 90,
  catches  = { "sasl-scram-proof-prefix", "smtp-auth-accepts-any-password" },
  tags     = { "auth" },
  run = function(t)
    refused(t, {
      { what = "the last bit of the proof turned", proof = function(p)
        return p:sub(1, -2) .. string.char(p:byte(-1) ~ 1)
      end },
      { what = "the first bit of the proof turned", proof = function(p)
        return string.char(p:byte(1) ~ 128) .. p:sub(2)
      end },
      { what = "half of the proof", proof = function(p) return p:sub(1, #p // 2) end },
      { what = "an octet behind the proof", proof = function(p) return p .. "\0" end },
      { what = "an empty proof", proof = function() return "" end },
    })
  end,
}

scenario {
  name     = "nonce-comes-back",
  title    = "The nonce of the second client message is the one that the server sent",
  proves   = "rfc5802-5.1-11",
  says     = [[A nonce with something changed, cut off or added is refused, although the proof is right for it.]],
  why      = [[The server's part of the nonce is what makes an old exchange useless to an eavesdropper.]],
  services = SERVICES,
  timeout  = 90,
  catches  = { "sasl-scram-nonce-unchecked", "smtp-auth-accepts-any-password" },
  tags     = { "auth" },
  run = function(t)
    refused(t, {
      { what = "another last letter of the nonce", nonce = function(r)
        return r:sub(1, -2) .. (r:sub(-1) == "x" and "y" or "x")
      end },
      { what = "the client's part of the nonce alone", nonce = function(r) return r:match "^mailproof%d+" end },
      { what = "a letter behind the nonce", nonce = function(r) return r .. "x" end },
    })
  end,
}

scenario {
  name     = "mandatory-extension",
  title    = "An extension that must be understood makes the login fail",
  proves   = { "rfc5802-5.1-9", "rfc5802-5.1-18" },
  says     = [[The attribute m, in the first message or in the second, is refused.]],
  why      = [[A client that sends it relies on something that this server does not do.]],
  services = SERVICES,
  timeout  = 60,
  catches  = "sasl-scram-extension-ignored",
  tags     = { "auth" },
  run = function(t)
    refused(t, { { what = "m= in the first message", prefix = "m=xyz," } })
  end,
}

scenario {
  name     = "optional-extensions-are-ignored",
  title    = "Attributes that the server does not know are ignored",
  proves   = "rfc5802-5.1-19",
  says     = [[Behind the nonce, and before the proof, there may be attributes of any other letter.]],
  why      = [[Without that rule nothing could ever be added to the mechanism.]],
  services = SERVICES,
  timeout  = 60,
  catches  = "sasl-scram-optional-refused",
  tags     = { "auth" },
  run = function(t)
    t:each_door(MECHANISMS, function(door)
      for what, o in pairs {
        ["an unknown attribute in its first message"] = { first = ",z=something" },
        ["an unknown attribute in its second message"] = { final = ",z=something" },
      } do
        local ok, r = exchange(t, door, o)
        t:check(ok, "%s: %s with %s got %s", door.service, door.mech, what, r)
      end
    end)
  end,
}

scenario {
  name     = "header-is-repeated",
  title    = "What c= holds is the header that the exchange began with",
  proves   = { "rfc5802-7-x1", "rfc5802-6-12", "rfc5802-7-4" },
  says     = [[Another header in c=, and binding data where none were announced, are refused.]],
  why      = [[It is how a client notices that somebody on the path has changed its offer to bind to the channel.]],
  services = SERVICES,
  timeout  = 90,
  catches  = { "sasl-scram-header-unchecked", "smtp-auth-accepts-any-password" },
  tags     = { "auth" },
  run = function(t)
    refused(t, {
      { what = "c= saying y where the message began with n", bound = "y,," },
      { what = "binding data behind n", bound = "n,," .. ("x"):rep(32) },
      { what = "an empty c=", bound = "" },
      { what = "a name to act for that c= leaves out", header = "n,a=" .. t.user.name .. ",", bound = "n,," },
    })
  end,
}

scenario {
  name     = "flag-is-n-y-or-p",
  title    = "A first message begins with n, y or p, and p is for the -PLUS forms",
  proves   = "rfc5802-5-1",
  says     = [[Another letter, and p for a mechanism that does not bind, make the login fail.]],
  why      = [[A letter that is read as n lets somebody on the path take the binding away.]],
  services = SERVICES,
  timeout  = 60,
  catches  = "sasl-scram-any-flag",
  tags     = { "auth" },
  run = function(t)
    refused(t, {
      { what = "the flag x", header = "x,," },
      { what = "the flag N", header = "N,," },
      { what = "no header", header = "", bound = "n,," },
    })
  end,
}

scenario {
  name     = "could-bind-but-was-not-offered",
  title    = "A client that was not offered a -PLUS form is refused where there is one",
  proves   = "rfc5802-6-9",
  says     = [[The flag y says: I can bind, and you did not offer it. A server that does offer it knows then that
               somebody has edited its list.]],
  why      = [[It is the defence against being talked down to the weaker form.]],
  services = SERVICES,
  timeout  = 60,
  catches  = "sasl-scram-y-accepted",
  tags     = { "auth", "tls" },
  run = function(t)
    local looked = false
    t:each_door(MECHANISMS, function(door)
      local c = door.open()
      local offers = c:has("AUTH=" .. door.mech .. "-PLUS")
      c:close()
      local ok, r = exchange(t, door, { header = "y,," })
      if offers then
        looked = true
        t:check(not ok, "%s: offers %s-PLUS, and %s with the flag y got %s", door.service, door.mech, door.mech, r)
      else
        t:check(ok, "%s: offers no -PLUS form, and %s with the flag y got %s", door.service, door.mech, r)
      end
    end)
    t:record("a -PLUS form on offer", looked)
  end,
}

scenario {
  name     = "unknown-kind-of-binding",
  title    = "A kind of binding that the server does not know makes the login fail",
  proves   = { "rfc5802-6-11", "rfc5802-6.1-4" },
  says     = [[p= with an unknown name is refused, though everything else is as tls-exporter would have it, or
               tls-unique.]],
  why      = [[Who takes any name proves nothing with it.]],
  services = SERVICES,
  timeout  = 60,
  catches  = "sasl-scram-unknown-binding",
  tags     = { "auth", "tls" },
  run = function(t)
    t:each_door(PLUS, function(door)
      for _, field in ipairs { "exporter", "unique" } do
        local header = "p=unknown-type,,"
        local ok, r = exchange(t, door, { header = header, bound = function(c) return header .. c:tls()[field] end })
        t:check(not ok, "%s: p=unknown-type with the %s value logged in: %s", door.service, field, r)
      end
    end)
  end,
}

scenario {
  name     = "names-are-escaped",
  title    = "An equals sign in a name stands for a comma or for itself, and for nothing else",
  proves   = { "rfc5802-5.1-8", "rfc5802-5.1-x3" },
  says     = [[A name with = and anything but 2C or 3D behind it makes the login fail.]],
  why      = [[Two readings of one name are two users.]],
  services = SERVICES,
  timeout  = 60,
  catches  = "sasl-scram-bad-escape",
  tags     = { "auth" },
  run = function(t)
    t:each_door(MECHANISMS, function(door)
      local ok, r, server_first = exchange(t, door, { name = t.user.name .. "=2D" })
      t:check(not ok, "%s: a name that ends in =2D got %s", door.service, r)
      t:check(not server_first, "%s: a name that ends in =2D got a salt and a count: %s", door.service, server_first)
    end)
  end,
}

scenario {
  name     = "acting-for-another",
  title    = "A name to act for is obeyed or refused, never ignored",
  proves   = "rfc5802-5.1-x5",
  says     = [[With his own name in a= a user logs in, with another user's he is refused.]],
  why      = [[An administrator who is logged in as himself instead changes the wrong mailbox.]],
  services = SERVICES,
  users    = 2,
  timeout  = 60,
  catches  = { "sasl-scram-authzid-ignored", "smtp-auth-accepts-any-password" },
  tags     = { "auth" },
  run = function(t)
    t:each_door(MECHANISMS, function(door)
      local ok, r = exchange(t, door, { header = "n,a=" .. t.user.name .. "," })
      t:check(ok, "%s: to act for himself a user got %s", door.service, r)
      ok, r = exchange(t, door, { header = "n,a=" .. t.users[2].name .. "," })
      t:check(not ok, "%s: %s logged in to act for %s: %s", door.service, t.user.name, t.users[2].name, r)
    end)
  end,
}

scenario {
  name     = "unknown-name-looks-like-any-other",
  title    = "A name that nobody has gets a salt and a count, the same ones each time, and fails at the proof",
  proves   = "rfc5802-5.1-x4",
  level    = "SHOULD", -- the RFC leaves it to the server
  says     = [[The first server message does not tell whether there is such a user.]],
  why      = [[One message for each guess, and no password: the list of all accounts comes cheap.]],
  services = SERVICES,
  timeout  = 60,
  catches  = { "sasl-scram-user-oracle", "sasl-scram-salt-random" },
  tags     = { "auth" },
  run = function(t)
    local nobody = "nobody" .. t.marker:lower()
    t:each_door(MECHANISMS, function(door)
      local salts = {}
      for n = 1, 2 do
        local ok, _, first = exchange(t, door, { name = nobody })
        t:check(not ok, "%s: a name that nobody has logged in", door.service)
        local salt, count = (first or ""):match ",s=([^,]+),i=(%d+)"
        if not salt then
          return t:check(false, "%s: %s refuses a name that nobody has at its first message", door.service, door.mech)
        end
        salts[n] = salt .. " " .. count
      end
      t:equal(salts[2], salts[1], door.service .. ": salt and count of a name that nobody has, the second time")
    end)
  end,
}

scenario {
  name     = "iterations",
  title    = "The iteration count is 4096 or more",
  proves   = { "rfc7677-3-1", "rfc5802-5.1-14", "rfc5802-5.1-13" },
  says     = [[The first server message has a salt and a count of at least 4096.]],
  why      = [[The count is what a thief of the password file has to pay for each guess.]],
  services = SERVICES,
  timeout  = 60,
  catches  = "sasl-scram-few-iterations",
  tags     = { "auth" },
  run = function(t)
    t:each_door(MECHANISMS, function(door)
      local _, _, first = exchange(t, door, {})
      local salt, count = (first or ""):match ",s=([^,]+),i=(%d+)"
      t:check(salt and mime.unbase64(salt), "%s: the first server message has no salt: %s", door.service, first)
      t:check((tonumber(count) or 0) >= 4096, "%s: %s has %s iterations", door.service, door.mech, count)
    end)
  end,
}

scenario {
  name     = "salt-is-ones-own",
  title    = "Two accounts have two salts",
  proves   = "rfc7677-4-x1",
  says     = [[The salt in the first server message is that of the account: another account has another one.]],
  why      = [[With one salt for all, one table of guesses breaks every account, and equal passwords are seen to be
               equal.]],
  services = SERVICES,
  users    = 2,
  timeout  = 60,
  catches  = { "sasl-scram-salt-shared", "sasl-scram-few-iterations" },
  tags     = { "auth" },
  run = function(t)
    t:each_door(MECHANISMS, function(door)
      local salts = {}
      for n = 1, 2 do
        local _, _, first = exchange(t, door, { name = t.users[n].name, proof = function(p) return p end })
        salts[n] = (first or ""):match ",s=([^,]+)"
        if not salts[n] then t:fail("%s: %s sends no salt: %s", door.service, door.mech, first) end
      end
      t:check(salts[1] ~= salts[2], "%s: two accounts have the same salt %s", door.service, salts[1])
    end)
  end,
}
