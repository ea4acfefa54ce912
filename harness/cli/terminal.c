/* Prints outcomes as STYLE.md, "What a user sees", has them.
 * SPDX-License-Identifier: MIT */
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "evidence/transcript.h"

enum { LAST_LINES = 16, SKIP_REASONS = 12 };
#define FAILURES_MOST ((size_t)16 << 20)

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void terminal_init(struct terminal *t, FILE *out, const char *color)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    bool tty = isatty(fileno(out)) == 1, dumb = term == NULL || strcmp(term, "dumb") == 0;
    *t = (struct terminal){.out = out, .live = tty && !dumb};
    t->color = tty && !dumb && (no == NULL || *no == '\0');
    if (color != NULL && strcmp(color, "auto") != 0)
        t->color = strcmp(color, "always") == 0;
    buf_init(&t->failures, FAILURES_MOST);
}

void terminal_clear(struct terminal *t)
{
    buf_clear(&t->failures);
}

static const char *paint(const struct terminal *t, enum verdict v)
{
    if (!t->color)
        return "";
    switch (v) {
    case VERDICT_PASS:
        return "\033[32m";
    case VERDICT_FAIL:
    case VERDICT_TIMEOUT:
        return "\033[1;31m";
    case VERDICT_WEAK:
        return "\033[33m";
    case VERDICT_ERROR:
    case VERDICT_DEPENDENCY:
        return "\033[35m";
    case VERDICT_NOTED:
        return "\033[36m";
    case VERDICT_SKIP:
        return "\033[2m";
    }
    return "";
}

static void erase(struct terminal *t)
{
    if (t->live)
        fputs("\r\033[K", t->out);
}

/* Text that came from a server may hold anything: nothing of it reaches the terminal raw. */
static void add_text(struct buf *b, const char *text)
{
    transcript_escape((const unsigned char *)text, strlen(text), b);
}

static void describe(struct terminal *t, const struct outcome *o, const json_t *events,
                     struct buf *b)
{
    static const char *const words[] = {
        [VERDICT_PASS] = "PASS",   [VERDICT_FAIL] = "FAIL",    [VERDICT_WEAK] = "WEAK",
        [VERDICT_NOTED] = "NOTED", [VERDICT_SKIP] = "SKIP",    [VERDICT_DEPENDENCY] = "NEEDS",
        [VERDICT_ERROR] = "ERROR", [VERDICT_TIMEOUT] = "TIME",
    };
    const struct scenario *s = o->scenario;
    buf_printf(b, "%s%-5s%s %s   %s   RFC %d, %s\n", paint(t, o->verdict), words[o->verdict],
               t->color ? "\033[0m" : "", s->id, s->level, s->rfc, s->section);
    if (o->why[0] != '\0') {
        buf_printf(b, "      ");
        add_text(b, o->why);
        if (o->where[0] != '\0')
            buf_printf(b, "      (%s)", o->where);
        buf_printf(b, "\n");
    }
    if (events != NULL) {
        struct transcript_style style = {.indent = 6,
                                         .steps = t->verbose > 1,
                                         .last = t->verbose > 0 ? 0 : LAST_LINES,
                                         .color = t->color};
        transcript_text(events, verdict_is_red(o->verdict), &style, b);
    }
    if (verdict_is_red(o->verdict) || o->verdict == VERDICT_ERROR) {
        if (o->evidence != NULL && t->folder != NULL)
            buf_printf(b, "      pcap %s/%s\n", t->folder, o->evidence);
        if (t->again != NULL && s->lint == NULL)
            buf_printf(b, "      again %s -v %s\n", t->again, s->id);
    }
    buf_printf(b, "\n");
}

static void done(void *arg, const struct outcome *o, const json_t *events)
{
    struct terminal *t = arg;
    bool calm =
        o->verdict == VERDICT_PASS || o->verdict == VERDICT_NOTED || o->verdict == VERDICT_SKIP;
    if (t->quiet)
        return;
    if (t->verbose > 0) {
        struct buf b;
        buf_init(&b, FAILURES_MOST);
        describe(t, o, events, &b);
        erase(t);
        fwrite(b.data, 1, b.len, t->out);
        fflush(t->out);
        buf_clear(&b);
    } else if (!calm && o->standing != STANDING_EXPECTED) {
        describe(t, o, events, &t->failures);
    }
}

