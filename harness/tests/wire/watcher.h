/* A watcher that keeps everything it is told, so that a test can look at it afterwards.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_TESTS_WIRE_WATCHER_H
#define HARNESS_TESTS_WIRE_WATCHER_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "wire/buf.h"
#include "wire/conn.h"

struct watcher {
    struct buf bytes[2][2]; /* [direction][layer] */
    double last;            /* time of the newest event: they never run backwards */
    int opened, tls, keylog, ended;
    int chunks; /* calls of `bytes` for what was received on the wire */
    enum conn_end how;
    char keys[8192];
};

static inline void watcher_time(struct watcher *w, double at)
{
    ck_assert_double_ge(at, w->last);
    w->last = at;
}

static inline void watcher_opened(void *arg, const struct conn *c, double at)
{
    struct watcher *w = arg;
    (void)c;
    watcher_time(w, at);
    w->opened++;
}

static inline void watcher_bytes(void *arg, const struct conn *c, enum conn_dir dir,
                                 enum conn_layer layer, double at, uint64_t offset,
                                 const unsigned char *p, size_t n)
{
    struct watcher *w = arg;
    struct buf *b = &w->bytes[dir][layer];
    ck_assert(layer == CONN_WIRE || conn_number(c) != 1 ||
              w->tls == 1); /* no text before the facts */
    watcher_time(w, at);
    ck_assert_uint_gt(n, 0);
    if (conn_number(c) == 1) {
        ck_assert_uint_eq(offset, b->len);
        ck_assert(buf_add(b, p, n));
        w->chunks += dir == CONN_RECEIVED && layer == CONN_WIRE;
    }
}

static inline void watcher_tls(void *arg, const struct conn *c, double at,
                               const struct conn_tls *facts)
{
    struct watcher *w = arg;
    watcher_time(w, at);
    ck_assert_ptr_eq(facts, conn_tls_facts(c));
    w->tls++;
}

static inline void watcher_keylog(void *arg, const struct conn *c, double at, const char *line)
{
    struct watcher *w = arg;
    (void)c;
    watcher_time(w, at);
    size_t used = strlen(w->keys);
    (void)snprintf(w->keys + used, sizeof w->keys - used, "%s\n", line);
    w->keylog++;
}

static inline void watcher_ended(void *arg, const struct conn *c, double at, enum conn_end how)
{
    struct watcher *w = arg;
    watcher_time(w, at);
    ck_assert_int_eq(how, conn_ended(c));
    w->ended++;
    w->how = how;
}

/* A loop that tells everything to *w; of the bytes, those of the first connection. */
static inline struct loop *watcher_loop(struct watcher *w)
{
    *w = (struct watcher){0};
    for (int i = 0; i < 4; i++)
        buf_init(&w->bytes[i / 2][i % 2], (size_t)256 << 20);
    struct conn_watch watch = {.arg = w,
                               .opened = watcher_opened,
                               .bytes = watcher_bytes,
                               .tls = watcher_tls,
                               .keylog = watcher_keylog,
                               .ended = watcher_ended};
    return loop_new(&watch);
}

static inline void watcher_clear(struct watcher *w)
{
    for (int i = 0; i < 4; i++)
        buf_clear(&w->bytes[i / 2][i % 2]);
}

#endif
