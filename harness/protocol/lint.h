/* What must hold for every reply of every scenario, whatever the scenario was about.
 *
 * Each rule is a requirement of the catalogue. The runner counts, over a whole run, how many
 * replies a rule looked at and which broke it, and reports each rule as a scenario of its own,
 * "lint/smtp/code-range". The rules themselves stand in lint.def; lint_smtp.c, lint_pop3.c and
 * lint_imap.c apply them. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PROTOCOL_LINT_H
#define HARNESS_PROTOCOL_LINT_H

#include "protocol/imap_response.h"
#include "protocol/pop3_reply.h"
#include "protocol/smtp_reply.h"

struct lint_rule {
    const char *name;       /* "lint/imap/bye-before-close": unique for ever */
    const char *title;      /* one line */
    const char *proves;     /* requirement id of the catalogue */
    const char *says;       /* the requirement in our words */
    const char *catches[8]; /* faults of the reference server that break it; ends with NULL */
};

/* All rules; ends with name == NULL. */
extern const struct lint_rule lint_rules[];

/* Called once for every rule that applied to the reply: ok false means it broke it, why says how.
 */
typedef void lint_found(void *arg, const struct lint_rule *rule, bool ok, const char *why);

/* What a connection has to remember between its replies; zero it at the greeting. */
struct lint_memory {
    bool imap_rev2, imap_utf8; /* ENABLEd */
    bool imap_rev1;            /* a capability list had IMAP4rev1: 8-bit strings need ENABLE */
    bool imap_listed;          /* a capability list came */
    bool imap_language;        /* LANGUAGE was asked for: texts may be in UTF-8 */
    bool smtp_enhanced;        /* EHLO announced ENHANCEDSTATUSCODES */
    bool smtp_utf8;            /* the client has asked for SMTPUTF8 */
    bool pop3_resp_codes;      /* CAPA listed RESP-CODES */
    bool pop3_utf8;            /* UTF8 or LANG was asked for */
    bool selected;             /* IMAP: exists is known */
    int64_t exists;            /* IMAP: messages in the mailbox, by EXISTS and EXPUNGE */
};

/* Holds one complete reply to all rules that apply.
 * greeting  the reply is the connection's first
 * command   the command that it answers, as the script sent it, line end not needed, IMAP with its
 * tag: SMTP, POP3  the oldest command that had no reply yet; in AUTH the AUTH line; behind DATA or
 *                         BDAT text "DATA"
 *             IMAP        tagged: the command of that tag; otherwise the one command in progress,
 * and "" when none is NULL when that cannot be told: bytes were written raw, or several commands
 * are in progress. Rules that need the command then keep silent. */
void lint_smtp(struct lint_memory *m, const struct smtp_reply *r, bool greeting,
               const char *command, lint_found *found, void *arg);
void lint_imap(struct lint_memory *m, const struct imap_response *r, bool greeting,
               const char *command, lint_found *found, void *arg);
void lint_pop3(struct lint_memory *m, const struct pop3_reply *r, bool greeting,
               const char *command, lint_found *found, void *arg);

#endif
