/* Limits by name, for flags, files and the control socket. SPDX-License-Identifier: MIT */
#include "config/limit.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

static const struct {
    const char *name;
    size_t offset;
    long value;
    const char *says;
} list[] = {
#define LIMIT(name, value, says) {#name, offsetof(struct limits, name), value, says},
#include "config/limits.def"
#undef LIMIT
    {NULL, 0, 0, NULL},
};

static const char *name_at(size_t i)
{
    return list[i].name;
}

static void put(struct limits *l, size_t i, long value)
{
    memcpy((char *)l + list[i].offset, &value, sizeof value);
}

static long get(const struct limits *l, size_t i)
{
    long value;
    memcpy(&value, (const char *)l + list[i].offset, sizeof value);
    return value;
}

void limit_defaults(struct limits *l)
{
    for (size_t i = 0; list[i].name != NULL; i++)
        put(l, i, list[i].value);
}

int limit_set(struct limits *l, const char *setting, struct err *err)
{
    char name[64];
    const char *equals = strchr(setting, '=');
    if (equals == NULL || (size_t)(equals - setting) >= sizeof name)
        return err_set(err, "--limit wants NAME=VALUE");
    snprintf(name, sizeof name, "%.*s", (int)(equals - setting), setting);
    for (size_t i = 0; list[i].name != NULL; i++) {
        if (strcmp(list[i].name, name) != 0)
            continue;
        char *end;
        errno = 0;
        long n = strtol(equals + 1, &end, 10);
        if (equals[1] == '\0' || *end != '\0' || errno != 0 || n < 1)
            return err_set(err, "--limit %s: \"%s\" is no number above 0", name, equals + 1);
        put(l, i, n);
        return 0;
    }
    const char *near = nearest(name, name_at);
    if (near == NULL)
        return err_set(err, "there is no limit \"%s\"; --limits lists them", name);
    return err_set(err, "there is no limit \"%s\"; did you mean \"%s\"?", name, near);
}

void limit_list(const struct limits *l, FILE *out)
{
    for (size_t i = 0; list[i].name != NULL; i++)
        fprintf(out, "%s\t%ld\t%s\n", list[i].name, get(l, i), list[i].says);
}

void limit_show(const struct limits *l, FILE *out)
{
    for (size_t i = 0; list[i].name != NULL; i++)
        fprintf(out, "limit %s=%ld\n", list[i].name, get(l, i));
}
