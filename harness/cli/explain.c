/* mailproof explain ID: what a scenario or a requirement says, and why.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/nearest.h"
#include "cli/cli.h"
#include "cli/flags.h"

enum { WIDTH = 84 };

/* Prints text filled to WIDTH, each line after `indent` spaces. */
static void fill(const char *text, int indent)
{
    int column = 0;
    const char *p = text;
    while (*p != '\0') {
        while (isspace((unsigned char)*p))
            p++;
        int n = (int)strcspn(p, " \t\r\n");
        if (n == 0)
            break;
        if (column > 0 && column + 1 + n > WIDTH) {
            putchar('\n');
            column = 0;
        }
        column += column == 0 ? printf("%*s%.*s", indent, "", n, p) : printf(" %.*s", n, p);
        p += n;
    }
    putchar('\n');
}

static void print_words(const char *what, const struct words *w)
{
    if (w->n == 0)
        return;
    printf("%s", what);
    for (size_t i = 0; i < w->n; i++)
        printf("%s%s", i > 0 ? ", " : " ", w->at[i]);
    putchar('\n');
}

static void explain_requirement(const struct cli *c, const struct requirement *r, bool scenarios)
{
    bool any = false;
    printf("%s   %s   RFC %d, %s   (%s)\n", r->id, r->level, r->rfc, r->section, r->test);
    fill(r->says, 4);
    for (size_t i = 0; i < c->catalogue.n && scenarios; i++) {
        const struct scenario *s = &c->catalogue.scenarios[i];
        if (!words_have(&s->proves, r->id))
            continue;
        printf("%s    %s: %s\n", any ? "" : "  proved by\n", s->id, s->title);
        any = true;
    }
    if (scenarios && !any)
        puts("  no scenario proves it yet");
}

static void explain_scenario(const struct cli *c, const struct scenario *s)
{
    printf("%s   %s   RFC %d, %s\n%s\n\n", s->id, s->level, s->rfc, s->section, s->title);
    fill(s->says, 4);
    if (*s->why != '\0') {
        puts("\nWhy:");
        fill(s->why, 4);
    }
    puts("\nProves:");
    for (size_t i = 0; i < s->proves.n; i++) {
        const struct requirement *r = catalogue_requirement(&c->catalogue, s->proves.at[i]);
        if (r != NULL)
            explain_requirement(c, r, false);
    }
    putchar('\n');
    print_words("Services:", &s->services);
    print_words("Needs:", &s->needs);
    print_words("Tags:", &s->tags);
    print_words("Catches:", &s->catches);
    printf("File: %s:%d\n", s->file, s->line);
}

static int unknown(const struct cli *c, const char *id)
{
    size_t n = 0;
    const char **ids = calloc(c->catalogue.n + c->catalogue.requirements_n + 1, sizeof *ids);
    if (ids == NULL)
        abort();
    for (size_t i = 0; i < c->catalogue.n; i++)
        ids[n++] = c->catalogue.scenarios[i].id;
    for (size_t i = 0; i < c->catalogue.requirements_n; i++)
        ids[n++] = c->catalogue.requirements[i].id;
    const char *best = nearest(id, ids, n);
    if (best != NULL)
        fprintf(stderr, "mailproof: nothing is called %s; did you mean %s?\n", id, best);
    else
        fprintf(stderr, "mailproof: nothing is called %s\n", id);
    free(ids);
    return EXIT_USAGE;
}

int cli_explain(int argc, char **argv)
{
    const struct flag flags[] = {{0}};
    struct words ids = {0};
    struct err err;
    struct cli c = {0};
    int code = EXIT_AS_EXPECTED;
    int parsed = flags_parse(flags, argc, argv, &ids, &err);
    if (parsed > 0) {
        flags_help(
            flags, "mailproof explain ID...",
            "Tells what a scenario (smtp/rfc5321/…) or a requirement (rfc5321-4.1.1.4-5) is about.",
            stdout);
        goto out;
    }
    if (parsed == 0 && ids.n == 0)
        parsed = err_set(&err, "names no scenario and no requirement");
    if (parsed < 0) {
        fprintf(stderr, "mailproof explain: %s\n", err.text);
        code = EXIT_USAGE;
        goto out;
    }
    code = (int)cli_open(&c);
    for (size_t i = 0; i < ids.n && code == EXIT_AS_EXPECTED; i++) {
        const struct scenario *s = catalogue_find(&c.catalogue, ids.at[i]);
        const struct requirement *r = catalogue_requirement(&c.catalogue, ids.at[i]);
        if (i > 0)
            putchar('\n');
        if (s != NULL)
            explain_scenario(&c, s);
        else if (r != NULL)
            explain_requirement(&c, r, true);
        else
            code = unknown(&c, ids.at[i]);
    }
out:
    cli_close(&c);
    free(ids.at);
    return code;
}
