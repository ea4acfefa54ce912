/* Runs clients and remembers what they did. SPDX-License-Identifier: MIT */
#include "ports/client/client_trial.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ports/client/client_web.h"
#include "run/event.h"

enum { TALKS_MOST = 32, WEBS_MOST = 16, TURN_MS = 2, AFTER_MS = 100 };

const char trial_host[] = "foo.mail.mailproof.example";
const char trial_parent[] = "mail.mailproof.example";
const char trial_domain[] = "mailproof.example";

/* --- findings --- */

void trial_find(struct trial *t, enum check_id id, enum finding_kind kind, int conn,
                const char *fmt, ...)
{
    char text[1024];
    va_list va;
    /* The first offence stays. */
    if (t->h->found[id].kind == FINDING_BAD)
        return;
    va_start(va, fmt);
    (void)vsnprintf(text, sizeof text, fmt, va);
    va_end(va);
    host_find(t->h, id, kind, "%s", text);
    t->h->found[id].conns[0] = conn;
}

bool trial_called(struct trial *t, enum check_id id)
{
    if (t->seen.connections > 0)
        return true;
    trial_find(t, id, FINDING_UNTESTED, 0, "not tested: the client did not connect this time");
    return false;
}

void trial_judge(struct trial *t, enum check_id id, int conn, const char *why)
{
    if (!trial_called(t, id))
        return;
    if (conn > 0)
        trial_find(t, id, FINDING_BAD, conn, "%s", why);
    else if (t->h->found[id].kind == FINDING_NONE)
        trial_find(t, id, FINDING_GOOD, t->seen.first, "%s", "");
}

/* --- runs --- */

int trial_listen(const char *address, int *fd, uint16_t *port, struct err *err)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t n = sizeof a;
    int yes = 1;
    if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
        return err_set(err, "%s: no IPv4 address", address);
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(*fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(*fd, 64) != 0 ||
        getsockname(*fd, (struct sockaddr *)&a, &n) != 0)
        return err_errno(err, "cannot listen on the loopback");
    *port = ntohs(a.sin_port);
    return 0;
}

/* The connections of one run. */
struct calls {
    struct talk *talks[TALKS_MOST];
    struct web *webs[WEBS_MOST];
    size_t talks_n, webs_n;
};

static struct conn *call(const struct stage *s, const struct calls *all, int listener, int wait_ms)
{
    struct conn *c = NULL;
    char name[32];
    (void)snprintf(name, sizeof name, "c%zu", all->talks_n + all->webs_n + 1);
    return conn_accept(s->loop, name, listener, wait_ms, &c, NULL) == 1 ? c : NULL;
}

/* Takes whoever calls, and answers questions. */
static void take_calls(struct trial *t, const struct stage *s, struct calls *all)
{
    struct conn *c;
    if (t->dns != NULL)
        client_dns_go(t->dns);
    if (all->talks_n < TALKS_MOST && (c = call(s, all, t->listener, TURN_MS)) != NULL)
        all->talks[all->talks_n++] = talk_new(s, c);
    if (t->web >= 0 && all->webs_n < WEBS_MOST && (c = call(s, all, t->web, 0)) != NULL) {
        struct web_site site = {.leaf = t->identities.leaf[LEAF_POLICY_HOST],
                                .key = t->identities.key[LEAF_POLICY_HOST],
                                .text = t->policy_text,
                                .answer_ms = s->answer_ms,
                                .fetched = &t->policies};
        all->webs[all->webs_n++] = web_new(&site, c);
    }
    int fd = accept4(t->referral, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        t->seen.referred = t->seen.first;
        (void)close(fd);
    }
}

/* Whether any of them still goes on. */
static bool go(struct calls *all)
{
    bool alive = false;
    for (size_t i = 0; i < all->talks_n; i++) {
        if (all->talks[i] != NULL && !talk_go(all->talks[i])) {
            talk_free(all->talks[i]);
            all->talks[i] = NULL;
        }
        alive = alive || all->talks[i] != NULL;
    }
    for (size_t i = 0; i < all->webs_n; i++) {
        if (all->webs[i] != NULL && !web_go(all->webs[i])) {
            web_free(all->webs[i]);
            all->webs[i] = NULL;
        }
        alive = alive || all->webs[i] != NULL;
    }
    return alive;
}

