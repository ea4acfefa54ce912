-- Dovecot 2.3 as Debian 12 ships it: IMAP, POP3 and LMTP. Needs root, see servers/jail.sh.
-- SPDX-License-Identifier: MIT
local accounts = {}
for n = 1, 6 do
  accounts[n] = { name = "user" .. n, password = "pass", address = "user" .. n .. "@test.example" }
end

return {
  name = "dovecot",
  start = { "scenarios/targets/servers/dovecot.sh" },
  domain = "test.example",
  verify_name = "localhost",
  accounts = accounts,
  throwaway = true,
  fill = "append",
  -- Dovecot holds a client with its own address for safe and offers it logins in clear; come from another.
  source = "127.0.0.2",
  baseline = "dovecot.baseline",
}
