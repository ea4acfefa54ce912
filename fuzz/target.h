/* What every fuzz target has in common: the function that AFL++, libFuzzer and replay.c call, and a
 * digest to compare what two ways of feeding the same bytes have led to. SPDX-License-Identifier:
 * MIT */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Runs the target on one input. Always 0; aborts where something is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct digest {
    uint64_t value;
};

static inline void digest_bytes(struct digest *d, const void *p, size_t n)
{
    const unsigned char *bytes = p;
    for (size_t i = 0; i < n; i++)
        d->value = (d->value ^ bytes[i]) * UINT64_C(1099511628211);
}

static inline void digest_number(struct digest *d, uint64_t n)
{
    digest_bytes(d, &n, sizeof n);
}

/* With the length, so that "ab" "c" differs from "a" "bc". */
static inline void digest_block(struct digest *d, const void *p, size_t n)
{
    digest_number(d, n);
    if (n > 0)
        digest_bytes(d, p, n);
}

static inline void digest_string(struct digest *d, const char *s)
{
    digest_block(d, s != NULL ? s : "", s != NULL ? strlen(s) : 0);
}

/* How an input is cut: whole, byte by byte, or in pieces of changing size that depend on the input
 * alone. */
enum cuts { CUT_NONE, CUT_BYTES, CUT_MIXED, CUTS };

struct cutter {
    enum cuts cuts;
    uint64_t state;
};

static inline struct cutter cutter_new(enum cuts cuts, const uint8_t *data, size_t size)
{
    struct digest d = {0};
    digest_block(&d, data, size);
    return (struct cutter){cuts, d.value};
}

/* The size of the next piece of the n bytes that are left (n > 0). */
static inline size_t cutter_next(struct cutter *c, size_t n)
{
    if (c->cuts == CUT_NONE)
        return n;
    if (c->cuts == CUT_BYTES)
        return 1;
    c->state = c->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    size_t piece = 1 + (size_t)(c->state >> 33) % 17;
    return piece < n ? piece : n;
}

#endif
