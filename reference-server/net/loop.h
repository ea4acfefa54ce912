/* The event loop: epoll, the clock's timers, and calls that other threads hand over. One thread
 * runs it; everything but loop_post and loop_stop belongs to that thread. SPDX-License-Identifier:
 * MIT */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

struct loop;

/* A descriptor that is watched; embedded in its owner. */
struct loop_source {
    int fd;
    void (*ready)(void *arg, uint32_t events); /* EPOLL* bits; level-triggered */
    void *arg;
};

/* A call handed over to the loop thread; embedded in its owner, which must live until it was made.
 */
struct loop_call {
    void (*call)(void *arg);
    void *arg;
    struct loop_call *next;
};

struct loop *loop_new(struct clock *clock, struct err *err);
void loop_free(struct loop *l);

int loop_add(struct loop *l, struct loop_source *s, uint32_t events, struct err *err);
void loop_change(struct loop *l, struct loop_source *s, uint32_t events);
void loop_remove(struct loop *l,
                 struct loop_source *s); /* its events of this round are dropped too */

/* From any thread: runs the call on the loop thread, in the order in which calls were posted. */
void loop_post(struct loop *l, struct loop_call *c);

/* One round: waits at most max_ms (-1: until something happens), then answers what came and fires
 * timers. */
void loop_once(struct loop *l, int max_ms);
void loop_run(struct loop *l);  /* rounds until loop_stop */
void loop_stop(struct loop *l); /* from any thread */

#endif
