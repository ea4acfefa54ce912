/* The parts of an examination, in the order of port_examine; each looks at what its checks are
 * about and leaves findings. SPDX-License-Identifier: MIT */
#ifndef HARNESS_PORTS_ROOMS_H
#define HARNESS_PORTS_ROOMS_H

#include "ports/port.h"

struct x509_st; /* OpenSSL's X509 */

void room_mode(struct port *p);        /* P: open? which mode, which protocol? */
void room_silence(struct port *p);     /* P03, at the end: was the silent connection greeted? */
void room_session(struct port *p);     /* one whole TLS session: certificate, capabilities, close */
void room_versions(struct port *p);    /* V */
void room_injection(struct port *p);   /* J01 to J07 */
void room_weak_suites(struct port *p); /* K02 to K08 */
void room_starttls(struct port *p);    /* S */
void room_attacks(struct port *p);     /* J08 to J18: what is said and taken before TLS */
void room_login(struct port *p);       /* B, and what needs an account */
void room_names(struct port *p);       /* X */
void room_resume(struct port *p);      /* R */
void room_closing(struct port *p);     /* E */
void room_records(struct port *p);     /* H */
void room_suites(struct port *p);      /* K: enumeration */
void room_oracles(struct port *p);     /* H10, H11: what wrong padding is answered with */

/* The certificate of a session that stands. Z. */
void room_certificate(struct port *p, const struct conn *c);

/* Z16: what a stapled answer or a CRL says of the leaf. */
void room_revocation(struct port *p, const struct conn *c, struct x509_st *leaf);

/* Z15: whether there is a second one, for clients that want another kind of key. */
void room_other_certificate(struct port *p);

/* B03 to B07, part of room_login. */
void room_binding(struct port *p);

struct host;
/* B09: mail is sent, and read again on another port. */
void room_received(struct host *h);

/* Whether this port resumes a session that another one gave: a connection after the examination. */
bool port_takes_session(struct port *p, struct ssl_session_st *s, bool *tried);

#endif
