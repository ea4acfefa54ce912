-- STORE, COPY and UID commands. RFC 3501, 6.4.6 to 6.4.8.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "sets-adds-removes",
  title   = "STORE replaces, adds and removes flags and shows the outcome",
  proves  = "rfc3501-6.4.6-x1",
  says    = [[FLAGS sets exactly these flags, +FLAGS adds, -FLAGS takes away; the untagged FETCH shows what came of
              it.]],
  why     = [[The client's list is right only if it knows what the server made of its wish.]],
  messages = { "plain" },
  catches = { "imap-store-no-echo", "imap-store-adds-always" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    local function flags(item)
      local list = {}
      for _, flag in ipairs(item and item.FLAGS or {}) do
        if flag:lower() ~= "\\recent" then list[#list + 1] = flag:lower() end
      end
      table.sort(list)
      return table.concat(list, " ")
    end
    for _, step in ipairs { { [[FLAGS (\Seen)]], "\\seen" }, { [[+FLAGS (\Flagged)]], "\\flagged \\seen" },
      { [[-FLAGS (\Seen)]], "\\flagged" }, { [[FLAGS (\Answered \Draft)]], "\\answered \\draft" }, { "FLAGS ()", "" } }
          do c:send("STORE 1 " .. step[1])
      local r = c:expect "OK"
      t:check(r:count "FETCH" > 0, "STORE 1 %s was not answered by the new flags", step[1])
      if r:count "FETCH" > 0 then t:equal(flags(r:fetch(1)), step[2], "flags told by STORE 1 " .. step[1]) end
      c:send "FETCH 1 (FLAGS)"
      t:equal(flags(c:expect "OK":fetch(1)), step[2], "flags after STORE 1 " .. step[1])
    end
  end,
}

scenario {
  name    = "silent-is-silent",
  title   = "STORE with .SILENT does not send the flags back",
  proves  = "rfc3501-6.4.6-1",
  says    = [[The client that says .SILENT knows what it did: the new flags need not come back to it.]],
  why     = [[Marking ten thousand messages as read should not be answered by ten thousand lines.]],
  messages = { "plain", "dots" },
  catches = "imap-store-silent-echoes",
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send "NOOP"
    c:expect "OK"
    c:send [[STORE 1:2 +FLAGS.SILENT (\Seen)]]
    t:equal(c:expect "OK":count "FETCH", 0, "FETCH responses to STORE with .SILENT")
  end,
}

scenario {
  name    = "copy-is-true",
  title   = "COPY keeps content, flags and date, and leaves the source alone",
  proves  = { "rfc3501-6.4.7-x1", "rfc3501-6.4.7-1", "rfc3501-2.3.3-2", "rfc3501-6.4.7-4", "rfc3501-6.4.7-3" },
  says    = [[Copies are added at the end with the flags and the internal date of their source; COPY to a mailbox that
              does not exist gets NO [TRYCREATE] and makes none.]],
  why     = [[Filing mail is done by COPY; whatever it changes is changed for good.]],
  messages = { "plain", "dots" },
  destructive = true,
  catches = { "imap-copy-drops-flags", "imap-copy-new-date", "imap-copy-creates", "imap-append-drops-flags",
    "imap-copy-no-trycreate", "imap-literal-length-off-by-one", "imap-literal-no-continue",
    "imap-no-exists-after-append", "imap-select-wrong-exists" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    local name = c:mailbox("mp-" .. t.marker)
    c:send [[STORE 2 +FLAGS.SILENT (\Flagged)]]
    c:expect "OK"
    c:command([[APPEND INBOX (\Answered) " 5-Mar-2021 08:15:30 +0000" ]],
      { literal = message.make { subject = "old", body = "old\r\n" } })
    c:expect "OK"
    c:send "NOOP" -- the latest moment to be told of it
    c:expect "OK"
    c:send("COPY 2 " .. name)
    local r = c:expect("NO", "OK", "BAD")
    t:check(r:is "NO [TRYCREATE]", "COPY to a mailbox that does not exist got %s", r)
    if r:is "OK" then return end
    c:send("CREATE " .. name)
    c:expect "OK"
    c:send("COPY 2:3 " .. name)
    c:expect "OK"
    c:send "FETCH 2:3 (FLAGS INTERNALDATE BODY.PEEK[])"
    local from = c:expect "OK"
    c:send("SELECT " .. name)
    t:equal(c:expect "OK":one "EXISTS".number, 2, "messages in the destination")
    c:send "FETCH 1:2 (FLAGS INTERNALDATE BODY.PEEK[])"
    local to = c:expect "OK"
    for n = 1, 2 do
      local a, b = from:fetch(n + 1), to:fetch(n) or { FLAGS = {} }
      t:equal(b["BODY[]"], a["BODY[]"], "content of copy " .. n)
      t:equal(b.INTERNALDATE, a.INTERNALDATE, "INTERNALDATE of copy " .. n)
      t:equal(b.FLAGS[n == 1 and "\\Flagged" or "\\Answered"], true, "the flag of copy " .. n)
    end
    c:send "CLOSE"
    c:expect "OK"
    c:send("DELETE " .. name)
    c:expect "OK"
  end,
}

scenario {
  name    = "uid-commands",
  title   = "UID commands take UIDs, answer with them, and skip those that nobody has",
  proves  = { "rfc3501-6.4.8-1", "rfc3501-i-6.4.8-1", "rfc3501-i-6.4.8-2", "rfc3501-6.4.8-x1", "rfc3501-6.4.8-x2" },
  says    = [[UID FETCH shows the UID unasked, with the message number behind the asterisk; an unknown UID is no error;
              n:* includes the last message even where n is above it; UID SEARCH gives UIDs.]],
  why     = [[Clients that come back after a while know nothing but UIDs.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "imap-uid-fetch-no-uid", "imap-uid-star-empty", "imap-uid-search-numbers", "imap-uid-unknown-error",
    "imap-expunge-removes-all", "imap-uid-not-ascending", "imap-uids-per-session" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    c:send [[STORE 1 +FLAGS.SILENT (\Deleted)]] -- so that numbers and UIDs differ from here on
    c:expect "OK"
    c:send "EXPUNGE"
    c:expect "OK"
    c:send "UID FETCH 1:* (FLAGS)"
    local r = c:expect "OK"
    local first, last = (r:fetch(1) or {}).UID, (r:fetch(2) or {}).UID
    t:check(first and last, "UID FETCH did not show the UIDs")
    if not (first and last) then return end
    c:send("UID FETCH " .. last .. " (FLAGS)")
    r = c:expect "OK"
    t:check(r:fetch(2), "the number in the answer to UID FETCH is not the message number")
    c:send("UID FETCH " .. last + 1000 .. " (FLAGS)")
    r = c:expect("OK", "NO", "BAD")
    t:check(r:is "OK" and r:count "FETCH" == 0, "UID FETCH of a UID that nobody has got %s", r)
    c:send("UID FETCH " .. last + 1000 .. ":* (FLAGS)")
    r = c:expect "OK"
    t:equal(r:count "FETCH", 1, "messages for UID FETCH with n:* where n is above the last UID")
    c:send "UID SEARCH ALL"
    r = c:expect "OK"
    if r:count "SEARCH" > 0 then
      t:equal(r:one "SEARCH".data, { first, last }, "the answer to UID SEARCH ALL")
    end
  end,
}
