-- SIZE. RFC 1870, 4 and 6.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "declared-too-large",
  title   = "A declared size above the announced limit is refused at MAIL",
  proves  = { "rfc1870-6.1-x1", "rfc1870-7-4" },
  says    = [[With a limit in the reply to EHLO, MAIL with a larger SIZE gets 552 (or 452), one with a small SIZE is
              taken.]],
  why     = [[The client learns it before it has sent fifty megabytes.]],
  needs   = { "SIZE" },
  catches = { "smtp-size-ignored", "smtp-rset-closes", "smtp-size-any-value" },
  users   = 0,
  run = function(t)
    local c = t:smtp()
    local limit = tonumber(c:capabilities().SIZE:match "^%d+$")
    c:send "MAIL FROM:<ann@client.example> SIZE=1000"
    c:expect "250"
    c:send "RSET"
    c:expect "250"
    if not limit or limit == 0 then t:skip "the server announces no fixed limit" end
    c:send(("MAIL FROM:<ann@client.example> SIZE=%d"):format(limit + 1))
    local r = c:reply()
    t:check(r:is("552", "452", "5yz"), "SIZE=%d, above the limit of %d, got %s", limit + 1, limit, r)
  end,
}
