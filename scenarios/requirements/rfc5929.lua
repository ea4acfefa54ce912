-- What RFC 5929 (Channel Bindings for TLS) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 5929,
  title = "Channel Bindings for TLS",
  requirements = {
    { id = "rfc5929-3-x1", section = "3", level = "stated", test = "wire",
      says = [[The tls-unique value is the first Finished message of the latest full handshake; under TLS 1.3 it does
        not exist and is refused.]] },
    { id = "rfc5929-4-x1", section = "4", level = "stated", test = "wire",
      says = [[The tls-server-end-point value is the hash of the server's certificate, by its signature's hash,
        SHA-256 in place of MD5 and SHA-1.]] },
    { id = "rfc5929-4-x2", section = "4", level = "stated", test = "wire",
      says = [[A binding of one kind never passes for another kind.]] },
  },
}
