/* What must hold for every reply of every scenario, whatever the scenario was about.
 *
 * Each rule is a requirement of the catalogue. The runner counts, over a whole run, how many replies a rule
 * looked at and which broke it, and reports each rule as a scenario of its own, "lint/smtp/code-range".
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PROTOCOL_LINT_H
#define HARNESS_PROTOCOL_LINT_H

#include "protocol/imap_response.h"
#include "protocol/pop3_reply.h"
#include "protocol/smtp_reply.h"

struct lint_rule {
    const char *name;     /* "lint/imap/bye-before-close": unique for ever */
    const char *title;    /* one line */
    const char *proves;   /* requirement id of the catalogue */
    const char *says;     /* the requirement in our words */
    const char *catches;  /* fault of the reference server that breaks it; NULL while there is none */
};

/* All rules; ends with name == NULL. */
extern const struct lint_rule lint_rules[];

/* Called once for every rule that applied to the reply: ok false means it broke it, why says how. */
typedef void lint_found(void *arg, const struct lint_rule *rule, bool ok, const char *why);

/* What a connection has to remember between its replies; zero it at the greeting. */
struct lint_memory {
    bool imap_rev2, imap_utf8;   /* ENABLEd */
    bool smtp_enhanced;          /* EHLO announced ENHANCEDSTATUSCODES */
    bool smtp_utf8;
    bool selected;
    int64_t exists;              /* IMAP: last EXISTS */
};

void lint_smtp(struct lint_memory *m, const struct smtp_reply *r, bool greeting, const char *command, lint_found *found,
               void *arg);
void lint_imap(struct lint_memory *m, const struct imap_response *r, bool greeting, const char *command, lint_found *found,
               void *arg);
void lint_pop3(struct lint_memory *m, const struct pop3_reply *r, bool greeting, const char *command, lint_found *found,
               void *arg);

#endif
