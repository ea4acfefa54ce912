-- Local parts outside the grammar. RFC 5321, 4.1.1, 4.1.2 and 3.3.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "bad-local-parts",
  title   = "A local part that is neither a dotted string nor a quoted one is refused for good",
  proves  = { "rfc5321-4.1.1-2", "rfc5321-3.3-2" },
  says    = [[Unquoted blanks, commas, brackets, a second @ and a quote that nobody closes are no mailbox: the code is a
              5yz, since trying again would not help.]],
  why     = [[What one program reads as one address is two for the next one.]],
  users   = 0,
  catches = "smtp-accepts-bad-path",
  run = function(t)
    for _, bad in ipairs { "ann bob@client.example", "ann,bob@client.example", "ann@bob@client.example",
      '"ann@client.example', "ann[1]@client.example" } do
      local c = t:smtp() -- a new one each time: servers hang up on a client that errs too often
      c:send("MAIL FROM:<" .. bad .. ">")
      local r = c:expect("2yz", "4yz", "5yz")
      t:check(r:is "5yz", "MAIL FROM:<%s> got %s", bad, r)
      c:close()
    end
  end,
}
