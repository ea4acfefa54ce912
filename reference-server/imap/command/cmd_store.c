/* Changes to messages: STORE, COPY, EXPUNGE (RFC 3501, 6.4.3, 6.4.6, 6.4.7), UID EXPUNGE and
 * COPYUID (RFC 4315), MOVE (RFC 6851). What another session removed unheard: RFC 2180, 4.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "fault.h"
#include "imap/grammar/write.h"
#include "imap/misbehave.h"
#include "imap/state.h"

#define NO_SUCH_NUMBER "There is no message of that number"
#define SOME_GONE "[EXPUNGEISSUED] Some of the messages are gone"
#define READ_ONLY "[CANNOT] The mailbox is open for reading only"

struct change_args {
    struct seqset set;
    bool has_set;
    /* STORE */
    enum flag_op op;
    bool silent;
    struct flag_list flags;
    /* COPY, MOVE */
    struct str wire;
    char *name;
    bool move;
    /* found when run */
    uint32_t *uids;
    size_t count;
    bool missed; /* a numbered message is gone */
};

/* UIDs of the messages in the set; false: the command is answered. */
static bool resolve(struct imap *s, struct change_args *c)
{
    uint32_t *indices;
    size_t n;
    view_sync(&s->view, s);
    if (imap_resolve(s, &c->set, &indices, &n) != 0) {
        imap_bad(s, NO_SUCH_NUMBER);
        return false;
    }
    c->uids = indices; /* the same memory, index by index */
    c->count = 0;
    for (size_t i = 0; i < n; i++) {
        if (view_message(&s->view, indices[i]) == NULL) {
            c->missed = true;
        } else {
            c->uids[c->count++] = s->view.entries[indices[i]].uid;
        }
    }
    c->missed = c->missed && !s->by_uid;
    if (s->by_uid && c->count == 0 && fault(FAULT_IMAP_UID_UNKNOWN_ERROR)) {
        imap_no(s, "There is no message of that UID");
        return false;
    }
    return true;
}

/* --- STORE --- */

void parse_store(struct imap *s, struct args *a)
{
    struct change_args *c = arena_alloc(&s->arena, sizeof *c);
    struct str item;
    s->args = c;
    if (!args_sp(a) || !args_seqset(a, &c->set) || !args_sp(a)) {
        return;
    }
    c->op = args_maybe(a, '+') ? FLAGS_ADD : args_maybe(a, '-') ? FLAGS_REMOVE : FLAGS_SET;
    if (!args_word(a, &item)) {
        return;
    }
    c->silent = str_is(&item, "FLAGS.SILENT");
    if (!c->silent && !str_is(&item, "FLAGS")) {
        args_bad(a, "STORE knows FLAGS, +FLAGS and -FLAGS, each with .SILENT or without");
        return;
    }
    if (!args_sp(a)) {
        return;
    }
    if (args_peek(a) == '(') {
        args_flag_list(a, &c->flags);
    } else {
        do {
            args_flag(a, &c->flags);
        } while (args_maybe(a, ' '));
    }
    args_end(a);
}

static void echo(struct imap *s, const struct change_args *c)
{
    struct buf out;
    buf_init(&out, (size_t)1 << 28);
    for (size_t i = 0; i < c->count; i++) {
        size_t at = view_index(&s->view, c->uids[i]);
        const struct message *m = at == (size_t)-1 ? NULL : view_message(&s->view, at);
        if (m == NULL) {
            continue;
        }
        s->view.dirty_count -= s->view.entries[at].dirty;
        s->view.entries[at].dirty = false; /* what someone else did is told with this */
        buf_printf(&out, "* %zu FETCH (", at + 1);
        if (s->by_uid && !fault(FAULT_IMAP_UID_FETCH_NO_UID)) {
            buf_printf(&out, "UID %u ", m->uid);
        }
        buf_text(&out, "FLAGS ");
        write_flags(&out, s->view.mailbox, view_flags(&s->view, at, m, s->rev2));
        buf_text(&out, ")\r\n");
    }
    imap_send(s, &out);
    buf_free(&out);
}

