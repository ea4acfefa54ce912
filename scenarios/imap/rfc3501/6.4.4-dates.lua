-- SEARCH by date. RFC 3501, 6.4.4.
-- SPDX-License-Identifier: MIT

-- The numbers that match, whichever form the answer has.
local function search(t, c, keys)
  c:send("SEARCH " .. keys)
  local r = c:expect("OK", "NO", "BAD")
  t:check(r:is "OK", "SEARCH %s got %s", keys, r)
  local found = {}
  for _, line in ipairs(r:all "SEARCH") do
    for _, n in ipairs(line.data) do found[#found + 1] = n end
  end
  for _, line in ipairs(r:all "ESEARCH") do
    for n, word in ipairs(line.data) do
      if word == "ALL" then
        for _, number in ipairs(imap.set(tostring(line.data[n + 1]))) do found[#found + 1] = number end
      end
    end
  end
  table.sort(found)
  return found
end

scenario {
  name    = "dates",
  title   = "BEFORE, ON and SINCE go by INTERNALDATE, SENTON and its like by the Date field",
  proves  = { "rfc3501-6.4.4-x3", "rfc3501-6.4.4-x4", "rfc3501-9-x2" },
  says    = [[SINCE includes its own day and BEFORE does not; the day is that which the message itself shows, without
              time and zone, and may have one digit.]],
  why     = [["Since yesterday" that leaves out yesterday hides the mail that was asked for.]],
  messages = { "plain", "encoded" },
  catches = { "imap-since-excludes", "imap-sent-uses-arrival" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send "FETCH 1 (INTERNALDATE)"
    local arrived = tostring((c:expect "OK":fetch(1) or {}).INTERNALDATE):match "^ ?(%d+%-%a+%-%d+) "
    if not arrived then t:fail "FETCH does not show INTERNALDATE" end
    t:equal(search(t, c, "1 SINCE " .. arrived), { 1 }, "messages for SINCE the day of arrival")
    t:equal(search(t, c, "1 ON " .. arrived), { 1 }, "messages for ON the day of arrival")
    t:equal(search(t, c, "1 BEFORE " .. arrived), {}, "messages for BEFORE the day of arrival")
    for _, case in ipairs {
      { "SENTON 1-Jun-2026", 1 }, { "SENTON \"3-Jun-2026\"", 2 }, { "SENTON 4-Jun-2026" },
      { "SENTBEFORE 3-Jun-2026", 1 }, { "SENTSINCE 01-Jun-2026", 1, 2 }, { "SENTSINCE 2-jun-2026", 2 },
    } do
      t:equal(search(t, c, case[1]), table.move(case, 2, #case, 1, {}), "messages for SEARCH " .. case[1])
    end
  end,
}
