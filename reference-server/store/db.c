/* Connections, schema and prepared statements. The rest of the store never writes SQL.
 * SPDX-License-Identifier: MIT */
#include "store/db.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA_VERSION = 1, BUSY_MS = 10000, DAMAGE_TOLD_MOST = 20 };

static const char schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('uidvalidity', 0);"
    "CREATE TABLE account(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL);"
    "CREATE TABLE mailbox(id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL,"
    " name TEXT NOT NULL, uidvalidity INTEGER NOT NULL, uidnext INTEGER NOT NULL,"
    " modseq INTEGER NOT NULL, first_recent INTEGER NOT NULL, noselect INTEGER NOT NULL,"
    " special_use INTEGER NOT NULL, UNIQUE(account, name));"
    "CREATE TABLE keyword(mailbox INTEGER, number INTEGER, name TEXT NOT NULL,"
    " PRIMARY KEY(mailbox, number)) WITHOUT ROWID;"
    "CREATE TABLE message(mailbox INTEGER, uid INTEGER, modseq INTEGER NOT NULL,"
    " flags INTEGER NOT NULL, date INTEGER NOT NULL, zone INTEGER NOT NULL, size INTEGER NOT NULL,"
    " pop3 INTEGER NOT NULL, blob INTEGER NOT NULL, PRIMARY KEY(mailbox, uid)) WITHOUT ROWID;"
    "CREATE TABLE blob(id INTEGER PRIMARY KEY, refs INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE TABLE tombstone(mailbox INTEGER, uid INTEGER, modseq INTEGER NOT NULL,"
    " PRIMARY KEY(mailbox, uid)) WITHOUT ROWID;"
    "CREATE TABLE subscription(account INTEGER, name TEXT, PRIMARY KEY(account, name))"
    " WITHOUT ROWID;"
    "PRAGMA user_version=1;";

#define MAILBOX_COLUMNS "id, uidvalidity, uidnext, modseq, first_recent, noselect, name"
#define MESSAGE_COLUMNS "uid, modseq, flags, date, zone, size, pop3, blob"

