/* The control socket. A client's lines are answered one after another: while a change is on its way
 * to the store, the next line waits. SPDX-License-Identifier: MIT */
#include "control/control.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/nearest.h"
#include "config/limit.h"
#include "control/advance.h"
#include "control/rest.h"
#include "control/rule.h"
#include "control/snapshot.h"
#include "fault.h"
#include "net/loop.h"
#include "queue/control.h"
#include "queue/queue.h"
#include "sasl/account.h"
#include "sasl/sasl.h"
#include "store/store.h"
#include "tls/tls.h"

enum { LINE_BYTES = 64 * 1024 * 1024, OUTPUT_BYTES = 64 * 1024 * 1024, READ_BYTES = 64 * 1024 };
enum { REST_S = 5, REST_MOST_S = 60, DISK_MOST_S = 5 };

struct control {
    struct server *server;
    char *path;
    struct loop_source source;
    struct peer *peers;
};

struct peer {
    struct control *control; /* NULL: the control socket was closed */
    struct peer *next;
    struct loop_source source;
    struct buf in, out;
    struct advance *advance;
    struct rest *rest;
    bool busy;  /* a change is on its way */
    bool gone;  /* hung up while busy: freed when the change is done */
    bool ended; /* says no more */
};

static void answer_lines(struct peer *p);

static void peer_free(struct peer *p)
{
    if (p->advance != NULL || p->rest != NULL) { /* nobody waits for that any more */
        advance_cancel(p->advance);
        rest_cancel(p->rest);
        p->advance = NULL;
        p->rest = NULL;
        p->busy = false;
    }
    if (p->control != NULL) {
        struct peer **at = &p->control->peers;
        while (*at != p)
            at = &(*at)->next;
        *at = p->next;
        loop_remove(p->control->server->loop, &p->source);
        close(p->source.fd);
        p->control = NULL;
    }
    p->gone = true;
    if (p->busy)
        return;
    buf_free(&p->in);
    buf_free(&p->out);
    free(p);
}

/* --- answers --- */

static void flush(struct peer *p)
{
    while (p->out.len > 0) {
        ssize_t n = send(p->source.fd, p->out.data, p->out.len, MSG_NOSIGNAL);
        if (n < 0)
            break;
        buf_consume(&p->out, (size_t)n);
    }
    loop_change(p->control->server->loop, &p->source,
                (p->ended ? 0u : (uint32_t)EPOLLIN) | (p->out.len > 0 ? (uint32_t)EPOLLOUT : 0u));
}

/* Takes the object. */
static void answer(struct peer *p, json_t *o)
{
    char *text = json_dumps(o, JSON_COMPACT);
    if (text != NULL && buf_text(&p->out, text))
        buf_text(&p->out, "\n");
    free(text);
    json_decref(o);
}

static void fine(struct peer *p)
{
    answer(p, json_pack("{s:b}", "ok", 1));
}

static void wrong(struct peer *p, const char *why)
{
    answer(p, json_pack("{s:b, s:s}", "ok", 0, "error", why));
}

/* The store's answer to a change: goes back to the peer, if it is still there. */
static void changed(void *arg, const struct store_result *r)
{
    struct peer *p = arg;
    p->busy = false;
    if (p->gone) {
        peer_free(p);
        return;
    }
    if (r->status == STORE_OK) {
        json_t *o = json_pack("{s:b, s:I}", "ok", 1, "uidvalidity", (json_int_t)r->uidvalidity);
        if (r->uid_count > 0)
            json_object_set_new(o, "uid", json_integer(r->uids[0]));
        answer(p, o);
    } else {
        wrong(p, r->text != NULL ? r->text : "the store refused");
    }
    answer_lines(p);
}

/* --- commands --- */

static void do_ping(struct peer *p, json_t *o)
{
    (void)o;
    fine(p);
}

static void add_rule(struct peer *p, const json_t *o)
{
    struct err err;
    unsigned id = 0;
    if (rule_add(o, &id, &err) != 0)
        wrong(p, err.text);
    else
        answer(p, json_pack("{s:b, s:i}", "ok", 1, "id", (int)id));
}

