/* Prints a parsed IMAP response in one line, so that a test can say what it expects as text:
 * "* 1 FETCH ((UID 3))", atoms and numbers bare, "quoted", {literal}, ~{literal8}, NIL, 'text',
 * <code>. SPDX-License-Identifier: MIT */
#ifndef HARNESS_TESTS_PROTOCOL_IMAP_SHOW_H
#define HARNESS_TESTS_PROTOCOL_IMAP_SHOW_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/imap_response.h"

struct shown {
    char text[4096];
    size_t len;
};

static inline void shown_add(struct shown *s, const char *p, size_t n)
{
    size_t room = sizeof s->text - 1 - s->len;
    n = n < room ? n : room;
    for (size_t i = 0; i < n; i++)
        s->text[s->len++] = p[i] == '\0' ? '0' : p[i];
    s->text[s->len] = '\0';
}

static inline void shown_word(struct shown *s, const char *word)
{
    shown_add(s, word, strlen(word));
}

static inline void shown_value(struct shown *s, const struct imap_value *v)
{
    static const char *const open[] = {
        [IMAP_NIL] = "",      [IMAP_ATOM] = "",       [IMAP_NUMBER] = "#", [IMAP_QUOTED] = "\"",
        [IMAP_LITERAL] = "{", [IMAP_LITERAL8] = "~{", [IMAP_LIST] = "(",   [IMAP_TEXT] = "'"};
    static const char *const close[] = {
        [IMAP_NIL] = "",      [IMAP_ATOM] = "",      [IMAP_NUMBER] = "", [IMAP_QUOTED] = "\"",
        [IMAP_LITERAL] = "}", [IMAP_LITERAL8] = "}", [IMAP_LIST] = ")",  [IMAP_TEXT] = "'"};
    shown_word(s, open[v->kind]);
    if (v->kind == IMAP_LIST) {
        for (size_t i = 0; i < v->count; i++) {
            if (i > 0)
                shown_word(s, " ");
            shown_value(s, &v->items[i]);
        }
    } else if (v->kind == IMAP_NUMBER) {
        char number[32];
        snprintf(number, sizeof number, "%" PRId64, v->number);
        shown_word(s, number);
    } else {
        shown_add(s, (const char *)v->bytes, v->len);
    }
    shown_word(s, close[v->kind]);
}

static inline void shown_response(struct shown *s, const struct imap_response *r)
{
    s->len = 0;
    s->text[0] = '\0';
    shown_word(s, r->role == IMAP_UNTAGGED ? "*" : r->role == IMAP_CONTINUE ? "+" : r->tag);
    if (r->has_number) {
        char number[32];
        snprintf(number, sizeof number, " %" PRId64, r->number);
        shown_word(s, number);
    }
    if (r->name[0] != '\0') {
        shown_word(s, " ");
        shown_word(s, r->name);
    }
    if (r->has_code) {
        shown_word(s, " <");
        for (size_t i = 0; i < r->code.count; i++) {
            shown_word(s, i > 0 ? " " : "");
            shown_value(s, &r->code.items[i]);
        }
        shown_word(s, ">");
    }
    if (r->text.len > 0) {
        shown_word(s, " ");
        shown_value(s, &r->text);
    }
    for (size_t i = 0; i < r->data.count; i++) {
        shown_word(s, " ");
        shown_value(s, &r->data.items[i]);
    }
}

#endif
