-- What RFC 6152 (SMTP Service Extension for 8-bit MIME Transport) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 6152,
  title = "SMTP Service Extension for 8-bit MIME Transport",
  requirements = {
    { id = "rfc6152-3-3", section = "3", level = "stated", test = "wire",
      says = [[All eight bits of every octet of the text are kept.]] },
    { id = "rfc6152-3-x1", section = "3", level = "stated", test = "second host",
      says = [[Text with octets above 127 is not sent to a server that does not offer 8BITMIME.]] },
  },
}
