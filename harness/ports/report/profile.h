/* What weighs how much: a profile gives levels to checks, an expectation file says which failures
 * are known. Both are files that users copy and change. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_REPORT_PROFILE_H
#define HARNESS_PORTS_REPORT_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "ports/port.h"

enum { PROFILE_PORT_RULES = 256, EXPECTED_MOST = 1024 };

struct profile {
    char name[64], about[256];
    enum check_level levels[CHECKS];
    struct {
        uint16_t port;
        enum check_id id;
        enum check_level level;
    } rules[PROFILE_PORT_RULES]; /* for one port alone */
    int rules_n;
};

/* The levels of checks.def. */
void profile_default(struct profile *p);

/* Reads a Lua file that returns { name =, about =, levels = { V03 = "MUST NOT", ["25/V03"] = "off"
 * } } over the levels of checks.def. which: a path, or the name of a file in harness/lua/ports
 * below home. -1 with words for a file that is none, an unknown check (with its line) or level. */
int profile_load(struct profile *p, const char *home, const char *which, struct err *err);

enum check_level profile_level(const struct profile *p, uint16_t port, enum check_id id);

enum ports_verdict { PORTS_PASS, PORTS_FAIL, PORTS_WEAK, PORTS_NOTED, PORTS_SKIP, PORTS_VERDICTS };
extern const char *const ports_verdict_words[PORTS_VERDICTS];

/* What a finding comes to under a profile. */
enum ports_verdict profile_verdict(const struct profile *p, uint16_t port, enum check_id id,
                                   const struct finding *f);

/* Lines "PORT/ID<TAB>verdict<TAB>reason", "ID" alone for every port, "host/ID" for the host.
 * verdict: fail or weak, "fail?" where it passes by luck. */
struct expected {
    struct expected_line {
        int port; /* -1: every port; 0: the host */
        enum check_id id;
        enum ports_verdict verdict;
        char reason[256];
        int line;
        bool met, looked; /* it failed as it says; it was tested at all */
    } at[EXPECTED_MOST];
    int n;
    char path[512];
};
int expected_load(struct expected *e, const char *path, struct err *err);
/* The line that lists this verdict; NULL. Marks what it met. */
const struct expected_line *expected_judge(struct expected *e, uint16_t port, enum check_id id,
                                           enum ports_verdict v);

#endif
