-- ESEARCH, the answer to a SEARCH with result options. RFC 9051, 6.4.4 and 7.3.4 (RFC 4731 for IMAP4rev1).
-- SPDX-License-Identifier: MIT

---The ESEARCH of the newest command: its items, whether it has UID, and its tag.
local function esearch(t, reply, tag)
  t:equal(reply:count "ESEARCH", 1, "ESEARCH responses")
  t:equal(reply:count "SEARCH", 0, "SEARCH responses beside the ESEARCH")
  local line = reply:all("ESEARCH")[1]
  if not line then return {}, false end
  local items, uid, at = {}, false, 1
  if type(line.data[1]) == "table" then
    t:equal(line.data[1], { "TAG", tag }, "correlator of the ESEARCH")
    at = 2
  else
    t:check(false, "the ESEARCH does not say which command it answers: %s", line)
  end
  if line.data[at] == "UID" then uid, at = true, at + 1 end
  while at < #line.data do
    items[tostring(line.data[at]):upper()] = line.data[at + 1]
    at = at + 2
  end
  return items, uid
end

local function numbers(t, set)
  if not t:check(set ~= nil, "the ESEARCH has no ALL") then return {} end
  local found = imap.set(tostring(set))
  table.sort(found)
  return found
end

scenario {
  name    = "result-options",
  title   = "RETURN (MIN MAX COUNT ALL) brings one ESEARCH with the four, and no set has a star",
  proves  = { "rfc9051-6.4.4-1", "rfc9051-6.4.4-10", "rfc9051-6.4.4-11", "rfc9051-i-7.3.4-1", "rfc9051-7.3.4-x1",
    "rfc9051-9-x11", "rfc9051-6.4.9-1" },
  says    = [[All result options are answered by a single ESEARCH with the tag of its command; ALL is a set of plain
              numbers, UIDs after UID SEARCH.]],
  why     = [[With several searches under way, the tag is all that tells their answers apart; a star in a set would
              mean another message as soon as new mail comes.]],
  needs   = { "login:ESEARCH" },
  messages = 4,
  catches = { "imap-esearch-no-tag", "imap-esearch-star", "imap-uid-not-ascending", "imap-uids-per-session",
    "imap-uid-search-numbers", "imap-expunge-removes-all" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send [[STORE 1 +FLAGS.SILENT (\Deleted)]]
    c:expect "OK"
    c:send "EXPUNGE"                                       -- in a new mailbox numbers and UIDs were the same
    c:expect "OK"
    local tag = c:send "SEARCH RETURN (MIN MAX COUNT ALL) ALL"
    local items, uid = esearch(t, c:expect "OK", tag)
    t:check(not uid, "ESEARCH says UID in the answer to SEARCH")
    t:equal(items.MIN, 1, "MIN")
    t:equal(items.MAX, 3, "MAX")
    t:equal(items.COUNT, 3, "COUNT")
    if t:check(not tostring(items.ALL):find "[*$]", "ALL is %s, which is not made of numbers", items.ALL) then
      t:equal(numbers(t, items.ALL), { 1, 2, 3 }, "ALL")
    end
    c:send "FETCH 1:3 (UID)"
    local fetched, uids = c:expect "OK", {}
    for n = 1, 3 do uids[n] = fetched:fetch(n).UID end
    tag = c:send "UID SEARCH RETURN (ALL) 2:3"
    items, uid = esearch(t, c:expect "OK", tag)
    t:check(uid, "ESEARCH lacks UID in the answer to UID SEARCH")
    t:equal(numbers(t, items.ALL), { uids[2], uids[3] }, "UIDs in ALL")
  end,
}

scenario {
  name    = "nothing-found",
  title   = "A search that finds nothing has COUNT 0 and neither MIN, MAX nor ALL",
  proves  = { "rfc9051-6.4.4-6", "rfc9051-6.4.4-7", "rfc9051-6.4.4-9", "rfc9051-6.4.4-10" },
  says    = [[When no message matches there is still an ESEARCH: COUNT is 0, and the items that would name a message
              are left out.]],
  why     = [[There is no number for "none"; a zero in MIN or ALL would be taken for a message.]],
  needs   = { "login:ESEARCH" },
  messages = 1,
  catches = "imap-esearch-no-tag",
  run = function(t)
    local c = t:imap { select = "INBOX" }
    local tag = c:send "SEARCH RETURN (MIN MAX COUNT ALL) DELETED"
    local items = esearch(t, c:expect "OK", tag)
    t:equal(items.COUNT, 0, "COUNT")
    for _, name in ipairs { "MIN", "MAX", "ALL" } do
      t:check(items[name] == nil, "ESEARCH has %s %s though nothing was found", name, items[name])
    end
  end,
}
