-- FETCH. RFC 3501, 6.4.5 and 7.4.2.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "seen-by-body-not-by-peek",
  title   = "BODY[] sets \\Seen and says so, BODY.PEEK[] does not",
  proves  = { "rfc3501-6.4.5-6", "rfc3501-6.4.5-x1" },
  level   = "SHOULD",
  says    = [[Reading a message marks it as seen, and the new flags are among the responses; peeking leaves no mark.]],
  why     = [[It is the difference between mail that was read and mail that was previewed.]],
  messages = { "plain", "dots" },
  catches = { "imap-peek-sets-seen", "imap-body-does-not-set-seen", "imap-literal-length-off-by-one" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send "FETCH 1 (BODY.PEEK[])"
    c:expect "OK"
    c:send "FETCH 1 (RFC822.HEADER)"
    c:expect "OK"
    c:send "FETCH 1 (FLAGS)"
    t:check(not c:expect "OK":fetch(1).FLAGS["\\Seen"], "BODY.PEEK[] or RFC822.HEADER set \\Seen")
    c:send "FETCH 2 (BODY[])"
    local r = c:expect "OK"
    t:record("flags told with BODY[]", (r:fetch(2).FLAGS ~= nil))
    c:send "FETCH 2 (FLAGS)"
    t:check(c:expect "OK":fetch(2).FLAGS["\\Seen"], "BODY[] did not set \\Seen")
  end,
}

