/* Fuzzes what mailproofd's faults read of a ClientHello: the first byte chooses the fault, the
 * second the protocol and whether STARTTLS came before, the others are on the socket. Whoever waits
 * for more has taken nothing away, and whoever is answered got whole records.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <unistd.h>

#include <sys/socket.h>

#include "fault.h"
#include "server.h"
#include "target.h"
#include "tls/tls_forge.h"

enum { MOST_INPUT = 30000 };

static void need(bool ok)
{
    if (!ok)
        abort();
}

/* What the server said is records, or, of SSL 2 and in clear, anything. */
static void hear(int fd, bool records)
{
    static unsigned char in[65536];
    ssize_t n = recv(fd, in, sizeof in, MSG_DONTWAIT);
    for (ssize_t at = 0; records && n > at;) {
        need(n - at >= 5 && in[at] >= 20 && in[at] <= 24);
        at += 5 + (in[at + 3] << 8 | in[at + 4]);
        need(at <= n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const faults[] = {
        "tls-ssl2",        "tls-ssl3",         "tls-version-intolerant", "tls-null",
        "tls-rc4",         "tls-export",       "tls-anonymous",          "tls-3des",
        "tls-static-dh",   "tls-dh-1024",      "tls-weak-curve",         "tls-truncated-hmac",
        "tls-compression", "tls-no-fragments", "tls-no-segments",        "tls-no-grease",
        "tls-long-hello",  "tls-long-record",  "tls-ticket-intolerant",  "tls-no-retry",
        "tls-few-suites",  "tls-dh-broken",    "tls-no-common-group",    "tls-ignores-fallback",
    };
    static const struct protocol *const protocols[] = {&smtp_protocol, &imap_protocol,
                                                       &pop3_protocol};
    struct err err;
    int fd[2];
    if (size < 2 || size > MOST_INPUT)
        return 0;
    const char *name = faults[data[0] % (sizeof faults / sizeof *faults)];
    struct conn c = {.protocol = protocols[data[1] % 3]};
    bool starttls = (data[1] & 0x80) != 0;
    fault_clear_all();
    need(fault_switch(name, true, &err) == 0);
    data += 2, size -= 2;
    need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
    if (size > 0)
        need(send(fd[0], data, size, MSG_NOSIGNAL) == (ssize_t)size);
    shutdown(fd[0], SHUT_WR);
    enum forge f = tls_forge(&c, fd[1], starttls);
    if (f == FORGE_NOTHING || f == FORGE_WAIT) {
        unsigned char first;
        bool dropped = strcmp(name, "tls-long-record") == 0 && f == FORGE_WAIT;
        need(size == 0 || dropped || (recv(fd[1], &first, 1, 0) == 1 && first == data[0]));
    }
    shutdown(fd[1], SHUT_WR);
    hear(fd[0], size > 0 && data[0] == 22);
    close(fd[0]);
    close(fd[1]);
    return 0;
}
