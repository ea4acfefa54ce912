/* The queue's tables. Statements run on the writer thread, from values that were copied before.
 * SPDX-License-Identifier: MIT */
#include "queue/batch.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

static const char tables[] =
    "CREATE TABLE IF NOT EXISTS queue(id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " sender TEXT NOT NULL, envid TEXT, flags INTEGER NOT NULL, arrival INTEGER NOT NULL,"
    " data BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS rcpt(message INTEGER, number INTEGER, address TEXT NOT NULL,"
    " orcpt TEXT, notify INTEGER NOT NULL, gone INTEGER NOT NULL, next INTEGER NOT NULL,"
    " tries INTEGER NOT NULL, told INTEGER NOT NULL, status TEXT NOT NULL,"
    " diagnostic TEXT NOT NULL, remote TEXT NOT NULL, from_server INTEGER NOT NULL,"
    " PRIMARY KEY(message, number)) WITHOUT ROWID;";

/* What came later; a store that was made before gets these columns. */
static const struct {
    const char *table, *name, *declared;
} columns[] = {
    {"queue", "priority", "INTEGER NOT NULL DEFAULT 0"},
    {"queue", "by_mode", "INTEGER NOT NULL DEFAULT 0"},
    {"queue", "by_time", "INTEGER NOT NULL DEFAULT 0"},
    {"queue", "held_until", "INTEGER NOT NULL DEFAULT 0"},
    {"queue", "hold", "TEXT NOT NULL DEFAULT ''"},
    {"queue", "holder", "INTEGER NOT NULL DEFAULT 0"},
    {"rcpt", "account", "INTEGER NOT NULL DEFAULT 0"},
};

enum {
    FLAG_HEADER = 1,
    FLAG_FULL = 2,
    FLAG_UTF8 = 4,
    FLAG_REQUIRETLS = 8,
    FLAG_EIGHT_BIT = 16,
    FLAG_TLS_OPTIONAL = 32,
    FLAG_PRIORITY_SAID = 64,
    FLAG_BY_TRACE = 128,
    FLAG_BINARY = 256,
};
/* Of rcpt.told, which was only the first of them once. */
enum { TOLD_DELAY = 1, TOLD_BY = 2 };

struct recipient_row {
    int64_t message, next;
    int number, gone, tries, told, from_server;
    char status[12], diagnostic[400], remote[DNS_NAME_MAX + 1];
    struct recipient_row *link;
};

struct batch {
    struct store_delivery *deliveries;
    int64_t **accounts;
    size_t delivery_count;
    const struct qmsg **added;
    size_t added_count;
    struct recipient_row *rows;
    int64_t *removed;
    size_t removed_count;
    bool clear;
    store_done *done;
    void *arg;
};

static void *must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static void *grow(void *list, size_t count, size_t size)
{
    return must_have(realloc(list, (count + 1) * size));
}

struct batch *batch_new(void)
{
    return must_have(calloc(1, sizeof(struct batch)));
}

static void batch_free(struct batch *b)
{
    for (size_t i = 0; i < b->delivery_count; i++)
        free(b->accounts[i]);
    free(b->accounts);
    free(b->deliveries);
    free(b->added);
    free(b->removed);
    while (b->rows != NULL) {
        struct recipient_row *next = b->rows->link;
        free(b->rows);
        b->rows = next;
    }
    free(b);
}

void batch_deliver(struct batch *b, const int64_t *accounts, size_t count, unsigned char *data,
                   size_t len)
{
    size_t n = b->delivery_count++;
    b->deliveries = grow(b->deliveries, n, sizeof *b->deliveries);
    b->accounts = grow(b->accounts, n, sizeof *b->accounts);
    b->accounts[n] = must_have(calloc(count + 1, sizeof *accounts));
    memcpy(b->accounts[n], accounts, count * sizeof *accounts);
    b->deliveries[n] = (struct store_delivery){b->accounts[n], count, data, len, false};
}

void batch_beyond_quota(struct batch *b)
{
    b->deliveries[b->delivery_count - 1].beyond_quota = true;
}

void batch_add(struct batch *b, const struct qmsg *m)
{
    b->added = grow(b->added, b->added_count, sizeof *b->added);
    b->added[b->added_count++] = m;
}

