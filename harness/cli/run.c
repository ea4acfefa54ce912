/* mailproof run: proves a target. Reads flags, chooses scenarios, opens the target, lets the runner
 * work, renders. SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "catalogue/nearest.h"
#include "catalogue/select.h"
#include "cli/cli.h"
#include "cli/flags.h"
#include "cli/folder.h"
#include "cli/formats.h"
#include "cli/sniff.h"
#include "cli/terminal.h"
#include "run/event.h"
#include "run/probe.h"
#include "run/runner.h"

struct run_flags {
    struct words targets, users, faults, formats, tags, levels, rfcs, globs;
    const char *ca, *domain, *password_file, *source, *verify_name;
    const char *out, *baseline, *evidence, *capture, *shard, *color, *explain;
    bool allow_destructive, rerun_failed, list, dry_run, fail_fast, strict, quiet, no_reports,
        no_probe;
    int jobs, repeat, verbose;
    long long seed;
    double timeout_scale, deadline;
};

/* A whole run; everything that must be let go is in here. */
struct run {
    struct run_flags f;
    struct cli cli;
    struct selection chosen;
    struct target target;
    struct baseline baseline;
    bool has_baseline;
    struct record record;
    struct words owned; /* strings that lines of files became */
    char id[64], folder[4096], again[8192];
    int caps;
};

static const char usage[] = "mailproof run [FLAGS] [ID-GLOB...]";
static const char about[] =
    "Runs scenarios against a server and leaves run.jsonl, report.html, junit.xml, summary.json "
    "and\n"
    "evidence/ in out/RUN-ID/ (and the link out/latest). Without --target it starts mailproofd on\n"
    "free ports and proves that. A glob names scenario ids (\"smtp/**\", \"*/rfc5321/*\"); a plain "
    "word\n"
    "an id, a folder of ids, a scenario file, or a requirement.";

static enum exit_code fail(enum exit_code code, const struct err *err)
{
    fprintf(stderr, "mailproof: %s\n", err->text);
    return code;
}

static char *keep(struct run *r, char *text)
{
    r->owned.at = realloc(r->owned.at, (r->owned.n + 1) * sizeof *r->owned.at);
    if (text == NULL || r->owned.at == NULL)
        abort();
    r->owned.at[r->owned.n++] = text;
    return text;
}

static void add_word(struct words *w, const char *word)
{
    w->at = realloc(w->at, (w->n + 1) * sizeof *w->at);
    if (w->at == NULL)
        abort();
    w->at[w->n++] = word;
}

/* Lines name:password, so that passwords stay out of the process list. */
static int read_passwords(struct run *r, struct err *err)
{
    char *line = NULL;
    size_t room = 0;
    int number = 0, rc = 0;
    if (r->f.password_file == NULL)
        return 0;
    FILE *file = fopen(r->f.password_file, "re");
    if (file == NULL)
        return err_errno(err, r->f.password_file);
    while (rc == 0 && getline(&line, &room, file) >= 0) {
        number++;
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '\0' || line[0] == '#')
            continue;
        if (strchr(line, ':') == NULL)
            rc = err_set(err, "%s:%d: expected name:password", r->f.password_file, number);
        else
            add_word(&r->f.users, keep(r, strdup(line)));
    }
    free(line);
    fclose(file);
    return rc;
}

/* Ids of the last run that did not come out well. */
static int read_failed(struct run *r, struct wish *wish, struct err *err)
{
    char path[4200], *line = NULL;
    size_t room = 0;
    if (r->f.out != NULL)
        snprintf(path, sizeof path, "%s/run.jsonl", r->f.out);
    else
        snprintf(path, sizeof path, "out/latest/run.jsonl");
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return err_set(err, "--rerun-failed: no earlier run, %s is not there", path);
    while (getline(&line, &room, file) >= 0) {
        if (strstr(line, "\"case.end\"") == NULL)
            continue;
        json_t *e = json_loads(line, JSON_ALLOW_NUL, NULL);
        const char *id = json_string_value(json_object_get(e, "case"));
        const char *verdict = json_string_value(json_object_get(e, "verdict"));
        int v = verdict != NULL ? verdict_of(verdict) : -1;
        bool expected = json_is_string(json_object_get(e, "baseline")) &&
                        strcmp(json_string_value(json_object_get(e, "baseline")), "expected") == 0;
        if (id != NULL && v >= 0 && v != VERDICT_PASS && v != VERDICT_NOTED && v != VERDICT_SKIP &&
            !expected)
            add_word(&wish->ids, keep(r, strdup(id)));
        json_decref(e);
    }
    free(line);
    fclose(file);
    wish->only_ids = true;
    return 0;
}

