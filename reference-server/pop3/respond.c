/* Replies: the status line, and multi-line responses with their dots. RFC 1939, 3.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fault.h"
#include "pop3/state.h"

enum { FIRST_LINE_BYTES = 512, ONE_PIECE = 64 * 1024, BREAK_AT = 998 };

/* For a fault: the letters of German as one octet each. */
static void make_latin1(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if ((unsigned char)*from == 0xc3 && from[1] != '\0')
            *to++ = (char)(*++from | 0x40);
        else
            *to++ = *from;
    }
    *to = '\0';
}

static void status(struct pop3 *p, const char *indicator, const char *fmt, va_list args)
{
    char line[FIRST_LINE_BYTES - 1]; /* CRLF included (RFC 2449, 4) */
    int n = snprintf(line, sizeof line, "%s ", indicator);
    vsnprintf(line + n, sizeof line - (size_t)n - 2, pop3_text(p->language, fmt), args);
    strcat(line, "\r\n");
    if (fault(FAULT_POP3_LANG_LATIN1))
        make_latin1(line);
    conn_text(p->conn, line);
}

void pop3_ok(struct pop3 *p, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    p->bad_commands = 0;
    status(p, fault(FAULT_POP3_LOWER_CASE_OK) ? "+ok" : "+OK", fmt, args);
    va_end(args);
}

void pop3_err(struct pop3 *p, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    p->bad_commands++;
    status(p, fault(FAULT_POP3_LOWER_CASE_OK) ? "-err" : "-ERR", fmt, args);
    va_end(args);
}

void pop3_line(struct pop3 *p, const char *fmt, ...)
{
    char line[FIRST_LINE_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line - 2, fmt, args);
    va_end(args);
    strcat(line, "\r\n");
    conn_text(p->conn, line);
}

void pop3_dot(struct pop3 *p)
{
    conn_text(p->conn, ".\r\n");
}

/* --- lists --- */

/* For a fault: which removed message's number the next one of a mailbox gets. */
static struct {
    int64_t mailbox;
    uint32_t uid, removed;
} reused[64];
static size_t reused_count;

void pop3_note_removed(const struct pop3 *p, uint32_t uid)
{
    const struct mailbox *m = p->drop.mailbox;
    size_t i = reused_count++ % (sizeof reused / sizeof *reused);
    reused[i].mailbox = m->id;
    reused[i].uid = m->uidnext;
    reused[i].removed = uid;
}

static uint32_t reused_uid(int64_t mailbox, uint32_t uid)
{
    for (size_t i = 0; i < sizeof reused / sizeof *reused; i++)
        if (reused[i].mailbox == mailbox && reused[i].uid == uid)
            return reused[i].removed;
    return uid;
}

void pop3_unique_id(const struct pop3 *p, size_t index, char *out, size_t size)
{
    uint32_t validity = p->drop.mailbox->uidvalidity;
    uint32_t uid = p->drop.messages[index].uid;
    if (fault(FAULT_POP3_UIDL_PER_SESSION))
        validity += p->conn->number;
    if (fault(FAULT_POP3_UIDL_DUPLICATES))
        uid = 1;
    if (fault(FAULT_POP3_UIDL_REUSED))
        uid = reused_uid(p->drop.mailbox->id, uid);
    if (fault(FAULT_POP3_UIDL_FOLLOWS_FLAGS)) {
        const struct message *m = mailbox_find(p->drop.mailbox, uid);
        snprintf(out, size, "%u.%u.%llx", validity, uid,
                 m != NULL ? (unsigned long long)m->flags : 0);
        return;
    }
    /* With at least 72 octets, which RFC 1939, 7 does not allow, or as it is. */
    int width = fault(FAULT_POP3_UIDL_FORM) ? 70 : 1;
    snprintf(out, size, "%u.%0*u", validity, width, uid);
}

void pop3_send_list(struct pop3 *p, enum pop3_sending kind)
{
    p->sending = kind;
    p->at = 0;
    pop3_send_more(p);
}

static bool listed(const struct pop3 *p, const struct drop_message *m)
{
    enum fault shown =
        p->sending == SENDING_LIST ? FAULT_POP3_LIST_SHOWS_DELETED : FAULT_POP3_UIDL_LISTS_DELETED;
    return !m->deleted || fault(shown);
}

static void more_of_list(struct pop3 *p)
{
    while (p->at < p->drop.count && !conn_full(p->conn)) {
        size_t i = p->at++;
        const struct drop_message *m = &p->drop.messages[i];
        if (!listed(p, m))
            continue;
        size_t number = i + 1;
        if (fault(FAULT_POP3_DELE_RENUMBERS))
            for (size_t k = 0; k < i; k++)
                number -= p->drop.messages[k].deleted;
        if (p->sending == SENDING_LIST) {
            pop3_line(p, fault(FAULT_POP3_LIST_FORM) ? "%zu\t%u" : "%zu %u", number, m->size);
        } else {
            char id[POP3_UNIQUE_ID_BYTES];
            pop3_unique_id(p, i, id, sizeof id);
            pop3_line(p, "%zu %s", number, id);
        }
    }
    if (p->at < p->drop.count)
        return;
    pop3_stop_sending(p);
    pop3_dot(p);
}

