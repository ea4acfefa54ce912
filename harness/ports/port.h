/* One port of one address while it is looked at, and what was found. A port belongs to one thread
 * from port_examine's begin to its end; before and after that to whoever made it.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_PORT_H
#define HARNESS_PORTS_PORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ports/checks.h"
#include "run/event.h"
#include "wire/conn.h"

enum port_protocol { PROTOCOL_UNKNOWN, PROTOCOL_SMTP, PROTOCOL_IMAP, PROTOCOL_POP3 };
enum port_mode { MODE_UNKNOWN, MODE_CLEAR, MODE_IMPLICIT };
enum port_state { PORT_UNTRIED, PORT_OPEN, PORT_REFUSED, PORT_FILTERED, PORT_UNREACHABLE };

/* What the user wants, the same for all ports. Strings live as long as the run. */
struct ports_options {
    const char
        *host; /* as the user wrote it: the name that is sent and held against certificates */
    const char *domain;          /* the mail domain, or NULL */
    struct dns *dns;             /* to ask for records; NULL: nobody is asked */
    const char *sts_policy;      /* a file, ADDRESS[:PORT], "fetch", or NULL */
    const char *ca_file;         /* NULL: the system's authorities */
    const char *crl_file;        /* PEM, or NULL */
    const char *user, *password; /* an account, or NULL */
    const char *recipient;       /* an address that takes mail, or NULL */
    const char *source;          /* local address; NULL: any, on the loopback 127.0.0.2 */
    enum check_depth depth;
    int budget; /* connections a port; 0: no limit */
    int connect_ms, answer_ms, greeting_ms;
    bool host_is_name; /* not an address: it may be sent as server_name */
};

enum finding_kind {
    FINDING_NONE,     /* nobody looked */
    FINDING_GOOD,     /* it holds */
    FINDING_BAD,      /* it does not */
    FINDING_FACT,     /* nothing to judge, but worth telling */
    FINDING_NOT_HERE, /* the check does not apply to what was found */
    FINDING_UNTESTED  /* it could not be looked at; why says it */
};

enum { FINDING_CONNS = 2 };
struct finding {
    enum finding_kind kind;
    char *why;                /* owned; NULL: nothing to say */
    int conns[FINDING_CONNS]; /* connections that show it; 0: none */
    double until;             /* loop time up to which they show it; 0: to their end */
    bool grave;               /* BAD that a note in the level's place would hide (unused levels) */
};

enum { PORT_SUITES_MOST = 256, PORT_GROUPS_MOST = 64, VERSIONS_SEEN = 6 };

/* What was learnt, for the table, for comparisons, and for checks that build on it. */
struct port_facts {
    char greeting[512];
    double rtt_ms, greeting_s;
    bool versions[VERSIONS_SEEN]; /* SSL 2, SSL 3, TLS 1.0 … 1.3 */
    bool version_known[VERSIONS_SEEN];
    struct {
        uint16_t at[PORT_SUITES_MOST];
        size_t n;
        bool complete;     /* all were asked for; otherwise only the first choice is known */
        bool server_order; /* the server's order counts, not the client's */
    } suites[VERSIONS_SEEN];
    uint16_t groups[PORT_GROUPS_MOST];
    size_t groups_n;
    bool groups_complete;
    char best_version[16], best_suite[64], group[32];
    char leaf[65]; /* SHA-256 of the leaf, hex */
    char leaf_name[256], issuer[256], not_after[32];
    int days_left;
    bool have_leaf, leaf_rsa, chain_ok, name_ok;
    char chain_why[128];
    char clear_caps[4096]; /* what EHLO, CAPABILITY or CAPA said before TLS */
    char tls_caps[4096];   /* and inside */
    bool login_in_clear;   /* offered or taken before TLS */
    bool login_refused;    /* was tried before TLS, and refused */
    bool starttls_offered;
    char injection[32]; /* "dropped", "ends it" (the handshake), "OBEYED", "ANSWERED" */
};

struct port {
    const struct ports_options *o;
    char address[64];
    int family;
    uint16_t port;
    enum port_protocol want_protocol, protocol;
    enum port_mode want_mode, mode;
    bool mx;         /* SMTP for strangers: port 25 */
    char source[64]; /* "": whatever the system takes */

    enum port_state state;
    char state_why[256];
    int used;         /* connections opened */
    int tags;         /* of IMAP, so far */
    int last;         /* number of the newest one */
    int left_unasked; /* checks that the budget ended */
    bool limited;     /* the server sent us away */
    int limited_at;   /* at which connection */
    char limited_why[256];
    int quiet_ms;           /* how long silence is silence on such a line, see dial_quiet_ms */
    int slow_ms;            /* the longest that a reply took */
    bool starttls_refused;  /* or not even reached: nothing can be learnt about TLS */
    bool needs_certificate; /* sessions end unless the client shows one */
    bool account_refused;   /* the user's name and password do not log in, inside TLS either */
    bool alerts;            /* it says by an alert what it does not like */
    bool mute;              /* or it is known to end connections without a word */
    int cut_off;            /* how many it ended so, one after the other */
    double cpu_ms, seconds;

    struct finding found[CHECKS];
    struct port_facts facts;

    struct loop *loop;
    struct event_sink sink;
    json_t *events;                               /* of the connections that were kept */
    double started;                               /* seconds since 1970 */
    struct ssl_session_st *session12, *session13; /* to resume, owned */
    struct stack_st_X509 *other_chain; /* with a key of another kind; NULL: there is none */
    struct stack_st_X509 *chain;       /* as served, the leaf first; owned */
    struct conn *silent;               /* a connection on which nothing was ever said, for P03 */
};

/* Makes a port that knows nothing yet. */
void port_init(struct port *p, const struct ports_options *o, const char *address, int family,
               uint16_t number, enum port_protocol protocol, enum port_mode mode);
void port_clear(struct port *p);

/* Looks at it from all sides, as deep as the options say. Never fails: what could not be done is a
 * finding. */
void port_examine(struct port *p);

/* Whether the check is made on such a port at all. */
bool port_applies(const struct port *p, enum check_id id);
/* Whether to spend connections on it now: it applies, the depth allows it, nobody has judged it
 * yet, and the server still talks with us. */
bool port_wants(const struct port *p, enum check_id id);

/* Findings. conn NULL or a connection that shows it. */
void port_good(struct port *p, enum check_id id, const struct conn *c);
void port_bad(struct port *p, enum check_id id, const struct conn *c, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void port_fact(struct port *p, enum check_id id, const struct conn *c, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void port_untested(struct port *p, enum check_id id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void port_not_here(struct port *p, enum check_id id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* As if nobody had looked: what was found is thrown away. */
void port_forget(struct port *p, enum check_id id);
/* All of it, as port_init has it; only the connections stay counted. */
void port_again(struct port *p);
/* Good if ok, else bad with these words. */
void port_judge(struct port *p, enum check_id id, bool ok, const struct conn *c, const char *fmt,
                ...) __attribute__((format(printf, 5, 6)));

const char *port_protocol_word(enum port_protocol p); /* "SMTP" */
const char *port_mode_word(enum port_mode m);         /* "STARTTLS", "implicit TLS" */
/* "smtp", "submission", "imaps", …: the service that such a port is. */
const char *port_service(const struct port *p);

#endif
