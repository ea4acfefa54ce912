-- Enhanced status codes: where they are, and whether they fit. RFC 2034, 4 and 5; RFC 3463.
-- SPDX-License-Identifier: MIT

-- Whether every line of this reply begins with an enhanced code of the reply's own class.
local function has_code(r)
  local class = tostring(r.code):sub(1, 1)
  for _, line in ipairs(r.lines) do
    local first = line:match "^(%d)%.%d%d?%d?%.%d%d?%d? " or line:match "^(%d)%.%d%d?%d?%.%d%d?%d?$"
    if first ~= class then return false end
  end
  return true
end

scenario {
  name    = "also-behind-helo",
  title   = "Enhanced codes are sent without being asked for, in a session that HELO opened too",
  proves  = { "rfc2034-4-5", "rfc2034-5-x1", "rfc2034-4-1" },
  says    = [[A server that lists ENHANCEDSTATUSCODES puts them into its replies whichever way the client said hello.]],
  why     = [[The codes stand in the text, where old clients do not look: nobody has to be spared them.]],
  needs   = { "ENHANCEDSTATUSCODES" },
  catches = { "smtp-enhanced-not-after-helo", "smtp-helo-refused", "smtp-rset-closes" },
  run = function(t)
    local c = t:smtp { ehlo = false }
    c:send "HELO client.test.example"
    c:expect "250"
    for _, command in ipairs { "MAIL FROM:<ann@client.example>", "RCPT TO:<" .. t.user.address .. ">", "RSET",
      "RCPT TO:<" .. t.user.address .. ">" } do
      c:send(command)
      local r = c:reply()
      t:check(has_code(r), "behind HELO the reply to %s has no enhanced code: %s", command, r)
    end
  end,
}

scenario {
  name    = "code-names-the-trouble",
  title   = "The enhanced code of a refusal is that of its cause",
  proves  = "rfc2034-4-x1",
  says    = [[X.1.z for an address that does not exist, 5.5.z for wrong commands and wrong order, 5.5.z or 5.1.z for
              wrong arguments. 5.0.0, which says nothing but the class, is never wrong.]],
  why     = [[Mailing lists strike an address off by 5.1.1, and not by 5.7.1. Words change with the version; codes
              stay.]],
  needs   = { "ENHANCEDSTATUSCODES" },
  users   = 0,
  catches = { "smtp-enhanced-unknown-user", "smtp-enhanced-wrong-order", "smtp-enhanced-wrong-argument",
    "smtp-unknown-command-closes", "smtp-rset-closes" },
  run = function(t)
    local c = t:smtp()
    local function refused(command, what, ...)
      c:send(command)
      local r = c:reply()
      if not r:is "5yz" then return r end
      local fits = false
      for _, family in ipairs { ... } do
        fits = fits or (r.enhanced or ""):find("^5%." .. family .. "%.%d+$") ~= nil
      end
      if r.enhanced == "5.0.0" then t:record(what, "gets 5.0.0") end
      t:check(fits or r.enhanced == "5.0.0", "%s got %s", what, r)
      return r
    end
    refused("RCPT TO:<ann@" .. t.domain .. ">", "RCPT before MAIL", "5")
    refused("DATA", "DATA before MAIL", "5")
    refused("NONSENSE", "an unknown command", "5")
    refused("MAIL", "MAIL without an argument", "5", "1")
    refused("MAIL FROM:<ann@client.example> NOSUCH=1", "an unknown parameter of MAIL", "5")
    c:send "RSET"
    c:expect "250"
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    local r = refused("RCPT TO:<nobody-of-this-name@" .. t.domain .. ">", "an unknown mailbox", "1")
    if r:is "2yz" then t:record("an unknown mailbox", "is not refused at RCPT") end
  end,
}

scenario {
  name    = "none-in-a-354",
  title   = "354 and 334 have no enhanced code",
  proves  = "rfc2034-4-2",
  says    = [[Codes belong to replies that say how something ended: 2yz, 4yz and 5yz.]],
  why     = [[A class 3 does not exist: a client that reads codes strictly finds nonsense.]],
  needs   = { "ENHANCEDSTATUSCODES" },
  catches = "smtp-enhanced-in-354",
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "DATA"
    local r = c:expect "354"
    t:check(not (r.lines[1] or ""):find "^%d%.%d+%.%d+", "the reply to DATA is %s", r)
    c:write("Subject: code\r\n\r\n" .. t.marker .. "\r\n.\r\n")
    r = c:expect "250"
    t:check(has_code(r), "the reply to the final dot has no enhanced code: %s", r)
  end,
}
