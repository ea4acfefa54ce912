/* SPDX-License-Identifier: MIT */
#include "imap/fetch.h"

#include <string.h>
#include <strings.h>

#include "fault.h"
#include "imap/grammar/write.h"
#include "imap/structure.h"
#include "mime/header.h"
#include "mime/text.h"

#define MOST_ITEMS 1000
#define MOST_FIELDS 500
#define DEEPEST_PATH (PART_DEPTH * 2)

/* --- what is asked for --- */

static struct fetch_item *add(struct args *a, struct fetch_items *out, enum fetch_kind kind)
{
    if (out->count == MOST_ITEMS) {
        args_bad(a, "There are too many items");
        out->count--;
    }
    if (out->count == out->room) {
        size_t room = out->room ? out->room * 2 : 8;
        out->items = arena_grow(a->arena, out->items, out->count * sizeof *out->items,
                                room * sizeof *out->items);
        out->room = room;
    }
    struct fetch_item *item = &out->items[out->count++];
    *item = (struct fetch_item){.kind = kind};
    return item;
}

static void label(struct args *a, struct fetch_item *item, const char *name)
{
    struct buf b;
    static const char *const words[] = {"",     "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT",
                                        "TEXT", "MIME"};
    buf_init(&b, (size_t)1 << 20);
    buf_text(&b, name);
    buf_text(&b, "[");
    for (size_t i = 0; i < item->depth; i++) {
        buf_printf(&b, "%s%u", i ? "." : "", item->path[i]);
    }
    buf_printf(&b, "%s%s", item->depth && item->text != TEXT_WHOLE ? "." : "", words[item->text]);
    for (size_t i = 0; i < item->field_count; i++) {
        buf_text(&b, i ? " " : " (");
        write_astring(&b, item->fields[i].p, item->fields[i].n);
    }
    buf_text(&b, item->field_count ? ")]" : "]");
    if (item->partial) {
        buf_printf(&b, "<%u>", item->origin);
    }
    item->label = arena_copy(a->arena, b.data, b.len);
    buf_free(&b);
}

static void field_names(struct args *a, struct fetch_item *item)
{
    size_t room = 0;
    if (!args_sp(a) || !args_char(a, '(')) {
        return;
    }
    do {
        struct str name;
        if (!args_astring(a, &name)) {
            return;
        }
        if (item->field_count == MOST_FIELDS) {
            args_bad(a, "There are too many field names");
            return;
        }
        if (item->field_count == room) {
            size_t more = room ? room * 2 : 8;
            item->fields = arena_grow(a->arena, item->fields, room * sizeof *item->fields,
                                      more * sizeof *item->fields);
            room = more;
        }
        item->fields[item->field_count++] = name;
    } while (args_maybe(a, ' '));
    args_char(a, ')');
}

/* 1.2.3 and what follows; the letters behind the last period are left. */
static bool part_path(struct args *a, struct fetch_item *item)
{
    unsigned path[DEEPEST_PATH];
    for (;;) {
        uint32_t n;
        if (item->depth == DEEPEST_PATH) {
            return args_bad(a, "The part number is too deep");
        }
        if (!args_nznumber(a, &n)) {
            return false;
        }
        path[item->depth++] = n;
        if (!args_maybe(a, '.')) {
            break;
        }
        int c = args_peek(a);
        if (c < '0' || c > '9') {
            break;
        }
    }
    item->path = arena_alloc(a->arena, item->depth * sizeof *path);
    memcpy(item->path, path, item->depth * sizeof *path);
    return a->state == ARGS_FINE;
}

static bool section_text(struct args *a, struct fetch_item *item)
{
    struct str word;
    if (!args_word(a, &word)) {
        return false;
    }
    if (str_is(&word, "HEADER")) {
        item->text = TEXT_HEADER;
    } else if (str_is(&word, "TEXT")) {
        item->text = TEXT_TEXT;
    } else if (str_is(&word, "MIME") && item->depth > 0) {
        item->text = TEXT_MIME;
    } else if (str_is(&word, "HEADER.FIELDS")) {
        item->text = TEXT_FIELDS;
        field_names(a, item);
    } else if (str_is(&word, "HEADER.FIELDS.NOT")) {
        item->text = TEXT_FIELDS_NOT;
        field_names(a, item);
    } else {
        return args_bad(a, "There is no such section");
    }
    return a->state == ARGS_FINE;
}

