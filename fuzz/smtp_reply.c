/* Fuzzes the reading of SMTP replies: a stream of replies gives the same result however it is cut,
 * and lint copes with whatever was read. SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "protocol/lint.h"
#include "protocol/smtp_reply.h"
#include "target.h"

static void found(void *arg, const struct lint_rule *rule, bool ok, const char *why)
{
    struct digest *d = arg;
    if (ok != (why == NULL))
        abort();
    digest_string(d, rule->name);
    digest_string(d, why);
}

static void note_reply(struct digest *d, const struct smtp_reply *r)
{
    char enhanced[16];
    digest_number(d, (uint64_t)r->code);
    digest_block(d, r->raw, r->raw_len);
    digest_string(d, r->why);
    for (size_t i = 0; i < r->line_count; i++) {
        const struct smtp_line *line = &r->lines[i];
        digest_number(d, (uint64_t)line->code);
        digest_number(d, line->begin);
        if (line->start + line->len > r->raw_len)
            abort();
        digest_block(d, r->raw + line->start, line->len);
        if (smtp_reply_line_enhanced(r, i, enhanced))
            digest_string(d, enhanced);
    }
    const bool flags[] = {r->bare_lf,
                          r->bare_cr,
                          r->nul,
                          r->eight_bit,
                          r->codes_differ,
                          r->long_line,
                          r->no_space_before_text,
                          r->control};
    digest_bytes(d, flags, sizeof flags);
}

static uint64_t read_stream(const uint8_t *data, size_t size, enum cuts cuts)
{
    static const char *const commands[] = {"", "EHLO x", "NOOP", "AUTH PLAIN", NULL, "LHLO x"};
    struct cutter cutter = cutter_new(cuts, data, size);
    struct lint_memory memory = {0};
    struct digest d = {0};
    struct smtp_reply r;
    size_t replies = 0;
    smtp_reply_init(&r);
    while (size > 0) {
        size_t used, piece = cutter_next(&cutter, size);
        enum parse_step step = smtp_reply_feed(&r, data, piece, &used);
        if (used > piece || (step == PARSE_MORE && used != piece))
            abort();
        data += used;
        size -= used;
        if (step == PARSE_BAD)
            break;
        if (step == PARSE_DONE) {
            note_reply(&d, &r);
            lint_smtp(&memory, &r, replies == 0,
                      commands[replies % (sizeof commands / sizeof commands[0])], found, &d);
            smtp_reply_clear(&r);
            replies++;
        }
    }
    note_reply(&d, &r);
    smtp_reply_clear(&r);
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
