-- What RFC 7677 (SCRAM-SHA-256) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 7677,
  title = "SCRAM-SHA-256 and SCRAM-SHA-256-PLUS Simple Authentication and Security Layer (SASL) Mechanisms",
  requirements = {
    { id = "rfc7677-2-x1", section = "2", level = "stated", test = "wire",
      says = [[SCRAM-SHA-256 is SCRAM with SHA-256 as its hash: proof and signature have 32 octets.]] },
    { id = "rfc7677-3-1", section = "3", level = "SHOULD", test = "wire",
      says = [[The iteration count that the server names is at least 4096.]] },
    { id = "rfc7677-4-1", section = "4", level = "MUST",
      test = "not observable: whether a binding was safe shows only in an attack",
      says = [[A -PLUS form runs only over TLS with the extended master secret, or where no session was resumed.]] },
    { id = "rfc7677-4-3", section = "4", level = "SHOULD", test = "wire",
      says = [[4096 iterations are the least; more is better where clients can bear it.]] },
    { id = "rfc7677-4-x1", section = "4", level = "stated", test = "wire",
      says = [[The salt is the account's own: two accounts do not share one.]] },
  },
}
