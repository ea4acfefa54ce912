-- report.html: the whole run in one file that needs no network: what the verdict is, how much of each RFC holds,
-- every scenario with its exchange, every requirement with what became of it.
--
-- What a server said is in here, so the page forbids itself everything (Content-Security-Policy) but its own style
-- and its own script, named by their hashes; without either it still reads well.
-- SPDX-License-Identifier: MIT
local words = require "reports.lib.words"
local xml = require "reports.lib.xml"
local exchange = require "reports.lib.exchange"
local text, attribute = xml.text, xml.attribute

local MOST = 4700 * 1000        -- bytes of the page, about: what is said of each scenario depends on how many there are
local MOST_EACH = 120 * 1000    -- bytes of one exchange that went wrong

local symbol = { pass = "✓", fail = "✗", weak = "~", noted = "•", skip = "–", dependency = "⊘", timeout = "⏱",
                 error = "!", interrupted = "…" }
local outcome_word = { pass = "hold", fail = "broken", na = "not applicable", open = "not covered" }
local outcomes = { "pass", "fail", "na", "open" }

local function asset(run, name)
  local file <close> = assert(io.open(run.home .. "/reports/assets/" .. name))
  return file:read "a"
end

local function badge(v)
  return ('<span class="word %s">%s %s</span>'):format(v, symbol[v] or "?", v)
end

local function section_link(rfc, section)
  if not rfc then return "" end
  local label = "RFC " .. rfc .. (section and section ~= "" and ", " .. section or "")
  local anchor = section and section:match "^[%d%.A-Z]+$"
  local prefix = anchor and anchor:find "^%d" and "#section-" or "#appendix-"
  return ('<a href="https://www.rfc-editor.org/rfc/rfc%s.html%s">%s</a>'):format(
    text(rfc), anchor and prefix .. anchor:gsub("%.$", "") or "", text(label))
end

-- Anchors of the scenarios; one that ran several times has several.
local function name_anchors(run)
  local seen = {}
  for _, c in ipairs(run.cases) do
    local anchor = "s-" .. c.start.case:gsub("[^%w.-]", "_")
    seen[anchor] = (seen[anchor] or 0) + 1
    c.anchor = seen[anchor] > 1 and anchor .. "~" .. seen[anchor] or anchor
  end
end

-- --- the top ------------------------------------------------------------------------------------

