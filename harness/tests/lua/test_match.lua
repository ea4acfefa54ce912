-- Tests of match.lua, run by harness/tests/protocol/test_match.c. Returns a table: sentence -> function.
-- SPDX-License-Identifier: MIT
local match = require "match"

local NIL = match.NIL

-- What a SELECT and a FETCH might bring.
local function untagged()
  return {
    { type = "FLAGS", data = { { "\\Answered", "\\Seen", "\\Draft", "$Forwarded" } } },
    { type = "EXISTS", number = 3, data = {} },
    { type = "RECENT", number = 0, data = {} },
    { type = "OK", code = "UIDNEXT", code_args = { 9 }, text = "next", raw = "* OK [UIDNEXT 9] next\r\n" },
    { type = "OK", code = "PERMANENTFLAGS", code_args = { { "\\Seen", "\\*" } }, text = "limited" },
    { type = "OK", code_args = {}, text = "still here", raw = "* OK still here\r\n" },
    { type = "LIST", data = { { "\\HasNoChildren", "\\Marked" }, "/", "INBOX" } },
    { type = "FETCH", number = 1,
      data = { { "UID", 5, "FLAGS", { "\\Seen", "x" }, "BODY[HEADER.FIELDS (TO A)]<0>", "hi" } } },
    { type = "FETCH", number = 2, data = { { "FLAGS", {}, "UID", 7, "BODY[TEXT]", NIL } } },
    { type = "STATUS", data = { "a b", { "UNSEEN", 1, "MESSAGES", 3 } } },
    { type = "ESEARCH", data = { { "TAG", "a7" }, "UID", "COUNT", 2, "ALL", "5,7" } },
    { type = "SEARCH", data = { 2, 3, 5 } },
    { type = "CAPABILITY", data = { "IMAP4rev1", "IDLE", "AUTH=PLAIN" } },
    { type = "ID", data = { { "name", "x", "version", NIL } } },
  }
end

local function yes(templates, want)
  local bindings, why = match.match(untagged(), templates)
  if not bindings then error("no match: " .. why, 2) end
  for name, value in pairs(want or {}) do
    if bindings[name] ~= value then
      error(("$%s is %s, not %s"):format(name, tostring(bindings[name]), tostring(value)), 2)
    end
  end
  return bindings
end

local function no(templates, ...)
  local bindings, why = match.match(untagged(), templates)
  if bindings then error("it matched", 2) end
  for _, words in ipairs { ... } do
    if not why:find(words, 1, true) then error(("%q is not in: %s"):format(words, why), 2) end
  end
end

local function broken(template, words)
  local ok, why = pcall(match.match, {}, { template })
  if ok then error("the template was taken", 2) end
  if not tostring(why):find(words, 1, true) then error(("%q is not in: %s"):format(words, why), 2) end
end

local tests = {}

tests["numbers, names and lists match as they are written"] = function()
  yes { "* 3 EXISTS", "* 0 RECENT", "* SEARCH 2 3 5" }
  yes { "3 exists" }
  no({ "* 4 EXISTS" }, 'nothing matches "* 4 EXISTS"', "got * 3 EXISTS")
  no({ "* 3 EXPUNGE" }, "no EXPUNGE came")
end

tests["a number that is left out may be any"] = function()
  yes { "* EXISTS", "* FETCH ($ ...)" }
  no { "* SEARCH" }
end

tests["a name binds at its first match and has to be equal from then on"] = function()
  yes({ "* $n EXISTS", "* STATUS $ (MESSAGES $n ...)" }, { n = 3 })
  no({ "* $n EXISTS", "* $n RECENT" }, "with $n = 3", "got * 0 RECENT")
  yes({ "* OK [UIDNEXT $next]", "* 1 FETCH (UID $uid ...)" }, { next = 9, uid = 5 })
end

tests["a choice that leads nowhere is taken back"] = function()
  -- The first template takes message 1 first, but its UID is the one that SEARCH has.
  yes({ "* $n FETCH ($ ...)", "* FETCH (UID $uid ...)", "* SEARCH $uid ..." }, { n = 2, uid = 5 })
end