/* --- messages --- */

/* Where the body begins: behind the first empty line; without one, everything is header. */
static size_t body_offset(const struct blob *b)
{
    size_t line = 0;
    for (size_t i = 0; i < b->len; i++) {
        if (b->data[i] != '\n')
            continue;
        size_t n = i - line;
        if (n == 0 || (n == 1 && b->data[line] == '\r'))
            return i + 1;
        line = i + 1;
    }
    return b->len;
}

uint32_t pop3_header_lines(const struct blob *b)
{
    uint32_t n = 0;
    for (size_t i = 0; i < body_offset(b); i++)
        n += b->data[i] == '\n';
    return n;
}

uint32_t pop3_octets(const struct blob *b)
{
    size_t n = b->len;
    for (size_t i = 0; i < b->len; i++)
        n += b->data[i] == '\n' && (i == 0 || b->data[i - 1] != '\r');
    if (b->len > 0 && b->data[b->len - 1] != '\n')
        n += 2;
    return (uint32_t)n;
}

void pop3_send_message(struct pop3 *p, const struct blob *blob, uint32_t body_lines)
{
    p->blob = *blob;
    p->header_end = body_offset(blob);
    p->body_lines = body_lines;
    if (body_lines == 0 && fault(FAULT_POP3_TOP_NO_EMPTY_LINE)) {
        p->header_end -= p->header_end > 0;
        p->header_end -= p->header_end > 0 && blob->data[p->header_end - 1] == '\r';
    }
    p->sending = SENDING_MESSAGE;
    p->at = 0;
    pop3_send_more(p);
}

/* The fault leaves the one line alone that would end the response too early. */
static bool lone_dot(const unsigned char *line, size_t n)
{
    return n == 1 || line[1] == '\n' || (n == 3 && line[1] == '\r');
}

/* One line of the stored message as it goes out: dots doubled, any line end made CRLF. */
static void send_line(struct pop3 *p, const unsigned char *line, size_t n, bool ended)
{
    struct conn *c = p->conn;
    while (n > BREAK_AT + 2 && fault(FAULT_POP3_BREAKS_LONG_LINES)) {
        conn_write(c, line, BREAK_AT);
        conn_text(c, "\r\n");
        line += BREAK_AT;
        n -= BREAK_AT;
    }
    bool plain = fault(FAULT_POP3_NO_DOT_STUFFING) || p->undotted;
    bool at_seam = p->at > 0 && p->at % 512 == 0 && p->body_lines == UINT32_MAX &&
                   fault(FAULT_POP3_STUFFING_MISSES_SEAM);
    if (n > 0 && line[0] == '.' && !(plain && !lone_dot(line, n)) && !at_seam)
        conn_write(c, ".", 1);
    if (ended && n > 1 && line[n - 2] == '\r') {
        conn_write(c, line, n);
        return;
    }
    if (ended)
        n--; /* its LF */
    conn_write(c, line, n);
    if (ended || !fault(FAULT_POP3_FINAL_DOT_GLUED))
        conn_text(c, "\r\n");
}

static void more_of_message(struct pop3 *p)
{
    const struct blob *b = &p->blob;
    while (p->at < b->len && !conn_full(p->conn)) {
        if (p->at >= p->header_end && p->body_lines != UINT32_MAX) {
            if (p->body_lines == 0)
                break;
            p->body_lines--;
        }
        const unsigned char *line = b->data + p->at;
        const unsigned char *lf = memchr(line, '\n', b->len - p->at);
        size_t n = lf != NULL ? (size_t)(lf - line) + 1 : b->len - p->at;
        send_line(p, line, n, lf != NULL);
        p->at += n;
    }
    bool cut = p->at >= p->header_end && p->body_lines == 0;
    if (p->at < b->len && !cut)
        return;
    pop3_stop_sending(p);
    if (p->body_lines != UINT32_MAX || !fault(FAULT_POP3_NO_FINAL_DOT))
        pop3_dot(p);
}

void pop3_send_more(struct pop3 *p)
{
    switch (p->sending) {
    case SENDING_LIST:
    case SENDING_UIDL:
        more_of_list(p);
        break;
    case SENDING_MESSAGE:
        more_of_message(p);
        break;
    case SENDING_NOTHING:
        break;
    }
}

void pop3_stop_sending(struct pop3 *p)
{
    p->sending = SENDING_NOTHING;
    p->undotted = false;
    blob_release(&p->blob);
}
