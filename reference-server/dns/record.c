/* Reads the data of records: RFC 1035, 3.3; RFC 3596, 2.2; RFC 6698, 2.1.
 * SPDX-License-Identifier: MIT */
#include "dns/record.h"

#include <stdlib.h>
#include <string.h>

const char *record_type_name(enum dns_type type)
{
    switch (type) {
    case DNS_A:
        return "A";
    case DNS_MX:
        return "MX";
    case DNS_TXT:
        return "TXT";
    case DNS_AAAA:
        return "AAAA";
    case DNS_TLSA:
        return "TLSA";
    }
    return "?";
}

int record_name(const unsigned char *data, size_t n, char out[DNS_NAME_MAX + 1])
{
    size_t at = 0, used = 0;
    while (at < n && data[at] != 0) {
        size_t label = data[at++];
        if (label > 63 || at + label > n || used + label + 1 > DNS_NAME_MAX)
            return -1;
        if (used > 0)
            out[used++] = '.';
        for (size_t i = 0; i < label; i++) {
            unsigned char c = data[at + i];
            /* A dot or a blank inside a label cannot be the name of a host, and would look like
             * one in text. */
            if (c == '.' || c <= ' ' || c == 127)
                return -1;
            out[used++] = (char)c;
        }
        at += label;
    }
    out[used] = '\0';
    return at < n ? 0 : -1;
}

static int take_bytes(struct dns_record *r, const unsigned char *data, size_t n)
{
    r->bytes = malloc(n + 1);
    if (r->bytes == NULL)
        abort();
    if (n > 0)
        memcpy(r->bytes, data, n);
    r->bytes[n] = '\0';
    r->len = n;
    return 0;
}

static int take_strings(struct dns_record *r, const unsigned char *data, size_t n)
{
    take_bytes(r, data, n); /* the strings are shorter than their data */
    size_t used = 0;
    for (size_t at = 0; at < n;) {
        size_t len = data[at++];
        if (at + len > n) {
            record_clear(r);
            return -1;
        }
        memcpy(r->bytes + used, data + at, len);
        used += len;
        at += len;
    }
    r->bytes[used] = '\0';
    r->len = used;
    return 0;
}

int record_read(enum dns_type type, const unsigned char *data, size_t n, struct dns_record *out)
{
    *out = (struct dns_record){.len = 0};
    switch (type) {
    case DNS_A:
        return n == 4 ? take_bytes(out, data, n) : -1;
    case DNS_AAAA:
        return n == 16 ? take_bytes(out, data, n) : -1;
    case DNS_TLSA:
        return n > 3 ? take_bytes(out, data, n) : -1;
    case DNS_TXT:
        return take_strings(out, data, n);
    case DNS_MX:
        if (n < 3)
            return -1;
        out->preference = (unsigned)data[0] << 8 | data[1];
        return record_name(data + 2, n - 2, out->name);
    }
    return -1;
}

void record_clear(struct dns_record *r)
{
    free(r->bytes);
    r->bytes = NULL;
}
