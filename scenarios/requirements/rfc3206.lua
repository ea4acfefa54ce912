-- What RFC 3206 (The SYS and AUTH POP Response Codes) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 3206,
  title = "The SYS and AUTH POP Response Codes",
  requirements = {
    { id = "rfc3206-4-x1", section = "4", level = "stated", test = "config",
      says = [[SYS/TEMP and SYS/PERM stand only behind -ERR, and mean trouble of the server, not of the password.]] },
    { id = "rfc3206-4-x2", section = "4", level = "stated", test = "wire",
      says = [[Behind SYS there is TEMP or PERM.]] },
    { id = "rfc3206-5-1", section = "5", level = "SHOULD", test = "wire",
      says = [[A server that sends the AUTH code has CAPA, and CAPA lists AUTH-RESP-CODE.]] },
    { id = "rfc3206-5-2", section = "5", level = "SHOULD NOT", test = "wire",
      says = [[USER never gets the AUTH code: it would tell which names exist.]] },
    { id = "rfc3206-5-x1", section = "5", level = "stated", test = "wire",
      says = [[The AUTH code stands only behind -ERR to a login command.]] },
    { id = "rfc3206-6-x1", section = "6", level = "stated", test = "wire",
      says = [[Where CAPA lists AUTH-RESP-CODE, every login that fails for its name or password has the AUTH code: by
        PASS, APOP and AUTH alike.]] },
    { id = "rfc3206-6-x2", section = "6", level = "stated", test = "wire",
      says = [[A login refused for another reason (maildrop in use, too early, malformed, cancelled) has no AUTH
        code.]] },
    { id = "rfc3206-6-x3", section = "6", level = "stated", test = "wire",
      says = [[AUTH-RESP-CODE is listed before login and after it, without argument.]] },
  },
}
