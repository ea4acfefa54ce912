-- SIZE, 8BITMIME and BINARYMIME towards the next host. RFC 1870, 6152 and 3030.
-- SPDX-License-Identifier: MIT

local function submit(t, host, domain, data, params)
  if not (params or ""):find "BINARYMIME" then
    return t:submit("bob@" .. domain, { at = host, params = params, data = data })
  end
  t:zone(domain .. ". A " .. host)
  local c = t:submission()
  c:send("MAIL FROM:<" .. t.user.address .. "> " .. params)
  c:expect "250"
  c:send("RCPT TO:<bob@" .. domain .. ">")
  c:expect "250"
  c:write(("BDAT %d LAST\r\n"):format(#data) .. data)
  c:expect "250"
end

local function common(def)
  def.services, def.needs_control = { "submission" }, true
  return def
end

-- The text after undoing base64 or quoted-printable, by the header of the message.
local function decoded(got)
  local header, body = message.split(got)
  local encoding = (message.header(header .. "\r\n", "Content-Transfer-Encoding") or "7bit"):lower()
  if encoding == "base64" then return mime.unbase64((body:gsub("%s", ""))), encoding end
  if encoding == "quoted-printable" then
    body = body:gsub("[ \t]+\r\n", "\r\n"):gsub("=\r\n", ""):gsub("=(%x%x)", function(h)
      return string.char(tonumber(h, 16))
    end)
  end
  return body, encoding
end

scenario(common {
  name = "size-is-respected",
  title = "A message larger than the next host's SIZE is not sent, and is returned",
  proves = { "rfc1870-6.2-x1", "rfc5321-3.6.3-1" },
  says = [[With SIZE 1000 in its EHLO, and 552 to MAIL at the latest, the host does not get the text of four thousand
           octets; the sender is told.]],
  why = [[The text would travel only to be thrown away, at each attempt again.]],
  catches = { "queue-retries-5xx", "smtp-loses-after-250", "queue-dsn-plain" },
  run = function(t)
    local sink = t:listen { address = "127.0.4.21" }
    submit(t, "127.0.4.21", "small.example",
      message.make { subject = t.marker, body = (("x"):rep(78) .. "\r\n"):rep(50) })
    local line, s = sink:first_command "SIZE 1000"
    if not s then t:fail "no connection to the next host" end
    if line:find "^MAIL" then
      local size = tonumber(line:upper():match " SIZE=(%d+)" or "")
      t:check(size == nil or size > 4000, "a message of more than 4000 octets is declared as %s", line)
      s:reply "552 5.3.4 too large"
      local next_line = s:read_line() or ""
      t:check(not next_line:find "^RCPT" and not next_line:find "^DATA", "after the 552 came %s", next_line)
    end
    s:close()
    t:delivered(t.marker, { judge = true })
  end,
})

scenario(common {
  name = "size-is-declared",
  title = "A next host with SIZE is told the size of the message, rightly",
  proves = "rfc1870-5-x1",
  says = [[SIZE= in MAIL, where it stands, is not below the octets that then come, and does not go to other hosts.]],
  why = [[A host with little room decides by it.]],
  catches = { "queue-size-too-small", "queue-size-unasked", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.4.22" }
    submit(t, "127.0.4.22", "declared.example", message.make { subject = t.marker, body = ".dots\r\nand lines\r\n" })
    local s = sink:serve { ehlo = "SIZE 1000000" }
    if not s or not s.message then t:fail "the message was not sent" end
    local size = tonumber(s.from:upper():match " SIZE=(%d+)" or "")
    t:record("SIZE is declared", size ~= nil)
    if size then t:check(size >= #s.message, "declared %d octets and sent %d", size, #s.message) end
    submit(t, "127.0.4.22", "declared.example", message.make { subject = t.marker })
    s = sink:serve()
    t:check(s and not s.from:upper():find " SIZE=", "a host without SIZE got MAIL FROM:%s", s and s.from)
  end,
})

scenario(common {
  name = "eight-bits-kept",
  title = "Text of 8 bits goes to a host with 8BITMIME as it is, and says so",
  proves = { "rfc6152-3-5", "rfc5321-2.4-9" },
  says = [[MAIL has BODY=8BITMIME, and each octet of the text is what came.]],
  why = [[Whoever encodes without need breaks signatures.]],
  catches = { "queue-8bit-body-missing", "queue-8bit-cleared", "smtp-strips-eighth-bit", "smtp-adds-empty-line",
    "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.4.23" }
    local body = "sch\xc3\xb6n \xff\x80\r\n"
    submit(t, "127.0.4.23", "eight.example", message.make { subject = t.marker, body = body, headers = {
      "MIME-Version: 1.0", "Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: 8bit" } },
      "BODY=8BITMIME")
    local s = sink:serve { ehlo = "8BITMIME" }
    if not s or not s.message then t:fail "the message was not sent" end
    t:check(s.from:upper():find " BODY=8BITMIME", "text of 8 bits went on as MAIL FROM:%s", s.from)
    local _, text = message.split(s.message)
    t:equal(text, body, "text of the relayed message")
  end,
})

scenario(common {
  name = "seven-bits-for-old-hosts",
  title = "Text of 8 bits does not go to a host without 8BITMIME: it is encoded or returned",
  proves = { "rfc6152-3-x1", "rfc6152-3-8", "rfc6152-3-9", "rfc5321-2.4-7" },
  says = [[What such a host gets has no octet above 127, names its encoding, and decodes to the text that came.
           Returning the message is lawful too.]],
  why = [[The host may clear the eighth bit, and nobody would know.]],
  catches = { "queue-8bit-unasked", "smtp-strips-eighth-bit", "queue-retries-5xx", "smtp-loses-after-250",
    "queue-dsn-plain" },
  run = function(t)
    local sink = t:listen { address = "127.0.4.24" }
    local body = "sch\xc3\xb6n \xc3\xbcber = alles\r\nund mehr \r\n"
    submit(t, "127.0.4.24", "seven.example", message.make { subject = t.marker, body = body, headers = {
      "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit" } },
      "BODY=8BITMIME")
    local line, s = sink:first_command()
    if not s then t:fail "no connection to the next host" end
    if not line:find "^MAIL" then
      s:close()
      t:delivered(t.marker, { judge = true })
      return
    end
    t:check(not line:upper():find "8BITMIME", "a host without 8BITMIME got %s", line)
    for _, reply in ipairs { "250 ok", "250 ok" } do
      s:reply(reply)
      s:read_line()
    end
    s:reply "354 go on"
    local got = s:data() or ""
    s:reply "250 taken"
    t:check(not got:find "[\x80-\xff]", "octets above 127 went to a host without 8BITMIME")
    local text, encoding = decoded(got)
    t:check(encoding == "base64" or encoding == "quoted-printable", "the encoded text is labelled %s", encoding)
    t:equal(text, body, "the text after decoding")
  end,
})

scenario(common {
  name = "binary-for-old-hosts",
  title = "Binary text does not go to a host without BINARYMIME as it is",
  proves = { "rfc3030-3-x2", "rfc3030-3-14", "rfc3030-3-15" },
  says = [[It is encoded without loss, or returned; a host without BINARYMIME sees lines of text.]],
  why = [[NUL and lone CR end strings and lines in programs that do not expect them.]],
  catches = { "queue-binary-unasked", "smtp-bdat-last-no-reply", "queue-retries-5xx", "smtp-loses-after-250",
    "queue-dsn-plain" },
  needs = { "BINARYMIME" },
  run = function(t)
    local sink = t:listen { address = "127.0.4.25" }
    local body = "a\0b\rc\nd" .. ("\xff"):rep(1500) .. "\r\n.\r\nend"
    submit(t, "127.0.4.25", "binary.example", message.make { subject = t.marker, headers = { "MIME-Version: 1.0",
      "Content-Type: application/octet-stream", "Content-Transfer-Encoding: binary" }, body = "" } .. body,
      "BODY=BINARYMIME")
    local line, s = sink:first_command "8BITMIME"
    if not s then t:fail "no connection to the next host" end
    if not line:find "^MAIL" then
      s:close()
      t:delivered(t.marker, { judge = true })
      return
    end
    for _, reply in ipairs { "250 ok", "250 ok" } do
      s:reply(reply)
      s:read_line()
    end
    s:reply "354 go on"
    local got = s:data() or ""
    s:reply "250 taken"
    t:check(not got:find "%z" and not got:gsub("\r\n", ""):find "[\r\n]", "binary text went to a host without it")
    local text, encoding = decoded(got)
    t:check(encoding == "base64" or encoding == "quoted-printable", "the encoded text is labelled %s", encoding)
    t:equal(text, body, "the text after decoding")
  end,
})
