-- junit.xml that validates against the schema of Jenkins' xUnit plugin.
-- SPDX-License-Identifier: MIT
local junit = require "reports.lib.junit"

return {
  kind = "junit-strict",
  file = "junit-strict.xml",
  about = "JUnit XML for Jenkins' xUnit plugin (validates against its schema)",
  render = function(run, write) junit.render(run, write, true) end,
}
