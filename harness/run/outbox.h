/* What a scenario's process has to say, on its way into the runner's pipe: many lines leave in one
 * write, when the process is about to wait. The memory is shared with the runner, which finds there
 * what a process that was killed, or died, did not come to send. SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_OUTBOX_H
#define HARNESS_RUN_OUTBOX_H

#include <stddef.h>
#include <stdint.h>

struct outbox;

/* In the runner, before it forks. NULL: there is no memory, and lines go their way one by one. */
struct outbox *outbox_new(void);
void outbox_free(struct outbox *o); /* NULL does nothing */
/* Empty, for another process. */
void outbox_reset(struct outbox *o);

/* In the process; o NULL: at once. -1 when nobody reads fd any more. */
int outbox_add(struct outbox *o, int fd, const char *line, size_t n);
int outbox_flush(struct outbox *o, int fd);

/* In the runner, when the process is over and `received` bytes came out of the pipe: what follows
 * them. *p is valid until outbox_reset. */
size_t outbox_left(const struct outbox *o, uint64_t received, const char **p);

#endif
