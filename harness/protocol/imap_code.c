/* Reads response codes. The line is complete by then: a code never holds a literal.
 * SPDX-License-Identifier: MIT */
#include "protocol/imap_code.h"

#include <string.h>

/* Reads the quoted string that begins at *at; moves *at behind it. */
static bool read_quoted(struct imap_tree *t, const unsigned char *raw, size_t *at, size_t end)
{
    size_t begin = t->cooked_len;
    for (size_t i = *at + 1; i < end; i++) {
        if (raw[i] == '"') {
            *at = i + 1;
            return imap_tree_add(t, IMAP_QUOTED, raw, begin, t->cooked_len - begin);
        }
        if (raw[i] == '\\' && i + 1 < end)
            i++;
        imap_tree_cook(t, raw[i]);
    }
    return false;
}

/* Inside parentheses a "]" may be part of a word; outside it ends the code. */
static bool ends_atom(const struct imap_tree *t, unsigned char c)
{
    return c == ' ' || c == '(' || c == ')' || c == '"' || (c == ']' && t->depth == 0);
}

static bool read_atom(struct imap_tree *t, const unsigned char *raw, size_t *at, size_t end)
{
    size_t begin = *at;
    while (*at < end && !ends_atom(t, raw[*at]))
        (*at)++;
    return imap_tree_add(t, IMAP_ATOM, raw, begin, *at - begin);
}

/* Reads values up to the "]" that ends the code; the offset of that "]", or 0. */
static size_t read_values(struct imap_tree *t, const unsigned char *raw, size_t at, size_t end)
{
    while (at < end) {
        bool ok = true;
        switch (raw[at]) {
        case ']':
            if (t->depth == 0)
                return at;
            ok = read_atom(t, raw, &at, end);
            break;
        case ' ':
            at++;
            break;
        case '(':
            at++;
            ok = imap_tree_open(t, raw[at - 2] == ' ');
            break;
        case ')':
            at++;
            ok = imap_tree_close(t);
            break;
        case '"':
            ok = read_quoted(t, raw, &at, end);
            break;
        default:
            ok = read_atom(t, raw, &at, end);
            break;
        }
        if (!ok)
            return 0;
    }
    return 0;
}

size_t imap_code_read(struct imap_tree *t, const unsigned char *raw, size_t at, size_t end)
{
    imap_tree_reset(t);
    if (at >= end || raw[at] != '[')
        return 0;
    size_t name = at + 1, name_end = name;
    while (name_end < end && raw[name_end] != ' ' && raw[name_end] != ']')
        name_end++;
    if (name_end == name || name_end == end)
        return 0;
    imap_tree_add(t, IMAP_ATOM, raw, name, name_end - name);
    if (raw[name_end] == ']')
        return name_end + 1;
    size_t close = read_values(t, raw, name_end + 1, end);
    if (close != 0)
        return close + 1;
    imap_tree_reset(t);
    const unsigned char *p = memchr(raw + name_end, ']', end - name_end);
    if (p == NULL)
        return 0;
    close = (size_t)(p - raw);
    imap_tree_add(t, IMAP_ATOM, raw, name, name_end - name);
    imap_tree_add(t, IMAP_TEXT, raw, name_end + 1, close - name_end - 1);
    return close + 1;
}
