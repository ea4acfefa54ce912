/* Fuzzes the driver's SASL client against servers that say anything: the first byte chooses the
 * mechanism, each line is a challenge. What is refused is refused in words, and no server that does
 * not know the password is believed. SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "protocol/sasl.h"
#include "target.h"

enum { MOST_INPUT = 5000, MOST_STEPS = 8, MOST_ITERATIONS_DIGITS = 4 };

/* A server may ask for millions of iterations, lawfully; that takes its time. */
static bool asks_much(const uint8_t *data, size_t size)
{
    size_t digits = 0;
    for (size_t i = 0; i < size; i++) {
        digits = data[i] >= '0' && data[i] <= '9' ? digits + 1 : 0;
        if (digits > MOST_ITERATIONS_DIGITS)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const mechanisms[] = {
        "PLAIN",    "LOGIN",     "CRAM-MD5",    "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS",
        "EXTERNAL", "ANONYMOUS", "OAUTHBEARER", "XOAUTH2"};
    static const unsigned char binding[] = "binding";
    struct sasl_options o = {.user = "u,=",
                             .password = "p",
                             .host = "mail.test.example",
                             .port = 143,
                             .nonce = "abc",
                             .binding = "tls-exporter",
                             .binding_data = binding,
                             .binding_len = sizeof binding};
    struct err err = {""};
    if (size == 0 || size > MOST_INPUT || asks_much(data + 1, size - 1))
        return 0;
    const char *name = mechanisms[data[0] % (sizeof mechanisms / sizeof *mechanisms)];
    struct sasl *s = sasl_new(name, &o, &err);
    if (s == NULL)
        abort();
    data++, size--;
    int rc = 0;
    for (int i = 0; i < MOST_STEPS && rc == 0; i++) {
        unsigned char *out = NULL;
        size_t len = 0, n = 0;
        bool first = i == 0 && sasl_client_first(s);
        if (!first) {
            const uint8_t *end = memchr(data, '\n', size);
            n = end != NULL ? (size_t)(end - data) : size;
        }
        err.text[0] = '\0';
        rc = sasl_step(s, first ? NULL : data, n, &out, &len, &err);
        if (rc != 0 && err.text[0] == '\0')
            abort();
        free(out);
        if (strncmp(name, "SCRAM", 5) == 0 && sasl_done(s))
            abort(); /* it cannot have known the key */
        if (!first) {
            data += n < size ? n + 1 : n;
            size -= n < size ? n + 1 : n;
        }
    }
    sasl_free(s);
    return 0;
}
