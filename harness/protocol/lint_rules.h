/* The rules by name in C, and how lint_smtp.c, lint_pop3.c and lint_imap.c report on them. Nobody
 * else includes this. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PROTOCOL_LINT_RULES_H
#define HARNESS_PROTOCOL_LINT_RULES_H

#include "protocol/lint.h"

#define LINT(id, name, title, proves, says, ...) LINT_##id,
enum lint_id {
#include "protocol/lint.def"
    LINT_RULES
};
#undef LINT

/* One reply in front of the judge. */
struct lint_case {
    lint_found *found;
    void *arg;
    const char *command; /* NULL: not known */
};

/* The rule applied; why is NULL when it was kept. */
void lint_judge(const struct lint_case *c, enum lint_id id, const char *why);
/* The same with printf words: used where the rule was broken. */
void lint_broken(const struct lint_case *c, enum lint_id id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether the command is known and its first word is this one; case does not count. */
bool lint_command_is(const char *command, const char *verb);
/* Whether the word stands anywhere in the command; case does not count. */
bool lint_command_has(const char *command, const char *word);
/* Base64 of RFC 4648, 4: whole groups, padding at the end only. The empty string is base64. */
bool lint_is_base64(const char *p, size_t n);

#endif
