/* All ports of all addresses of a host, looked at side by side, and what only their comparison
 * shows. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_HOST_H
#define HARNESS_PORTS_HOST_H

#include "err.h"
#include "ports/port.h"

enum { HOST_PORTS_MOST = 256, HOST_ADDRESSES_MOST = 16 };

/* A port that the user wants. protocol and mode: unknown ones are found by probing. */
struct host_want {
    uint16_t port;
    enum port_protocol protocol;
    enum port_mode mode;
    bool mx; /* SMTP for strangers, on whatever port */
};

/* The eight ports of mail. */
extern const struct host_want host_standard[];
extern const size_t host_standard_n;

/* "2525", "10025=mx", "10587=smtp", "10465=smtp/implicit", "143=imap/starttls": -1 with words. */
int host_parse_want(const char *text, struct host_want *w, struct err *err);

struct host {
    struct ports_options o;
    char addresses[HOST_ADDRESSES_MOST][64];
    size_t addresses_n;
    struct port *ports; /* address by address; owned */
    size_t n;
    struct finding found[CHECKS]; /* of checks of the whole host */
    struct port *client; /* group U: what was said with the client that is tested; NULL; owned */
    double seconds, cpu_ms;
};

/* Resolves the name to all its addresses of the family and makes the ports. -1 with words. */
int host_open(struct host *h, const struct ports_options *o, const char *where, int family,
              const struct host_want *wants, size_t n, struct err *err);
/* Looks at all of them. */
void host_examine(struct host *h);
void host_close(struct host *h);

/* Leaves a finding about the whole host; "%s", "" for one that needs no words. */
void host_find(struct host *h, enum check_id id, enum finding_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Whether any port was open and talked with us. */
bool host_reached(const struct host *h);

#endif
