-- What RFC 9422 (The LIMITS SMTP Service Extension) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 9422,
  title = "The LIMITS SMTP Service Extension",
  requirements = {
    { id = "rfc9422-3-i1", section = "3", level = "stated", test = "wire",
      says = [[LIMITS is followed by words, parted by single spaces, each a name or a name with = and a value; the names
               are capitals, digits, hyphens and underscores.]] },
    { id = "rfc9422-3.1-1", section = "3.1", level = "MUST", test = "wire",
      says = [[Only registered limits are announced: MAILMAX, RCPTMAX, RCPTDOMAINMAX.]] },
    { id = "rfc9422-3-x1", section = "3", level = "stated", test = "wire",
      says = [[No limit is announced twice.]] },
    { id = "rfc9422-3.6-1", section = "3.6", level = "MUST", test = "second host",
      says = [[The limits of an earlier EHLO are forgotten with the next one: what the host said before STARTTLS binds
               nobody after it.]] },
    { id = "rfc9422-3.7-1", section = "3.7", level = "SHOULD", test = "second host",
      says = [[As a client the server passes over a LIMITS line with broken syntax.]] },
    { id = "rfc9422-3.7-2", section = "3.7", level = "MUST", test = "second host",
      says = [[As a client the server passes over a limit whose value is wrong.]] },
    { id = "rfc9422-4.1-i1", section = "4.1", level = "stated", test = "wire",
      says = [[MAILMAX is a number from 1 to 999999, and that many MAIL commands are taken in a session, those that
               failed counted.]] },
    { id = "rfc9422-4.2-i1", section = "4.2", level = "stated", test = "wire",
      says = [[RCPTMAX is a number from 1 to 999999, and that many RCPT commands are taken in a transaction.]] },
    { id = "rfc9422-4.3-i1", section = "4.3", level = "stated", test = "wire",
      says = [[RCPTDOMAINMAX is a number from 1 to 999999, and that many domains are taken in a transaction.]] },
    { id = "rfc9422-4.2-x1", section = "4.2", level = "stated", test = "second host",
      says = [[As a client the server sends no more recipients in a transaction than the other host's RCPTMAX; the
               others get the message in a further one.]] },
    { id = "rfc9422-4.1-x1", section = "4.1", level = "stated", test = "second host",
      says = [[As a client the server begins no more transactions in a session than the other host's MAILMAX.]] },
  },
}
