/* STATUS, of one mailbox and of those that LIST found. RFC 3501, 6.3.10; RFC 9051, 6.3.11; RFC
 * 5819; RFC 8438. SPDX-License-Identifier: MIT */
#include "fault.h"
#include "imap/grammar/write.h"
#include "imap/status.h"

enum {
    STATUS_MESSAGES,
    STATUS_RECENT,
    STATUS_UIDNEXT,
    STATUS_UIDVALIDITY,
    STATUS_UNSEEN,
    STATUS_DELETED,
    STATUS_SIZE,
    STATUS_KINDS,
};

static const char *const kinds[] = {"MESSAGES", "RECENT",  "UIDNEXT", "UIDVALIDITY",
                                    "UNSEEN",   "DELETED", "SIZE"};

struct status {
    struct str wire;
    char *name;
    struct status_items items;
};

bool status_parse(struct args *a, struct status_items *out)
{
    if (!args_char(a, '(')) {
        return false;
    }
    do {
        struct str word;
        int kind = 0;
        if (!args_word(a, &word)) {
            return false;
        }
        while (kind < STATUS_KINDS && !str_is(&word, kinds[kind])) {
            kind++;
        }
        if (kind == STATUS_KINDS || out->count == STATUS_MOST_ITEMS) {
            return args_bad(a, "There is no such STATUS item");
        }
        out->items[out->count++] = kind;
    } while (args_maybe(a, ' '));
    return args_char(a, ')');
}

void parse_status(struct imap *s, struct args *a)
{
    struct status *st = arena_alloc(&s->arena, sizeof *st);
    s->args = st;
    if (args_sp(a) && args_astring(a, &st->wire) && args_sp(a) && status_parse(a, &st->items) &&
        args_end(a)) {
        st->name = imap_name(s, &st->wire);
    }
}

/* How many have all of flags set and none of without; or, by a fault, the number of the first. */
static uint64_t count(const struct mailbox *m, uint64_t with, uint64_t without)
{
    uint64_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        bool counts = (m->messages[i].flags & with) == with && !(m->messages[i].flags & without);
        if (counts && without != 0 && fault(FAULT_IMAP_STATUS_UNSEEN_IS_NUMBER)) {
            return i + 1;
        }
        n += counts;
    }
    return n;
}

static uint64_t value(struct imap *s, struct mailbox *m, int kind)
{
    uint64_t sum = 0;
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
        return count(m, 0, FLAG_SEEN);
    case STATUS_DELETED:
        return count(m, FLAG_DELETED, 0);
    case STATUS_SIZE:
        for (size_t i = 0; i < m->count; i++) {
            sum += m->messages[i].size_bytes;
        }
        return sum - (sum > 0 && fault(FAULT_IMAP_STATUS_SIZE_LOW));
    default:
        return m->count + fault(FAULT_IMAP_STATUS_WRONG_MESSAGES);
    }
}

int status_tell(struct imap *s, const char *name, const struct status_items *items)
{
    struct mailbox *m = NULL;
    struct buf out;
    int rc = mailbox_open(s->conn->server->store, s->account_id, name, &m);
    if (rc != 0) {
        return rc;
    }
    buf_init(&out, 65536);
    buf_text(&out, "* STATUS ");
    write_mailbox(&out, name, s->rev2);
    buf_text(&out, " (");
    for (int i = 0; i < items->count; i++) {
        buf_printf(&out, "%s%s %llu", i ? " " : "", kinds[items->items[i]],
                   (unsigned long long)value(s, m, items->items[i]));
    }
    buf_text(&out, fault(FAULT_IMAP_STATUS_ITEM_WITHOUT_NUMBER) ? " X-END)\r\n" : ")\r\n");
    imap_send(s, &out);
    buf_free(&out);
    if (fault(FAULT_IMAP_STATUS_CLEARS_RECENT)) {
        store_recent_seen(m);
    }
    mailbox_close(m);
    return 0;
}

void run_status(struct imap *s)
{
    const struct status *st = s->args;
    if (st->name != NULL && fault(FAULT_IMAP_UNTAGGED_AFTER_TAGGED)) {
        conn_printf(s->conn, "%s OK Done\r\n", s->tag);
        (void)status_tell(s, st->name, &st->items);
        imap_end(s);
        return;
    }
    switch (st->name != NULL ? status_tell(s, st->name, &st->items) : -1) {
    case 0:
        imap_ok(s, "Done");
        break;
    case -2:
        imap_no(s, IMAP_UNREADABLE);
        break;
    default:
        imap_no(s, "[NONEXISTENT] There is no such mailbox");
    }
}
