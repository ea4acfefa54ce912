-- What EHLO announces, and what follows from the name that the client gave. RFC 5321, 2.2.2, 4.1.1.1, 4.1.4 and 4.2.4.
-- SPDX-License-Identifier: MIT

-- The registry of SMTP service extensions, with what is in use and was never registered in another form.
local REGISTERED = {}
for word in ([[SEND SOML SAML VRFY EXPN HELP TURN 8BITMIME SIZE CHUNKING BINARYMIME CHECKPOINT DELIVERBY PIPELINING DSN
  ETRN ENHANCEDSTATUSCODES STARTTLS NO-SOLICITING MTRK ATRN AUTH BURL FUTURERELEASE CONPERM CONNEG SMTPUTF8 MT-PRIORITY
  RRVS REQUIRETLS LIMITS UTF8SMTP SUBMITTER VERB ONEX]]):gmatch "%S+" do
  REGISTERED[word] = true
end

scenario {
  name    = "keywords-are-registered",
  title   = "Every keyword of EHLO is registered, or begins with X",
  proves  = "rfc5321-2.2.2-6",
  says    = [[A keyword without X at its front is one of the IANA registry.]],
  why     = [[Two programs that mean different things by one word break each other.]],
  users   = 0,
  catches = "smtp-ehlo-unregistered",
  run = function(t)
    for _, service in ipairs { "smtp", "submission", "lmtp" } do
      if t:offers(service) then
        local c = t:smtp { service = service }
        for word in pairs(c:capabilities()) do
          -- AUTH=PLAIN stands beside AUTH for clients of the last century
          t:check(REGISTERED[word] or word:find "^X" or word:find "^AUTH=",
            "EHLO on %s lists %s, which is not registered", service, word)
        end
      end
    end
  end,
}

scenario {
  name    = "what-is-listed-is-there",
  title   = "A command that EHLO lists is never unknown, and one that is not listed does not work",
  proves  = { "rfc5321-4.2.4-4", "rfc5321-4.1.1.1-7", "rfc5321-F.6-4", "rfc5321-4.1.5-3", "rfc5321-4.2-13" },
  says    = [[A listed verb never gets 500 or 502. A verb beyond the required ones that is not listed does nothing: it
              gets an error. No reply begins with another digit than 2, 4 or 5.]],
  why     = [[The list is the only way for a client to know what it may send.]],
  catches = { "smtp-listed-command-502", "smtp-expn-unlisted", "smtp-unknown-command-250", "smtp-code-range" },
  run = function(t)
    local c = t:smtp()
    for word, command in pairs { VRFY = "VRFY " .. t.user.name, EXPN = "EXPN " .. t.user.name, HELP = "HELP",
      ETRN = "ETRN client.example" } do
      c:send(command)
      local r = c:expect("2yz", "4yz", "5yz")
      if c:has(word) then
        t:check(not r:is("500", "502"), "EHLO lists %s, and it got %s", word, r)
      elseif word ~= "HELP" and word ~= "VRFY" then -- these two need no keyword
        t:check(not r:is "250", "EHLO does not list %s, and it got %s", word, r)
      end
    end
    for _, verb in ipairs { "SEND FROM:<ann@client.example>", "SOML FROM:<ann@client.example>",
      "SAML FROM:<ann@client.example>", "TURN", "ATRN", "BURL imap://x/ LAST", "TICK", "VERB ON" } do
      local word = verb:match "^%a+"
      if not c:has(word) then
        c:send(verb)
        local r = c:expect("2yz", "4yz", "5yz", "closed")
        t:check(r:is("4yz", "5yz", "closed"), "EHLO does not list %s, and it got %s", word, r)
        if r:is("closed", "421") then c = t:smtp() end
      end
    end
  end,
}

scenario {
  name    = "name-is-not-checked",
  title   = "A name in EHLO that is not the client's is no reason to refuse mail",
  proves  = "rfc5321-4.1.4-11",
  says    = [[Whether the name resolves, and to which address, decides nothing: the message is taken.]],
  why     = [[Hosts behind address translation and hosts with several names cannot give a better one.]],
  catches = "smtp-ehlo-name-checked",
  run = function(t)
    for _, name in ipairs { "no-such-host.invalid", "[192.0.2.99]" } do
      local c = t:smtp { ehlo = name }
      c:send "MAIL FROM:<ann@client.example>"
      local r = c:reply()
      t:check(r:is "250", "MAIL behind EHLO %s got %s", name, r)
      c:send("RCPT TO:<" .. t.user.address .. ">")
      r = c:reply()
      t:check(r:is "25z", "RCPT behind EHLO %s got %s", name, r)
    end
  end,
}

scenario {
  name    = "words-of-extensions-in-any-case",
  title   = "Verbs and parameters of extensions are understood in any mixture of letters",
  proves  = "rfc5321-4.1.1.1-6",
  says    = [[siZe=, body=8bitMime, vrFy: capitals and small letters are the same in keywords of extensions, as in those
              of SMTP itself.]],
  why     = [[Nobody has told the authors of clients which of them a server likes.]],
  needs   = { "SIZE", "8BITMIME" },
  catches = { "smtp-verbs-case-sensitive", "smtp-parameters-case-sensitive", "smtp-dsn-words-case",
    "smtp-dsn-never-refused" },
  run = function(t)
    local c = t:smtp()
    c:send "mAiL fRoM:<ann@client.example> siZe=100 body=8bitMime"
    local r = c:reply()
    t:check(r:is "250", "a MAIL with siZe= and body=8bitMime got %s", r)
    c:send("rCpT tO:<" .. t.user.address .. ">" .. (c:has "DSN" and " notifY=nEver" or ""))
    r = c:reply()
    t:check(r:is "25z", "a RCPT in mixed letters got %s", r)
  end,
}

scenario {
  name    = "the-required-commands",
  title   = "A message can be sent with the required commands alone, behind HELO",
  proves  = { "rfc5321-4.5.1-1", "rfc5321-4.5.1-2", "rfc5321-3.3-15", "rfc5321-i-3.3-5", "rfc5321-4.3.1-4" },
  says    = [[HELO, MAIL, RCPT, DATA, RSET, NOOP, VRFY and QUIT are all there: none gets 500 or 502, and the message
              arrives.]],
  why     = [[This is what every client on earth may rely on.]],
  catches = { "smtp-helo-refused", "smtp-loses-after-250", "smtp-quit-no-reply", "smtp-listed-command-502",
    "smtp-code-range", "smtp-rset-keeps-sender", "smtp-rset-closes" },
  run = function(t)
    local c = t:smtp { ehlo = false }
    for _, step in ipairs { { "HELO client.test.example", "250" }, { "NOOP", "250" }, { "VRFY ann", "2yz", "550", "553",
      "551", "501", "504", "4yz" }, { "MAIL FROM:<ann@client.example>", "250" }, { "RSET", "250" },
      { "MAIL FROM:<ann@client.example>", "250" }, { "RCPT TO:<" .. t.user.address .. ">", "25z" },
      { "DATA", "354" } } do
      c:send(step[1])
      local r = c:reply()
      t:check(r:is(table.unpack(step, 2)), "%s got %s", step[1], r)
    end
    c:write("Subject: plain\r\n\r\n" .. t.marker .. "\r\n.\r\n")
    c:expect "250"
    c:send "QUIT"
    c:expect "221"
    t:delivered(t.marker, { judge = true })
  end,
}
