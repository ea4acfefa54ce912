/* Ports that are not what they should be: for what `mailproof ports` finds out about mode, protocol
 * and greeting. SPDX-License-Identifier: MIT */
#include "net/port_faults.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "config/service.h"
#include "fault.h"
#include "server.h"

enum { SILENCE_MS = 300, LATE_MS = 1500, PATIENCE = 60 };

void port_faults_swap(enum service *service, const struct protocol **protocol, bool *tls)
{
    if (fault(FAULT_PORT_IMPLICIT_IS_CLEAR))
        *tls = false;
    if (fault(FAULT_PORT_CLEAR_IS_IMPLICIT))
        *tls = true;
    if (*service == SERVICE_IMAPS && fault(FAULT_PORT_PROTOCOL_SWAPPED)) {
        *service = SERVICE_POP3S;
        *protocol = &pop3_protocol;
    }
}

void port_faults_greeting(struct conn *c, struct buf *out)
{
    if (fault(FAULT_PORT_SILENT) && !c->tls)
        buf_empty(out);
    if (fault(FAULT_PORT_LATE_GREETING))
        conn_hold(c, LATE_MS);
}

struct waiting {
    struct timer timer;
    int fd;
    const char *words;
};

static void greet(void *arg)
{
    struct waiting *w = arg;
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    /* Nothing has ever come: a session that is under way and rests is not spoilt. */
    if (getsockopt(w->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
        info.tcpi_bytes_received == 0) {
        ssize_t n = send(w->fd, w->words, strlen(w->words), MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)n; /* nobody there: nobody to greet */
    }
    close(w->fd);
    free(w);
}

void port_faults_waiting(struct conn *c, int fd)
{
    if (!fault(FAULT_PORT_GREETS_THE_SILENT))
        return;
    struct waiting *w = calloc(1, sizeof *w);
    if (w == NULL)
        abort();
    *w = (struct waiting){.timer = {.fire = greet, .arg = w},
                          .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0),
                          .words = c->protocol == &imap_protocol   ? "* OK hello\r\n"
                                   : c->protocol == &pop3_protocol ? "+OK hello\r\n"
                                                                   : "220 hello\r\n"};
    clock_set(c->server->clock, &w->timer, SILENCE_MS);
}

static int gone; /* since the last client that stayed */

bool port_faults_gone(int fd)
{
    struct pollfd p = {.fd = fd};
    if (!fault(FAULT_PORT_TIRES_OF_RESETS) || poll(&p, 1, 0) != 1)
        return false;
    gone++;
    return true;
}

bool port_faults_tired(void)
{
    bool tired = fault(FAULT_PORT_TIRES_OF_RESETS) && gone >= PATIENCE;
    gone = 0;
    return tired;
}
