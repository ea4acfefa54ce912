-- Text where buffers end: dots in every column, dots at every offset, lines longer than a buffer, and what
-- follows the final dot in the same segment. RFC 5321, 4.5.2 and 4.1.1.4.
-- SPDX-License-Identifier: MIT

local HEAD = "From: ann@client.example\r\nTo: bob@client.example\r\nSubject: seams\r\n\r\n"

-- A transaction up to the 354.
local function begin(t, c)
  c:send "MAIL FROM:<ann@client.example>"
  c:expect "250"
  c:send("RCPT TO:<" .. t.user.address .. ">")
  c:expect "250"
  c:send "DATA"
  c:expect "354"
  return c
end

-- What was delivered behind the line of the marker.
local function text_of(t)
  local _, body = message.split(t:delivered(t.marker))
  return (body:gsub("^[^\n]*\n", "", 1))
end

scenario {
  name    = "dot-in-every-column",
  title   = "A dot at the end of a line is text, in whatever column it stands",
  proves  = { "rfc5321-4.1.1.4-x1", "rfc5321-4.5.2-x1" },
  says    = [[Lines of every length up to 998 octets whose last octet is a dot do not end the message, and arrive as
              they were.]],
  why     = [[A server that reads long lines in pieces sees such a dot alone in its piece, and takes what follows for
              commands.]],
  tags    = { "smuggling" },
  catches = { "smtp-dot-ends-long-line", "smtp-adds-empty-line", "smtp-message-limit-32k",
    "smtp-truncates-long-line" },
  timeout = 40,
  run = function(t)
    local c = begin(t, t:smtp())
    local lines = {}
    for length = 1, 997 do lines[length] = ("x"):rep(length) .. ".\r\n" end
    local text = table.concat(lines)
    c:write(HEAD .. t.marker .. "\r\n" .. text .. ".\r\n")
    local r = c:expect("250", "4yz", "5yz", "closed")
    c:send "NOOP"
    local fence = c:expect("250", "4yz", "5yz", "closed")
    t:check(r:is "250" and fence:is "250",
      "a message with a dot at the end of each line got %s, and NOOP behind it %s", r, fence)
    if r:is "250" then t:equal(text_of(t), text, "the lines as delivered") end
  end,
}

scenario {
  name    = "dot-behind-a-full-buffer",
  title   = "A dot behind a line that fills a buffer does not end the message",
  proves  = { "rfc5321-4.1.1.4-x1" },
  says    = [[A line of 1024, 2048, 4096 … octets and a dot at its end may be too long to be taken. It is not the end of
              the text.]],
  why     = [[Whoever can send a long line could send a second message in the first: smuggling, by length.]],
  tags    = { "smuggling" },
  catches = { "smtp-dot-ends-long-line", "smtp-obeys-commands-in-data" },
  timeout = 40,
  run = function(t)
    for _, length in ipairs { 998, 1000, 1022, 1024, 2046, 2048, 4096, 8190, 8192, 16384, 32768, 65536 } do
      local c = begin(t, t:smtp())
      c:write(HEAD .. ("x"):rep(length) .. ".\r\nMAIL FROM:<smuggler@client.example>\r\nend\r\n.\r\n")
      local r, replies = c:expect("2yz", "4yz", "5yz", "closed"), 0
      c:send "QUIT"
      while not r:is("221", "closed") do      -- one for the text, whatever it is; QUIT has 221 for itself
        replies = replies + 1
        r = c:expect("2yz", "4yz", "5yz", "closed")
      end
      t:check(replies <= 1, "the message ended behind a line of %d octets and a dot: the rest was read as commands",
        length)
      c:close()
    end
  end,
}

scenario {
  name    = "dots-at-every-offset",
  title   = "A leading dot is taken off wherever its line begins",
  proves  = { "rfc5321-4.5.2-x1" },
  says    = [[Thousands of lines that begin with a dot, at every offset from the beginning of the text, lose one dot
              each, and only that.]],
  why     = [[A dot that comes first in a new buffer, or whose CR LF came last in the old one, is easily missed.]],
  catches = { "smtp-unstuff-misses-seam", "smtp-adds-empty-line", "smtp-no-dot-unstuffing", "smtp-double-unstuffing" },
  timeout = 40,
  run = function(t)
    local c = begin(t, t:smtp())
    local lines = {}
    for n = 1, 6000 do lines[n] = "." .. ("y"):rep(n % 5) .. "\r\n" end
    local text = table.concat(lines)
    c:write(HEAD .. t.marker .. "\r\n" .. message.stuff(text) .. ".\r\n")
    c:expect "250"
    t:equal(text_of(t), text, "the lines as delivered")
  end,
}