static int read_shard(const char *text, struct wish *wish, struct err *err)
{
    char end;
    if (text == NULL)
        return 0;
    if (sscanf(text, "%u/%u%c", &wish->shard, &wish->shards, &end) != 2 || wish->shard < 1 ||
        wish->shard > wish->shards)
        return err_set(err, "--shard %s: written as I/N, I from 1 to N", text);
    return 0;
}

static int check_levels(const struct words *levels, struct err *err)
{
    static const char *const known[] = {"MUST",       "MUST NOT", "SHOULD",
                                        "SHOULD NOT", "MAY",      "stated"};
    for (size_t i = 0; i < levels->n; i++) {
        bool ok = false;
        for (size_t k = 0; k < 6; k++)
            ok = ok || strcasecmp(levels->at[i], known[k]) == 0;
        if (ok)
            continue;
        const char *best = nearest(levels->at[i], known, 6);
        return err_set(err, "--level: there is no level \"%s\"; did you mean \"%s\"?",
                       levels->at[i], best != NULL ? best : "MUST");
    }
    return 0;
}

static enum exit_code choose(struct run *r)
{
    struct err err;
    struct wish wish = {
        .globs = r->f.globs, .tags = r->f.tags, .levels = r->f.levels, .rfcs = r->f.rfcs};
    enum exit_code code = EXIT_AS_EXPECTED;
    if (read_shard(r->f.shard, &wish, &err) != 0 || check_levels(&r->f.levels, &err) != 0 ||
        (r->f.rerun_failed && read_failed(r, &wish, &err) != 0))
        code = fail(EXIT_USAGE, &err);
    else if (select_scenarios(&r->cli.catalogue, &wish, &r->chosen, &err) != 0)
        code = fail(EXIT_NOTHING, &err);
    free(wish.ids.at);
    if (code == EXIT_AS_EXPECTED && r->chosen.n == 0) {
        fputs("mailproof: no scenario is chosen\n", stderr);
        return EXIT_NOTHING;
    }
    return code;
}

static enum exit_code list(const struct run *r)
{
    for (size_t i = 0; i < r->chosen.n; i++)
        printf("%s\t%s\t%s\n", r->chosen.at[i]->id, r->chosen.at[i]->level, r->chosen.at[i]->title);
    return EXIT_AS_EXPECTED;
}

/* What would run on this target and what not, as far as can be said without talking to it. */
static enum exit_code dry_run(struct run *r)
{
    char why[256];
    size_t skipped = 0;
    for (size_t i = 0; i < r->chosen.n; i++) {
        const struct scenario *s = r->chosen.at[i];
        bool skips = s->lint == NULL && target_skips(&r->target, s, LUA_NOREF,
                                                     r->f.allow_destructive, why, sizeof why);
        printf("%s %s%s%s\n", skips ? "skip" : "run ", s->id, skips ? ": " : "", skips ? why : "");
        skipped += skips;
    }
    printf("%zu to run, %zu to skip\n", r->chosen.n - skipped, skipped);
    return r->chosen.n > skipped ? EXIT_AS_EXPECTED : EXIT_NOTHING;
}

static struct target_wish wish_of(const struct run *r, bool faults)
{
    struct target_wish w = {.urls = r->f.targets,
                            .users = r->f.users,
                            .domain = r->f.domain,
                            .ca = r->f.ca,
                            .source = r->f.source,
                            .verify_name = r->f.verify_name,
                            .timeout_scale = r->f.timeout_scale};
    if (faults)
        w.faults = r->f.faults;
    return w;
}

static enum exit_code load_baseline(struct run *r)
{
    struct err err;
    const char *path = r->f.baseline != NULL ? r->f.baseline : r->target.baseline;
    /* A target file names its baseline before there is anything to write into it. */
    if (path == NULL || (r->f.baseline == NULL && access(path, F_OK) != 0))
        return EXIT_AS_EXPECTED;
    if (baseline_load(&r->baseline, path, &r->cli.catalogue, &err) != 0)
        return fail(EXIT_USAGE, &err);
    r->has_baseline = true;
    return EXIT_AS_EXPECTED;
}

