-- junit.xml as GitLab, GitHub's test reporters and Jenkins' junit plugin read it: file and line on each test.
-- SPDX-License-Identifier: MIT
local junit = require "reports.lib.junit"

return {
  kind = "junit",
  file = "junit.xml",
  about = "JUnit XML with file and line (GitLab, GitHub, Jenkins' junit plugin)",
  render = function(run, write) junit.render(run, write, false) end,
}
