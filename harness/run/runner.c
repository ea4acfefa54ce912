/* The parent's side of a run: starts processes, listens to them, ends those that take too long, and
 * writes what comes of it. SPDX-License-Identifier: MIT */
#include "run/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "evidence/capture_made.h"
#include "run/account.h"
#include "run/event.h"
#include "run/outbox.h"
#include "run/slot.h"
#include "run/tally.h"
#include "wire/buf.h"

enum { JOBS_MOST = 256, READ_AT_ONCE = 1 << 16 };

struct runner {
    lua_State *L;
    struct target *target;
    const struct runner_options *o;
    struct record *record;
    const struct runner_watch *watch;
    struct run_result *out;
    struct item *items;
    size_t n, over, room, total;
    struct slot slots[JOBS_MOST];
    struct outbox *outboxes[JOBS_MOST]; /* one a slot */
    size_t jobs, running;
    bool alone; /* a serial scenario runs */
    struct accounts accounts;
    struct tally tally;
    double started, ends; /* monotonic; ends is infinite without a deadline */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

static double clock_s(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *copy(const char *text)
{
    char *s = strdup(text != NULL ? text : "");
    if (s == NULL)
        abort();
    return s;
}

char *runner_evidence_name(const char *id, int round)
{
    char *name = NULL, suffix[16] = "";
    if (round > 1)
        snprintf(suffix, sizeof suffix, "-%d", round);
    if (asprintf(&name, "evidence/%s%s.pcapng", id, suffix) < 0)
        abort();
    for (char *p = name + strlen("evidence/"); *p != '\0'; p++)
        if (*p == '/')
            *p = '-';
    return name;
}

char *runner_asked_name(const char *folder, const char *id)
{
    char *name = NULL;
    if (asprintf(&name, "%s/%s", folder, id) < 0)
        abort();
    for (char *p = name + strlen(folder) + 1; *p != '\0'; p++)
        if (*p == '/')
            *p = '-';
    return name;
}

/* FNV-1a: the same scenario of the same seed gets the same numbers in every run. */
static uint64_t mix(uint64_t h, const char *text)
{
    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h;
}

static json_t *text_list(const struct words *w)
{
    json_t *list = json_array();
    for (size_t i = 0; i < w->n; i++)
        json_array_append_new(list, record_text(w->at[i]));
    return list;
}

static void record_start(struct runner *r, const struct scenario *s, double t)
{
    json_t *e = json_object();
    json_object_set_new(e, "ev", json_string("case.start"));
    json_object_set_new(e, "case", record_text(s->id));
    json_object_set_new(e, "t", event_time(t));
    json_object_set_new(e, "file", record_text(s->file));
    json_object_set_new(e, "line", json_integer(s->line));
    json_object_set_new(e, "title", record_text(s->title));
    json_object_set_new(e, "says", record_text(s->says));
    json_object_set_new(e, "why", record_text(s->why));
    json_object_set_new(e, "level", json_string(s->level));
    json_object_set_new(e, "section", json_string(s->section));
    json_object_set_new(e, "rfc", json_integer(s->rfc));
    json_object_set_new(e, "proves", text_list(&s->proves));
    json_object_set_new(e, "services", text_list(&s->services));
    json_object_set_new(e, "tags", text_list(&s->tags));
    record_event(r->record, e);
}

/* Judges against the baseline, writes case.end, keeps the outcome and shows it. */
static void conclude(struct runner *r, struct outcome *o, const json_t *events)
{
    static const char *const standings[] = {
        [STANDING_EXPECTED] = "expected", [STANDING_STALE] = "stale"};
    if (r->o->baseline != NULL)
        o->standing = baseline_judge(r->o->baseline, o->scenario->id, o->verdict);
    json_t *e = json_object();
    json_object_set_new(e, "ev", json_string("case.end"));
    json_object_set_new(e, "case", record_text(o->scenario->id));
    json_object_set_new(e, "verdict", json_string(verdict_names[o->verdict]));
    json_object_set_new(e, "level", json_string(o->scenario->level));
    json_object_set_new(e, "why", record_text(o->why));
    json_object_set_new(e, "where", record_text(o->where));
    json_object_set_new(e, "seconds", event_time(o->seconds));
    json_object_set_new(e, "cpu_ms", event_time(o->cpu_ms));
    json_object_set_new(e, "evidence",
                        o->evidence != NULL ? record_text(o->evidence) : json_null());
    json_object_set_new(e, "baseline",
                        o->standing != STANDING_NONE ? json_string(standings[o->standing])
                                                     : json_null());
    record_event(r->record, e);
    if (r->out->n == r->room) {
        r->room = r->room * 2 + 64;
        r->out->outcomes = realloc(r->out->outcomes, r->room * sizeof *r->out->outcomes);
        if (r->out->outcomes == NULL)
            abort();
    }
    r->out->outcomes[r->out->n++] = *o;
    r->over++;
    if (r->watch != NULL && r->watch->done != NULL)
        r->watch->done(r->watch->arg, o, events);
    bool bad = o->verdict == VERDICT_FAIL || o->verdict == VERDICT_TIMEOUT ||
               o->verdict == VERDICT_ERROR || o->verdict == VERDICT_DEPENDENCY;
    if (r->o->fail_fast && bad && o->standing != STANDING_EXPECTED && r->out->stop == STOP_NOT)
        r->out->stop = STOP_FAIL_FAST;
}

static void skip(struct runner *r, const struct scenario *s, int round, const char *why)
{
    struct outcome o = {.scenario = s, .round = round, .verdict = VERDICT_SKIP};
    o.why = copy(why);
    o.where = copy("");
    record_start(r, s, clock_s(CLOCK_REALTIME));
    conclude(r, &o, NULL);
}

static bool is_slow(const struct scenario *s)
{
    return words_have(&s->tags, "slow") || s->timeout > 20;
}

static bool runs_alone(const struct runner *r, const struct scenario *s)
{
    return s->serial && !target_gives_own(r->target, s);
}

/* One item a scenario and round, the slow ones first in each round, so that the end of a run does
 * not wait for one. */
static void plan(struct runner *r, const struct selection *chosen)
{
    char why[256];
    int rounds = r->o->repeat > 1 ? r->o->repeat : 1;
    r->items = calloc(chosen->n * (size_t)rounds + 1, sizeof *r->items);
    if (r->items == NULL)
        abort();
    r->total = chosen->n * (size_t)rounds;
    for (int round = 1; round <= rounds; round++)
        for (int pass = 0; pass < 2; pass++)
            for (size_t i = 0; i < chosen->n; i++) {
                const struct scenario *s = chosen->at[i];
                if (s->lint != NULL || is_slow(s) != (pass == 0))
                    continue;
                if (target_skips(r->target, s, r->o->caps, r->o->allow_destructive, why,
                                 sizeof why))
                    skip(r, s, round, why);
                else
                    r->items[r->n++] = (struct item){.scenario = s, .round = round};
            }
    r->total = r->over + r->n;
}

static void prepare_job(struct runner *r, struct slot *slot, struct item *item)
{
    const struct scenario *s = item->scenario;
    char round[32];
    snprintf(round, sizeof round, "#%d", item->round);
    uint64_t seed = mix(mix((uint64_t)r->o->seed ^ 14695981039346656037u, s->id), round);
    uint64_t once = mix(mix(seed, r->o->run_id != NULL ? r->o->run_id : ""), "marker");
    slot->job.scenario = s;
    slot->job.seed = (json_int_t)(seed >> 1);
    slot->job.timeout_scale = r->o->timeout_scale;
    if (target_gives_own(r->target, s) && slot->job.timeout_scale < r->o->own_scale)
        slot->job.timeout_scale = r->o->own_scale;
    slot->job.evidence = r->o->evidence;
    slot->job.folder = r->o->folder;
    struct outbox **outbox = &r->outboxes[slot - r->slots];
    if (*outbox == NULL)
        *outbox = outbox_new();
    outbox_reset(*outbox);
    slot->job.outbox = *outbox;
    slot->job.lint_only = r->o->quiet && r->record->fd < 0;
    slot->job.evidence_name = runner_evidence_name(s->id, item->round);
    slot->job.asked = r->o->asked != NULL ? runner_asked_name(r->o->asked, s->id) : NULL;
    snprintf(slot->job.marker, sizeof slot->job.marker, "mp%016llx", (unsigned long long)once);
}

/* False when there is no room in the process table or no descriptor left: then the item waits, if
 * others run. */
static bool start(struct runner *r, struct slot *slot, struct item *item, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        err_errno(err, "pipe");
        return false;
    }
    prepare_job(r, slot, item);
    fflush(NULL); /* else the child would print what the parent has not yet */
    slot->forked_wall = clock_s(CLOCK_REALTIME);
    slot->pid = fork();
    if (slot->pid == 0) {
        for (size_t i = 0; i < r->jobs; i++)
            if (r->slots[i].item != NULL)
                close(r->slots[i].fd);
        close(ends[0]);
        worker_run(r->L, r->target, &slot->job, ends[1]);
    }
    close(ends[1]);
    if (slot->pid < 0) {
        err_errno(err, "fork");
        close(ends[0]);
        free(slot->job.evidence_name);
        slot->job.evidence_name = NULL;
        free(slot->job.asked);
        slot->job.asked = NULL;
        return false;
    }
    slot->item = item;
    slot->fd = ends[0];
    slot->forked_at = clock_s(CLOCK_MONOTONIC);
    slot->deadline = slot->forked_at + SLOT_PREPARE_S * slot->job.timeout_scale;
    slot->began = 0;
    slot->phase = PREPARING;
    slot->killed = false;
    slot->result = NULL;
    buf_init(&slot->in, SLOT_LINE_MOST);
    buf_init(&slot->kept, SLOT_KEEP_MOST);
    item->state = RUNNING;
    r->running++;
    r->alone = runs_alone(r, item->scenario);
    return true;
}

static void control_line(struct runner *r, struct slot *slot, const char *line, size_t n)
{
    const char *space = memchr(line, ' ', n);
    double now = clock_s(CLOCK_MONOTONIC), scale = slot->job.timeout_scale;
    if (space == NULL)
        return;
    json_t *o = json_loadb(space + 1, n - (size_t)(space + 1 - line), JSON_ALLOW_NUL, NULL);
    if (strncmp(line, "!begin ", 7) == 0) {
        slot->began = json_number_value(json_object_get(o, "t"));
        slot->phase = IN_SCRIPT;
        slot->deadline = now + slot->item->scenario->timeout * scale;
        record_start(r, slot->item->scenario, slot->began);
    } else if (strncmp(line, "!ran ", 5) == 0) {
        slot->phase = TIDYING;
        slot->deadline = now + SLOT_PREPARE_S * scale;
    } else if (strncmp(line, "!result ", 8) == 0 && slot->result == NULL) {
        slot->result = json_incref(o);
    }
    json_decref(o);
}

static void event_line(struct runner *r, struct slot *slot, const char *line, size_t n)
{
    static const char lint[] = "\"ev\":\"lint\"";
    if (!r->o->quiet)
        slot_keep(slot, line, n);
    if (r->tally.n > 0 && memmem(line, n, lint, sizeof lint - 1) != NULL) {
        json_t *e = json_loadb(line, n, JSON_ALLOW_NUL, NULL);
        tally_event(&r->tally, e);
        json_decref(e);
    }
}

/* Takes the complete lines out of slot->in. */
static void take_lines(struct runner *r, struct slot *slot)
{
    const char *at = (const char *)slot->in.data, *end = at + slot->in.len;
    const char *newline, *events = at; /* which are not in the record yet */
    while (at < end && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        size_t n = (size_t)(newline - at);
        if (n > 0 && at[0] == '!') {
            record_lines(r->record, events, (size_t)(at - events));
            control_line(r, slot, at, n);
            events = newline + 1;
        } else if (n > 0) {
            event_line(r, slot, at, n);
        }
        at = newline + 1;
    }
    record_lines(r->record, events, (size_t)(at - events));
    size_t left = (size_t)(end - at);
    if (left > 0)
        memmove(slot->in.data, at, left);
    slot->in.len = left;
}

/* The child died before it could write its evidence: what it sent is still worth a capture. */
static void save_evidence(const struct runner *r, const struct slot *slot, const json_t *events,
                          struct outcome *o)
{
    char path[4096];
    struct err err;
    if (r->o->folder == NULL || r->o->evidence == EVIDENCE_NONE)
        return;
    snprintf(path, sizeof path, "%s/%s", r->o->folder, slot->job.evidence_name);
    if (capture_made_write(events, slot->began, path, &err) == 0)
        o->evidence = copy(slot->job.evidence_name);
}

static void finish(struct runner *r, struct slot *slot)
{
    int status = 0;
    struct rusage used = {0};
    struct outcome o = {.scenario = slot->item->scenario, .round = slot->item->round};
    json_t *events = NULL;
    while (wait4(slot->pid, &status, 0, &used) < 0 && errno == EINTR)
        continue;
    const char *unsent = NULL;
    size_t left = outbox_left(slot->job.outbox, slot->received, &unsent);
    if (left > 0 && buf_add(&slot->in, unsent, left))
        take_lines(r, slot);
    close(slot->fd);
    o.cpu_ms = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
    if (slot->result != NULL) /* the driver's alone */
        o.cpu_ms -= json_number_value(json_object_get(slot->result, "others_cpu_ms"));
    r->out->cpu_ms += o.cpu_ms;
    if (slot->began == 0)
        record_start(r, o.scenario, slot->forked_wall);
    if (slot->result != NULL) {
        slot_read_result(slot, &o);
        bool bad =
            o.verdict != VERDICT_PASS && o.verdict != VERDICT_SKIP && o.verdict != VERDICT_NOTED;
        if (!r->o->quiet && (bad || r->o->keep_events))
            events = slot_events(slot);
    } else {
        events = slot_events(slot);
        slot_autopsy(slot, status, events, &o);
        o.seconds = clock_s(CLOCK_REALTIME) - (slot->began > 0 ? slot->began : slot->forked_wall);
        save_evidence(r, slot, events, &o);
    }
    accounts_return(&r->accounts, slot->job.users, slot->job.users_n);
    slot->item->state = OVER;
    conclude(r, &o, events);
    json_decref(events);
    slot_clear(slot);
    r->running--;
    r->alone = false;
}

static struct slot *free_slot(struct runner *r)
{
    for (size_t i = 0; i < r->jobs; i++)
        if (r->slots[i].item == NULL)
            return &r->slots[i];
    return NULL;
}

/* The next one that may start now, with its accounts leased, or NULL. */
static struct item *next_item(struct runner *r, struct job *job)
{
    int round = 0;
    bool pending = false;
    struct item *serial = NULL;
    if (r->alone)
        return NULL;
    for (size_t i = 0; i < r->n; i++) {
        struct item *item = &r->items[i];
        if (item->state == OVER)
            continue;
        if (round == 0)
            round = item->round;
        if (item->round != round)
            break;
        if (item->state == RUNNING)
            continue;
        if (runs_alone(r, item->scenario)) {
            serial = serial != NULL ? serial : item;
            continue;
        }
        pending = true;
        size_t want = (size_t)item->scenario->users;
        int *users = calloc(want + 1, sizeof *users);
        if (users == NULL)
            abort();
        if (accounts_lease(&r->accounts, want, users)) {
            job->users = users;
            job->users_n = want;
            return item;
        }
        free(users);
    }
    if (pending || serial == NULL || r->running > 0)
        return NULL;
    job->users_n = (size_t)serial->scenario->users;
    job->users = calloc(job->users_n + 1, sizeof *job->users);
    if (job->users == NULL || !accounts_lease(&r->accounts, job->users_n, job->users))
        abort(); /* nothing runs, so every account is free, and plan() counted them */
    return serial;
}

static void start_more(struct runner *r)
{
    struct slot *slot;
    while (r->out->stop == STOP_NOT && (slot = free_slot(r)) != NULL) {
        struct err err;
        struct item *item = next_item(r, &slot->job);
        if (item == NULL)
            return;
        if (start(r, slot, item, &err))
            continue;
        accounts_return(&r->accounts, slot->job.users, slot->job.users_n);
        free(slot->job.users);
        slot->job = (struct job){0};
        if (r->running > 0)
            return; /* there is room again when one of them ends */
        struct outcome o = {.scenario = item->scenario, .round = item->round};
        o.verdict = VERDICT_ERROR;
        o.why = copy(err.text);
        o.where = copy("");
        item->state = OVER;
        record_start(r, item->scenario, clock_s(CLOCK_REALTIME));
        conclude(r, &o, NULL);
    }
}

static void kill_slot(struct slot *slot)
{
    if (!slot->killed)
        kill(slot->pid, SIGKILL);
    slot->killed = true;
}

/* Kills what is overdue; returns the milliseconds until the next deadline. */
static int enforce(struct runner *r)
{
    double now = clock_s(CLOCK_MONOTONIC), next = r->ends;
    for (size_t i = 0; i < r->jobs; i++) {
        struct slot *slot = &r->slots[i];
        if (slot->item == NULL)
            continue;
        if (slot->deadline <= now)
            kill_slot(slot);
        else if (slot->deadline < next)
            next = slot->deadline;
    }
    if (r->ends <= now && r->out->stop == STOP_NOT)
        r->out->stop = STOP_DEADLINE;
    double left = (next - now) * 1000;
    return left < 0 ? 0 : left > 1000 ? 1000 : (int)left + 1;
}

static void read_slot(struct runner *r, struct slot *slot)
{
    static unsigned char chunk[READ_AT_ONCE];
    ssize_t n = read(slot->fd, chunk, sizeof chunk);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        finish(r, slot);
        return;
    }
    slot->received += (uint64_t)n;
    if (!buf_add(&slot->in, chunk, (size_t)n))
        kill_slot(slot); /* one event of more than SLOT_LINE_MOST */
    if (memchr(chunk, '\n', (size_t)n) != NULL)
        take_lines(r, slot);
}

