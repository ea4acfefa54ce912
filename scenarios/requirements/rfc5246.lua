-- What RFC 5246 asks of a mail server, as far as `mailproof ports` looks at it; in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 5246,
  title = "The TLS Protocol Version 1.2",
  requirements = {
    { id = "rfc5246-6.2.1-x1", section = "6.2.1", level = "stated", test = "ports",
      says = [[Messages may be cut into records, and records into segments, anywhere.]] },
    { id = "rfc5246-7.1-x1", section = "7.1", level = "stated", test = "ports",
      says = [[A ChangeCipherSpec that comes before the keys are agreed on is an error.]] },
    { id = "rfc5246-7.4.2-x1", section = "7.4.2", level = "stated", test = "ports",
      says = [[The certificate list begins with the server's own; each one that follows certifies the one
               before it.]] },
    { id = "rfc5246-7.4.3-x1", section = "7.4.3", level = "stated", test = "ports",
      says = [[A suite with Diffie-Hellman is picked only where the parameters for it are there.]] },
    { id = "rfc5246-A.5-x1", section = "A.5", level = "MUST NOT", test = "ports",
      says = [[Suites with an anonymous key exchange are not used where nobody asked for them.]] },
  },
}
