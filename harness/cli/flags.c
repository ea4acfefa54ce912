/* Reads flags by a table.
 * SPDX-License-Identifier: MIT */
#include "cli/flags.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/nearest.h"

static void add_word(struct words *w, const char *word)
{
    w->at = realloc(w->at, (w->n + 1) * sizeof *w->at);
    if (w->at == NULL)
        abort();
    w->at[w->n++] = word;
}

static int set_number(const struct flag *f, const char *value, struct err *err)
{
    char *end;
    errno = 0;
    long long n = strtoll(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 ||
        (f->kind == FLAG_NUMBER && (n < 1 || n > 1000000)))
        return err_set(err, "%s: \"%s\" is no number%s", f->name, value,
                       f->kind == FLAG_NUMBER ? " from 1 to 1000000" : "");
    if (f->kind == FLAG_NUMBER)
        *(int *)f->to = (int)n;
    else
        *(long long *)f->to = n;
    return 0;
}

static int set_seconds(const struct flag *f, const char *value, struct err *err)
{
    char *end;
    double n = strtod(value, &end);
    if (end == value || *end != '\0' || !isfinite(n) || n <= 0)
        return err_set(err, "%s: \"%s\" is no number above 0", f->name, value);
    *(double *)f->to = n;
    return 0;
}

static int set(const struct flag *f, const char *value, struct err *err)
{
    switch (f->kind) {
    case FLAG_SWITCH:
        *(bool *)f->to = true;
        return 0;
    case FLAG_COUNT:
        ++*(int *)f->to;
        return 0;
    case FLAG_TEXT:
        *(const char **)f->to = value;
        return 0;
    case FLAG_WORDS:
        add_word(f->to, value);
        return 0;
    case FLAG_NUMBER:
    case FLAG_INTEGER:
        return set_number(f, value, err);
    case FLAG_SECONDS:
        return set_seconds(f, value, err);
    }
    return 0;
}

static int unknown(const struct flag *flags, const char *word, struct err *err)
{
    const char *names[64] = {"--help"};
    size_t n = 1;
    for (const struct flag *f = flags; f->name != NULL && n < 64; f++)
        names[n++] = f->name;
    const char *best = nearest(word, names, n);
    if (best != NULL)
        return err_set(err, "unknown flag %s; did you mean %s?", word, best);
    return err_set(err, "unknown flag %s", word);
}

static const struct flag *find(const struct flag *flags, const char *word, size_t n)
{
    for (const struct flag *f = flags; f->name != NULL; f++)
        if (strncmp(f->name, word, n) == 0 && f->name[n] == '\0')
            return f;
    return NULL;
}

/* -v, -vv, -qv: letters of switches and counts. */
static int letters(const struct flag *flags, const char *word, struct err *err)
{
    for (const char *p = word + 1; *p != '\0'; p++) {
        const struct flag *hit = NULL;
        for (const struct flag *f = flags; f->name != NULL; f++)
            if (f->letter == *p)
                hit = f;
        if (hit != NULL && hit->value != NULL)
            return err_set(err, "-%c takes a value, apart from it: -%c %s", *p, *p,
                           p[1] != '\0' ? p + 1 : hit->value);
        if (hit == NULL)
            return err_set(err, "unknown flag -%c", *p);
        if (set(hit, NULL, err) != 0)
            return -1;
    }
    return 0;
}

static bool is_letter_value(const struct flag *flags, const char *word, const struct flag **hit)
{
    for (const struct flag *f = flags; f->name != NULL; f++)
        if (f->letter != 0 && f->letter == word[1] && word[2] == '\0' && f->value != NULL) {
            *hit = f;
            return true;
        }
    return false;
}

int flags_parse(const struct flag *flags, int argc, char **argv, struct words *rest,
                struct err *err)
{
    bool over = false;
    for (int i = 0; i < argc; i++) {
        char *word = argv[i];
        const struct flag *f = NULL;
        if (over || word[0] != '-' || word[1] == '\0') {
            add_word(rest, word);
            continue;
        }
        if (strcmp(word, "--") == 0) {
            over = true;
            continue;
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
            return 1;
        if (word[1] != '-' && !is_letter_value(flags, word, &f)) {
            if (letters(flags, word, err) != 0)
                return -1;
            continue;
        }
        char *equals = strchr(word, '=');
        size_t n = equals != NULL ? (size_t)(equals - word) : strlen(word);
        if (f == NULL)
            f = find(flags, word, n);
        if (f == NULL) {
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)n, word);
            return unknown(flags, name, err);
        }
        const char *value = equals != NULL ? equals + 1 : NULL;
        if (f->value == NULL && value != NULL)
            return err_set(err, "%s takes no value", f->name);
        if (f->value != NULL && value == NULL) {
            if (i + 1 >= argc)
                return err_set(err, "%s needs a value: %s", f->name, f->value);
            value = argv[++i];
        }
        if (set(f, value, err) != 0)
            return -1;
    }
    return 0;
}

void flags_help(const struct flag *flags, const char *usage, const char *about, FILE *out)
{
    fprintf(out, "usage: %s\n\n%s\n", usage, about);
    if (flags->name != NULL)
        fputc('\n', out);
    for (const struct flag *f = flags; f->name != NULL; f++) {
        char left[80];
        if (f->letter != 0)
            snprintf(left, sizeof left, "-%c, %s", f->letter, f->name);
        else
            snprintf(left, sizeof left, "%s%s%s", f->name, f->value != NULL ? " " : "",
                     f->value != NULL ? f->value : "");
        fprintf(out, "  %-28s %s\n", left, f->help);
    }
}
