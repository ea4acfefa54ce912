-- What a message looks like when it leaves for the next host. SPDX-License-Identifier: MIT

local function relayed(t, host, domain, data)
  local sink = t:listen { address = host }
  t:submit("bob@" .. domain, { at = host, data = data })
  local s = sink:serve()
  if not s then t:fail("no connection to the address of %s, which has no MX", domain) end
  if not s.message then t:fail("the message was not sent, only %s", s.lines) end
  return s.message
end

scenario {
  name = "dots-and-address",
  title = "A domain without MX gets its mail at its address, with the dots of every line",
  proves = { "rfc5321-4.5.2-x2", "rfc5321-5.1-x2" },
  says = [[Where there is no MX the address of the domain serves as one. A line that begins with a dot gets another
           one for the way, so that the host at the other end sees what the sender wrote.]],
  why = [[A dot that is not doubled is lost, and a line of a single one ends the message early.]],
  catches = { "queue-dots-not-doubled", "smtp-adds-empty-line", "smtp-double-unstuffing",
    "smtp-no-dot-unstuffing", "smtp-loses-after-250" },
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local body = "one\r\n.two\r\n..three\r\n.\r\nfour\r\n"
    local got = relayed(t, "127.0.0.41", "dots.example", message.make { subject = t.marker, body = body })
    local _, text = message.split(got)
    t:equal(text, body, "text of the relayed message")
  end,
}

scenario {
  name = "received-kept",
  title = "A relay adds its Received field and keeps those that are there",
  proves = { "rfc5321-4.4-x11", "rfc5321-4.4-6" },
  says = [[Received fields of earlier hosts stay as they are, below the new one.]],
  why = [[They are how loops are found, and how anybody finds out where a message came from.]],
  catches = { "queue-strips-received", "smtp-no-received", "smtp-strips-received", "smtp-loses-after-250" },
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local old = "from a.example by b.example; Sat, 21 Nov 2026 01:02:03 +0000"
    local got = relayed(t, "127.0.0.42", "trace.example",
      message.make { subject = t.marker, headers = { "Received: " .. old } })
    local fields = message.headers(got, "Received")
    t:check(#fields >= 2, "the relayed message has %d Received fields: the old one and the new one are due", #fields)
    t:equal(fields[#fields], old, "the oldest Received field")
  end,
}

scenario {
  name = "no-return-path",
  title = "A message that goes on to another host has no Return-Path of the relay",
  proves = "rfc5321-4.4-x12",
  says = [[Return-Path is written by the server that delivers for good, never by one that passes the message on.]],
  why = [[Its address is where failures are told: one made halfway reveals or misleads.]],
  catches = { "queue-keeps-return-path", "smtp-loses-after-250" },
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local got = relayed(t, "127.0.0.43", "path.example", message.make { subject = t.marker })
    t:equal(#message.headers(got, "Return-Path"), 0, "Return-Path fields of the relayed message")
  end,
}
