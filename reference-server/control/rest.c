/* A timer of the system's own ticks that looks at the queue: virtual time may stand still
 * meanwhile. SPDX-License-Identifier: MIT */
#include "control/rest.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "net/loop.h"
#include "queue/queue.h"
#include "server.h"

enum { TICK_NS = 500000 };

struct rest {
    struct server *server;
    struct loop_source source;
    int64_t until_ms; /* the system's clock */
    void (*done)(void *arg, const char *trouble);
    void *arg;
};

static int64_t real_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void tick(void *arg, uint32_t events)
{
    struct rest *r = arg;
    uint64_t ticks;
    (void)events;
    ssize_t n = read(r->source.fd, &ticks, sizeof ticks);
    (void)n;
    clock_run(r->server->clock); /* what is due begins now, and is seen */
    const char *unrest = r->server->queue != NULL ? queue_unrest(r->server->queue) : NULL;
    if (unrest != NULL && real_ms() < r->until_ms)
        return;
    void (*done)(void *, const char *) = r->done;
    void *done_arg = r->arg;
    rest_cancel(r);
    done(done_arg, unrest);
}

struct rest *rest_start(struct server *s, int64_t ms, void (*done)(void *arg, const char *trouble),
                        void *arg)
{
    struct itimerspec every = {.it_interval.tv_nsec = TICK_NS, .it_value.tv_nsec = 1};
    struct rest *r = calloc(1, sizeof *r);
    if (r == NULL)
        abort();
    *r = (struct rest){.server = s, .until_ms = real_ms() + ms, .done = done, .arg = arg};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    r->source = (struct loop_source){fd, tick, r};
    if (fd < 0 || timerfd_settime(fd, 0, &every, NULL) != 0 ||
        loop_add(s->loop, &r->source, EPOLLIN, NULL) != 0) {
        if (fd >= 0)
            close(fd);
        free(r);
        return NULL;
    }
    return r;
}

void rest_cancel(struct rest *r)
{
    if (r == NULL)
        return;
    loop_remove(r->server->loop, &r->source);
    close(r->source.fd);
    free(r);
}
