-- SASL through SMTP (RFC 4954), IMAP (RFC 9051, 6.2.2; SASL-IR 4959) and POP3 (RFC 5034): the command, every step, and
-- a script's hand in each of them.
-- SPDX-License-Identifier: MIT
local strict = require "strict"
local wire = require "wire"

local M = {}

local OPTIONS = { mech = "string", user = "table", password = "string", authzid = "string", initial = "boolean",
  nonce = "string", binding = "string", binding_data = "string", tamper = "function", name = "string",
  by_hand = "boolean" }

-- What to take when the script does not say: what works in most places first.
local PREFERRED = { "PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5" }

local BINDINGS = { ["tls-exporter"] = "exporter", ["tls-unique"] = "unique", ["tls-server-end-point"] = "end_point" }

local function choose(c)
  for _, mech in ipairs(PREFERRED) do
    if c:has("AUTH=" .. mech) then return mech end
  end
  c._t:_fail(string.format("%s offers no way to log in that mailproof speaks by itself", c.service))
end

local function make(c, mech, o)
  local user = o.user or c._t.user
  local options = { user = o.name or user.name, password = o.password or user.password, authzid = o.authzid,
    nonce = o.nonce, host = c.host, port = c.port, binding = o.binding }
  if mech:find "%-PLUS$" and not options.binding then
    local facts = c:tls()
    options.binding = facts and facts.version ~= "TLSv1.3" and "tls-unique" or "tls-exporter"
  end
  if options.binding then
    local facts = c._h:tls()
    local where = BINDINGS[options.binding]
    if not where then
      error(string.format('unknown channel binding "%s"; known are tls-exporter, tls-unique, tls-server-end-point',
        options.binding), 3)
    end
    if not facts.done then error(mech .. " binds to TLS, and this connection is in clear", 3) end
    options.binding_data = o.binding_data or facts[where]
  end
  local steps, why = wire.sasl(mech, options)
  if not steps then error(why, 3) end
  return steps
end

---The client's message of one step as it goes out: base64 unless the script said that it is encoded already.
local function message(o, n, bytes, challenge)
  if o.tamper then
    local other, encoded = o.tamper(n, bytes or "", challenge)
    if other ~= nil then
      if encoded then return other, true end
      return wire.base64(other), false
    end
  end
  return bytes and wire.base64(bytes), false
end

---p: name of the command, challenge(reply) -> its base64 text or nil when this is the final reply, accepted(reply),
---initial: whether an initial response may go with the command.
local function run(c, o, p)
  o = strict.options(o, OPTIONS, "auth", 2)
  local mech = (o.mech or choose(c)):upper()
  local steps = make(c, mech, o)
  local line, n = p.command .. " " .. mech, 0
  local initial = o.initial
  if initial == nil then initial = p.initial(c) end
  local first
  if steps:client_first() then
    local why
    first, why = steps:step(nil)
    if not first then c._t:_fail(string.format("%s: %s", mech, why)) end
  end
  if initial and (first or o.tamper) then
    local text, encoded = message(o, 0, first, nil)
    if text then
      -- An empty initial response is written "=", RFC 4954, 4.
      line = line .. " " .. (text == "" and not encoded and "=" or text)
      first, n = nil, 1
    end
  end
  c:send(line)
  local trouble
  while true do
    local r = c:reply()
    local text = p.challenge(r)
    if not text then
      if p.accepted(r) then
        if trouble and not o.by_hand then c._t:_fail(string.format("%s: accepted, although %s", mech, trouble)) end
        if not o.tamper and not steps:done() then
          c._t:_fail(string.format("%s: the server accepted before the exchange was complete: %s", mech, r))
        end
      end
      return r
    end
    local challenge = text == "" and "" or wire.unbase64(text)
    local answer
    if not challenge and not o.by_hand then
      c._t:_fail(string.format("%s: the challenge is no base64: %s", mech, r))
    elseif first then
      answer, first = first, nil
    else
      local why
      answer, why = steps:step(challenge)
      if not answer then trouble = trouble or why end
    end
    local out = message(o, n, answer, challenge)
    if not out then
      -- Our side cannot go on. When the script meddled that is no wonder; else the server's challenge is to blame.
      c:send "*"
      local last = c:reply()
      if not o.tamper then c._t:_fail(string.format("%s: %s; then the server said %s", mech, trouble, last)) end
      return last
    end
    n = n + 1
    c:send(out)
  end
end

function M.smtp(c, o)
  return run(c, o, {
    command = "AUTH",
    initial = function() return true end,
    challenge = function(r) return r.code == 334 and r.lines[1] or nil end,
    accepted = function(r) return r.code == 235 end,
  })
end

function M.pop3(c, o)
  return run(c, o, {
    command = "AUTH",
    initial = function() return true end,
    challenge = function(r) return r.status == "+" and r.text or nil end,
    accepted = function(r) return r.status == "+OK" end,
  })
end

function M.imap(c, o)
  return run(c, o, {
    command = "AUTHENTICATE",
    initial = function() return c:has "SASL-IR" end,
    challenge = function(r) return r.kind == "continue" and r.text or nil end,
    accepted = function(r) return r.status == "OK" end,
  })
end

return M
