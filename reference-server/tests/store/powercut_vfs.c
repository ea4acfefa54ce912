/* The VFS, its list of events, and the disk that is rebuilt from it. Two threads write (the
 * writer's, and the loop's when it opens and closes), so one lock guards everything.
 * SPDX-License-Identifier: MIT */
#include "tests/store/powercut_vfs.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

enum { SECTOR = 512, PAGE = 4096 };

/* A file: the real one lies behind this structure. */
struct file {
    sqlite3_file base; /* first: SQLite's idea of it */
    bool watched;
    enum powercut_file which;
};

static sqlite3_vfs *real;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct powercut_event *events;
static size_t count, room;
static bool recording;
static char watched_path[256];

static enum powercut_trouble trouble;
static int trouble_in, trouble_times, troubled;

/* A file of the disk that is rebuilt. */
struct image {
    unsigned char *bytes;
    size_t size, room;
};
static struct {
    size_t at;                /* events behind us */
    struct image safe, cache; /* on the disk; in the kernel, as programs see it */
    struct image old;         /* the file that was deleted, until the folder is synced */
    bool replaced;            /* it may still be there instead of the new one */
    size_t *pending;          /* events that no sync has covered */
    size_t pending_count, pending_room;
} disk[POWERCUT_FILES];
static struct image first[POWERCUT_FILES]; /* when recording began */

static void *must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static sqlite3_file *behind(sqlite3_file *f)
{
    return (sqlite3_file *)(void *)((struct file *)(void *)f + 1);
}

/* --- writing down --- */

static void note(const struct file *f, enum powercut_kind kind, int64_t offset, const void *bytes,
                 size_t len)
{
    if (!recording || (f != NULL && !f->watched))
        return;
    if (count == room) {
        room = room > 0 ? room * 2 : 1024;
        events = must_have(realloc(events, room * sizeof *events));
    }
    struct powercut_event *e = &events[count++];
    *e = (struct powercut_event){.kind = kind, .offset = offset, .len = len};
    e->file = f != NULL ? f->which : POWERCUT_DATABASE;
    if (len > 0) {
        e->bytes = must_have(malloc(len));
        memcpy(e->bytes, bytes, len);
    }
}

void powercut_mark(int64_t number)
{
    pthread_mutex_lock(&lock);
    note(NULL, POWERCUT_MARK, number, NULL, 0);
    pthread_mutex_unlock(&lock);
}

size_t powercut_count(void)
{
    pthread_mutex_lock(&lock);
    size_t n = count;
    pthread_mutex_unlock(&lock);
    return n;
}

const struct powercut_event *powercut_at(size_t i)
{
    return &events[i];
}

/* --- trouble --- */

void powercut_trouble(enum powercut_trouble what, int nth, int times)
{
    pthread_mutex_lock(&lock);
    trouble = what;
    trouble_in = nth;
    trouble_times = times;
    troubled = 0;
    pthread_mutex_unlock(&lock);
}

int powercut_troubled(void)
{
    pthread_mutex_lock(&lock);
    int n = troubled;
    pthread_mutex_unlock(&lock);
    return n;
}

/* Whether this call is to fail; the lock is held. */
static bool fails(const struct file *f, bool sync)
{
    if (trouble == NO_TROUBLE || sync != (trouble == TROUBLE_SYNC) || !f->watched)
        return false;
    if (trouble_in > 1) {
        trouble_in--;
        return false;
    }
    if (trouble_times == 0)
        return false;
    if (trouble_times != INT_MAX)
        trouble_times--;
    troubled++;
    return true;
}

/* --- the VFS --- */

static int file_close(sqlite3_file *f)
{
    return behind(f)->pMethods->xClose(behind(f));
}

static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    return behind(f)->pMethods->xRead(behind(f), to, n, at);
}

