/* mailproofd: reads its settings, opens the store, listens, says that it is ready, and ends in good
 * order. SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/trace.h"
#include "config/config.h"
#include "config/quota.h"
#include "config/reload.h"
#include "config/service.h"
#include "control/control.h"
#include "control/rule.h"
#include "dns/dns.h"
#include "net/guard.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/proxy.h"
#include "process/confine.h"
#include "process/notify.h"
#include "queue/queue.h"
#include "server.h"
#include "tls/tls.h"

/* For the store to finish what it has begun once every session is gone. */
enum { LAST_WORK_SECONDS = 10 };

struct daemon {
    struct config config;
    struct server server;
    struct listener **listeners;
    size_t listener_count;
    struct control *control;
    char *state;     /* the folder in use */
    bool made_state; /* we made it just now */
    bool own_state;  /* it is ours to remove */
    struct sandbox sandbox;
    char *control_path;
    struct loop_source signals, input;
    bool signals_watched, input_watched;
    struct timer goodbye;
    bool ready;
    int argc;
    char **argv; /* read again at SIGHUP */
};

/* A connection is a descriptor, and the limit that a shell gives is often a small one. */
static void allow_descriptors(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur == r.rlim_max)
        return;
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
}

/* Messages come and go as large blocks. The C library's own limits give each back to the kernel and
 * fetch it again, page by page; this keeps some megabytes, and halves the cost of a RETR. */
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

static char *join(const char *folder, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        abort();
    return path;
}

static int make_state(struct daemon *d, struct err *err)
{
    if (d->config.state != NULL) {
        d->state = strdup(d->config.state);
        d->made_state = mkdir(d->state, 0755) == 0;
        return d->made_state || errno == EEXIST ? 0 : err_errno(err, d->state);
    }
    const char *tmp = getenv("TMPDIR");
    d->state = join(tmp != NULL && *tmp != '\0' ? tmp : "/tmp", "mailproofd-XXXXXX");
    if (mkdtemp(d->state) == NULL)
        return err_errno(err, d->state);
    d->own_state = d->made_state = true;
    chmod(d->state, 0755); /* others read ca.pem */
    return 0;
}

/* The certificates that the control socket was asked for. */
static void remove_client_files(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *e;
    while (dir != NULL && (e = readdir(dir)) != NULL)
        if (strncmp(e->d_name, "client-", 7) == 0)
            unlinkat(dirfd(dir), e->d_name, 0);
    if (dir != NULL)
        closedir(dir);
}

static void remove_state(struct daemon *d)
{
    if (!d->own_state)
        return;
    for (const char *const *file = tls_identity_files; *file != NULL; file++) {
        char *path = join(d->state, *file);
        unlink(path);
        free(path);
    }
    remove_client_files(d->state);
    rmdir(d->state);
}

/* --- the end --- */

static void end_now(void *arg)
{
    struct daemon *d = arg;
    conn_abort_all(&d->server);
    loop_stop(d->server.loop);
}

static void emptied(void *arg)
{
    struct daemon *d = arg;
    if (d->server.stopping)
        loop_stop(d->server.loop);
}

/* Says goodbye to everyone; the second time it is meant. */
static void begin_end(struct daemon *d)
{
    if (d->server.stopping) {
        end_now(d);
        return;
    }
    d->server.stopping = true;
    notify("STOPPING=1", NULL);
    for (size_t i = 0; i < d->listener_count; i++)
        listen_close(d->listeners[i]);
    d->listener_count = 0;
    proxy_abort_all(&d->server);
    if (d->server.conn_count == 0) {
        loop_stop(d->server.loop);
        return;
    }
    d->goodbye = (struct timer){.fire = end_now, .arg = d};
    clock_set(d->server.clock, &d->goodbye, d->server.limits.stop_seconds * 1000);
    conn_shutdown_all(&d->server);
}

/* Mistakes leave everything as it was. */
static void read_again(struct daemon *d)
{
    struct err err;
    notify_reloading(NULL);
    if (reload(&d->server, &d->config, d->argc, d->argv, d->state, &err) != 0) {
        confine_explain(&d->sandbox, &err);
        fprintf(stderr, "mailproofd: not read again: %s\n", err.text);
    } else if (log_reopen(&err) != 0) {
        confine_explain(&d->sandbox, &err);
        fprintf(stderr, "mailproofd: the log stays where it was: %s\n", err.text);
    } else {
        err.text[0] = '\0';
    }
    notify("READY=1", NULL);
    char why[sizeof err.text];
    log_event("reload", "s:b, s:s", "ok", (int)(err.text[0] == '\0'), "why",
              log_text(err.text, why, sizeof why));
}

