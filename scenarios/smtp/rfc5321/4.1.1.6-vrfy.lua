-- VRFY, EXPN and HELP: what they find, and what they say. RFC 5321, 3.5 and 4.1.1.6 to 4.1.1.8.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "names-the-mailbox",
  title   = "VRFY that finds a user names the mailbox, and RCPT takes that",
  proves  = { "rfc5321-3.5.1-2", "rfc5321-3.5.1-3", "rfc5321-3.5.1-9", "rfc5321-3.5.2-1", "rfc5321-3.5.2-4",
    "rfc5321-3.5.2-6" },
  says    = [[A 250 to VRFY holds local part and domain of the mailbox, in angle brackets or bare, without a route.
              Whoever does not want to tell says 252.]],
  why     = [[The address is given so that mail can be sent there; half of one is of no use.]],
  catches = { "smtp-vrfy-half-address", "smtp-vrfy-knows-nobody", "smtp-code-second-digit", "smtp-code-range" },
  run = function(t)
    for _, word in ipairs { t.user.address, t.user.name } do
      local c = t:smtp()
      c:send("VRFY " .. word)
      local r = c:expect("250", "251", "252", "5yz")
      if r:is("250", "251") then
        local address = r.text:match "<([^<>]+)>" or r.text:match "([^%s<>]+@[%w.-]+)"
        t:check(address and address:find "^[^@]+@[%w-]+%.[%w.-]+$", "VRFY %s: no whole address in %s", word, r)
        if address then
          c:send "MAIL FROM:<ann@client.example>"
          c:expect "250"
          c:send("RCPT TO:<" .. address .. ">")
          t:check(c:expect("2yz", "5yz"):is "2yz", "RCPT refused the address that VRFY gave: %s", address)
        end
      else
        t:check(word ~= t.user.address or not r:is "550", "VRFY does not know a mailbox of its own: %s", r)
      end
    end
  end,
}

scenario {
  name    = "without-argument",
  title   = "VRFY and EXPN without an argument are syntax errors",
  proves  = "rfc5321-4.1.1.6-x2",
  says    = [[They get 501; where a command does not exist, or not for this client, another 5yz.]],
  why     = [[A 250 that answers nothing is believed by some client.]],
  catches = "smtp-vrfy-needs-nothing",
  users   = 0,
  run = function(t)
    local c = t:smtp()
    for _, verb in ipairs { "VRFY", "EXPN" } do
      c:send(verb)
      local r = c:expect("2yz", "4yz", "5yz")
      t:check(r:is "5yz", "%s without argument got %s", verb, r)
    end
  end,
}

scenario {
  name    = "elsewhere-cannot-tell",
  title   = "VRFY of an address at another host is not confirmed",
  proves  = "rfc5321-3.5.3-5",
  says    = [[What cannot be checked here gets 252, or an error; never 250.]],
  why     = [[250 means that the mailbox is known to exist.]],
  catches = { "smtp-vrfy-confirms-elsewhere", "smtp-code-range" },
  users   = 0,
  run = function(t)
    local c = t:smtp()
    c:send "VRFY bob@elsewhere.example"
    local r = c:expect("2yz", "4yz", "5yz")
    t:check(not r:is("250", "251"), "VRFY of an address at another host got %s", r)
  end,
}

scenario {
  name    = "help-helps",
  title   = "HELP gets 211 or 214, with an argument too",
  proves  = "rfc5321-4.1.1.8-3",
  says    = [[Where EHLO lists HELP it answers with help; an argument may bring more, and is refused at most by 501 or
              504.]],
  why     = [[It is what a human sees who looks at a server by hand.]],
  catches = "smtp-help-code",
  needs   = { "HELP" },
  users   = 0,
  run = function(t)
    local c = t:smtp()
    c:send "HELP"
    local r = c:expect("2yz", "4yz", "5yz")
    t:check(r:is("211", "214"), "HELP got %s", r)
    c:send "HELP MAIL"
    r = c:expect("2yz", "4yz", "5yz")
    t:check(r:is("211", "214", "501", "504"), "HELP MAIL got %s", r)
  end,
}

scenario {
  name    = "expn-in-transaction",
  title   = "EXPN in a transaction leaves it alone, and works only where it is listed",
  proves  = { "rfc5321-4.1.1.7-1", "rfc5321-3.5.2-10" },
  says    = [[EXPN is in order at any moment. A server that answers it with 250 lists it in EHLO.]],
  why     = [[A client asks who is behind a name while it collects recipients.]],
  catches = { "smtp-expn-resets", "smtp-expn-unlisted" },
  run = function(t)
    local c = t:smtp()
    local listed = c:has "EXPN"
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send("EXPN " .. t.user.name)
    local r = c:expect("2yz", "4yz", "5yz")
    t:check(listed or not r:is "250", "EXPN works and is not listed in EHLO")
    t:check(not r:is "503", "EXPN in a transaction got %s", r)
    c:send "DATA"
    r = c:expect("354", "5yz")
    t:check(r:is "354", "EXPN took the recipients away: DATA got %s", r)
  end,
}
