-- A handshake that does not happen. RFC 2595, 4.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "no-command-in-clear-after-ok",
  title   = "After the +OK to STLS nothing in clear is obeyed any more",
  proves  = { "rfc2595-4-x10", "rfc2595-4-x5" },
  level   = "SHOULD", -- no sentence says it outright, and Cyrus and Courier go on
  says    = [[What comes behind the +OK and is no TLS ends the connection; it is not answered as a command.]],
  why     = [[Else somebody on the path breaks the handshake and goes on in clear, and the client has sent his password
              there.]],
  needs   = { "STLS" },
  catches = "pop3-stls-falls-back",
  tags    = { "tls" },
  users   = 0,
  run = function(t)
    local c = t:pop3 { tls = "none" }
    c:send "STLS"
    c:expect "+OK"
    local before = #c:history()
    c:write "CAPA\r\nNOOP\r\nCAPA\r\n"
    c:shutdown()
    c:until_closed(10)
    local said = c:history():sub(before + 1)
    t:check(not said:find "%+OK" and not said:find "%-ERR", "answered a command in clear after the +OK to STLS: %q",
      said)
  end,
}

scenario {
  name    = "refusal-changes-nothing",
  title   = "After an -ERR to STLS the session in clear goes on",
  proves  = { "rfc2595-4-x9", "rfc2595-4-2" },
  says    = [[STLS inside TLS and after login gets -ERR, and the next command is answered as if nothing had been.]],
  why     = [[A server that waits for a handshake which it has refused hangs, and so does its client.]],
  needs   = { "STLS" },
  messages = { "plain" },
  catches = "pop3-stls-greets-again",
  tags    = { "tls" },
  run = function(t)
    local c = t:pop3 { login = true, tls = "starttls" }
    c:send "STLS"
    local r = c:reply()
    t:check(r:is "-ERR", "STLS after login inside TLS got %s", r)
    if not r:is "-ERR" then return end
    c:send "STAT"
    t:check(c:reply():is "+OK", "after a refused STLS the session does not go on")
  end,
}
