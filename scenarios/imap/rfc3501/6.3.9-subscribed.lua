-- SUBSCRIBE, UNSUBSCRIBE and LSUB. RFC 3501, 6.3.6, 6.3.7 and 6.3.9.
-- SPDX-License-Identifier: MIT

-- The names that LSUB shows, as a set of responses.
local function lsub(c, pattern)
  c:send("LSUB \"\" " .. imap.quote(pattern))
  local names = {}
  for _, line in ipairs(c:expect "OK":all "LSUB") do names[tostring(line.data[3])] = line end
  return names
end

scenario {
  name    = "taken-back",
  title   = "LSUB shows a name after SUBSCRIBE, in every session, and no longer after UNSUBSCRIBE",
  proves  = { "rfc3501-i-6.3.6-1", "rfc3501-i-6.3.7-1" },
  says    = [[The list belongs to the user: another session sees it, and UNSUBSCRIBE takes a name off it.]],
  why     = [[A folder that comes back after every cleaning is what users report, and clients are blamed.]],
  destructive = true,
  catches = { "imap-unsubscribe-ignored", "imap-list-omits-new" },
  run = function(t)
    local c = t:imap { login = true }
    local name = c:mailbox("mp-sub-" .. t.marker)
    c:send("CREATE " .. name)
    c:expect "OK"
    c:send("SUBSCRIBE " .. name)
    c:expect "OK"
    local d = t:imap { login = true }
    t:check(lsub(d, name)[name], "LSUB does not show the name after SUBSCRIBE in another session")
    d:send("UNSUBSCRIBE " .. name)
    d:expect "OK"
    t:check(not lsub(d, name)[name], "LSUB shows the name after UNSUBSCRIBE")
    c:send("DELETE " .. name)
    c:expect "OK"
  end,
}

scenario {
  name    = "parent-of-a-subscribed-name",
  title   = "LSUB with % shows the parent of a subscribed name, marked \\Noselect",
  proves  = "rfc3501-6.3.9-3",
  says    = [[Where only the lower name is subscribed, % gives the upper one with \Noselect, so that the client knows
              where to look further.]],
  why     = [[Folder trees are asked for one level at a time; without the upper level the lower one is never found.]],
  destructive = true,
  catches = { "imap-lsub-no-parent", "imap-list-omits-new", "imap-percent-crosses-delimiter" },
  run = function(t)
    local c = t:imap { login = true }
    c:send "LIST \"\" \"\""
    local delimiter = c:expect "OK":all "LIST"[1].data[2]
    if type(delimiter) ~= "string" then t:skip "mailbox names have no levels here" end
    local top = c:mailbox("mp-up-" .. t.marker)
    local child = top .. delimiter .. "child"
    c:send("CREATE " .. imap.quote(child))
    c:expect "OK"
    c:send("SUBSCRIBE " .. imap.quote(child))
    c:expect "OK"
    local names = lsub(c, top:sub(1, -2) .. "%")
    t:check(not names[child], "%% crosses the separator in LSUB")
    local noselect
    for _, attribute in ipairs(names[top] and names[top].data[1] or {}) do
      noselect = noselect or tostring(attribute):lower() == "\\noselect"
    end
    t:check(names[top], "LSUB with %% does not show the parent of a subscribed name")
    t:check(not names[top] or noselect, "LSUB with %% shows the parent without \\Noselect")
    c:send("UNSUBSCRIBE " .. imap.quote(child))
    c:expect "OK"
    c:send("DELETE " .. imap.quote(child))
    c:expect "OK"
    c:send("DELETE " .. imap.quote(top))
    c:expect("OK", "NO")
  end,
}
