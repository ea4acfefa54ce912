-- What RFC 4616 (SASL PLAIN) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 4616,
  title = "The PLAIN Simple Authentication and Security Layer (SASL) Mechanism",
  requirements = {
    { id = "rfc4616-1-2", section = "1", level = "SHOULD", test = "wire",
      says = [[By default PLAIN is announced and taken only where something else, TLS mostly, keeps the password from
        listeners.]] },
    { id = "rfc4616-2-1", section = "2", level = "MUST", test = "wire",
      says = [[A name to log in with of 255 octets is taken and judged.]] },
    { id = "rfc4616-2-2", section = "2", level = "MUST", test = "wire",
      says = [[A name to act for of 255 octets is taken and judged.]] },
    { id = "rfc4616-2-3", section = "2", level = "MUST", test = "wire",
      says = [[A password of 255 octets is taken and judged.]] },
    { id = "rfc4616-2-4", section = "2", level = "MUST", test = "wire",
      says = [[The message is UTF-8: octets that are not make the login fail.]] },
    { id = "rfc4616-2-5", section = "2", level = "MUST NOT", test = "wire",
      says = [[A message with more or fewer than two NULs is refused: none of its three parts can hold one.]] },
    { id = "rfc4616-2-7", section = "2", level = "MUST", test = "wire",
      says = [[All three parts may have 255 octets at once.]] },
    { id = "rfc4616-2-9", section = "2", level = "SHOULD", test = "wire",
      says = [[Names and passwords are compared after SASLprep, so that two spellings of one character are the same.]]
        },
    { id = "rfc4616-2-13", section = "2", level = "MUST",
      test = "not observable: how passwords are kept is the server's own matter",
      says = [[Where only a hash of the password is kept, the password is prepared before it is hashed.]] },
    { id = "rfc4616-2-14", section = "2", level = "MUST", test = "wire",
      says = [[An empty login name or password, or one that preparation leaves empty or rejects, makes the login
        fail.]] },
    { id = "rfc4616-2-15", section = "2", level = "MAY", test = "not observable: no client sees what is stored",
      says = [[The server may use the password to fill the databases of other mechanisms.]] },
    { id = "rfc4616-2-x1", section = "2", level = "stated", test = "wire",
      says = [[An empty name to act for means: act for the one who logs in. The mailbox opened is his.]] },
    { id = "rfc4616-2-x2", section = "2", level = "stated", test = "wire",
      says = [[With a name to act for, the login succeeds only when the password is that of the login name and he is
        allowed to act for the other.]] },
    { id = "rfc4616-5-2", section = "5", level = "SHOULD NOT", test = "wire",
      says = [[PLAIN is not announced on a connection in clear unless somebody configured it so.]] },
    { id = "rfc4616-2-x3", section = "2", level = "stated", test = "wire",
      says = [[Name and password are compared whole: neither a beginning of the password, nor more than it, nor another
               case logs in.]] },
  },
}
