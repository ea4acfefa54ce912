/* mailproof ports: every mail port of a host and its TLS. What is checked is in ports/.
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/flags.h"
#include "cli/folder.h"
#include "cli/formats.h"
#include "ports/client/client.h"
#include "ports/dns/dns.h"
#include "ports/report/results.h"

enum fail_on { FAIL_MUST, FAIL_SHOULD, FAIL_ANY };

struct command {
    struct words ports, formats, zones, rest;
    const char *resolver, *anchor;
    struct dns_options dns;
    const char *protocol;
    double client_time;
    struct client_options client;
    const char *profile, *depth, *fail_on, *expected, *json, *family, *out, *user, *color;
    int verbose, budget;
    double greeting_wait, timeout;
    bool list, quiet;
    struct ports_options o;
    struct host_want wants[HOST_PORTS_MOST];
    size_t wants_n;
    enum fail_on fails;
    int family_number;
    char name[256];
};

static int one_of(const char *flag, const char *word, const char *const *words, int n,
                  struct err *err)
{
    for (int i = 0; i < n; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return err_set(err, "%s: one of %s, %s, %s was expected, not \"%s\"", flag, words[0], words[1],
                   words[2], word);
}

/* Files that OpenSSL is to read later: a mistake there is no fault of the server. */
static int readable(const char *flag, const char *file, struct err *err)
{
    if (file == NULL)
        return 0;
    X509_STORE *store = err_need(X509_STORE_new());
    int rc = X509_STORE_load_file(store, file) == 1 ? 0 : -1;
    X509_STORE_free(store);
    ERR_clear_error();
    return rc == 0 ? 0
                   : err_set(err, "%s %s: it cannot be read, or there is no PEM in it", flag, file);
}

static int understand(struct command *c, struct err *err)
{
    static const char *const depths[] = {"gentle", "normal", "deep"};
    static const char *const levels[] = {"must", "should", "any"};
    static const char *const families[] = {"any", "ipv4", "ipv6"};
    static const int budgets[] = {15, 150, 0}, numbers[] = {AF_UNSPEC, AF_INET, AF_INET6};
    struct in6_addr address;
    int depth = one_of("--depth", c->depth, depths, 3, err);
    int fails = depth < 0 ? -1 : one_of("--fail-on", c->fail_on, levels, 3, err);
    int family = fails < 0 ? -1 : one_of("--address-family", c->family, families, 3, err);
    if (family < 0)
        return -1;
    if (c->client.command != NULL && c->rest.n != 0)
        return err_set(err, "--client: the server is mailproof itself, no HOST is named");
    if (c->client.command == NULL && c->protocol != NULL)
        return err_set(err, "--protocol: needs --client COMMAND; of ports it is --port "
                            "PORT=PROTOCOL");
    if (c->client.command != NULL && c->protocol == NULL)
        return err_set(err, "--client: needs --protocol smtp, imap, pop3 or mx");
    if (c->client.command == NULL && c->rest.n != 1)
        return err_set(err,
                       c->rest.n == 0 ? "which host? mailproof ports HOST" : "one host at a time");
    c->o.depth = (enum check_depth)depth;
    c->fails = (enum fail_on)fails;
    c->family_number = numbers[family];
    c->o.budget = c->budget > 0 ? c->budget : budgets[depth];
    c->o.greeting_ms = (int)(c->greeting_wait * 1000);
    c->o.connect_ms = c->o.answer_ms = (int)(c->timeout * 1000);
    if (c->o.host == NULL)
        c->o.host = c->rest.n > 0 ? c->rest.at[0] : "client";
    if (c->protocol != NULL && client_parse_protocol(c->protocol, &c->client, err) != 0)
        return -1;
    c->client.run_ms = (int)(c->client_time * 1000);
    c->o.host_is_name = inet_pton(AF_INET, c->o.host, &address) != 1 &&
                        inet_pton(AF_INET6, c->o.host, &address) != 1;
    if (c->user != NULL) {
        char *own = strdup(c->user), *colon = own != NULL ? strchr(own, ':') : NULL;
        if (colon == NULL) {
            free(own);
            return err_set(err, "--user: NAME:PASSWORD was expected");
        }
        *colon = '\0';
        c->o.user = own;
        c->o.password = colon + 1;
    }
    c->client.user = c->o.user != NULL ? c->o.user : "ann";
    c->client.password = c->o.user != NULL ? c->o.password : "secret";
    for (size_t i = 0; i < c->ports.n && i < HOST_PORTS_MOST; i++)
        if (host_parse_want(c->ports.at[i], &c->wants[c->wants_n++], err) != 0)
            return -1;
    if (readable("--ca", c->o.ca_file, err) != 0 || readable("--crl", c->o.crl_file, err) != 0)
        return -1;
    if (c->wants_n == 0)
        for (size_t i = 0; i < host_standard_n; i++)
            c->wants[c->wants_n++] = host_standard[i];
    return 0;
}

