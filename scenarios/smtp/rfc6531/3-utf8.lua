-- SMTPUTF8: addresses and headers in UTF-8. RFC 6531.
-- SPDX-License-Identifier: MIT

local JOERG = "j\xc3\xb6rg"

scenario {
  name    = "announced-rightly",
  title   = "SMTPUTF8 is listed without a parameter, and with 8BITMIME",
  proves  = { "rfc6531-3.1-1", "rfc6531-3.1-6", "rfc6531-3.7.1-2" },
  says    = [[EHLO lists the bare word, lists 8BITMIME too, and is ASCII itself.]],
  why     = [[UTF-8 in a header needs eight bits on the way.]],
  catches = { "smtp-utf8-with-parameter", "smtp-utf8-without-8bitmime" },
  needs   = { "SMTPUTF8" },
  users   = 0,
  run = function(t)
    local c = t:smtp()
    t:equal(c:capabilities().SMTPUTF8, "", "what stands behind SMTPUTF8")
    t:check(c:has "8BITMIME", "SMTPUTF8 without 8BITMIME")
    t:check(not c:history():find "[\x80-\xff]", "the reply to EHLO is not ASCII")
  end,
}

scenario {
  name    = "utf8-mailboxes",
  title   = "With SMTPUTF8 a mailbox in UTF-8 is good syntax, in MAIL and in RCPT",
  proves  = { "rfc6531-3.2-1", "rfc6531-3.4-2" },
  says    = [[Local parts and domains in UTF-8 are understood, quoted ones too; whether the recipient exists is another
              matter. SMTPUTF8 takes no value, and what is no UTF-8 is refused.]],
  why     = [[Most people's names are not ASCII.]],
  catches = { "smtp-utf8-local-part-refused", "smtp-utf8-domain-refused", "smtp-utf8-takes-value",
    "smtp-utf8-invalid-accepted", "smtp-quoted-local-part-refused", "smtp-accepts-bad-path" },
  needs   = { "SMTPUTF8" },
  run = function(t)
    for _, from in ipairs { JOERG .. "@client.example", "ann@b\xc3\xbccher.example",
      "\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90.example", '"' .. JOERG .. ' x"@client.example' } do
      local c = t:smtp()
      c:send("MAIL FROM:<" .. from .. "> SMTPUTF8")
      local r = c:expect("2yz", "4yz", "5yz")
      t:check(r:is "250" or r:is("450", "451", "550", "553") and from:find "[\x80-\xff]+%.example",
        "MAIL FROM:<%s> SMTPUTF8 got %s", from, r)
      if r:is "250" then
        c:send("RCPT TO:<" .. JOERG .. "@" .. t.domain .. ">")
        r = c:expect("2yz", "4yz", "5yz")
        t:check(not r:is("500", "501", "503", "555"), "RCPT of a mailbox in UTF-8 got %s", r)
      end
      c:close()
    end
    local c = t:smtp()
    c:send "MAIL FROM:<ann@client.example> SMTPUTF8=yes"
    local r = c:expect("2yz", "5yz")
    t:check(r:is "5yz", "SMTPUTF8=yes got %s", r)
    c = t:smtp()
    c:send "MAIL FROM:<j\xf6rg@client.example> SMTPUTF8"
    r = c:expect("2yz", "5yz")
    t:check(r:is "5yz", "an address in Latin-1 got %s", r)
  end,
}

scenario {
  name    = "kept-and-traced",
  title   = "UTF-8 in header and body arrives as it was, and Received says so",
  proves  = { "rfc6531-3.6-x1", "rfc6531-3.7.3-x1" },
  says    = [[With SMTPUTF8 and BODY=8BITMIME each octet of subject, From and text is kept. The word behind "with" in
              Received is one of UTF8SMTP, UTF8SMTPA, UTF8SMTPS and so on.]],
  why     = [[A server that lists the extension and clears or drops bits turns names into noise.]],
  catches = { "smtp-utf8-with-esmtp", "smtp-utf8-header-question-marks", "smtp-strips-eighth-bit", "smtp-no-received",
    "smtp-received-with-any", "smtp-adds-empty-line", "smtp-utf8-local-part-refused", "smtp-loses-after-250" },
  needs   = { "SMTPUTF8" },
  run = function(t)
    local subject = "gr\xc3\xbc\xc3\x9fe \xf0\x9f\x93\xac " .. t.marker
    t:smtp():mail { from = JOERG .. "@client.example", params = "SMTPUTF8 BODY=8BITMIME",
      data = message.make { subject = subject, from = "J\xc3\xb6rg <" .. JOERG .. "@client.example>",
        body = "sch\xc3\xb6n\r\n" } }
    local got = t:delivered(t.marker, { judge = true, seconds = 8 })
    t:equal(message.header(got, "Subject"), subject, "Subject")
    t:check(message.header(got, "From"):find(JOERG, 1, true), "From is %s", message.header(got, "From"))
    local _, body = message.split(got)
    t:equal(body, "sch\xc3\xb6n\r\n", "text")
    local with = (message.header(got, "Received") or ""):gsub("%b()", ""):upper():match "WITH%s+(%S+)"
    t:check(with and with:find "^UTF8", "Received has with %s", with)
  end,
}

scenario {
  name    = "replies-are-ascii",
  title   = "Replies are ASCII unless the command allowed more",
  proves  = { "rfc6531-3.7.4.2-3", "rfc6531-3.7.4.2-11" },
  says    = [[Refused commands are not repeated in UTF-8; VRFY without SMTPUTF8 is answered in ASCII.]],
  why     = [[Clients of old print replies on terminals and into logs.]],
  catches = { "smtp-utf8-echoes", "smtp-code-range", "smtp-unknown-command-closes", "smtp-bdat-left-over-closes" },
  needs   = { "SMTPUTF8" },
  run = function(t)
    local c = t:smtp()
    for _, line in ipairs { "VRFY " .. JOERG, "FR\xc3\x96SCH", "MAIL FROM:<" .. JOERG .. "@client.example> SMTPUTF8",
      "RCPT TO:<" .. JOERG .. "@" .. t.domain .. ">" } do
      c:send(line)
      local r = c:expect("2yz", "4yz", "5yz")
      t:check(not r.raw:find "[\x80-\xff]", "%s got %s", line, r)
    end
  end,
}

-- Mail with UTF-8 in its envelope, or only ASCII, towards a second host.
local function submit(t, host, from, subject)
  t:submit("bob@utf8.example", { at = host, from = from, params = "SMTPUTF8 BODY=8BITMIME", subject = subject })
end

local function client(def)
  def.services, def.needs_control, def.needs = { "submission" }, true, { "SMTPUTF8" }
  return def
end

scenario(client {
  name = "goes-on-with-the-word",
  title = "Mail that needs SMTPUTF8 goes on with it, other mail without",
  proves = { "rfc6531-3.4-1", "rfc6531-3.4-3" },
  level = "SHOULD",
  says = [[A header in UTF-8 makes MAIL at the next host say SMTPUTF8. Mail that is all ASCII does not need it, and goes
           on without, though it came with it.]],
  why = [[A word too much and a host that could take the message refuses it.]],
  catches = { "queue-utf8-word-missing", "queue-utf8-word-always", "smtp-strips-eighth-bit", "smtp-loses-after-250",
    "queue-8bit-cleared" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.71" }
    submit(t, "127.0.3.71", t.user.address, "gr\xc3\xbc\xc3\x9fe " .. t.marker)
    local s = sink:serve { ehlo = "SMTPUTF8\n8BITMIME" }
    if not s or not s.message then t:fail "the message was not sent to a host with SMTPUTF8" end
    t:check(s.from:upper():find " SMTPUTF8", "mail with a header in UTF-8 went on as MAIL FROM:%s", s.from)
    submit(t, "127.0.3.71", t.user.address, "all ascii")
    s = sink:serve { ehlo = "SMTPUTF8\n8BITMIME" }
    if not s or not s.message then t:fail "the second message was not sent" end
    t:check(not s.from:upper():find " SMTPUTF8", "mail in ASCII went on as MAIL FROM:%s", s.from)
  end,
})

scenario(client {
  name = "not-to-a-host-without",
  title = "Mail that needs SMTPUTF8 does not go to a host without it",
  proves = { "rfc6531-3.2-7", "rfc6531-3.5-1", "rfc6531-3.2-9" },
  says = [[No address and no header in UTF-8 reach a host that does not list the extension. The sender gets a report,
           unless the message was made plain first.]],
  why = [[The host would cut the eighth bit off, or hand noise to its users.]],
  catches = { "queue-utf8-unasked", "queue-retries-5xx", "smtp-loses-after-250", "queue-dsn-plain" },
  run = function(t)
    local sink = t:listen { address = "127.0.3.72" }
    submit(t, "127.0.3.72", t.user.address, "gr\xc3\xbc\xc3\x9fe " .. t.marker)
    local line, s = sink:first_command "8BITMIME"
    if not s then t:fail "no connection to the next host" end
    if line:find "^MAIL" then
      for _, reply in ipairs { "250 ok", "250 ok" } do
        s:reply(reply)
        s:read_line()
      end
      s:reply "354 go on"
      local got = s:data() or ""
      t:check(not message.split(got):find "[\x80-\xff]", "a header in UTF-8 went to a host without SMTPUTF8")
      return
    end
    s:close()
    t:delivered(t.marker, { judge = true })
  end,
})
