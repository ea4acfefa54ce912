/* SPDX-License-Identifier: MIT */
#include "imap/search.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fault.h"
#include "imap/grammar/utf7.h"
#include "mime/header.h"

#define DEEPEST 100
#define MOST_TEXTS 100

/* --- reading --- */

enum argument { NO_ARGUMENT, A_STRING, A_FIELD, A_DATE, A_NUMBER, A_KEYWORD, A_SET };

static const struct {
    const char *name;
    enum search_kind kind;
    enum argument argument;
    uint64_t flags;
    bool negated;
    const char *field;
} keys[] = {
    {"ALL", SEARCH_ALL, NO_ARGUMENT, 0, false, NULL},
    {"ANSWERED", SEARCH_FLAG, NO_ARGUMENT, FLAG_ANSWERED, false, NULL},
    {"BCC", SEARCH_HEADER, A_STRING, 0, false, "Bcc"},
    {"BEFORE", SEARCH_BEFORE, A_DATE, 0, false, NULL},
    {"BODY", SEARCH_BODY, A_STRING, 0, false, NULL},
    {"CC", SEARCH_HEADER, A_STRING, 0, false, "Cc"},
    {"DELETED", SEARCH_FLAG, NO_ARGUMENT, FLAG_DELETED, false, NULL},
    {"DRAFT", SEARCH_FLAG, NO_ARGUMENT, FLAG_DRAFT, false, NULL},
    {"FLAGGED", SEARCH_FLAG, NO_ARGUMENT, FLAG_FLAGGED, false, NULL},
    {"FROM", SEARCH_HEADER, A_STRING, 0, false, "From"},
    {"HEADER", SEARCH_HEADER, A_FIELD, 0, false, NULL},
    {"KEYWORD", SEARCH_KEYWORD, A_KEYWORD, 0, false, NULL},
    {"LARGER", SEARCH_LARGER, A_NUMBER, 0, false, NULL},
    {"NEW", SEARCH_NEW, NO_ARGUMENT, 0, false, NULL},
    {"OLD", SEARCH_FLAG, NO_ARGUMENT, FLAG_RECENT, true, NULL},
    {"ON", SEARCH_ON, A_DATE, 0, false, NULL},
    {"RECENT", SEARCH_FLAG, NO_ARGUMENT, FLAG_RECENT, false, NULL},
    {"SEEN", SEARCH_FLAG, NO_ARGUMENT, FLAG_SEEN, false, NULL},
    {"SENTBEFORE", SEARCH_SENT_BEFORE, A_DATE, 0, false, NULL},
    {"SENTON", SEARCH_SENT_ON, A_DATE, 0, false, NULL},
    {"SENTSINCE", SEARCH_SENT_SINCE, A_DATE, 0, false, NULL},
    {"SINCE", SEARCH_SINCE, A_DATE, 0, false, NULL},
    {"SMALLER", SEARCH_SMALLER, A_NUMBER, 0, false, NULL},
    {"SUBJECT", SEARCH_HEADER, A_STRING, 0, false, "Subject"},
    {"TEXT", SEARCH_TEXT, A_STRING, 0, false, NULL},
    {"TO", SEARCH_HEADER, A_STRING, 0, false, "To"},
    {"UID", SEARCH_UIDS, A_SET, 0, false, NULL},
    {"UNANSWERED", SEARCH_FLAG, NO_ARGUMENT, FLAG_ANSWERED, true, NULL},
    {"UNDELETED", SEARCH_FLAG, NO_ARGUMENT, FLAG_DELETED, true, NULL},
    {"UNDRAFT", SEARCH_FLAG, NO_ARGUMENT, FLAG_DRAFT, true, NULL},
    {"UNFLAGGED", SEARCH_FLAG, NO_ARGUMENT, FLAG_FLAGGED, true, NULL},
    {"UNKEYWORD", SEARCH_KEYWORD, A_KEYWORD, 0, true, NULL},
    {"UNSEEN", SEARCH_FLAG, NO_ARGUMENT, FLAG_SEEN, true, NULL},
};

struct reader {
    struct args *args;
    const struct search_charset *charset;
    int texts; /* keys that look into text */
};

static struct search_key *make(struct reader *r, enum search_kind kind)
{
    static const int costs[] = {
        [SEARCH_SENT_BEFORE] = 2, [SEARCH_SENT_ON] = 2, [SEARCH_SENT_SINCE] = 2,
        [SEARCH_HEADER] = 2,      [SEARCH_BODY] = 3,    [SEARCH_TEXT] = 3,
    };
    struct search_key *k = arena_alloc(r->args->arena, sizeof *k);
    k->kind = kind;
    k->cost = costs[kind];
    return k;
}

