/* Into a mailbox and out of it: SELECT, EXAMINE, CLOSE (RFC 3501, 6.3.1, 6.3.2, 6.4.2), UNSELECT
 * (RFC 3691), ENABLE (RFC 5161), IDLE (RFC 2177). SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "fault.h"
#include "imap/grammar/write.h"
#include "imap/list.h"
#include "imap/misbehave.h"
#include "imap/state.h"

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

static size_t first_unseen(const struct view *v)
{
    size_t i = 0;
    for (; i < v->count; i++) {
        const struct message *m = view_message(v, i);
        if (m != NULL && !(m->flags & FLAG_SEEN)) {
            break;
        }
    }
    return i;
}

static void tell_opened(struct imap *s)
{
    struct view *v = &s->view;
    const struct mailbox *m = v->mailbox;
    struct buf out;
    buf_init(&out, 65536);
    if (s->rev2) {
        const struct select *sel = s->args;
        list_tell_selected(s, sel->name, &out);
    }
    view_tell_flags(v, &out);
    buf_printf(&out, "* %zu EXISTS\r\n",
               v->count + (v->count > 0 && fault(FAULT_IMAP_SELECT_WRONG_EXISTS)));
    if (!s->rev2 || fault(FAULT_IMAP_RECENT_IN_REV2)) {
        size_t unseen = first_unseen(v);
        buf_printf(&out, "* %zu RECENT\r\n", v->recent_count);
        if (fault(FAULT_IMAP_UNSEEN_COUNTS) && v->count > 0) {
            buf_printf(&out, "* OK [UNSEEN %zu] So many are unseen\r\n", v->count - unseen + 1);
        } else if (unseen < v->count) {
            buf_printf(&out, "* OK [UNSEEN %zu] The first unseen one\r\n", unseen + 1);
        } else if (fault(FAULT_IMAP_UNSEEN_ZERO)) {
            buf_printf(&out, "* OK [UNSEEN 0] None is unseen\r\n");
        }
    }
    if (!fault(FAULT_IMAP_SELECT_NO_UIDVALIDITY)) {
        buf_printf(&out, "* OK [UIDVALIDITY %llu] UIDs hold while this does\r\n",
                   (unsigned long long)write_uidvalidity(m->uidvalidity));
    }
    if (!fault(FAULT_IMAP_SELECT_NO_UIDNEXT)) {
        uint32_t low = m->uidnext > 1 && fault(FAULT_IMAP_UIDNEXT_TOO_LOW);
        buf_printf(&out, "* OK [UIDNEXT %u] The next UID is not below this\r\n", m->uidnext - low);
    }
    imap_send(s, &out);
    buf_free(&out);
}

/* The UIDs of what is \Deleted, in the command's arena. */
static uint32_t *deleted(struct imap *s, size_t *count)
{
    const struct mailbox *m = s->view.mailbox;
    uint32_t *uids = arena_alloc(&s->arena, m->count * sizeof *uids);
    *count = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (m->messages[i].flags & FLAG_DELETED) {
            uids[(*count)++] = m->messages[i].uid;
        }
    }
    return uids;
}

static void open_mailbox(struct imap *s, bool read_only)
{
    const struct select *sel = s->args;
    struct mailbox *m = NULL;
    if (s->rev2 && s->state == IMAP_SELECTED && !fault(FAULT_IMAP_SELECT_NO_CLOSED)) {
        conn_text(s->conn, "* OK [CLOSED] What follows is about another mailbox\r\n");
    }
    if (s->view.mailbox != NULL && !s->view.read_only && fault(FAULT_IMAP_SELECT_EXPUNGES)) {
        size_t n;
        const uint32_t *uids = deleted(s, &n);
        store_expunge(s->view.mailbox, uids, n, true, NULL, NULL, NULL);
        store_settle(s->conn->server->store);
    }
    if (!fault(FAULT_IMAP_FAILED_SELECT_KEEPS_OLD)) {
        imap_deselect(s); /* whatever comes of this SELECT (6.3.1) */
    }
    int opened = -1;
    if (sel->name != NULL) {
        opened = mailbox_open(s->conn->server->store, s->account_id, sel->name, &m);
    }
    if (opened == -2) {
        imap_no(s, IMAP_UNREADABLE);
        return;
    }
    if (opened != 0) {
        if (sel->name != NULL && fault(FAULT_IMAP_SELECT_CREATES)) {
            misbehave_create_first(s, sel->name, s->command->run);
            return;
        }
        imap_no(s, "[NONEXISTENT] There is no such mailbox");
        return;
    }
    imap_deselect(s);
    read_only = read_only && !fault(FAULT_IMAP_EXAMINE_READ_WRITE);
    view_open(&s->view, m, read_only && !fault(FAULT_IMAP_EXAMINE_CLAIMS_RECENT), s);
    s->view.read_only = read_only;
    mailbox_watch(m, &s->watcher);
    s->state = IMAP_SELECTED;
    tell_opened(s);
    if (fault(FAULT_IMAP_PIPELINING_FLUSHES)) {
        buf_empty(&s->conn->in);
    }
    const char *space = fault(FAULT_IMAP_CODE_NO_SPACE) ? "" : " ";
    if (read_only) {
        imap_ok(s, "[READ-ONLY]%sLook, but do not touch", space);
    } else if (fault(FAULT_IMAP_SELECT_NO_READ_WRITE)) {
        imap_ok(s, "Selected");
    } else {
        imap_ok(s, "[READ-WRITE]%sSelected", space);
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
    size_t n;
    const uint32_t *uids = deleted(s, &n);
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
    bool *rev2 = arena_alloc(&s->arena, sizeof *rev2);
    s->args = rev2;
    do {
        if (!args_sp(a) || !args_atom(a, &name)) {
            return;
        }
        *rev2 = *rev2 || str_is(&name, "IMAP4rev2");
    } while (args_peek(a) == ' ');
    args_end(a);
}

void run_enable(struct imap *s)
{
    /* What is not known, or is on already, is passed over (RFC 5161, 3.1). */
    const bool *rev2 = s->args;
    conn_text(s->conn, *rev2 && !s->rev2 ? "* ENABLED IMAP4rev2\r\n" : "* ENABLED\r\n");
    s->rev2 = s->rev2 || *rev2;
    imap_ok(s, "Done");
}

/* --- IDLE --- */

void run_idle(struct imap *s)
{
    s->mode = MODE_IDLE;
    if (!fault(FAULT_IMAP_IDLE_NO_PLUS)) {
        conn_text(s->conn, "+ Idling\r\n");
    }
    if (fault(FAULT_IMAP_IDLE_LOSES_EVENT_BETWEEN)) {
        misbehave_forget_news(s);
    }
    imap_tell(s, true);
}

void imap_idle_line(struct imap *s, const unsigned char *line, size_t n)
{
    s->mode = MODE_COMMAND;
    if (n == 4 && strncasecmp((const char *)line, "DONE", 4) == 0) {
        imap_ok(s, "Done");
    } else {
        imap_bad(s, "Expected DONE");
    }
}
