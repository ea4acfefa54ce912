/* Appends to run.jsonl, and stops at the first failure: half a record would lie.
 * SPDX-License-Identifier: MIT */
#include "run/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/event.h"

int record_open(struct record *r, const char *path, struct err *err)
{
    *r = (struct record){.fd = -1};
    if (path == NULL)
        return 0;
    r->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (r->fd < 0)
        return err_errno(err, path);
    r->path = strdup(path);
    if (r->path == NULL)
        abort();
    return 0;
}

void record_close(struct record *r)
{
    if (r->fd >= 0)
        close(r->fd);
    free(r->path);
    *r = (struct record){.fd = -1};
}

int record_lines(struct record *r, const char *lines, size_t n)
{
    if (r->broken)
        return -1;
    while (r->fd >= 0 && n > 0) {
        ssize_t took = write(r->fd, lines, n);
        if (took < 0 && errno == EINTR)
            continue;
        if (took < 0) {
            r->broken = 1;
            return err_errno(&r->why, r->path);
        }
        lines += took;
        n -= (size_t)took;
    }
    return 0;
}

int record_event(struct record *r, json_t *event)
{
    int rc = 0;
    json_object_set_new(event, "v", json_integer(EVENT_VERSION));
    if (r->fd >= 0 && !r->broken) {
        char *line = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(16));
        if (line == NULL)
            abort();
        size_t len = strlen(line);
        line[len] = '\n'; /* the NUL's place */
        rc = record_lines(r, line, len + 1);
        free(line);
    }
    json_decref(event);
    return r->broken ? -1 : rc;
}

json_t *record_text(const char *text)
{
    return event_text(text, strlen(text));
}
