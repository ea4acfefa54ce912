/* SEARCH and its answers. RFC 3501, 6.4.4; RFC 4731 (RETURN).
 *
 * A long search runs in slices between which the other sessions have their turn.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "fault.h"
#include "imap/search.h"
#include "imap/state.h"

#define SLICE_BYTES ((size_t)2 << 20) /* of message text */
#define SLICE_MESSAGES 5000

enum { RETURN_MIN = 1, RETURN_MAX = 2, RETURN_ALL = 4, RETURN_COUNT = 8, RETURN_SAVE = 16 };

struct search {
    struct search_charset charset;
    struct search_key *key;
    unsigned returns; /* 0: the answer of RFC 3501, "* SEARCH" */
    size_t next;      /* index of the next message to ask */
    uint32_t *found;  /* indices, then what is shown of them */
    size_t count;
    struct arena scratch;
    struct timer timer;
    bool told;
    struct buf out;
    size_t sent;
};

static void parse_return(struct args *a, struct search *q)
{
    bool first = true;
    static const struct {
        const char *name;
        unsigned bit;
    } options[] = {{"MIN", RETURN_MIN},
                   {"MAX", RETURN_MAX},
                   {"ALL", RETURN_ALL},
                   {"COUNT", RETURN_COUNT},
                   {"SAVE", RETURN_SAVE}};
    q->returns = 0;
    if (!args_sp(a) || !args_char(a, '(')) {
        return;
    }
    while (!args_maybe(a, ')')) {
        struct str word;
        unsigned bit = 0;
        if ((!first && !args_sp(a)) || !args_word(a, &word)) {
            return;
        }
        for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
            bit |= str_is(&word, options[i].name) ? options[i].bit : 0;
        }
        if (bit == 0) {
            args_bad(a, "RETURN knows MIN, MAX, ALL, COUNT and SAVE");
            return;
        }
        q->returns |= bit;
        first = false;
    }
    q->returns = q->returns ? q->returns : RETURN_ALL;
}

void parse_search(struct imap *s, struct args *a)
{
    struct search *q = arena_alloc(&s->arena, sizeof *q);
    s->args = q;
    if (s->rev2) { /* RFC 9051, 6.4.4 */
        q->charset.utf8 = true;
        q->returns = fault(FAULT_IMAP_SEARCH_IN_REV2) ? 0 : RETURN_ALL;
    }
    if (!args_sp(a)) {
        return;
    }
    size_t at = a->at;
    struct str word;
    if ((args_peek(a) | 32) == 'r' && args_word(a, &word)) {
        if (str_is(&word, "RETURN")) {
            parse_return(a, q);
            args_sp(a);
        } else {
            a->at = at;
        }
    }
    q->key = search_parse(a, &q->charset);
}

static void search_end(struct imap *s)
{
    struct search *q = s->args;
    clock_cancel(s->conn->server->clock, &q->timer);
    arena_free(&q->scratch);
    buf_free(&q->out);
}

static void tell_extended(struct imap *s, struct search *q)
{
    struct buf *out = &q->out;
    buf_text(out, "* ESEARCH");
    if (!fault(FAULT_IMAP_ESEARCH_NO_TAG)) {
        buf_printf(out, " (TAG \"%s\")", s->tag); /* no tag holds a quote or backslash */
    }
    buf_text(out, s->by_uid ? " UID" : "");
    if (q->count > 0 && (q->returns & RETURN_MIN)) {
        buf_printf(out, " MIN %u", q->found[0]);
    }
    if (q->count > 0 && (q->returns & RETURN_MAX)) {
        buf_printf(out, " MAX %u", q->found[q->count - 1]);
    }
    if (q->count > 0 && (q->returns & RETURN_ALL)) {
        buf_text(out, " ALL ");
        if (q->count == s->view.count && fault(FAULT_IMAP_ESEARCH_STAR)) {
            buf_text(out, "1:*");
        } else {
            seqset_write(out, q->found, q->count);
        }
    }
    if (q->returns & RETURN_COUNT) {
        buf_printf(out, " COUNT %zu", q->count);
    }
    buf_text(out, "\r\n");
}

/* Keeps the result for "$" (RFC 9051, 6.4.4.1): with MIN or MAX and nothing else, only the messages
 * that they name. */
