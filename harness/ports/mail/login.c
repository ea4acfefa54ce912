/* What needs an account: SCRAM with channel binding, rightly and wrongly, and whether a login made
 * in clear is carried into TLS. B. RFC 5802, RFC 9266. SPDX-License-Identifier: MIT */
#include "ports/mail/login.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ports/dial/dial.h"
#include "ports/rooms.h"

static int line_of(const char *text)
{
    return (int)strcspn(text, "\r\n");
}

static void base64(const void *p, size_t n, char *out)
{
    (void)EVP_EncodeBlock((unsigned char *)out, p, (int)n);
}

/* AUTH PLAIN, LOGIN or USER and PASS on a connection, in clear or not. */
enum reply_kind login_again(struct port *p, struct conn *c, struct reply *r)
{
    char plain[512], text[1024];
    switch (p->protocol) {
    case PROTOCOL_IMAP:
        return dial_say_password(p, c, r, "LOGIN \"%s\" \"%s\"", p->o->user, p->o->password);
    case PROTOCOL_POP3:
        if (dial_say(p, c, false, r, "USER %s", p->o->user) != REPLY_OK)
            return r->kind;
        return dial_say_password(p, c, r, "PASS %s", p->o->password);
    case PROTOCOL_SMTP:
    case PROTOCOL_UNKNOWN:
        break;
    }
    int n = snprintf(plain, sizeof plain, "%c%s%c%s", 0, p->o->user, 0, p->o->password);
    base64(plain, (size_t)n, text);
    return dial_say_password(p, c, r, "AUTH PLAIN %s", text);
}

struct conn *login_session(struct port *p)
{
    struct reply r;
    struct conn *c = p->o->user != NULL && !p->account_refused ? dial_tls(p, NULL, NULL) : NULL;
    if (c != NULL && login_again(p, c, &r) == REPLY_OK)
        return c;
    /* Once is enough: who fails again and again is locked out. */
    p->account_refused = p->account_refused || (c != NULL && r.kind == REPLY_NO);
    dial_close(p, c);
    return NULL;
}

/* Logs in before TLS, where that is possible, and looks what is left of it. */
static void before_tls(struct port *p)
{
    enum check_id id = p->protocol == PROTOCOL_SMTP   ? CHECK_S12
                       : p->protocol == PROTOCOL_IMAP ? CHECK_S13
                                                      : CHECK_S14;
    struct conn_tls_options o;
    struct reply r;
    if (!port_wants(p, id))
        return;
    if (strncmp(p->address, "127.", 4) != 0 && strcmp(p->address, "::1") != 0) {
        port_untested(p, id, "not checked: the password would go in clear over a network");
        return;
    }
    struct conn *c = dial_clear(p);
    if (c == NULL)
        return;
    if (login_again(p, c, &r) != REPLY_OK) {
        port_not_here(p, id, "no login before TLS here");
    } else if (dial_say(p, c, false, &r, "%s", dial_starttls_word(p)) != REPLY_OK) {
        port_good(p, id, c);
    } else if (p->protocol != PROTOCOL_SMTP) {
        port_bad(p, id, c, "%s after the login got: %.*s", dial_starttls_word(p), line_of(r.text),
                 r.text);
    } else {
        dial_options(p, &o);
        if (conn_starttls(c, &o, p->o->answer_ms, NULL) == 0 &&
            dial_capabilities(p, c, &r) == REPLY_OK) {
            enum reply_kind k = login_again(p, c, &r);
            port_judge(p, id, k == REPLY_OK || r.code != 503, c,
                       "a login from before TLS is still good inside: %.*s", line_of(r.text),
                       r.text);
        }
    }
    dial_close(p, c);
}

void room_login(struct port *p)
{
    if (p->mode == MODE_CLEAR && port_applies(p, CHECK_J18))
        before_tls(p);
    room_binding(p);
}