/* Starts the target and looks at it. A server that we made misbehave is not asked what it can: a
 * twin without faults is. */
static enum exit_code reach(struct run *r)
{
    struct err err;
    if (r->f.no_probe)
        return target_start(&r->target, r->f.timeout_scale, &err) == 0 ? EXIT_AS_EXPECTED
                                                                       : fail(EXIT_TARGET, &err);
    if (r->f.faults.n > 0) {
        struct target twin;
        struct target_wish w = wish_of(r, false);
        if (target_open(&twin, r->cli.L, r->cli.home, r->cli.daemon, &w, &err) != 0)
            return fail(EXIT_TARGET, &err);
        int rc = target_start(&twin, r->f.timeout_scale, &err);
        if (rc == 0)
            rc = probe_target(r->cli.L, &twin, &r->chosen, r->f.timeout_scale, &r->caps, &err);
        target_close(&twin);
        if (rc != 0 || target_start(&r->target, r->f.timeout_scale, &err) != 0)
            return fail(EXIT_TARGET, &err);
        return EXIT_AS_EXPECTED;
    }
    if (target_start(&r->target, r->f.timeout_scale, &err) != 0 ||
        probe_target(r->cli.L, &r->target, &r->chosen, r->f.timeout_scale, &r->caps, &err) != 0)
        return fail(EXIT_TARGET, &err);
    return EXIT_AS_EXPECTED;
}

/* "user:secret" -> "user:***": run.jsonl and reports are shown to others. */
static const char *without_password(const char *previous, const char *word, char *out, size_t size)
{
    const char *value = word;
    int prefix = 0;
    if (strncmp(word, "--user=", 7) == 0) {
        value = word + 7;
        prefix = 7;
    } else if (strcmp(previous, "--user") != 0) {
        return word;
    }
    const char *colon = strchr(value, ':');
    if (colon == NULL)
        return word;
    snprintf(out, size, "%.*s***", prefix + (int)(colon - value) + 1, word);
    return out;
}

static void add_again(struct run *r, const char *flag, const char *value)
{
    size_t n = strlen(r->again);
    snprintf(r->again + n, sizeof r->again - n, " %s %s", flag, value);
}

static void say_again(struct run *r)
{
    char hidden[512];
    snprintf(r->again, sizeof r->again, "mailproof run");
    for (size_t i = 0; i < r->f.targets.n; i++)
        add_again(r, "--target", r->f.targets.at[i]);
    for (size_t i = 0; i < r->f.faults.n; i++)
        add_again(r, "--fault", r->f.faults.at[i]);
    if (r->f.password_file != NULL)
        add_again(r, "--password-file", r->f.password_file);
    for (size_t i = 0; i < r->f.users.n && r->f.password_file == NULL; i++)
        add_again(r, "--user", without_password("--user", r->f.users.at[i], hidden, sizeof hidden));
    if (r->f.domain != NULL)
        add_again(r, "--domain", r->f.domain);
    if (r->f.ca != NULL)
        add_again(r, "--ca", r->f.ca);
    if (r->f.allow_destructive)
        strncat(r->again, " --allow-destructive", sizeof r->again - strlen(r->again) - 1);
}

static void record_begin(struct run *r)
{
    char when[40], hidden[512];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_t *command = json_array(), *target = json_object(), *e = json_object();
    for (int i = 0; i < cli_argc; i++)
        json_array_append_new(command,
                              record_text(without_password(i > 0 ? cli_argv[i - 1] : "",
                                                           cli_argv[i], hidden, sizeof hidden)));
    json_object_set_new(target, "name", record_text(r->target.name));
    json_object_set_new(target, "services", target_services(&r->target));
    if (*target_software(&r->target) != '\0')
        json_object_set_new(target, "software", record_text(target_software(&r->target)));
    if (r->f.faults.n > 0) {
        json_t *faults = json_array();
        for (size_t i = 0; i < r->f.faults.n; i++)
            json_array_append_new(faults, record_text(r->f.faults.at[i]));
        json_object_set_new(target, "faults", faults);
    }
    json_object_set_new(e, "ev", json_string("run.start"));
    json_object_set_new(e, "t", json_string(when));
    json_object_set_new(e, "run", json_string(r->id));
    json_object_set_new(e, "version", json_string(MAILPROOF_VERSION));
    json_object_set_new(e, "command", command);
    json_object_set_new(e, "target", target);
    json_object_set_new(e, "seed", json_integer(r->f.seed));
    json_object_set_new(e, "scenarios", json_integer((json_int_t)r->chosen.n));
    record_event(&r->record, e);
}

