-- MOVE, UIDPLUS and what their response codes say. RFC 9051, 6.3.12, 6.4.8, 6.4.9 and 7.1.
-- SPDX-License-Identifier: MIT

-- A mailbox of this scenario's own.
local function create(t, c, word)
  local name = c:mailbox("mp-" .. word .. "-" .. t.marker)
  c:send("CREATE " .. name)
  c:expect "OK"
  return name
end

-- UID by message number, of the selected mailbox.
local function uids(c, n)
  c:send(("FETCH 1:%d (UID)"):format(n))
  local r, list = c:expect "OK", {}
  for i = 1, n do list[i] = (r:fetch(i) or {}).UID end
  return list
end

scenario {
  name    = "appenduid-is-true",
  title   = "APPENDUID names the UID that the message got",
  proves  = { "rfc9051-i-6.3.12-1", "rfc9051-i-7.1-4" },
  says    = [[The tagged OK of APPEND tells UIDVALIDITY and the UID under which the message can be fetched.]],
  why     = [[A client files its own copy under that UID and never looks again.]],
  needs   = { "login:UIDPLUS" },
  messages = { "plain" },
  catches = { "imap-appenduid-wrong", "imap-select-no-uidvalidity", "imap-appenduid-range", "imap-literal-no-continue",
    "imap-no-exists-after-append", "imap-uid-not-ascending", "imap-uids-per-session" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    local validity = (c.selected:find_code "UIDVALIDITY" or {})[1]
    c:command("APPEND INBOX ", { literal = message.make { subject = "uid", body = t.marker .. "\r\n" } })
    local code = c:expect "OK":find_code "APPENDUID"
    t:check(code, "APPEND was answered without APPENDUID")
    if not code then return end
    t:equal(code[1], validity, "UIDVALIDITY in APPENDUID")
    c:send "NOOP"
    c:expect "OK"
    t:equal(code[2], uids(c, 2)[2], "UID in APPENDUID")
  end,
}

scenario {
  name    = "copyuid-pairs-in-order",
  title   = "COPYUID pairs each source with its copy",
  proves  = "rfc9051-7.1-x1",
  says    = [[The two sets have equally many UIDs, the n-th of the one is the source of the n-th of the other.]],
  why     = [[A client moves its cached text by these pairs: swapped ones give every message another one's body.]],
  needs   = { "login:UIDPLUS" },
  messages = { "plain", "dots" },
  destructive = true,
  catches = { "imap-copyuid-swapped", "imap-copyuid-uneven", "imap-header-fields-case-sensitive",
    "imap-literal-length-off-by-one", "imap-uid-not-ascending", "imap-uids-per-session" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    local name = create(t, c, "copyuid")
    local from = uids(c, 2)
    c:send("COPY 1:2 " .. name)
    local code = c:expect "OK":find_code "COPYUID"
    t:check(code, "COPY was answered without COPYUID")
    if code then
      local source, copy = imap.set(tostring(code[2])), imap.set(tostring(code[3]))
      t:equal(#source, 2, "UIDs in the first set of COPYUID")
      t:equal(#copy, 2, "UIDs in the second set of COPYUID")
      if #source ~= #copy then return end
      c:send("SELECT " .. name)
      c:expect "OK"
      for n, uid in ipairs(copy) do
        c:send(("UID FETCH %d (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"):format(uid))
        local r = c:expect "OK"
        local subject = r:all "FETCH"[1] and r.raw:match "Subject: ([^\r]*)"
        local want = message.header(t.messages[source[n] == from[1] and 1 or 2], "Subject")
        t:equal(subject, want, ("subject of the copy that COPYUID pairs with UID %d"):format(source[n]))
      end
      c:send "CLOSE"
      c:expect "OK"
    end
    c:send("DELETE " .. name)
    c:expect("OK", "NO")
  end,
}

scenario {
  name    = "moved-is-here-or-there",
  title   = "MOVE leaves the message in the target only, and tells COPYUID before EXPUNGE",
  proves  = { "rfc9051-6.4.8-5", "rfc9051-6.4.8-x1", "rfc9051-6.4.8-9" },
  level   = "SHOULD",
  says    = [[After MOVE the message is in the target under a new UID and no longer in the source; the untagged OK with
              COPYUID stands before the first EXPUNGE.]],
  why     = [[With EXPUNGE first the client has already thrown away what COPYUID is about.]],
  needs   = { "login:MOVE" },
  messages = { "plain", "dots" },
  destructive = true,
  catches = { "imap-move-copies", "imap-move-expunge-first", "imap-select-wrong-exists", "imap-status-wrong-messages",
    "imap-untagged-after-tagged" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    local name = create(t, c, "move")
    c:send("MOVE 1 " .. name)
    local r = c:expect "OK"
    t:equal(r:count "EXPUNGE", 1, "EXPUNGE responses to MOVE")
    local told, gone
    for n, u in ipairs(r.untagged) do
      if u.code == "COPYUID" then told = told or n end
      if u.type == "EXPUNGE" then gone = gone or n end
    end
    t:check(not (told and gone) or told < gone, "EXPUNGE came before COPYUID")
    c:send("STATUS " .. name .. " (MESSAGES)")
    t:equal(c:expect "OK":one "STATUS".data[2][2], 1, "messages in the target")
    local d = t:imap { login = true }
    d:send "SELECT INBOX"
    t:equal(d:expect "OK":one "EXISTS".number, 1, "messages left in the source")
    c:send("DELETE " .. name)
    c:expect("OK", "NO")
  end,
}

scenario {
  name    = "uid-expunge-only-the-named",
  title   = "UID EXPUNGE removes marked messages of its set and no others",
  proves  = "rfc9051-i-6.4.9-2",
  says    = [[Messages marked \Deleted whose UID is not in the set stay.]],
  why     = [[It lets a client remove what it marked itself, and leave what another one marked a moment ago.]],
  needs   = { "login:UIDPLUS" },
  messages = { "plain", "dots", "multipart" },
  catches = { "imap-uid-expunge-all", "imap-uid-not-ascending", "imap-uids-per-session" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    local list = uids(c, 3)
    c:send [[STORE 1:2 +FLAGS.SILENT (\Deleted)]]
    c:expect "OK"
    c:send("UID EXPUNGE " .. list[1])
    t:equal(c:expect "OK":count "EXPUNGE", 1, "EXPUNGE responses to UID EXPUNGE of one")
    t:equal(uids(c, 2), { list[2], list[3] }, "the UIDs that are left")
  end,
}
