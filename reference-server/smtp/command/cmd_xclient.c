/* XCLIENT: a trusted client, a filter or a proxy, tells for whom it speaks. The words are those of
 * Postfix's XCLIENT_README. Whether the client is trusted was settled when it connected: what it
 * says of itself does not change that.
 *
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "fault.h"
#include "net/guard.h"
#include "net/proxy.h"
#include "server.h"
#include "smtp/param.h"
#include "smtp/state.h"

enum { VALUE_MAX = 255 };

/* What one command says; what it does not say stays as it was. */
struct said {
    char name[VALUE_MAX + 1], helo[VALUE_MAX + 1];
    char peer[64], local[64];
    bool has_name, has_helo, has_peer, has_local, has_port, has_local_port, has_login, has_proto;
    uint16_t port, local_port;
    bool esmtp;
    struct account *account;
};

/* Not known, or not known now: both mean that there is nothing to go by. */
static bool unavailable(const char *value)
{
    return strcasecmp(value, "[UNAVAILABLE]") == 0 || strcasecmp(value, "[TEMPUNAVAIL]") == 0;
}

static bool take_address(const char *value, char *out, size_t size)
{
    unsigned char binary[16];
    bool v6 = strncasecmp(value, "IPV6:", 5) == 0;
    if (unavailable(value))
        value = "unknown";
    else if (inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? value + 5 : value, binary) != 1)
        return false;
    snprintf(out, size, "%s", v6 ? value + 5 : value);
    return true;
}

static bool take_port(const char *value, uint16_t *out)
{
    unsigned long n = 0;
    if (unavailable(value)) {
        *out = 0;
        return true;
    }
    if (*value == '\0' || strlen(value) > 5 || value[strspn(value, "0123456789")] != '\0')
        return false;
    n = strtoul(value, NULL, 10);
    *out = (uint16_t)n;
    return n <= UINT16_MAX;
}

