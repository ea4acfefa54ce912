/* A capture of what really went over the interface, through libpcap: real segments,
 * retransmissions, resets. It needs CAP_NET_RAW (root); the capture that everyone gets is
 * capture_made.h. `--capture wire` starts it before the first scenario and stops it after the last.
 * The file is classic pcap, written by libpcap itself. SPDX-License-Identifier: MIT */
#ifndef HARNESS_EVIDENCE_CAPTURE_WIRE_H
#define HARNESS_EVIDENCE_CAPTURE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct capture_wire;

struct capture_wire_count {
    uint64_t packets; /* written to the file */
    uint64_t drops;   /* seen by the kernel, lost because nobody fetched them in time */
    int broken;       /* 1: the file is incomplete, why says it ("disk full", …) */
    char why[256];
};

/* Captures on device (NULL: the interface that leads to host, "lo" for this machine) what matches
 * filter (libpcap's language; NULL: everything) into path, in a thread of its own, until
 * capture_wire_stop. When it returns 0 the capture is running: a packet sent after that is in it.
 * -1 with words that say what to do: no privilege, no such interface, a filter that does not
 * compile, a file that cannot be written. */
int capture_wire_start(const char *device, const char *host, const char *filter, const char *path,
                       struct capture_wire **out, struct err *err);

/* Stops it, writes what is still in the kernel's buffer, closes the file, frees cw. count may be
 * NULL. 0, or -1 with words when the file is not complete. */
int capture_wire_stop(struct capture_wire *cw, struct capture_wire_count *count, struct err *err);

/* Writes a filter for host and its ports into out ("host 127.0.0.1 and (tcp port 25 or tcp port
 * 143)"). host is a numeric address or NULL. -1 when it does not fit. */
int capture_wire_filter(const char *host, const uint16_t *ports, size_t n, char *out, size_t size);

#endif
