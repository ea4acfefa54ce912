/* Lets virtual time pass without leaving work behind: the clock goes from timer to timer, and in
 * between the loop runs until the queue has nothing under way. Five days of retries are over in the
 * time that their attempts take. A peer that says nothing holds time up for a moment only.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_ADVANCE_H
#define SERVER_ADVANCE_H

#include <stdint.h>

struct advance;
struct server;

/* done is called on the loop thread when the time has passed; not from inside this call. One at a
 * time: NULL while another is under way. */
struct advance *advance_start(struct server *s, int64_t ms, void (*done)(void *arg), void *arg);
void advance_cancel(struct advance *a); /* NULL: nothing happens */

#endif
