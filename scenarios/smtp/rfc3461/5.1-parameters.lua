-- The parameters of DSN: ENVID and RET of MAIL, NOTIFY and ORCPT of RCPT, wherever DSN is offered.
-- SPDX-License-Identifier: MIT

-- Calls f(connection) for each service that offers DSN.
local function each(t, f)
  for _, service in ipairs { "smtp", "submission", "lmtp" } do
    if t:offers(service) then
      local c = service == "submission" and t:submission() or t:smtp { service = service }
      if c:has "DSN" then f(c) end
      c:close()
    end
  end
end

local function mail(c, t, parameters)
  c:send("MAIL FROM:<" .. t.user.address .. ">" .. (parameters and " " .. parameters or ""))
  return c:expect("2yz", "4yz", "5yz")
end

local function rcpt(c, t, parameters)
  c:send("RCPT TO:<" .. t.user.address .. "> " .. parameters)
  return c:expect("2yz", "4yz", "5yz")
end

local function reset(c)
  c:send "RSET"
  c:expect "250"
end

scenario {
  name = "mail-takes-valid",
  title = "A valid RET or ENVID does not change the reply to MAIL",
  proves = { "rfc3461-5.1-1", "rfc3461-5.1-2", "rfc3461-4.3-3" },
  says = [[MAIL with any valid ENVID or RET is answered as it would be without. The words FULL and HDRS may be in
           small letters.]],
  why = [[A sender that asks for reports must not lose the message itself by asking.]],
  catches = { "smtp-dsn-words-case", "smtp-dsn-envid-short", "smtp-rset-closes", "smtp-rset-keeps-sender",
    "smtp-parameters-case-sensitive" },
  needs = { "DSN" },
  run = function(t)
    each(t, function(c)
      for _, p in ipairs { "RET=FULL", "RET=HDRS", "RET=hdrs", "RET=Full", "ret=FULL", "ENVID=a", "ENVID=QQ314159",
        "ENVID=a+2Bb+3Dc+20d", "envid=!~*();,\"/", "RET=HDRS ENVID=x", "ENVID=x RET=FULL" } do
        t:check(mail(c, t, p):is "250", "refused MAIL with a valid %s", p)
        reset(c)
      end
    end)
  end,
}

scenario {
  name = "rcpt-takes-valid",
  title = "A valid NOTIFY or ORCPT does not change the reply to RCPT",
  proves = { "rfc3461-5.1-4", "rfc3461-5.1-5", "rfc3461-4.1-4" },
  says = [[RCPT with any valid NOTIFY or ORCPT is answered as it would be without: a good recipient is taken, an
           unknown one refused. The words of NOTIFY may be in small letters.]],
  why = [[A sender that asks for reports must not lose the recipient by asking.]],
  catches = { "smtp-dsn-words-case", "smtp-dsn-never-refused", "smtp-bad-rcpt-drops-transaction",
    "smtp-parameters-case-sensitive" },
  needs = { "DSN" },
  run = function(t)
    each(t, function(c)
      mail(c, t)
      for _, p in ipairs { "NOTIFY=NEVER", "NOTIFY=never", "NOTIFY=SUCCESS", "NOTIFY=FAILURE", "NOTIFY=DELAY",
        "NOTIFY=SUCCESS,FAILURE,DELAY", "notify=Delay,sUCCESS", "ORCPT=rfc822;bob@test.example",
        "ORCPT=RFC822;Bob+2Bx@Test.Example", "orcpt=x400;/S+3Dbob/O+3Dtest/",
        "NOTIFY=FAILURE ORCPT=rfc822;a@b.example" } do
        t:check(rcpt(c, t, p):is "2yz", "refused RCPT with a valid %s", p)
      end
      c:send("RCPT TO:<nobody-of-this-name@" .. t.domain .. ">")
      local without = c:expect("2yz", "4yz", "5yz")
      c:send("RCPT TO:<nobody-of-this-name@" .. t.domain .. "> NOTIFY=NEVER")
      t:equal(c:expect("2yz", "4yz", "5yz").code, without.code, "reply code for an unknown recipient with NOTIFY=NEVER")
      reset(c)
    end)
  end,
}

