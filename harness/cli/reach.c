/* SPDX-License-Identifier: MIT */
#include "cli/reach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "run/runner.h"

static void *take(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static int read_row(const char *path, unsigned char *row, size_t faults, bool *known,
                    struct err *err)
{
    FILE *in = fopen(path, "rbe");
    if (in == NULL && errno == ENOENT)
        return 0;
    if (in == NULL)
        return err_errno(err, path);
    size_t n = fread(row, 1, faults, in);
    bool more = n == faults && fgetc(in) != EOF;
    fclose(in);
    (void)unlink(path);
    if (n != faults || more)
        return err_set(err, "%s is not of the %zu faults of mailproofd --fault help", path, faults);
    *known = true;
    return 0;
}

int reach_read(struct reach *r, const char *folder, const struct selection *chosen, size_t faults,
               struct err *err)
{
    *r = (struct reach){.scenarios = chosen->n, .faults = faults};
    r->of = take(calloc(chosen->n + 1, sizeof(const struct scenario *)));
    r->asked = take(calloc(chosen->n + 1, faults + 1));
    r->known = take(calloc(chosen->n + 1, sizeof *r->known));
    for (size_t i = 0; i < chosen->n; i++) {
        r->of[i] = chosen->at[i];
        char *path = runner_asked_name(folder, chosen->at[i]->id);
        int rc = read_row(path, r->asked + i * faults, faults, &r->known[i], err);
        free(path);
        if (rc != 0) {
            reach_clear(r);
            return -1;
        }
    }
    return 0;
}

void reach_clear(struct reach *r)
{
    free(r->of);
    free(r->asked);
    free(r->known);
    *r = (struct reach){0};
}

bool reach_has(const struct reach *r, const struct scenario *s, size_t fault)
{
    for (size_t i = 0; i < r->scenarios; i++)
        if (r->of[i] == s)
            return !r->known[i] || r->asked[i * r->faults + fault] != 0;
    return true;
}
