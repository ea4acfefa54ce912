-- Words too many behind AUTH. RFC 4954, 4.
-- SPDX-License-Identifier: MIT
scenario {
  name    = "third-word",
  title   = "AUTH with a word behind its initial response is refused",
  proves  = { "rfc4954-4-x7", "rfc4954-4-1" },
  says    = [[AUTH takes a mechanism and one initial response. With another word behind it the login fails, although the
              response is right.]],
  why     = [[A server that reads some of the words, and a filter in front of it that reads others, see two different
              users.]],
  services = { "submission" },
  catches = { "smtp-auth-third-word" },
  tags    = { "auth" },
  run = function(t)
    t:each_door("PLAIN", function(door)
      if door.protocol ~= "smtp" then return end
      local response = mime.base64("\0" .. t.user.name .. "\0" .. t.user.password)
      for _, words in ipairs { response .. " x", response .. " " .. response, response .. " =" } do
        local c = door.open()
        c:send("AUTH PLAIN " .. words)
        local r = c:expect("2yz", "334", "4yz", "5yz", "closed")
        t:check(not r:is("2yz", "334"), "%s: AUTH PLAIN with a word behind the right response got %s", door.service, r)
        c:close()
      end
    end)
  end,
}
