-- What RFC 8701 asks of a mail server, as far as `mailproof ports` looks at it; in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 8701,
  title = "Applying GREASE to TLS Extensibility",
  requirements = {
    { id = "rfc8701-3-x1", section = "3", level = "MUST", test = "ports",
      says = [[Reserved values in a hello are treated as any unknown value: ignored.]] },
  },
}
