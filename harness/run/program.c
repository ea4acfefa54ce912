/* Starts, watches and ends a target's program. It gets a process group of its own, so that Ctrl-C
 * in the terminal reaches mailproof alone, which then ends the program in good order.
 * SPDX-License-Identifier: MIT */
#include "run/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { READY_LINE_MOST = 65536 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void short_name(struct program *p, const char *path)
{
    const char *slash = strrchr(path, '/');
    snprintf(p->name, sizeof p->name, "%s", slash != NULL ? slash + 1 : path);
}

static const char **with_extra(const char *const *extra)
{
    size_t have = 0, more = 0, n = 0;
    while (environ[have] != NULL)
        have++;
    while (extra != NULL && extra[more] != NULL)
        more++;
    const char **env = calloc(have + more + 1, sizeof *env);
    if (env == NULL)
        abort();
    for (size_t i = 0; i < have; i++) {
        bool replaced = false;
        for (size_t j = 0; j < more; j++)
            replaced = replaced || strncmp(environ[i], extra[j], strcspn(extra[j], "=") + 1) == 0;
        if (!replaced)
            env[n++] = environ[i];
    }
    for (size_t j = 0; j < more; j++)
        env[n++] = extra[j];
    return env;
}

/* In the child, which still has the parent's memory: it changes nothing there, and never returns. A
 * failed exec reports its errno through the pipe `report`. */
static void become(const char *const *argv, const char **env, const char *cwd, int in, int out,
                   int errors, int report)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGINT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    if (cwd == NULL || chdir(cwd) == 0)
        execvpe(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
    int code = errno;
    if (write(report, &code, sizeof code) < 0)
        _exit(126);
    _exit(127);
}

/* To copy the tables of our memory, only to drop them, would take longer than all the rest of a
 * start. Never inlined: vfork returns twice, and nobody's variables may depend on that. */
static __attribute__((noinline)) pid_t spawn(const char *const *argv, const char **env,
                                             const char *cwd, int in, int out, int errors,
                                             int report)
{
    pid_t pid = vfork();
    if (pid == 0)
        become(argv, env, cwd, in, out, errors, report);
    return pid;
}

int program_start(struct program *p, const char *const *argv, const char *const *extra,
                  const char *cwd, const char *log, struct err *err)
{
    int rc = -1, to[2] = {-1, -1}, from[2] = {-1, -1}, report[2] = {-1, -1}, errors = -1;
    const char **env = with_extra(extra);
    *p = (struct program){.in = -1, .out = -1};
    short_name(p, argv[0]);
    errors = open(log != NULL ? log : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (errors < 0) {
        err_errno(err, log);
        goto out;
    }
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0 || pipe2(report, O_CLOEXEC) != 0) {
        err_errno(err, "pipe");
        goto out;
    }
    pid_t pid = spawn(argv, env, cwd, to[0], from[1], errors, report[1]);
    if (pid < 0) {
        err_errno(err, "vfork");
        goto out;
    }
    p->pid = pid;
    setpgid(p->pid, p->pid); /* both sides: whoever comes first */
    close(report[1]);
    report[1] = -1;
    int code = 0;
    if (read(report[0], &code, sizeof code) == (ssize_t)sizeof code) {
        waitpid(p->pid, &p->status, 0);
        p->pid = 0;
        err_set(err, "cannot start %s: %s", argv[0], strerror(code));
        goto out;
    }
    p->in = to[1];
    p->out = from[0];
    to[1] = from[0] = -1;
    if (log != NULL && (p->log = strdup(log)) == NULL)
        abort();
    rc = 0;
out:
    for (size_t i = 0; i < 2; i++) {
        if (to[i] >= 0)
            close(to[i]);
        if (from[i] >= 0)
            close(from[i]);
        if (report[i] >= 0)
            close(report[i]);
    }
    if (errors >= 0)
        close(errors);
    free(env);
    return rc;
}

