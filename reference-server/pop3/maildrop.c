/* A maildrop as one session sees it. SPDX-License-Identifier: MIT */
#include "pop3/maildrop.h"

#include <stdlib.h>

#include "fault.h"

/* For the faults: the size as someone counts who stores LF, or who counts the dots that are
 * doubled. */
static uint32_t wrong_size(struct store *s, const struct message *m)
{
    struct blob b;
    uint32_t size = m->pop3_bytes;
    bool lf = fault(FAULT_POP3_SIZE_COUNTS_LF), dots = fault(FAULT_POP3_SIZE_COUNTS_DOTS);
    if ((!lf && !dots) || blob_read(s, m->blob, &b, NULL) != 0)
        return size;
    for (size_t i = 0; i < b.len; i++) {
        size -= lf && b.data[i] == '\n';
        size += dots && b.data[i] == '.' && (i == 0 || b.data[i - 1] == '\n');
    }
    blob_release(&b);
    return size;
}

/* For a fault: the mailbox whose lock was last asked for in vain. */
static int64_t contested;

/* Nobody waits for it: what could not be removed is tried again at the next login. */
static void remove_expired(struct mailbox *m, int64_t kept_since, const void *owner)
{
    size_t count = 0;
    uint32_t *uids = calloc(m->count + 1, sizeof *uids);
    if (uids == NULL)
        abort();
    for (size_t i = 0; i < m->count; i++)
        if (m->messages[i].internal_date < kept_since)
            uids[count++] = m->messages[i].uid;
    if (count > 0)
        store_expunge(m, uids, count, false, owner, NULL, NULL);
    free(uids);
}

enum maildrop_outcome maildrop_open(struct maildrop *d, struct store *s, int64_t account,
                                    int64_t kept_since, const void *owner)
{
    struct mailbox *m;
    if (mailbox_open(s, account, "INBOX", &m) != 0)
        return MAILDROP_MISSING;
    if (m->pop3_lock != NULL && m->pop3_lock != owner && !fault(FAULT_POP3_NO_LOCK)) {
        contested = m->id;
        mailbox_close(m);
        return MAILDROP_IN_USE;
    }
    m->pop3_lock = owner;
    *d = (struct maildrop){.mailbox = m};
    remove_expired(m, kept_since, owner);
    d->messages = calloc(m->count + 1, sizeof *d->messages);
    if (d->messages == NULL)
        abort();
    for (size_t i = 0; i < m->count; i++) {
        const struct message *from = &m->messages[i];
        if (from->internal_date < kept_since)
            continue;
        struct drop_message *to = &d->messages[d->count++];
        *to = (struct drop_message){
            .uid = from->uid, .size = wrong_size(s, from), .blob = from->blob};
        d->total += to->size;
    }
    return MAILDROP_OPEN;
}

void maildrop_close(struct maildrop *d, const void *owner)
{
    if (d->mailbox == NULL)
        return;
    bool keep = fault(FAULT_POP3_QUIT_KEEPS_LOCK) && contested == d->mailbox->id;
    if (d->mailbox->pop3_lock == owner)
        d->mailbox->pop3_lock = keep ? &contested : NULL; /* nobody's for good */
    mailbox_close(d->mailbox);
    free(d->messages);
    *d = (struct maildrop){.mailbox = NULL};
}

/* For a fault: the nth message of those that are not marked. */
static uint32_t renumbered(const struct maildrop *d, uint32_t n)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (!d->messages[i].deleted && --n == 0)
            return i + 1;
    return 0;
}

struct drop_message *maildrop_find(struct maildrop *d, uint32_t n, bool *marked)
{
    *marked = false;
    if (n == 0 && d->count > 0 && fault(FAULT_POP3_ZERO_IS_FIRST))
        n = 1;
    if (fault(FAULT_POP3_DELE_RENUMBERS))
        n = renumbered(d, n);
    if (n == 0 || n > d->count)
        return NULL;
    *marked = d->messages[n - 1].deleted;
    if (*marked && !fault(FAULT_POP3_DELETED_READABLE))
        return NULL;
    return &d->messages[n - 1];
}

void maildrop_catch_up(struct maildrop *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        struct drop_message *m = &d->messages[i];
        if (mailbox_find(d->mailbox, m->uid) != NULL) {
            d->messages[kept++] = *m;
            continue;
        }
        if (m->deleted)
            d->deleted_count--;
        else
            d->total -= m->size;
    }
    d->count = kept;
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
        d->messages[i].regretted = true;
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
