/* mailproof mutants: proves the scenarios. mailproofd is started with each of its faults in turn,
 * the whole suite runs against it, and what turns red must be exactly what names that fault in
 * `catches`. SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>

#include "catalogue/nearest.h"
#include "catalogue/select.h"
#include "cli/cli.h"
#include "cli/flags.h"
#include "cli/reach.h"
#include "run/probe.h"
#include "run/runner.h"

enum { WORKERS_MOST = 64, ANSWER_MOST = 4 << 20 };

struct fault {
    char *name, *ids, *says; /* owned; ids: of the requirements that it breaks, with spaces */
    const char
        *elsewhere; /* what it takes to see it: "second host", "dns", …; NULL: a client sees it */
    bool ports;     /* make ports-proof shows it, not a scenario */
    bool chosen, over;
    size_t caught, deviations;
};

/* One process that runs the suite against one fault. */
struct tester {
    struct fault *fault; /* NULL: free */
    pid_t pid;
    int fd;
    char *answer;
    size_t n;
};

struct mutants {
    struct cli cli;
    struct words fault_globs, id_globs;
    struct selection chosen;
    struct fault *faults;
    size_t n;
    struct reach reach;
    int workers, jobs, caps;
    double timeout_scale;
    bool all;          /* every scenario against every fault */
    const char *table; /* file for every red scenario of every fault, or NULL */
    FILE *rows;
    size_t deviations;
};

static void *take(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static void add_word(struct words *w, const char *word)
{
    w->at = take(realloc(w->at, (w->n + 1) * sizeof *w->at));
    w->at[w->n++] = word;
}

static void deviation(struct mutants *m, struct fault *f, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void deviation(struct mutants *m, struct fault *f, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
    m->deviations++;
    if (f != NULL)
        f->deviations++;
}

/* Lines "name TAB requirement ids TAB sentence" of mailproofd --fault help; where `mailproof ports`
 * shows the fault TAB "ports" follows. */
static int read_faults(struct mutants *m, struct err *err)
{
    int ends[2], status = 0;
    char *line = NULL;
    size_t room = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_errno(err, "pipe");
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl(m->cli.daemon, m->cli.daemon, "--fault", "help", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    while (in != NULL && getline(&line, &room, in) >= 0) {
        char *rest = line;
        line[strcspn(line, "\n")] = '\0';
        char *name = strsep(&rest, "\t"), *ids = strsep(&rest, "\t");
        if (*name == '\0' || ids == NULL)
            continue;
        const char *says = rest != NULL ? strsep(&rest, "\t") : "";
        m->faults = take(realloc(m->faults, (m->n + 1) * sizeof *m->faults));
        m->faults[m->n++] = (struct fault){.name = take(strdup(name)),
                                           .ids = take(strdup(ids)),
                                           .says = take(strdup(says)),
                                           .ports = rest != NULL && strcmp(rest, "ports") == 0};
    }
    free(line);
    if (in != NULL)
        fclose(in);
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_set(err, "%s --fault help did not work", m->cli.daemon);
    return m->n > 0 ? 0 : err_set(err, "%s has no faults", m->cli.daemon);
}

static struct fault *find_fault(struct mutants *m, const char *name)
{
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->faults[i].name, name) == 0)
            return &m->faults[i];
    return NULL;
}

/* A fault that breaks only what one client on the wire cannot see (the catalogue says so of each of
 * its requirements) cannot be caught here unless a scenario names it: it is counted apart, with
 * what it would take. An id that no catalogue has is a deviation, so that nobody can declare a
 * fault unobservable by a slip of the pen. */
static void find_elsewhere(struct mutants *m, struct fault *f)
{
    char *ids = take(strdup(f->ids)), *rest = ids, *id;
    bool wire = false;
    while ((id = strsep(&rest, " ")) != NULL) {
        const struct requirement *r = catalogue_requirement(&m->cli.catalogue, id);
        if (r == NULL)
            deviation(m, f, "%s breaks \"%s\", which no catalogue has", f->name, id);
        else if (strcmp(r->test, "wire") != 0)
            f->elsewhere = r->test;
        wire = wire || r == NULL || strcmp(r->test, "wire") == 0;
    }
    free(ids);
    for (size_t i = 0; i < m->cli.catalogue.n; i++)
        wire = wire || words_have(&m->cli.catalogue.scenarios[i].catches, f->name);
    if (wire || f->ports)
        f->elsewhere = NULL;
}

static void check_names(struct mutants *m)
{
    const char **names = take(calloc(m->n + 1, sizeof *names));
    for (size_t i = 0; i < m->n; i++)
        names[i] = m->faults[i].name;
    for (size_t i = 0; i < m->chosen.n; i++) {
        const struct scenario *s = m->chosen.at[i];
        /* A rule of lint.h may wait for a fault that breaks it; a scenario may not. */
        if (s->catches.n == 0 && s->lint == NULL)
            deviation(m, NULL, "%s names no fault in catches", s->id);
        for (size_t k = 0; k < s->catches.n; k++) {
            if (find_fault(m, s->catches.at[k]) != NULL)
                continue;
            const char *best = nearest(s->catches.at[k], names, m->n);
            deviation(m, NULL, "%s catches \"%s\", which is no fault of mailproofd%s%s%s", s->id,
                      s->catches.at[k], best != NULL ? "; did you mean \"" : "",
                      best != NULL ? best : "", best != NULL ? "\"?" : "");
        }
    }
    free(names);
}

static json_t *outcomes_json(const struct run_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n; i++) {
        const struct outcome *o = &r->outcomes[i];
        if (o->verdict == VERDICT_PASS || o->verdict == VERDICT_NOTED || o->verdict == VERDICT_SKIP)
            continue;
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:o}", "id", o->scenario->id, "verdict",
                                        verdict_names[o->verdict], "why", record_text(o->why)));
    }
    return list;
}

