/* The commands of the TRANSACTION state, and QUIT. RFC 1939, 5 to 7.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/trace.h"
#include "fault.h"
#include "pop3/state.h"
#include "pop3/surrogate.h"
#include "server.h"

/* The message that an argument names, or NULL and the reply is sent. */
static struct drop_message *named(struct pop3 *p, const char *argument)
{
    uint32_t n;
    bool marked;
    if (!pop3_number(argument, &n)) {
        trace(p->conn, "rfc1939-3-5", "\"%s\" is no message number", argument);
        pop3_err(p, "a message number is wanted");
        return NULL;
    }
    struct drop_message *m = maildrop_find(&p->drop, n, &marked);
    if (m == NULL)
        pop3_err(p, marked ? "message %u is marked as deleted" : "there is no message %u", n);
    return m;
}

/* Another session, over IMAP, may have removed the message meanwhile. */
static bool read_message(struct pop3 *p, const struct drop_message *m, struct blob *b)
{
    if (blob_read(p->conn->server->store, m->blob, b, NULL) == 0)
        return true;
    pop3_err(p, "[SYS/TEMP] the message cannot be read");
    return false;
}

/* For a fault: the code where it has no place. */
static bool refused_for_utf8(struct pop3 *p)
{
    bool found = false;
    if (p->utf8 || !fault(FAULT_POP3_UTF8_CODE_ELSEWHERE))
        return false;
    for (size_t i = 0; i < p->drop.count && !found; i++) {
        struct blob b;
        if (blob_read(p->conn->server->store, p->drop.messages[i].blob, &b, NULL) != 0)
            continue;
        found = surrogate_needed(b.data, b.len);
        blob_release(&b);
    }
    if (found)
        pop3_err(p, "[UTF8] there is mail that needs UTF-8 mode");
    return found;
}

void pop3_stat(struct pop3 *p, const struct pop3_command *c)
{
    const struct maildrop *d = &p->drop;
    size_t count = d->count - d->deleted_count;
    uint64_t total = d->total;
    (void)c;
    if (refused_for_utf8(p))
        return;
    if (fault(FAULT_POP3_STAT_COUNTS_DELETED))
        count = d->count;
    if (fault(FAULT_POP3_STAT_COUNTS_DELETED) || fault(FAULT_POP3_STAT_OCTETS_OF_MARKED)) {
        total = 0;
        for (size_t i = 0; i < d->count; i++)
            total += d->messages[i].size;
    }
    if (fault(FAULT_POP3_NUMBERS_NOT_FROZEN)) {
        const struct mailbox *m = d->mailbox;
        uint32_t last = d->count > 0 ? d->messages[d->count - 1].uid : 0;
        for (size_t i = mailbox_lower_bound(m, last + 1); i < m->count; i++) {
            count++;
            total += m->messages[i].pop3_bytes;
        }
    }
    total += fault(FAULT_POP3_STAT_WRONG_SUM);
    if (fault(FAULT_POP3_STAT_FORM))
        pop3_ok(p, "%zu messages", count);
    else
        pop3_ok(p, "%zu %llu", count, (unsigned long long)total);
}

static size_t number_of(const struct pop3 *p, const struct drop_message *m)
{
    return (size_t)(m - p->drop.messages) + 1;
}

void pop3_list(struct pop3 *p, const struct pop3_command *c)
{
    if (c->count == 0 && p->drop.count == 0 && fault(FAULT_POP3_EMPTY_LIST_ERROR)) {
        pop3_err(p, "there is no message");
        return;
    }
    if (c->count == 0) {
        pop3_ok(p, "%zu messages", p->drop.count - p->drop.deleted_count);
        pop3_send_list(p, SENDING_LIST);
        return;
    }
    struct drop_message *m = named(p, c->arguments[0]);
    if (m == NULL)
        return;
    if (fault(FAULT_POP3_LIST_ONE_IS_MANY)) {
        pop3_ok(p, "one message");
        pop3_line(p, "%zu %u", number_of(p, m), m->size);
        pop3_dot(p);
        return;
    }
    pop3_ok(p, "%zu %u", number_of(p, m), m->size);
}

