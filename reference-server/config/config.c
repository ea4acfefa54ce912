/* Flags and the configuration file. Both give settings by the same names and go through the same
 * table; what comes later wins, or is added where a setting may be repeated.
 * SPDX-License-Identifier: MIT */
#include "config/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "base/nearest.h"
#include "config/limit.h"
#include "config/service.h"
#include "control/rule.h"
#include "fault.h"

/* What is being built, and what only matters while it is. */
struct reading {
    struct config *c;
    int ports;        /* 0 not said, 'e'phemeral, 's'tandard */
    int plaintext;    /* 0 not said, 'y', 'n' */
    int depth;        /* of files that name files */
    const char *name; /* of the setting that is being read */
    bool show_config, show_limits, show_faults, show_help, show_version;
};

static char *copy(const char *s)
{
    char *c = strdup(s);
    if (c == NULL)
        abort();
    return c;
}

static void *grow(void *list, size_t count, size_t size)
{
    list = realloc(list, (count + 1) * size);
    if (list == NULL)
        abort();
    return list;
}

static void set(char **where, const char *value)
{
    free(*where);
    *where = copy(value);
}

static void add_listen(struct config *c, enum service service, const char *address, uint16_t port,
                       bool optional)
{
    c->listens = grow(c->listens, c->listen_count, sizeof *c->listens);
    c->listens[c->listen_count++] = (struct config_listen){service, copy(address), port, optional};
}

/* --- settings; each is given its value --- */

static int set_ports(struct reading *r, const char *value, struct err *err)
{
    if (strcmp(value, "ephemeral") != 0 && strcmp(value, "standard") != 0)
        return err_set(err, "--ports is \"ephemeral\" or \"standard\", not \"%s\"", value);
    r->ports = value[0];
    return 0;
}

static const char *service_name(size_t i)
{
    return i < SERVICE_COUNT ? service_info[i].name : NULL;
}

static int set_listen(struct reading *r, const char *value, struct err *err)
{
    char name[32], address[INET6_ADDRSTRLEN + 2];
    const char *equals = strchr(value, '=');
    const char *colon = strrchr(value, ':');
    unsigned char binary[16];
    if (equals == NULL || colon == NULL || colon < equals ||
        (size_t)(equals - value) >= sizeof name || (size_t)(colon - equals - 1) >= sizeof address)
        return err_set(err, "--listen wants SERVICE=ADDRESS:PORT, not \"%s\"", value);
    snprintf(name, sizeof name, "%.*s", (int)(equals - value), value);
    snprintf(address, sizeof address, "%.*s", (int)(colon - equals - 1), equals + 1);
    enum service service;
    if (service_by_name(name, &service) != 0) {
        const char *near = nearest(name, service_name);
        return err_set(err, "--listen: there is no service \"%s\"%s%s%s", name,
                       near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                       near != NULL ? "\"?" : "");
    }
    char *host = address;
    size_t n = strlen(address);
    if (n > 1 && address[0] == '[' && address[n - 1] == ']') {
        address[n - 1] = '\0';
        host++;
    }
    if (inet_pton(AF_INET, host, binary) != 1 && inet_pton(AF_INET6, host, binary) != 1)
        return err_set(err, "--listen: \"%s\" is no IP address", host);
    char *end;
    errno = 0;
    long port = strtol(colon + 1, &end, 10);
    if (colon[1] == '\0' || *end != '\0' || errno != 0 || port < 0 || port > 65535)
        return err_set(err, "--listen: \"%s\" is no port", colon + 1);
    add_listen(r->c, service, host, (uint16_t)port, false);
    return 0;
}

static int set_store(struct reading *r, const char *value, struct err *err)
{
    (void)err;
    set(&r->c->store, value);
    return 0;
}

static int set_state(struct reading *r, const char *value, struct err *err)
{
    (void)err;
    set(&r->c->state, value);
    return 0;
}

