-- What RFC 8461 (SMTP MTA Strict Transport Security) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 8461,
  title = "SMTP MTA Strict Transport Security",
  requirements = {
    { id = "rfc8461-5-x1", section = "5", level = "stated", test = "dns",
      says = [[Under a policy in enforce mode, nothing is sent to a host that the policy does not list, or over TLS
               that does not hold.]] },
  },
}
