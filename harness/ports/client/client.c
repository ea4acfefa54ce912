/* The runs of group U and what they come to. SPDX-License-Identifier: MIT */
#include "ports/client/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ports/client/client_domain.h"

/* Where the servers of a client are that finds them by the DNS: an address that no MTA on this
 * host takes for its own. */
static const char loopback[] = "127.0.0.1", far_address[] = "127.0.0.25";

int client_parse_protocol(const char *text, struct client_options *o, struct err *err)
{
    struct host_want w;
    char want[64];
    (void)snprintf(want, sizeof want, "1=%.40s", text);
    o->mta = strcasecmp(text, "mx") == 0;
    if (o->mta && (o->command == NULL || strstr(o->command, "{domain}") == NULL))
        return err_set(err, "--protocol mx: the command needs {domain}: an MTA finds its next host "
                            "by the DNS");
    if ((strncasecmp(text, "mx", 2) == 0 && !o->mta) || host_parse_want(want, &w, NULL) != 0)
        return err_set(err,
                       "--protocol %s: smtp, imap or pop3 was expected, /implicit may follow, or "
                       "mx",
                       text);
    o->protocol = w.protocol;
    o->mode = w.mode == MODE_UNKNOWN ? MODE_CLEAR : w.mode;
    return 0;
}

/* --- the checks --- */

static const char logged_in[] = "it logged in in clear";
static const char mailed[] = "it sent mail in clear";

static void judge_clear(struct trial *t, enum check_id id)
{
    trial_judge(t, id, t->seen.auth_clear, logged_in);
    trial_judge(t, id, t->seen.mail_clear, mailed);
    trial_judge(t, id, t->o->protocol == PROTOCOL_IMAP ? t->seen.busy_clear : 0,
                "it went on in clear as if it were logged in");
}

/* U01: a reply that came in clear, behind the one to STARTTLS. */
static int injection(struct trial *t, bool pipelines, struct err *err)
{
    struct play p = {.inject = true, .withhold = true};
    if (pipelines) {
        trial_find(
            t, CHECK_U01, FINDING_UNTESTED, 0,
            "not tested: the client sends commands ahead of replies anyway, so nobody sees which "
            "reply it took");
        return 0;
    }
    if (trial_run(t, &p, err) != 0)
        return -1;
    trial_judge(
        t, CHECK_U01, t->seen.ahead,
        "it went on before a reply came inside TLS: it took the one that was put behind the "
        "reply to STARTTLS");
    return 0;
}

/* U02: the lists before and inside TLS have nothing in common. */
static int old_list(struct trial *t, struct err *err)
{
    bool pop3 = t->o->protocol == PROTOCOL_POP3;
    struct play swapped = {.clear_auth = "PLAIN", .tls_auth = pop3 ? "USER" : "LOGIN"},
                neither = {.clear_auth = "", .tls_auth = pop3 ? "USER" : "LOGIN"};
    if (trial_run(t, &swapped, err) != 0)
        return -1;
    int used = t->seen.used_clear_list, asked = t->seen.caps_inside, inside = t->seen.inside;
    if (!trial_called(t, CHECK_U02))
        return 0;
    if (used > 0) {
        /* Who takes this mechanism whatever is offered did not take it from the old list. */
        struct seen before = t->seen;
        if (trial_run(t, &neither, err) != 0)
            return -1;
        bool always = t->seen.auth_tls > 0 && strcmp(t->seen.auth_words, before.auth_words) == 0;
        if (always)
            trial_find(t, CHECK_U02, FINDING_FACT, used,
                       "it logs in in the same way whatever is offered: lists do not matter to it");
        else
            trial_find(t, CHECK_U02, FINDING_BAD, used,
                       "inside TLS it used a mechanism that only the list from before TLS offered");
    } else if (t->o->protocol == PROTOCOL_SMTP && inside > 0 && asked == 0) {
        trial_find(t, CHECK_U02, FINDING_BAD, t->seen.first,
                   "it did not say EHLO again inside TLS");
    } else {
        trial_judge(t, CHECK_U02, 0, "");
    }
    return 0;
}