static void save(struct imap *s, const struct search *q)
{
    const unsigned ends = RETURN_MIN | RETURN_MAX;
    bool only_ends = (q->returns & ends) && !(q->returns & (RETURN_ALL | RETURN_COUNT));
    imap_forget_saved(s);
    s->saved = malloc((q->count + 1) * sizeof *s->saved);
    if (s->saved == NULL) {
        abort();
    }
    for (size_t i = 0; i < q->count; i++) {
        bool first = i == 0 && (q->returns & RETURN_MIN);
        bool last = i + 1 == q->count && (q->returns & RETURN_MAX);
        if (!only_ends || first || last) {
            s->saved[s->saved_count++] = s->view.entries[q->found[i]].uid;
        }
    }
}

static void tell(struct imap *s, struct search *q)
{
    bool numbers = !s->by_uid || fault(FAULT_IMAP_UID_SEARCH_NUMBERS);
    q->told = true;
    if (q->returns & RETURN_SAVE) {
        save(s, q);
    }
    for (size_t i = 0; i < q->count; i++) {
        q->found[i] = numbers ? q->found[i] + 1 : s->view.entries[q->found[i]].uid;
    }
    if (q->returns == RETURN_SAVE) {
        return;
    }
    if (q->returns != 0) {
        tell_extended(s, q);
        return;
    }
    if (q->count == 0 && fault(FAULT_IMAP_SEARCH_NO_ANSWER)) {
        return;
    }
    buf_text(&q->out, "* SEARCH");
    for (size_t i = 0; i < q->count; i++) {
        buf_printf(&q->out, " %u", q->found[i]);
    }
    buf_text(&q->out, fault(FAULT_IMAP_SEARCH_TRAILING_SPACE) ? " \r\n" : "\r\n");
}

static void later(void *arg);

static void search_work(struct imap *s)
{
    struct search *q = s->args;
    size_t bytes = 0, messages = 0;
    struct search_message m = {.view = &s->view,
                               .store = s->conn->server->store,
                               .saved = s->saved,
                               .saved_count = s->saved_count,
                               .arena = &q->scratch,
                               .rev2 = s->rev2};
    if (q->timer.slot != 0) {
        return; /* output drained, but the next slice has its time */
    }
    for (; q->next < s->view.count; q->next++) {
        if (bytes > SLICE_BYTES || messages++ > SLICE_MESSAGES) {
            q->timer = (struct timer){.fire = later, .arg = s};
            clock_set(s->conn->server->clock, &q->timer, 0);
            return;
        }
        m.index = q->next;
        m.message = view_message(&s->view, q->next);
        if (m.message == NULL) {
            continue;
        }
        if (search_matches(&m, q->key)) {
            q->found[q->count++] = (uint32_t)q->next;
        }
        bytes += m.loaded ? m.blob.len : 0;
        search_release(&m);
        m.root = NULL;
        arena_empty(&q->scratch);
    }
    if (!q->told) {
        tell(s, q);
    }
    while (q->sent < q->out.len) {
        if (conn_full(s->conn)) {
            return;
        }
        size_t n = q->out.len - q->sent;
        n = n < 16384 ? n : 16384;
        conn_write(s->conn, q->out.data + q->sent, n);
        q->sent += n;
    }
    imap_ok(s, "Done");
}

static void later(void *arg)
{
    struct imap *s = arg;
    imap_continue(s);
}

void run_search(struct imap *s)
{
    struct search *q = s->args;
    if (q->charset.unknown) {
        if (q->returns & RETURN_SAVE) {
            imap_forget_saved(s);
        }
        if (fault(FAULT_IMAP_BADCHARSET_IS_BAD)) {
            imap_bad(s, "That charset is not known");
        } else {
            imap_no(s, "[BADCHARSET (US-ASCII UTF-8)] That charset is not known");
        }
        return;
    }
    view_sync(&s->view, s);
    if (search_prepare(q->key, &s->view) != 0) {
        imap_bad(s, "There is no message of that number");
        return;
    }
    q->found = arena_alloc(&s->arena, s->view.count * sizeof *q->found);
    buf_init(&q->out, (size_t)1 << 30);
    s->work = search_work;
    s->work_end = search_end;
}
