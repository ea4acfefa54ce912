-- What RFC 2920 (SMTP Service Extension for Command Pipelining) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 2920,
  title = "SMTP Service Extension for Command Pipelining",
  requirements = {
    { id = "rfc2920-3.2-2", section = "3.2", level = "SHOULD", test = "wire",
      says = [[Replies to the MAIL, RCPT and RSET commands of one group are collected and sent together.]] },
    { id = "rfc2920-3.2-3", section = "3.2", level = "SHOULD", test = "wire",
      says = [[DATA gets 354 only if at least one recipient of the transaction was accepted.]] },
    { id = "rfc2920-3.2-4", section = "3.2", level = "MUST NOT", test = "wire",
      says = [[If DATA did get 354 without a valid recipient, the empty message that follows is sent to nobody.]] },
    { id = "rfc2920-3.2-5", section = "3.2", level = "MUST NOT", test = "wire",
      says = [[Replies to EHLO, DATA, VRFY, EXPN, TURN, QUIT and NOOP are not held back.]] },
    { id = "rfc2920-3.2-6", section = "3.2", level = "MUST NOT", test = "wire",
      says = [[The reply to an unknown command is not held back.]] },
    { id = "rfc2920-3.2-7", section = "3.2", level = "MUST", test = "wire",
      says = [[Whatever replies are pending go out as soon as the input is used up: a client that sent RCPT alone
               is not kept waiting.]] },
    { id = "rfc2920-3.2-8", section = "3.2", level = "MUST NOT", test = "wire",
      says = [[The server does not guess what the next command will be.]] },
    { id = "rfc2920-3.2-9", section = "3.2", level = "MUST NOT", test = "wire",
      says = [[Nothing that has been received is thrown away: every command of a group is carried out, whatever
               came of those before it.]] },
    { id = "rfc2920-3.2-10", section = "3.2", level = "SHOULD", test = "wire",
      says = [[The text of a reply says which command it answers.]] },
  },
}
