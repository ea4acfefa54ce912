-- Postfix 3.7 as Debian 12 ships it: SMTP and submission, into maildirs. Needs root, see servers/jail.sh.
-- SPDX-License-Identifier: MIT
local accounts = {}
for n = 1, 6 do
  accounts[n] = { name = "user" .. n, password = "pass", address = "user" .. n .. "@test.example" }
end

return {
  name = "postfix",
  start = { "scenarios/targets/servers/postfix.sh" },
  domain = "test.example",
  verify_name = "localhost",
  accounts = accounts,
  throwaway = true,
  fill = "smtp",
  maildir = "$STATE/postfix/mail/%n",
  baseline = "postfix.baseline",
}
