-- What every report says in the same words: verdicts, counts, coverage, the sentence at the top.
-- SPDX-License-Identifier: MIT
local words = {}

-- From best to worst; "interrupted" is a scenario that began and never ended.
words.verdicts = { "pass", "noted", "skip", "dependency", "weak", "timeout", "fail", "error", "interrupted" }
words.meaning = {
  pass = "the server does what is asked",
  noted = "a free choice of the server, recorded",
  skip = "not applicable to this server",
  dependency = "something that it builds on failed",
  weak = "a SHOULD is not followed",
  fail = "a MUST is broken",
  timeout = "it took too long",
  error = "mailproof's own trouble",
  interrupted = "the run ended in the middle of it",
}
-- What went wrong, and is worth showing at length.
words.bad = { fail = true, weak = true, timeout = true, error = true, interrupted = true }

function words.verdict(c)
  return c.finish and c.finish.verdict or "interrupted"
end

-- Whether the baseline expects this failure.
function words.expected(c)
  return c.finish ~= nil and c.finish.baseline == "expected"
end

function words.counts(run)
  local counts = {}
  for _, c in ipairs(run.cases) do
    local v = words.verdict(c)
    counts[v] = (counts[v] or 0) + 1
  end
  return counts
end

-- { { "pass", 12 }, … } of the verdicts that there are; pass and fail always.
function words.counts_in_order(run)
  local counts, out = words.counts(run), {}
  for _, v in ipairs(words.verdicts) do
    if counts[v] or v == "pass" or v == "fail" then out[#out + 1] = { v, counts[v] or 0 } end
  end
  return out
end

function words.target(run)
  local t = run.start.target
  if type(t) ~= "table" then return tostring(t or "?") end
  return t.name or "?"
end

-- Whether the run came to its end and every scenario in it too.
function words.complete(run)
  if not run.finish or run.finish.stopped then return false end
  for _, c in ipairs(run.cases) do
    if not c.finish then return false end
  end
  return true
end

function words.seconds(s)
  if not s then return "" end
  if s < 10 then return ("%.3f s"):format(s) end
  if s < 120 then return ("%.1f s"):format(s) end
  return ("%d min %02d s"):format(s // 60, math.floor(s % 60))
end

function words.plural(n, one, many)
  return ("%d %s"):format(n, n == 1 and one or many or one .. "s")
end

-- A word in single quotes where a shell would not take it as it is.
function words.shell(word)
  if word:find("^[%w@%%+=:,./_-]+$") then return word end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- The command that runs one scenario again: the run's own command, with this id instead of its globs.
local takes_value = { ["--target"] = true, ["--user"] = true, ["--ca"] = true, ["--domain"] = true, ["--fault"] = true,
                      ["--password-file"] = true, ["--timeout-scale"] = true, ["--seed"] = true }
local plain = { ["--allow-destructive"] = true }
function words.again(run, id)
  local out, argv = { "mailproof", "run" }, run.start.command or {}
  local i = 1
  while i <= #argv do
    local word = argv[i]
    local name = word:match "^(%-%-[%w-]+)="
    if takes_value[word] and argv[i + 1] then
      out[#out + 1] = word
      out[#out + 1] = words.shell(argv[i + 1])
      i = i + 1
    elseif plain[word] or name and takes_value[name] then
      out[#out + 1] = words.shell(word)
    end
    i = i + 1
  end
  out[#out + 1] = "-v"
  out[#out + 1] = words.shell(id)
  return table.concat(out, " ")
end

-- "MUST" for MUST and MUST NOT, and so on; "stated" for a norm without a keyword.
function words.strength(level)
  level = level or ""
  if level:find "^MUST" or level:find "^SHALL" or level:find "^REQUIRED" then return "MUST" end
  if level:find "^SHOULD" or level:find "RECOMMENDED" then return "SHOULD" end
  if level:find "^MAY" or level:find "^OPTIONAL" then return "MAY" end
  return "stated"
end
words.strengths = { "MUST", "SHOULD", "MAY", "stated" }

-- What the run says about a requirement: fail when one of its scenarios is bad, pass when one passed and none is
-- bad, na when all were skipped, open when the suite has no scenario for it in this run.
local rank = { fail = 4, pass = 3, na = 2, open = 1 }
local outcome_of = { pass = "pass", noted = "pass", skip = "na", dependency = "na", weak = "fail", timeout = "fail",
                     fail = "fail", error = "na", interrupted = "na" }

-- { [id] = { outcome, cases = { … } } } for every requirement of the catalogue and every one that a scenario names.
function words.coverage(run)
  local by = {}
  for id, r in pairs(run.requirements) do by[id] = { requirement = r, outcome = "open", cases = {} } end
  for _, c in ipairs(run.cases) do
    local outcome = outcome_of[words.verdict(c)] or "na"
    for _, id in ipairs(c.start.proves or {}) do
      local entry = by[id]
      if not entry then
        entry = { requirement = { id = id, says = "", level = c.start.level or "", section = c.start.section or "",
                                  rfc = c.start.rfc }, outcome = "open", cases = {} }
        by[id] = entry
      end
      entry.cases[#entry.cases + 1] = c
      if rank[outcome] > rank[entry.outcome] then entry.outcome = outcome end
    end
  end
  return by
end

words.stopped = {
  deadline = "its time was over", interrupted = "interrupted", target = "the target was gone",
  record = "it could not be recorded", ["fail-fast"] = "at the first failure, as asked",
}

-- The sentence at the top of a report.
function words.sentence(run)
  local tally, na = {}, 0
  for _, entry in pairs(words.coverage(run)) do
    local s = words.strength(entry.requirement.level)
    tally[s] = tally[s] or { pass = 0, fail = 0, na = 0, open = 0 }
    tally[s][entry.outcome] = tally[s][entry.outcome] + 1
    if entry.outcome == "na" then na = na + 1 end
  end
  local held = {}
  for _, s in ipairs { "MUST", "SHOULD", "stated" } do
    local t = tally[s]
    if t and t.pass + t.fail > 0 then
      local all = t.pass + t.fail
      held[#held + 1] = (t.fail == 0 and "all %d" or "%d of %d"):format(t.pass, all) .. " " ..
        (s == "stated" and "stated without a keyword" or s)
    end
  end
  local parts = {}
  if #run.cases == 0 then
    parts[1] = "No scenario ran."
  elseif #held > 0 then
    local last = table.remove(held)
    parts[1] = ("Of the requirements that were tested hold: %s."):format(#held > 0 and
      table.concat(held, ", ") .. " and " .. last or last)
  end
  local unexpected, known = 0, 0
  for _, c in ipairs(run.cases) do
    if words.expected(c) then
      known = known + 1
    elseif words.bad[words.verdict(c)] then
      unexpected = unexpected + 1
    end
  end
  if known > 0 then
    parts[#parts + 1] = unexpected == 0 and "The baseline expects every failure."
      or ("The baseline expects %s."):format(words.plural(known, "of the failures", "of the failures"))
  end
  if na > 0 then
    parts[#parts + 1] = ("%s could not be tested on this server."):format(words.plural(na, "requirement"))
  end
  if not words.complete(run) then
    local why = run.finish and words.stopped[run.finish.stopped]
    parts[#parts + 1] = ("The run was cut short%s: what follows is what it had found by then."):format(
      why and " (" .. why .. ")" or "")
  end
  return table.concat(parts, " ")
end

return words
