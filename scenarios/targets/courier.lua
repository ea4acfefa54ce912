-- Courier 1.0 as Debian 12 ships it: SMTP, IMAP and POP3. Needs root, see servers/jail.sh.
-- SPDX-License-Identifier: MIT
local accounts = {}
for n = 1, 6 do
  accounts[n] = { name = "user" .. n, password = "pass", address = "user" .. n .. "@test.example" }
end

return {
  name = "courier",
  start = { "scenarios/targets/servers/courier.sh" },
  domain = "test.example",
  verify_name = "localhost",
  accounts = accounts,
  throwaway = true,
  fill = "append",
  baseline = "courier.baseline",
}