/* A started target says nothing more that we want; its end of file says that it is gone. */
static void watch_target(struct runner *r)
{
    char chunk[4096];
    if (read(r->target->program.out, chunk, sizeof chunk) > 0)
        return;
    for (int i = 0; i < 100 && target_alive(r->target, NULL); i++)
        nanosleep(&(struct timespec){.tv_nsec = 2 * 1000 * 1000}, NULL);
    if (target_alive(r->target, &r->out->why)) {
        close(r->target->program.out); /* closed its stdout and works on: fine */
        r->target->program.out = -1;
    } else if (r->out->stop == STOP_NOT) {
        r->out->stop = STOP_TARGET;
    }
}

static void listen_once(struct runner *r, const sigset_t *mask)
{
    struct pollfd fds[JOBS_MOST + 1];
    int wait_ms = enforce(r);
    size_t n = r->jobs;
    for (size_t i = 0; i < n; i++)
        fds[i] =
            (struct pollfd){.fd = r->slots[i].item != NULL ? r->slots[i].fd : -1, .events = POLLIN};
    fds[n] = (struct pollfd){.fd = r->target->program.out, .events = POLLIN};
    struct timespec limit = {.tv_sec = wait_ms / 1000, .tv_nsec = (wait_ms % 1000) * 1000000L};
    int got = ppoll(fds, n + 1, &limit, mask);
    if (got > 0 && fds[n].revents != 0)
        watch_target(r);
    for (size_t i = 0; i < n && got > 0; i++)
        if (fds[i].revents != 0)
            read_slot(r, &r->slots[i]);
    if (interrupted && r->out->stop == STOP_NOT)
        r->out->stop = STOP_INTERRUPTED;
    if (r->record->broken && r->out->stop == STOP_NOT) {
        r->out->stop = STOP_RECORD;
        r->out->why = r->record->why;
    }
    if (r->watch != NULL && r->watch->moved != NULL) {
        const char *newest = NULL;
        for (size_t i = 0; i < n; i++)
            if (r->slots[i].item != NULL)
                newest = r->slots[i].item->scenario->id;
        r->watch->moved(r->watch->arg, r->over, r->total, r->running, newest);
    }
}