void pop3_uidl(struct pop3 *p, const struct pop3_command *c)
{
    char id[POP3_UNIQUE_ID_BYTES];
    if (c->count == 0) {
        pop3_ok(p, "unique-ids follow");
        pop3_send_list(p, SENDING_UIDL);
        return;
    }
    uint32_t n;
    bool marked;
    if (fault(FAULT_POP3_UIDL_UNKNOWN_OK) && pop3_number(c->arguments[0], &n) &&
        maildrop_find(&p->drop, n, &marked) == NULL && !marked) {
        pop3_ok(p, "%u none", n);
        return;
    }
    struct drop_message *m = named(p, c->arguments[0]);
    if (m == NULL)
        return;
    pop3_unique_id(p, number_of(p, m) - 1, id, sizeof id);
    pop3_ok(p, "%zu %s", number_of(p, m), id);
}

/* Takes b's place. */
static void make_surrogate(struct blob *b)
{
    struct buf text;
    buf_init(&text, SURROGATE_GROWTH * b->len + 4096);
    surrogate_make(b->data, b->len, &text);
    blob_release(b);
    b->data = b->hold = buf_take(&text, &b->len);
}

void pop3_size_surrogates(struct pop3 *p)
{
    struct maildrop *d = &p->drop;
    for (size_t i = 0; i < d->count; i++) {
        struct drop_message *m = &d->messages[i];
        struct blob b;
        if (blob_read(p->conn->server->store, m->blob, &b, NULL) != 0)
            continue;
        if (surrogate_needed(b.data, b.len)) {
            make_surrogate(&b);
            d->total -= m->size;
            m->size = pop3_octets(&b);
            d->total += m->size;
        }
        blob_release(&b);
    }
}

/* For a fault. */
static void strip_eighth_bit(struct blob *b)
{
    unsigned char *copy = malloc(b->len + 1);
    if (copy == NULL)
        abort();
    for (size_t i = 0; i < b->len; i++)
        copy[i] = b->data[i] & 0x7f;
    size_t n = b->len;
    blob_release(b);
    *b = (struct blob){copy, n, copy};
}

/* The message as this client can take it (RFC 6856, 2.1); false: the refusal is written. */
static bool readable_message(struct pop3 *p, const struct drop_message *m, struct blob *b)
{
    if (!read_message(p, m, b))
        return false;
    if (p->utf8 && fault(FAULT_POP3_UTF8_STILL_DOWNGRADED) && surrogate_needed(b->data, b->len)) {
        make_surrogate(b);
        return true;
    }
    if (p->utf8 || fault(FAULT_POP3_UTF8_RAW_WITHOUT) || !surrogate_needed(b->data, b->len))
        return true;
    if (p->conn->server->policy.utf8_mail == UTF8_MAIL_SURROGATE) {
        make_surrogate(b);
        return true;
    }
    trace(p->conn, "rfc6856-2.1-3", "UTF-8 in a header, and the client did not say UTF8");
    blob_release(b);
    if (fault(FAULT_POP3_UTF8_REFUSAL_CLOSES))
        conn_close(p->conn);
    else
        pop3_err(p, "[UTF8] this message needs UTF-8 mode: say UTF8 before you log in");
    return false;
}

void pop3_retr(struct pop3 *p, const struct pop3_command *c)
{
    struct blob b;
    struct drop_message *m = named(p, c->arguments[0]);
    if (m == NULL || !readable_message(p, m, &b))
        return;
    m->retrieved = true;
    pop3_ok(p, "%u octets", m->size);
    if (fault(FAULT_POP3_EIGHTH_BIT))
        strip_eighth_bit(&b);
    pop3_send_message(p, &b, UINT32_MAX);
}

/* How many lines TOP is asked for: more than there are is all of them, however many (RFC 1939, 7).
 */