static void partial(struct args *a, struct fetch_item *item);

/* Behind "BODY" or "BODY.PEEK": [section]<partial>. */
static void section(struct args *a, struct fetch_item *item, bool peek)
{
    args_char(a, '[');
    int c = args_peek(a);
    bool numbered = c >= '0' && c <= '9';
    if (numbered && !part_path(a, item)) {
        return;
    }
    bool dotted = numbered && a->lexer->text.data[a->at - 1] == '.';
    if (dotted || (!numbered && args_peek(a) != ']')) {
        if (!section_text(a, item)) {
            return;
        }
    }
    if (!args_char(a, ']')) {
        return;
    }
    partial(a, item);
    item->seen = !peek || fault(FAULT_IMAP_PEEK_SETS_SEEN);
    label(a, item, "BODY");
}

static void partial(struct args *a, struct fetch_item *item)
{
    if (args_maybe(a, '<')) {
        item->partial = true;
        if (args_number(a, &item->origin) && args_char(a, '.') && args_nznumber(a, &item->length)) {
            args_char(a, '>');
        }
    }
}

/* Behind BINARY, BINARY.PEEK or BINARY.SIZE: a part number in brackets, perhaps a partial. */
static void binary(struct args *a, struct fetch_item *item, bool peek)
{
    args_char(a, '[');
    if (args_peek(a) != ']' && !part_path(a, item)) {
        return;
    }
    if (item->depth > 0 && a->lexer->text.data[a->at - 1] == '.') {
        args_bad(a, "A part number ends with a number");
        return;
    }
    if (!args_char(a, ']')) {
        return;
    }
    if (item->kind == FETCH_BINARY) {
        partial(a, item);
        item->seen = !peek;
        label(a, item, "BINARY");
    } else {
        label(a, item, "BINARY.SIZE");
    }
}

static void rfc822(struct args *a, struct fetch_items *out, const char *name, enum fetch_text text)
{
    struct fetch_item *item = add(a, out, FETCH_SECTION);
    item->label = name;
    item->text = text;
    item->seen = text != TEXT_HEADER;
}

static void one_item(struct args *a, struct fetch_items *out)
{
    struct str w;
    if (!args_word(a, &w)) {
        return;
    }
    for (size_t i = 0; i < w.n && fault(FAULT_IMAP_ITEMS_CASE_SENSITIVE); i++) {
        if (w.p[i] >= 'a' && w.p[i] <= 'z') {
            args_bad(a, "There is no such FETCH item");
            return;
        }
    }
    if (str_is(&w, "FLAGS")) {
        add(a, out, FETCH_FLAGS);
    } else if (str_is(&w, "UID")) {
        add(a, out, FETCH_UID);
    } else if (str_is(&w, "INTERNALDATE")) {
        add(a, out, FETCH_INTERNALDATE);
    } else if (str_is(&w, "RFC822.SIZE")) {
        add(a, out, FETCH_SIZE);
    } else if (str_is(&w, "ENVELOPE")) {
        add(a, out, FETCH_ENVELOPE);
    } else if (str_is(&w, "BODYSTRUCTURE")) {
        add(a, out, FETCH_BODYSTRUCTURE);
    } else if (str_is(&w, "RFC822")) {
        rfc822(a, out, "RFC822", TEXT_WHOLE);
    } else if (str_is(&w, "RFC822.HEADER")) {
        rfc822(a, out, "RFC822.HEADER", TEXT_HEADER);
    } else if (str_is(&w, "RFC822.TEXT")) {
        rfc822(a, out, "RFC822.TEXT", TEXT_TEXT);
    } else if (str_is(&w, "BODY") && args_peek(a) != '[') {
        add(a, out, FETCH_STRUCTURE);
    } else if (str_is(&w, "BODY") || (str_is(&w, "BODY.PEEK") && args_peek(a) == '[')) {
        section(a, add(a, out, FETCH_SECTION), w.n > 4);
    } else if (str_is(&w, "BINARY") || str_is(&w, "BINARY.PEEK")) {
        binary(a, add(a, out, FETCH_BINARY), w.n > 6);
    } else if (str_is(&w, "BINARY.SIZE")) {
        binary(a, add(a, out, FETCH_BINARY_SIZE), true);
    } else {
        args_bad(a, "There is no such FETCH item");
    }
}