local function facts(run, write)
  local s, list = run.start, {}
  local function fact(name, value) if value and value ~= "" then list[#list + 1] = { name, value } end end
  local target = type(s.target) == "table" and s.target or {}
  local services = {}
  for service, where in pairs(target.services or {}) do services[#services + 1] = service .. " " .. tostring(where) end
  table.sort(services)
  fact("software", target.software and text(target.software))
  fact("services", text(table.concat(services, ", ")))
  fact("date", s.t and text(s.t:gsub("T", " "):gsub("Z$", " UTC"):gsub("%.%d+", "")))
  fact("took", run.finish and words.seconds(run.finish.seconds))
  fact("mailproof", s.version and text(s.version))
  fact("seed", s.seed and text(s.seed))
  fact("exit code", run.finish and text(run.finish.exit))
  local argv = {}
  for i, word in ipairs(s.command or {}) do argv[i] = words.shell(word) end
  fact("command", #argv > 0 and "<code>" .. text(table.concat(argv, " ")) .. "</code>")
  write '<dl class="facts">'
  for _, f in ipairs(list) do write("<dt>", f[1], "</dt><dd>", f[2], "</dd>") end
  write "</dl>\n"
end

local function top(run, write)
  write('<header><div class="brand">mailproof</div><h1>', text(words.target(run)), "</h1>\n")
  write('<p class="verdict">', text(words.sentence(run)), "</p>\n")
  if #run.troubles > 0 then
    write '<div class="trouble">'
    for _, t in ipairs(run.troubles) do write("<p>", text(t), "</p>") end
    write "</div>\n"
  end
  facts(run, write)
  write '<ul class="chips">'
  for _, count in ipairs(words.counts_in_order(run)) do
    write('<li class="chip" title="', attribute(words.meaning[count[1]] or ""), '">', badge(count[1]), " <b>",
          exchange.thousands(count[2]), "</b></li>")
  end
  write "</ul></header>\n"
end

-- --- bars by RFC --------------------------------------------------------------------------------

local function bar(tally)
  local total, x, out = 0, 0, {}
  for _, o in ipairs(outcomes) do total = total + tally[o] end
  if total == 0 then return "" end
  for _, o in ipairs(outcomes) do
    local width = tally[o] / total * 100
    if width > 0 then
      out[#out + 1] = ('<rect class="%s" x="%.2f" width="%.2f" height="10"/>'):format(o, x, width)
      x = x + width
    end
  end
  local parts = {}
  for _, o in ipairs(outcomes) do
    if tally[o] > 0 then parts[#parts + 1] = tally[o] .. " " .. outcome_word[o] end
  end
  local short = ("%d of %d"):format(tally.pass, total)
  if tally.fail > 0 then short = short .. (' <b class="fail">%d broken</b>'):format(tally.fail) end
  return ('<svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img"><title>%s</title>%s</svg><span>%s</span>')
    :format(table.concat(parts, ", "), table.concat(out), short)
end

local function tallies(coverage)
  local by = {}
  for _, entry in pairs(coverage) do
    local r = entry.requirement
    local rfc = r.rfc or tonumber((r.id:match "^rfc(%d+)")) or 0
    by[rfc] = by[rfc] or {}
    local s = words.strength(r.level)
    by[rfc][s] = by[rfc][s] or { pass = 0, fail = 0, na = 0, open = 0 }
    by[rfc][s][entry.outcome] = by[rfc][s][entry.outcome] + 1
  end
  local order = {}
  for rfc, t in pairs(by) do
    local tested = 0
    for _, tally in pairs(t) do tested = tested + tally.pass + tally.fail + tally.na end
    order[#order + 1] = { rfc = rfc, tested = tested, tally = t }
  end
  table.sort(order, function(a, b)
    if (a.tested > 0) ~= (b.tested > 0) then return a.tested > 0 end
    return a.rfc < b.rfc
  end)
  return order
end

local function bars(run, coverage, write)
  write "<h2>By RFC</h2>\n<p class=\"legend\">"
  for _, o in ipairs(outcomes) do
    write('<svg viewBox="0 0 10 10"><rect class="', o, '" width="10" height="10"/></svg>', outcome_word[o])
  end
  write " by this run; of the requirements that the catalogue knows</p>\n"
  write '<table class="bars"><thead><tr><th>RFC</th>'
  for _, s in ipairs(words.strengths) do write("<th>", s, "</th>") end
  write "</tr></thead><tbody>\n"
  for _, row in ipairs(tallies(coverage)) do
    write("<tr><td>", ('<a href="#rfc%d">RFC %d</a> '):format(row.rfc, row.rfc), text(run.rfcs[row.rfc] or ""), "</td>")
    for _, s in ipairs(words.strengths) do
      write("<td>", row.tally[s] and bar(row.tally[s]) or "", "</td>")
    end
    write "</tr>\n"
  end
  write "</tbody></table>\n"
end

-- --- scenarios ----------------------------------------------------------------------------------

local function scenario(run, c, open, budget, write)
  local v, s, f = words.verdict(c), c.start, c.finish
  local haystack = (s.case .. " " .. (s.title or "") .. " " .. table.concat(s.proves or {}, " ") .. " "
    .. (s.level or "") .. " " .. v .. " " .. table.concat(s.tags or {}, " ") .. " " .. (f and f.why or "")):lower()
  write('<details class="case" id="', attribute(c.anchor), '" data-verdict="', v, '" data-text="',
        attribute(haystack), '"', open and " open" or "", "><summary>", badge(v), '<span class="id">', text(s.case),
        "<small>", text(s.title or ""), '</small></span><span class="t">', text(s.level or ""), "<br>",
        f and f.seconds and ("%.0f ms"):format(f.seconds * 1000) or "", '</span></summary><div class="body">\n')
  if f and f.why and f.why ~= "" then
    write('<p class="head ', v, '">', text(f.why), "</p>")
    if f.where and f.where ~= "" then write("<p><code>", text(f.where), "</code></p>") end
  elseif v == "interrupted" then
    write('<p class="head">The run ended in the middle of this scenario.</p>')
  end
  if f and f.baseline == "expected" then
    write("<p>The baseline expects this", f.baseline_why and ": " .. text(f.baseline_why) or "", ".</p>")
  end
  if f and f.baseline == "stale" then
    write '<p class="fail">The baseline lists this as failing: remove the line.</p>'
  end
  if s.says and s.says ~= "" then write("<p>", text(s.says:gsub("%s+", " ")), "</p>") end
  if s.why and s.why ~= "" then write("<p><em>", text(s.why:gsub("%s+", " ")), "</em></p>") end
  write("<p>", section_link(s.rfc, s.section))
  for _, id in ipairs(s.proves or {}) do write(' · <a href="#r-', attribute(id), '">', text(id), "</a>") end
  write "</p>\n"
  local html = exchange.html(run, c, words.bad[v], budget)
  if html ~= "" then write('<div class="x">', html, "</div>\n") end
  if not s.case:find "^lint/" then
    write('<p class="again">Again: <code>', text(words.again(run, s.case)), "</code></p>")
  end
  if f and f.evidence then
    write('<p>Capture: <a href="', attribute(f.evidence), '">', text(f.evidence),
          "</a>, for Wireshark; TLS keys inside</p>")
  end
  write "</div></details>\n"
end

local function scenarios(run, budget, write)
  local bad, known, groups, by = {}, {}, {}, {}
  for _, c in ipairs(run.cases) do
    local stale = c.finish and c.finish.baseline == "stale"
    if words.bad[words.verdict(c)] and not words.expected(c) or stale then
      bad[#bad + 1] = c
    elseif words.expected(c) then
      known[#known + 1] = c
    else
      local name = c.start.case:match "^[^/]+/[^/]+" or c.start.case
      if not by[name] then
        by[name] = { name = name, cases = {} }
        groups[#groups + 1] = by[name]
      end
      table.insert(by[name].cases, c)
    end
  end
  write "<h2 id=\"scenarios\">Scenarios</h2>\n"
  write '<div id="tools" class="hidden"><input id="search" type="search" placeholder="filter: words of an id, a title, '
  write 'a requirement (press /)" aria-label="filter">'
  for _, count in ipairs(words.counts_in_order(run)) do
    if count[2] > 0 then
      write('<button class="chip" type="button" aria-pressed="false" data-choose="', count[1], '">', badge(count[1]),
            " <b>", exchange.thousands(count[2]), "</b></button>")
    end
  end
  write '<span id="shown"></span></div>\n'

  -- Each exchange gets its share of the page; something is kept back for all that are still to come, so that short
  -- ones leave room for long ones and the last failure is told as well as it can be.
  local spent, todo = 0, #run.cases
  local function share(part, least, most)
    todo = todo - 1
    return math.max(least, math.min(most, (budget - spent - todo * 3500) // part))
  end
  local function counted(...)
    for i = 1, select("#", ...) do spent = spent + #tostring((select(i, ...))) end
    write(...)
  end
  if #bad > 0 then
    write '<section class="group"><h3>What to look at first</h3>\n'
    for i, c in ipairs(bad) do
      scenario(run, c, i <= 20, share(4, 2000, MOST_EACH), counted)
    end
    write "</section>\n"
  end
  if #known > 0 then
    write '<section class="group"><h3>What the baseline expects</h3>\n'
    for _, c in ipairs(known) do
      scenario(run, c, false, share(4, 2000, MOST_EACH), counted)
    end
    write "</section>\n"
  end
  for _, g in ipairs(groups) do
    write('<section class="group"><h3>', text(g.name), "</h3>\n")
    for _, c in ipairs(g.cases) do
      scenario(run, c, false, share(8, 500, 20000), counted)
    end
    write "</section>\n"
  end
end

-- --- requirements -------------------------------------------------------------------------------

local function requirements(run, coverage, write)
  local by = {}
  for id, entry in pairs(coverage) do
    local rfc = entry.requirement.rfc or tonumber((id:match "^rfc(%d+)")) or 0
    by[rfc] = by[rfc] or {}
    entry.key = run.natural((entry.requirement.section or "") .. " " .. id)
    table.insert(by[rfc], entry)
  end
  write '<h2 id="requirements">Requirements</h2>\n<ul class="chips">'
  for _, o in ipairs(outcomes) do
    write('<li><button class="chip" type="button" aria-pressed="false" data-outcome-choose="', o, '">',
          '<span class="word ', o, '">', outcome_word[o], "</span></button></li>")
  end
  write "</ul>\n"
  for _, row in ipairs(tallies(coverage)) do
    local list = by[row.rfc]
    table.sort(list, function(a, b) return a.key < b.key end)
    write('<details class="rfc" id="rfc', row.rfc, '"><summary>RFC ', row.rfc, " ", text(run.rfcs[row.rfc] or ""),
          " (", #list, ")</summary>\n<table class=asked><thead><tr><th>requirement</th><th>level</th><th>says</th>",
          "<th>here</th><th>scenarios</th></tr></thead><tbody>\n")
    for _, entry in ipairs(list) do
      local r, links = entry.requirement, {}
      for i, c in ipairs(entry.cases) do
        links[i] = ('<a href="#%s" class="%s" title="%s">%s</a>'):format(attribute(c.anchor), words.verdict(c),
          attribute(c.start.case), text(c.start.case:match "[^/]*$"))
      end
      local how = entry.outcome == "open" and r.test and r.test ~= "wire" and
        "<br><small>" .. text(r.test) .. "</small>" or ""
      write('<tr data-outcome="', entry.outcome, '"><td class="id" id="r-', attribute(r.id), '">',
            section_link(row.rfc, r.section), "<br><small>", text(r.id), '</small></td><td class="n">',
            text(r.level or ""), "</td><td>", text(r.says or ""), '</td><td class="', entry.outcome, '">',
            entry.outcome == "pass" and "holds" or outcome_word[entry.outcome], how, "</td><td>",
            table.concat(links, "<br>"), "</td></tr>\n")
    end
    write "</tbody></table></details>\n"
  end
end

local function render(run, write)
  local css, js = asset(run, "report.css"), asset(run, "report.js")
  local coverage = words.coverage(run)
  name_anchors(run)
  write("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n",
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'sha256-',
        run.sha256(css), "'; script-src 'sha256-", run.sha256(js), "'; base-uri 'none'; form-action 'none'\">\n",
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        '<meta name="referrer" content="no-referrer">\n',
        "<title>", text(words.target(run)), " · mailproof</title>\n<style>", css, "</style></head><body>\n")
  top(run, write)
  bars(run, coverage, write)
  local list, size = {}, #css + #js + 30000
  requirements(run, coverage, function(...)
    for i = 1, select("#", ...) do
      list[#list + 1] = tostring((select(i, ...)))
      size = size + #list[#list]
    end
  end)
  scenarios(run, MOST - size, write)
  write(table.concat(list))
  write("<script>", js, "</script></body></html>\n")
end

return { kind = "html", file = "report.html", about = "the whole run in one file, to read", render = render }
