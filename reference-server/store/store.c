/* The store as the protocols see it: reads that answer at once, changes that are handed to the
 * writer. SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "store/mailbox.h"
#include "store/writer.h"

struct store {
    struct db write, read;
    pthread_mutex_t shared; /* in memory there is one connection for both threads */
    bool memory;
    struct clock *clock;
    struct writer *writer;
    struct mailboxes mailboxes;
    store_quota_of *quota_of; /* NULL: nobody has one */
    void *quota_arg;
};

static void lock(struct store *s)
{
    if (s->memory)
        pthread_mutex_lock(&s->shared);
}

static void unlock(struct store *s)
{
    if (s->memory)
        pthread_mutex_unlock(&s->shared);
}

void store_quotas(struct store *s, store_quota_of *of, void *arg)
{
    s->quota_of = of;
    s->quota_arg = arg;
}

int store_usage(struct store *s, int64_t account, uint64_t *bytes, uint64_t *messages)
{
    lock(s);
    int rc = quota_count(&s->read, account, bytes, messages);
    unlock(s);
    return rc;
}

/* The job takes the limits along that hold now. */
static void take_quota(struct store *s, struct job *j, int64_t account)
{
    struct store_quota q = {.account = account};
    if (s->quota_of == NULL || !s->quota_of(s->quota_arg, &q))
        return;
    j->quotas = realloc(j->quotas, (j->quota_count + 1) * sizeof *j->quotas);
    if (j->quotas == NULL)
        abort();
    j->quotas[j->quota_count++] = q;
}

/* Effects of all jobs first, so that whoever is told sees one consistent state; then replies; then
 * the others. */
static void finished(void *arg, struct job *list)
{
    struct store *s = arg;
    struct loaded *touched = NULL;
    for (struct job *j = list; j != NULL; j = j->next)
        mailboxes_apply(&s->mailboxes, j, &touched);
    while (list != NULL) {
        struct job *j = list;
        list = j->next;
        if (j->done != NULL) {
            struct store_result r = {
                .status = j->status,
                .text = j->status != STORE_OK && j->text[0] != '\0' ? j->text : NULL,
                .uidvalidity = j->uidvalidity,
                .uids = j->uids_out.uids,
                .uid_count = j->uids_out.count,
                .source_uids = j->sources.uids,
            };
            j->done(j->arg, &r);
        }
        if (j->mailbox != NULL)
            mailbox_close(j->mailbox);
        job_free(j);
    }
    mailboxes_tell(&s->mailboxes, touched);
}

int store_open(const struct store_options *o, struct store **out, struct err *err)
{
    struct store *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    s->memory = strcmp(o->path, ":memory:") == 0;
    s->clock = o->clock;
    pthread_mutex_init(&s->shared, NULL);
    if (db_open(o->path, &s->write, err) != 0)
        goto failed;
    if (db_open_reader(o->path, &s->write, &s->read, err) != 0) {
        db_close(&s->write);
        goto failed;
    }
    if (writer_start(&s->write, o->loop, s->memory ? &s->shared : NULL, finished, s, &s->writer,
                     err) != 0) {
        db_close(&s->read);
        db_close(&s->write);
        goto failed;
    }
    *out = s;
    return 0;
failed:
    pthread_mutex_destroy(&s->shared);
    free(s);
    return -1;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    writer_stop(s->writer);
    mailboxes_clear(&s->mailboxes);
    db_close(&s->read);
    db_close(&s->write); /* the last connection to close checkpoints */
    pthread_mutex_destroy(&s->shared);
    free(s);
}

void store_forget_mailboxes(struct store *s)
{
    writer_collect(s->writer);
    mailboxes_gone(&s->mailboxes);
}

/* --- names --- */

/* A copy of a name as the store keeps it: INBOX in upper case, no separator at the end. */
static char *canonical(const char *name)
{
    char *copy = strdup(name);
    if (copy == NULL)
        abort();
    size_t n = strlen(copy);
    if (n > 1 && copy[n - 1] == STORE_SEPARATOR)
        copy[--n] = '\0';
    if (strncasecmp(copy, "INBOX", 5) == 0 && (copy[5] == '\0' || copy[5] == STORE_SEPARATOR))
        memcpy(copy, "INBOX", 5);
    return copy;
}