static void record_finish(struct run *r, const struct run_result *result, enum exit_code code)
{
    static const char *const stops[] = {
        [STOP_NOT] = NULL,        [STOP_DEADLINE] = "deadline", [STOP_INTERRUPTED] = "interrupted",
        [STOP_TARGET] = "target", [STOP_RECORD] = "record",     [STOP_FAIL_FAST] = "fail-fast",
    };
    size_t counts[VERDICTS];
    json_t *e = json_object(), *o = json_object();
    run_result_count(result, counts);
    for (int v = 0; v < VERDICTS; v++)
        json_object_set_new(o, verdict_names[v], json_integer((json_int_t)counts[v]));
    json_object_set_new(e, "ev", json_string("run.end"));
    json_object_set_new(e, "exit", json_integer(code));
    json_object_set_new(e, "counts", o);
    json_object_set_new(e, "seconds", event_time(result->seconds));
    json_object_set_new(e, "cpu_ms", event_time(result->cpu_ms));
    if (stops[result->stop] != NULL)
        json_object_set_new(e, "stopped", json_string(stops[result->stop]));
    if (result->why.text[0] != '\0')
        json_object_set_new(e, "why", record_text(result->why.text));
    record_event(&r->record, e);
}

static int read_evidence(const char *text, enum evidence *out, struct err *err)
{
    static const char *const words[] = {"all", "failed", "none"};
    for (int i = 0; text != NULL && i < 3; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = (enum evidence)i;
            return 0;
        }
    *out = EVIDENCE_ALL;
    return text == NULL ? 0 : err_set(err, "--evidence %s: all, failed or none", text);
}

static int check_capture(const char *text, struct err *err)
{
    if (strcmp(text, "made") == 0 || strcmp(text, "wire") == 0)
        return 0;
    return err_set(err, "--capture %s: made (from the recorded bytes) or wire (from the interface)",
                   text);
}

static enum exit_code prove(struct run *r, enum evidence evidence)
{
    struct err err;
    struct terminal terminal;
    struct run_result result;
    struct capture_wire *wire = NULL;
    char jsonl[4200], log[4200];
    folder_run_id(r->id, sizeof r->id);
    if (folder_make(r->f.out, r->id, r->folder, sizeof r->folder, &err) != 0)
        return fail(EXIT_INTERNAL, &err);
    snprintf(jsonl, sizeof jsonl, "%s/run.jsonl", r->folder);
    if (record_open(&r->record, jsonl, &err) != 0)
        return fail(EXIT_INTERNAL, &err);
    if (strcmp(r->f.capture, "wire") == 0 && sniff_start(&r->target, r->folder, &wire, &err) != 0) {
        fprintf(stderr, "mailproof: --capture wire: %s\n", err.text);
        return EXIT_INTERNAL;
    }
    folder_link_latest(r->f.out, r->id);
    say_again(r);
    terminal_init(&terminal, formats_use_stdout(&r->f.formats) ? stderr : stdout, r->f.color);
    terminal.quiet = r->f.quiet;
    terminal.verbose = r->f.verbose;
    terminal.folder = r->folder;
    terminal.again = r->again;
    terminal.baseline = r->has_baseline ? &r->baseline : NULL;
    struct runner_watch watch = terminal_watch(&terminal);
    struct runner_options o = {
        .jobs = r->f.jobs,
        .repeat = r->f.repeat,
        .seed = r->f.seed,
        .timeout_scale = r->f.timeout_scale,
        .deadline_s = r->f.deadline,
        .fail_fast = r->f.fail_fast,
        .allow_destructive = r->f.allow_destructive,
        .keep_events = r->f.verbose > 0,
        .evidence = evidence,
        .folder = r->folder,
        .run_id = r->id,
        .caps = r->caps,
        .baseline = r->has_baseline ? &r->baseline : NULL,
    };
    record_begin(r);
    runner_run(r->cli.L, &r->target, &r->chosen, &o, &r->record, &watch, &result);
    sniff_stop(wire);
    enum exit_code code = run_result_exit(&result, r->f.strict);
    record_finish(r, &result, code);
    if (r->record.broken && result.stop == STOP_NOT) { /* the very last line did not fit */
        result.stop = STOP_RECORD;
        result.why = r->record.why;
        code = EXIT_INTERNAL;
    }
    const char *files[1] = {jsonl};
    if (r->target.state != NULL) {
        snprintf(log, sizeof log, "%s/stderr.log", r->target.state);
        folder_keep(log, r->folder, "target.log");
    }
    int rendered =
        formats_write(r->cli.home, files, 1, r->folder, !r->f.no_reports, &r->f.formats, &err);
    terminal_end(&terminal, &result, code);
    if (rendered != 0) {
        fprintf(stderr, "mailproof: %s\n", err.text);
        if (code == EXIT_AS_EXPECTED)
            code = EXIT_INTERNAL;
    }
    terminal_clear(&terminal);
    run_result_clear(&result);
    return code;
}