void batch_recipient(struct batch *b, const struct qmsg *m, size_t number)
{
    const struct rcpt *r = &m->rcpts[number];
    struct recipient_row *row = must_have(calloc(1, sizeof *row));
    row->message = m->id;
    row->number = (int)number;
    row->next = r->next_s;
    row->gone = r->state == RCPT_GONE;
    row->tries = (int)r->tries;
    row->told = (r->told_delay ? TOLD_DELAY : 0) | (r->told_by ? TOLD_BY : 0);
    row->from_server = r->last.from_server;
    memcpy(row->status, r->last.status, sizeof row->status);
    memcpy(row->diagnostic, r->last.diagnostic, sizeof row->diagnostic);
    memcpy(row->remote, r->remote, sizeof row->remote);
    row->link = b->rows;
    b->rows = row;
}

void batch_remove(struct batch *b, int64_t message)
{
    b->removed = grow(b->removed, b->removed_count, sizeof *b->removed);
    b->removed[b->removed_count++] = message;
}

void batch_clear_all(struct batch *b)
{
    b->clear = true;
}

/* --- statements --- */

static sqlite3_stmt *prepare(sqlite3 *sql, const char *text)
{
    sqlite3_stmt *s = NULL;
    return sqlite3_prepare_v2(sql, text, -1, &s, NULL) == SQLITE_OK ? s : NULL;
}

static int finish(sqlite3_stmt *s)
{
    int rc = s != NULL && sqlite3_step(s) == SQLITE_DONE ? 0 : -1;
    sqlite3_finalize(s);
    return rc;
}

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
    if (text != NULL)
        sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

static int insert_recipient(sqlite3 *sql, const struct qmsg *m, size_t number)
{
    const struct rcpt *r = &m->rcpts[number];
    sqlite3_stmt *s = prepare(sql, "INSERT INTO rcpt(message, number, address, orcpt, notify, gone,"
                                   " next, tries, told, status, diagnostic, remote, from_server,"
                                   " account) VALUES(?,?,?,?,?,0,?,0,0,'','','',0,?)");
    if (s == NULL)
        return -1;
    sqlite3_bind_int64(s, 1, m->id);
    sqlite3_bind_int64(s, 2, (int64_t)number);
    bind_text(s, 3, r->address);
    bind_text(s, 4, r->orcpt);
    sqlite3_bind_int64(s, 5, r->notify);
    sqlite3_bind_int64(s, 6, r->next_s);
    sqlite3_bind_int64(s, 7, r->account);
    return finish(s);
}

static int flags_of(const struct qmsg *m)
{
    const struct wishes *w = &m->wishes;
    return (m->return_header ? FLAG_HEADER : 0) | (m->return_full ? FLAG_FULL : 0) |
           (m->utf8 ? FLAG_UTF8 : 0) | (w->requiretls ? FLAG_REQUIRETLS : 0) |
           (m->eight_bit ? FLAG_EIGHT_BIT : 0) | (w->tls_optional ? FLAG_TLS_OPTIONAL : 0) |
           (w->priority_said ? FLAG_PRIORITY_SAID : 0) | (w->by_trace ? FLAG_BY_TRACE : 0) |
           (m->binary ? FLAG_BINARY : 0);
}

static int insert_message(sqlite3 *sql, const struct qmsg *m)
{
    const struct wishes *w = &m->wishes;
    sqlite3_stmt *s =
        prepare(sql, "INSERT INTO queue(id, name, sender, envid, flags, arrival, data, priority,"
                     " by_mode, by_time, held_until, hold, holder)"
                     " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)");
    if (s == NULL)
        return -1;
    sqlite3_bind_int64(s, 1, m->id);
    bind_text(s, 2, m->name);
    bind_text(s, 3, m->sender);
    bind_text(s, 4, m->envid);
    sqlite3_bind_int(s, 5, flags_of(m));
    sqlite3_bind_int64(s, 6, m->arrival_s);
    sqlite3_bind_blob64(s, 7, m->len > 0 ? m->data : (const void *)"", m->len, SQLITE_STATIC);
    sqlite3_bind_int(s, 8, w->priority);
    sqlite3_bind_int(s, 9, (int)w->by);
    sqlite3_bind_int64(s, 10, w->by_s);
    sqlite3_bind_int64(s, 11, w->release_s);
    bind_text(s, 12, w->hold);
    sqlite3_bind_int64(s, 13, w->holder);
    if (finish(s) != 0)
        return -1;
    for (size_t i = 0; i < m->count; i++)
        if (insert_recipient(sql, m, i) != 0)
            return -1;
    return 0;
}

