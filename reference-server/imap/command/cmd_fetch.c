/* FETCH: runs message by message and piece by piece, as the client takes the output. RFC
 * 3501, 6.4.5, 5.3. SPDX-License-Identifier: MIT */
#include "fault.h"
#include "imap/fetch.h"
#include "imap/state.h"

#define PIECE 16384

struct fetch {
    struct seqset set;
    struct fetch_items items;
    uint32_t *indices;
    size_t count, next; /* next: the message to write, or being written */
    bool *seen_now;     /* parallel to indices: \Seen was set by this command */
    bool missed;        /* a numbered message is gone */
    /* the message being written */
    bool open, begun;
    const char *refused; /* an item cannot be had: what NO says */
    size_t item;
    struct fetch_message message;
    struct arena scratch, once;
    struct buf out;
    size_t sent; /* of out */
    const unsigned char *raw;
    size_t raw_len;
};

void parse_fetch(struct imap *s, struct args *a)
{
    struct fetch *f = arena_alloc(&s->arena, sizeof *f);
    s->args = f;
    if (args_sp(a) && args_seqset(a, &f->set) && args_sp(a)) {
        fetch_parse(a, &f->items, s->by_uid);
    }
}

static void message_end(struct fetch *f)
{
    blob_release(&f->message.blob);
    f->message = (struct fetch_message){0};
    arena_empty(&f->scratch);
    f->open = false;
    f->next++;
}

static void fetch_end(struct imap *s)
{
    struct fetch *f = s->args;
    if (f->open) {
        message_end(f);
    }
    arena_free(&f->scratch);
    arena_free(&f->once);
    buf_free(&f->out);
}

/* Opens the next message; false: it is gone. */
static bool message_begin(struct imap *s, struct fetch *f)
{
    size_t index = f->indices[f->next];
    const struct message *m = view_message(&s->view, index);
    bool needs_blob = false;
    if (m == NULL) {
        return false;
    }
    f->message = (struct fetch_message){.view = &s->view,
                                        .index = index,
                                        .message = m,
                                        .arena = &f->scratch,
                                        .once = &f->once,
                                        .rev2 = s->rev2,
                                        .session = s->conn->number};
    for (size_t i = 0; i < f->items.count; i++) {
        needs_blob = needs_blob || fetch_needs_blob(&f->items.items[i]);
    }
    if (needs_blob && blob_read(s->conn->server->store, m->blob, &f->message.blob, NULL) != 0) {
        return false;
    }
    f->open = true;
    f->item = 0;
    f->begun = false;
    return true;
}

/* What stands before an item: the beginning of the response, or a space. */
static void item_begin(struct fetch *f)
{
    if (f->begun) {
        buf_text(&f->out, " ");
    } else {
        buf_printf(&f->out, "* %zu FETCH (", f->message.index + 1);
    }
    f->begun = true;
}

/* Appends the next item to out, or the end of the response. */
static void message_step(struct imap *s, struct fetch *f)
{
    static const struct fetch_item flags = {.kind = FETCH_FLAGS};
    /* A FETCH that waits for its reader may be overtaken: the row has moved, or is gone. */
    const struct message *m = view_message(&s->view, f->message.index);
    struct message last = {0};
    if (m == NULL) {
        last.uid = s->view.entries[f->message.index].uid;
        m = &last;
    }
    f->message.message = m;
    arena_empty(&f->once); /* the item before is sent */
    if (f->item < f->items.count) {
        const struct fetch_item *item = &f->items.items[f->item++];
        const char *why = fetch_refuses(&f->message, item);
        if (why != NULL) {
            f->refused = why;
            return;
        }
        item_begin(f);
        fetch_write(&f->message, item, &f->out, &f->raw, &f->raw_len);
        if (item->kind == FETCH_FLAGS) {
            struct view_entry *e = &s->view.entries[f->message.index];
            s->view.dirty_count -= e->dirty;
            e->dirty = false;
            f->seen_now[f->next] = false;
        }
        return;
    }
    if (f->seen_now[f->next]) {
        const unsigned char *raw;
        size_t raw_len;
        item_begin(f);
        fetch_write(&f->message, &flags, &f->out, &raw, &raw_len);
        f->seen_now[f->next] = false;
    }
    if (f->begun) {
        buf_text(&f->out, fault(FAULT_IMAP_FETCH_NAME_WITHOUT_VALUE) ? " X-END)\r\n" : ")\r\n");
    }
    message_end(f);
}

