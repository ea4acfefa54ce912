-- What RFC 7301 asks of a mail server, as far as `mailproof ports` looks at it; in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 7301,
  title = "TLS Application-Layer Protocol Negotiation Extension",
  requirements = {
    { id = "rfc7301-3.2-x1", section = "3.2", level = "stated", test = "ports",
      says = [[The protocol that the server selects is one that the client named.]] },
  },
}
