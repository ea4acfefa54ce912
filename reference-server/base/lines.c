/* Reads text files line by line. SPDX-License-Identifier: MIT */
#include "base/lines.h"

#include <string.h>

int lines_open(struct lines *l, const char *path, struct err *err)
{
    *l = (struct lines){.path = path, .file = fopen(path, "re")};
    return l->file != NULL ? 0 : err_errno(err, path);
}

int lines_next(struct lines *l, struct err *err)
{
    size_t n = 0;
    int c;
    l->number++;
    while ((c = getc(l->file)) != EOF && c != '\n') {
        if (n == sizeof l->text - 1)
            return err_set(err, "%s:%d: the line is too long", l->path, l->number);
        l->text[n++] = (char)c;
    }
    if (ferror(l->file)) /* a folder, for one, can be opened and not read */
        return err_errno(err, l->path);
    if (n > 0 && l->text[n - 1] == '\r')
        n--;
    l->text[n] = '\0';
    if (strlen(l->text) != n || strchr(l->text, '\r') != NULL)
        return err_set(err, "%s:%d: this is no text: there is a NUL or a CR inside the line",
                       l->path, l->number);
    return c != EOF || n > 0;
}

void lines_close(struct lines *l)
{
    fclose(l->file);
    l->file = NULL;
}