/* With conditions it is a rule; off takes both kinds away. */
static void do_fault(struct peer *p, json_t *o)
{
    const char *name = json_string_value(json_object_get(o, "name"));
    const json_t *on = json_object_get(o, "on");
    struct err err;
    enum fault f = FAULT_COUNT;
    if (name == NULL || (on != NULL && !json_is_boolean(on))) {
        wrong(p, "fault wants a name, and perhaps on (true or false) and the conditions of a rule");
        return;
    }
    if (fault_find(name, &f, &err) != 0) {
        wrong(p, err.text);
        return;
    }
    json_t *rule = json_copy(o);
    json_object_set_new(rule, "fault", json_string(name));
    json_object_del(rule, "do");
    json_object_del(rule, "name");
    json_object_del(rule, "on");
    if (json_is_false(on)) {
        rule_remove_fault(f);
        fault_switch(name, false, NULL);
        fine(p);
    } else if (json_object_size(rule) > 1) {
        add_rule(p, rule);
    } else {
        fault_switch(name, true, NULL);
        fine(p);
    }
    json_decref(rule);
}

static void do_faults_off(struct peer *p, json_t *o)
{
    (void)o;
    rule_remove_faults();
    fault_clear_all();
    fine(p);
}

static void do_rule(struct peer *p, json_t *o)
{
    add_rule(p, o);
}

static void do_rules(struct peer *p, json_t *o)
{
    (void)o;
    answer(p, json_pack("{s:b, s:o}", "ok", 1, "rules", rule_list()));
}

static void do_rules_off(struct peer *p, json_t *o)
{
    json_int_t id = json_integer_value(json_object_get(o, "id"));
    if (id < 0 || id > INT_MAX || (rule_remove((unsigned)id) == 0 && id != 0))
        wrong(p, "there is no rule of this id");
    else
        fine(p);
}

/* The queue is empty; the mailboxes are next. */
static void queue_emptied(void *arg, const struct store_result *r)
{
    struct peer *p = arg;
    if (r->status != STORE_OK || p->gone)
        changed(p, r);
    else
        store_reset(p->control->server->store, changed, p);
}

static void do_reset(struct peer *p, json_t *o)
{
    (void)o;
    struct server *s = p->control->server;
    p->busy = true;
    if (s->queue != NULL && queue_count(s->queue) > 0)
        queue_clear(s->queue, queue_emptied, p);
    else
        store_reset(s->store, changed, p);
}

/* Both answer how long they took: {"ok": true, "ms": 0.4}. */
static void snapshot_command(struct peer *p, json_t *o,
                             int (*run)(struct server *s, const char *name, struct err *err))
{
    const char *name = json_string_value(json_object_get(o, "name"));
    struct timespec from, to;
    struct err err;
    if (name == NULL) {
        wrong(p, "name is missing");
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &from);
    int rc = run(p->control->server, name, &err);
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (rc != 0)
        wrong(p, err.text);
    else
        answer(p, json_pack("{s:b, s:f}", "ok", 1, "ms",
                            (double)(to.tv_sec - from.tv_sec) * 1e3 +
                                (double)(to.tv_nsec - from.tv_nsec) / 1e6));
}

static void do_snapshot(struct peer *p, json_t *o)
{
    snapshot_command(p, o, snapshot_take);
}

static void do_restore(struct peer *p, json_t *o)
{
    snapshot_command(p, o, snapshot_restore);
}

static void do_snapshots(struct peer *p, json_t *o)
{
    json_t *names = json_array();
    (void)o;
    for (size_t i = 0; snapshot_name(i) != NULL; i++)
        json_array_append_new(names, json_string(snapshot_name(i)));
    answer(p, json_pack("{s:b, s:o}", "ok", 1, "names", names));
}

static void do_add_account(struct peer *p, json_t *o)
{
    const char *name, *password, *address = NULL;
    struct server *s = p->control->server;
    struct err err;
    if (json_unpack(o, "{s:s, s:s, s?s}", "name", &name, "password", &password, "address",
                    &address) != 0)
        wrong(p, "add-account wants name and password, and perhaps address");
    else if (accounts_add(s->accounts, s->store, name, password, address, NULL, &err) != 0)
        wrong(p, err.text);
    else
        fine(p);
}

