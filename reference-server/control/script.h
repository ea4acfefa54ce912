/* Obeys the rules of rule.h: decides, for each command of each session, whether something else is
 * to happen than what the protocol says, and shapes the output. conn.c and the protocols call it;
 * where there are no rules every call is one test. Loop thread only.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_SCRIPT_H
#define SERVER_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/conn.h"

struct script; /* what the rules know about one session: conn->script, NULL while that is nothing */

void script_begin(struct conn *c);
void script_end(struct conn *c);
/* The session's next command begins: what was for the last one is over. */
void script_next(struct conn *c);
/* Faults are asked for on behalf of this session. */
void script_scope(const struct conn *c);

/* The protocol has read a command and asks before it obeys. line is the command without a tag;
 * "greeting" and "." (the end of the text in SMTP) count as commands too. False: a rule has
 * answered, or closes; the command does not happen. before: what stands in front of a tagged
 * answer, or NULL; answers: how often an answer is due (LMTP). */
bool script_allows(struct conn *c, const char *line, const char *before, size_t answers);

/* Of n octets of output, how many are let through. The end that is due is set in the connection by
 * way of *drop and *reset. */
size_t script_output(struct conn *c, size_t n, bool *drop, bool *reset);
/* From now on nothing that the command says goes out (a greeting that was replaced). */
void script_swallow(struct conn *c, bool on);
/* Of n octets, how many may be sent now; 0: *wait_ms until there are more. */
size_t script_pace(struct conn *c, size_t n, int64_t *wait_ms);
bool script_paced(const struct conn *c);
void script_sent(struct conn *c, size_t n);

/* Whether a capability is listed: its name is the first word of the line. */
bool script_lists(const struct conn *c, const char *line);
/* The i-th that is listed besides, or NULL. */
const char *script_lists_too(const struct conn *c, size_t i);

#endif
