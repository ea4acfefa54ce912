-- SELECT and EXAMINE. RFC 3501, 6.3.1 and 6.3.2.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "required-data",
  title   = "SELECT shows FLAGS, EXISTS, UIDVALIDITY, UIDNEXT and READ-WRITE before its OK",
  proves  = { "rfc3501-6.3.1-1", "rfc3501-6.3.1-2", "rfc3501-6.3.1-5", "rfc3501-7.2.6-x1", "rfc9051-6.3.2-2" },
  says    = [[The untagged data of SELECT are complete, stand before the tagged OK, and the OK begins with
              [READ-WRITE].]],
  why     = [[Everything a client does in the mailbox rests on these numbers.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "imap-select-no-flags", "imap-select-no-uidvalidity", "imap-select-no-uidnext",
    "imap-select-wrong-exists", "imap-select-no-read-write", "imap-flags-without-draft" },
  run = function(t)
    local c = t:imap { login = true }
    c:send "SELECT INBOX"
    local r = c:expect "OK"
    r:match { "* 3 EXISTS", "* FLAGS $flags" }
    t:check(r:find_code "UIDVALIDITY", "SELECT does not tell UIDVALIDITY")
    t:check(r:find_code "UIDNEXT", "SELECT does not tell UIDNEXT")
    t:check(r.code == "READ-WRITE", "the OK of SELECT begins with [%s]", r.code or "no code")
    local have = {}
    for _, flag in ipairs(r:all "FLAGS"[1].data[1] or {}) do have[tostring(flag):lower()] = true end
    for _, flag in ipairs { "\\answered", "\\flagged", "\\deleted", "\\seen", "\\draft" } do
      t:check(have[flag], "FLAGS does not list %s", flag)
    end
  end,
}

scenario {
  name    = "failed-select-leaves-none",
  title   = "A SELECT that fails leaves no mailbox selected",
  proves  = { "rfc3501-6.3.1-x1", "rfc3501-6.3.1-x2", "rfc3501-i-6-2", "rfc9051-6.3.2-x1" },
  says    = [[SELECT of a name that does not exist gets NO, and the mailbox that was selected before is selected no
              longer.]],
  why     = [[A client that thinks otherwise deletes in a mailbox it has left.]],
  messages = { "plain" },
  catches = { "imap-failed-select-keeps-old", "imap-select-creates", "imap-fetch-without-select" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send("SELECT " .. c:mailbox("no-such-" .. t.marker))
    local r = c:expect("NO", "OK", "BAD")
    t:check(r:is "NO", "SELECT of a mailbox that does not exist got %s", r)
    if r:is "OK" then return end
    c:send "FETCH 1 (FLAGS)"
    r = c:expect("NO", "BAD", "OK")
    t:check(r:is("NO", "BAD"), "after a failed SELECT the old mailbox is still selected")
  end,
}

scenario {
  name    = "examine-changes-nothing",
  title   = "EXAMINE is read-only: BODY[] sets no \\Seen, STORE and EXPUNGE change nothing",
  proves  = { "rfc3501-6.3.2-2", "rfc3501-6.3.2-3", "rfc3501-6.4.6-x2", "rfc9051-6.3.3-2", "rfc9051-6.3.3-x1" },
  says    = [[The OK of EXAMINE begins with [READ-ONLY], and nothing that is done in such a mailbox lasts.]],
  why     = [[Backup programs and previews rely on it to leave no trace.]],
  messages = { "plain" },
  catches = { "imap-examine-read-write", "imap-examine-sets-seen", "imap-literal-length-off-by-one" },
  run = function(t)
    local c = t:imap { login = true }
    c:send "EXAMINE INBOX"
    local r = c:expect "OK"
    t:check(r.code == "READ-ONLY", "the OK of EXAMINE begins with [%s]", r.code or "no code")
    c:send "FETCH 1 (BODY[])"
    c:expect "OK"
    c:send [[STORE 1 +FLAGS (\Flagged)]]
    c:expect("NO", "OK", "BAD")
    c:send "CLOSE"
    c:expect "OK"
    local d = t:imap { select = "INBOX" }
    d:send "FETCH 1 (FLAGS)"
    local flags = d:expect "OK":fetch(1).FLAGS
    t:check(not flags["\\Seen"], "reading under EXAMINE set \\Seen")
    t:check(not flags["\\Flagged"], "STORE under EXAMINE set \\Flagged")
  end,
}
