/* Base64 (RFC 4648, 4) as SASL profiles want it: strict, because what one side skips the other may
 * read.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "sasl/sasl.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int base64_decode(const char *text, size_t n, unsigned char **out, size_t *len)
{
    if (n % 4 != 0)
        return -1;
    unsigned char *data = malloc(n / 4 * 3 + 1);
    if (data == NULL)
        abort();
    size_t used = 0;
    for (size_t i = 0; i < n; i += 4) {
        unsigned word = 0;
        int pads = 0;
        for (size_t j = 0; j < 4; j++) {
            int value = value_of(text[i + j]);
            bool last_group = i + 4 == n;
            if (text[i + j] == '=' && last_group && j >= 2)
                pads++;
            else if (value < 0 || pads > 0)
                goto bad;
            word = word << 6 | (unsigned)(value < 0 ? 0 : value);
        }
        /* Bits that the padding hides have to be zero: else two texts would mean the same bytes
         * (3.5). */
        if ((pads == 1 && (word & 0xff) != 0) || (pads == 2 && (word & 0xffff) != 0))
            goto bad;
        data[used++] = (unsigned char)(word >> 16);
        if (pads < 2)
            data[used++] = (unsigned char)(word >> 8 & 0xff);
        if (pads < 1)
            data[used++] = (unsigned char)(word & 0xff);
    }
    data[used] = '\0';
    *out = data;
    *len = used;
    return 0;
bad:
    free(data);
    return -1;
}

bool base64_encode(struct buf *out, const unsigned char *p, size_t n)
{
    size_t before = out->len;
    for (size_t i = 0; i < n; i += 3) {
        unsigned word = (unsigned)p[i] << 16;
        if (i + 1 < n)
            word |= (unsigned)p[i + 1] << 8;
        if (i + 2 < n)
            word |= p[i + 2];
        char four[4] = {alphabet[word >> 18], alphabet[word >> 12 & 63],
                        i + 1 < n ? alphabet[word >> 6 & 63] : '=',
                        i + 2 < n ? alphabet[word & 63] : '='};
        if (!buf_add(out, four, sizeof four)) {
            out->len = before; /* all or nothing, like the buffer itself */
            return false;
        }
    }
    return true;
}
