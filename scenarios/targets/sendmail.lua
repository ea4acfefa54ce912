-- Sendmail 8.17 as Debian 12 ships it: SMTP and submission, into maildirs by procmail. Needs root, see servers/jail.sh.
-- SPDX-License-Identifier: MIT
local accounts = {}
for n = 1, 6 do
  accounts[n] = { name = "user" .. n, password = "pass", address = "user" .. n .. "@test.example" }
end

return {
  name = "sendmail",
  start = { "scenarios/targets/servers/sendmail.sh" },
  domain = "test.example",
  verify_name = "localhost",
  accounts = accounts,
  throwaway = true,
  fill = "smtp",
  maildir = "$STATE/sendmail/mail/%n",
  -- Sendmail relays for 127.0.0.1 itself; another address of the loopback is a stranger.
  source = "127.0.0.2",
  baseline = "sendmail.baseline",
}
