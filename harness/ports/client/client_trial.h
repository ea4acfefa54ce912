/* One test of one client: where it is sent, how it is run against a server that does what a play
 * says, and where findings go. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_CLIENT_CLIENT_TRIAL_H
#define HARNESS_PORTS_CLIENT_CLIENT_TRIAL_H

#include "ports/client/client.h"
#include "ports/client/client_dns.h"
#include "ports/client/client_play.h"
#include "ports/client/client_run.h"

/* The name that a client under test connects to, and the domains above it. Mail is for the
 * uppermost one. */
extern const char trial_host[], trial_parent[], trial_domain[];

struct trial {
    struct host *h;
    const struct client_options *o;
    struct identities identities;
    char folder[64], ca[128], hosts[128], resolv[128], nsswitch[128], anchor[128], policy[128];
    const char *address; /* of our servers */
    bool own_hosts;      /* the client has a hosts file of its own */
    int listener, referral, web;
    uint16_t port, referral_port, web_port;
    struct client_dns *dns;  /* NULL: nobody's questions are answered */
    const char *policy_text; /* what the web server gives; NULL: 404 */
    int policies;            /* how often it was fetched in this run */
    struct client_process process;
    struct seen seen;
    bool timed_out;
};

/* Leaves a finding. The first offence stays. */
void trial_find(struct trial *t, enum check_id id, enum finding_kind kind, int conn,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Whether the client called at all; otherwise it says so. */
bool trial_called(struct trial *t, enum check_id id);
/* Bad if conn is a connection that shows it, else good. */
void trial_judge(struct trial *t, enum check_id id, int conn, const char *why);

/* Runs the client once against a server that does what the play says, and leaves in t->seen what
 * was seen. -1 with words: it could not be started. */
int trial_run(struct trial *t, const struct play *play, struct err *err);

/* Listens on an address; port 0: any. Fills in what it got. */
int trial_listen(const char *address, int *fd, uint16_t *port, struct err *err);
double trial_now(void); /* seconds */

#endif
