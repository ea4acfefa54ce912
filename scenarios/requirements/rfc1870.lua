-- What RFC 1870 (SMTP Service Extension for Message Size Declaration) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 1870,
  title = "SMTP Service Extension for Message Size Declaration",
  requirements = {
    { id = "rfc1870-4-x1", section = "4", level = "stated", test = "wire",
      says = [[EHLO lists SIZE alone or with one decimal number, the largest message in octets; 0 means that there
               is no fixed limit.]] },
    { id = "rfc1870-5-x1", section = "5", level = "stated", test = "second host",
      says = [[As a client the server says SIZE to a host that lists it, or nothing; a host that takes less than
               the message gets it refused before its text is sent.]] },
    { id = "rfc1870-6-2", section = "6", level = "stated", test = "wire",
      says = [[MAIL takes at most one SIZE parameter: a second one is refused.]] },
    { id = "rfc1870-6-5", section = "6", level = "MUST NOT", test = "wire",
      says = [[The declared size has no say in where the content of DATA ends: only CR LF . CR LF does.]] },
    { id = "rfc1870-6-x1", section = "6", level = "stated", test = "wire",
      says = [[The value of SIZE is a decimal number of up to twenty digits; anything else is refused.]] },
    { id = "rfc1870-6.1-1", section = "6.1", level = "stated", test = "wire",
      says = [[MAIL with SIZE is held against the fixed limit of the server.]] },
    { id = "rfc1870-6.1-5", section = "6.1", level = "stated", test = "config",
      says = [[With too little room at the moment a declared size gets 452.]] },
    { id = "rfc1870-6.1-x1", section = "6.1", level = "stated", test = "wire",
      says = [[A declared size above the limit that EHLO announced is refused at MAIL, with 552 for good or 452 for
               now.]] },
    { id = "rfc1870-6.2-x1", section = "6.2", level = "stated", test = "second host",
      says = [[As a client the server takes 552 to MAIL for a failure, and reports it.]] },
    { id = "rfc1870-6.3-1", section = "6.3", level = "SHOULD NOT", test = "wire",
      says = [[After MAIL was taken with its SIZE, a message no larger than declared is not refused for its size at
               the end of DATA.]] },
    { id = "rfc1870-6.3-2", section = "6.3", level = "MAY", test = "wire",
      says = [[A message somewhat larger than declared may be taken.]] },
    { id = "rfc1870-6.3-3", section = "6.3", level = "MAY", test = "wire",
      says = [[A message larger than declared may be refused at its end.]] },
    { id = "rfc1870-6.4-1", section = "6.4", level = "MAY", test = "wire",
      says = [[RCPT may get 452 or 552 when the declared size is too much for that recipient.]] },
    { id = "rfc1870-7-4", section = "7", level = "stated", test = "wire",
      says = [[A server that lists SIZE takes the parameter in MAIL.]] },
  },
}
