/* What mailproofd was told: flags, and a file of the same names. SPDX-License-Identifier: MIT */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "process/sandbox.h"
#include "server.h"

struct config_listen {
    enum service service;
    char *address; /* numeric */
    uint16_t port; /* 0: any that is free */
    bool optional; /* where this address does not exist, the server does without */
};

struct config_user {
    char *name, *password;
};

/* --check-config reads everything that a start would read and changes nothing. */
struct config {
    struct config_listen *listens;
    size_t listen_count;
    struct config_user *users;
    size_t user_count;
    char **domains; /* the first one is the default; never empty */
    size_t domain_count;
    char **faults;
    size_t fault_count;
    char **rules, **scripts; /* as for --rule and --script */
    size_t rule_count, script_count;
    char **relay_from; /* addresses that may relay without login */
    size_t relay_from_count;
    char *dns_zone, *dns_anchor, *resolver, *smarthost, *relay_ca, *mta_sts; /* may be NULL */
    char *priority_policy;                                                   /* may be NULL */
    uint16_t relay_port;                                                     /* 0: 25 */
    char *store, *state, *hostname, *cert, *key, *control, *trace,
        *log;     /* state, cert, key, control, trace, log may be NULL */
    char *run_as; /* USER or USER:GROUP, or NULL */
    enum sandbox_mode sandbox;
    struct limits limits;
    struct policy policy;
    bool plaintext_login, exit_with_stdin, check;
    char **files; /* read on the way: configuration, accounts */
    size_t file_count;
};

enum config_outcome {
    CONFIG_RUN,
    CONFIG_SHOWN /* --help and the like: printed, nothing to run */,
    CONFIG_BAD
};

enum config_outcome config_read(int argc, char **argv, struct config *out, FILE *shown,
                                struct err *err);
/* As a file for --config. Passwords are in it. */
void config_show(const struct config *c, FILE *out);
void config_free(struct config *c);

#endif