static void signalled(void *arg, uint32_t events)
{
    struct daemon *d = arg;
    struct signalfd_siginfo info;
    (void)events;
    if (read(d->signals.fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGHUP)
        read_again(d);
    else
        begin_end(d);
}

static void input_came(void *arg, uint32_t events)
{
    struct daemon *d = arg;
    char scrap[256];
    (void)events;
    ssize_t n = read(STDIN_FILENO, scrap, sizeof scrap);
    if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
        return;
    loop_remove(d->server.loop, &d->input);
    d->input_watched = false;
    begin_end(d);
}

static void input_closed(void *arg)
{
    begin_end(arg);
}

/* --- the beginning --- */

static int watch_signals(struct daemon *d, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return err_errno(err, "signals");
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return err_errno(err, "signals");
    d->signals = (struct loop_source){fd, signalled, d};
    d->signals_watched = true;
    return loop_add(d->server.loop, &d->signals, EPOLLIN, err);
}

static void watch_input(struct daemon *d)
{
    if (!d->config.exit_with_stdin)
        return;
    d->input = (struct loop_source){STDIN_FILENO, input_came, d};
    d->input_watched = loop_add(d->server.loop, &d->input, EPOLLIN, NULL) == 0;
    if (d->input_watched)
        return;
    /* /dev/null and plain files cannot be watched, and nobody holds them open for us: they count as
     * closed. The end comes in the first round, so that we are ready before. */
    d->goodbye = (struct timer){.fire = input_closed, .arg = d};
    clock_set(d->server.clock, &d->goodbye, 0);
}

static int add_users(struct daemon *d, struct err *err)
{
    d->server.accounts = accounts_new();
    for (size_t i = 0; i < d->config.domain_count; i++)
        accounts_add_domain(d->server.accounts, d->config.domains[i]);
    for (size_t i = 0; i < d->config.user_count; i++) {
        const struct config_user *u = &d->config.users[i];
        if (accounts_add(d->server.accounts, d->server.store, u->name, u->password, NULL, NULL,
                         err) != 0)
            return -1;
    }
    return 0;
}

static int open_queue(struct daemon *d, struct err *err)
{
    struct server *s = &d->server;
    const struct config *c = &d->config;
    struct dns_options dns = {
        .loop = s->loop, .zone = c->dns_zone, .resolver = c->resolver, .anchor = c->dns_anchor};
    if (dns_open(&dns, &s->dns, err) != 0)
        return -1;
    struct queue_options queue = {.server = s,
                                  .dns = s->dns,
                                  .port = c->relay_port,
                                  .smarthost = c->smarthost,
                                  .ca = c->relay_ca,
                                  .sts = c->mta_sts,
                                  .from = (const char *const *)c->relay_from,
                                  .from_count = c->relay_from_count};
    return queue_open(&queue, &s->queue, err);
}

static int start_listening(struct daemon *d, struct err *err)
{
    uint16_t ports[SERVICE_COUNT] = {0};
    d->listeners = calloc(d->config.listen_count, sizeof *d->listeners);
    if (d->listeners == NULL)
        abort();
    for (size_t i = 0; i < d->config.listen_count; i++) {
        const struct config_listen *l = &d->config.listens[i];
        struct listener *made;
        /* The second address of a service on a free port gets the same port, where it is free there
         * too. */
        uint16_t port = l->optional && l->port == 0 ? ports[l->service] : l->port;
        if (listen_open(&d->server, l->service, l->address, port, &made, err) != 0) {
            if (l->optional)
                continue;
            return -1;
        }
        d->listeners[d->listener_count++] = made;
        if (ports[l->service] == 0)
            ports[l->service] = listen_port(made);
    }
    return 0;
}

/* Where each service is to be found: its first address. */
static json_t *services(const struct daemon *d)
{
    json_t *all = json_object();
    for (size_t i = 0; i < d->listener_count; i++) {
        const struct listener *l = d->listeners[i];
        const char *name = service_info[listen_service(l)].name;
        if (json_object_get(all, name) == NULL)
            json_object_set_new(all, name, json_string(listen_where(l)));
    }
    return all;
}

/* Who we are now, and what holds us in: never silently nothing. */
static json_t *layers(const struct daemon *d)
{
    const struct sandbox *s = &d->sandbox;
    return json_pack("{s:s, s:s, s:s, s:s}", "user", s->user, "no_new_privs", s->no_new_privs,
                     "landlock", s->landlock, "seccomp", s->seccomp);
}

static void say_ready(const struct daemon *d)
{
    const char *ca = tls_identity_ca(d->server.tls);
    json_t *line =
        json_pack("{s:b, s:i, s:o, s:s?, s:s, s:o}", "ready", 1, "pid", (int)getpid(), "services",
                  services(d), "ca", ca, "control", d->control_path, "sandbox", layers(d));
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(line);
}

/* Root on a port that others can reach is nothing to keep quiet about; tests on the loopback may be
 * root as they like. */
static void warn_of_root(const struct daemon *d)
{
    bool reached = false;
    for (size_t i = 0; i < d->config.listen_count; i++) {
        const char *address = d->config.listens[i].address;
        reached = reached || (strncmp(address, "127.", 4) != 0 && strcmp(address, "::1") != 0);
    }
    if (reached && geteuid() == 0)
        fputs("mailproofd: runs as root, and others can reach it; --run-as USER gives that up\n",
              stderr);
}

static int start(struct daemon *d, struct err *err)
{
    struct server *s = &d->server;
    s->limits = d->config.limits;
    s->policy = d->config.policy;
    d->config.policy = (struct policy){.bare_lf = BARE_REFUSE}; /* handed over */
    s->hostname = d->config.hostname;
    s->priority_policy = d->config.priority_policy;
    s->domain = d->config.domains[0];
    s->plaintext_login = d->config.plaintext_login;
    s->emptied = emptied;
    s->emptied_arg = d;
    s->clock = clock_new();
    s->guard = guard_new();
    s->loop = loop_new(s->clock, err);
    if (s->loop == NULL || watch_signals(d, err) != 0 || make_state(d, err) != 0)
        return -1;
    if (d->config.log != NULL && log_open(d->config.log, s->clock, err) != 0)
        return -1;
    if (d->config.trace != NULL && trace_open(d->config.trace, s->clock, err) != 0)
        return -1;
    struct tls_options tls = {d->state, s->hostname, d->config.cert, d->config.key};
    if (tls_identity_open(&tls, &s->tls, err) != 0)
        return -1;
    d->control_path =
        d->config.control != NULL ? strdup(d->config.control) : join(d->state, "control.sock");
    /* Ports may be root's to bind and keys root's to read; threads have to begin inside. */
    if (start_listening(d, err) != 0 || confine(&d->config, d->state, d->made_state, d->own_state,
                                                d->control_path, &d->sandbox, err) != 0)
        return -1;
    struct store_options store = {d->config.store, s->loop, s->clock};
    if (store_open(&store, &s->store, err) != 0 || add_users(d, err) != 0 ||
        open_queue(d, err) != 0)
        return -1;
    quota_attach(s);
    for (size_t i = 0; i < d->config.fault_count; i++)
        if (rule_add_fault(d->config.faults[i], err) != 0)
            return -1;
    for (size_t i = 0; i < d->config.rule_count; i++)
        if (rule_add_text(d->config.rules[i], err) != 0)
            return -1;
    for (size_t i = 0; i < d->config.script_count; i++)
        if (rule_read_file(d->config.scripts[i], false, err) != 0)
            return -1;
    if (control_open(s, d->control_path, &d->control, err) != 0)
        return -1;
    watch_input(d);
    return 0;
}

static void stop(struct daemon *d)
{
    struct server *s = &d->server;
    /* A disk that hangs does not keep us: what was acknowledged is on it, the rest never was. */
    alarm(LAST_WORK_SECONDS);
    for (size_t i = 0; i < d->listener_count; i++)
        listen_close(d->listeners[i]);
    free(d->listeners);
    control_close(d->control);
    rule_remove(0);
    if (s->loop != NULL) {
        proxy_abort_all(s);
        conn_abort_all(s);
    }
    queue_close(s->queue);
    dns_close(s->dns);
    store_close(s->store); /* work for connections that are gone ends here */
    accounts_free(s->accounts);
    guard_free(s->guard);
    tls_identity_free(s->tls);
    trace_close();
    if (d->ready)
        log_event("stop", "s:i", "connections", (int)s->conn_total);
    log_close();
    if (s->clock != NULL)
        clock_cancel(s->clock, &d->goodbye);
    if (d->input_watched)
        loop_remove(s->loop, &d->input);
    if (d->signals_watched) {
        loop_remove(s->loop, &d->signals);
        close(d->signals.fd);
    }
    loop_free(s->loop);
    clock_free(s->clock);
    remove_state(d);
    free(d->state);
    free(d->control_path);
    policy_free(&s->policy);
    config_free(&d->config);
}

int main(int argc, char **argv)
{
    struct err err;
    struct daemon d = {.argc = argc, .argv = argv};
    const char *asked = getenv("MAILPROOFD_FAULTS_ASKED");
    if (asked != NULL && fault_note_asked(asked, &err) != 0) {
        fprintf(stderr, "mailproofd: MAILPROOFD_FAULTS_ASKED: %s\n", err.text);
        return 2;
    }
    switch (config_read(argc, argv, &d.config, stdout, &err)) {
    case CONFIG_SHOWN:
        return 0;
    case CONFIG_BAD:
        fprintf(stderr, "mailproofd: %s\n", err.text);
        return 2;
    case CONFIG_RUN:
        break;
    }
    int rc = 0;
    if (d.config.check) {
        if (reload_check(&d.config, &err) == 0) {
            puts("mailproofd: the configuration is good");
        } else {
            fprintf(stderr, "mailproofd: %s\n", err.text);
            rc = 2;
        }
        config_free(&d.config);
        return rc;
    }
    allow_descriptors();
    keep_memory();
    if (start(&d, &err) == 0) {
        d.ready = true;
        log_event("start", "s:s, s:i, s:o, s:o", "version", MAILPROOF_VERSION, "pid", (int)getpid(),
                  "services", services(&d), "sandbox", layers(&d));
        say_ready(&d);
        warn_of_root(&d);
        if (notify("READY=1", &err) != 0)
            fprintf(stderr, "mailproofd: %s\n", err.text);
        loop_run(d.server.loop);
    } else {
        fprintf(stderr, "mailproofd: %s\n", err.text);
        rc = 1;
    }
    stop(&d);
    return rc;
}
