/* SASLprep, for account.c. The tables of RFC 3454 that it needs are short; normal forms, categories
 * and directions come from utf8proc.
 *
 * SPDX-License-Identifier: MIT */
#include "sasl/saslprep.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "fault.h"

struct range {
    int32_t first, last;
};

/* RFC 3454, B.1: these vanish. */
static const struct range nothing[] = {{0x00ad, 0x00ad}, {0x034f, 0x034f}, {0x1806, 0x1806},
                                       {0x180b, 0x180d}, {0x200b, 0x200d}, {0x2060, 0x2060},
                                       {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}};

/* What C.2.2, C.6, C.7, C.8 and C.9 add to the control, private, surrogate and non-character code
 * points. */
static const struct range prohibited[] = {
    {0x0340, 0x0341},   {0x06dd, 0x06dd},   {0x070f, 0x070f},  {0x180e, 0x180e}, {0x200e, 0x200f},
    {0x2028, 0x202e},   {0x2061, 0x2063},   {0x206a, 0x206f},  {0x2ff0, 0x2ffb}, {0xfff9, 0xfffd},
    {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f}};

static bool within(const struct range *ranges, size_t count, int32_t c)
{
    for (size_t i = 0; i < count; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

static bool is_prohibited(int32_t c)
{
    utf8proc_category_t category = utf8proc_category(c);
    bool not_a_character = (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CO ||
           category == UTF8PROC_CATEGORY_CS || not_a_character ||
           within(prohibited, sizeof prohibited / sizeof prohibited[0], c);
}

/* Non-ASCII spaces become a space (C.1.2), B.1 vanishes. Returns the new count. */
static size_t map(int32_t *text, size_t n)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (within(nothing, sizeof nothing / sizeof nothing[0], text[i]))
            continue;
        bool space = text[i] > 127 && utf8proc_category(text[i]) == UTF8PROC_CATEGORY_ZS;
        text[used++] = space ? ' ' : text[i];
    }
    return used;
}

static bool right_to_left(int32_t c)
{
    int class = utf8proc_get_property(c)->bidi_class;
    return class == UTF8PROC_BIDI_CLASS_R || class == UTF8PROC_BIDI_CLASS_AL;
}

/* RFC 3454, 6: with any right-to-left character there is no left-to-right one, and it begins and
 * ends so. */
static bool directions_fit(const int32_t *text, size_t n)
{
    bool right = false, left = false;
    for (size_t i = 0; i < n; i++) {
        right = right || right_to_left(text[i]);
        left = left || utf8proc_get_property(text[i])->bidi_class == UTF8PROC_BIDI_CLASS_L;
    }
    return !right || (!left && right_to_left(text[0]) && right_to_left(text[n - 1]));
}

static bool fits(const int32_t *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_prohibited(text[i]))
            return false;
    return n > 0 && directions_fit(text, n);
}

/* For a fault. */
static size_t drop_prohibited(int32_t *text, size_t n)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++)
        if (!is_prohibited(text[i]))
            text[used++] = text[i];
    return used;
}

static bool plain(const char *text)
{
    const char *p = text;
    while (*p >= 0x20 && *p < 0x7f)
        p++;
    return *p == '\0' && *text != '\0';
}

char *saslprep(const char *text)
{
    if (plain(text))
        return strdup(text);
    char *out = NULL;
    size_t len = strlen(text);
    /* Composed and decomposed text: no code point of UTF-8 becomes more than 18 (Unicode 3.2 to
     * 15). */
    size_t room = len * 18 + 1;
    int32_t *points = malloc(len * sizeof *points + sizeof *points), *normal = NULL;
    char *mapped = malloc(len + 1);
    if (points == NULL || mapped == NULL)
        abort();
    utf8proc_ssize_t n = utf8proc_decompose((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len,
                                            points, (utf8proc_ssize_t)len + 1, 0);
    if (n < 0 || (size_t)n > len)
        goto out;
    size_t count = map(points, (size_t)n), used = 0;
    for (size_t i = 0; i < count; i++)
        used += (size_t)utf8proc_encode_char(points[i], (utf8proc_uint8_t *)mapped + used);
    normal = malloc(room * sizeof *normal);
    if (normal == NULL)
        abort();
    n = utf8proc_decompose((const utf8proc_uint8_t *)mapped, (utf8proc_ssize_t)used, normal,
                           (utf8proc_ssize_t)room, UTF8PROC_COMPAT | UTF8PROC_COMPOSE);
    if (n < 0 || (size_t)n > room)
        goto out;
    n = utf8proc_normalize_utf32(normal, n, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (n > 0 && fault(FAULT_SASL_PREP_DROPS_FORBIDDEN))
        n = (utf8proc_ssize_t)drop_prohibited(normal, (size_t)n);
    if (n < 0 || !fits(normal, (size_t)n))
        goto out;
    out = malloc((size_t)n * 4 + 1);
    if (out == NULL)
        abort();
    used = 0;
    for (size_t i = 0; i < (size_t)n; i++)
        used += (size_t)utf8proc_encode_char(normal[i], (utf8proc_uint8_t *)out + used);
    out[used] = '\0';
out:
    free(points);
    free(mapped);
    free(normal);
    return out;
}
