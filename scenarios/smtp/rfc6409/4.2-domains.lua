-- Addresses that leave the submission service have whole domains. RFC 6409, 4.2.
-- SPDX-License-Identifier: MIT

scenario {
  name = "domains-are-whole",
  title = "An address without a full domain is completed or refused",
  proves = "rfc6409-4.2-1",
  says = [[MAIL FROM:<ann> and RCPT TO:<bob@host> do not go on as they are: a refusal, or a domain that is added.]],
  why = [[Everywhere else such an address means somebody else, or nobody.]],
  catches = "submission-short-domains",
  services = { "submission" },
  needs_control = true,
  run = function(t)
    local sink = t:listen { address = "127.0.3.61" }
    t:zone("short. A 127.0.3.61", "short.test.example. A 127.0.3.61")
    local c = t:submission()
    c:send "MAIL FROM:<ann>"
    local r = c:expect("2yz", "4yz", "5yz")
    if r:is "2yz" then t:record("MAIL FROM:<ann> gets", r) else
      c:send("MAIL FROM:<" .. t.user.address .. ">")
      c:expect "250"
    end
    c:send "RCPT TO:<bob@short>"
    if c:expect("2yz", "4yz", "5yz"):is "5yz" then return end
    c:send "DATA"
    c:expect "354"
    c:write(message.make { subject = t.marker } .. ".\r\n")
    c:expect "250"
    local s = sink:serve()
    if not s then return end
    for _, address in ipairs { s.from or "", s.to[1] or "" } do
      t:check(address:find "^<>" or address:find "^<[^@]+@[^>.]+%.[^>]+>", "%s went on without a full domain", address)
    end
  end,
}
