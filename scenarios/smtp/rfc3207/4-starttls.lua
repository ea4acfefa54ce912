-- STARTTLS: from clear to TLS without a seam. RFC 3207, 4 and 6.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "plaintext-not-obeyed-inside-tls",
  title   = "A command sent in clear behind STARTTLS is not answered inside TLS",
  proves  = "rfc3207-6-12",
  says    = [[After its 220 the server reads a TLS handshake, and nothing that was in its buffer before.]],
  why     = [[Someone on the path can glue commands to the client's STARTTLS. A server that keeps them obeys them as if
              they had come encrypted: CVE-2011-0411.]],
  needs   = { "STARTTLS" },
  catches = { "smtp-starttls-keeps-buffer", "smtp-starttls-greets-again" },
  tags    = { "tls" },
  users   = 0,
  run = function(t)
    local c = t:smtp { tls = "none" }
    c:write "STARTTLS\r\nVRFY injected\r\nNOOP\r\n"
    local r = c:expect("220", "5yz", "4yz", "closed")
    if not r:is "220" then return t:pass("refused STARTTLS with bytes behind it: %s", r) end
    if not c:starttls { may_fail = true } then
      return t:pass "took the extra bytes as a broken TLS handshake"
    end
    c:send "EHLO client.test.example"
    local first = c:expect("2yz", "4yz", "5yz", "closed")
    t:check(#(first.lines or {}) > 1 or first:is "closed",
      "the first reply inside TLS answers the plaintext command, not EHLO: %s", first)
    c:send "NOOP"
    local fence = c:expect("2yz", "closed")
    t:check(fence:is("250", "closed"), "the replies are out of step: %s", fence)
  end,
}

scenario {
  name    = "with-argument",
  title   = "STARTTLS with an argument is refused, and the session stays in clear",
  proves  = "rfc3207-4-x1",
  says    = [[STARTTLS takes nothing behind it: 501, and commands in clear still work.]],
  why     = [[Who begins a handshake after such a line may be speaking to a client that did not ask for one.]],
  needs   = { "STARTTLS" },
  catches = { "smtp-starttls-ignores-argument", "smtp-arguments-ignored" },
  tags    = { "tls" },
  users   = 0,
  run = function(t)
    local c = t:smtp { tls = "none" }
    c:send "STARTTLS now"
    local r = c:reply()
    t:check(r:is "501", "STARTTLS with an argument got %s", r)
    if r:is "220" then return end
    c:send "NOOP"
    c:expect "250"
  end,
}

scenario {
  name    = "no-reply-in-clear-after-broken-handshake",
  title   = "Bytes that are no TLS get no SMTP reply after 220",
  proves  = { "rfc3207-4-x4", "rfc3207-4-x3" },
  says    = [[Once it has said 220 the server does not go back to obeying commands in clear.]],
  why     = [[Falling back would let someone on the path undo the encryption by breaking the handshake.]],
  needs   = { "STARTTLS" },
  catches = "smtp-starttls-falls-back",
  tags    = { "tls" },
  users   = 0,
  run = function(t)
    local c = t:smtp { tls = "none" }
    c:send "STARTTLS"
    c:expect "220"
    c:write "NOOP\r\nNOOP\r\nNOOP\r\n"
    c:shutdown()
    local said = c:until_closed(10)
    t:check(not said:find "%f[%d][245]%d%d[ -][%w%p ]*\r\n",
      "answered a command in clear after the 220 to STARTTLS: %q", said)
  end,
}
