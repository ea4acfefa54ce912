/* One POP3 session: takes lines, finds commands, and says which may come when. RFC 1939, 3.
 * SPDX-License-Identifier: MIT */
#include "pop3/state.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include <sys/types.h>

#include "base/trace.h"
#include "fault.h"
#include "server.h"

enum { BEFORE = POP3_AUTHORIZATION, AFTER = POP3_TRANSACTION, BOTH = BEFORE | AFTER };

static const struct entry {
    const char *name;
    int states;
    size_t least, most; /* arguments */
    void (*run)(struct pop3 *p, const struct pop3_command *c);
} table[] = {
    {"APOP", BEFORE, 2, 2, pop3_apop}, {"AUTH", BEFORE, 1, 2, pop3_auth},
    {"CAPA", BOTH, 0, 0, pop3_capa},   {"DELE", AFTER, 1, 1, pop3_dele},
    {"LANG", BOTH, 0, 1, pop3_lang},   {"LIST", AFTER, 0, 1, pop3_list},
    {"NOOP", AFTER, 0, 0, pop3_noop},  {"PASS", BEFORE, 1, 1, pop3_pass},
    {"QUIT", BOTH, 0, 0, pop3_quit},   {"RETR", AFTER, 1, 1, pop3_retr},
    {"RSET", AFTER, 0, 0, pop3_rset},  {"STAT", AFTER, 0, 0, pop3_stat},
    {"STLS", BEFORE, 0, 0, pop3_stls}, {"TOP", AFTER, 2, 2, pop3_top},
    {"UIDL", AFTER, 0, 1, pop3_uidl},  {"USER", BEFORE, 1, 1, pop3_user},
    {"UTF8", BEFORE, 0, 0, pop3_utf8},
};

/* --- commands --- */

static const struct entry *find(const char *keyword)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int differs = fault(FAULT_POP3_VERBS_CASE_SENSITIVE) ? strcmp(table[i].name, keyword)
                                                             : strcasecmp(table[i].name, keyword);
        if (differs == 0)
            return &table[i];
    }
    return NULL;
}

/* The states and arguments that the faults let pass. */
static bool fault_allows_state(const struct pop3 *p, const struct entry *e)
{
    if (p->state != POP3_TRANSACTION)
        return false;
    return (e->run == pop3_stls && fault(FAULT_POP3_STLS_AFTER_LOGIN)) ||
           (e->run == pop3_user && fault(FAULT_POP3_USER_AFTER_LOGIN)) ||
           (e->run == pop3_auth && fault(FAULT_POP3_AUTH_AGAIN)) ||
           (e->run == pop3_utf8 && fault(FAULT_POP3_UTF8_AFTER_LOGIN)) ||
           (e->run == pop3_apop && fault(FAULT_POP3_APOP_AFTER_LOGIN));
}

/* The right states for the faults that know fewer. */
static bool fault_forbids_state(const struct pop3 *p, const struct entry *e)
{
    bool after = p->state == POP3_TRANSACTION;
    return (e->run == pop3_lang && after && fault(FAULT_POP3_LANG_BEFORE_LOGIN_ONLY)) ||
           (e->run == pop3_quit && !after && fault(FAULT_POP3_QUIT_BEFORE_LOGIN));
}

static bool fault_answers(const struct entry *e)
{
    return ((e->run == pop3_top || e->run == pop3_uidl) && fault(FAULT_POP3_TOP_BEFORE_LOGIN)) ||
           (e->run == pop3_stat && fault(FAULT_POP3_STAT_BEFORE_LOGIN)) ||
           ((e->run == pop3_noop || e->run == pop3_rset) && fault(FAULT_POP3_NOOP_BEFORE_LOGIN));
}

static void answer_before_login(struct pop3 *p, const struct entry *e, const struct pop3_command *c)
{
    pop3_ok(p, "0 0");
    if (e->run == pop3_top || (e->run == pop3_uidl && c->count == 0))
        pop3_dot(p);
}