/* Runs these scenarios against mailproofd with one fault (NULL: none), in this process. asked:
 * NULL, or runner_options.asked. *bad: what did not pass. */
static int run_suite(struct mutants *m, const struct selection *which, const char *fault, int jobs,
                     const char *asked, json_t **bad, struct err *err)
{
    struct target t;
    struct words faults = {0}, none = {0};
    struct record record;
    struct run_result result;
    struct target_wish wish = {.urls = none, .timeout_scale = m->timeout_scale};
    struct runner_options o = {.jobs = jobs,
                               .repeat = 1,
                               .seed = 1,
                               .timeout_scale = m->timeout_scale,
                               .own_scale = 1,
                               .allow_destructive = true,
                               .quiet = true,
                               .evidence = EVIDENCE_NONE,
                               .asked = asked,
                               .run_id = fault};
    int rc = -1;
    if (fault != NULL)
        add_word(&faults, fault);
    wish.faults = faults;
    if (target_open(&t, m->cli.L, m->cli.home, m->cli.daemon, &wish, err) != 0)
        goto out;
    t.own_for_all = asked != NULL;
    if (target_start(&t, 1, err) != 0)
        goto close;
    /* What the server can is asked once, without faults: a fault in the greeting is for scenarios
     * to find. */
    if (m->caps == LUA_NOREF && probe_target(m->cli.L, &t, which, 1, &m->caps, err) != 0)
        goto close;
    o.caps = m->caps;
    record_open(&record, NULL, NULL);
    runner_run(m->cli.L, &t, which, &o, &record, NULL, &result);
    if (result.stop == STOP_TARGET)
        err_set(err, "mailproofd is gone in the middle of the run: %.400s", result.why.text);
    else if (result.stop != STOP_NOT)
        err_set(err, "interrupted");
    else
        rc = 0;
    *bad = outcomes_json(&result);
    run_result_clear(&result);
close:
    target_close(&t);
out:
    free(faults.at);
    return rc;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text != NULL ? text : "";
}

static const json_t *find_bad(const json_t *bad, const char *id)
{
    size_t i;
    json_t *o;
    json_array_foreach (bad, i, o) {
        if (strcmp(text_of(o, "id"), id) == 0)
            return o;
    }
    return NULL;
}

static bool is_red(const json_t *o)
{
    int v = o != NULL ? verdict_of(text_of(o, "verdict")) : -1;
    return v >= 0 && verdict_is_red((enum verdict)v);
}

/* Runs these against a fresh server and adds their ids and what did not pass to the answer. */
static int look_again(struct mutants *m, const char *fault, const struct selection *group,
                      json_t *ids, json_t *bad, struct err *err)
{
    json_t *now = NULL;
    int rc = run_suite(m, group, fault, m->jobs, NULL, &now, err);
    for (size_t i = 0; i < group->n && rc == 0; i++)
        json_array_append_new(ids, json_string(group->at[i]->id));
    if (rc == 0)
        json_array_extend(bad, now);
    json_decref(now);
    return rc;
}

