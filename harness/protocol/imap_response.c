/* Reads one IMAP response as its bytes arrive. RFC 9051, 9; RFC 3501, 9.
 *
 * The reader is a state machine over single bytes, so that a response cut anywhere reads the same;
 * literals are copied in one go. It knows how values are told apart, and nothing about which values
 * a response should have: that is imap_grammar.c. SPDX-License-Identifier: MIT */
#include "protocol/imap_response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/imap_code.h"
#include "protocol/imap_tree.h"
#include "protocol/memory.h"

enum state {
    AT_START,      /* "*", "+" or a tag */
    AT_STAR_SPACE, /* the space behind "*" */
    AT_PLUS_SPACE, /* the space behind "+" */
    AT_TAG,        /* rest of the tag */
    AT_NAME,       /* the response's name, or its number */
    AT_TEXT,       /* human-readable text */
    AT_TEXT_LF,    /* CR seen in it */
    AT_VALUE,      /* a value, a space, ")" or the end of the line */
    AT_LF,         /* CR seen outside of any value */
    IN_ATOM,
    IN_SECTION,        /* between the brackets of BODY[…] */
    IN_SECTION_QUOTED, /* a quoted header name there */
    IN_SECTION_ESCAPE,
    IN_QUOTED,
    IN_ESCAPE,
    IN_TILDE,    /* "~": a literal8 or a word like ~joe */
    IN_COUNT,    /* digits of "{123}" */
    AFTER_PLUS,  /* "}" after "{123+" */
    AT_COUNT_CR, /* the line end behind "}" */
    AT_COUNT_LF,
    IN_LITERAL,
    AT_END,
    AT_ERROR
};

/* What stood right before the next value. */
enum before { BEFORE_NOTHING, BEFORE_SPACE, BEFORE_VALUE, BEFORE_LIST };

struct imap_parser {
    enum state state;
    enum before before;
    struct imap_tree tree;
    size_t begin;  /* offset in raw where the word or text in work begins */
    size_t cooked; /* where the quoted string in work begins in the tree's memory */
    size_t count;  /* of a literal: what it announced */
    size_t left;   /* of a literal: what has not come yet */
    bool counted;  /* a digit of the count was seen */
    bool eight;    /* the literal is a literal8 */
    bool section;  /* the literal stands inside BODY[…] */
    size_t raw_room;
    size_t text_end; /* the text's end, without its line end */
    bool has_text;
    char *tag, *name;
};

void imap_response_init(struct imap_response *r)
{
    memset(r, 0, sizeof *r);
    r->tag = r->name = "";
    r->code.kind = r->data.kind = IMAP_LIST;
    r->text = (struct imap_value){.kind = IMAP_TEXT, .bytes = (const unsigned char *)""};
}

void imap_response_clear(struct imap_response *r)
{
    if (r->parser != NULL) {
        imap_tree_clear(&r->parser->tree);
        free(r->parser->tag);
        free(r->parser->name);
        free(r->parser);
    }
    free(r->raw);
    imap_response_init(r);
}

bool imap_value_is_string(const struct imap_value *v)
{
    return v->kind == IMAP_QUOTED || v->kind == IMAP_LITERAL || v->kind == IMAP_LITERAL8;
}

bool imap_value_is(const struct imap_value *v, const char *word)
{
    size_t n = strlen(word);
    return v->kind != IMAP_LIST && v->len == n && strncasecmp((const char *)v->bytes, word, n) == 0;
}

/* The byte that was kept last is the one that is wrong. */
static enum parse_step bad(struct imap_response *r, const char *why)
{
    r->parser->state = AT_ERROR;
    r->why = why;
    r->why_at = r->raw_len - 1;
    return PARSE_BAD;
}

static void keep(struct imap_response *r, const unsigned char *p, size_t n)
{
    r->raw = memory_grow(r->raw, &r->parser->raw_room, r->raw_len + n + 1, 1);
    memcpy(r->raw + r->raw_len, p, n);
    r->raw_len += n;
    r->raw[r->raw_len] = '\0';
}

