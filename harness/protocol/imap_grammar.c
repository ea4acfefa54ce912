/* The shapes of the responses and items of RFC 3501, 9 and RFC 9051, 9, each as one function.
 * SPDX-License-Identifier: MIT */
#include "protocol/imap_grammar.h"

#include <string.h>

#define UINT32 INT64_C(4294967295)

bool imap_is_nstring(const struct imap_value *v)
{
    return v->kind == IMAP_NIL || imap_value_is_string(v);
}

bool imap_is_astring(const struct imap_value *v)
{
    return v->kind == IMAP_ATOM || v->kind == IMAP_NUMBER || v->kind == IMAP_NIL ||
           imap_value_is_string(v);
}

bool imap_is_number(const struct imap_value *v, int64_t low, int64_t high)
{
    return v->kind == IMAP_NUMBER && v->number >= low && v->number <= high;
}

/* --- sets
 * --------------------------------------------------------------------------------------------- */

/* A number from 1 to 2^32 - 1 at *at; 0 when there is none. */
static int64_t take_number(const unsigned char *p, size_t n, size_t *at)
{
    int64_t v = 0;
    size_t begin = *at;
    for (; *at < n && p[*at] >= '0' && p[*at] <= '9'; (*at)++) {
        v = v * 10 + (p[*at] - '0');
        if (v > UINT32)
            return 0;
    }
    return p[begin] == '0' ? 0 : v;
}

int64_t imap_set_size(const struct imap_value *v)
{
    if ((v->kind != IMAP_ATOM && v->kind != IMAP_NUMBER) || v->len == 0)
        return -1;
    int64_t size = 0;
    for (size_t at = 0; at < v->len; at++) {
        int64_t low = take_number(v->bytes, v->len, &at), high = low;
        if (low != 0 && at < v->len && v->bytes[at] == ':') {
            at++;
            high = at < v->len ? take_number(v->bytes, v->len, &at) : 0;
        }
        if (low == 0 || high == 0)
            return -1;
        size += (high > low ? high - low : low - high) + 1;
        if (at == v->len)
            return size;
        if (v->bytes[at] != ',')
            return -1;
    }
    return -1; /* it ends with a comma */
}

/* --- ENVELOPE
 * ----------------------------------------------------------------------------------------- */

static const char *address_list(const struct imap_value *v, enum imap_envelope_part *part)
{
    if (v->kind == IMAP_NIL)
        return NULL;
    *part = IMAP_ENVELOPE_MEMBERS;
    if (v->kind != IMAP_LIST)
        return "a list of addresses in ENVELOPE is neither a list nor NIL";
    *part = IMAP_ENVELOPE_EMPTY;
    if (v->count == 0)
        return "an empty list stands for no addresses in ENVELOPE";
    *part = IMAP_ENVELOPE_ADDRESS;
    for (size_t i = 0; i < v->count; i++) {
        const struct imap_value *a = &v->items[i];
        if (a->kind != IMAP_LIST || a->count != 4)
            return "an address in ENVELOPE does not have four members";
        if (a->spaced && i > 0)
            return "a space stands between the addresses of a list in ENVELOPE";
        for (size_t k = 0; k < 4; k++)
            if (!imap_is_nstring(&a->items[k]))
                return "a member of an address in ENVELOPE is neither a string nor NIL";
    }
    return NULL;
}

const char *imap_grammar_envelope(const struct imap_value *v, enum imap_envelope_part *part)
{
    *part = IMAP_ENVELOPE_MEMBERS;
    if (v->kind != IMAP_LIST || v->count != 10)
        return "ENVELOPE does not have ten members";
    static const size_t strings[] = {0, 1, 8, 9};
    for (size_t i = 0; i < 4; i++)
        if (!imap_is_nstring(&v->items[strings[i]]))
            return "date, subject, in-reply-to or message-id of ENVELOPE is neither a string nor "
                   "NIL";
    for (size_t i = 2; i < 8; i++) {
        const char *why = address_list(&v->items[i], part);
        if (why != NULL)
            return why;
    }
    return NULL;
}

/* --- BODY and BODYSTRUCTURE
 * --------------------------------------------------------------------------- */

/* body-fld-param: NIL or pairs of strings */
static bool is_parameters(const struct imap_value *v)
{
    if (v->kind == IMAP_NIL)
        return true;
    if (v->kind != IMAP_LIST || v->count == 0 || v->count % 2 != 0)
        return false;
    for (size_t i = 0; i < v->count; i++)
        if (!imap_value_is_string(&v->items[i]))
            return false;
    return true;
}

static bool is_disposition(const struct imap_value *v)
{
    return v->kind == IMAP_NIL ||
           (v->kind == IMAP_LIST && v->count == 2 && imap_value_is_string(&v->items[0]) &&
            is_parameters(&v->items[1]));
}

