/* Headers of the PROXY protocol, and connections that wait for theirs. SPDX-License-Identifier: MIT
 */
#include "net/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "fault.h"
#include "net/loop.h"
#include "server.h"

enum { V1_MOST = 107, V2_FRONT = 16 };

/* --- version 1: a line of text --- */

static bool port_of(const char *text, uint16_t *out)
{
    unsigned n = 0;
    if (*text == '\0' || strlen(text) > 5 || (text[0] == '0' && text[1] != '\0'))
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        n = n * 10 + (unsigned)(*text - '0');
    }
    *out = (uint16_t)n;
    return n <= UINT16_MAX;
}

/* TCP4 or TCP6, two addresses and two ports, one space between them. */
static const char *take_line(char *line, struct ends *e, bool *own)
{
    char *words[6];
    size_t count = 0;
    char *at = line;
    while (at != NULL && count < 6)
        words[count++] = strsep(&at, " ");
    *own = count > 1 && strcmp(words[1], "UNKNOWN") == 0;
    if (*own)
        return NULL; /* what follows is not to be looked at */
    if (count != 6 || at != NULL)
        return "a PROXY line has six words";
    int family = strcmp(words[1], "TCP4") == 0   ? AF_INET
                 : strcmp(words[1], "TCP6") == 0 ? AF_INET6
                                                 : AF_UNSPEC;
    unsigned char binary[16];
    if (family == AF_UNSPEC)
        return "the PROXY line knows TCP4, TCP6 and UNKNOWN";
    if (inet_pton(family, words[2], binary) != 1 || inet_pton(family, words[3], binary) != 1)
        return "an address of the PROXY line is wrong";
    if (!port_of(words[4], &e->peer_port) || !port_of(words[5], &e->local_port))
        return "a port of the PROXY line is wrong";
    snprintf(e->peer, sizeof e->peer, "%s", words[2]);
    snprintf(e->local, sizeof e->local, "%s", words[3]);
    return NULL;
}

static enum proxy_step version_1(const unsigned char *p, size_t n, struct ends *e, bool *own,
                                 size_t *used, const char **why)
{
    char line[V1_MOST + 1];
    const unsigned char *lf = memchr(p, '\n', n < V1_MOST ? n : V1_MOST);
    if (lf == NULL && n < V1_MOST)
        return PROXY_MORE;
    *why = "the PROXY line does not end";
    if (lf == NULL || lf == p || lf[-1] != '\r')
        return PROXY_WRONG;
    *used = (size_t)(lf - p) + 1;
    memcpy(line, p, *used - 2);
    line[*used - 2] = '\0';
    *why = strlen(line) == *used - 2 ? take_line(line, e, own) : "there is a NUL in the PROXY line";
    return *why == NULL ? PROXY_DONE : PROXY_WRONG;
}

/* --- version 2: binary --- */