static void tell_keywords(struct imap *s)
{
    struct buf out;
    buf_init(&out, 65536);
    view_tell_flags(&s->view, &out);
    imap_send(s, &out);
    buf_free(&out);
}

static void stored(void *arg, const struct store_result *r)
{
    struct imap *s = arg;
    if (!imap_woken(s)) {
        return;
    }
    if (imap_stored(s, r)) {
        const struct change_args *c = s->args;
        bool tell = !c->silent || fault(FAULT_IMAP_STORE_SILENT_ECHOES);
        view_sync(&s->view, s);
        if (tell && !fault(FAULT_IMAP_STORE_NO_ECHO)) {
            if (s->view.keywords_told != s->view.mailbox->keyword_count) {
                tell_keywords(s); /* a new keyword is in FLAGS before a message shows it */
            }
            echo(s, c);
        }
        if (c->missed && !c->silent) {
            imap_no(s, SOME_GONE);
        } else {
            imap_ok(s, "Done");
        }
    }
    imap_go_on(s);
}

void run_store(struct imap *s)
{
    struct change_args *c = s->args;
    if (s->view.read_only) {
        imap_no(s, READ_ONLY);
        return;
    }
    if (!resolve(s, c)) {
        return;
    }
    if (c->count == 0) {
        if (c->missed) {
            imap_no(s, SOME_GONE);
        } else {
            imap_ok(s, "Nothing to do");
        }
        return;
    }
    enum flag_op op = fault(FAULT_IMAP_STORE_ADDS_ALWAYS) ? FLAGS_ADD : c->op;
    uint64_t flags = c->flags.flags;
    flags &= ~FLAG_RECENT;
    imap_wait(s);
    store_flags(s->view.mailbox, c->uids, c->count, op, flags,
                (const char *const *)c->flags.keywords, 0, s, stored, s);
}

/* --- EXPUNGE --- */

void parse_expunge(struct imap *s, struct args *a)
{
    struct change_args *c = arena_alloc(&s->arena, sizeof *c);
    s->args = c;
    if (s->by_uid) {
        c->has_set = true;
        if (!args_sp(a) || !args_seqset(a, &c->set)) {
            return;
        }
    }
    args_end(a);
}

static void expunged(void *arg, const struct store_result *r)
{
    struct imap *s = arg;
    if (!imap_woken(s)) {
        return;
    }
    if (imap_stored(s, r)) {
        imap_ok(s, "Done");
    }
    imap_go_on(s);
}

void run_expunge(struct imap *s)
{
    struct change_args *c = s->args;
    struct mailbox *m = s->view.mailbox;
    if (s->view.read_only) {
        imap_no(s, READ_ONLY);
        return;
    }
    view_sync(&s->view, s);
    if (c->has_set && !resolve(s, c)) {
        return;
    }
    if (!c->has_set || fault(FAULT_IMAP_UID_EXPUNGE_ALL)) {
        c->uids = arena_alloc(&s->arena, m->count * sizeof *c->uids);
        c->count = 0;
        for (size_t i = 0; i < m->count && !m->gone; i++) {
            if (m->messages[i].flags & FLAG_DELETED) {
                c->uids[c->count++] = m->messages[i].uid;
            }
        }
        if (c->count > 0 && fault(FAULT_IMAP_EXPUNGE_REMOVES_ALL)) {
            for (c->count = 0; c->count < m->count; c->count++) {
                c->uids[c->count] = m->messages[c->count].uid;
            }
        }
    }
    if (c->count == 0) {
        imap_ok(s, "Nothing to do");
        return;
    }
    imap_wait(s);
    store_expunge(m, c->uids, c->count, !fault(FAULT_IMAP_EXPUNGE_REMOVES_ALL), s, expunged, s);
}

/* --- COPY and MOVE --- */

static void parse_to(struct imap *s, struct args *a, bool move)
{
    struct change_args *c = arena_alloc(&s->arena, sizeof *c);
    s->args = c;
    c->move = move;
    if (args_sp(a) && args_seqset(a, &c->set) && args_sp(a) && args_astring(a, &c->wire) &&
        args_end(a)) {
        c->name = imap_name(s, &c->wire);
    }
}