static bool fault_allows_arguments(const struct entry *e, const struct pop3_command *c)
{
    bool numbered = e->run == pop3_retr || e->run == pop3_dele || e->run == pop3_list ||
                    e->run == pop3_uidl || e->run == pop3_top;
    if (numbered && fault(FAULT_POP3_NUMBER_PREFIX))
        return c->count > e->most;
    bool lenient = e->run == pop3_retr || e->run == pop3_dele || e->run == pop3_stat ||
                   e->run == pop3_noop || e->run == pop3_rset;
    if (lenient && c->count > e->most && fault(FAULT_POP3_EXTRA_WORDS_IGNORED))
        return true;
    return (e->run == pop3_capa && fault(FAULT_POP3_CAPA_TAKES_ARGUMENT)) ||
           (e->run == pop3_stls && fault(FAULT_POP3_STLS_TAKES_ARGUMENT)) ||
           (e->run == pop3_utf8 && fault(FAULT_POP3_UTF8_TAKES_ARGUMENT));
}

static void obey(struct pop3 *p, const struct pop3_command *c)
{
    const struct entry *e = find(c->keyword);
    /* PASS counts only as the very next command after USER. */
    bool keeps = e != NULL && (e->run == pop3_pass ||
                               (e->run == pop3_stls && fault(FAULT_POP3_STLS_KEEPS_USER)));
    if (!keeps)
        pop3_forget_login(p);
    if (e == NULL) {
        trace(p->conn, "rfc1939-3-5", "no command");
        if (fault(FAULT_POP3_UNKNOWN_COMMAND_OK))
            pop3_ok(p, "whatever that was");
        else
            pop3_err(p, "there is no such command");
        return;
    }
    trace(p->conn, "-", "%s", e->name);
    if (((e->states & (int)p->state) == 0 && !fault_allows_state(p, e)) ||
        fault_forbids_state(p, e)) {
        trace(p->conn, "rfc1939-3-6", "%s has no place in this state", e->name);
        if (p->state == POP3_AUTHORIZATION && fault_answers(e))
            answer_before_login(p, e, c);
        else if (p->state == POP3_AUTHORIZATION)
            pop3_err(p, "log in first");
        else
            pop3_err(p, "this is for before the login");
        return;
    }
    bool nameless = c->count == 0 && fault(FAULT_POP3_MISSING_NUMBER_IS_FIRST) &&
                    (e->run == pop3_retr || e->run == pop3_dele || e->run == pop3_top);
    if (nameless) {
        struct pop3_command first = *c;
        char one[] = "1", zero[] = "0";
        first.arguments[0] = one;
        first.arguments[1] = zero;
        e->run(p, &first);
        return;
    }
    /* A password is everything behind the space, spaces and all. */
    bool counts = e->run == pop3_pass ? c->rest != NULL && c->rest[0] != '\0'
                                      : !c->spaced && c->count >= e->least && c->count <= e->most;
    if (!counts && !fault_allows_arguments(e, c)) {
        trace(p->conn, "rfc1939-3-5", "%s with %zu arguments", e->name, c->count);
        pop3_forget_login(p);
        pop3_err(p, e->most == 0 ? "this command takes no argument"
                    : c->spaced  ? "one space stands before each argument"
                                 : "the number of arguments is wrong");
        return;
    }
    if (e->run == pop3_top && fault(FAULT_POP3_CAPA_LISTS_MISSING_TOP))
        pop3_err(p, "there is no such command");
    else
        e->run(p, c);
    if ((e->run == pop3_retr && fault(FAULT_POP3_PIPELINING_FLUSHES)) ||
        (e->run == pop3_pass && fault(FAULT_POP3_PIPELINING_DROPS_AFTER_PASS)))
        buf_empty(&p->conn->in);
}

static void take_command(struct pop3 *p, const unsigned char *line, size_t n)
{
    struct pop3_command c;
    char *scratch = malloc(2 * (n + 1));
    if (scratch == NULL)
        abort();
    conn_command(p->conn);
    if (fault(FAULT_POP3_NUL_ENDS_COMMAND))
        n = strnlen((const char *)line, n);
    if (p->drop.mailbox != NULL && fault(FAULT_POP3_EXPUNGE_RENUMBERS))
        maildrop_catch_up(&p->drop);
    memcpy(scratch, line, n);
    scratch[n] = '\0';
    if (!conn_allows(p->conn, scratch, NULL, 1)) {
        free(scratch);
        return;
    }
    if (pop3_command_parse(line, n, scratch, scratch + n + 1, &c))
        obey(p, &c);
    else
        pop3_err(p, "control characters have no place in a command");
    free(scratch);
    if (p->bad_commands >= p->conn->server->limits.pop3_bad_commands)
        conn_close(p->conn);
}

/* --- lines --- */

/* Where the line ends that begins the input: the offset of its CRLF, and how long that is. -1: not
 * there yet. */
