/* One child a service runs prepare.probe() and sends what it learnt as JSON.
 * SPDX-License-Identifier: MIT */
#include "run/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run/record.h"
#include "run/worker.h"

enum { PROBES_MOST = 16, ANSWER_MOST = 1 << 20, PATIENCE_S = 30 };

struct probe {
    char service[32];
    pid_t pid;
    int fd;
    char *answer;
    size_t n;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static json_t *lua_json(lua_State *L, int index, int depth)
{
    index = lua_absindex(L, index);
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        return record_text(lua_tostring(L, index));
    case LUA_TNUMBER:
        return json_real(lua_tonumber(L, index));
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, index));
    case LUA_TTABLE:
        break;
    default:
        return json_null();
    }
    bool list = luaL_len(L, index) > 0;
    json_t *o = list ? json_array() : json_object();
    if (depth > 8)
        return o;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (list)
            json_array_append_new(o, lua_json(L, -1, depth + 1));
        else if (lua_type(L, -2) == LUA_TSTRING)
            json_object_set_new(o, lua_tostring(L, -2), lua_json(L, -1, depth + 1));
    }
    return o;
}

static noreturn void ask(lua_State *L, const struct target *t, const char *service, double scale,
                         int fd)
{
    struct err err;
    static const int first = 0;
    worker_settle();
    json_t *answer = json_object();
    int rc = target_push_context(t, NULL, &first, t->accounts > 0 ? 1 : 0, "probe", 1, scale, &err);
    if (rc == 0) {
        lua_pushstring(L, service);
        rc = worker_prepare(L, "probe", 2, &err);
    }
    if (rc == 0)
        json_object_set_new(answer, "caps", lua_json(L, -1, 0));
    else
        json_object_set_new(answer, "error", record_text(err.text));
    worker_say(fd, "probe", answer);
    _exit(0);
}

static int start(lua_State *L, const struct target *t, struct probe *p, double scale,
                 struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_errno(err, "pipe");
    fflush(NULL);
    p->pid = fork();
    if (p->pid == 0)
        ask(L, t, p->service, scale, ends[1]);
    close(ends[1]);
    p->fd = ends[0];
    p->answer = malloc(ANSWER_MOST);
    if (p->pid < 0 || p->answer == NULL)
        return err_errno(err, "fork");
    return 0;
}

/* Reads all answers until every child is done or time is up. */
static void listen_all(struct probe *p, size_t n, double until)
{
    for (;;) {
        struct pollfd fds[PROBES_MOST];
        size_t open = 0;
        for (size_t i = 0; i < n; i++) {
            fds[i] = (struct pollfd){.fd = p[i].fd, .events = POLLIN};
            open += p[i].fd >= 0;
        }
        double left = until - now_s();
        if (open == 0 || left <= 0)
            return;
        if (poll(fds, n, (int)(left * 1000) + 1) < 0)
            continue;
        for (size_t i = 0; i < n; i++) {
            if (p[i].fd < 0 || fds[i].revents == 0)
                continue;
            ssize_t got = read(p[i].fd, p[i].answer + p[i].n, ANSWER_MOST - 1 - p[i].n);
            if (got > 0) {
                p[i].n += (size_t)got;
            } else if (got == 0 || errno != EINTR) {
                close(p[i].fd);
                p[i].fd = -1;
            }
        }
    }
}

/* Every sentence names the service and where it is. */
static int say_where(const struct target *t, const struct probe *p, const char *why,
                     struct err *err)
{
    json_t *services = target_services(t);
    const char *at = json_string_value(json_object_get(services, p->service));
    int rc = at == NULL || strstr(why, at) != NULL
                 ? err_set(err, "%s", why)
                 : err_set(err, "%s at %s: %s", p->service, at, why);
    json_decref(services);
    return rc;
}

static void say_death(const struct target *t, struct probe *p, struct err *err)
{
    struct err how;
    int status = 0;
    waitpid(p->pid, &status, 0);
    p->pid = 0;
    if (WIFSIGNALED(status))
        err_set(&how, "the probe's process was killed by signal %d, %s", WTERMSIG(status),
                strsignal(WTERMSIG(status)));
    else
        err_set(&how, "the probe's process ended with exit code %d", WEXITSTATUS(status));
    say_where(t, p, how.text, err);
}

/* Pushes nothing; sets field `service` of the table on top. */
static int take_answer(lua_State *L, const struct target *t, struct probe *p, double seconds,
                       struct err *err)
{
    int rc = -1;
    json_t *o = NULL;
    if (p->fd >= 0) {
        struct err late;
        err_set(&late, "not done with greeting, TLS and login within %g s", seconds);
        return say_where(t, p, late.text, err);
    }
    p->answer[p->n] = '\0';
    if (strncmp(p->answer, "!probe ", 7) == 0)
        o = json_loads(p->answer + 7, 0, NULL);
    const char *why = json_string_value(json_object_get(o, "error"));
    if (o == NULL)
        say_death(t, p, err);
    else if (why != NULL)
        say_where(t, p, why, err);
    else
        rc = 0;
    if (rc == 0) {
        target_push_json(L, json_object_get(o, "caps"));
        lua_setfield(L, -2, p->service);
    }
    json_decref(o);
    return rc;
}

static size_t wanted(const struct target *t, const struct selection *chosen, struct probe *p)
{
    size_t n = 0;
    char service[32];
    for (size_t i = 0; i < chosen->n; i++) {
        const struct scenario *s = chosen->at[i];
        char why[256];
        if (s->lint != NULL || target_skips(t, s, LUA_NOREF, true, why, sizeof why))
            continue;
        for (size_t j = 0; j < s->services.n; j++) {
            bool known = !target_has_service(t, s->services.at[j], service, sizeof service);
            for (size_t k = 0; k < n && !known; k++)
                known = strcmp(p[k].service, service) == 0;
            if (!known && n < PROBES_MOST)
                snprintf(p[n++].service, sizeof p->service, "%s", service);
        }
    }
    return n;
}

int probe_target(lua_State *L, struct target *t, const struct selection *chosen,
                 double timeout_scale, int *caps, struct err *err)
{
    struct probe p[PROBES_MOST] = {0};
    size_t n = wanted(t, chosen, p);
    double patience = PATIENCE_S * timeout_scale;
    int rc = 0;
    for (size_t i = 0; i < n; i++)
        p[i].fd = -1;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = start(L, t, &p[i], timeout_scale, err);
    if (rc == 0)
        listen_all(p, n, now_s() + patience);
    lua_newtable(L);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = take_answer(L, t, &p[i], patience, err);
    *caps = luaL_ref(L, LUA_REGISTRYINDEX);
    for (size_t i = 0; i < n; i++) {
        if (p[i].pid > 0) {
            kill(p[i].pid, SIGKILL);
            waitpid(p[i].pid, NULL, 0);
        }
        if (p[i].fd >= 0)
            close(p[i].fd);
        free(p[i].answer);
    }
    struct err died;
    if (rc != 0 && !target_alive(t, &died) && err != NULL)
        *err = died;
    return rc;
}
