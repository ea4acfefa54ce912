-- RCPT: who gets the message. RFC 5321, 4.1.1.3, 3.3, 4.5.1 and 4.5.3.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "before-mail",
  title   = "RCPT without MAIL gets 503",
  proves  = { "rfc5321-3.3-10", "rfc5321-4.1.4-17" },
  says    = [[RCPT before any MAIL is refused with 503, and the session is as it was.]],
  why     = [[Order is all that tells one message's envelope from the next one's.]],
  catches = { "smtp-rcpt-before-mail", "smtp-bad-sequence-500" },
  run = function(t)
    local c = t:smtp()
    c:send("RCPT TO:<" .. t.user.address .. ">")
    local r = c:reply()
    t:check(r:is "503", "RCPT before MAIL got %s", r)
    c:send "DATA"
    r = c:reply()
    t:check(r:is("503", "554"), "DATA before MAIL got %s", r)
  end,
}

scenario {
  name    = "unknown-mailbox",
  title   = "A local mailbox that does not exist is refused, and takes nothing from the others",
  proves  = { "rfc5321-i-3.3-3", "rfc5321-4.1.1.3-x1" },
  says    = [[RCPT for a mailbox of our domain that is known not to exist is refused; recipients accepted before and
              after stay accepted.]],
  why     = [[One stale address in a list of many must not cost the others their mail; and a server that accepts
              everyone must bounce later, often to a forged sender.]],
  catches = { "smtp-unknown-user-accepted", "smtp-bad-rcpt-drops-transaction" },
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send("RCPT TO:<nobody-of-this-name@" .. t.domain .. ">")
    local r = c:reply()
    t:check(r:is("550", "5yz", "4yz"), "a mailbox that does not exist got %s", r)
    c:send "DATA"
    r = c:reply()
    t:check(r:is "354", "after one refused recipient DATA got %s, though another was accepted", r)
    if r:is "354" then
      c:write("Subject: one of two\r\n\r\n" .. t.marker .. "\r\n.\r\n")
      c:expect "250"
    end
  end,
}

scenario {
  name    = "postmaster",
  title   = "postmaster is accepted, with and without a domain, in any case",
  proves  = { "rfc5321-2.3.5-5", "rfc5321-4.5.1-3", "rfc5321-4.5.1-4" },
  says    = [[RCPT TO:<postmaster> needs no domain; the name is known in small letters, capitals and mixed, and at
              the server's own domain.]],
  why     = [[It is the address to reach a human with when all else fails, and the one that everyone may count on.]],
  catches = { "smtp-postmaster-refused", "smtp-postmaster-case", "smtp-quit-no-reply" },
  users   = 0,
  run = function(t)
    for _, name in ipairs { "postmaster", "Postmaster", "POSTMASTER", "postmaster@" .. t.domain,
      "PostMaster@" .. t.domain } do
      local c = t:smtp()
      c:send "MAIL FROM:<ann@client.example>"
      c:expect "250"
      c:send("RCPT TO:<" .. name .. ">")
      local r = c:reply()
      t:check(r:is "25z", "RCPT TO:<%s> got %s", name, r)
      c:send "QUIT"
      c:expect "221"
    end
  end,
}

scenario {
  name    = "source-route-parsed",
  title   = "A source route is no syntax error",
  proves  = { "rfc5321-3.3-7", "rfc5321-4.1.1.3-3" },
  says    = [[<@a.example,@b.example:user@domain> is understood as a path. It is taken as the last mailbox alone, or
              the relaying is refused as policy; it is never called bad syntax.]],
  why     = [[The form is old and nobody should write it, but old mail still carries it, and a parser that stumbles
              there may take the first name for the destination.]],
  catches = "smtp-source-route-syntax-error",
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<@relay.example,@other.example:" .. t.user.address .. ">")
    local r = c:reply()
    t:check(not r:is("500", "501", "555"), "a source route got %s: a syntax error", r)
  end,
}

scenario {
  name    = "hundred",
  title   = "A hundred recipients in one transaction are accepted",
  proves  = "rfc5321-4.5.3.1.8-1",
  says    = [[At least a hundred RCPT commands of one transaction are taken.]],
  why     = [[A sender with a list relies on it: past a lower limit part of the list gets nothing until a retry.]],
  catches = "smtp-fifty-recipients",
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    local taken, first
    taken = 0
    for _ = 1, 100 do
      c:send("RCPT TO:<" .. t.user.address .. ">")
      local r = c:reply()
      if r:is "25z" then taken = taken + 1 else first = first or r end
    end
    t:check(taken == 100, "only %d of 100 recipients were taken; then %s", taken, first)
  end,
}

scenario {
  name    = "domain-in-any-case",
  title   = "The domain of a recipient is compared without regard to case",
  proves  = "rfc5321-2.4-x2",
  says    = [[The mailbox user@DOMAIN is the same as user@domain.]],
  why     = [[Domain names know no case, and people type them as they like.]],
  catches = "smtp-domain-case-sensitive",
  run = function(t)
    local c = t:smtp()
    local name, domain = t.user.address:match "^(.-)@(.+)$"
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. name .. "@" .. domain:upper() .. ">")
    local r = c:reply()
    t:check(r:is "25z", "the recipient with its domain in capitals got %s", r)
  end,
}

scenario {
  name    = "stranger-may-not-relay",
  title   = "A stranger's mail for another host is refused",
  proves  = { "rfc5321-7.9-3", "rfc5321-3.6.2-2" },
  says    = [[A client that has not logged in and is not known gets a refusal at RCPT, best 550, for an address of a
              domain that the server is not responsible for.]],
  why     = [[A server that passes on anyone's mail to anywhere is found by spammers within hours.]],
  catches = "smtp-open-relay",
  users   = 0,
  run = function(t)
    local function ask(c)
      c:send "MAIL FROM:<ann@client.example>"
      c:expect "250"
      c:send "RCPT TO:<bob@elsewhere.example>"
      return c:reply()
    end
    local c = t:smtp()
    local r = ask(c)
    local loopback = c.host == "localhost" or c.host:find "^127%."
    -- Many servers know their own host, and it is where we come from: another address of it is more of a stranger.
    if r:is "2yz" and loopback then r = ask(t:smtp { family = 4, source = "127.0.0.99" }) end
    t:check(not r:is "2yz", "accepted mail for elsewhere.example from a client that has not logged in: an open relay%s",
      loopback and ", or it relays for the whole loopback (then test it from another host)" or "")
    t:record("code for relaying denied", r.code)
  end,
}
