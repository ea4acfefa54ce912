-- Clear text considered obsolete: everything that RFC 8314, 8997 and 9325 ask, their SHOULDs as MUSTs.
-- SPDX-License-Identifier: MIT
return {
  name = "rfc8314-strict",
  about = "RFC 8314, 8997 and 9325, a SHOULD as a MUST",
  levels = {
    P12 = "MUST", P13 = "MUST", P15 = "MUST", P16 = "MUST", S18 = "MUST", J09 = "MUST NOT", J13 = "MUST",
    V06 = "MUST", V10 = "MUST", K06 = "MUST NOT", K07 = "MUST NOT", K08 = "MUST NOT", K09 = "MUST NOT",
    K14 = "MUST NOT", H01 = "MUST NOT", H17 = "MUST NOT", R02 = "MUST", B09 = "MUST", D11 = "MUST",
    ["25/S17"] = "MUST NOT", Z09 = "MUST NOT",
  },
}
