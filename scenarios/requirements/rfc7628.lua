-- What RFC 7628 (OAUTHBEARER) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 7628,
  title = "A Set of Simple Authentication and Security Layer (SASL) Mechanisms for OAuth",
  requirements = {
    { id = "rfc7628-3-3", section = "3", level = "MUST", test = "wire",
      says = [[OAUTHBEARER works only inside TLS.]] },
    { id = "rfc7628-3.1-2", section = "3.1", level = "MUST", test = "wire",
      says = [[Key and value pairs that the server does not know are ignored.]] },
    { id = "rfc7628-3.1-3", section = "3.1", level = "MAY", test = "wire",
      says = [[The header may name the user whose mailbox is meant.]] },
    { id = "rfc7628-3.1-4", section = "3.1", level = "MAY", test = "wire",
      says = [[A message of one 0x01 octet alone as the first word of a client may be refused without any details.]]
        },
    { id = "rfc7628-3.1-x1", section = "3.1", level = "stated", test = "wire",
      says = [[The message is a GS2 header, an 0x01 octet, pairs that each end with 0x01, and one more 0x01; another
        form makes the login fail.]] },
    { id = "rfc7628-3.1-x2", section = "3.1", level = "stated", test = "wire",
      says = [[The credentials are the value of auth, in the form of an HTTP Authorization header with the scheme
        Bearer; without it the login fails.]] },
    { id = "rfc7628-3.1-x3", section = "3.1", level = "stated", test = "wire",
      says = [[A name in the header that is not the token's own makes the login fail unless the server allows it.]] },
    { id = "rfc7628-3.2-2", section = "3.2", level = "stated",
      test = "not observable: tokens are checked behind the server",
      says = [[A token is taken only while it is valid for this service.]] },
    { id = "rfc7628-3.2-3", section = "3.2", level = "MUST", test = "wire",
      says = [[A host or port in the pairs that the server knows to be wrong makes the login fail.]] },
    { id = "rfc7628-3.2.2-1", section = "3.2.2", level = "MUST", test = "wire",
      says = [[What the server sends about a failure is a JSON object with a member status.]] },
    { id = "rfc7628-3.2.2-2", section = "3.2.2", level = "MAY", test = "wire",
      says = [[The object may name a scope that would be enough.]] },
    { id = "rfc7628-3.2.2-4", section = "3.2.2", level = "SHOULD NOT", test = "wire",
      says = [[That scope is one, not a list with spaces.]] },
    { id = "rfc7628-3.2.3-x1", section = "3.2.3", level = "stated", test = "wire",
      says = [[A failed login ends in two steps: the error object as a challenge, then, after the client's answer of
        one 0x01, the failure of the protocol.]] },
    { id = "rfc7628-3.2.3-x2", section = "3.2.3", level = "stated", test = "wire",
      says = [[After the error object nothing that the client answers turns the failure into a success.]] },
    { id = "rfc7628-5-1", section = "5", level = "MUST", test = "wire",
      says = [[OAUTHBEARER is not announced outside TLS.]] },
    { id = "rfc7628-5-5", section = "5", level = "stated", test = "time",
      says = [[The session may be ended when the token's time is over.]] },
  },
}
