-- Completes the table `run` that every renderer gets (reports/README.md says what is in it): joins the
-- shards of a run, sorts its scenarios, reads the catalogue of requirements.
-- SPDX-License-Identifier: MIT

-- A key by which ids sort as people count: section 4.1.1.9 before 4.1.1.10.
local function natural(id)
  return (id:gsub("%d+", function(digits) return ("%012d"):format(tonumber(digits) or 0) end))
end

-- The exit code that says most about the whole, from those of its shards.
local function worst(codes)
  local seen, ran = {}, false
  for _, code in ipairs(codes) do
    seen[code] = true
    ran = ran or code == 0
  end
  for _, code in ipairs { 130, 124, 3, 4, 2, 1, 6 } do
    if seen[code] then return code end
  end
  if ran or not seen[5] then return 0 end
  return 5
end

-- One run.end for all shards, or nil when one of them was cut short.
local function join(ends, n, troubles)
  if n == 1 then return ends[1] end
  local codes, counts, seconds, cpu_ms, stopped = {}, {}, 0, nil, nil
  for i = 1, n do
    local e = ends[i]
    if not e then
      troubles[#troubles + 1] = ("part %d of %d was cut short"):format(i, n)
      return nil
    end
    codes[i] = e.exit or 0
    for verdict, count in pairs(e.counts or {}) do counts[verdict] = (counts[verdict] or 0) + count end
    seconds = math.max(seconds, e.seconds or 0)
    stopped = stopped or e.stopped
    if e.cpu_ms then cpu_ms = (cpu_ms or 0) + e.cpu_ms end
  end
  return { v = 1, ev = "run.end", exit = worst(codes), counts = counts, seconds = seconds, cpu_ms = cpu_ms,
           stopped = stopped }
end

local function read_catalogue(files, troubles)
  local requirements, rfcs = {}, {}
  table.sort(files)
  for _, file in ipairs(files) do
    local load, why = loadfile(file, "t", {})
    local ok, book = false, why
    if load then ok, book = pcall(load) end
    if ok and type(book) == "table" and type(book.requirements) == "table" then
      rfcs[book.rfc] = book.title
      for _, r in ipairs(book.requirements) do
        requirements[r.id] = { id = r.id, rfc = book.rfc, section = r.section, level = r.level, test = r.test,
                               says = r.says and r.says:gsub("%s+", " ") }
      end
    else
      troubles[#troubles + 1] = tostring(book)
    end
  end
  return requirements, rfcs
end

return function(raw)
  local run = {
    home = raw.home, folder = raw.folder, options = raw.options, troubles = raw.troubles,
    lines = raw.lines, text = raw.text, escape = raw.escape, base64 = raw.base64, sha256 = raw.sha256,
    start = raw.starts[1], parts = #raw.starts, cases = raw.cases,
  }
  run.finish = join(raw.ends, run.parts, run.troubles)
  run.requirements, run.rfcs = read_catalogue(raw.requirement_files, run.troubles)
  for _, c in ipairs(run.cases) do c.key = natural(c.start.case) end
  table.sort(run.cases, function(a, b)
    if a.key ~= b.key then return a.key < b.key end
    return a.index < b.index
  end)
  run.natural = natural
  return run
end
