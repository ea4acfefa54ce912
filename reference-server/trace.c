/* The trace file: one line a decision, tab-separated.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>

static FILE *file;
static const struct clock *time_of;

int trace_open(const char *path, const struct clock *clock, struct err *err)
{
    file = fopen(path, "ae");
    if (file == NULL)
        return err_errno(err, path);
    time_of = clock;
    return 0;
}

void trace_close(void)
{
    if (file != NULL)
        fclose(file);
    file = NULL;
}

void trace(const struct conn *c, const char *requirement, const char *fmt, ...)
{
    va_list args;
    if (file == NULL)
        return;
    fprintf(file, "%lld\t%s\t%u\t%s\t", (long long)clock_wall_s(time_of), c->protocol->name,
            c->number, requirement);
    va_start(args, fmt);
    vfprintf(file, fmt, args);
    va_end(args);
    fputc('\n', file);
    fflush(file);
}
