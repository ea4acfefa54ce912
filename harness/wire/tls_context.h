/* OpenSSL's context for one handshake, made of what the caller wishes. Clients that wish the same
 * share one, with its authorities; what a client alone changes it changes on its SSL. Threads may
 * ask at once. SPDX-License-Identifier: MIT */
#ifndef HARNESS_WIRE_TLS_CONTEXT_H
#define HARNESS_WIRE_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "err.h"
#include "wire/conn.h"

/* The caller frees it. Of a server (o->accept) it is the caller's alone. keylog: the same at every
 * call. NULL with words when the options cannot be used. */
SSL_CTX *tls_context(const struct conn_tls_options *o, SSL_CTX_keylog_cb_func keylog,
                     struct err *err);

#endif
