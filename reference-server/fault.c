/* Which faults are on, and for whom. All on the loop thread.
 * SPDX-License-Identifier: MIT */
#include "fault.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/nearest.h"

static const struct {
    const char *name, *says, *breaks;
    bool ports; /* `mailproof ports` shows it */
} faults[] = {
#define FAULT(id, name, says, breaks) {name, says, breaks, false},
#define PORTS_FAULT(id, name, says, breaks) {name, says, breaks, true},
#include "faults.def"
#undef FAULT
    {NULL, NULL, NULL, false},
};

static bool state[FAULT_COUNT + 1];

static bool any_on; /* the usual case, a server without faults, costs one test */
static struct fault_extra *extra;

static unsigned char *asked; /* a file's bytes, where somebody wants to know; shared, so that they
                                are there whatever end the server comes to */

int fault_note_asked(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, path);
    void *at = MAP_FAILED;
    if (ftruncate(fd, FAULT_COUNT) == 0)
        at = mmap(NULL, FAULT_COUNT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        (void)err_errno(err, path);
    else
        asked = at;
    (void)close(fd);
    return at == MAP_FAILED ? -1 : 0;
}

bool fault(enum fault f)
{
    if (asked != NULL)
        asked[f] = 1;
    if (!any_on && extra == NULL)
        return false;
    if (state[f])
        return true;
    for (struct fault_extra *e = extra; e != NULL; e = e->next)
        if (e->fault == f)
            return e->used = true;
    return false;
}

void fault_also(struct fault_extra *list)
{
    extra = list;
}

bool fault_any(void)
{
    return any_on;
}

static const char *name_at(size_t i)
{
    return faults[i].name;
}

static void look_for_any(void)
{
    any_on = false;
    for (size_t i = 0; i < FAULT_COUNT; i++)
        any_on = any_on || state[i];
}

int fault_find(const char *name, enum fault *out, struct err *err)
{
    for (size_t i = 0; faults[i].name != NULL; i++)
        if (strcmp(faults[i].name, name) == 0) {
            *out = (enum fault)i;
            return 0;
        }
    const char *near = nearest(name, name_at);
    if (near == NULL)
        return err_set(err, "there is no fault \"%s\"; --fault help lists them", name);
    return err_set(err, "there is no fault \"%s\"; did you mean \"%s\"?", name, near);
}

int fault_switch(const char *name, bool on, struct err *err)
{
    enum fault f = FAULT_COUNT;
    if (fault_find(name, &f, err) != 0)
        return -1;
    state[f] = on;
    look_for_any();
    return 0;
}

void fault_clear_all(void)
{
    memset(state, 0, sizeof state);
    any_on = false;
}

void *fault_keep(void)
{
    void *kept = malloc(sizeof state);
    if (kept == NULL)
        abort();
    return memcpy(kept, state, sizeof state);
}

void fault_bring_back(const void *kept)
{
    memcpy(state, kept, sizeof state);
    look_for_any();
}

void fault_scope(void)
{
    extra = NULL; /* whoever has some says so next */
}

void fault_help(FILE *out)
{
    for (size_t i = 0; faults[i].name != NULL; i++)
        fprintf(out, "%s\t%s\t%s%s\n", faults[i].name, faults[i].breaks, faults[i].says,
                faults[i].ports ? "\tports" : "");
}
