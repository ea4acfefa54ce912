/* Fuzzes the reading of messages: parts have the same offsets however the message is cut, nothing
 * lies outside of it, and ENVELOPE, BODYSTRUCTURE and the texts for SEARCH can be made of anything.
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>

#include "imap/structure.h"
#include "mime/text.h"
#include "target.h"

static void same(const struct part *a, const struct part *b, size_t size)
{
    for (; a != NULL && b != NULL; a = a->next, b = b->next) {
        if (a->header_at != b->header_at || a->header_len != b->header_len ||
            a->body_at != b->body_at || a->body_len != b->body_len ||
            a->body_lines != b->body_lines || a->kind != b->kind) {
            abort();
        }
        if (a->header_at + a->header_len > a->body_at || a->body_at + a->body_len > size ||
            (a->kind == PART_MESSAGE && a->first == NULL)) {
            abort();
        }
        same(a->first, b->first, size);
    }
    if (a != b) {
        abort();
    }
}

/* Decodes what SEARCH would look into. */
static void read_texts(struct arena *a, const uint8_t *data, const struct part *p)
{
    struct header_field f;
    const char *encoding = NULL;
    for (size_t pos = 0; header_next(data + p->header_at, p->header_len, &pos, &f);) {
        text_fold(a, text_words(a, f.value, f.value_len), false);
    }
    if (header_find(data + p->header_at, p->header_len, "Content-Transfer-Encoding", &f)) {
        encoding = content_token(a, f.value, f.value_len);
    }
    if (p->kind == PART_LEAF) {
        struct text t = text_decode(a, data + p->body_at, p->body_len, encoding);
        text_fold(a, text_utf8(a, t, content_param(&p->type, "charset")), false);
    }
    for (const struct part *c = p->first; c != NULL; c = c->next) {
        read_texts(a, data, c);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct part_parser p;
    struct buf out;
    long day;
    if (size > 65536) {
        return 0;
    }
    const struct part *whole = part_parse(&a, data, size);
    part_begin(&p, &a);
    for (size_t at = 0, step = size ? data[0] % 7u + 1 : 1; at < size; at += step) {
        part_feed(&p, data + at, size - at < step ? size - at : step);
    }
    same(whole, part_end(&p), size);
    if (header_size(data, size) != whole->header_len) {
        abort();
    }
    buf_init(&out, (size_t)1 << 26);
    structure_body(&out, &a, data, whole, true, size & 1);
    structure_envelope(&out, &a, data, whole->header_len, false);
    read_texts(&a, data, whole);
    text_date(data, size, &day);
    buf_free(&out);
    arena_free(&a);
    return 0;
}