tests["lists bind whole and compare member by member"] = function()
  local b = yes { "* 1 FETCH (FLAGS $flags ...)" }
  assert(#b.flags == 2 and b.flags[1] == "\\Seen")
end

tests["each template takes a response of its own"] = function()
  yes { "* OK ...", "* OK ...", "* OK ..." }
  no({ "* OK", "* OK", "* OK", "* OK" }, 'nothing matches "* OK"')
  no { "* EXISTS", "* EXISTS" }
end

tests["flags match in any order, and all of them unless the template says ..."] = function()
  yes { '* FLAGS (\\draft "$Forwarded" \\SEEN \\Answered)' }
  yes { "* FLAGS ($ $ $ $)" }
  no { "* FLAGS (\\Seen)" }
  no { "* FLAGS (\\Deleted ...)" }
end

tests["FETCH items match in any order, sections spelled in any case"] = function()
  yes { "* 1 FETCH (body[header.fields (to a)]<0> \"hi\" FLAGS (x \\Seen) UID 5)" }
  no { "* 1 FETCH (UID 5)" }
  yes { "* 1 FETCH (UID 5 ...)", "* 2 FETCH (FLAGS () ...)" }
  no { "* 1 FETCH (UID 7 ...)" }
end

tests["the last item of a list may go without its value"] = function()
  yes { "* 1 FETCH (UID ...)" }
  no { "* 1 FETCH (RFC822.SIZE ...)" }
  no { "* 1 FETCH (UID)" }
end

tests["NIL is not the string NIL, nor an empty list"] = function()
  yes { "* 2 FETCH (BODY[TEXT] NIL ...)" }
  no { '* 2 FETCH (BODY[TEXT] "NIL" ...)' }
  no { "* 2 FETCH (FLAGS NIL ...)" }
  no { "* 2 FETCH (BODY[TEXT] () ...)" }
end

tests["quoted words match exactly, others in any case"] = function()
  yes { '* STATUS "a b" ($ $ ...)' }
  no { '* STATUS "A B" ($ $ ...)' }
  yes { '* LIST ($ ...) "/" inbox' }
  no { '* LIST ($ ...) "/" "inbox"' }
end

tests["LIST attributes and capabilities match in any order"] = function()
  yes { "* LIST (\\Marked \\HasNoChildren) $ INBOX" }
  yes { "* CAPABILITY AUTH=PLAIN IMAP4rev1 ..." }
  no { "* CAPABILITY IMAP4rev1 IMAP4rev2 ..." }
end

tests["STATUS, ESEARCH and ID items match in any order"] = function()
  yes { "* STATUS $ (MESSAGES 3 UNSEEN 1)" }
  yes { "* ESEARCH UID ALL 5,7 COUNT 2" }
  yes({ "* ESEARCH (TAG $tag) UID COUNT 2 ..." }, { tag = "a7" })
  no { "* ESEARCH COUNT 2 ..." }
  no { "* ESEARCH UID COUNT 2" }
  yes { '* ID ("version" NIL "name" $)' }
end

tests["response codes are matched by name and arguments, texts only where the template has one"] = function()
  yes { "* OK [PERMANENTFLAGS (\\* \\Seen)]" }
  yes { "* OK [uidnext $] next" }
  yes { "* OK still here" }
  no { "* OK [UIDNEXT 8]" }
  no { "* OK [UIDNEXT]" }
  no { "* OK [ALERT]" }
  no { "* OK elsewhere" }
end

tests["none lists what must not come, with the names bound before"] = function()
  yes { "* EXISTS", none = { "* EXPUNGE", "* $n FETCH (UID 6 ...)" } }
  no({ "* EXISTS", none = { "* $ FETCH (UID 7 ...)" } }, "must not come", "* 2 FETCH")
  yes { "* 1 FETCH (UID $uid ...)", none = { "* 2 FETCH (UID $uid ...)" } }
  no { "* 2 FETCH (UID $uid ...)", none = { "* FETCH (UID $uid ...)" } }
  yes { none = "* BYE" }
end

tests["a template that cannot be read is an error of the scenario, in words"] = function()
  broken("* FLAGS (a", ") is missing")
  broken("* FLAGS (... a)", "has to be the last")
  broken('* LIST () "/', "has no end")
  broken("* OK [UIDNEXT", "] is missing")
  broken("* 3", "has to name a response")
  broken("", "has to name a response")
  broken("* FETCH (BODY[TEXT $)", "has no ]")
  broken("* $n-1 EXISTS", "letters, digits and _")
  broken("* OK []", "has to have a name")
  broken("* FLAGS a)", "not expected")
  broken(3, "has to be a string")
end

tests["too many ways to deal templates out end in an error, not in an hour"] = function()
  local many, templates = {}, {}
  for i = 1, 60 do many[i] = { type = "EXPUNGE", number = i, data = {} } end
  for i = 1, 12 do templates[i] = "* $n" .. i .. " EXPUNGE" end
  templates[13] = "* 99 EXPUNGE"
  local ok, why = pcall(match.match, many, templates)
  assert(not ok and tostring(why):find("too many ways", 1, true), tostring(why))
end

tests["long responses are shown short, odd bytes as dots"] = function()
  local _, why = match.match({ { type = "OK", code_args = {}, text = "x", raw = "* OK \0\255" .. ("y"):rep(500) } },
                             { "* OK [ALERT]" })
  assert(#why < 200 and why:find("* OK ..yyy", 1, true), why)
end

return tests
