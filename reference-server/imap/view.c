/* SPDX-License-Identifier: MIT */
#include "imap/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "imap/grammar/write.h"

static void reserve(struct view *v, size_t count)
{
    if (count <= v->room) {
        return;
    }
    size_t room = count + count / 4 + 16;
    struct view_entry *entries = realloc(v->entries, room * sizeof *entries);
    if (entries == NULL) {
        fputs("mailproofd: out of memory\n", stderr);
        abort();
    }
    v->entries = entries;
    v->room = room;
}

/* Numbers the messages that came since. */
static size_t take_new(struct view *v)
{
    const struct mailbox *m = v->mailbox;
    if (m->gone) {
        return 0;
    }
    size_t from = v->last_uid == UINT32_MAX ? m->count : mailbox_lower_bound(m, v->last_uid + 1);
    size_t fresh = m->count - from;
    reserve(v, v->count + fresh);
    for (size_t i = from; i < m->count; i++) {
        uint32_t uid = m->messages[i].uid;
        bool recent = uid >= m->first_recent || fault(FAULT_IMAP_RECENT_NEVER_CLAIMED);
        v->entries[v->count++] = (struct view_entry){.uid = uid, .recent = recent};
        v->recent_count += recent;
        v->last_uid = uid;
    }
    if (fresh > 0 && !v->read_only && !fault(FAULT_IMAP_RECENT_NEVER_CLAIMED)) {
        store_recent_seen(v->mailbox);
    }
    return fresh;
}

void view_open(struct view *v, struct mailbox *m, bool read_only, const void *author)
{
    *v = (struct view){.mailbox = m, .read_only = read_only};
    v->serial = m->ring_next;
    take_new(v);
    view_sync(v, author);
}

void view_close(struct view *v)
{
    if (v->mailbox != NULL) {
        mailbox_close(v->mailbox);
    }
    free(v->entries);
    *v = (struct view){0};
}

size_t view_index(const struct view *v, uint32_t uid)
{
    size_t low = 0, high = v->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (v->entries[mid].uid < uid) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < v->count && v->entries[low].uid == uid ? low : (size_t)-1;
}

static void mark_gone(struct view *v, size_t i)
{
    v->gone_count += !v->entries[i].gone;
    v->entries[i].gone = true;
}

static void mark_dirty(struct view *v, size_t i)
{
    v->dirty_count += !v->entries[i].dirty;
    v->entries[i].dirty = true;
}

void view_sync(struct view *v, const void *author)
{
    if (v->mailbox == NULL) {
        return;
    }
    const struct change *c;
    size_t count = 0;
    bool lost = false;
    while ((c = mailbox_changes(v->mailbox, &v->serial, &count, &lost)) != NULL && count > 0) {
        for (size_t i = 0; i < count; i++) {
            size_t at = c[i].uid ? view_index(v, c[i].uid) : (size_t)-1;
            if (at == (size_t)-1) {
                continue;
            }
            if (c[i].kind == CHANGE_EXPUNGED) {
                if (c[i].author == author || !fault(FAULT_IMAP_EXPUNGE_NOT_TOLD)) {
                    mark_gone(v, at);
                }
            } else if (c[i].kind == CHANGE_FLAGS && c[i].author != author) {
                mark_dirty(v, at);
            }
        }
    }
    if (lost || v->mailbox->gone) {
        for (size_t i = 0; i < v->count; i++) {
            if (v->mailbox->gone || mailbox_find(v->mailbox, v->entries[i].uid) == NULL) {
                mark_gone(v, i);
            } else {
                mark_dirty(v, i);
            }
        }
    }
}

static bool has_new(const struct view *v)
{
    const struct mailbox *m = v->mailbox;
    return !m->gone && m->count > 0 && m->messages[m->count - 1].uid > v->last_uid;
}

bool view_has_news(const struct view *v, bool expunges)
{
    return v->mailbox != NULL && ((expunges && v->gone_count > 0) || v->dirty_count > 0 ||
                                  has_new(v) || v->keywords_told != v->mailbox->keyword_count);
}

static void tell_gone(struct view *v, struct buf *out)
{
    size_t kept = 0;
    if (fault(FAULT_IMAP_EXISTS_SHRINKS)) {
        buf_printf(out, "* %zu EXISTS\r\n", v->count - v->gone_count);
    }
    for (size_t i = 0; i < v->count; i++) {
        const struct view_entry *e = &v->entries[i];
        if (!e->gone) {
            v->entries[kept++] = *e;
            continue;
        }
        v->recent_count -= e->recent;
        v->dirty_count -= e->dirty;
        buf_printf(out, "* %zu EXPUNGE\r\n",
                   (fault(FAULT_IMAP_EXPUNGE_NUMBERS_NOT_ADJUSTED) ? i : kept) + 1);
    }
    v->count = kept;
    v->gone_count = 0;
}

uint64_t view_flags(const struct view *v, size_t index, const struct message *m, bool rev2)
{
    return m->flags |
           (v->entries[index].recent && (!rev2 || fault(FAULT_IMAP_RECENT_IN_REV2)) ? FLAG_RECENT
                                                                                    : 0);
}

