-- Numbers in SIZE that no machine word holds. RFC 1870, 6.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "numbers-do-not-wrap",
  title   = "A declared size beyond 32 or 64 bits is not taken for a small one",
  proves  = { "rfc1870-6.1-x1", "rfc1870-6.1-1" },
  says    = [[SIZE has up to twenty digits. 2^32 + 1 and 2^64 + 1 are above the limit as any large number is.]],
  why     = [[A size that wraps passes the check, and the message is refused after all of it was sent, or fills a
              disk.]],
  needs   = { "SIZE" },
  catches = { "smtp-size-wraps", "smtp-size-ignored", "smtp-size-any-value" },
  run = function(t)
    local c = t:smtp()
    local limit = tonumber(c:capabilities().SIZE) or 0
    if limit == 0 then t:skip "announces no limit" end
    for _, size in ipairs { "4294967297", "18446744073709551617", "99999999995360665600" } do
      if #size > 10 or limit < 4294967297 then
        c:send("MAIL FROM:<ann@client.example> SIZE=" .. size)
        local r = c:expect("2yz", "4yz", "5yz", "closed")
        t:check(not r:is "2yz", "with an announced limit of %d octets SIZE=%s got %s", limit, size, r)
        if r:is "closed" then return end
        c:send "RSET"
        c:expect "250"
      end
    end
  end,
}
