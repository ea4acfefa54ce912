/* Asks for the MX of a recipient's domain before RCPT is answered. A DNS that does not tell is no
 * reason to refuse: the queue asks again.
 *
 * SPDX-License-Identifier: MIT */
#include "smtp/null_mx.h"

#include <stdlib.h>
#include <string.h>

#include "dns/dns.h"
#include "server.h"

struct question {
    struct smtp *session;
    struct conn *conn; /* parked */
    struct smtp_rcpt rcpt;
    void (*done)(struct smtp *s, const struct smtp_rcpt *r, bool null_mx);
};

static void came(void *arg, const struct dns_answer *a)
{
    struct question *q = arg;
    struct conn *c = q->conn;
    bool null_mx = a->status == DNS_OK && a->count == 1 && a->records[0].name[0] == '\0';
    if (!conn_gone(c)) {
        conn_scope(c);
        q->done(q->session, &q->rcpt, null_mx);
        smtp_rearm(q->session);
    }
    free(q->rcpt.arg);
    free(q);
    conn_resume(c);
}

void smtp_ask_null_mx(struct smtp *s, const struct smtp_rcpt *r,
                      void (*done)(struct smtp *s, const struct smtp_rcpt *r, bool null_mx))
{
    struct question *q = malloc(sizeof *q);
    if (q == NULL)
        abort();
    *q = (struct question){s, s->conn, *r, done};
    q->rcpt.arg = strdup(r->arg);
    if (q->rcpt.arg == NULL)
        abort();
    conn_park(s->conn);
    dns_ask(s->conn->server->dns, r->path.domain, DNS_MX, came, q);
}
