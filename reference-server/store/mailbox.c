/* Mailboxes in memory.
 * SPDX-License-Identifier: MIT */
#include "store/mailbox.h"

#include <stdlib.h>
#include <string.h>

enum { RING_FIRST = 64, RING_KEEP = 4096, IDLE_MOST = 64, KEYWORDS = 56 };

static struct loaded *loaded(struct mailbox *m)
{
    return (struct loaded *)(void *)m;
}

static struct loaded **bucket(struct mailboxes *all, int64_t id)
{
    return &all->buckets[(uint64_t)id % MAILBOX_BUCKETS];
}

struct loaded *mailboxes_find(struct mailboxes *all, int64_t id)
{
    struct loaded *l = *bucket(all, id);
    while (l != NULL && l->m.id != id)
        l = l->next;
    return l;
}

static struct message *add_message(struct mailbox *m, const struct message *msg)
{
    if (m->count == m->room) {
        m->room = m->room > 0 ? m->room * 2 : 16;
        m->messages = realloc(m->messages, m->room * sizeof *m->messages);
        if (m->messages == NULL)
            abort();
    }
    m->messages[m->count] = *msg;
    return &m->messages[m->count++];
}

static void unload(struct mailboxes *all, struct loaded *l)
{
    struct loaded **at = bucket(all, l->m.id);
    while (*at != NULL && *at != l)
        at = &(*at)->next;
    if (*at == l)
        *at = l->next;
    for (int i = 0; i < l->m.keyword_count; i++)
        free(l->m.keywords[i]);
    free(l->m.messages);
    free(l->m.ring);
    free(l->m.name);
    free(l);
}

struct loaded *mailboxes_load(struct mailboxes *all, struct store *store, struct db *db,
                              int64_t account, sqlite3_stmt *row)
{
    struct loaded *l = calloc(1, sizeof *l);
    if (l == NULL)
        abort();
    struct mailbox *m = &l->m;
    m->store = store;
    m->account = account;
    m->id = sqlite3_column_int64(row, 0);
    m->uidvalidity = (uint32_t)sqlite3_column_int64(row, 1);
    m->uidnext = (uint32_t)sqlite3_column_int64(row, 2);
    m->highestmodseq = l->loaded_modseq = (uint64_t)sqlite3_column_int64(row, 3);
    m->first_recent = (uint32_t)sqlite3_column_int64(row, 4);
    m->name = db_text(row, 6);
    m->ring_first = m->ring_next = 1;
    l->next = *bucket(all, m->id);
    *bucket(all, m->id) = l;
    all->idle++;

    sqlite3_stmt *s = db_prepare(db, SQL_KEYWORDS, DB(m->id));
    int got;
    while ((got = db_step(s)) == 1 && m->keyword_count < KEYWORDS)
        m->keywords[m->keyword_count++] = db_text(s, 1);
    if (got < 0)
        goto failed;
    sqlite3_reset(s);
    s = db_prepare(db, SQL_MESSAGES, DB(m->id));
    while ((got = db_step(s)) == 1) {
        struct message msg;
        message_from_row(s, &msg);
        if (m->count == 0 || msg.uid > m->messages[m->count - 1].uid) /* else it is damaged */
            add_message(m, &msg);
    }
    if (got == 0)
        return l;
failed:
    all->idle--;
    unload(all, l);
    return NULL;
}

void mailboxes_refer(struct mailboxes *all, struct loaded *l)
{
    if (l->m.refs++ == 0)
        all->idle--;
}

void mailboxes_release(struct mailboxes *all, struct loaded *l)
{
    if (--l->m.refs > 0)
        return;
    all->idle++;
    if (!l->m.gone && all->idle <= IDLE_MOST)
        return;
    all->idle--;
    unload(all, l);
}

void mailboxes_clear(struct mailboxes *all)
{
    for (size_t i = 0; i < MAILBOX_BUCKETS; i++)
        while (all->buckets[i] != NULL)
            unload(all, all->buckets[i]);
}

/* --- reading --- */