static bool needle(struct reader *r, struct search_key *k)
{
    struct args *a = r->args;
    if (r->texts++ == MOST_TEXTS) {
        return args_bad(a, "Too many keys look into text");
    }
    if (!args_astring(a, &k->string)) {
        return false;
    }
    bool ascii = true;
    for (size_t i = 0; i < k->string.n; i++) {
        ascii = ascii && (unsigned char)k->string.p[i] < 0x80;
    }
    if (!ascii && !r->charset->unknown) {
        if (!r->charset->utf8) {
            return args_bad(a, "Text beyond US-ASCII needs CHARSET UTF-8");
        }
        if (!utf8_valid(k->string.p, k->string.n)) {
            return args_bad(a, "The text is not UTF-8");
        }
    }
    struct text in = {(const unsigned char *)k->string.p, k->string.n};
    k->needle_ascii = ascii;
    k->needle = text_fold(a->arena, in, ascii);
    return true;
}

static struct search_key *one(struct reader *r, int depth);

/* Keys side by side, up to the end or to a closing parenthesis; put in order of cost. */
static struct search_key *several(struct reader *r, int depth)
{
    struct search_key *all = make(r, SEARCH_AND);
    struct search_key *list[4] = {NULL}, *last[4] = {NULL};
    do {
        struct search_key *k = one(r, depth + 1);
        if (k == NULL) {
            return NULL;
        }
        all->cost = k->cost > all->cost ? k->cost : all->cost;
        if (last[k->cost] != NULL) {
            last[k->cost]->next = k;
        } else {
            list[k->cost] = k;
        }
        last[k->cost] = k;
    } while (args_maybe(r->args, ' '));
    struct search_key **end = &all->first;
    for (int cost = 0; cost < 4; cost++) {
        if (list[cost] != NULL) {
            *end = list[cost];
            end = &last[cost]->next;
        }
    }
    return all;
}

static struct search_key *set(struct reader *r, enum search_kind kind)
{
    struct search_key *k = make(r, kind);
    if (!args_seqset(r->args, &k->set)) {
        return NULL;
    }
    if (k->set.saved) {
        k->kind = SEARCH_SAVED;
    }
    return k;
}

static bool argument(struct reader *r, struct search_key *k, enum argument what)
{
    struct args *a = r->args;
    struct str word;
    if (what != NO_ARGUMENT && !args_sp(a)) {
        return false;
    }
    switch (what) {
    case NO_ARGUMENT:
        return true;
    case A_FIELD:
        if (!args_astring(a, &word) || !args_sp(a)) {
            return false;
        }
        k->field = word.p;
        return needle(r, k);
    case A_STRING:
        return needle(r, k);
    case A_DATE:
        return args_date(a, &k->day);
    case A_NUMBER:
        return args_number(a, &k->number);
    case A_KEYWORD:
        if (!args_atom(a, &word)) {
            return false;
        }
        k->keyword = word.p;
        return true;
    case A_SET:
        if (!args_seqset(a, &k->set)) {
            return false;
        }
        k->kind = k->set.saved ? SEARCH_SAVED : k->kind;
        return true;
    }
    return false;
}

static struct search_key *negate(struct reader *r, struct search_key *k)
{
    struct search_key *not = make(r, SEARCH_NOT);
    not ->first = k;
    not ->cost = k->cost;
    return not ;
}

static struct search_key *one(struct reader *r, int depth)
{
    struct args *a = r->args;
    struct str word;
    int c = args_peek(a);
    if (depth > DEEPEST) {
        args_bad(a, "The keys are nested too deep");
        return NULL;
    }
    if (args_maybe(a, '(')) {
        struct search_key *all = several(r, depth);
        return all != NULL && args_char(a, ')') ? all : NULL;
    }
    if (c == '*' || c == '$' || (c >= '0' && c <= '9')) {
        return set(r, SEARCH_NUMBERS);
    }
    if (!args_word(a, &word)) {
        return NULL;
    }
    if (str_is(&word, "NOT")) {
        struct search_key *k = args_sp(a) ? one(r, depth + 1) : NULL;
        return k ? negate(r, k) : NULL;
    }
    if (str_is(&word, "OR")) {
        struct search_key * or = make(r, SEARCH_OR);
        struct search_key *x = args_sp(a) ? one(r, depth + 1) : NULL;
        struct search_key *y = x != NULL && args_sp(a) ? one(r, depth + 1) : NULL;
        if (y == NULL) {
            return NULL;
        }
        or->cost = x->cost > y->cost ? x->cost : y->cost;
        or->first = x->cost <= y->cost ? x : y;
        or->first->next = x->cost <= y->cost ? y : x;
        if (fault(FAULT_IMAP_SEARCH_OR_IS_AND)) {
            or->kind = SEARCH_AND;
        }
        return or ;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!str_is(&word, keys[i].name)) {
            continue;
        }
        struct search_key *k = make(r, keys[i].kind);
        if (str_is(&word, "UNSEEN") && fault(FAULT_IMAP_SEARCH_UNSEEN_WRONG)) {
            k->kind = SEARCH_ALL;
            return k;
        }
        k->flags = keys[i].flags;
        k->field = keys[i].field;
        if (!argument(r, k, keys[i].argument)) {
            return NULL;
        }
        return keys[i].negated ? negate(r, k) : k;
    }
    args_bad(a, "There is no such search key");
    return NULL;
}

