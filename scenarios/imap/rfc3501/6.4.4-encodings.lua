-- SEARCH in text that is encoded. RFC 3501, 6.4.4.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "sees-through-encodings",
  title   = "SEARCH CHARSET UTF-8 finds text in encoded bodies and encoded words",
  proves  = { "rfc3501-6.4.4-5", "rfc9051-6.4.4-14" },
  says    = [[Base64, quoted-printable with its soft line ends, and encoded words in the header are decoded before they
              are compared.]],
  why     = [[Most mail is encoded in transit; nobody searches for "S8O8cmJpcw==".]],
  messages = { "plain", "encoded" },
  catches = { "imap-search-encoded", "imap-literal-no-continue", "imap-search-whole-words" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send "SEARCH CHARSET UTF-8 ALL"
    if not c:expect("OK", "NO"):is "OK" then t:skip "the server does not know UTF-8 in SEARCH" end
    for _, case in ipairs {
      { "BODY", "southern wind" }, { "BODY", "northern lights" }, { "SUBJECT", "bis and marrow" },
      { "BODY", "sch\xc3\xb6ne" }, { "BODY", "\xc3\xa4hnlich" }, { "SUBJECT", "K\xc3\xbcrbis" },
    } do
      c:command("SEARCH CHARSET UTF-8 " .. case[1] .. " ", { literal = case[2] })
      local r = c:expect "OK"
      local found = {}
      for _, line in ipairs(r:all "SEARCH") do table.move(line.data, 1, #line.data, #found + 1, found) end
      t:equal(found, { 2 }, ("messages for %s %q"):format(case[1], case[2]))
    end
  end,
}
