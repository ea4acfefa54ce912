/* What a look at a host comes to: verdicts under a profile, counted, ordered, and written as a
 * table for people, as JSON, and as the run.jsonl that every report is made from.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_REPORT_RESULTS_H
#define HARNESS_PORTS_REPORT_RESULTS_H

#include <stdio.h>

#include "ports/host.h"
#include "ports/report/profile.h"

struct result {
    const struct port *port; /* NULL: the host */
    enum check_id id;
    enum check_level level;
    enum ports_verdict verdict;
    const struct finding *finding;
    const char *known; /* the reason that the expectation file gives; NULL: none */
    size_t frames,
        frame;      /* of the capture: how many, and the newest with bytes of the other side */
    char *evidence; /* the capture's name below the folder; owned, NULL: none */
};

struct results {
    const struct host *host;
    const struct profile *profile;
    struct expected *expected; /* NULL: none */
    struct result *at;         /* owned */
    size_t n;
    int counts[PORTS_VERDICTS];
    int unexpected[PORTS_VERDICTS]; /* of those that the expectation file does not list */
    int stale;                      /* lines of the expectation file that are not true any more */
};

void results_make(struct results *r, const struct host *h, const struct profile *p,
                  struct expected *e);
void results_clear(struct results *r);

/* "ports/993/V03", with the address between when there are several. */
void results_id(const struct results *r, const struct result *one, char *out, size_t size);

/* The letter of a port with its reasons: "B: K07 V11". A nothing wrong; B a SHOULD; C a MUST; F one
 * that gives mail or passwords away (group J, the chain, the name, the dates). '-': it was not
 * reached. */
char results_letter(const struct results *r, const struct port *p, char *why, size_t size);

/* The table by port, the differences, each failure with what to change. */
void results_print(const struct results *r, FILE *out, bool color, int verbose);

/* The port whose events hold the connections of a result; NULL: there are none. */
const struct port *results_talk(const struct results *r, const struct result *one);

/* "connection c7, frame 12 of 15": where the capture of a result shows it. */
void results_where(const struct result *one, char *out, size_t size);

/* Writes evidence/ and run.jsonl into folder; command as in argv. */
int results_record(struct results *r, const char *folder, const char *run_id, int argc, char **argv,
                   int exit_code, struct err *err);

/* The JSON of reports/ports.schema.json. Owned by the caller. */
json_t *results_json(const struct results *r, int exit_code);

#endif
