/* A mailproofd (or any server whose ports are known) as the programs of this room see it: started
 * with a pipe, its ports read from the line that it prints, its memory and CPU read from /proc.
 * Blocking sockets for the clients that are measured; every wait has an end.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_TESTS_BENCH_SERVED_H
#define SERVER_TESTS_BENCH_SERVED_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { PATIENCE_S = 20 };

static inline void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static inline void die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    exit(3);
}

static inline double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

struct served {
    pid_t pid;
    int input; /* closing it ends the server */
    json_t *ready;
};

/* arguments: NULL at the end; the first is the program. */
static inline struct served served_start(const char *const *arguments)
{
    int in[2], out[2];
    struct served s;
    json_error_t wrong;
    if (pipe(in) != 0 || pipe(out) != 0)
        die("a pipe: %s", strerror(errno));
    s.pid = fork();
    if (s.pid < 0)
        die("a process: %s", strerror(errno));
    if (s.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    s.input = in[1];
    FILE *f = fdopen(out[0], "r");
    s.ready = f != NULL ? json_loadf(f, JSON_DISABLE_EOF_CHECK, &wrong) : NULL;
    if (s.ready == NULL)
        die("%s did not say that it is ready", arguments[0]);
    fclose(f);
    return s;
}

static inline void served_stop(struct served *s)
{
    int status;
    close(s->input);
    kill(s->pid, SIGTERM);
    waitpid(s->pid, &status, 0);
    json_decref(s->ready);
}

/* "127.0.0.1:1234" as an address. */
static inline struct sockaddr_in address_of(const char *where)
{
    char host[64];
    struct sockaddr_in a = {.sin_family = AF_INET};
    const char *colon = strrchr(where, ':');
    if (colon == NULL || (size_t)(colon - where) >= sizeof host)
        die("\"%s\" is no ADDRESS:PORT", where);
    snprintf(host, sizeof host, "%.*s", (int)(colon - where), where);
    a.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1)
        die("\"%s\" is no address", host);
    return a;
}

static inline struct sockaddr_in served_at(const struct served *s, const char *service)
{
    const char *where =
        json_string_value(json_object_get(json_object_get(s->ready, "services"), service));
    if (where == NULL)
        die("the server has no %s", service);
    return address_of(where);
}

/* A number of kilobytes from /proc/PID/status. */
static inline long memory_kb(pid_t pid, const char *what)
{
    char name[64], line[200];
    long kb = -1;
    snprintf(name, sizeof name, "/proc/%d/status", (int)pid);
    FILE *f = fopen(name, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, what, strlen(what)) == 0)
            kb = atol(line + strlen(what) + 1);
    if (f != NULL)
        fclose(f);
    return kb;
}

/* As many descriptors as the system lets us have. */
static inline long many_descriptors(void)
{
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    return (long)r.rlim_cur;
}

/* From 127.0.0.(1 + from); -1: no connection. */
static inline int connect_from(const struct sockaddr_in *to, int from)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)from)};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
        connect(fd, (const struct sockaddr *)to, sizeof *to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* --- a client that waits for its answers --- */

struct line {
    int fd;
    size_t from, len;
    char heard[65536];
};

static inline void line_open(struct line *l, const struct sockaddr_in *to, int from)
{
    struct timeval patience = {PATIENCE_S, 0};
    l->fd = connect_from(to, from);
    l->from = l->len = 0;
    if (l->fd < 0)
        die("no connection: %s", strerror(errno));
    setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(l->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

static inline void line_close(struct line *l)
{
    close(l->fd);
}

static inline void line_say(struct line *l, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(l->fd, text, n, MSG_NOSIGNAL);
        if (sent <= 0)
            die("the server does not listen: %s", strerror(errno));
        text += sent;
        n -= (size_t)sent;
    }
}

/* One line, CRLF off; valid until the next call. */
static inline char *line_hear(struct line *l)
{
    for (;;) {
        char *start = l->heard + l->from;
        char *end = memchr(start, '\n', l->len - l->from);
        if (end != NULL) {
            l->from = (size_t)(end - l->heard) + 1;
            *end = '\0';
            if (end > start && end[-1] == '\r')
                end[-1] = '\0';
            return start;
        }
        memmove(l->heard, start, l->len - l->from);
        l->len -= l->from;
        l->from = 0;
        if (l->len == sizeof l->heard)
            die("the server's line is too long");
        ssize_t n = recv(l->fd, l->heard + l->len, sizeof l->heard - l->len, 0);
        if (n <= 0)
            die("the server says nothing more: %s", n == 0 ? "closed" : strerror(errno));
        l->len += (size_t)n;
    }
}

/* Says text and hears lines until one begins so. One that begins with `bad` is the end. */
static inline char *line_do(struct line *l, const char *text, const char *good, const char *bad)
{
    line_say(l, text, strlen(text));
    for (;;) {
        char *heard = line_hear(l);
        if (strncmp(heard, good, strlen(good)) == 0)
            return heard;
        if (*bad != '\0' && strncmp(heard, bad, strlen(bad)) == 0)
            die("to \"%.60s\" the server says \"%s\"", text, heard);
    }
}

#endif
