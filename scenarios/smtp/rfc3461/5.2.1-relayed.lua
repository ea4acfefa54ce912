-- What goes to the next host beside the message: to one that knows DSN, and to one that does not.
-- SPDX-License-Identifier: MIT

local function common(def)
  def.services, def.needs_control, def.needs = { "submission" }, true, { "DSN" }
  return def
end

-- What stands behind the address in MAIL or RCPT: upper-case name to value, and how many there are.
local function parameters(text)
  local out, n = {}, 0
  for word in (text or ""):gsub("^%b<>", ""):gmatch "%S+" do
    local name, value = word:match "^([^=]+)=?(.*)$"
    out[name:upper()], n = value, n + 1
  end
  return out, n
end

local function recipient(s, local_part)
  for _, to in ipairs(s.to) do
    if to:find("^<" .. local_part .. "@") then return parameters(to) end
  end
end

scenario(common {
  name = "parameters-go-on",
  title = "A next host that knows DSN gets ENVID, RET, NOTIFY and ORCPT as they came",
  proves = { "rfc3461-5.2.1-1", "rfc3461-5.2.1-3", "rfc3461-5.2.1-5", "rfc3461-5.2.1-7", "rfc3461-5.2.1-8",
    "rfc3461-5.2.1-x1", "rfc3461-5.2.1-x2" },
  says = [[To a host that lists DSN the four parameters are passed on, with the same values, down to the case of each
           letter in ENVID and ORCPT; each recipient with his own.]],
  why = [[Only the last host knows what became of a message: it can report only what it was asked to.]],
  catches = { "queue-drops-notify", "queue-no-orcpt", "queue-drops-envid", "queue-drops-ret", "queue-orcpt-lowered",
    "smtp-dsn-never-refused", "queue-one-by-one", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.0.71" }
    t:submit({ "bob@aware.example NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob.Old@First.Example",
      "eve@aware.example NOTIFY=NEVER" }, { at = "127.0.0.71", params = "RET=HDRS ENVID=Qq+2B31" })
    local s = sink:serve { ehlo = "DSN" }
    if not s then t:fail "no connection to the next host" end
    local m = parameters(s.from)
    t:equal(m.ENVID, "Qq+2B31", "ENVID at the next host")
    t:equal(m.RET and m.RET:upper(), "HDRS", "RET at the next host")
    local bob, eve = recipient(s, "bob") or {}, recipient(s, "eve")
    if not eve then                                        -- a transaction of its own is lawful
      eve = recipient(sink:serve { ehlo = "DSN" } or { to = {} }, "eve") or {}
    end
    local words = {}
    for word in (bob.NOTIFY or "none"):upper():gmatch "%a+" do words[#words + 1] = word end
    table.sort(words)
    t:equal(table.concat(words, " "), "FAILURE SUCCESS", "NOTIFY of the first recipient")
    t:equal(bob.ORCPT, "rfc822;Bob.Old@First.Example", "ORCPT of the first recipient")
    t:equal(eve.NOTIFY and eve.NOTIFY:upper(), "NEVER", "NOTIFY of the second recipient")
  end,
})

scenario(common {
  name = "nothing-is-invented",
  title = "Mail that came without DSN parameters goes on without them",
  proves = { "rfc3461-5.2.1-2", "rfc3461-5.2.1-4", "rfc3461-5.2.1-6", "rfc3461-5.2.1-10" },
  says = [[ENVID, RET and NOTIFY are passed on only when they were given. ORCPT may be added, and holds then the address
           of the RCPT that came.]],
  why = [[A NOTIFY that a relay invents makes the last host send, or keep back, reports against the sender's will.]],
  catches = { "queue-adds-notify", "queue-adds-ret", "queue-envid-invented", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.0.72" }
    t:submit("bob@plain.example", { at = "127.0.0.72" })
    local s = sink:serve { ehlo = "DSN" }
    if not s then t:fail "no connection to the next host" end
    local m, bob = parameters(s.from), recipient(s, "bob") or {}
    t:equal(m.ENVID, nil, "ENVID that nobody gave")
    t:equal(m.RET, nil, "RET that nobody gave")
    t:equal(bob.NOTIFY, nil, "NOTIFY that nobody gave")
    if bob.ORCPT then
      t:equal(bob.ORCPT:lower(), "rfc822;bob@plain.example", "ORCPT that the relay added")
    end
  end,
})

scenario(common {
  name = "unaware-gets-none",
  title = "A next host without DSN gets none of its parameters",
  proves = { "rfc3461-5.2.2-1", "rfc5321-4.1.1.3-8" },
  says = [[ENVID, RET, NOTIFY and ORCPT go only to hosts whose EHLO lists DSN.]],
  why = [[A host that does not know a parameter refuses the command: the message would be lost to its own envelope.]],
  catches = { "queue-dsn-unasked", "smtp-loses-after-250", "queue-size-unasked" },
  run = function(t)
    local sink = t:listen { address = "127.0.0.73" }
    t:submit("bob@unaware.example NOTIFY=FAILURE ORCPT=rfc822;bob@old.example",
      { at = "127.0.0.73", params = "RET=FULL ENVID=x" })
    local s = sink:serve()
    if not s then t:fail "no connection to the next host" end
    local _, n = parameters(s.from)
    t:equal(n, 0, "parameters of MAIL at a host without any extension")
    _, n = parameters(s.to[1])
    t:equal(n, 0, "parameters of RCPT at a host without any extension")
  end,
})

scenario(common {
  name = "relayed-is-reported",
  title = "Success that ends at a host without DSN is reported as relayed",
  proves = { "rfc3461-5.2.2-2", "rfc3461-5.2.3-x1" },
  says = [[With NOTIFY=SUCCESS, a host without DSN that takes the recipient is the end of what can be known: the sender
           gets a report with Action relayed.]],
  why = [[Without it the sender waits for a report that nobody downstream will ever make.]],
  catches = { "queue-no-success-dsn", "queue-relayed-as-delivered", "queue-dsn-plain", "queue-dsn-no-status",
    "queue-dsn-base64-status", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.0.74" }
    t:submit("bob@relayed.example NOTIFY=SUCCESS", { at = "127.0.0.74" })
    local s = sink:serve()
    if not s or not s.message then t:fail "the message was not sent to the next host" end
    local one = t:report().recipients[1] or {}
    t:equal((one.action or "none"):lower():match "^%a+", "relayed", "Action")
    t:check((one.status or ""):find "^2%.", "Status is %s", one.status)
  end,
})

scenario(common {
  name = "success-unasked-is-silent",
  title = "Success at a host without DSN is not reported to a sender who did not ask",
  proves = "rfc3461-5.2.2-7",
  says = [[Without NOTIFY=SUCCESS no report says that a recipient was taken.]],
  why = [[Nobody wants a second mail for each one sent.]],
  catches = { "queue-success-unasked", "queue-no-success-dsn", "smtp-dsn-never-refused", "queue-no-envid",
    "queue-dsn-plain", "queue-one-by-one", "queue-dsn-base64-status", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.0.75" }
    local wanted = t.marker
    t:submit({ "bob@silent.example", "eve@silent.example NOTIFY=FAILURE,DELAY", "joe@silent.example NOTIFY=NEVER" },
      { at = "127.0.0.75", params = "ENVID=quiet" })
    local seen = 0
    while seen < 3 do
      local s = sink:serve()
      if not s or not s.message then t:fail "the message was not sent to the next host" end
      seen = seen + #s.to
    end
    t:submit("bob@silent.example NOTIFY=SUCCESS", { at = "127.0.0.75", params = "ENVID=asked" })
    sink:serve()
    t:delivered("asked", { judge = true })    -- made after those that must not be there
    for _, bytes in ipairs(t:inbox()) do
      t:check(not (bytes:find(wanted, 1, true) and bytes:find "[Ii][Dd]: *quiet"), "a report that nobody asked for")
    end
  end,
})

scenario(common {
  name = "aware-host-reports-itself",
  title = "Success at a host with DSN is left to that host",
  proves = "rfc3461-5.2.1-5",
  says = [[When the next host lists DSN it has the request, and the relay reports nothing.]],
  why = [[Two reports about one delivery, the first of which is no more than a promise.]],
  catches = { "queue-relayed-despite-dsn", "queue-no-success-dsn", "queue-no-envid", "queue-dsn-plain",
    "queue-dsn-base64-status", "smtp-loses-after-250" },
  run = function(t)
    local sink = t:listen { address = "127.0.0.76" }
    t:submit("bob@itself.example NOTIFY=SUCCESS", { at = "127.0.0.76", params = "ENVID=quiet" })
    local s = sink:serve { ehlo = "DSN" }
    if not s or not s.message then t:fail "the message was not sent to the next host" end
    t:submit("bob@itself.example NOTIFY=SUCCESS", { at = "127.0.0.76", params = "ENVID=asked" })
    sink:serve()                             -- this one does not list DSN
    t:delivered("asked", { judge = true })
    for _, bytes in ipairs(t:inbox()) do
      t:check(not bytes:find "[Ii][Dd]: *quiet", "reported as relayed what a host with DSN will report")
    end
  end,
})
