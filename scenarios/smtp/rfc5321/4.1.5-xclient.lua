-- XCLIENT: a trusted peer says whom it speaks for. A private extension (Postfix's XCLIENT_README); what RFC 5321 asks
-- of private commands and of trace fields holds for it. RFC 5321, 4.1.5 and 4.4.
-- SPDX-License-Identifier: MIT

local function trust(t, address) t:control { ["do"] = "set", name = "xclient-from", value = address } end

scenario {
  name    = "not-for-strangers",
  title   = "XCLIENT is neither listed nor obeyed for others than trusted peers",
  proves  = { "rfc5321-4.1.5-x1", "rfc5321-4.4-x3" },
  says    = [[To a peer that nobody trusts EHLO does not list XCLIENT, and the command gets 5yz.]],
  why     = [[Who may choose his address and his login name may do anything.]],
  users   = 0,
  catches = { "xclient-from-strangers", "xclient-listed-to-strangers" },
  run = function(t)
    local c = t:smtp()
    -- A server that somebody set up may know our address for that of a trusted peer.
    if c:has "XCLIENT" and t.target ~= "mailproofd" then t:skip "EHLO lists XCLIENT: we seem to be trusted" end
    t:check(not c:has "XCLIENT", "EHLO lists XCLIENT to a stranger")
    c:send "XCLIENT ADDR=192.0.2.77 NAME=trusted.example"
    local r = c:expect("2yz", "4yz", "5yz", "closed")
    t:check(r:is("5yz", "closed"), "XCLIENT of a stranger got %s", r)
    if r:is "closed" then return end
    c:send "NOOP"
    c:expect "250"
  end,
}

scenario {
  name    = "back-to-the-beginning",
  title   = "XCLIENT that is taken puts the session back to its greeting",
  proves  = "rfc5321-4.1.5-x2",
  says    = [[The reply is 220, and EHLO has to be said anew; in an open transaction the command is refused.]],
  why     = [[What the client had said and been told before was said by somebody else.]],
  needs_control = true,
  catches = { "xclient-reply-250", "xclient-keeps-transaction" },
  run = function(t)
    trust(t, "127.0.0.1")
    local c = t:smtp { ehlo = "before.client.example" }
    t:check(c:has "XCLIENT", "EHLO does not list XCLIENT to a trusted peer")
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send "XCLIENT ADDR=192.0.2.77"
    local r = c:expect("2yz", "4yz", "5yz")
    t:check(r:is("5yz", "4yz"), "XCLIENT in an open transaction got %s", r)
    c:send "RSET"
    c:expect "250"
    c:send "XCLIENT ADDR=192.0.2.77 NAME=real.client.example"
    r = c:expect("2yz", "4yz", "5yz")
    t:check(r:is "220", "XCLIENT got %s", r)
    c:send "EHLO after.client.example"
    c:expect "250"
    c:mail { data = message.make { subject = "after", body = t.marker } }
    local got = t:delivered(t.marker)
    t:check(got:find("after.client.example", 1, true), "Received does not tell the name of the new EHLO")
    t:check(not got:find("before.client.example", 1, true), "Received tells the EHLO name from before XCLIENT")
  end,
}

scenario {
  name    = "without-a-new-ehlo",
  title   = "After XCLIENT the EHLO from before counts no more",
  proves  = "rfc5321-4.1.5-x2",
  says    = [[MAIL directly behind the 220 is refused or comes from a client without a name; the name given before does
              not come back.]],
  why     = [[It is the name of another host than the address that is told beside it.]],
  needs_control = true,
  catches = { "xclient-keeps-ehlo", "xclient-reply-250" },
  run = function(t)
    trust(t, "127.0.0.1")
    local c = t:smtp { ehlo = "before.client.example" }
    c:send "XCLIENT ADDR=192.0.2.77"
    c:expect "220"
    c:send "MAIL FROM:<ann@client.example>"
    local r = c:expect("250", "5yz", "4yz")
    if not r:is "250" then return t:check(r:is "5yz", "MAIL before the new EHLO got %s", r) end
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "DATA"
    c:expect "354"
    c:write("Subject: no name\r\n\r\n" .. t.marker .. "\r\n.\r\n")
    c:expect "250"
    t:check(not t:delivered(t.marker):find("before.client.example", 1, true),
      "Received tells the EHLO name from before XCLIENT")
  end,
}

scenario {
  name    = "address-is-believed",
  title   = "The address that XCLIENT gives is the client's from then on",
  proves  = "rfc5321-4.4-x3",
  says    = [[Received tells the address and the name of the client that the trusted peer speaks for.]],
  why     = [[A filter in front of the server would otherwise be the origin of all mail.]],
  needs_control = true,
  catches = { "xclient-address-ignored", "smtp-no-received", "smtp-received-without-from" },
  run = function(t)
    trust(t, "127.0.0.1")
    for _, address in ipairs { "192.0.2.77", "IPV6:2001:db8::77" } do
      local c = t:smtp()
      c:send("XCLIENT ADDR=" .. address)
      c:expect "220"
      c:send "EHLO real.client.example"
      c:expect "250"
      local bare = address:gsub("^IPV6:", "")
      c:mail { data = message.make { subject = "whose", body = t.marker .. bare } }
      local header = message.split(t:delivered(t.marker .. bare))
      t:check(header:find(bare, 1, true), "Received does not tell the address %s", bare)
    end
  end,
}

scenario {
  name    = "wrong-arguments",
  title   = "XCLIENT with attributes that do not exist, or values that are none, gets 501",
  proves  = "rfc5321-4.1.5-x3",
  says    = [[Only the attributes that EHLO lists are taken, each with a value in xtext; ADDR has an address.]],
  why     = [[A peer that mistypes would go on under its own name, which is trusted.]],
  needs_control = true,
  users   = 0,
  catches = "xclient-any-argument",
  run = function(t)
    trust(t, "127.0.0.1")
    local c = t:smtp()
    for _, wrong in ipairs { "FOO=bar", "ADDR=nowhere", "ADDR=192.0.2.256", "ADDR", "" } do
      c:send(("XCLIENT " .. wrong):gsub(" $", ""))
      local r = c:expect("2yz", "4yz", "5yz")
      t:check(r:is "5yz", "XCLIENT %s got %s", wrong, r)
    end
  end,
}
