-- Unique identifiers. RFC 3501, 2.3.1.1.
-- SPDX-License-Identifier: MIT
-- UIDVALIDITY and UIDNEXT that SELECT told.
local function status(t, r)
  local validity, next_uid = r:find_code "UIDVALIDITY", r:find_code "UIDNEXT"
  if not validity then t:fail "SELECT does not tell UIDVALIDITY" end
  return validity[1], next_uid and next_uid[1]
end

scenario {
  name    = "ascend-and-last",
  title   = "UIDs rise with message numbers and are the same in the next session",
  proves  = { "rfc3501-2.3.1.1-9", "rfc3501-2.3.1.1-8", "rfc3501-2.3.1.1-2", "rfc3501-2.3.1.1-x1",
    "rfc9051-2.3.1.1-8" },
  says    = [[Along the message numbers UIDs rise strictly; a new session sees the same UIDVALIDITY and the same
              UIDs.]],
  why     = [[Clients keep their copies by UID. If UIDs change, everything is downloaded again.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "imap-uid-not-ascending", "imap-uids-per-session", "imap-uidvalidity-too-big",
    "imap-select-no-uidvalidity" },
  run = function(t)
    local seen
    for session = 1, 2 do
      local c = t:imap { login = true }
      c:send "SELECT INBOX"
      local validity = status(t, c:expect "OK")
      t:check(math.type(validity) == "integer" and validity > 0 and validity < 2 ^ 32, "UIDVALIDITY is %s", validity)
      c:send "FETCH 1:3 (UID)"
      local r = c:expect "OK"
      local uids = { validity }
      for n = 1, 3 do
        local item = r:fetch(n)
        uids[n + 1] = item and item.UID
      end
      t:check(#uids == 4 and uids[2] < uids[3] and uids[3] < uids[4], "UIDs do not rise with message numbers")
      if session == 1 then seen = uids else t:equal(uids, seen, "UIDVALIDITY and UIDs in the second session") end
      c:send "LOGOUT"
      c:expect "OK"
    end
  end,
}

scenario {
  name    = "never-reused",
  title   = "The UID of an expunged message is not given again",
  proves  = { "rfc3501-2.3.1.1-1", "rfc3501-2.3.1.1-6", "rfc3501-2.3.1.1-x2", "rfc9051-2.3.1.1-11" },
  says    = [[After the newest message was expunged, the next one gets a higher UID, no lower than the UIDNEXT
              announced, or UIDVALIDITY has changed.]],
  why     = [[A client that has the old message under that UID would show it in place of the new one.]],
  messages = { "plain", "dots" },
  catches = { "imap-uid-reused", "imap-uidnext-too-low", "imap-expunge-removes-all", "imap-literal-no-continue",
    "imap-select-no-uidnext", "imap-select-no-uidvalidity", "imap-uid-not-ascending", "imap-uids-per-session" },
  run = function(t)
    local c = t:imap { login = true }
    c:send "SELECT INBOX"
    local validity, uidnext = status(t, c:expect "OK")
    if not uidnext then t:fail "SELECT does not tell UIDNEXT" end
    c:send "FETCH 2 (UID)"
    local last = c:expect "OK":fetch(2).UID
    t:check(uidnext > last, "UIDNEXT %s is not above the last UID %s", uidnext, last)
    c:send [[STORE 2 +FLAGS.SILENT (\Deleted)]]
    c:expect "OK"
    c:send "EXPUNGE"
    c:expect "OK"
    c:command("APPEND INBOX ", { literal = message.make { subject = "next", body = "next\r\n" } })
    c:expect "OK"
    local d = t:imap { login = true }
    d:send "SELECT INBOX"
    local validity2 = status(t, d:expect "OK")
    d:send "FETCH 2 (UID)"
    local uid = d:expect "OK":fetch(2).UID
    t:check(validity2 ~= validity or uid > last, "the new message has UID %s, an expunged one had %s", uid, last)
    t:check(validity2 ~= validity or uid >= uidnext, "the new message has UID %s, UIDNEXT said %s", uid, uidnext)
  end,
}

scenario {
  name    = "recreated-mailbox",
  title   = "A mailbox made again under its old name does not repeat old UIDs",
  proves  = { "rfc3501-2.3.1.1-11", "rfc3501-6.3.3-4", "rfc3501-6.3.4-3" },
  says    = [[After DELETE and CREATE of the same name UIDVALIDITY is another one, or UIDs go on above the old ones.]],
  why     = [[Else a client takes the first message of the new mailbox for the first of the old one.]],
  destructive = true,
  catches = { "imap-uidvalidity-constant", "imap-literal-no-continue", "imap-select-no-uidvalidity" },
  run = function(t)
    local c = t:imap { login = true }
    local name = c:mailbox("mp-" .. t.marker)
    local seen = {}
    for round = 1, 2 do
      c:send("CREATE " .. name)
      c:expect "OK"
      c:command("APPEND " .. name .. " ", { literal = message.make { subject = "round", body = "round\r\n" } })
      c:expect "OK"
      c:send("SELECT " .. name)
      local validity = status(t, c:expect "OK")
      c:send "FETCH 1 (UID)"
      seen[round] = { validity, c:expect "OK":fetch(1).UID }
      c:send "CLOSE"
      c:expect "OK"
      c:send("DELETE " .. name)
      if round == 1 then c:expect "OK" else c:expect("OK", "NO") end -- the second time it only cleans up
    end
    t:check(seen[1][1] ~= seen[2][1] or seen[2][2] > seen[1][2],
      "UIDVALIDITY %s and UID %s named two different messages", seen[2][1], seen[2][2])
  end,
}
