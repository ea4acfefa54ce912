/* The time that a client has, and the time that it is made to wait. SPDX-License-Identifier: MIT */
#ifndef SERVER_PACE_H
#define SERVER_PACE_H

#include "net/client.h"

void pace_begin(struct client *k);
void pace_end(struct client *k); /* none of its timers is set any more */
/* The client has this long for a handshake, for taking our last output, or for ending its side; a
 * time that runs already goes on. */
void pace_patience(struct client *k, int64_t ms);
/* Measures, while something is under way, whether enough moves. */
void pace_watch(struct client *k);
/* How much of n bytes of output may go now; 0: a timer is set. */
size_t pace_allows(struct client *k, size_t n);
/* The protocol's deadline, which passed while work was under way. */
void pace_deadline_passed(void *arg);

#endif
