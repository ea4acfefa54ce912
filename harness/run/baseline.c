/* Reads a baseline and holds outcomes against it.
 * SPDX-License-Identifier: MIT */
#include "run/baseline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/nearest.h"

static char *copy(const char *text)
{
    char *s = strdup(text);
    if (s == NULL)
        abort();
    return s;
}

static const struct baseline_entry *find(const struct baseline *b, const char *id)
{
    for (size_t i = 0; i < b->n; i++)
        if (strcmp(b->at[i].id, id) == 0)
            return &b->at[i];
    return NULL;
}

static int unknown_id(const struct catalogue *c, const char *path, int line, const char *id,
                      struct err *err)
{
    const char **ids = calloc(c->n + 1, sizeof *ids);
    if (ids == NULL)
        abort();
    for (size_t i = 0; i < c->n; i++)
        ids[i] = c->scenarios[i].id;
    const char *best = nearest(id, ids, c->n);
    free(ids);
    if (best != NULL)
        return err_set(err, "%s:%d: there is no scenario \"%s\"; did you mean \"%s\"?", path, line,
                       id, best);
    return err_set(err, "%s:%d: there is no scenario \"%s\"", path, line, id);
}

static int add_line(struct baseline *b, const struct catalogue *c, char *text, int line,
                    struct err *err)
{
    char *id = strsep(&text, "\t"), *verdict = strsep(&text, "\t"), *reason = text;
    if (verdict == NULL)
        return err_set(err, "%s:%d: expected id, tab, verdict, tab, reason", b->path, line);
    size_t length = strlen(verdict);
    bool luck = length > 0 && verdict[length - 1] == '?';
    if (luck)
        verdict[length - 1] = '\0';
    int v = verdict_of(verdict);
    if (v != VERDICT_FAIL && v != VERDICT_WEAK && v != VERDICT_TIMEOUT && v != VERDICT_DEPENDENCY)
        return err_set(err, "%s:%d: the verdict is fail, weak, dependency or timeout, not \"%s\"",
                       b->path, line, verdict);
    if (reason == NULL || reason[strspn(reason, " \t")] == '\0')
        return err_set(err, "%s:%d: %s has no reason", b->path, line, id);
    if (find(b, id) != NULL)
        return err_set(err, "%s:%d: %s stands twice", b->path, line, id);
    if (catalogue_find(c, id) == NULL)
        return unknown_id(c, b->path, line, id, err);
    b->at = realloc(b->at, (b->n + 1) * sizeof *b->at);
    if (b->at == NULL)
        abort();
    b->at[b->n++] = (struct baseline_entry){.id = copy(id),
                                            .reason = copy(reason),
                                            .verdict = (enum verdict)v,
                                            .line = line,
                                            .luck = luck};
    return 0;
}

int baseline_load(struct baseline *b, const char *path, const struct catalogue *c, struct err *err)
{
    int rc = 0, number = 0;
    char *line = NULL;
    size_t room = 0;
    *b = (struct baseline){.path = copy(path)};
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        err_errno(err, path);
        baseline_clear(b);
        return -1;
    }
    while (rc == 0 && getline(&line, &room, f) >= 0) {
        number++;
        line[strcspn(line, "\r\n")] = '\0';
        size_t blank = strspn(line, " \t");
        if (line[blank] != '\0' && line[blank] != '#')
            rc = add_line(b, c, line, number, err);
    }
    free(line);
    fclose(f);
    if (rc != 0)
        baseline_clear(b);
    return rc;
}

void baseline_clear(struct baseline *b)
{
    for (size_t i = 0; i < b->n; i++) {
        free(b->at[i].id);
        free(b->at[i].reason);
    }
    free(b->at);
    free(b->path);
    *b = (struct baseline){0};
}

enum standing baseline_judge(struct baseline *b, const char *id, enum verdict v)
{
    for (size_t i = 0; i < b->n; i++) {
        struct baseline_entry *e = &b->at[i];
        if (strcmp(e->id, id) != 0)
            continue;
        e->met = true;
        if (v == e->verdict)
            return STANDING_EXPECTED;
        bool better = v == VERDICT_PASS || v == VERDICT_NOTED ||
                      (v == VERDICT_WEAK && e->verdict != VERDICT_WEAK);
        return better && !e->luck ? STANDING_STALE : STANDING_NONE;
    }
    return STANDING_NONE;
}

const char *baseline_reason(const struct baseline *b, const char *id)
{
    const struct baseline_entry *e = find(b, id);
    return e != NULL ? e->reason : "";
}
