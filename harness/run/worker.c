/* One scenario in its own process. Whatever goes wrong here costs this scenario and no other.
 * SPDX-License-Identifier: MIT */
#include "run/worker.h"

#include <lauxlib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "evidence/capture_made.h"
#include "run/event.h"
#include "run/outbox.h"
#include "run/record.h"

/* A script that eats memory ends before the machine does. Sanitizers reserve address space that
 * they never use. */
#if !defined(__SANITIZE_ADDRESS__)
#define MEMORY_MOST ((rlim_t)1 << 30)
#endif

/* A collection writes to every page that the worker shares with its parent, and each has to be
 * copied: so the first one waits until the script has made so many KiB. */
#define GC_AFTER (64 * 1024)

static double wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void worker_settle(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
#ifdef MEMORY_MOST
    setrlimit(RLIMIT_AS, &(struct rlimit){MEMORY_MOST, MEMORY_MOST});
#endif
}

/* Behind all that was said before. Where the runner is gone, we are gone soon. */
static void say(struct outbox *outbox, int fd, const char *name, json_t *value)
{
    char *line = NULL, *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(16));
    int n = text != NULL ? asprintf(&line, "!%s %s\n", name, text) : -1;
    if (n < 0)
        abort();
    if (outbox_add(outbox, fd, line, (size_t)n) == 0)
        (void)outbox_flush(outbox, fd);
    free(line);
    free(text);
    json_decref(value);
}

void worker_say(int fd, const char *name, json_t *value)
{
    say(NULL, fd, name, value);
}

int worker_prepare(lua_State *L, const char *name, int n, struct err *err)
{
    int base = lua_gettop(L) - n;
    lua_getglobal(L, "require");
    lua_pushliteral(L, "prepare");
    if (lua_pcall(L, 1, 1, 0) == LUA_OK) {
        lua_getfield(L, -1, name);
        lua_insert(L, base + 1);
        lua_pop(L, 1);
        if (lua_pcall(L, n, 1, 0) == LUA_OK)
            return 0;
    }
    err_set(err, "%s", luaL_tolstring(L, -1, NULL));
    lua_settop(L, base);
    return -1;
}

void worker_hatch(lua_State *L)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "prepare");
    (void)lua_pcall(L, 1, 1, 0); /* what is wrong with it the worker says, in its own scenario */
    lua_settop(L, 0);
}

/* Makes INBOX hold what the scenario declared; prepare.fill tells the context which bytes these
 * are. */
static int fill(lua_State *L, int scenario, int context, struct err *err)
{
    lua_pushvalue(L, context);
    lua_getfield(L, scenario, "messages");
    if (worker_prepare(L, "fill", 2, err) != 0)
        return -1;
    lua_pop(L, 1);
    return 0;
}

/* Leaves the accounts as they were: "clear" empties INBOX, "tidy" takes away what the scenario
 * marked. */
static void restore(lua_State *L, const char *how, int context, struct event_sink *sink,
                    double began)
{
    struct err err;
    lua_pushvalue(L, context);
    if (worker_prepare(L, how, 1, &err) == 0) {
        lua_pop(L, 1);
        return;
    }
    json_t *e = event_new(sink, "record");
    if (e == NULL)
        return;
    json_object_set_new(e, "at", event_time(wall() - began));
    json_object_set_new(e, "what", json_string("the accounts could not be restored"));
    json_object_set_new(e, "value", record_text(err.text));
    event_emit(sink, e);
}

static double milliseconds(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e3 +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e3;
}

static void say_result(struct outbox *outbox, int fd, const struct script_result *r, double seconds,
                       const char *evidence)
{
    json_t *o = json_object();
    json_object_set_new(o, "verdict", json_string(verdict_names[r->verdict]));
    json_object_set_new(o, "why", record_text(r->why));
    json_object_set_new(o, "where", record_text(r->where));
    struct rusage others = {0}; /* a server of its own, which is over by now */
    getrusage(RUSAGE_CHILDREN, &others);
    json_object_set_new(o, "seconds", json_real(seconds));
    json_object_set_new(o, "others_cpu_ms", json_real(milliseconds(&others)));
    json_object_set_new(o, "evidence", evidence != NULL ? json_string(evidence) : json_null());
    say(outbox, fd, "result", o);
}

