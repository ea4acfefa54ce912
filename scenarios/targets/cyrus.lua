-- Cyrus IMAP 3.6 as Debian 12 ships it: IMAP, POP3 and LMTP. Needs root, see servers/jail.sh.
-- SPDX-License-Identifier: MIT
local accounts = {}
for n = 1, 6 do
  accounts[n] = { name = "user" .. n, password = "pass", address = "user" .. n .. "@test.example" }
end

return {
  name = "cyrus",
  start = { "scenarios/targets/servers/cyrus.sh" },
  domain = "test.example",
  verify_name = "localhost",
  accounts = accounts,
  throwaway = true,
  fill = "append",
  baseline = "cyrus.baseline",
}
