-- What RFC 6152 (SMTP Service Extension for 8-bit MIME Transport) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 6152,
  title = "SMTP Service Extension for 8-bit MIME Transport",
  requirements = {
    { id = "rfc6152-3-2", section = "3", level = "stated", test = "wire",
      says = [[MAIL takes at most one BODY.]] },
    { id = "rfc6152-3-3", section = "3", level = "stated", test = "wire",
      says = [[All eight bits of every octet of the text are kept.]] },
    { id = "rfc6152-3-5", section = "3", level = "stated", test = "second host",
      says = [[Text of 8 bits that was taken is passed on with each of its bits.]] },
    { id = "rfc6152-3-8", section = "3", level = "stated", test = "second host",
      says = [[What is converted for a host without 8BITMIME loses nothing.]] },
    { id = "rfc6152-3-9", section = "3", level = "stated", test = "second host",
      says = [[What is converted is lawful 7bit MIME.]] },
    { id = "rfc6152-3-x1", section = "3", level = "stated", test = "second host",
      says = [[Text with octets above 127 is not sent to a server that does not offer 8BITMIME.]] },
    { id = "rfc6152-3-x2", section = "3", level = "stated", test = "wire",
      says = [[BODY is 7BIT or 8BITMIME, in any case of its letters; anything else that no extension defines is
               refused.]] },
  },
}
