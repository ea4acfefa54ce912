-- A public MX: TLS is opportunistic, so old versions and odd suites are better than clear text, and DANE or
-- MTA-STS are what authenticates. RFC 7672, 8.2. SPDX-License-Identifier: MIT
return {
  name = "mx",
  about = "port 25 of a public MX: opportunistic TLS",
  levels = {
    ["25/V03"] = "SHOULD NOT", ["25/V04"] = "SHOULD NOT", ["25/K05"] = "INFO", ["25/K06"] = "INFO",
    ["25/K07"] = "INFO", ["25/K12"] = "SHOULD", ["25/K18"] = "SHOULD NOT", ["25/X03"] = "off",
    ["25/X06"] = "INFO", ["25/Z03"] = "SHOULD", ["25/Z05"] = "SHOULD", S17 = "MUST NOT",
    D02 = "MUST NOT", D03 = "MUST", D07 = "SHOULD", D10 = "SHOULD",
  },
}
