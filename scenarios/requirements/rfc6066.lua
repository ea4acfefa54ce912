-- What RFC 6066 asks of a mail server, as far as `mailproof ports` looks at it; in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 6066,
  title = "TLS Extensions: Extension Definitions",
  requirements = {
    { id = "rfc6066-3-x1", section = "3", level = "SHOULD NOT", test = "ports",
      says = [[For an unknown server_name the handshake ends or goes on; a warning alert is not sent.]] },
  },
}