static bool take_name(const char *value, char *out)
{
    bool none = unavailable(value);
    for (const char *p = value; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~' || strchr("()<>[]\\\"", *p) != NULL)
            if (!none)
                return false;
    strcpy(out, none ? "" : value);
    return *value != '\0';
}

static bool take_attribute(struct smtp *s, const char *name, const char *value, struct said *x)
{
    if (strcasecmp(name, "NAME") == 0)
        return x->has_name = take_name(value, x->name);
    if (strcasecmp(name, "HELO") == 0)
        return x->has_helo = take_name(value, x->helo);
    if (strcasecmp(name, "ADDR") == 0)
        return x->has_peer = take_address(value, x->peer, sizeof x->peer);
    if (strcasecmp(name, "DESTADDR") == 0)
        return x->has_local = take_address(value, x->local, sizeof x->local);
    if (strcasecmp(name, "PORT") == 0)
        return x->has_port = take_port(value, &x->port);
    if (strcasecmp(name, "DESTPORT") == 0)
        return x->has_local_port = take_port(value, &x->local_port);
    if (strcasecmp(name, "PROTO") == 0) {
        x->esmtp = strcasecmp(value, "ESMTP") == 0;
        return x->has_proto = x->esmtp || strcasecmp(value, "SMTP") == 0;
    }
    if (strcasecmp(name, "LOGIN") == 0) {
        x->account = unavailable(value) ? NULL : account_find(s->conn->server->accounts, value);
        return x->has_login = unavailable(value) || x->account != NULL;
    }
    return false;
}

/* NAME=xtext, separated by single spaces. */
static bool take_all(struct smtp *s, const char *arg, struct said *x)
{
    for (bool more = true; more;) {
        char name[16], value[VALUE_MAX + 1];
        size_t n = strcspn(arg, " "), len = 0;
        const char *equals = memchr(arg, '=', n);
        size_t key = equals != NULL ? (size_t)(equals - arg) : 0;
        if (key == 0 || key >= sizeof name || n - key - 1 > VALUE_MAX)
            return false;
        memcpy(name, arg, key);
        name[key] = '\0';
        if (smtp_xtext_decode(equals + 1, n - key - 1, value, &len) != 0 || strlen(value) != len ||
            (!take_attribute(s, name, value, x) && !fault(FAULT_XCLIENT_ANY_ARGUMENT)))
            return false;
        more = arg[n] == ' ';
        arg += n + more;
    }
    return true;
}

/* The connection counts for its new address now. */
static bool move(struct conn *c, const char *peer)
{
    if (!guard_enter(c->server, peer))
        return false;
    guard_leave(c->server, c->peer);
    snprintf(c->peer, sizeof c->peer, "%s", peer);
    return true;
}

static void replace(char **where, const char *text)
{
    free(*where);
    *where = *text != '\0' ? strdup(text) : NULL;
}

static bool apply(struct smtp *s, const struct said *x)
{
    struct conn *c = s->conn;
    if (x->has_peer && !fault(FAULT_XCLIENT_ADDRESS_IGNORED) && !move(c, x->peer))
        return false;
    if (x->has_port)
        c->peer_port = x->port;
    if (x->has_local)
        memcpy(c->local, x->local, sizeof c->local);
    if (x->has_local_port)
        c->local_port = x->local_port;
    if (x->has_name)
        replace(&s->told_name, x->name);
    if (x->has_helo)
        replace(&s->told_helo, x->helo);
    if (x->has_proto)
        s->told_protocol = x->esmtp ? 'E' : 'S';
    if (x->has_login) {
        s->logged_in = x->account != NULL;
        s->account = x->account;
    }
    return true;
}

void smtp_xclient(struct smtp *s, const char *arg, size_t n)
{
    struct said x = {.esmtp = false};
    (void)n;
    if (!s->xclient && !fault(FAULT_XCLIENT_FROM_STRANGERS)) {
        smtp_reply(s, 550, "5.7.0", "You are not trusted with that");
        return;
    }
    bool goes_on = s->envelope.open && fault(FAULT_XCLIENT_KEEPS_TRANSACTION);
    if (s->envelope.open && !goes_on) {
        smtp_reply(s, 503, "5.5.1", "Not inside a transaction");
        return;
    }
    if (!take_all(s, arg, &x)) {
        smtp_reply(s, 501, "5.5.4",
                   "Wrong: NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT, "
                   "each with = and xtext");
        return;
    }
    bool logged_in = s->logged_in;
    struct account *account = s->account;
    char *helo = fault(FAULT_XCLIENT_KEEPS_EHLO) || goes_on ? s->helo : NULL;
    bool esmtp = s->esmtp;
    struct smtp_envelope kept = {0};
    if (helo != NULL)
        s->helo = NULL;
    if (goes_on) {
        kept = s->envelope;
        s->envelope = (struct smtp_envelope){0};
    }
    smtp_forget(s);
    s->envelope = kept;
    if (helo != NULL) {
        s->helo = helo;
        s->esmtp = esmtp;
    }
    s->logged_in = logged_in;
    s->account = account;
    if (!apply(s, &x)) {
        smtp_goodbye(s, "4.7.0", "Too many connections from that address");
        return;
    }
    log_event("xclient", "s:s", "peer", s->conn->peer);
    if (fault(FAULT_XCLIENT_REPLY_250))
        smtp_reply(s, 250, "2.0.0", "So be it");
    else
        smtp_greet(s); /* as if it had just come */
}

bool smtp_late_proxy(struct smtp *s, const char *line)
{
    char header[PROXY_MOST];
    struct conn *c = s->conn;
    struct ends ends;
    bool own = false;
    size_t used = 0;
    const char *why = NULL;
    bool listed = networks_hold(&c->server->policy.proxy_from[c->service], c->peer);
    bool wanted =
        fault(FAULT_PROXY_HEADER_FROM_STRANGERS) || (listed && fault(FAULT_PROXY_GREETS_FIRST));
    if (!wanted || strncmp(line, "PROXY ", 6) != 0)
        return false;
    int n = snprintf(header, sizeof header, "%.200s\r\n", line);
    if (proxy_parse((const unsigned char *)header, (size_t)n, &ends, &own, &used, &why) !=
            PROXY_DONE ||
        (!own && !move(c, ends.peer)))
        return false;
    if (!own) {
        c->peer_port = ends.peer_port;
        memcpy(c->local, ends.local, sizeof c->local);
        c->local_port = ends.local_port;
    }
    return true;
}
