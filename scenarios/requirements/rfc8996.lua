-- What RFC 8996 asks of a mail server, as far as `mailproof ports` looks at it; in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 8996,
  title = "Deprecating TLS 1.0 and TLS 1.1",
  requirements = {
    { id = "rfc8996-4-4", section = "4", level = "MUST NOT", test = "ports",
      says = [[A ServerHello of TLS 1.0 is never sent.]] },
    { id = "rfc8996-5-4", section = "5", level = "MUST NOT", test = "ports",
      says = [[A ServerHello of TLS 1.1 is never sent.]] },
  },
}
