/* Reads the keywords of an EHLO reply. SPDX-License-Identifier: MIT */
#include "queue/client/offers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fault.h"

enum { WORDS = 512, LIMIT_DIGITS = 6 };

/* A number of one to six digits that is not zero (RFC 9422, 4); 0: it is none, and counts for
 * nothing. */
static unsigned long limit_value(const char *text, size_t n)
{
    unsigned long value = 0;
    if (n == 0 || n > LIMIT_DIGITS)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return fault(FAULT_QUEUE_LIMITS_BAD_VALUE_TAKEN) ? value : 0;
        value = value * 10 + (unsigned long)(text[i] - '0');
    }
    return value;
}

static bool names(const char *word, size_t n, const char *limit)
{
    return strlen(limit) == n && strncasecmp(word, limit, n) == 0;
}

static void take_limits(struct offers *o, const char *rest)
{
    while (*rest != '\0') {
        size_t n = strcspn(rest, " "), name = strcspn(rest, " =");
        unsigned long value = name < n ? limit_value(rest + name + 1, n - name - 1) : 0;
        if (names(rest, name, "MAILMAX"))
            o->most_mails = value;
        else if (names(rest, name, "RCPTMAX"))
            o->most_recipients = value;
        else if (names(rest, name, "RCPTDOMAINMAX"))
            o->most_domains = value;
        rest += n;
        rest += strspn(rest, " ");
    }
}

static bool has_word(const char *rest, const char *word)
{
    size_t len = strlen(word);
    for (; *rest != '\0'; rest += strspn(rest, " ")) {
        size_t n = strcspn(rest, " ");
        if (n == len && strncasecmp(rest, word, n) == 0)
            return true;
        rest += n;
    }
    return false;
}

void offers_take(struct offers *o, const struct reply *r)
{
    char rest[WORDS];
    const struct offers before = *o;
    *o = (struct offers){0};
    o->pipelining = reply_keyword(r, "PIPELINING", rest, sizeof rest) != NULL;
    o->eight_bit = reply_keyword(r, "8BITMIME", rest, sizeof rest) != NULL;
    o->utf8 = reply_keyword(r, "SMTPUTF8", rest, sizeof rest) != NULL;
    o->dsn = reply_keyword(r, "DSN", rest, sizeof rest) != NULL;
    o->chunking = reply_keyword(r, "CHUNKING", rest, sizeof rest) != NULL;
    o->binarymime = reply_keyword(r, "BINARYMIME", rest, sizeof rest) != NULL;
    o->starttls = reply_keyword(r, "STARTTLS", rest, sizeof rest) != NULL;
    o->requiretls = reply_keyword(r, "REQUIRETLS", rest, sizeof rest) != NULL;
    o->priority = reply_keyword(r, "MT-PRIORITY", rest, sizeof rest) != NULL;
    o->has_size = reply_keyword(r, "SIZE", rest, sizeof rest) != NULL;
    o->size = o->has_size ? strtoull(rest, NULL, 10) : 0;
    o->by = reply_keyword(r, "DELIVERBY", rest, sizeof rest) != NULL;
    o->least_by = o->by ? strtol(rest, NULL, 10) : 0;
    if (fault(FAULT_QUEUE_LIMITS_KEPT)) {
        o->most_mails = before.most_mails;
        o->most_recipients = before.most_recipients;
        o->most_domains = before.most_domains;
    }
    if (reply_keyword(r, "LIMITS", rest, sizeof rest) != NULL)
        take_limits(o, rest);
    if (reply_keyword(r, "AUTH", rest, sizeof rest) != NULL) {
        o->auth_plain = has_word(rest, "PLAIN");
        o->auth_login = has_word(rest, "LOGIN");
    }
}
