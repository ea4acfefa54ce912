-- What RFC 3464 (An Extensible Message Format for Delivery Status Notifications) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 3464,
  title = "An Extensible Message Format for Delivery Status Notifications",
  requirements = {
    { id = "rfc3464-2-x1", section = "2", level = "stated", test = "second host",
      says = [[A delivery status notification is sent with the empty reverse-path.]] },
    { id = "rfc3464-2-x2", section = "2", level = "stated", test = "second host",
      says = [[A notification is a multipart/report whose second part is message/delivery-status.]] },
    { id = "rfc3464-2.2.1-x1", section = "2.2.1", level = "stated", test = "second host",
      says = [[Original-Envelope-Id gives back what ENVID said.]] },
    { id = "rfc3464-2.3.1-x1", section = "2.3.1", level = "stated", test = "second host",
      says = [[Original-Recipient gives back what ORCPT said.]] },
    { id = "rfc3464-2.3.3-x1", section = "2.3.3", level = "stated", test = "second host",
      says = [[Action says what became of the message: failed, delayed, delivered, relayed or expanded.]] },
    { id = "rfc3464-2.3.4-x1", section = "2.3.4", level = "stated", test = "second host",
      says = [[Each recipient has a Status field with a code of three numbers.]] },
  },
}
