-- What RFC 5280 asks of a mail server, as far as `mailproof ports` looks at it; in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 5280,
  title = "Internet X.509 Public Key Infrastructure Certificate and CRL Profile",
  requirements = {
    { id = "rfc5280-4.2.1.9-x1", section = "4.2.1.9", level = "stated", test = "ports",
      says = [[A certificate that may sign others says so; a server's own does not.]] },
    { id = "rfc5280-4.2.1.12-x1", section = "4.2.1.12", level = "stated", test = "ports",
      says = [[A certificate that names its purposes is used for these only: a server's has serverAuth.]] },
  },
}
