/* The table of checks. SPDX-License-Identifier: MIT */
#include "ports/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct check checks[CHECKS] = {
#define CHECK(id, where, depth, level, ref, title, change)                                         \
    {#id, WHERE_##where, DEPTH_##depth, LEVEL_##level, ref, title, change},
#include "ports/checks.def"
#undef CHECK
};

static const char *const level_words[] = {"off",        "INFO", "MAY",     "SHOULD",
                                          "SHOULD NOT", "MUST", "MUST NOT"};

int check_of(const char *id)
{
    for (int i = 0; i < CHECKS; i++)
        if (strcasecmp(checks[i].id, id) == 0)
            return i;
    return -1;
}

const char *check_level_word(enum check_level level)
{
    return level_words[level];
}

int check_level_of(const char *word)
{
    for (int i = 0; i < (int)(sizeof level_words / sizeof *level_words); i++)
        if (strcasecmp(level_words[i], word) == 0)
            return i;
    return -1;
}

const char *check_depth_words(enum check_depth depth)
{
    switch (depth) {
    case DEPTH_GENTLE:
        return "not tested";
    case DEPTH_NORMAL:
        return "not tested: needs --depth normal";
    case DEPTH_DEEP:
        return "not tested: needs --depth deep";
    case DEPTH_ACCOUNT:
        return "not checked: needs an account, --user NAME:PASSWORD";
    case DEPTH_RECIPIENT:
        return "not checked: needs an address that takes mail, --recipient ADDRESS";
    case DEPTH_DNS:
        return "not checked: needs DNS, --resolver ADDRESS or --zone FILE";
    case DEPTH_ONLINE:
        return "not checked: nothing is fetched from elsewhere without being told where: "
               "--sts-policy FILE, ADDRESS[:PORT] or fetch";
    case DEPTH_PEER:
        return "not checked: needs a client, --client COMMAND";
    case DEPTH_SERVER:
        return "not checked: needs a server whose certificate was taken away";
    case DEPTH_TOOL:
        return "not checked: mailproof cannot make such records";
    }
    return "";
}

int check_rfc(const struct check *c, char *section, unsigned long size)
{
    char *end = NULL;
    long rfc = strtol(c->ref, &end, 10);
    while (*end == ' ')
        end++;
    (void)snprintf(section, size, "%.*s", (int)strcspn(end, ";"), end);
    return (int)rfc;
}
