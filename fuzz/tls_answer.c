/* Fuzzes the driver's own reading of what a server says to a ClientHello: never past the end, what
 * was read of less never changes when more comes, and it can be told in words.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "ports/dial/hello.h"
#include "target.h"

enum { MOST_INPUT = 40000 };

static void look(const uint8_t *data, size_t size, bool flight)
{
    struct answer a = {.alert = -1}, less = {.alert = -1};
    char words[200];
    enum answer_kind kind = hello_read(data, size, flight, &a);
    if (kind != a.kind || a.session_len > sizeof a.session ||
        a.dh_public_len > sizeof a.dh_public || a.certificates_len > size || a.dh_bits < 0)
        abort();
    answer_words(&a, words, sizeof words);
    if (words[0] == '\0')
        abort();
    /* What was complete with the first half is the same with all of it. */
    if (!flight && size > 1) {
        uint8_t *half = malloc(size / 2);
        if (half == NULL)
            abort();
        memcpy(half, data, size / 2);
        if (hello_read(half, size / 2, false, &less) == ANSWER_SERVER &&
            (kind != ANSWER_SERVER || a.suite != less.suite || a.version != less.version))
            abort();
        free(half);
    }
    answer_clear(&a);
    answer_clear(&less);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > MOST_INPUT)
        return 0;
    look(data, size, false);
    look(data, size, true);
    return 0;
}