/* Opens what answers questions about the domain, if the user named anything. */
static int open_dns(struct command *c, struct err *err)
{
    c->dns = (struct dns_options){.resolver = c->resolver,
                                  .zones = (const char *const *)c->zones.at,
                                  .zones_n = c->zones.n,
                                  .anchor = c->anchor,
                                  .timeout_ms = c->o.answer_ms};
    if (c->resolver == NULL && c->zones.n == 0)
        return c->anchor == NULL
                   ? 0
                   : err_set(err, "--trust-anchor: needs --zone FILE or --resolver ADDRESS");
    return dns_open(&c->dns, &c->o.dns, err);
}

static int list_checks(const struct profile *p)
{
    for (int i = 0; i < CHECKS; i++)
        printf("%s\t%s\tRFC %s\t%s\n", checks[i].id, check_level_word(p->levels[i]), checks[i].ref,
               checks[i].title);
    return EXIT_AS_EXPECTED;
}

static int exit_of(const struct command *c, const struct results *r)
{
    /* Somebody who cannot be reached, or sends us away, has proved nothing. */
    if (r->host->client == NULL && !host_reached(r->host))
        return EXIT_TARGET;
    bool away = false;
    for (size_t i = 0; i < r->host->n; i++) {
        const struct port *p = &r->host->ports[i];
        away = away || p->limited;
        if (p->limited && p->facts.best_version[0] == '\0')
            return EXIT_TARGET;
    }
    if (r->unexpected[PORTS_FAIL] > 0 || r->stale > 0)
        return EXIT_UNEXPECTED;
    if (c->fails >= FAIL_SHOULD && r->unexpected[PORTS_WEAK] > 0)
        return EXIT_UNEXPECTED;
    if (c->fails == FAIL_ANY)
        for (size_t i = 0; i < r->n; i++)
            if (r->at[i].finding->kind == FINDING_BAD && r->at[i].known == NULL &&
                r->at[i].level != LEVEL_OFF)
                return EXIT_UNEXPECTED;
    /* What was seen is good, but the rest was not shown to us. */
    return away ? EXIT_TARGET : EXIT_AS_EXPECTED;
}

