/* A maildrop as one session sees it. SPDX-License-Identifier: MIT */
#include "pop3/maildrop.h"

#include <stdlib.h>

#include "fault.h"

/* For a fault: how much shorter a message is whose lines end in LF. */
static uint32_t line_ends(struct store *s, int64_t blob)
{
    struct blob b;
    uint32_t n = 0;
    if (blob_read(s, blob, &b, NULL) != 0)
        return 0;
    for (size_t i = 0; i < b.len; i++)
        n += b.data[i] == '\n';
    blob_release(&b);
    return n;
}

enum maildrop_outcome maildrop_open(struct maildrop *d, struct store *s, int64_t account,
                                    const void *owner)
{
    struct mailbox *m;
    if (mailbox_open(s, account, "INBOX", &m) != 0)
        return MAILDROP_MISSING;
    if (m->pop3_lock != NULL && !fault(FAULT_POP3_SECOND_SESSION)) {
        mailbox_close(m);
        return MAILDROP_IN_USE;
    }
    m->pop3_lock = owner;
    *d = (struct maildrop){.mailbox = m, .count = m->count};
    d->messages = calloc(m->count + 1, sizeof *d->messages);
    if (d->messages == NULL)
        abort();
    bool lf = fault(FAULT_POP3_SIZES_COUNT_LF);
    for (size_t i = 0; i < m->count; i++) {
        const struct message *from = &m->messages[i];
        struct drop_message *to = &d->messages[i];
        *to = (struct drop_message){from->uid, from->pop3_bytes, from->blob, false};
        if (lf)
            to->size -= line_ends(s, from->blob);
        d->total += to->size;
    }
    return MAILDROP_OPEN;
}

void maildrop_close(struct maildrop *d, const void *owner)
{
    if (d->mailbox == NULL)
        return;
    if (d->mailbox->pop3_lock == owner && !fault(FAULT_POP3_LOCK_STAYS))
        d->mailbox->pop3_lock = NULL;
    mailbox_close(d->mailbox);
    free(d->messages);
    *d = (struct maildrop){.mailbox = NULL};
}

struct drop_message *maildrop_find(struct maildrop *d, uint32_t n, bool *marked)
{
    *marked = false;
    if (n == 0 && d->count > 0 && fault(FAULT_POP3_NUMBER_ZERO))
        n = 1;
    if (n == 0 || n > d->count)
        return NULL;
    *marked = d->messages[n - 1].deleted;
    if (*marked && !fault(FAULT_POP3_DELETED_READABLE))
        return NULL;
    return &d->messages[n - 1];
}

void maildrop_mark(struct maildrop *d, struct drop_message *m)
{
    if (m->deleted)
        return;
    m->deleted = true;
    d->deleted_count++;
    d->total -= m->size;
}

void maildrop_unmark_all(struct maildrop *d)
{
    for (size_t i = 0; i < d->count; i++) {
        if (!d->messages[i].deleted)
            continue;
        d->messages[i].deleted = false;
        d->total += d->messages[i].size;
    }
    d->deleted_count = 0;
}

uint32_t *maildrop_marked(const struct maildrop *d, size_t *count)
{
    uint32_t *uids = calloc(d->deleted_count + 1, sizeof *uids);
    if (uids == NULL)
        abort();
    *count = 0;
    for (size_t i = 0; i < d->count; i++)
        if (d->messages[i].deleted)
            uids[(*count)++] = d->messages[i].uid;
    return uids;
}
