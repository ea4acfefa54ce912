/* SPDX-License-Identifier: MIT */
#include "imap/grammar/args.h"

#include <string.h>
#include <strings.h>

#include "imap/grammar/utf7.h"
#include "store/store.h"

void args_init(struct args *a, struct lexer *lx, struct arena *arena)
{
    *a = (struct args){.lexer = lx, .arena = arena, .end = lx->text.len};
    if (a->end >= 2) {
        a->end -= 2; /* the CR LF of the last line */
    }
}

bool args_bad(struct args *a, const char *why)
{
    if (a->state == ARGS_FINE) {
        a->state = ARGS_BAD;
        a->why = why;
    }
    return false;
}

int args_peek(const struct args *a)
{
    return a->state == ARGS_FINE && a->at < a->end ? a->lexer->text.data[a->at] : -1;
}

bool args_maybe(struct args *a, char c)
{
    if (args_peek(a) != (unsigned char)c) {
        return false;
    }
    a->at++;
    return true;
}

bool args_char(struct args *a, char c)
{
    if (args_maybe(a, c)) {
        return true;
    }
    switch (c) {
    case ' ':
        return args_bad(a, args_peek(a) < 0 ? "Arguments are missing" : "Expected one space here");
    case '(':
        return args_bad(a, "Expected an opening parenthesis");
    case ')':
        return args_bad(a, "Expected a closing parenthesis");
    default:
        return args_bad(a, "Another character was expected here");
    }
}

bool args_sp(struct args *a)
{
    return args_char(a, ' ');
}

bool args_end(struct args *a)
{
    if (a->state != ARGS_FINE) {
        return false;
    }
    return a->at == a->end || args_bad(a, "There is more behind the last argument");
}

/* ATOM-CHAR; the specials are ( ) { SP CTL % * " \ ] */
static bool atom_char(int c)
{
    return c > 0x20 && c < 0x7f && strchr("(){%*\"\\]", c) == NULL;
}

static bool astring_char(int c)
{
    return atom_char(c) || c == ']';
}

static bool list_char(int c)
{
    return astring_char(c) || c == '%' || c == '*';
}

static bool tag_char(int c)
{
    return astring_char(c) && c != '+';
}

static bool word_char(int c)
{
    return atom_char(c) && c != '[';
}

static bool run(struct args *a, bool (*in)(int c), struct str *out, const char *why)
{
    size_t from = a->at;
    while (in(args_peek(a))) {
        a->at++;
    }
    if (a->at == from) {
        return args_bad(a, args_peek(a) < 0 ? "Arguments are missing" : why);
    }
    out->n = a->at - from;
    out->p = arena_copy(a->arena, a->lexer->text.data + from, out->n);
    return true;
}

bool args_tag(struct args *a, struct str *out)
{
    return run(a, tag_char, out, "This is no tag");
}

bool args_atom(struct args *a, struct str *out)
{
    return run(a, atom_char, out, "Expected an atom");
}

bool args_word(struct args *a, struct str *out)
{
    return run(a, word_char, out, "Expected a name");
}

bool args_literal(struct args *a, struct literal **out)
{
    if (args_peek(a) == '~') {
        a->at++;
        if (args_peek(a) != '{') {
            return args_bad(a, "Expected a literal");
        }
    }
    if (args_peek(a) != '{') {
        return args_bad(a, "Expected a literal");
    }
    const unsigned char *text = a->lexer->text.data;
    size_t i = a->at + 1;
    while (i < a->lexer->text.len && text[i] >= '0' && text[i] <= '9') {
        i++;
    }
    i += i < a->lexer->text.len && text[i] == '+';
    if (a->literal >= a->lexer->literal_count ||
        i + 3 != a->lexer->literals[a->literal].at) { /* "}" CR LF */
        return args_bad(a, "A literal is {, a number, } and the end of the line");
    }
    struct literal *l = &a->lexer->literals[a->literal++];
    a->at = l->at;
    *out = l;
    if (l->dropped) {
        return args_bad(a, "The literal is too large");
    }
    if (a->literal == a->lexer->literal_count &&
        (a->lexer->state == LEXER_AT_LITERAL || a->lexer->state == LEXER_IN_LITERAL)) {
        a->state = ARGS_PENDING;
        return false;
    }
    return true;
}

