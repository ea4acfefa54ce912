-- What RFC 4505 (SASL ANONYMOUS) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 4505,
  title = "Anonymous Simple Authentication and Security Layer (SASL) Mechanism",
  requirements = {
    { id = "rfc4505-2-x1", section = "2", level = "stated", test = "wire",
      says = [[Where ANONYMOUS is announced anyone can log in with it.]] },
    { id = "rfc4505-2-x2", section = "2", level = "stated", test = "wire",
      says = [[The trace information has no meaning to the server: any token, any address and none at all log in
        alike.]] },
    { id = "rfc4505-2-4", section = "2", level = "stated", test = "wire",
      says = [[A token of 255 characters is taken, even where each has several octets.]] },
    { id = "rfc4505-3-3", section = "3", level = "stated", test = "wire",
      says = [[Trace information with control characters, or that is no UTF-8, may be refused and is never echoed or
        logged raw.]] },
    { id = "rfc4505-5-1", section = "5", level = "stated", test = "wire",
      says = [[ANONYMOUS is off unless somebody turned it on.]] },
    { id = "rfc4505-5-2", section = "5", level = "stated", test = "wire",
      says = [[Who came in anonymously reads nobody's mail.]] },
    { id = "rfc4505-5-9", section = "5", level = "stated", test = "wire",
      says = [[What anonymous users may see is still refused before they have logged in.]] },
  },
}
