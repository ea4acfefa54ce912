-- Mail that goes round. RFC 5321, 6.3.
-- SPDX-License-Identifier: MIT
scenario {
  name = "thousand-hops-are-a-loop",
  title = "Mail that has a thousand Received fields is not passed on again",
  proves = "rfc5321-6.3-2",
  says = [[A message that went through so many hosts goes in a circle: it is refused, or returned to its sender.]],
  why = [[Two hosts that each take the other for the right one send it to and fro until both are full.]],
  catches = { "queue-loops" },
  services = { "submission" },
  needs_control = true,
  timeout = 40,
  run = function(t)
    local sink = t:listen { address = "127.0.0.85" }
    t:zone "round.example. A 127.0.0.85"
    local hops = {}
    for n = 1, 1000 do
      hops[n] = ("Received: from a.example by b.example with ESMTP id %d; Mon, 1 Jun 2026 10:00:00 +0000"):format(n)
    end
    local c = t:submission()
    c:send("MAIL FROM:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "RCPT TO:<bob@round.example>"
    c:expect "250"
    c:send "DATA"
    c:expect "354"
    c:write(message.stuff(message.make { subject = t.marker, headers = hops }) .. ".\r\n")
    local r = c:expect("250", "4yz", "5yz")
    if not r:is "250" then return t:pass("a message with a thousand Received fields is refused: %s", r) end
    t:check(not sink:accept(3), "a message with a thousand Received fields was passed on")
  end,
}
