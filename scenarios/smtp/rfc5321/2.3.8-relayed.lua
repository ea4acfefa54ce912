-- A relay sends no line ends that are none. RFC 5321, 2.3.8.
-- SPDX-License-Identifier: MIT
scenario {
  name = "no-lone-ends-go-out",
  title = "Lone CR and LF of a message do not go on to the next host",
  proves = { "rfc5321-2.3.8-1" },
  says = [[A message that came with lone LF and CR is refused, mended or returned. What goes to the next host by DATA
           has CR LF and nothing else.]],
  why = [[A LF . LF that is passed on ends the message at a next host which is less strict: the first host has smuggled
           for the attacker.]],
  tags = { "smuggling" },
  catches = { "queue-sends-bare-lf" },
  services = { "submission" },
  needs_control = true,
  flags = { "--bare-lf", "accept", "--bare-cr", "accept" },
  run = function(t)
    local sink = t:listen { address = "127.0.0.89" }
    t:zone "lone.example. A 127.0.0.89"
    local text = message.make { subject = t.marker, body = "one\n.\nMAIL FROM:<smuggler@client.example>\rtwo\r\n" }
    for _, way in ipairs { "DATA", "BDAT" } do
      local c = t:submission()
      if way == "DATA" or c:has "CHUNKING" then
        c:send("MAIL FROM:<" .. t.user.address .. ">")
        c:expect "250"
        c:send "RCPT TO:<bob@lone.example>"
        c:expect "250"
        if way == "DATA" then
          c:send "DATA"
          c:expect "354"
          c:write(text .. ".\r\n")
        else
          c:write(("BDAT %d LAST\r\n"):format(#text) .. text)
        end
        local r = c:expect("250", "4yz", "5yz")
        local s = r:is "250" and sink:accept(3)
        if s then
          s:reply "220 sink.example"
          local line = s:read_line()
          while line and line ~= "DATA" do
            s:reply(line == "QUIT" and "221 bye" or "250 ok")
            line = s:read_line()
          end
          if line then
            s:reply "354 go on"
            local _, raw = s:data()
            s:reply "250 taken"
            t:check(not ("x" .. (raw or "")):gsub("\r\n", ""):find "[\r\n]",
              "lone line ends of a message by %s went on to the next host", way)
          end
          s:close()
        end
        c:close()
      end
    end
  end,
}
