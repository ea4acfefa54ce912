-- BDAT by its count: numbers beyond any, groups of chunks, messages beyond the size. RFC 3030, 2.
-- SPDX-License-Identifier: MIT

-- The bytes of one whole message in one chunk, with its transaction, for one write.
local function transaction(t, text)
  return ("MAIL FROM:<ann@client.example>\r\nRCPT TO:<%s>\r\nBDAT %d LAST\r\n%s"):format(t.user.address, #text, text)
end

scenario {
  name    = "count-does-not-wrap",
  title   = "A count beyond 32 or 64 bits is not cut to a small one",
  proves  = "rfc3030-2-x4",
  says    = [[A count of 2^32 + 5 or 2^64 + 5 octets is refused, or that many octets are waited for: five are not the
              chunk.]],
  why     = [[A count that wraps makes text into commands, for whoever chooses the count: smuggling.]],
  needs   = { "CHUNKING" },
  catches = "smtp-bdat-count-wraps",
  tags    = { "smuggling" },
  run = function(t)
    for _, count in ipairs { "4294967301", "18446744073709551621" } do
      local c = t:smtp()
      c:send "MAIL FROM:<ann@client.example>"
      c:expect "250"
      c:send("RCPT TO:<" .. t.user.address .. ">")
      c:expect "250"
      c:write("BDAT " .. count .. " LAST\r\nX:y\r\n")
      local r = c:wait(1)                     -- no fence: who waits for 4 GB answers nothing
      t:check(not r or r:is("4yz", "5yz", "closed"), "five octets were taken for a chunk of %s: %s", count, r)
      c:reset()
    end
  end,
}

scenario {
  name    = "two-messages-in-a-group",
  title   = "Two messages by BDAT in one segment are both delivered",
  proves  = { "rfc2920-3.2-9", "rfc3030-2-x7", "rfc3030-2-x1" },
  says    = [[BDAT may stand inside a group: what follows its last octet is the next command, also behind LAST, and all
              replies come in order.]],
  why     = [[It is what CHUNKING is for: mail without a single wait. A server that drops its buffer behind a message
              loses the next one.]],
  needs   = { "CHUNKING", "PIPELINING" },
  catches = { "smtp-bdat-flushes", "smtp-segment-is-line", "smtp-data-keeps-transaction", "smtp-pipelining-flushes",
    "smtp-bdat-last-no-reply" },
  tags    = { "pipelining" },
  run = function(t)
    local c = t:smtp()
    local function text(word) return "Subject: group\r\n\r\n" .. t.marker .. word .. "\r\n" end
    c:write(transaction(t, text "-one") .. transaction(t, text "-two") .. "NOOP\r\n")
    for n, step in ipairs { "MAIL", "RCPT", "BDAT", "second MAIL", "second RCPT", "second BDAT", "NOOP" } do
      local r = c:wait(8)
      if not r then t:fail("reply %d (%s) of a group with two messages never came", n, step) end
      if not r:is "25z" then t:fail("%s in a group with two messages got %s", step, r) end
    end
    t:delivered(t.marker .. "-one")
    t:delivered(t.marker .. "-two")
  end,
}

scenario {
  name    = "false-ends-in-a-chunk",
  title   = "Nothing inside a chunk ends it: dots, commands and LAST are text",
  proves  = { "rfc3030-2-x3", "rfc3030-2-x2", "rfc3030-2-x7" },
  says    = [[CR LF . CR LF, a whole transaction and another BDAT stand in a chunk as text. There is one reply, and the
              text is delivered with all of it.]],
  why     = [[A server that looks for the final dot there as well sends mail that only looked like mail.]],
  needs   = { "CHUNKING" },
  catches = { "smtp-bdat-unstuffs", "smtp-bdat-flushes", "smtp-segment-is-line", "smtp-pipelining-flushes",
    "smtp-bdat-last-no-reply" },
  tags    = { "smuggling" },
  run = function(t)
    local c = t:smtp()
    local inside = "\r\n.\r\nMAIL FROM:<smuggler@client.example>\r\nRCPT TO:<" .. t.user.address ..
      ">\r\nDATA\r\nBDAT 4 LAST\r\nRSET\r\n.\r\n..\r\n.x\r\n"
    c:write(transaction(t, "Subject: inside\r\n\r\n" .. t.marker .. inside) .. "NOOP\r\n")
    for _ = 1, 3 do c:expect "250" end
    local r = c:expect("250", "closed")
    t:check(r:is "250", "behind a chunk with commands in it NOOP got %s", r)
    local got = t:delivered(t.marker)
    t:check(got:find(t.marker .. inside, 1, true), "the chunk did not arrive as it was sent")
  end,
}

scenario {
  name    = "beyond-the-size-by-chunks",
  title   = "A message beyond the announced size is refused by chunks, too",
  proves  = { "rfc5321-4.1.1.4-7", "rfc3030-2-7" },
  says    = [[Chunks that together pass the limit of EHLO get 552 or another refusal, each after its octets were read,
              and the session goes on.]],
  why     = [[A limit that holds for one way in is none.]],
  needs   = { "CHUNKING", "SIZE" },
  catches = { "smtp-bdat-size-not-enforced", "smtp-segment-is-line" },
  timeout = 90,
  reply_timeout = 60,
  run = function(t)
    local c = t:smtp()
    local limit = tonumber(c:capabilities().SIZE) or 0
    if limit == 0 or limit > 64000000 then t:skip("the announced limit is %d octets", limit) end
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    local piece = (("z"):rep(70) .. "\r\n"):rep(10000)
    local refused
    for n = 1, limit // #piece + 2 do
      c:write(("BDAT %d\r\n"):format(#piece) .. piece)
      local r = c:expect("250", "4yz", "5yz", "closed")
      if not r:is "250" then
        refused = r
        break
      end
      t:check(n * #piece <= limit * 2, "chunk %d was taken, beyond twice the limit", n)
    end
    if not refused then
      c:send "BDAT 0 LAST"
      refused = c:expect("250", "4yz", "5yz", "closed")
    end
    t:check(refused:is("4yz", "5yz"), "a message beyond the announced size by BDAT got %s", refused)
    if refused:is "closed" then return end
    c:send "RSET"
    local r = c:expect("250", "closed")
    t:check(r:is "250", "behind a message by BDAT that was too large RSET got %s", r)
  end,
}
