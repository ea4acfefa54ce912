-- A declared size is a promise, and no count. RFC 1870, 4, 6 and 6.3.
-- SPDX-License-Identifier: MIT

scenario {
  name    = "does-not-end-the-text",
  title   = "The text ends at its final dot, whatever size was declared",
  proves  = "rfc1870-6-5",
  says    = [[A message that is somewhat longer than SIZE= said is read to CR LF . CR LF; it is taken or refused as a
              whole.]],
  why     = [[Where two servers count differently what stands behind the count would be commands for one of them.]],
  needs   = { "SIZE" },
  tags    = { "smuggling" },
  catches = { "smtp-size-ends-data", "smtp-obeys-commands-in-data", "smtp-adds-empty-line", "smtp-loses-after-250" },
  run = function(t)
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example> SIZE=40"
    c:expect "250"
    c:send("RCPT TO:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "DATA"
    c:expect "354"
    c:write("Subject: longer than forty octets\r\n\r\n" .. t.marker .. "\r\nRSET\r\nNOOP\r\nlast\r\n.\r\n")
    local r = c:expect("250", "4yz", "5yz")
    local taken = r:is "250"
    c:send "NOOP"
    r = c:expect("250", "5yz", "4yz")
    t:check(r:is "250", "a reply too many behind a text that is longer than declared: NOOP got %s", r)
    if taken then
      local _, body = message.split(t:delivered(t.marker, { judge = true }))
      t:equal(body, t.marker .. "\r\nRSET\r\nNOOP\r\nlast\r\n", "the body of a message that is longer than declared")
    end
  end,
}

scenario {
  name    = "form",
  title   = "SIZE is announced with a number or alone, and declared once, with a number",
  proves  = { "rfc1870-4-x1", "rfc1870-6-2", "rfc1870-6-x1" },
  level   = "SHOULD",
  says    = [[EHLO says SIZE, or SIZE and one decimal number. MAIL refuses two SIZE, and a SIZE that is no number.]],
  why     = [[A size that cannot be read is none: the client thinks that it was checked.]],
  needs   = { "SIZE" },
  users   = 0,
  catches = { "smtp-size-any-value", "smtp-size-twice", "smtp-rset-closes" },
  run = function(t)
    local c = t:smtp()
    local value = c:capabilities().SIZE
    t:check(value == "" or value:match "^%d+$", "EHLO says SIZE %s", value)
    for _, wrong in ipairs { "SIZE=", "SIZE=x", "SIZE=10k", "SIZE=-1", "SIZE=10 SIZE=20" } do
      c:send("MAIL FROM:<ann@client.example> " .. wrong)
      local r = c:expect("2yz", "4yz", "5yz")
      t:check(r:is "5yz", "MAIL with %s got %s", wrong, r)
      c:send "RSET"
      c:expect "250"
    end
  end,
}
