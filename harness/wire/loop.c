/* The clock of a scenario and the one place where it waits: for all connections at once, whoever
 * asked. SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "wire/inside.h"

static double monotonic(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct loop *loop_new(const struct conn_watch *watch)
{
    struct loop *l = err_need(calloc(1, sizeof *l));
    if (watch != NULL)
        l->watch = *watch;
    l->epoch = monotonic();
    return l;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    while (l->first != NULL)
        conn_free(l->first);
    free(l->polls);
    free(l->polled);
    free(l);
}

double loop_now(const struct loop *l)
{
    return monotonic() - l->epoch;
}

/* Room for every connection and one more. */
static void make_room(struct loop *l, size_t n)
{
    if (n <= l->room)
        return;
    l->room = n * 2;
    l->polls = err_need(realloc(l->polls, l->room * sizeof *l->polls));
    l->polled = err_need(realloc(l->polled, l->room * sizeof *l->polled));
}

/* Fills polls; moves *until forward to the first piece that a slow connection has to send. */
static size_t gather(struct loop *l, double *until)
{
    size_t n = 0;
    for (struct conn *c = l->first; c != NULL; c = c->next) {
        short events = 0;
        if (c->fd < 0)
            continue;
        if (!c->hung_up)
            events |= POLLIN;
        if (flow_waiting(c)) {
            if (c->segment_pause_ms == 0 || c->next_send <= loop_now(l))
                events |= POLLOUT;
            else if (c->next_send < *until)
                *until = c->next_send;
        }
        if (events == 0)
            continue;
        make_room(l, n + 2);
        l->polls[n] = (struct pollfd){.fd = c->fd, .events = events};
        l->polled[n++] = c;
    }
    return n;
}

bool loop_turn(struct loop *l, double until, int fd, short events)
{
    size_t n = gather(l, &until);
    make_room(l, n + 1);
    size_t all = n;
    if (fd >= 0)
        l->polls[all++] = (struct pollfd){.fd = fd, .events = events};
    double left = until - loop_now(l);
    if (left < 0)
        left = 0;
    if (left > 86400)
        left = 86400;
    struct timespec wait = {.tv_sec = (time_t)left};
    wait.tv_nsec = (long)((left - (double)wait.tv_sec) * 1e9);
    if (l->watch.waits != NULL)
        l->watch.waits(l->watch.arg);
    int ready = ppoll(l->polls, all, &wait, NULL);
    if (ready < 0)
        ready = 0; /* a signal: the caller looks at its deadline and comes back */
    bool extra = ready > 0 && fd >= 0 && l->polls[n].revents != 0;
    for (size_t i = 0; i < n && ready > 0; i++) {
        struct conn *c = l->polled[i];
        short got = l->polls[i].revents;
        if ((got & (POLLIN | POLLHUP | POLLERR)) != 0)
            flow_receive(c);
        if ((got & (POLLOUT | POLLHUP | POLLERR)) != 0)
            flow_send(c);
    }
    return extra;
}

void conn_pause(struct loop *l, int timeout_ms)
{
    double until = loop_now(l) + timeout_ms / 1000.0;
    do
        (void)loop_turn(l, until, -1, 0);
    while (loop_now(l) < until);
}
