/* Works out host and ports of a target for the packet capture.
 * SPDX-License-Identifier: MIT */
#include "cli/sniff.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PORTS_MOST = 16 };

/* The numeric address of the first service's host: libpcap's filter would look names up by itself,
 * each time. */
static int numeric(const char *host, char *out, size_t size, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc != 0)
        return err_set(err, "%s: %s", host, gai_strerror(rc));
    rc = getnameinfo(found->ai_addr, found->ai_addrlen, out, (socklen_t)size, NULL, 0,
                     NI_NUMERICHOST);
    freeaddrinfo(found);
    return rc == 0 ? 0 : err_set(err, "%s: %s", host, gai_strerror(rc));
}

int sniff_start(const struct target *t, const char *folder, struct capture_wire **out,
                struct err *err)
{
    char host[256] = "", address[64], filter[1024], path[4200];
    uint16_t ports[PORTS_MOST];
    size_t n = 0;
    const char *key;
    json_t *value, *services = target_services(t);
    json_object_foreach (services, key, value) {
        const char *text = json_string_value(value);
        const char *colon = strrchr(text, ':');
        size_t len = (size_t)(colon - text);
        if (text[0] == '[') { /* [::1]:25 */
            text++;
            len -= 2;
        }
        if (host[0] == '\0')
            snprintf(host, sizeof host, "%.*s", (int)len, text);
        if (n < PORTS_MOST)
            ports[n++] = (uint16_t)atoi(colon + 1);
    }
    json_decref(services);
    if (numeric(host, address, sizeof address, err) != 0)
        return -1;
    if (capture_wire_filter(address, ports, n, filter, sizeof filter) != 0)
        return err_set(err, "too many ports for a capture filter");
    snprintf(path, sizeof path, "%s/wire.pcap", folder);
    return capture_wire_start(NULL, address, filter, path, out, err);
}

void sniff_stop(struct capture_wire *cw)
{
    struct capture_wire_count count = {0};
    struct err err = {{0}};
    if (cw == NULL)
        return;
    if (capture_wire_stop(cw, &count, &err) != 0)
        fprintf(stderr, "mailproof: --capture wire: %s\n", err.text);
    else
        fprintf(stderr, "mailproof: wire.pcap holds %" PRIu64 " packets, %" PRIu64 " were lost\n",
                count.packets, count.drops);
}
