-- Values of the DSN parameters that must not be taken. RFC 3461, 4.
-- SPDX-License-Identifier: MIT

-- Whether each of these parameters of RCPT is refused. A connection each: some servers count mistakes and hang up.
local function rcpt_refuses(t, wrong)
  for _, parameter in ipairs(wrong) do
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. "> " .. parameter)
    local r = c:expect("2yz", "4yz", "5yz")
    t:check(r:is "5yz", "RCPT with %s got %s", parameter, r)
    c:close()
  end
end

scenario {
  name    = "never-stands-alone",
  title   = "NEVER beside another word of NOTIFY is refused",
  proves  = { "rfc3461-4.1-3", "rfc3461-4.1-x2" },
  says    = [[NOTIFY is NEVER, or a list of the other three words; nothing else is taken.]],
  why     = [[A report that is asked for and forbidden at once will be sent by one host and not by the next.]],
  needs   = "DSN",
  catches = { "smtp-dsn-never-beside-others", "smtp-dsn-notify-any" },
  run = function(t)
    rcpt_refuses(t, { "NOTIFY=NEVER,SUCCESS", "NOTIFY=FAILURE,NEVER", "NOTIFY=DELAY,NEVER,SUCCESS", "NOTIFY=ALWAYS",
      "NOTIFY=SUCCESS,WHENEVER" })
  end,
}

scenario {
  name    = "orcpt-has-a-type",
  title   = "ORCPT without an address type and an address is refused",
  proves  = "rfc3461-4.2-1",
  says    = [[The value is a type, a semicolon and an address; a value without semicolon, or none, is not taken.]],
  why     = [[The report names this address to a sender who knows no other one.]],
  needs   = "DSN",
  catches = "smtp-dsn-orcpt-no-type",
  run = function(t) rcpt_refuses(t, { "ORCPT=bob@client.example", "ORCPT=", "ORCPT=;bob@client.example" }) end,
}

scenario {
  name    = "envid-is-printable",
  title   = "An ENVID that stands for control characters or octets above 127 is refused",
  proves  = { "rfc3461-4.4-3", "rfc3461-4-x1" },
  says    = [[Behind its encoding an ENVID is printable ASCII. +0D+0A is a line end, and none of a report's header.]],
  why     = [[It is written into the header of a report: with a line end in it the sender writes fields of his own.]],
  needs   = "DSN",
  users   = 0,
  catches = "smtp-dsn-xtext-unchecked",
  run = function(t)
    for _, value in ipairs { "a+0D+0Ab", "a+00", "a+7F", "a+FFb" } do
      local c = t:smtp()
      c:send("MAIL FROM:<ann@client.example> ENVID=" .. value)
      local r = c:expect("2yz", "4yz", "5yz")
      t:check(r:is "5yz", "MAIL with ENVID=%s got %s", value, r)
      c:close()
    end
  end,
}
