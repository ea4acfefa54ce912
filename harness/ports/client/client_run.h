/* The client that is tested, as a process: a command of the user's, run by the shell with a hosts
 * file, and perhaps a network, of its own where the system allows that, so that names lead to the
 * loopback. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_CLIENT_CLIENT_RUN_H
#define HARNESS_PORTS_CLIENT_CLIENT_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

enum { CLIENT_OUTPUT_MOST = 64 * 1024 };

/* What stands for {host}, {port}, … in the command. NULL: that word may not stand there. */
struct client_words {
    const char *host, *ca, *user, *password;
    uint16_t port;
    const char *domain, *dns, *dns_anchor, *policy;
    uint16_t dns_port, web_port;
};

/* Files in the places of the system's, for the client alone; NULL: the system's. */
struct client_view {
    const char *hosts, *resolv, *nsswitch;
};

struct client_process {
    pid_t pid; /* 0: it has ended */
    int out;   /* its standard output; -1: closed */
    int status;
    char text[CLIENT_OUTPUT_MOST + 1]; /* what it printed there, cut */
    size_t text_len;
};

/* Replaces the words in braces; other braces stay. The caller frees it; NULL with words when a
 * value cannot stand in a command. */
char *client_command(const char *text, const struct client_words *w, struct err *err);

/* Whether processes here can have a hosts file of their own: tried once, with a child. */
bool client_can_have_hosts(const char *hosts_file);

/* Gives this process, and those that it starts from now on, a network of its own that has nothing
 * but a loopback. -1 with words. */
int client_own_network(struct err *err);

/* Starts it in a process group of its own, standard input empty. -1 with words. */
int client_start(struct client_process *p, const char *command, const struct client_view *view,
                 struct err *err);
/* Reads what it printed and looks whether it ended; never waits. True: it has ended. */
bool client_look(struct client_process *p);
/* Ends it and all that it started. */
void client_stop(struct client_process *p);

#endif