static int update_recipient(sqlite3 *sql, const struct recipient_row *r)
{
    sqlite3_stmt *s = prepare(sql, "UPDATE rcpt SET next=?3, gone=?4, tries=?5, told=?6, status=?7,"
                                   " diagnostic=?8, remote=?9, from_server=?10"
                                   " WHERE message=?1 AND number=?2");
    if (s == NULL)
        return -1;
    sqlite3_bind_int64(s, 1, r->message);
    sqlite3_bind_int(s, 2, r->number);
    sqlite3_bind_int64(s, 3, r->next);
    sqlite3_bind_int(s, 4, r->gone);
    sqlite3_bind_int(s, 5, r->tries);
    sqlite3_bind_int(s, 6, r->told);
    bind_text(s, 7, r->status);
    bind_text(s, 8, r->diagnostic);
    bind_text(s, 9, r->remote);
    sqlite3_bind_int(s, 10, r->from_server);
    return finish(s);
}

static int delete_message(sqlite3 *sql, int64_t id)
{
    static const char *const texts[] = {"DELETE FROM rcpt WHERE message=?",
                                        "DELETE FROM queue WHERE id=?"};
    for (size_t i = 0; i < 2; i++) {
        sqlite3_stmt *s = prepare(sql, texts[i]);
        if (s != NULL)
            sqlite3_bind_int64(s, 1, id);
        if (finish(s) != 0)
            return -1;
    }
    return 0;
}

static int run(void *arg, sqlite3 *sql)
{
    const struct batch *b = arg;
    if (b->clear &&
        sqlite3_exec(sql, "DELETE FROM rcpt; DELETE FROM queue", NULL, NULL, NULL) != SQLITE_OK)
        return -1;
    for (size_t i = 0; i < b->added_count; i++)
        if (insert_message(sql, b->added[i]) != 0)
            return -1;
    for (const struct recipient_row *r = b->rows; r != NULL; r = r->link)
        if (update_recipient(sql, r) != 0)
            return -1;
    for (size_t i = 0; i < b->removed_count; i++)
        if (delete_message(sql, b->removed[i]) != 0)
            return -1;
    return 0;
}

static void committed(void *arg, const struct store_result *r)
{
    struct batch *b = arg;
    b->done(b->arg, r);
    batch_free(b);
}

void batch_commit(struct batch *b, struct store *s, store_done *done, void *arg)
{
    b->done = done;
    b->arg = arg;
    store_change(s, b->deliveries, b->delivery_count, run, b, committed, b);
}

/* --- reading --- */

static int make_tables(void *arg, sqlite3 *sql)
{
    (void)arg;
    if (sqlite3_exec(sql, tables, NULL, NULL, NULL) != SQLITE_OK)
        return -1;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        char text[200];
        sqlite3_stmt *s = NULL;
        snprintf(text, sizeof text, "SELECT %s FROM %s", columns[i].name, columns[i].table);
        bool there = sqlite3_prepare_v2(sql, text, -1, &s, NULL) == SQLITE_OK;
        sqlite3_finalize(s);
        snprintf(text, sizeof text, "ALTER TABLE %s ADD COLUMN %s %s", columns[i].table,
                 columns[i].name, columns[i].declared);
        if (!there && sqlite3_exec(sql, text, NULL, NULL, NULL) != SQLITE_OK)
            return -1;
    }
    return 0;
}

int batch_tables(struct store *s, struct err *err)
{
    return store_change_now(s, make_tables, NULL, err);
}

struct loading {
    void (*each)(void *arg, struct qmsg *m);
    void *arg;
    int64_t last;
    struct qmsg *wanted;
};

static char *column(sqlite3_stmt *s, int at)
{
    const char *text = (const char *)sqlite3_column_text(s, at);
    return text != NULL ? must_have(strdup(text)) : NULL;
}

static void column_to(sqlite3_stmt *s, int at, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(s, at);
    snprintf(out, size, "%s", text != NULL ? text : "");
}

