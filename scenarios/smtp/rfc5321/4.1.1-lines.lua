-- Commands that are nearly right: a NUL, an empty path, text glued to a path, words too many. RFC 5321, 4.1.1.
-- SPDX-License-Identifier: MIT

-- One command in a new session behind MAIL (when `mail` is set), and its reply.
local function alone(t, bytes, mail)
  local c = t:smtp()
  if mail then
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
  end
  c:write(bytes .. "\r\n")
  local r = c:expect("2yz", "3yz", "4yz", "5yz", "closed")
  c:close()
  return r
end

scenario {
  name    = "nul-ends-nothing",
  title   = "A command with a NUL in it is refused whole",
  proves  = "rfc5321-2.4-x3",
  says    = [[A line with a NUL in it is no command: it is refused, and what stands before the NUL is not obeyed.]],
  why     = [[A string of C ends there. A filter in front of the server reads one address, the server another.]],
  catches = "smtp-nul-ends-command",
  run = function(t)
    local own = t.user.address
    for what, r in pairs {
      ["MAIL with a NUL behind the path"] = alone(t, "MAIL FROM:<ann@client.example>\0SIZE=x"),
      ["MAIL with a NUL inside the path"] = alone(t, "MAIL FROM:<ann@client.example\0.example>"),
      ["RCPT with a NUL behind the path"] = alone(t, "RCPT TO:<" .. own .. ">\0@elsewhere.example>", true),
      ["RCPT with a NUL in the local part"] = alone(t, "RCPT TO:<" .. own:gsub("@", "\0x@") .. ">", true),
    } do
      t:check(r:is("5yz", "4yz", "closed"), "%s got %s", what, r)
    end
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:write "RSET\0x\r\n"
    local r = c:expect("2yz", "5yz", "4yz", "closed")
    if r:is("closed") then return end
    c:send("RCPT TO:<" .. own .. ">")
    local rcpt = c:expect("2yz", "5yz", "4yz", "closed")
    t:check(not rcpt:is "503", "RSET with a NUL behind it was obeyed: RCPT got %s", rcpt)
  end,
}

scenario {
  name    = "empty-path-is-no-recipient",
  title   = "RCPT TO:<> is refused",
  proves  = "rfc5321-4.1.1.3-x2",
  says    = [[Mail has an empty sender when nobody is to be told of its failure. A recipient is somebody.]],
  why     = [[Mail to nobody is accepted, bounces to a sender who may be forged, or ends up with the postmaster.]],
  catches = "smtp-null-recipient",
  run = function(t)
    local r = alone(t, "RCPT TO:<>", true)
    t:check(r:is("5yz", "4yz", "closed"), "RCPT TO:<> got %s", r)
  end,
}

scenario {
  name    = "nothing-glued-to-the-path",
  title   = "Text right behind the > of a path is a syntax error",
  proves  = "rfc5321-4.1.1-x1",
  says    = [[A space parts the path from its parameters. What is glued to the > is neither ignored nor obeyed.]],
  why     = [[Two programs on the way that cut such a line in different places see different addresses.]],
  catches = { "smtp-junk-behind-path", "smtp-accepts-bad-path", "smtp-any-domain" },
  run = function(t)
    for what, r in pairs {
      ["MAIL FROM:<…>xyz"] = alone(t, "MAIL FROM:<ann@client.example>xyz"),
      ["MAIL FROM:<…><…>"] = alone(t, "MAIL FROM:<ann@client.example><bob@client.example>"),
      ["RCPT TO:<…>xyz"] = alone(t, "RCPT TO:<" .. t.user.address .. ">xyz", true),
      ["RCPT TO:<…>,<…>"] = alone(t, ("RCPT TO:<%s>,<%s>"):format(t.user.address, t.user.address), true),
    } do
      t:check(r:is("5yz", "4yz", "closed"), "%s got %s", what, r)
    end
  end,
}

scenario {
  name    = "helo-resets-too",
  title   = "A second HELO clears the open transaction",
  proves  = "rfc5321-4.1.1.1-x4",
  says    = [[HELO and EHLO in a session that has begun act as RSET: sender and recipients are gone.]],
  why     = [[A client that starts again must not find its next message going to the recipients of the last one.]],
  catches = { "smtp-helo-keeps-transaction", "smtp-ehlo-keeps-transaction", "smtp-rcpt-before-mail" },
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "HELO client.test.example"
    local r = c:expect("250", "5yz")
    if not r:is "250" then return t:pass("a second HELO is refused: %s", r) end
    c:send("RCPT TO:<" .. t.user.address .. ">")
    r = c:expect("2yz", "4yz", "5yz")
    t:check(not r:is "2yz", "behind a second HELO RCPT without MAIL got %s", r)
    c:send "DATA"
    r = c:expect("3yz", "4yz", "5yz")
    t:check(not r:is "354", "behind a second HELO DATA got %s", r)
  end,
}

scenario {
  name    = "noop-ignores-its-text",
  title   = "NOOP with an argument gets 250",
  proves  = "rfc5321-4.1.1.9-2",
  says    = [[The text behind NOOP is there for nobody: the reply is that of a bare NOOP.]],
  why     = [[Clients that keep a connection warm write what they like there.]],
  users   = 0,
  catches = { "smtp-noop-argument-501" },
  run = function(t)
    local c = t:smtp()
    for _, text in ipairs { "x", "one two", "<ann@client.example>" } do
      c:send("NOOP " .. text)
      local r = c:reply()
      t:check(r:is "250", "NOOP %s got %s", text, r)
    end
  end,
}

scenario {
  name    = "no-turn",
  title   = "TURN is not offered to strangers",
  proves  = "rfc5321-F.1-1",
  says    = [[TURN is not listed, and who has not logged in and says it gets 502 or another refusal.]],
  why     = [[It hands the waiting mail of a host to whoever claims in EHLO to be that host.]],
  users   = 0,
  catches = { "smtp-turn", "smtp-unknown-command-250" },
  run = function(t)
    local c = t:smtp()
    t:check(not c:has "TURN", "EHLO lists TURN")
    c:send "TURN"
    local r = c:expect("2yz", "4yz", "5yz", "closed")
    t:check(not r:is "2yz", "TURN got %s", r)
  end,
}

scenario {
  name    = "no-way-round-the-relay-rule",
  title   = "An address that hides another host is not relayed for strangers",
  proves  = "rfc5321-7.9-3",
  says    = [[x%other@here, other!x@here, a quoted x@other and a route through this host are either a mailbox of this
              server, which does not exist, or another way to write x@other: a stranger gets neither.]],
  why     = [[These are the doors that open relays had when the front one was shut.]],
  catches = { "smtp-percent-relay", "smtp-open-relay", "smtp-any-domain" },
  run = function(t)
    local r = alone(t, "RCPT TO:<nobody-of-this-name@" .. t.domain .. ">", true)
    if r:is "2yz" then t:skip "takes mail for every name of its domain" end
    for _, path in ipairs { "x%foreign.example@" .. t.domain, "foreign.example!x@" .. t.domain,
      '"x@foreign.example"@' .. t.domain, "@" .. t.domain .. ":x@foreign.example", "x@foreign.example@" .. t.domain,
      "x%foreign.example", "foreign.example!x" } do
      r = alone(t, "RCPT TO:<" .. path .. ">", true)
      t:check(not r:is "2yz", "a stranger's mail for <%s> got %s", path, r)
    end
  end,
}
