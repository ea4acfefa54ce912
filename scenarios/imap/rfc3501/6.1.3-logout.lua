-- LOGOUT. RFC 3501, 6.1.3.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "bye-then-ok-then-close",
  title   = "LOGOUT gets BYE, then OK, then the connection ends; nothing is expunged",
  proves  = { "rfc3501-6.1.3-1", "rfc3501-6.1.3-2", "rfc3501-6.1.3-x1", "rfc3501-3.4-1", "rfc9051-3.4-1" },
  says    = [[The untagged BYE comes before the tagged OK, the server closes after both, and messages marked \Deleted
              are still there in the next session.]],
  why     = [[BYE tells an orderly end from a crash; only CLOSE and EXPUNGE remove mail.]],
  messages = { "plain", "dots" },
  catches = { "imap-logout-no-bye", "imap-logout-stays-open", "imap-logout-expunges", "imap-select-wrong-exists" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send [[STORE 1 +FLAGS.SILENT (\Deleted)]]
    c:expect "OK"
    c:send "LOGOUT"
    local r = c:expect "OK"
    t:equal(r:count "BYE", 1, "BYE responses before the OK of LOGOUT")
    c:expect "closed"
    local d = t:imap { login = true }
    d:send "SELECT INBOX"
    t:equal(d:expect "OK":one "EXISTS".number, 2, "messages after LOGOUT")
  end,
}
