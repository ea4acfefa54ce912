-- BDAT at its edges: what comes out of order, what is counted, what is refused. RFC 3030, 2.
-- SPDX-License-Identifier: MIT

-- A transaction with one recipient, on this connection or a new one.
local function begin(t, c)
  c = c or t:smtp()
  c:send "MAIL FROM:<ann@client.example>"
  c:expect "250"
  c:send("RCPT TO:<" .. t.user.address .. ">")
  c:expect "250"
  return c
end

local function chunk(c, bytes, word)
  c:write(("BDAT %d%s\r\n"):format(#bytes, word or "") .. bytes)
end

scenario {
  name    = "nothing-behind-last",
  title   = "BDAT behind the last chunk is out of order",
  proves  = { "rfc3030-2-4", "rfc3030-2-x2" },
  says    = [[LAST ends the transaction. A chunk that comes behind it gets 503, after its octets were read.]],
  why     = [[A second message under the sender and the recipients of the first would be one that nobody asked for.]],
  needs   = { "CHUNKING" },
  catches = { "smtp-bdat-after-last-taken", "smtp-bdat-last-no-reply", "smtp-bdat-refused-chunk-obeyed",
    "smtp-segment-is-line", "smtp-data-keeps-transaction" },
  run = function(t)
    local c = begin(t)
    chunk(c, "Subject: last\r\n\r\n" .. t.marker .. "\r\n", " LAST")
    t:check(c:reply():is "250", "a message in one chunk was not taken")
    chunk(c, "Subject: too late\r\n\r\nVRFY x\r\n", " LAST")
    local r = c:reply()
    t:check(r:is "503", "BDAT behind the last chunk got %s", r)
    c:send "RSET"
    r = c:reply()
    t:check(r:is "250", "the octets of the chunk behind the last were read as commands: RSET got %s", r)
  end,
}

scenario {
  name    = "not-mixed-with-data",
  title   = "DATA in a transaction that BDAT began is out of order",
  proves  = "rfc3030-2-11",
  says    = [[A message comes by DATA or by BDAT. DATA behind a chunk gets 503.]],
  why     = [[Half of the message would stand in octets and half in lines with dots.]],
  needs   = { "CHUNKING" },
  catches = { "smtp-bdat-then-data", "smtp-bad-sequence-500", "smtp-segment-is-line" },
  run = function(t)
    local c = begin(t)
    chunk(c, "Subject: mixed\r\n\r\n")
    t:check(c:reply():is "250", "the first chunk was not taken")
    c:send "DATA"
    local r = c:reply()
    t:check(r:is "503", "DATA behind a chunk got %s", r)
  end,
}

scenario {
  name    = "data-beside-bdat",
  title   = "One session takes messages by BDAT and by DATA, each whole",
  proves  = { "rfc3030-2-2", "rfc3030-2-x1", "rfc3030-2-6" },
  says    = [[A server with CHUNKING still has DATA, also in a session in which BDAT was used before.]],
  why     = [[Clients choose for each message: by chunks where its size is known, by DATA where it is not.]],
  needs   = { "CHUNKING" },
  catches = { "smtp-bdat-no-data-later", "smtp-bdat-last-no-reply", "smtp-segment-is-line",
    "smtp-data-keeps-transaction", "smtp-adds-empty-line" },
  run = function(t)
    local c = begin(t)
    chunk(c, "Subject: one\r\n\r\n" .. t.marker .. "-chunk\r\n", " LAST")
    local r = c:reply()
    t:check(r:is "250", "a message in one chunk got %s", r)
    begin(t, c)
    c:send "DATA"
    r = c:expect("354", "4yz", "5yz")
    if not r:is "354" then return t:fail("DATA behind a message by BDAT got %s", r) end
    c:write("Subject: two\r\n\r\n" .. t.marker .. "-data\r\n.\r\n")
    c:expect "250"
    begin(t, c)
    chunk(c, "Subject: three\r\n\r\n" .. t.marker .. "-again\r\n", " LAST")
    c:expect "250"
    for _, word in ipairs { "-chunk", "-data", "-again" } do
      local _, body = message.split(t:delivered(t.marker .. word))
      t:equal(body, t.marker .. word .. "\r\n", "the body of the message " .. word)
    end
  end,
}

scenario {
  name    = "chunks-behind-a-refused-one",
  title   = "Chunks that are under way behind a refused one are read, discarded and refused",
  proves  = { "rfc3030-2-9", "rfc3030-2-x5", "rfc3030-2-7" },
  says    = [[Without an accepted recipient every chunk is refused; those that came in the same write get a refusal
              each, and not one of their octets is taken for a command.]],
  why     = [[A client that pipelines has sent the rest before it hears of the first refusal.]],
  needs   = { "CHUNKING", "PIPELINING" },
  catches = { "smtp-bdat-refused-no-reply", "smtp-bdat-refused-chunk-obeyed", "smtp-bdat-without-rcpt",
    "smtp-segment-is-line", "smtp-bdat-flushes" },
  users   = 0,
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<nobody-of-this-name@" .. t.domain .. ">")
    local r = c:expect("25z", "4yz", "5yz")
    if r:is "25z" then t:skip "the server refuses nobody" end
    local text = "VRFY one\r\nNOOP\r\nVRFY two\r\n"
    c:write(("BDAT %d\r\n%sBDAT %d\r\n%sBDAT %d LAST\r\n%sNOOP\r\n"):format(#text, text, #text, text, #text, text))
    for n = 1, 3 do
      r = c:expect("5yz", "4yz", "2yz", "closed")
      if r:is "closed" then return t:pass "hung up at a chunk without a recipient" end
      t:check(r:is("5yz", "4yz"), "chunk %d of a message for nobody got %s", n, r)
    end
    r = c:expect("250", "5yz", "4yz", "252", "closed")
    t:check(r:is("250", "closed"), "NOOP behind three refused chunks got %s", r)
    c:send "QUIT"
    r = c:expect("221", "2yz", "5yz", "4yz", "closed")
    t:check(r:is("221", "closed"), "a reply too many: QUIT got %s", r)
  end,
}

scenario {
  name    = "left-over-octets",
  title   = "What a count that was too small leaves over is refused as a line of any octets",
  proves  = { "rfc3030-2-16", "rfc3030-2-x7" },
  says    = [[Behind the counted octets comes the next command. When it is half a line of somebody's picture, with NUL
              and octets above 127, it is refused like any nonsense, and the next line is read.]],
  why     = [[A parser that dies of its input can be killed by anyone who counts wrong.]],
  needs   = { "CHUNKING" },
  catches = { "smtp-bdat-left-over-closes", "smtp-unknown-command-closes", "smtp-unknown-command-250",
    "smtp-segment-is-line" },
  run = function(t)
    local c = begin(t)
    local whole = "Subject: short\r\n\r\n" .. t.marker .. "\r\n"
    local rest = "\0\255\254 \1half\200a\0line"
    c:write(("BDAT %d\r\n%s%s\r\n"):format(#whole, whole, rest))
    local r = c:reply()
    t:check(r:is "250", "the chunk of which the rest was not counted got %s", r)
    r = c:expect("5yz", "4yz", "2yz", "closed")
    if r:is "421" then return t:pass "said 421 to a line of any octets" end
    t:check(r:is "5yz", "a line of any octets behind a chunk got %s", r)
    if r:is "closed" then return end
    c:send "RSET"
    r = c:expect("250", "closed", "5yz", "4yz")
    t:check(r:is "250", "RSET behind a line of any octets got %s", r)
  end,
}

scenario {
  name    = "malformed",
  title   = "BDAT without a number, or with another word than LAST, is refused",
  proves  = "rfc3030-2-x4",
  says    = [[BDAT has a decimal number, and behind it LAST or nothing; everything else gets 501.]],
  why     = [[If the number is guessed, the text is cut in another place than the client meant, and half of it becomes
              commands.]],
  needs   = { "CHUNKING" },
  catches = "smtp-bdat-any-word",
  run = function(t)
    for _, wrong in ipairs { "BDAT", "BDAT LAST", "BDAT x", "BDAT -1", "BDAT 0 FIRST", "BDAT 0 LAST x", "BDAT 0x0" } do
      local c = begin(t)
      c:send(wrong)
      local r = c:expect("2yz", "4yz", "5yz", "closed")
      t:check(r:is("5yz", "closed"), "%s got %s", wrong, r)
      c:close()
    end
  end,
}

scenario {
  name    = "count-of-nothing",
  title   = "The last chunk may be empty, and may be written in small letters",
  proves  = { "rfc3030-2-3", "rfc3030-2-6", "rfc5321-4.1.1.1-6" },
  says    = [[A last chunk of no octets ends the message and adds nothing; the verb and the word LAST are understood in
              small letters.]],
  why     = [[Clients that read their message from a pipe find out that it has ended by reading nothing.]],
  needs   = { "CHUNKING" },
  catches = { "smtp-bdat-zero-refused", "smtp-bdat-last-case", "smtp-bdat-last-no-reply",
    "smtp-verbs-case-sensitive", "smtp-segment-is-line", "smtp-adds-empty-line" },
  run = function(t)
    local c = begin(t)
    c:send "BDAT 0"
    t:record("an empty chunk that is not the last", c:reply():is "250" and "taken" or "refused")
    c = begin(t) -- Exim knows no way on from there
    chunk(c, "Subject: nothing\r\n\r\n" .. t.marker .. "\r\n")
    c:expect "250"
    c:send "bdat 0 last"
    local r = c:reply()
    t:check(r:is "250", "bdat 0 last got %s", r)
    local _, body = message.split(t:delivered(t.marker))
    t:equal(body, t.marker .. "\r\n", "the body as delivered")
  end,
}

scenario {
  name    = "rset-between-chunks",
  title   = "RSET between chunks drops what was sent",
  proves  = "rfc3030-2-x6",
  says    = [[After RSET a new transaction begins with nothing: the message that is then sent holds only its own.]],
  why     = [[Otherwise a line of one message stands above the next one, which may have other readers.]],
  needs   = { "CHUNKING" },
  catches = { "smtp-bdat-rset-keeps-text", "smtp-rset-keeps-sender", "smtp-rset-closes", "smtp-segment-is-line",
    "smtp-adds-empty-line", "smtp-bdat-last-no-reply" },
  run = function(t)
    local c = begin(t)
    chunk(c, "X-Left-Over: yes\r\n")
    c:expect "250"
    c:send "RSET"
    c:expect "250"
    begin(t, c)
    chunk(c, "Subject: anew\r\n\r\n" .. t.marker .. "\r\n", " LAST")
    c:expect "250"
    local header, body = message.split(t:delivered(t.marker))
    t:check(not header:find("X-Left-Over", 1, true), "the chunk before RSET is in the next message")
    t:equal(body, t.marker .. "\r\n", "the body as delivered")
  end,
}
