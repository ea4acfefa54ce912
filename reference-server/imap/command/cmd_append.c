/* APPEND, of one message or of several. RFC 3501, 6.3.11; RFC 3502 (several); RFC 4315 (APPENDUID).
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "imap/grammar/write.h"
#include "imap/misbehave.h"
#include "imap/state.h"

#define MOST_MESSAGES 100
#define TRYCREATE "[TRYCREATE] There is no such mailbox"

struct append_one {
    struct flag_list flags;
    int64_t date;
    int zone;
    struct literal *literal;
};

struct append {
    struct str wire;
    char *name;
    struct append_one messages[MOST_MESSAGES];
    size_t count;
};

/* As mailbox_open. */
static int mailbox_look(struct imap *s, const char *name)
{
    struct mailbox *m = NULL;
    int rc = name != NULL ? mailbox_open(s->conn->server->store, s->account_id, name, &m) : -1;
    mailbox_close(m);
    return rc;
}

static void parse_message(struct imap *s, struct args *a, struct append *ap)
{
    if (ap->count == MOST_MESSAGES) {
        args_bad(a, "There are too many messages in one APPEND");
        return;
    }
    struct append_one *one = &ap->messages[ap->count++];
    if (!args_sp(a)) {
        return;
    }
    if (args_peek(a) == '(' && (!args_flag_list(a, &one->flags) || !args_sp(a))) {
        return;
    }
    if (args_peek(a) == '"' && (!args_date_time(a, &one->date, &one->zone) || !args_sp(a))) {
        return;
    }
    if (args_peek(a) == '~') {
        args_bad(a, "A literal8 is not taken");
        return;
    }
    if (args_peek(a) == '{') {
        s->literal_limit += (size_t)s->conn->server->limits.message_bytes;
    }
    if (!args_literal(a, &one->literal)) {
        return;
    }
    if (one->literal->len == 0) {
        args_bad(a, "A message has at least one octet");
    } else if (memchr(one->literal->data, '\0', one->literal->len) != NULL) {
        args_bad(a, "NUL cannot stand in a literal");
    }
}

void parse_append(struct imap *s, struct args *a)
{
    struct append *ap = arena_alloc(&s->arena, sizeof *ap);
    s->args = ap;
    if (!args_sp(a) || !args_astring(a, &ap->wire)) {
        return;
    }
    ap->name = imap_name(s, &ap->wire);
    do {
        parse_message(s, a, ap);
    } while (args_peek(a) == ' ');
    args_end(a);
    int looked = mailbox_look(s, ap->name);
    if (looked == -2) {
        s->refuse = IMAP_UNREADABLE;
    } else if (looked != 0 && !(ap->name != NULL && fault(FAULT_IMAP_APPEND_CREATES))) {
        s->refuse = ap->name == NULL ? "[CANNOT] No mailbox can have that name"
                    : fault(FAULT_IMAP_APPEND_NO_TRYCREATE) ? "There is no such mailbox"
                                                            : TRYCREATE;
    }
}

static void appended(void *arg, const struct store_result *r)
{
    struct imap *s = arg;
    if (!imap_woken(s)) {
        return;
    }
    if (r->status == STORE_NO_MAILBOX) {
        imap_no(s, TRYCREATE);
    } else if (imap_stored(s, r)) {
        struct buf set;
        buf_init(&set, 65536);
        seqset_write(&set, r->uids, r->uid_count);
        if (r->uid_count > 0 && fault(FAULT_IMAP_APPENDUID_WRONG)) {
            buf_empty(&set);
            buf_printf(&set, "%u", r->uids[0] + 1);
        }
        if (r->uid_count > 0 && fault(FAULT_IMAP_APPENDUID_RANGE)) {
            buf_empty(&set);
            buf_printf(&set, "%u:%u", r->uids[0], r->uids[0]);
        }
        if (r->uid_count > 0 && fault(FAULT_IMAP_NO_EXISTS_AFTER_APPEND)) {
            s->view.last_uid = r->uids[r->uid_count - 1];
        }
        imap_ok(s, "[APPENDUID %llu %.*s] Appended",
                (unsigned long long)write_uidvalidity(r->uidvalidity), (int)set.len, set.data);
        buf_free(&set);
    }
    imap_go_on(s);
}

void run_append(struct imap *s)
{
    struct append *ap = s->args;
    if (fault(FAULT_IMAP_APPEND_CREATES) && mailbox_look(s, ap->name) != 0) {
        misbehave_create_first(s, ap->name, run_append);
        return;
    }
    struct append_message *list = arena_alloc(&s->arena, ap->count * sizeof *list);
    for (size_t i = 0; i < ap->count; i++) {
        struct append_one *one = &ap->messages[i];
        struct append_message *m = &list[i];
        m->data = lexer_give(one->literal, &m->len);
        m->flags = one->flags.flags & ~FLAG_RECENT;
        if (fault(FAULT_IMAP_APPEND_DROPS_FLAGS)) {
            m->flags = 0;
        }
        if (!fault(FAULT_IMAP_APPEND_IGNORES_DATE)) {
            m->internal_date = one->date;
            m->internal_zone = one->zone;
        }
        if (one->flags.keyword_count > 0) {
            m->keywords = calloc(one->flags.keyword_count + 1, sizeof *m->keywords);
            if (m->keywords == NULL) {
                abort();
            }
            for (size_t k = 0; k < one->flags.keyword_count; k++) {
                m->keywords[k] = strdup(one->flags.keywords[k]);
            }
        }
    }
    imap_wait(s);
    store_append(s->conn->server->store, s->account_id, ap->name, list, ap->count, s, appended, s);
}
