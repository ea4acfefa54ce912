-- A summary in Markdown, for $GITHUB_STEP_SUMMARY and merge requests; kept well below their limit of 1 MiB.
-- SPDX-License-Identifier: MIT
local words = require "reports.lib.words"
local xml = require "reports.lib.xml"

local MOST = 100          -- scenarios told at length
local LIMIT = 900 * 1000  -- bytes

-- Text in which nothing is markup.
local function plain(s)
  return (xml.clean(s):gsub("%s+", " "):gsub("[\\`*_{}%[%]<>()#+!|~&-]", "\\%0"))
end

-- A code block that its content cannot end.
local function block(s)
  local fence = "```"
  while s:find(fence, 1, true) do fence = fence .. "`" end
  return fence .. "\n" .. xml.clean(s) .. (s:find "\n$" and "" or "\n") .. fence .. "\n"
end

local function render(run, write)
  local size = 0
  local function put(...)
    for i = 1, select("#", ...) do size = size + #tostring((select(i, ...))) end
    write(...)
  end
  put("# ", plain(words.target(run)), "\n\n", plain(words.sentence(run)), "\n\n")
  for _, trouble in ipairs(run.troubles) do put("> ", plain(trouble), "\n\n") end
  put "| verdict | scenarios | |\n| --- | ---: | --- |\n"
  for _, count in ipairs(words.counts_in_order(run)) do
    put("| ", count[1], " | ", count[2], " | ", words.meaning[count[1]] or "", " |\n")
  end
  put "\n"

  local told = 0
  for _, c in ipairs(run.cases) do
    local v, s, f = words.verdict(c), c.start, c.finish
    local stale = f and f.baseline == "stale"
    if words.bad[v] and not words.expected(c) or stale then
      told = told + 1
      if told == 1 then put "## What to look at\n\n" end
      if told <= MOST and size < LIMIT then
        put("### ", stale and "stale" or v, ": ", plain(s.case), "\n\n")
        if f and f.why ~= "" then put(plain(f.why), f.where ~= "" and " (" .. plain(f.where) .. ")" or "", "\n\n") end
        if stale then put "The baseline lists it as failing: remove the line.\n\n" end
        if s.says then put(s.level or "", ", RFC ", tostring(s.rfc or "?"), ", ", s.section or "", ": ", plain(s.says),
                           "\n\n") end
        local exchange = run.text(c, true, { last = 16, most_bytes = 120 })
        if exchange ~= "" then put(block(exchange), "\n") end
        put(block(words.again(run, s.case)), "\n")
      end
    end
  end
  if told > MOST then put((told - MOST), " more are in the full report.\n") end
end

return { kind = "markdown", file = "report.md", about = "Markdown summary (GitHub step summary)", render = render }
