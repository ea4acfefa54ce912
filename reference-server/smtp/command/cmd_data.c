/* DATA and BDAT: the text of a message. RFC 5321, 4.1.1.4; RFC 3030.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "fault.h"
#include "server.h"
#include "smtp/deliver.h"
#include "smtp/state.h"

static void out_of_order(struct smtp *s, const char *why)
{
    smtp_reply(s, fault(FAULT_SMTP_BAD_SEQUENCE_500) ? 500 : 503, "5.5.1", "%s", why);
}

/* --- DATA --- */

void smtp_data(struct smtp *s, const char *arg, size_t n)
{
    (void)arg;
    (void)n;
    if (!s->envelope.open)
        out_of_order(s, "MAIL comes first");
    else if (s->envelope.count == 0 && !fault(FAULT_SMTP_DATA_WITHOUT_RCPT) &&
             !(s->lmtp && fault(FAULT_LMTP_DATA_WITHOUT_RCPT_354)))
        out_of_order(s, "There is no recipient"); /* LMTP has no other code: RFC 2033, 4.2 */
    else if ((s->chunks_begun && !fault(FAULT_SMTP_BDAT_THEN_DATA)) || s->chunks_failed ||
             (s->used_bdat && fault(FAULT_SMTP_BDAT_NO_DATA_LATER)))
        out_of_order(s, "The text is coming by BDAT already");
    else if (s->envelope.body == SMTP_BODY_BINARYMIME && !fault(FAULT_SMTP_BINARYMIME_DATA))
        out_of_order(s, "BINARYMIME comes by BDAT"); /* RFC 3030, 3 */
    else {
        s->read = 0;
        smtp_reply(s, 354, NULL, "End the text with CR LF . CR LF");
        smtp_dot_init(&s->dot);
        if (fault(FAULT_SMTP_EMPTY_MESSAGE_HANGS))
            s->dot.state = DOT_IN_TEXT;
        s->dot.normalize_lf = s->conn->server->policy.bare_lf == BARE_NORMALIZE;
        s->dot.normalize_cr = s->conn->server->policy.bare_cr == BARE_NORMALIZE;
        s->doing = SMTP_TEXT;
    }
}

/* One line of the text that a fault takes for a command; 0: this is none. */
static size_t command_in_text(struct smtp *s, const unsigned char *p, size_t n)
{
    static const char *const words[] = {
        "RSET", "NOOP", "QUIT", "MAIL FROM:", "RCPT TO:", "VRFY ", "EHLO ", "HELO ", "DATA"};
    const unsigned char *end = memchr(p, '\n', n);
    if (s->dot.state != DOT_AT_LINE || end == NULL)
        return 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t len = strlen(words[i]);
        if (len > (size_t)(end - p) || strncasecmp((const char *)p, words[i], len) != 0)
            continue;
        smtp_reply(s, i == 2 ? 221 : 250, "2.0.0", "Ok");
        return (size_t)(end - p) + 1;
    }
    return 0;
}

/* The limits of one message allow for it, those of all messages together do not. */
static const struct smtp_refusal too_many = {452, "4.3.1",
                                             "Too much mail comes in at once: try again later"};

/* Whether line ends that stood alone are a reason to say no. */
static bool bare_refused(const struct smtp *s, bool cr, bool lf)
{
    const struct policy *p = &s->conn->server->policy;
    return (cr && p->bare_cr == BARE_REFUSE) || (lf && p->bare_lf == BARE_REFUSE);
}

static void text_ended(struct smtp *s)
{
    const struct smtp_dot *d = &s->dot;
    s->doing = SMTP_COMMAND;
    s->verb = ".";
    s->scanned = 0;
    smtp_queue_moves(s);
    if (!conn_allows(s->conn, ".", NULL, smtp_answers(s, &s->envelope)))
        smtp_reset(s);
    else if (d->too_long && fault(FAULT_SMTP_SIZE_NOT_ENFORCED)) {
        smtp_reset(s);
        smtp_reply(s, 250, "2.0.0", "Stored, more or less");
    } else if (d->too_long && s->message.denied)
        smtp_refuse_message(s, too_many.code, too_many.enhanced, too_many.why);
    else if (d->too_long)
        smtp_refuse_message(s, 552, "5.3.4", "The message is larger than this server takes");
    else if (bare_refused(s, d->bare_cr, d->bare_lf) && !d->overridden)
        smtp_refuse_message(s, 550, "5.5.2", "A CR or LF stood alone: lines end with CR LF");
    else
        smtp_deliver(s);
}

