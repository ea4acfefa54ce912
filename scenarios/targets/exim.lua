-- Exim 4.96 as Debian 12 ships it: SMTP and submission, into maildirs. Needs root, see servers/jail.sh.
-- SPDX-License-Identifier: MIT
local accounts = {}
for n = 1, 6 do
  accounts[n] = { name = "user" .. n, password = "pass", address = "user" .. n .. "@test.example" }
end

return {
  name = "exim",
  start = { "scenarios/targets/servers/exim.sh" },
  domain = "test.example",
  verify_name = "localhost",
  accounts = accounts,
  throwaway = true,
  fill = "smtp",
  maildir = "$STATE/exim/mail/%n",
  baseline = "exim.baseline",
}
