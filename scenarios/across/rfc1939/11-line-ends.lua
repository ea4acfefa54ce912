-- Messages whose line ends are those of a machine and not of the network. RFC 1939, 11.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "lone-line-feeds",
  title   = "A message that came with lone line feeds has one size and is retrieved with CR LF",
  proves  = { "rfc1939-11-x1", "rfc1939-i-3-2", "rfc1939-i-3-4" },
  says    = [[Every line that RETR sends ends in CR LF, and LIST says as many octets as were sent, however the message
              was stored.]],
  why     = [[Mail stored by other programs has the line ends of the machine. A client that reserves the octets which
              LIST told, and gets more, breaks off.]],
  services = { "pop3", "imap" },
  messages = 0,
  catches = { "pop3-size-counts-lf" },
  run = function(t)
    local i = t:imap { login = true }
    i:command("APPEND INBOX ", { literal = "Subject: " .. t.marker .. "\r\nX-A: b\n\r\none\ntwo\n.three\n\nfour\n" })
    local r = i:expect("OK", "NO", "BAD")
    if not r:is "OK" then t:skip("a message with lone line feeds is refused: %s", r) end
    i:send "LOGOUT"
    i:expect "OK"
    local c = t:pop3 { login = true }
    c:send "LIST 1"
    local size = c:expect "+OK".text:match "^1 (%d+)"
    c:send "RETR 1"
    r = c:expect "+OK"
    t:equal(tonumber(size), #r.body, "size in LIST, against what RETR sent")
    t:check(not r.body:gsub("\r\n", ""):find "\n", "RETR sent a line that ends in LF alone")
  end,
}
