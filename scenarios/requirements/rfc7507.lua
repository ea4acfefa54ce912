-- What RFC 7507 asks of a mail server, as far as `mailproof ports` looks at it; in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 7507,
  title = "TLS Fallback Signaling Cipher Suite Value",
  requirements = {
    { id = "rfc7507-3-x1", section = "3", level = "MUST", test = "ports",
      says = [[Where TLS_FALLBACK_SCSV comes with a version below the best one of the server, an
               inappropriate_fallback alert ends the handshake.]] },
  },
}
