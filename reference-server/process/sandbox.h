/* Giving up, for good, what is not needed any more: root, other programs' rights, the rest of the
 * file system, and system calls. Entered once, when ports are bound and keys are read, before any
 * thread is started: Landlock holds for a thread and those that it starts.
 *
 * A layer that the kernel (or a sanitizer) does not let us have is done without, and that is said
 * in words; SANDBOX_REQUIRE makes it an error. SPDX-License-Identifier: MIT */
#ifndef SERVER_SANDBOX_H
#define SERVER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum sandbox_mode { SANDBOX_ON, SANDBOX_OFF, SANDBOX_REQUIRE };

/* Files and folders that stay within reach; a folder with all below it. What is not there is left
 * out. All lists end with NULL, or are NULL. */
struct sandbox_options {
    enum sandbox_mode mode;
    const char *run_as;       /* USER or USER:GROUP; NULL: whoever we are */
    const char *const *write; /* folders: read, written, made and removed in */
    const char *const *read;
    const char *const *leave; /* folders in which an empty folder may be removed */
    const char *const *give;  /* files and folders that the new user gets, if they were root's */
};

/* What is in force, in words for the line that says we are ready. */
struct sandbox {
    char user[64];
    char no_new_privs[96], landlock[96], seccomp[96]; /* "on…", or "off: " and why */
};

/* Whether there are such a user and group. */
int sandbox_check(const char *run_as, struct err *err);
int sandbox_enter(const struct sandbox_options *o, struct sandbox *out, struct err *err);

#endif
