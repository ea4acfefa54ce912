/* A relay adds its Received field and touches nothing else (RFC 5321, 6.4); these faults do.
 * SPDX-License-Identifier: MIT */
#include "queue/spoil.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "smtp/header.h"

static void put_on_top(struct qmsg *m, const char *field)
{
    size_t n = strlen(field);
    unsigned char *whole = malloc(m->len + n + 1);
    if (whole == NULL)
        abort();
    memcpy(whole, field, n);
    memcpy(whole + n, m->data, m->len);
    free(m->data);
    m->data = whole;
    m->len += n;
}

static void strip_blanks(struct qmsg *m)
{
    size_t used = 0;
    for (size_t i = 0; i < m->len; i++) {
        if (m->data[i] == '\r')
            while (used > 0 && (m->data[used - 1] == ' ' || m->data[used - 1] == '\t'))
                used--;
        m->data[used++] = m->data[i];
    }
    m->len = used;
}

void queue_spoil(struct qmsg *m)
{
    char field[400];
    if (fault(FAULT_QUEUE_STRIPS_RECEIVED))
        m->len = smtp_header_remove(m->data, m->len, "Received");
    for (size_t i = 0; i < m->len && fault(FAULT_QUEUE_8BIT_CLEARED); i++)
        m->data[i] &= 127;
    if (fault(FAULT_QUEUE_STRIPS_TRAILING_BLANKS))
        strip_blanks(m);
    if (fault(FAULT_QUEUE_ADDS_DATE) && smtp_header_count(m->data, m->len, "Date") == 0)
        put_on_top(m, "Date: Sat, 21 Nov 2026 00:00:00 +0000\r\n");
    if (fault(FAULT_QUEUE_KEEPS_RETURN_PATH)) {
        snprintf(field, sizeof field, "Return-Path: <%.300s>\r\n", m->sender);
        put_on_top(m, field);
    }
}

void queue_domain_of_header(const struct qmsg *m, char domain[DNS_NAME_MAX + 1])
{
    size_t end;
    for (size_t at = 0; (end = smtp_header_field(m->data, m->len, at)) != 0; at = end) {
        const unsigned char *sign = memchr(m->data + at, '@', end - at);
        size_t n = 0;
        if (sign == NULL || !smtp_header_named(m->data, at, end, "Resent-To"))
            continue;
        for (const unsigned char *p = sign + 1;
             p < m->data + end && n < DNS_NAME_MAX && strchr("> ,;\r\n\t", *p) == NULL; p++)
            domain[n++] = (char)tolower(*p);
        domain[n] = '\0';
        return;
    }
}
