/* Folders, not files: a file that is replaced by renaming a new one over it is still found.
 * SPDX-License-Identifier: MIT */
#include "process/confine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/tls.h"

enum { PATHS_MOST = 64 };

struct paths {
    char *list[PATHS_MOST + 1];
    size_t count;
};

static void add(struct paths *p, char *path)
{
    if (path == NULL)
        abort();
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->list[i], path) == 0) {
            free(path);
            return;
        }
    if (p->count == PATHS_MOST)
        free(path); /* out of reach, then: said when it is read again */
    else
        p->list[p->count++] = path;
}

static void add_path(struct paths *p, const char *path)
{
    if (path != NULL)
        add(p, strdup(path));
}

static void add_folder_of(struct paths *p, const char *path)
{
    if (path == NULL)
        return;
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        add(p, strdup("."));
    else
        add(p, slash == path ? strdup("/") : strndup(path, (size_t)(slash - path)));
}

static void clear(struct paths *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->list[i]);
}

int confine(const struct config *c, const char *state, bool made_state, bool own_state,
            const char *control, struct sandbox *out, struct err *err)
{
    struct paths write = {.count = 0}, read = {.count = 0}, leave = {.count = 0},
                 gift = {.count = 0};
    add_path(&write, state);
    add_folder_of(&write, control);
    if (strcmp(c->store, ":memory:") != 0)
        add_folder_of(&write, c->store);
    if (c->log != NULL && strcmp(c->log, "-") != 0)
        add_folder_of(&write, c->log);
    for (size_t i = 0; i < c->file_count; i++)
        add_folder_of(&read, c->files[i]);
    for (size_t i = 0; i < c->script_count; i++)
        add_folder_of(&read, c->scripts[i]);
    add_folder_of(&read, c->cert);
    add_folder_of(&read, c->key);
    add_folder_of(&read, c->dns_zone);
    add_folder_of(&read, c->dns_anchor);
    add_folder_of(&read, c->relay_ca);
    add_path(&read, c->mta_sts);
    if (own_state)
        add_folder_of(&leave, state);
    if (made_state)
        add_path(&gift, state);
    for (const char *const *file = tls_identity_files; *file != NULL; file++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", state, *file) < 0)
            abort();
        add(&gift, path);
    }
    if (c->log != NULL && strcmp(c->log, "-") != 0)
        add_path(&gift, c->log);
    if (c->trace != NULL)
        add_path(&gift, c->trace);
    struct sandbox_options o = {
        .mode = c->sandbox,
        .run_as = c->run_as,
        .write = (const char *const *)write.list,
        .read = (const char *const *)read.list,
        .leave = (const char *const *)leave.list,
        .give = (const char *const *)gift.list,
    };
    int rc = sandbox_enter(&o, out, err);
    clear(&write);
    clear(&read);
    clear(&leave);
    clear(&gift);
    return rc;
}

void confine_explain(const struct sandbox *s, struct err *err)
{
    size_t n = strlen(err->text);
    if (strstr(err->text, "Permission denied") == NULL)
        return;
    if (strncmp(s->landlock, "on", 2) == 0)
        snprintf(err->text + n, sizeof err->text - n,
                 " (to \"%s\", inside the sandbox, which reaches the folders that the configuration"
                 " named at the start; for others start anew)",
                 s->user);
    else
        snprintf(err->text + n, sizeof err->text - n, " (to \"%s\")", s->user);
}