/* What was running when the run stopped has a beginning and no end in the record; it gets no
 * verdict. */
static void abandon(struct runner *r)
{
    for (size_t i = 0; i < r->jobs; i++) {
        struct slot *slot = &r->slots[i];
        if (slot->item == NULL)
            continue;
        kill_slot(slot);
        waitpid(slot->pid, NULL, 0);
        close(slot->fd);
        slot_clear(slot);
    }
    r->running = 0;
}

static void judge_rules(struct runner *r)
{
    for (size_t i = 0; i < r->tally.n; i++) {
        struct tally_rule *t = &r->tally.at[i];
        if (!tally_touched(&r->tally, t->rule))
            continue;
        struct outcome o = {.scenario = t->rule, .round = 1};
        o.verdict = VERDICT_PASS;
        o.why = copy(t->why);
        o.where = copy("");
        if (t->broke > 0) {
            int rank = level_rank(t->rule->level);
            o.verdict = rank == 3 ? VERDICT_FAIL : rank == 2 ? VERDICT_WEAK : VERDICT_NOTED;
        } else if (t->looked == 0) {
            o.verdict = VERDICT_SKIP;
            free(o.why);
            o.why = copy("no reply of this run had anything to hold against it");
        }
        record_start(r, t->rule, clock_s(CLOCK_REALTIME));
        conclude(r, &o, NULL);
    }
}

