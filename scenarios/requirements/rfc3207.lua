-- What RFC 3207 (SMTP over TLS: STARTTLS) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 3207,
  title = "SMTP Service Extension for Secure SMTP over Transport Layer Security",
  requirements = {
    { id = "rfc3207-2-x1", section = "2", level = "stated", test = "wire",
      says = [[A server that can negotiate TLS lists the bare keyword STARTTLS in its EHLO reply; the keyword
               carries no parameters.]] },
    { id = "rfc3207-4-2", section = "4", level = "MUST NOT", test = "wire",
      says = [[On port 25 of a host that its domain's MX names, mail for local mailboxes is taken without
               STARTTLS: MAIL and RCPT in clear get 250, not 530.]] },
    { id = "rfc3207-4-3", section = "4", level = "stated", test = "config",
      says = [[Permission: what the TLS handshake proved about the client may decide whether its mail is
               relayed.]] },
    { id = "rfc3207-4-4", section = "4", level = "stated", test = "config",
      says = [[Permission: a server that no MX record leads to may make all mail, local or relayed, depend on
               who the client proved to be in the handshake.]] },
    { id = "rfc3207-4-5", section = "4", level = "stated", test = "config",
      says = [[Permission: a server that no MX record leads to, such as a submission server, may insist on TLS
               before any other work.]] },
    { id = "rfc3207-4-6", section = "4", level = "SHOULD", test = "config",
      says = [[A server that insists on TLS answers 530 to every command in clear except NOOP, EHLO, STARTTLS
               and QUIT.]] },
    { id = "rfc3207-4-7", section = "4", level = "SHOULD", test = "config",
      says = [[The 530 that demands STARTTLS carries the enhanced code 5.7.0 where ENHANCEDSTATUSCODES was
               offered.]] },
    { id = "rfc3207-4-8", section = "4", level = "MUST", test = "relay",
      says = [[A relay that reads 220 after its STARTTLS sends a TLS ClientHello next, and no SMTP command in
               between.]] },
    { id = "rfc3207-4-9", section = "4", level = "SHOULD", test = "relay",
      says = [[A relay whose handshake cannot begin after STARTTLS closes the connection instead of going on in
               clear on it.]] },
    { id = "rfc3207-4-10", section = "4", level = "stated", test = "relay",
      says = [[A pipelining relay sends nothing after STARTTLS in the same batch; it reads the reply first.]] },
    { id = "rfc3207-4-x1", section = "4", level = "stated", test = "wire",
      says = [[STARTTLS with any argument is answered 501, and the session stays in clear and usable.]] },
    { id = "rfc3207-4-x2", section = "4", level = "stated", test = "wire",
      says = [[A plain STARTTLS that the server has offered is answered 220, or 454 while TLS is unavailable for
               a time; after 454 the session in clear goes on.]] },
    { id = "rfc3207-4-x3", section = "4", level = "stated", test = "wire",
      says = [[After its 220 the server sends no SMTP bytes in clear: the next thing it writes belongs to the
               TLS handshake, or the connection ends.]] },
    { id = "rfc3207-4-x4", section = "4", level = "stated", test = "wire",
      says = [[When the handshake breaks, the server does not fall back to obeying commands in clear: bytes that
               are not TLS get no SMTP reply.]] },
    { id = "rfc3207-4.1-1", section = "4.1", level = "MUST",
      test = "not observable: a decision inside the server; a refusal is rfc3207-4.1-4",
      says = [[Right after the handshake each side judges whether the identity and secrecy it got are enough to
               carry on.]] },
    { id = "rfc3207-4.1-3", section = "4.1", level = "SHOULD", test = "relay",
      says = [[A relay that finds the negotiated protection too weak sends QUIT as its first command inside TLS.]] },
    { id = "rfc3207-4.1-4", section = "4.1", level = "SHOULD", test = "config",
      says = [[A server that finds the negotiated protection too weak answers 554 to every command except QUIT.]] },
    { id = "rfc3207-i-4.1-1", section = "4.1", level = "stated", test = "wire",
      says = [[A server on the public Internet completes the handshake with a client that shows a verifiable
               certificate; it may note the certificate in its Received field.]] },
    { id = "rfc3207-4.2-1", section = "4.2", level = "MUST", test = "wire",
      says = [[Nothing the client said in clear survives the handshake, its EHLO name included: a MAIL that
               comes inside TLS before a new EHLO is not accepted on the strength of the old one.]] },
    { id = "rfc3207-4.2-2", section = "4.2", level = "MUST", test = "relay",
      says = [[A relay forgets the extension list it read in clear and uses only what it reads inside TLS.]] },
    { id = "rfc3207-4.2-3", section = "4.2", level = "SHOULD", test = "relay",
      says = [[A relay's first command inside TLS is EHLO.]] },
    { id = "rfc3207-4.2-4", section = "4.2", level = "MAY", test = "wire",
      says = [[The keywords of EHLO inside TLS are allowed to differ from those in clear (AUTH mechanisms, for
               instance).]] },
    { id = "rfc3207-4.2-5", section = "4.2", level = "MUST", test = "wire",
      says = [[The server knows that TLS is running: a second STARTTLS inside it is refused (503 or another 5yz)
               and the session goes on.]] },
    { id = "rfc3207-4.2-6", section = "4.2", level = "MUST NOT", test = "relay",
      says = [[A relay never sends STARTTLS inside TLS, even when the other server lists the keyword there.]] },
    { id = "rfc3207-4.2-7", section = "4.2", level = "MUST NOT", test = "wire",
      says = [[EHLO inside TLS does not list STARTTLS.]] },
    { id = "rfc3207-i-4.2-1", section = "4.2", level = "stated", test = "wire",
      says = [[After the handshake the session stands where it stood after the 220 greeting: an open transaction
               is gone, so RCPT gets 503, and there is no second greeting.]] },
    { id = "rfc3207-4.2-x1", section = "4.2", level = "stated", test = "wire",
      says = [[If STARTTLS is taken after a login in clear, that login is forgotten: AUTH inside TLS is not
               refused as a repetition, and what needs a login is refused until it is done anew.]] },
    { id = "rfc3207-4.3-x1", section = "4.3", level = "stated", test = "wire",
      says = [[STARTTLS works on the submission port (587) as it does on port 25.]] },
    { id = "rfc3207-6-6", section = "6", level = "MUST", test = "config",
      says = [[The operator can demand TLS of a suitable strength for chosen peers; without it no mail to or
               from them goes through.]] },
    { id = "rfc3207-6-7", section = "6", level = "SHOULD", test = "second host",
      says = [[Besides demanding TLS there is a mode that uses it wherever the other side offers it and goes
               without where not.]] },
    { id = "rfc3207-6-8", section = "6", level = "MAY", test = "relay",
      says = [[An implementation may remember which peers used TLS and warn when one of them later does not.]] },
    { id = "rfc3207-6-9", section = "6", level = "stated", test = "relay",
      says = [[After a failed handshake or a 454 a relay that wants TLS tries again in later sessions, and
               returns the mail to its sender when its own time limit is over.]] },
    { id = "rfc3207-6-12", section = "6", level = "MUST", test = "wire",
      says = [[Commands that reached the server in clear behind STARTTLS, in the same packet or not, are thrown
               away: none of them is carried out or answered inside TLS.]] },
    { id = "rfc3207-4.1-x1", section = "4.1", level = "MUST", test = "ports",
      says = [[After a handshake that failed nothing that follows is obeyed in clear.]] },
    { id = "rfc3207-4.2-x2", section = "4.2", level = "stated", test = "second host",
      says = [[A relay reads nothing inside TLS that came in clear behind the 220 to its STARTTLS.]] },
  },
}
