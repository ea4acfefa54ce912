/* Holds SMTP and LMTP replies to the rules of lint.def. RFC 5321, 4.2; RFC 2034; RFC 4954, 4.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/lint.h"
#include "protocol/lint_rules.h"

struct text {
    const char *p;
    size_t n;
};

static struct text line_text(const struct smtp_reply *r, size_t i)
{
    return (struct text){(const char *)r->raw + r->lines[i].start, r->lines[i].len};
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_printable(char c)
{
    return c > ' ' && c < 0x7f;
}

/* The first word of t; *t is what follows behind one space. */
static struct text next_word(struct text *t)
{
    struct text word = {t->p, 0};
    while (word.n < t->n && t->p[word.n] != ' ')
        word.n++;
    size_t used = word.n < t->n ? word.n + 1 : word.n;
    t->p += used;
    t->n -= used;
    return word;
}

/* Domain or address-literal of RFC 5321, 4.1.2. */
static bool is_host(struct text t)
{
    if (t.n > 2 && t.p[0] == '[' && t.p[t.n - 1] == ']') {
        for (size_t i = 1; i + 1 < t.n; i++)
            if (!is_printable(t.p[i]) || strchr("[]\\", t.p[i]) != NULL)
                return false;
        return true;
    }
    bool label = false; /* the label in work has a letter or digit as its newest character */
    for (size_t i = 0; i < t.n; i++) {
        if (is_letter_or_digit(t.p[i])) {
            label = true;
        } else if (t.p[i] == '.') {
            if (!label)
                return false;
            label = false;
        } else if (t.p[i] != '-' || i == 0 || t.p[i - 1] == '.') {
            return false;
        } else {
            label = false;
        }
    }
    return label;
}

/* The code proper: RFC 5321, 4.2 and 4.3.2. */
static void judge_form(const struct lint_case *c, const struct smtp_reply *r, bool utf8)
{
    int first = r->code / 100, second = r->code / 10 % 10;
    if (first >= 2 && first <= 5)
        lint_judge(c, LINT_SMTP_CODE_RANGE, NULL);
    else
        lint_broken(c, LINT_SMTP_CODE_RANGE, "the reply code is %03d", r->code);
    if (second <= 5)
        lint_judge(c, LINT_SMTP_CODE_SECOND_DIGIT, NULL);
    else
        lint_broken(c, LINT_SMTP_CODE_SECOND_DIGIT, "the reply code is %03d", r->code);
    if (r->line_count > 1)
        lint_judge(c, LINT_SMTP_SAME_CODE,
                   r->codes_differ ? "the lines of one reply bear different codes" : NULL);
    lint_judge(c, LINT_SMTP_CRLF,
               r->bare_lf   ? "a line of the reply ends with LF alone"
               : r->bare_cr ? "a CR without LF stands in the reply"
                            : NULL);
    lint_judge(c, LINT_SMTP_TEXT,
               r->nul                  ? "the text of the reply holds a NUL"
               : r->control            ? "the text of the reply holds a control character"
               : r->eight_bit && !utf8 ? "the text of the reply holds an octet above 127"
                                       : NULL);
    /* A challenge is as long as its mechanism makes it (RFC 4954, 4). */
    lint_judge(c, LINT_SMTP_LINE_LENGTH,
               r->long_line && r->code != 334 ? "a line of the reply has more than 512 octets"
                                              : NULL);
    lint_judge(c, LINT_SMTP_SEPARATOR,
               r->no_space_before_text ? "neither a space nor a hyphen follows the reply code"
                                       : NULL);
}

static void judge_host(const struct lint_case *c, enum lint_id id, const struct smtp_reply *r)
{
    struct text t = line_text(r, 0), host = next_word(&t);
    if (is_host(host))
        lint_judge(c, id, NULL);
    else
        lint_broken(c, id, "the first word is \"%.*s\", which is no domain name",
                    (int)(host.n < 80 ? host.n : 80), host.p);
}

static bool is_keyword_line(struct text t)
{
    struct text word = next_word(&t);
    if (word.n == 0 || !is_letter_or_digit(word.p[0]))
        return false;
    for (size_t i = 1; i < word.n; i++)
        if (!is_letter_or_digit(word.p[i]) && word.p[i] != '-')
            return false;
    if (t.p == word.p + word.n)
        return true; /* no space, hence no parameters */
    for (;;) {
        word = next_word(&t);
        if (word.n == 0)
            return false;
        for (size_t i = 0; i < word.n; i++)
            if (!is_printable(word.p[i]))
                return false;
        if (t.p == word.p + word.n)
            return true;
    }
}

/* RFC 4422, 3.1 */
static bool is_mechanism(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if (!(t.p[i] >= 'A' && t.p[i] <= 'Z') && !(t.p[i] >= '0' && t.p[i] <= '9') &&
            t.p[i] != '-' && t.p[i] != '_')
            return false;
    return t.n >= 1 && t.n <= 20;
}