static bool quoted(struct args *a, struct str *out)
{
    const unsigned char *text = a->lexer->text.data;
    size_t i = a->at + 1, close = i;
    while (close < a->end && text[close] != '"') {
        close += text[close] == '\\' ? 2 : 1;
    }
    if (close >= a->end) {
        return args_bad(a, "The closing quote is missing");
    }
    out->p = arena_alloc(a->arena, close - i + 1);
    out->n = 0;
    for (; i < close; i++) {
        if (text[i] == '\\') {
            i++;
            if (text[i] != '"' && text[i] != '\\') {
                return args_bad(a, "A backslash quotes only a quote or a backslash");
            }
        } else if (text[i] == '\0' || text[i] == '\r' || text[i] == '\n') {
            return args_bad(a, "NUL, CR and LF cannot stand in a quoted string");
        } else if (text[i] >= 0x80 && !a->utf8) {
            return args_bad(a, "An 8-bit octet cannot stand in a quoted string");
        }
        out->p[out->n++] = (char)text[i];
    }
    if (a->utf8 && !utf8_valid(out->p, out->n)) {
        return args_bad(a, "The quoted string is not UTF-8");
    }
    a->at = close + 1;
    return true;
}

bool args_string(struct args *a, struct str *out)
{
    if (args_peek(a) == '"') {
        return quoted(a, out);
    }
    struct literal *l;
    if (args_peek(a) == '~') {
        return args_bad(a, "A literal8 has no place here");
    }
    if (args_peek(a) != '{') {
        return args_bad(a, args_peek(a) < 0 ? "Arguments are missing" : "Expected a string");
    }
    if (!args_literal(a, &l)) {
        return false;
    }
    if (l->len > 0 && memchr(l->data, '\0', l->len) != NULL) {
        return args_bad(a, "NUL cannot stand in a literal");
    }
    out->n = l->len;
    out->p = arena_copy(a->arena, l->data, l->len);
    return true;
}

static bool is_string(const struct args *a)
{
    int c = args_peek(a);
    return c == '"' || c == '{';
}

bool args_astring(struct args *a, struct str *out)
{
    return is_string(a) ? args_string(a, out) : run(a, astring_char, out, "Expected a string");
}

bool args_list_mailbox(struct args *a, struct str *out)
{
    return is_string(a) ? args_string(a, out) : run(a, list_char, out, "Expected a pattern");
}

bool args_nstring(struct args *a, struct str *out)
{
    if (is_string(a)) {
        return args_string(a, out);
    }
    struct str nil;
    if (!args_atom(a, &nil) || !str_is(&nil, "NIL")) {
        return args_bad(a, "Expected a string or NIL");
    }
    *out = (struct str){NULL, 0};
    return true;
}

bool args_number(struct args *a, uint32_t *out)
{
    uint64_t n = 0;
    size_t from = a->at;
    for (int c; (c = args_peek(a)) >= '0' && c <= '9'; a->at++) {
        n = n * 10 + (uint64_t)(c - '0');
        if (n > UINT32_MAX) {
            return args_bad(a, "The number is too large");
        }
    }
    if (a->at == from) {
        return args_bad(a, "Expected a number");
    }
    *out = (uint32_t)n;
    return a->state == ARGS_FINE;
}

bool args_nznumber(struct args *a, uint32_t *out)
{
    if (args_peek(a) == '0') {
        return args_bad(a, "A number here begins with 1 to 9");
    }
    return args_number(a, out);
}

static bool seq_number(struct args *a, uint32_t *out)
{
    if (args_maybe(a, '*')) {
        *out = 0;
        return true;
    }
    return args_nznumber(a, out);
}

bool args_seqset(struct args *a, struct seqset *out)
{
    uint32_t first, last;
    *out = (struct seqset){0};
    if (args_maybe(a, '$')) {
        out->saved = true;
        return true;
    }
    do {
        if (!seq_number(a, &first)) {
            return false;
        }
        last = first;
        if (args_maybe(a, ':') && !seq_number(a, &last)) {
            return false;
        }
        seqset_add(out, a->arena, first, last);
    } while (args_maybe(a, ','));
    return a->state == ARGS_FINE;
}

/* --- dates --- */

static bool two_digits(struct args *a, int *out)
{
    int value = 0;
    for (int i = 0; i < 2; i++) {
        int c = args_peek(a);
        if (c < '0' || c > '9') {
            return args_bad(a, "Expected two digits in the date");
        }
        value = value * 10 + c - '0';
        a->at++;
    }
    *out = value;
    return true;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t day_number(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* "-Jul-1996" behind a day. */
static bool month_year(struct args *a, int day, int64_t *out)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int month = 0, century = 0, years = 0;
    if (!args_char(a, '-') || a->end - a->at < 3) {
        return args_bad(a, "Expected a month");
    }
    for (int m = 0; m < 12; m++) {
        if (strncasecmp((const char *)a->lexer->text.data + a->at, months + 3 * m, 3) == 0) {
            month = m + 1;
        }
    }
    if (month == 0) {
        return args_bad(a, "Expected a month, Jan to Dec");
    }
    a->at += 3;
    if (!args_char(a, '-') || !two_digits(a, &century) || !two_digits(a, &years)) {
        return false;
    }
    int year = century * 100 + years;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day < 1 || day > days[month - 1] + (month == 2 && leap)) {
        return args_bad(a, "There is no such day");
    }
    *out = day_number(year, month, day);
    return true;
}