size_t mailbox_lower_bound(const struct mailbox *m, uint32_t uid)
{
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->messages[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct message *mailbox_find(struct mailbox *m, uint32_t uid)
{
    size_t i = mailbox_lower_bound(m, uid);
    return i < m->count && m->messages[i].uid == uid ? &m->messages[i] : NULL;
}

const struct change *mailbox_changes(struct mailbox *m, uint64_t *serial, size_t *count, bool *lost)
{
    uint64_t from = *serial;
    *serial = m->ring_next;
    *lost = from < m->ring_first;
    *count = *lost ? 0 : (size_t)(m->ring_next - from);
    return *count > 0 ? &m->ring[from - m->ring_first] : NULL;
}

/* --- applying --- */

static void note(struct mailbox *m, enum change_kind kind, const struct message *msg,
                 const void *author)
{
    size_t used = (size_t)(m->ring_next - m->ring_first);
    if (used == m->ring_room && used >= 2 * RING_KEEP) {
        /* Sessions that are further behind than this compare with the array instead. */
        memmove(m->ring, m->ring + RING_KEEP, (used - RING_KEEP) * sizeof *m->ring);
        m->ring_first += RING_KEEP;
        used -= RING_KEEP;
    } else if (used == m->ring_room) {
        m->ring_room = m->ring_room > 0 ? m->ring_room * 2 : RING_FIRST;
        m->ring = realloc(m->ring, m->ring_room * sizeof *m->ring);
        if (m->ring == NULL)
            abort();
    }
    m->ring[used] = (struct change){
        .serial = m->ring_next++,
        .kind = kind,
        .uid = msg->uid,
        .flags = msg->flags,
        .modseq = msg->modseq,
        .author = author,
    };
}

static void apply_keyword(struct mailbox *m, const struct effect *e)
{
    if (e->number != m->keyword_count || m->keyword_count == KEYWORDS)
        return; /* known since it was loaded */
    m->keywords[m->keyword_count++] = strdup(e->name);
}

static void apply_message(struct mailbox *m, const struct effect *e, const void *author)
{
    const struct message *msg = &e->message;
    if (e->kind == EFFECT_NEW) {
        add_message(m, msg);
        m->uidnext = msg->uid + 1;
        note(m, CHANGE_NEW, msg, author);
    } else {
        struct message *there = mailbox_find(m, msg->uid);
        if (there == NULL)
            return;
        if (e->kind == EFFECT_FLAGS) {
            there->flags = msg->flags;
            there->modseq = msg->modseq;
            note(m, CHANGE_FLAGS, msg, author);
        } else {
            size_t after = m->count - (size_t)(there - m->messages) - 1;
            memmove(there, there + 1, after * sizeof *there);
            m->count--;
            note(m, CHANGE_EXPUNGED, msg, author);
        }
    }
    if (msg->modseq > m->highestmodseq)
        m->highestmodseq = msg->modseq;
}

static void apply(struct loaded *l, const struct effect *e, const void *author)
{
    struct mailbox *m = &l->m;
    if (m->gone)
        return;
    switch (e->kind) {
    case EFFECT_NEW:
    case EFFECT_FLAGS:
    case EFFECT_EXPUNGED:
        if (e->message.modseq > l->loaded_modseq)
            apply_message(m, e, author);
        break;
    case EFFECT_GONE:
        m->gone = true;
        note(m, CHANGE_GONE, &(struct message){.uid = 0}, author);
        break;
    case EFFECT_KEYWORD:
        apply_keyword(m, e);
        break;
    case EFFECT_RENAMED:
        free(m->name);
        m->name = strdup(e->name);
        break;
    case EFFECT_VALIDITY:
        m->uidvalidity = e->message.uid;
        break;
    }
}

void mailboxes_apply(struct mailboxes *all, const struct job *j, struct loaded **touched)
{
    for (size_t i = 0; i < j->effect_count; i++) {
        const struct effect *e = &j->effects[i];
        struct loaded *l = mailboxes_find(all, e->mailbox);
        if (l == NULL)
            continue;
        apply(l, e, j->author);
        if (!l->touched) {
            mailboxes_refer(all, l); /* until its watchers were told */
            l->touched = true;
            l->next_touched = *touched;
            *touched = l;
        }
    }
}

/* --- telling --- */

void mailbox_watch(struct mailbox *m, struct watcher *w)
{
    w->next = m->watchers;
    m->watchers = w;
}

void mailbox_unwatch(struct mailbox *m, struct watcher *w)
{
    if (loaded(m)->next_watcher == w)
        loaded(m)->next_watcher = w->next;
    struct watcher **at = &m->watchers;
    while (*at != NULL && *at != w)
        at = &(*at)->next;
    if (*at == w)
        *at = w->next;
}

void mailboxes_tell(struct mailboxes *all, struct loaded *touched)
{
    while (touched != NULL) {
        struct loaded *l = touched;
        touched = l->next_touched;
        l->touched = false;
        l->next_touched = NULL;
        for (struct watcher *w = l->m.watchers; w != NULL; w = l->next_watcher) {
            l->next_watcher = w->next;
            w->changed(w->arg, &l->m);
        }
        l->next_watcher = NULL;
        mailboxes_release(all, l);
    }
}

void mailboxes_gone(struct mailboxes *all)
{
    struct loaded *touched = NULL;
    for (size_t i = 0; i < MAILBOX_BUCKETS; i++)
        while (all->buckets[i] != NULL) {
            struct loaded *l = all->buckets[i];
            all->buckets[i] = l->next;
            l->next = NULL;
            if (l->m.refs == 0) {
                all->idle--;
                unload(all, l);
                continue;
            }
            if (!l->m.gone) {
                l->m.gone = true;
                note(&l->m, CHANGE_GONE, &(struct message){.uid = 0}, NULL);
            }
            if (l->touched)
                continue; /* whoever applies right now tells its watchers */
            mailboxes_refer(all, l);
            l->touched = true;
            l->next_touched = touched;
            touched = l;
        }
    mailboxes_tell(all, touched);
}
