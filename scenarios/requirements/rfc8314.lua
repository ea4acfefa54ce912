-- What RFC 8314 (TLS for Email Submission and Access) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 8314,
  title = "Cleartext Considered Obsolete: Use of TLS for Email Submission and Access",
  requirements = {
    { id = "rfc8314-3.1-2", section = "3.1", level = "MUST", test = "wire",
      says = [[On the implicit TLS port of POP3 the session begins in the AUTHORIZATION state, client certificate
               or not.]] },
    { id = "rfc8314-3.3-2", section = "3.3", level = "SHOULD", test = "wire",
      says = [[Submission is offered with STARTTLS on 587 and with TLS from the first octet on 465.]] },
    { id = "rfc8314-3.4-1", section = "3.4", level = "SHOULD", test = "wire",
      says = [[The server sends a TLS close alert before it ends the TCP connection.]] },
    { id = "rfc8314-4-3", section = "4", level = "SHOULD", test = "wire",
      says = [[IMAP, POP3 and submission are offered with implicit TLS.]] },
    { id = "rfc8314-4-5", section = "4", level = "SHOULD NOT", test = "wire",
      says = [[STARTTLS is not announced where the handshake is bound to fail.]] },
    { id = "rfc8314-4-11", section = "4", level = "MUST", test = "wire",
      says = [[TLS 1.2 or a later version can be negotiated.]] },
    { id = "rfc8314-4-14", section = "4", level = "SHOULD", test = "wire",
      says = [[The Received field of a message submitted over TLS names the cipher suite.]] },
    { id = "rfc8314-4.2-2", section = "4.2", level = "MUST NOT", test = "config",
      says = [[A client certificate is asked for only where it can serve as a login.]] },
    { id = "rfc8314-4.4-1", section = "4.4", level = "MUST", test = "wire",
      says = [[Every server shows a valid certificate: in date, made out to the name that clients use, and leading
               to an authority they trust.]] },
  },
}