static int set_user(struct reading *r, const char *value, struct err *err)
{
    const char *colon = strchr(value, ':');
    if (colon == NULL || colon == value)
        return err_set(err, "--user wants NAME:PASSWORD");
    struct config *c = r->c;
    c->users = grow(c->users, c->user_count, sizeof *c->users);
    char *name = copy(value);
    name[colon - value] = '\0';
    c->users[c->user_count++] = (struct config_user){name, copy(colon + 1)};
    return 0;
}

static int set_domain(struct reading *r, const char *value, struct err *err)
{
    if (*value == '\0')
        return err_set(err, "--domain wants a name");
    struct config *c = r->c;
    c->domains = grow(c->domains, c->domain_count, sizeof *c->domains);
    c->domains[c->domain_count++] = copy(value);
    return 0;
}

static int set_hostname(struct reading *r, const char *value, struct err *err)
{
    if (*value == '\0' || strlen(value) > 255 || strpbrk(value, " \r\n<>,") != NULL)
        return err_set(err, "--hostname: \"%s\" is no host name", value);
    set(&r->c->hostname, value);
    return 0;
}

static int set_cert(struct reading *r, const char *value, struct err *err)
{
    (void)err;
    set(&r->c->cert, value);
    return 0;
}

static int set_key(struct reading *r, const char *value, struct err *err)
{
    (void)err;
    set(&r->c->key, value);
    return 0;
}

static int set_control(struct reading *r, const char *value, struct err *err)
{
    (void)err;
    set(&r->c->control, value);
    return 0;
}

static int set_trace(struct reading *r, const char *value, struct err *err)
{
    (void)err;
    set(&r->c->trace, value);
    return 0;
}

static int set_log(struct reading *r, const char *value, struct err *err)
{
    (void)err;
    set(&r->c->log, value);
    return 0;
}

static int set_fault(struct reading *r, const char *value, struct err *err)
{
    struct config *c = r->c;
    if (strcmp(value, "help") == 0) {
        r->show_faults = true;
        return 0;
    }
    if (rule_check_fault(value, err) != 0) /* main switches it on */
        return -1;
    c->faults = grow(c->faults, c->fault_count, sizeof *c->faults);
    c->faults[c->fault_count++] = copy(value);
    return 0;
}

static int set_run_as(struct reading *r, const char *value, struct err *err)
{
    (void)err; /* looked up where it matters: inside the sandbox there is no list of users */
    set(&r->c->run_as, value);
    return 0;
}

static int set_sandbox(struct reading *r, const char *value, struct err *err)
{
    static const char *const modes[] = {
        [SANDBOX_ON] = "on", [SANDBOX_OFF] = "off", [SANDBOX_REQUIRE] = "require"};
    for (int i = 0; i <= SANDBOX_REQUIRE; i++)
        if (strcmp(value, modes[i]) == 0) {
            r->c->sandbox = (enum sandbox_mode)i;
            return 0;
        }
    return err_set(err, "--sandbox is on, off or require");
}

static int set_rule(struct reading *r, const char *value, struct err *err)
{
    struct config *c = r->c;
    if (rule_check_text(value, err) != 0)
        return -1;
    c->rules = grow(c->rules, c->rule_count, sizeof *c->rules);
    c->rules[c->rule_count++] = copy(value);
    return 0;
}

static int set_script(struct reading *r, const char *path, struct err *err)
{
    struct config *c = r->c;
    if (rule_read_file(path, true, err) != 0)
        return -1;
    c->scripts = grow(c->scripts, c->script_count, sizeof *c->scripts);
    c->scripts[c->script_count++] = copy(path);
    return 0;
}

static int set_limit(struct reading *r, const char *value, struct err *err)
{
    return limit_set(&r->c->limits, value, err);
}

static int set_plaintext(struct reading *r, const char *value, struct err *err)
{
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return err_set(err, "--plaintext-login is \"yes\" or \"no\", not \"%s\"", value);
    r->plaintext = value[0];
    return 0;
}

static int set_dns_zone(struct reading *r, const char *value, struct err *err)
{
    (void)err;
    set(&r->c->dns_zone, value);
    return 0;
}

