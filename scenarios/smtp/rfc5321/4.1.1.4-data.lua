-- DATA: where a message ends. Two servers that disagree about it can be made to see two messages where
-- there is one: SMTP smuggling. RFC 5321, 4.1.1.4.
-- SPDX-License-Identifier: MIT

-- Opens a transaction up to 354.
local function begin(t)
  local c = t:smtp()
  c:send "MAIL FROM:<ann@client.example>"
  c:expect "250"
  c:send("RCPT TO:<" .. t.user.address .. ">")
  c:expect "250"
  c:send "DATA"
  c:expect "354"
  return c
end

-- Sends text with a false end of data in its middle. A lawful server reads on to the true end and answers once, with
-- the message taken or refused; or it drops the line at once.
local function not_the_end(t, false_end, words)
  local c = begin(t)
  c:write("Subject: one\r\n\r\nhello" .. false_end .. "still the message\r\n.\r\n")
  local first = c:expect("2yz", "4yz", "5yz", "closed")
  if first:is "closed" then return t:pass("hung up at %s", words) end
  c:send "NOOP"
  local fence = c:expect("250", "5yz", "4yz", "closed")
  t:check(fence:is("250", "closed"), "the message ended at %s: what followed it was read as a command and got %s",
    words, fence)
end

scenario {
  name    = "bare-lf-dot",
  title   = "LF . LF does not end the message",
  proves  = { "rfc5321-4.1.1.4-5", "rfc5321-4.1.1.4-4" },
  says    = [[A dot between bare line feeds is text. Only CR LF . CR LF ends the data.]],
  why     = [[If one server ends the message at LF . LF and the next one reads on, a sender can hide a second
              message inside the first. This is SMTP smuggling.]],
  catches = "smtp-lf-ends-data",
  tags    = { "smuggling" },
  run = function(t) not_the_end(t, "\n.\n", "LF . LF") end,
}

scenario {
  name    = "lf-dot-crlf",
  title   = "LF . CR LF does not end the message",
  proves  = "rfc5321-4.1.1.4-x1",
  says    = [[A dot after a bare line feed is text, though CR LF follows it.]],
  why     = [[The form that most servers fell for in 2023: the sending server lets it pass, since to it this is no
              end, and the receiving one starts a new message.]],
  catches = "smtp-lf-dot-crlf-ends-data",
  tags    = { "smuggling" },
  run = function(t) not_the_end(t, "\n.\r\n", "LF . CR LF") end,
}

scenario {
  name    = "crlf-dot-lf",
  title   = "CR LF . LF does not end the message",
  proves  = "rfc5321-4.1.1.4-x1",
  says    = [[A dot on a line of its own that ends in a bare line feed is text.]],
  why     = [[One half of the end sequence is right, which is enough for a parser that splits lines at LF.]],
  catches = "smtp-crlf-dot-lf-ends-data",
  tags    = { "smuggling" },
  run = function(t) not_the_end(t, "\r\n.\n", "CR LF . LF") end,
}

scenario {
  name    = "cr-dot-cr",
  title   = "CR . CR and CR LF . CR do not end the message",
  proves  = { "rfc5321-4.1.1.4-x1", "rfc5321-2.3.8-1" },
  says    = [[A bare carriage return ends no line, before the dot or after it.]],
  why     = [[Some programs take a lone CR for a line end, and meet others that do not.]],
  catches = "smtp-cr-ends-line",
  tags    = { "smuggling" },
  run = function(t)
    not_the_end(t, "\r.\r", "CR . CR")
    not_the_end(t, "\r\n.\rx", "CR LF . CR")
  end,
}

scenario {
  name    = "end-in-five-packets",
  title   = "CR LF . CR LF ends the data however the network cuts it",
  proves  = "rfc5321-4.1.1.4-x2",
  says    = [[The five octets may each come in a packet of their own: the data end with the last one, and one
              reply follows.]],
  why     = [[A server that looks for the end inside one read only waits for ever when the network cuts there.]],
  catches = "smtp-end-needs-one-segment",
  run = function(t)
    local c = begin(t)
    c:write("Subject: cut\r\n\r\nhello")
    c:write { "\r", 0.01, "\n", 0.01, ".", 0.01, "\r", 0.01, "\n" }
    local r = c:reply()
    t:check(r:is "250", "the end in five packets got %s", r)
    c:send "NOOP"
    t:check(c:reply():is "250", "after the end in five packets NOOP was not answered by its 250")
  end,
}

