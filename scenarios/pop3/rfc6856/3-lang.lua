-- Languages. RFC 6856, 3.
-- SPDX-License-Identifier: MIT

-- The tags that LANG lists, or nil when the server does not want to.
local function tags(t, c)
  c:send "LANG"
  local r = c:expect("+OK", "-ERR")
  if r:is "-ERR" then t:skip("the server does not list its languages, as it may: %s", r) end
  local list = {}
  for _, line in ipairs(r.lines) do
    local tag, rest = line:match "^(%a[%w-]*)(.*)$"
    t:check(tag and (rest == "" or rest:match "^ [^ ]"), "this line of LANG is no tag with a description: %q", line)
    t:check(utf8.len(line), "this line of LANG is no UTF-8: %q", line)
    list[#list + 1] = tag
  end
  return list
end

scenario {
  name    = "listed-is-chosen",
  title   = "LANG lists languages, and each of them can be chosen, before login and after it",
  proves  = { "rfc6856-3.2-2", "rfc6856-3.2-x1", "rfc6856-3.1-x1", "rfc6856-3.2-x4", "rfc6856-3.2-x5" },
  says    = [[A line of the list is a tag and its name; LANG with the tag, in any case, gets +OK, the tag and a text.]],
  why     = [[Error texts are shown to people, and few of them read English.]],
  needs   = { "LANG" },
  messages = 0,
  catches = { "pop3-lang-list-form", "pop3-lang-no-tag", "pop3-lang-case-sensitive",
    "pop3-lang-before-login-only", "pop3-lang-latin1", "pop3-unknown-command-ok" },
  run = function(t)
    local list
    for _, o in ipairs { {}, { login = true } } do
      local c = t:pop3(o)
      list = list or tags(t, c)
      t:check(#list > 0, "the list of languages is empty")
      for n, tag in ipairs(list) do
        if n > 8 then break end
        for _, word in ipairs { tag, tag:upper(), tag:lower() } do
          c:send("LANG " .. word, { multiline = false })
          local r = c:expect("+OK", "-ERR")
          t:check(r:is "+OK" and r.text:match "^(%S+)" == tag, "LANG %s, which is listed as %s, got %s", word, tag, r)
          if not r:is "+OK" then return end
          t:check(utf8.len(r.raw), "the reply to LANG %s is no UTF-8: %q", word, r.raw)
        end
        c:send "FLURB"
        local r = c:expect "-ERR"
        t:check(utf8.len(r.text), "the text after LANG %s is no UTF-8: %q", tag, r.text)
      end
    end
  end,
}

scenario {
  name    = "unknown-changes-nothing",
  title   = "A language that nobody speaks gets -ERR, and the one in use stays",
  proves  = { "rfc6856-3.2-x2", "rfc6856-3.2-x3" },
  says    = [[LANG with an unknown tag is refused, and texts go on as before; the asterisk chooses the one that the
              administrator prefers and names it.]],
  why     = [[A client tries its user's languages one after another.]],
  needs   = { "LANG" },
  messages = 0,
  catches = { "pop3-lang-unknown-ok", "pop3-lang-no-star", "pop3-lang-no-tag", "pop3-unknown-command-ok",
    "pop3-lang-failure-resets", "pop3-lang-list-form" },
  run = function(t)
    local c = t:pop3()
    local list = tags(t, c)
    local last = list[#list] or t:fail "the list of languages is empty"
    c:send("LANG " .. last, { multiline = false })
    c:expect "+OK"
    c:send "FLURB"
    local before = c:expect "-ERR".raw
    c:send("LANG x-no-such", { multiline = false })
    local r = c:reply()
    t:check(r:is "-ERR", "a language that nobody speaks got %s", r)
    c:send "FLURB"
    t:equal(c:expect "-ERR".raw, before, "a refusal in " .. last .. " after a LANG that was refused")
    c:send("LANG *", { multiline = false })
    r = c:reply()
    local chosen = r:is "+OK" and r.text:match "^(%S+)"
    local known = false
    for _, tag in ipairs(list) do known = known or tag == chosen end
    t:check(known, "LANG * got %s, which names no language of the list", r)
  end,
}