/* Sends what is ready; false: the client has to read first. */
static bool flush(struct imap *s, struct fetch *f)
{
    while (f->sent < f->out.len || f->raw_len > 0) {
        if (conn_full(s->conn)) {
            return false;
        }
        size_t n = f->out.len - f->sent;
        if (n > 0) {
            n = n < PIECE ? n : PIECE;
            conn_write(s->conn, f->out.data + f->sent, n);
            f->sent += n;
        } else {
            n = f->raw_len < PIECE ? f->raw_len : PIECE;
            conn_write(s->conn, f->raw, n);
            f->raw += n;
            f->raw_len -= n;
        }
    }
    buf_empty(&f->out);
    f->sent = 0;
    return true;
}

static void fetch_work(struct imap *s)
{
    struct fetch *f = s->args;
    for (;;) {
        /* Small responses are gathered and go out together. */
        if ((f->out.len >= PIECE || f->raw_len > 0) && !flush(s, f)) {
            return;
        }
        if (f->open) {
            message_step(s, f);
            continue;
        }
        if (f->next == f->count) {
            break;
        }
        if (!message_begin(s, f)) {
            f->missed = true;
            f->next++;
        }
    }
    if (!flush(s, f)) {
        return;
    }
    if (f->refused != NULL) {
        imap_no(s, "%s", f->refused);
    } else if (f->missed && !s->by_uid) {
        imap_no(s, "[EXPUNGEISSUED] Some of the messages are gone");
    } else {
        imap_ok(s, "Done");
    }
}

static void seen(void *arg, const struct store_result *r)
{
    struct imap *s = arg;
    if (!imap_woken(s)) {
        return;
    }
    if (r->status != STORE_OK) {
        struct fetch *f = s->args;
        for (size_t i = 0; i < f->count; i++) {
            f->seen_now[i] = false; /* the messages can be read all the same */
        }
    }
    view_sync(&s->view, s);
    s->work = fetch_work;
    imap_go_on(s);
}

void run_fetch(struct imap *s)
{
    struct fetch *f = s->args;
    bool sets_seen = false;
    view_sync(&s->view, s);
    if (imap_resolve(s, &f->set, &f->indices, &f->count) != 0) {
        imap_bad(s, "There is no message of that number");
        return;
    }
    f->seen_now = arena_alloc(&s->arena, f->count * sizeof *f->seen_now);
    buf_init(&f->out, (size_t)1 << 30);
    s->work_end = fetch_end;
    for (size_t i = 0; i < f->items.count; i++) {
        sets_seen = sets_seen || f->items.items[i].seen;
    }
    if (s->by_uid && f->count == 0 && fault(FAULT_IMAP_UID_UNKNOWN_ERROR)) {
        imap_no(s, "There is no message of that UID");
        return;
    }
    if (sets_seen && (!s->view.read_only || fault(FAULT_IMAP_EXAMINE_SETS_SEEN)) &&
        !fault(FAULT_IMAP_BODY_DOES_NOT_SET_SEEN)) {
        uint32_t *uids = arena_alloc(&s->arena, f->count * sizeof *uids);
        size_t n = 0;
        for (size_t i = 0; i < f->count; i++) {
            const struct message *m = view_message(&s->view, f->indices[i]);
            if (m != NULL && !(m->flags & FLAG_SEEN)) {
                uids[n++] = m->uid;
                f->seen_now[i] = true;
            }
        }
        if (n > 0) {
            imap_wait(s);
            store_flags(s->view.mailbox, uids, n, FLAGS_ADD, FLAG_SEEN, NULL, 0, s, seen, s);
            return;
        }
    }
    s->work = fetch_work;
}
