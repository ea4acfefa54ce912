/* Fuzzes the messages that POP3 makes for clients without UTF-8: whatever comes in, no header of
 * what goes out holds an octet above 127, and it fits. SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>

#include "pop3/surrogate.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out;
    if (size > 65536 || !surrogate_needed(data, size))
        return 0;
    buf_init(&out, SURROGATE_GROWTH * size + 4096);
    surrogate_make(data, size, &out);
    if (surrogate_needed(out.data, out.len) || out.len + 128 > out.limit)
        abort();
    buf_free(&out);
    return 0;
}
