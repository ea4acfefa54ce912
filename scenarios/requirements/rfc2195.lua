-- What RFC 2195 (IMAP/POP AUTHorize Extension for Simple Challenge/Response) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 2195,
  title = "IMAP/POP AUTHorize Extension for Simple Challenge/Response",
  requirements = {
    { id = "rfc2195-2-x1", section = "2", level = "stated", test = "wire",
      says = [[The challenge is in the form of a message-id, in angle brackets, with an at sign, and new every time.]]
        },
    { id = "rfc2195-2-x2", section = "2", level = "stated", test = "wire",
      says = [[The response is the name, one space and 32 lower-case hex digits of HMAC-MD5 over the challenge, keyed
        with the password.]] },
    { id = "rfc2195-2-x3", section = "2", level = "stated", test = "wire",
      says = [[A digest over another challenge, or with another password, makes the login fail.]] },
    { id = "rfc2195-2-x4", section = "2", level = "stated", test = "wire",
      says = [[The name ends at the last space of the response: names may hold spaces.]] },
    { id = "rfc2195-2-x5", section = "2", level = "stated", test = "wire",
      says = [[The digest is judged whole: a part of it is wrong.]] },
  },
}