static bool is_language(const struct imap_value *v)
{
    if (v->kind != IMAP_LIST)
        return imap_is_nstring(v);
    for (size_t i = 0; i < v->count; i++)
        if (!imap_value_is_string(&v->items[i]))
            return false;
    return v->count > 0;
}

/* The fields from `at` on: the first is MD5 or, of a multipart, its parameters. */
static const char *extension_fields(const struct imap_value *v, size_t at, bool multipart)
{
    if (v->count > at) {
        const struct imap_value *first = &v->items[at];
        if (multipart ? !is_parameters(first) : !imap_is_nstring(first))
            return multipart ? "the first extension field of a multipart is not its parameters"
                             : "the first extension field of a part is not its MD5";
    }
    if (v->count > at + 1 && !is_disposition(&v->items[at + 1]))
        return "the second extension field of a part is not its disposition";
    if (v->count > at + 2 && !is_language(&v->items[at + 2]))
        return "the third extension field of a part is not its language";
    if (v->count > at + 3 && !imap_is_nstring(&v->items[at + 3]))
        return "the fourth extension field of a part is not its location";
    if (v->count > at + 4)
        return "something follows the location of a part";
    return NULL;
}

static const char *after_fixed(const struct imap_value *v, size_t at, bool multipart, bool extended,
                               enum imap_part *part)
{
    *part = IMAP_PART_EXTENSION;
    if (v->count <= at)
        return NULL;
    return extended ? extension_fields(v, at, multipart) : "BODY has a field behind the fixed ones";
}

static const char *multipart(const struct imap_value *v, bool extended, enum imap_part *part)
{
    size_t n = 0;
    while (n < v->count && v->items[n].kind == IMAP_LIST) {
        const char *why = imap_grammar_body(&v->items[n], extended, part);
        if (why != NULL)
            return why;
        *part = IMAP_PART_MULTI;
        if (v->items[n].spaced && n > 0)
            return "a space stands between the parts of a multipart";
        n++;
    }
    *part = IMAP_PART_MULTI;
    if (n == v->count || !imap_value_is_string(&v->items[n]))
        return "the subtype of a multipart is missing";
    return after_fixed(v, n + 1, true, extended, part);
}

static bool is_message(const struct imap_value *v)
{
    return v->count > 1 && imap_value_is(&v->items[0], "MESSAGE") &&
           (imap_value_is(&v->items[1], "RFC822") || imap_value_is(&v->items[1], "GLOBAL"));
}

static const char *single_part(const struct imap_value *v, bool extended, enum imap_part *part)
{
    *part = IMAP_PART_BASIC;
    if (v->count < 7)
        return "a part has fewer than seven fields";
    const struct imap_value *f = v->items;
    if (!imap_value_is_string(&f[0]) || !imap_value_is_string(&f[1]))
        return "type or subtype of a part is not a string";
    if (!is_parameters(&f[2]))
        return "the parameters of a part are neither NIL nor pairs of strings";
    if (!imap_is_nstring(&f[3]) || !imap_is_nstring(&f[4]))
        return "id or description of a part is neither a string nor NIL";
    if (!imap_value_is_string(&f[5]))
        return "the encoding of a part is not a string";
    if (!imap_is_number(&f[6], 0, INT64_MAX))
        return "the size of a part is not a number";
    size_t fixed = 7;
    if (imap_value_is(&f[0], "TEXT")) {
        if (v->count < 8 || !imap_is_number(&f[7], 0, INT64_MAX))
            return "a text part does not tell its lines";
        fixed = 8;
    } else if (is_message(v)) {
        *part = IMAP_PART_MESSAGE;
        if (v->count < 10 || f[7].kind != IMAP_LIST || f[8].kind != IMAP_LIST)
            return "a message part has no envelope and no body structure";
        const char *why = imap_grammar_body(&f[8], extended, part);
        if (why != NULL)
            return why;
        *part = IMAP_PART_MESSAGE;
        if (!imap_is_number(&f[9], 0, INT64_MAX))
            return "a message part does not tell its lines";
        fixed = 10;
    }
    return after_fixed(v, fixed, false, extended, part);
}

const char *imap_grammar_body(const struct imap_value *v, bool extended, enum imap_part *part)
{
    *part = IMAP_PART_BASIC;
    if (v->kind != IMAP_LIST || v->count == 0)
        return "a body structure is not a list, or an empty one";
    return v->items[0].kind == IMAP_LIST ? multipart(v, extended, part)
                                         : single_part(v, extended, part);
}

bool imap_body_has_multipart(const struct imap_value *v)
{
    if (v->kind != IMAP_LIST || v->count == 0)
        return false;
    if (v->items[0].kind == IMAP_LIST)
        return true;
    return is_message(v) && v->count > 8 && imap_body_has_multipart(&v->items[8]);
}

