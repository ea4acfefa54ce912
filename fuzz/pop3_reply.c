/* Fuzzes the reading of POP3 responses: a stream of responses gives the same result however it is
 * cut, and lint copes with whatever was read. SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "protocol/lint.h"
#include "protocol/pop3_reply.h"
#include "target.h"

static void found(void *arg, const struct lint_rule *rule, bool ok, const char *why)
{
    struct digest *d = arg;
    if (ok != (why == NULL))
        abort();
    digest_string(d, rule->name);
    digest_string(d, why);
}

static void note_reply(struct digest *d, const struct pop3_reply *r, bool done)
{
    digest_number(d, (uint64_t)r->status);
    digest_block(d, r->raw, r->raw_len);
    digest_string(d, r->why);
    if (done) {
        if (r->text < (const char *)r->raw ||
            r->text + r->text_len > (const char *)r->raw + r->raw_len)
            abort();
        digest_block(d, r->text, r->text_len);
        digest_string(d, r->resp_code);
    }
    digest_block(d, r->body, r->body_len);
    const bool flags[] = {r->bare_lf,
                          r->bare_cr,
                          r->nul,
                          r->long_first_line,
                          r->body_bare_lf,
                          r->lower_case_status,
                          r->no_space_before_text,
                          r->unstuffed_dot,
                          r->multiline};
    digest_bytes(d, flags, sizeof flags);
}

static uint64_t read_stream(const uint8_t *data, size_t size, enum cuts cuts, bool multiline)
{
    static const char *const commands[] = {"",   "CAPA",   "LIST",   "UIDL",
                                           NULL, "AUTH X", "RETR 1", "STAT"};
    struct cutter cutter = cutter_new(cuts, data, size);
    struct lint_memory memory = {0};
    struct digest d = {0};
    struct pop3_reply r;
    size_t replies = 0;
    pop3_reply_init(&r, multiline);
    while (size > 0) {
        size_t used, piece = cutter_next(&cutter, size);
        enum parse_step step = pop3_reply_feed(&r, data, piece, &used);
        if (used > piece || (step == PARSE_MORE && used != piece))
            abort();
        data += used;
        size -= used;
        if (step == PARSE_BAD)
            break;
        if (step == PARSE_DONE) {
            note_reply(&d, &r, true);
            lint_pop3(&memory, &r, replies == 0,
                      commands[replies % (sizeof commands / sizeof commands[0])], found, &d);
            pop3_reply_clear(&r);
            pop3_reply_init(&r, multiline);
            replies++;
        }
    }
    note_reply(&d, &r, false);
    pop3_reply_clear(&r);
    digest_number(&d, size);
    return d.value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int multiline = 0; multiline < 2; multiline++) {
        uint64_t whole = read_stream(data, size, CUT_NONE, multiline);
        if (read_stream(data, size, CUT_BYTES, multiline) != whole ||
            read_stream(data, size, CUT_MIXED, multiline) != whole)
            abort();
    }
    return 0;
}
