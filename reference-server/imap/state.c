/* Drives a session: input to commands, commands to answers. RFC 3501, 2.2, 3, 5.
 * SPDX-License-Identifier: MIT */
#include "imap/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fault.h"
#include "imap/grammar/utf7.h"
#include "imap/misbehave.h"

/* How far a client may be followed past a limit, only to find the end of what it sends. */
#define MOST_READ_PAST 16                     /* lines, as a multiple of their limit */
#define STRANGERS_READ_PAST ((size_t)1 << 20) /* literals, before the login */

static struct imap *session(struct conn *c)
{
    return c->session;
}

/* --- what a session says --- */

void imap_send(struct imap *s, struct buf *out)
{
    if (out->len > 0) {
        conn_write(s->conn, out->data, out->len);
    }
    buf_empty(out);
}

void imap_tell(struct imap *s, bool expunges)
{
    struct buf out;
    if (s->view.mailbox == NULL) {
        return;
    }
    buf_init(&out, (size_t)1 << 28);
    struct view_manner how = {
        .expunges = expunges, .with_uid = s->by_uid || s->rev2, .rev2 = s->rev2};
    view_tell(&s->view, s, how, &out);
    imap_send(s, &out);
    buf_free(&out);
}

static void deadline(struct imap *s)
{
    conn_deadline(s->conn, (int64_t)s->conn->server->limits.imap_idle_seconds * 1000);
}

static void command_end(struct imap *s)
{
    if (s->work_end != NULL) {
        s->work_end(s);
    }
    s->work = NULL;
    s->work_end = NULL;
    s->command = NULL;
    s->args = NULL;
    s->tag = NULL;
    s->refusal = NULL;
    s->by_uid = false;
    lexer_reset(&s->lexer);
    arena_empty(&s->arena);
    deadline(s);
}

static void bye(struct imap *s, const char *why)
{
    conn_printf(s->conn, "* BYE %s\r\n", why);
    s->state = IMAP_ENDED;
    conn_close(s->conn);
}

/* The line end of a tagged response. */
static const char *line_end(const struct imap *s)
{
    bool noop = s->command != NULL && s->command->run == run_noop;
    return noop && fault(FAULT_IMAP_BARE_LF) ? "\n" : "\r\n";
}

static void answer(struct imap *s, const char *status, const char *fmt, va_list args)
{
    struct buf line;
    bool bad = strcmp(status, "BAD") == 0;
    bool expunges = s->command != NULL &&
                    (!s->command->keeps_numbers || s->by_uid || fault(FAULT_IMAP_EXPUNGE_IN_FETCH));
    if (!bad) {
        imap_tell(s, expunges);
    }
    char *text = NULL;
    if (vasprintf(&text, fmt, args) < 0) {
        abort();
    }
    imap_trace(s, status, text);
    buf_init(&line, (size_t)1 << 28);
    if (s->tag != NULL && fault(FAULT_IMAP_TAG_UPPER_CASED)) {
        for (const char *p = s->tag; *p; p++) {
            char c = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
            buf_add(&line, &c, 1);
        }
    } else {
        buf_text(&line, s->tag ? s->tag : "*");
    }
    buf_printf(&line, " %s %s", status, text);
    if (s->command != NULL && s->command->run == run_noop && fault(FAULT_IMAP_NUL_IN_TEXT)) {
        buf_add(&line, "", 1);
    }
    buf_text(&line, line_end(s));
    imap_send(s, &line);
    buf_free(&line);
    free(text);
    command_end(s);
    s->bad_commands = bad ? s->bad_commands + 1 : 0;
    if (s->bad_commands > s->conn->server->limits.imap_bad_commands) {
        bye(s, "Too many commands were wrong");
    }
}

void imap_end(struct imap *s)
{
    command_end(s);
}

void imap_ok(struct imap *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    answer(s, "OK", fmt, args);
    va_end(args);
}

void imap_no(struct imap *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    answer(s, "NO", fmt, args);
    va_end(args);
}

void imap_bad(struct imap *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    answer(s, fault(FAULT_IMAP_NO_FOR_BAD) ? "NO" : "BAD", fmt, args);
    va_end(args);
    if (s->state == IMAP_SELECTED && fault(FAULT_IMAP_BAD_DESELECTS)) {
        imap_deselect(s);
    }
}