static int stripped(struct trial *t, struct err *err)
{
    struct play none = {.no_starttls = true, .clear_auth = "PLAIN LOGIN"},
                refused = {.refuse_starttls = true, .clear_auth = "PLAIN LOGIN"};
    if (t->o->protocol == PROTOCOL_POP3)
        none.clear_auth = refused.clear_auth = "USER PLAIN LOGIN";
    if (trial_run(t, &none, err) != 0)
        return -1;
    judge_clear(t, CHECK_U03);
    if (trial_run(t, &refused, err) != 0)
        return -1;
    judge_clear(t, CHECK_U04);
    return 0;
}

static int before_tls(struct trial *t, struct err *err)
{
    struct play preauth = {.preauth = true, .no_starttls = true},
                noise = {.noise = true, .referral = t->referral_port};
    if (t->o->protocol != PROTOCOL_IMAP) {
        trial_find(t, CHECK_U05, FINDING_NOT_HERE, 0, "IMAP only");
        trial_find(t, CHECK_U06, FINDING_NOT_HERE, 0, "IMAP only");
        return 0;
    }
    if (trial_run(t, &preauth, err) != 0)
        return -1;
    judge_clear(t, CHECK_U05);
    if (trial_run(t, &noise, err) != 0)
        return -1;
    trial_judge(t, CHECK_U06, t->seen.referred, "it followed a referral that came before TLS");
    trial_judge(t, CHECK_U06,
                strstr(t->process.text, "mailproof-noise") != NULL ? t->seen.first : 0,
                "it printed what came before TLS as if it were true");
    return 0;
}

static int certificates(struct trial *t, struct err *err)
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
            trial_find(
                t, all[i].id, FINDING_UNTESTED, 0,
                "not tested: a name with several labels that leads to the loopback needs a hosts "
                "file of its own, for which neither root nor user namespaces are at hand");
            continue;
        }
        if (trial_run(t, &p, err) != 0)
            return -1;
        if (!trial_called(t, all[i].id))
            continue;
        if (t->seen.inside > 0) {
            size_t n = strlen(text);
            int conn = text[0] == '\0' ? t->seen.inside : t->h->found[all[i].id].conns[0];
            (void)snprintf(text + n, 512 - n, "%s%s", n > 0 ? "; one " : "a certificate ",
                           leaf_words[p.leaf]);
            t->h->found[all[i].id].kind = FINDING_NONE;
            trial_find(t, all[i].id, FINDING_BAD, conn, "it accepted %s", text);
        } else {
            trial_judge(t, all[i].id, 0, "");
        }
    }
    return 0;
}

static int early_data(struct trial *t, struct err *err)
{
    struct play p = {.early_data = true};
    int early = 0, resumed = 0;
    for (int i = 0; i < 2; i++) {
        if (trial_run(t, &p, err) != 0)
            return -1;
        early = early > 0 ? early : t->seen.early;
        resumed = resumed > 0 ? resumed : t->seen.resumed;
    }
    trial_judge(t, CHECK_U14, early, "it sent data before the handshake was over");
    if (early == 0 && resumed == 0 && t->seen.connections > 0)
        trial_find(t, CHECK_U14, FINDING_FACT, t->seen.first,
                   "no early data came; it resumed no session, so it had no occasion");
    return 0;
}

static int requiretls(struct trial *t, int asked, struct err *err)
{
    struct play p = {0};
    if (t->o->protocol != PROTOCOL_SMTP || asked == 0) {
        trial_find(t, CHECK_U13, FINDING_NOT_HERE, 0,
                   "no mail came that asks for REQUIRETLS, although it was offered");
        return 0;
    }
    if (trial_run(t, &p, err) != 0)
        return -1;
    trial_judge(t, CHECK_U13, t->seen.mail_tls,
                "its mail asks for REQUIRETLS, and went to a server that does not offer it");
    trial_judge(t, CHECK_U13, t->seen.mail_clear, mailed);
    return 0;
}

