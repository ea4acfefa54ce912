-- The certificate, and the end of a TLS session. RFC 8314, 4.4 and 3.4.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "certificate-holds",
  title   = "The certificate is in date, leads to a trusted authority and bears the server's name",
  proves  = "rfc8314-4.4-1",
  says    = [[A client that checks what it is shown finds nothing to object to.]],
  why     = [[Users who have learnt to click a warning away do so for an attacker's certificate, too.]],
  needs   = { "STLS" },
  catches = { "tls-wrong-name", "tls-expired-certificate" },
  tags    = { "tls" },
  users   = 0,
  run = function(t)
    local facts = t:pop3 { tls = "starttls", verify = false }:tls()
    t:check(facts.chain_ok, "the certificate is not trusted: %s", facts.chain_why)
    t:check(facts.name_ok, "the certificate is made out to %s", facts.subject)
  end,
}

scenario {
  name    = "says-goodbye-in-tls",
  title   = "The server sends close_notify before it ends a TLS session",
  proves  = "rfc8314-3.4-1",
  says    = [[After the goodbye of the protocol comes the close alert of TLS, and then the end of the connection.]],
  why     = [[Without it nobody can tell an orderly end from one that somebody on the path has forged.]],
  needs   = { "STLS" },
  catches = { "tls-no-close-notify", "pop3-stls-greets-again", "pop3-quit-before-login" },
  tags    = { "tls" },
  users   = 0,
  run = function(t)
    local c = t:pop3 { tls = "starttls", verify = false }
    c:send "QUIT"
    c:expect "+OK"
    local how = c:expect "closed"
    t:check(c:ended() == "close_notify", "the TLS session ended without close_notify: %s", how)
  end,
}
