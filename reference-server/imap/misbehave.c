/* SPDX-License-Identifier: MIT */
#include "imap/misbehave.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

struct then {
    struct imap *s;
    void (*run)(struct imap *s);
};

static void then_run(void *arg, const struct store_result *r)
{
    struct then *t = arg;
    struct imap *s = t->s;
    void (*run)(struct imap *) = t->run;
    (void)r;
    free(t);
    if (imap_woken(s)) {
        run(s);
        imap_go_on(s);
    }
}

static struct then *then(struct imap *s, void (*run)(struct imap *s))
{
    struct then *t = malloc(sizeof *t);
    if (t == NULL) {
        abort();
    }
    *t = (struct then){s, run};
    imap_wait(s);
    return t;
}

void misbehave_create_first(struct imap *s, const char *name, void (*run)(struct imap *s))
{
    store_create(s->conn->server->store, s->account_id, name, then_run, then(s, run));
}

void misbehave_forget_news(struct imap *s)
{
    struct buf out;
    buf_init(&out, (size_t)1 << 28);
    view_tell(&s->view, s, (struct view_manner){.expunges = true, .rev2 = s->rev2}, &out);
    buf_free(&out);
}

/* --- RENAME --- */

struct rename {
    struct imap *s;
    char *from, *to;
    bool again; /* the last step is under way */
};

static void renamed(void *arg, const struct store_result *r)
{
    struct rename *n = arg;
    struct imap *s = n->s;
    struct store *store = s->conn->server->store;
    if (r->status == STORE_OK && !n->again) {
        n->again = true;
        if (fault(FAULT_IMAP_RENAME_LOSES_MESSAGES)) {
            store_delete(store, s->account_id, n->from, renamed, n);
        } else {
            store_create(store, s->account_id, n->from, renamed, n);
        }
        return;
    }
    free(n->from);
    free(n->to);
    free(n);
    if (imap_woken(s)) {
        if (imap_stored(s, r)) {
            imap_ok(s, "Done");
        }
        imap_go_on(s);
    }
}

bool misbehave_rename(struct imap *s, const char *from, const char *to)
{
    bool loses = fault(FAULT_IMAP_RENAME_LOSES_MESSAGES);
    struct store *store = s->conn->server->store;
    struct mailbox *m = NULL;
    if ((!loses && !fault(FAULT_IMAP_RENAME_KEEPS_OLD)) ||
        mailbox_open(store, s->account_id, from, &m) != 0) {
        return false;
    }
    mailbox_close(m);
    struct rename *n = malloc(sizeof *n);
    if (n == NULL) {
        abort();
    }
    *n = (struct rename){s, strdup(from), strdup(to), false};
    imap_wait(s);
    if (loses) {
        store_create(store, s->account_id, to, renamed, n);
    } else {
        store_rename(store, s->account_id, from, to, renamed, n);
    }
    return true;
}

/* --- COPY, by way of APPEND --- */

struct copy {
    struct imap *s;
    uint32_t *sources;
    size_t count;
    store_done *done;
};

static void copied(void *arg, const struct store_result *r)
{
    struct copy *c = arg;
    struct store_result result = *r;
    result.source_uids = c->sources;
    c->done(c->s, &result);
    free(c->sources);
    free(c);
}

bool misbehave_copy(struct imap *s, const uint32_t *uids, size_t count, const char *to,
                    store_done *done)
{
    bool no_flags = fault(FAULT_IMAP_COPY_DROPS_FLAGS), now = fault(FAULT_IMAP_COPY_NEW_DATE);
    struct store *store = s->conn->server->store;
    if ((!no_flags && !now) || s->command->run == run_move) {
        return false;
    }
    struct append_message *list = calloc(count, sizeof *list);
    struct copy *c = calloc(1, sizeof *c);
    uint32_t *sources = calloc(count, sizeof *sources);
    if (list == NULL || c == NULL || sources == NULL) {
        abort();
    }
    *c = (struct copy){.s = s, .sources = sources, .done = done};
    for (size_t i = 0; i < count; i++) {
        const struct message *m = mailbox_find(s->view.mailbox, uids[i]);
        struct blob blob;
        if (m == NULL || blob_read(store, m->blob, &blob, NULL) != 0) {
            continue;
        }
        struct append_message *one = &list[c->count];
        one->data = malloc(blob.len + 1);
        if (one->data == NULL) {
            abort();
        }
        memcpy(one->data, blob.data, blob.len);
        one->len = blob.len;
        one->flags = no_flags ? 0 : m->flags & 0xff;
        one->internal_date = now ? 0 : m->internal_date;
        one->internal_zone = now ? 0 : m->internal_zone;
        blob_release(&blob);
        sources[c->count++] = uids[i];
    }
    imap_wait(s);
    store_append(store, s->account_id, to, list, c->count, s, copied, c);
    free(list);
    return true;
}

/* --- LOGOUT --- */

bool misbehave_logout(struct imap *s, void (*run)(struct imap *s))
{
    struct mailbox *m = s->view.mailbox;
    if (m == NULL || m->gone || m->count == 0 || !fault(FAULT_IMAP_LOGOUT_EXPUNGES)) {
        return false;
    }
    uint32_t *uids = arena_alloc(&s->arena, m->count * sizeof *uids);
    for (size_t i = 0; i < m->count; i++) {
        uids[i] = m->messages[i].uid;
    }
    store_expunge(m, uids, m->count, true, s, then_run, then(s, run));
    return true;
}

void misbehave_finish_append(struct imap *s)
{
    static const char spaces[] = "                                ", verb[] = " APPEND ";
    const struct lexer *lx = &s->lexer;
    const struct literal *l = lx->literal_count > 0 ? &lx->literals[lx->literal_count - 1] : NULL;
    if (l == NULL || l->dropped || l->len >= l->announced || lx->text.len == 0 ||
        memmem(lx->text.data, lx->text.len, verb, sizeof verb - 1) == NULL) {
        return;
    }
    for (size_t left = l->announced - l->len, n; left > 0; left -= n) {
        n = left < sizeof spaces - 1 ? left : sizeof spaces - 1;
        if (!buf_add(&s->conn->in, spaces, n)) {
            return;
        }
    }
    (void)buf_add(&s->conn->in, "\r\n", 2);
}

static char last_user[128];

void misbehave_remember(const char *user)
{
    (void)snprintf(last_user, sizeof last_user, "%s", user);
}

void misbehave_resumed(struct imap *s)
{
    struct accounts *all = s->conn->server->accounts;
    for (size_t i = 0; s->conn->tls_resumed && i < accounts_count(all); i++) {
        struct account *a = accounts_at(all, i);
        if (strcmp(a->name, last_user) == 0) {
            s->account = a;
            s->account_id = a->id;
            s->state = IMAP_LOGGED_IN;
        }
    }
}
