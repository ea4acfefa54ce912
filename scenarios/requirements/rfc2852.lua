-- What RFC 2852 (Deliver By SMTP Service Extension) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 2852,
  title = "Deliver By SMTP Service Extension",
  requirements = {
    { id = "rfc2852-2-x1", section = "2", level = "stated", test = "wire",
      says = [[DELIVERBY is listed alone or with a decimal number of seconds, the shortest by-time that the server
               takes in mode R.]] },
    { id = "rfc2852-4-x1", section = "4", level = "stated", test = "wire",
      says = [[MAIL takes BY=seconds;mode with mode R or N in any case, and T behind it, seconds having up to nine
               digits.]] },
    { id = "rfc2852-4-2", section = "4", level = "stated", test = "wire",
      says = [[Mode R with zero or less seconds is refused.]] },
    { id = "rfc2852-4-3", section = "4", level = "MUST", test = "wire",
      says = [[BY without a value is refused.]] },
    { id = "rfc2852-4-8", section = "4", level = "stated", test = "wire",
      says = [[In mode N zero and negative seconds are no error.]] },
    { id = "rfc2852-4-10", section = "4", level = "SHOULD", test = "wire",
      says = [[A BY that breaks the syntax gets 501, and so does MAIL with two of them.]] },
    { id = "rfc2852-4-11", section = "4", level = "SHOULD", test = "wire",
      says = [[With enhanced codes, that 501 is 5.5.4.]] },
    { id = "rfc2852-4-12", section = "4", level = "SHOULD", test = "wire",
      says = [[A lawful BY that the server cannot keep gets 455 or 555: mode R with less than the announced
               minimum.]] },
    { id = "rfc2852-4.1-2", section = "4.1", level = "stated", test = "second host",
      says = [[Reports about a message with BY have Arrival-Date and Deliver-By-Date.]] },
    { id = "rfc2852-4.1.2-4", section = "4.1.2", level = "MUST", test = "second host",
      says = [[A refusal for good before the time is over is reported as failed, unless NOTIFY leaves FAILURE out.]] },
    { id = "rfc2852-4.1.3-1", section = "4.1.3", level = "stated", test = "time",
      says = [[In mode R there are no attempts after the time is over.]] },
    { id = "rfc2852-4.1.3-2", section = "4.1.3", level = "MUST", test = "time",
      says = [[When the time of mode R is over, the recipient is reported as failed with status 5.4.7, unless NOTIFY
               leaves FAILURE out.]] },
    { id = "rfc2852-4.1.3-3", section = "4.1.3", level = "stated", test = "time",
      says = [[In mode N the server goes on trying after the time is over.]] },
    { id = "rfc2852-4.1.3-4", section = "4.1.3", level = "MUST", test = "time",
      says = [[When the time of mode N is over, the recipient is reported as delayed with status 4.4.7, unless NOTIFY
               leaves DELAY out.]] },
    { id = "rfc2852-4.1.4-3", section = "4.1.4", level = "MUST", test = "time",
      says = [[A next host that has DELIVERBY gets BY with the seconds that are left, and the mode and T as they
               came.]] },
    { id = "rfc2852-4.1.4-7", section = "4.1.4", level = "SHOULD", test = "second host",
      says = [[With T, each relay on the way reports relayed, unless NOTIFY=NEVER.]] },
    { id = "rfc2852-4.1.4.1-1", section = "4.1.4.1", level = "MUST NOT", test = "second host",
      says = [[Mode R does not go to a host without DELIVERBY.]] },
    { id = "rfc2852-4.1.4.1-2", section = "4.1.4.1", level = "MUST NOT", test = "second host",
      says = [[Mode R does not go to a host whose minimum is longer than the time that is left.]] },
    { id = "rfc2852-4.1.4.1-3", section = "4.1.4.1", level = "stated", test = "second host",
      says = [[What mode R keeps from being relayed is reported as failed for good.]] },
    { id = "rfc2852-4.1.4.2-1", section = "4.1.4.2", level = "stated", test = "second host",
      says = [[Mode N may go to a host without DELIVERBY, without the parameter.]] },
    { id = "rfc2852-4.1.4.2-2", section = "4.1.4.2", level = "MUST", test = "second host",
      says = [[Mode N that goes on in time to a host without DELIVERBY is reported as relayed, unless
               NOTIFY=NEVER.]] },
    { id = "rfc2852-4.1.4.2-3", section = "4.1.4.2", level = "SHOULD", test = "second host",
      says = [[In that case a host with DSN is asked for DELAY besides what the sender asked for.]] },
    { id = "rfc2852-5-1", section = "5", level = "stated", test = "second host",
      says = [[Deliver-By-Date in a report is a date with a numeric zone.]] },
  },
}
