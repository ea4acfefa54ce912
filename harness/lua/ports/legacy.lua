-- Facts only: what is there, and nothing is an offence but what lets others in.
-- SPDX-License-Identifier: MIT
return {
  name = "legacy",
  about = "old clients are served: versions and suites are facts",
  levels = {
    V03 = "INFO", V04 = "INFO", V05 = "INFO", V06 = "INFO", V10 = "INFO", V11 = "INFO",
    K05 = "SHOULD NOT", K06 = "INFO", K07 = "INFO", K08 = "INFO", K09 = "INFO", K12 = "INFO", K13 = "SHOULD NOT",
    K17 = "SHOULD NOT", K18 = "INFO", X03 = "INFO", X06 = "INFO", R02 = "INFO", B02 = "INFO", H14 = "INFO",
  },
}