static const struct account *account_of(struct peer *p, json_t *o)
{
    const char *name = json_string_value(json_object_get(o, "account"));
    if (name == NULL) {
        wrong(p, "account is missing");
        return NULL;
    }
    struct account *a = account_find(p->control->server->accounts, name);
    if (a == NULL)
        wrong(p, "there is no such account");
    return a;
}

/* Flags by their IMAP names; what is no system flag is a keyword. */
static bool read_flags(json_t *list, struct append_message *m)
{
    static const struct {
        const char *name;
        uint64_t bit;
    } system[] = {{"\\Seen", FLAG_SEEN},
                  {"\\Answered", FLAG_ANSWERED},
                  {"\\Flagged", FLAG_FLAGGED},
                  {"\\Deleted", FLAG_DELETED},
                  {"\\Draft", FLAG_DRAFT}};
    size_t i, keywords = 0;
    json_t *item;
    m->keywords = calloc(json_array_size(list) + 1, sizeof *m->keywords);
    if (m->keywords == NULL)
        abort();
    json_array_foreach (list, i, item) {
        const char *name = json_string_value(item);
        uint64_t bit = 0;
        if (name == NULL)
            return false;
        for (size_t k = 0; k < sizeof system / sizeof *system; k++)
            if (strcasecmp(system[k].name, name) == 0)
                bit = system[k].bit;
        if (bit == 0 && name[0] == '\\')
            return false;
        if (bit == 0)
            m->keywords[keywords++] = strdup(name);
        m->flags |= bit;
    }
    return true;
}

static void do_add_message(struct peer *p, json_t *o)
{
    const struct account *a = account_of(p, o);
    if (a == NULL)
        return;
    const char *mailbox = json_string_value(json_object_get(o, "mailbox"));
    json_t *data = json_object_get(o, "data");
    const char *base64 = json_string_value(json_object_get(o, "base64"));
    struct append_message m = {.len = 0};
    if (json_is_string(data)) {
        m.len = json_string_length(data);
        m.data = malloc(m.len + 1);
        if (m.data == NULL)
            abort();
        memcpy(m.data, json_string_value(data), m.len);
    } else if (base64 == NULL || base64_decode(base64, strlen(base64), &m.data, &m.len) != 0) {
        wrong(p, "add-message wants data or base64");
        return;
    }
    if (!read_flags(json_object_get(o, "flags"), &m)) {
        for (char **k = m.keywords; *k != NULL; k++)
            free(*k);
        free(m.keywords);
        free(m.data);
        wrong(p, "flags is a list of flag names");
        return;
    }
    m.internal_date = json_integer_value(json_object_get(o, "date"));
    p->busy = true;
    store_append(p->control->server->store, a->id, mailbox != NULL ? mailbox : "INBOX", &m, 1, NULL,
                 changed, p);
}

static void do_uidvalidity(struct peer *p, json_t *o)
{
    struct mailbox *m;
    const struct account *a = account_of(p, o);
    if (a == NULL)
        return;
    const char *name = json_string_value(json_object_get(o, "mailbox"));
    json_int_t value = json_integer_value(json_object_get(o, "value"));
    if (value < 1 || value > UINT32_MAX) {
        wrong(p, "value has to be between 1 and 4294967295");
        return;
    }
    if (mailbox_open(p->control->server->store, a->id, name != NULL ? name : "INBOX", &m) != 0) {
        wrong(p, "there is no such mailbox");
        return;
    }
    p->busy = true;
    store_set_uidvalidity(m, (uint32_t)value, changed, p);
    mailbox_close(m);
}

static void do_set(struct peer *p, json_t *o)
{
    const char *name, *value;
    struct err err;
    if (json_unpack(o, "{s:s, s:s}", "name", &name, "value", &value) != 0)
        wrong(p, "set wants name and value, both as text");
    else if (policy_set(&p->control->server->policy, name, value, &err) != 0)
        wrong(p, err.text);
    else
        fine(p);
}