/* The connections of a run get numbers behind those of the runs before. */
static void keep_events(struct trial *t, json_t *events, int *offset)
{
    json_t *e;
    size_t i;
    int most = 0;
    json_array_foreach (events, i, e) {
        json_t *conn = json_object_get(e, "conn");
        if (!json_is_integer(conn))
            continue;
        int number = (int)json_integer_value(conn);
        most = number > most ? number : most;
        (void)json_object_set_new(e, "conn", json_integer(number + *offset));
    }
    (void)json_array_extend(t->h->client->events, events);
    int *const seen[] = {
        &t->seen.first,      &t->seen.auth_clear,  &t->seen.mail_clear,      &t->seen.busy_clear,
        &t->seen.starttls,   &t->seen.tls,         &t->seen.auth_tls,        &t->seen.mail_tls,
        &t->seen.inside,     &t->seen.caps_inside, &t->seen.used_clear_list, &t->seen.ahead,
        &t->seen.requiretls, &t->seen.early,       &t->seen.resumed,         &t->seen.referred,
        &t->seen.wrong};
    for (size_t k = 0; k < sizeof seen / sizeof *seen; k++)
        if (*seen[k] > 0)
            *seen[k] += *offset;
    *offset += most;
    t->h->client->used += t->seen.connections;
}

double trial_now(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static const char *service(const struct trial *t)
{
    return port_service(t->h->client);
}

int trial_run(struct trial *t, const struct play *play, struct err *err)
{
    struct port *p = t->h->client;
    struct client_words words = {.host = t->dns != NULL || t->own_hosts ? trial_host : "localhost",
                                 .ca = t->ca,
                                 .user = t->o->user,
                                 .password = t->o->password,
                                 .port = t->port};
    if (t->dns != NULL) {
        words.domain = trial_domain;
        words.dns = t->address;
        words.dns_anchor = t->anchor;
        words.policy = t->policy;
        words.dns_port = client_dns_port(t->dns);
        words.web_port = t->web_port;
    }
    struct client_view view = {.hosts = t->own_hosts ? t->hosts : NULL,
                               .resolv = t->resolv[0] != '\0' ? t->resolv : NULL,
                               .nsswitch = t->nsswitch[0] != '\0' ? t->nsswitch : NULL};
    json_t *events = err_need(json_array());
    struct event_sink sink = {.list = events,
                              .scenario = "",
                              .fd = -1,
                              .protocol = service(t),
                              .service = service(t),
                              .host = words.host,
                              .accepts = true};
    struct conn_watch watch = event_watch(&sink);
    struct calls all = {.talks_n = 0};
    char *command = client_command(t->o->command, &words, err);
    t->seen = (struct seen){0};
    t->timed_out = false;
    t->policies = 0;
    if (command == NULL || client_start(&t->process, command, &view, err) != 0) {
        free(command);
        json_decref(events);
        return -1;
    }
    struct loop *loop = loop_new(&watch);
    struct stage s = {.loop = loop,
                      .protocol = t->o->protocol,
                      .mode = t->o->mode,
                      .play = play,
                      .identities = &t->identities,
                      .seen = &t->seen,
                      .answer_ms = t->h->o.answer_ms};
    double began = trial_now(), ended = 0;
    for (;;) {
        take_calls(t, &s, &all);
        bool alive = go(&all);
        if (client_look(&t->process) && ended == 0)
            ended = trial_now();
        /* What it left in our sockets when it ended is still to be read. */
        if (ended > 0 && (!alive || trial_now() - ended > AFTER_MS / 1000.0))
            break;
        t->timed_out = trial_now() - began > t->o->run_ms / 1000.0;
        if (t->timed_out)
            break;
    }
    client_stop(&t->process);
    for (size_t i = 0; i < all.talks_n; i++)
        talk_free(all.talks[i]);
    for (size_t i = 0; i < all.webs_n; i++)
        web_free(all.webs[i]);
    loop_free(loop);
    keep_events(t, events, &p->last);
    json_decref(events);
    free(command);
    return 0;
}
