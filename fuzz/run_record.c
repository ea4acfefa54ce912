/* Fuzzes the reading of run.jsonl, which may have been cut short or come from elsewhere: it is
 * refused in words, or what could not be read is named. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/mman.h>

#include "run/readback.h"
#include "target.h"

enum { MOST_INPUT = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct readback r;
    struct err err = {""};
    char path[64];
    if (size > MOST_INPUT)
        return 0;
    int fd = memfd_create("run.jsonl", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const char *const paths[] = {path};
    if (readback_load(&r, paths, 1, &err) == 0) {
        size_t i;
        json_t *one;
        if (json_array_size(r.starts) != 1)
            abort();
        json_array_foreach (r.cases, i, one) {
            if (!json_is_object(json_object_get(one, "start")) ||
                !json_is_array(json_object_get(one, "events")))
                abort();
        }
        readback_clear(&r);
    } else if (err.text[0] == '\0') {
        abort();
    }
    close(fd);
    return 0;
}
