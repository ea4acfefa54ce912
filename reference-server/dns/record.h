/* Records of the DNS taken apart from their bytes. SPDX-License-Identifier: MIT */
#ifndef SERVER_DNS_RECORD_H
#define SERVER_DNS_RECORD_H

#include "dns/dns.h"

/* Fills *out from the data of one record; -1: they are malformed. record_clear frees. */
int record_read(enum dns_type type, const unsigned char *data, size_t n, struct dns_record *out);
void record_clear(struct dns_record *r);
const char *record_type_name(enum dns_type type);
/* An uncompressed name in text form, without a final dot; -1: malformed or too long. */
int record_name(const unsigned char *data, size_t n, char out[DNS_NAME_MAX + 1]);

#endif