/* Runs these in groups small enough that each scenario has fresh accounts on a fresh server: what a
 * fault did to one scenario's mailbox must not be held against the next. Adds to ids and bad. The
 * rules of lint.h hold in every group. */
static int run_in_groups(struct mutants *m, const char *fault, const struct selection *which,
                         json_t *ids, json_t *bad, struct err *err)
{
    struct selection group = {.at = take(calloc(which->n + 1, sizeof *group.at))};
    size_t lint = 0;
    int users = 0, rc = 0;
    for (size_t i = 0; i < which->n; i++)
        if (which->at[i]->lint != NULL)
            group.at[lint++] = which->at[i];
    group.n = lint;
    for (size_t i = 0; i < which->n && rc == 0; i++) {
        const struct scenario *s = which->at[i];
        if (s->lint != NULL)
            continue;
        if (users + s->users > m->jobs) {
            rc = look_again(m, fault, &group, ids, bad, err);
            group.n = lint;
            users = 0;
        }
        group.at[group.n++] = s;
        users += s->users;
    }
    if (group.n > lint && rc == 0)
        rc = look_again(m, fault, &group, ids, bad, err);
    free(group.at);
    return rc;
}

/* Runs once more, in groups, what deviated: many processes on few processors can make a clock late.
 * What the second look says counts. */
static json_t *second_look(struct mutants *m, const char *fault, const json_t *bad)
{
    struct err err;
    struct selection which = {.at = take(calloc(m->chosen.n + 1, sizeof *which.at))};
    json_t *o = json_object(), *ids = json_array(), *now = json_array();
    for (size_t i = 0; i < m->chosen.n; i++) {
        const struct scenario *s = m->chosen.at[i];
        if (s->lint == NULL && is_red(find_bad(bad, s->id)) != words_have(&s->catches, fault))
            which.at[which.n++] = s;
    }
    (void)run_in_groups(m, fault, &which, ids, now, &err);
    json_object_set_new(o, "ids", ids);
    json_object_set_new(o, "bad", now);
    free(which.at);
    return o;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Whether the scenario is run against the fault: when it names it, and when it goes through the
 * part of the server where the fault is. What is left to --all: scenarios of another protocol, and
 * for faults of reception those with a second host (for faults of the queue, those without). */
static bool is_near(const struct scenario *s, const char *fault)
{
    if (s->lint != NULL || words_have(&s->catches, fault))
        return true;
    if (begins(fault, "imap-") || begins(fault, "pop3-"))
        return strncmp(s->protocol, fault, 4) == 0 && !s->needs_control;
    if (begins(fault, "queue-"))
        return strcmp(s->protocol, "smtp") == 0 && s->needs_control;
    if (begins(fault, "smtp-") || begins(fault, "lmtp-") || begins(fault, "submission-"))
        return strcmp(s->protocol, "smtp") == 0 && !s->needs_control;
    return !s->needs_control;
}

/* Whether the fault can make a difference to the scenario, and is to be tried. */
static bool is_tried(const struct mutants *m, const struct scenario *s, const struct fault *f)
{
    if (s->lint != NULL || words_have(&s->catches, f->name))
        return true;
    return (m->all || is_near(s, f->name)) && reach_has(&m->reach, s, (size_t)(f - m->faults));
}

static void keep_tried(const struct mutants *m, struct selection *chosen, const struct fault *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < chosen->n; i++)
        if (is_tried(m, chosen->at[i], f))
            chosen->at[kept++] = chosen->at[i];
    chosen->n = kept;
}

/* Leaves out what is tried against none of the chosen faults. */
static void keep_near_any(struct mutants *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->chosen.n; i++) {
        bool any = m->all;
        for (size_t k = 0; k < m->n && !any; k++)
            any = m->faults[k].chosen && is_near(m->chosen.at[i], m->faults[k].name);
        if (any)
            m->chosen.at[kept++] = m->chosen.at[i];
    }
    m->chosen.n = kept;
}

/* In the tester's process: the answer goes to fd as one JSON object. */
static noreturn void test_fault(struct mutants *m, const struct fault *fault, int fd)
{
    struct err err = {{0}};
    json_t *bad = NULL, *answer = json_object(), *ids = json_array();
    int rc;
    keep_tried(m, &m->chosen, fault);
    /* Unlike a scenario it has children and a server of its own to end: SIGTERM lets the runner do
     * that. A maildrop that stays locked would be the next scenario's, whichever that is. */
    if (begins(fault->name, "pop3-"))
        rc = run_in_groups(m, fault->name, &m->chosen, ids, bad = json_array(), &err);
    else
        rc = run_suite(m, &m->chosen, fault->name, m->jobs, NULL, &bad, &err);
    json_decref(ids);
    if (rc != 0)
        json_object_set_new(answer, "error", record_text(err.text));
    else
        json_object_set_new(answer, "second", second_look(m, fault->name, bad));
    json_object_set_new(answer, "bad", bad != NULL ? bad : json_array());
    worker_say(fd, "tested", answer);
    _exit(0);
}