/* ALL, FAST and FULL stand alone (6.4.5). */
static bool macro(struct args *a, struct fetch_items *out)
{
    size_t at = a->at;
    struct str w;
    int c = args_peek(a);
    if (((c | 32) != 'a' && (c | 32) != 'f') || !args_word(a, &w)) {
        return false;
    }
    bool all = str_is(&w, "ALL"), full = str_is(&w, "FULL");
    if (!all && !full && !str_is(&w, "FAST")) {
        a->at = at;
        return false;
    }
    add(a, out, FETCH_FLAGS);
    add(a, out, FETCH_INTERNALDATE);
    add(a, out, FETCH_SIZE);
    if (all || full) {
        add(a, out, FETCH_ENVELOPE);
    }
    if (full) {
        add(a, out, FETCH_STRUCTURE);
    }
    return true;
}

void fetch_parse(struct args *a, struct fetch_items *out, bool with_uid)
{
    if (!macro(a, out)) {
        if (args_maybe(a, '(')) {
            do {
                one_item(a, out);
            } while (args_maybe(a, ' '));
            args_char(a, ')');
        } else {
            one_item(a, out);
        }
    }
    if (!args_end(a)) {
        return;
    }
    bool has_uid = false;
    for (size_t i = 0; i < out->count; i++) {
        has_uid = has_uid || out->items[i].kind == FETCH_UID;
    }
    if (with_uid && !has_uid && !fault(FAULT_IMAP_UID_FETCH_NO_UID)) {
        add(a, out, FETCH_UID);
        struct fetch_item uid = out->items[out->count - 1];
        memmove(out->items + 1, out->items, (out->count - 1) * sizeof uid);
        out->items[0] = uid;
    }
}

/* --- what there is --- */

bool fetch_needs_blob(const struct fetch_item *item)
{
    return item->kind == FETCH_BINARY || item->kind == FETCH_BINARY_SIZE ||
           item->kind == FETCH_ENVELOPE || item->kind == FETCH_BODYSTRUCTURE ||
           item->kind == FETCH_STRUCTURE || item->kind == FETCH_SECTION ||
           (item->kind == FETCH_SIZE && fault(FAULT_IMAP_SIZE_COUNTS_LF));
}

static const struct part *root(struct fetch_message *m)
{
    if (m->root == NULL) {
        m->root = part_parse(m->arena, m->blob.data, m->blob.len);
    }
    return m->root;
}

static bool wanted(const struct fetch_item *item, const struct header_field *f)
{
    for (size_t i = 0; i < item->field_count; i++) {
        const struct str *name = &item->fields[i];
        if (header_is(f, name->p, name->n) && (!fault(FAULT_IMAP_HEADER_FIELDS_CASE_SENSITIVE) ||
                                               memcmp(f->name, name->p, name->n) == 0)) {
            return true;
        }
    }
    return false;
}

/* HEADER.FIELDS and HEADER.FIELDS.NOT: the fields, then the empty line if the header had one. */
static void subset(struct fetch_message *m, const struct fetch_item *item,
                   const unsigned char *header, size_t n, const unsigned char **p, size_t *len)
{
    unsigned char *out = arena_alloc(m->once, n + 2);
    size_t k = 0, pos = 0;
    struct header_field f;
    while (header_next(header, n, &pos, &f)) {
        if (wanted(item, &f) == (item->text == TEXT_FIELDS)) {
            memcpy(out + k, f.whole, f.whole_len);
            k += f.whole_len;
        }
    }
    if (!fault(FAULT_IMAP_HEADER_FIELDS_NO_EMPTY_LINE)) {
        memcpy(out + k, header + pos, n - pos);
        k += n - pos;
    }
    *p = out;
    *len = k;
}

/* What is asked for of a header, which p and len are. */
static void header_text(struct fetch_message *m, const struct fetch_item *item,
                        const unsigned char **p, size_t *len)
{
    if (item->text == TEXT_FIELDS || item->text == TEXT_FIELDS_NOT) {
        subset(m, item, *p, *len, p, len);
    } else if (item->text == TEXT_HEADER && *len > 2 && fault(FAULT_IMAP_HEADER_NO_EMPTY_LINE)) {
        *len -= 2;
    }
}

