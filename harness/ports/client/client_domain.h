/* Checks of clients that find their server by the DNS, for which the questions of the client are
 * answered here: SRV-IDs, DANE and MTA-STS. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_CLIENT_CLIENT_DOMAIN_H
#define HARNESS_PORTS_CLIENT_CLIENT_DOMAIN_H

#include "ports/client/client_trial.h"

/* "_submission", "_imaps": what the SRV record of this client's service is called. */
const char *domain_service(const struct client_options *o);

/* The records that lead to our server, and no others: MX, SRV, addresses. */
int domain_plain(struct trial *t, struct err *err);

int domain_srv_id(struct trial *t, struct err *err); /* U10 */
int domain_dane(struct trial *t, struct err *err);   /* U11 */
int domain_sts(struct trial *t, struct err *err);    /* U12 */

/* The digest of TLSA SELECTOR 1, MATCHING 1 in hex. RFC 6698, 2.1. */
void domain_key_digest(X509 *x, char out[65]);

#endif