static ssize_t line_end(const struct buf *in, size_t *length)
{
    size_t from = 0;
    while (from < in->len) {
        const unsigned char *lf = memchr(in->data + from, '\n', in->len - from);
        if (lf == NULL)
            return -1;
        size_t at = (size_t)(lf - in->data);
        if (at > 0 && in->data[at - 1] == '\r') {
            *length = 2;
            return (ssize_t)at - 1;
        }
        from = at + 1; /* a bare LF is part of the line, and makes it a wrong one */
    }
    return -1;
}

static size_t longest_line(const struct pop3 *p)
{
    if (p->sasl == NULL && fault(FAULT_POP3_SHORT_LINES))
        return 100;
    const struct limits *l = &p->conn->server->limits;
    return (size_t)(p->sasl != NULL ? l->pop3_sasl_bytes : l->pop3_line_bytes);
}

static void too_long(struct pop3 *p)
{
    conn_command(p->conn);
    pop3_forget_login(p);
    pop3_err(p, "this line is too long");
    if (fault(FAULT_POP3_SHORT_LINES))
        conn_close(p->conn);
}

void pop3_answer_rest(struct pop3 *p)
{
    struct buf *in = &p->conn->in;
    size_t ending;
    for (ssize_t end; (end = line_end(in, &ending)) >= 0;) {
        buf_consume(in, (size_t)end + ending);
        pop3_err(p, "there is no such command");
    }
}

enum { SPLIT_BYTES = 512 };

/* For a fault: puts RETR behind the commands that came with it. */
static bool postpone(struct pop3 *p, const unsigned char *line, size_t n)
{
    struct buf *in = &p->conn->in;
    if (in->len == 0 || p->postponed || strncasecmp((const char *)line, "RETR", 4) != 0) {
        p->postponed = p->postponed && in->len > 0;
        return false;
    }
    p->postponed = true;
    return buf_add(in, line, n) && buf_text(in, "\r\n");
}

/* Takes one line. False: none is complete. */
static bool take_line(struct pop3 *p)
{
    struct buf *in = &p->conn->in;
    size_t ending = 0;
    ssize_t end = line_end(in, &ending);
    if (end < 0 && in->len > 0 && fault(FAULT_POP3_SEGMENT_IS_LINE))
        end = (ssize_t)in->len;
    if (in->len >= SPLIT_BYTES && (end < 0 || end > SPLIT_BYTES) && p->sasl == NULL &&
        fault(FAULT_POP3_LONG_LINE_SPLIT)) {
        end = SPLIT_BYTES;
        ending = 0;
    }
    if (end < 0) {
        if (in->len <= longest_line(p))
            return false;
        /* Too long already: drop what is there, but not a CR whose LF may come next. */
        p->discarding = true;
        buf_consume(in, in->len - (in->data[in->len - 1] == '\r'));
        return false;
    }
    size_t n = (size_t)end;
    if (p->discarding || n + ending > longest_line(p)) {
        p->discarding = false;
        buf_consume(in, n + ending);
        too_long(p);
        return true;
    }
    /* The line is copied: a command may change the input under it (STLS drops it). */
    unsigned char *line = malloc(n + 1);
    if (line == NULL)
        abort();
    memcpy(line, in->data, n);
    line[n] = '\0';
    buf_consume(in, n + ending);
    if (fault(FAULT_POP3_PIPELINING_OUT_OF_ORDER) && postpone(p, line, n)) {
        free(line);
        return true;
    }
    if (n == 0 && p->sasl == NULL && fault(FAULT_POP3_EMPTY_LINE_IGNORED))
        p->bad_commands++;
    else if (p->sasl != NULL || p->doomed)
        pop3_auth_line(p, (const char *)line, n);
    else
        take_command(p, line, n);
    OPENSSL_cleanse(line, n); /* it may have been a password */
    free(line);
    return true;
}

/* --- the protocol --- */

static void stay_awake(struct pop3 *p)
{
    long seconds = p->conn->server->limits.pop3_idle_seconds;
    if (seconds > 300 && fault(FAULT_POP3_TIMEOUT_SHORT))
        seconds = 300;
    if (p->timed && fault(FAULT_POP3_TIMEOUT_NOT_RESET))
        return;
    p->timed = p->state == POP3_TRANSACTION;
    conn_deadline(p->conn, seconds * 1000);
}

