-- What RFC 5077 asks of a mail server, as far as `mailproof ports` looks at it; in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 5077,
  title = "TLS Session Resumption without Server-Side State",
  requirements = {
    { id = "rfc5077-3.4-x1", section = "3.4", level = "stated", test = "ports",
      says = [[A ticket that the server cannot read leads to a full handshake, not to an error.]] },
  },
}
