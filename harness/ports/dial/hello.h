/* ClientHellos made by hand, and what a server says to them, without any cryptography: how
 * versions, suites, groups and behaviours are found that no TLS library offers any more. Nothing
 * here touches a socket. RFC 8446, 4.1; RFC 5246, 7.4.1; SSL 2 as RFC 5246, E.2 describes it.
 * SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_DIAL_HELLO_H
#define HARNESS_PORTS_DIAL_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/buf.h"

enum { HELLO_NOBODYS_GROUP = 0xfe77 }; /* for private use: RFC 8446, 4.2.7 */

/* What is offered. Begin with hello_init, change what the check is about. */
struct hello {
    int version;        /* highest: TLS_V_SSL3 … TLS_V_13 */
    int legacy_version; /* of the message; 0: what fits */
    int lowest;         /* lowest in supported_versions with TLS_V_13; 0: 1.3 alone */
    const uint16_t *suites;
    size_t suites_n;
    const uint16_t *groups; /* NULL: common ones */
    size_t groups_n;
    const uint16_t *sigalgs; /* NULL: all that are in use */
    size_t sigalgs_n;
    const char *sni;  /* NULL: none */
    const char *alpn; /* one name, NULL: none */
    bool key_share;   /* an x25519 share; without it a 1.3 server asks by HelloRetryRequest */
    bool fallback_scsv, renegotiation_info, ems, etm, deflate, status_request, ticket, heartbeat,
        truncated_hmac, grease, unknown_extension;
    bool no_extensions;           /* as clients of long ago */
    bool odd_share;               /* a key share of a group that nobody has */
    size_t padding;               /* bytes of the padding extension */
    const unsigned char *session; /* session id; NULL: what fits */
    size_t session_len;
    const unsigned char *ticket_data;
    size_t ticket_len;
};

void hello_init(struct hello *h, int version, const char *sni);

/* The handshake message, without record header. */
void hello_message(const struct hello *h, struct buf *out);
/* In one record. */
void hello_record(const struct hello *h, struct buf *out);
/* In records of at most n bytes. */
void hello_records(const struct hello *h, size_t n, struct buf *out);
/* The CLIENT-HELLO of SSL 2. */
void hello_sslv2(struct buf *out);

enum answer_kind {
    ANSWER_MORE,   /* not complete yet */
    ANSWER_SERVER, /* ServerHello */
    ANSWER_RETRY,  /* HelloRetryRequest */
    ANSWER_SSL2,   /* SERVER-HELLO of SSL 2 */
    ANSWER_ALERT,  /* fatal, or a warning and nothing after it */
    ANSWER_TEXT,   /* no TLS at all */
    ANSWER_CLOSED, /* FIN without a word */
    ANSWER_RESET,
    ANSWER_SILENT,  /* time ran out */
    ANSWER_LIMITED, /* the server would not talk with us: rate limiting, see dial.h */
    ANSWER_REFUSED  /* STARTTLS itself was refused */
};

struct answer {
    enum answer_kind kind;
    int version; /* that was negotiated */
    uint16_t suite, group;
    int alert;    /* -1: none */
    bool warning; /* a warning alert came */
    int warning_alert;
    int compression;
    bool ems, etm, renegotiation_info, ticket, status, heartbeat, truncated_hmac, sni, downgrade12,
        downgrade11;
    char alpn[64];
    unsigned char random[32];
    unsigned char session[32]; /* the session id that the server gave or repeated */
    size_t session_len;
    /* of the flight of 1.2 and older, if it was read that far (hello_read with flight) */
    bool done; /* ServerHelloDone came */
    bool certificate_request;
    bool stapled;
    int dh_bits;                 /* of the prime; 0: none seen */
    unsigned char dh_public[64]; /* the first bytes of the server's public value, DH or ECDH */
    size_t dh_public_len;
    unsigned char *certificates; /* the certificate_list of the Certificate message; owned */
    size_t certificates_len;
};

/* Reads what arrived so far. flight: go on to ServerHelloDone (1.2 and older) instead of stopping
 * at the ServerHello. Fills *a; call answer_clear before the struct is used again. */
enum answer_kind hello_read(const unsigned char *p, size_t n, bool flight, struct answer *a);
void answer_clear(struct answer *a);

/* "TLS 1.2, TLS_…", "alert handshake_failure", "closed without an alert". */
void answer_words(const struct answer *a, char *out, size_t size);

#endif
