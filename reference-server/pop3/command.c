/* POP3 command lines. SPDX-License-Identifier: MIT */
#include "pop3/command.h"

#include <string.h>

#include "fault.h"

bool pop3_command_parse(const unsigned char *text, size_t n, char *scratch, char *rest,
                        struct pop3_command *out)
{
    *out = (struct pop3_command){.rest = NULL};
    for (size_t i = 0; i < n; i++)
        if (text[i] < ' ' || text[i] == 0x7f)
            return false;
    memcpy(scratch, text, n);
    scratch[n] = '\0';
    char *space = strchr(scratch, ' ');
    size_t keyword = space != NULL ? (size_t)(space - scratch) : n;
    if (keyword < sizeof out->keyword)
        memcpy(out->keyword, scratch, keyword);
    if (space == NULL)
        return true;
    memcpy(rest, space + 1, n - keyword); /* the NUL comes along */
    out->rest = rest;
    for (char *at = space; at != NULL;) {
        *at++ = '\0';
        char *end = strchr(at, ' ');
        if (*at == '\0' || at == end)
            out->spaced = true;
        if (out->count < POP3_ARGUMENTS)
            out->arguments[out->count] = at;
        if (out->count <= POP3_ARGUMENTS)
            out->count++;
        at = end;
    }
    return true;
}

bool pop3_number(const char *text, uint32_t *out)
{
    uint64_t n = 0;
    bool any = false;
    for (; *text != '\0'; text++, any = true) {
        if (any && (*text < '0' || *text > '9') && fault(FAULT_POP3_NUMBER_PREFIX))
            break;
        if (*text < '0' || *text > '9')
            return false;
        n = n * 10 + (uint64_t)(*text - '0');
        if (n > UINT32_MAX && fault(FAULT_POP3_NUMBER_WRAPS))
            n &= UINT32_MAX;
        if (n > UINT32_MAX)
            return false;
    }
    if (!any)
        return false;
    *out = (uint32_t)n;
    return true;
}
