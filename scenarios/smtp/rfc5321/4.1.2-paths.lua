-- The grammar of addresses. RFC 5321, 4.1.2 and 4.1.3.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "quoted-local-part",
  title   = "A quoted local part is good syntax, and quoting makes no other mailbox",
  proves  = { "rfc5321-4.1.2-x1", "rfc5321-4.1.2-5" },
  says    = [[<"john doe"@client.example> is a sender like any other, and "user" in quotes is the mailbox user.]],
  why     = [[Quoting is spelling. Some addresses cannot be written without it.]],
  catches = { "smtp-quoted-local-part-refused", "smtp-quoting-matters" },
  run = function(t)
    local c = t:smtp()
    c:send [[MAIL FROM:<"john doe"@client.example>]]
    local r = c:reply()
    t:check(r:is "250", "a quoted local part as the sender got %s", r)
    if not r:is "250" then return end
    local name, domain = t.user.address:match "^(.-)@(.+)$"
    c:send(('RCPT TO:<"%s"@%s>'):format(name, domain))
    r = c:reply()
    t:check(r:is "25z", "the recipient with his name in quotes got %s", r)
  end,
}

scenario {
  name    = "address-literals",
  title   = "Address literals are good syntax in EHLO and in paths",
  proves  = { "rfc5321-4.1.3-x1", "rfc5321-4.1.1.1-x3" },
  says    = [[EHLO [192.0.2.1] and a sender ann@[192.0.2.1] are understood, IPv6 literals too; refusing the mail by
              policy is another matter than calling it bad syntax.]],
  why     = [[A host without a name has nothing else to say.]],
  catches = { "smtp-address-literal-refused", "smtp-ehlo-refused", "smtp-rset-closes", "smtp-ehlo-last-line-hyphen" },
  users   = 0,
  run = function(t)
    local c = t:smtp { ehlo = false }
    for _, literal in ipairs { "[192.0.2.1]", "[IPv6:2001:db8::1]" } do
      c:send("EHLO " .. literal)
      local r = c:reply()
      t:check(not r:is("500", "501"), "EHLO %s got %s", literal, r)
      c:send("MAIL FROM:<ann@" .. literal .. ">")
      r = c:reply()
      t:check(not r:is("500", "501", "553"), "the sender ann@%s got %s", literal, r)
      c:send "RSET"
      c:expect "250"
    end
  end,
}
