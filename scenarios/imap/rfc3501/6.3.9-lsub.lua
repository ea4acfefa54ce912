-- Subscriptions. RFC 3501, 6.3.6 and 6.3.9.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "outlive-their-mailbox",
  title   = "A subscribed name stays in LSUB after its mailbox was deleted",
  proves  = { "rfc3501-i-6.3.9-1", "rfc3501-6.3.9-4" },
  edition = "rev1",
  says    = [[The server takes no name off the list by itself.]],
  why     = [[A mailbox that is made anew every week should not have to be subscribed every week.]],
  destructive = true,
  catches = { "imap-lsub-drops-deleted", "imap-list-omits-new" },
  run = function(t)
    local c = t:imap { login = true }
    local name = c:mailbox("mp-sub-" .. t.marker)
    c:send("CREATE " .. name)
    c:expect "OK"
    c:send("SUBSCRIBE " .. name)
    c:expect "OK"
    c:send("DELETE " .. name)
    c:expect "OK"
    c:send("LSUB \"\" " .. imap.quote(name))
    local n = c:expect "OK":count "LSUB"
    c:send("UNSUBSCRIBE " .. name)
    c:expect("OK", "NO")
    t:equal(n, 1, "LSUB responses for the name after DELETE")
  end,
}
