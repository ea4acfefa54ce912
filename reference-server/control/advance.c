/* A timer of the system's own ticks while virtual time waits for work to end.
 * SPDX-License-Identifier: MIT */
#include "control/advance.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "net/loop.h"
#include "queue/queue.h"
#include "server.h"

enum {
    TICK_NS = 200000,
    QUIET_TICKS = 500,   /* without a step: whoever is waited for says nothing any more */
    SAVING_TICKS = 50000 /* the store always answers, however busy the machine is */
};

struct advance {
    struct server *server;
    struct loop_source source;
    int64_t left_ms;
    uint64_t steps;
    unsigned quiet;
    void (*done)(void *arg);
    void *arg;
};

static bool under_way; /* there is one clock */

/* Whether work is under way that makes progress. */
static bool held_up(struct advance *a)
{
    const struct queue *q = a->server->queue;
    if (q == NULL || !queue_busy(q)) {
        a->quiet = 0;
        return false;
    }
    uint64_t steps = queue_steps(q);
    if (steps != a->steps)
        a->quiet = 0;
    a->steps = steps;
    return a->quiet++ < (queue_saving(q) ? SAVING_TICKS : QUIET_TICKS);
}

static void tick(void *arg, uint32_t events)
{
    struct advance *a = arg;
    struct clock *clock = a->server->clock;
    uint64_t ticks;
    (void)events;
    ssize_t n = read(a->source.fd, &ticks, sizeof ticks);
    (void)n;
    while (!held_up(a)) {
        if (a->left_ms <= 0) {
            void (*done)(void *) = a->done;
            void *done_arg = a->arg;
            advance_cancel(a);
            done(done_arg);
            return;
        }
        int next = clock_wait_ms(clock);
        int64_t by = next < 0 || next > a->left_ms ? a->left_ms : next;
        a->left_ms -= by;
        clock_advance(clock, by);
        /* One quiet timer may be one of many: whoever has begun to wait for more is looked at again
         * before time goes on. */
        if (a->quiet > 0)
            a->quiet = QUIET_TICKS - 5;
    }
}

struct advance *advance_start(struct server *s, int64_t ms, void (*done)(void *arg), void *arg)
{
    struct itimerspec every = {.it_interval.tv_nsec = TICK_NS, .it_value.tv_nsec = 1};
    if (under_way)
        return NULL;
    struct advance *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    *a = (struct advance){.server = s, .left_ms = ms, .done = done, .arg = arg};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    a->source = (struct loop_source){fd, tick, a};
    if (fd < 0 || timerfd_settime(fd, 0, &every, NULL) != 0 ||
        loop_add(s->loop, &a->source, EPOLLIN, NULL) != 0) {
        if (fd >= 0)
            close(fd);
        free(a);
        return NULL;
    }
    under_way = true;
    return a;
}

void advance_cancel(struct advance *a)
{
    if (a == NULL)
        return;
    loop_remove(a->server->loop, &a->source);
    close(a->source.fd);
    under_way = false;
    free(a);
}
