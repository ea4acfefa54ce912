-- Tags, completions, grammar. RFC 3501, 2.2 and 9.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "one-completion-under-its-tag",
  title   = "Each command gets one completion, under exactly its tag",
  proves  = { "rfc3501-2.2.1-x1", "rfc3501-i-2.2-1", "rfc3501-6.1-x1", "rfc3501-6.1.2-x1" },
  says    = [[NOOP and CAPABILITY work before login; the completion carries the tag letter for letter, and an unknown
              command gets BAD under it.]],
  why     = [[The tag is the only thread between a command and its answer.]],
  catches = { "imap-tag-upper-cased", "imap-unknown-command-ok" },
  users   = 0,
  run = function(t)
    local c = t:imap()
    c:write "aBc.1 NOOP\r\n"
    local r = c:expect_tag("aBc.1", "OK")
    t:equal(r.tag, "aBc.1", "the tag of the completion")
    c:write "x-2 FLURB\r\n"
    r = c:expect_tag("x-2", "BAD", "NO", "OK")
    t:check(r:is("BAD", "NO"), "an unknown command got %s", r)
    c:send "CAPABILITY"
    c:expect "OK"
  end,
}

scenario {
  name    = "malformed-gets-bad",
  title   = "Commands with missing, surplus or wrong arguments get BAD and do nothing",
  proves  = { "rfc3501-2.2.2-3", "rfc3501-i-6-1" },
  level   = "SHOULD",
  says    = [[The server insists on the form of a command; after BAD the selected mailbox is what it was.]],
  why     = [[A server that guesses what was meant guesses differently from the next one, and the bug in the client is
              never found.]],
  messages = { "plain" },
  catches = { "imap-missing-argument-ok", "imap-bad-deselects", "imap-no-for-bad" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    for _, bad in ipairs { "FETCH 1", "FETCH", "STORE 1 +FLAGS", "SEARCH", "FETCH 0 FLAGS", "NOOP x" } do
      c:send(bad)
      local r = c:expect("BAD", "NO", "OK")
      t:check(r:is "BAD", "%s got %s", bad, r)
    end
    c:send "FETCH 1 (UID)"
    local r = c:expect("OK", "NO", "BAD")
    t:check(r:is "OK" and r:count "FETCH" == 1, "after BAD the mailbox is no longer selected: %s", r)
  end,
}

scenario {
  name    = "any-case",
  title   = "Commands, items and INBOX are understood in any case",
  proves  = { "rfc3501-9-3", "rfc3501-9-14" },
  says    = [[select iNbOx, fetch 1 (uid flags) and store with \sEEN mean the same as in capitals.]],
  why     = [[Clients write them as they like, and all are right.]],
  messages = { "plain" },
  catches = { "imap-inbox-case-sensitive", "imap-items-case-sensitive" },
  run = function(t)
    local c = t:imap { login = true }
    c:send "select iNbOx"
    local r = c:expect("OK", "NO", "BAD")
    t:check(r:is "OK", "select iNbOx got %s", r)
    if not r:is "OK" then return end
    c:send "fEtCh 1 (uId flags)"
    r = c:expect("OK", "NO", "BAD")
    t:check(r:is "OK" and r:count "FETCH" == 1, "fEtCh 1 (uId flags) got %s", r)
    c:send [[store 1 +flags.silent (\sEEN)]]
    r = c:expect("OK", "NO", "BAD")
    t:check(r:is "OK", "store with a flag in mixed case got %s", r)
  end,
}

scenario {
  name    = "pipelined-in-order",
  title   = "Commands that depend on each other give the results of their order",
  proves  = { "rfc3501-5.5-5", "rfc9051-5.5-4", "rfc9051-6.3.1-x2" },
  says    = [[SELECT, STORE and FETCH sent in one write are carried out one by one: the FETCH shows what the STORE
              did.]],
  why     = [[Clients save round trips with it; a server that runs ahead shows them a mailbox that never was.]],
  messages = { "plain", "dots" },
  catches = { "imap-pipelining-flushes", "imap-tag-upper-cased" },
  run = function(t)
    local c = t:imap { login = true }
    c:write("p1 SELECT INBOX\r\np2 STORE 2 +FLAGS.SILENT (\\Flagged)\r\np3 FETCH 1:2 FLAGS\r\np4 NOOP\r\n")
    c:expect_tag("p1", "OK")
    local store = c:expect_tag("p2", "OK") -- the answer to FETCH may begin before this, RFC 3501, 5.5
    local fetch = c:expect_tag("p3", "OK")
    local one, two = fetch:fetch(1) or store:fetch(1), fetch:fetch(2) or store:fetch(2)
    t:check(one and two, "the answer to FETCH did not come before its completion")
    t:check(two and two.FLAGS and two.FLAGS["\\Flagged"], "FETCH does not show the flag that the STORE before it set")
    c:expect_tag("p4", "OK")
  end,
}