static int start_tester(struct mutants *m, struct tester *t, struct fault *f,
                        const struct tester *all, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_errno(err, "pipe");
    fflush(NULL);
    t->pid = fork();
    if (t->pid == 0) {
        for (int i = 0; i < m->workers; i++)
            if (all[i].fault != NULL)
                close(all[i].fd);
        close(ends[0]);
        test_fault(m, f, ends[1]);
    }
    close(ends[1]);
    if (t->pid < 0) {
        close(ends[0]);
        return err_errno(err, "fork");
    }
    t->fault = f;
    t->fd = ends[0];
    t->answer = take(malloc(ANSWER_MOST));
    t->n = 0;
    return 0;
}

static void judge(struct mutants *m, struct fault *f, const json_t *answer)
{
    const json_t *bad = json_object_get(answer, "bad"), *second = json_object_get(answer, "second");
    const char *error = json_string_value(json_object_get(answer, "error"));
    if (error != NULL) {
        deviation(m, f, "%s: %s", f->name, error);
        return;
    }
    for (size_t i = 0; i < m->chosen.n; i++) {
        const struct scenario *s = m->chosen.at[i];
        bool wanted = words_have(&s->catches, f->name);
        const json_t *o = find_bad(bad, s->id);
        bool again = false;
        size_t k;
        json_t *id;
        json_array_foreach (json_object_get(second, "ids"), k, id) {
            again = again || strcmp(json_string_value(id), s->id) == 0;
        }
        if (again) {
            const json_t *now = find_bad(json_object_get(second, "bad"), s->id);
            if (is_red(now) != is_red(o))
                printf("note: %s: %s was %s first, then %s: %.300s\n", f->name, s->id,
                       o != NULL ? text_of(o, "verdict") : "pass",
                       now != NULL ? text_of(now, "verdict") : "pass",
                       text_of(o != NULL ? o : now, "why"));
            o = now;
        }
        if (m->rows != NULL && (wanted || is_red(o)))
            fprintf(m->rows, "%s\t%s\t%s\t%s\n", f->name, s->id,
                    !wanted     ? "surplus"
                    : is_red(o) ? "caught"
                                : "missed",
                    text_of(o, "why"));
        if (wanted && is_red(o))
            f->caught++;
        else if (wanted)
            deviation(m, f, "%s: %s names it and was %s%s%.300s", f->name, s->id,
                      o != NULL ? text_of(o, "verdict") : "not red", o != NULL ? ": " : "",
                      text_of(o, "why"));
        else if (is_red(o))
            deviation(m, f, "%s: %s turned red and does not name it: %.300s", f->name, s->id,
                      text_of(o, "why"));
        else if (o != NULL && verdict_of(text_of(o, "verdict")) == VERDICT_ERROR)
            deviation(m, f, "%s: %s was in error: %.300s", f->name, s->id, text_of(o, "why"));
    }
    if (f->caught == 0 && m->id_globs.n == 0)
        deviation(m, f, "%s is caught by nobody: %s", f->name, f->says);
}

static void finish_tester(struct mutants *m, struct tester *t)
{
    int status = 0;
    json_t *answer = NULL;
    while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    close(t->fd);
    t->answer[t->n] = '\0';
    if (strncmp(t->answer, "!tested ", 8) == 0)
        answer = json_loads(t->answer + 8, JSON_ALLOW_NUL, NULL);
    if (answer == NULL)
        deviation(m, t->fault, "%s: the suite's process ended without an answer", t->fault->name);
    else
        judge(m, t->fault, answer);
    json_decref(answer);
    free(t->answer);
    t->fault->over = true;
    *t = (struct tester){0};
}

