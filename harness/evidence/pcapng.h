/* Writes pcapng (draft-ietf-opsawg-pcapng): one section, one interface of raw IP packets, TLS
 * secrets, packets with comments. libpcap writes only the classic format, which has no place for
 * secrets and comments.
 *
 * The file grows under a temporary name beside its own and gets its name when it is complete.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_EVIDENCE_PCAPNG_H
#define HARNESS_EVIDENCE_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct pcapng;

/* Creates the file with its section header and one interface: LINKTYPE_RAW (each packet begins with
 * its IPv4 or IPv6 header), times in microseconds. application and about (a comment for the whole
 * file) may be NULL. */
int pcapng_open(const char *path, const char *application, const char *about, struct pcapng **out,
                struct err *err);

/* TLS secrets as an NSS key log (lines "LABEL random secret\n"). They help only packets that
 * follow. */
void pcapng_secrets(struct pcapng *p, const char *keylog, size_t n);

/* One packet. time_us: microseconds since 1970. comments: n UTF-8 strings, each shown as a comment
 * of the packet (cut at PCAPNG_COMMENT_LIMIT bytes, at the end of a character). */
void pcapng_packet(struct pcapng *p, uint64_t time_us, const unsigned char *packet, size_t len,
                   const char *const *comments, size_t n);

/* Completes the file, gives it its name and frees p. -1: something could not be written; then there
 * is no file. */
int pcapng_close(struct pcapng *p, struct err *err);

/* Gives up: removes what was written and frees p. NULL does nothing. */
void pcapng_abandon(struct pcapng *p);

#define PCAPNG_COMMENT_LIMIT 4000

#endif
