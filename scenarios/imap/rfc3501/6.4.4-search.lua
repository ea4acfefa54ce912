-- SEARCH. RFC 3501, 6.4.4.
-- SPDX-License-Identifier: MIT

-- The numbers that match, whichever form the answer has.
local function search(t, c, keys)
  c:send("SEARCH " .. keys)
  local r = c:expect("OK", "NO", "BAD")
  t:check(r:is "OK", "SEARCH %s got %s", keys, r)
  local found = {}
  for _, line in ipairs(r:all "SEARCH") do
    for _, n in ipairs(line.data) do found[#found + 1] = n end
  end
  for _, line in ipairs(r:all "ESEARCH") do
    for n, word in ipairs(line.data) do
      if word == "ALL" then
        for _, number in ipairs(imap.set(tostring(line.data[n + 1]))) do found[#found + 1] = number end
      end
    end
  end
  table.sort(found)
  return found
end

scenario {
  name    = "flags-sizes-and-sets",
  title   = "SEARCH finds by flag, size and number, and combines keys as written",
  proves  = { "rfc3501-i-6.4.4-1", "rfc3501-6.4.4-x2", "rfc3501-6.4.4-x8", "rfc3501-6.4.4-x9", "rfc3501-6.4.4-x11",
    "rfc3501-6.4.4-2" },
  says    = [[A flag and its opposite divide the mailbox; keys side by side must all hold, OR takes two, NOT turns one
              round; LARGER and SMALLER are strict; without a match the answer is empty.]],
  why     = [[Clients ask for what is unread, and show nothing else.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "imap-search-or-is-and", "imap-search-larger-inclusive", "imap-search-unseen-wrong",
    "imap-search-no-answer" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send [[STORE 2 +FLAGS.SILENT (\Seen \Flagged)]]
    c:expect "OK"
    local size = #t.messages[2]
    for _, case in ipairs {
      { "ALL", 1, 2, 3 }, { "SEEN", 2 }, { "UNSEEN", 1, 3 }, { "FLAGGED UNSEEN" }, { "NOT FLAGGED", 1, 3 },
      { "OR FLAGGED 1", 1, 2 }, { "1:2 UNSEEN", 1 }, { "(2 SEEN)", 2 }, { "NOT (OR SEEN 3)", 1 },
      { "LARGER " .. size .. " 2" }, { "SMALLER " .. size .. " 2" }, { "LARGER " .. size - 1 .. " 2", 2 },
    } do
      t:equal(search(t, c, case[1]), table.move(case, 2, #case, 1, {}), "messages for SEARCH " .. case[1])
    end
    c:send "SEARCH DELETED"
    local r = c:expect "OK"
    t:equal(r:count "SEARCH" + r:count "ESEARCH", 1, "untagged answers to a SEARCH that finds nothing")
  end,
}

scenario {
  name    = "substrings-in-their-fields",
  title   = "SEARCH matches substrings in any case, each key in its own field",
  proves  = { "rfc3501-6.4.4-x1", "rfc3501-6.4.4-x5", "rfc3501-6.4.4-x6", "rfc3501-6.4.4-x7" },
  says    = [[SUBJECT and FROM look into those fields only, BODY not into the header, TEXT into both; HEADER with an
              empty string finds messages that have the field.]],
  why     = [[A word index finds words; the rule says substring, and people search for half a word.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "imap-search-whole-words", "imap-search-case-sensitive", "imap-search-body-sees-header" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    for _, case in ipairs {
      { "SUBJECT plain", 1 }, { "SUBJECT LAI", 1 }, { "FROM example", 1, 2, 3 }, { "SUBJECT hello" },
      { "BODY \"whole tex\"", 1 }, { "BODY Message-ID" }, { "TEXT \"a PLAIN mess\"", 1 },
      { "HEADER In-Reply-To \"\"", 3 }, { "HEADER Message-ID \"<dots@\"", 2 }, { "CC eve", 3 },
    } do
      t:equal(search(t, c, case[1]), table.move(case, 2, #case, 1, {}), "messages for SEARCH " .. case[1])
    end
  end,
}

scenario {
  name    = "unknown-charset",
  title   = "An unknown charset gets NO, not BAD",
  proves  = { "rfc3501-6.4.4-7", "rfc3501-6.4.4-6", "rfc3501-6.4.4-8" },
  says    = [[SEARCH CHARSET US-ASCII works; a charset that the server does not know gets NO, best with [BADCHARSET].]],
  why     = [[NO lets the client try again in another charset; BAD tells it that the command itself is wrong.]],
  messages = { "plain" },
  catches = { "imap-badcharset-is-bad", "imap-charset-ignored" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    t:equal(search(t, c, "CHARSET US-ASCII SUBJECT plain"), { 1 }, "messages for SEARCH CHARSET US-ASCII SUBJECT plain")
    c:send "SEARCH CHARSET X-MP-NONE SUBJECT plain"
    local r = c:expect("NO", "BAD", "OK")
    t:check(r:is "NO", "an unknown charset got %s", r)
    t:record("response code", r.code or "none")
  end,
}

scenario {
  name    = "dates-of-arrival",
  title   = "SINCE includes its day, BEFORE does not",
  proves  = "rfc3501-6.4.4-x3",
  says    = [[ON, SINCE and BEFORE look at the day of INTERNALDATE alone.]],
  why     = [["Since yesterday" without yesterday loses a day of mail.]],
  messages = 0,
  catches = { "imap-since-excludes", "imap-append-ignores-date", "imap-literal-no-continue",
    "imap-no-exists-after-append" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    for day = 4, 6 do
      c:command(('APPEND INBOX " %d-Mar-2021 12:00:00 +0000" '):format(day),
        { literal = message.make { subject = "day " .. day, body = t.marker .. "\r\n" } })
      c:expect "OK"
    end
    c:send "NOOP"
    c:expect "OK"
    for _, case in ipairs { { "ON 5-Mar-2021", 2 }, { "SINCE 5-Mar-2021", 2, 3 }, { "BEFORE 5-Mar-2021", 1 } } do
      t:equal(search(t, c, case[1]), table.move(case, 2, #case, 1, {}), "messages for SEARCH " .. case[1])
    end
  end,
}

scenario {
  name    = "decoded-text",
  title   = "SEARCH in UTF-8 finds words in encoded parts and headers",
  proves  = "rfc3501-6.4.4-5",
  says    = [[Quoted-printable, base64 and encoded words are undone before the comparison.]],
  why     = [[Nobody searches for "Gr=C3=BC=C3=9Fe".]],
  messages = { "plain" },
  catches = { "imap-search-encoded", "imap-literal-no-continue", "imap-no-exists-after-append" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:command("APPEND INBOX ", { literal = message.make { subject = "encoded", body = "Gr=C3=BC=C3=9Fe\r\n",
      headers = { "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable" } } })
    c:expect "OK"
    c:send "NOOP"
    c:expect "OK"
    c:command("SEARCH CHARSET UTF-8 BODY ", { literal = "Gr\xc3\xbc\xc3\x9fe" })
    local r = c:expect("OK", "NO", "BAD")
    if r:is "NO" then t:skip "the server does not search in UTF-8" end
    local found = {}
    for _, line in ipairs(r:all "SEARCH") do
      for _, n in ipairs(line.data) do found[#found + 1] = n end
    end
    t:equal(found, { 2 }, "messages for a word that is encoded in the text")
  end,
}

scenario {
  name    = "dates",
  title   = "BEFORE, ON and SINCE go by INTERNALDATE, SENTON and its like by the Date field",
  proves  = { "rfc3501-6.4.4-x3", "rfc3501-6.4.4-x4", "rfc3501-9-x2" },
  says    = [[SINCE includes its own day and BEFORE does not; the day is that which the message itself shows, without
              time and zone, and may have one digit.]],
  why     = [["Since yesterday" that leaves out yesterday hides the mail that was asked for.]],
  messages = { "plain", "encoded" },
  catches = { "imap-since-excludes", "imap-sent-uses-arrival" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send "FETCH 1 (INTERNALDATE)"
    local arrived = tostring((c:expect "OK":fetch(1) or {}).INTERNALDATE):match "^ ?(%d+%-%a+%-%d+) "
    if not arrived then t:fail "FETCH does not show INTERNALDATE" end
    t:equal(search(t, c, "1 SINCE " .. arrived), { 1 }, "messages for SINCE the day of arrival")
    t:equal(search(t, c, "1 ON " .. arrived), { 1 }, "messages for ON the day of arrival")
    t:equal(search(t, c, "1 BEFORE " .. arrived), {}, "messages for BEFORE the day of arrival")
    for _, case in ipairs {
      { "SENTON 1-Jun-2026", 1 }, { "SENTON \"3-Jun-2026\"", 2 }, { "SENTON 4-Jun-2026" },
      { "SENTBEFORE 3-Jun-2026", 1 }, { "SENTSINCE 01-Jun-2026", 1, 2 }, { "SENTSINCE 2-jun-2026", 2 },
    } do
      t:equal(search(t, c, case[1]), table.move(case, 2, #case, 1, {}), "messages for SEARCH " .. case[1])
    end
  end,
}
