-- What RFC 2449 (POP3 Extension Mechanism) asks of a server, in our own words.
-- SPDX-License-Identifier: MIT
return {
  rfc = 2449,
  title = "POP3 Extension Mechanism",
  requirements = {
    { id = "rfc2449-3-1", section = "3", level = "stated", test = "wire",
      says = [[In every multi-line response, those of extensions included, a line that starts with a dot is sent
               with that dot doubled.]] },
    { id = "rfc2449-3-2", section = "3", level = "MUST", test = "wire",
      says = [[If the greeting holds a "<...>" timestamp, it is a well-formed RFC 822 msg-id: local part, "@",
               domain.]] },
    { id = "rfc2449-3-x1", section = "3", level = "stated", test = "wire",
      says = [[The first line of any response, greeting included, has one form: status, then optionally a space and
               text, at most 512 octets.]] },
    { id = "rfc2449-3-x2", section = "3", level = "stated", test = "wire",
      says = [[Capability tags hold printable characters other than a dot, and one space stands before each
               parameter.]] },
    { id = "rfc2449-4-1", section = "4", level = "MUST", test = "wire",
      says = [[A server that has CAPA takes command lines of up to 255 octets, CRLF counted, and answers them
               properly.]] },
    { id = "rfc2449-4-2", section = "4", level = "MUST", test = "wire",
      says = [[If a listed capability allows longer commands than 255 octets, lines of that greater length are
               taken too.]] },
    { id = "rfc2449-4-x1", section = "4", level = "stated", test = "wire",
      says = [[The greeting and each first response line stay within 512 octets with their CRLF.]] },
    { id = "rfc2449-5-2", section = "5", level = "MUST", test = "wire",
      says = [[Whatever CAPA lists before login and holds there is listed again after login (STLS, valid before
               login only, is bound otherwise by its own RFC).]] },
    { id = "rfc2449-5-7", section = "5", level = "SHOULD", test = "wire",
      says = [[The tag that stands for an optional command is spelled like that command: TOP, UIDL, USER listed
               means TOP, UIDL, USER obeyed.]] },
    { id = "rfc2449-5-8", section = "5", level = "MAY", test = "wire",
      says = [[A capability line may carry parameters after its name, set apart by single spaces.]] },
    { id = "rfc2449-i-5-1", section = "5", level = "stated", test = "wire",
      says = [[CAPA works both before and after login and lists what the server supports.]] },
    { id = "rfc2449-i-5-2", section = "5", level = "stated", test = "wire",
      says = [[A server without CAPA answers it with -ERR, and the session goes on.]] },
    { id = "rfc2449-i-5-3", section = "5", level = "stated", test = "wire",
      says = [[CAPA's +OK line is followed by one capability a line and the closing dot line.]] },
    { id = "rfc2449-5-x1", section = "5", level = "stated", test = "wire",
      says = [[A capability line is no longer than 512 octets, CRLF counted.]] },
    { id = "rfc2449-5-x2", section = "5", level = "stated", test = "wire",
      says = [[CAPA takes no argument.]] },
    { id = "rfc2449-6-x1", section = "6", level = "stated", test = "wire",
      says = [[There is no APOP capability: APOP is announced by the timestamp in the greeting alone.]] },
    { id = "rfc2449-6.1-x1", section = "6.1", level = "stated", test = "wire",
      says = [[If CAPA lists TOP, it does so in both states, and TOP works after login.]] },
    { id = "rfc2449-6.2-x1", section = "6.2", level = "stated", test = "wire",
      says = [[If CAPA lists USER, then USER and PASS are implemented, though not every user need be allowed to log
               in by them.]] },
    { id = "rfc2449-6.3-x1", section = "6.3", level = "stated", test = "wire",
      says = [[If CAPA lists SASL, its parameters name the mechanisms, and AUTH works with each of them.]] },
    { id = "rfc2449-6.3-x2", section = "6.3", level = "stated", test = "wire",
      says = [[With SASL listed, AUTH takes a base64 initial response as its second argument.]] },
    { id = "rfc2449-6.4-x1", section = "6.4", level = "stated", test = "wire",
      says = [[With RESP-CODES listed, text after +OK or -ERR starts with "[" only where an extended response code
               follows.]] },
    { id = "rfc2449-6.5-2", section = "6.5", level = "SHOULD", test = "config",
      says = [[If LOGIN-DELAY is announced, a second login of the same user within that many seconds gets -ERR.]] },
    { id = "rfc2449-6.5-3", section = "6.5", level = "MUST", test = "config",
      says = [[Where the delay differs between users, CAPA before login shows the greatest value that any of them
               can have.]] },
    { id = "rfc2449-6.5-4", section = "6.5", level = "SHOULD", test = "config",
      says = [[Where the delay differs between users, the LOGIN-DELAY value shown before login is followed by the
               token USER.]] },
    { id = "rfc2449-6.5-5", section = "6.5", level = "SHOULD", test = "config",
      says = [[After login CAPA shows the delay that holds for this user.]] },
    { id = "rfc2449-6.5-x1", section = "6.5", level = "stated", test = "config",
      says = [[The LOGIN-DELAY parameter is a whole number of seconds, counted from the +OK that completed the last
               login.]] },
    { id = "rfc2449-6.6-1", section = "6.6", level = "MUST", test = "wire",
      says = [[With PIPELINING listed, commands that arrive together are carried out one after another and answered
               in the order given.]] },
    { id = "rfc2449-6.6-3", section = "6.6", level = "MUST", test = "wire",
      says = [[A client that pipelines many RETR before it reads does not drive the server into a deadlock: no
               blocking write beyond the transport window.]] },
    { id = "rfc2449-6.6-x1", section = "6.6", level = "stated", test = "wire",
      says = [[With PIPELINING listed, commands sent while a long response is still under way are neither lost nor
               merged.]] },
    { id = "rfc2449-6.7-2", section = "6.7", level = "MAY", test = "config",
      says = [[Under EXPIRE 0 the server may treat each message read by RETR as if DELE had been given, once QUIT
               comes.]] },
    { id = "rfc2449-6.7-4", section = "6.7", level = "SHOULD", test = "config",
      says = [[A site that deletes mail by itself says so with an EXPIRE capability.]] },
    { id = "rfc2449-6.7-5", section = "6.7", level = "SHOULD", test = "config",
      says = [[A site that never deletes mail says so with EXPIRE NEVER.]] },
    { id = "rfc2449-6.7-6", section = "6.7", level = "MUST", test = "config",
      says = [[Where retention differs between users, CAPA before login shows the least number of days that any of
               them can have.]] },
    { id = "rfc2449-6.7-7", section = "6.7", level = "SHOULD", test = "config",
      says = [[Where retention differs between users, the EXPIRE value shown before login is followed by the token
               USER.]] },
    { id = "rfc2449-6.7-8", section = "6.7", level = "SHOULD", test = "config",
      says = [[After login CAPA shows the retention that holds for this user.]] },
    { id = "rfc2449-6.7-x1", section = "6.7", level = "stated", test = "wire",
      says = [[The EXPIRE parameter is a number of days or the word NEVER, and USER may follow it only before
               login.]] },
    { id = "rfc2449-6.7-x2", section = "6.7", level = "stated", test = "config",
      says = [[Mail stays in the maildrop for as many days as EXPIRE says.]] },
    { id = "rfc2449-6.8-x1", section = "6.8", level = "stated", test = "wire",
      says = [[If CAPA lists UIDL, it does so in both states, and UIDL works after login.]] },
    { id = "rfc2449-6.9-3", section = "6.9", level = "MAY", test = "wire",
      says = [[IMPLEMENTATION may be held back until the client has logged in.]] },
    { id = "rfc2449-6.9-4", section = "6.9", level = "MAY", test = "wire",
      says = [[The server may name its implementation in the greeting as well as in CAPA.]] },
    { id = "rfc2449-6.9-x1", section = "6.9", level = "stated", test = "wire",
      says = [[IMPLEMENTATION, if listed, has at least one parameter, a token that names the server.]] },
    { id = "rfc2449-i-8-1", section = "8", level = "stated", test = "wire",
      says = [[A server that sends extended response codes lists RESP-CODES in CAPA.]] },
    { id = "rfc2449-8-x1", section = "8", level = "stated", test = "wire",
      says = [[A response code stands directly after the space that follows +OK or -ERR, in square brackets, with
               "/" between its levels.]] },
    { id = "rfc2449-i-8.1.1-1", section = "8.1.1", level = "stated", test = "config",
      says = [[[LOGIN-DELAY] is sent only with -ERR to a login command, when this user logged in too short a time
               ago.]] },
    { id = "rfc2449-i-8.1.1-2", section = "8.1.1", level = "stated", test = "config",
      says = [[[LOGIN-DELAY] is not sent in answer to USER, since that would tell a stranger that the name exists.]] },
    { id = "rfc2449-8.1.1-x1", section = "8.1.1", level = "stated", test = "config",
      says = [[Where RESP-CODES is listed a login refused only because it comes too soon gets [LOGIN-DELAY].]] },
    { id = "rfc2449-8.1.2-x1", section = "8.1.2", level = "stated", test = "wire",
      says = [[[IN-USE] is sent only with -ERR to PASS, APOP or AUTH, when the password was right but another
               session holds the maildrop.]] },
    { id = "rfc2449-8-x2", section = "8", level = "stated", test = "wire",
      says = [[RESP-CODES is listed before login and after it, if at all.]] },
    { id = "rfc2449-8.1.2-x2", section = "8.1.2", level = "stated", test = "wire",
      says = [[Where RESP-CODES is listed a login refused only because another session holds the maildrop gets
               [IN-USE].]] },
    { id = "rfc2449-6.6-x2", section = "6.6", level = "stated", test = "wire",
      says = [[Commands that are glued behind QUIT are not carried out.]] },
  },
}