/* The octets of a section; false: there is no such part. */
static bool find(struct fetch_message *m, const struct fetch_item *item, const unsigned char **p,
                 size_t *len)
{
    const unsigned char *data = m->blob.data;
    if (item->depth == 0 && item->text == TEXT_WHOLE) {
        *p = data;
        *len = m->blob.len;
        return true;
    }
    if (item->depth == 0) { /* no need to look for parts */
        size_t header_len = header_size(data, m->blob.len);
        bool text = item->text == TEXT_TEXT;
        *p = text ? data + header_len : data;
        *len = text ? m->blob.len - header_len : header_len;
        header_text(m, item, p, len);
        return true;
    }
    if (fault(FAULT_IMAP_SECTION_NUMBERING)) {
        item->path[0]++;
    }
    const struct part *part = part_at(root(m), item->path, item->depth);
    if (fault(FAULT_IMAP_SECTION_NUMBERING)) {
        item->path[0]--;
    }
    if (part == NULL) {
        return false;
    }
    if (item->text == TEXT_WHOLE) {
        *p = data + part->body_at;
        *len = part->body_len;
        return true;
    }
    if (item->text != TEXT_MIME) {
        if (part->kind != PART_MESSAGE) {
            return false; /* HEADER and TEXT are those of an embedded message */
        }
        part = part->first;
    }
    bool text = item->text == TEXT_TEXT;
    *p = data + (text ? part->body_at : part->header_at);
    *len = text ? part->body_len : part->header_len;
    header_text(m, item, p, len);
    return true;
}

/* --- BINARY --- */

static const char *encoding(struct fetch_message *m, const struct part *p)
{
    struct header_field f;
    const char *name = NULL;
    if (header_find(m->blob.data + p->header_at, p->header_len, "Content-Transfer-Encoding", &f)) {
        name = content_token(m->once, f.value, f.value_len);
    }
    return name ? name : "7bit";
}

const char *fetch_refuses(struct fetch_message *m, const struct fetch_item *item)
{
    static const char *const known[] = {"7bit", "8bit", "binary", "base64", "quoted-printable"};
    if ((item->kind != FETCH_BINARY && item->kind != FETCH_BINARY_SIZE) || item->depth == 0) {
        return NULL; /* BINARY[] is the message as it is */
    }
    const struct part *p = part_at(root(m), item->path, item->depth);
    if (p == NULL) {
        return NULL;
    }
    if (p->kind != PART_LEAF) {
        return "A part that has parts is not decoded";
    }
    const char *name = encoding(m, p);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcasecmp(name, known[i]) == 0) {
            return NULL;
        }
    }
    return "[UNKNOWN-CTE] The transfer encoding is not known";
}

static bool decoded(struct fetch_message *m, const struct fetch_item *item, struct text *out)
{
    const struct part *p = part_at(root(m), item->path, item->depth);
    *out = (struct text){m->blob.data, m->blob.len};
    if (item->depth > 0 && p != NULL) {
        *out = text_decode(m->once, m->blob.data + p->body_at, p->body_len, encoding(m, p));
    }
    return p != NULL;
}

static void write_binary_size(struct fetch_message *m, const struct fetch_item *item,
                              struct buf *out)
{
    struct text t;
    size_t n = decoded(m, item, &t) ? t.n : 0;
    buf_printf(out, "%s %zu", item->label, n + (n > 0 && fault(FAULT_IMAP_BINARY_SIZE_ENCODED)));
}

static void cut(const struct fetch_item *item, const unsigned char **p, size_t *n)
{
    if (item->partial) {
        size_t origin = item->origin + (size_t)fault(FAULT_IMAP_PARTIAL_WRONG_OCTET);
        size_t skip = origin < *n ? origin : *n;
        *p += skip;
        *n -= skip;
        *n = *n < item->length ? *n : item->length;
    }
}

static void write_binary(struct fetch_message *m, const struct fetch_item *item, struct buf *out,
                         const unsigned char **raw, size_t *raw_len)
{
    struct text t;
    buf_printf(out, "%s ", item->label);
    if (!decoded(m, item, &t)) {
        buf_text(out, "NIL");
        return;
    }
    cut(item, &t.p, &t.n);
    if (t.n == 0) {
        buf_text(out, "\"\"");
        return;
    }
    /* Only NUL needs a literal8 (RFC 9051, 7.5.2). */
    buf_printf(out, "%s{%zu}\r\n", memchr(t.p, '\0', t.n) != NULL ? "~" : "", t.n);
    *raw = t.p;
    *raw_len = t.n;
}

