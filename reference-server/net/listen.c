/* Listening sockets. When descriptors run out the socket is left alone for a moment: the kernel's
 * queue waits. SPDX-License-Identifier: MIT */
#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "config/service.h"
#include "fault.h"
#include "net/entrance.h"
#include "net/loop.h"
#include "net/proxy.h"

enum { BACKLOG = 1024, AT_ONCE = 64, PAUSE_MS = 100 };

struct listener {
    struct server *server;
    enum service service;
    const struct protocol *protocol;
    uint16_t port;
    char where[64];
    struct loop_source source;
    struct timer pause;
};

static const struct protocol *protocol_of(enum service service)
{
    switch (service) {
    case SERVICE_IMAP:
    case SERVICE_IMAPS:
        return &imap_protocol;
    case SERVICE_POP3:
    case SERVICE_POP3S:
        return &pop3_protocol;
    case SERVICE_SMTP:
    case SERVICE_SUBMISSION:
    case SERVICE_SUBMISSIONS:
    case SERVICE_LMTP:
    case SERVICE_COUNT:
        break;
    }
    return &smtp_protocol;
}

static void go_on(void *arg)
{
    struct listener *l = arg;
    loop_change(l->server->loop, &l->source, EPOLLIN);
}

static void accept_some(void *arg, uint32_t events)
{
    struct listener *l = arg;
    (void)events;
    for (int i = 0; i < AT_ONCE; i++) {
        int fd = accept4(l->source.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno != EAGAIN) {
                loop_change(l->server->loop, &l->source, 0);
                clock_set(l->server->clock, &l->pause, PAUSE_MS);
            }
            return;
        }
        struct server *s = l->server;
        bool tls = service_info[l->service].tls;
        struct ends e;
        entrance_ends(fd, &e);
        bool early = l->protocol == &smtp_protocol && !tls && fault(FAULT_PROXY_GREETS_FIRST);
        if (!networks_hold(&s->policy.proxy_from[l->service], e.peer) || early)
            conn_start_as(s, l->service, l->protocol, tls, fd, &e);
        else if ((long)s->waiter_count >= s->limits.connections)
            entrance_refuse(s, l->protocol, tls, fd, false, "Too many connections");
        else
            proxy_await(s, l->service, l->protocol, tls, fd);
    }
}

static int address_of(const char *address, uint16_t port, struct sockaddr_storage *out,
                      socklen_t *len)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        memcpy(out, &v4, sizeof v4);
        *len = sizeof v4;
        return 0;
    }
    if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) {
        memcpy(out, &v6, sizeof v6);
        *len = sizeof v6;
        return 0;
    }
    return -1;
}

int listen_open(struct server *s, enum service service, const char *address, uint16_t port,
                struct listener **out, struct err *err)
{
    struct sockaddr_storage a;
    socklen_t len;
    int one = 1;
    char what[128];
    snprintf(what, sizeof what, "listening for %s on %s port %u", service_info[service].name,
             address, port);
    if (address_of(address, port, &a, &len) != 0)
        return err_set(err, "%s: no IP address", what);
    int fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, what);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (a.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
        err_errno(err, what);
        close(fd);
        return -1;
    }
    struct listener *l = calloc(1, sizeof *l);
    if (l == NULL)
        abort();
    l->server = s;
    l->service = service;
    l->protocol = protocol_of(service);
    l->port = ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&a)->sin6_port
                                            : ((struct sockaddr_in *)(void *)&a)->sin_port);
    snprintf(l->where, sizeof l->where, a.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", address,
             l->port);
    l->source = (struct loop_source){fd, accept_some, l};
    l->pause = (struct timer){.fire = go_on, .arg = l};
    if (loop_add(s->loop, &l->source, EPOLLIN, err) != 0) {
        close(fd);
        free(l);
        return -1;
    }
    *out = l;
    return 0;
}

void listen_close(struct listener *l)
{
    if (l == NULL)
        return;
    clock_cancel(l->server->clock, &l->pause);
    loop_remove(l->server->loop, &l->source);
    close(l->source.fd);
    free(l);
}

uint16_t listen_port(const struct listener *l)
{
    return l->port;
}

enum service listen_service(const struct listener *l)
{
    return l->service;
}

const char *listen_where(const struct listener *l)
{
    return l->where;
}
