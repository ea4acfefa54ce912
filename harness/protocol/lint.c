/* The table of rules, and what judging has in common for the three protocols.
 * SPDX-License-Identifier: MIT */
#include "protocol/lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/lint_rules.h"

#define LINT(id, n, t, p, s, ...)                                                                  \
    [LINT_##id] = {.name = n, .title = t, .proves = p, .says = s, .catches = {__VA_ARGS__, NULL}},
const struct lint_rule lint_rules[] = {
#include "protocol/lint.def"
    [LINT_RULES] = {.name = NULL},
};
#undef LINT

void lint_judge(const struct lint_case *c, enum lint_id id, const char *why)
{
    c->found(c->arg, &lint_rules[id], why == NULL, why);
}

void lint_broken(const struct lint_case *c, enum lint_id id, const char *fmt, ...)
{
    char why[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    lint_judge(c, id, why);
}

static bool ends_word(char c)
{
    return c == '\0' || c == ' ' || c == '\r' || c == '\n' || c == ':' || c == '=';
}

bool lint_command_is(const char *command, const char *verb)
{
    if (command == NULL)
        return false;
    size_t n = strlen(verb);
    return strncasecmp(command, verb, n) == 0 && ends_word(command[n]);
}

bool lint_command_has(const char *command, const char *word)
{
    return command != NULL && strcasestr(command, word) != NULL;
}

static bool is_base64_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

bool lint_is_base64(const char *p, size_t n)
{
    if (n % 4 != 0)
        return false;
    size_t data = n;
    while (data > 0 && n - data < 2 && p[data - 1] == '=')
        data--;
    for (size_t i = 0; i < data; i++)
        if (!is_base64_char(p[i]))
            return false;
    return true;
}
