-- BINARYMIME: text that has no lines. RFC 3030, 3.
-- SPDX-License-Identifier: MIT

local function begin(t)
  local c = t:smtp()
  c:send "MAIL FROM:<ann@client.example> BODY=BINARYMIME"
  c:expect "250"
  c:send("RCPT TO:<" .. t.user.address .. ">")
  c:expect "250"
  return c
end

scenario {
  name    = "every-octet-arrives",
  title   = "A binary message is delivered octet for octet",
  proves  = "rfc3030-3-3",
  says    = [[What came with BODY=BINARYMIME keeps every bit: lone LF, lone CR, NUL, octets above 127, a dot that stands
              alone, and a last line without an end.]],
  why     = [[A program or a picture with one octet changed is broken, and nobody sees where.]],
  needs   = { "CHUNKING", "BINARYMIME" },
  catches = { "smtp-binarymime-lines", "smtp-bdat-drops-nul", "smtp-bdat-unstuffs",
    "smtp-strips-control-characters", "smtp-strips-eighth-bit", "smtp-segment-is-line", "smtp-bdat-last-no-reply" },
  run = function(t)
    local c = begin(t)
    local body = t.marker .. "\nlone LF\rlone CR\0NUL\r\n.\r\n..\r\n\200\255\1\127 no end"
    local text = "MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n" ..
      "Content-Transfer-Encoding: binary\r\nSubject: binary\r\n\r\n" .. body
    c:write(("BDAT %d LAST\r\n%s"):format(#text, text))
    c:expect "250"
    local _, got = message.split(t:delivered(t.marker))
    -- IMAP has no NUL in a literal: servers show another octet for it, mostly 128. That it is there is what counts.
    got = got:gsub("lone CR.NUL", "lone CR\0NUL")
    t:check(got:sub(1, #body) == body, "the body as delivered is not what was sent: %q", got)
  end,
}

scenario {
  name    = "not-by-data",
  title   = "A binary message cannot come by DATA",
  proves  = "rfc3030-3-4",
  says    = [[DATA after MAIL with BODY=BINARYMIME gets 503.]],
  why     = [[Text without lines cannot be ended by a line with a dot.]],
  needs   = { "CHUNKING", "BINARYMIME" },
  catches = { "smtp-binarymime-data", "smtp-bad-sequence-500" },
  run = function(t)
    local c = begin(t)
    c:send "DATA"
    local r = c:reply()
    t:check(r:is "503", "DATA of a binary message got %s", r)
  end,
}

scenario {
  name    = "only-with-chunking",
  title   = "BINARYMIME is listed beside CHUNKING only",
  proves  = "rfc3030-3-x1",
  says    = [[Without CHUNKING there is no way to send binary text, so there is nothing to list.]],
  why     = [[A client that reads one keyword and not the other would send what cannot be sent.]],
  catches = "smtp-binarymime-without-chunking",
  users   = 0,
  run = function(t)
    for _, service in ipairs { "smtp", "submission", "lmtp" } do
      if t:offers(service) then
        local c = t:smtp { service = service }
        if c:has "BINARYMIME" then
          t:check(c:has "CHUNKING", "EHLO on %s lists BINARYMIME and not CHUNKING", service)
        end
      end
    end
  end,
}