size_t smtp_text(struct smtp *s, const unsigned char *p, size_t n)
{
    size_t used = 0, all = n;
    if (fault(FAULT_SMTP_OBEYS_COMMANDS_IN_DATA)) {
        used = command_in_text(s, p, n);
        const unsigned char *end = used > 0 ? NULL : memchr(p, '\n', n);
        if (used > 0)
            return used;
        n = end == NULL ? n : (size_t)(end - p) + 1;
    }
    bool by_size = s->envelope.size > 0 && fault(FAULT_SMTP_SIZE_ENDS_DATA);
    if (by_size && n > s->envelope.size - s->read)
        n = (size_t)(s->envelope.size - s->read);
    bool ended = smtp_dot_feed(&s->dot, p, n, &used, &s->message);
    s->read += used;
    if (ended || (by_size && s->read == s->envelope.size))
        text_ended(s);
    else if (s->dot.too_long && fault(FAULT_SMTP_SIZE_HANGS_UP))
        conn_close(s->conn);
    return ended && fault(FAULT_SMTP_DOT_FLUSHES) ? all : used;
}

void smtp_text_cut(struct smtp *s)
{
    text_ended(s);
}

/* --- BDAT --- */

static const struct smtp_refusal too_large = {552, "5.3.4",
                                              "The message is larger than this server takes"},
                                 no_transaction = {503, "5.5.1", "MAIL and RCPT come first"},
                                 failed_before = {503, "5.5.1",
                                                  "A chunk was refused: begin anew with RSET"};

/* Digits, then perhaps LAST. */
static bool take_size(const char *arg, uint64_t *size, bool *last)
{
    size_t digits = 0;
    *size = 0;
    for (; arg[digits] >= '0' && arg[digits] <= '9'; digits++) {
        uint64_t digit = (uint64_t)(arg[digits] - '0');
        if (fault(FAULT_SMTP_BDAT_COUNT_WRAPS))
            *size &= UINT32_MAX;
        if (*size > (UINT64_MAX - digit) / 10)
            return false;
        *size = *size * 10 + digit;
    }
    if (fault(FAULT_SMTP_BDAT_COUNT_WRAPS))
        *size &= UINT32_MAX;
    *last = strcasecmp(arg + digits, " LAST") == 0;
    return (digits > 0 && (*last || arg[digits] == '\0')) || fault(FAULT_SMTP_BDAT_ANY_WORD);
}

/* CR and LF have to stand together in text that is not declared binary, as behind DATA. */
static void find_bare_ends(const struct buf *b, bool *cr, bool *lf)
{
    const unsigned char *p = b->data;
    *cr = *lf = false;
    for (size_t i = 0; i < b->len; i++) {
        *lf = *lf || (p[i] == '\n' && (i == 0 || p[i - 1] != '\r'));
        *cr = *cr || (p[i] == '\r' && (i + 1 == b->len || p[i + 1] != '\n'));
    }
}

/* Makes the text of the chunks what the policy wants; false: the refusal is written. */
static bool settle_bare_ends(struct smtp *s)
{
    const struct policy *policy = &s->conn->server->policy;
    bool cr, lf;
    bool binary = s->envelope.body == SMTP_BODY_BINARYMIME;
    if (binary && !fault(FAULT_SMTP_BINARYMIME_LINES))
        return true;
    find_bare_ends(&s->message, &cr, &lf);
    if (!binary && bare_refused(s, cr, lf)) {
        smtp_refuse_message(s, 550, "5.5.2", "A CR or LF stood alone: lines end with CR LF");
        return false;
    }
    cr = cr && policy->bare_cr == BARE_NORMALIZE;
    lf = lf && (binary || policy->bare_lf == BARE_NORMALIZE);
    if (!cr && !lf)
        return true;
    struct buf text;
    buf_init(&text, s->message.limit);
    text.budget = s->message.budget;
    if (!smtp_dot_normalize(s->message.data, s->message.len, cr, lf, &text)) {
        const struct smtp_refusal *no = text.denied ? &too_many : &too_large;
        buf_free(&text);
        smtp_refuse_message(s, no->code, no->enhanced, no->why);
        return false;
    }
    buf_free(&s->message);
    s->message = text;
    return true;
}

static void drop_nul(struct buf *b)
{
    size_t used = 0;
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] != '\0')
            b->data[used++] = b->data[i];
    b->len = used;
}

static void unstuff(struct buf *b)
{
    size_t used = 0;
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] != '.' || (i > 0 && b->data[i - 1] != '\n'))
            b->data[used++] = b->data[i];
    b->len = used;
}

static const struct smtp_refusal skipped; /* answered already */

/* What faults do in the place of an answer. */
static const struct smtp_refusal taken_again = {250, "2.0.0", "Stored once more"},
                                 no_such_word = {501, "5.5.4", "What is last?"};