bool imap_stored(struct imap *s, const struct store_result *r)
{
    const char *text = r->text ? r->text : "That failed";
    switch (r->status) {
    case STORE_OK:
        return true;
    case STORE_NO_MAILBOX:
        imap_no(s, "[NONEXISTENT] %s", r->text ? r->text : "There is no such mailbox");
        return false;
    case STORE_EXISTS:
        imap_no(s, "[ALREADYEXISTS] %s", r->text ? r->text : "That mailbox is there already");
        return false;
    case STORE_OVER_QUOTA:
        imap_no(s, "[OVERQUOTA] %s", text);
        return false;
    case STORE_FULL:
        imap_no(s, "[UNAVAILABLE] %s", text);
        return false;
    case STORE_REFUSED:
    case STORE_CONFLICT:
        break;
    }
    imap_no(s, "%s", text);
    return false;
}

/* --- waiting --- */

static void go(struct imap *s);

void imap_wait(struct imap *s)
{
    s->waiting = true;
    conn_park(s->conn);
}

static void put_away(struct imap *s)
{
    if (s->work_end != NULL) {
        s->work_end(s);
        s->work_end = NULL;
    }
    lexer_free(&s->lexer);
    arena_free(&s->arena);
}

bool imap_woken(struct imap *s)
{
    s->waiting = false;
    if (conn_gone(s->conn)) {
        put_away(s);
        conn_resume(s->conn);
        return false;
    }
    conn_scope(s->conn);
    return true;
}

void imap_go_on(struct imap *s)
{
    struct conn *c = s->conn;
    go(s); /* work that the completion began; the next commands */
    conn_resume(c);
}

/* --- mailboxes --- */

char *imap_name(struct imap *s, const struct str *wire)
{
    char *name = NULL;
    if (!s->rev2) {
        name = utf7_decode(&s->arena, wire->p, wire->n);
    } else if (utf8_name(wire->p, wire->n)) {
        name = arena_copy(&s->arena, wire->p, wire->n);
    }
    /* INBOX is INBOX in any spelling (5.1); so is the top of the names below it. */
    if (name != NULL && strncasecmp(name, "INBOX", 5) == 0 && (name[5] == '\0' || name[5] == '/')) {
        if (memcmp(name, "INBOX", 5) != 0 && fault(FAULT_IMAP_INBOX_CASE_SENSITIVE)) {
            return NULL;
        }
        memcpy(name, "INBOX", 5);
    }
    return name;
}

int imap_resolve(struct imap *s, struct seqset *set, uint32_t **indices, size_t *count)
{
    if (!set->saved) {
        return view_resolve(&s->view, set, s->by_uid, &s->arena, indices, count);
    }
    *indices = arena_alloc(&s->arena, s->saved_count * sizeof **indices);
    *count = 0;
    for (size_t i = 0; i < s->saved_count; i++) {
        size_t at = view_index(&s->view, s->saved[i]);
        if (at != (size_t)-1 && view_message(&s->view, at) != NULL) {
            (*indices)[(*count)++] = (uint32_t)at;
        }
    }
    return 0;
}

void imap_forget_saved(struct imap *s)
{
    free(s->saved);
    s->saved = NULL;
    s->saved_count = 0;
}

void imap_deselect(struct imap *s)
{
    if (s->view.mailbox != NULL) {
        mailbox_unwatch(s->view.mailbox, &s->watcher);
        view_close(&s->view);
    }
    if (s->state == IMAP_SELECTED) {
        s->state = IMAP_LOGGED_IN;
    }
    imap_forget_saved(s);
}

/* --- commands --- */