static enum exit_code start(struct run *r)
{
    struct err err;
    enum evidence evidence;
    if (read_evidence(r->f.evidence, &evidence, &err) != 0 ||
        check_capture(r->f.capture, &err) != 0 || read_passwords(r, &err) != 0)
        return fail(EXIT_USAGE, &err);
    enum exit_code code = cli_open(&r->cli);
    if (code != EXIT_AS_EXPECTED)
        return code;
    if (formats_check(r->cli.home, &r->f.formats, &err) != 0)
        return fail(EXIT_USAGE, &err);
    if ((code = choose(r)) != EXIT_AS_EXPECTED)
        return code;
    if (r->f.list)
        return list(r);
    struct target_wish w = wish_of(r, true);
    if (target_open(&r->target, r->cli.L, r->cli.home, r->cli.daemon, &w, &err) != 0)
        return fail(EXIT_USAGE, &err);
    if ((code = load_baseline(r)) != EXIT_AS_EXPECTED)
        return code;
    if (r->f.dry_run)
        return dry_run(r);
    if ((code = reach(r)) != EXIT_AS_EXPECTED)
        return code;
    return prove(r, evidence);
}

static void let_go(struct run *r)
{
    struct words *lists[] = {&r->f.targets, &r->f.users,  &r->f.faults, &r->f.formats,
                             &r->f.tags,    &r->f.levels, &r->f.rfcs,   &r->f.globs};
    target_close(&r->target);
    baseline_clear(&r->baseline);
    if (r->record.path != NULL)
        record_close(&r->record);
    selection_clear(&r->chosen);
    cli_close(&r->cli);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        free(lists[i]->at);
    for (size_t i = 0; i < r->owned.n; i++)
        free((void *)(uintptr_t)r->owned.at[i]);
    free(r->owned.at);
}