static void write_section(struct fetch_message *m, const struct fetch_item *item, struct buf *out,
                          const unsigned char **raw, size_t *raw_len)
{
    const unsigned char *p = NULL;
    size_t n = 0;
    buf_printf(out, "%s ", item->label);
    if (!find(m, item, &p, &n)) {
        buf_text(out, "NIL");
        return;
    }
    cut(item, &p, &n);
    if (n == 0) {
        buf_text(out, "\"\"");
        return;
    }
    if (memchr(p, '\0', n) != NULL) {
        /* NUL can be in no literal (RFC 3501, 9, CHAR8); such a message came by another way than
         * APPEND. */
        unsigned char *copy = arena_alloc(m->once, n);
        for (size_t i = 0; i < n; i++) {
            copy[i] = p[i] ? p[i] : 0x80;
        }
        p = copy;
    }
    buf_printf(out, "%s{%zu%s}%s", fault(FAULT_IMAP_LITERAL8_BODY) ? "~" : "",
               n + (size_t)fault(FAULT_IMAP_LITERAL_LENGTH_OFF_BY_ONE),
               fault(FAULT_IMAP_LITERAL_PLUS) ? "+" : "",
               fault(FAULT_IMAP_LITERAL_LF) ? "\n" : "\r\n");
    *raw = p;
    *raw_len = n;
}

static uint32_t shown_uid(const struct fetch_message *m)
{
    const struct view *v = m->view;
    if (fault(FAULT_IMAP_UID_NOT_ASCENDING)) {
        return v->entries[v->count - 1 - m->index].uid;
    }
    if (fault(FAULT_IMAP_UID_REUSED) && m->index + 1 == v->count) {
        return m->index > 0 ? v->entries[m->index - 1].uid + 1 : 1;
    }
    return m->message->uid + (fault(FAULT_IMAP_UIDS_PER_SESSION) ? m->session * 1000 : 0);
}

/* Octets by which the size is too large: none. */
static uint32_t line_ends(const struct fetch_message *m)
{
    uint32_t n = 0;
    for (size_t i = 0; fault(FAULT_IMAP_SIZE_COUNTS_LF) && i < m->blob.len; i++) {
        n += m->blob.data[i] == '\n';
    }
    return n;
}

void fetch_write(struct fetch_message *m, const struct fetch_item *item, struct buf *out,
                 const unsigned char **raw, size_t *raw_len)
{
    const unsigned char *data = m->blob.data;
    *raw = NULL;
    *raw_len = 0;
    switch (item->kind) {
    case FETCH_FLAGS:
        buf_text(out, "FLAGS ");
        write_flags(out, m->view->mailbox, view_flags(m->view, m->index, m->message, m->rev2));
        break;
    case FETCH_UID:
        buf_printf(out, "UID %u", shown_uid(m));
        break;
    case FETCH_INTERNALDATE:
        buf_text(out, "INTERNALDATE ");
        write_date_time(out, m->message->internal_date, m->message->internal_zone);
        break;
    case FETCH_SIZE:
        buf_printf(out, "RFC822.SIZE %u", m->message->size_bytes - line_ends(m));
        break;
    case FETCH_ENVELOPE:
        buf_text(out, "ENVELOPE ");
        structure_envelope(out, m->once, data, header_size(data, m->blob.len), m->rev2);
        break;
    case FETCH_BODYSTRUCTURE:
        buf_text(out, "BODYSTRUCTURE ");
        structure_body(out, m->once, data, root(m), true, m->rev2);
        break;
    case FETCH_STRUCTURE:
        buf_text(out, "BODY ");
        structure_body(out, m->once, data, root(m), fault(FAULT_IMAP_BODY_WITH_EXTENSION), m->rev2);
        break;
    case FETCH_SECTION:
        write_section(m, item, out, raw, raw_len);
        break;
    case FETCH_BINARY:
        write_binary(m, item, out, raw, raw_len);
        break;
    case FETCH_BINARY_SIZE:
        write_binary_size(m, item, out);
        break;
    }
}
