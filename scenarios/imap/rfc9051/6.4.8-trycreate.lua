-- MOVE to a mailbox that is not there. RFC 9051, 6.4.8 (RFC 6851 for IMAP4rev1).
-- SPDX-License-Identifier: MIT
scenario {
  name    = "missing-target",
  title   = "MOVE to a mailbox that does not exist gets NO [TRYCREATE] and makes none",
  proves  = { "rfc9051-6.4.8-6", "rfc9051-6.4.8-7", "rfc9051-6.4.8-8", "rfc9051-6.4.8-4" },
  says    = [[The message stays where it was, and no mailbox comes into being.]],
  why     = [[A typing error in a folder name should lose nothing.]],
  needs   = { "login:MOVE" },
  messages = { "plain" },
  destructive = true,
  catches = { "imap-copy-no-trycreate", "imap-copy-creates" },
  run = function(t)
    local c = t:imap { select = "INBOX" }
    local name = c:mailbox("mp-none-" .. t.marker)
    c:send("MOVE 1 " .. name)
    local r = c:expect("NO", "OK", "BAD")
    t:check(r:is "NO [TRYCREATE]", "MOVE to a mailbox that does not exist got %s", r)
    c:send("LIST \"\" " .. name)
    t:equal(c:expect "OK":count "LIST", 0, "mailboxes of that name after MOVE")
    c:send "FETCH 1:* (UID)"
    t:equal(c:expect("OK", "NO", "BAD"):count "FETCH", 1, "messages in the source after the refused MOVE")
  end,
}
