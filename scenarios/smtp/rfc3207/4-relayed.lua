-- STARTTLS as a relay says it to the next host. RFC 3207, 4 to 6.
-- SPDX-License-Identifier: MIT

local function client(def)
  def.services, def.needs_control = { "submission" }, true
  def.tags = { "tls" }
  return def
end

-- A session of the relay with a next host that lists these extensions in clear, up to the command behind EHLO.
local function up_to_starttls(t, sink, extensions)
  local line, s = sink:first_command(extensions .. "\nSTARTTLS")
  if not line then t:fail "no connection to the next host" end
  if line ~= "STARTTLS" then t:pass("does not use TLS that is not asked for: %s", line) end
  return s
end

-- Serves the rest of the session; each line goes through look first.
local function go_on(s, ehlo, look)
  while true do
    local line = s:read_line()
    if not line then return end
    if look then look(line) end
    local verb = (line:match "^%a+" or ""):upper()
    if verb == "EHLO" then
      s:reply("250 sink.example\n" .. ehlo)
    elseif verb == "DATA" then
      s:reply "354 go on"
      local text = s:data()
      if text then s:reply "250 taken" end
      s:close()
      return text
    elseif verb == "QUIT" then
      s:reply "221 bye"
      s:close()
      return
    else
      s:reply "250 ok"
    end
  end
end

scenario(client {
  name = "begins-anew-inside",
  title = "Inside TLS the relay says EHLO first, and obeys the list that it gets there",
  proves = { "rfc3207-4.2-3", "rfc3207-4.2-2", "rfc3207-4-8", "rfc3207-4-10" },
  says = [[Behind the 220 comes the handshake, then EHLO; an extension that was listed in clear only is not used, and
           one that is listed inside TLS only is known.]],
  why = [[What was said in clear may have been written by anybody on the line.]],
  catches = { "queue-starttls-keeps-extensions", "queue-starttls-no-ehlo", "queue-drops-envid",
    "smtp-loses-after-250", "queue-size-unasked" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.60" }
    t:submit("bob@anew.example", { at = "127.0.3.60", params = "ENVID=anew" })
    local s = up_to_starttls(t, sink, "SIZE 100000000")
    t:equal(s:unread(), "", "what came behind STARTTLS before its reply")
    s:reply "220 go on"
    local done, why = s:starttls(t:identity "anew.example")
    if not done then t:pass("does not go inside TLS with a certificate that nobody signed: %s", why) end
    local lines = {}
    local text = go_on(s, "DSN", function(line) lines[#lines + 1] = line end)
    t:check((lines[1] or ""):find "^EHLO ", "the first command inside TLS is %s", lines[1])
    t:check(text, "no message inside TLS: %s", lines)
    for _, line in ipairs(lines) do
      if line:find "^MAIL" then
        t:check(not line:find "SIZE=", "an extension that was listed in clear only is used: %s", line)
        t:check(line:find "ENVID=anew", "an extension that was listed inside TLS is not used: %s", line)
      end
    end
  end,
})

scenario(client {
  name = "not-twice",
  title = "A relay does not say STARTTLS inside TLS",
  proves = "rfc3207-4.2-6",
  says = [[Also where the next host lists STARTTLS inside TLS again, the mail goes on without a second one.]],
  why = [[Such hosts exist; two layers end in a session that neither side can read.]],
  catches = { "queue-starttls-in-tls", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.61" }
    t:submit("bob@twice.example", { at = "127.0.3.61" })
    local s = up_to_starttls(t, sink, "8BITMIME")
    s:reply "220 go on"
    local done, why = s:starttls(t:identity "twice.example")
    if not done then t:pass("does not go inside TLS with a certificate that nobody signed: %s", why) end
    local text = go_on(s, "8BITMIME\nSTARTTLS", function(line)
      if line:upper():find "^STARTTLS" then t:fail "said STARTTLS inside TLS" end
    end)
    t:check(text, "no message inside TLS where STARTTLS is listed again")
  end,
})

scenario(client {
  name = "replies-in-clear-are-forgotten",
  title = "What a host sends in clear behind its 220 to STARTTLS is not read inside TLS",
  proves = "rfc3207-4.2-x2",
  says = [[Bytes that came in clear behind the 220 are thrown away, or end the session. They do not answer the EHLO
           inside TLS.]],
  why = [[Somebody on the line can glue replies to the 220: a list of extensions of his own, or refusals of the
           mail.]],
  catches = { "queue-starttls-keeps-replies", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.62" }
    t:submit("bob@glued.example", { at = "127.0.3.62" })
    local s = up_to_starttls(t, sink, "8BITMIME")
    s:write "220 go on\r\n250-evil.example\r\n250 SIZE 100000000\r\n"
    local done, why = s:starttls(t:identity "glued.example")
    if not done then t:pass("ends the session: %s", why) end
    go_on(s, "8BITMIME", function(line)
      t:check(not line:find "SIZE=", "the list of extensions that came in clear behind the 220 is obeyed: %s", line)
    end)
  end,
})

scenario(client {
  name = "broken-handshake-ends-the-session",
  title = "When the handshake fails nothing more is said in clear on that connection",
  proves = "rfc3207-4-9",
  says = [[A next host that answers the ClientHello with something that is no TLS sees the connection closed, and not
           EHLO or MAIL in clear.]],
  why = [[After the 220 the two sides do not agree any more on what the next octet means.]],
  catches = { "queue-starttls-goes-on-in-clear" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.63" }
    t:submit("bob@broken.example", { at = "127.0.3.63" })
    local s = up_to_starttls(t, sink, "8BITMIME")
    s:write "220 go on\r\n"
    for _ = 1, 250 do                   -- until the ClientHello comes: bytes glued to the 220 are another matter
      if s:unread() ~= "" then break end
      t:pause(0.02)
    end
    s:write "454 4.7.0 this is no TLS record at all, but a line of text\r\n"
    local line = s:read_line()
    while line do                       -- before it in the same line, without a line end: the ClientHello
      for _, verb in ipairs { "EHLO ", "HELO ", "MAIL ", "RSET" } do
        local said = line:match(verb .. ".*$")
        if said then t:fail("went on in clear behind a handshake that failed: %s", said) end
      end
      line = s:read_line()
    end
    s:close()
  end,
})

scenario(client {
  name = "refused-for-now",
  title = "454 to STARTTLS does not return the mail",
  proves = { "rfc3207-6-9", "rfc3207-6-7" },
  says = [[A relay that may send in clear does so, in this session or another one; one that wants TLS tries again later.
           The mail is neither returned nor lost.]],
  why = [[A host whose certificate is being renewed must not lose a day's mail.]],
  catches = { "queue-starttls-454-returns", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.64" }
    t:submit("bob@later.example", { at = "127.0.3.64" })
    local s = up_to_starttls(t, sink, "8BITMIME")
    s:reply "454 4.7.0 TLS not available due to a temporary reason"
    local text = go_on(s, "8BITMIME")
    if not text then text = sink:serve_later().message end
    t:check(text and text:find(t.marker, 1, true), "the mail did not come after 454 to STARTTLS")
  end,
})
