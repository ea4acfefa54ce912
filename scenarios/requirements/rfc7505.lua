-- What RFC 7505 (A Null MX Resource Record) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 7505,
  title = "A Null MX Resource Record",
  requirements = {
    { id = "rfc7505-3-x1", section = "3", level = "stated", test = "dns",
      says = [[A domain whose only MX is the root with preference 0 gets no mail: nothing is tried, and the sender
               is told at once.]] },
    { id = "rfc7505-4.1-1", section = "4.1", level = "SHOULD", test = "dns",
      says = [[Who refuses a recipient for the null MX of its domain says 556 with 5.1.10.]] },
    { id = "rfc7505-4.1-2", section = "4.1", level = "SHOULD", test = "dns",
      says = [[Who refuses a sender for the null MX of its domain says 550 with 5.7.27.]] },
  },
}
