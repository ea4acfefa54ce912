-- Lone CR and LF: whatever a server does with them, they end neither a message nor a command. RFC 5321, 2.3.8 and
-- 4.1.1.4. The other end sequences stand in 4.1.1.4-data.lua; here are those in between, and the settings of a server.
-- SPDX-License-Identifier: MIT

-- Text with a false end in its middle, up to the true one, and the reply to it.
local function not_the_end(t, c, false_end, word)
  c:send "MAIL FROM:<ann@client.example>"
  c:expect "250"
  c:send("RCPT TO:<" .. t.user.address .. ">")
  c:expect "250"
  c:send "DATA"
  c:expect "354"
  c:write("Subject: " .. word .. "\r\n\r\n" .. t.marker .. word .. false_end ..
    "MAIL FROM:<smuggler@client.example>\r\nend\r\n.\r\n")
  local r, replies = c:expect("2yz", "4yz", "5yz", "closed"), 0
  local last = r
  c:send "QUIT"
  while not last:is("221", "closed") do     -- one for the text, whatever it is; QUIT has 221 for itself
    replies = replies + 1
    last = c:expect("2yz", "4yz", "5yz", "closed")
  end
  t:check(replies <= 1, "the message ended at %q: what followed was read as commands", false_end)
  return r
end

-- "\r\n.\r" and the like need an octet behind them that is no line end.
local ENDS = { ["-one"] = "\n.\n", ["-two"] = "\n.\r\n", ["-three"] = "\r\n.\n", ["-four"] = "\r.\r\n",
  ["-five"] = "\r\n.\r\r\n", ["-six"] = "\r\n.\0\r\n", ["-seven"] = "\n\n.\n\n", ["-eight"] = "\r.\r",
  ["-nine"] = "\r\r\n.\r\r\n" }

local function try_all(t)
  for word, false_end in pairs(ENDS) do
    local c = t:smtp()
    not_the_end(t, c, false_end, word)
    c:close()
  end
end

scenario {
  name    = "other-ends-that-are-none",
  title   = "A dot between any mixture of CR, LF and NUL is text",
  proves  = { "rfc5321-4.1.1.4-x1", "rfc5321-2.3.8-1" },
  says    = [[Only CR LF . CR LF ends the text: not CR . CR LF, not CR LF . CR CR LF, not a dot with a NUL behind it.]],
  why     = [[Each of these has been the end for some server and text for another: that is how mail is smuggled.]],
  tags    = { "smuggling" },
  catches = { "smtp-cr-ends-line", "smtp-obeys-commands-in-data" },
  timeout = 40,
  run = function(t)
    for _, word in ipairs { "-four", "-five", "-six", "-eight", "-nine" } do
      local c = t:smtp()
      not_the_end(t, c, ENDS[word], word)
      c:close()
    end
  end,
}

scenario {
  name    = "ends-that-are-none-when-normalized",
  title   = "A server that makes line ends of lone LF and CR still ends the text at CR LF . CR LF only",
  proves  = { "rfc5321-4.1.1.4-5", "rfc5321-4.1.1.4-x1" },
  says    = [[What a setting makes of lone line ends changes the text that is stored, and not where it ends.]],
  why     = [[A setting that is meant to help old clients must not open the door again.]],
  tags    = { "smuggling" },
  needs_control = true,
  catches = "smtp-lf-ends-data",
  run = function(t)
    t:control { ["do"] = "set", name = "bare-lf", value = "normalize" }
    t:control { ["do"] = "set", name = "bare-cr", value = "normalize" }
    try_all(t)
  end,
}

scenario {
  name    = "ends-that-are-none-when-accepted",
  title   = "A server that takes lone LF and CR as they come stores them so, and ends the text at CR LF . CR LF only",
  proves  = { "rfc5321-4.1.1.4-5", "rfc5321-4.1.1.4-x1", "rfc5321-2.3.8-1" },
  says    = [[Where lone line ends are taken they are text like any other, a dot between them as well.]],
  why     = [[The text then goes on to servers that see an end in it: that is their mistake.]],
  tags    = { "smuggling" },
  needs_control = true,
  catches = "smtp-lf-ends-data",
  run = function(t)
    t:control { ["do"] = "set", name = "bare-lf", value = "accept" }
    t:control { ["do"] = "set", name = "bare-cr", value = "accept" }
    try_all(t)
    local c = t:smtp()
    local r = not_the_end(t, c, "\n.\nx\ry", "-whole")
    if r:is "250" then
      t:check(t:delivered(t.marker .. "-whole"):find(t.marker .. "-whole\n.\nx\ryMAIL FROM", 1, true),
        "text with lone line ends was not stored as it came")
    end
  end,
}

scenario {
  name    = "command-needs-crlf",
  title   = "A lone CR inside a command line does not make two commands of it",
  proves  = "rfc5321-2.3.8-1",
  says    = [[A command ends at CR LF. A line with a lone CR in it is one command, whatever becomes of it.]],
  why     = [[Two programs that see another number of commands in the same octets can be set against each other.]],
  users   = 0,
  tags    = { "smuggling" },
  catches = "smtp-command-cr-ends-line",
  run = function(t)
    local c = t:smtp()
    c:write "NOOP\rNOOP\rNOOP\r\n"
    c:send "QUIT"
    local replies = 0
    while true do
      local r = c:expect("250", "5yz", "4yz", "221", "closed")
      if r:is("221", "closed") then break end
      replies = replies + 1
    end
    t:check(replies <= 1, "a line with two lone CR in it got %d replies", replies)
  end,
}