scenario {
  name    = "longer-lines-lose-nothing",
  title   = "A line that is longer than any limit is refused, or none of it is lost",
  proves  = { "rfc5321-4.5.3.1.6-x2" },
  says    = [[A line of 5000 octets may be refused, kept, or folded into several; with 250 all of its characters are
              delivered, in their order.]],
  why     = [[A server that says 250 and cuts the line has lost a part of the mail without telling anybody.]],
  catches = { "smtp-cuts-beyond-1000", "smtp-truncates-long-line" },
  run = function(t)
    local c = begin(t, t:smtp())
    local words = {}
    for n = 1, 1000 do words[n] = ("%04d."):format(n) end
    local line = table.concat(words)
    c:write(HEAD .. t.marker .. "\r\n" .. line .. "\r\nlast\r\n.\r\n")
    local r = c:expect("250", "4yz", "5yz", "closed")
    if not r:is "250" then return t:pass("a line of 5000 octets is refused: %s", r) end
    local got = text_of(t):gsub("[\r\n \t!]", "")           -- whatever folds put between the pieces
    t:equal(got:gsub("=", ""), line .. "last", "the characters of the line as delivered")
  end,
}

scenario {
  name    = "behind-the-dot",
  title   = "Commands behind the final dot in the same segment are carried out",
  proves  = "rfc2920-3.2-9",
  says    = [[A group of commands may begin with the last lines of a message. The next transaction stands in the same
              segment as the final dot, and both messages are delivered.]],
  why     = [[Clients that pipeline save a round trip there; a server that empties its buffer at the end of the text
              leaves them waiting for ever.]],
  needs   = { "PIPELINING" },
  catches = { "smtp-dot-flushes", "smtp-segment-is-line", "smtp-data-keeps-transaction", "smtp-pipelining-flushes" },
  tags    = { "pipelining" },
  run = function(t)
    local c = begin(t, t:smtp())
    c:write(HEAD .. t.marker .. "-one\r\n.\r\nMAIL FROM:<ann@client.example>\r\nRCPT TO:<" .. t.user.address ..
      ">\r\nDATA\r\n")
    c:expect "250"
    for _, command in ipairs { "MAIL", "RCPT", "DATA" } do
      local r = c:wait(8)
      if not r then t:fail("%s behind the final dot in the same segment is never answered", command) end
      if not r:is("250", "354") then t:fail("%s behind the final dot in the same segment got %s", command, r) end
    end
    c:write(HEAD .. t.marker .. "-two\r\n.\r\n")
    c:expect "250"
    t:delivered(t.marker .. "-one")
    t:delivered(t.marker .. "-two")
  end,
}

scenario {
  name    = "refused-text-ends-the-transaction",
  title   = "A message that is refused at its end leaves no sender and no recipients behind",
  proves  = "rfc5321-4.1.1.4-x4",
  says    = [[Whatever the reply to the final dot is, the transaction is over: RCPT behind it is out of order, and a new
              MAIL is taken.]],
  why     = [[The next message would go to the recipients of the one that was refused.]],
  needs   = { "SIZE" },
  catches = { "smtp-refused-text-keeps-transaction", "smtp-size-not-enforced", "smtp-size-hangs-up",
    "smtp-rcpt-before-mail" },
  timeout = 90,
  reply_timeout = 60,
  run = function(t)
    local c = t:smtp()
    local limit = tonumber(c:capabilities().SIZE) or 0
    if limit == 0 or limit > 64000000 then t:skip("the announced limit is %d octets", limit) end
    begin(t, c)
    local piece = (("z"):rep(70) .. "\r\n"):rep(10000)
    for _ = 1, limit // #piece + 2 do c:write(piece) end
    c:write ".\r\n"
    local r = c:expect("2yz", "4yz", "5yz", "closed")
    if r:is "closed" then t:fail "hung up at a message beyond the announced size" end
    if r:is "2yz" then t:fail("a message beyond the announced size got %s", r) end
    c:send("RCPT TO:<" .. t.user.address .. ">")
    r = c:reply()
    t:check(not r:is "2yz", "behind a refused message RCPT without MAIL got %s", r)
    c:send "MAIL FROM:<ann@client.example>"
    r = c:reply()
    t:check(r:is "250", "behind a refused message a new MAIL got %s", r)
  end,
}

scenario {
  name    = "hundred-in-a-group",
  title   = "A hundred recipients in one segment all get their replies",
  proves  = "rfc2920-3.2-9",
  says    = [[However many commands a group has, each is carried out and answered.]],
  why     = [[A server that looks only at the first part of its buffer loses recipients, and the client waits.]],
  needs   = { "PIPELINING" },
  catches = { "smtp-group-of-sixteen", "smtp-segment-is-line", "smtp-pipelining-flushes" },
  tags    = { "pipelining" },
  timeout = 40,
  run = function(t)
    local c = t:smtp()
    local rcpt = "RCPT TO:<" .. t.user.address .. ">\r\n"
    c:write("MAIL FROM:<ann@client.example>\r\n" .. rcpt:rep(100) .. "RSET\r\n")
    c:expect "250"
    for n = 1, 100 do
      local r = c:wait(8)
      if not r then t:fail("recipient %d of a hundred in one segment is never answered", n) end
      if not r:is("25z", "452") then t:fail("recipient %d of a hundred in one segment got %s", n, r) end
    end
    local r = c:wait(8)
    t:check(r and r:is "250", "RSET behind a hundred recipients in one segment got %s", r or "no answer")
  end,
}
