/* The services by name. SPDX-License-Identifier: MIT */
#include "config/service.h"

#include <string.h>

const struct service_info service_info[SERVICE_COUNT] = {
    [SERVICE_SMTP] = {"smtp", 25, false},
    [SERVICE_SUBMISSION] = {"submission", 587, false},
    [SERVICE_SUBMISSIONS] = {"submissions", 465, true},
    [SERVICE_LMTP] = {"lmtp", 24, false},
    [SERVICE_IMAP] = {"imap", 143, false},
    [SERVICE_IMAPS] = {"imaps", 993, true},
    [SERVICE_POP3] = {"pop3", 110, false},
    [SERVICE_POP3S] = {"pop3s", 995, true},
};

int service_by_name(const char *name, enum service *out)
{
    for (int i = 0; i < SERVICE_COUNT; i++) {
        if (strcmp(service_info[i].name, name) == 0) {
            *out = (enum service)i;
            return 0;
        }
    }
    return -1;
}
