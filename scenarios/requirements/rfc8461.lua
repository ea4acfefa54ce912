-- What RFC 8461 (SMTP MTA Strict Transport Security) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 8461,
  title = "SMTP MTA Strict Transport Security",
  requirements = {
    { id = "rfc8461-2-1", section = "2", level = "MUST NOT", test = "dns",
      says = [[A policy does not outweigh a failure of DANE.]] },
    { id = "rfc8461-3.4-2", section = "3.4", level = "MUST NOT", test = "dns",
      says = [[The policy of a parent domain does not bind its subdomains.]] },
    { id = "rfc8461-4-1", section = "4", level = "MUST", test = "dns",
      says = [[Under a policy the host has to be among its mx patterns, offer STARTTLS and show a certificate that
               holds.]] },
    { id = "rfc8461-4.1-x1", section = "4.1", level = "stated", test = "dns",
      says = [[*. in a pattern stands for exactly one label.]] },
    { id = "rfc8461-4.2-1", section = "4.2", level = "MUST", test = "dns",
      says = [[The certificate is in date, leads to a trusted authority and bears the name of the host.]] },
    { id = "rfc8461-5-1", section = "5", level = "MUST NOT", test = "dns",
      says = [[In mode enforce a host without STARTTLS, without a match or with a bad certificate gets no mail.]] },
    { id = "rfc8461-5-2", section = "5", level = "MUST NOT", test = "time",
      says = [[Mail that a policy holds back is not returned before the policy was asked for anew.]] },
    { id = "rfc8461-5-3", section = "5", level = "SHOULD", test = "dns",
      says = [[Mail that a policy holds back waits and is tried again.]] },
    { id = "rfc8461-5-x1", section = "5", level = "stated", test = "dns",
      says = [[Under a policy in enforce mode, nothing is sent to a host that the policy does not list, or over TLS
               that does not hold.]] },
    { id = "rfc8461-5-x2", section = "5", level = "stated", test = "dns",
      says = [[In mode testing, and in mode none, mail goes on as without a policy.]] },
    { id = "rfc8461-7.1-3", section = "7.1", level = "MUST", test = "dns",
      says = [[The handshake names the MX host (SNI).]] },
    { id = "rfc8461-7.1-x1", section = "7.1", level = "MUST", test = "ports",
      says = [[A sender without server_name gets a handshake and a certificate.]] },
  },
}
