-- LIMITS: what a server says about its own limits, and what the client makes of the other host's. RFC 9422.
-- SPDX-License-Identifier: MIT

local function limits(c)
  local out, words = {}, {}
  for word in (c:capabilities().LIMITS or ""):gmatch "%S+" do
    local name, value = word:match "^([^=]+)=?(.*)$"
    out[name], words[#words + 1] = value, word
  end
  return out, words
end

scenario {
  name    = "form",
  title   = "LIMITS lists registered limits, each once, with a number",
  proves  = { "rfc9422-3-i1", "rfc9422-3.1-1", "rfc9422-3-x1" },
  says    = [[MAILMAX, RCPTMAX and RCPTDOMAINMAX, parted by single spaces, with a value from 1 to 999999 without leading
              zero.]],
  why     = [[Clients ignore what they cannot read; a limit that nobody reads is found by running into it.]],
  catches = { "smtp-limits-unregistered", "smtp-limits-twice" },
  needs   = { "LIMITS" },
  users   = 0,
  run = function(t)
    for _, service in ipairs { "smtp", "submission" } do
      if t:offers(service) then
        local c = t:smtp { service = service }
        local _, words = limits(c)
        local text, seen = c:capabilities().LIMITS or "", {}
        t:equal(table.concat(words, " "), text, "the words behind LIMITS, parted by single spaces")
        for _, word in ipairs(words) do
          local name, value = word:match "^([A-Z]+)=([1-9]%d*)$"
          t:check(name and #value <= 6, "LIMITS has %s", word)
          t:check(name == nil or name == "MAILMAX" or name == "RCPTMAX" or name == "RCPTDOMAINMAX",
            "LIMITS has %s, which is not registered", name)
          t:check(not seen[name], "LIMITS has %s twice", name)
          if name then seen[name] = true end
        end
      end
    end
  end,
}

scenario {
  name    = "mailmax-holds",
  title   = "As many MAIL commands are taken as MAILMAX says",
  proves  = "rfc9422-4.1-i1",
  says    = [[In one session that many transactions can begin.]],
  why     = [[A client that plans by the number must not be cut off before.]],
  catches = { "smtp-limits-mailmax-lower", "smtp-rset-closes", "smtp-rset-keeps-sender", "smtp-segment-is-line",
    "smtp-group-of-sixteen" },
  needs   = { "LIMITS" },
  users   = 0,
  run = function(t)
    local c = t:smtp()
    local most = tonumber(limits(c).MAILMAX or "")
    if not most or most > 5000 then t:skip("MAILMAX is %s", most) end
    local batch = {}
    for i = 1, most - 1 do
      batch[#batch + 1] = "MAIL FROM:<ann@client.example>\r\nRSET\r\n"
      if #batch == 50 or i == most - 1 then
        c:write(table.concat(batch))
        for _ = 1, #batch do
          c:expect "250"
          c:expect "250"
        end
        batch = {}
      end
    end
    c:send "MAIL FROM:<ann@client.example>"
    local r = c:expect("250", "4yz", "5yz")
    t:check(r:is "250", "MAIL number %d of %d got %s", most, most, r)
  end,
}

scenario {
  name    = "rcptmax-holds",
  title   = "As many recipients are taken in a transaction as RCPTMAX says",
  proves  = "rfc9422-4.2-i1",
  says    = [[That many RCPT commands are answered by what each address deserves, and none by "too many".]],
  why     = [[A client that plans by the number must not have to split its mail again.]],
  catches = { "smtp-limits-rcptmax-lower", "smtp-fifty-recipients", "smtp-segment-is-line",
    "smtp-pipelining-flushes", "smtp-group-of-sixteen" },
  needs   = { "LIMITS" },
  run = function(t)
    local c = t:smtp()
    local most = tonumber(limits(c).RCPTMAX or "")
    if not most or most > 5000 then t:skip("RCPTMAX is %s", most) end
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    local line, left = "RCPT TO:<" .. t.user.address .. ">\r\n", most
    while left > 0 do
      local n = math.min(left, 50)
      c:write(line:rep(n))
      for _ = 1, n do
        local r = c:expect("2yz", "4yz", "5yz")
        if not t:check(r:is "2yz", "a recipient within RCPTMAX=%d got %s", most, r) then return end
      end
      left = left - n
    end
  end,
}

local function client(def)
  def.services, def.needs_control = { "submission" }, true
  return def
end

-- Takes sessions, and several transactions in each, until n recipients were named. Returns recipients by transaction.
local function take(t, sink, n, ehlo)
  local transactions, seen = {}, 0
  while seen < n do
    local s = sink:accept()
    if not s then t:fail("only %d of %d recipients were named", seen, n) end
    s:reply "220 sink.example"
    while seen < n do
      local line = s:read_line()
      if line == nil then break end
      local verb = line:match "^%a+"
      if verb == "EHLO" then
        s:reply("250 sink.example\n" .. ehlo)
      elseif verb == "MAIL" then
        transactions[#transactions + 1] = {}
        s:reply "250 ok"
      elseif verb == "RCPT" then
        local list = transactions[#transactions]
        list[#list + 1] = line:match "<(%w+)@"
        s:reply "250 ok"
      elseif verb == "DATA" then
        s:reply "354 go on"
        if s:data() then seen = seen + #transactions[#transactions] end
        s:reply "250 taken"
      else
        s:reply(verb == "QUIT" and "221 bye" or "250 ok")
        if verb == "QUIT" then break end
      end
    end
    s:close()
  end
  return transactions
end

scenario(client {
  name = "rcptmax-of-the-other",
  title = "No transaction has more recipients than the other host's RCPTMAX",
  proves = "rfc9422-4.2-x1",
  says = [[With RCPTMAX=2 five recipients take three transactions, and each of the five gets the message.]],
  why = [[The host has said that it will refuse the third.]],
  catches = { "queue-limits-ignored", "queue-one-by-one", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.41" }
    t:submit({ "ann@two.example", "bob@two.example", "eve@two.example", "joe@two.example", "sue@two.example" },
      { at = "127.0.3.41" })
    local most, names = 0, {}
    local transactions = take(t, sink, 5, "LIMITS RCPTMAX=2")
    for _, list in ipairs(transactions) do
      most = math.max(most, #list)
      table.move(list, 1, #list, #names + 1, names)
    end
    t:check(most <= 2, "%d recipients in a transaction with a host that takes two", most)
    t:check(#transactions == 3, "%d transactions for five recipients at two each", #transactions)
    table.sort(names)
    t:equal(names, { "ann", "bob", "eve", "joe", "sue" }, "recipients that got the message")
  end,
})

scenario(client {
  name = "wrong-values-are-passed-over",
  title = "A limit with a wrong value, and a LIMITS line that makes no sense, are passed over",
  proves = { "rfc9422-3.7-2", "rfc9422-3.7-1" },
  says = [[RCPTMAX=1x, RCPTMAX=0 and RCPTMAX without value set no limit, and do not keep the mail from being sent.]],
  why = [[A misprint in somebody's configuration must not stop the mail.]],
  catches = { "queue-limits-bad-value-taken", "queue-one-by-one", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.42" }
    for i, text in ipairs { "LIMITS RCPTMAX=1x", "LIMITS RCPTMAX=0", "LIMITS RCPTMAX= ,", "LIMITS" } do
      local at = ("@w%d.example"):format(i)
      t:submit({ "ann" .. at, "bob" .. at, "eve" .. at }, { at = "127.0.3.42" })
      local transactions = take(t, sink, 3, text)
      t:check(#transactions == 1, "%d transactions for three recipients after %q", #transactions, text)
    end
  end,
})

scenario(client {
  name = "mailmax-of-the-other",
  title = "No session has more transactions than the other host's MAILMAX",
  proves = "rfc9422-4.1-x1",
  says = [[With MAILMAX=1 and RCPTMAX=1 three recipients come over three connections, now or later.]],
  why = [[The host has said that it will refuse the second MAIL.]],
  catches = { "queue-mailmax-ignored", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.43" }
    t:submit({ "ann@once.example", "bob@once.example", "eve@once.example" }, { at = "127.0.3.43" })
    local named = {}
    local steps = 0
    while #named < 3 do
      local s = sink:accept()
      while not s do                                       -- the others may wait for the next attempt
        steps = steps + 1
        if steps > 100 then t:fail("only %d of 3 recipients were named", #named) end
        t:advance(100)
        s = sink:accept()
      end
      s:reply "220 sink.example"
      local mails = 0
      while true do
        local line = s:read_line()
        local verb = (line or ""):match "^%a+"
        if line == nil or verb == "QUIT" then break end
        if verb == "MAIL" then mails = mails + 1 end
        if not t:check(mails <= 1, "a second MAIL in a session of a host with MAILMAX=1") then return end
        if verb == "RCPT" then named[#named + 1] = line end
        s:reply(verb == "EHLO" and "250 sink.example\nLIMITS MAILMAX=1 RCPTMAX=1" or verb == "DATA" and "354 go on"
          or "250 ok")
        if verb == "DATA" then
          s:data()
          s:reply "250 taken"
        end
      end
      s:close()
    end
  end,
})

scenario(client {
  name = "limits-end-with-starttls",
  title = "Limits that were told before STARTTLS do not bind inside TLS",
  proves = "rfc9422-3.6-1",
  says = [[A host that lists RCPTMAX=1 in clear and no limits inside TLS gets three recipients in one transaction.]],
  why = [[Anybody on the line can write such a limit into what is said in clear, and slow all mail down.]],
  catches = { "queue-limits-kept", "queue-one-by-one", "smtp-loses-after-250", "queue-starttls-keeps-extensions",
    "queue-starttls-no-ehlo" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.44" }
    t:submit({ "ann@inside.example", "bob@inside.example", "eve@inside.example" }, { at = "127.0.3.44" })
    local s = sink:serve { ehlo = "LIMITS RCPTMAX=1", ehlo_in_tls = "8BITMIME", tls = t:identity "inside.example" }
    if not s then t:fail "no connection to the next host" end
    if not s.tls then t:pass("does not go inside TLS with a certificate that nobody signed: %s", s.tls_why) end
    t:equal(#s.to, 3, "recipients in the transaction inside TLS")
  end,
})
