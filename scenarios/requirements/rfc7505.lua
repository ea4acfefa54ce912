-- What RFC 7505 (A Null MX Resource Record) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 7505,
  title = "A Null MX Resource Record",
  requirements = {
    { id = "rfc7505-3-x1", section = "3", level = "stated", test = "dns",
      says = [[A domain whose only MX is the root with preference 0 gets no mail: nothing is tried, and the sender
               is told at once.]] },
  },
}