static uint16_t number(const unsigned char *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void take_addresses(const unsigned char *p, int family, struct ends *e)
{
    size_t each = family == AF_INET ? 4 : 16;
    inet_ntop(family, p, e->peer, sizeof e->peer);
    inet_ntop(family, p + each, e->local, sizeof e->local);
    e->peer_port = number(p + 2 * each);
    e->local_port = number(p + 2 * each + 2);
}

static enum proxy_step version_2(const unsigned char *p, size_t n, struct ends *e, bool *own,
                                 size_t *used, const char **why)
{
    if (n < V2_FRONT)
        return PROXY_MORE;
    unsigned version = p[12] >> 4, command = p[12] & 15, family = p[13] >> 4;
    size_t len = number(p + 14), least = family == 1 ? 12 : family == 2 ? 36 : 0;
    *used = V2_FRONT + len;
    *own = command == 0 || least == 0 || (p[13] & 15) != 1; /* no stream over the internet */
    *why = NULL;
    if (version != 2)
        *why = "the version of the PROXY header is not 2";
    else if (command > 1)
        *why = "the PROXY header knows LOCAL and PROXY";
    else if (*used > PROXY_MOST)
        *why = "the PROXY header is too long";
    else if (!*own && len < least)
        *why = "the PROXY header is too short for its addresses";
    if (*why != NULL)
        return PROXY_WRONG;
    if (n < *used)
        return PROXY_MORE;
    if (!*own)
        take_addresses(p + V2_FRONT, family == 1 ? AF_INET : AF_INET6, e);
    return PROXY_DONE;
}

enum proxy_step proxy_parse(const unsigned char *p, size_t n, struct ends *ends, bool *own,
                            size_t *used, const char **why)
{
    static const char text[] = "PROXY ";
    static const unsigned char binary[] = "\r\n\r\n\0\r\nQUIT\n";
    size_t one = n < 6 ? n : 6, two = n < 12 ? n : 12;
    if (memcmp(p, text, one) == 0)
        return one < 6 ? PROXY_MORE : version_1(p, n, ends, own, used, why);
    if (memcmp(p, binary, two) == 0)
        return two < 12 ? PROXY_MORE : version_2(p, n, ends, own, used, why);
    *why = "a PROXY header was expected";
    return PROXY_WRONG;
}

/* --- waiting --- */

struct proxy_waiter {
    struct proxy_waiter *next, **link;
    struct server *server;
    enum service service;
    const struct protocol *protocol;
    bool tls;
    struct loop_source source;
    struct timer patience;
    unsigned char bytes[PROXY_MOST];
    size_t len;
};

/* Gives the socket back, or closes it. */
static int end_wait(struct proxy_waiter *w, bool keep)
{
    int fd = w->source.fd;
    loop_remove(w->server->loop, &w->source);
    clock_cancel(w->server->clock, &w->patience);
    *w->link = w->next;
    if (w->next != NULL)
        w->next->link = w->link;
    w->server->waiter_count--;
    free(w);
    if (!keep)
        close(fd);
    return keep ? fd : -1;
}

static void refuse(struct proxy_waiter *w, const char *why)
{
    struct server *s = w->server;
    const struct protocol *protocol = w->protocol;
    bool tls = w->tls;
    struct ends e;
    entrance_ends(w->source.fd, &e);
    log_event("refused", "s:s, s:s", "peer", e.peer, "why", why);
    entrance_refuse(s, protocol, tls, end_wait(w, true), true, why);
}

static void start(struct proxy_waiter *w, const struct ends *e, bool own)
{
    struct server *s = w->server;
    const struct protocol *protocol = w->protocol;
    enum service service = w->service;
    bool tls = w->tls;
    struct ends socket_ends;
    entrance_ends(w->source.fd, &socket_ends);
    int fd = end_wait(w, true);
    own = own || fault(FAULT_PROXY_ADDRESS_IGNORED);
    if (!own)
        log_event("proxied", "s:s, s:s", "proxy", socket_ends.peer, "peer", e->peer);
    conn_start_as(s, service, protocol, tls, fd, own ? &socket_ends : e);
}

/* Takes the header's bytes off the socket and none behind them: those may be for TLS to read. */
static void bytes_came(void *arg, uint32_t events)
{
    struct proxy_waiter *w = arg;
    struct ends e = {.peer_port = 0};
    const char *why = NULL;
    size_t used = 0, had = w->len;
    bool own = false;
    (void)events;
    ssize_t n = recv(w->source.fd, w->bytes + had, sizeof w->bytes - had, MSG_PEEK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        end_wait(w, false);
        return;
    }
    enum proxy_step step = proxy_parse(w->bytes, had + (size_t)n, &e, &own, &used, &why);
    size_t take = step == PROXY_DONE ? used - had : (size_t)n;
    if (step != PROXY_WRONG && recv(w->source.fd, w->bytes + had, take, 0) != (ssize_t)take) {
        end_wait(w, false);
        return;
    }
    w->len += take;
    if (step == PROXY_WRONG && fault(FAULT_PROXY_WRONG_HEADER_ACCEPTED))
        start(w, &e, true);
    else if (step == PROXY_WRONG)
        refuse(w, why);
    else if (step == PROXY_DONE)
        start(w, &e, own);
}

static void too_late(void *arg)
{
    if (fault(FAULT_PROXY_WRONG_HEADER_ACCEPTED))
        start(arg, NULL, true);
    else
        refuse(arg, "no PROXY header came");
}

void proxy_await(struct server *s, enum service service, const struct protocol *protocol, bool tls,
                 int fd)
{
    struct proxy_waiter *w = calloc(1, sizeof *w);
    if (w == NULL)
        abort();
    w->server = s;
    w->service = service;
    w->protocol = protocol;
    w->tls = tls;
    w->source = (struct loop_source){fd, bytes_came, w};
    w->patience = (struct timer){.fire = too_late, .arg = w};
    if (loop_add(s->loop, &w->source, EPOLLIN, NULL) != 0) {
        close(fd);
        free(w);
        return;
    }
    clock_set(s->clock, &w->patience, s->limits.handshake_seconds * 1000);
    w->next = s->waiters;
    w->link = &s->waiters;
    if (w->next != NULL)
        w->next->link = &w->next;
    s->waiters = w;
    s->waiter_count++;
}

void proxy_abort_all(struct server *s)
{
    while (s->waiters != NULL)
        end_wait(s->waiters, false);
}
