-- TLS 1.3 and nothing older, as Mozilla's "modern" asks of servers whose clients are all new.
-- SPDX-License-Identifier: MIT
return {
  name = "modern",
  about = "TLS 1.3 only",
  levels = {
    V03 = "MUST NOT", V04 = "MUST NOT", V05 = "off", V06 = "MUST", V07 = "MUST", V09 = "off", V10 = "off",
    K05 = "MUST NOT", K06 = "MUST NOT", K07 = "MUST NOT", K08 = "MUST NOT", K09 = "MUST NOT", K10 = "off",
    K16 = "SHOULD", R02 = "MUST", P13 = "MUST",
  },
}
