-- Domains that say that they take no mail. SPDX-License-Identifier: MIT
scenario {
  name = "not-tried-and-told",
  title = "A domain with a null MX is never connected to, and the sender is told at once",
  proves = "rfc7505-3-x1",
  says = [[An MX of preference 0 to the root means that the domain has no mail: its address is not tried either.]],
  why = [[Without it a mistyped domain keeps mail in queues for days before anybody hears of it.]],
  catches = "queue-ignores-null-mx",
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local web = t:listen { address = "127.0.0.31" }
    t:zone("none.example. MX 0 .", "none.example. A 127.0.0.31")
    local c = t:submission()
    c:send("MAIL FROM:<" .. t.user.address .. ">")
    c:expect "250"
    c:send "RCPT TO:<bob@none.example>"
    if c:expect("250", "5yz"):is "5yz" then return end     -- told in the session: better still
    c:send "DATA"
    c:expect "354"
    c:write(message.make { subject = t.marker } .. "\r\n.\r\n")
    if c:expect("250", "5yz"):is "5yz" then return end
    t:check(not web:accept(), "connected to the address of a domain whose MX says that it takes no mail")
    t:delivered(t.marker, { judge = true })
  end,
}
