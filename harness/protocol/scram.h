/* SCRAM as a client speaks it (RFC 5802, 7677), for every hash that OpenSSL knows. sasl.c owns it;
 * the messages are plain bytes, base64 around them is the protocol's business.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PROTOCOL_SCRAM_H
#define HARNESS_PROTOCOL_SCRAM_H

#include "protocol/sasl.h"

struct scram;

/* hash is "SHA-1", "SHA-256", …; plus says that the mechanism's name ends in -PLUS. Strings are
 * copied. */
int scram_new(const char *hash, bool plus, const struct sasl_options *o, struct scram **out,
              struct err *err);
void scram_free(struct scram *s);

/* As sasl_step. */
int scram_step(struct scram *s, const unsigned char *challenge, size_t n, unsigned char **out,
               size_t *out_len, struct err *err);
/* The server has proved that it knows the password too. */
bool scram_done(const struct scram *s);

/* text with "=" as "=3D" and "," as "=2C", as names travel in SCRAM and in GS2 headers (RFC
 * 5802, 5.1); the caller frees it. */
char *scram_name(const char *text);

#endif
