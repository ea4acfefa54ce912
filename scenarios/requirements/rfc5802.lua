-- What RFC 5802 (Salted Challenge Response Authentication Mechanism (SCRAM)) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 5802,
  title = "Salted Challenge Response Authentication Mechanism (SCRAM)",
  requirements = {
    { id = "rfc5802-5.1-8", section = "5.1", level = "MUST", test = "wire",
      says = [[A user name with an equals sign that is followed by neither 2C nor 3D makes the login fail.]] },
    { id = "rfc5802-5.1-11", section = "5.1", level = "MUST", test = "wire",
      says = [[A nonce in the second client message that is not the one from the server makes the login fail.]] },
    { id = "rfc5802-5.1-14", section = "5.1", level = "SHOULD", test = "wire",
      says = [[The iteration count is at least 4096.]] },
    { id = "rfc5802-5.1-x1", section = "5.1", level = "stated", test = "wire",
      says = [[The part of the nonce that the server adds is new in every exchange, and the client's part comes
               first.]] },
    { id = "rfc5802-6-9", section = "6", level = "MUST", test = "wire",
      says = [[A client that says it could bind to the channel but saw no -PLUS, on a server that offers it, is
               refused.]] },
    { id = "rfc5802-6-11", section = "6", level = "MUST", test = "wire",
      says = [[A binding type that the server does not know makes the login fail.]] },
    { id = "rfc5802-6-12", section = "6", level = "MUST", test = "wire",
      says = [[The channel binding data of the client are always checked.]] },
    { id = "rfc5802-6-x1", section = "6", level = "stated", test = "wire",
      says = [[Binding data that are not those of this TLS channel make a -PLUS login fail.]] },
  },
}