static struct job *new_job(struct store *s, enum job_kind kind, store_done *done, void *arg)
{
    struct job *j = job_new(kind);
    j->now_s = clock_wall_s(s->clock);
    j->done = done;
    j->arg = arg;
    return j;
}

/* A job about a mailbox that is open. */
static struct job *mailbox_job(struct mailbox *m, enum job_kind kind, const uint32_t *uids,
                               size_t count, store_done *done, void *arg)
{
    struct job *j = new_job(m->store, kind, done, arg);
    j->mailbox = m;
    j->mailbox_id = m->gone ? 0 : m->id; /* after store_restore another one has its number */
    j->account = m->account;
    mailboxes_refer(&m->store->mailboxes, (struct loaded *)(void *)m);
    if (count > 0) {
        j->uids = malloc(count * sizeof *uids);
        if (j->uids == NULL)
            abort();
        memcpy(j->uids, uids, count * sizeof *uids);
        j->uid_count = count;
    }
    return j;
}

/* --- accounts --- */

int store_account(struct store *s, const char *name, bool create, int64_t *id, struct err *err)
{
    lock(s);
    sqlite3_stmt *q = db_prepare(&s->read, SQL_ACCOUNT_FIND, DB_NONE);
    int found = -1;
    if (q != NULL && sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC) == SQLITE_OK)
        found = db_step(q);
    if (found == 1) {
        *id = sqlite3_column_int64(q, 0);
        sqlite3_reset(q);
    }
    unlock(s);
    if (found < 0)
        return db_error(&s->read, "store: looking for an account", err);
    if (found == 1)
        return 0;
    if (!create)
        return err_set(err, "there is no account \"%s\"", name);
    struct job *j = new_job(s, JOB_ACCOUNT, NULL, NULL);
    j->name = strdup(name);
    writer_add(s->writer, j);
    writer_wait(s->writer, j);
    if (j->status != STORE_OK)
        return err_set(err, "%s", j->text);
    *id = j->id;
    return 0;
}

/* --- reading --- */

int mailbox_open(struct store *s, int64_t account, const char *name, struct mailbox **out)
{
    struct loaded *l = NULL;
    char *canon = canonical(name);
    bool trouble = true;
    lock(s);
    sqlite3_stmt *q = db_prepare(&s->read, SQL_MAILBOX_BY_NAME, DB(account));
    if (q != NULL && sqlite3_bind_text(q, 2, canon, -1, SQLITE_STATIC) == SQLITE_OK) {
        int found = db_step(q);
        trouble = found < 0;
        if (found == 1) {
            bool selectable = sqlite3_column_int(q, 5) == 0;
            l = mailboxes_find(&s->mailboxes, sqlite3_column_int64(q, 0));
            if (l == NULL && selectable) {
                l = mailboxes_load(&s->mailboxes, s, &s->read, account, q);
                trouble = l == NULL;
            }
            sqlite3_reset(q);
        }
    }
    unlock(s);
    free(canon);
    if (l == NULL || l->m.gone)
        return trouble ? -2 : -1;
    mailboxes_refer(&s->mailboxes, l);
    *out = &l->m;
    return 0;
}

void mailbox_close(struct mailbox *m)
{
    if (m != NULL)
        mailboxes_release(&m->store->mailboxes, (struct loaded *)(void *)m);
}

static void *grow(void *p, size_t size)
{
    p = realloc(p, size);
    if (p == NULL)
        abort();
    return p;
}

void mailbox_list(struct store *s, int64_t account,
                  void (*each)(void *arg, const struct mailbox_entry *e), void *arg)
{
    /* The names are copied first: each may come back into the store. */
    struct mailbox_entry *entries = NULL;
    char **names = NULL;
    size_t count = 0, room = 0;
    lock(s);
    sqlite3_stmt *q = db_prepare(&s->read, SQL_MAILBOX_NAMES, DB(account));
    while (db_step(q) == 1) {
        if (count == room) {
            room = room > 0 ? room * 2 : 16;
            entries = grow(entries, room * sizeof *entries);
            names = grow(names, room * sizeof *names);
        }
        names[count] = db_text(q, 0);
        entries[count] = (struct mailbox_entry){
            .name = names[count],
            .exists = sqlite3_column_int(q, 1) != 0,
            .subscribed = sqlite3_column_int(q, 2) != 0,
            .noselect = sqlite3_column_int(q, 3) != 0,
            .special_use = (uint64_t)sqlite3_column_int64(q, 4),
        };
        count++;
    }
    unlock(s);
    for (size_t i = 0; i < count; i++) {
        each(arg, &entries[i]);
        free(names[i]);
    }
    free(entries);
    free(names);
}

