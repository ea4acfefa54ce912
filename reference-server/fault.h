/* Named wrong behaviours. With none switched on the server is conformant.
 *
 * faults.def (and smtp/, imap/, pop3/faults.def, which it includes) lists them:
 *   FAULT(SMTP_LF_ENDS_DATA, "smtp-lf-ends-data", "Ends the message at LF . LF", "rfc5321-…")
 * and code asks: if (fault(FAULT_SMTP_LF_ENDS_DATA)) …  Names never change meaning.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_FAULT_H
#define SERVER_FAULT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

enum fault {
#define FAULT(id, name, says, breaks) FAULT_##id,
#include "faults.def"
#undef FAULT
    FAULT_COUNT
};

/* Whether this fault is on for the session and command that the server is working on right now. */
bool fault(enum fault f);

/* From now on the byte of each fault (in the order of fault_help) in the file at path, which is
 * made, is 1 once fault() was asked for it, whatever the answer. -1: the file cannot be had. */
int fault_note_asked(const char *path, struct err *err);

/* A fault that is on because of a rule (rule.h), for one command. used: it was asked for. */
struct fault_extra {
    struct fault_extra *next;
    enum fault fault;
    bool used;
};
/* Besides those that are switched on, these are on until the next call; borrowed. */
void fault_also(struct fault_extra *list);

/* -1 with the nearest right name for a name that is not known. */
int fault_find(const char *name, enum fault *out, struct err *err);
/* Whether any is on for anybody. */
bool fault_any(void);

/* Switches one on or off for everybody; rules (rule.h) are for sessions and commands. -1 with the
 * nearest right name for a name that is not known. */
int fault_switch(const char *name, bool on, struct err *err);
void fault_clear_all(void);
/* Which are on, as bytes of malloc's; and the same again, later. */
void *fault_keep(void);
void fault_bring_back(const void *kept);
/* What fault_also said is over: another session or command begins. The connection layer calls it
 * before each input. */
void fault_scope(void);
/* One line a fault: name, tab, requirement ids, tab, sentence; and tab "ports" where `make
 * ports-proof` shows it rather than a scenario. */
void fault_help(FILE *out);

#endif
