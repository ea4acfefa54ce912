-- What RFC 4954 (AUTH for SMTP) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 4954,
  title = "SMTP Service Extension for Authentication",
  requirements = {
    { id = "rfc4954-3-1", section = "3", level = "MAY", test = "wire",
      says = [[The mechanisms that EHLO lists are allowed to differ before and after STARTTLS.]] },
    { id = "rfc4954-3-x1", section = "3", level = "stated", test = "wire",
      says = [[A server that offers logins lists AUTH in its EHLO reply, followed by the names of its SASL
               mechanisms with single spaces between them.]] },
    { id = "rfc4954-3-x2", section = "3", level = "stated", test = "wire",
      says = [[Every mechanism that EHLO lists can be begun: AUTH with one of those names is never answered 500,
               502 or 504.]] },
    { id = "rfc4954-3-x3", section = "3", level = "stated", test = "wire",
      says = [[Where AUTH is offered a MAIL line may be 500 octets longer than the 512 of RFC 5321, so that an
               AUTH parameter fits.]] },
    { id = "rfc4954-4-1", section = "4", level = "MUST", test = "wire",
      says = [[The initial response on the AUTH line is base64 or a lone "="; anything else there is refused.]] },
    { id = "rfc4954-4-3", section = "4", level = "MUST", test = "wire",
      says = [[After one AUTH has succeeded, every later AUTH in that session is answered 503.]] },
    { id = "rfc4954-4-5", section = "4", level = "MUST", test = "wire",
      says = [[AUTH between an accepted MAIL and the end of that transaction is answered 503.]] },
    { id = "rfc4954-4-6", section = "4", level = "SHOULD", test = "wire",
      says = [[The 504 to AUTH with an unknown or unavailable mechanism carries 5.5.4 where enhanced status
               codes are in use.]] },
    { id = "rfc4954-4-7", section = "4", level = "MUST NOT", test = "wire",
      says = [[Behind "334 " stands the base64 of the challenge and nothing else: no greeting, no enhanced code,
               no comment.]] },
    { id = "rfc4954-4-8", section = "4", level = "MUST", test = "wire",
      says = [[A lone "*" sent as a response ends the exchange: the server answers 501, and the client is not
               logged in.]] },
    { id = "rfc4954-4-9", section = "4", level = "MUST", test = "wire",
      says = [[When the mechanism lets the client speak first and AUTH came without initial response, the server
               asks for it with an empty challenge ("334 ").]] },
    { id = "rfc4954-4-12", section = "4", level = "MUST", test = "config",
      says = [[An initial response for a mechanism in which the server speaks first, such as CRAM-MD5, makes
               AUTH fail with 501.]] },
    { id = "rfc4954-4-13", section = "4", level = "SHOULD", test = "config",
      says = [[The 501 to an initial response that the mechanism has no place for carries 5.7.0 where enhanced
               status codes are in use.]] },
    { id = "rfc4954-4-14", section = "4", level = "MUST", test = "wire",
      says = [[A response that does not decode as base64 makes AUTH fail with 501, with 5.5.2 where enhanced
               codes are in use.]] },
    { id = "rfc4954-4-16", section = "4", level = "MUST", test = "wire",
      says = [[Octets outside the base64 alphabet are refused rather than skipped, and so is a "=" before the
               end, as in "=AAA" and "AAA=BBB".]] },
    { id = "rfc4954-4-17", section = "4", level = "MUST", test = "wire",
      says = [[The longest responses that the offered mechanisms can need are taken, also far beyond the 512
               octets of a command line; 12288 octets were thought enough in 2007.]] },
    { id = "rfc4954-4-19", section = "4", level = "SHOULD", test = "wire",
      says = [[The 500 to an over-long response line carries 5.5.6 where enhanced status codes are in use.]] },
    { id = "rfc4954-4-20", section = "4", level = "SHOULD", test = "wire",
      says = [[User names are prepared with SASLprep before they are compared: forms which SASLprep makes equal
               name the same account.]] },
    { id = "rfc4954-4-21", section = "4", level = "MUST", test = "wire",
      says = [[A name that SASLprep forbids, or that it turns into nothing although something was sent, makes
               AUTH fail.]] },
    { id = "rfc4954-4-24", section = "4", level = "SHOULD", test = "wire",
      says = [[Wrong credentials are answered 535 unless another code says more exactly what is wrong.]] },
    { id = "rfc4954-4-25", section = "4", level = "MUST", test = "config",
      says = [[When a SASL security layer begins, the server forgets what it had from the client before, its
               EHLO name included, so the client has to say EHLO anew.]] },
    { id = "rfc4954-4-29", section = "4", level = "MUST", test = "config",
      says = [[With both layers on, octets go through the SASL layer first and through TLS last, whichever was
               negotiated first.]] },
    { id = "rfc4954-4-32", section = "4", level = "MUST", test = "config",
      says = [[The server can be configured so that no plaintext password mechanism works before STARTTLS or an
               equal protection.]] },
    { id = "rfc4954-4-33", section = "4", level = "SHOULD NOT", test = "config",
      says = [[A server as installed refuses plaintext password mechanisms (PLAIN, LOGIN) on a connection
               without encryption.]] },
    { id = "rfc4954-4-34", section = "4", level = "MUST", test = "wire",
      says = [[PLAIN works inside TLS: EHLO lists it there and a right password gets 235.]] },
    { id = "rfc4954-4-35", section = "4", level = "MAY", test = "wire",
      says = [[CRAM-MD5 may be offered for the sake of old clients.]] },
    { id = "rfc4954-4-36", section = "4", level = "MUST", test = "wire",
      says = [[AUTH closes a pipelined batch: while an exchange is under way each further line is a response,
               and a command glued behind AUTH is not carried out as if it had come after the login.]] },
    { id = "rfc4954-i-4-1", section = "4", level = "stated", test = "wire",
      says = [[AUTH with a mechanism which the server does not have, or not without encryption, is answered 504.]] },
    { id = "rfc4954-i-4-2", section = "4", level = "stated", test = "wire",
      says = [[A challenge is one 334 line with the mechanism's octets in base64 behind the space.]] },
    { id = "rfc4954-i-4-4", section = "4", level = "stated", test = "wire",
      says = [[An empty challenge is exactly "334 " and CRLF: the code, one space, no text.]] },
    { id = "rfc4954-i-4-5", section = "4", level = "stated", test = "wire",
      says = [["=" as initial response means a response of zero octets: it is handed to the mechanism (EXTERNAL,
               for example), not asked for again.]] },
    { id = "rfc4954-i-4-6", section = "4", level = "stated", test = "wire",
      says = [[A response line too long for the server's buffer makes AUTH fail with 500, and what is left of
               the line is not read as commands.]] },
    { id = "rfc4954-i-4-7", section = "4", level = "stated", test = "wire",
      says = [[An exchange that succeeds ends with 235.]] },
    { id = "rfc4954-i-4-8", section = "4", level = "stated", test = "config",
      says = [[Once a SASL security layer is on, the session stands where it stood after the 220 greeting.]] },
    { id = "rfc4954-i-4-9", section = "4", level = "stated", test = "wire",
      says = [[Exception: behind AUTH PLAIN or EXTERNAL with its initial response, and no security layer,
               commands may be pipelined; the server answers 235 and then each of them in order.]] },
    { id = "rfc4954-4-x1", section = "4", level = "stated", test = "wire",
      says = [[A 235 has no room for data of the mechanism: last server data (SCRAM's v=) goes out as a 334
               challenge, and 235 follows the client's empty response.]] },
    { id = "rfc4954-4-x2", section = "4", level = "stated", test = "wire",
      says = [[A failed or cancelled AUTH leaves an ordinary session without login: another AUTH can succeed,
               and commands are read as commands again.]] },
    { id = "rfc4954-4-x3", section = "4", level = "stated", test = "config",
      says = [[A negotiated SASL security layer begins for the server's octets right after the CRLF of its 235,
               and for the client's right after the CRLF of the client's last response.]] },
    { id = "rfc4954-4-x4", section = "4", level = "stated", test = "config",
      says = [[The SASL service name is "smtp", on the submission port too: Kerberos principals and DIGEST-MD5
               URIs with another service are not accepted.]] },
    { id = "rfc4954-5-3", section = "5", level = "SHOULD", test = "second host",
      says = [[When the server trusts the client's statement of who submitted a message, it repeats that mailbox
               in AUTH= when it relays to a server that offers AUTH.]] },
    { id = "rfc4954-5-4", section = "5", level = "MUST", test = "wire",
      says = [[A server that lists AUTH takes the AUTH= parameter of MAIL, "<>" or a mailbox, also from a client
               that has not logged in.]] },
    { id = "rfc4954-5-5", section = "5", level = "MUST NOT", test = "second host",
      says = [[After AUTH=<> the message does not count as submitted by the login of the session; that user's
               name does not show up in AUTH= further on.]] },
    { id = "rfc4954-5-6", section = "5", level = "MAY", test = "second host",
      says = [[For an original submission by a logged-in client without AUTH= the server may make a mailbox from
               the login and pass it on.]] },
    { id = "rfc4954-5-7", section = "5", level = "MUST", test = "second host",
      says = [[A mailbox that the server makes for AUTH= has the mailbox syntax of RFC 5321.]] },
    { id = "rfc4954-5-8", section = "5", level = "MUST", test = "second host",
      says = [[Where no lawful mailbox can be made from the login, AUTH=<> is passed on.]] },
    { id = "rfc4954-5-9", section = "5", level = "MUST", test = "second host",
      says = [[An AUTH= mailbox from a client that is not trusted for it, or not logged in, is treated as
               AUTH=<>.]] },
    { id = "rfc4954-5-10", section = "5", level = "MAY",
      test = "not observable: what is written to a log file does not show on the wire",
      says = [[An AUTH= value that is not believed may still be logged.]] },
    { id = "rfc4954-5-11", section = "5", level = "MUST", test = "second host",
      says = [[Where a message counts as AUTH=<>, the relay says AUTH=<> to every server to which it has itself
               logged in.]] },
    { id = "rfc4954-5-12", section = "5", level = "MAY", test = "config",
      says = [[Mail sent out to the members of a list may carry the list's or its administrator's address in
               AUTH=.]] },
    { id = "rfc4954-5-x1", section = "5", level = "stated", test = "wire",
      says = [[The value of AUTH= is xtext: "+3D" stands for "=", and a mailbox written so is taken.]] },
    { id = "rfc4954-6-2", section = "6", level = "SHOULD", test = "wire",
      says = [[Where enhanced codes are in use they are those listed here: 235 2.7.0, 432 4.7.12, 454 4.7.0, 534
               5.7.9, 535 5.7.8, 500 5.5.6, 530 5.7.0.]] },
    { id = "rfc4954-6-3", section = "6", level = "SHOULD", test = "config",
      says = [[Once a user who got 432 has logged in by PLAIN, the mechanism that was answered 432 works in
               later sessions.]] },
    { id = "rfc4954-6-7", section = "6", level = "SHOULD", test = "wire",
      says = [[Where a login is demanded and missing, every command is answered 530 (5.7.0), save EHLO, HELO,
               AUTH, NOOP, RSET and QUIT.]] },
    { id = "rfc4954-6-9", section = "6", level = "SHOULD NOT", test = "wire",
      says = [[Mechanisms that are refused without encryption are not listed by EHLO until there is encryption.]] },
    { id = "rfc4954-i-6-2", section = "6", level = "stated", test = "config",
      says = [[432 (4.7.12) tells a user who must first log in once by another mechanism, mostly PLAIN, that the
               chosen one has no stored key yet.]] },
    { id = "rfc4954-i-6-3", section = "6", level = "stated", test = "config",
      says = [[454 (4.7.0) is the answer when the login fails because the server is in trouble for a while, not
               because of the password.]] },
    { id = "rfc4954-i-6-4", section = "6", level = "stated", test = "config",
      says = [[534 (5.7.9) is the answer when the server's rules for this user ask for a stronger mechanism.]] },
    { id = "rfc4954-7-1", section = "7", level = "MUST", test = "wire",
      says = [[A message that is taken gets a new Received field as its first line, logged in or not.]] },
    { id = "rfc4954-7-2", section = "7", level = "SHOULD", test = "wire",
      says = [[After a login the new Received field says "with ESMTPA", or "with ESMTPSA" when TLS was on as
               well.]] },
    { id = "rfc4954-8-1", section = "8", level = "MUST", test = "wire",
      says = [[The verb AUTH, the mechanism names and the parameter name are understood in any mixture of upper
               and lower case.]] },
    { id = "rfc4954-8-2", section = "8", level = "MUST", test = "wire",
      says = [[What AUTH= decodes to is a mailbox or "<>"; a value that is neither, or broken xtext, is refused
               with 501.]] },
    { id = "rfc4954-8-x1", section = "8", level = "stated", test = "wire",
      says = [[AUTH without a mechanism name is a syntax error: 501, and no challenge.]] },
    { id = "rfc4954-9-6", section = "9", level = "MAY", test = "wire",
      says = [[The server may drop the connection after several failed logins.]] },
    { id = "rfc4954-9-7", section = "9", level = "SHOULD NOT", test = "wire",
      says = [[The server does not hang up on failed logins before the third: three wrong passwords in a row
               each get their reply.]] },
    { id = "rfc4954-4-x5", section = "4", level = "stated", test = "wire",
      says = [[An AUTH that failed or was cancelled leaves the session as it was: MAIL without
               login is treated as before.]] },
    { id = "rfc4954-4-x7", section = "4", level = "stated", test = "wire",
      says = [[AUTH takes a mechanism and at most one initial response; a third word is bad syntax.]] },
  },
}