static const struct imap_command commands[] = {
    {"CAPABILITY", 7, false, false, parse_none, run_capability},
    {"NOOP", 7, false, false, parse_none, run_noop},
    {"LOGOUT", 7, false, false, parse_none, run_logout},
    {"ID", 7, false, false, parse_id, run_id},
    {"STARTTLS", 7, false, false, parse_starttls, run_starttls},
    {"LOGIN", IMAP_GREETED, false, false, parse_login, run_login},
    {"AUTHENTICATE", IMAP_GREETED, false, false, parse_authenticate, run_authenticate},
    {"ENABLE", IMAP_LOGGED_IN, false, false, parse_enable, run_enable},
    {"SELECT", 6, false, false, parse_select, run_select},
    {"EXAMINE", 6, false, false, parse_examine, run_examine},
    {"CREATE", 6, false, false, parse_create, run_create},
    {"DELETE", 6, false, false, parse_delete, run_delete},
    {"RENAME", 6, false, false, parse_rename, run_rename},
    {"SUBSCRIBE", 6, false, false, parse_subscribe, run_subscribe},
    {"UNSUBSCRIBE", 6, false, false, parse_unsubscribe, run_unsubscribe},
    {"LIST", 6, false, false, parse_list, run_list},
    {"LSUB", 6, false, false, parse_lsub, run_lsub},
    {"STATUS", 6, false, false, parse_status, run_status},
    {"NAMESPACE", 6, false, false, parse_none, run_namespace},
    {"APPEND", 6, false, false, parse_append, run_append},
    {"IDLE", 6, false, false, parse_none, run_idle},
    {"CHECK", IMAP_SELECTED, false, false, parse_none, run_noop},
    {"CLOSE", IMAP_SELECTED, false, false, parse_none, run_close},
    {"UNSELECT", IMAP_SELECTED, false, false, parse_none, run_unselect},
    {"EXPUNGE", IMAP_SELECTED, true, false, parse_expunge, run_expunge},
    {"SEARCH", IMAP_SELECTED, true, true, parse_search, run_search},
    {"FETCH", IMAP_SELECTED, true, true, parse_fetch, run_fetch},
    {"STORE", IMAP_SELECTED, true, true, parse_store, run_store},
    {"COPY", IMAP_SELECTED, true, false, parse_copy, run_copy},
    {"MOVE", IMAP_SELECTED, true, false, parse_move, run_move},
};

void parse_none(struct imap *s, struct args *a)
{
    (void)s;
    args_end(a);
}

const struct imap_command *imap_command_find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcasecmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* Command names are taken in any case (RFC 3501, 9). */
static bool well_spelled(const struct str *name)
{
    for (size_t i = 0; i < name->n && fault(FAULT_IMAP_ITEMS_CASE_SENSITIVE); i++) {
        if (name->p[i] >= 'a' && name->p[i] <= 'z') {
            return false;
        }
    }
    return true;
}

static void parse_named(struct imap *s, struct args *a)
{
    struct str name;
    if (!args_sp(a) || !args_atom(a, &name)) {
        return;
    }
    if (str_is(&name, "UID")) {
        s->by_uid = true;
        if (!args_sp(a) || !args_atom(a, &name)) {
            return;
        }
    }
    const struct imap_command *found = imap_command_find(name.p);
    if (found == NULL || (s->by_uid && !found->uid_form) || !well_spelled(&name)) {
        s->wrong = WRONG_COMMAND;
        args_bad(a, "There is no such command");
        return;
    }
    if (!(found->states & s->state)) {
        s->command = found;
        s->wrong = WRONG_STATE;
        args_bad(a, s->state == IMAP_GREETED        ? "Log in first"
                    : found->states == IMAP_GREETED ? "You are logged in already"
                    : s->state == IMAP_SELECTED     ? "Not while a mailbox is selected"
                                                    : "Select a mailbox first");
        return;
    }
    s->command = found;
    found->parse(s, a);
}

/* Reads the command as far as it is here. */
static enum args_state parse(struct imap *s, const char **why)
{
    struct args a;
    struct str tag;
    arena_empty(&s->arena);
    args_init(&a, &s->lexer, &s->arena);
    a.utf8 = s->rev2;
    s->tag = NULL;
    s->command = NULL;
    s->by_uid = false;
    s->refuse = NULL;
    s->wrong = WRONG_NOTHING;
    s->literal_limit = (size_t)s->conn->server->limits.imap_literal_bytes;
    if (args_tag(&a, &tag)) {
        if (args_peek(&a) == ' ' || a.at == a.end) {
            s->tag = tag.p;
        }
        parse_named(s, &a);
    }
    if (a.state == ARGS_FINE && a.at != a.end) {
        args_end(&a);
    }
    if (a.state == ARGS_BAD && s->wrong == WRONG_NOTHING) {
        s->wrong = WRONG_ARGUMENTS;
    }
    *why = a.why;
    return a.state;
}

