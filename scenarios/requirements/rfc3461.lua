-- What RFC 3461 (SMTP Service Extension for Delivery Status Notifications) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 3461,
  title = "SMTP Service Extension for Delivery Status Notifications",
  requirements = {
    { id = "rfc3461-4.1-x1", section = "4.1", level = "stated", test = "second host",
      says = [[NOTIFY=NEVER is honoured: whatever happens to the message, its sender is not told.]] },
    { id = "rfc3461-4.3-x1", section = "4.3", level = "stated", test = "second host",
      says = [[RET=HDRS is honoured: a failure report has the header of the message and not its text.]] },
    { id = "rfc3461-5.2.1-x1", section = "5.2.1", level = "stated", test = "second host",
      says = [[ORCPT goes with the message to the next server that offers DSN, unchanged, and into reports.]] },
    { id = "rfc3461-5.2.1-x2", section = "5.2.1", level = "stated", test = "second host",
      says = [[NOTIFY goes with the message to the next server that offers DSN.]] },
    { id = "rfc3461-5.2.3-x1", section = "5.2.3", level = "stated", test = "second host",
      says = [[A delivery for which NOTIFY=SUCCESS was asked is reported, as delivered or as relayed.]] },
  },
}
