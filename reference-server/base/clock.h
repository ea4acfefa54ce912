/* The one place that reads the time and owns timers: a test can advance five days in a moment.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_CLOCK_H
#define SERVER_CLOCK_H

#include <stdint.h>

struct clock;

/* A timer is embedded in its owner; zero it first. It fires once, on the loop thread. */
struct timer {
    void (*fire)(void *arg);
    void *arg;
    int64_t at_ms; /* virtual monotonic time */
    int slot;      /* the clock's own: 1-based place in its heap, 0 = not set */
};

struct clock *clock_new(void);
void clock_free(struct clock *c);
int64_t clock_wall_s(const struct clock *c); /* virtual seconds since 1970 */
int64_t clock_now_ms(const struct clock *c); /* virtual monotonic milliseconds */
void clock_set(struct clock *c, struct timer *t, int64_t in_ms); /* sets or moves it */
void clock_cancel(struct clock *c, struct timer *t);             /* not set: does nothing */
/* Milliseconds until the next timer, -1 when there is none: what epoll_wait wants. */
int clock_wait_ms(const struct clock *c);
void clock_run(struct clock *c); /* fires what is due, in order of time */
/* Timers on the way fire, and see their own times. */
void clock_advance(struct clock *c, int64_t by_ms);
/* How far virtual time is ahead of the system's. Setting it, back too, takes every timer along:
 * what had ten seconds left still has them. */
int64_t clock_ahead_ms(const struct clock *c);
void clock_set_ahead(struct clock *c, int64_t ms);

#endif