static void listen_once(struct mutants *m, struct tester *testers)
{
    struct pollfd fds[WORKERS_MOST];
    for (int i = 0; i < m->workers; i++)
        fds[i] =
            (struct pollfd){.fd = testers[i].fault != NULL ? testers[i].fd : -1, .events = POLLIN};
    if (poll(fds, (nfds_t)m->workers, -1) < 0)
        return;
    for (int i = 0; i < m->workers; i++) {
        struct tester *t = &testers[i];
        if (fds[i].revents == 0 || t->fault == NULL)
            continue;
        ssize_t got = read(t->fd, t->answer + t->n, ANSWER_MOST - 1 - t->n);
        if (got > 0)
            t->n += (size_t)got;
        else if (got == 0 || errno != EINTR)
            finish_tester(m, t);
    }
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

static void test_all(struct mutants *m)
{
    struct tester testers[WORKERS_MOST] = {{0}};
    struct err err;
    size_t next = 0, running = 0, total = 0, over = 0;
    bool live = isatty(STDERR_FILENO) == 1;
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_interrupt}, NULL);
    for (size_t i = 0; i < m->n; i++)
        total += m->faults[i].chosen;
    for (;;) {
        for (int i = 0; i < m->workers && !interrupted; i++) {
            while (next < m->n && !m->faults[next].chosen)
                next++;
            if (testers[i].fault == NULL && next < m->n &&
                start_tester(m, &testers[i], &m->faults[next], testers, &err) == 0)
                next++;
        }
        running = over = 0;
        for (int i = 0; i < m->workers; i++)
            running += testers[i].fault != NULL;
        for (size_t i = 0; i < m->n; i++)
            over += m->faults[i].over;
        if (live)
            fprintf(stderr, "\r\033[K%zu/%zu faults", over, total);
        if (running == 0)
            break;
        if (interrupted)
            for (int i = 0; i < m->workers; i++)
                if (testers[i].fault != NULL)
                    kill(testers[i].pid, SIGTERM);
        listen_once(m, testers);
    }
    if (live)
        fputs("\r\033[K", stderr);
}

/* Without a fault nothing may be red: else every fault would seem caught. What is, is left out of
 * the rest. Each scenario has a server to itself here, which tells what faults it came past. */
static int test_none(struct mutants *m, struct err *err)
{
    json_t *bad = NULL, *o;
    size_t i;
    const char *tmp = getenv("TMPDIR");
    char folder[4096];
    if (snprintf(folder, sizeof folder, "%s/mailproof-asked-XXXXXX", tmp != NULL ? tmp : "/tmp") >=
        (int)sizeof folder)
        return err_set(err, "TMPDIR is too long");
    if (mkdtemp(folder) == NULL)
        return err_errno(err, folder);
    int rc = run_suite(m, &m->chosen, NULL, m->workers * 2, folder, &bad, err);
    if (rc == 0)
        rc = reach_read(&m->reach, folder, &m->chosen, m->n, err);
    if (rmdir(folder) != 0 && rc == 0)
        rc = err_errno(err, folder);
    if (rc != 0) {
        json_decref(bad);
        return -1;
    }
    json_array_foreach (bad, i, o) {
        deviation(m, NULL, "without any fault %s was %s: %.300s", text_of(o, "id"),
                  text_of(o, "verdict"), text_of(o, "why"));
    }
    size_t kept = 0;
    for (size_t k = 0; k < m->chosen.n; k++)
        if (find_bad(bad, m->chosen.at[k]->id) == NULL)
            m->chosen.at[kept++] = m->chosen.at[k];
    m->chosen.n = kept;
    json_decref(bad);
    return 0;
}

static int sum_up(const struct mutants *m)
{
    size_t total = 0, caught = 0, elsewhere = 0, ports = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct fault *f = &m->faults[i];
        if (f->elsewhere != NULL) {
            printf("%s needs more than a client (%s): not tried\n", f->name, f->elsewhere);
            elsewhere++;
        }
        ports += f->ports && !f->chosen;
        total += f->chosen;
        caught += f->chosen && f->over && f->deviations == 0;
    }
    if (elsewhere > 0)
        printf("%zu more faults cannot be seen by a client and were not tried\n", elsewhere);
    if (ports > 0)
        printf("%zu more faults are of TLS and of the ports: make ports-proof shows them\n", ports);
    if (interrupted)
        puts("interrupted");
    printf("%zu faults: %zu caught, %zu not\n", total, caught, total - caught);
    if (interrupted)
        return EXIT_INTERRUPTED;
    return m->deviations > 0 || caught < total ? EXIT_UNEXPECTED : EXIT_AS_EXPECTED;
}

