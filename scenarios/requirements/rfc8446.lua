-- What RFC 8446 asks of a mail server, as far as `mailproof ports` looks at it; in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 8446,
  title = "The TLS Protocol Version 1.3",
  requirements = {
    { id = "rfc8446-4.1.2-x1", section = "4.1.2", level = "stated", test = "ports",
      says = [[The old version field of a hello does not decide; a value beyond TLS 1.2 in it is answered.]] },
    { id = "rfc8446-4.1.2-x2", section = "4.1.2", level = "MUST", test = "ports",
      says = [[Suites and extensions that the server does not know, and any number of them, are ignored.]] },
    { id = "rfc8446-4.1.3-x1", section = "4.1.3", level = "MUST", test = "ports",
      says = [[A server of TLS 1.3 that goes down to 1.2 ends its random with the mark for that.]] },
    { id = "rfc8446-4.1.4-x1", section = "4.1.4", level = "MUST", test = "ports",
      says = [[Where no key share can be used but a group is in common, the server asks for another share.]] },
    { id = "rfc8446-4.6.3-x1", section = "4.6.3", level = "MUST", test = "ports",
      says = [[A key update that asks for one is answered by one before anything else is sent.]] },
    { id = "rfc8446-5.1-x1", section = "5.1", level = "stated", test = "ports",
      says = [[A handshake message may be spread over several records.]] },
    { id = "rfc8446-5.2-x1", section = "5.2", level = "MUST", test = "ports",
      says = [[A record that is longer than allowed ends the connection with record_overflow.]] },
    { id = "rfc8446-6.2-x1", section = "6.2", level = "SHOULD", test = "ports",
      says = [[A handshake that fails ends with an alert that says why.]] },
    { id = "rfc8446-9.1-x1", section = "9.1", level = "MUST", test = "ports",
      says = [[TLS_AES_128_GCM_SHA256 is there.]] },
    { id = "rfc8446-9.1-x2", section = "9.1", level = "MUST", test = "ports",
      says = [[secp256r1 is there, and x25519 should be.]] },
    { id = "rfc8446-6.1-x1", section = "6.1", level = "stated", test = "ports",
      says = [[Whoever closes one half may still be answered: what was asked before close_notify gets its
               replies.]] },
  },
}
