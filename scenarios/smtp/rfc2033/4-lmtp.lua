-- LMTP: delivery with one reply for each recipient. RFC 2033, 4.
-- SPDX-License-Identifier: MIT
scenario {
  name     = "one-reply-for-each-recipient",
  title    = "The final dot is answered once for each recipient that was accepted",
  proves   = { "rfc2033-4.2-x1", "rfc2033-4.1-1", "rfc2033-5-2" },
  says     = [[LMTP has no queue behind it: each recipient's fate is told at once, in the order of RCPT, also when two
               of them are the same.]],
  why      = [[The queue in front sends again what failed, and only that. A reply short makes it wait for ever.]],
  services = { "lmtp" },
  users    = 2,
  catches  = { "lmtp-one-reply", "smtp-ehlo-refused", "smtp-unknown-command-closes", "smtp-unknown-command-250",
    "smtp-quit-no-reply", "smtp-ehlo-last-line-hyphen", "smtp-delivers-to-first-only", "smtp-dot-flushes" },
  run = function(t)
    local c = t:smtp { service = "lmtp", ehlo = false }
    c:send "EHLO client.test.example"
    local r = c:reply()
    t:check(not r:is "2yz", "EHLO got %s on an LMTP service", r)
    c:send "LHLO client.test.example"
    r = c:expect "250"
    for _, word in ipairs { "PIPELINING", "ENHANCEDSTATUSCODES" } do
      local found
      for _, line in ipairs(r.lines) do found = found or line:upper() == word end
      t:check(found, "LHLO does not list %s", word)
    end
    c:send "MAIL FROM:<ann@client.example>"
    c:expect "250"
    for _, address in ipairs { t.users[1].address, t.users[2].address, t.users[1].address } do
      c:send("RCPT TO:<" .. address .. ">")
      c:expect "25z"
    end
    c:send "DATA"
    c:expect "354"
    c:write("Subject: lmtp\r\n\r\n" .. t.marker .. "\r\n.\r\nQUIT\r\n")
    for n = 1, 3 do
      r = c:reply()
      t:check(r:is("250", "4yz", "5yz"), "reply %d of 3 to the final dot is %s", n, r)
      if r:is "221" then return end
    end
    c:expect "221"
  end,
}