bool args_date(struct args *a, int64_t *day)
{
    bool in_quotes = args_maybe(a, '"');
    int d = 0, c = args_peek(a);
    if (c < '0' || c > '9') {
        return args_bad(a, "Expected a date");
    }
    d = c - '0';
    a->at++;
    if ((c = args_peek(a)) >= '0' && c <= '9') {
        d = d * 10 + c - '0';
        a->at++;
    }
    return month_year(a, d, day) && (!in_quotes || args_char(a, '"'));
}

bool args_date_time(struct args *a, int64_t *seconds, int *zone_minutes)
{
    int day = 0, hour, minute, second, zone_hours, zone_rest;
    int64_t days;
    if (!args_char(a, '"')) {
        return false;
    }
    if (args_maybe(a, ' ')) {
        int c = args_peek(a);
        if (c < '0' || c > '9') {
            return args_bad(a, "Expected a day");
        }
        day = c - '0';
        a->at++;
    } else if (!two_digits(a, &day)) {
        return false;
    }
    if (!month_year(a, day, &days) || !args_char(a, ' ') || !two_digits(a, &hour) ||
        !args_char(a, ':') || !two_digits(a, &minute) || !args_char(a, ':') ||
        !two_digits(a, &second) || !args_char(a, ' ')) {
        return false;
    }
    int sign = args_maybe(a, '-') ? -1 : args_maybe(a, '+') ? 1 : 0;
    if (sign == 0) {
        return args_bad(a, "Expected + or - before the time zone");
    }
    if (!two_digits(a, &zone_hours) || !two_digits(a, &zone_rest) || !args_char(a, '"')) {
        return false;
    }
    if (hour > 23 || minute > 59 || second > 60 || zone_hours > 23 || zone_rest > 59) {
        return args_bad(a, "There is no such time");
    }
    *zone_minutes = sign * (zone_hours * 60 + zone_rest);
    *seconds = ((days * 24 + hour) * 60 + minute - *zone_minutes) * 60 + second;
    return true;
}

/* --- flags --- */

#define MOST_KEYWORDS 64

static const struct {
    const char *name;
    uint64_t bit;
} system_flags[] = {
    {"Seen", FLAG_SEEN},       {"Answered", FLAG_ANSWERED}, {"Flagged", FLAG_FLAGGED},
    {"Deleted", FLAG_DELETED}, {"Draft", FLAG_DRAFT},       {"Recent", FLAG_RECENT},
};

bool args_flag(struct args *a, struct flag_list *out)
{
    bool system = args_maybe(a, '\\');
    struct str name;
    if (!args_atom(a, &name)) {
        return false;
    }
    if (system) {
        for (size_t i = 0; i < sizeof system_flags / sizeof *system_flags; i++) {
            if (str_is(&name, system_flags[i].name)) {
                out->flags |= system_flags[i].bit;
                return true;
            }
        }
        return true; /* a flag-extension; it is not in PERMANENTFLAGS, so it is ignored (RFC
                        3501, 7.1) */
    }
    for (size_t i = 0; i < out->keyword_count; i++) {
        if (strcasecmp(out->keywords[i], name.p) == 0) {
            return true;
        }
    }
    if (out->keyword_count == MOST_KEYWORDS) {
        return args_bad(a, "There are too many keywords");
    }
    out->keywords = arena_grow(a->arena, out->keywords, out->keyword_count * sizeof(char *),
                               (out->keyword_count + 2) * sizeof(char *));
    out->keywords[out->keyword_count++] = name.p;
    return true;
}

bool args_flag_list(struct args *a, struct flag_list *out)
{
    if (!args_char(a, '(')) {
        return false;
    }
    if (args_maybe(a, ')')) {
        return true;
    }
    do {
        if (!args_flag(a, out)) {
            return false;
        }
    } while (args_maybe(a, ' '));
    return args_char(a, ')');
}

bool str_is(const struct str *s, const char *word)
{
    return s->p != NULL && strlen(word) == s->n && strncasecmp(s->p, word, s->n) == 0;
}
