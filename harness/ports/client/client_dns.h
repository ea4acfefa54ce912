/* The name server of a client under test: one zone, the root, that says what a check wants, signed
 * with a key of its own, over UDP and TCP. It answers as a resolver that has validated would, and
 * leaves everything to validate for those who do it themselves. Never waits.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_CLIENT_CLIENT_DNS_H
#define HARNESS_PORTS_CLIENT_CLIENT_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct client_dns;

/* Listens at an IPv4 address; port 0: any, the same for UDP and TCP. NULL with words. */
struct client_dns *client_dns_open(const char *address, uint16_t port, struct err *err);
void client_dns_close(struct client_dns *d);
uint16_t client_dns_port(const struct client_dns *d);

/* Writes the DS record of the key, which is a trust anchor. */
int client_dns_anchor(const struct client_dns *d, const char *path, struct err *err);

/* From now on exactly these records are true: lines of a zone file with absolute names. SOA, NS,
 * keys, signatures and proofs of absence are added. What was asked so far is forgotten, and
 * nothing fails any more. */
int client_dns_say(struct client_dns *d, const char *records, struct err *err);
/* Questions for this name are answered by SERVFAIL. */
int client_dns_fail(struct client_dns *d, const char *name, struct err *err);

/* Answers what was asked meanwhile. */
void client_dns_go(struct client_dns *d);

/* Whether somebody asked for records of this type ("TLSA"), below this name when it is not NULL.
 */
bool client_dns_asked(const struct client_dns *d, const char *type, const char *below);

/* The reply to a message, for whoever carries it; udp: cut to what fits. NULL: none is due. Owned
 * by the caller. */
unsigned char *client_dns_answer(struct client_dns *d, const unsigned char *in, size_t n, bool udp,
                                 size_t *size);

#endif
