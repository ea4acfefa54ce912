-- Postfix that delivers to Dovecot over LMTP: every service of a Debian 12 mail server. Needs root: servers/jail.sh.
-- SPDX-License-Identifier: MIT
local accounts = {}
for n = 1, 6 do
  accounts[n] = { name = "user" .. n, password = "pass", address = "user" .. n .. "@test.example" }
end

return {
  name = "postfix-dovecot",
  start = { "scenarios/targets/servers/postfix-dovecot.sh" },
  domain = "test.example",
  verify_name = "localhost",
  accounts = accounts,
  throwaway = true,
  fill = "append",
  -- Dovecot holds a client with its own address for safe and offers it logins in clear; come from another.
  source = "127.0.0.2",
  baseline = "postfix-dovecot.baseline",
}