static const char *save_evidence(const struct job *job, const struct event_sink *sink, double began,
                                 struct script_result *r)
{
    char path[4096];
    struct err err;
    bool wanted = job->evidence == EVIDENCE_ALL ||
                  (job->evidence == EVIDENCE_FAILED && r->verdict != VERDICT_PASS &&
                   r->verdict != VERDICT_SKIP && r->verdict != VERDICT_NOTED);
    if (!wanted || job->folder == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s/%s", job->folder, job->evidence_name);
    if (capture_made_write(sink->list, began, path, &err) == 0)
        return job->evidence_name;
    /* A defect of the target stays the news; otherwise the missing evidence is. */
    if (!verdict_is_red(r->verdict)) {
        r->verdict = VERDICT_ERROR;
        snprintf(r->why, sizeof r->why, "%s", err.text);
    }
    return NULL;
}

/* A server that ends in the middle is never right, whatever the script made of it. */
static void outlived(struct target *own, struct script_result *r)
{
    struct err err;
    if (target_alive(own, &err))
        return;
    r->verdict = VERDICT_FAIL;
    snprintf(r->why, sizeof r->why, "%.600s", err.text);
}

noreturn void worker_run(lua_State *L, const struct target *t, const struct job *job, int fd)
{
    const struct scenario *s = job->scenario;
    struct script_result result = {.verdict = VERDICT_ERROR};
    struct err err;
    double began = wall(), seconds = 0;
    struct target own = {.program = {.in = -1, .out = -1}};
    bool alone = target_gives_own(t, s);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (job->asked != NULL)
        (void)setenv("MAILPROOFD_FAULTS_ASKED", job->asked, 1);
    int started = alone ? target_start_own(&own, t, s, job->timeout_scale, &err) : 0;
    worker_settle();
    lua_gc(L, LUA_GCRESTART);
    lua_gc(L, LUA_GCSTEP, -GC_AFTER);
    struct event_sink sink = {
        .list = json_array(), .scenario = s->id, .fd = fd, .limit = WORKER_KEEPS};
    sink.outbox = job->outbox;
    sink.lint_only = job->lint_only;
    if (job->evidence == EVIDENCE_NONE || job->folder == NULL) {
        json_decref(sink.list);
        sink.list = NULL;
    }
    if (started != 0) {
        snprintf(result.why, sizeof result.why, "a server of its own: %.400s", err.text);
        goto out;
    }
    t = alone ? &own : t;
    lua_settop(L, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->ref);
    if (target_push_context(t, s, job->users, job->users_n, job->marker, job->seed,
                            job->timeout_scale, &err) != 0) {
        snprintf(result.why, sizeof result.why, "%s", err.text);
        goto out;
    }
    if (s->messages && fill(L, 1, 2, &err) != 0) {
        result.verdict = VERDICT_DEPENDENCY;
        snprintf(result.why, sizeof result.why, "INBOX could not be prepared: %s", err.text);
        goto out;
    }
    began = wall();
    say(job->outbox, fd, "begin", json_pack("{s:f}", "t", began));
    script_run(L, 1, 2, &sink, &result);
    seconds = wall() - began;
    say(job->outbox, fd, "ran", json_object());
    if (alone)
        outlived(&own, &result);
    if (s->messages && !alone)
        restore(L, "clear", 2, &sink, began);
    /* A server that was started for this run alone goes away with everything in it. */
    if (t->program.pid == 0 || !t->throwaway)
        restore(L, "tidy", 2, &sink, began);
out:;
    program_stop(&own.program, 0);
    const char *evidence = save_evidence(job, &sink, began, &result);
    say_result(job->outbox, fd, &result, seconds, evidence);
    _exit(0);
}
