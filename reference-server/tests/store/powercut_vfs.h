/* A disk whose power can fail. It lies under SQLite as its default VFS: it passes everything on to
 * the real files, writes down what happens to the database and its log (write, truncate, sync,
 * delete) and, between these, the marks that a test sets; and it makes the nth write or sync fail.
 *
 * From what was written down it rebuilds the files as they may be found if the power had failed
 * right behind any event. Certain is what was there at the last sync of a file. Of everything later
 * the disk may have any part, in units of 512 bytes and in any order. SPDX-License-Identifier: MIT
 */
#ifndef SERVER_TESTS_STORE_POWERCUT_VFS_H
#define SERVER_TESTS_STORE_POWERCUT_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum powercut_kind {
    POWERCUT_WRITE,
    POWERCUT_TRUNCATE,
    POWERCUT_SYNC,
    POWERCUT_SYNC_FAILED, /* a later sync writes of these pages only what was written to again */
    POWERCUT_DELETE,
    POWERCUT_MARK, /* the test's own */
};

enum powercut_file { POWERCUT_DATABASE, POWERCUT_LOG, POWERCUT_FILES };

struct powercut_event {
    enum powercut_kind kind;
    enum powercut_file file;
    int64_t offset; /* truncate: the new size; mark: its number */
    size_t len;
    unsigned char *bytes;
    bool lost; /* the sync that it waited for failed */
};

/* Puts the VFS under every connection that is opened from now on. */
void powercut_install(void);
/* From here on events are written down; what the files hold now counts as safe. path: the database.
 */
void powercut_begin(const char *path);
void powercut_end(void);    /* no more events; those that there are stay */
void powercut_forget(void); /* them, too */
size_t powercut_count(void);
const struct powercut_event *powercut_at(size_t i);
void powercut_mark(int64_t number);

/* --- rebuilding --- */

enum powercut_way {
    POWERCUT_KEPT,    /* all that was written: the process was killed, not the power */
    POWERCUT_DROPPED, /* nothing that was not synced */
    POWERCUT_TORN,    /* what was not synced up to some byte, a multiple of 512 within its write */
    POWERCUT_REORDERED, /* any of it, by sectors */
    POWERCUT_WAYS,
};

/* The disk right behind the first `events` events: writes the database and its log to path. Quick
 * as long as the events do not become fewer from call to call. */
void powercut_rebuild(size_t events, enum powercut_way way, unsigned seed, const char *path);

/* --- trouble --- */

enum powercut_trouble {
    NO_TROUBLE,
    TROUBLE_FULL /* ENOSPC */,
    TROUBLE_WRITE,
    TROUBLE_SYNC /* EIO */
};
/* The nth call (1: the next) that can have this trouble has it, and `times` after it; INT_MAX: for
 * good. */
void powercut_trouble(enum powercut_trouble what, int nth, int times);
/* How often that happened. */
int powercut_troubled(void);

#endif