struct search_key *search_parse(struct args *a, struct search_charset *charset)
{
    struct reader r = {.args = a, .charset = charset};
    size_t at = a->at;
    struct str word;
    int c = args_peek(a) | 32;
    if (c == 'c' && args_word(a, &word) && str_is(&word, "CHARSET")) {
        struct str name;
        if (!args_sp(a) || !args_astring(a, &name) || !args_sp(a)) {
            return NULL;
        }
        charset->utf8 = str_is(&name, "UTF-8");
        charset->unknown =
            !charset->utf8 && !str_is(&name, "US-ASCII") && !fault(FAULT_IMAP_CHARSET_IGNORED);
    } else if (a->state == ARGS_FINE) {
        a->at = at;
    }
    struct search_key *k = several(&r, 0);
    return k != NULL && args_end(a) ? k : NULL;
}

int search_prepare(struct search_key *k, const struct view *v)
{
    for (; k != NULL; k = k->next) {
        if (k->kind == SEARCH_NUMBERS) {
            for (size_t i = 0; i < k->set.count; i++) {
                if (v->count == 0 || k->set.ranges[i].first > v->count ||
                    k->set.ranges[i].last > v->count) {
                    return -1;
                }
            }
            seqset_resolve(&k->set, (uint32_t)v->count);
        } else if (k->kind == SEARCH_UIDS) {
            seqset_resolve(&k->set, view_max_uid(v));
        }
        if (search_prepare(k->first, v) != 0) {
            return -1;
        }
    }
    return 0;
}

/* --- asking --- */

static bool load(struct search_message *m)
{
    if (!m->loaded) {
        m->loaded = true;
        m->failed = blob_read(m->store, m->message->blob, &m->blob, NULL) != 0;
        m->header_len = m->failed ? 0 : header_size(m->blob.data, m->blob.len);
    }
    return !m->failed;
}

static const struct part *root(struct search_message *m)
{
    if (m->root == NULL) {
        m->root = part_parse(m->arena, m->blob.data, m->blob.len);
    }
    return m->root;
}

void search_release(struct search_message *m)
{
    if (m->loaded && !m->failed) {
        blob_release(&m->blob);
    }
    m->loaded = false;
}

static bool word_at(struct text t, size_t i)
{
    return i < t.n && t.p[i] > ' ' && memchr(".,;:!?<>()\"", t.p[i], 12) == NULL;
}

static bool whole_word(struct text hay, struct text needle)
{
    for (size_t i = 0; i + needle.n <= hay.n; i++) {
        if (memcmp(hay.p + i, needle.p, needle.n) == 0 && (i == 0 || !word_at(hay, i - 1)) &&
            !word_at(hay, i + needle.n)) {
            return true;
        }
    }
    return false;
}

static bool has(struct search_message *m, const struct search_key *k, struct text hay)
{
    if (fault(FAULT_IMAP_SEARCH_WHOLE_WORDS)) {
        return whole_word(text_fold(m->arena, hay, k->needle_ascii), k->needle);
    }
    if (fault(FAULT_IMAP_SEARCH_CASE_SENSITIVE)) {
        return memmem(hay.p, hay.n, k->string.p, k->string.n) != NULL;
    }
    return text_has(m->arena, hay, k->needle, k->needle_ascii);
}

static bool field_has(struct search_message *m, const struct search_key *k)
{
    if (!load(m)) {
        return false;
    }
    struct header_field f;
    size_t name_len = strlen(k->field);
    for (size_t pos = 0; header_next(m->blob.data, m->header_len, &pos, &f);) {
        if (!header_is(&f, k->field, name_len)) {
            continue;
        }
        if (k->needle.n == 0 || has(m, k, text_words(m->arena, f.value, f.value_len))) {
            return true;
        }
    }
    return false;
}

static bool header_has(struct search_message *m, const struct search_key *k, size_t at, size_t n)
{
    return has(m, k, text_words(m->arena, m->blob.data + at, n));
}