static void tell_dirty(struct view *v, struct view_manner how, struct buf *out)
{
    for (size_t i = 0; i < v->count && v->dirty_count > 0; i++) {
        struct view_entry *e = &v->entries[i];
        const struct message *m = e->dirty && !e->gone ? view_message(v, i) : NULL;
        v->dirty_count -= e->dirty;
        e->dirty = false;
        if (m == NULL || fault(FAULT_IMAP_FLAGS_NOT_TOLD)) {
            continue;
        }
        buf_printf(out, "* %zu FETCH (", i + 1);
        if (how.with_uid && !fault(FAULT_IMAP_UNASKED_FETCH_NO_UID)) {
            buf_printf(out, "UID %u ", e->uid);
        }
        buf_text(out, "FLAGS ");
        write_flags(out, v->mailbox, view_flags(v, i, m, how.rev2));
        buf_text(out, ")\r\n");
    }
    v->dirty_count = 0;
}

void view_tell(struct view *v, const void *author, struct view_manner how, struct buf *out)
{
    if (v->mailbox == NULL) {
        return;
    }
    view_sync(v, author);
    if (how.expunges && v->gone_count > 0) {
        tell_gone(v, out);
    }
    if (v->keywords_told != v->mailbox->keyword_count) {
        view_tell_flags(v, out);
    }
    if (has_new(v) && take_new(v) > 0) {
        buf_printf(out, "* %zu EXISTS\r\n", v->count);
        if (!how.rev2 || fault(FAULT_IMAP_RECENT_IN_REV2)) {
            buf_printf(out, "* %zu RECENT\r\n", v->recent_count);
        }
    }
    if (v->dirty_count > 0) {
        tell_dirty(v, how, out);
    }
}

/* Puts one more name into a list that was just written. */
static void add_flag(struct buf *out, const char *name)
{
    if (out->len > 0 && out->data[out->len - 1] == ')') {
        out->data[out->len - 1] = ' ';
        buf_printf(out, "%s)", name);
    }
}

void view_tell_flags(struct view *v, struct buf *out)
{
    const struct mailbox *m = v->mailbox;
    uint64_t all = FLAG_SEEN | FLAG_ANSWERED | FLAG_FLAGGED | FLAG_DELETED | FLAG_DRAFT;
    if (fault(FAULT_IMAP_FLAGS_WITHOUT_DRAFT)) {
        all &= ~FLAG_DRAFT;
    }
    for (int k = 0; k < m->keyword_count; k++) {
        all |= (uint64_t)1 << (FLAG_KEYWORD_0 + k);
    }
    v->keywords_told = m->keyword_count;
    if (!fault(FAULT_IMAP_SELECT_NO_FLAGS)) {
        buf_text(out, fault(FAULT_IMAP_DOUBLE_SPACE) ? "* FLAGS  " : "* FLAGS ");
        write_flags(out, m, all);
        if (fault(FAULT_IMAP_UNKNOWN_SYSTEM_FLAG)) {
            add_flag(out, "\\Archived");
        }
        if (fault(FAULT_IMAP_ATOM_WILDCARD)) {
            add_flag(out, "$a*b");
        }
        buf_text(out, "\r\n");
    }
    buf_text(out, "* OK [PERMANENTFLAGS ");
    write_flags(out, m, v->read_only ? 0 : all);
    if (!v->read_only) {
        add_flag(out, "\\*"); /* keywords may be made */
    }
    buf_text(out,
             v->read_only ? "] Nothing can be changed here\r\n" : "] Keywords may be made\r\n");
}

struct message *view_message(const struct view *v, size_t index)
{
    if (v->entries[index].gone || v->mailbox->gone) {
        return NULL;
    }
    return mailbox_find(v->mailbox, v->entries[index].uid);
}

uint32_t view_max_uid(const struct view *v)
{
    return v->count ? v->entries[v->count - 1].uid : 0;
}

static size_t lower_bound(const struct view *v, uint32_t uid)
{
    size_t low = 0, high = v->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (v->entries[mid].uid < uid) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

int view_resolve(const struct view *v, struct seqset *set, bool by_uid, struct arena *a,
                 uint32_t **indices, size_t *count)
{
    uint32_t star = by_uid ? view_max_uid(v) : (uint32_t)v->count;
    *count = 0;
    *indices = NULL;
    if (by_uid && v->count == 0) {
        return 0; /* no UID is there, so none is wrong */
    }
    for (size_t i = 0; i < set->count && !by_uid; i++) {
        const struct seqrange *r = &set->ranges[i];
        if (v->count == 0 || r->first > v->count || r->last > v->count) {
            if (fault(FAULT_IMAP_NUMBER_BEYOND_OK)) {
                continue;
            }
            return -1;
        }
    }
    if (by_uid && fault(FAULT_IMAP_UID_STAR_EMPTY)) {
        star = UINT32_MAX;
    }
    if (fault(FAULT_IMAP_RANGE_REVERSED_EMPTY)) {
        for (size_t i = 0; i < set->count; i++) {
            struct seqrange *r = &set->ranges[i];
            if (r->last != 0 && (r->first == 0 ? star : r->first) > r->last) {
                r->first = r->last = UINT32_MAX;
            }
        }
    }
    seqset_resolve(set, star);
    uint32_t *list = arena_alloc(a, v->count * sizeof *list);
    size_t n = 0, next = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct seqrange *r = &set->ranges[i];
        size_t from = by_uid ? lower_bound(v, r->first) : r->first - 1;
        for (size_t k = from < next ? next : from; k < v->count; k++) {
            if (by_uid ? v->entries[k].uid > r->last : k >= r->last) {
                break;
            }
            list[n++] = (uint32_t)k;
            next = k + 1;
        }
    }
    *indices = list;
    *count = n;
    return 0;
}
