/* Group D: the records of the domain, held against what its ports do. Called when every port was
 * looked at. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_DNS_DNS_ROOM_H
#define HARNESS_PORTS_DNS_DNS_ROOM_H

#include "ports/host.h"

/* All of D, and Z07 and Z08, which need the domain. Without h->o.dns they say so. */
void room_domain(struct host *h);

void room_mail_exchangers(struct host *h); /* D01 */
void room_tlsa(struct host *h);            /* D02 to D06 */
void room_policies(struct host *h);        /* D07 to D10 */
void room_services(struct host *h);        /* D11, Z07, Z08 */
void room_issuers(struct host *h);         /* D12 */

/* A sentence that grows: "; " between its parts, cut when it is full. */
struct sentence {
    char text[1024];
};
void sentence_add(struct sentence *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
