-- What RFC 2034 (SMTP Service Extension for Returning Enhanced Error Codes) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 2034,
  title = "SMTP Service Extension for Returning Enhanced Error Codes",
  requirements = {
    { id = "rfc2034-4-1", section = "4", level = "stated", test = "wire",
      says = [[With ENHANCEDSTATUSCODES listed, the text of a reply line opens with a code of class, subject and detail
               (2, 4 or 5, then twice one to three digits), parted by dots.]] },
    { id = "rfc2034-4-2", section = "4", level = "stated", test = "wire",
      says = [[Each line of a reply with 2, 4 or 5 as its first digit has an enhanced code. Only the greeting and what
               EHLO and HELO get go without; a 3yz has none.]] },
    { id = "rfc2034-4-3", section = "4", level = "stated", test = "wire",
      says = [[Class and reply code agree: 2.X.X stands only behind 2yz, 4.X.X behind 4yz, 5.X.X behind 5yz.]] },
    { id = "rfc2034-4-4", section = "4", level = "stated", test = "wire",
      says = [[A reply of several lines repeats one and the same enhanced code on all of them.]] },
    { id = "rfc2034-4-5", section = "4", level = "stated", test = "wire",
      says = [[The codes come in a session that HELO opened too; the client need not have said EHLO.]] },
    { id = "rfc2034-4-x1", section = "4", level = "stated", test = "wire",
      says = [[Refusals have codes that fit: X.1.1 for an unknown mailbox, 5.5.1 for a wrong order, 5.5.4 or 5.5.2
               for wrong arguments.]] },
    { id = "rfc2034-5-x1", section = "5", level = "stated", test = "wire",
      says = [[There is nothing to switch on: enhanced codes are sent without the client asking for them.]] },
  },
}