scenario {
  name = "mail-refuses-wrong",
  title = "A wrong RET or ENVID gets 501",
  proves = { "rfc3461-5.1-3", "rfc3461-4.3-2", "rfc3461-4.4-1", "rfc3461-4.5-2" },
  says = [[RET is FULL or HDRS, ENVID is xtext and not empty. What is anything else gets 501, and so does MAIL with two
           of one of them.]],
  why = [[Half understood requests are worse than refused ones: the sender believes that a report will come.]],
  catches = { "smtp-dsn-ret-any", "smtp-dsn-xtext-unchecked", "smtp-dsn-repeated", "smtp-rset-closes" },
  needs = { "DSN" },
  run = function(t)
    each(t, function(c)
      for _, p in ipairs { "RET=ALL", "RET=", "RET", "RET=FULL,HDRS", "RET=HDRS RET=HDRS", "RET=FULL RET=HDRS",
        "ENVID", "ENVID=a=b", "ENVID=a+b", "ENVID=a+2", "ENVID=a+ZZb", "ENVID=x ENVID=y" } do
        local codes = p:find "=" and { "501" } or { "501", "555" }   -- without a value it is not that parameter
        t:check(mail(c, t, p):is(table.unpack(codes)), "MAIL with %s did not get 501", p)
        reset(c)
      end
    end)
  end,
}

scenario {
  name = "rcpt-refuses-wrong",
  title = "A wrong NOTIFY or ORCPT gets 501",
  proves = { "rfc3461-5.1-6", "rfc3461-4.5-4" },
  says = [[NOTIFY is NEVER alone, or a list of SUCCESS, FAILURE and DELAY. ORCPT is an address type, a semicolon and
           xtext. Anything else gets 501, and so does RCPT with two of one of them.]],
  why = [[NEVER beside SUCCESS asks for two things that exclude each other; one of them will be done wrongly.]],
  catches = { "smtp-dsn-notify-any", "smtp-dsn-never-beside-others", "smtp-dsn-xtext-unchecked",
    "smtp-dsn-orcpt-no-type", "smtp-dsn-repeated" },
  needs = { "DSN" },
  run = function(t)
    each(t, function(c)
      mail(c, t)
      for _, p in ipairs { "NOTIFY=ALWAYS", "NOTIFY=", "NOTIFY", "NOTIFY=NEVER,SUCCESS", "NOTIFY=FAILURE,NEVER",
        "NOTIFY=SUCCESS,", "NOTIFY=,DELAY", "NOTIFY=SUCCESS;FAILURE", "NOTIFY=DELAY NOTIFY=DELAY",
        "ORCPT=", "ORCPT", "ORCPT=bob@test.example", "ORCPT=;bob@test.example", "ORCPT=rfc822;bob+zz@test.example",
        "ORCPT=rfc822;bob=x@test.example", "ORCPT=rfc822;a@b.example ORCPT=rfc822;a@b.example" } do
        local codes = p:find "=" and { "501" } or { "501", "555" }   -- without a value it is not that parameter
        t:check(rcpt(c, t, p):is(table.unpack(codes)), "RCPT with %s did not get 501", p)
      end
      reset(c)
    end)
  end,
}

scenario {
  name = "room-for-long-values",
  title = "Long ENVID and ORCPT values fit",
  proves = "rfc3461-5.4-1",
  says = [[ENVID of 100 characters and ORCPT of 500 are taken, together with the longest address and NOTIFY.]],
  why = [[Gateways put whole X.400 addresses into ORCPT; a server that still has the 512 octets of old refuses them.]],
  catches = { "smtp-dsn-envid-short", "smtp-dsn-orcpt-short", "smtp-short-command-line" },
  needs = { "DSN" },
  run = function(t)
    each(t, function(c)
      t:check(mail(c, t, "RET=HDRS ENVID=" .. ("x"):rep(100)):is "250", "refused an ENVID of 100 characters")
      local address = "rfc822;" .. ("x"):rep(500 - 7 - 13) .. "@test.example"
      t:check(rcpt(c, t, "NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=" .. address):is "2yz",
        "refused an ORCPT of 500 characters")
      -- A mailbox that nobody knows, as long as one may be: any reply but 500 shows that the line was read.
      local long = "RCPT TO:<" .. ("l"):rep(64) .. "@" .. ("a."):rep(94) .. "aa> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT="
        .. address
      c:send(long)
      local r = c:expect("2yz", "4yz", "5yz")
      t:check(not r:is "500", "called a command line of %d octets too long: %s", #long + 2, r)
      reset(c)
    end)
  end,
}