static int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    struct file *w = (struct file *)(void *)f;
    pthread_mutex_lock(&lock);
    int rc = SQLITE_OK;
    if (fails(w, false))
        rc = trouble == TROUBLE_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    else
        rc = behind(f)->pMethods->xWrite(behind(f), from, n, at);
    if (rc == SQLITE_OK)
        note(w, POWERCUT_WRITE, at, from, (size_t)n);
    pthread_mutex_unlock(&lock);
    return rc;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    pthread_mutex_lock(&lock);
    int rc = behind(f)->pMethods->xTruncate(behind(f), size);
    if (rc == SQLITE_OK)
        note((struct file *)(void *)f, POWERCUT_TRUNCATE, size, NULL, 0);
    pthread_mutex_unlock(&lock);
    return rc;
}

/* Nothing is really synced: the test has its own idea of what is on the disk. */
static int file_sync(sqlite3_file *f, int flags)
{
    struct file *w = (struct file *)(void *)f;
    (void)flags;
    pthread_mutex_lock(&lock);
    int rc = fails(w, true) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
    note(w, rc == SQLITE_OK ? POWERCUT_SYNC : POWERCUT_SYNC_FAILED, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return rc;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return behind(f)->pMethods->xFileSize(behind(f), size);
}

static int file_lock(sqlite3_file *f, int how)
{
    return behind(f)->pMethods->xLock(behind(f), how);
}

static int file_unlock(sqlite3_file *f, int how)
{
    return behind(f)->pMethods->xUnlock(behind(f), how);
}

static int file_reserved(sqlite3_file *f, int *out)
{
    return behind(f)->pMethods->xCheckReservedLock(behind(f), out);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    /* A hint lets the real file grow behind our back. */
    if (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE)
        return SQLITE_OK;
    return behind(f)->pMethods->xFileControl(behind(f), op, arg);
}

static int file_sector(sqlite3_file *f)
{
    return behind(f)->pMethods->xSectorSize(behind(f));
}

/* We promise nothing: not even that a write leaves its neighbours alone. */
static int file_promises(sqlite3_file *f)
{
    (void)f;
    return 0;
}

static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return behind(f)->pMethods->xShmMap(behind(f), page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return behind(f)->pMethods->xShmLock(behind(f), at, n, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
    behind(f)->pMethods->xShmBarrier(behind(f));
}

static int file_shm_unmap(sqlite3_file *f, int remove)
{
    return behind(f)->pMethods->xShmUnmap(behind(f), remove);
}

/* No mapped reads: everything passes through here. */
static int file_fetch(sqlite3_file *f, sqlite3_int64 at, int n, void **out)
{
    (void)f;
    (void)at;
    (void)n;
    *out = NULL;
    return SQLITE_OK;
}

static int file_unfetch(sqlite3_file *f, sqlite3_int64 at, void *p)
{
    (void)f;
    (void)at;
    (void)p;
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 3,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_promises,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
    .xFetch = file_fetch,
    .xUnfetch = file_unfetch,
};

static bool is_watched(const char *name, enum powercut_file *which)
{
    size_t n = strlen(watched_path);
    if (name == NULL || n == 0 || strncmp(name, watched_path, n) != 0)
        return false;
    *which = name[n] == '\0' ? POWERCUT_DATABASE : POWERCUT_LOG;
    return name[n] == '\0' || strcmp(name + n, "-wal") == 0;
}

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct file *w = (struct file *)(void *)f;
    (void)v;
    *w = (struct file){.base.pMethods = NULL};
    int rc = real->xOpen(real, name, behind(f), flags, out);
    if (behind(f)->pMethods == NULL)
        return rc;
    w->base.pMethods = &methods;
    pthread_mutex_lock(&lock);
    w->watched = is_watched(name, &w->which);
    pthread_mutex_unlock(&lock);
    return rc;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync)
{
    struct file f = {.watched = true};
    (void)v;
    (void)sync;
    pthread_mutex_lock(&lock);
    int rc = real->xDelete(real, name, 0);
    if (rc == SQLITE_OK && is_watched(name, &f.which))
        note(&f, POWERCUT_DELETE, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return rc;
}

void powercut_install(void)
{
    static sqlite3_vfs ours;
    if (real != NULL)
        return;
    sqlite3_initialize();
    real = sqlite3_vfs_find(NULL);
    ours = *real; /* what is not named here is the real one's, and works without us */
    ours.zName = "powercut";
    ours.szOsFile = (int)sizeof(struct file) + real->szOsFile;
    ours.xOpen = vfs_open;
    ours.xDelete = vfs_delete;
    if (sqlite3_vfs_register(&ours, 1) != SQLITE_OK)
        abort();
}

/* --- images --- */

static void image_size(struct image *i, size_t size)
{
    if (size > i->room) {
        i->room = size * 2;
        i->bytes = must_have(realloc(i->bytes, i->room));
    }
    if (size > i->size)
        memset(i->bytes + i->size, 0, size - i->size);
    i->size = size;
}

static void image_copy(struct image *to, const struct image *from)
{
    to->size = 0;
    image_size(to, from->size);
    if (from->size > 0)
        memcpy(to->bytes, from->bytes, from->size);
}

static void image_write(struct image *i, const struct powercut_event *e, size_t from, size_t until)
{
    if (from >= until)
        return;
    size_t end = (size_t)e->offset + until;
    if (end > i->size)
        image_size(i, end);
    memcpy(i->bytes + e->offset + from, e->bytes + from, until - from);
}

/* An event that reached the disk whole. */
static void image_apply(struct image *i, const struct powercut_event *e)
{
    if (e->kind == POWERCUT_WRITE)
        image_write(i, e, 0, e->len);
    else if (e->kind == POWERCUT_TRUNCATE)
        image_size(i, (size_t)e->offset);
}

static void image_load(struct image *i, const char *path)
{
    FILE *f = fopen(path, "rb");
    i->size = 0;
    if (f == NULL)
        return;
    for (;;) {
        size_t was = i->size;
        image_size(i, was + 65536);
        size_t got = fread(i->bytes + was, 1, 65536, f);
        i->size = was + got;
        if (got == 0)
            break;
    }
    fclose(f);
}

static void image_store(const struct image *i, const char *path)
{
    remove(path);
    if (i->size == 0)
        return;
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(i->bytes, 1, i->size, f) != i->size || fclose(f) != 0)
        abort();
}

static const char *name_of(const char *path, enum powercut_file which)
{
    static char name[300];
    snprintf(name, sizeof name, "%s%s", path, which == POWERCUT_LOG ? "-wal" : "");
    return name;
}

void powercut_begin(const char *path)
{
    pthread_mutex_lock(&lock);
    snprintf(watched_path, sizeof watched_path, "%s", path);
    for (int i = 0; i < POWERCUT_FILES; i++)
        image_load(&first[i], name_of(path, (enum powercut_file)i));
    recording = true;
    pthread_mutex_unlock(&lock);
}

void powercut_end(void)
{
    pthread_mutex_lock(&lock);
    recording = false;
    watched_path[0] = '\0';
    trouble = NO_TROUBLE;
    pthread_mutex_unlock(&lock);
}

void powercut_forget(void)
{
    for (size_t i = 0; i < count; i++)
        free(events[i].bytes);
    free(events);
    events = NULL;
    count = room = 0;
    for (int i = 0; i < POWERCUT_FILES; i++) {
        free(first[i].bytes);
        free(disk[i].safe.bytes);
        free(disk[i].cache.bytes);
        free(disk[i].old.bytes);
        free(disk[i].pending);
        first[i] = (struct image){NULL, 0, 0};
    }
    memset(disk, 0, sizeof disk);
}

/* --- rebuilding --- */

static void pend(enum powercut_file which, size_t event)
{
    if (disk[which].pending_count == disk[which].pending_room) {
        disk[which].pending_room = disk[which].pending_room * 2 + 64;
        disk[which].pending =
            must_have(realloc(disk[which].pending, disk[which].pending_room * sizeof(size_t)));
    }
    disk[which].pending[disk[which].pending_count++] = event;
}

/* The kernel writes whole pages, and those that it takes for dirty. One whose write failed counts
 * as clean from then on, until something is written to it again. */
static void write_back(enum powercut_file which, const struct powercut_event *e)
{
    struct image *safe = &disk[which].safe, *cache = &disk[which].cache;
    if (e->kind == POWERCUT_TRUNCATE)
        image_apply(safe, e);
    if (e->kind != POWERCUT_WRITE || e->lost)
        return;
    size_t from = (size_t)e->offset / PAGE * PAGE;
    size_t until = ((size_t)e->offset + e->len + PAGE - 1) / PAGE * PAGE;
    if (until > cache->size)
        until = cache->size;
    if (until > safe->size)
        image_size(safe, until);
    if (from < until)
        memcpy(safe->bytes + from, cache->bytes + from, until - from);
}

static void step(enum powercut_file which, size_t event)
{
    struct powercut_event *e = &events[event];
    if (e->kind == POWERCUT_MARK || e->file != which)
        return;
    switch (e->kind) {
    case POWERCUT_WRITE:
    case POWERCUT_TRUNCATE:
        image_apply(&disk[which].cache, e);
        pend(which, event);
        break;
    case POWERCUT_SYNC:
        for (size_t i = 0; i < disk[which].pending_count; i++)
            write_back(which, &events[disk[which].pending[i]]);
        disk[which].pending_count = 0;
        disk[which].replaced = false; /* SQLite syncs the folder of a new log, too */
        break;
    case POWERCUT_SYNC_FAILED:
        for (size_t i = 0; i < disk[which].pending_count; i++)
            events[disk[which].pending[i]].lost = true;
        break;
    case POWERCUT_DELETE:
        if (!disk[which].replaced)
            image_copy(&disk[which].old, &disk[which].safe);
        disk[which].replaced = true;
        image_size(&disk[which].safe, 0);
        image_size(&disk[which].cache, 0);
        disk[which].pending_count = 0;
        break;
    case POWERCUT_MARK:
        break;
    }
}

static void walk(enum powercut_file which, size_t until)
{
    if (until < disk[which].at || disk[which].at == 0) {
        disk[which].at = disk[which].pending_count = 0;
        disk[which].replaced = false;
        image_copy(&disk[which].safe, &first[which]);
        image_copy(&disk[which].cache, &first[which]);
    }
    while (disk[which].at < until)
        step(which, disk[which].at++);
}

static size_t below(unsigned *seed, size_t n)
{
    return n > 0 ? (size_t)rand_r(seed) % n : 0;
}

/* Some sectors of a write, each with the same chance. */
static void write_some(struct image *i, const struct powercut_event *e, unsigned *seed)
{
    size_t from = 0;
    while (from < e->len) {
        size_t until = from + SECTOR - (size_t)(e->offset + (int64_t)from) % SECTOR;
        if (until > e->len)
            until = e->len;
        if (below(seed, 2) == 0)
            image_write(i, e, from, until);
        from = until;
    }
}

static void write_pending(struct image *i, enum powercut_file which, enum powercut_way way,
                          unsigned *seed)
{
    size_t n = disk[which].pending_count;
    size_t whole = way == POWERCUT_TORN ? below(seed, n + 1) : 0;
    for (size_t k = 0; k < n; k++) {
        const struct powercut_event *e = &events[disk[which].pending[k]];
        if (k < whole)
            image_apply(i, e);
        else if (way == POWERCUT_TORN && k == whole && e->kind == POWERCUT_WRITE)
            image_write(i, e, 0, below(seed, e->len / SECTOR + 1) * SECTOR);
        else if (way == POWERCUT_REORDERED && e->kind == POWERCUT_WRITE && below(seed, 3) > 0)
            write_some(i, e, seed);
        else if (way == POWERCUT_REORDERED && below(seed, 2) == 0)
            image_apply(i, e);
    }
}

void powercut_rebuild(size_t until, enum powercut_way way, unsigned seed, const char *path)
{
    static struct image now;
    for (int i = 0; i < POWERCUT_FILES; i++) {
        enum powercut_file which = (enum powercut_file)i;
        walk(which, until);
        if (way == POWERCUT_KEPT) {
            image_copy(&now, &disk[which].cache);
        } else if (disk[which].replaced && below(&seed, 2) == 0) {
            image_copy(&now, &disk[which].old);
        } else {
            image_copy(&now, &disk[which].safe);
            if (way != POWERCUT_DROPPED)
                write_pending(&now, which, way, &seed);
        }
        image_store(&now, name_of(path, which));
    }
    char shared[300];
    snprintf(shared, sizeof shared, "%s-shm", path);
    remove(shared); /* the index of the log lives in memory */
}
