/* A buffer in shared memory; see outbox.h. The process may be killed between any two instructions,
 * so its numbers are true at each of them: bytes are there before they are counted, and what was
 * sent is counted as gone before the place where the rest begins moves on.
 * SPDX-License-Identifier: MIT */
#include "run/outbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { OUTBOX_BYTES = 64 * 1024 };

struct outbox {
    _Atomic uint64_t sent; /* bytes of this process that went before data[0] */
    _Atomic size_t used;
    char data[OUTBOX_BYTES];
};

struct outbox *outbox_new(void)
{
    void *p = mmap(NULL, sizeof(struct outbox), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                   -1, 0);
    return p != MAP_FAILED ? p : NULL;
}

void outbox_free(struct outbox *o)
{
    if (o != NULL)
        (void)munmap(o, sizeof *o);
}

void outbox_reset(struct outbox *o)
{
    if (o != NULL)
        o->sent = o->used = 0;
}

static int send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t took = write(fd, p, n);
        if (took < 0 && errno == EINTR)
            continue;
        if (took < 0)
            return -1;
        p += took;
        n -= (size_t)took;
    }
    return 0;
}

int outbox_flush(struct outbox *o, int fd)
{
    size_t n = o != NULL ? o->used : 0;
    if (n == 0)
        return 0;
    int rc = send_all(fd, o->data, n);
    o->used = 0;
    o->sent += n;
    return rc;
}

int outbox_add(struct outbox *o, int fd, const char *line, size_t n)
{
    if (o == NULL)
        return send_all(fd, line, n);
    if (n > sizeof o->data - o->used && outbox_flush(o, fd) != 0)
        return -1;
    if (n > sizeof o->data) {
        int rc = send_all(fd, line, n);
        o->sent += n;
        return rc;
    }
    memcpy(o->data + o->used, line, n);
    o->used += n;
    return 0;
}

size_t outbox_left(const struct outbox *o, uint64_t received, const char **p)
{
    if (o == NULL || received < o->sent || o->used > sizeof o->data)
        return 0;
    uint64_t skip = received - o->sent;
    if (skip >= o->used)
        return 0;
    *p = o->data + skip;
    return o->used - (size_t)skip;
}
