-- The Dutch NCSC's guidelines for TLS, the part that can be seen from outside: 1.3 good, 1.2 sufficient, below that
-- insufficient; phase-out suites are a SHOULD. SPDX-License-Identifier: MIT
return {
  name = "ncsc-nl",
  about = "the Dutch NCSC's guidelines for TLS",
  levels = {
    V03 = "MUST NOT", V04 = "MUST NOT", V06 = "SHOULD", K05 = "MUST NOT", K06 = "MUST NOT", K07 = "SHOULD NOT",
    K08 = "MUST NOT", K09 = "INFO", K12 = "MUST", K13 = "MUST NOT", K18 = "MUST NOT", H01 = "MUST NOT",
    R02 = "MUST", R03 = "MUST", R07 = "MUST", X09 = "SHOULD", Z11 = "MUST", Z12 = "MUST NOT",
  },
}
