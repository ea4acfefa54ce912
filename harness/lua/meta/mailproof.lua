---@meta
-- What a scenario sees: definitions for editors (LuaCATS), and the manual of the scenario language.
--
-- Verdicts. A failed check lets the script go on; a failed expect, or anything that "fails" below, ends it. The first
-- failure is the headline, and the level of the requirement weighs it: fail (MUST, MUST NOT, stated), weak (SHOULD …),
-- noted (MAY). pcall does not undo a failure. A refused connection, silence past reply_timeout, a closed connection
-- where a reply was due, and bytes that are no reply are failures with a sentence of their own. A mistake in the
-- scenario file (misspelt method, field or option, wrong type, Lua error) is an error, never a verdict on the server.
--
-- Every reply of every connection is held to the rules of protocol/lint.h besides: scenarios need not check grammar.
-- SPDX-License-Identifier: MIT

---A scenario: metadata that is checked when the file is loaded, and one function, its time line.
---The id is made of the place of the file and the name:
---scenarios/smtp/rfc5321/4.1.1.4-data.lua + "bare-lf-dot" = smtp/rfc5321/4.1.1.4/bare-lf-dot
---@class scenario
---@field name string              hyphenated words, unique in its file's section; never changes meaning
---@field title string             one line, what a correct server does
---@field proves string|string[]   requirement ids of scenarios/requirements; level and section come from there
---@field says string              the requirement in our own words
---@field why string               why it exists, what breaks in practice
---@field catches string|string[]  the faults of mailproofd that turn it red (all of them, `make mutants`)
---@field run fun(t: timeline)
---@field services? string[]       what the target must offer: "smtp" "submission" "submissions" "lmtp" "imap" "imaps"
---                                "pop3" "pop3s", or a/b for either; default is the protocol folder's name
---@field needs? string[]          capabilities; without one the scenario is skipped, with that reason. "SIZE" (EHLO
---                                keyword, CAPABILITY or CAPA word, "AUTH=PLAIN"); "smtp:CHUNKING" names the protocol.
---                                Asked of the default service, before login; "tls:X", "login:X" after TLS, after login
---@field messages? integer|string[]  INBOX of t.user holds exactly these when run starts: a number of generated
---                                messages, or names of scenarios/messages/*.eml; emptied again afterwards
---@field users? integer           accounts leased (default 1, 0 for none); t.users[1] is t.user
---@field edition? "rev1"|"rev2"|"both"  IMAP edition that it holds for (default both)
---@field level? string            overrides the catalogue's level downwards only (a MUST judged as SHOULD)
---@field timeout? number          seconds for the whole scenario (default 20)
---@field reply_timeout? number    seconds that one expect waits (default 10)
---@field serial? boolean          runs alone: it disturbs more than its accounts
---@field needs_control? boolean  uses t:control: skipped where the target has no control socket
---@field flags? string[]         flags for that mailproofd: {"--plaintext-login", "no"}; "{authority}" in one is the
---                                file of an authority that signs certificates of second hosts (t:identity)
---@field tags? string[]           "tls", "auth", "slow", "smuggling", …; --tag
---@field destructive? boolean     touches more than its leased INBOX (creates mailboxes, deletes them)

---Declares a scenario.
---@param def scenario
function scenario(def) end

---An account that the target lends for this scenario.
---@class user
---@field name string      login name
---@field password string
---@field address string   mail address, "user1@test.example"

---The time line: opens connections, judges, records.
---@class timeline
---@field user user
---@field users user[]
---@field messages string[]  the exact bytes of the messages that `messages =` asked for, in mailbox order
---@field domain string      the target's own mail domain
---@field marker string      a word that is unique to this scenario and run; put it in messages you will look for
---@field target string      the target's name
---@field edition "rev1"|"rev2"|"both"  the scenario's IMAP edition
local timeline = {}

---Options of t:smtp, t:imap and t:pop3. What you name is done, what you do not name is not.
---@class open_options
---@field service? string    default "smtp" / "imap" / "pop3" (if the target has only imaps or pop3s, that one)
---@field tls? "none"|"starttls"|"implicit"  default: implicit on …s services, else none; but when `login`
---                          is asked and the server forbids it in clear, starttls
---@field greet? boolean     false: return at once after connecting, greeting unread
---@field ehlo? string|false EHLO argument (default "client.test.example"); false: greeting only (SMTP, LMTP: LHLO)
---@field login? boolean     log in as `user` (SMTP: AUTH; IMAP: LOGIN; POP3: USER, PASS; a maildrop that another
---                          session still holds is asked for again, up to 3 s). Refused: the scenario fails
---@field user? user         default t.user
---@field select? string     IMAP: log in and SELECT this mailbox
---@field examine? string    IMAP: log in and EXAMINE it
---@field enable? string[]   IMAP: log in and ENABLE these
---@field family? 4|6        address family; loopback targets are tried at 127.0.0.1 and ::1, others skip without one
---@field source? string     local address to bind
---@field sni? string|false  server_name (default the target's host name; false: none)
---@field alpn? string
---@field min_version? string  "TLSv1.2"
---@field max_version? string
---@field ciphers? string
---@field ciphersuites? string  TLS 1.3
---@field groups? string
---@field cert? string       client certificate (PEM), with key
---@field key? string
---@field verify? boolean    default true: a chain or name that is wrong fails the scenario
---@field verify_name? string  name to hold the certificate against, instead of the target's
---@field ca? string         authority (PEM), instead of the target's
---@field name? string       what the transcript calls it (default "c1", "c2", …)

---Opens a connection to the SMTP service: greeting read, EHLO said (LHLO for service="lmtp"). A target without the
---service skips the scenario.
---@param o? open_options
---@return smtp_conn
function timeline:smtp(o) end

---The submission service if the target has one, logged in as t.user: t:smtp{service="submission", login=true}.
---@param o? open_options
---@return smtp_conn
function timeline:submission(o) end

---Opens an IMAP connection: greeting read; logged in, selected … only as asked.
---@param o? open_options
---@return imap_conn
function timeline:imap(o) end

---Opens a POP3 connection: greeting read; logged in only as asked.
---@param o? open_options
---@return pop3_conn
function timeline:pop3(o) end

---For rules of SASL that hold in every protocol: calls use(door) for each of submission, IMAP and POP3 in which
---the target offers one of these mechanisms and the right password opens by it (so that a refusal means something;
----PLUS forms are tried by their plain form), inside TLS where it can be had. Skips when there is none.
---@param mechanisms string|string[]
---@param use fun(door: door)
function timeline:each_door(mechanisms, use) end

---@class door
---@field protocol string   "smtp" "imap" "pop3"
---@field service string    "submissions", "imaps", …
---@field mech string       the first of the mechanisms that is offered here
---@field open fun(o?: open_options): conn  a new connection on which nobody has logged in; tls="none" stays in clear
---@field leave fun(c: conn, r?: reply)      hangs up; r is the reply to the login: an open maildrop is given back first
---@field accepted fun(r: reply): boolean   whether this reply means: logged in

---Judges: false makes the verdict fail (or weak, noted: by level) and the run goes on.
---@param cond any
---@param format string  says what went wrong: it is the headline of the failure. %s takes anything: replies, tables,
---  nil
---@return boolean
function timeline:check(cond, format, ...) end

---Judges equality (deep, for tables); the message shows both, and where two long strings part.
---@param got any
---@param want any
---@param what string  a noun: "EXPUNGE responses inside FETCH"
---@return boolean
function timeline:equal(got, want, what) end

---Notes a free choice of the server, judges nothing.
function timeline:record(what, value) end

---Ends the scenario as passed, with a sentence that the report shows.
function timeline:pass(format, ...) end
---Ends the scenario as failed.
function timeline:fail(format, ...) end
---Ends the scenario as skipped: what it needs is not there.
function timeline:skip(format, ...) end

---Waits for mail that contains `marker` in the user's INBOX (over IMAP or POP3, or the target's maildir; skipped if
---it has none), at most `seconds` (default 10).
---@param marker string
---@param o? {user?: user, seconds?: number, optional?: boolean, judge?: boolean}  optional: nil when it does not come;
---    judge: its coming is the scenario's point, so that its absence fails it (else the verdict is "dependency")
---@return string|nil message  the exact bytes as retrieved
---@return string[] all        every message now in the INBOX, in mailbox order
function timeline:delivered(marker, o) end

---Every message now in the user's INBOX, exact bytes.
---@param user? user
---@return string[]
function timeline:inbox(user) end

---Whether the target offers a service: t:offers "pop3".
---@param service string
---@return boolean
function timeline:offers(service) end

---Puts a message into the user's INBOX the way the target is filled; returns when it can be seen there.
---@param bytes string
---@param user? user
function timeline:deliver(bytes, user) end

---A second host, for mail that the server passes on: it listens until the scenario ends. Its address is one of
---127.0.0.0/8 (default 127.0.0.2), its port the one that the target relays to.
---@param o? {protocol?: "smtp", address?: string, port?: integer}
---@return sink
function timeline:listen(o) end

---One line to the target's control socket (reference-server/control/control.h), and its answer; a refusal is an
---error of the scenario. ["do"] = "snapshot" and "restore" with a name keep the server's whole state and bring it back,
---"set" with name and value changes a setting, "rest" waits until the queue has nothing under way and nothing due
---before the clock moves on (an error after `seconds`, 5, of real time), "disk" with delay makes each
---commit take so many seconds more, "rule" or "fault" with the keys of
---mailproofd(8) makes it misbehave at the nth command of the nth session. A scenario says needs_control = true for it,
---and has a mailproofd of its own: there whoever waits for mail or a connection waits no longer than until the queue is
---at rest.
---@param ask table
---@return table
function timeline:control(ask) end

---Adds records to the server's DNS: t:zone("a.example. MX 10 mx.a.example.", "mx.a.example. A 127.0.0.9").
---"$FAIL name TYPE" makes a question fail, "$SECURE name" signs the records of that name.
---@param ... string
function timeline:zone(...) end
---One mail of t.user by submission, after login, each step expected to succeed. A recipient may have parameters behind
---a blank: "bob@a.example NOTIFY=NEVER".
---@param to string|string[]
---@param o? {at?: string, from?: string, params?: string, data?: string, subject?: string, tls?: string}
---  at: the recipients' domains have this address from now on; from: default t.user.address; params: behind MAIL FROM;
---  data: default a message with t.marker, or `subject`, as its subject; tls: as of t:submission
---@return smtp_reply
function timeline:submit(to, o) end
---Moves the server's clock; what is due happens on the way.
---@param seconds number
function timeline:advance(seconds) end
---Waits until the queue has nothing under way and nothing due before the clock moves on, at most 3 s; whether it is so.
---@return boolean
function timeline:settle() end
---The notification in t.user's INBOX with that text (default t.marker), as message.report gives it, and its bytes;
---fails when there is none.
---@param marker? string
---@return table report
---@return string bytes
function timeline:report(marker) end

---A key and a certificate for a second host, signed by itself, or by the authority of flags = {"--relay-ca",
---"{authority}"}.
---@param name string  the DNS name in it, "*.example" too
---@param o? {expired?: boolean, trusted?: boolean}  trusted: by that authority
---@return identity
function timeline:identity(name, o) end

---A certificate of a second host.
---@class identity
local identity = {}
---The data of the TLSA record that is right for it: "3 1 1 …".
---@return string
function identity:tlsa() end
---The server_name (SNI) that the last client sent, "" for none.
---@return string
function identity:asked() end

---A second host.
---@class sink
---@field address string
---@field port integer
local sink = {}
---A connection that the server under test makes, or nil when none came within the seconds (default 5), or before the
---queue of the scenario's own server was at rest.
---@param seconds? number
---@return sink_session|nil
function sink:accept(seconds) end
---Accepts and serves one session up to its first message or refusal, then hangs up. Each option is the reply to that
---step; ehlo is the list of extensions, a line each. rcpt as a function gets what follows RCPT TO: and returns the
---reply: a refusal then does not end the session.
---@param o? {seconds?: number, greeting?: string, ehlo?: string, mail?: string, rcpt?: string|fun(to: string): string,
---  data?: string, dot?: string, tls?: identity, ehlo_in_tls?: string}  tls: STARTTLS is offered, with this
---  certificate
---@return sink_session|nil
function sink:serve(o) end
---As serve, for mail that waits: moves the server's clock on until it is tried again; fails after two hours of that.
---@param o? table  as of serve
---@return sink_session
function sink:serve_later(o) end
---For "no mail comes": accepts, greets, answers EHLO with these extensions, and gives the first command after it; ""
---when the server hung up or has nothing to say, nil when it did not even connect. After those, and after QUIT, the
---session is closed.
---@param extensions? string
---@param seconds? number
---@return string|nil command
---@return sink_session|nil session
function sink:first_command(extensions, seconds) end
---Stops listening.
function sink:close() end

---The server's end of a connection that the server under test made. Nothing it says is linted.
---@class sink_session
---@field name string          "s1"
---@field lines string[]       every line that read_line gave
---@field greeted string|nil   of serve: the EHLO or HELO line
---@field from string|nil      of serve: what follows MAIL FROM:
---@field to string[]          of serve: what follows each RCPT TO:
---@field message string|nil   of serve: the message, dots undone
---@field tls boolean|nil      of serve: whether the handshake succeeded; tls_why says why not
local sink_session = {}
---The next line without CRLF; nil when the connection ended; silence past reply_timeout fails the scenario.
---@return string|nil
function sink_session:read_line() end
---Sends a reply: s:reply "250 ok"; line feeds part the lines of a longer one.
---@param text string
function sink_session:reply(text) end
---Sends exactly these bytes, in one write.
---@param bytes string
function sink_session:write(bytes) end
---The server's side of a TLS handshake, here and now: whether it succeeded, and why not.
---@param who identity
---@return boolean done, string why
function sink_session:starttls(who) end
---What has come and was not read yet (does not wait).
---@return string
function sink_session:unread() end
---The message after a 354, dots undone, and as it was on the wire; nil when the connection ended first.
---@return string|nil message, string|nil raw
function sink_session:data() end
function sink_session:close() end

---Waits, listening to all connections. Rare: a fence is better.
function timeline:pause(seconds) end

---Seconds since the scenario began.
---@return number
function timeline:now() end

---An integer between low and high from the run's seed.
---@return integer
function timeline:random(low, high) end

---What all connections can do.
---@class conn
---@field name string        "c1"
---@field service string     "imaps"
---@field host string
---@field port integer
---@field greeting reply|nil the first reply, once it was read
local conn = {}

---Sends a line: CRLF added (IMAP: tag too, returned; not for DONE and not for the answer to "+" of AUTHENTICATE).
---A server that has hung up is no failure here: the next expect sees "closed".
---@param line string
---@return string|nil tag
function conn:send(line) end

---Sends exactly these bytes (IMAP: with the tag that you write: c:write "x1 NOOP\r\n"; c:expect_tag("x1", "OK")).
---A table sends its strings one by one, each in a segment of its own, and its numbers are pauses in seconds:
---c:write{"STAR", 0.05, "TTLS\r\n"}.
---@param bytes string|(string|number)[]
function conn:write(bytes) end

---One complete reply that is one of these, or the scenario fails with the exchange shown. Patterns:
---SMTP "250", "2yz", "25z", "250 2.1.0" (enhanced code); POP3 "+OK", "-ERR", "+" (SASL), "-ERR [IN-USE]";
---IMAP "OK" "NO" "BAD" = tagged completion of the newest command, with all untagged responses before it
---(when several commands went out in one write, expect_tag names the one that is meant),
---"OK [READ-WRITE]" with that response code, "+" a continuation request, "* EXISTS" waits for that untagged
---response, "BYE" = "* BYE". "closed": the server closed the connection, by whatever means.
---@param ... string
---@return reply
function conn:expect(...) end

---A reply of any kind; fails on time-out, nonsense or a closed connection.
---@return reply
function conn:reply() end

---A reply, or nil when `seconds` passed in silence. A connection that closed gives a reply that :is "closed".
---IMAP: while a command other than IDLE runs, a reply is its completion or "+", as with conn:reply; otherwise any
---response
---is one: c:wait(1).status is "EXISTS".
---@param seconds number
---@return reply|nil
function conn:wait(seconds) end

---Half close: the server sees EOF and can still answer.
function conn:shutdown() end
---Closes (inside TLS with close_notify; rude = true without).
---@param o? {rude?: boolean}
function conn:close(o) end
---Sends RST.
function conn:reset() end

---The TLS handshake, here and now, on this connection. Use after the server agreed to STARTTLS or STLS. What is not
---named
---is as t:smtp{…} said when the connection was opened. EHLO is not said again.
---@param o? {may_fail?: boolean, sni?: string|false, alpn?: string, min_version?: string, max_version?: string,
---           ciphers?: string, verify?: boolean, cert?: string, key?: string}
---@return boolean done   with may_fail: whether it succeeded
---@return string|nil why
function conn:starttls(o) end

---STARTTLS or STLS whole: the command, the handshake, and EHLO again (SMTP). Like what t:smtp{…} does, a prerequisite:
---when it fails the verdict is "dependency".
function conn:secure(o) end

---TLS facts of this connection, or nil in clear: version, cipher, group, alpn, chain_ok, chain_why, name_ok, subject,
---issuer, not_after, fingerprint, resumed, alert; exporter, unique, end_point: what channel bindings carry;
---finished: our Finished message, which is no binding in TLS 1.3;
---early_plaintext: the bytes (a string, "" when none) that came in
---clear
---between the agreement and the handshake. They are taken away: nothing of them is read as a reply inside TLS.
---@return table|nil
function conn:tls() end

---What the server announced last (EHLO, CAPABILITY, CAPA; asked for when it is not known): upper-case word to
---parameters.
---@return table<string, string>
function conn:capabilities() end

---Whether it announced this word; "AUTH=PLAIN" works on all three protocols.
---@param word string
---@return boolean
function conn:has(word) end

---SASL: sends AUTH/AUTHENTICATE and goes through all steps. Returns the final reply, whatever it is.
---tamper gets the decoded client message of each step (0 is the initial response, then 1, 2, …) and returns what to
---send instead (a string; encoded = true sends it as it is, without base64; nil: unchanged; "*" with encoded: cancel).
---mech: default the first of PLAIN, LOGIN, SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5 that is announced. name, password:
---instead
---of the user's. initial: default true, over IMAP only with SASL-IR. binding: "tls-exporter", "tls-unique",
---"tls-server-end-point". A server that breaks the mechanism (wrong SCRAM signature, a challenge that is no base64,
---success
---before the exchange was complete) fails the scenario, unless by_hand: then `tamper` makes every message itself, and
---what our own side thinks of the server's counts for nothing. When tampering has left our own side without an answer,
---bytes is
---"", and nil then cancels.
---@param o? {mech?: string, user?: user, name?: string, password?: string, authzid?: string, initial?: boolean,
---           nonce?: string, binding?: string, binding_data?: string, by_hand?: boolean,
---           tamper?: fun(step: integer, bytes: string, challenge: string|nil): string|nil, boolean|nil}
---@return reply
function conn:auth(o) end

---From now on bytes leave in pieces of at most `bytes` with `seconds` between them; no arguments: as usual.
function conn:segment(bytes, seconds) end

---Every byte that the server sent so far (inside TLS: decrypted).
---@return string
function conn:history() end

---Bytes received that no expect has taken yet (does not wait).
---@return string
function conn:unread() end

---Waits until the server closes; everything it says before that is returned. Fails if it does not close in `seconds`.
---@param seconds? number  default reply_timeout
---@return string
function conn:until_closed(seconds) end

---How the connection ended, as far as is known now: nil while it is open, else "close_notify" (TLS said goodbye), "fin"
---(inside TLS: cut off without a goodbye), "reset", "alert", "overflow", "local".
---@return string|nil
function conn:ended() end

---A complete reply. tostring(reply), "%s" and .. give a short printable form. Fields: an unknown one is an error.
---@class reply
---@field closed boolean|nil  true when this stands for a closed connection
---@field raw string      every byte (IMAP: with the untagged responses before it)
---@field text string     human-readable text of the first line (SMTP: all lines joined with "\n")
---@field at number       when its last byte came, seconds
---@field took number     seconds since the last send on this connection
local reply = {}

---Whether it matches one of these patterns (as in expect).
---@param ... string
---@return boolean
function reply:is(...) end

---@class smtp_conn : conn
local smtp_conn = {}
---One mail from MAIL to the last dot; each step expected to succeed; returns the reply to the final dot.
---(LMTP: of the last recipient; all are in its `replies`). The reply to the dot must be 250, too, unless may_fail =
---true:
---then it is returned whatever it is.
---@param o {from?: string, to?: string|string[], data: string, params?: string, may_fail?: boolean}
---  from: default "ann@client.example", "" is <>; to: default t.user.address, parameters may follow behind a blank
---  ("bob@a.example NOTIFY=NEVER"); params: behind MAIL FROM:<…>; data is dot-stuffed, and the
---  final dot is added (behind one CRLF if the data does not end in one)
---@return smtp_reply
function smtp_conn:mail(o) end
---@class smtp_reply : reply
---@field code integer        0 for a closed connection
---@field lines string[]      text of each line
---@field enhanced string|nil "2.1.0"
---@field replies smtp_reply[]|nil  of mail

---@class pop3_conn : conn
local pop3_conn = {}
---As send, and says whether +OK is followed by lines up to a dot; send knows it for the standard commands.
---@param line string
---@param o? {multiline?: boolean}
function pop3_conn:send(line, o) end
---@class pop3_reply : reply
---@field status "+OK"|"-ERR"|"+"|"closed"
---@field code string|nil     "IN-USE" of "[IN-USE]"
---@field lines string[]|nil  lines of a multi-line response, dots unstuffed, without line ends
---@field body string|nil     the same as exact bytes

---@class imap_conn : conn
---@field selected imap_reply|nil  the reply to the SELECT or EXAMINE of t:imap
local imap_conn = {}
---Sends a command with its synchronising literals: strings as written, {literal = "bytes"} waits for "+" before its
---bytes ({literal = …, plus = true} does not wait: LITERAL+; binary = true writes ~{n}). A server that refuses
---instead of
---"+" gets no literal; the refusal is what expect finds. Returns the tag; expect its completion.
---c:command("APPEND INBOX ", {literal = msg})
---@return string tag
function imap_conn:command(...) end
---A name for a mailbox that the user may create: `word` below the prefix of his own namespace (asked for once, after
---login).
---@param word string
---@return string
function imap_conn:mailbox(word) end
---Waits for the completion of an older command by its tag.
---@param tag string
---@param ... string  patterns
---@return imap_reply
function imap_conn:expect_tag(tag, ...) end
---@class imap_reply : reply
---@field status "OK"|"NO"|"BAD"|"+"|"BYE"|"closed"|string
---@field tag string|nil
---@field code string|nil             name of the response code, "UIDNEXT"
---@field code_args any[]             its arguments
---@field untagged imap_untagged[]    responses before it, since the last reply taken, in order
---@field number integer|nil          of "* 12 EXISTS", when expect "* EXISTS" or wait returned that response
---@field data any[]|nil              of that response
---@field items table|nil             of that response, when it is FETCH
local imap_reply = {}
---How many untagged responses of this type came.
---@return integer
function imap_reply:count(type) end
---All untagged responses of this type.
---@return imap_untagged[]
function imap_reply:all(type) end
---The only one of this type; fails when there are none or several.
---@return imap_untagged
function imap_reply:one(type) end
---The first response code of this name in the untagged OK/NO/BAD or in the completion: its arguments, or nil.
---@return any[]|nil
function imap_reply:find_code(name) end
---FETCH data of message number n merged from all its FETCH responses: item name (upper case) to value; nil if none.
---@return table<string, any>|nil
function imap_reply:fetch(n) end
---Structured matching, order-free: each template must match an untagged response of its own; `$name` binds at its first
---match and must be equal from then on, `$` matches anything, `…` (three ASCII dots) at the end of a list the rest
---of it;
---FETCH items and flag lists match in any order. `none` lists templates that must match nothing. Judges (fails) and
---returns the bindings: r:match{"* $n EXISTS", "* FLAGS ($ ...)", none = {"* $ EXPUNGE"}}
---@return table<string, any> bindings
function imap_reply:match(templates) end
---@class imap_untagged
---@field type string        "FETCH", "EXISTS", "OK", "LIST", …
---@field number integer|nil of "* 12 EXISTS"
---@field data any[]         what follows: strings, integers, imap.NIL, lists as tables (FETCH: data[1] is the list)
---@field items table|nil    FETCH: item name (upper case, as "BODY[HEADER]<0>") to value; FETCH flags are a set too:
---                          items.FLAGS["\\Seen"] is true or nil (any case) besides the array
---@field code string|nil    response code of a status response, with code_args
---@field code_args any[]|nil
---@field text string|nil
---@field raw string

---IMAP helpers.
imap = {}
---NIL of IMAP, to tell it from an absent value.
imap.NIL = {}
---A quoted string for a command. Bytes that cannot be quoted (CR, LF, NUL, 8-bit) are an error: use a literal.
---Atoms, quoted strings and literals all arrive as strings, numbers as integers; how it was sent is seen in raw.
---@return string
function imap.quote(s) end
---Expands "1:3,7" into {1,2,3,7}.
---@return integer[]
function imap.set(s) end

---Messages.
message = {}
---A message with CRLF line ends: message.make{subject=…, body=…, from=…, to=…, headers={"X-A: b"}}; date and id too.
---@param o? {from?: string, to?: string, subject?: string, date?: string, id?: string, headers?: string[], body?:
---  string}
---@return string
function message.make(o) end
---The bytes of scenarios/messages/NAME.eml.
---@return string
function message.file(name) end
---Dot-stuffs a message for DATA (without the final dot).
---@return string
function message.stuff(bytes) end
---@return string header, string body  split at the first empty line
function message.split(bytes) end
---Value of the first header field of that name, unfolded; nil if there is none.
---@return string|nil
function message.header(bytes, name) end

---Values of all header fields of that name, unfolded, in order.
---@return string[]
function message.headers(bytes, name) end

---The parts of a multipart, each with its own header; nil when it is none.
---@return string[]|nil
function message.parts(bytes) end

---A delivery status notification (RFC 3464) taken apart, or nil and why it is none. The field names of message and
---recipients are in small letters: report.recipients[1].action; report.message["reporting-mta"].
---@return {header: string, message: table<string, string>, recipients: table<string, string>[], parts: string[],
---         returned: string|nil, twice: string[]}|nil report   twice: names that stand twice in one group
---@return string|nil why
function message.report(bytes) end

---Encodings.
mime = {}
---@return string
function mime.base64(bytes) end
---Strict: nil for anything that is not canonical groups of four.
---@return string|nil
function mime.unbase64(text) end
---Lower-case hex digest; algorithm "md5", "sha1", "sha256", "sha512".
---@return string
function mime.digest(algorithm, bytes) end
---HMAC of the bytes, as bytes; algorithms as for digest. With pbkdf2 it is what a script needs to speak SCRAM by hand.
---@return string
function mime.hmac(algorithm, key, bytes) end
---PBKDF2 with HMAC: as many bytes as the digest has.
---@return string
function mime.pbkdf2(algorithm, password, salt, iterations) end