/* Names sort by bytes, so "a/" to "a0" is everything below "a": "0" comes right after "/". */
static const char *const text[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_SAVE] = "SAVEPOINT one",
    [SQL_RELEASE] = "RELEASE one",
    [SQL_BACK] = "ROLLBACK TO one",
    [SQL_VALIDITY_GET] = "SELECT value FROM meta WHERE key='uidvalidity'",
    [SQL_VALIDITY_SET] = "UPDATE meta SET value=?1 WHERE key='uidvalidity'",
    [SQL_MENDED] = "INSERT INTO meta(key, value) VALUES('mended', 1)"
                   " ON CONFLICT(key) DO UPDATE SET value=value+1",
    [SQL_BLOB_LAST] = "SELECT max(id) FROM blob",
    [SQL_ACCOUNT_FIND] = "SELECT id FROM account WHERE name=?1",
    [SQL_ACCOUNT_ADD] = "INSERT INTO account(name) VALUES(?1)",
    [SQL_ACCOUNTS] = "SELECT id FROM account",
    [SQL_MAILBOX_BY_NAME] = "SELECT " MAILBOX_COLUMNS " FROM mailbox WHERE account=?1 AND name=?2",
    [SQL_MAILBOX_BY_ID] = "SELECT " MAILBOX_COLUMNS " FROM mailbox WHERE id=?1",
    [SQL_MAILBOX_ADD] = "INSERT INTO mailbox(account, name, uidvalidity, uidnext, modseq,"
                        " first_recent, noselect, special_use) VALUES(?1, ?2, ?3, 1, 1, 1, ?4, 0)",
    [SQL_MAILBOX_ADVANCE] = "UPDATE mailbox SET uidnext=?2, modseq=?3 WHERE id=?1",
    [SQL_MAILBOX_RECENT] = "UPDATE mailbox SET first_recent=?2 WHERE id=?1",
    [SQL_MAILBOX_VALIDITY] = "UPDATE mailbox SET uidvalidity=?2 WHERE id=?1",
    [SQL_MAILBOX_SELECTABLE] = "UPDATE mailbox SET noselect=0, uidvalidity=?2 WHERE id=?1",
    [SQL_MAILBOX_RENAME] = "UPDATE mailbox SET name=?2 WHERE id=?1",
    [SQL_MAILBOX_REMOVE] = "DELETE FROM mailbox WHERE id=?1",
    [SQL_MAILBOX_CHILD] =
        "SELECT 1 FROM mailbox WHERE account=?1 AND name>?2||'/' AND name<?2||'0' LIMIT 1",
    [SQL_MAILBOX_TREE] = "SELECT id, name FROM mailbox WHERE account=?1 AND"
                         " (name=?2 OR (name>?2||'/' AND name<?2||'0')) ORDER BY name",
    [SQL_MAILBOX_NAMES] =
        "SELECT name, max(there), max(subscribed), max(noselect), max(special_use) FROM"
        " (SELECT name, 1 AS there, 0 AS subscribed, noselect, special_use FROM mailbox"
        " WHERE account=?1 UNION ALL SELECT name, 0, 1, 0, 0 FROM subscription WHERE account=?1)"
        " GROUP BY name ORDER BY name",
    [SQL_MAILBOX_IDS] = "SELECT id FROM mailbox",
    [SQL_KEYWORDS] = "SELECT number, name FROM keyword WHERE mailbox=?1 ORDER BY number",
    [SQL_KEYWORD_ADD] = "INSERT INTO keyword(mailbox, number, name) VALUES(?1, ?2, ?3)",
    [SQL_KEYWORDS_REMOVE] = "DELETE FROM keyword WHERE mailbox=?1",
    [SQL_MESSAGES] = "SELECT " MESSAGE_COLUMNS " FROM message WHERE mailbox=?1 ORDER BY uid",
    [SQL_MESSAGE_GET] = "SELECT " MESSAGE_COLUMNS " FROM message WHERE mailbox=?1 AND uid=?2",
    [SQL_MESSAGE_ADD] = "INSERT INTO message(mailbox, " MESSAGE_COLUMNS
                        ") VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [SQL_MESSAGE_FLAGS] = "UPDATE message SET flags=?3, modseq=?4 WHERE mailbox=?1 AND uid=?2",
    [SQL_MESSAGE_REMOVE] = "DELETE FROM message WHERE mailbox=?1 AND uid=?2",
    [SQL_MESSAGES_REMOVE] = "DELETE FROM message WHERE mailbox=?1",
    [SQL_BLOB_GET] = "SELECT data FROM blob WHERE id=?1",
    [SQL_BLOB_ADD] = "INSERT INTO blob(id, refs, data) VALUES(?1, ?2, ?3)",
    [SQL_BLOB_REFER] = "UPDATE blob SET refs=refs+?2 WHERE id=?1",
    [SQL_BLOB_DROP] = "DELETE FROM blob WHERE id=?1 AND refs<=0",
    [SQL_BLOBS_UNREFER] =
        "UPDATE blob SET refs=refs-k.n FROM (SELECT blob, count(*) AS n FROM message"
        " WHERE mailbox=?1 GROUP BY blob) AS k WHERE k.blob=blob.id",
    [SQL_BLOBS_DROP] =
        "DELETE FROM blob WHERE refs<=0 AND id IN (SELECT blob FROM message WHERE mailbox=?1)",
    [SQL_TOMBSTONE_ADD] = "INSERT INTO tombstone(mailbox, uid, modseq) VALUES(?1, ?2, ?3)",
    [SQL_TOMBSTONES_REMOVE] = "DELETE FROM tombstone WHERE mailbox=?1",
    [SQL_SUBSCRIBE] = "INSERT OR IGNORE INTO subscription(account, name) VALUES(?1, ?2)",
    [SQL_USAGE] = "SELECT count(*), total(size) FROM message WHERE mailbox IN"
                  " (SELECT id FROM mailbox WHERE account=?1)",
    [SQL_UNSUBSCRIBE] = "DELETE FROM subscription WHERE account=?1 AND name=?2",
};

int db_error(struct db *d, const char *what, struct err *err)
{
    return err_set(err, "%s: %s", what, d->sql != NULL ? sqlite3_errmsg(d->sql) : "out of memory");
}