void runner_run(lua_State *L, struct target *t, const struct selection *chosen,
                const struct runner_options *o, struct record *record,
                const struct runner_watch *watch, struct run_result *out)
{
    struct runner *r = calloc(1, sizeof *r);
    struct sigaction quiet = {.sa_handler = on_interrupt}, old_int, old_term;
    sigset_t blocked, mask;
    if (r == NULL)
        abort();
    *out = (struct run_result){0};
    r->L = L;
    r->target = t;
    r->o = o;
    r->record = record;
    r->watch = watch;
    r->out = out;
    r->jobs = o->jobs < 1 ? 1 : o->jobs > JOBS_MOST ? JOBS_MOST : (size_t)o->jobs;
    r->started = clock_s(CLOCK_MONOTONIC);
    r->ends = o->deadline_s > 0 ? r->started + o->deadline_s : INFINITY;
    conn_warm_tls(target_ca(t), false); /* once, and not in every scenario's process */
    accounts_init(&r->accounts, t->accounts);
    tally_init(&r->tally, chosen);
    /* Signals come in only while ppoll waits, so none is lost between a look at the flag and the
     * wait. */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &mask);
    sigaction(SIGINT, &quiet, &old_int);
    sigaction(SIGTERM, &quiet, &old_term);
    plan(r, chosen);
    worker_hatch(L);
    start_more(r);
    while (r->running > 0 && r->out->stop == STOP_NOT) {
        listen_once(r, &mask);
        start_more(r);
    }
    abandon(r);
    if (out->stop == STOP_NOT || out->stop == STOP_FAIL_FAST)
        judge_rules(r);
    if (record->broken && out->stop == STOP_NOT) {
        out->stop = STOP_RECORD;
        out->why = record->why;
    }
    out->seconds = clock_s(CLOCK_MONOTONIC) - r->started;
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    for (size_t i = 0; i < r->jobs; i++)
        outbox_free(r->outboxes[i]);
    accounts_clear(&r->accounts);
    tally_clear(&r->tally);
    free(r->items);
    free(r);
}

