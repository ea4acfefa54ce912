/* The trace file: one line a decision, tab-separated.
 * SPDX-License-Identifier: MIT */
#include "base/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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

bool trace_wanted(void)
{
    return file != NULL;
}

const char *trace_reason(const struct trace_reason *list, const char *command, const char *answer)
{
    for (; list->command != NULL; list++)
        if ((strcmp(list->command, "*") == 0 || strcasecmp(list->command, command) == 0) &&
            strncmp(list->answer, answer, strlen(list->answer)) == 0)
            return list->requirement;
    return "-";
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
