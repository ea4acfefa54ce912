/* Lists of networks, IPv4 and IPv6. SPDX-License-Identifier: MIT */
#include "net/network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>

int networks_add(struct networks *n, const char *text, struct err *err)
{
    char address[INET6_ADDRSTRLEN + 1];
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
    struct network net = {.family = memchr(text, ':', len) != NULL ? AF_INET6 : AF_INET};
    unsigned most = net.family == AF_INET6 ? 128 : 32;
    if (len >= sizeof address)
        return err_set(err, "\"%s\" is no address", text);
    memcpy(address, text, len);
    address[len] = '\0';
    char *end = NULL;
    unsigned long bits = slash != NULL ? strtoul(slash + 1, &end, 10) : most;
    if (inet_pton(net.family, address, net.address) != 1 || bits > most ||
        (slash != NULL && (slash[1] < '0' || slash[1] > '9' || *end != '\0')))
        return err_set(err, "\"%s\" is no address, nor ADDRESS/BITS", text);
    net.bits = (unsigned)bits;
    struct network *list = realloc(n->list, (n->count + 1) * sizeof *list);
    if (list == NULL)
        abort();
    n->list = list;
    n->list[n->count++] = net;
    return 0;
}

static bool same_front(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;
    if (memcmp(a, b, bytes) != 0)
        return false;
    return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

bool networks_hold(const struct networks *n, const char *address)
{
    unsigned char binary[16];
    int family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
    if (n->count == 0 || inet_pton(family, address, binary) != 1)
        return false;
    for (size_t i = 0; i < n->count; i++)
        if (n->list[i].family == family && same_front(n->list[i].address, binary, n->list[i].bits))
            return true;
    return false;
}

void networks_free(struct networks *n)
{
    free(n->list);
    *n = (struct networks){.list = NULL};
}
