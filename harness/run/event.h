/* The events of a run: one versioned JSON object a line in run.jsonl, the single truth from which
 * every report is rendered. The schema, with every field of every event, is
 * reports/run.schema.json.
 *
 * A scenario's process makes its events in an event_list and sends each line up a pipe; the parent
 * writes whole lines into run.jsonl, flushed, never mixed. Times are seconds since the scenario
 * began. SPDX-License-Identifier: MIT */
#ifndef HARNESS_RUN_EVENT_H
#define HARNESS_RUN_EVENT_H

#include <jansson.h>

#include "err.h"
#include "wire/conn.h"

#define EVENT_VERSION 1

struct outbox;

/* Where events go: kept in `list` (a json array), and written as lines to fd if fd >= 0. */
struct event_sink {
    json_t *list;
    const char *scenario; /* id; goes into each event as "case" */
    int fd;
    struct outbox
        *outbox;         /* where lines gather until the process waits; NULL: each leaves at once */
    bool lint_only;      /* nobody reads anything but "lint": the rest is not made */
    size_t bytes, limit; /* past the limit "io" events lose their bytes and say "cut": true; limit 0
                            is none */
    /* What the next connection is for; the caller sets them before conn_open, and they go into its
     * "conn" event. */
    const char *protocol, *service, *host;
    bool accepts; /* it comes from a client: we are the server */
};

/* An event with what a reader looks for first: "v", "ev" and "case". NULL when nobody wants it. */
json_t *event_new(const struct event_sink *sink, const char *ev);
/* Takes the reference to an event of event_new. A NULL event is ignored. When the reader of fd is
 * gone, fd becomes -1 and the events are kept in the list alone. */
void event_emit(struct event_sink *sink, json_t *event);

/* A JSON string of any bytes: text that is not UTF-8 gets its odd bytes as \\xNN. Never NULL. */
json_t *event_text(const char *text, size_t len);

/* Seconds as they stand in an event: to the microsecond. */
json_t *event_time(double seconds);

/* The recorder that turns what a loop reports into "conn", "io", "tls", "keylog" and "end" events.
 */
struct conn_watch event_watch(struct event_sink *sink);

#endif
