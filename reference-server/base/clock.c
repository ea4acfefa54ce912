/* Time and timers. Virtual time is the system's plus an offset that only clock_advance moves;
 * timers wait in a binary heap, ordered by time and then by the order in which they were set.
 * SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <limits.h>
#include <stdlib.h>
#include <time.h>

struct entry {
    struct timer *timer;
    uint64_t order;
};

struct clock {
    int64_t offset_ms;
    uint64_t orders;
    struct entry *heap; /* heap[1] is the next one to fire */
    int count, room;
};

static int64_t system_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct clock *clock_new(void)
{
    struct clock *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    return c;
}

void clock_free(struct clock *c)
{
    if (c == NULL)
        return;
    for (int i = 1; i <= c->count; i++)
        c->heap[i].timer->slot = 0;
    free(c->heap);
    free(c);
}

int64_t clock_wall_s(const struct clock *c)
{
    return (system_ms(CLOCK_REALTIME) + c->offset_ms) / 1000;
}

int64_t clock_now_ms(const struct clock *c)
{
    return system_ms(CLOCK_MONOTONIC) + c->offset_ms;
}

static int before(const struct entry *a, const struct entry *b)
{
    if (a->timer->at_ms != b->timer->at_ms)
        return a->timer->at_ms < b->timer->at_ms;
    return a->order < b->order;
}

static void place(struct clock *c, int slot, struct entry e)
{
    c->heap[slot] = e;
    e.timer->slot = slot;
}

/* Puts e where it belongs, starting at a hole in the heap. */
static void settle(struct clock *c, int hole, struct entry e)
{
    while (hole > 1 && before(&e, &c->heap[hole / 2])) {
        place(c, hole, c->heap[hole / 2]);
        hole /= 2;
    }
    for (;;) {
        int child = 2 * hole;
        if (child > c->count)
            break;
        if (child < c->count && before(&c->heap[child + 1], &c->heap[child]))
            child++;
        if (!before(&c->heap[child], &e))
            break;
        place(c, hole, c->heap[child]);
        hole = child;
    }
    place(c, hole, e);
}

void clock_set(struct clock *c, struct timer *t, int64_t in_ms)
{
    clock_cancel(c, t);
    t->at_ms = clock_now_ms(c) + (in_ms > 0 ? in_ms : 0);
    if (c->count + 1 >= c->room) {
        int room = c->room > 0 ? c->room * 2 : 64;
        struct entry *heap = realloc(c->heap, (size_t)room * sizeof *heap);
        if (heap == NULL)
            abort();
        c->heap = heap;
        c->room = room;
    }
    c->count++;
    settle(c, c->count, (struct entry){t, ++c->orders});
}

void clock_cancel(struct clock *c, struct timer *t)
{
    int slot = t->slot;
    if (slot == 0)
        return;
    t->slot = 0;
    struct entry last = c->heap[c->count--];
    if (slot <= c->count)
        settle(c, slot, last);
}

int clock_wait_ms(const struct clock *c)
{
    if (c->count == 0)
        return -1;
    int64_t wait = c->heap[1].timer->at_ms - clock_now_ms(c);
    if (wait < 0)
        return 0;
    return wait > INT_MAX ? INT_MAX : (int)wait;
}

static void fire_first(struct clock *c)
{
    struct timer *t = c->heap[1].timer;
    clock_cancel(c, t);
    t->fire(t->arg);
}

void clock_run(struct clock *c)
{
    int64_t now = clock_now_ms(c);
    while (c->count > 0 && c->heap[1].timer->at_ms <= now)
        fire_first(c);
}

void clock_advance(struct clock *c, int64_t by_ms)
{
    int64_t end = clock_now_ms(c) + by_ms;
    while (c->count > 0 && c->heap[1].timer->at_ms <= end) {
        int64_t ahead = c->heap[1].timer->at_ms - clock_now_ms(c);
        if (ahead > 0)
            c->offset_ms += ahead; /* whoever looks at the time while it fires sees its own time */
        fire_first(c);
    }
    int64_t rest = end - clock_now_ms(c);
    if (rest > 0)
        c->offset_ms += rest;
}

int64_t clock_ahead_ms(const struct clock *c)
{
    return c->offset_ms;
}

void clock_set_ahead(struct clock *c, int64_t ms)
{
    /* All move by the same, so the heap keeps its order. */
    for (int i = 1; i <= c->count; i++)
        c->heap[i].timer->at_ms += ms - c->offset_ms;
    c->offset_ms = ms;
}
