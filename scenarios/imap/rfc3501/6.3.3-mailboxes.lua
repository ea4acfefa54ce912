-- CREATE, DELETE, RENAME, LIST, STATUS. RFC 3501, 6.3.3 to 6.3.10.
-- SPDX-License-Identifier: MIT
local function list(c, pattern)
  c:send("LIST \"\" " .. pattern)
  local names = {}
  for _, line in ipairs(c:expect "OK":all "LIST") do
    names[#names + 1] = tostring(line.data[3])
    names[tostring(line.data[3])] = line
  end
  table.sort(names)
  return names
end

scenario {
  name    = "create-list-delete",
  title   = "A mailbox that was created is listed and can be selected, until it is deleted",
  proves  = { "rfc3501-i-6.3.3-1", "rfc3501-6.3.3-x1", "rfc3501-i-6.3.4-1", "rfc3501-6.3.4-x1", "rfc3501-7.2.2-4" },
  says    = [[CREATE makes the name appear in LIST and work in SELECT; a second CREATE of it gets NO, DELETE removes it,
              a second DELETE gets NO, and so do CREATE and DELETE of INBOX.]],
  why     = [[An OK for what did not happen leaves the client with a folder that is not there.]],
  destructive = true,
  catches = { "imap-create-existing-ok", "imap-delete-missing-ok", "imap-list-omits-new" },
  run = function(t)
    local c = t:imap { login = true }
    local name = c:mailbox("mp-" .. t.marker)
    c:send("CREATE " .. name)
    c:expect "OK"
    t:check(list(c, name)[name], "LIST does not show the mailbox that was created")
    c:send("CREATE " .. name)
    local r = c:expect("NO", "BAD", "OK")
    t:check(r:is "NO", "a second CREATE of the same name got %s", r)
    c:send "CREATE inbox"
    r = c:expect("NO", "BAD", "OK")
    t:check(r:is "NO", "CREATE inbox got %s", r)
    c:send("SELECT " .. name)
    c:expect "OK"
    c:send "CLOSE"
    c:expect "OK"
    c:send("DELETE " .. name)
    c:expect "OK"
    t:check(not list(c, name)[name], "LIST still shows the mailbox that was deleted")
    c:send("DELETE " .. name)
    t:check(c:expect("NO", "BAD", "OK"):is "NO", "a second DELETE was accepted")
    c:send "DELETE INBOX"
    t:check(c:expect("NO", "BAD", "OK"):is "NO", "DELETE INBOX was accepted")
  end,
}

scenario {
  name    = "wildcards",
  title   = "% stops at the separator, * does not",
  proves  = { "rfc3501-6.3.8-3", "rfc3501-6.3.3-2" },
  says    = [[LIST "" % shows one level, LIST "" * all of them; a level that CREATE had to make is there, too.]],
  why     = [[Clients build their folder tree level by level with %.]],
  destructive = true,
  catches = { "imap-percent-crosses-delimiter", "imap-star-stops-at-delimiter", "imap-list-omits-new" },
  run = function(t)
    local c = t:imap { login = true }
    c:send "LIST \"\" \"\""
    local delimiter = c:expect "OK":all "LIST"[1].data[2]
    if type(delimiter) ~= "string" then t:skip "mailbox names have no levels here" end
    local top = c:mailbox("mp-" .. t.marker)
    local child = top .. delimiter .. "child"
    c:send("CREATE " .. imap.quote(child))
    c:expect "OK"
    local all = list(c, imap.quote(top .. "*"))
    t:check(all[child], "* does not show %s", child)
    local one = list(c, imap.quote(top .. "%"))
    t:check(not one[child], "%% shows %s: it crossed the separator", child)
    t:check(one[top], "%% does not show the upper level %s", top)
    c:send("DELETE " .. imap.quote(child))
    c:expect "OK"
    c:send("DELETE " .. imap.quote(top))
    c:expect("OK", "NO")
  end,
}

scenario {
  name    = "rename",
  title   = "RENAME takes the messages along and leaves nothing under the old name",
  proves  = { "rfc3501-i-6.3.5-1", "rfc3501-6.3.5-x1" },
  says    = [[After RENAME the new name has the messages and the old one is gone; a name that does not exist cannot be
              renamed, and one that is taken is no target.]],
  why     = [[Between two names mail must never be in neither.]],
  destructive = true,
  catches = { "imap-rename-loses-messages", "imap-rename-keeps-old", "imap-literal-no-continue",
    "imap-select-wrong-exists" },
  run = function(t)
    local c = t:imap { login = true }
    local old, new = c:mailbox("mp-old-" .. t.marker), c:mailbox("mp-new-" .. t.marker)
    c:send("CREATE " .. old)
    c:expect "OK"
    c:command("APPEND " .. old .. " ", { literal = message.make { subject = "move", body = t.marker .. "\r\n" } })
    c:expect "OK"
    c:send("RENAME " .. old .. " " .. new)
    c:expect "OK"
    t:check(not list(c, old)[old], "the old name is still listed")
    c:send("SELECT " .. new)
    t:equal(c:expect "OK":one "EXISTS".number, 1, "messages under the new name")
    c:send "CLOSE"
    c:expect "OK"
    c:send("RENAME " .. old .. " " .. c:mailbox("mp-other-" .. t.marker))
    t:check(c:expect("NO", "BAD", "OK"):is "NO", "RENAME of a name that does not exist was accepted")
    c:send("RENAME " .. new .. " INBOX")
    t:check(c:expect("NO", "BAD", "OK"):is "NO", "RENAME onto INBOX was accepted")
    c:send("DELETE " .. new)
    c:expect "OK"
  end,
}

scenario {
  name    = "status-counts",
  title   = "STATUS counts what SELECT and SEARCH find",
  proves  = { "rfc3501-i-6.3.10-1", "rfc3501-6.3.10-x1", "rfc3501-6.3.10-x2", "rfc3501-i-2.2-1" },
  says    = [[STATUS shows the items asked for, with the numbers that are true: messages, unseen ones, UIDNEXT and
              UIDVALIDITY; for a missing mailbox it gets NO.]],
  why     = [[Clients show unread counts from it without opening the mailbox.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "imap-untagged-after-tagged", "imap-status-unseen-is-number", "imap-status-wrong-messages",
    "imap-select-no-uidnext", "imap-select-no-uidvalidity", "imap-uidnext-too-low" },
  run = function(t)
    local c = t:imap { login = true }
    c:send "SELECT INBOX"
    local r = c:expect "OK"
    local validity, uidnext = r:find_code "UIDVALIDITY", r:find_code "UIDNEXT"
    if not (validity and uidnext) then t:fail "SELECT does not tell UIDVALIDITY and UIDNEXT" end
    c:send [[STORE 1:2 +FLAGS.SILENT (\Seen)]]
    c:expect "OK"
    c:send "CLOSE"
    c:expect "OK"
    c:send "STATUS INBOX (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)"
    local data = c:expect "OK":one "STATUS".data[2]
    local got = {}
    for n = 1, #data, 2 do got[tostring(data[n]):upper()] = data[n + 1] end
    t:equal(got, { MESSAGES = 3, UNSEEN = 1, UIDNEXT = uidnext[1], UIDVALIDITY = validity[1] }, "STATUS of INBOX")
    c:send("STATUS " .. c:mailbox("no-such-" .. t.marker) .. " (MESSAGES)")
    r = c:expect("NO", "BAD", "OK")
    t:check(r:is "NO", "STATUS of a mailbox that does not exist got %s", r)
  end,
}

scenario {
  name    = "modified-utf-7",
  title   = "A name in modified UTF-7 comes back as it was given",
  proves  = { "rfc3501-5.1.3-5", "rfc3501-5.1.3-x1", "rfc9051-A.1-3" },
  edition = "rev1",
  says    = [[CREATE with a name in modified UTF-7, "&" written as "&-", lists the same octets again.]],
  why     = [[A name that comes back changed is another folder to the client.]],
  destructive = true,
  catches = { "imap-utf7-mangled", "imap-list-omits-new" },
  run = function(t)
    local c = t:imap { login = true }
    local prefix = c:mailbox("mp-" .. t.marker)
    for _, name in ipairs { prefix .. "-Entw&APw-rfe", prefix .. "-Q&-A" } do
      c:send("CREATE " .. imap.quote(name))
      c:expect "OK"
      local names = list(c, imap.quote(prefix .. "*"))
      t:check(names[name], "LIST does not show %s but %s", name, names[1])
      c:send("DELETE " .. imap.quote(name))
      c:expect "OK"
    end
  end,
}
