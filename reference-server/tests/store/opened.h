/* A store with one account, for the tests of the store: in memory, or in a folder of its own.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_TESTS_STORE_OPENED_H
#define SERVER_TESTS_STORE_OPENED_H

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/clock.h"
#include "net/loop.h"
#include "store/store.h"
#include "world.h"

static struct clock *clk;
static struct loop *loop;
static struct store *store;
static int64_t account;
static char folder[64], path[96]; /* empty in memory */

static inline void open_store(const char *where)
{
    struct err err;
    clk = clock_new();
    loop = loop_new(clk, &err);
    struct store_options o = {where, loop, clk};
    ck_assert_msg(store_open(&o, &store, &err) == 0, "%s", err.text);
    ck_assert_msg(store_account(store, "ann", true, &account, &err) == 0, "%s", err.text);
}

static inline void close_store(void)
{
    store_close(store);
    loop_free(loop);
    clock_free(clk);
}

static inline void begin_memory(void)
{
    open_store(":memory:");
}

static inline void begin_file(void)
{
    snprintf(folder, sizeof folder, "/tmp/mailproofd-store-XXXXXX");
    ck_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/store.db", folder);
    open_store(path);
}

static inline void remove_folder(void)
{
    char name[512];
    DIR *d = opendir(folder);
    struct dirent *e;
    while (d != NULL && (e = readdir(d)) != NULL) {
        snprintf(name, sizeof name, "%s/%s", folder, e->d_name);
        unlink(name);
    }
    if (d != NULL)
        closedir(d);
    rmdir(folder);
}

static inline void end_file(void)
{
    close_store();
    remove_folder();
}

static inline uint32_t add(const char *mailbox, const char *text, uint64_t flags)
{
    return world_add(store, loop, account, mailbox, text, flags);
}

static inline struct mailbox *box(const char *name)
{
    struct mailbox *m;
    ck_assert_msg(mailbox_open(store, account, name, &m) == 0, "no mailbox %s", name);
    return m;
}

static inline enum store_status created(const char *name)
{
    struct world_done d = {.done = false};
    store_create(store, account, name, world_done, &d);
    world_wait(loop, &d);
    return d.status;
}

static inline enum store_status deleted(const char *name)
{
    struct world_done d = {.done = false};
    store_delete(store, account, name, world_done, &d);
    world_wait(loop, &d);
    return d.status;
}

static inline enum store_status renamed(const char *from, const char *to)
{
    struct world_done d = {.done = false};
    store_rename(store, account, from, to, world_done, &d);
    world_wait(loop, &d);
    return d.status;
}

static inline void check_text(const struct message *m, const char *text)
{
    struct blob b;
    struct err err;
    ck_assert_msg(blob_read(store, m->blob, &b, &err) == 0, "%s", err.text);
    ck_assert_msg(b.len == strlen(text) && memcmp(b.data, text, b.len) == 0, "%.*s", (int)b.len,
                  (const char *)b.data);
    blob_release(&b);
}

#endif
