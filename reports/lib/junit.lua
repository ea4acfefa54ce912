-- JUnit XML in its two dialects: "surefire" (with file and line, as GitLab and GitHub read it) and "strict"
-- (the schema of Jenkins' xUnit plugin, which knows neither).
-- SPDX-License-Identifier: MIT
local words = require "reports.lib.words"
local xml = require "reports.lib.xml"
local junit = {}

-- "smtp/rfc5321/4.1.1.4/bare-lf-dot" -> suite "smtp.rfc5321", class "smtp.rfc5321.s4_1_1_4", "bare-lf-dot"
local function split(id)
  local parts = {}
  for part in id:gmatch "[^/]+" do parts[#parts + 1] = part end
  local suite, class = {}, {}
  for i = 1, #parts - 1 do
    local word = parts[i]:gsub("%.", "_")
    if parts[i]:find "^%d" then word = "s" .. word else suite[#suite + 1] = word end
    class[#class + 1] = word
  end
  if #suite == 0 then suite[1] = "mailproof" end
  if #class == 0 then class = suite end
  return table.concat(suite, "."), table.concat(class, "."), parts[#parts] or id
end

-- What the verdict is in JUnit's words: nil (passed), "skipped", "failure" or "error", with a type and a line.
local function outcome(c, strict_run)
  local v, f = words.verdict(c), c.finish
  local why = f and f.why or ""
  if words.expected(c) then return "skipped", nil, "known failure: " .. why end
  if f and f.baseline == "stale" then
    return "failure", "XPASS", "the baseline lists it as failing, and it is " .. v .. " now: remove the line"
  end
  -- A SHOULD that is not followed fails a run only with --strict; JUnit has no word for a warning but this one.
  if v == "weak" and not strict_run then return "skipped", nil, "not followed (SHOULD): " .. why end
  if v == "fail" or v == "weak" then return "failure", f.level or c.start.level or "MUST", why end
  if v == "skip" then return "skipped", nil, why end
  if v == "dependency" then return "error", "dependency", why end
  if v == "timeout" then return "error", "timeout", why end
  if v == "error" then return "error", "error", why end
  if v == "interrupted" then return "error", "interrupted", "the run ended in the middle of this scenario" end
  return nil
end

local function first_line(s)
  return s:match "^[^\n]*"
end

local function body(run, c)
  local s, f = c.start, c.finish
  local out = {}
  if f and f.why ~= "" then out[#out + 1] = f.why .. (f.where ~= "" and "  (" .. f.where .. ")" or "") end
  out[#out + 1] = ("%s, RFC %s, %s: %s"):format(s.level or "?", tostring(s.rfc or "?"), s.section or "?", s.title or "")
  out[#out + 1] = run.text(c, true, { indent = 2, last = 40 })
  out[#out + 1] = "again: " .. words.again(run, s.case)
  return table.concat(out, "\n")
end

local function group(run)
  local suites, by, seen = {}, {}, {}
  local strict_run = false
  for _, word in ipairs(run.start.command or {}) do strict_run = strict_run or word == "--strict" end
  for _, c in ipairs(run.cases) do
    local suite, class, name = split(c.start.case)
    local proves = c.start.proves and c.start.proves[1]
    local label = (proves and proves .. " " or "") .. name .. (c.start.title and ": " .. c.start.title or "")
    local key = class .. "\0" .. label
    seen[key] = (seen[key] or 0) + 1
    if seen[key] > 1 then label = ("%s (%d)"):format(label, seen[key]) end
    local s = by[suite]
    if not s then
      s = { name = suite, cases = {}, failure = 0, error = 0, skipped = 0, seconds = 0 }
      by[suite] = s
      suites[#suites + 1] = s
    end
    local kind, type, message = outcome(c, strict_run)
    if kind then s[kind] = s[kind] + 1 end
    local seconds = c.finish and c.finish.seconds or 0
    s.seconds = s.seconds + seconds
    s.cases[#s.cases + 1] = { c = c, class = class, name = label, kind = kind, type = type, message = message,
                              seconds = seconds }
  end
  return suites
end

local function properties(run, write)
  local list = {
    { "target", words.target(run) },
    { "version", run.start.version },
    { "seed", run.start.seed },
    { "software", type(run.start.target) == "table" and run.start.target.software or nil },
    { "complete", tostring(words.complete(run)) },
  }
  write "    <properties>\n"
  for _, p in ipairs(list) do
    if p[2] ~= nil then write("      <property", xml.attributes { { "name", p[1] }, { "value", p[2] } }, "/>\n") end
  end
  write "    </properties>\n"
end

local function testcase(run, t, strict, write)
  local c = t.c
  local attributes = { { "classname", t.class }, { "name", t.name }, { "time", ("%.3f"):format(t.seconds) } }
  if not strict then
    attributes[#attributes + 1] = { "file", c.start.file }
    local where = c.finish and c.finish.where or ""
    attributes[#attributes + 1] = { "line", tonumber(where:match ":(%d+)$") or c.start.line }
  end
  write("    <testcase", xml.attributes(attributes))
  local evidence = c.finish and c.finish.evidence
  if not t.kind and not (c.finish and c.finish.verdict == "noted") then return write "/>\n" end
  write ">\n"
  if t.kind == "skipped" then
    write("      <skipped", xml.attributes { { "message", first_line(t.message) } }, "/>\n")
  elseif t.kind then
    write("      <", t.kind, xml.attributes { { "type", t.type }, { "message", first_line(t.message) } }, ">",
          xml.text(body(run, c)), "</", t.kind, ">\n")
    if evidence then
      write("      <system-out>[[ATTACHMENT|", xml.text(run.folder .. "/" .. evidence), "]]</system-out>\n")
    end
  else
    write("      <system-out>", xml.text(run.text(c, false, { steps = true, last = 40 })), "</system-out>\n")
  end
  write "    </testcase>\n"
end

function junit.render(run, write, strict)
  local suites = group(run)
  local tests, failures, errors = #run.cases, 0, 0
  for _, s in ipairs(suites) do
    failures = failures + s.failure
    errors = errors + s.error
  end
  write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites',
        xml.attributes { { "name", "mailproof" }, { "tests", tests }, { "failures", failures }, { "errors", errors },
                         { "time", ("%.3f"):format(run.finish and run.finish.seconds or 0) } }, ">\n")
  for i, s in ipairs(suites) do
    write("  <testsuite", xml.attributes {
      { "name", s.name }, { "id", i - 1 }, { "package", s.name }, { "tests", #s.cases }, { "failures", s.failure },
      { "errors", s.error }, { "skipped", s.skipped }, { "time", ("%.3f"):format(s.seconds) },
      { "timestamp", run.start.t and run.start.t:match "^[%d-]+T[%d:]+" },
    }, ">\n")
    properties(run, write)
    for _, t in ipairs(s.cases) do testcase(run, t, strict, write) end
    write "  </testsuite>\n"
  end
  write "</testsuites>\n"
end

return junit
