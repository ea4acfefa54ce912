/* The socket of a client, plain or through TLS: reading, sending, the handshake. conn.c decides
 * when. SPDX-License-Identifier: MIT */
#include "net/channel.h"

#include <errno.h>

#include <openssl/err.h>

#include <sys/socket.h>

#include "control/script.h"
#include "fault.h"
#include "net/pace.h"
#include "server.h"
#include "tls/tls.h"
#include "tls/tls_faults.h"
#include "tls/tls_forge.h"

enum { READ_AT_ONCE = 64 * 1024 };

/* TLS went wrong and OpenSSL has sent its alert: end in an orderly way, so that the alert arrives.
 */
static void tls_went_wrong(struct client *k)
{
    k->ssl_failed = true;
    k->conn.closing = true;
    buf_empty(&k->out);
}

/* --- input --- */

static unsigned char scratch[READ_AT_ONCE]; /* the loop thread's alone */

size_t channel_room(const struct client *k)
{
    size_t room = k->conn.in.limit - k->conn.in.len;
    return room < sizeof scratch ? room : sizeof scratch;
}

static bool took(struct client *k, size_t n)
{
    k->conn.bytes_in += n;
    return buf_add(&k->conn.in, scratch, n);
}

/* One read. True when bytes came; the end of input and errors are noted. */
static bool read_some(struct client *k)
{
    size_t room = channel_room(k);
    if (room == 0 || k->conn.eof || k->broken)
        return false;
    if (k->ssl == NULL) {
        ssize_t n = recv(k->source.fd, scratch, room, 0);
        if (n > 0)
            return took(k, (size_t)n);
        if (n == 0)
            k->conn.eof = true;
        else if (errno != EAGAIN && errno != EINTR)
            k->broken = true;
        return false;
    }
    int n = SSL_read(k->ssl, scratch, (int)room);
    if (n > 0)
        return took(k, (size_t)n);
    switch (SSL_get_error(k->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_WANT_WRITE:
        k->ssl_wants_write = true;
        break;
    case SSL_ERROR_ZERO_RETURN:
        k->broken = SSL_version(k->ssl) == TLS1_3_VERSION && fault(FAULT_TLS_CUTS_HALF_CLOSED);
        k->conn.eof = true;
        break;
    case SSL_ERROR_SSL:
        tls_went_wrong(k);
        break;
    default:
        k->broken = true;
    }
    ERR_clear_error();
    return false;
}

bool channel_receive(struct client *k)
{
    bool any = read_some(k);
    while (any && k->ssl != NULL && SSL_has_pending(k->ssl) && read_some(k))
        continue;
    return any;
}

void channel_discard(struct client *k)
{
    ssize_t n = recv(k->source.fd, scratch, sizeof scratch, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        k->broken = true;
}

/* --- sending --- */

static void went_out(struct client *k, size_t n)
{
    k->conn.bytes_out += n;
    script_sent(&k->conn, n);
    buf_consume(&k->out, n);
}

void channel_flush(struct client *k)
{
    while (k->out.len > 0 && !k->broken && !k->holding && !k->dripping) {
        size_t n = pace_allows(k, k->out.len);
        if (n == 0)
            return;
        if (k->ssl == NULL) {
            ssize_t sent = send(k->source.fd, k->out.data, n, MSG_NOSIGNAL);
            if (sent < 0) {
                if (errno == EINTR)
                    continue;
                k->broken = errno != EAGAIN;
                return;
            }
            went_out(k, (size_t)sent);
            continue;
        }
        int sent = SSL_write(k->ssl, k->out.data, n > 1 << 20 ? 1 << 20 : (int)n);
        if (sent > 0) {
            went_out(k, (size_t)sent);
            continue;
        }
        int why = SSL_get_error(k->ssl, sent);
        k->broken = why != SSL_ERROR_WANT_WRITE && why != SSL_ERROR_WANT_READ;
        ERR_clear_error();
        return;
    }
}

/* --- TLS --- */

void channel_begin_tls(struct client *k, bool keep_input)
{
    if (!keep_input)
        buf_empty(&k->conn.in);
    conn_scope(&k->conn);
    k->ssl = tls_session(k->conn.server->tls, &k->conn, k->source.fd);
    k->state = HANDSHAKE;
    if (k->ssl == NULL)
        k->broken = true;
    pace_patience(k, k->conn.server->limits.handshake_seconds * 1000);
}

/* What was sent in clear behind STARTTLS came from anyone on the path; the faults obey it all the
 * same. */
bool channel_keeps_input(const struct client *k)
{
    switch (k->conn.service) {
    case SERVICE_IMAP:
    case SERVICE_IMAPS:
        return fault(FAULT_IMAP_STARTTLS_KEEPS_BUFFER);
    case SERVICE_POP3:
    case SERVICE_POP3S:
        return fault(FAULT_POP3_STLS_KEEPS_BUFFER);
    case SERVICE_SMTP:
    case SERVICE_SUBMISSION:
    case SERVICE_SUBMISSIONS:
    case SERVICE_LMTP:
    case SERVICE_COUNT:
        break;
    }
    return fault(FAULT_SMTP_STARTTLS_KEEPS_BUFFER);
}

/* Before the handshake: whether a fault has something else in mind. True: it is over. */
static bool forged(struct client *k)
{
    for (struct client *other = k->next; fault(FAULT_STARTTLS_BLOCKS) && other != NULL;
         other = other->next)
        if (other->state == HANDSHAKE && other->opened) {
            unsigned char first;
            ssize_t n = recv(k->source.fd, &first, 1, MSG_PEEK);
            k->broken = n == 0 || (n < 0 && errno != EAGAIN);
            return true;
        }
    if (!fault_any() || SSL_get_state(k->ssl) != TLS_ST_BEFORE ||
        BIO_number_read(SSL_get_rbio(k->ssl)) > 0)
        return false;
    switch (tls_forge(&k->conn, k->source.fd, k->opened)) {
    case FORGE_NOTHING:
        return false;
    case FORGE_WAIT:
        return true;
    case FORGE_CLEAR:
        SSL_free(k->ssl);
        k->ssl = NULL;
        clock_cancel(k->conn.server->clock, &k->patience);
        k->state = OPEN;
        return true;
    case FORGE_ENDED:
        break;
    }
    tls_went_wrong(k);
    return true;
}

bool channel_shake_hands(struct client *k)
{
    if (k->ssl == NULL || forged(k))
        return false;
    k->ssl_wants_write = false;
    if (!tls_faults_early(k->ssl, &k->conn.in))
        return false;
    int n = SSL_accept(k->ssl);
    if (n == 1)
        return true;
    int why = SSL_get_error(k->ssl, n);
    ERR_clear_error();
    if (why == SSL_ERROR_WANT_WRITE)
        k->ssl_wants_write = true;
    else if (why == SSL_ERROR_SSL)
        tls_went_wrong(k);
    else if (why != SSL_ERROR_WANT_READ)
        k->broken = true;
    return false;
}

void channel_shut(struct client *k)
{
    if (k->ssl != NULL && !k->ssl_failed && !fault(FAULT_TLS_NO_CLOSE_NOTIFY)) {
        SSL_shutdown(k->ssl);
        ERR_clear_error();
    }
    shutdown(k->source.fd, SHUT_WR);
}
