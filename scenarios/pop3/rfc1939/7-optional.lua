-- TOP, UIDL, APOP. RFC 1939, 7.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "top-counts-body-lines",
  title   = "TOP sends the header, an empty line and so many lines of the body",
  proves  = { "rfc1939-i-7/TOP-1", "rfc1939-i-7/TOP-2", "rfc1939-i-7/TOP-3", "rfc1939-7/TOP-1", "rfc2449-3-1" },
  says    = [[TOP n 0 has the header and the empty line alone; TOP n k has k lines of the body more, dots doubled; with
              more than there are it is all of RETR. Without a count it is refused.]],
  why     = [[Clients preview mail with it; one line too many or too few shifts what they show.]],
  needs   = { "TOP" },
  messages = { "ten-lines" },
  catches = { "pop3-top-zero-sends-body", "pop3-top-counts-header", "pop3-no-final-dot",
    "pop3-capa-lists-missing-top", "pop3-top-extra-line", "pop3-top-no-dot-stuffing" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "RETR 1"
    local whole = c:expect "+OK"
    local header, body = message.split(whole.body)
    for _, lines in ipairs { 0, 1, 2, 5, 10, 1000 } do
      c:send("TOP 1 " .. lines)
      local r = c:expect "+OK"
      local got_header, got_body = message.split(r.body)
      t:equal(got_header, header, "header in TOP 1 " .. lines)
      local want, n = "", 0
      for line in body:gmatch "[^\n]*\n" do
        n = n + 1
        if n <= lines then want = want .. line end
      end
      t:equal(got_body or "", want, "body in TOP 1 " .. lines)
    end
    c:send("TOP 1", { multiline = false })
    t:check(c:reply():is "-ERR", "TOP without a line count was accepted")
    c:send "NOOP"
    c:expect "+OK"
  end,
}

scenario {
  name    = "uidl-names-for-ever",
  title   = "A message has the same unique-id in every session, and two messages never share one",
  proves  = { "rfc1939-7/UIDL-3", "rfc1939-7/UIDL-4", "rfc1939-i-7/UIDL-1", "rfc1939-i-7/UIDL-3", "rfc1939-7/UIDL-x1",
    "rfc1939-7/UIDL-x2", "rfc1939-7/UIDL-x3", "rfc1939-i-7/UIDL-2" },
  says    = [[Each unique-id is 1 to 70 octets from "!" to "~", its own, and still the same after a session that was cut
              off; marked messages are left out.]],
  why     = [[Clients that leave mail on the server know by it what they already have. A new id makes them download
              everything again.]],
  needs   = { "UIDL" },
  messages = { "plain", "dots", "multipart" },
  catches = { "pop3-uidl-per-session", "pop3-uidl-duplicates", "pop3-uidl-lists-deleted", "pop3-uidl-form",
    "pop3-dele-renumbers", "pop3-dele-at-once", "pop3-dele-at-disconnect" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "UIDL"
    local first = c:expect "+OK"
    t:equal(#first.lines, 3, "lines of UIDL")
    local seen = {}
    for n, line in ipairs(first.lines) do
      local number, id = line:match "^(%d+) ([\33-\126]+)$"
      t:check(tonumber(number) == n and #(id or "") <= 70 and id, "line %d of UIDL is %q", n, line)
      t:check(not seen[id or n], "two messages have the unique-id %s", id)
      seen[id or n] = true
      c:send("UIDL " .. n)
      local one = c:expect "+OK"
      t:check(one.text == line, "UIDL %d says %s, UIDL says %s", n, one, line)
    end
    c:send "DELE 1"
    c:expect "+OK"
    c:send "UIDL"
    local r = c:expect "+OK"
    t:equal(r.lines, { first.lines[2], first.lines[3] }, "UIDL with message 1 marked")
    c:shutdown()
    c:until_closed(10)
    local d = t:pop3 { login = true }
    d:send "UIDL"
    local second = d:expect "+OK"
    t:equal(second.lines, first.lines, "UIDL in the next session")
  end,
}

scenario {
  name    = "apop-digest",
  title   = "APOP with the right digest opens the maildrop, with a wrong one it does not",
  proves  = { "rfc1939-i-7/APOP-1", "rfc1939-7/APOP-x2", "rfc1939-7/APOP-5", "rfc1939-7/APOP-x3" },
  says    = [[Where the greeting has a timestamp, MD5 over it and the secret logs in; the timestamp is new in every
              greeting.]],
  why     = [[A stamp that comes twice lets an eavesdropper use the old digest.]],
  catches = { "pop3-apop-stamp-constant", "pop3-apop-any-digest" },
  run = function(t)
    local c = t:pop3()
    local stamp = c:history():match "<[^<>%s]+@[^<>%s]+>" or t:skip "the greeting has no timestamp"
    local d = t:pop3()
    t:check(d:history():match "<[^<>%s]+@[^<>%s]+>" ~= stamp, "two greetings have the same timestamp %s", stamp)
    c:send("APOP " .. t.user.name .. " " .. mime.digest("md5", stamp .. "not-the-password"))
    local r = c:expect("+OK", "-ERR", "closed")
    t:check(not r:is "+OK", "a wrong digest got %s", r)
    stamp = d:history():match "<[^<>%s]+@[^<>%s]+>"
    d:send("APOP " .. t.user.name .. " " .. mime.digest("md5", stamp .. t.user.password))
    r = d:reply()
    -- The secret of APOP may be another than the password of USER and PASS, and most accounts have none.
    if r:is "-ERR" then t:skip "the account's password is not its APOP secret" end
    t:check(r:is "+OK", "the right digest got %s", r)
  end,
}
