/* What a server costs, from /proc: CPU and memory of one process, or, if it lives in a process
 * namespace of its own (the jails of scenarios/targets/servers), of all processes there.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_TESTS_BENCH_PROCS_H
#define SERVER_TESTS_BENCH_PROCS_H

#include <dirent.h>

#include "bench/served.h"

static inline bool procs_space(pid_t pid, char *out, size_t size)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/ns/pid", (int)pid);
    ssize_t n = readlink(name, out, size - 1);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Calls each for the processes that make up the server of pid. */
static inline void procs_each(pid_t pid, void (*each)(pid_t pid, void *arg), void *arg)
{
    char ours[64], theirs[64], its[64];
    if (!procs_space(getpid(), ours, sizeof ours) || !procs_space(pid, theirs, sizeof theirs))
        return;
    if (strcmp(ours, theirs) == 0) {
        each(pid, arg);
        return;
    }
    DIR *d = opendir("/proc");
    struct dirent *e;
    while (d != NULL && (e = readdir(d)) != NULL) {
        pid_t one = (pid_t)atoi(e->d_name);
        if (one > 0 && procs_space(one, its, sizeof its) && strcmp(its, theirs) == 0)
            each(one, arg);
    }
    if (d != NULL)
        closedir(d);
}

/* Its own time and that of its children that have ended. */
static inline void procs_add_cpu(pid_t pid, void *arg)
{
    char name[64], text[1024];
    unsigned long t[4];
    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(name, "r");
    size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f != NULL)
        fclose(f);
    text[n] = '\0';
    const char *end = strrchr(text, ')');
    if (end != NULL &&
        sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu", &t[0],
               &t[1], &t[2], &t[3]) == 4)
        *(double *)arg += (double)(t[0] + t[1] + t[2] + t[3]) / (double)sysconf(_SC_CLK_TCK);
}

static inline void procs_add_memory(pid_t pid, void *arg)
{
    char name[64], line[200];
    snprintf(name, sizeof name, "/proc/%d/smaps_rollup", (int)pid);
    FILE *f = fopen(name, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "Pss:", 4) == 0)
            *(double *)arg += atof(line + 4);
    if (f != NULL)
        fclose(f);
}

/* Seconds. */
static inline double procs_cpu(pid_t pid)
{
    double sum = 0;
    procs_each(pid, procs_add_cpu, &sum);
    return sum;
}

/* Kilobytes, what is shared counted in part. */
static inline double procs_memory(pid_t pid)
{
    double sum = 0;
    procs_each(pid, procs_add_memory, &sum);
    return sum;
}

#endif
