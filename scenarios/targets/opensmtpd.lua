-- OpenSMTPD 6.8 as Debian 12 ships it: SMTP, into maildirs. Needs root, see servers/jail.sh.
-- SPDX-License-Identifier: MIT
local accounts = {}
for n = 1, 6 do
  accounts[n] = { name = "user" .. n, password = "pass", address = "user" .. n .. "@test.example" }
end

return {
  name = "opensmtpd",
  start = { "scenarios/targets/servers/opensmtpd.sh" },
  domain = "test.example",
  verify_name = "localhost",
  accounts = accounts,
  throwaway = true,
  fill = "smtp",
  maildir = "$STATE/opensmtpd/mail/%n",
  baseline = "opensmtpd.baseline",
}
