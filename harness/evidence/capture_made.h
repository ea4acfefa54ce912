/* A capture file made from a scenario's events, without any privilege: frames are built from the
 * recorded bytes and times (raw IP link type, true sequence numbers and checksums, the service's
 * nominal port so that dissectors wake up, TLS secrets ahead of the handshake, one comment for each
 * step of the script). SPDX-License-Identifier: MIT */
#ifndef HARNESS_EVIDENCE_CAPTURE_MADE_H
#define HARNESS_EVIDENCE_CAPTURE_MADE_H

#include <jansson.h>

#include "err.h"

/* Writes the events of one scenario (array of the objects of run.jsonl) to path as pcapng.
 * started_at is the scenario's start, seconds since 1970, for absolute packet times. A scenario
 * that opened no connection gives a file without packets. The file appears whole or not at all. 0,
 * or -1 with words (disk full, …). */
int capture_made_write(const json_t *events, double started_at, const char *path, struct err *err);

/* The same, telling which frames the file has. Frames are numbered from 1, as Wireshark does. */
struct capture_frames {
    size_t count; /* all frames */
    size_t here;  /* the newest one with bytes of the other side; 0: it said nothing */
};
int capture_made_frames(const json_t *events, double started_at, const char *path,
                        struct capture_frames *frames, struct err *err);

#endif
