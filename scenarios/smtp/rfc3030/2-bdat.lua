-- BDAT: messages in counted chunks. RFC 3030, 2.
-- SPDX-License-Identifier: MIT

-- A transaction with one recipient.
local function begin(t)
  local c = t:smtp()
  c:send "MAIL FROM:<ann@client.example>"
  c:expect "250"
  c:send("RCPT TO:<" .. t.user.address .. ">")
  c:expect "250"
  return c
end

scenario {
  name    = "chunks-make-one-message",
  title   = "Chunks are stored octet for octet, dots included, and each gets its 250",
  proves  = { "rfc3030-2-6", "rfc3030-2-x1", "rfc3030-2-x3", "rfc3030-2-3" },
  says    = [[Every chunk is answered; the one marked LAST ends the message, though it be empty; a dot at the beginning
              of a line is a dot.]],
  why     = [[The count says where a chunk ends, so nothing in it needs escaping. A server that takes off dots all the
              same damages the text.]],
  needs   = { "CHUNKING" },
  catches = { "smtp-bdat-last-no-reply", "smtp-bdat-unstuffs", "smtp-segment-is-line", "smtp-adds-empty-line",
    "smtp-bdat-zero-refused", "smtp-bdat-count-to-line-end" },
  run = function(t)
    local c = begin(t)
    local one = "Subject: chunks\r\n\r\n" .. t.marker .. "\r\n..two dots\r\n.one "
    local two = "dot\r\n.\r\nend\r\n"
    c:write(("BDAT %d\r\n"):format(#one) .. one)
    t:check(c:reply():is "250", "the first chunk was not answered 250")
    c:write(("BDAT %d\r\n"):format(#two) .. two)
    t:check(c:reply():is "250", "the second chunk was not answered 250")
    c:send "BDAT 0 LAST"
    local r = c:reply()
    t:check(r:is "250", "the empty last chunk got %s", r)
    local _, body = message.split(t:delivered(t.marker))
    t:equal(body, t.marker .. "\r\n..two dots\r\n.one dot\r\n.\r\nend\r\n", "the body as delivered")
  end,
}

scenario {
  name    = "refused-chunk-is-read-to-its-end",
  title   = "The octets of a refused chunk are not commands",
  proves  = { "rfc3030-2-7", "rfc3030-2-x2" },
  says    = [[BDAT without a transaction is refused once, after its octets were read; what stood in them is not
              obeyed.]],
  why     = [[Who can choose the text of a message could otherwise choose the next commands of the session.]],
  needs   = { "CHUNKING" },
  catches = "smtp-bdat-refused-chunk-obeyed",
  tags    = { "smuggling" },
  users   = 0,
  run = function(t)
    local c = t:smtp()
    local chunk = "VRFY one\r\nVRFY two\r\nVRFY three\r\n"
    c:write(("BDAT %d LAST\r\n"):format(#chunk) .. chunk)
    local r = c:expect("5yz", "4yz", "closed")
    if r:is "closed" then return t:pass "hung up at a chunk without a transaction" end
    t:check(r:is("503", "5yz", "4yz"), "BDAT without a transaction got %s", r)
    c:send "NOOP"
    r = c:expect("250", "5yz", "4yz", "252", "closed")
    t:check(r:is("250", "closed"), "the text of the refused chunk was obeyed: NOOP got %s", r)
    c:send "QUIT"
    r = c:expect("221", "2yz", "5yz", "4yz", "closed")
    t:check(r:is("221", "closed"), "a reply too many: QUIT got %s", r)
  end,
}
