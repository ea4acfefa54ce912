-- Two ends of a session from one and the same beginning. The control socket brings the server back to it. RFC 1939, 6.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "from-one-beginning",
  title   = "Of two sessions with the same DELE, the one that says QUIT deletes",
  proves  = { "rfc1939-6-1", "rfc1939-i-6/QUIT-1", "rfc1939-6/QUIT-2", "rfc1939-5/DELE-x2" },
  says    = [[What a session marked is deleted when it ends with QUIT, and stays when it is cut off: everything else
              about the two is the same.]],
  why     = [[The only difference between a download that is safe and one that is lost is that last command.]],
  messages = { "plain", "dots", "multipart" },
  catches = { "pop3-quit-deletes-nothing", "pop3-quit-deletes-all", "pop3-dele-at-disconnect", "pop3-dele-at-once" },
  needs_control = true,
  serial = true,
  run = function(t)
    local function left()
      local c = t:pop3 { login = true }
      c:send "STAT"
      local stat = c:expect "+OK"
      c:send "QUIT"
      c:expect "+OK"
      c:expect "closed"
      return tonumber(stat.text:match "^(%d+)")
    end
    t:control { ["do"] = "snapshot", name = "three-messages" }
    for _, quit in ipairs { true, false } do
      t:control { ["do"] = "restore", name = "three-messages" }
      local c = t:pop3 { login = true }
      c:send "DELE 2"
      c:expect "+OK"
      if quit then
        c:send "QUIT"
        c:expect "+OK"
      else
        c:shutdown()
      end
      c:until_closed(10)
      t:equal(left(), quit and 2 or 3, quit and "messages after QUIT" or "messages after a cut connection")
    end
  end,
}
