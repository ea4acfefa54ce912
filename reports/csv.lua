-- CSV, one line a scenario or check, for spreadsheets. RFC 4180: CRLF, quotes doubled.
-- SPDX-License-Identifier: MIT
local words = require "reports.lib.words"

local function cell(v)
  v = tostring(v or "")
  -- A cell that begins like a formula is text all the same.
  if v:match "^[=+@-]" then v = "'" .. v end
  if v:find '[",\r\n]' then v = '"' .. v:gsub('"', '""') .. '"' end
  return v
end

local function render(run, write)
  write "id,verdict,level,rfc,section,title,why,known,evidence\r\n"
  for _, c in ipairs(run.cases) do
    local s, f = c.start, c.finish or {}
    local row = { s.case, words.verdict(c), s.level, s.rfc, s.section, s.title, f.why, f.baseline_why, f.evidence }
    for i = 1, 9 do row[i] = cell(row[i]) end
    write(table.concat(row, ",") .. "\r\n")
  end
end

return { kind = "csv", file = "run.csv", about = "CSV, one line a scenario or check", render = render }