void parse_copy(struct imap *s, struct args *a)
{
    parse_to(s, a, false);
}

void parse_move(struct imap *s, struct args *a)
{
    parse_to(s, a, true);
}

static void copied(void *arg, const struct store_result *r)
{
    struct imap *s = arg;
    if (!imap_woken(s)) {
        return;
    }
    const struct change_args *c = s->args;
    if (r->status == STORE_NO_MAILBOX) {
        imap_no(s, "%sThere is no such mailbox",
                fault(FAULT_IMAP_COPY_NO_TRYCREATE) ? "" : "[TRYCREATE] ");
    } else if (imap_stored(s, r)) {
        struct buf code;
        buf_init(&code, (size_t)1 << 24);
        buf_printf(&code, "[COPYUID %llu ", (unsigned long long)write_uidvalidity(r->uidvalidity));
        seqset_write(&code, r->source_uids, r->uid_count);
        buf_text(&code, " ");
        if (fault(FAULT_IMAP_COPYUID_SWAPPED)) {
            for (size_t i = r->uid_count; i-- > 0;) {
                seqset_write(&code, r->uids + i, 1);
                buf_text(&code, i ? "," : "");
            }
        } else {
            seqset_write(&code, r->uids, r->uid_count);
        }
        if (r->uid_count > 0 && fault(FAULT_IMAP_COPYUID_UNEVEN)) {
            buf_printf(&code, ",%u", r->uids[r->uid_count - 1] + 1);
        }
        buf_text(&code, "]");
        bool tell = r->uid_count > 0;
        if (c->move && fault(FAULT_IMAP_MOVE_EXPUNGE_FIRST)) {
            imap_tell(s, true);
        }
        if (c->move && tell) {
            /* With MOVE the code comes in an untagged OK, before the EXPUNGE responses (RFC
             * 6851, 4.3). */
            buf_text(&code, " Moved\r\n");
            conn_text(s->conn, "* OK ");
            imap_send(s, &code);
            imap_ok(s, "Done");
        } else if (tell) {
            imap_ok(s, "%.*s Copied", (int)code.len, code.data);
        } else {
            imap_ok(s, "Done");
        }
        buf_free(&code);
    }
    imap_go_on(s);
}

static void run_to(struct imap *s)
{
    struct change_args *c = s->args;
    struct mailbox *to = NULL;
    if (c->move && s->view.read_only) {
        imap_no(s, READ_ONLY);
        return;
    }
    if (c->name == NULL) {
        imap_no(s, "[CANNOT] No mailbox can have that name");
        return;
    }
    /* A missing mailbox is an error (6.4.7) even when no message is to be copied. */
    int opened = mailbox_open(s->conn->server->store, s->account_id, c->name, &to);
    if (opened == 0) {
        mailbox_close(to);
    } else if (opened == -2) {
        imap_no(s, IMAP_UNREADABLE);
        return;
    } else if (fault(FAULT_IMAP_COPY_CREATES)) {
        misbehave_create_first(s, c->name, run_to);
        return;
    } else {
        imap_no(s, "%sThere is no such mailbox",
                fault(FAULT_IMAP_COPY_NO_TRYCREATE) ? "" : "[TRYCREATE] ");
        return;
    }
    if (!resolve(s, c)) {
        return;
    }
    if (c->missed) {
        imap_no(s, SOME_GONE);
        return;
    }
    if (c->count == 0) {
        imap_ok(s, "Nothing to do");
        return;
    }
    if (misbehave_copy(s, c->uids, c->count, c->name, copied)) {
        return;
    }
    imap_wait(s);
    store_copy(s->view.mailbox, c->uids, c->count, c->name,
               c->move && !fault(FAULT_IMAP_MOVE_COPIES), s, copied, s);
}

void run_copy(struct imap *s)
{
    run_to(s);
}

void run_move(struct imap *s)
{
    run_to(s);
}