static void do_limit(struct peer *p, json_t *o)
{
    const char *name;
    json_int_t value;
    char text[128];
    struct err err;
    if (json_unpack(o, "{s:s, s:I}", "name", &name, "value", &value) != 0) {
        wrong(p, "limit wants name and a number as value");
        return;
    }
    snprintf(text, sizeof text, "%.80s=%" JSON_INTEGER_FORMAT, name, value);
    if (limit_set(&p->control->server->limits, text, &err) != 0)
        wrong(p, err.text);
    else
        fine(p);
}

static int set_quota(struct peer *p, const struct account *a, const char *setting, json_t *value,
                     struct err *err)
{
    char text[300];
    if (value == NULL)
        return 0;
    if (!json_is_integer(value))
        return err_set(err, "bytes and messages are numbers");
    snprintf(text, sizeof text, "%.200s=%" JSON_INTEGER_FORMAT, a->name, json_integer_value(value));
    return policy_set(&p->control->server->policy, setting, text, err);
}

static void do_quota(struct peer *p, json_t *o)
{
    uint64_t bytes, messages;
    struct err err;
    const struct account *a = account_of(p, o);
    if (a == NULL)
        return;
    if (set_quota(p, a, "quota-bytes", json_object_get(o, "bytes"), &err) != 0 ||
        set_quota(p, a, "quota-messages", json_object_get(o, "messages"), &err) != 0)
        wrong(p, err.text);
    else if (store_usage(p->control->server->store, a->id, &bytes, &messages) != 0)
        wrong(p, "the store cannot count now");
    else
        answer(p, json_pack("{s:b, s:I, s:I}", "ok", 1, "bytes", (json_int_t)bytes, "messages",
                            (json_int_t)messages));
}

static void advanced(void *arg)
{
    struct peer *p = arg;
    p->advance = NULL;
    p->busy = false;
    if (p->gone) {
        peer_free(p);
        return;
    }
    fine(p);
    answer_lines(p);
}

static void do_advance(struct peer *p, json_t *o)
{
    json_t *seconds = json_object_get(o, "seconds");
    if (!json_is_number(seconds) || json_number_value(seconds) < 0 ||
        json_number_value(seconds) > 1e9) {
        wrong(p, "advance wants seconds, from 0 to 1000000000");
        return;
    }
    int64_t ms = (int64_t)(json_number_value(seconds) * 1000);
    p->busy = true;
    p->advance = advance_start(p->control->server, ms, advanced, p);
    if (p->advance == NULL) {
        p->busy = false;
        wrong(p, "the clock is being advanced already");
    }
}

static void rested(void *arg, const char *trouble)
{
    struct peer *p = arg;
    char text[128];
    p->rest = NULL;
    p->busy = false;
    snprintf(text, sizeof text, "the queue has not come to rest: %s",
             trouble != NULL ? trouble : "");
    if (trouble != NULL)
        wrong(p, text);
    else
        fine(p);
    answer_lines(p);
}

static void do_rest(struct peer *p, json_t *o)
{
    const json_t *seconds = json_object_get(o, "seconds");
    double s = seconds != NULL ? json_number_value(seconds) : REST_S;
    if ((seconds != NULL && !json_is_number(seconds)) || s < 0 || s > REST_MOST_S) {
        wrong(p, "rest wants seconds of real time, from 0 to 60");
        return;
    }
    p->rest = rest_start(p->control->server, (int64_t)(s * 1000), rested, p);
    p->busy = p->rest != NULL;
    if (p->rest == NULL)
        wrong(p, "there is no timer to wait with");
}

static void do_disk(struct peer *p, json_t *o)
{
    const json_t *delay = json_object_get(o, "delay");
    double s = json_number_value(delay);
    if (!json_is_number(delay) || s < 0 || s > DISK_MOST_S) {
        wrong(p, "disk wants a delay in seconds, from 0 to 5");
        return;
    }
    store_delay(p->control->server->store, (unsigned)(s * 1000));
    fine(p);
}

