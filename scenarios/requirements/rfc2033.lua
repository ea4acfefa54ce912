-- What RFC 2033 (Local Mail Transfer Protocol) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 2033,
  title = "Local Mail Transfer Protocol",
  requirements = {
    { id = "rfc2033-4.1-1", section = "4.1", level = "MUST NOT", test = "wire",
      says = [[HELO and EHLO do not get a 2yz: LMTP sessions begin with LHLO.]] },
    { id = "rfc2033-4.2-1", section = "4.2", level = "MUST", test = "wire",
      says = [[DATA without an accepted recipient gets 503.]] },
    { id = "rfc2033-4.2-x1", section = "4.2", level = "stated", test = "wire",
      says = [[After the final dot there is one reply for each accepted RCPT, in their order, also when two name
               the same mailbox.]] },
    { id = "rfc2033-4.2-2", section = "4.2", level = "stated", test = "wire",
      says = [[Two accepted RCPT that name the same mailbox get two replies to the final dot.]] },
    { id = "rfc2033-4.2-x2", section = "4.2", level = "stated", test = "config",
      says = [[Each of these replies is about its own recipient: who got 250 has the message, who was refused has it
               not, and one refusal spoils nobody else's delivery.]] },
    { id = "rfc2033-4.3-1", section = "4.3", level = "stated", test = "wire",
      says = [[Two accepted RCPT that name the same mailbox get two replies to BDAT LAST.]] },
    { id = "rfc2033-4.3-x1", section = "4.3", level = "stated", test = "wire",
      says = [[BDAT with LAST gets one reply for each accepted RCPT, in their order, as the final dot does.]] },
    { id = "rfc2033-4.3-x2", section = "4.3", level = "stated", test = "wire",
      says = [[BDAT without LAST gets exactly one reply, however many recipients there are.]] },
    { id = "rfc2033-5-2", section = "5", level = "MUST", test = "wire",
      says = [[LHLO lists PIPELINING and ENHANCEDSTATUSCODES.]] },
  },
}
