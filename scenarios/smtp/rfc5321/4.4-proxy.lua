-- The PROXY protocol: a balancer in front says in a header before the greeting whose connection it is (HAProxy's
-- specification, versions 1 and 2). What becomes of it in SMTP: the greeting, and the address in Received.
-- RFC 5321, 4.3.1 and 4.4.
-- SPDX-License-Identifier: MIT

local TCP4 = "PROXY TCP4 192.0.2.77 192.0.2.1 4711 25\r\n"
local TCP6 = "PROXY TCP6 2001:db8::77 2001:db8::1 4711 25\r\n"
local SIGNATURE = "\r\n\r\n\0\r\nQUIT\n"

local function proxies(t, address) t:control { ["do"] = "set", name = "proxy-from", value = "smtp=" .. address } end

-- A message over a connection that begins with this header; returns the delivered message's header.
local function mail_behind(t, header, word)
  local c = t:smtp { greet = false }
  c:write(header)
  c:expect "220"
  c:send "EHLO real.client.example"
  c:expect "250"
  c:mail { data = message.make { subject = "proxy", body = t.marker .. word } }
  return (message.split(t:delivered(t.marker .. word)))
end

scenario {
  name    = "address-is-believed",
  title   = "The address in a proxy's header is the client's",
  proves  = "rfc5321-4.4-x3",
  says    = [[Behind a header of version 1 or 2 comes the greeting, and Received tells the address from the header.]],
  why     = [[Without it every client has the address of the balancer, and no limit by address means anything.]],
  needs_control = true,
  catches = { "proxy-address-ignored", "smtp-no-received", "smtp-received-without-from" },
  run = function(t)
    proxies(t, "127.0.0.1")
    for word, header in pairs { ["-one"] = TCP4,
      ["-two"] = SIGNATURE .. "\x21\x11\0\12\192\0\2\77\192\0\2\1\x12\x67\0\25" } do
      local got = mail_behind(t, header, word)
      t:check(got:find("192.0.2.77", 1, true), "Received does not tell the address of a header of version%s", word)
    end
    local got = mail_behind(t, TCP6, "-six")
    t:check(got:lower():find("2001:db8::77", 1, true), "Received does not tell the IPv6 address of a header")
  end,
}

scenario {
  name    = "header-first",
  title   = "A proxy gets no greeting before its header",
  proves  = "rfc5321-4.4-x4",
  says    = [[The server waits: the first thing on the connection is the header, in however many pieces, and the
              greeting answers it.]],
  why     = [[A greeting that is sent before may be a refusal of the wrong address.]],
  needs_control = true,
  users   = 0,
  catches = "proxy-greets-first",
  run = function(t)
    proxies(t, "127.0.0.1")
    local c = t:smtp { greet = false }
    local other = t:smtp { greet = false } -- a fence: by the time this one is greeted the first has long been accepted
    other:write(TCP4)
    other:expect "220"
    other:send "NOOP"
    other:expect "250"
    t:equal(c:unread(), "", "what was sent before the header")
    c:write { TCP4:sub(1, 9), 0.02, TCP4:sub(10, 30), 0.02, TCP4:sub(31) }
    c:expect "220"
    c:send "NOOP"
    t:check(c:reply():is "250", "after a header in pieces NOOP was not answered by its 250")
  end,
}

scenario {
  name    = "wrong-header",
  title   = "A proxy that begins with something else is cut off without a greeting",
  proves  = "rfc5321-4.4-x4",
  says    = [[Where a header is due, a command, a broken header or a header that is too long ends the connection;
              there is no 220.]],
  why     = [[Served all the same, the client would come from the address of the balancer, which may be trusted.]],
  needs_control = true,
  users   = 0,
  timeout = 40,
  catches = { "proxy-wrong-header-accepted", "proxy-greets-first" },
  run = function(t)
    proxies(t, "127.0.0.1")
    for _, wrong in ipairs { "EHLO client.test.example\r\n", "PROXY TCP4 192.0.2.777 192.0.2.1 4711 25\r\n",
      "PROXY TCP4 192.0.2.77\r\n", "PROXY TCP4 2001:db8::77 192.0.2.1 4711 25\r\n",
      "PROXY TCP4 192.0.2.77 192.0.2.1 99999 25\r\n",
      "PROXY " .. ("x"):rep(200), SIGNATURE .. "\x31\x11\0\12\192\0\2\77\192\0\2\1\x12\x67\0\25" } do
      local c = t:smtp { greet = false }
      c:write(wrong)
      local said = c:until_closed(10)
      t:check(not said:find "^220" and not said:find "\n2", "behind the header %q came %q", wrong, said)
    end
  end,
}

scenario {
  name    = "strangers-have-none",
  title   = "Who is no proxy is greeted at once, and its header is an unknown command",
  proves  = { "rfc5321-4.4-x3", "rfc5321-4.3.1-x12" },
  says    = [[A peer that is not among the proxies gets its greeting without being waited for; a PROXY line from it
              changes nothing.]],
  why     = [[Otherwise anybody chooses the address that he comes from.]],
  catches = { "proxy-header-from-strangers", "smtp-greeting-wrong-code", "smtp-greeting-codes-differ",
    "smtp-ehlo-refused", "smtp-unknown-command-250", "smtp-noop-needs-ehlo", "smtp-segment-is-line",
    "smtp-ehlo-last-line-hyphen" },
  run = function(t)
    local c = t:smtp { greet = false }
    c:expect "220"
    c:write(TCP4 .. "NOOP\r\n")
    local r = c:expect("5yz", "2yz", "4yz", "closed")
    if r:is("closed", "421", "521", "554") then return t:pass "hung up at a header that it had not asked for" end
    t:check(r:is "5yz", "a PROXY line of a stranger got %s", r)
    if r:is "5yz" and c:expect("250", "closed"):is "closed" then
      return t:pass "hung up behind a header that it had not asked for"
    end
    c:send "EHLO real.client.example"
    c:expect "250"
    c:mail { data = message.make { subject = "stranger", body = t.marker } }
    t:check(not t:delivered(t.marker):find("192.0.2.77", 1, true), "a stranger's PROXY line is believed")
  end,
}
