-- summary.json: what scripts ask of a run: the exit code, counts by verdict, each scenario's verdict.
-- SPDX-License-Identifier: MIT
local words = require "reports.lib.words"
local json = require "reports.lib.json"

local function render(run, write)
  local scenarios = {}
  for i, c in ipairs(run.cases) do
    local v = words.verdict(c)
    scenarios[i] = json.object {
      { "id", c.start.case },
      { "verdict", v },
      { "level", c.finish and c.finish.level or c.start.level },
      { "proves", json.array(c.start.proves or {}) },
      { "seconds", c.finish and c.finish.seconds },
      { "why", c.finish and c.finish.why ~= "" and c.finish.why or nil },
      { "baseline", c.finish and c.finish.baseline },
    }
  end
  write(json.encode(json.object {
    { "target", words.target(run) },
    { "exit", run.finish and run.finish.exit or json.null },
    { "complete", words.complete(run) },
    { "version", run.start.version },
    { "seed", run.start.seed },
    { "started", run.start.t },
    { "seconds", run.finish and run.finish.seconds },
    { "counts", json.object(words.counts_in_order(run)) },
    { "troubles", #run.troubles > 0 and json.array(run.troubles) or nil },
    { "scenarios", json.array(scenarios) },
  }, "\n"))
  write "\n"
end

return { kind = "json", file = "summary.json", about = "exit code, counts and verdicts, for scripts", render = render }
