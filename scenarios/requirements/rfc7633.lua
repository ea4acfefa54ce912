-- What RFC 7633 asks of a mail server, as far as `mailproof ports` looks at it; in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 7633,
  title = "X.509v3 TLS Feature Extension",
  requirements = {
    { id = "rfc7633-4-x1", section = "4", level = "stated", test = "ports",
      says = [[A server whose certificate demands a stapled status sends one.]] },
  },
}
