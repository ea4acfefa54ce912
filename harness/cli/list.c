/* mailproof list: the scenarios, and what they prove of each RFC.
 * SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/select.h"
#include "cli/cli.h"
#include "cli/flags.h"

/* Levels as coverage counts them: MUST NOT with MUST, SHOULD NOT with SHOULD. */
enum group { GROUP_MUST, GROUP_SHOULD, GROUP_MAY, GROUP_STATED, GROUPS };
static const char *const group_names[] = {"MUST", "SHOULD", "MAY", "stated"};

struct cover {
    int rfc;
    size_t proved[GROUPS], open[GROUPS], hidden[GROUPS]; /* hidden: not observable */
};

static enum group group_of(const char *level)
{
    if (strncmp(level, "MUST", 4) == 0)
        return GROUP_MUST;
    if (strncmp(level, "SHOULD", 6) == 0)
        return GROUP_SHOULD;
    return strcmp(level, "MAY") == 0 ? GROUP_MAY : GROUP_STATED;
}

static bool proved(const struct selection *chosen, const char *id)
{
    for (size_t i = 0; i < chosen->n; i++)
        if (words_have(&chosen->at[i]->proves, id))
            return true;
    return false;
}

static struct cover *count(const struct catalogue *c, const struct selection *chosen, size_t *n)
{
    struct cover *covers = calloc(c->requirements_n + 1, sizeof *covers);
    if (covers == NULL)
        abort();
    *n = 0;
    for (size_t i = 0; i < c->requirements_n; i++) {
        const struct requirement *r = &c->requirements[i];
        enum group g = group_of(r->level);
        size_t at = 0;
        while (at < *n && covers[at].rfc != r->rfc)
            at++;
        if (at == *n)
            covers[(*n)++].rfc = r->rfc;
        if (proved(chosen, r->id))
            covers[at].proved[g]++;
        else if (strncmp(r->test, "not observable", 14) == 0)
            covers[at].hidden[g]++;
        else
            covers[at].open[g]++;
    }
    return covers;
}

static void print_cover(const char *name, const struct cover *v, bool total)
{
    for (int g = 0; g < GROUPS; g++) {
        size_t all = v->proved[g] + v->open[g] + v->hidden[g];
        if (all > 0)
            printf("%-10s %-7s %7zu %8zu %15zu %6zu\n", name, group_names[g], v->proved[g],
                   v->open[g], v->hidden[g], all);
    }
    if (!total)
        putchar('\n');
}

static int print_json(const struct cli *c, const struct selection *chosen,
                      const struct cover *covers, size_t n)
{
    json_t *rfcs = json_array(), *open = json_array(), *root = json_object();
    for (size_t i = 0; i < n; i++) {
        json_t *levels = json_object(), *o = json_object();
        for (int g = 0; g < GROUPS; g++)
            json_object_set_new(levels, group_names[g],
                                json_pack("{s:I, s:I, s:I}", "proved",
                                          (json_int_t)covers[i].proved[g], "not_yet",
                                          (json_int_t)covers[i].open[g], "not_observable",
                                          (json_int_t)covers[i].hidden[g]));
        json_object_set_new(o, "rfc", json_integer(covers[i].rfc));
        json_object_set_new(o, "title",
                            json_string(catalogue_rfc_title(c->L, &c->catalogue, covers[i].rfc)));
        json_object_set_new(o, "levels", levels);
        json_array_append_new(rfcs, o);
    }
    for (size_t i = 0; i < c->catalogue.requirements_n; i++) {
        const struct requirement *r = &c->catalogue.requirements[i];
        if (!proved(chosen, r->id) && strncmp(r->test, "not observable", 14) != 0)
            json_array_append_new(open, json_string(r->id));
    }
    json_object_set_new(root, "rfcs", rfcs);
    json_object_set_new(root, "not_yet", open);
    json_dumpf(root, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(root);
    return EXIT_AS_EXPECTED;
}

static int coverage(const struct cli *c, const struct selection *chosen, bool json)
{
    size_t n;
    struct cover total = {0};
    struct cover *covers = count(&c->catalogue, chosen, &n);
    if (json) {
        print_json(c, chosen, covers, n);
        free(covers);
        return EXIT_AS_EXPECTED;
    }
    printf("%-10s %-7s %7s %8s %15s %6s\n", "RFC", "level", "proved", "not yet", "not observable",
           "all");
    for (size_t i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d", covers[i].rfc);
        print_cover(name, &covers[i], false);
        for (int g = 0; g < GROUPS; g++) {
            total.proved[g] += covers[i].proved[g];
            total.open[g] += covers[i].open[g];
            total.hidden[g] += covers[i].hidden[g];
        }
    }
    print_cover("all", &total, true);
    free(covers);
    return EXIT_AS_EXPECTED;
}

int cli_list(int argc, char **argv)
{
    struct words globs = {0}, tags = {0}, levels = {0}, rfcs = {0};
    const char *format = NULL;
    bool want_coverage = false;
    struct err err;
    struct cli c = {0};
    struct selection chosen = {0};
    int code;
    const struct flag flags[] = {
        {"--coverage", 0, FLAG_SWITCH, &want_coverage, NULL,
         "proved, not yet, not observable, by RFC and level"},
        {"--format", 0, FLAG_TEXT, &format, "json",
         "with --coverage: as JSON, with the ids not yet proved"},
        {"--tag", 0, FLAG_WORDS, &tags, "TAG", "only scenarios with this tag"},
        {"--level", 0, FLAG_WORDS, &levels, "LEVEL", "only this level"},
        {"--rfc", 0, FLAG_WORDS, &rfcs, "N", "only what proves this RFC"},
        {0},
    };
    int parsed = flags_parse(flags, argc, argv, &globs, &err);
    if (parsed > 0) {
        flags_help(flags, "mailproof list [FLAGS] [ID-GLOB...]",
                   "Lists scenarios: id, level, title. Needs no server.", stdout);
        code = EXIT_AS_EXPECTED;
        goto out;
    }
    if (parsed == 0 && format != NULL && (strcmp(format, "json") != 0 || !want_coverage))
        parsed = err_set(&err, "--format json goes with --coverage, and there is no other format");
    if (parsed < 0) {
        fprintf(stderr, "mailproof list: %s\n", err.text);
        code = EXIT_USAGE;
        goto out;
    }
    code = (int)cli_open(&c);
    if (code != EXIT_AS_EXPECTED)
        goto out;
    struct wish wish = {.globs = globs, .tags = tags, .levels = levels, .rfcs = rfcs};
    if (select_scenarios(&c.catalogue, &wish, &chosen, &err) != 0) {
        fprintf(stderr, "mailproof list: %s\n", err.text);
        code = EXIT_NOTHING;
    } else if (want_coverage) {
        code = coverage(&c, &chosen, format != NULL);
    } else {
        for (size_t i = 0; i < chosen.n; i++)
            printf("%s\t%s\t%s\n", chosen.at[i]->id, chosen.at[i]->level, chosen.at[i]->title);
        code = chosen.n > 0 ? EXIT_AS_EXPECTED : EXIT_NOTHING;
    }
out:
    selection_clear(&chosen);
    cli_close(&c);
    free(globs.at);
    free(tags.at);
    free(levels.at);
    free(rfcs.at);
    return code;
}