static int set_dns_anchor(struct reading *r, const char *value, struct err *err)
{
    (void)err;
    set(&r->c->dns_anchor, value);
    return 0;
}

static int set_resolver(struct reading *r, const char *value, struct err *err)
{
    (void)err;
    set(&r->c->resolver, value);
    return 0;
}

static int set_smarthost(struct reading *r, const char *value, struct err *err)
{
    (void)err;
    set(&r->c->smarthost, value);
    return 0;
}

static int set_relay_ca(struct reading *r, const char *value, struct err *err)
{
    (void)err;
    set(&r->c->relay_ca, value);
    return 0;
}

static int set_mta_sts(struct reading *r, const char *value, struct err *err)
{
    (void)err;
    set(&r->c->mta_sts, value);
    return 0;
}

static int set_relay_from(struct reading *r, const char *value, struct err *err)
{
    (void)err; /* the queue looks at it */
    struct config *c = r->c;
    c->relay_from = grow(c->relay_from, c->relay_from_count, sizeof *c->relay_from);
    c->relay_from[c->relay_from_count++] = copy(value);
    return 0;
}

/* RFC 6710, 7: what EHLO can say. */
static int set_priority_policy(struct reading *r, const char *value, struct err *err)
{
    static const char may[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    if (*value == '\0' || strlen(value) > 20 || value[strspn(value, may)] != '\0')
        return err_set(err, "--mt-priority-policy: \"%s\" is no name of up to 20 letters", value);
    set(&r->c->priority_policy, value);
    return 0;
}

static int set_relay_port(struct reading *r, const char *value, struct err *err)
{
    char *end;
    errno = 0;
    long port = strtol(value, &end, 10);
    if (*value == '\0' || *end != '\0' || errno != 0 || port < 1 || port > 65535)
        return err_set(err, "--relay-port: \"%s\" is no port", value);
    r->c->relay_port = (uint16_t)port;
    return 0;
}

static void add_file(struct config *c, const char *path)
{
    c->files = grow(c->files, c->file_count, sizeof *c->files);
    c->files[c->file_count++] = copy(path);
}

/* What stands behind the password in a file of users: settings of this one, each after a tab. */
static int set_of_user(struct reading *r, const char *name, char *words, struct err *err)
{
    static const char *const known[] = {"quota-bytes", "quota-messages"};
    for (char *rest = NULL, *word = strtok_r(words, "\t", &rest); word != NULL;
         word = strtok_r(NULL, "\t", &rest)) {
        char value[512];
        size_t n = strcspn(word, "="), i = 0;
        while (i < 2 && (strlen(known[i]) != n || strncmp(word, known[i], n) != 0))
            i++;
        if (i == 2 || word[n] == '\0')
            return err_set(err, "\"%s\" is neither quota-bytes= nor quota-messages=", word);
        snprintf(value, sizeof value, "%s=%s", name, word + n + 1);
        if (policy_set(&r->c->policy, known[i], value, err) != 0)
            return -1;
    }
    return 0;
}

/* One account a line, as for --user; what begins with # is a comment. */
static int set_users(struct reading *r, const char *path, struct err *err)
{
    struct lines l;
    struct err why;
    int rc;
    if (lines_open(&l, path, err) != 0)
        return -1;
    add_file(r->c, path);
    while ((rc = lines_next(&l, err)) > 0) {
        if (l.text[0] == '\0' || l.text[0] == '#')
            continue;
        char *words = strchr(l.text, '\t');
        if (words != NULL)
            *words++ = '\0';
        if (set_user(r, l.text, &why) != 0) {
            rc = err_set(err, "%s:%d: NAME:PASSWORD is wanted", path, l.number);
            break;
        }
        if (words != NULL &&
            set_of_user(r, r->c->users[r->c->user_count - 1].name, words, &why) != 0) {
            rc = err_set(err, "%s:%d: %s", path, l.number, why.text);
            break;
        }
    }
    lines_close(&l);
    return rc;
}

static int set_check(struct reading *r, const char *value, struct err *err)
{
    (void)value;
    (void)err;
    r->c->check = true;
    return 0;
}

static int set_policy(struct reading *r, const char *value, struct err *err)
{
    return policy_set(&r->c->policy, r->name, value, err);
}

static int read_file(struct reading *r, const char *path, struct err *err);

static int set_exit_with_stdin(struct reading *r, const char *value, struct err *err)
{
    (void)value;
    (void)err;
    r->c->exit_with_stdin = true;
    return 0;
}

static int set_show_config(struct reading *r, const char *value, struct err *err)
{
    (void)value;
    (void)err;
    r->show_config = true;
    return 0;
}

static int set_show_limits(struct reading *r, const char *value, struct err *err)
{
    (void)value;
    (void)err;
    r->show_limits = true;
    return 0;
}

static int set_show_help(struct reading *r, const char *value, struct err *err)
{
    (void)value;
    (void)err;
    r->show_help = true;
    return 0;
}

static int set_show_version(struct reading *r, const char *value, struct err *err)
{
    (void)value;
    (void)err;
    r->show_version = true;
    return 0;
}

static const struct setting {
    const char *name;
    const char *value; /* how help calls it; NULL: a flag without one */
    int (*set)(struct reading *r, const char *value, struct err *err);
    const char *says;
} settings[] = {
    {"ports", "ephemeral|standard", set_ports,
     "every service on a free port of the loopback (the default), or on its registered one"},
    {"listen", "SERVICE=ADDRESS:PORT", set_listen, "this service there; repeat"},
    {"store", "PATH|:memory:", set_store, "the database (default :memory:)"},
    {"state", "DIR", set_state,
     "where certificates are kept (default: a folder of its own, removed at the end)"},
    {"user", "NAME:PASSWORD", set_user, "an account; repeat"},
    {"users", "FILE", set_users,
     "accounts, NAME:PASSWORD a line, and behind tabs quota-bytes=NUMBER or quota-messages=NUMBER; "
     "read again at SIGHUP; repeat"},
    {"domain", "NAME", set_domain, "a mail domain of ours; repeat (default test.example)"},
    {"hostname", "NAME", set_hostname, "what the server calls itself (default mail.test.example)"},
    {"tls-cert", "FILE", set_cert, "certificate chain, PEM (default: made at the first start)"},
    {"tls-key", "FILE", set_key, "its key, PEM"},
    {"control", "PATH", set_control,
     "Unix socket for JSON lines (default: control.sock in the state folder)"},
    {"fault", "NAME[@KEY=VALUE,...]", set_fault,
     "misbehave in this way, there (keys as for --rule); repeat; \"help\" lists the names"},
    {"rule", "KEY=VALUE ...", set_rule,
     "answer, delay, cut or close at a command: match=RCPT reply=\"450 4.2.0 Later\" times=1; "
     "repeat; mailproofd(8) has the keys"},
    {"script", "FILE", set_script, "rules, one a line; repeat"},
    {"limit", "NAME=VALUE", set_limit, "change a limit; repeat"},
    {"plaintext-login", "yes|no", set_plaintext,
     "passwords without TLS (default: yes if only the loopback is listened on)"},
    {"trace", "FILE", set_trace, "write what decided each reply there"},
    {"log", "FILE|-", set_log,
     "append a line of JSON there for each start, connection, login, message and end; - is "
     "standard "
     "error"},
    {"dns-zone", "FILE", set_dns_zone,
     "records that the DNS is asked for first; without a resolver there are no others"},
    {"dns-anchor", "FILE", set_dns_anchor, "trust anchors of DNSSEC, for --resolver"},
    {"resolver", "ADDRESS[@PORT]", set_resolver,
     "who is asked what the zone file does not say (default: nobody, and no network)"},
    {"smarthost", "[USER:PASSWORD@]HOST[:PORT]", set_smarthost,
     "all mail for other hosts goes there; lmtp://HOST:PORT or lmtp:PATH is one that speaks LMTP "
     "(default: where the DNS says)"},
    {"relay-ca", "FILE", set_relay_ca, "authorities for outgoing TLS, PEM (default: the system's)"},
    {"mta-sts", "DIR", set_mta_sts, "MTA-STS policies, one file a domain"},
    {"relay-from", "ADDRESS[/BITS]", set_relay_from,
     "who may send to other hosts without login; repeat"},
    {"relay-port", "PORT", set_relay_port, "where other hosts listen (default 25); for tests"},
    {"mt-priority-policy", "NAME", set_priority_policy,
     "told behind MT-PRIORITY, as MIXER (default: no name)"},
    {"config", "FILE", read_file, "read settings from there, one a line: name value"},
    {"run-as", "USER[:GROUP]", set_run_as, "who to be once ports are bound and keys are read"},
    {"sandbox", "on|off|require", set_sandbox,
     "keep to our own folders and system calls: as far as the kernel can (default), not at all, or "
     "do not start without; the line that says ready tells"},
    {"check-config", NULL, set_check,
     "read the configuration and the files that it names, say whether it is good, and end"},
    {"exit-with-stdin", NULL, set_exit_with_stdin, "end when standard input closes"},
    {"limits", NULL, set_show_limits, "list the limits"},
    {"show-config", NULL, set_show_config, "print what is in force, as a file for --config"},
    {"version", NULL, set_show_version, "print the version"},
    {"help", NULL, set_show_help, "print this"},
    {NULL, NULL, NULL, NULL},
};

enum { SETTINGS = sizeof settings / sizeof *settings - 1 };

static const char *setting_name(size_t i)
{
    const char *name, *value, *says;
    if (i < SETTINGS)
        return settings[i].name;
    return policy_describe(i - SETTINGS, &name, &value, &says) ? name : NULL;
}

static const struct setting *find(const char *name, const char *dashes, struct err *err)
{
    for (const struct setting *s = settings; s->name != NULL; s++)
        if (strcmp(s->name, name) == 0)
            return s;
    static struct setting chosen = {NULL, NULL, set_policy, NULL};
    for (size_t i = 0; policy_describe(i, &chosen.name, &chosen.value, &chosen.says); i++)
        if (strcmp(chosen.name, name) == 0)
            return &chosen;
    const char *near = nearest(name, setting_name);
    if (near == NULL)
        err_set(err, "there is no setting %s%s; --help lists them", dashes, name);
    else
        err_set(err, "there is no setting %s%s; did you mean %s%s?", dashes, name, dashes, near);
    return NULL;
}

static int read_line(struct reading *r, char *line, struct err *err)
{
    char *name = line + strspn(line, " \t");
    if (*name == '\0' || *name == '#')
        return 0;
    char *value = name + strcspn(name, " \t");
    if (*value != '\0')
        *value++ = '\0';
    value += strspn(value, " \t");
    const struct setting *s = find(name, "", err);
    if (s == NULL)
        return -1;
    if (s->value != NULL && *value == '\0')
        return err_set(err, "%s wants a value: %s", name, s->value);
    r->name = name;
    return s->set(r, value, err);
}

static int read_file(struct reading *r, const char *path, struct err *err)
{
    struct lines l;
    struct err why;
    int rc;
    if (r->depth == 8)
        return err_set(err, "%s: configuration files name each other too deeply", path);
    if (lines_open(&l, path, err) != 0)
        return -1;
    add_file(r->c, path);
    r->depth++;
    while ((rc = lines_next(&l, err)) > 0)
        if (read_line(r, l.text, &why) != 0) {
            rc = err_set(err, "%s:%d: %s", path, l.number, why.text);
            break;
        }
    r->depth--;
    lines_close(&l);
    return rc;
}

static int read_flags(struct reading *r, int argc, char **argv, struct err *err)
{
    for (int i = 1; i < argc; i++) {
        char name[64];
        if (strncmp(argv[i], "--", 2) != 0)
            return err_set(err, "\"%s\" is no flag; --help lists them", argv[i]);
        const char *equals = strchr(argv[i], '=');
        size_t n = equals != NULL ? (size_t)(equals - argv[i]) - 2 : strlen(argv[i]) - 2;
        if (n >= sizeof name)
            return err_set(err, "there is no flag %s; --help lists them", argv[i]);
        memcpy(name, argv[i] + 2, n);
        name[n] = '\0';
        const struct setting *s = find(name, "--", err);
        if (s == NULL)
            return -1;
        const char *value = equals != NULL ? equals + 1 : NULL;
        if (s->value == NULL && value != NULL)
            return err_set(err, "--%s takes no value", name);
        if (s->value != NULL && value == NULL) {
            if (++i == argc)
                return err_set(err, "--%s wants a value: %s", name, s->value);
            value = argv[i];
        }
        r->name = name;
        if (s->set(r, value, err) != 0)
            return -1;
    }
    return 0;
}

static bool loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static void complete(struct reading *r)
{
    struct config *c = r->c;
    if (r->ports != 0 || c->listen_count == 0) {
        for (int i = 0; i < SERVICE_COUNT; i++) {
            uint16_t port = r->ports == 's' ? service_info[i].port : 0;
            add_listen(c, (enum service)i, "127.0.0.1", port, false);
            add_listen(c, (enum service)i, "::1", port, true);
        }
    }
    if (c->store == NULL)
        c->store = copy(":memory:");
    if (c->hostname == NULL)
        c->hostname = copy("mail.test.example");
    if (c->domain_count == 0) {
        c->domains = grow(NULL, 0, sizeof *c->domains);
        c->domains[c->domain_count++] = copy("test.example");
    }
    c->plaintext_login = r->plaintext != 'n';
    for (size_t i = 0; r->plaintext == 0 && i < c->listen_count; i++)
        c->plaintext_login = c->plaintext_login && loopback(c->listens[i].address);
}

/* --- showing --- */

static void show_setting(FILE *out, const char *name, const char *value, const char *says)
{
    fprintf(out, "  --%s%s%s\n        %s\n", name, value != NULL ? " " : "",
            value != NULL ? value : "", says);
}

static void show_help(FILE *out)
{
    const char *name, *value, *says;
    fputs("mailproofd: an SMTP, IMAP and POP3 server, written to be the reference.\n\n", out);
    for (const struct setting *s = settings; s->name != NULL; s++)
        show_setting(out, s->name, s->value, s->says);
    fputs("\nHow strict it is, whom it trusts, what it keeps:\n\n", out);
    for (size_t i = 0; policy_describe(i, &name, &value, &says); i++)
        show_setting(out, name, value, says);
    fputs("\nWhen it is ready it prints one line of JSON. SIGTERM ends it; SIGHUP reads\n"
          "accounts, limits and certificates again.\n",
          out);
}

enum config_outcome config_read(int argc, char **argv, struct config *out, FILE *shown,
                                struct err *err)
{
    struct config c = {.listens = NULL};
    struct reading r = {.c = &c};
    limit_defaults(&c.limits);
    if (read_flags(&r, argc, argv, err) != 0)
        goto bad;
    if ((c.cert == NULL) != (c.key == NULL)) {
        err_set(err, "--tls-cert and --tls-key go together");
        goto bad;
    }
    complete(&r);
    bool show = true;
    if (r.show_help)
        show_help(shown);
    else if (r.show_version)
        fprintf(shown, "mailproofd %s\n", MAILPROOF_VERSION);
    else if (r.show_faults)
        fault_help(shown);
    else if (r.show_limits)
        limit_list(&c.limits, shown);
    else if (r.show_config)
        config_show(&c, shown);
    else
        show = false;
    if (show) {
        config_free(&c);
        return CONFIG_SHOWN;
    }
    *out = c;
    return CONFIG_RUN;
bad:
    config_free(&c);
    return CONFIG_BAD;
}