int blob_read(struct store *s, int64_t blob, struct blob *out, struct err *err)
{
    int rc = -1;
    lock(s);
    sqlite3_stmt *q = db_prepare(&s->read, SQL_BLOB_GET, DB(blob));
    int found = db_step(q);
    if (found == 1) {
        const void *data = sqlite3_column_blob(q, 0);
        size_t len = (size_t)sqlite3_column_bytes(q, 0);
        unsigned char *copy = grow(NULL, len + 1);
        if (len > 0)
            memcpy(copy, data, len);
        copy[len] = '\0';
        *out = (struct blob){.data = copy, .len = len, .hold = copy};
        sqlite3_reset(q);
        rc = 0;
    } else if (found == 0) {
        err_set(err, "the message is gone");
    } else {
        db_error(&s->read, "store: reading a message", err);
    }
    unlock(s);
    return rc;
}

void blob_release(struct blob *b)
{
    free(b->hold);
    *b = (struct blob){NULL, 0, NULL};
}

/* --- changes --- */

void store_append(struct store *s, int64_t account, const char *mailbox,
                  struct append_message *list, size_t count, const void *author, store_done *done,
                  void *arg)
{
    struct job *j = new_job(s, JOB_APPEND, done, arg);
    j->account = account;
    j->name = canonical(mailbox);
    j->author = author;
    j->messages = malloc((count > 0 ? count : 1) * sizeof *list);
    if (j->messages == NULL)
        abort();
    if (count > 0)
        memcpy(j->messages, list, count * sizeof *list);
    j->message_count = count;
    take_quota(s, j, account);
    writer_add(s->writer, j);
}

void store_deliver(struct store *s, const int64_t *accounts, size_t count, unsigned char *data,
                   size_t len, store_done *done, void *arg)
{
    struct job *j = new_job(s, JOB_DELIVER, done, arg);
    j->messages = calloc(1, sizeof *j->messages);
    j->accounts = malloc((count > 0 ? count : 1) * sizeof *accounts);
    if (j->messages == NULL || j->accounts == NULL)
        abort();
    j->messages[0] = (struct append_message){.data = data, .len = len};
    j->message_count = 1;
    if (count > 0)
        memcpy(j->accounts, accounts, count * sizeof *accounts);
    j->account_count = count;
    for (size_t i = 0; i < count; i++)
        take_quota(s, j, accounts[i]);
    writer_add(s->writer, j);
}

void store_change(struct store *s, const struct store_delivery *list, size_t count,
                  store_rider *run, void *rider, store_done *done, void *arg)
{
    struct job *j = new_job(s, JOB_RIDE, done, arg);
    size_t accounts = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        accounts += list[i].count;
    j->messages = calloc(count + 1, sizeof *j->messages);
    j->shares = calloc(count + 1, sizeof *j->shares);
    j->accounts = calloc(accounts + 1, sizeof *j->accounts);
    if (j->messages == NULL || j->shares == NULL || j->accounts == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        j->messages[i] = (struct append_message){
            .data = list[i].data, .len = list[i].len, .beyond_quota = list[i].beyond_quota};
        j->shares[i] = list[i].count;
        for (size_t k = 0; k < list[i].count; k++)
            j->accounts[at++] = list[i].accounts[k];
    }
    j->message_count = count;
    j->account_count = accounts;
    for (size_t i = 0; i < accounts; i++)
        take_quota(s, j, j->accounts[i]);
    j->ride = run;
    j->rider = rider;
    writer_add(s->writer, j);
}

int store_change_now(struct store *s, store_rider *run, void *rider, struct err *err)
{
    struct job *j = new_job(s, JOB_RIDE, NULL, NULL);
    j->ride = run;
    j->rider = rider;
    writer_add(s->writer, j);
    writer_wait(s->writer, j);
    return j->status == STORE_OK ? 0 : err_set(err, "%s", j->text);
}

