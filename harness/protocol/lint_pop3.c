/* Holds POP3 responses to the rules of lint.def. RFC 1939, 3 to 7; RFC 2449, 3 to 8; RFC 5034, 4.
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "protocol/lint.h"
#include "protocol/lint_rules.h"

static size_t count_digits(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n && p[i] >= '0' && p[i] <= '9')
        i++;
    return i;
}

/* "number SP number", and then the end or, as RFC 1939 leaves open, a space and more. */
static bool is_two_numbers(const char *p, size_t n)
{
    size_t first = count_digits(p, n);
    if (first == 0 || first == n || p[first] != ' ')
        return false;
    size_t second = count_digits(p + first + 1, n - first - 1), end = first + 1 + second;
    return second > 0 && (end == n || p[end] == ' ');
}

static bool is_number_and_id(const char *p, size_t n)
{
    size_t digits = count_digits(p, n);
    if (digits == 0 || digits == n || p[digits] != ' ')
        return false;
    size_t id = n - digits - 1;
    for (size_t i = digits + 1; i < n; i++)
        if (p[i] <= ' ' || p[i] >= 0x7f)
            return false;
    return id >= 1 && id <= 70;
}

/* RFC 2449, 3: capa-tag *(SP param) */
static bool is_capability(const char *p, size_t n)
{
    bool tag = true, word = false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == ' ') {
            if (!word)
                return false;
            tag = word = false;
        } else if (p[i] < ' ' || (tag && p[i] == '.')) {
            return false;
        } else {
            word = true;
        }
    }
    return word;
}

/* RFC 2449, 3: "[" resp-level *("/" resp-level) "]" */
static bool is_resp_code(const char *p, size_t n)
{
    bool level = false;
    for (size_t i = 1; i < n; i++) {
        if (p[i] == ']')
            return level;
        if (p[i] == '/') {
            if (!level)
                return false;
            level = false;
        } else if (p[i] <= ' ' || p[i] >= 0x7f) {
            return false;
        } else {
            level = true;
        }
    }
    return false;
}

/* Judges each line of the body by is_good; words say what a line should have been. */
static void judge_lines(const struct lint_case *c, enum lint_id id, const struct pop3_reply *r,
                        bool (*is_good)(const char *, size_t), const char *words)
{
    const char *p = (const char *)r->body, *end = p != NULL ? p + r->body_len : NULL;
    while (p != end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p)), *stop = lf != NULL ? lf : end;
        size_t n = (size_t)(stop - p);
        if (n > 0 && p[n - 1] == '\r')
            n--;
        if (!is_good(p, n)) {
            lint_broken(c, id, "the line \"%.*s\" is %s", (int)(n < 80 ? n : 80), p, words);
            return;
        }
        p = lf != NULL ? lf + 1 : end;
    }
    lint_judge(c, id, NULL);
}

static bool lists_capability(const struct pop3_reply *r, const char *tag)
{
    size_t n = strlen(tag);
    const char *p = (const char *)r->body, *end = p != NULL ? p + r->body_len : NULL;
    while (p != end) {
        size_t left = (size_t)(end - p);
        if (left > n && strncasecmp(p, tag, n) == 0 &&
            (p[n] == '\r' || p[n] == '\n' || p[n] == ' '))
            return true;
        const char *lf = memchr(p, '\n', left);
        p = lf != NULL ? lf + 1 : end;
    }
    return false;
}

static void judge_first_line(const struct lint_case *c, const struct lint_memory *m,
                             const struct pop3_reply *r)
{
    lint_judge(c, LINT_POP3_CRLF, r->bare_lf ? "the first line ends with LF alone" : NULL);
    lint_judge(c, LINT_POP3_STATUS_CASE,
               r->lower_case_status ? "the status has small letters" : NULL);
    /* A challenge is as long as its mechanism makes it (RFC 5034, 4). */
    lint_judge(c, LINT_POP3_LINE_LENGTH,
               r->long_first_line && r->status != POP3_CONTINUE
                   ? "the first line has more than 512 octets"
                   : NULL);
    lint_judge(c, LINT_POP3_SEPARATOR,
               r->no_space_before_text ? "no space follows the status" : NULL);
    const char *why = NULL;
    for (size_t i = 0; i < r->text_len && why == NULL; i++) {
        unsigned char b = (unsigned char)r->text[i];
        if ((b < 0x20 && b != '\t') || b == 0x7f)
            why = "the text of the first line holds a control character";
        else if (b >= 0x80 && !m->pop3_utf8)
            why = "the text of the first line holds an octet above 127";
    }
    lint_judge(c, LINT_POP3_TEXT, why);
    if (m->pop3_resp_codes && r->text_len > 0 && r->text[0] == '[' && r->status != POP3_CONTINUE)
        lint_judge(c, LINT_POP3_RESP_CODE,
                   is_resp_code(r->text, r->text_len)
                       ? NULL
                       : "the text begins with \"[\" and no response code follows");
}

static void judge_challenge(const struct lint_case *c, const struct pop3_reply *r)
{
    lint_judge(c, LINT_POP3_CHALLENGE,
               lint_is_base64(r->text, r->text_len) ? NULL
                                                    : "what follows the plus sign is no base64");
    if (r->text_len == 0)
        lint_judge(c, LINT_POP3_CHALLENGE_SPACE,
                   r->raw_len > 1 && r->raw[1] == ' ' ? NULL
                                                      : "the plus sign is followed by no space");
}

static void judge_body(const struct lint_case *c, struct lint_memory *m, const struct pop3_reply *r)
{
    lint_judge(c, LINT_POP3_BODY_CRLF,
               r->body_bare_lf || r->lf_ends ? "a line of the response ends with LF alone" : NULL);
    lint_judge(c, LINT_POP3_STUFFING,
               r->unstuffed_dot ? "a line begins with a dot that is not doubled" : NULL);
    if (lint_command_is(c->command, "CAPA")) {
        judge_lines(c, LINT_POP3_CAPA, r, is_capability, "no tag with parameters");
        m->pop3_resp_codes = lists_capability(r, "RESP-CODES");
    } else if (lint_command_is(c->command, "LIST")) {
        judge_lines(c, LINT_POP3_LIST, r, is_two_numbers, "no message number and size");
    } else if (lint_command_is(c->command, "UIDL")) {
        judge_lines(c, LINT_POP3_UIDL, r, is_number_and_id, "no message number and unique-id");
    }
}

void lint_pop3(struct lint_memory *m, const struct pop3_reply *r, bool greeting,
               const char *command, lint_found *found, void *arg)
{
    const struct lint_case c = {found, arg, command};
    (void)greeting;
    if (lint_command_is(command, "UTF8") || lint_command_is(command, "LANG"))
        m->pop3_utf8 = true;
    judge_first_line(&c, m, r);
    if (r->status == POP3_CONTINUE && lint_command_is(command, "AUTH"))
        judge_challenge(&c, r);
    if (r->status != POP3_OK)
        return;
    if (r->multiline)
        judge_body(&c, m, r);
    else if (lint_command_is(command, "STAT"))
        lint_judge(&c, LINT_POP3_STAT,
                   is_two_numbers(r->text, r->text_len) ? NULL
                                                        : "the answer to STAT is not two numbers");
}
