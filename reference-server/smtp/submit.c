/* Submission is not relaying: we know who sends, and may finish what a client left undone.
 *
 * SPDX-License-Identifier: MIT */
#include "smtp/submit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "mime/address.h"
#include "mime/header.h"
#include "server.h"
#include "smtp/header.h"
#include "smtp/received.h"
#include "smtp/recipient.h"

char *smtp_complete_domain(const struct smtp *s, const char *arg)
{
    const struct server *server = s->conn->server;
    const char *open = strchr(arg, '<'), *close = open != NULL ? strchr(open, '>') : NULL;
    char *whole = NULL, local[SMTP_LOCAL_MAX + 1];
    bool ours = false;
    if (!s->submission || server->policy.submission_domain == 0 || close == NULL)
        return NULL;
    size_t n = (size_t)(close - open - 1);
    if (n == 0 || n > SMTP_LOCAL_MAX || memchr(open, '@', n + 1) != NULL)
        return NULL;
    memcpy(local, open + 1, n);
    local[n] = '\0';
    if (account_by_address(server->accounts, local, server->domain, &ours) == NULL)
        return NULL;
    if (asprintf(&whole, "%.*s@%s%s", (int)(close - arg), arg, server->domain, close) < 0)
        abort();
    return whole;
}

bool smtp_may_send_as(struct smtp *s, const struct smtp_path *path)
{
    bool ours = false;
    if (!s->submission || path->null || /* RFC 6409, 3.2: bounces and receipts have no sender */
        s->conn->server->policy.sender_must_match == SENDER_ANY)
        return true;
    return s->account != NULL && smtp_account_of(s, path, &ours) == s->account;
}

/* Whether one of a field's addresses is the user's. */
static bool names_user(const struct smtp *s, const unsigned char *text, size_t n, const char *name)
{
    struct arena arena = {.chunks = NULL};
    struct header_field f;
    bool found = false, ours = false;
    if (s->account == NULL || !header_find(text, header_size(text, n), name, &f))
        return false;
    for (const struct address *a = address_parse(&arena, f.value, f.value_len); a != NULL && !found;
         a = a->next)
        found =
            a->mailbox != NULL && a->host != NULL &&
            account_by_address(s->conn->server->accounts, a->mailbox, a->host, &ours) == s->account;
    arena_free(&arena);
    return found;
}

bool smtp_from_fits(const struct smtp *s, const unsigned char *text, size_t n)
{
    return !s->submission || s->conn->server->policy.sender_must_match != SENDER_HEADER ||
           names_user(s, text, n, "From") || names_user(s, text, n, "Sender");
}

void smtp_submission_fields(const struct smtp *s, const char *id, const unsigned char *text,
                            size_t n, struct buf *out)
{
    const struct policy *p = &s->conn->server->policy;
    if (!s->submission)
        return;
    if (p->submission_message_id == 0 && smtp_header_count(text, n, "Message-ID") == 0 &&
        !fault(FAULT_SUBMISSION_NO_MESSAGE_ID))
        buf_printf(out, "Message-ID: <%s@%s>\r\n", id, s->conn->server->hostname);
    if (p->submission_date == 0 && smtp_header_count(text, n, "Date") == 0) {
        buf_text(out, "Date: ");
        smtp_write_date(s, out);
        buf_text(out, "\r\n");
    }
    if (p->submission_sender == 1 && s->account != NULL &&
        smtp_header_count(text, n, "Sender") == 0 && !names_user(s, text, n, "From"))
        buf_printf(out, "Sender: <%s>\r\n", s->account->address);
}
