-- The submission service: what it offers, whom it serves, what it mends. RFC 6409.
-- SPDX-License-Identifier: MIT

local function common(def)
  def.services = { "submission" }
  return def
end

scenario(common {
  name = "must-offer",
  title = "Submission offers AUTH, and not ATRN",
  proves = { "rfc6409-7-24", "rfc6409-7-16", "rfc6409-7-7" },
  says = [[The greeting is no 521; AUTH is there, inside TLS at the latest; ATRN is for hosts, not for users.]],
  why = [[Without AUTH nobody can submit.]],
  catches = "submission-no-auth",
  users = 0,
  run = function(t)
    local c = t:smtp { service = "submission" }
    if not c:has "AUTH" and c:has "STARTTLS" then c:secure() end
    t:check(c:has "AUTH", "no AUTH on the submission port")
    t:check(not c:has "ATRN", "ATRN on the submission port")
  end,
})

scenario(common {
  name = "should-offer",
  title = "Submission offers PIPELINING, ENHANCEDSTATUSCODES, 8BITMIME and DSN",
  proves = { "rfc6409-7-1", "rfc6409-7-2", "rfc6409-7-11", "rfc6409-7-5" },
  says = [[These four are what a mail program may count on.]],
  why = [[What the submission server does not know, no server behind it is asked for.]],
  catches = { "submission-fewer-extensions", "smtp-utf8-without-8bitmime" },
  users = 0,
  run = function(t)
    local c = t:smtp { service = "submission" }
    for _, word in ipairs { "PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN" } do
      t:check(c:has(word), "no %s on the submission port", word)
    end
  end,
})

scenario(common {
  name = "null-sender-is-taken",
  title = "The null sender alone is no reason to refuse a message",
  proves = "rfc6409-3.2-3",
  says = [[A user who is logged in may send with MAIL FROM:<>.]],
  why = [[Mail programs send receipts and vacation notes that way, so that nobody answers them.]],
  catches = { "submission-null-sender-refused", "smtp-null-sender-refused" },
  run = function(t)
    local c = t:submission()
    c:send "MAIL FROM:<>"
    local r = c:expect("2yz", "4yz", "5yz")
    t:check(r:is "250", "MAIL FROM:<> got %s", r)
    if not r:is "250" then return end
    c:send("RCPT TO:<" .. t.user.address .. ">")
    r = c:expect("2yz", "4yz", "5yz")
    t:check(r:is "2yz", "a recipient of mail from <> got %s", r)
  end,
})

scenario(common {
  name = "message-id-is-added",
  title = "A message without Message-ID gets one",
  proves = { "rfc6409-8.3-1", "rfc6409-8.2-1" },
  level = "SHOULD",
  says = [[What a user submits without Message-ID goes on with one; a missing Date may be added too. What is there
           stays.]],
  why = [[Mail without the two is taken for spam, and cannot be answered in a thread.]],
  catches = { "submission-no-message-id", "smtp-data-keeps-transaction", "smtp-loses-after-250",
    "smtp-delivered-dsn-unasked" },
  run = function(t)
    local c = t:submission()
    local text = "From: <" .. t.user.address .. ">\r\nTo: <" .. t.user.address .. ">\r\nSubject: " .. t.marker
      .. "-bare\r\n\r\nhello\r\n"
    c:mail { from = t.user.address, data = text }
    c:mail { from = t.user.address, data = message.make { subject = t.marker .. "-whole", id = "<" .. t.marker
      .. "@client.example>", date = "Sat, 21 Nov 2026 01:02:03 +0000" } }
    local bare = t:delivered(t.marker .. "-bare", { judge = true, seconds = 8 })
    t:check((message.header(bare, "Message-ID") or ""):find "^<[^%s@<>]+@[^%s@<>]+>$", "Message-ID is %s",
      message.header(bare, "Message-ID"))
    t:record("Date is added", message.header(bare, "Date") ~= nil)
    local whole = t:delivered(t.marker .. "-whole", { judge = true, seconds = 8 })
    t:equal(message.header(whole, "Message-ID"), "<" .. t.marker .. "@client.example>", "Message-ID that was there")
    t:equal(message.headers(whole, "Date"), { "Sat, 21 Nov 2026 01:02:03 +0000" }, "Date that was there")
  end,
})
