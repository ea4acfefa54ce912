-- SELECT of an empty mailbox, and a second SELECT. RFC 3501, 6.3.1.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "empty-mailbox",
  title   = "SELECT of an empty mailbox shows 0 EXISTS and no UNSEEN",
  proves  = "rfc3501-6.3.1-x5",
  edition = "rev1",
  says    = [[There are no messages, none of them recent, and there is none that UNSEEN could name.]],
  why     = [[A client that reads UNSEEN 0 looks for message number zero.]],
  messages = 0,
  catches = "imap-unseen-zero",
  run = function(t)
    local c = t:imap { login = true }
    c:send "SELECT INBOX"
    local r = c:expect "OK"
    r:match { "* 0 EXISTS", "* 0 RECENT" }
    local unseen = r:find_code "UNSEEN"
    t:check(not unseen, "an empty mailbox has UNSEEN %s", unseen and unseen[1])
  end,
}

scenario {
  name    = "second-select-removes-nothing",
  title   = "A second SELECT leaves the first mailbox without expunging it",
  proves  = "rfc3501-6.3.1-x3",
  says    = [[Messages marked \Deleted are still there when the mailbox is opened again: only CLOSE and EXPUNGE remove
              them.]],
  why     = [[Going to another folder is no order to delete.]],
  messages = { "plain", "dots" },
  catches = "imap-select-expunges",
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send [[STORE 1 +FLAGS.SILENT (\Deleted)]]
    c:expect "OK"
    c:send "SELECT INBOX"
    c:expect "OK"
    c:send "FETCH 1:* (FLAGS)"
    local r = c:expect "OK"
    t:check(r:fetch(2), "a message marked \\Deleted went away with a second SELECT")
    t:check(r:fetch(1) and r:fetch(1).FLAGS["\\Deleted"], "the mark \\Deleted went away with a second SELECT")
  end,
}