/* Whether a fault makes a wrong command right. */
static bool excused(const struct imap *s)
{
    const char *name = s->command ? s->command->name : "";
    if (s->tag == NULL) {
        return false;
    }
    switch (s->wrong) {
    case WRONG_NOTHING:
        return false;
    case WRONG_COMMAND:
        return fault(FAULT_IMAP_UNKNOWN_COMMAND_OK);
    case WRONG_ARGUMENTS:
        return fault(FAULT_IMAP_MISSING_ARGUMENT_OK) &&
               (strcmp(name, "FETCH") == 0 || strcmp(name, "STORE") == 0 ||
                strcmp(name, "SEARCH") == 0);
    case WRONG_STATE:
        return (fault(FAULT_IMAP_LIST_BEFORE_LOGIN) && strcmp(name, "LIST") == 0) ||
               (fault(FAULT_IMAP_LOGIN_TWICE) && strcmp(name, "LOGIN") == 0) ||
               (fault(FAULT_IMAP_FETCH_WITHOUT_SELECT) && s->state == IMAP_LOGGED_IN &&
                s->command->states == IMAP_SELECTED);
    }
    return false;
}

static void refuse(struct imap *s, const char *why, bool no)
{
    if (no) {
        imap_no(s, "%s", why);
    } else {
        imap_bad(s, "%s", why);
    }
}

static size_t literal_bytes(const struct lexer *lx)
{
    size_t sum = 0;
    for (size_t i = 0; i < lx->literal_count; i++) {
        size_t n = lx->literals[i].announced;
        sum = n > SIZE_MAX - sum ? SIZE_MAX : sum + n;
    }
    return sum;
}

/* The lexer stands at a literal: let it come, or answer already (RFC 3501, 2.2.1; RFC 7888). */
static void at_literal(struct imap *s)
{
    struct lexer *lx = &s->lexer;
    const struct literal *l = &lx->literals[lx->literal_count - 1];
    const char *why = s->refusal;
    bool no = s->refusal_is_no;
    if (why == NULL && !lx->too_long) {
        enum args_state state = parse(s, &why);
        no = false;
        if (state == ARGS_FINE) {
            why = "A literal has no place here";
        } else if (state == ARGS_PENDING && s->refuse != NULL) {
            why = s->refuse;
            no = true;
        } else if (state == ARGS_PENDING && literal_bytes(lx) > s->literal_limit) {
            why = "[TOOBIG] The literal is larger than the server takes";
            no = true;
        } else if (state == ARGS_PENDING) {
            why = NULL;
        }
    } else if (lx->too_long) {
        why = "The line is too long";
    }
    if (why == NULL) {
        bool invite = l->sync ? !fault(FAULT_IMAP_LITERAL_NO_CONTINUE)
                              : fault(FAULT_IMAP_LITERAL_PLUS_CONTINUES);
        lx->budget = s->command->run == run_append ? &s->conn->server->incoming : NULL;
        if (invite) {
            conn_text(s->conn, fault(FAULT_IMAP_CONTINUE_NO_SPACE) ? "+\r\n" : "+ Go ahead\r\n");
        }
        lexer_take(lx);
        return;
    }
    if (l->sync) {
        if (fault(FAULT_IMAP_LITERAL_INVITED_ANYWAY)) {
            conn_text(s->conn, "+ Go ahead\r\n");
            s->refusal = why;
            s->refusal_is_no = no;
            lexer_drop(lx);
            return;
        }
        refuse(s, why, no);
        return;
    }
    size_t most = (size_t)s->conn->server->limits.message_bytes * 2;
    most = s->state == IMAP_GREETED ? STRANGERS_READ_PAST : most;
    if (l->announced > most || literal_bytes(lx) > most) {
        bye(s, "That is more than the server reads past");
        return;
    }
    s->refusal = why;
    s->refusal_is_no = no;
    lexer_drop(lx);
}

