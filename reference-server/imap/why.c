/* For the trace: which requirement decides what a command is answered. The first line that fits
 * counts: the command ("*": any, "?": one that does not exist), and how the answer begins.
 * SPDX-License-Identifier: MIT */
#include "imap/state.h"

#include <stdio.h>

const struct trace_reason imap_reasons[] = {
    {"?", "BAD", "rfc9051-2.2.2-x1"},
    {"CAPABILITY", "OK", "rfc9051-6.1.1-2"},
    {"NOOP", "OK", "rfc9051-6.1.2-x1"},
    {"LOGOUT", "OK", "rfc9051-6.1.3-2"},
    {"STARTTLS", "OK", "rfc9051-6.2.1-x1"},
    {"STARTTLS", "BAD", "rfc9051-6.2.1-x3"},
    {"LOGIN", "NO [PRIVACYREQUIRED]", "rfc9051-6.2.3-4"},
    {"LOGIN", "OK", "rfc9051-6.2.3-x1"},
    {"LOGIN", "NO", "rfc9051-6.2.3-x1"},
    {"AUTHENTICATE", "OK", "rfc9051-6.2.2-x3"},
    {"AUTHENTICATE", "NO [AUTHENTICATIONFAILED]", "rfc9051-6.2.2-x3"},
    {"AUTHENTICATE", "NO", "rfc9051-6.2.2-3"},
    {"AUTHENTICATE", "BAD", "rfc9051-6.2.2-4"},
    {"ENABLE", "OK", "rfc9051-6.3.1-1"},
    {"SELECT", "OK [READ-ONLY]", "rfc9051-6.3.2-8"},
    {"SELECT", "OK", "rfc9051-6.3.2-7"},
    {"SELECT", "NO", "rfc9051-6.3.2-x2"},
    {"EXAMINE", "OK", "rfc9051-6.3.3-2"},
    {"EXAMINE", "NO", "rfc9051-6.3.2-x2"},
    {"CREATE", "OK", "rfc9051-i-6.3.4-2"},
    {"CREATE", "NO", "rfc9051-6.3.4-x1"},
    {"DELETE", "OK", "rfc9051-i-6.3.5-2"},
    {"DELETE", "NO", "rfc9051-6.3.5-x1"},
    {"RENAME", "OK", "rfc9051-i-6.3.6-2"},
    {"RENAME", "NO", "rfc9051-6.3.6-x1"},
    {"SUBSCRIBE", "OK", "rfc9051-i-6.3.7-1"},
    {"UNSUBSCRIBE", "OK", "rfc9051-i-6.3.8-1"},
    {"LIST", "OK", "rfc9051-6.3.9-x7"},
    {"NAMESPACE", "OK", "rfc9051-6.3.10-1"},
    {"STATUS", "OK", "rfc9051-6.3.11-1"},
    {"STATUS", "NO", "rfc9051-6.3.11-x4"},
    {"APPEND", "OK", "rfc9051-i-6.3.12-1"},
    {"APPEND", "NO [TRYCREATE]", "rfc9051-6.3.12-10"},
    {"APPEND", "NO", "rfc9051-6.3.12-9"},
    {"IDLE", "OK", "rfc9051-i-6.3.13-7"},
    {"CHECK", "OK", "rfc3501-i-6.4.1-1"},
    {"CLOSE", "OK", "rfc9051-i-6.4.1-1"},
    {"UNSELECT", "OK", "rfc9051-6.4.2-x1"},
    {"UNSELECT", "BAD", "rfc9051-6.4.2-x2"},
    {"EXPUNGE", "OK", "rfc9051-i-6.4.3-1"},
    {"SEARCH", "NO [BADCHARSET", "rfc9051-6.4.4-19"},
    {"SEARCH", "OK", "rfc9051-6.4.4-x1"},
    {"FETCH", "OK", "rfc9051-6.4.5-1"},
    {"STORE", "OK", "rfc9051-6.4.6-x1"},
    {"COPY", "OK", "rfc9051-i-6.4.7-1"},
    {"COPY", "NO [TRYCREATE]", "rfc9051-6.4.7-4"},
    {"COPY", "NO", "rfc9051-6.4.7-2"},
    {"MOVE", "OK", "rfc9051-6.4.8-x1"},
    {"MOVE", "NO [TRYCREATE]", "rfc9051-6.4.8-8"},
    {"MOVE", "NO", "rfc9051-6.4.8-6"},
    {"*", "BAD", "rfc9051-2.2.2-3"},
    {"*", "NO", "rfc9051-i-6-2"},
    {"*", "", "rfc9051-i-2.2.2-1"},
    {NULL, NULL, NULL},
};

void imap_trace(const struct imap *s, const char *status, const char *text)
{
    char answer[256];
    const char *name = s->command != NULL ? s->command->name : "?";
    if (!trace_wanted())
        return;
    snprintf(answer, sizeof answer, "%s %s", status, text);
    trace(s->conn, trace_reason(imap_reasons, name, answer), "%s%s: %s", s->by_uid ? "UID " : "",
          name, answer);
}
