-- \Recent. RFC 3501, 2.3.2.
-- SPDX-License-Identifier: MIT

-- The number in the RECENT response.
local function recent(r)
  local line = r:all("RECENT")[1]
  return line and line.number or 0
end

scenario {
  name    = "told-once",
  title   = "A message is recent in one session, and in no later one",
  proves  = { "rfc3501-2.3.2-x1" },
  edition = "rev1",
  says    = [[What a session that opened the mailbox by SELECT was told as recent is not recent in the next one.]],
  why     = [[Clients ring a bell for recent mail; it should ring once.]],
  messages = 2,
  catches = "imap-recent-never-claimed",
  run = function(t)
    local a = t:imap { select = "INBOX" }
    t:record("recent in the first session", recent(a.selected))
    a:send "LOGOUT"
    a:expect "OK"
    local b = t:imap { select = "INBOX" }
    t:equal(recent(b.selected), 0, "recent messages in the second session")
    b:send "FETCH 1:2 (FLAGS)"
    local r = b:expect "OK"
    for n = 1, 2 do
      t:check(r:fetch(n) and not r:fetch(n).FLAGS["\\Recent"], "message %d has \\Recent in the second session", n)
    end
  end,
}