static void greet(struct pop3 *p)
{
    if (fault(FAULT_POP3_GREETING_NOT_OK))
        conn_text(p->conn, "+HELLO\r\n");
    else
        pop3_ok(p, "%s POP3 server ready %s", p->conn->server->hostname, p->stamp);
}

static void pop3_open(struct conn *c)
{
    struct pop3 *p = pop3_of(c);
    p->conn = c;
    p->state = POP3_AUTHORIZATION;
    pop3_make_stamp(p);
    stay_awake(p);
    if (!fault(FAULT_POP3_NO_GREETING))
        greet(p);
}

static void pop3_input(struct conn *c)
{
    struct pop3 *p = pop3_of(c);
    if (c->command == 0 && c->in.len > 0 && fault(FAULT_POP3_NO_GREETING))
        greet(p);
    /* One response at a time: what follows waits until it is out (RFC 2449, 6.6). */
    int lines = 0;
    while (p->sending == SENDING_NOTHING && !c->parked && !c->closing && !conn_full(c) &&
           take_line(p)) {
        if (++lines == 16 && fault(FAULT_POP3_PIPELINING_SIXTEEN))
            buf_empty(&c->in);
        stay_awake(p);
        if (conn_starting_tls(c))
            return;
    }
    if (c->eof && p->sending == SENDING_NOTHING && !c->parked)
        conn_close(c);
}

static void pop3_secured(struct conn *c)
{
    struct pop3 *p = pop3_of(c);
    /* What the client said in clear may have been said by someone else (RFC 2595, 4). */
    if (!fault(FAULT_POP3_STLS_KEEPS_USER))
        pop3_forget_login(p);
    p->language = POP3_I_DEFAULT;
    if (fault(FAULT_POP3_STLS_GREETS_AGAIN))
        greet(p);
    stay_awake(p);
}

static void pop3_drained(struct conn *c)
{
    struct pop3 *p = pop3_of(c);
    pop3_send_more(p);
    stay_awake(p);
}

/* For a fault. */
static void remove_marked(struct pop3 *p)
{
    size_t count;
    uint32_t *uids = maildrop_marked(&p->drop, &count);
    store_expunge(p->drop.mailbox, uids, count, false, NULL, NULL, NULL);
    store_settle(p->conn->server->store);
    free(uids);
}

/* RFC 1939, 3: no words, nothing is removed, the connection is closed. */
static void pop3_timeout(struct conn *c)
{
    struct pop3 *p = pop3_of(c);
    trace(c, "rfc1939-3-10", "idle for too long");
    pop3_stop_sending(p);
    if (p->drop.deleted_count > 0 && fault(FAULT_POP3_TIMEOUT_DELETES))
        remove_marked(p);
    if (fault(FAULT_POP3_TIMEOUT_SPEAKS))
        pop3_err(p, "idle too long");
    conn_close(c);
}

static void pop3_shutdown(struct conn *c)
{
    pop3_stop_sending(pop3_of(c));
    conn_close(c);
}

static void pop3_close(struct conn *c)
{
    struct pop3 *p = pop3_of(c);
    pop3_stop_sending(p);
    pop3_forget_login(p);
    if (p->state == POP3_UPDATE && c->parked)
        return; /* QUIT is at work: it unlocks the maildrop when it is done */
    bool read_goes = p->state == POP3_TRANSACTION && fault(FAULT_POP3_EXPIRE_ZERO_AT_DISCONNECT) &&
                     per_account_get(&p->conn->server->policy.expire, p->account->name) == 1;
    for (size_t i = 0; read_goes && i < p->drop.count; i++)
        if (p->drop.messages[i].retrieved)
            maildrop_mark(&p->drop, &p->drop.messages[i]);
    if (p->drop.deleted_count > 0 && p->state == POP3_TRANSACTION &&
        (read_goes || fault(FAULT_POP3_DELE_AT_DISCONNECT)))
        remove_marked(p);
    pop3_let_go(p);
    if (p->drop.mailbox != NULL && fault(FAULT_POP3_DISCONNECT_KEEPS_LOCK))
        p->drop.mailbox->pop3_lock = &pop3_protocol; /* nobody's */
    maildrop_close(&p->drop, p);
}

const struct protocol pop3_protocol = {
    .name = "pop3",
    .session_size = sizeof(struct pop3),
    .open = pop3_open,
    .input = pop3_input,
    .secured = pop3_secured,
    .drained = pop3_drained,
    .timeout = pop3_timeout,
    .shutdown = pop3_shutdown,
    .close = pop3_close,
};
