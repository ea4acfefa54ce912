/* What a server said, when; see input.h. Times are kept per arrival, not per byte, and found by
 * bisection. SPDX-License-Identifier: MIT */
#include "wire/input.h"

#include <stdlib.h>

#include "err.h"

void input_init(struct input *in, size_t limit)
{
    *in = (struct input){0};
    buf_init(&in->history, limit);
}

void input_clear(struct input *in)
{
    size_t limit = in->history.limit;
    buf_clear(&in->history);
    free(in->marks);
    input_init(in, limit);
}

static void mark(struct input *in, double at)
{
    if (in->marks_used == in->marks_room) {
        in->marks_room = in->marks_room == 0 ? 32 : in->marks_room * 2;
        in->marks = err_need(realloc(in->marks, in->marks_room * sizeof *in->marks));
    }
    in->marks[in->marks_used++] = (struct input_mark){.end = in->history.len, .at = at};
}

bool input_add(struct input *in, double at, const unsigned char *p, size_t n)
{
    size_t left = in->history.limit - in->history.len;
    bool all = n <= left;
    if (!all)
        n = left;
    if (n > 0) {
        (void)buf_add(&in->history, p, n);
        mark(in, at);
    }
    return all;
}

size_t input_rest(const struct input *in, const unsigned char **p)
{
    size_t n = in->history.len - in->taken;
    *p = n > 0 ? in->history.data + in->taken : (const unsigned char *)"";
    return n;
}

double input_when(const struct input *in, uint64_t offset)
{
    if (in->marks_used == 0)
        return 0;
    size_t low = 0, high = in->marks_used - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (in->marks[middle].end > offset)
            high = middle;
        else
            low = middle + 1;
    }
    return in->marks[low].at;
}
