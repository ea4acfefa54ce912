/* The database under the store: its schema, and statements prepared once for each connection.
 * SPDX-License-Identifier: MIT */
#ifndef SERVER_STORE_DB_H
#define SERVER_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/err.h"

/* Every statement of the store, with its text in db.c. */
enum sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_SAVE,
    SQL_RELEASE,
    SQL_BACK,
    SQL_VALIDITY_GET,
    SQL_VALIDITY_SET,
    SQL_MENDED, /* counts; a row that stays the same would not be written */
    SQL_BLOB_LAST,
    SQL_ACCOUNT_FIND,
    SQL_ACCOUNT_ADD,
    SQL_ACCOUNTS,
    SQL_MAILBOX_BY_NAME,
    SQL_MAILBOX_BY_ID,
    SQL_MAILBOX_ADD,
    SQL_MAILBOX_ADVANCE,
    SQL_MAILBOX_RECENT,
    SQL_MAILBOX_VALIDITY,
    SQL_MAILBOX_SELECTABLE,
    SQL_MAILBOX_RENAME,
    SQL_MAILBOX_REMOVE,
    SQL_MAILBOX_CHILD,
    SQL_MAILBOX_TREE,
    SQL_MAILBOX_NAMES,
    SQL_MAILBOX_IDS,
    SQL_KEYWORDS,
    SQL_KEYWORD_ADD,
    SQL_KEYWORDS_REMOVE,
    SQL_MESSAGES,
    SQL_MESSAGE_GET,
    SQL_MESSAGE_ADD,
    SQL_MESSAGE_FLAGS,
    SQL_MESSAGE_REMOVE,
    SQL_MESSAGES_REMOVE,
    SQL_BLOB_GET,
    SQL_BLOB_ADD,
    SQL_BLOB_REFER,
    SQL_BLOB_DROP,
    SQL_BLOBS_UNREFER,
    SQL_BLOBS_DROP,
    SQL_TOMBSTONE_ADD,
    SQL_TOMBSTONES_REMOVE,
    SQL_SUBSCRIBE,
    SQL_UNSUBSCRIBE,
    SQL_USAGE,
    SQL_COUNT
};

struct db {
    sqlite3 *sql;
    bool owner; /* closes the connection; in memory the reader borrows the writer's */
    sqlite3_stmt *statements[SQL_COUNT];
};

/* Opens path (":memory:": a database of this connection's own) and makes or checks the schema. */
int db_open(const char *path, struct db *out, struct err *err);
/* A second connection to the same database, for reading; from must stay open. */
int db_open_reader(const char *path, struct db *from, struct db *out, struct err *err);
void db_close(struct db *d);

/* The parameters of a statement, all integers; text and blobs are bound by hand to the places after
 * them. */
#define DB(...) (const int64_t[]){__VA_ARGS__}, (int)(sizeof((const int64_t[]){__VA_ARGS__}) / 8)
#define DB_NONE NULL, 0

/* The statement, reset, with the first count parameters bound. NULL: out of memory or I/O trouble.
 */
sqlite3_stmt *db_prepare(struct db *d, enum sql which, const int64_t *values, int count);
/* Runs a statement that gives no rows. */
int db_run(struct db *d, enum sql which, const int64_t *values, int count);
/* Steps: 1 a row, 0 the end (and reset), -1 trouble (and reset). */
int db_step(sqlite3_stmt *s);
/* A copy of a text, the caller's; where a damaged row has none it is "?". */
char *db_text(sqlite3_stmt *s, int column);
/* Runs a statement that db_prepare gave and that gives no rows. NULL is trouble too. */
int db_finish(sqlite3_stmt *s);
/* No mailbox, message or subscription is left; accounts and counters are. */
int db_empty(struct db *d);
int db_error(struct db *d, const char *what, struct err *err);

#endif