/* The server is right: the client has to come through, or nothing else says anything. */
static int control(struct trial *t, bool *pipelines, int *asked, struct err *err)
{
    struct play p = {.withhold = true, .requiretls = true};
    if (trial_run(t, &p, err) != 0)
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

static int all_runs(struct trial *t, struct err *err)
{
    static const enum check_id starttls_only[] = {CHECK_U01, CHECK_U02, CHECK_U03,
                                                  CHECK_U04, CHECK_U05, CHECK_U06};
    static const enum check_id must_have_tls[] = {CHECK_U03, CHECK_U04, CHECK_U07, CHECK_U08,
                                                  CHECK_U09};
    bool pipelines = false;
    int asked = 0;
    if (t->dns != NULL && domain_plain(t, err) != 0)
        return -1;
    if (control(t, &pipelines, &asked, err) != 0)
        return -1;
    if (t->o->mode == MODE_CLEAR) {
        if (injection(t, pipelines, err) != 0 || old_list(t, err) != 0 ||
            (!t->o->mta && stripped(t, err) != 0) || before_tls(t, err) != 0)
            return -1;
    } else {
        for (size_t i = 0; i < sizeof starttls_only / sizeof *starttls_only; i++)
            trial_find(t, starttls_only[i], FINDING_NOT_HERE, 0, "TLS comes first here");
    }
    for (size_t i = 0; t->o->mta && i < sizeof must_have_tls / sizeof *must_have_tls; i++)
        trial_find(t, must_have_tls[i], FINDING_NOT_HERE, 0,
                   "an MTA takes what it gets where no policy says more: see U11 and U12");
    if ((!t->o->mta && certificates(t, err) != 0) || requiretls(t, asked, err) != 0 ||
        early_data(t, err) != 0)
        return -1;
    return domain_srv_id(t, err) != 0 || domain_dane(t, err) != 0 || domain_sts(t, err) != 0 ? -1
                                                                                             : 0;
}

/* Which port the server of this client has when it cannot be told. */
static uint16_t nominal_port(const struct client_options *o)
{
    bool implicit = o->mode == MODE_IMPLICIT;
    switch (o->protocol) {
    case PROTOCOL_IMAP:
        return implicit ? 993 : 143;
    case PROTOCOL_POP3:
        return implicit ? 995 : 110;
    case PROTOCOL_SMTP:
    case PROTOCOL_UNKNOWN:
        break;
    }
    return o->mta ? 25 : implicit ? 465 : 587;
}

/* Copies nsswitch.conf, but hosts are looked up in hosts and by the DNS and nowhere else: a daemon
 * of the system would ask the world for us. */
static int write_nsswitch(struct trial *t, struct err *err)
{
    char line[1024];
    FILE *in = fopen("/etc/nsswitch.conf", "r"), *out;
    if (in == NULL) {
        t->nsswitch[0] = '\0'; /* then that is what happens anyway */
        return 0;
    }
    out = fopen(t->nsswitch, "w");
    while (out != NULL && fgets(line, sizeof line, in) != NULL)
        if (strncmp(line, "hosts:", 6) != 0)
            (void)fputs(line, out);
    (void)fclose(in);
    if (out == NULL || fputs("hosts: files dns\n", out) < 0 || fclose(out) != 0)
        return err_errno(err, t->nsswitch);
    return 0;
}

static int write_resolv(struct trial *t, struct err *err)
{
    FILE *f = fopen(t->resolv, "w");
    /* trust-ad: who asks for it is told what was validated. */
    if (f == NULL || fprintf(f, "nameserver %s\noptions trust-ad\n", t->address) < 0 ||
        fclose(f) != 0)
        return err_errno(err, t->resolv);
    return 0;
}

/* What a client needs that finds its server by the DNS: a name server, a web server, and if it
 * cannot be told where they are, a network in which they are where they belong. */
static int prepare_domain(struct trial *t, struct err *err)
{
    bool told = strstr(t->o->command, "{dns}") != NULL;
    t->address = far_address;
    if (!told) {
        t->port = nominal_port(t->o);
        t->web_port = 443;
        (void)snprintf(t->resolv, sizeof t->resolv, "%s/resolv.conf", t->folder);
        (void)snprintf(t->nsswitch, sizeof t->nsswitch, "%s/nsswitch.conf", t->folder);
        if (client_own_network(err) != 0 || write_resolv(t, err) != 0 ||
            write_nsswitch(t, err) != 0)
            return -1;
    }
    (void)snprintf(t->anchor, sizeof t->anchor, "%s/anchor", t->folder);
    (void)snprintf(t->policy, sizeof t->policy, "%s/%s", t->folder, trial_domain);
    t->dns = client_dns_open(t->address, told ? 0 : 53, err);
    if (t->dns == NULL || client_dns_anchor(t->dns, t->anchor, err) != 0)
        return -1;
    return trial_listen(t->address, &t->web, &t->web_port, err);
}

static int prepare(struct trial *t, struct err *err)
{
    const char *base = getenv("TMPDIR");
    struct identity_names names = {.host = "localhost"};
    uint16_t any = 0;
    (void)snprintf(t->folder, sizeof t->folder, "%.40s/mailproof-XXXXXX",
                   base != NULL && strlen(base) <= 40 ? base : "/tmp");
    if (mkdtemp(t->folder) == NULL) {
        t->folder[0] = '\0';
        return err_errno(err, "a folder for certificates");
    }
    (void)snprintf(t->ca, sizeof t->ca, "%s/ca.pem", t->folder);
    (void)snprintf(t->hosts, sizeof t->hosts, "%s/hosts", t->folder);
    if (strstr(t->o->command, "{domain}") != NULL && prepare_domain(t, err) != 0)
        return -1;
    FILE *f = fopen(t->hosts, "w");
    if (f == NULL)
        return err_errno(err, t->hosts);
    if (t->dns == NULL)
        (void)fprintf(f, "127.0.0.1 localhost %s\n::1 ip6-localhost\n", trial_host);
    else
        (void)fprintf(f, "127.0.0.1 localhost\n::1 ip6-localhost\n%s %s mta-sts.%s\n", t->address,
                      trial_host, trial_domain);
    if (fclose(f) != 0)
        return err_errno(err, t->hosts);
    t->own_hosts = client_can_have_hosts(t->hosts);
    if (t->own_hosts || t->dns != NULL)
        names = (struct identity_names){
            .host = trial_host, .parent = trial_parent, .above = trial_domain};
    if (t->dns != NULL) {
        names.domain = trial_domain;
        names.service = domain_service(t->o);
    }
    if (trial_listen(t->address, &t->listener, &t->port, err) != 0 ||
        trial_listen(loopback, &t->referral, &any, err) != 0)
        return -1;
    t->referral_port = any;
    return identities_make(&t->identities, &names, t->ca, err);
}

static void clear(struct trial *t)
{
    const char *const files[] = {t->ca, t->hosts, t->resolv, t->nsswitch, t->anchor, t->policy};
    const int fds[] = {t->listener, t->referral, t->web};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i][0] != '\0')
            (void)unlink(files[i]);
    if (t->folder[0] != '\0')
        (void)rmdir(t->folder);
    client_dns_close(t->dns);
    identities_clear(&t->identities);
}

int client_examine(struct host *h, const struct client_options *o, struct err *err)
{
    struct trial *t = err_need(calloc(1, sizeof *t));
    double began = trial_now();
    int rc;
    t->h = h;
    t->o = o;
    t->address = loopback;
    t->listener = t->referral = t->web = -1;
    h->client = err_need(calloc(1, sizeof *h->client));
    port_init(h->client, &h->o, "127.0.0.1", AF_INET, 0, o->protocol, o->mode);
    h->client->mx = o->mta;
    h->client->started = (double)time(NULL);
    rc = prepare(t, err);
    if (rc == 0)
        rc = all_runs(t, err);
    clear(t);
    free(t);
    h->seconds = trial_now() - began;
    return rc;
}
