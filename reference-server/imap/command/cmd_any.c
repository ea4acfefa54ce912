/* Commands of any state: CAPABILITY, NOOP, LOGOUT (RFC 3501, 6.1) and ID (RFC 2971).
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include <string.h>

#include "control/script.h"
#include "fault.h"
#include "imap/misbehave.h"
#include "imap/state.h"

static void list_capabilities(struct imap *s, struct buf *out)
{
    struct conn *c = s->conn;
    bool may_login = c->tls || c->server->plaintext_login ||
                     (fault(FAULT_IMAP_EQUAL_IS_SECURE) && strcmp(c->peer, c->local) == 0);
    if (s->state == IMAP_GREETED || !fault(FAULT_IMAP_CAPABILITY_CODE_NO_REV) ||
        s->command == NULL || s->command->run == run_capability) {
        buf_text(out, "IMAP4rev1 IMAP4rev2 ");
    }
    buf_text(out, "LITERAL+ ID SASL-IR");
    if (s->state == IMAP_GREETED) {
        struct buf mechanisms;
        buf_init(&mechanisms, 1024);
        sasl_mechanisms(c, &mechanisms);
        for (size_t i = 0; i < mechanisms.len;) {
            size_t n = 0;
            while (i + n < mechanisms.len && mechanisms.data[i + n] != ' ') {
                n++;
            }
            if (n > 0) {
                buf_printf(out, " AUTH=%.*s", (int)n, mechanisms.data + i);
            }
            i += n + 1;
        }
        buf_free(&mechanisms);
        if ((!c->tls && c->server->tls != NULL && !fault(FAULT_STARTTLS_NOT_OFFERED)) ||
            (c->tls && fault(FAULT_IMAP_STARTTLS_LISTED_IN_TLS))) {
            buf_text(out, " STARTTLS");
        }
        if ((!may_login && !fault(FAULT_IMAP_LOGINDISABLED_HIDDEN)) ||
            (!c->tls && fault(FAULT_IMAP_LOGINDISABLED_IGNORED))) {
            buf_text(out, " LOGINDISABLED");
        }
    }
    if (s->state != IMAP_GREETED) {
        buf_text(out, " ENABLE IDLE NAMESPACE CHILDREN UNSELECT UIDPLUS MOVE ESEARCH SEARCHRES "
                      "MULTIAPPEND LIST-EXTENDED LIST-STATUS STATUS=SIZE");
    }
}

void imap_capabilities(struct imap *s, struct buf *out)
{
    struct buf all;
    const char *more, *gap = "";
    buf_init(&all, 4096);
    list_capabilities(s, &all);
    buf_add(&all, "", 1); /* an end for the tokenizer */
    char *rest = (char *)all.data;
    for (char *name; (name = strsep(&rest, " ")) != NULL;) {
        if (*name == '\0' || !script_lists(s->conn, name)) {
            continue;
        }
        buf_printf(out, "%s%s", gap, name);
        gap = " ";
    }
    for (size_t i = 0; (more = script_lists_too(s->conn, i)) != NULL; i++) {
        buf_printf(out, "%s%s", gap, more);
        gap = " ";
    }
    buf_free(&all);
}

void run_capability(struct imap *s)
{
    struct buf out;
    buf_init(&out, 4096);
    if (!fault(FAULT_IMAP_CAPABILITY_EMPTY)) {
        buf_text(&out, "* CAPABILITY ");
        imap_capabilities(s, &out);
        buf_text(&out, "\r\n");
    }
    imap_send(s, &out);
    buf_free(&out);
    imap_ok(s, "That is all");
}

/* Also CHECK: what was answered is on disk already. */
void run_noop(struct imap *s)
{
    if (s->view.mailbox != NULL && fault(FAULT_IMAP_FETCH_PAST_END)) {
        conn_printf(s->conn, "* %zu FETCH (FLAGS ())\r\n", s->view.count + 1);
    }
    imap_ok(s, fault(FAULT_IMAP_TEXT_EIGHT_BIT) ? "f\303\274r dich" : "Done");
}

static void goodbye(struct imap *s)
{
    if (!fault(FAULT_IMAP_LOGOUT_NO_BYE)) {
        conn_text(s->conn, "* BYE Until next time\r\n");
    }
    imap_deselect(s);
    imap_ok(s, "Logged out");
    if (!fault(FAULT_IMAP_LOGOUT_STAYS_OPEN)) {
        s->state = IMAP_ENDED;
        conn_close(s->conn);
    }
}

void run_logout(struct imap *s)
{
    if (!misbehave_logout(s, goodbye)) {
        goodbye(s);
    }
}

#define MOST_ID_PAIRS 30

void parse_id(struct imap *s, struct args *a)
{
    struct str name, value;
    (void)s;
    if (!args_sp(a)) {
        return;
    }
    if (args_peek(a) != '(') {
        args_nstring(a, &name);
        if (a->state == ARGS_FINE && name.p != NULL) {
            args_bad(a, "Expected a list or NIL");
        }
        args_end(a);
        return;
    }
    args_char(a, '(');
    for (int pairs = 0; !args_maybe(a, ')'); pairs++) {
        if ((pairs > 0 && !args_sp(a)) || !args_string(a, &name) || !args_sp(a) ||
            !args_nstring(a, &value)) {
            return;
        }
        if (pairs == MOST_ID_PAIRS || name.n > 30 || value.n > 1024) {
            args_bad(a, "ID takes at most 30 pairs, names of 30 and values of 1024 octets");
        }
    }
    args_end(a);
}

void run_id(struct imap *s)
{
    conn_text(s->conn, "* ID (\"name\" \"mailproofd\" \"vendor\" \"mailproof\" \"version\" "
                       "\"" MAILPROOF_VERSION "\")\r\n");
    imap_ok(s, "Nice to meet you");
}