static char *copy_word(const struct imap_response *r, size_t begin, size_t end, bool upper)
{
    char *word = memory_new(end - begin + 1);
    for (size_t i = begin; i < end; i++) {
        char c = (char)r->raw[i];
        word[i - begin] = upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    word[end - begin] = '\0';
    return word;
}

static void note_byte(struct imap_response *r, unsigned char c)
{
    if (c == '\0')
        r->nul = true;
    else if (c < 0x20 || c == 0x7f)
        r->control = true;
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* ATOM-CHAR of RFC 9051, 9, and "]", which the tag and astrings may have besides. */
static bool is_word_char(unsigned char c)
{
    return c > 0x20 && c < 0x7f && strchr("(){%*\"\\", c) == NULL;
}

/* --- the end of the line
 * ------------------------------------------------------------------------------ */

static void finish_text(struct imap_response *r)
{
    struct imap_parser *s = r->parser;
    size_t at = s->begin;
    size_t behind = imap_code_read(&s->tree, r->raw, at, s->text_end);
    if (behind != 0) {
        r->has_code = true;
        imap_tree_finish(&s->tree, r->raw, &r->code);
        at = behind;
        if (at < s->text_end && r->raw[at] == ' ')
            at++;
        else
            r->missing_space = true;
    } else if (at < s->text_end && r->raw[at] == '[') {
        r->bad_code = true;
    }
    r->text.bytes = r->raw + at;
    r->text.len = s->text_end - at;
}

static enum parse_step finish(struct imap_response *r)
{
    struct imap_parser *s = r->parser;
    if (s->has_text)
        finish_text(r);
    else
        imap_tree_finish(&s->tree, r->raw, &r->data);
    if (s->tag != NULL)
        r->tag = s->tag;
    if (s->name != NULL)
        r->name = s->name;
    s->state = AT_END;
    return PARSE_DONE;
}

static enum parse_step end_text(struct imap_response *r, size_t end_bytes)
{
    r->parser->text_end = r->raw_len - end_bytes;
    if (end_bytes == 1)
        r->bare_lf = true;
    return finish(r);
}

static void begin_text(struct imap_response *r, size_t begin)
{
    r->parser->has_text = true;
    r->parser->begin = begin;
    r->parser->state = AT_TEXT;
}

static enum parse_step at_text(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    if (c == '\n')
        return end_text(r, s->state == AT_TEXT_LF ? 2 : 1);
    if (s->state == AT_TEXT_LF)
        r->bare_cr = true;
    s->state = c == '\r' ? AT_TEXT_LF : AT_TEXT;
    if (c >= 0x80)
        r->eight_bit = true;
    if (c != '\r' && c != '\t')
        note_byte(r, c);
    return PARSE_MORE;
}

/* A status word or "+" is followed by c, which should be a space. */
static enum parse_step after_status(struct imap_response *r, unsigned char c)
{
    if (c == ' ') {
        begin_text(r, r->raw_len);
        return PARSE_MORE;
    }
    if (c != '\r' && c != '\n')
        return bad(r, "\"+\" has to be followed by a space");
    r->no_text = true;
    begin_text(r, r->raw_len - 1);
    return at_text(r, c);
}

/* --- tag and name
 * ------------------------------------------------------------------------------------- */

static enum parse_step at_start(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    s->begin = r->raw_len - 1;
    if (c == '*') {
        r->role = IMAP_UNTAGGED;
        s->state = AT_STAR_SPACE;
    } else if (c == '+') {
        r->role = IMAP_CONTINUE;
        s->state = AT_PLUS_SPACE;
    } else if (is_word_char(c)) {
        r->role = IMAP_TAGGED;
        s->state = AT_TAG;
    } else {
        return bad(r, "a response has to begin with \"*\", \"+\" or a tag");
    }
    return PARSE_MORE;
}

static enum parse_step at_tag(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    if (c == ' ') {
        s->tag = copy_word(r, s->begin, r->raw_len - 1, false);
        s->begin = r->raw_len;
        s->state = AT_NAME;
        return PARSE_MORE;
    }
    return is_word_char(c) && c != '+' ? PARSE_MORE : bad(r, "this byte cannot be part of a tag");
}

static bool is_one_of(const char *name, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(name, *words) == 0)
            return true;
    return false;
}

static enum parse_step begin_data(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    s->before = BEFORE_NOTHING;
    s->state = AT_VALUE;
    if (c == ' ')
        return PARSE_MORE;
    if (c == '\r') {
        s->state = AT_LF;
        return PARSE_MORE;
    }
    r->bare_lf = true;
    return finish(r);
}

/* The name is complete and c is the byte behind it. */
static enum parse_step after_name(struct imap_response *r, unsigned char c)
{
    static const char *const completions[] = {"OK", "NO", "BAD", NULL};
    static const char *const greetings[] = {"PREAUTH", "BYE", NULL};
    struct imap_parser *s = r->parser;
    bool completion = is_one_of(s->name, completions);
    if (r->role == IMAP_TAGGED)
        return completion ? after_status(r, c)
                          : bad(r, "a tagged response has to be OK, NO or BAD");
    if (completion || is_one_of(s->name, greetings))
        return r->has_number ? bad(r, "a status response has no number") : after_status(r, c);
    return begin_data(r, c);
}

/* "* 12 EXISTS": the first word may be a number. */
static enum parse_step take_number(struct imap_response *r, unsigned char c, size_t end)
{
    struct imap_parser *s = r->parser;
    int64_t v = 0;
    for (size_t i = s->begin; i < end; i++) {
        int digit = r->raw[i] - '0';
        if (v > (INT64_MAX - digit) / 10)
            return bad(r, "the number of a response does not fit 63 bits");
        v = v * 10 + digit;
    }
    if (c != ' ')
        return bad(r, "a number has to be followed by the name of a response");
    r->has_number = true;
    r->number = v;
    s->begin = r->raw_len;
    return PARSE_MORE;
}

static enum parse_step at_name(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    if (c != ' ' && c != '\r' && c != '\n')
        return is_word_char(c) && c != ']'
                   ? PARSE_MORE
                   : bad(r, "this byte cannot be part of a response's name");
    size_t end = r->raw_len - 1;
    if (end == s->begin)
        return bad(r, "a response has to have a name");
    bool digits = true;
    for (size_t i = s->begin; i < end; i++)
        digits = digits && is_digit(r->raw[i]);
    if (digits && r->role == IMAP_UNTAGGED)
        return r->has_number ? bad(r, "a response has one number at most") : take_number(r, c, end);
    s->name = copy_word(r, s->begin, end, true);
    return after_name(r, c);
}

/* --- values
 * ------------------------------------------------------------------------------------------- */

static enum parse_step add(struct imap_response *r, enum imap_kind kind, size_t at, size_t len)
{
    if (!imap_tree_add(&r->parser->tree, kind, r->raw, at, len))
        return bad(r, "the response has more values than the driver's limit");
    r->parser->before = BEFORE_VALUE;
    r->parser->state = AT_VALUE;
    return PARSE_MORE;
}

static void begin_count(struct imap_parser *s, bool eight, bool section)
{
    s->state = IN_COUNT;
    s->count = 0;
    s->counted = false;
    s->eight = eight;
    s->section = section;
}

static enum parse_step end_line(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    if (s->tree.depth > 0)
        return bad(r, "the line ends inside a list");
    if (c == '\r') {
        s->state = AT_LF;
        return PARSE_MORE;
    }
    r->bare_lf = true;
    return finish(r);
}

static enum parse_step begin_value(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    s->begin = r->raw_len - 1;
    switch (c) {
    case '"':
        s->state = IN_QUOTED;
        s->cooked = s->tree.cooked_len;
        return PARSE_MORE;
    case '{':
        begin_count(s, false, false);
        return PARSE_MORE;
    case '~':
        s->state = IN_TILDE;
        return PARSE_MORE;
    default:
        s->state = IN_ATOM;
        if (c >= 0x80)
            r->eight_bit = true;
        note_byte(r, c);
        return PARSE_MORE;
    }
}

static enum parse_step at_value(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    switch (c) {
    case ' ':
        if (s->before == BEFORE_NOTHING || s->before == BEFORE_SPACE)
            r->double_space = true;
        s->before = BEFORE_SPACE;
        return PARSE_MORE;
    case '\r':
    case '\n':
        if (s->before == BEFORE_NOTHING || s->before == BEFORE_SPACE)
            r->trailing_space = true;
        return end_line(r, c);
    case ')':
        if (s->before == BEFORE_SPACE)
            r->double_space = true;
        if (s->tree.depth == 0)
            return bad(r, "a list is closed that was never opened");
        if (!imap_tree_close(&s->tree))
            return bad(r, "the response has more values than the driver's limit");
        s->before = BEFORE_LIST;
        return PARSE_MORE;
    case '(': /* lists may touch each other: "((…)(…) "mixed")" */
        if (s->before == BEFORE_VALUE)
            r->missing_space = true;
        if (!imap_tree_open(&s->tree, s->before == BEFORE_SPACE))
            return bad(r, "lists are nested deeper than the driver's limit");
        s->before = BEFORE_NOTHING;
        return PARSE_MORE;
    default:
        if (s->before == BEFORE_VALUE || s->before == BEFORE_LIST)
            r->missing_space = true;
        return begin_value(r, c);
    }
}

/* The names of FETCH items are the only atoms in which brackets hold spaces and lists. */
static bool is_fetch_item_name(const struct imap_response *r)
{
    const struct imap_tree *t = &r->parser->tree;
    return strcmp(r->parser->name, "FETCH") == 0 && t->depth == 1 &&
           imap_tree_innermost(t) % 2 == 0;
}

static enum parse_step in_atom(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    switch (c) {
    case ' ':
    case '(':
    case ')':
    case '"':
    case '\r':
    case '\n': {
        enum parse_step step = add(r, IMAP_ATOM, s->begin, r->raw_len - 1 - s->begin);
        return step == PARSE_MORE ? at_value(r, c) : step;
    }
    case '{':
        return bad(r, "a word may not hold \"{\"");
    case '[':
        if (is_fetch_item_name(r))
            s->state = IN_SECTION;
        return PARSE_MORE;
    default:
        if (c >= 0x80)
            r->eight_bit = true;
        note_byte(r, c);
        return PARSE_MORE;
    }
}

static enum parse_step in_section(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    switch (c) {
    case ']':
        s->state = IN_ATOM;
        return PARSE_MORE;
    case '"':
        s->state = IN_SECTION_QUOTED;
        return PARSE_MORE;
    case '{':
        begin_count(s, false, true);
        return PARSE_MORE;
    case '\r':
    case '\n':
        return bad(r, "the line ends inside the section of a FETCH item");
    default:
        if (c >= 0x80)
            r->eight_bit = true;
        note_byte(r, c);
        return PARSE_MORE;
    }
}

static enum parse_step in_section_quoted(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    if (c == '\r' || c == '\n')
        return bad(r, "the line ends inside a quoted string");
    if (c >= 0x80)
        r->eight_bit_quoted = true;
    note_byte(r, c);
    if (s->state == IN_SECTION_ESCAPE)
        s->state = IN_SECTION_QUOTED;
    else if (c == '\\')
        s->state = IN_SECTION_ESCAPE;
    else if (c == '"')
        s->state = IN_SECTION;
    return PARSE_MORE;
}

static enum parse_step in_quoted(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    if (c == '\r' || c == '\n')
        return bad(r, "the line ends inside a quoted string");
    if (s->state == IN_ESCAPE) {
        if (c != '"' && c != '\\')
            r->bad_escape = true;
        s->state = IN_QUOTED;
    } else if (c == '\\') {
        s->state = IN_ESCAPE;
        return PARSE_MORE;
    } else if (c == '"') {
        return add(r, IMAP_QUOTED, s->cooked, s->tree.cooked_len - s->cooked);
    }
    if (c >= 0x80)
        r->eight_bit_quoted = true;
    if (c != '\t') /* TEXT-CHAR is any of CHAR but CR and LF: RFC 9051, 9 */
        note_byte(r, c);
    imap_tree_cook(&s->tree, c);
    return PARSE_MORE;
}

/* --- literals
 * ----------------------------------------------------------------------------------------- */

static enum parse_step in_count(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    if (is_digit(c)) {
        s->counted = true;
        s->count = s->count * 10 + (size_t)(c - '0');
        return s->count <= IMAP_RESPONSE_LIMIT_BYTES
                   ? PARSE_MORE
                   : bad(r, "a literal announces more bytes than the driver's limit");
    }
    if (!s->counted)
        return bad(r, "a literal has to announce its length in digits");
    if (c == '+') {
        r->literal_plus = true;
        s->state = AFTER_PLUS;
        return PARSE_MORE;
    }
    if (c != '}')
        return bad(r, "the length of a literal has to end with \"}\"");
    s->state = AT_COUNT_CR;
    return PARSE_MORE;
}

static void end_literal(struct imap_parser *s)
{
    s->state = IN_SECTION;
    s->section = false;
}

static enum parse_step after_literal(struct imap_response *r)
{
    struct imap_parser *s = r->parser;
    if (s->section) {
        end_literal(s);
        return PARSE_MORE;
    }
    return add(r, s->eight ? IMAP_LITERAL8 : IMAP_LITERAL, r->raw_len - s->count, s->count);
}

static enum parse_step begin_literal(struct imap_response *r)
{
    struct imap_parser *s = r->parser;
    if (s->count > IMAP_RESPONSE_LIMIT_BYTES - r->raw_len)
        return bad(r, "a literal makes the response longer than the driver's limit");
    s->left = s->count;
    s->state = IN_LITERAL;
    return s->left == 0 ? after_literal(r) : PARSE_MORE;
}

static enum parse_step at_count_end(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    if (c == '\n') {
        if (s->state == AT_COUNT_CR)
            r->bare_lf = true;
        return begin_literal(r);
    }
    if (c != '\r' || s->state == AT_COUNT_LF)
        return bad(r, "the length of a literal has to be followed by CR LF");
    s->state = AT_COUNT_LF;
    return PARSE_MORE;
}

static enum parse_step in_literal(struct imap_response *r, const unsigned char *p, size_t n,
                                  size_t *used)
{
    struct imap_parser *s = r->parser;
    size_t take = n - *used < s->left ? n - *used : s->left;
    if (!s->eight && memchr(p + *used, '\0', take) != NULL)
        r->nul = true;
    keep(r, p + *used, take);
    *used += take;
    s->left -= take;
    return s->left == 0 ? after_literal(r) : PARSE_MORE;
}

/* --- the machine
 * -------------------------------------------------------------------------------------- */

static enum parse_step take(struct imap_response *r, unsigned char c)
{
    struct imap_parser *s = r->parser;
    switch (s->state) {
    case AT_START:
        return at_start(r, c);
    case AT_STAR_SPACE:
        s->begin = r->raw_len;
        s->state = AT_NAME;
        return c == ' ' ? PARSE_MORE : bad(r, "\"*\" has to be followed by a space");
    case AT_PLUS_SPACE:
        return after_status(r, c);
    case AT_TAG:
        return at_tag(r, c);
    case AT_NAME:
        return at_name(r, c);
    case AT_TEXT:
    case AT_TEXT_LF:
        return at_text(r, c);
    case AT_VALUE:
        return at_value(r, c);
    case AT_LF:
        return c == '\n' ? finish(r) : bad(r, "CR has to be followed by LF");
    case IN_ATOM:
        return in_atom(r, c);
    case IN_SECTION:
        return in_section(r, c);
    case IN_SECTION_QUOTED:
    case IN_SECTION_ESCAPE:
        return in_section_quoted(r, c);
    case IN_QUOTED:
    case IN_ESCAPE:
        return in_quoted(r, c);
    case IN_TILDE:
        if (c == '{') {
            begin_count(s, true, false);
            return PARSE_MORE;
        }
        s->state = IN_ATOM;
        return in_atom(r, c);
    case IN_COUNT:
        return in_count(r, c);
    case AFTER_PLUS:
        s->state = AT_COUNT_CR;
        return c == '}' ? PARSE_MORE : bad(r, "the length of a literal has to end with \"}\"");
    case AT_COUNT_CR:
    case AT_COUNT_LF:
        return at_count_end(r, c);
    case IN_LITERAL: /* never one byte at a time */
    case AT_END:
    case AT_ERROR:
        break;
    }
    return bad(r, "the parser lost its place");
}

enum parse_step imap_response_feed(struct imap_response *r, const unsigned char *p, size_t n,
                                   size_t *used)
{
    *used = 0;
    if (r->parser == NULL) {
        r->parser = memory_new(sizeof *r->parser);
        memset(r->parser, 0, sizeof *r->parser);
    }
    if (r->parser->state == AT_END)
        return PARSE_DONE;
    if (r->parser->state == AT_ERROR)
        return PARSE_BAD;
    enum parse_step step = PARSE_MORE;
    while (*used < n && step == PARSE_MORE) {
        if (r->parser->state == IN_LITERAL) {
            step = in_literal(r, p, n, used);
            continue;
        }
        unsigned char c = p[(*used)++];
        keep(r, &c, 1);
        step = r->raw_len <= IMAP_RESPONSE_LIMIT_BYTES
                   ? take(r, c)
                   : bad(r, "the response is longer than the driver's limit");
    }
    return step;
}
