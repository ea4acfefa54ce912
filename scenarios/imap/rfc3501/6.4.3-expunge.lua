-- EXPUNGE and CLOSE, and who is told of it when. RFC 3501, 6.4.2, 6.4.3 and 7.4.1.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "removes-the-marked",
  title   = "EXPUNGE removes what is marked \\Deleted, and counts down as it tells it",
  proves  = { "rfc3501-i-6.4.3-1", "rfc3501-i-6.4.3-2", "rfc3501-i-7.4.1-1", "rfc3501-2.3.1.2-x1" },
  says    = [[Each message removed has its EXPUNGE line before the OK, with its number at that moment; the others stay
              and close up.]],
  why     = [[The client renumbers its list line by line; one wrong number and it shows the wrong messages.]],
  messages = { "plain", "dots", "multipart", "ten-lines" },
  catches = { "imap-expunge-numbers-not-adjusted", "imap-expunge-removes-all", "imap-uid-reused" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send "FETCH 1:4 (UID)"
    local r = c:expect "OK"
    local view = {}
    for n = 1, 4 do view[n] = r:fetch(n).UID end
    local want = { view[1], view[4] }
    c:send [[STORE 2:3 +FLAGS.SILENT (\Deleted)]]
    c:expect "OK"
    c:send "EXPUNGE"
    r = c:expect "OK"
    t:equal(r:count "EXPUNGE", 2, "EXPUNGE responses")
    for _, line in ipairs(r:all "EXPUNGE") do
      t:check(view[line.number], "EXPUNGE names message %s of %d", line.number, #view)
      table.remove(view, line.number)
    end
    t:equal(view, want, "the UIDs that are left, by the EXPUNGE responses")
    c:send "FETCH 1:* (UID)"
    r = c:expect "OK"
    local have = {}
    for n = 1, 2 do have[n] = (r:fetch(n) or {}).UID end
    t:equal(have, want, "the UIDs that are left, by FETCH")
  end,
}

scenario {
  name    = "not-during-fetch",
  title   = "FETCH never carries another connection's EXPUNGE",
  proves  = { "rfc3501-7.4.1-1", "rfc9051-7.5.1-1" },
  says    = [[The server keeps EXPUNGE back while it answers FETCH, STORE or SEARCH, and while no command is running.]],
  why     = [[Message numbers shift down at every EXPUNGE. If they shifted in the middle of a
              FETCH, neither side could say which message "2" means.]],
  messages = 3,
  catches = "imap-expunge-in-fetch",
  run = function(t)
    local ann = t:imap { select = "INBOX" }
    local bob = t:imap { select = "INBOX" }
    bob:send   [[STORE 1 +FLAGS.SILENT (\Deleted)]]
    bob:expect "OK"
    bob:send   "EXPUNGE"
    bob:expect "OK"                          -- message 1 is gone; ann has not been told
    t:equal(ann:unread(), "", "sent to the other connection while no command was running, EXPUNGE at least")
    for _, command in ipairs { "FETCH 1:* (UID)", "SEARCH ALL", [[STORE 3 +FLAGS (\Flagged)]] } do
      ann:send(command)
      local r = ann:expect("OK", "NO")       -- either is lawful; only the numbers may not move
      t:equal(r:count "EXPUNGE", 0, "EXPUNGE responses inside " .. command)
    end
    ann:send   "NOOP"
    local r = ann:expect "OK"
    t:record("EXPUNGE told at NOOP", r:count "EXPUNGE")
  end,
}

scenario {
  name    = "told-to-the-other",
  title   = "What one session expunges another one is told of, and both end with the same view",
  proves  = { "rfc3501-7-4", "rfc3501-i-6.1.2-1", "rfc3501-5.2-3" },
  level   = "SHOULD",
  says    = [[After another session's STORE and EXPUNGE, NOOP brings the flags or the EXPUNGE; in the end the numbers of
              both sessions name the same messages.]],
  why     = [[People read mail on two devices.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "imap-expunge-not-told", "imap-flags-not-told", "imap-expunge-removes-all", "imap-uids-per-session" },
  run = function(t)
    local ann = t:imap { select = "INBOX" }
    local bob = t:imap { select = "INBOX" }
    bob:send [[STORE 3 +FLAGS.SILENT (\Flagged)]]
    bob:expect "OK"
    ann:send "NOOP"
    local r = ann:expect "OK"
    local three = r:fetch(3)
    t:check(three and three.FLAGS and three.FLAGS["\\Flagged"], "NOOP did not tell the flag that the other session set")
    bob:send [[STORE 1 +FLAGS.SILENT (\Deleted)]]
    bob:expect "OK"
    bob:send "EXPUNGE"
    bob:expect "OK"
    ann:send "NOOP"
    r = ann:expect "OK"
    t:equal(r:count "EXPUNGE", 1, "EXPUNGE responses at NOOP")
    ann:send "FETCH 1:2 (UID)"
    bob:send "FETCH 1:2 (UID)"
    local a, b = ann:expect("OK", "NO", "BAD"), bob:expect "OK"
    for n = 1, 2 do
      t:equal((a:fetch(n) or {}).UID, (b:fetch(n) or {}).UID, "UID of message " .. n .. " in the two sessions")
    end
  end,
}

scenario {
  name    = "close-is-silent",
  title   = "CLOSE expunges without EXPUNGE responses and deselects",
  proves  = { "rfc3501-i-6.4.2-1", "rfc3501-6.4.2-x1" },
  says    = [[Messages marked \Deleted are gone after CLOSE, no EXPUNGE line is sent, and no mailbox is selected.]],
  why     = [[It is the quick way out; lines about a mailbox that is being left would be taken for the next one.]],
  messages = { "plain", "dots" },
  catches = { "imap-close-keeps-deleted", "imap-close-sends-expunge", "imap-fetch-without-select",
    "imap-select-wrong-exists" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send [[STORE 1 +FLAGS.SILENT (\Deleted)]]
    c:expect "OK"
    c:send "CLOSE"
    local r = c:expect "OK"
    t:equal(r:count "EXPUNGE", 0, "EXPUNGE responses to CLOSE")
    c:send "FETCH 1 (FLAGS)"
    t:check(c:expect("BAD", "NO", "OK"):is("BAD", "NO"), "after CLOSE the mailbox is still selected")
    c:send "SELECT INBOX"
    t:equal(c:expect "OK":one "EXISTS".number, 1, "messages after CLOSE")
  end,
}
