-- What the submission service must not offer. RFC 6409, 7.
-- SPDX-License-Identifier: MIT
scenario {
  name = "no-etrn",
  title = "Submission does not offer ETRN",
  proves = "rfc6409-7-3",
  says = [[ETRN is for hosts that fetch their mail, on port 25; EHLO on the submission port does not list it.]],
  why = [[It would have users set off the queues of a server that is there for sending alone.]],
  catches = "submission-offers-etrn",
  services = { "submission" },
  users = 0,
  run = function(t)
    t:check(not t:smtp { service = "submission" }:has "ETRN", "EHLO on the submission port lists ETRN")
  end,
}
