/* Faults that take more than a line: wrong behaviour that has to be acted out. Only ever reached
 * with a fault on. SPDX-License-Identifier: MIT */
#ifndef IMAP_MISBEHAVE_H
#define IMAP_MISBEHAVE_H

#include "imap/state.h"

/* Makes a mailbox that the command should have missed, then runs the command again. */
void misbehave_create_first(struct imap *s, const char *name, void (*then)(struct imap *s));
/* Takes what is pending as told, without a word. */
void misbehave_forget_news(struct imap *s);
/* RENAME that loses the messages or keeps the old name; false: RENAME as it should be. */
bool misbehave_rename(struct imap *s, const char *from, const char *to);
/* COPY that forgets flags or dates; false: COPY as it should be. done is the command's completion.
 */
bool misbehave_copy(struct imap *s, const uint32_t *uids, size_t count, const char *to,
                    store_done *done);
/* LOGOUT that expunges; false: not now. then says goodbye. */
bool misbehave_logout(struct imap *s, void (*then)(struct imap *s));

/* The connection ended inside of APPEND: the rest is made up. */
void misbehave_finish_append(struct imap *s);
/* Keeps in mind who logged in, and makes whoever resumes a session of TLS that user. */
void misbehave_remember(const char *user);
void misbehave_resumed(struct imap *s);

#endif