static int pragma_int(sqlite3 *sql, const char *pragma)
{
    sqlite3_stmt *s = NULL;
    int value = -1;
    if (sqlite3_prepare_v2(sql, pragma, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        value = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return value;
}

/* SQLite's words about its files, from any thread. Whoever asked gets an answer of their protocol;
 * whoever runs the server has to hear which table it was. */
static void tell_damage(void *told, int code, const char *words)
{
    static const char where[] = "database corruption at line "; /* of SQLite: more follows */
    if (((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB) &&
        strncmp(words, where, sizeof where - 1) != 0 &&
        atomic_fetch_add((atomic_int *)told, 1) < DAMAGE_TOLD_MOST)
        fprintf(stderr, "mailproofd: the store is damaged: %s\n", words);
}

static int connect(const char *path, struct db *out, struct err *err)
{
    struct db d = {.owner = true};
    /* On disk each connection has one thread; in memory there is one connection for both. */
    bool memory = strcmp(path, ":memory:") == 0;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                (memory ? SQLITE_OPEN_FULLMUTEX : SQLITE_OPEN_NOMUTEX);
    /* Counting what is allocated takes a lock each time, and nobody reads it. Where SQLite is
     * initialized already it goes on counting. */
    static atomic_int told;
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_LOG, tell_damage, &told);
    if (sqlite3_open_v2(path, &d.sql, flags, NULL) != SQLITE_OK) {
        db_error(&d, path, err);
        sqlite3_close(d.sql);
        return -1;
    }
    sqlite3_busy_timeout(d.sql, BUSY_MS);
    sqlite3_extended_result_codes(d.sql, 1);
    *out = d;
    return 0;
}

int db_open(const char *path, struct db *out, struct err *err)
{
    struct db d;
    if (connect(path, &d, err) != 0)
        return -1;
    bool memory = strcmp(path, ":memory:") == 0;
    /* Overwriting what is deleted would write every page of it once more; a checkpoint takes two
     * flushes, so that one in 16 MB is often enough. */
    const char *setup = memory ? "PRAGMA journal_mode=MEMORY; PRAGMA temp_store=MEMORY;"
                               : "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                 "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864;"
                                 "PRAGMA secure_delete=OFF; PRAGMA wal_autocheckpoint=4000;";
    if (sqlite3_exec(d.sql, setup, NULL, NULL, NULL) != SQLITE_OK)
        goto failed;
    int version = pragma_int(d.sql, "PRAGMA user_version");
    if (version > SCHEMA_VERSION) {
        err_set(err, "%s: made by a newer mailproofd (schema %d)", path, version);
        db_close(&d);
        return -1;
    }
    if (version < 0)
        goto failed;
    if (version == 0) {
        if (sqlite3_exec(d.sql, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_exec(d.sql, schema, NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_exec(d.sql, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
            goto failed;
    }
    *out = d;
    return 0;
failed:
    db_error(&d, path, err);
    db_close(&d);
    return -1;
}

int db_open_reader(const char *path, struct db *from, struct db *out, struct err *err)
{
    if (strcmp(path, ":memory:") == 0) {
        *out = (struct db){.sql = from->sql, .owner = false};
        return 0;
    }
    return connect(path, out, err);
}

void db_close(struct db *d)
{
    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(d->statements[i]);
    if (d->owner)
        sqlite3_close(d->sql);
    *d = (struct db){.sql = NULL};
}

sqlite3_stmt *db_prepare(struct db *d, enum sql which, const int64_t *values, int count)
{
    sqlite3_stmt *s = d->statements[which];
    if (s == NULL) {
        if (sqlite3_prepare_v3(d->sql, text[which], -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) !=
            SQLITE_OK)
            return NULL;
        d->statements[which] = s;
    } else {
        sqlite3_reset(s);
    }
    for (int i = 0; i < count; i++)
        if (sqlite3_bind_int64(s, i + 1, values[i]) != SQLITE_OK)
            return NULL;
    return s;
}

int db_run(struct db *d, enum sql which, const int64_t *values, int count)
{
    return db_finish(db_prepare(d, which, values, count));
}

int db_step(sqlite3_stmt *s)
{
    if (s == NULL)
        return -1;
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        return 1;
    sqlite3_reset(s);
    return rc == SQLITE_DONE ? 0 : -1;
}

char *db_text(sqlite3_stmt *s, int column)
{
    const char *there = (const char *)sqlite3_column_text(s, column);
    char *copy = strdup(there != NULL ? there : "?");
    if (copy == NULL)
        abort();
    return copy;
}

int db_finish(sqlite3_stmt *s)
{
    return db_step(s) == 0 ? 0 : -1;
}

int db_empty(struct db *d)
{
    static const char all[] = "DELETE FROM message; DELETE FROM blob; DELETE FROM tombstone;"
                              " DELETE FROM keyword; DELETE FROM subscription; DELETE FROM mailbox";
    return sqlite3_exec(d->sql, all, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}
