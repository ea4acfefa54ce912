-- TLS 1.2 with forward secrecy and 1.3: what a public server can ask of today's clients.
-- SPDX-License-Identifier: MIT
return {
  name = "intermediate",
  about = "TLS 1.2 with forward secrecy, and 1.3",
  levels = {
    V05 = "SHOULD", V06 = "MUST", K06 = "MUST NOT", K07 = "MUST NOT", K08 = "MUST NOT", K09 = "SHOULD NOT",
    X03 = "INFO", X06 = "INFO", B02 = "INFO",
  },
}