static int prove_scenarios(struct mutants *m)
{
    struct err err;
    struct wish wish = {.globs = m->id_globs};
    int code = (int)cli_open(&m->cli);
    if (code != EXIT_AS_EXPECTED)
        return code;
    if (select_scenarios(&m->cli.catalogue, &wish, &m->chosen, &err) != 0) {
        fprintf(stderr, "mailproof mutants: %s\n", err.text);
        return EXIT_NOTHING;
    }
    if (read_faults(m, &err) != 0) {
        fprintf(stderr, "mailproof mutants: %s\n", err.text);
        return EXIT_TARGET;
    }
    size_t chosen = 0;
    for (size_t i = 0; i < m->n; i++) {
        m->faults[i].chosen = m->fault_globs.n == 0;
        for (size_t g = 0; g < m->fault_globs.n; g++)
            if (fnmatch(m->fault_globs.at[g], m->faults[i].name, 0) == 0)
                m->faults[i].chosen = true;
        if (m->faults[i].chosen)
            find_elsewhere(m, &m->faults[i]);
        m->faults[i].chosen =
            m->faults[i].chosen && !m->faults[i].ports && m->faults[i].elsewhere == NULL;
        chosen += m->faults[i].chosen;
    }
    if (chosen == 0) {
        fputs("mailproof mutants: no fault of mailproofd matches\n", stderr);
        return EXIT_NOTHING;
    }
    check_names(m);
    keep_near_any(m);
    if (test_none(m, &err) != 0) {
        fprintf(stderr, "mailproof mutants: %s\n", err.text);
        return EXIT_TARGET;
    }
    if (m->table != NULL && (m->rows = fopen(m->table, "we")) == NULL) {
        perror(m->table);
        return EXIT_INTERNAL;
    }
    test_all(m);
    if (m->rows != NULL)
        fclose(m->rows);
    return sum_up(m);
}

int cli_mutants(int argc, char **argv)
{
    struct mutants m = {.caps = LUA_NOREF, .timeout_scale = 0.3, .jobs = 8};
    struct words rest = {0};
    struct err err;
    int code;
    const struct flag flags[] = {
        {"--jobs", 'j', FLAG_NUMBER, &m.workers, "N",
         "servers tested at once (default: two a processor)"},
        {"--scenarios", 0, FLAG_NUMBER, &m.jobs, "N",
         "scenarios at once for each server (default 8)"},
        {"--timeout-scale", 0, FLAG_SECONDS, &m.timeout_scale, "X",
         "every time limit times X (default 0.3)"},
        {"--all", 0, FLAG_SWITCH, &m.all, NULL, "scenarios of the other protocols, too"},
        {"--table", 0, FLAG_TEXT, &m.table, "FILE",
         "write fault, scenario, caught|missed|surplus, why, with tabs"},
        {0},
    };
    int parsed = flags_parse(flags, argc, argv, &rest, &err);
    for (size_t i = 0; i < rest.n; i++)
        add_word(strchr(rest.at[i], '/') != NULL ? &m.id_globs : &m.fault_globs, rest.at[i]);
    if (m.workers == 0)
        m.workers = (int)sysconf(_SC_NPROCESSORS_ONLN) * 2;
    if (m.workers < 1 || m.workers > WORKERS_MOST)
        m.workers = m.workers < 1 ? 2 : WORKERS_MOST;
    if (parsed > 0) {
        flags_help(flags, "mailproof mutants [FLAGS] [FAULT-GLOB|ID-GLOB...]",
                   "Starts mailproofd with each of its faults and demands that exactly those "
                   "scenarios turn\n"
                   "red (fail, weak, timeout) that name the fault in catches. A glob with a slash "
                   "chooses\n"
                   "scenarios, one without faults. A first run without any tells which scenarios "
                   "come past\n"
                   "which fault; against each fault run those that name it, and of those that come "
                   "past it\n"
                   "the ones of its protocol; for faults of the queue those with a second host.",
                   stdout);
        code = EXIT_AS_EXPECTED;
    } else if (parsed < 0) {
        fprintf(stderr, "mailproof mutants: %s\n", err.text);
        code = EXIT_USAGE;
    } else {
        code = prove_scenarios(&m);
    }
    for (size_t i = 0; i < m.n; i++) {
        free(m.faults[i].name);
        free(m.faults[i].ids);
        free(m.faults[i].says);
    }
    free(m.faults);
    reach_clear(&m.reach);
    selection_clear(&m.chosen);
    cli_close(&m.cli);
    free(m.fault_globs.at);
    free(m.id_globs.at);
    free(rest.at);
    return code;
}
