/* The runs of group U and what they come to. SPDX-License-Identifier: MIT */
#include "ports/client/client.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ports/client/client_play.h"
#include "ports/client/client_run.h"
#include "run/event.h"

enum { TALKS_MOST = 32, TURN_MS = 2, AFTER_MS = 100 };

static const char host_name[] = "foo.mail.mailproof.example";
static const char host_parent[] = "mail.mailproof.example";
static const char host_above[] = "mailproof.example";

/* A whole test of one client. */
struct test {
    struct host *h;
    const struct client_options *o;
    struct identities identities;
    char folder[64], ca[128], hosts[128];
    bool own_hosts;
    int listener, referral;
    uint16_t port, referral_port;
    struct client_process process;
    struct seen seen;
    bool timed_out;
};

int client_parse_protocol(const char *text, struct client_options *o, struct err *err)
{
    struct host_want w;
    char want[64];
    (void)snprintf(want, sizeof want, "1=%.40s", text);
    if (strncasecmp(text, "mx", 2) == 0 || host_parse_want(want, &w, NULL) != 0)
        return err_set(err, "--protocol %s: smtp, imap or pop3 was expected, /implicit may follow",
                       text);
    o->protocol = w.protocol;
    o->mode = w.mode == MODE_UNKNOWN ? MODE_CLEAR : w.mode;
    return 0;
}

/* --- findings --- */