/* Whether a rule has answered the command (or ends the session), so that it does not happen. */
static bool obeyed_by_rule(struct imap *s)
{
    if (s->conn->script == NULL || s->tag == NULL) {
        return false;
    }
    struct buf line, before;
    size_t tag = strlen(s->tag) + 1;
    buf_init(&line, s->lexer.text.len + 1);
    buf_init(&before, tag + 1);
    if (s->lexer.text.len > tag) {
        buf_add(&line, s->lexer.text.data + tag, s->lexer.text.len - tag);
    }
    while (line.len > 0 && strchr("\r\n", line.data[line.len - 1]) != NULL) {
        line.len--;
    }
    buf_add(&line, "", 1);
    buf_printf(&before, "%s ", s->tag);
    buf_add(&before, "", 1);
    bool allowed = conn_allows(s->conn, (const char *)line.data, (const char *)before.data, 1);
    buf_free(&line);
    buf_free(&before);
    return !allowed;
}

static void at_end(struct imap *s)
{
    const char *why = s->refusal;
    if (why != NULL) {
        refuse(s, why, s->refusal_is_no);
        return;
    }
    if (parse(s, &why) != ARGS_FINE) {
        if (excused(s)) {
            imap_ok(s, "Done");
            return;
        }
        imap_bad(s, "%s", why ? why : "The command is incomplete");
        return;
    }
    if (s->refuse != NULL) {
        imap_no(s, "%s", s->refuse);
        return;
    }
    const struct lexer *lx = &s->lexer;
    if (lx->literal_count > 0 && lx->literals[0].at + 2 < lx->text.len &&
        fault(FAULT_IMAP_LITERAL_ARGUMENT_ONLY_LAST)) {
        imap_bad(s, "Nothing may stand behind a literal");
        return;
    }
    if (obeyed_by_rule(s)) {
        command_end(s);
        return;
    }
    s->command->run(s);
}

/* A command line past the limit: answered with its tag if that can be read. */
static void at_long(struct imap *s)
{
    struct args a;
    struct str tag;
    arena_empty(&s->arena);
    args_init(&a, &s->lexer, &s->arena);
    s->tag = args_tag(&a, &tag) && args_peek(&a) == ' ' ? tag.p : NULL;
    imap_bad(s, "[TOOBIG] The line is too long");
}

static void command_input(struct imap *s)
{
    struct conn *c = s->conn;
    size_t used = 0;
    if (lexer_idle(&s->lexer)) {
        conn_command(c);
    }
    enum lexer_step step = lexer_feed(&s->lexer, c->in.data, c->in.len, &used);
    buf_consume(&c->in, used);
    if (s->lexer.denied && s->refusal == NULL) {
        s->refusal = "[LIMIT] Too much mail comes in at once: try again later";
        s->refusal_is_no = true;
    }
    switch (step) {
    case LEXER_MORE:
        if (s->lexer.long_by / MOST_READ_PAST > (size_t)c->server->limits.imap_line_bytes) {
            bye(s, "The line is far too long");
        }
        return;
    case LEXER_LITERAL:
        at_literal(s);
        return;
    case LEXER_LONG:
        at_long(s);
        return;
    case LEXER_DONE:
        at_end(s);
        return;
    }
}

/* A line that is no command: an answer to a challenge, or DONE. */
static bool plain_line(struct imap *s)
{
    struct buf *in = &s->conn->in;
    unsigned char *lf = memchr(in->data, '\n', in->len);
    while (lf != NULL && (lf == in->data || lf[-1] != '\r')) {
        lf = memchr(lf + 1, '\n', in->len - (size_t)(lf + 1 - in->data));
    }
    if (lf == NULL) {
        if (in->len > (size_t)s->conn->server->limits.imap_line_bytes) {
            bye(s, "The line is too long");
        }
        return false;
    }
    size_t n = (size_t)(lf - in->data) + 1;
    unsigned char *line = malloc(n);
    if (line == NULL) {
        abort();
    }
    memcpy(line, in->data, n);
    buf_consume(in, n);
    if (s->mode == MODE_IDLE) {
        imap_idle_line(s, line, n - 2);
    } else {
        imap_sasl_line(s, line, n - 2);
    }
    free(line);
    return true;
}

