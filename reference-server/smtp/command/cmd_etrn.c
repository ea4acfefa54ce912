/* ETRN (RFC 1985): a host that was away asks for what waits for it. Only the time of the next
 * attempt changes; where mail goes is the queue's and the DNS's business.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "fault.h"
#include "queue/queue.h"
#include "sasl/account.h"
#include "server.h"
#include "smtp/state.h"

/* A full domain name: RFC 1985, 5 and 8; "@com" would be everybody's. */
static bool is_node(const char *name, size_t n)
{
    return smtp_domain_ok(name, n) && memchr(name, '.', n) != NULL;
}

static void start_queue(struct smtp *s, const char *name)
{
    if (strcasecmp(name, "all") != 0) {
        smtp_reply(s, 458, "4.3.0", "Unable to queue messages: there is no queue of that name");
        return;
    }
    queue_flush(s->conn->server->queue, NULL);
    smtp_reply(s, 250, "2.0.0", "OK, queuing started");
}

static void start_node(struct smtp *s, const char *node, bool below)
{
    struct queue *queue = s->conn->server->queue;
    bool none = fault(FAULT_SMTP_ETRN_STARTS_NOTHING);
    size_t count = none ? queue_waiting(queue, node, below)
                        : queue_start(queue, node, below && !fault(FAULT_SMTP_ETRN_NODE_ONLY));
    if (count == 0 || fault(FAULT_SMTP_ETRN_ALWAYS_251))
        smtp_reply(s, 251, "2.0.0", "OK, no messages waiting for node %s", node);
    else if (below)
        smtp_reply(s, 252, "2.0.0", "OK, pending messages for node %s started", node);
    else
        smtp_reply(s, 253, "2.0.0", "OK, %zu pending messages for node %s started", count, node);
}

void smtp_etrn(struct smtp *s, const char *arg, size_t n)
{
    const struct server *server = s->conn->server;
    bool below = *arg == '@';
    if (!smtp_has_etrn(s)) {
        smtp_reply(s, 502, "5.5.1", "There is no ETRN here");
    } else if (s->envelope.open && !fault(FAULT_SMTP_ETRN_IN_TRANSACTION)) {
        smtp_reply(s, 503, "5.5.1", "Not inside a transaction");
    } else if (*arg == '#' && n > 1) {
        if (smtp_may_etrn(s))
            start_queue(s, arg + 1);
        else
            smtp_reply(s, 458, "4.7.1", "Unable to queue messages: log in first");
    } else if (!is_node(arg + below, n - below)) {
        if (fault(FAULT_SMTP_ETRN_BAD_NODE_ACCEPTED))
            smtp_reply(s, 250, "2.0.0", "OK");
        else
            smtp_reply(s, 501, "5.5.4", "ETRN takes a full domain name, @ before it, or #queue");
    } else if (!smtp_may_etrn(s)) {
        smtp_reply(s, 459, "4.7.1", "Node %s not allowed: log in first", arg + below);
    } else if (account_domain_ours(server->accounts, arg + below)) {
        smtp_reply(s, 459, "4.7.1", "Node %s not allowed: its mail is delivered here", arg + below);
    } else {
        start_node(s, arg + below, below);
    }
}