static void do_client_certificate(struct peer *p, json_t *o)
{
    const char *name = json_string_value(json_object_get(o, "name"));
    bool self_signed = json_is_true(json_object_get(o, "self-signed"));
    struct tls_identity *t = p->control->server->tls;
    char *cert = NULL, *key = NULL;
    struct err err;
    if (name == NULL || t == NULL) {
        wrong(p, t == NULL ? "there is no TLS here" : "name is missing");
    } else if (tls_client_certificate(t, name, self_signed, &cert, &key, &err) != 0) {
        wrong(p, err.text);
    } else {
        answer(p, json_pack("{s:b, s:s, s:s}", "ok", 1, "cert", cert, "key", key));
        free(cert);
        free(key);
    }
}

struct dump {
    struct server *server;
    int64_t account;
    json_t *mailboxes;
};

static void dump_mailbox(void *arg, const struct mailbox_entry *e)
{
    struct dump *d = arg;
    struct mailbox *m;
    json_t *o = json_pack("{s:s, s:b, s:b, s:b}", "name", e->name, "exists", e->exists,
                          "subscribed", e->subscribed, "noselect", e->noselect);
    json_array_append_new(d->mailboxes, o);
    if (mailbox_open(d->server->store, d->account, e->name, &m) != 0)
        return;
    json_t *messages = json_array();
    for (size_t i = 0; i < m->count; i++) {
        const struct message *msg = &m->messages[i];
        json_array_append_new(messages,
                              json_pack("{s:I, s:I, s:I, s:I, s:I}", "uid", (json_int_t)msg->uid,
                                        "modseq", (json_int_t)msg->modseq, "flags",
                                        (json_int_t)msg->flags, "size", (json_int_t)msg->size_bytes,
                                        "date", (json_int_t)msg->internal_date));
    }
    json_object_set_new(o, "uidvalidity", json_integer(m->uidvalidity));
    json_object_set_new(o, "uidnext", json_integer(m->uidnext));
    json_object_set_new(o, "highestmodseq", json_integer((json_int_t)m->highestmodseq));
    json_object_set_new(o, "messages", messages);
    mailbox_close(m);
}

static void do_dump(struct peer *p, json_t *o)
{
    struct server *s = p->control->server;
    const char *only = json_string_value(json_object_get(o, "account"));
    json_t *all = json_array();
    for (size_t i = 0; i < accounts_count(s->accounts); i++) {
        const struct account *a = accounts_at(s->accounts, i);
        if (only != NULL && strcmp(only, a->name) != 0)
            continue;
        struct dump d = {s, a->id, json_array()};
        mailbox_list(s->store, a->id, dump_mailbox, &d);
        json_array_append_new(all, json_pack("{s:s, s:s, s:o}", "name", a->name, "address",
                                             a->address, "mailboxes", d.mailboxes));
    }
    answer(p, json_pack("{s:b, s:I, s:i, s:o}", "ok", 1, "time", (json_int_t)clock_wall_s(s->clock),
                        "connections", (int)s->conn_count, "accounts", all));
}

static void do_dns(struct peer *p, json_t *o)
{
    answer(p, queue_control_dns(p->control->server, o));
}

static void do_queue(struct peer *p, json_t *o)
{
    answer(p, queue_control_list(p->control->server, o));
}

static void do_flush(struct peer *p, json_t *o)
{
    answer(p, queue_control_flush(p->control->server, o));
}

static void do_sts(struct peer *p, json_t *o)
{
    answer(p, queue_control_sts(p->control->server, o));
}

static const struct command {
    const char *name;
    void (*run)(struct peer *p, json_t *o);
} commands[] = {
    {"ping", do_ping},
    {"fault", do_fault},
    {"faults-off", do_faults_off},
    {"rule", do_rule},
    {"capabilities", do_rule},
    {"rules", do_rules},
    {"rules-off", do_rules_off},
    {"reset", do_reset},
    {"snapshot", do_snapshot},
    {"restore", do_restore},
    {"snapshots", do_snapshots},
    {"add-account", do_add_account},
    {"add-message", do_add_message},
    {"client-certificate", do_client_certificate},
    {"uidvalidity", do_uidvalidity},
    {"set", do_set},
    {"limit", do_limit},
    {"quota", do_quota},
    {"advance", do_advance},
    {"dump", do_dump},
    {"dns", do_dns},
    {"queue", do_queue},
    {"flush", do_flush},
    {"rest", do_rest},
    {"disk", do_disk},
    {"sts", do_sts},
    {NULL, NULL},
};

