-- What RFC 7817 asks of a mail server, as far as `mailproof ports` looks at it; in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 7817,
  title = "Updated TLS Server Identity Check Procedure for Email-Related Protocols",
  requirements = {
    { id = "rfc7817-3-x1", section = "3", level = "stated", test = "ports",
      says = [[The name of the server is a DNS-ID of its certificate; the common name is not looked at.]] },
    { id = "rfc7817-3-x2", section = "3", level = "MUST NOT", test = "ports",
      says = [[A wildcard is the whole left-most label of a name, never a part of a label.]] },
  },
}
