/* Reads fields of events for field.h.
 * SPDX-License-Identifier: MIT */
#include "evidence/field.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>

#include "err.h"

const char *field_text(const json_t *event, const char *key)
{
    const char *s = json_string_value(json_object_get(event, key));
    return s != NULL ? s : "";
}

json_int_t field_int(const json_t *event, const char *key)
{
    return json_integer_value(json_object_get(event, key));
}

bool field_true(const json_t *event, const char *key)
{
    return json_is_true(json_object_get(event, key));
}

double field_at(const json_t *event)
{
    return json_number_value(json_object_get(event, "at"));
}

unsigned char *field_bytes(const json_t *event, size_t *len)
{
    const json_t *b64 = json_object_get(event, "b64");
    size_t n = json_string_length(b64);
    *len = 0;
    if (n == 0 || n % 4 != 0 || n > INT32_MAX)
        return NULL;
    const char *text = json_string_value(b64);
    unsigned char *out = err_need(malloc(n / 4 * 3 + 1));
    int got = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);
    if (got < 0) {
        free(out);
        return NULL;
    }
    *len = (size_t)got - (text[n - 1] == '=') - (text[n - 2] == '=');
    return out;
}
