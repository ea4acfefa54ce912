/* Notifications bear the null sender and NOTIFY=NEVER: nobody is ever told about them (RFC 3461,
 * 6). SPDX-License-Identifier: MIT */
#include "queue/notify.h"

#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "server.h"
#include "smtp/address.h"
#include "smtp/header.h"

enum { ADDRESS_BYTES = 400 };

/* The account behind an address here; *ours: the address is one of ours, account or not. */
static struct account *account_of(struct server *s, const char *address, bool *ours)
{
    struct smtp_path path;
    const char *why;
    *ours = false;
    if (smtp_mailbox_parse(address, strlen(address), &path, &why) != 0)
        return NULL;
    const char *domain = strcasecmp(path.domain, s->hostname) == 0 ? s->domain : path.domain;
    return account_by_address(s->accounts, path.local, domain, ours);
}

unsigned char *notify_return_path(const char *sender, unsigned char *text, size_t *len)
{
    char field[400];
    size_t n = (size_t)snprintf(field, sizeof field, "Return-Path: <%.300s>\r\n", sender);
    unsigned char *whole = malloc(n + *len + 1);
    if (whole == NULL)
        abort();
    memcpy(whole, field, n);
    memcpy(whole + n, text, *len);
    *len += n;
    free(text);
    return whole;
}

/* The address in the message's Reply-To, which is none of our business. */
static bool reply_to(const struct dsn *d, char out[ADDRESS_BYTES])
{
    size_t end;
    for (size_t at = 0; (end = smtp_header_field(d->data, d->len, at)) != 0; at = end) {
        if (!smtp_header_named(d->data, at, end, "Reply-To"))
            continue;
        const char *p = (const char *)memchr(d->data + at, ':', end - at) + 1;
        const char *stop = (const char *)d->data + end;
        const char *open = memchr(p, '<', (size_t)(stop - p));
        p = open != NULL ? open + 1 : p;
        while (p < stop && *p == ' ')
            p++;
        size_t n = 0;
        while (p + n < stop && strchr("> \r\n", p[n]) == NULL)
            n++;
        if (n == 0 || n >= ADDRESS_BYTES)
            return false;
        memcpy(out, p, n);
        out[n] = '\0';
        return true;
    }
    return false;
}

void notify_sender(struct server *s, const struct dsn *d, struct batch *b, int64_t id,
                   struct qmsg **out)
{
    char postmaster[300], other[ADDRESS_BYTES];
    struct dsn to = *d;
    bool ours = false;
    *out = NULL;
    snprintf(postmaster, sizeof postmaster, "postmaster@%s", s->domain);
    if (d->sender[0] == '\0' && fault(FAULT_QUEUE_BOUNCES_BOUNCE))
        to.sender = postmaster;
    if (to.sender[0] == '\0')
        return;
    if (fault(FAULT_QUEUE_DSN_TO_HEADER_FROM) && reply_to(d, other))
        to.sender = other;
    if (to.sender[0] == '@' && !fault(FAULT_QUEUE_REPORT_ALONG_ROUTE))
        to.sender = address_after_route(to.sender);
    struct account *account = account_of(s, to.sender, &ours);
    if (account == NULL && ours)
        return; /* a sender of ours who is not there any more */
    const char *from = fault(FAULT_QUEUE_DSN_NONNULL_SENDER) ? postmaster : "";
    size_t len;
    unsigned char *text = dsn_make(&to, &len);
    if (account != NULL) {
        text = notify_return_path(from, text, &len);
        batch_deliver(b, &account->id, 1, text, len);
        batch_beyond_quota(b);
        return;
    }
    bool asks = fault(FAULT_QUEUE_DSN_ASKS_NOTIFY);
    struct queue_recipient r = {.address = to.sender,
                                .notify = asks ? QUEUE_NOTIFY_FAILURE : QUEUE_NOTIFY_NEVER};
    bool ascii = text_is_ascii((const unsigned char *)to.sender, strlen(to.sender));
    struct queue_envelope e = {.sender = from,
                               .return_full = asks,
                               .utf8 = d->utf8 || !ascii,
                               .recipients = &r,
                               .count = 1};
    if (d->wishes != NULL) { /* RFC 8689, 5; RFC 6710, 4.6 */
        e.wishes.requiretls = d->wishes->requiretls;
        e.wishes.priority = d->wishes->priority;
    }
    struct qmsg *m = qmsg_new(&e, d->now_s);
    m->id = id;
    snprintf(m->name, sizeof m->name, "q%llx", (unsigned long long)id);
    m->eight_bit = !text_is_ascii(text, len);
    m->data = text;
    m->len = len;
    batch_add(b, m);
    *out = m;
}
