-- What RETR sends, and that it only reads. RFC 1939, 5 and 11.
-- SPDX-License-Identifier: MIT

-- What the headers are over: a body is the client's own, above it the server may have put fields.
local function body_of(bytes) return select(2, message.split(bytes)) end

scenario {
  name    = "only-reads",
  title   = "RETR changes nothing: it may be repeated, and after QUIT the message is still there",
  proves  = { "rfc1939-5/RETR-x2", "rfc1939-6/QUIT-2" },
  says    = [[A second RETR gives the same octets, STAT stays, and without DELE the next session has the message.]],
  why     = [[Programs that leave mail on the server rely on it; a message that goes by being read is lost to them.]],
  messages = { "plain", "dots" },
  catches = { "pop3-retr-deletes", "pop3-no-final-dot" },
  run = function(t)
    local c = t:pop3 { login = true }
    if (c:capabilities().EXPIRE or ""):match "^0" then t:skip "the site deletes what was read: EXPIRE 0" end
    c:send "STAT"
    local before = c:expect "+OK".text:match "^%d+ %d+"
    for n = 1, 2 do
      c:send("RETR " .. n)
      local first = c:expect "+OK"
      c:send("RETR " .. n)
      t:equal(c:expect "+OK".body, first.body, "message " .. n .. " when it is retrieved again")
    end
    c:send "STAT"
    t:equal(c:expect "+OK".text:match "^%d+ %d+", before, "STAT after RETR")
    c:send "QUIT"
    c:expect "+OK"
    c:expect "closed"
    local d = t:pop3 { login = true }
    d:send "STAT"
    t:equal(d:expect "+OK".text:match "^%d+ %d+", before, "STAT in the session after one that only read")
  end,
}

scenario {
  name    = "long-lines-and-eighth-bit",
  title   = "Lines of 10,000 octets and octets above 127 arrive as they were",
  proves  = { "rfc1939-i-5/RETR-2", "rfc1939-11-x1" },
  says    = [[RETR sends the message, whatever its lines hold and however long they are, and LIST counts just that.]],
  why     = [[A signature over the message breaks with one octet that is not as it was.]],
  messages = 0,
  catches = { "pop3-breaks-long-lines", "pop3-eighth-bit", "pop3-size-counts-lf", "pop3-no-final-dot",
    "pop3-no-dot-stuffing", "pop3-size-counts-dots", "pop3-list-one-is-many" },
  run = function(t)
    local body = ("0123456789"):rep(1000) .. "\r\n" .. "Gr\u{fc}\u{df}e, \u{4f60}\u{597d}\r\n" ..
      ("."):rep(3000) .. "\r\n\tend\r\n"
    t:deliver(message.make { subject = "long", headers = { "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit" }, body = body })
    local c = t:pop3 { login = true }
    c:send "LIST 1"
    local size = c:expect "+OK".text:match "^1 (%d+)"
    c:send "RETR 1"
    local r = c:expect "+OK"
    t:equal(body_of(r.body), body, "the body as retrieved")
    t:equal(tonumber(size), #r.body, "size in LIST, against what RETR sent")
    c:send "NOOP"
    t:check(c:reply():is "+OK", "after RETR the replies are out of step")
  end,
}

scenario {
  name    = "noop-and-rset-do-nothing",
  title   = "NOOP and RSET get +OK, also when there is nothing to take back",
  proves  = { "rfc1939-i-5/NOOP-1", "rfc1939-i-5/RSET-1" },
  says    = [[NOOP changes nothing and RSET takes back marks; with none it is no error.]],
  why     = [[A client says RSET to be sure, and does not keep count of its marks.]],
  messages = { "plain" },
  catches = { "pop3-rset-unmarked-refused", "pop3-rset-does-not-restore", "pop3-stat-counts-deleted" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "RSET"
    local r = c:reply()
    t:check(r:is "+OK", "RSET without a mark got %s", r)
    c:send "DELE 1"
    c:expect "+OK"
    c:send "NOOP"
    c:expect "+OK"
    c:send "STAT"
    t:check(c:expect "+OK".text:match "^0 ", "NOOP took a mark back")
    c:send "RSET"
    c:expect "+OK"
    c:send "STAT"
    t:check(c:expect "+OK".text:match "^1 ", "RSET took no mark back")
  end,
}

scenario {
  name    = "rset-holds-at-quit",
  title   = "What RSET took back is not removed at QUIT",
  proves  = { "rfc1939-6-x3", "rfc1939-5/RSET-x1" },
  says    = [[Only marks that are there when QUIT comes are carried out.]],
  why     = [[RSET is the client's way to say: I have not saved them after all.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "pop3-rset-forgotten-at-quit", "pop3-rset-does-not-restore", "pop3-quit-deletes-all",
    "pop3-quit-deletes-nothing", "pop3-dele-at-once", "pop3-dele-renumbers" },
  run = function(t)
    local c = t:pop3 { login = true }
    for n = 1, 3 do
      c:send("DELE " .. n)
      c:expect "+OK"
    end
    c:send "RSET"
    c:expect "+OK"
    c:send "DELE 2"
    c:expect "+OK"
    c:send "QUIT"
    c:expect "+OK"
    c:expect "closed"
    local d = t:pop3 { login = true }
    d:send "STAT"
    local r = d:expect "+OK"
    t:check(r.text:match "^2 ", "three were marked, RSET, then one again: after QUIT STAT says %s", r)
  end,
}

scenario {
  name    = "arrivals-survive-quit",
  title   = "Mail that came during the session is there in the next one, whatever QUIT removed",
  proves  = { "rfc1939-4-x5", "rfc1939-6/QUIT-2" },
  says    = [[QUIT removes the marked messages and none that the session never saw.]],
  why     = [[Who empties his maildrop at every poll would lose what came while he was reading.]],
  messages = { "plain" },
  catches = { "pop3-quit-deletes-arrived", "pop3-numbers-not-frozen", "pop3-quit-deletes-nothing", "pop3-stat-form",
    "pop3-no-final-dot", "pop3-stat-counts-deleted", "pop3-stat-wrong-sum", "pop3-stat-octets-of-marked" },
  run = function(t)
    local c = t:pop3 { login = true }
    c:send "STAT"
    c:expect "+OK"
    t:deliver(message.make { subject = "came meanwhile", body = t.marker .. "\r\n" })
    c:send "DELE 1"
    c:expect "+OK"
    c:send "STAT"
    t:check(c:expect "+OK".text:match "^0 0", "mail that came during the session is counted")
    c:send "QUIT"
    c:expect "+OK"
    c:expect "closed"
    local d = t:pop3 { login = true }
    d:send "LIST"
    t:equal(#d:expect "+OK".lines, 1, "messages in the next session")
    d:send "RETR 1"
    local r = d:expect("+OK", "-ERR")
    t:check(r:is "+OK" and r.body:find(t.marker, 1, true), "what came during the session is gone after QUIT")
  end,
}
