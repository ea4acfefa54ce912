/* --capture wire: the real packets of a run, besides the captures that are made from recorded
 * bytes. SPDX-License-Identifier: MIT */
#ifndef HARNESS_CLI_SNIFF_H
#define HARNESS_CLI_SNIFF_H

#include "err.h"
#include "evidence/capture_wire.h"
#include "run/target.h"

/* Starts capturing what goes to and from the target's services into folder/wire.pcap. -1 with words
 * that say what is missing (privilege, interface). */
int sniff_start(const struct target *t, const char *folder, struct capture_wire **out,
                struct err *err);

/* Stops it and says on stderr how many packets there are, or what went wrong. NULL does nothing. */
void sniff_stop(struct capture_wire *cw);

#endif
