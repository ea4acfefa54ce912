/* One datagram at a time. SPDX-License-Identifier: MIT */
#include "process/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

int notify(const char *words, struct err *err)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL || *path == '\0')
        return 0;
    size_t n = strlen(path);
    if (n >= sizeof a.sun_path || (*path != '/' && *path != '@'))
        return err_set(err, "NOTIFY_SOCKET: \"%.100s\" is no socket", path);
    memcpy(a.sun_path, path, n);
    if (*path == '@') /* a name that is in no folder */
        a.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, "NOTIFY_SOCKET");
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    ssize_t sent =
        sendto(fd, words, strlen(words), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&a, size);
    int rc = sent < 0 ? err_errno(err, "NOTIFY_SOCKET") : 0;
    close(fd);
    return rc;
}

int notify_reloading(struct err *err)
{
    char words[96];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(words, sizeof words, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    return notify(words, err);
}