static bool line_count(const char *text, uint32_t *out)
{
    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
        return pop3_number(text, out); /* which only a fault makes something of */
    *out = 0;
    for (; *text != '\0'; text++) {
        uint32_t digit = (uint32_t)(*text - '0');
        if (*out > (UINT32_MAX - digit) / 10 && !fault(FAULT_POP3_TOP_COUNT_WRAPS)) {
            *out = UINT32_MAX;
            return true;
        }
        *out = *out * 10 + digit;
    }
    return true;
}

void pop3_top(struct pop3 *p, const struct pop3_command *c)
{
    struct blob b;
    uint32_t lines;
    bool marked;
    if (fault(FAULT_POP3_TOP_UNKNOWN_OK) && pop3_number(c->arguments[0], &lines) &&
        maildrop_find(&p->drop, lines, &marked) == NULL && !marked) {
        pop3_ok(p, "top of message follows");
        pop3_dot(p);
        return;
    }
    struct drop_message *m = named(p, c->arguments[0]);
    if (m == NULL)
        return;
    if (!line_count(c->arguments[1], &lines)) {
        pop3_err(p, "a number of lines is wanted");
        return;
    }
    if (!readable_message(p, m, &b))
        return;
    if (lines == 0 && fault(FAULT_POP3_TOP_ZERO_SENDS_BODY))
        lines = UINT32_MAX;
    else if (lines < UINT32_MAX && fault(FAULT_POP3_TOP_EXTRA_LINE))
        lines++;
    uint32_t header = pop3_header_lines(&b);
    if (lines < UINT32_MAX && fault(FAULT_POP3_TOP_COUNTS_HEADER))
        lines = lines > header ? lines - header : 0;
    pop3_ok(p, "top of message follows");
    p->undotted = fault(FAULT_POP3_TOP_NO_DOT_STUFFING);
    pop3_send_message(p, &b, lines);
}

void pop3_dele(struct pop3 *p, const struct pop3_command *c)
{
    uint32_t n;
    bool marked;
    if (refused_for_utf8(p))
        return;
    if (fault(FAULT_POP3_DELE_TWICE) && pop3_number(c->arguments[0], &n) &&
        maildrop_find(&p->drop, n, &marked) == NULL && marked) {
        pop3_ok(p, "marked");
        return;
    }
    struct drop_message *m = named(p, c->arguments[0]);
    if (m == NULL)
        return;
    if (m->deleted) {
        pop3_err(p, "message %zu is marked as deleted", number_of(p, m));
        return;
    }
    maildrop_mark(&p->drop, m);
    if (fault(FAULT_POP3_DELE_AT_ONCE)) {
        store_expunge(p->drop.mailbox, &m->uid, 1, false, p, NULL, NULL);
        store_settle(p->conn->server->store);
    }
    pop3_ok(p, "message %zu is marked; QUIT removes it", number_of(p, m));
}

/* The ways to get the form of a reply wrong, shown on the one command that does nothing else. */
static bool noop_misspelt(const struct pop3 *p)
{
    char line[600];
    memset(line, 'x', sizeof line);
    memcpy(line, "+OK ", 4);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    if (fault(FAULT_POP3_BARE_LF))
        conn_text(p->conn, "+OK nothing done\n");
    else if (fault(FAULT_POP3_REPLY_TOO_LONG))
        conn_write(p->conn, line, sizeof line);
    else if (fault(FAULT_POP3_REPLY_NO_SPACE))
        conn_text(p->conn, "+OKnothing done\r\n");
    else if (fault(FAULT_POP3_REPLY_CONTROL))
        conn_text(p->conn, "+OK nothing \a done\r\n");
    else
        return false;
    return true;
}

void pop3_noop(struct pop3 *p, const struct pop3_command *c)
{
    (void)c;
    if (!noop_misspelt(p))
        pop3_ok(p, "nothing done");
}

