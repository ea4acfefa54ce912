-- What RFC 6522 (The Multipart/Report Media Type) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 6522,
  title = "The Multipart/Report Media Type",
  requirements = {
    { id = "rfc6522-3-x1", section = "3", level = "stated", test = "second host",
      says = [[Reports have the top-level type multipart/report with its report-type parameter, and two or three
               parts.]] },
    { id = "rfc6522-3-x2", section = "3", level = "stated", test = "second host",
      says = [[The report-type parameter agrees with the second part.]] },
    { id = "rfc6522-3-x3", section = "3", level = "stated", test = "second host",
      says = [[The third part, where there is one, is the message or its header.]] },
  },
}