int cli_run(int argc, char **argv)
{
    struct run r = {.caps = LUA_NOREF};
    struct run_flags *f = &r.f;
    struct err err;
    f->timeout_scale = 1;
    f->repeat = 1;
    f->seed = -1;
    f->capture = "made";
    const struct flag flags[] = {
        {"--target", 0, FLAG_WORDS, &f->targets, "URL|FILE",
         "the server: imap://host:port (repeat for its services), a target file, or a name of "
         "scenarios/targets"},
        {"--user", 0, FLAG_WORDS, &f->users, "NAME:PASSWORD",
         "an account that scenarios may use (repeat)"},
        {"--password-file", 0, FLAG_TEXT, &f->password_file, "FILE",
         "accounts as lines name:password"},
        {"--domain", 0, FLAG_TEXT, &f->domain, "D", "the server's mail domain"},
        {"--ca", 0, FLAG_TEXT, &f->ca, "FILE", "certificate authority of the server, PEM"},
        {"--verify-name", 0, FLAG_TEXT, &f->verify_name, "NAME",
         "name that its certificate has to carry"},
        {"--source", 0, FLAG_TEXT, &f->source, "ADDRESS", "local address to connect from"},
        {"--fault", 0, FLAG_WORDS, &f->faults, "NAME",
         "a fault of mailproofd to switch on (repeat)"},
        {"--allow-destructive", 0, FLAG_SWITCH, &f->allow_destructive, NULL,
         "scenarios may empty the accounts' mailboxes"},
        {"--tag", 0, FLAG_WORDS, &f->tags, "TAG",
         "only scenarios with this tag (repeat: any of them)"},
        {"--level", 0, FLAG_WORDS, &f->levels, "LEVEL", "only this level (repeat)"},
        {"--rfc", 0, FLAG_WORDS, &f->rfcs, "N", "only what proves this RFC (repeat)"},
        {"--rerun-failed", 0, FLAG_SWITCH, &f->rerun_failed, NULL,
         "only what did not pass in the last run"},
        {"--shard", 0, FLAG_TEXT, &f->shard, "I/N", "the I-th of N parts"},
        {"--list", 0, FLAG_SWITCH, &f->list, NULL, "print what is chosen, run nothing"},
        {"--dry-run", 0, FLAG_SWITCH, &f->dry_run, NULL,
         "print what would run and what not, contact nobody"},
        {"--explain", 0, FLAG_TEXT, &f->explain, "ID", "as mailproof explain ID"},
        {"--jobs", 'j', FLAG_NUMBER, &f->jobs, "N", "scenarios at once (default: two a processor)"},
        {"--repeat", 0, FLAG_NUMBER, &f->repeat, "N", "everything N times"},
        {"--seed", 0, FLAG_INTEGER, &f->seed, "N", "the random numbers of an earlier run"},
        {"--timeout-scale", 0, FLAG_SECONDS, &f->timeout_scale, "X", "every time limit times X"},
        {"--deadline", 0, FLAG_SECONDS, &f->deadline, "SECONDS",
         "end the run after so long, exit 124"},
        {"--fail-fast", 0, FLAG_SWITCH, &f->fail_fast, NULL,
         "stop at the first unexpected failure"},
        {"--strict", 0, FLAG_SWITCH, &f->strict, NULL, "a missed SHOULD (weak) fails the run, too"},
        {"--baseline", 0, FLAG_TEXT, &f->baseline, "FILE",
         "known failures: lines id, tab, verdict, tab, reason"},
        {"--format", 0, FLAG_WORDS, &f->formats, "KIND[:PATH]",
         "one more report (repeat); PATH - is standard output"},
        {"--no-probe", 0, FLAG_SWITCH, &f->no_probe, NULL,
         "do not look at the server first; what a scenario needs is not asked for"},
        {"--no-reports", 0, FLAG_SWITCH, &f->no_reports, NULL,
         "no report.html, junit.xml, summary.json"},
        {"--out", 0, FLAG_TEXT, &f->out, "DIR", "the run's folder (default out/RUN-ID)"},
        {"--evidence", 0, FLAG_TEXT, &f->evidence, "WHAT", "captures: all (default), failed, none"},
        {"--capture", 0, FLAG_TEXT, &f->capture, "HOW",
         "made (default), or wire: the interface's packets too, in wire.pcap (needs root)"},
        {"--color", 0, FLAG_TEXT, &f->color, "WHEN", "auto (default), always, never"},
        {"--verbose", 'v', FLAG_COUNT, &f->verbose, NULL, "every exchange; -vv every step"},
        {"--quiet", 'q', FLAG_SWITCH, &f->quiet, NULL, "counts only"},
        {0},
    };
    int parsed = flags_parse(flags, argc, argv, &f->globs, &err);
    enum exit_code code;
    if (parsed > 0) {
        flags_help(flags, usage, about, stdout);
        code = EXIT_AS_EXPECTED;
    } else if (parsed < 0) {
        fprintf(stderr, "mailproof run: %s\n", err.text);
        code = EXIT_USAGE;
    } else if (f->explain != NULL) {
        char *id = strdup(f->explain);
        code = (enum exit_code)cli_explain(1, &id);
        free(id);
    } else {
        uint32_t random = 0;
        if (f->seed < 0 && getrandom(&random, sizeof random, 0) == (ssize_t)sizeof random)
            f->seed = random;
        if (f->jobs == 0) {
            long cores = sysconf(_SC_NPROCESSORS_ONLN);
            f->jobs = cores > 0 ? (int)cores * 2 : 2;
        }
        code = start(&r);
    }
    let_go(&r);
    return (int)code;
}