static int load_recipients(sqlite3 *sql, struct qmsg *m)
{
    int rc;
    sqlite3_stmt *s =
        prepare(sql, "SELECT address, orcpt, notify, gone, next, tries, told, status, diagnostic,"
                     " remote, from_server, account FROM rcpt WHERE message=? ORDER BY number");
    if (s == NULL)
        return -1;
    sqlite3_bind_int64(s, 1, m->id);
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        m->rcpts = grow(m->rcpts, m->count, sizeof *m->rcpts);
        struct rcpt *r = &m->rcpts[m->count++];
        *r = (struct rcpt){
            .address = column(s, 0),
            .orcpt = column(s, 1),
            .notify = (unsigned)sqlite3_column_int(s, 2),
            .state = sqlite3_column_int(s, 3) != 0 ? RCPT_GONE : RCPT_WAITING,
            .next_s = sqlite3_column_int64(s, 4),
            .tries = (unsigned)sqlite3_column_int(s, 5),
            .told_delay = (sqlite3_column_int(s, 6) & TOLD_DELAY) != 0,
            .told_by = (sqlite3_column_int(s, 6) & TOLD_BY) != 0,
            .account = sqlite3_column_int64(s, 11),
        };
        column_to(s, 7, r->last.status, sizeof r->last.status);
        column_to(s, 8, r->last.diagnostic, sizeof r->last.diagnostic);
        column_to(s, 9, r->remote, sizeof r->remote);
        r->last.from_server = sqlite3_column_int(s, 10) != 0;
        if (r->tries > 0)
            r->last.verdict = CLIENT_LATER;
        address_domain(r->address, r->domain);
    }
    sqlite3_finalize(s);
    return rc == SQLITE_DONE ? 0 : -1;
}

static void load_wishes(sqlite3_stmt *s, int flags, struct wishes *w)
{
    int mode = sqlite3_column_int(s, 7);
    w->requiretls = (flags & FLAG_REQUIRETLS) != 0;
    w->tls_optional = (flags & FLAG_TLS_OPTIONAL) != 0;
    w->priority_said = (flags & FLAG_PRIORITY_SAID) != 0;
    w->by_trace = (flags & FLAG_BY_TRACE) != 0;
    w->priority = sqlite3_column_int(s, 6);
    w->by = mode == BY_RETURN ? BY_RETURN : mode == BY_NOTIFY ? BY_NOTIFY : BY_NOT_ASKED;
    w->by_s = sqlite3_column_int64(s, 8);
    w->release_s = sqlite3_column_int64(s, 9);
    column_to(s, 10, w->hold, sizeof w->hold);
    w->holder = sqlite3_column_int64(s, 11);
}

static int load(void *arg, sqlite3 *sql)
{
    struct loading *l = arg;
    int rc;
    sqlite3_stmt *s =
        prepare(sql, "SELECT id, name, sender, envid, flags, arrival, priority, by_mode, by_time,"
                     " held_until, hold, holder FROM queue ORDER BY id");
    if (s == NULL)
        return -1;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        int flags = sqlite3_column_int(s, 4);
        struct qmsg *m = must_have(calloc(1, sizeof *m));
        m->id = l->last = sqlite3_column_int64(s, 0);
        column_to(s, 1, m->name, sizeof m->name);
        m->sender = column(s, 2);
        m->envid = column(s, 3);
        m->return_header = (flags & FLAG_HEADER) != 0;
        m->return_full = (flags & FLAG_FULL) != 0;
        m->utf8 = (flags & FLAG_UTF8) != 0;
        load_wishes(s, flags, &m->wishes);
        m->binary = (flags & FLAG_BINARY) != 0;
        m->eight_bit = (flags & FLAG_EIGHT_BIT) != 0;
        m->arrival_s = sqlite3_column_int64(s, 5);
        int trouble = load_recipients(sql, m);
        l->each(l->arg, m);
        if (trouble != 0)
            break;
    }
    sqlite3_finalize(s);
    return rc == SQLITE_DONE ? 0 : -1;
}

int batch_load(struct store *s, void (*each)(void *arg, struct qmsg *m), void *arg,
               int64_t *last_id, struct err *err)
{
    struct loading l = {.each = each, .arg = arg};
    int rc = store_look(s, load, &l, err);
    *last_id = l.last;
    return rc;
}

static int read_text(void *arg, sqlite3 *sql)
{
    struct qmsg *m = arg;
    sqlite3_stmt *s = prepare(sql, "SELECT data FROM queue WHERE id=?");
    if (s == NULL)
        return -1;
    sqlite3_bind_int64(s, 1, m->id);
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) {
        const void *data = sqlite3_column_blob(s, 0);
        m->len = (size_t)sqlite3_column_bytes(s, 0);
        m->data = must_have(malloc(m->len + 1));
        if (m->len > 0)
            memcpy(m->data, data, m->len);
        m->data[m->len] = '\0';
    }
    sqlite3_finalize(s);
    return rc == SQLITE_ROW ? 0 : -1;
}

int batch_text(struct store *s, struct qmsg *m, struct err *err)
{
    return m->data != NULL ? 0 : store_look(s, read_text, m, err);
}
