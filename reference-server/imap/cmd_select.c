/* Into a mailbox and out of it: SELECT, EXAMINE, CLOSE (RFC 3501, 6.3.1, 6.3.2, 6.4.2), UNSELECT
 * (RFC 3691), ENABLE (RFC 5161), IDLE (RFC 2177). SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "fault.h"
#include "imap/state.h"
#include "imap/write.h"

struct select {
    struct str wire;
    char *name;
};

void parse_select(struct imap *s, struct args *a)
{
    struct select *sel = arena_alloc(&s->arena, sizeof *sel);
    s->args = sel;
    if (args_sp(a) && args_astring(a, &sel->wire) && args_end(a)) {
        sel->name = imap_name(s, &sel->wire);
    }
}

void parse_examine(struct imap *s, struct args *a)
{
    parse_select(s, a);
}

static void tell_opened(struct imap *s)
{
    struct view *v = &s->view;
    const struct mailbox *m = v->mailbox;
    struct buf out;
    buf_init(&out, 65536);
    view_tell_flags(v, s->rev2, &out);
    buf_printf(&out, "* %zu EXISTS\r\n", v->count);
    if (!s->rev2) {
        buf_printf(&out, "* %zu RECENT\r\n", v->recent_count);
        size_t unseen = 0;
        for (; unseen < v->count; unseen++) {
            const struct message *msg = view_message(v, unseen);
            if (msg != NULL && !(msg->flags & FLAG_SEEN)) {
                break;
            }
        }
        if (fault(FAULT_IMAP_UNSEEN_COUNTS) && v->count > 0) {
            buf_printf(&out, "* OK [UNSEEN %zu] This many are unseen\r\n", v->count - unseen + 1);
        } else if (unseen < v->count) {
            buf_printf(&out, "* OK [UNSEEN %zu] The first unseen one\r\n", unseen + 1);
        }
    }
    uint32_t uidnext = m->uidnext;
    if (fault(FAULT_IMAP_UIDNEXT_TOO_LOW) && m->uidnext > 1) {
        uidnext--;
    }
    if (!fault(FAULT_IMAP_SELECT_NO_UIDVALIDITY)) {
        buf_printf(&out, "* OK [UIDVALIDITY %u] UIDs hold while this does\r\n",
                   fault(FAULT_IMAP_UIDVALIDITY_CONSTANT) ? 1 : m->uidvalidity);
    }
    buf_printf(&out, "* OK [UIDNEXT %u] The next UID is not below this\r\n", uidnext);
    imap_send(s, &out);
    buf_free(&out);
}

static void open_mailbox(struct imap *s, bool read_only)
{
    const struct select *sel = s->args;
    struct mailbox *m = NULL;
    bool keep = fault(FAULT_IMAP_FAILED_SELECT_KEEPS_OLD);
    if (!keep) {
        imap_deselect(s); /* whatever comes of this SELECT (6.3.1) */
    }
    if (sel->name == NULL ||
        mailbox_open(s->conn->server->store, s->account_id, sel->name, &m) != 0) {
        imap_no(s, "[NONEXISTENT] There is no such mailbox");
        return;
    }
    imap_deselect(s);
    view_open(&s->view, m, read_only && !fault(FAULT_IMAP_EXAMINE_CLAIMS_RECENT), s);
    s->view.read_only = read_only && !fault(FAULT_IMAP_EXAMINE_WRITES);
    mailbox_watch(m, &s->watcher);
    s->state = IMAP_SELECTED;
    tell_opened(s);
    if (read_only && !fault(FAULT_IMAP_EXAMINE_SAYS_READ_WRITE)) {
        imap_ok(s, "[READ-ONLY] Look, but do not touch");
    } else {
        imap_ok(s, "[READ-WRITE] Selected");
    }
}

void run_select(struct imap *s)
{
    open_mailbox(s, false);
}

void run_examine(struct imap *s)
{
    open_mailbox(s, true);
}

void run_unselect(struct imap *s)
{
    imap_deselect(s);
    imap_ok(s, "Left");
}

/* --- CLOSE --- */

static void closed(void *arg, const struct store_result *r)
{
    struct imap *s = arg;
    if (!imap_woken(s)) {
        return;
    }
    if (imap_stored(s, r)) {
        if (fault(FAULT_IMAP_CLOSE_SENDS_EXPUNGE)) {
            imap_tell(s, true);
        }
        imap_deselect(s);
        imap_ok(s, "Closed");
    }
    imap_go_on(s);
}

void run_close(struct imap *s)
{
    const struct mailbox *m = s->view.mailbox;
    if (s->view.read_only || m->gone || fault(FAULT_IMAP_CLOSE_KEEPS_DELETED)) {
        run_unselect(s);
        return;
    }
    uint32_t *uids = arena_alloc(&s->arena, m->count * sizeof *uids);
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (m->messages[i].flags & FLAG_DELETED) {
            uids[n++] = m->messages[i].uid;
        }
    }
    if (n == 0) {
        run_unselect(s);
        return;
    }
    imap_wait(s);
    store_expunge(s->view.mailbox, uids, n, true, s, closed, s);
}

/* --- ENABLE --- */

void parse_enable(struct imap *s, struct args *a)
{
    struct str name;
    (void)s;
    do {
        if (!args_sp(a) || !args_atom(a, &name)) {
            return;
        }
    } while (args_peek(a) == ' ');
    args_end(a);
}

void run_enable(struct imap *s)
{
    /* What is not known is passed over (RFC 5161, 3.1); nothing here needs enabling yet. */
    conn_text(s->conn, "* ENABLED\r\n");
    imap_ok(s, "Done");
}

/* --- IDLE --- */

void run_idle(struct imap *s)
{
    s->mode = MODE_IDLE;
    if (!fault(FAULT_IMAP_IDLE_NO_PLUS)) {
        conn_text(s->conn, "+ Idling\r\n");
    }
    imap_tell(s, true);
}

void imap_idle_line(struct imap *s, const unsigned char *line, size_t n)
{
    s->mode = MODE_COMMAND;
    if (n == 4 && strncasecmp((const char *)line, "DONE", 4) == 0) {
        if (fault(FAULT_IMAP_IDLE_LOSES_EVENT_BETWEEN)) {
            view_sync(&s->view, s);
            for (size_t i = 0; i < s->view.count; i++) {
                s->view.entries[i].dirty = false;
            }
            s->view.dirty_count = 0;
        }
        imap_ok(s, "Done");
    } else {
        imap_bad(s, "Expected DONE");
    }
}
