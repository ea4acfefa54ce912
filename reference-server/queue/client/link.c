/* Sockets of the client's side. SPDX-License-Identifier: MIT */
#include "queue/client/link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>

#include <sys/epoll.h>

#include "fault.h"

enum { READS_A_ROUND = 16, READ_BYTES = 16384 };

static bool is_open(const struct link *l)
{
    return l->source.fd >= 0;
}

static void watch(struct link *l)
{
    uint32_t events = EPOLLIN;
    if (l->connecting || (l->out.len > 0 && !l->shaking) ||
        (l->ssl != NULL && SSL_want_write(l->ssl)))
        events |= EPOLLOUT;
    if (events != l->watched)
        loop_change(l->loop, &l->source, events);
    l->watched = events;
}

static void tell(struct link *l, enum link_event e)
{
    l->event(l->arg, e);
}

static void end(struct link *l, const char *why)
{
    if (l->why[0] == '\0')
        snprintf(l->why, sizeof l->why, "%s", why);
    tell(l, LINK_ENDED);
}

/* The reason of the last trouble with TLS. */
static void tls_why(struct link *l, int rc)
{
    long verify = SSL_get_verify_result(l->ssl);
    unsigned long code = ERR_peek_error();
    if (verify != X509_V_OK && SSL_get_verify_mode(l->ssl) != SSL_VERIFY_NONE)
        snprintf(l->why, sizeof l->why, "TLS: %s", X509_verify_cert_error_string(verify));
    else if (code != 0 && ERR_reason_error_string(code) != NULL)
        snprintf(l->why, sizeof l->why, "TLS: %s", ERR_reason_error_string(code));
    else
        snprintf(l->why, sizeof l->why, "TLS: the connection ended in the handshake (%d)", rc);
    ERR_clear_error();
}

static void shake(struct link *l)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(l->ssl);
    if (rc == 1) {
        l->shaking = false;
        watch(l);
        tell(l, LINK_SECURED);
        return;
    }
    int why = SSL_get_error(l->ssl, rc);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        watch(l);
        return;
    }
    if (fault(FAULT_QUEUE_STARTTLS_GOES_ON_IN_CLEAR)) {
        ERR_clear_error();
        SSL_free(l->ssl);
        l->ssl = NULL;
        l->shaking = false;
        watch(l);
        tell(l, LINK_FELL_BACK);
        return;
    }
    l->tls_failed = true;
    tls_why(l, why);
    end(l, "TLS failed");
}

/* Bytes read, 0: none now, -1: the end. */
static ssize_t read_some(struct link *l, unsigned char *p, size_t size)
{
    if (l->ssl == NULL) {
        ssize_t n = recv(l->source.fd, p, size, 0);
        if (n > 0)
            return n;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        snprintf(l->why, sizeof l->why, "%s",
                 n == 0 ? "the server closed the connection" : strerror(errno));
        return -1;
    }
    ERR_clear_error();
    int n = SSL_read(l->ssl, p, (int)size);
    if (n > 0)
        return n;
    int why = SSL_get_error(l->ssl, n);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return 0;
    snprintf(l->why, sizeof l->why, "the server closed the connection");
    return -1;
}

static void take_input(struct link *l)
{
    unsigned char piece[READ_BYTES];
    bool any = false;
    ssize_t n = 0;
    for (int i = 0; i < READS_A_ROUND && (n = read_some(l, piece, sizeof piece)) > 0; i++) {
        if (!buf_add(&l->in, piece, (size_t)n)) {
            end(l, "the server says too much");
            return;
        }
        any = true;
    }
    if (any)
        tell(l, LINK_INPUT);
    if (n < 0 && is_open(l))
        end(l, "");
}

void link_flush(struct link *l)
{
    bool sent = false;
    while (l->out.len > 0 && !l->shaking && !l->connecting) {
        ssize_t n;
        if (l->ssl != NULL) {
            ERR_clear_error();
            int most = l->out.len > READ_BYTES ? READ_BYTES : (int)l->out.len;
            n = SSL_write(l->ssl, l->out.data, most);
        } else {
            n = send(l->source.fd, l->out.data, l->out.len, MSG_NOSIGNAL);
        }
        if (n <= 0)
            break; /* trouble shows when reading */
        buf_consume(&l->out, (size_t)n);
        sent = true;
    }
    watch(l);
    if (sent)
        tell(l, LINK_SENT);
}

static void ready(void *arg, uint32_t events)
{
    struct link *l = arg;
    if (l->connecting) {
        int why = 0;
        socklen_t len = sizeof why;
        if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0)
            return;
        getsockopt(l->source.fd, SOL_SOCKET, SO_ERROR, &why, &len);
        l->connecting = false;
        if (why != 0) {
            end(l, strerror(why));
            return;
        }
        watch(l);
        tell(l, LINK_CONNECTED);
        return;
    }
    if (l->shaking) {
        shake(l);
        return;
    }
    if ((events & EPOLLOUT) != 0)
        link_flush(l);
    if (is_open(l) && !l->shaking && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        take_input(l);
}

int link_open(struct link *l, struct loop *loop, const struct sockaddr *address, socklen_t len,
              size_t out_limit, struct err *err)
{
    l->loop = loop;
    l->ssl = NULL;
    l->why[0] = '\0';
    l->tls_failed = l->shaking = false;
    buf_init(&l->in, LINK_INPUT_BYTES);
    buf_init(&l->out, out_limit);
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    l->source = (struct loop_source){fd, ready, l};
    if (fd < 0)
        return err_errno(err, "socket");
    int one = 1; /* a batch of commands is one write; none of them waits for an acknowledgement */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, address, len) != 0 && errno != EINPROGRESS) {
        err_errno(err, "connect");
        close(fd);
        l->source.fd = -1;
        return -1;
    }
    l->connecting = true;
    l->watched = EPOLLIN | EPOLLOUT;
    if (loop_add(loop, &l->source, l->watched, err) != 0) {
        close(fd);
        l->source.fd = -1;
        return -1;
    }
    return 0;
}

bool link_write(struct link *l, const void *p, size_t n)
{
    return buf_add(&l->out, p, n);
}

void link_secure(struct link *l, SSL *ssl)
{
    l->ssl = ssl;
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_fd(ssl, l->source.fd);
    SSL_set_connect_state(ssl);
    l->shaking = true;
    shake(l);
}

void link_close(struct link *l)
{
    if (!is_open(l))
        return;
    if (l->ssl != NULL && !l->shaking)
        SSL_shutdown(l->ssl);
    loop_remove(l->loop, &l->source);
    SSL_free(l->ssl);
    l->ssl = NULL;
    close(l->source.fd);
    l->source.fd = -1;
    buf_free(&l->in);
    buf_free(&l->out);
}
