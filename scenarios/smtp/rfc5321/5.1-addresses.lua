-- Hosts with several addresses, and whose word says where mail goes. RFC 5321, 5.1 and appendix C.
-- SPDX-License-Identifier: MIT
scenario {
  name = "second-address-of-a-host",
  title = "When the first address of a host does not answer, its next one gets the mail",
  proves = { "rfc5321-5.1-10", "rfc5321-5.1-12" },
  says = [[All addresses of the one MX host are tried, until one of them takes the mail.]],
  why = [[A host with two networks is to be reached while one of them is down; without a second MX there is no other
           way.]],
  catches = { "queue-first-address-only", "queue-address-beside-mx", "smtp-loses-after-250" },
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local second = t:listen { address = "127.0.0.82" }      -- nobody listens at 127.0.0.81
    t:zone("pair.example. MX 10 mx.pair.example.", "mx.pair.example. A 127.0.0.81", "mx.pair.example. A 127.0.0.82")
    t:submit "bob@pair.example"
    local s = second:serve()
    t:check(s and s.message and s.message:find(t.marker, 1, true),
      "the second address of the host did not get the mail: %s", s and s.lines)
  end,
}

scenario {
  name = "envelope-says-where",
  title = "Mail goes where RCPT says, whatever To says",
  proves = "rfc5321-C-10",
  says = [[To, Cc and Resent-To name other domains. The mail goes to the host of the recipient in RCPT, and nowhere
           else.]],
  why = [[Blind copies, lists and forwarded mail have recipients whom the header does not name.]],
  catches = { "queue-routes-by-header", "smtp-loses-after-250" },
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local right, wrong = t:listen { address = "127.0.0.83" }, t:listen { address = "127.0.0.84" }
    t:zone("envelope.example. A 127.0.0.83", "header.example. A 127.0.0.84")
    t:submit("bob@envelope.example", { data = message.make { subject = t.marker, to = "eve@header.example",
      headers = { "Cc: eve@header.example", "Resent-To: eve@header.example", "Resent-From: ann@client.example",
        "Resent-Date: Mon, 1 Jun 2026 10:00:00 +0000" } } })
    local s = right:serve { seconds = 3 }
    t:check(s and s.message, "the host of the recipient in RCPT did not get the mail")
    t:equal(s and s.to[1] and s.to[1]:match "<(.-)>", "bob@envelope.example", "recipient")
    t:check(not wrong:accept(0), "the host of a domain that only the header names was connected to")
  end,
}