static void find(struct test *t, enum check_id id, enum finding_kind kind, int conn,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
static void find(struct test *t, enum check_id id, enum finding_kind kind, int conn,
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

/* Whether the client called at all; otherwise it says so. */
static bool called(struct test *t, enum check_id id)
{
    if (t->seen.connections > 0)
        return true;
    find(t, id, FINDING_UNTESTED, 0, "not tested: the client did not connect this time");
    return false;
}

/* Bad if conn is a connection that shows it, else good. */
static void judge(struct test *t, enum check_id id, int conn, const char *why)
{
    if (!called(t, id))
        return;
    if (conn > 0)
        find(t, id, FINDING_BAD, conn, "%s", why);
    else if (t->h->found[id].kind == FINDING_NONE)
        find(t, id, FINDING_GOOD, t->seen.first, "%s", "");
}

/* --- runs --- */

static int listen_here(int *fd, uint16_t *port, struct err *err)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0 || bind(*fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(*fd, 64) != 0 ||
        getsockname(*fd, (struct sockaddr *)&a, &n) != 0)
        return err_errno(err, "cannot listen on the loopback");
    *port = ntohs(a.sin_port);
    return 0;
}

/* Takes whoever calls. */
static void take_calls(struct test *t, const struct stage *s, struct talk **talks, size_t *n)
{
    struct conn *c = NULL;
    char name[16];
    (void)snprintf(name, sizeof name, "c%zu", *n + 1);
    if (*n < TALKS_MOST && conn_accept(s->loop, name, t->listener, TURN_MS, &c, NULL) == 1)
        talks[(*n)++] = talk_new(s, c);
    int fd = accept4(t->referral, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        t->seen.referred = t->seen.first;
        (void)close(fd);
    }
}

/* The connections of a run get numbers behind those of the runs before. */
static void keep_events(struct test *t, json_t *events, int *offset)
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

static double now(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static const char *service(const struct test *t)
{
    return port_service(t->h->client);
}

/* Runs the client once against a server that does what the play says, and leaves in t->seen what
 * was seen. -1 with words: it could not be started. */
static int run(struct test *t, const struct play *play, struct err *err)
{
    struct port *p = t->h->client;
    struct client_words words = {.host = t->own_hosts ? host_name : "localhost",
                                 .ca = t->ca,
                                 .user = t->o->user,
                                 .password = t->o->password,
                                 .port = t->port};
    json_t *events = err_need(json_array());
    struct event_sink sink = {.list = events,
                              .scenario = "",
                              .fd = -1,
                              .protocol = service(t),
                              .service = service(t),
                              .host = words.host,
                              .accepts = true};
    struct conn_watch watch = event_watch(&sink);
    struct talk *talks[TALKS_MOST];
    size_t n = 0;
    char *command = client_command(t->o->command, &words, err);
    t->seen = (struct seen){0};
    t->timed_out = false;
    if (command == NULL ||
        client_start(&t->process, command, t->own_hosts ? t->hosts : NULL, err) != 0) {
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
    double began = now(), ended = 0;
    for (;;) {
        bool alive = false;
        take_calls(t, &s, talks, &n);
        for (size_t i = 0; i < n; i++) {
            if (talks[i] != NULL && !talk_go(talks[i])) {
                talk_free(talks[i]);
                talks[i] = NULL;
            }
            alive = alive || talks[i] != NULL;
        }
        if (client_look(&t->process) && ended == 0)
            ended = now();
        /* What it left in our sockets when it ended is still to be read. */
        if (ended > 0 && (!alive || now() - ended > AFTER_MS / 1000.0))
            break;
        t->timed_out = now() - began > t->o->run_ms / 1000.0;
        if (t->timed_out)
            break;
    }
    client_stop(&t->process);
    for (size_t i = 0; i < n; i++)
        talk_free(talks[i]);
    loop_free(loop);
    keep_events(t, events, &p->last);
    json_decref(events);
    free(command);
    return 0;
}

/* --- the checks --- */

static const char logged_in[] = "it logged in in clear";
static const char mailed[] = "it sent mail in clear";

static void judge_clear(struct test *t, enum check_id id)
{
    judge(t, id, t->seen.auth_clear, logged_in);
    judge(t, id, t->seen.mail_clear, mailed);
    judge(t, id, t->o->protocol == PROTOCOL_IMAP ? t->seen.busy_clear : 0,
          "it went on in clear as if it were logged in");
}

/* U01: a reply that came in clear, behind the one to STARTTLS. */
static int injection(struct test *t, bool pipelines, struct err *err)
{
    struct play p = {.inject = true, .withhold = true};
    if (pipelines) {
        find(t, CHECK_U01, FINDING_UNTESTED, 0,
             "not tested: the client sends commands ahead of replies anyway, so nobody sees which "
             "reply it took");
        return 0;
    }
    if (run(t, &p, err) != 0)
        return -1;
    judge(t, CHECK_U01, t->seen.ahead,
          "it went on before a reply came inside TLS: it took the one that was put behind the "
          "reply to STARTTLS");
    return 0;
}

/* U02: the lists before and inside TLS have nothing in common. */
static int old_list(struct test *t, struct err *err)
{
    bool pop3 = t->o->protocol == PROTOCOL_POP3;
    struct play swapped = {.clear_auth = "PLAIN", .tls_auth = pop3 ? "USER" : "LOGIN"},
                neither = {.clear_auth = "", .tls_auth = pop3 ? "USER" : "LOGIN"};
    if (run(t, &swapped, err) != 0)
        return -1;
    int used = t->seen.used_clear_list, asked = t->seen.caps_inside, inside = t->seen.inside;
    if (!called(t, CHECK_U02))
        return 0;
    if (used > 0) {
        /* Who takes this mechanism whatever is offered did not take it from the old list. */
        struct seen before = t->seen;
        if (run(t, &neither, err) != 0)
            return -1;
        bool always = t->seen.auth_tls > 0 && strcmp(t->seen.auth_words, before.auth_words) == 0;
        if (always)
            find(t, CHECK_U02, FINDING_FACT, used,
                 "it logs in in the same way whatever is offered: lists do not matter to it");
        else
            find(t, CHECK_U02, FINDING_BAD, used,
                 "inside TLS it used a mechanism that only the list from before TLS offered");
    } else if (t->o->protocol == PROTOCOL_SMTP && inside > 0 && asked == 0) {
        find(t, CHECK_U02, FINDING_BAD, t->seen.first, "it did not say EHLO again inside TLS");
    } else {
        judge(t, CHECK_U02, 0, "");
    }
    return 0;
}

static int stripped(struct test *t, struct err *err)
{
    struct play none = {.no_starttls = true, .clear_auth = "PLAIN LOGIN"},
                refused = {.refuse_starttls = true, .clear_auth = "PLAIN LOGIN"};
    if (t->o->protocol == PROTOCOL_POP3)
        none.clear_auth = refused.clear_auth = "USER PLAIN LOGIN";
    if (run(t, &none, err) != 0)
        return -1;
    judge_clear(t, CHECK_U03);
    if (run(t, &refused, err) != 0)
        return -1;
    judge_clear(t, CHECK_U04);
    return 0;
}

static int before_tls(struct test *t, struct err *err)
{
    struct play preauth = {.preauth = true, .no_starttls = true},
                noise = {.noise = true, .referral = t->referral_port};
    if (t->o->protocol != PROTOCOL_IMAP) {
        find(t, CHECK_U05, FINDING_NOT_HERE, 0, "IMAP only");
        find(t, CHECK_U06, FINDING_NOT_HERE, 0, "IMAP only");
        return 0;
    }
    if (run(t, &preauth, err) != 0)
        return -1;
    judge_clear(t, CHECK_U05);
    if (run(t, &noise, err) != 0)
        return -1;
    judge(t, CHECK_U06, t->seen.referred, "it followed a referral that came before TLS");
    judge(t, CHECK_U06, strstr(t->process.text, "mailproof-noise") != NULL ? t->seen.first : 0,
          "it printed what came before TLS as if it were true");
    return 0;
}

static int certificates(struct test *t, struct err *err)
{
    static const struct {
        enum leaf leaf;
        enum check_id id;
    } all[] = {{LEAF_WRONG_NAME, CHECK_U07},        {LEAF_EXPIRED, CHECK_U07},
               {LEAF_UNKNOWN_AUTHORITY, CHECK_U07}, {LEAF_SELF_SIGNED, CHECK_U07},
               {LEAF_WRONG_PURPOSE, CHECK_U07},     {LEAF_COMMON_NAME, CHECK_U08},
               {LEAF_STAR_TOO_SHORT, CHECK_U09},    {LEAF_STAR_IN_LABEL, CHECK_U09}};
    char taken[3][512] = {"", "", ""};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct play p = {.leaf = all[i].leaf};
        size_t group = all[i].id == CHECK_U07 ? 0 : all[i].id == CHECK_U08 ? 1 : 2;
        char *text = taken[group];
        if (t->identities.leaf[p.leaf] == NULL) {
            find(t, all[i].id, FINDING_UNTESTED, 0,
                 "not tested: a name with several labels that leads to the loopback needs a hosts "
                 "file of its own, for which neither root nor user namespaces are at hand");
            continue;
        }
        if (run(t, &p, err) != 0)
            return -1;
        if (!called(t, all[i].id))
            continue;
        if (t->seen.inside > 0) {
            size_t n = strlen(text);
            int conn = text[0] == '\0' ? t->seen.inside : t->h->found[all[i].id].conns[0];
            (void)snprintf(text + n, 512 - n, "%s%s", n > 0 ? "; one " : "a certificate ",
                           leaf_words[p.leaf]);
            t->h->found[all[i].id].kind = FINDING_NONE;
            find(t, all[i].id, FINDING_BAD, conn, "it accepted %s", text);
        } else {
            judge(t, all[i].id, 0, "");
        }
    }
    return 0;
}

static int early_data(struct test *t, struct err *err)
{
    struct play p = {.early_data = true};
    int early = 0, resumed = 0;
    for (int i = 0; i < 2; i++) {
        if (run(t, &p, err) != 0)
            return -1;
        early = early > 0 ? early : t->seen.early;
        resumed = resumed > 0 ? resumed : t->seen.resumed;
    }
    judge(t, CHECK_U14, early, "it sent data before the handshake was over");
    if (early == 0 && resumed == 0 && t->seen.connections > 0)
        find(t, CHECK_U14, FINDING_FACT, t->seen.first,
             "no early data came; it resumed no session, so it had no occasion");
    return 0;
}

static int requiretls(struct test *t, int asked, struct err *err)
{
    struct play p = {0};
    if (t->o->protocol != PROTOCOL_SMTP || asked == 0) {
        find(t, CHECK_U13, FINDING_NOT_HERE, 0,
             "no mail came that asks for REQUIRETLS, although it was offered");
        return 0;
    }
    if (run(t, &p, err) != 0)
        return -1;
    judge(t, CHECK_U13, t->seen.mail_tls,
          "its mail asks for REQUIRETLS, and went to a server that does not offer it");
    judge(t, CHECK_U13, t->seen.mail_clear, mailed);
    return 0;
}

/* The server is right: the client has to come through, or nothing else says anything. */
static int control(struct test *t, bool *pipelines, int *asked, struct err *err)
{
    struct play p = {.withhold = true, .requiretls = true};
    if (run(t, &p, err) != 0)
        return -1;
    *pipelines = t->seen.ahead > 0;
    *asked = t->seen.requiretls;
    if (t->seen.auth_clear > 0 || t->seen.mail_clear > 0)
        return err_set(err, "the client logs in or sends mail in clear although STARTTLS is "
                            "offered: it has to be told to use TLS");
    if (t->seen.auth_tls > 0 || t->seen.mail_tls > 0)
        return 0;
    return err_set(err, "with a server that is right the client %s%s%s (exit status %d)",
                   t->seen.connections == 0 ? "did not connect"
                   : t->seen.tls == 0       ? "did not begin TLS"
                                            : "neither logged in nor sent mail",
                   t->timed_out ? " in time" : "",
                   t->seen.wrong_why[0] != '\0' ? ": the handshake failed" : "",
                   WIFEXITED(t->process.status) ? WEXITSTATUS(t->process.status) : -1);
}

static int all_runs(struct test *t, struct err *err)
{
    static const enum check_id starttls_only[] = {CHECK_U01, CHECK_U02, CHECK_U03,
                                                  CHECK_U04, CHECK_U05, CHECK_U06};
    bool pipelines = false;
    int asked = 0;
    if (control(t, &pipelines, &asked, err) != 0)
        return -1;
    if (t->o->mode == MODE_CLEAR) {
        if (injection(t, pipelines, err) != 0 || old_list(t, err) != 0 || stripped(t, err) != 0 ||
            before_tls(t, err) != 0)
            return -1;
    } else {
        for (size_t i = 0; i < sizeof starttls_only / sizeof *starttls_only; i++)
            find(t, starttls_only[i], FINDING_NOT_HERE, 0, "TLS comes first here");
    }
    if (certificates(t, err) != 0 || requiretls(t, asked, err) != 0 || early_data(t, err) != 0)
        return -1;
    find(t, CHECK_U10, FINDING_UNTESTED, 0,
         "not checked: the client would have to find the server by an SRV record, and its resolver "
         "is not ours to answer for");
    find(t, CHECK_U11, FINDING_UNTESTED, 0,
         "not checked: the client would have to see signed TLSA records, and its resolver is not "
         "ours to answer for");
    find(t, CHECK_U12, FINDING_UNTESTED, 0,
         "not checked: the client would have to fetch a policy from a web server that it finds by "
         "DNS");
    return 0;
}

static int prepare(struct test *t, struct err *err)
{
    const char *base = getenv("TMPDIR");
    struct identity_names names = {.host = "localhost"};
    (void)snprintf(t->folder, sizeof t->folder, "%.40s/mailproof-XXXXXX",
                   base != NULL && strlen(base) <= 40 ? base : "/tmp");
    if (mkdtemp(t->folder) == NULL) {
        t->folder[0] = '\0';
        return err_errno(err, "a folder for certificates");
    }
    (void)snprintf(t->ca, sizeof t->ca, "%s/ca.pem", t->folder);
    (void)snprintf(t->hosts, sizeof t->hosts, "%s/hosts", t->folder);
    FILE *f = fopen(t->hosts, "w");
    if (f == NULL)
        return err_errno(err, t->hosts);
    (void)fprintf(f, "127.0.0.1 localhost %s\n::1 ip6-localhost\n", host_name);
    if (fclose(f) != 0)
        return err_errno(err, t->hosts);
    t->own_hosts = client_can_have_hosts(t->hosts);
    if (t->own_hosts)
        names =
            (struct identity_names){.host = host_name, .parent = host_parent, .above = host_above};
    return identities_make(&t->identities, &names, t->ca, err);
}

int client_examine(struct host *h, const struct client_options *o, struct err *err)
{
    struct test *t = err_need(calloc(1, sizeof *t));
    double began = now();
    int rc;
    t->h = h;
    t->o = o;
    t->listener = t->referral = -1;
    h->client = err_need(calloc(1, sizeof *h->client));
    port_init(h->client, &h->o, "127.0.0.1", AF_INET, 0, o->protocol, o->mode);
    h->client->started = (double)time(NULL);
    rc = prepare(t, err);
    if (rc == 0)
        rc = listen_here(&t->listener, &t->port, err);
    if (rc == 0)
        rc = listen_here(&t->referral, &t->referral_port, err);
    if (rc == 0)
        rc = all_runs(t, err);
    if (t->listener >= 0)
        (void)close(t->listener);
    if (t->referral >= 0)
        (void)close(t->referral);
    if (t->folder[0] != '\0') {
        (void)unlink(t->ca);
        (void)unlink(t->hosts);
        (void)rmdir(t->folder);
    }
    identities_clear(&t->identities);
    free(t);
    h->seconds = now() - began;
    return rc;
}
