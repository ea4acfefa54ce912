/* The event loop. Calls from other threads arrive through an eventfd, which is rung only when the
 * list was empty. SPDX-License-Identifier: MIT */
#include "net/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { ROUND = 64 };

struct loop {
    int epoll, bell;
    struct clock *clock;
    atomic_bool stop;
    pthread_mutex_t lock;
    struct loop_call *first, **last;
    struct epoll_event round[ROUND];
    int count, at; /* of the round that is being answered */
    struct loop_source bell_source;
};

static void ring(struct loop *l)
{
    uint64_t one = 1;
    ssize_t n = write(l->bell, &one, sizeof one);
    (void)n; /* a full counter rings as well */
}

static void answer_bell(void *arg, uint32_t events)
{
    struct loop *l = arg;
    uint64_t rung;
    (void)events;
    ssize_t n = read(l->bell, &rung, sizeof rung);
    (void)n;
    pthread_mutex_lock(&l->lock);
    struct loop_call *c = l->first;
    l->first = NULL;
    l->last = &l->first;
    pthread_mutex_unlock(&l->lock);
    while (c != NULL) {
        struct loop_call *next = c->next; /* the call may free what c is part of */
        c->call(c->arg);
        c = next;
    }
}

struct loop *loop_new(struct clock *clock, struct err *err)
{
    struct loop *l = calloc(1, sizeof *l);
    if (l == NULL)
        abort();
    l->clock = clock;
    l->last = &l->first;
    pthread_mutex_init(&l->lock, NULL);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->bell_source = (struct loop_source){l->bell, answer_bell, l};
    if (l->epoll < 0 || l->bell < 0) {
        err_errno(err, "event loop");
        loop_free(l);
        return NULL;
    }
    if (loop_add(l, &l->bell_source, EPOLLIN, err) != 0) {
        loop_free(l);
        return NULL;
    }
    return l;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    if (l->epoll >= 0)
        close(l->epoll);
    if (l->bell >= 0)
        close(l->bell);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

int loop_add(struct loop *l, struct loop_source *s, uint32_t events, struct err *err)
{
    struct epoll_event e = {.events = events, .data.ptr = s};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &e) != 0)
        return err_errno(err, "event loop: watching a descriptor");
    return 0;
}

void loop_change(struct loop *l, struct loop_source *s, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = s};
    epoll_ctl(l->epoll, EPOLL_CTL_MOD, s->fd, &e);
}

void loop_remove(struct loop *l, struct loop_source *s)
{
    epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->fd, NULL);
    for (int i = l->at; i < l->count; i++)
        if (l->round[i].data.ptr == s)
            l->round[i].data.ptr = NULL;
}

void loop_post(struct loop *l, struct loop_call *c)
{
    c->next = NULL;
    pthread_mutex_lock(&l->lock);
    bool empty = l->first == NULL;
    *l->last = c;
    l->last = &c->next;
    pthread_mutex_unlock(&l->lock);
    if (empty)
        ring(l);
}

void loop_once(struct loop *l, int max_ms)
{
    int wait = clock_wait_ms(l->clock);
    if (wait < 0 || (max_ms >= 0 && max_ms < wait))
        wait = max_ms;
    int n = epoll_wait(l->epoll, l->round, ROUND, wait);
    l->count = n > 0 ? n : 0;
    for (l->at = 0; l->at < l->count;) {
        struct epoll_event *e = &l->round[l->at++];
        struct loop_source *s = e->data.ptr;
        if (s != NULL)
            s->ready(s->arg, e->events);
    }
    l->count = l->at = 0;
    clock_run(l->clock);
}

void loop_run(struct loop *l)
{
    while (!atomic_load(&l->stop))
        loop_once(l, -1);
}

void loop_stop(struct loop *l)
{
    atomic_store(&l->stop, true);
    ring(l);
}