static void go(struct imap *s)
{
    struct conn *c = s->conn;
    if (s->in_input) {
        return;
    }
    s->in_input = true;
    for (;;) {
        if (s->waiting || conn_starting_tls(c) || c->closing || s->state == IMAP_ENDED) {
            break;
        }
        if (s->work != NULL) {
            if (conn_full(c)) {
                break;
            }
            s->work(s);
            if (s->work != NULL) {
                break; /* `drained` goes on with it */
            }
            continue;
        }
        if (c->in.len == 0) {
            if (s->command == NULL && lexer_idle(&s->lexer)) {
                arena_free(&s->arena); /* an idle session keeps little */
                buf_free(&s->lexer.text);
            }
            break;
        }
        if (s->mode != MODE_COMMAND) {
            if (!plain_line(s)) {
                break;
            }
            continue;
        }
        command_input(s);
    }
    s->in_input = false;
    if (s->state == IMAP_ENDED) {
        buf_empty(&c->in);
    }
    if (c->eof && !s->waiting && s->work == NULL && !c->closing && c->in.len == 0) {
        conn_close(c);
    }
}

/* --- the protocol --- */

static void changed(void *arg, struct mailbox *m)
{
    struct imap *s = arg;
    (void)m;
    if (s->mode != MODE_IDLE || s->waiting) {
        return;
    }
    conn_scope(s->conn);
    if (!fault(FAULT_IMAP_IDLE_TELLS_NOTHING)) {
        conn_park(s->conn); /* outside an input call only conn_resume sends what was written */
        imap_tell(s, true);
        conn_resume(s->conn);
    }
}

static void imap_open(struct conn *c)
{
    struct imap *s = session(c);
    struct buf caps;
    s->conn = c;
    s->state = IMAP_GREETED;
    s->watcher = (struct watcher){.changed = changed, .arg = s};
    lexer_init(&s->lexer, (size_t)c->server->limits.imap_line_bytes);
    c->server->incoming.most = &c->server->limits.incoming_bytes;
    buf_init(&caps, 4096);
    imap_capabilities(s, &caps);
    conn_printf(c, "* %s [CAPABILITY %.*s] %s mailproofd is ready\r\n",
                !c->tls && fault(FAULT_IMAP_GREETS_PREAUTH) ? "PREAUTH" : "OK", (int)caps.len,
                caps.data, c->server->hostname ? c->server->hostname : "localhost");
    buf_free(&caps);
    deadline(s);
}

/* For a fault: the line of a literal that looks like STARTTLS is one. */
static bool starttls_in_literal(struct imap *s)
{
    struct buf *in = &s->conn->in;
    const char *at = s->lexer.literal_count > 0 && in->len > 0
                         ? memmem(in->data, in->len, " STARTTLS\r\n", 11)
                         : NULL;
    if (at == NULL) {
        return false;
    }
    conn_printf(s->conn, "%.*s OK Begin TLS now\r\n", (int)(at - (const char *)in->data),
                (const char *)in->data);
    buf_consume(in, in->len);
    (void)conn_starttls(s->conn);
    return true;
}

static void imap_input(struct conn *c)
{
    if (fault(FAULT_IMAP_STARTTLS_IN_LITERAL) && starttls_in_literal(session(c))) {
        return;
    }
    if (c->eof && fault(FAULT_IMAP_APPEND_KEEPS_HALF)) {
        misbehave_finish_append(session(c));
    }
    go(session(c));
}

void imap_continue(struct imap *s)
{
    conn_scope(s->conn);
    conn_park(s->conn);
    imap_go_on(s);
}

static void imap_drained(struct conn *c)
{
    conn_scope(c);
    go(session(c));
}

static void imap_secured(struct conn *c)
{
    lexer_reset(&session(c)->lexer);
    deadline(session(c));
    if (fault(FAULT_IMAP_RESUMES_LOGIN)) {
        misbehave_resumed(session(c));
    }
}

static void imap_timeout(struct conn *c)
{
    bye(session(c), "You were silent for too long");
    conn_close(c);
}

static void imap_shutdown(struct conn *c)
{
    bye(session(c), "The server is going down");
    conn_close(c);
}

static void imap_close(struct conn *c)
{
    struct imap *s = session(c);
    sasl_free(s->sasl);
    s->sasl = NULL;
    s->mode = MODE_COMMAND;
    imap_deselect(s);
    s->state = IMAP_ENDED;
    s->work = NULL;
    if (!s->waiting) {
        put_away(s); /* else the completion does it */
    }
}

const struct protocol imap_protocol = {
    .name = "imap",
    .session_size = sizeof(struct imap),
    .open = imap_open,
    .input = imap_input,
    .secured = imap_secured,
    .drained = imap_drained,
    .timeout = imap_timeout,
    .shutdown = imap_shutdown,
    .close = imap_close,
};