static int write_json(const struct results *r, const char *path, int code, struct err *err)
{
    json_t *root = results_json(r, code);
    FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    int rc =
        f != NULL && json_dumpf(root, f, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0 ? 0 : -1;
    if (f != NULL)
        (void)fputc('\n', f);
    json_decref(root);
    if (f != NULL && f != stdout && fclose(f) != 0)
        rc = -1;
    return rc == 0 ? 0 : err_errno(err, path);
}

static int examine(struct command *c, const char *home, const struct profile *profile,
                   struct expected *expected, struct err *err)
{
    struct host h;
    struct results r;
    char id[64], folder[4096], path[4200], jsonl[4200];
    const char *const runs[] = {jsonl};
    bool html = false;
    folder_run_id(id, sizeof id);
    if (c->client.command != NULL) {
        h = (struct host){.o = c->o};
        if (client_examine(&h, &c->client, err) != 0) {
            host_close(&h);
            return EXIT_TARGET;
        }
    } else {
        if (host_open(&h, &c->o, c->rest.at[0], c->family_number, c->wants, c->wants_n, err) != 0)
            return EXIT_TARGET;
        host_examine(&h);
    }
    results_make(&r, &h, profile, expected);
    int code = exit_of(c, &r), rc = folder_make(c->out, id, folder, sizeof folder, err);
    if (rc == 0)
        rc = results_record(&r, folder, id, cli_argc, cli_argv, code, err);
    if (rc == 0) {
        (void)snprintf(path, sizeof path, "%s/ports.json", folder);
        rc = write_json(&r, path, code, err);
    }
    if (rc == 0 && c->json != NULL)
        rc = write_json(&r, c->json, code, err);
    if (rc == 0) {
        (void)snprintf(jsonl, sizeof jsonl, "%s/run.jsonl", folder);
        /* A look that takes a third of a second does not wait a second for pages that nobody asked
         * for. */
        html = c->o.depth > DEPTH_GENTLE;
        rc = formats_write(home, runs, 1, folder, html, &c->formats, err);
        folder_link_latest(c->out, id);
    }
    bool elsewhere =
        formats_use_stdout(&c->formats) || (c->json != NULL && strcmp(c->json, "-") == 0);
    FILE *to = elsewhere ? stderr : stdout;
    bool color =
        strcmp(c->color, "always") == 0 ||
        (strcmp(c->color, "auto") == 0 && isatty(fileno(to)) && getenv("NO_COLOR") == NULL);
    if (!c->quiet)
        results_print(&r, to, color, c->verbose);
    if (!c->quiet && rc == 0)
        (void)fprintf(to, "%s/%s\n", folder, html ? "report.html" : "ports.json");
    results_clear(&r);
    host_close(&h);
    return rc == 0 ? code : EXIT_INTERNAL;
}

int cli_ports(int argc, char **argv)
{
    static struct command c;
    static struct expected expected;
    static struct profile profile;
    struct err err = {{0}};
    int code = EXIT_USAGE;
    c = (struct command){.profile = "default",
                         .depth = "normal",
                         .fail_on = "must",
                         .family = "any",
                         .color = "auto",
                         .greeting_wait = 20,
                         .timeout = 5,
                         .client_time = 10};
    const struct flag flags[] = {
        {"--port", 0, FLAG_WORDS, &c.ports, "PORT[=PROTOCOL[/MODE]]",
         "this port (mx, smtp, submissions, imap, imaps, pop3, pop3s; starttls, implicit); repeat "
         "(default: "
         "the eight of mail)"},
        {"--depth", 0, FLAG_TEXT, &c.depth, "gentle|normal|deep",
         "how much to ask: 15 connections a port, 150 (the default), any number"},
        {"--budget", 0, FLAG_NUMBER, &c.budget, "N", "at most so many connections a port"},
        {"--profile", 0, FLAG_TEXT, &c.profile, "NAME|FILE",
         "how checks weigh: modern, intermediate, rfc8314-strict, mx, legacy, ncsc-nl, or a file"},
        {"--fail-on", 0, FLAG_TEXT, &c.fail_on, "must|should|any", "what makes the exit code 1"},
        {"--expected", 0, FLAG_TEXT, &c.expected, "FILE",
         "known failures, PORT/CHECK<TAB>verdict<TAB>reason a line; one that is none any more "
         "fails"},
        {"--name", 0, FLAG_TEXT, &c.o.host, "NAME", "the server's name, when HOST is an address"},
        {"--ca", 0, FLAG_TEXT, &c.o.ca_file, "FILE", "trusted authorities (default: the system's)"},
        {"--crl", 0, FLAG_TEXT, &c.o.crl_file, "FILE",
         "lists of revoked certificates, PEM; nobody is asked for them"},
        {"--user", 0, FLAG_TEXT, &c.user, "NAME:PASSWORD", "an account, for what needs a login"},
        {"--recipient", 0, FLAG_TEXT, &c.o.recipient, "ADDRESS",
         "takes mail, for truncated messages"},
        {"--domain", 0, FLAG_TEXT, &c.o.domain, "NAME",
         "the mail domain, for MX, MTA-STS, TLS reporting and SRV records"},
        {"--zone", 0, FLAG_WORDS, &c.zones, "FILE",
         "its records, a zone as name servers load it; repeat"},
        {"--resolver", 0, FLAG_TEXT, &c.resolver, "ADDRESS[:PORT]",
         "ask this name server for records; without it and --zone nobody is asked"},
        {"--trust-anchor", 0, FLAG_TEXT, &c.anchor, "FILE",
         "DS or DNSKEY records that signatures have to lead to (with --resolver: the root's)"},
        {"--sts-policy", 0, FLAG_TEXT, &c.o.sts_policy, "FILE|ADDRESS[:PORT]|fetch",
         "where the MTA-STS policy is: a file, a web server, or what DNS says"},
        {"--client", 0, FLAG_TEXT, &c.client.command, "COMMAND",
         "test a mail program instead of a host: a command with {host} {port} {ca} {user} "
         "{password}; {domain} instead of {host}: it finds the server by DNS, which we answer, in "
         "a "
         "network of its own, or at {dns} {dns_port} ({dns_anchor}: DS of its signatures; "
         "{https_port}, {policy}: MTA-STS)"},
        {"--protocol", 0, FLAG_TEXT, &c.protocol, "PROTOCOL[/MODE]",
         "what it speaks: smtp, imap or pop3, with STARTTLS; /implicit: TLS comes first; mx: it is "
         "an MTA that sends mail to {domain}"},
        {"--client-timeout", 0, FLAG_SECONDS, &c.client_time, "SECONDS",
         "one run of it may take so long (10)"},
        {"--source", 0, FLAG_TEXT, &c.o.source, "ADDRESS", "connect from there"},
        {"--address-family", 0, FLAG_TEXT, &c.family, "any|ipv4|ipv6",
         "which addresses of the host"},
        {"--greeting-wait", 0, FLAG_SECONDS, &c.greeting_wait, "SECONDS",
         "wait so long for a greeting (20)"},
        {"--timeout", 0, FLAG_SECONDS, &c.timeout, "SECONDS", "wait so long for anything else (5)"},
        {"--json", 0, FLAG_TEXT, &c.json, "PATH",
         "write the result as JSON (- is standard output)"},
        {"--format", 0, FLAG_WORDS, &c.formats, "KIND[:PATH]",
         "a report: csv, sarif, junit, html, …; repeat"},
        {"--out", 0, FLAG_TEXT, &c.out, "DIR", "the folder of the run (default: out/<run-id>)"},
        {"--color", 0, FLAG_TEXT, &c.color, "auto|always|never", "colours"},
        {"--list", 0, FLAG_SWITCH, &c.list, NULL,
         "list the checks with their levels; needs no host"},
        {"--verbose", 'v', FLAG_COUNT, &c.verbose, NULL,
         "whole exchanges, and what was not tested; -vv: passes"},
        {"--quiet", 'q', FLAG_SWITCH, &c.quiet, NULL, "no table"},
        {0},
    };
    int parsed = flags_parse(flags, argc, argv, &c.rest, &err);
    if (parsed > 0) {
        flags_help(
            flags,
            "mailproof ports [FLAGS] HOST\n       mailproof ports [FLAGS] --client COMMAND "
            "--protocol "
            "PROTOCOL",
            "Checks every mail port of a host and its TLS. Exit codes: 0 good, 1 a failure at the "
            "level of --fail-on or a stale expectation, 2 usage, 4 unreachable or sent away.",
            stdout);
        return EXIT_AS_EXPECTED;
    }
    char *home = cli_home(&err);
    if (home == NULL)
        code = EXIT_INTERNAL;
    else if (parsed < 0 || profile_load(&profile, home, c.profile, &err) != 0)
        code = EXIT_USAGE;
    else if (c.list)
        code = list_checks(&profile);
    else if (understand(&c, &err) == 0 && formats_check(home, &c.formats, &err) == 0 &&
             (c.expected == NULL || expected_load(&expected, c.expected, &err) == 0) &&
             open_dns(&c, &err) == 0) {
        (void)signal(SIGPIPE, SIG_IGN);
        code = examine(&c, home, &profile, c.expected != NULL ? &expected : NULL, &err);
    }
    if (err.text[0] != '\0')
        fprintf(stderr, "mailproof ports: %s\n", err.text);
    free(home);
    dns_close(c.o.dns);
    free((char *)(uintptr_t)c.o.user);
    free(c.zones.at);
    free(c.ports.at);
    free(c.formats.at);
    free(c.rest.at);
    return code;
}
