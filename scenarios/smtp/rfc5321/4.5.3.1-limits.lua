-- Sizes that every server has to take, and what it says when it is too much. RFC 5321, 4.5.3.1.
-- SPDX-License-Identifier: MIT

-- A domain of n octets (253 at most), of labels of up to 62.
local function domain(n)
  local out = "example"
  while #out + 2 <= n do out = ("a"):rep(math.min(62, n - #out - 1)) .. "." .. out end
  return #out < n and "b" .. out or out
end

scenario {
  name    = "long-names",
  title   = "A local part of 64 octets and a path of 256 are no syntax errors",
  proves  = { "rfc5321-4.5.3.1.1-x1", "rfc5321-4.5.3.1.2-x1", "rfc5321-4.5.3.1.3-x1", "rfc5321-4.5.3.1-1" },
  says    = [[64 octets before the at sign, a path of 256 with its brackets, a domain of 253 in EHLO: none is called
              too long. Whether the mailbox exists is another matter.]],
  why     = [[Encoded addresses of lists (VERP) fill a local part to its last octet.]],
  catches = { "smtp-short-local-part", "smtp-short-path", "smtp-short-domain", "smtp-ehlo-refused",
    "smtp-ehlo-last-line-hyphen", "smtp-short-command-line" },
  run = function(t)
    local c = t:smtp { ehlo = false }
    local name = domain(253)
    c:send("EHLO " .. name)
    local r = c:expect("250", "5yz")
    t:check(r:is "250", "EHLO with a domain of %d octets got %s", #name, r)
    if not r:is "250" then
      c:send "EHLO client.test.example"
      c:expect "250"
    end
    local host = t.user.address:match "@(.+)$"
    c:send("MAIL FROM:<" .. ("l"):rep(64) .. "@client.example>")
    r = c:expect("250", "5yz")
    t:check(r:is "250", "a sender with a local part of 64 octets got %s", r)
    c:close()
    c = t:smtp()
    local path = "<" .. ("l"):rep(20) .. "@"
    path = path .. domain(256 - #path - 1) .. ">"
    c:send("MAIL FROM:" .. path)
    r = c:expect("250", "4yz", "5yz")
    t:check(not r:is("500", "501", "503", "555"), "a sender whose path has %d octets got %s", #path, r)
    c:close()
    c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. ("l"):rep(64) .. "@" .. host .. ">")
    r = c:expect("2yz", "4yz", "5yz")
    t:check(not r:is("500", "501"), "a recipient with a local part of 64 octets is called bad syntax: %s", r)
  end,
}

scenario {
  name    = "many-addresses-in-the-header",
  title   = "The number of addresses in To and Cc is no reason to refuse a message",
  proves  = "rfc5321-4.5.3.1.8-2",
  says    = [[A message whose header names five hundred people and whose envelope has one recipient is taken.]],
  why     = [[The header may have been written for many, of whom this server keeps the mailbox of one.]],
  catches = "smtp-counts-header-addresses",
  run = function(t)
    local list = {}
    for i = 1, 500 do list[i] = "person" .. i .. "@client.example" end
    local to = table.concat(list, ",\r\n ")
    local r = t:smtp():mail { may_fail = true,
      data = message.make { subject = t.marker, to = to, headers = { "Cc: " .. to } } }
    t:check(r:is "250", "a message with a thousand addresses in its header got %s", r)
  end,
}

scenario {
  name    = "beyond-the-announced-size",
  title   = "Text beyond the announced size is refused at its end, and the session goes on",
  proves  = { "rfc5321-4.1.1.4-7", "rfc5321-4.5.3.1.9-1" },
  says    = [[A message larger than what SIZE announces gets 552 (or another 5yz or 4yz) once its last dot was read;
              the next command is answered as a command.]],
  why     = [[A server that hangs up in the middle is tried again, whole, for five days.]],
  catches = { "smtp-size-not-enforced", "smtp-size-hangs-up" },
  needs   = { "SIZE" },
  run = function(t)
    local c = t:smtp()
    local limit = tonumber(c:capabilities().SIZE or "")
    if not limit or limit == 0 then t:skip "the server announces no limit" end
    if limit > 8 << 20 then t:skip("a limit of %d octets is more than this scenario sends", limit) end
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "DATA"
    c:expect "354"
    c:write(message.make { subject = t.marker })
    local line = ("x"):rep(998) .. "\r\n"
    local block = line:rep(1000)
    for _ = 1, limit // #block + 1 do c:write(block) end
    c:write { "", 0.1, line .. ".\r\n" } -- the end in one piece, whatever came before
    local r = c:expect("2yz", "4yz", "5yz")
    t:check(not r:is "2yz", "took more than the %d octets that it announces", limit)
    c:send "NOOP"
    c:expect "250"
  end,
}

scenario {
  name    = "empty-message",
  title   = "A dot right behind DATA ends an empty message",
  proves  = "rfc5321-4.1.1.4-x3",
  says    = [[The CR LF of the command counts as the one before the dot: one reply, then commands again.]],
  why     = [[A server that waits for another CR LF in front waits for ever.]],
  catches = "smtp-empty-message-hangs",
  reply_timeout = 3,
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "DATA"
    c:expect "354"
    c:write ".\r\n"
    c:expect("250", "5yz", "4yz")
    c:send "NOOP"
    c:expect "250"
  end,
}
