/* Globs and filters over the catalogue.
 * SPDX-License-Identifier: MIT */
#include "catalogue/select.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalogue/nearest.h"

static bool is_pattern(const char *glob)
{
    return strpbrk(glob, "*?[") != NULL;
}

bool select_match(const struct scenario *s, const char *glob)
{
    /* fnmatch without FNM_PATHNAME lets * cross slashes, and ** is then the same as *. */
    if (is_pattern(glob))
        return fnmatch(glob, s->id, 0) == 0;
    size_t n = strlen(glob);
    while (n > 0 && glob[n - 1] == '/')
        n--;
    if (strncmp(s->id, glob, n) == 0 && (s->id[n] == '\0' || s->id[n] == '/'))
        return true;
    return strcmp(s->file, glob) == 0 || words_have(&s->proves, glob);
}

static bool has_tag(const struct scenario *s, const struct words *tags)
{
    for (size_t i = 0; i < tags->n; i++)
        if (words_have(&s->tags, tags->at[i]))
            return true;
    return tags->n == 0;
}

static bool has_level(const struct scenario *s, const struct words *levels)
{
    for (size_t i = 0; i < levels->n; i++)
        if (strcasecmp(s->level, levels->at[i]) == 0)
            return true;
    return levels->n == 0;
}

/* Of any requirement that it proves: a scenario of RFC 9051 often proves RFC 3501 too. */
static bool has_rfc(const struct scenario *s, const struct words *rfcs)
{
    for (size_t i = 0; i < rfcs->n; i++) {
        const char *digits = rfcs->at[i] + strcspn(rfcs->at[i], "0123456789");
        char prefix[32];
        int n = snprintf(prefix, sizeof prefix, "rfc%s-", digits);
        for (size_t j = 0; j < s->proves.n && n < (int)sizeof prefix; j++)
            if (strncmp(s->proves.at[j], prefix, (size_t)n) == 0)
                return true;
    }
    return rfcs->n == 0;
}

static bool named(const struct scenario *s, const struct words *globs, bool *used)
{
    bool hit = globs->n == 0;
    for (size_t i = 0; i < globs->n; i++)
        if (select_match(s, globs->at[i])) {
            used[i] = true;
            hit = true;
        }
    return hit;
}

static int nothing_named(const struct catalogue *c, const char *glob, struct err *err)
{
    if (is_pattern(glob))
        return err_set(err, "no scenario matches \"%s\"", glob);
    const char *best = NULL;
    const char **ids = calloc(c->n + 1, sizeof *ids);
    if (ids == NULL)
        abort();
    for (size_t i = 0; i < c->n; i++)
        ids[i] = c->scenarios[i].id;
    best = nearest(glob, ids, c->n);
    free(ids);
    if (best != NULL)
        return err_set(err, "there is no scenario \"%s\"; did you mean \"%s\"?", glob, best);
    return err_set(err, "there is no scenario \"%s\"", glob);
}

int select_scenarios(const struct catalogue *c, const struct wish *wish, struct selection *out,
                     struct err *err)
{
    int rc = -1;
    size_t seen = 0;
    struct selection chosen = {.at = calloc(c->n + 1, sizeof *chosen.at)};
    bool *used = calloc(wish->globs.n + 1, sizeof *used);
    if (chosen.at == NULL || used == NULL)
        abort();
    for (size_t i = 0; i < c->n; i++) {
        const struct scenario *s = &c->scenarios[i];
        if (!named(s, &wish->globs, used) || !has_tag(s, &wish->tags) ||
            !has_level(s, &wish->levels) || !has_rfc(s, &wish->rfcs))
            continue;
        if (wish->only_ids && !words_have(&wish->ids, s->id))
            continue;
        /* Each shard sums up lint rules over its own scenarios. */
        if (wish->shards > 0 && s->lint == NULL && seen++ % wish->shards != wish->shard - 1)
            continue;
        chosen.at[chosen.n++] = s;
    }
    for (size_t i = 0; i < wish->globs.n; i++)
        if (!used[i]) {
            nothing_named(c, wish->globs.at[i], err);
            goto out;
        }
    *out = chosen;
    chosen.at = NULL;
    rc = 0;
out:
    free(chosen.at);
    free(used);
    return rc;
}

void selection_clear(struct selection *s)
{
    free(s->at);
    *s = (struct selection){0};
}