static void moved(void *arg, size_t over, size_t total, size_t running, const char *newest)
{
    struct terminal *t = arg;
    struct winsize size = {0};
    double now = now_s();
    char line[512];
    if (!t->live || t->quiet || now - t->drawn_at < 0.1)
        return;
    t->drawn_at = now;
    size_t width =
        ioctl(fileno(t->out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
    snprintf(line, sizeof line, "%zu/%zu  %zu running  %s", over, total, running,
             newest != NULL ? newest : "");
    line[width - 1 < sizeof line ? width - 1 : sizeof line - 1] = '\0';
    fprintf(t->out, "\r\033[K%s", line);
    fflush(t->out);
}

struct runner_watch terminal_watch(struct terminal *t)
{
    return (struct runner_watch){.arg = t, .done = done, .moved = moved};
}

/* "12 skipped: the target has no pop3 or pop3s" for each reason, the most frequent ones in order of
 * coming. */
static void show_skips(struct terminal *t, const struct run_result *r)
{
    const char *reasons[SKIP_REASONS];
    size_t counts[SKIP_REASONS] = {0}, n = 0, others = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct outcome *o = &r->outcomes[i];
        size_t at = 0;
        if (o->verdict != VERDICT_SKIP)
            continue;
        while (at < n && strcmp(reasons[at], o->why) != 0)
            at++;
        if (at == SKIP_REASONS) {
            others++;
            continue;
        }
        if (at == n)
            reasons[n++] = o->why;
        counts[at]++;
    }
    for (size_t i = 0; i < n; i++)
        fprintf(t->out, "%zu skipped: %s\n", counts[i], reasons[i]);
    if (others > 0)
        fprintf(t->out, "%zu skipped for other reasons\n", others);
}

static void show_stale(struct terminal *t, const struct run_result *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct outcome *o = &r->outcomes[i];
        if (o->standing == STANDING_STALE)
            fprintf(t->out, "STALE %s: %s lists it, and it is %s now; remove the line\n",
                    o->scenario->id, t->baseline != NULL ? t->baseline->path : "the baseline",
                    verdict_names[o->verdict]);
    }
}

static void show_stop(struct terminal *t, const struct run_result *r)
{
    switch (r->stop) {
    case STOP_NOT:
        return;
    case STOP_DEADLINE:
        fputs("stopped: the deadline is over\n", t->out);
        return;
    case STOP_INTERRUPTED:
        fputs("stopped: interrupted\n", t->out);
        return;
    case STOP_TARGET:
        fprintf(t->out, "stopped: the target is gone in the middle of the run: %s\n", r->why.text);
        return;
    case STOP_RECORD:
        fprintf(t->out, "stopped: the run cannot be recorded: %s\n", r->why.text);
        return;
    case STOP_FAIL_FAST:
        fputs("stopped: at the first failure\n", t->out);
        return;
    }
}

void terminal_end(struct terminal *t, const struct run_result *r, enum exit_code code)
{
    static const char *const words[] = {
        [VERDICT_PASS] = "passed",    [VERDICT_FAIL] = "failed",
        [VERDICT_WEAK] = "weak",      [VERDICT_NOTED] = "noted",
        [VERDICT_SKIP] = "skipped",   [VERDICT_DEPENDENCY] = "not prepared",
        [VERDICT_ERROR] = "in error", [VERDICT_TIMEOUT] = "timed out",
    };
    size_t counts[VERDICTS], expected = 0;
    run_result_count(r, counts);
    for (size_t i = 0; i < r->n; i++)
        expected += r->outcomes[i].standing == STANDING_EXPECTED;
    erase(t);
    if (!t->quiet) {
        if (t->failures.len > 0)
            fwrite(t->failures.data, 1, t->failures.len, t->out);
        show_skips(t, r);
    }
    show_stale(t, r);
    show_stop(t, r);
    fprintf(t->out, "%zu passed, %zu failed", counts[VERDICT_PASS], counts[VERDICT_FAIL]);
    for (int v = VERDICT_WEAK; v < VERDICTS; v++)
        if (counts[v] > 0)
            fprintf(t->out, ", %zu %s", counts[v], words[v]);
    if (expected > 0)
        fprintf(t->out, " (%zu expected by the baseline)", expected);
    fprintf(t->out, " in %.2f s", r->seconds);
    fprintf(t->out, code != EXIT_AS_EXPECTED ? ", exit %d\n" : "\n", (int)code);
    fflush(t->out);
}
