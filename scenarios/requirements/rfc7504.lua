-- What RFC 7504 (SMTP 521 and 556 Reply Codes) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 7504,
  title = "SMTP 521 and 556 Reply Codes",
  requirements = {
    { id = "rfc7504-3-1", section = "3", level = "SHOULD", test = "config",
      says = [[A host that never takes mail greets with 521.]] },
    { id = "rfc7504-3-3", section = "3", level = "SHOULD NOT", test = "wire",
      says = [[Who takes mail of some does not say 521 to others, nor for single recipients.]] },
    { id = "rfc7504-3-4", section = "3", level = "MAY", test = "config",
      says = [[After the 521 commands other than QUIT get 521 again, or the connection is closed.]] },
    { id = "rfc7504-3-x1", section = "3", level = "stated", test = "second host",
      says = [[A next host that greets with 521 takes no mail: the message is not sent there, and it is not tried
               again.]] },
    { id = "rfc7504-4-x1", section = "4", level = "stated", test = "dns",
      says = [[A recipient whose domain says in the DNS that it takes no mail may be refused with 556.]] },
  },
}