static void say_so_far(struct smtp *s)
{
    size_t times = fault(FAULT_LMTP_BDAT_CHUNK_MANY) ? smtp_answers(s, &s->envelope) : 1;
    s->chunks_begun = s->used_bdat = true;
    for (size_t i = 0; i < times; i++)
        smtp_reply(s, 250, "2.0.0", "So far %zu octets", s->message.len);
}

static void chunk_ended(struct smtp *s)
{
    const struct smtp_refusal *no = s->chunk_refusal;
    s->doing = SMTP_COMMAND;
    s->scanned = 0;
    s->chunk_refusal = NULL;
    if (no == &skipped) {
        s->chunks_failed = s->envelope.open;
        buf_free(&s->message);
    } else if ((no == &too_large || no == &too_many) && s->chunk_last) {
        smtp_refuse_message(s, no->code, no->enhanced, no->why);
    } else if (no != NULL) {
        s->chunks_failed = s->envelope.open;
        buf_free(&s->message);
        if (no != &failed_before || !fault(FAULT_SMTP_BDAT_REFUSED_NO_REPLY))
            smtp_reply(s, no->code, no->enhanced, "%s", no->why);
    } else if (!s->chunk_last) {
        say_so_far(s);
    } else if (s->chunks_lost) {
        smtp_reset(s);
        smtp_reply(s, 250, "2.0.0", "Stored, more or less");
    } else if (!settle_bare_ends(s)) {
        return;
    } else if (fault(FAULT_SMTP_BDAT_LAST_NO_REPLY)) {
        smtp_reset(s);
    } else {
        if (fault(FAULT_SMTP_BDAT_UNSTUFFS))
            unstuff(&s->message);
        if (fault(FAULT_SMTP_BDAT_DROPS_NUL))
            drop_nul(&s->message);
        s->after_last = s->used_bdat = true;
        s->text_stays = false;
        smtp_deliver(s);
    }
}

void smtp_bdat(struct smtp *s, const char *arg, size_t n)
{
    (void)n;
    uint64_t size = 0;
    bool last = false;
    if (!take_size(arg, &size, &last) || (size == 0 && fault(FAULT_SMTP_BDAT_ZERO_REFUSED))) {
        smtp_reply(s, 501, "5.5.4", "BDAT takes a number of octets, and perhaps LAST");
        return;
    }
    s->chunk_left = size;
    s->chunk_last = last;
    bool nobody = s->envelope.count == 0 && !fault(FAULT_SMTP_BDAT_WITHOUT_RCPT);
    bool again = last && s->after_last && fault(FAULT_SMTP_BDAT_AFTER_LAST_TAKEN);
    bool lower = last && strstr(arg, "LAST") == NULL && fault(FAULT_SMTP_BDAT_LAST_CASE);
    s->chunk_refusal = lower                         ? &no_such_word
                       : s->chunks_failed            ? &failed_before
                       : !s->envelope.open && again  ? &taken_again
                       : !s->envelope.open || nobody ? &no_transaction
                                                     : NULL;
    if (s->chunk_refusal != NULL && fault(FAULT_SMTP_BDAT_REFUSED_CHUNK_OBEYED))
        s->chunk_left = 0;
    s->doing = SMTP_CHUNK;
    if (s->chunk_left == 0)
        chunk_ended(s);
}

void smtp_bdat_skip(struct smtp *s, const char *line)
{
    uint64_t size = 0;
    bool last = false;
    if (strncasecmp(line, "BDAT ", 5) != 0 || !take_size(line + 5, &size, &last) || size == 0)
        return;
    s->chunk_left = size;
    s->chunk_last = last;
    s->chunk_refusal = &skipped;
    s->doing = SMTP_CHUNK;
}

size_t smtp_chunk(struct smtp *s, const unsigned char *p, size_t n)
{
    size_t take = s->chunk_left < n ? (size_t)s->chunk_left : n;
    /* A refused chunk is read to its end all the same: what follows it is the next command (RFC
     * 3030, 2). */
    if (s->chunk_refusal == NULL && !s->chunks_lost && !buf_add(&s->message, p, take)) {
        s->chunks_lost = !s->message.denied && fault(FAULT_SMTP_BDAT_SIZE_NOT_ENFORCED);
        s->chunk_refusal = s->message.denied ? &too_many : s->chunks_lost ? NULL : &too_large;
    }
    s->chunk_left -= take;
    bool flushes = s->chunk_left == 0 && s->chunk_last && fault(FAULT_SMTP_BDAT_FLUSHES);
    s->to_line_end = take > 0 && p[take - 1] != '\n' && fault(FAULT_SMTP_BDAT_COUNT_TO_LINE_END);
    if (s->chunk_left == 0)
        chunk_ended(s);
    return flushes ? n : take;
}
