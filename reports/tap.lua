-- TAP version 14: one test point a scenario.
-- SPDX-License-Identifier: MIT
local words = require "reports.lib.words"
local xml = require "reports.lib.xml"

local function escape(s)
  return (xml.clean(s):gsub("[\n\t]", " "):gsub("[\\#]", "\\%0"))
end

-- A YAML scalar in double quotes: JSON's strings are that, too.
local json = require "reports.lib.json"

local function render(run, write)
  write "TAP version 14\n"
  if #run.cases == 0 then
    write("1..0 # nothing ran", run.finish and "" or ": the run was cut short", "\n")
    return
  end
  write("1..", #run.cases, "\n# target: ", escape(words.target(run)), "\n")
  for _, trouble in ipairs(run.troubles) do write("# ", escape(trouble), "\n") end
  for i, c in ipairs(run.cases) do
    local v, f = words.verdict(c), c.finish
    local why = f and f.why or "the run was cut short in the middle of it"
    local bad = words.bad[v] or v == "dependency"
    local stale = f and f.baseline == "stale"
    write(bad and "not ok " or stale and "not ok " or "ok ", i, " - ", escape(c.start.case))
    if v == "skip" then
      write(" # SKIP ", escape(why))
    elseif words.expected(c) then
      write(" # TODO known failure: ", escape(why))
    elseif v == "weak" then
      write(" # TODO not followed (SHOULD): ", escape(why))
    end
    write "\n"
    if bad or stale then
      write("  ---\n  verdict: ", v, "\n  level: ", c.start.level or "?", "\n  message: ", json.encode(why), "\n")
      if stale then write "  baseline: stale, the line can go\n" end
      if f and f.where and f.where ~= "" then write("  at: ", json.encode(f.where), "\n") end
      if f and f.seconds then write(("  duration_ms: %.3f\n"):format(f.seconds * 1000)) end
      if f and f.evidence then write("  evidence: ", json.encode(f.evidence), "\n") end
      write("  again: ", json.encode(words.again(run, c.start.case)), "\n  ...\n")
    end
  end
  if not run.finish then write "Bail out! the run was cut short\n" end
end

return { kind = "tap", file = "report.tap", about = "TAP version 14", render = render }