scenario {
  name    = "nothing-kept-after-the-end",
  title   = "After the final dot the transaction is over",
  proves  = "rfc5321-4.1.1.4-x4",
  says    = [[With the reply to the final dot sender, recipients and text are gone: RCPT gets 503, a new MAIL works.]],
  why     = [[A recipient left over from one message would get the next one, too.]],
  catches = { "smtp-data-keeps-transaction", "smtp-bad-sequence-500", "smtp-rcpt-before-mail" },
  run = function(t)
    local c = begin(t)
    c:write("Subject: one\r\n\r\n" .. t.marker .. "\r\n.\r\n")
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    local r = c:reply()
    t:check(r:is "503", "RCPT right after a finished message got %s", r)
    c:send "MAIL FROM:<ann@client.example>"
    r = c:reply()
    t:check(r:is "250", "a new MAIL after a finished message got %s", r)
  end,
}

scenario {
  name    = "without-recipient",
  title   = "DATA without an accepted recipient is refused, or sends nothing",
  proves  = { "rfc5321-3.3-19", "rfc5321-4.1.4-17" },
  says    = [[DATA after MAIL alone is out of order: 503 or 554. A pipelining server may say 354, and then refuses at
              the final dot.]],
  why     = [[A message that nobody asked for has nowhere to go; a 250 for it would be a promise to nobody.]],
  catches = { "smtp-data-without-rcpt", "smtp-bad-sequence-500" },
  users   = 0,
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send "DATA"
    local r = c:reply()
    if r:is "354" then
      c:write "\r\n.\r\n"
      r = c:reply()
      t:check(r:is("5yz", "4yz"), "took a message for no recipient: %s", r)
    else
      t:check(r:is("503", "554"), "DATA without recipient got %s", r)
    end
  end,
}

scenario {
  name    = "commands-inside-are-text",
  title   = "Commands inside the data are text, and there is one reply",
  proves  = { "rfc5321-i-3.3-4", "rfc5321-4.2-1" },
  says    = [[Whatever stands between 354 and the final dot is the message, lines that look like commands too; the
              server answers once, after the dot.]],
  why     = [[A reply to a line of the text would be counted as the reply to the dot, and all later replies would be
              off by one.]],
  catches = "smtp-obeys-commands-in-data",
  run = function(t)
    local c = begin(t)
    c:write("Subject: QUIT\r\n\r\n" .. t.marker .. "\r\nRSET\r\nQUIT\r\nNOOP\r\n.\r\n")
    local r = c:reply()
    t:check(r:is "250", "text that looks like commands got %s", r)
    c:send "NOOP"
    r = c:reply()
    t:check(r:is "250", "a reply too many: NOOP got %s", r)
    local got = t:delivered(t.marker)
    t:check(got:find("\r\nRSET\r\nQUIT\r\nNOOP\r\n", 1, true),
      "the lines that look like commands are not in the message")
  end,
}

scenario {
  name    = "no-line-added",
  title   = "The delivered text ends with the last line that was sent",
  proves  = "rfc5321-4.1.1.4-2",
  says    = [[The CR LF before the final dot ends the last line of the text; no empty line is added.]],
  why     = [[Signatures and hashes over the body break when a line comes from nowhere.]],
  catches = "smtp-adds-empty-line",
  run = function(t)
    local c = begin(t)
    c:write("Subject: end\r\n\r\n" .. t.marker .. "\r\nlast line\r\n.\r\n")
    c:expect "250"
    local _, body = message.split(t:delivered(t.marker))
    t:equal(body, t.marker .. "\r\nlast line\r\n", "the body as delivered")
  end,
}
