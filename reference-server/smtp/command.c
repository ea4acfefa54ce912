/* The commands by name: which exist on which service, what may stand behind them, and when they are
 * allowed. What they do is in the cmd_ files. RFC 5321, 4.1.1 and 4.1.4; RFC 2033, 4.1; RFC
 * 4954, 6.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "fault.h"
#include "server.h"
#include "smtp/state.h"

enum argument { NOTHING, ANYTHING, SOMETHING };
enum where { EVERYWHERE, NOT_LMTP, ONLY_LMTP };

static const struct verb {
    const char *name;
    smtp_verb *run;
    enum argument argument;
    enum where where;
    bool before_login; /* also where a login is demanded and missing */
} verbs[] = {
    {"EHLO", smtp_ehlo, SOMETHING, NOT_LMTP, true},
    {"LHLO", smtp_ehlo, SOMETHING, ONLY_LMTP, true},
    {"HELO", smtp_helo, SOMETHING, NOT_LMTP, true},
    {"MAIL", smtp_mail, SOMETHING, EVERYWHERE, false},
    {"RCPT", smtp_rcpt, SOMETHING, EVERYWHERE, false},
    {"DATA", smtp_data, NOTHING, EVERYWHERE, false},
    {"BDAT", smtp_bdat, SOMETHING, EVERYWHERE, false},
    {"RSET", smtp_rset, NOTHING, EVERYWHERE, true},
    {"NOOP", smtp_noop, ANYTHING, EVERYWHERE, true},
    {"QUIT", smtp_quit, NOTHING, EVERYWHERE, true},
    {"VRFY", smtp_vrfy, SOMETHING, EVERYWHERE, false},
    {"EXPN", smtp_expn, SOMETHING, EVERYWHERE, false},
    {"HELP", smtp_help, ANYTHING, EVERYWHERE, false},
    {"STARTTLS", smtp_starttls, NOTHING, EVERYWHERE, true},
    {"AUTH", smtp_auth, SOMETHING, NOT_LMTP, true},
    {"XCLIENT", smtp_xclient, SOMETHING, EVERYWHERE, true},
    {"ETRN", smtp_etrn, SOMETHING, NOT_LMTP, false},
};

static const struct verb *find_verb(const struct smtp *s, const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        const struct verb *v = &verbs[i];
        if (strlen(v->name) != n || strncasecmp(v->name, name, n) != 0)
            continue;
        if (fault(FAULT_SMTP_VERBS_CASE_SENSITIVE) && strncmp(v->name, name, n) != 0)
            continue;
        if (v->where == EVERYWHERE || (v->where == ONLY_LMTP) == s->lmtp)
            return v;
    }
    return NULL;
}

bool smtp_knows_command(const struct smtp *s, const char *line)
{
    return find_verb(s, line, strcspn(line, " ")) != NULL;
}

static bool is(const struct verb *v, smtp_verb *run)
{
    return v->run == run;
}

/* No control characters at all; octets above 127 only where an address or a name may hold them,
 * which is judged there (RFC 5321, 4.1.2; RFC 6531, 3.3). */
static bool octets_fit(const struct verb *v, const char *arg, size_t n)
{
    bool eight_bit = is(v, smtp_mail) || is(v, smtp_rcpt) || is(v, smtp_vrfy) || is(v, smtp_expn);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)arg[i];
        if (c < 32 || c == 127 || (c > 127 && !eight_bit))
            return false;
    }
    return true;
}

static void unknown(struct smtp *s, const char *line)
{
    if (fault(FAULT_SMTP_UNKNOWN_COMMAND_250)) {
        smtp_reply(s, 250, "2.0.0", "Ok");
        return;
    }
    if (strcasecmp(line, "TURN") == 0 && fault(FAULT_SMTP_TURN)) {
        smtp_reply(s, 250, "2.0.0", "Your turn");
        return;
    }
    smtp_refuse_echo(s, 500, "5.5.2", "I do not know this command", line);
    if (fault(FAULT_SMTP_UNKNOWN_COMMAND_CLOSES))
        conn_close(s->conn);
}

void smtp_command(struct smtp *s, char *line, size_t n)
{
    if (fault(FAULT_SMTP_NUL_ENDS_COMMAND))
        n = strlen(line);
    if (n > 0 && line[n - 1] == ' ' && fault(FAULT_SMTP_TRAILING_BLANK_501)) {
        smtp_reply(s, 501, "5.5.4", "There is a blank at the end");
        return;
    }
    /* White space before the line's end is forgiven: RFC 5321, 4.1.1. */
    while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
        line[--n] = '\0';
    size_t verb_len = 0;
    while (verb_len < n && line[verb_len] != ' ')
        verb_len++;
    const struct verb *v = find_verb(s, line, verb_len);
    s->verb = v != NULL ? v->name : "?";
    if (v == NULL && smtp_late_proxy(s, line))
        return;
    bool odd = strlen(line) != n;
    for (size_t i = 0; i < n; i++)
        odd = odd || (unsigned char)line[i] > 127;
    if (v == NULL && odd && fault(FAULT_SMTP_BDAT_LEFT_OVER_CLOSES)) {
        conn_close(s->conn);
        return;
    }
    if (v == NULL) {
        unknown(s, line);
        return;
    }
    const char *arg = verb_len < n ? line + verb_len + 1 : line + n;
    size_t len = n - (size_t)(arg - line);
    bool no_argument = v->argument == NOTHING && len > 0;
    if (no_argument && (fault(FAULT_SMTP_ARGUMENTS_IGNORED) ||
                        (is(v, smtp_starttls) && fault(FAULT_SMTP_STARTTLS_IGNORES_ARGUMENT))))
        no_argument = false;
    if (s->submission && !s->logged_in && !v->before_login &&
        !fault(FAULT_SMTP_SUBMISSION_WITHOUT_LOGIN)) {
        smtp_reply(s, 530, "5.7.0", "Log in first");
        return;
    }
    if (!octets_fit(v, arg, len))
        smtp_reply(s, 501, "5.5.2", "There are octets in this line that a command may not hold");
    else if (no_argument)
        smtp_reply(s, 501, "5.5.4", "%s takes no argument", v->name);
    else if (v->argument == SOMETHING && len == 0 && is(v, smtp_ehlo) &&
             fault(FAULT_SMTP_BAD_EHLO_RESETS)) {
        smtp_reset(s);
        smtp_reply(s, 501, "5.5.4", "%s needs a domain", v->name);
    } else if (len == 0 && is(v, smtp_vrfy) && fault(FAULT_SMTP_VRFY_NEEDS_NOTHING))
        smtp_reply(s, 252, "2.5.2", "Cannot say");
    else if (v->argument == SOMETHING && len == 0 &&
             !(is(v, smtp_bdat) && fault(FAULT_SMTP_BDAT_ANY_WORD)))
        smtp_reply(s, 501, "5.5.4", "%s needs an argument", v->name);
    else
        v->run(s, arg, len);
}
