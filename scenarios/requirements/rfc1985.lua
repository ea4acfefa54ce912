-- What RFC 1985 (SMTP Service Extension for Remote Message Queue Starting) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 1985,
  title = "SMTP Service Extension for Remote Message Queue Starting",
  requirements = {
    { id = "rfc1985-1-2", section = "1", level = "stated", test = "second host",
      says = [[When ETRN was taken and mail waits for that host, the server opens a session to it and sends the
               mail then.]] },
    { id = "rfc1985-5-1", section = "5", level = "stated", test = "wire",
      says = [[ETRN is in order at any time outside of a transaction, several times too.]] },
    { id = "rfc1985-5-2", section = "5", level = "stated", test = "wire",
      says = [[ETRN between MAIL and the reply to the message is refused, and the transaction stays as it is.]] },
    { id = "rfc1985-5.1-1", section = "5.1", level = "stated", test = "wire",
      says = [[The server decides from the name in the command whether it does what is asked; a name that it does not
               serve gets 458 or 459.]] },
    { id = "rfc1985-5.1-3", section = "5.1", level = "stated", test = "second host",
      says = [[A node that is served has its waiting mail tried at once, over a connection of its own.]] },
    { id = "rfc1985-5.1-6", section = "5.1", level = "stated", test = "wire",
      says = [[The reply to ETRN comes at once; it does not wait for the queue.]] },
    { id = "rfc1985-5.1-7", section = "5.1", level = "stated", test = "second host",
      says = [[A server that can tell says 251 when nothing waits, 252 or 253 when something does.]] },
    { id = "rfc1985-5.1-9", section = "5.1", level = "stated", test = "wire",
      says = [[ETRN without a node gets 500 or 501, and so does one whose node is no domain.]] },
    { id = "rfc1985-5.3-1", section = "5.3", level = "stated", test = "second host",
      says = [[With @ before it the name stands for itself and all domains below it.]] },
    { id = "rfc1985-8-1", section = "8", level = "stated",
      test = "not observable: which clients may name which domains is a matter of the site",
      says = [[A client can use @ and # only for what is its own.]] },
    { id = "rfc1985-5.1-x1", section = "5.1", level = "stated", test = "wire",
      says = [[The reply to ETRN is one of 250 to 253, 458, 459, 500, 501, or a refusal by policy or state.]] },
  },
}
