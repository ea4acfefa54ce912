-- A run as text: what went wrong with its exchange, then the counts. Options: color, verbose ("1": every scenario).
-- SPDX-License-Identifier: MIT
local words = require "reports.lib.words"

local colors = { pass = "32", fail = "31;1", error = "35;1", timeout = "31;1", weak = "33", interrupted = "35" }

local function render(run, write)
  local color, verbose = run.options.color, tonumber(run.options.verbose or "0") or 0

  local function paint(code, text)
    if not color or not code then return text end
    return "\27[" .. code .. "m" .. text .. "\27[0m"
  end
  -- Texts may quote a server: nothing of it reaches the terminal raw, save letters of other scripts.
  local function safe(text)
    return (text:gsub("[%c\127]", function(c) return run.escape(c) end):gsub("\xC2[\x80-\x9F]", run.escape))
  end

  for _, c in ipairs(run.cases) do
    local v, s, f = words.verdict(c), c.start, c.finish
    local bad = words.bad[v] and not words.expected(c)
    if bad or verbose > 0 then
      write(paint(colors[v], ("%-5s"):format(v:upper())), " ", safe(s.case), "   ", s.level or "")
      if s.rfc then write("   RFC ", tostring(s.rfc), ", ", s.section or "") end
      write "\n"
      if f and f.why ~= "" then
        write("      ", safe(f.why), f.where ~= "" and "      (" .. safe(f.where) .. ")" or "", "\n")
      end
      write(run.text(c, bad, { indent = 6, color = color ~= nil, steps = verbose > 1,
                               last = verbose == 0 and 16 or 0 }))
      if bad and f and f.evidence then write("      pcap  ", run.folder, "/", f.evidence, "\n") end
      if bad then write("      again ", words.again(run, s.case), "\n") end
      write "\n"
    end
  end

  for _, trouble in ipairs(run.troubles) do write("note: ", safe(trouble), "\n") end
  for _, c in ipairs(run.cases) do
    if c.finish and c.finish.baseline == "stale" then
      write("STALE ", safe(c.start.case), ": the baseline lists it, and it is ", words.verdict(c), " now\n")
    end
  end
  write(words.target(run), ": ", words.sentence(run), "\n")
  local parts, expected = {}, 0
  for _, count in ipairs(words.counts_in_order(run)) do
    parts[#parts + 1] = paint(count[2] > 0 and colors[count[1]] or nil, ("%d %s"):format(count[2], count[1]))
  end
  for _, c in ipairs(run.cases) do
    if words.expected(c) then expected = expected + 1 end
  end
  write(table.concat(parts, ", "))
  if expected > 0 then write((" (%d expected by the baseline)"):format(expected)) end
  if run.finish then write("; ", words.seconds(run.finish.seconds), ", exit ", tostring(run.finish.exit)) end
  write "\n"
end

return { kind = "terminal", file = "report.txt", about = "text: failures with their exchange, counts", render = render }