static int nothing(void *rider, struct sqlite3 *sql)
{
    (void)rider;
    (void)sql;
    return 0;
}

void store_settle(struct store *s)
{
    struct err err;
    (void)store_change_now(s, nothing, NULL,
                           &err); /* what fails is told to those who asked for it */
    writer_collect(s->writer);
}

void store_delay(struct store *s, unsigned ms)
{
    writer_delay(s->writer, ms);
}

int store_look(struct store *s, store_rider *run, void *rider, struct err *err)
{
    lock(s);
    int rc = run(rider, s->read.sql);
    if (rc < 0)
        db_error(&s->read, "store", err);
    unlock(s);
    return rc;
}

static char **copy_names(const char *const *names)
{
    size_t n = 0;
    if (names == NULL)
        return NULL;
    while (names[n] != NULL)
        n++;
    char **copy = calloc(n + 1, sizeof *copy);
    if (copy == NULL)
        abort();
    for (size_t i = 0; i < n; i++)
        copy[i] = strdup(names[i]);
    return copy;
}

void store_flags(struct mailbox *m, const uint32_t *uids, size_t count, enum flag_op op,
                 uint64_t flags, const char *const *keywords, uint64_t unchangedsince,
                 const void *author, store_done *done, void *arg)
{
    struct job *j = mailbox_job(m, JOB_FLAGS, uids, count, done, arg);
    j->op = op;
    j->flags = flags;
    j->keywords = copy_names(keywords);
    j->unchangedsince = unchangedsince;
    j->author = author;
    writer_add(m->store->writer, j);
}

void store_expunge(struct mailbox *m, const uint32_t *uids, size_t count, bool only_deleted,
                   const void *author, store_done *done, void *arg)
{
    struct job *j = mailbox_job(m, JOB_EXPUNGE, uids, count, done, arg);
    j->on = only_deleted;
    j->author = author;
    writer_add(m->store->writer, j);
}

void store_copy(struct mailbox *from, const uint32_t *uids, size_t count, const char *to, bool move,
                const void *author, store_done *done, void *arg)
{
    struct job *j = mailbox_job(from, JOB_COPY, uids, count, done, arg);
    j->to = canonical(to);
    j->on = move;
    j->author = author;
    take_quota(from->store, j, from->account);
    writer_add(from->store->writer, j);
}

static struct job *name_job(struct store *s, enum job_kind kind, int64_t account, const char *name,
                            store_done *done, void *arg)
{
    struct job *j = new_job(s, kind, done, arg);
    j->account = account;
    j->name = canonical(name);
    return j;
}

void store_create(struct store *s, int64_t account, const char *name, store_done *done, void *arg)
{
    writer_add(s->writer, name_job(s, JOB_CREATE, account, name, done, arg));
}

void store_delete(struct store *s, int64_t account, const char *name, store_done *done, void *arg)
{
    writer_add(s->writer, name_job(s, JOB_DELETE, account, name, done, arg));
}

void store_rename(struct store *s, int64_t account, const char *from, const char *to,
                  store_done *done, void *arg)
{
    struct job *j = name_job(s, JOB_RENAME, account, from, done, arg);
    j->to = canonical(to);
    writer_add(s->writer, j);
}

void store_subscribe(struct store *s, int64_t account, const char *name, bool on, store_done *done,
                     void *arg)
{
    struct job *j = name_job(s, JOB_SUBSCRIBE, account, name, done, arg);
    j->on = on;
    writer_add(s->writer, j);
}

void store_recent_seen(struct mailbox *m)
{
    if (m->first_recent == m->uidnext)
        return;
    m->first_recent = m->uidnext;
    struct job *j = mailbox_job(m, JOB_RECENT, NULL, 0, NULL, NULL);
    j->value = m->first_recent;
    writer_add(m->store->writer, j);
}

void store_reset(struct store *s, store_done *done, void *arg)
{
    writer_add(s->writer, new_job(s, JOB_RESET, done, arg));
}

void store_set_uidvalidity(struct mailbox *m, uint32_t value, store_done *done, void *arg)
{
    struct job *j = mailbox_job(m, JOB_UIDVALIDITY, NULL, 0, done, arg);
    j->value = value;
    writer_add(m->store->writer, j);
}
