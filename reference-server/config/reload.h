/* The configuration read again while the server runs, and looked at before it does.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "config/config.h"

/* Reads flags and files again and puts in force what may change under way: accounts, limits, mail
 * domains that are new, and the certificate. Sessions go on with the account and the certificate
 * with which they began. Whatever else has changed waits for the next start. On failure nothing is
 * changed. *in_force is what was read last, and becomes what is in force now. */
int reload(struct server *s, struct config *in_force, int argc, char **argv, const char *state,
           struct err *err);

/* --check-config: loads what the settings name (certificate and key, zone file, authorities of the
 * relay) and opens nothing that is written to. */
int reload_check(const struct config *c, struct err *err);

#endif
