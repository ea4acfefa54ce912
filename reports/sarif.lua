-- SARIF 2.1.0, for code scanning: a rule is a requirement, a result a scenario that went wrong, its place the line
-- of the scenario that decided.
-- SPDX-License-Identifier: MIT
local words = require "reports.lib.words"
local json = require "reports.lib.json"
local object, array = json.object, json.array

local level_of = { MUST = "error", SHOULD = "warning", MAY = "note", stated = "warning" }

local function cut(s, most)
  s = s:gsub("%s+", " ")
  return #s <= most and s or s:sub(1, utf8.offset(s, 0, most) - 1) .. "…"
end

local function message(s) return object { { "text", s } } end

local function render(run, write)
  local rules, rule_index, results = {}, {}, {}
  for _, c in ipairs(run.cases) do
    local v, s, f = words.verdict(c), c.start, c.finish
    if words.bad[v] and not words.expected(c) then
      local id = s.proves and s.proves[1] or s.case
      if not rule_index[id] then
        local r = run.requirements[id] or {}
        local says = r.says or s.says or s.title or id
        rules[#rules + 1] = object {
          { "id", id },
          { "shortDescription", message(cut(says, 200)) },
          { "fullDescription", message(cut(says, 1000)) },
          { "help", message(cut(s.why and s.why ~= "" and s.why or says, 2000)) },
          { "helpUri", s.rfc and
            ("https://www.rfc-editor.org/rfc/rfc%s.html#section-%s"):format(s.rfc, s.section or "") },
          { "defaultConfiguration", object { { "level", level_of[words.strength(s.level)] } } },
        }
        rule_index[id] = #rules - 1
      end
      local where = f and f.where or ""
      local file, line = where:match "^(.*):(%d+)$"
      local why = f and f.why ~= "" and f.why or "the run ended in the middle of this scenario"
      results[#results + 1] = object {
        { "ruleId", id },
        { "ruleIndex", rule_index[id] },
        { "level", v == "weak" and "warning" or level_of[words.strength(s.level)] },
        { "message", message(("%s: %s"):format(s.case, why)) },
        { "locations", array { object { { "physicalLocation", object {
          { "artifactLocation", object { { "uri", file or s.file or "scenarios" } } },
          { "region", object { { "startLine", math.max(1, tonumber(line or s.line) or 1) } } },
        } } } } },
        { "partialFingerprints", object { { "primaryLocationLineHash", s.case .. ":1" } } },
        { "properties", object { { "verdict", v }, { "proves", array(s.proves or {}) } } },
      }
    end
  end
  local notices = {}
  for i, trouble in ipairs(run.troubles) do
    notices[i] = object { { "level", "warning" }, { "message", message(trouble) } }
  end
  if not words.complete(run) then
    notices[#notices + 1] = object { { "level", "error" }, { "message", message "the run was cut short" } }
  end
  write(json.encode(object {
    { "$schema", "https://json.schemastore.org/sarif-2.1.0.json" },
    { "version", "2.1.0" },
    { "runs", array { object {
      { "tool", object { { "driver", object {
        { "name", "mailproof" },
        { "version", run.start.version },
        { "rules", array(rules) },
      } } } },
      { "automationDetails", object { { "id", "mailproof/" .. words.target(run) } } },
      { "invocations", array { object {
        { "executionSuccessful", words.complete(run) },
        { "toolExecutionNotifications", array(notices) },
      } } },
      { "results", array(results) },
    } } },
  }, "\n"))
  write "\n"
end

return { kind = "sarif", file = "report.sarif", about = "SARIF 2.1.0, for code scanning", render = render }