bool imap_body_has_message(const struct imap_value *v)
{
    if (v->kind != IMAP_LIST)
        return false;
    for (size_t i = 0; i < v->count && v->items[i].kind == IMAP_LIST; i++)
        if (imap_body_has_message(&v->items[i]))
            return true;
    return is_message(v);
}

/* --- FETCH
 * -------------------------------------------------------------------------------------------- */

const char *imap_grammar_internaldate(const struct imap_value *v)
{
    static const char form[] = "dd-Mmm-dddd dd:dd:dd sdddd";
    if (v->kind != IMAP_QUOTED)
        return "INTERNALDATE is not a quoted string";
    if (v->len != sizeof form - 1)
        return "INTERNALDATE does not have the 26 characters of a date-time";
    for (size_t i = 0; i < v->len; i++) {
        unsigned char c = v->bytes[i];
        bool digit = c >= '0' && c <= '9', letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z', good;
        switch (form[i]) {
        case 'd':
            good = digit || (i == 0 && c == ' ');
            break;
        case 'M':
        case 'm':
            good = letter;
            break;
        case 's':
            good = c == '+' || c == '-';
            break;
        default:
            good = c == (unsigned char)form[i];
            break;
        }
        if (!good)
            return "INTERNALDATE is not written as dd-Mon-yyyy hh:mm:ss +zzzz";
    }
    char month[4] = {(char)v->bytes[3], (char)v->bytes[4], (char)v->bytes[5], '\0'};
    return strcasestr("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", month) != NULL
               ? NULL
               : "the month in INTERNALDATE is none";
}

static bool is_flag_list(const struct imap_value *v)
{
    if (v->kind != IMAP_LIST)
        return false;
    for (size_t i = 0; i < v->count; i++)
        if (v->items[i].kind != IMAP_ATOM && v->items[i].kind != IMAP_NUMBER &&
            v->items[i].kind != IMAP_NIL)
            return false;
    return true;
}

static bool begins(const struct imap_value *v, const char *word)
{
    size_t n = strlen(word);
    struct imap_value head = *v;
    head.len = v->len < n ? v->len : n;
    return imap_value_is(&head, word);
}

static const char *fetch_item(const struct imap_value *name, const struct imap_value *value)
{
    if (imap_value_is(name, "FLAGS"))
        return is_flag_list(value) ? NULL : "FLAGS is not a list of flags";
    if (imap_value_is(name, "UID") || imap_value_is(name, "RFC822.SIZE") ||
        begins(name, "BINARY.SIZE["))
        return value->kind == IMAP_NUMBER ? NULL : "UID or a size is not a number";
    if (imap_value_is(name, "RFC822") || imap_value_is(name, "RFC822.HEADER") ||
        imap_value_is(name, "RFC822.TEXT") || begins(name, "BODY[") || begins(name, "BINARY["))
        return imap_is_nstring(value) ? NULL : "a text is neither a string nor NIL";
    if (imap_value_is(name, "MODSEQ"))
        return value->kind == IMAP_LIST && value->count == 1 &&
                       imap_is_number(&value->items[0], 0, INT64_MAX)
                   ? NULL
                   : "MODSEQ is not a number in parentheses";
    return NULL;
}

const char *imap_grammar_fetch(const struct imap_response *r)
{
    if (!r->has_number || r->data.count != 1 || r->data.items[0].kind != IMAP_LIST)
        return "FETCH is not a message number and one list";
    const struct imap_value *list = &r->data.items[0];
    if (list->count % 2 != 0)
        return "the last item of FETCH has no value";
    for (size_t i = 0; i < list->count; i += 2) {
        if (list->items[i].kind != IMAP_ATOM)
            return "the name of an item of FETCH is not an atom";
        const char *why = fetch_item(&list->items[i], &list->items[i + 1]);
        if (why != NULL)
            return why;
    }
    return NULL;
}

/* --- other responses
 * ---------------------------------------------------------------------------------- */

static bool is_separator(const struct imap_value *v)
{
    return v->kind == IMAP_NIL || (v->kind == IMAP_QUOTED && v->len == 1);
}

const char *imap_grammar_list(const struct imap_response *r)
{
    const struct imap_value *d = &r->data;
    if (r->has_number || d->count < 3 || d->count > 4)
        return "the response is not attributes, separator and name";
    if (d->items[0].kind != IMAP_LIST)
        return "the attributes are not a list";
    for (size_t i = 0; i < d->items[0].count; i++) {
        const struct imap_value *a = &d->items[0].items[i];
        if (a->kind != IMAP_ATOM || a->bytes[0] != '\\')
            return "an attribute is not a word with a backslash";
    }
    if (!is_separator(&d->items[1]))
        return "the separator is neither one quoted character nor NIL";
    if (!imap_is_astring(&d->items[2]))
        return "the name of the mailbox is missing";
    if (d->count == 4 && (d->items[3].kind != IMAP_LIST || d->items[3].count % 2 != 0))
        return "the extended items are not a list of tags and values";
    return NULL;
}