void pop3_rset(struct pop3 *p, const struct pop3_command *c)
{
    (void)c;
    if (p->drop.deleted_count == 0 && fault(FAULT_POP3_RSET_UNMARKED_REFUSED)) {
        pop3_err(p, "nothing is marked");
        return;
    }
    if (!fault(FAULT_POP3_RSET_DOES_NOT_RESTORE))
        maildrop_unmark_all(&p->drop);
    pop3_ok(p, "no message is marked");
}

/* --- QUIT: the UPDATE state, RFC 1939, 6 --- */

static void say_goodbye(struct pop3 *p, bool all_removed)
{
    /* The lock goes first: the client may log in again as soon as it has our answer. */
    maildrop_close(&p->drop, p);
    if (all_removed)
        pop3_ok(p, "goodbye");
    else
        pop3_err(p, "[SYS/TEMP] marked messages could not be removed");
    if (fault(FAULT_POP3_OBEYS_AFTER_QUIT))
        pop3_answer_rest(p);
    conn_close(p->conn);
}

static void removed(void *arg, const struct store_result *r)
{
    struct conn *c = arg;
    struct pop3 *p = pop3_of(c);
    conn_scope(c);
    trace(c, "rfc1939-i-6/QUIT-1", "%zu messages removed", r->uid_count);
    say_goodbye(p, r->status == STORE_OK);
    conn_resume(c);
}

/* For a fault: what arrived during the session. */
static uint32_t *add_arrived(const struct maildrop *d, uint32_t *uids, size_t *count)
{
    const struct mailbox *m = d->mailbox;
    uint32_t last = d->count > 0 ? d->messages[d->count - 1].uid : 0;
    uids = realloc(uids, (*count + m->count + 1) * sizeof *uids);
    if (uids == NULL)
        abort();
    for (size_t i = mailbox_lower_bound(m, last + 1); i < m->count; i++)
        uids[(*count)++] = m->messages[i].uid;
    return uids;
}

void pop3_quit(struct pop3 *p, const struct pop3_command *c)
{
    struct maildrop *d = &p->drop;
    size_t count = 0;
    (void)c;
    if (p->state == POP3_AUTHORIZATION) {
        pop3_ok(p, "goodbye");
        if (fault(FAULT_POP3_OBEYS_AFTER_QUIT))
            pop3_answer_rest(p);
        conn_close(p->conn);
        return;
    }
    p->state = POP3_UPDATE;
    /* EXPIRE 0: what was read is not kept (RFC 2449, 6.7). */
    bool once = per_account_get(&p->conn->server->policy.expire, p->account->name) == 1 ||
                fault(FAULT_POP3_RETR_DELETES);
    bool regrets = fault(FAULT_POP3_RSET_FORGOTTEN_AT_QUIT);
    for (size_t i = 0; i < d->count; i++)
        if ((once && d->messages[i].retrieved) || (regrets && d->messages[i].regretted))
            maildrop_mark(d, &d->messages[i]);
    if (fault(FAULT_POP3_QUIT_DELETES_ALL) && d->deleted_count > 0)
        for (size_t i = 0; i < d->count; i++)
            maildrop_mark(d, &d->messages[i]);
    bool clear = fault(FAULT_POP3_QUIT_CLEARS_FLAGS);
    for (size_t i = 0; clear && i < d->count; i++)
        if (d->messages[i].retrieved)
            store_flags(d->mailbox, &d->messages[i].uid, 1, FLAGS_SET, 0, NULL, 0, p, NULL, NULL);
    if (!clear && (d->deleted_count == 0 || fault(FAULT_POP3_QUIT_DELETES_NOTHING))) {
        say_goodbye(p, true);
        return;
    }
    uint32_t *uids = maildrop_marked(d, &count);
    if (count > 0 && fault(FAULT_POP3_UIDL_REUSED))
        pop3_note_removed(p, uids[count - 1]);
    if (fault(FAULT_POP3_QUIT_DELETES_ARRIVED))
        uids = add_arrived(d, uids, &count);
    conn_park(p->conn);
    store_expunge(d->mailbox, uids, count, false, p, removed, p->conn);
    free(uids);
}
