-- What RFC 7672 (SMTP Security via Opportunistic DANE TLS) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 7672,
  title = "SMTP Security via Opportunistic DANE TLS",
  requirements = {
    { id = "rfc7672-2.2-x1", section = "2.2", level = "stated", test = "dns",
      says = [[Where secure TLSA records exist, nothing is sent to a host that does not offer STARTTLS.]] },
    { id = "rfc7672-2.2-x2", section = "2.2", level = "stated", test = "dns",
      says = [[Where secure TLSA records exist, the certificate has to match one of them.]] },
  },
}
