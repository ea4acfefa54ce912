/* Fuzzes the reading of IMAP responses: a stream of responses gives the same trees however it is
 * cut, every value lies inside the response, and lint with its grammar copes with whatever was
 * read. SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "protocol/imap_response.h"
#include "protocol/lint.h"
#include "target.h"

static void found(void *arg, const struct lint_rule *rule, bool ok, const char *why)
{
    struct digest *d = arg;
    if (ok != (why == NULL))
        abort();
    digest_string(d, rule->name);
    digest_string(d, why);
}

static void note_value(struct digest *d, const struct imap_value *v, int depth)
{
    if (depth > IMAP_RESPONSE_DEPTH + 1)
        abort();
    digest_number(d, (uint64_t)v->kind);
    digest_number(d, v->count);
    if (v->kind == IMAP_LIST) {
        digest_number(d, v->spaced);
        for (size_t i = 0; i < v->count; i++)
            note_value(d, &v->items[i], depth + 1);
        return;
    }
    if (v->bytes == NULL)
        abort();
    digest_block(d, v->bytes, v->len);
    if (v->kind == IMAP_NUMBER)
        digest_number(d, (uint64_t)v->number);
}

static void note_response(struct digest *d, const struct imap_response *r)
{
    digest_number(d, (uint64_t)r->role);
    digest_string(d, r->tag);
    digest_string(d, r->name);
    digest_number(d, r->has_number ? (uint64_t)r->number : UINT64_MAX);
    digest_number(d, r->has_code);
    note_value(d, &r->code, 0);
    note_value(d, &r->text, 0);
    note_value(d, &r->data, 0);
    digest_block(d, r->raw, r->raw_len);
    digest_string(d, r->why);
    digest_number(d, r->why_at);
    const bool flags[] = {
        r->bare_lf,        r->nul,      r->eight_bit_quoted, r->literal_plus, r->double_space,
        r->trailing_space, r->bare_cr,  r->control,          r->eight_bit,    r->missing_space,
        r->bad_escape,     r->bad_code, r->no_text};
    digest_bytes(d, flags, sizeof flags);
}

static uint64_t read_stream(const uint8_t *data, size_t size, enum cuts cuts)
{
    static const char *const commands[] = {"",   "a SELECT INBOX", "a FETCH 1 FLAGS",
                                           NULL, "a NOOP",         "a CLOSE"};
    struct cutter cutter = cutter_new(cuts, data, size);
    struct lint_memory memory = {0};
    struct digest d = {0};
    struct imap_response r;
    size_t replies = 0;
    imap_response_init(&r);
    while (size > 0) {
        size_t used, piece = cutter_next(&cutter, size);
        enum parse_step step = imap_response_feed(&r, data, piece, &used);
        if (used > piece || (step == PARSE_MORE && used != piece))
            abort();
        data += used;
        size -= used;
        if (step == PARSE_BAD)
            break;
        if (step == PARSE_DONE) {
            note_response(&d, &r);
            lint_imap(&memory, &r, replies == 0,
                      commands[replies % (sizeof commands / sizeof commands[0])], found, &d);
            imap_response_clear(&r);
            replies++;
        }
    }
    digest_block(&d, r.raw, r.raw_len);
    digest_string(&d, r.why);
    digest_number(&d, r.why_at);
    imap_response_clear(&r);
    digest_number(&d, size);
    return d.value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t whole = read_stream(data, size, CUT_NONE);
    if (read_stream(data, size, CUT_BYTES) != whole || read_stream(data, size, CUT_MIXED) != whole)
        abort();
    return 0;
}
