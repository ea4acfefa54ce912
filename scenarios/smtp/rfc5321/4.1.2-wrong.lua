-- Addresses, domains and commands that break the grammar, and what is odd but lawful. RFC 5321, 4.1.2 and 4.1.3.
-- SPDX-License-Identifier: MIT

-- RCPT with each path, of which none may be taken; on connections of their own, since some hang up after few errors.
local function refuses(t, paths, what)
  for _, path in ipairs(paths) do
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. path:gsub("HOST", function() return t.user.address:match "@(.+)$" end) .. ">")
    local r = c:expect("2yz", "4yz", "5yz")
    t:check(r:is "5yz", "%s: RCPT TO:<%s> got %s", what, path, r)
    c:close()
  end
end

scenario {
  name    = "bad-domains",
  title   = "Domains with characters outside letters, digits and hyphens are refused",
  proves  = { "rfc5321-4.1.2-8", "rfc5321-F.4-1" },
  says    = [[A label has letters, digits and hyphens only; user@#123 is no address any more.]],
  why     = [[What looks like a domain is soon part of a DNS question, a file name or a command line.]],
  catches = "smtp-any-domain",
  run = function(t)
    refuses(t, { "bob@under_score.HOST", "bob@#123", "bob@a..HOST", "bob@.HOST", "bob@-a.HOST", "bob@a b.HOST",
      "bob@HOST;x", "bob@$HOST" }, "a domain that is none")
  end,
}

scenario {
  name    = "bad-literals",
  title   = "Address literals that are no address are refused",
  proves  = { "rfc5321-4.1.3-x1", "rfc5321-4.1.3-2" },
  says    = [[[256.1.1.1], [1.2.3], an IPv6 literal with two "::" or nine groups: refused, as a recipient in any
              case.]],
  why     = [[Number parsers differ on such forms: one program's [1.2.3] is another one's 1.2.0.3.]],
  catches = { "smtp-any-literal", "smtp-accepts-bad-path" },
  users   = 0,
  run = function(t)
    for _, literal in ipairs { "[256.1.1.1]", "[1.2.3]", "[1.2.3.4.5]", "[IPv6:1::2::3]", "[IPv6:1:2:3:4:5:6:7:8:9]",
      "[]" } do
      local c = t:smtp()
      c:send("MAIL FROM:<ann@" .. literal .. ">")
      local r = c:expect("2yz", "4yz", "5yz")
      t:check(r:is "5yz", "MAIL FROM:<ann@%s> got %s", literal, r)
      c:close()
    end
  end,
}

scenario {
  name    = "eight-bit-in-commands",
  title   = "Octets above 127 in a command are refused where no extension allows them",
  proves  = { "rfc5321-4.1.2-10", "rfc5321-2.4-16", "rfc6531-3.4-x1" },
  says    = [[An address with such octets is refused in MAIL without SMTPUTF8, with BODY=8BITMIME too.]],
  why     = [[In which character set would they be? Two programs give two answers, and the mail goes to one of two
              mailboxes.]],
  catches = { "smtp-eight-bit-address", "smtp-any-domain" },
  run = function(t)
    local params = t:smtp():has "8BITMIME" and { "", " BODY=8BITMIME" } or { "" }
    for _, p in ipairs(params) do
      local c = t:smtp()
      c:send("MAIL FROM:<j\xc3\xb6rg@client.example>" .. p)
      local r = c:expect("2yz", "4yz", "5yz")
      t:check(r:is("500", "501", "550", "553"), "MAIL with octets above 127 in the address%s got %s", p, r)
    end
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<\xff" .. t.user.address .. ">")
    local r = c:expect("2yz", "4yz", "5yz")
    t:check(r:is "5yz", "RCPT with an octet 255 in the address got %s", r)
  end,
}

scenario {
  name    = "trailing-blanks",
  title   = "Blanks at the end of a command do no harm",
  proves  = "rfc5321-4.1.1-1",
  says    = [[Spaces and tabs between the command and its CR LF are passed over.]],
  why     = [[People who type by hand, and scripts that print, leave them there.]],
  catches = "smtp-trailing-blank-501",
  run = function(t)
    local c = t:smtp()
    for _, line in ipairs { "NOOP ", "MAIL FROM:<ann@client.example>  ", "RCPT TO:<" .. t.user.address .. "> ",
      "RSET \t" } do
      c:send(line)
      local r = c:expect("2yz", "4yz", "5yz")
      t:check(r:is "2yz", "%q got %s", line, r)
    end
  end,
}

scenario {
  name    = "route-in-mail",
  title   = "A source route before the sender is accepted and ignored",
  proves  = "rfc5321-4.1.2-1",
  says    = [[MAIL FROM:<@a.example,@b.example:ann@client.example> is good syntax; RCPT with a route may be refused as
              policy, not as syntax.]],
  why     = [[Old software still writes routes.]],
  catches = { "smtp-source-route-in-mail", "smtp-source-route-syntax-error" },
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<@a.example,@b.example:ann@client.example>"
    local r = c:expect("2yz", "4yz", "5yz")
    t:check(r:is "250", "a sender with a source route got %s", r)
    if not r:is "250" then
      c:send "MAIL FROM:<ann@client.example>"
      c:expect "250"
    end
    c:send("RCPT TO:<@" .. t.user.address:match "@(.+)$" .. ":" .. t.user.address .. ">")
    r = c:expect("2yz", "4yz", "5yz")
    t:check(not r:is("500", "501"), "a recipient with a source route is called bad syntax: %s", r)
  end,
}
