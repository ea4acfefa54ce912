-- What RFC 4422 (Simple Authentication and Security Layer (SASL)) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 4422,
  title = "Simple Authentication and Security Layer (SASL)",
  requirements = {
    { id = "rfc4422-3.1-x1", section = "3.1", level = "stated", test = "wire",
      says = [[Mechanism names have 1 to 20 characters: capitals, digits, hyphen, underscore.]] },
    { id = "rfc4422-3.4-4", section = "3.4", level = "stated", test = "wire",
      says = [[To each client response the server answers with a challenge, an abort or the outcome; it is never
        silent.]] },
    { id = "rfc4422-3.5-3", section = "3.5", level = "stated", test = "wire",
      says = [[A client may abort the exchange at any of its turns; nobody is logged in then.]] },
    { id = "rfc4422-3.6-x1", section = "3.6", level = "stated", test = "wire",
      says = [[The outcome of a failed exchange does not tell whether it was the name or the password.]] },
    { id = "rfc4422-3.8-1", section = "3.8", level = "stated", test = "wire",
      says = [[One session has one successful exchange unless the protocol says otherwise.]] },
    { id = "rfc4422-4-2", section = "4", level = "SHOULD", test = "wire",
      says = [[The list of mechanisms can be asked for before the exchange and after it.]] },
    { id = "rfc4422-4-6", section = "4", level = "MUST", test = "wire",
      says = [[An initial response may be any octets, zero octets and NUL included.]] },
    { id = "rfc4422-4-7", section = "4", level = "MUST", test = "wire",
      says = [[Challenges and responses may be any octets, zero octets and NUL included.]] },
    { id = "rfc4422-4-10", section = "4", level = "MUST", test = "wire",
      says = [[Data that come with success may be any octets.]] },
    { id = "rfc4422-5-3", section = "5", level = "MUST", test = "wire",
      says = [[When the client speaks first in a mechanism and sent no initial response, the server's first challenge
        is empty.]] },
    { id = "rfc4422-5-x1", section = "5", level = "stated", test = "wire",
      says = [[When the server speaks first in a mechanism, an initial response makes the login fail.]] },
    { id = "rfc4422-6.1.2-2", section = "6.1.2", level = "SHOULD NOT", test = "wire",
      says = [[A mechanism that would be refused here for want of security is not announced here.]] },
    { id = "rfc4422-A-x1", section = "A", level = "stated", test = "wire",
      says = [[EXTERNAL logs in by what the TLS handshake proved; without such proof it fails.]] },
    { id = "rfc4422-A-x2", section = "A", level = "stated", test = "wire",
      says = [[EXTERNAL with an empty response acts for the identity that was proved; with a name in it, only for a
        name that this identity may act for.]] },
    { id = "rfc4422-B-1", section = "B", level = "stated", test = "wire",
      says = [[A name to act for never holds a NUL.]] },
  },
}