static const char *command_name(size_t i)
{
    return commands[i].name;
}

static void answer_line(struct peer *p, const char *line, size_t n)
{
    json_error_t why;
    char text[256];
    json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    const char *what = json_string_value(json_object_get(o, "do"));
    if (o == NULL) {
        snprintf(text, sizeof text, "no JSON: %s", why.text);
        wrong(p, text);
        return;
    }
    const struct command *c = commands;
    while (what != NULL && c->name != NULL && strcmp(c->name, what) != 0)
        c++;
    if (what == NULL) {
        wrong(p, "an object with \"do\" is wanted");
    } else if (c->name == NULL) {
        const char *near = nearest(what, command_name);
        snprintf(text, sizeof text, "there is no command \"%.64s\"%s%s%s", what,
                 near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                 near != NULL ? "\"?" : "");
        wrong(p, text);
    } else {
        c->run(p, o);
    }
    json_decref(o);
}

static void answer_lines(struct peer *p)
{
    while (!p->busy && p->in.len > 0) {
        const unsigned char *end = memchr(p->in.data, '\n', p->in.len);
        if (end == NULL)
            break;
        size_t n = (size_t)(end - p->in.data);
        char *line = malloc(n + 1);
        if (line == NULL)
            abort();
        memcpy(line, p->in.data, n);
        line[n] = '\0';
        buf_consume(&p->in, n + 1);
        if (n > 0)
            answer_line(p, line, n);
        free(line);
    }
    flush(p);
    if (p->ended && !p->busy && p->out.len == 0)
        peer_free(p);
}

/* --- sockets --- */

static void peer_ready(void *arg, uint32_t events)
{
    static unsigned char scratch[READ_BYTES];
    struct peer *p = arg;
    if ((events & EPOLLIN) != 0) {
        ssize_t n = recv(p->source.fd, scratch, sizeof scratch, 0);
        if (n == 0)
            p->ended = true;
        if ((n < 0 && errno != EAGAIN && errno != EINTR) ||
            (n > 0 && !buf_add(&p->in, scratch, (size_t)n))) {
            peer_free(p);
            return;
        }
    } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        peer_free(p);
        return;
    }
    answer_lines(p);
}

static void accept_peer(void *arg, uint32_t events)
{
    struct control *c = arg;
    (void)events;
    int fd = accept4(c->source.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct peer *p = calloc(1, sizeof *p);
    if (p == NULL)
        abort();
    p->control = c;
    p->source = (struct loop_source){fd, peer_ready, p};
    buf_init(&p->in, LINE_BYTES);
    buf_init(&p->out, OUTPUT_BYTES);
    p->next = c->peers;
    c->peers = p;
    if (loop_add(c->server->loop, &p->source, EPOLLIN, NULL) != 0)
        peer_free(p);
}

int control_open(struct server *s, const char *path, struct control **out, struct err *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct stat st;
    if (strlen(path) >= sizeof a.sun_path)
        return err_set(err, "%s: the name is too long for a socket", path);
    memcpy(a.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, path);
    /* What a server that was killed left behind is taken away; anything but a socket is not ours.
     */
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path);
    mode_t old = umask(0077);
    int bound = bind(fd, (struct sockaddr *)&a, sizeof a);
    umask(old);
    if (bound != 0 || listen(fd, 16) != 0) {
        err_errno(err, path);
        close(fd);
        return -1;
    }
    struct control *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->server = s;
    c->path = strdup(path);
    c->source = (struct loop_source){fd, accept_peer, c};
    if (loop_add(s->loop, &c->source, EPOLLIN, err) != 0) {
        control_close(c);
        return -1;
    }
    *out = c;
    return 0;
}

void control_close(struct control *c)
{
    if (c == NULL)
        return;
    while (c->peers != NULL)
        peer_free(c->peers);
    loop_remove(c->server->loop, &c->source);
    close(c->source.fd);
    unlink(c->path);
    free(c->path);
    free(c);
    snapshot_forget_all();
}