static bool is_word(struct text t, const char *word)
{
    return t.n == strlen(word) && strncasecmp(t.p, word, t.n) == 0;
}

static void judge_mechanisms(const struct lint_case *c, struct text t)
{
    while (t.n > 0) {
        struct text word = next_word(&t);
        if (word.n > 0 && !is_mechanism(word)) { /* two spaces are the matter of another rule */
            lint_broken(c, LINT_SMTP_EHLO_MECHANISMS, "\"%.*s\" is no name of a SASL mechanism",
                        (int)(word.n < 80 ? word.n : 80), word.p);
            return;
        }
    }
    lint_judge(c, LINT_SMTP_EHLO_MECHANISMS, NULL);
}

static void judge_ehlo(const struct lint_case *c, struct lint_memory *m, const struct smtp_reply *r)
{
    judge_host(c, LINT_SMTP_EHLO_DOMAIN, r);
    m->smtp_enhanced = false;
    const struct smtp_line *wrong = NULL;
    for (size_t i = 1; i < r->line_count; i++) {
        struct text t = line_text(r, i);
        if (!is_keyword_line(t) && wrong == NULL)
            wrong = &r->lines[i];
        struct text keyword = next_word(&t);
        if (is_word(keyword, "ENHANCEDSTATUSCODES"))
            m->smtp_enhanced = true;
        if (is_word(keyword, "AUTH"))
            judge_mechanisms(c, t);
    }
    if (wrong != NULL)
        lint_broken(c, LINT_SMTP_EHLO_KEYWORD, "the line \"%.*s\" is no keyword with parameters",
                    (int)(wrong->len < 80 ? wrong->len : 80), (const char *)r->raw + wrong->start);
    else if (r->line_count > 1)
        lint_judge(c, LINT_SMTP_EHLO_KEYWORD, NULL);
}

static void judge_challenge(const struct lint_case *c, const struct smtp_reply *r)
{
    struct text t = line_text(r, 0);
    lint_judge(c, LINT_SMTP_CHALLENGE,
               r->line_count > 1           ? "the challenge has several lines"
               : !lint_is_base64(t.p, t.n) ? "what follows 334 is no base64"
                                           : NULL);
    if (t.n == 0)
        lint_judge(c, LINT_SMTP_CHALLENGE_SPACE,
                   r->raw[r->lines[0].start - 1] == ' ' ? NULL : "334 is followed by no space");
}

static void judge_enhanced(const struct lint_case *c, const struct smtp_reply *r)
{
    char code[16], first[16] = "";
    bool differ = false, other_class = false;
    for (size_t i = 0; i < r->line_count; i++) {
        if (!smtp_reply_line_enhanced(r, i, code)) {
            lint_broken(c, LINT_SMTP_ENHANCED, "line %zu of the reply has no enhanced status code",
                        i + 1);
            return;
        }
        if (first[0] == '\0')
            snprintf(first, sizeof first, "%s", code);
        differ = differ || strcmp(first, code) != 0;
        other_class = other_class || code[0] - '0' != r->code / 100;
    }
    lint_judge(c, LINT_SMTP_ENHANCED, NULL);
    if (other_class)
        lint_broken(c, LINT_SMTP_ENHANCED_CLASS, "the reply is %03d with %s", r->code, first);
    else
        lint_judge(c, LINT_SMTP_ENHANCED_CLASS, NULL);
    if (r->line_count > 1)
        lint_judge(c, LINT_SMTP_ENHANCED_SAME,
                   differ ? "the lines of one reply bear different enhanced status codes" : NULL);
}

/* RFC 2034, 4: not in the greeting (XCLIENT brings a new one) nor in what answers EHLO, HELO and
 * LHLO. */
static bool wants_enhanced(const struct lint_memory *m, const struct smtp_reply *r, bool greeting,
                           const char *command)
{
    int first = r->code / 100;
    return m->smtp_enhanced && !greeting && command != NULL &&
           (first == 2 || first == 4 || first == 5) && !lint_command_is(command, "EHLO") &&
           !lint_command_is(command, "HELO") && !lint_command_is(command, "LHLO") &&
           !lint_command_is(command, "XCLIENT");
}

void lint_smtp(struct lint_memory *m, const struct smtp_reply *r, bool greeting,
               const char *command, lint_found *found, void *arg)
{
    const struct lint_case c = {found, arg, command};
    if (r->line_count == 0)
        return;
    if (lint_command_has(command, "SMTPUTF8"))
        m->smtp_utf8 = true;
    judge_form(&c, r, m->smtp_utf8);
    if (greeting && r->code == 220)
        judge_host(&c, LINT_SMTP_GREETING_HOST, r);
    if ((lint_command_is(command, "EHLO") || lint_command_is(command, "LHLO")) && r->code == 250)
        judge_ehlo(&c, m, r);
    if (r->code == 334 && lint_command_is(command, "AUTH"))
        judge_challenge(&c, r);
    if (wants_enhanced(m, r, greeting, command))
        judge_enhanced(&c, r);
}