const char *imap_grammar_status(const struct imap_response *r)
{
    static const char *const numbers[] = {"MESSAGES", "RECENT",  "UIDNEXT", "UIDVALIDITY",
                                          "UNSEEN",   "DELETED", "SIZE",    "HIGHESTMODSEQ"};
    const struct imap_value *d = &r->data;
    if (r->has_number || d->count != 2 || !imap_is_astring(&d->items[0]) ||
        d->items[1].kind != IMAP_LIST)
        return "STATUS is not a name and a list";
    const struct imap_value *list = &d->items[1];
    if (list->count % 2 != 0)
        return "the last item of STATUS has no value";
    for (size_t i = 0; i < list->count; i += 2) {
        if (list->items[i].kind != IMAP_ATOM)
            return "the name of an item of STATUS is not an atom";
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
            if (imap_value_is(&list->items[i], numbers[k]) &&
                list->items[i + 1].kind != IMAP_NUMBER)
                return "the value of an item of STATUS is not a number";
    }
    return NULL;
}

const char *imap_grammar_search(const struct imap_response *r)
{
    if (r->double_space || r->missing_space)
        return "the numbers of SEARCH are not parted by one space";
    if (r->trailing_space)
        return "a space stands before the line end of SEARCH";
    for (size_t i = 0; i < r->data.count; i++) {
        const struct imap_value *v = &r->data.items[i];
        bool modseq = v->kind == IMAP_LIST && i + 1 == r->data.count; /* RFC 7162, 3.1.5 */
        if (!modseq && !imap_is_number(v, 1, UINT32))
            return "something in SEARCH is not a number of a message";
    }
    return NULL;
}

const char *imap_grammar_esearch(const struct imap_response *r)
{
    size_t at = 0;
    const struct imap_value *d = &r->data;
    if (at < d->count && d->items[at].kind == IMAP_LIST)
        at++;
    if (at < d->count && imap_value_is(&d->items[at], "UID"))
        at++;
    for (; at < d->count; at += 2) {
        if (d->items[at].kind != IMAP_ATOM || at + 1 == d->count)
            return "the items of ESEARCH are not names and values";
        const struct imap_value *name = &d->items[at], *value = &d->items[at + 1];
        if (imap_value_is(name, "ALL") && imap_set_size(value) < 0)
            return "ALL in ESEARCH is not a set of numbers";
        if ((imap_value_is(name, "MIN") || imap_value_is(name, "MAX")) &&
            !imap_is_number(value, 1, UINT32))
            return "MIN or MAX in ESEARCH is not a number of a message";
        if (imap_value_is(name, "COUNT") && !imap_is_number(value, 0, UINT32))
            return "COUNT in ESEARCH is not a number";
    }
    return NULL;
}

const char *imap_grammar_namespace(const struct imap_response *r)
{
    const struct imap_value *d = &r->data;
    if (d->count != 3)
        return "NAMESPACE does not have three places";
    for (size_t i = 0; i < 3; i++) {
        const struct imap_value *place = &d->items[i];
        if (place->kind == IMAP_NIL)
            continue;
        if (place->kind != IMAP_LIST || place->count == 0)
            return "a place of NAMESPACE is neither NIL nor a list";
        for (size_t k = 0; k < place->count; k++) {
            const struct imap_value *one = &place->items[k];
            if (one->kind != IMAP_LIST || one->count < 2 || !imap_value_is_string(&one->items[0]) ||
                !is_separator(&one->items[1]))
                return "a namespace is not a prefix and a separator";
        }
    }
    return NULL;
}

const char *imap_grammar_appenduid(const struct imap_value *code)
{
    if (code->count != 3 || !imap_is_number(&code->items[1], 1, INT64_MAX))
        return "APPENDUID is not UIDVALIDITY and UID";
    int64_t size = imap_set_size(&code->items[2]);
    if (size < 0)
        return "the UID of APPENDUID is not a number or a set of numbers";
    return size == 1 && code->items[2].kind != IMAP_NUMBER ? "APPENDUID writes one UID as a range"
                                                           : NULL;
}

const char *imap_grammar_copyuid(const struct imap_value *code)
{
    if (code->count != 4 || !imap_is_number(&code->items[1], 1, INT64_MAX))
        return "COPYUID is not UIDVALIDITY and two sets";
    int64_t from = imap_set_size(&code->items[2]), to = imap_set_size(&code->items[3]);
    if (from < 0 || to < 0)
        return "a set of COPYUID is no set of numbers";
    return from != to ? "the sets of COPYUID do not have equally many UIDs" : NULL;
}
