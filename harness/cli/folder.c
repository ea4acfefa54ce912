/* Makes the folder of a run.
 * SPDX-License-Identifier: MIT */
#include "cli/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void folder_run_id(char *out, size_t size)
{
    char when[32];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(when, sizeof when, "%Y%m%d-%H%M%S", &utc);
    snprintf(out, size, "%s-%d", when, (int)getpid());
}

/* mkdir -p */
static int make_all(const char *path, struct err *err)
{
    char part[4096];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return err_set(err, "the path of the run's folder is too long");
    for (char *p = part + 1;; p++) {
        char c = *p;
        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return err_errno(err, part);
        *p = c;
        if (c == '\0')
            return 0;
    }
}

static void remove_captures(const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        size_t n = strlen(e->d_name);
        if (n > 7 && strcmp(e->d_name + n - 7, ".pcapng") == 0)
            unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
}

int folder_make(const char *named, const char *run_id, char *out, size_t size, struct err *err)
{
    char evidence[4200];
    int n =
        named != NULL ? snprintf(out, size, "%s", named) : snprintf(out, size, "out/%s", run_id);
    while (n > 1 && n < (int)size && out[n - 1] == '/')
        out[--n] = '\0';
    if (n <= 0 || n >= (int)size)
        return err_set(err, "the path of the run's folder is empty or too long");
    snprintf(evidence, sizeof evidence, "%s/evidence", out);
    if (make_all(evidence, err) != 0)
        return -1;
    remove_captures(evidence);
    return 0;
}

void folder_link_latest(const char *named, const char *run_id)
{
    if (named != NULL)
        return;
    unlink("out/latest.new");
    if (symlink(run_id, "out/latest.new") == 0 && rename("out/latest.new", "out/latest") != 0)
        unlink("out/latest.new");
}

void folder_keep(const char *from, const char *folder, const char *name)
{
    char path[4200], chunk[8192];
    FILE *in = fopen(from, "re"), *out = NULL;
    size_t n;
    if (in == NULL)
        return;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    while ((n = fread(chunk, 1, sizeof chunk, in)) > 0) {
        if (out == NULL)
            out = fopen(path, "we");
        if (out == NULL || fwrite(chunk, 1, n, out) != n)
            break;
    }
    if (out != NULL)
        fclose(out);
    fclose(in);
}
