-- What RFC 6520 asks of a mail server, as far as `mailproof ports` looks at it; in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 6520,
  title = "TLS and DTLS Heartbeat Extension",
  requirements = {
    { id = "rfc6520-4-x1", section = "4", level = "MUST", test = "ports",
      says = [[A heartbeat whose stated length is beyond its record is dropped without an answer.]] },
  },
}
