-- What IMAP4rev2 does otherwise once it is enabled. RFC 9051, 6.3.2, 6.4.4, 7.5.2 and appendix E.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "list-and-closed",
  title   = "In IMAP4rev2 SELECT sends LIST, and CLOSED for the mailbox before; RECENT is gone",
  proves  = { "rfc9051-6.3.2-3", "rfc9051-6.3.2-6", "rfc9051-9-x8" },
  edition = "rev2",
  says    = [[SELECT shows the mailbox in a LIST response; when another one was selected before, OK [CLOSED] parts the
              two; neither RECENT nor \Recent is sent.]],
  why     = [[CLOSED tells the client from which line on the numbers are those of the new mailbox.]],
  needs   = { "login:IMAP4rev2" },
  messages = { "plain" },
  catches = { "imap-select-no-list", "imap-select-no-closed", "imap-recent-in-rev2" },
  run = function(t)
    local c = t:imap { enable = { "IMAP4rev2" } }
    c:send "SELECT INBOX"
    local r = c:expect "OK"
    t:check(r:count "LIST" == 1, "SELECT sent %d LIST responses", r:count "LIST")
    t:equal(r:count "RECENT", 0, "RECENT responses")
    c:send "FETCH 1 (FLAGS)"
    t:check(not c:expect "OK":fetch(1).FLAGS["\\Recent"], "FETCH shows \\Recent")
    c:send "SELECT INBOX"
    local closed
    for _, u in ipairs(c:expect "OK".untagged) do closed = closed or u.code == "CLOSED" end
    t:check(closed, "the second SELECT did not say [CLOSED]")
  end,
}

scenario {
  name    = "search-answers-esearch",
  title   = "In IMAP4rev2 SEARCH is answered by ESEARCH",
  proves  = "rfc9051-6.4.4-x1",
  edition = "rev2",
  says    = [[Once IMAP4rev2 is enabled even a SEARCH without RETURN gets ESEARCH, with ALL when something matches.]],
  why     = [[Clients of the new edition do not read the old response.]],
  needs   = { "login:IMAP4rev2" },
  messages = { "plain", "dots" },
  catches = "imap-search-in-rev2",
  run = function(t)
    local c = t:imap { enable = { "IMAP4rev2" }, select = "INBOX" }
    c:send "SEARCH ALL"
    local r = c:expect "OK"
    t:equal(r:count "ESEARCH", 1, "ESEARCH responses")
    t:equal(r:count "SEARCH", 0, "SEARCH responses")
  end,
}

scenario {
  name    = "unasked-fetch-has-uid",
  title   = "In IMAP4rev2 a FETCH that comes unasked has the UID",
  proves  = { "rfc9051-7.5.2-19", "rfc9051-6.3.13-1" },
  edition = "rev2",
  says    = [[When another session changes a flag the FETCH that tells it names the UID, in IDLE too.]],
  why     = [[Two changes cross on the wire; the UID says beyond doubt which message is meant.]],
  needs   = { "login:IMAP4rev2" },
  messages = { "plain", "dots" },
  catches = "imap-unasked-fetch-no-uid",
  run = function(t)
    local ann = t:imap { enable = { "IMAP4rev2" }, select = "INBOX" }
    local bob = t:imap { select = "INBOX" }
    bob:send [[STORE 2 +FLAGS.SILENT (\Flagged)]]
    bob:expect "OK"
    ann:send "NOOP"
    local item = ann:expect "OK":fetch(2)
    if not item then return t:pass "does not tell flags of other sessions at NOOP" end
    t:check(item.UID, "the FETCH that came unasked has no UID")
  end,
}

scenario {
  name    = "status-size",
  title   = "SIZE in STATUS is not below the messages' sizes",
  proves  = "rfc9051-6.3.11-5",
  says    = [[The number is at least the sum of RFC822.SIZE over the mailbox.]],
  why     = [[Clients reserve room by it before they download everything.]],
  needs   = { "login:STATUS=SIZE" },
  messages = { "plain", "dots", "multipart" },
  catches = { "imap-status-size-low", "imap-untagged-after-tagged" },
  run = function(t)
    local c = t:imap { login = true }
    c:send "STATUS INBOX (SIZE)"
    local size = c:expect "OK":one "STATUS".data[2][2]
    c:send "SELECT INBOX"
    c:expect "OK"
    c:send "FETCH 1:3 (RFC822.SIZE)"
    local r, sum = c:expect "OK", 0
    for n = 1, 3 do sum = sum + r:fetch(n)["RFC822.SIZE"] end
    t:check(size >= sum, "STATUS says SIZE %s, the messages have %d octets", size, sum)
  end,
}

scenario {
  name    = "binary-size-is-decoded",
  title   = "BINARY.SIZE is the number of octets that BINARY gives",
  proves  = "rfc9051-7.5.2-4",
  edition = "rev2",
  says    = [[Both are about the decoded part.]],
  why     = [[The client makes room by the one and is given the other.]],
  needs   = { "login:IMAP4rev2" },
  messages = { "multipart" },
  catches = "imap-binary-size-encoded",
  run = function(t)
    local c = t:imap { enable = { "IMAP4rev2" }, select = "INBOX" }
    c:send "FETCH 1 (BINARY.SIZE[2] BINARY.PEEK[2])"
    local item = c:expect "OK":fetch(1)
    t:equal(item["BINARY[2]"], "\0\1\2\3\4\5\6\7\8\9", "BINARY[2]")
    t:equal(item["BINARY.SIZE[2]"], 10, "BINARY.SIZE[2]")
  end,
}