scenario {
  name    = "sections-fit-together",
  title   = "HEADER and TEXT add up to the message, partials are slices of it",
  proves  = { "rfc3501-6.4.5-x2", "rfc3501-6.4.5-x4", "rfc3501-6.4.5-x5", "rfc3501-7.4.2-3", "rfc3501-7.4.2-x11" },
  says    = [[BODY[HEADER] ends with its empty line and, with BODY[TEXT] behind it, is BODY[]; BODY[]<o.n> is n octets
              from o on, labelled <o>, shorter at the end and empty past it; BODY[1] of a plain message is its text.]],
  why     = [[Clients fetch large mail in slices and put it together again.]],
  messages = { "plain" },
  catches = { "imap-partial-wrong-octet", "imap-header-no-empty-line", "imap-literal-length-off-by-one",
    "imap-section-numbering" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    local whole = t.messages[1]
    local header, body = message.split(whole)
    c:send "FETCH 1 (BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[1])"
    local item = c:expect "OK":fetch(1)
    t:equal(item["BODY[HEADER]"], header .. "\r\n", "BODY[HEADER]")
    t:equal(item["BODY[TEXT]"], body, "BODY[TEXT]")
    t:equal(item["BODY[1]"], body, "BODY[1]")
    for _, part in ipairs { { 0, 10 }, { 7, 20 }, { #whole - 5, 100 }, { #whole + 10, 5 } } do
      c:send(("FETCH 1 (BODY.PEEK[]<%d.%d>)"):format(part[1], part[2]))
      item = c:expect "OK":fetch(1)
      t:equal(item[("BODY[]<%d>"):format(part[1])], whole:sub(part[1] + 1, part[1] + part[2]),
        ("BODY[]<%d.%d>"):format(part[1], part[2]))
    end
  end,
}

scenario {
  name    = "header-fields",
  title   = "HEADER.FIELDS gives the named fields and HEADER.FIELDS.NOT the others",
  proves  = "rfc3501-6.4.5-x3",
  says    = [[Names are matched in any case; both forms end with the empty line.]],
  why     = [[It is how clients fill the list of messages.]],
  messages = { "plain" },
  catches = { "imap-header-fields-no-empty-line", "imap-header-fields-case-sensitive",
    "imap-literal-length-off-by-one" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    local function fetch(section)
      c:send("FETCH 1 (BODY.PEEK[" .. section .. "])")
      local item = c:expect "OK":fetch(1) or {}
      for name, value in pairs(item) do
        if name:match "^BODY%[HEADER%.FIELDS" then return value end
      end
    end
    t:equal(fetch "HEADER.FIELDS (subject FROM)",
      "From: Ann Example <ann@client.example>\r\nSubject: A plain message\r\n\r\n", "HEADER.FIELDS (subject FROM)")
    t:equal(fetch "HEADER.FIELDS (X-None)", "\r\n", "HEADER.FIELDS (X-None)")
    -- Delivery may have put fields of its own on top.
    local named, others, keep = { from = true, to = true, date = true, ["message-id"] = true }, "", true
    for line in t.messages[1]:gmatch "[^\n]*\n" do
      local name = line:match "^([%w%-]+):"
      if name then keep = not named[name:lower()] end
      if keep or line == "\r\n" then others = others .. line end
      if line == "\r\n" then break end
    end
    t:equal(fetch "HEADER.FIELDS.NOT (from to date message-id)", others, "HEADER.FIELDS.NOT (from to date message-id)")
  end,
}

scenario {
  name    = "envelope",
  title   = "ENVELOPE has ten members, with groups and defaults as they should be",
  proves  = { "rfc3501-i-7.4.2-2", "rfc3501-7.4.2-x1", "rfc3501-7.4.2-x2", "rfc3501-7.4.2-x3", "rfc3501-7.4.2-x4",
    "rfc3501-7.4.2-x5", "rfc9051-i-7.5.2-2" },
  says    = [[Date and subject, then from, sender and reply-to, to, cc and bcc, then in-reply-to and message-id; an
              address is name, route, mailbox, host; sender and reply-to fall back on from; a group has its marks.]],
  why     = [[Clients show the message list from it without ever parsing a header.]],
  messages = { "plain", "multipart" },
  catches = { "imap-envelope-no-sender-default", "imap-envelope-group-flattened", "imap-address-fifth-member",
    "imap-envelope-eleventh-member", "imap-empty-for-nil" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send "FETCH 1:2 (ENVELOPE)"
    local r = c:expect "OK"
    local NIL = imap.NIL
    local ann = { { "Ann Example", NIL, "ann", "client.example" } }
    t:equal((r:fetch(1) or {}).ENVELOPE, { "Mon, 1 Jun 2026 10:00:00 +0000", "A plain message", ann, ann, ann,
      { { "Bob Example", NIL, "bob", "test.example" } }, NIL, NIL, NIL, "<plain@client.example>" },
      "ENVELOPE of the plain message")
    local e = (r:fetch(2) or {}).ENVELOPE or {}
    t:equal(e[3], { { "Ann, of the Example", NIL, "ann", "client.example" } }, "from")
    t:equal(e[4], { { "Secretary", NIL, "secretary", "client.example" } }, "sender")
    t:equal(e[5], { { NIL, NIL, "replies", "client.example" } }, "reply-to")
    t:equal(e[6], { { "Bob Example", NIL, "bob", "test.example" }, { NIL, NIL, "Team", NIL },
      { NIL, NIL, "carol", "test.example" }, { NIL, NIL, "dave", "test.example" }, { NIL, NIL, NIL, NIL } }, "to")
    t:equal(e[9], "<plain@client.example>", "in-reply-to")
  end,
}

scenario {
  name    = "structure-and-parts",
  title   = "BODYSTRUCTURE describes the parts that BODY[n] gives",
  proves  = { "rfc3501-7.4.2-x6", "rfc3501-7.4.2-x7", "rfc3501-7.4.2-x8", "rfc3501-7.4.2-x9", "rfc3501-6.4.5-4",
    "rfc3501-6.4.5-x7", "rfc3501-9-7", "rfc3501-9-9" },
  says    = [[A multipart is its parts one after another and its subtype; each part has type, encoding, octets and, if
              it is text, lines, all of the encoded form, and BODY[n] has exactly these octets.]],
  why     = [[Clients fetch the one attachment that was clicked and nothing else.]],
  messages = { "multipart" },
  catches = { "imap-structure-decoded-size", "imap-structure-no-lines", "imap-section-numbering",
    "imap-body-size-quoted", "imap-body-with-extension", "imap-message-as-basic", "imap-multipart-no-subtype",
    "imap-literal-length-off-by-one" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send("FETCH 1 (BODY BODYSTRUCTURE BODY.PEEK[1.1] BODY.PEEK[1.2] BODY.PEEK[2] BODY.PEEK[3] " ..
      "BODY.PEEK[3.HEADER] BODY.PEEK[3.TEXT] BODY.PEEK[2.MIME])")
    local item = c:expect "OK":fetch(1)
    local s = item.BODYSTRUCTURE
    t:check(type(s[1]) == "table" and type(s[2]) == "table" and type(s[3]) == "table", "it has not three parts")
    t:equal(tostring(s[4]):upper(), "MIXED", "subtype of the whole")
    local inner = s[1]
    t:equal(tostring(inner[3]):upper(), "ALTERNATIVE", "subtype of part 1")
    local plain, html, data, mail = inner[1], inner[2], s[2], s[3]
    if not (plain and html and data and mail) then t:fail "its parts are not those of the message" end
    t:equal({ plain[1]:upper(), plain[2]:upper(), plain[6]:upper() }, { "TEXT", "PLAIN", "QUOTED-PRINTABLE" },
      "part 1.1")
    t:equal(item["BODY[1.1]"], "Gr=C3=BC=C3=9Fe\r\nfrom the first part", "BODY[1.1]")
    t:equal(plain[7], #tostring(item["BODY[1.1]"]), "octets of part 1.1")
    t:check(plain[8] == 2 or plain[8] == 1, "lines of part 1.1: %s", plain[8])
    t:equal(item["BODY[1.2]"], "<p>Gr\xc3\xbc\xc3\x9fe</p>", "BODY[1.2]")
    t:equal(html[7], #tostring(item["BODY[1.2]"]), "octets of part 1.2")
    t:equal(item["BODY[2]"], "AAECAwQFBgcICQ==", "BODY[2]")
    t:equal({ data[6]:upper(), data[7] }, { "BASE64", 16 }, "encoding and octets of part 2")
    t:equal({ mail[1]:upper(), mail[2]:upper() }, { "MESSAGE", "RFC822" }, "type of part 3")
    t:equal(mail[8][2], "The inner message", "subject in the envelope of part 3")
    t:equal(tostring(mail[9][1]):upper(), "TEXT", "type inside part 3")
    t:equal(item["BODY[3.TEXT]"], "inner text", "BODY[3.TEXT]")
    t:check(tostring(item["BODY[3.HEADER]"]):find("Subject: The inner message\r\n", 1, true),
      "BODY[3.HEADER] is not the inner header")
    t:check(tostring(item["BODY[2.MIME]"]):find("Content-Type: application/octet-stream", 1, true),
      "BODY[2.MIME] is not its header")
    t:equal(#item.BODY[2], 7, "members of part 2 in BODY, without extensions")
  end,
}
