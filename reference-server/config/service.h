/* The services by name, with their ports and protocols. SPDX-License-Identifier: MIT */
#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/conn.h"

struct service_info {
    const char *name;
    uint16_t port; /* the registered one; LMTP has none, 24 is the custom */
    bool tls;      /* from the first byte */
};

extern const struct service_info service_info[SERVICE_COUNT];
/* -1: there is none of that name. */
int service_by_name(const char *name, enum service *out);

#endif
