-- What is sent is what arrives. RFC 5321, 4.5.2 and 4.5.3.1.
-- SPDX-License-Identifier: MIT

-- Sends a body as it must look on the wire and gives back the body as it was delivered.
local function carry(t, wire, params)
  local c = t:smtp()
  c:send("MAIL FROM:<ann@client.example>" .. (params or ""))
  c:expect "250"
  c:send("RCPT TO:<" .. t.user.address .. ">")
  c:expect "250"
  c:send "DATA"
  c:expect "354"
  c:write("From: ann@client.example\r\nSubject: transparency\r\nMIME-Version: 1.0\r\n" ..
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" ..
    t.marker .. "\r\n" .. wire .. ".\r\n")
  c:expect "250"
  local _, body = message.split(t:delivered(t.marker))
  return (body:gsub("^[^\n]*\n", "", 1))
end

scenario {
  name    = "leading-dots",
  title   = "One leading dot is taken off a line, and no other",
  proves  = "rfc5321-4.5.2-x1",
  says    = [[A line that begins with a dot and is more than a dot loses that first dot; dots elsewhere stay.]],
  why     = [[Clients double the dot so that no line of text can be taken for the end. A server that forgets its half
              changes every such line.]],
  catches = { "smtp-no-dot-unstuffing", "smtp-double-unstuffing", "smtp-adds-empty-line" },
  run = function(t)
    t:equal(carry(t, "..one\r\n...two\r\n..\r\nthree..\r\n .four\r\n.five\r\n"),
      ".one\r\n..two\r\n.\r\nthree..\r\n .four\r\nfive\r\n", "the lines as delivered")
  end,
}

scenario {
  name    = "every-ascii-character",
  title   = "Every ASCII character of the text reaches the mailbox",
  proves  = "rfc5321-4.5.2-1",
  says    = [[Tabs, form feeds and other control characters are text as well as letters; none is dropped or changed.]],
  why     = [[Logs, patches and tables live of their tabs; a filter that tidies them corrupts files silently.]],
  catches = { "smtp-strips-control-characters", "smtp-adds-empty-line" },
  run = function(t)
    local text = {}
    for octet = 1, 127 do
      if octet ~= 10 and octet ~= 13 then text[#text + 1] = string.char(octet) end
    end
    local line = "<" .. table.concat(text) .. ">\r\n"
    t:equal(carry(t, line), line, "the characters as delivered")
  end,
}

scenario {
  name    = "eight-bit",
  title   = "Octets above 127 of a BODY=8BITMIME message arrive unchanged",
  proves  = "rfc5321-2.4-15",
  says    = [[A server should offer 8BITMIME; then text with high octets is delivered as it was sent.]],
  why     = [[Nearly all text that is not English has them. A cleared high bit makes it unreadable for good.]],
  needs   = { "8BITMIME" },
  catches = { "smtp-strips-eighth-bit", "smtp-adds-empty-line" },
  run = function(t)
    local line = "gr\xc3\xbc\xc3\x9fe aus M\xc3\xbcnchen \xe2\x82\xac\r\n"
    t:equal(carry(t, line, " BODY=8BITMIME"), line, "the text as delivered")
  end,
}

scenario {
  name    = "line-of-1000",
  title   = "A line of 1000 octets is kept whole",
  proves  = { "rfc5321-4.5.3.1.6-x1", "rfc5321-4.5.3.1-1" },
  says    = [[A text line of 998 octets and its CR LF is taken and delivered without a break.]],
  why     = [[That is the longest line which every server must take; one that folds it earlier breaks what was
              encoded to fit.]],
  catches = { "smtp-truncates-long-line", "smtp-adds-empty-line" },
  run = function(t)
    local line = ("0123456789"):rep(99) .. "12345678\r\n"
    t:equal(carry(t, line), line, "the long line as delivered")
  end,
}

scenario {
  name    = "message-of-64k",
  title   = "A message of 64K octets is taken whole",
  proves  = "rfc5321-4.5.3.1.7-1",
  says    = [[Messages of at least 65536 octets, header included, are accepted and delivered complete.]],
  why     = [[It is the size that every sender may count on without asking.]],
  catches = { "smtp-message-limit-32k", "smtp-adds-empty-line" },
  run = function(t)
    local text = (("x"):rep(70) .. "\r\n"):rep(900)
    t:equal(#carry(t, text), #text, "octets of the body as delivered")
  end,
}
