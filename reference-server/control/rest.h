/* Waits until the queue is at rest: nothing is on its way, nothing is being put on disk and nothing
 * is due at the present time of the clock. A fence for tests: what has not been sent by then is not
 * sent before the clock moves on. SPDX-License-Identifier: MIT */
#ifndef SERVER_REST_H
#define SERVER_REST_H

#include <stdint.h>

struct rest;
struct server;

/* done is called once on the loop thread, never from inside this call: trouble is NULL when the
 * queue is at rest, else what it was still doing after real_ms milliseconds of the system's clock
 * (borrowed). NULL: out of file descriptors. */
struct rest *rest_start(struct server *s, int64_t real_ms,
                        void (*done)(void *arg, const char *trouble), void *arg);
void rest_cancel(struct rest *r); /* NULL: nothing happens */

#endif