void run_result_clear(struct run_result *r)
{
    for (size_t i = 0; i < r->n; i++)
        outcome_clear(&r->outcomes[i]);
    free(r->outcomes);
    *r = (struct run_result){0};
}

void run_result_count(const struct run_result *r, size_t counts[VERDICTS])
{
    memset(counts, 0, VERDICTS * sizeof *counts);
    for (size_t i = 0; i < r->n; i++)
        counts[r->outcomes[i].verdict]++;
}

enum exit_code run_result_exit(const struct run_result *r, bool strict)
{
    bool ran = false, error = false, bad = false;
    switch (r->stop) {
    case STOP_DEADLINE:
        return EXIT_DEADLINE;
    case STOP_INTERRUPTED:
        return EXIT_INTERRUPTED;
    case STOP_TARGET:
        return EXIT_TARGET;
    case STOP_RECORD:
        return EXIT_INTERNAL;
    case STOP_NOT:
    case STOP_FAIL_FAST:
        break;
    }
    for (size_t i = 0; i < r->n; i++) {
        const struct outcome *o = &r->outcomes[i];
        ran = ran || o->verdict != VERDICT_SKIP;
        error = error || o->verdict == VERDICT_ERROR;
        bad = bad || o->standing == STANDING_STALE;
        if (o->standing != STANDING_EXPECTED)
            bad = bad || o->verdict == VERDICT_FAIL || o->verdict == VERDICT_TIMEOUT ||
                  o->verdict == VERDICT_DEPENDENCY || (strict && o->verdict == VERDICT_WEAK);
    }
    if (bad)
        return EXIT_UNEXPECTED;
    if (error)
        return EXIT_INTERNAL;
    return ran ? EXIT_AS_EXPECTED : EXIT_NOTHING;
}
