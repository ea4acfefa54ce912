/* Snapshots: copies of all tables as temporary tables of the writer's connection, which lie in
 * memory. They know nothing of what the tables mean but for two: texts of messages are not written
 * again where they are there still, and meta, whose counters only go up, stays as it is.
 * SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

enum { NAME_BYTES = 64, TABLE_BYTES = 64, TABLES = 64, SQL_BYTES = 1024 };

struct copying {
    const char *name;
    bool back;    /* restore */
    bool unknown; /* there is no snapshot of that name */
};

typedef char table_name[TABLE_BYTES];

/* The names of the tables that are to be copied. -1: trouble. */
static int tables(sqlite3 *sql, table_name *out)
{
    static const char text[] = "SELECT name FROM main.sqlite_master WHERE type='table'"
                               " AND name NOT LIKE 'sqlite%' AND name<>'meta'";
    sqlite3_stmt *s = NULL;
    int count = 0, rc = sqlite3_prepare_v2(sql, text, -1, &s, NULL);
    while (rc == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW && count < TABLES)
        snprintf(out[count++], TABLE_BYTES, "%s", (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return rc == SQLITE_OK ? count : -1;
}

static int run(sqlite3 *sql, const char *format, const char *name, const char *table)
{
    char text[SQL_BYTES];
    const char *at = format;
    size_t n = 0;
    /* {S} is the snapshot's table, {T} the store's. */
    while (*at != '\0' && n + NAME_BYTES + TABLE_BYTES + 16 < sizeof text) {
        if (strncmp(at, "{S}", 3) == 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "temp.\"%s/%s\"", name, table);
        else if (strncmp(at, "{T}", 3) == 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "main.\"%s\"", table);
        else
            text[n++] = *at;
        at += *at == '{' ? 3 : 1;
    }
    text[n] = '\0';
    return sqlite3_exec(sql, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

static bool is_there(sqlite3 *sql, const char *name)
{
    char table[NAME_BYTES + TABLE_BYTES];
    sqlite3_stmt *s = NULL;
    snprintf(table, sizeof table, "%s/mailbox", name);
    bool there = sqlite3_prepare_v2(sql, "SELECT 1 FROM temp.sqlite_master WHERE name=?1", -1, &s,
                                    NULL) == SQLITE_OK &&
                 sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC) == SQLITE_OK &&
                 sqlite3_step(s) == SQLITE_ROW;
    sqlite3_finalize(s);
    return there;
}

static int copy(void *arg, sqlite3 *sql)
{
    static const char keep[] = "CREATE TABLE {S} AS SELECT * FROM {T}",
                      keep_again[] = "DELETE FROM {S}; INSERT INTO {S} SELECT * FROM {T}",
                      back[] = "DELETE FROM {T}; INSERT INTO {T} SELECT * FROM {S}",
                      back_blobs[] =
                          "DELETE FROM {T} WHERE id NOT IN (SELECT id FROM {S});"
                          "UPDATE {T} SET refs=(SELECT refs FROM {S} AS k WHERE k.id={T}.id);"
                          "INSERT INTO {T} SELECT * FROM {S} WHERE id NOT IN (SELECT id FROM {T})";
    struct copying *c = arg;
    table_name names[TABLES];
    int count = tables(sql, names);
    bool again = is_there(sql, c->name);
    c->unknown = c->back && !again;
    if (count < 0)
        return -1;
    for (int i = 0; i < count && !c->unknown; i++) {
        const char *format = !c->back && again               ? keep_again
                             : !c->back                      ? keep
                             : strcmp(names[i], "blob") == 0 ? back_blobs
                                                             : back;
        if (run(sql, format, c->name, names[i]) != 0)
            return -1;
    }
    return 0;
}

static int check_name(const char *name, struct err *err)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    if (n == 0 || name[n] != '\0' || n >= NAME_BYTES)
        return err_set(err,
                       "the name of a snapshot has 1 to %d letters, digits, \".\", \"_\", \"-\"",
                       NAME_BYTES - 1);
    return 0;
}

int store_snapshot(struct store *s, const char *name, struct err *err)
{
    struct copying c = {.name = name};
    return check_name(name, err) != 0 ? -1 : store_change_now(s, copy, &c, err);
}

int store_restore(struct store *s, const char *name, struct err *err)
{
    struct copying c = {.name = name, .back = true};
    if (check_name(name, err) != 0 || store_change_now(s, copy, &c, err) != 0)
        return -1;
    if (c.unknown)
        return err_set(err, "there is no snapshot \"%s\"", name);
    store_forget_mailboxes(s);
    return 0;
}
