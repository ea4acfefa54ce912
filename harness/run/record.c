/* Appends to run.jsonl, and stops at the first failure: half a record would lie.
 * SPDX-License-Identifier: MIT */
#include "run/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
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

int record_line(struct record *r, const char *line, size_t n)
{
    if (r->broken)
        return -1;
    if (r->fd < 0)
        return 0;
    char end = '\n';
    struct iovec parts[2] = {{(void *)(uintptr_t)line, n}, {&end, 1}};
    struct iovec *p = parts;
    int left = 2;
    while (left > 0) {
        ssize_t took = writev(r->fd, p, left);
        if (took < 0 && errno == EINTR)
            continue;
        if (took < 0) {
            r->broken = 1;
            return err_errno(&r->why, r->path);
        }
        size_t gone = (size_t)took;
        while (left > 0 && gone >= p->iov_len) {
            gone -= p->iov_len;
            p++;
            left--;
        }
        if (left > 0) {
            p->iov_base = (char *)p->iov_base + gone;
            p->iov_len -= gone;
        }
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
        rc = record_line(r, line, strlen(line));
        free(line);
    }
    json_decref(event);
    return r->broken ? -1 : rc;
}

json_t *record_text(const char *text)
{
    return event_text(text, strlen(text));
}