/* The last line that is not empty of what the program said on stderr, or "". */
static void last_words(const struct program *p, char *out, size_t size)
{
    char tail[2048];
    out[0] = '\0';
    FILE *f = p->log != NULL ? fopen(p->log, "re") : NULL;
    if (f == NULL)
        return;
    if (fseek(f, 0, SEEK_END) == 0) {
        long end = ftell(f);
        fseek(f, end > (long)sizeof tail - 1 ? end - (long)sizeof tail + 1 : 0, SEEK_SET);
    }
    size_t n = fread(tail, 1, sizeof tail - 1, f);
    fclose(f);
    tail[n] = '\0';
    while (n > 0 && (tail[n - 1] == '\n' || tail[n - 1] == '\r' || tail[n - 1] == ' '))
        tail[--n] = '\0';
    char *line = strrchr(tail, '\n');
    snprintf(out, size, "%.*s", (int)size - 1, line != NULL ? line + 1 : tail);
}

static int say_end(const struct program *p, const char *when, struct err *err)
{
    char said[300];
    last_words(p, said, sizeof said);
    const char *colon = said[0] != '\0' ? ": " : "";
    if (WIFSIGNALED(p->status))
        return err_set(err, "%s %s, killed by signal %d, %s%s%s", p->name, when,
                       WTERMSIG(p->status), strsignal(WTERMSIG(p->status)), colon, said);
    return err_set(err, "%s %s with exit code %d%s%s", p->name, when, WEXITSTATUS(p->status), colon,
                   said);
}

bool program_alive(struct program *p, struct err *err)
{
    if (p->pid == 0)
        return true;
    if (!p->ended && waitpid(p->pid, &p->status, WNOHANG) == p->pid)
        p->ended = true;
    if (p->ended)
        say_end(p, "ended", err);
    return !p->ended;
}

/* Waits a moment for a program whose stdout closed: it is about to be a zombie. */
static void await_end(struct program *p, double seconds)
{
    double until = now_s() + seconds;
    while (!p->ended && now_s() < until) {
        if (waitpid(p->pid, &p->status, WNOHANG) == p->pid)
            p->ended = true;
        else
            nanosleep(&(struct timespec){.tv_nsec = 2 * 1000 * 1000}, NULL);
    }
}

int program_ready(struct program *p, double timeout_s, json_t **ready, struct err *err)
{
    static char line[READY_LINE_MOST];
    size_t n = 0;
    double until = now_s() + timeout_s;
    char *end = NULL;
    while (end == NULL) {
        double left = until - now_s();
        struct pollfd fd = {.fd = p->out, .events = POLLIN};
        if (left <= 0)
            return err_set(err, "%s did not say that it is ready within %g s", p->name, timeout_s);
        int got = poll(&fd, 1, (int)(left * 1000) + 1);
        if (got < 0 && errno != EINTR)
            return err_errno(err, "poll");
        if (got <= 0)
            continue;
        ssize_t bytes = read(p->out, line + n, sizeof line - 1 - n);
        if (bytes < 0 && errno != EINTR)
            return err_errno(err, p->name);
        if (bytes == 0) {
            await_end(p, 2);
            if (!p->ended)
                return err_set(err, "%s closed its output before it was ready", p->name);
            return say_end(p, "ended before it was ready", err);
        }
        n += bytes > 0 ? (size_t)bytes : 0;
        line[n] = '\0';
        end = strchr(line, '\n');
        if (end == NULL && n == sizeof line - 1)
            return err_set(err, "%s said %zu bytes without a ready line", p->name, n);
    }
    *end = '\0';
    json_error_t why;
    json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, &why);
    if (o == NULL || !json_is_true(json_object_get(o, "ready"))) {
        json_decref(o);
        return err_set(err, "%s: expected a line like {\"ready\":true,…}, got: %.200s", p->name,
                       line);
    }
    *ready = o;
    return 0;
}

void program_stop(struct program *p, double grace_s)
{
    if (p->in >= 0)
        close(p->in);
    if (p->pid > 0) {
        if (!p->ended) {
            kill(p->pid, SIGTERM);
            await_end(p, grace_s);
        }
        kill(-p->pid, SIGKILL); /* what it left behind, too */
        if (!p->ended)
            waitpid(p->pid, &p->status, 0);
    }
    if (p->out >= 0)
        close(p->out);
    free(p->log);
    *p = (struct program){.in = -1, .out = -1};
}

int program_run(const char *const *argv, const char *const *extra, const char *cwd, const char *log,
                double timeout_s)
{
    struct program p;
    if (program_start(&p, argv, extra, cwd, log, NULL) != 0)
        return -1;
    await_end(&p, timeout_s);
    int status = p.ended && WIFEXITED(p.status) ? WEXITSTATUS(p.status) : -1;
    program_stop(&p, 0);
    return status;
}
