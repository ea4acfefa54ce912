-- EHLO and HELO. RFC 5321, 4.1.1.1 and 4.1.4.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "reply-form",
  title   = "EHLO gets 250: a line with the domain, then one keyword a line",
  proves  = { "rfc5321-2.2.1-2", "rfc5321-2.2.1-3", "rfc5321-i-4.1.1.1-2", "rfc5321-4.1.1.1-x1" },
  says    = [[The reply to EHLO begins with the server's domain; each further line is a keyword of letters,
              digits and hyphens, with its parameters after single spaces.]],
  why     = [[Clients find out here what they may use. A line that does not fit this form is a feature they
              cannot see, or worse, take for another.]],
  catches = { "smtp-ehlo-no-domain", "smtp-ehlo-keyword-syntax", "smtp-reply-no-space", "smtp-ehlo-refused",
    "smtp-ehlo-last-line-hyphen" },
  users   = 0,
  run = function(t)
    local c = t:smtp { ehlo = false }
    c:send "EHLO client.test.example"
    local r = c:expect "250"
    local domain = r.lines[1]:match "^(%S+)" or ""
    t:check(domain:match "^%[.+%]$" or domain:match "^%w[%w.-]*%.[%w-]*%w$" or domain:match "^%w[%w-]*$",
      "the first line begins with %q, not with a domain", domain)
    for n = 2, #r.lines do
      local line = r.lines[n]
      t:check(line:match "^%w[%w-]*$" or line:match "^%w[%w-]* [\33-\126]+[\33-\126 ]*$",
        "line %d is no keyword with parameters: %q", n, line)
      t:check(not line:match "^%w[%w-]*=", "line %d has an equals sign after its keyword: %q", n, line)
    end
  end,
}

scenario {
  name    = "helo-lists-nothing",
  title   = "HELO is understood, lists no extensions, and mail can be sent after it",
  proves  = { "rfc5321-3.2-2", "rfc5321-4.1.1.1-4", "rfc5321-2.2.1-4" },
  says    = [[HELO with a name gets a plain 250 without any keywords; a mail transaction works in such a session.]],
  why     = [[Old clients and small devices still say HELO; a list of keywords is more than their parsers expect.]],
  catches = { "smtp-helo-like-ehlo", "smtp-helo-refused" },
  run = function(t)
    local c = t:smtp { ehlo = false }
    c:send "HELO client.test.example"
    local r = c:expect "250"
    for n = 2, #r.lines do
      local word = r.lines[n]:upper():match "^%S+" or ""
      t:check(not ({ PIPELINING = 1, SIZE = 1, ["8BITMIME"] = 1, STARTTLS = 1, DSN = 1, CHUNKING = 1, AUTH = 1,
        ENHANCEDSTATUSCODES = 1, SMTPUTF8 = 1, VRFY = 1, ETRN = 1, HELP = 1 })[word],
        "the reply to HELO lists the keyword %s", word)
    end
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "RSET"
    c:expect "250"
  end,
}

scenario {
  name    = "acts-as-rset",
  title   = "A second EHLO clears the open transaction",
  proves  = { "rfc5321-4.1.4-5", "rfc5321-4.1.1.1-x2" },
  says    = [[EHLO that is accepted in the middle of a transaction forgets sender and recipients.]],
  why     = [[A proxy or a client that starts over must not have its next message mixed with the half of another.]],
  catches = { "smtp-ehlo-keeps-transaction", "smtp-rcpt-before-mail" },
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send "EHLO client.test.example"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    local r = c:reply()
    t:check(r:is("503", "5yz"), "RCPT after a second EHLO got %s: the old sender was kept", r)
  end,
}

scenario {
  name    = "refused-keeps-transaction",
  title   = "An EHLO that is refused leaves the open transaction alone",
  proves  = { "rfc5321-4.1.4-6", "rfc5321-4.1.4-7" },
  says    = [[EHLO without its argument is refused with 501, 500, 502 or 550, and the transaction that was open
              goes on.]],
  why     = [[A refused command has not happened. If it cleared the transaction all the same, the client would send
              its text into nothing.]],
  catches = "smtp-bad-ehlo-resets",
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send "EHLO"
    local r = c:reply()
    if r:is "2yz" then
      t:check(false, "EHLO without argument was accepted: %s", r)
      return
    end
    t:check(r:is("501", "500", "502", "550"), "EHLO without argument got %s", r)
    c:send("RCPT TO:<" .. t.user.address .. ">")
    t:check(c:reply():is "2yz", "the refused EHLO cleared the transaction")
  end,
}

scenario {
  name    = "any-case",
  title   = "Verbs and keywords are understood in any mixture of cases",
  proves  = "rfc5321-2.4-2",
  says    = [[EHLO, MAIL FROM:, RCPT TO: and RSET mean the same in small letters and in mixed ones.]],
  why     = [[Clients of every age write them differently, and none is wrong.]],
  catches = { "smtp-verbs-case-sensitive", "smtp-ehlo-refused", "smtp-ehlo-last-line-hyphen" },
  run = function(t)
    local c = t:smtp { ehlo = false }
    c:send "ehlo client.test.example"
    c:expect "250"
    c:send "mail from:<ann@client.example>"
    c:expect "250"
    c:send("rCpT tO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "rset"
    c:expect "250"
  end,
}
