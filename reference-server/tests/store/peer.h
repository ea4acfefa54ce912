/* Clients of a server whose disk may lose its power, and the moment at which each reply goes out,
 * counted in the events that were written down by then. SPDX-License-Identifier: MIT */
#ifndef SERVER_TESTS_STORE_PEER_H
#define SERVER_TESTS_STORE_PEER_H

#include "tests/store/powercut_vfs.h"
#include "world.h"

enum { SENDS = 20000 };

static struct world world;

static struct {
    int fd;
    size_t end;   /* of what was sent on this connection, counted from its beginning */
    size_t event; /* so many events were written down by then */
} sends[SENDS];
static size_t send_count;
static bool ours[1024];
static size_t said[1024];

/* The server's; it takes the place of the C library's. The moment counts just before the bytes
 * leave. */
ssize_t send(int fd, const void *p, size_t n, int flags)
{
    if (fd >= 0 && fd < 1024 && ours[fd] && send_count < SENDS) {
        powercut_mark((int64_t)send_count);
        said[fd] += n;
        sends[send_count].fd = fd;
        sends[send_count].end = said[fd];
        sends[send_count++].event = powercut_count();
    }
    return sendto(fd, p, n, flags, NULL, 0);
}

struct peer {
    struct world_client k;
    int fd; /* the server's end */
    size_t first_send, forgotten;
};

static inline void peer_connect(struct peer *p, enum service service,
                                const struct protocol *protocol)
{
    int fd[2];
    ck_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
    *p = (struct peer){.k = {.world = &world, .fd = fd[0]}, .fd = fd[1], .first_send = send_count};
    ck_assert_int_lt(fd[1], 1024);
    ours[fd[1]] = true;
    said[fd[1]] = 0;
    ck_assert(conn_start(&world.server, service, protocol, false, fd[1]) != NULL);
    world_hear(&p->k, "\r\n");
}

static inline void peer_leave(struct peer *p)
{
    ours[p->fd] = false;
    world_hang_up(&p->k);
}

static inline void peer_say(struct peer *p, const char *text)
{
    p->forgotten += p->k.len;
    world_forget(&p->k);
    world_text(&p->k, text);
}

/* Waits for a line that begins so; says since which event it was out. */
static inline size_t peer_hear(struct peer *p, const char *line)
{
    char find[80];
    long end = world_now_ms() + 10000;
    snprintf(find, sizeof find, "\n%s", line);
    for (;;) {
        const char *heard = p->k.heard != NULL ? p->k.heard : "";
        bool there = strncmp(heard, line, strlen(line)) == 0 || strstr(heard, find) != NULL;
        if (there && world_ends_with(&p->k, "\r\n"))
            break;
        ck_assert_msg(!p->k.ended && world_now_ms() < end, "waited for \"%s\", heard \"%s\"", line,
                      heard);
        world_round(&p->k);
    }
    for (size_t i = p->first_send; i < send_count; i++)
        if (sends[i].fd == p->fd && sends[i].end >= p->forgotten + p->k.len)
            return sends[i].event;
    ck_abort_msg("nobody sent \"%s\"", line);
    return 0;
}

static inline size_t peer_do(struct peer *p, const char *text, const char *line)
{
    peer_say(p, text);
    return peer_hear(p, line);
}

#endif