static bool body_has(struct search_message *m, const struct search_key *k, const struct part *p)
{
    struct header_field f;
    const char *encoding = NULL;
    switch (p->kind) {
    case PART_MESSAGE:
        return header_has(m, k, p->first->header_at, p->first->header_len) ||
               body_has(m, k, p->first);
    case PART_MULTIPART:
        for (const struct part *c = p->first; c != NULL; c = c->next) {
            if (body_has(m, k, c)) {
                return true;
            }
        }
        return false;
    case PART_LEAF:
        break;
    }
    if (p->opaque || (p->type.type != NULL && strcasecmp(p->type.type, "text") != 0)) {
        return false; /* only text is looked into (6.4.4) */
    }
    const unsigned char *data = m->blob.data;
    if (header_find(data + p->header_at, p->header_len, "Content-Transfer-Encoding", &f) &&
        !fault(FAULT_IMAP_SEARCH_ENCODED)) {
        encoding = content_token(m->arena, f.value, f.value_len);
    }
    struct text t = text_decode(m->arena, data + p->body_at, p->body_len, encoding);
    return has(m, k, text_utf8(m->arena, t, content_param(&p->type, "charset")));
}

static int64_t internal_day(const struct message *m)
{
    int64_t local = m->internal_date + (int64_t)m->internal_zone * 60;
    return local >= 0 ? local / 86400 : -((86399 - local) / 86400);
}

static bool sent(struct search_message *m, int64_t *day)
{
    struct header_field f;
    long d = 0;
    if (fault(FAULT_IMAP_SENT_USES_ARRIVAL)) {
        *day = internal_day(m->message);
        return true;
    }
    if (!load(m) || !header_find(m->blob.data, m->header_len, "Date", &f) ||
        !text_date(f.value, f.value_len, &d)) {
        return false;
    }
    *day = d;
    return true;
}

static bool has_keyword(const struct search_message *m, const char *keyword)
{
    const struct mailbox *box = m->view->mailbox;
    for (int i = 0; i < box->keyword_count; i++) {
        if (strcasecmp(box->keywords[i], keyword) == 0) {
            return m->message->flags & (uint64_t)1 << (FLAG_KEYWORD_0 + i);
        }
    }
    return false;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

bool search_matches(struct search_message *m, const struct search_key *k)
{
    int64_t day = 0;
    uint64_t flags;
    switch (k->kind) {
    case SEARCH_ALL:
        return true;
    case SEARCH_AND:
        for (const struct search_key *c = k->first; c != NULL; c = c->next) {
            if (!search_matches(m, c)) {
                return false;
            }
        }
        return true;
    case SEARCH_OR:
        return search_matches(m, k->first) || search_matches(m, k->first->next);
    case SEARCH_NOT:
        return !search_matches(m, k->first);
    case SEARCH_FLAG:
        flags = view_flags(m->view, m->index, m->message, m->rev2);
        return (flags & k->flags) == k->flags;
    case SEARCH_NEW:
        flags = view_flags(m->view, m->index, m->message, m->rev2);
        return (flags & FLAG_RECENT) && !(flags & FLAG_SEEN);
    case SEARCH_KEYWORD:
        return has_keyword(m, k->keyword);
    case SEARCH_NUMBERS:
        return seqset_has(&k->set, (uint32_t)m->index + 1);
    case SEARCH_UIDS:
        return seqset_has(&k->set, m->message->uid);
    case SEARCH_SAVED:
        return m->saved_count > 0 && bsearch(&m->message->uid, m->saved, m->saved_count,
                                             sizeof *m->saved, by_number) != NULL;
    case SEARCH_LARGER:
        return fault(FAULT_IMAP_SEARCH_LARGER_INCLUSIVE) ? m->message->size_bytes >= k->number
                                                         : m->message->size_bytes > k->number;
    case SEARCH_SMALLER:
        return m->message->size_bytes < k->number;
    case SEARCH_BEFORE:
        return internal_day(m->message) < k->day;
    case SEARCH_ON:
        return internal_day(m->message) == k->day;
    case SEARCH_SINCE:
        return internal_day(m->message) >= k->day + fault(FAULT_IMAP_SINCE_EXCLUDES);
    case SEARCH_SENT_BEFORE:
        return sent(m, &day) && day < k->day;
    case SEARCH_SENT_ON:
        return sent(m, &day) && day == k->day;
    case SEARCH_SENT_SINCE:
        return sent(m, &day) && day >= k->day;
    case SEARCH_HEADER:
        return field_has(m, k);
    case SEARCH_BODY:
        return load(m) &&
               ((fault(FAULT_IMAP_SEARCH_BODY_SEES_HEADER) && header_has(m, k, 0, m->header_len)) ||
                body_has(m, k, root(m)));
    case SEARCH_TEXT:
        return load(m) && (header_has(m, k, 0, m->header_len) || body_has(m, k, root(m)));
    }
    return false;
}
