/* All that a server said on one connection, kept for ever, with the time at which each byte came
 * and a mark up to where parsers have taken it. SPDX-License-Identifier: MIT */
#ifndef HARNESS_WIRE_INPUT_H
#define HARNESS_WIRE_INPUT_H

#include <stdint.h>

#include "wire/buf.h"

/* The bytes before `end` (and from the mark before this one) arrived at `at`. */
struct input_mark {
    uint64_t end;
    double at;
};

struct input {
    struct buf history;
    size_t taken; /* bytes of the history that parsers are done with */
    struct input_mark *marks;
    size_t marks_used, marks_room;
};

void input_init(struct input *in, size_t limit);
void input_clear(struct input *in);

/* Appends what arrived at this time. Past the limit as much as fits is kept, and false comes back.
 */
bool input_add(struct input *in, double at, const unsigned char *p, size_t n);

/* The bytes that no parser took yet; *p is valid until the next input_add. */
size_t input_rest(const struct input *in, const unsigned char **p);

/* When the byte at this offset arrived; past the end, when the newest byte did; 0 while there is
 * none. */
double input_when(const struct input *in, uint64_t offset);

#endif
