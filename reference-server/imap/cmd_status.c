/* STATUS. RFC 3501, 6.3.10.
 * SPDX-License-Identifier: MIT */
#include "fault.h"
#include "imap/state.h"
#include "imap/write.h"

enum {
    STATUS_MESSAGES,
    STATUS_RECENT,
    STATUS_UIDNEXT,
    STATUS_UIDVALIDITY,
    STATUS_UNSEEN,
    STATUS_KINDS
};

static const char *const kinds[] = {"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN"};

#define MOST_ITEMS 20

struct status {
    struct str wire;
    char *name;
    int items[MOST_ITEMS];
    int count;
};

void parse_status(struct imap *s, struct args *a)
{
    struct status *st = arena_alloc(&s->arena, sizeof *st);
    s->args = st;
    if (!args_sp(a) || !args_astring(a, &st->wire) || !args_sp(a) || !args_char(a, '(')) {
        return;
    }
    do {
        struct str word;
        int kind = 0;
        if (!args_word(a, &word)) {
            return;
        }
        while (kind < STATUS_KINDS && !str_is(&word, kinds[kind])) {
            kind++;
        }
        if (kind == STATUS_KINDS || st->count == MOST_ITEMS) {
            args_bad(a, "STATUS knows MESSAGES, RECENT, UIDNEXT, UIDVALIDITY and UNSEEN");
            return;
        }
        st->items[st->count++] = kind;
    } while (args_maybe(a, ' '));
    if (args_char(a, ')') && args_end(a)) {
        st->name = imap_name(s, &st->wire);
    }
}

static uint64_t value(struct imap *s, struct mailbox *m, int kind)
{
    uint32_t n = 0;
    switch (kind) {
    case STATUS_RECENT:
        if (m == s->view.mailbox) {
            return s->view.recent_count;
        }
        return m->count - mailbox_lower_bound(m, m->first_recent);
    case STATUS_UIDNEXT:
        return m->uidnext;
    case STATUS_UIDVALIDITY:
        return write_uidvalidity(m->uidvalidity);
    case STATUS_UNSEEN:
        for (size_t i = 0; i < m->count; i++) {
            bool unseen = !(m->messages[i].flags & FLAG_SEEN);
            if (unseen && fault(FAULT_IMAP_STATUS_UNSEEN_IS_NUMBER)) {
                return i + 1;
            }
            n += unseen;
        }
        return n;
    default:
        return m->count + fault(FAULT_IMAP_STATUS_WRONG_MESSAGES);
    }
}

void run_status(struct imap *s)
{
    const struct status *st = s->args;
    struct mailbox *m = NULL;
    if (st->name == NULL ||
        mailbox_open(s->conn->server->store, s->account_id, st->name, &m) != 0) {
        imap_no(s, "[NONEXISTENT] There is no such mailbox");
        return;
    }
    struct buf out;
    buf_init(&out, 65536);
    buf_text(&out, "* STATUS ");
    write_mailbox(&out, st->name, s->rev2);
    buf_text(&out, " (");
    for (int i = 0; i < st->count; i++) {
        buf_printf(&out, "%s%s %llu", i ? " " : "", kinds[st->items[i]],
                   (unsigned long long)value(s, m, st->items[i]));
    }
    buf_text(&out, fault(FAULT_IMAP_STATUS_ITEM_WITHOUT_NUMBER) ? " X-END)\r\n" : ")\r\n");
    imap_send(s, &out);
    buf_free(&out);
    if (fault(FAULT_IMAP_STATUS_CLEARS_RECENT)) {
        store_recent_seen(m);
    }
    mailbox_close(m);
    imap_ok(s, "Done");
}
