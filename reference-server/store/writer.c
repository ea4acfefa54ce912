/* The writer thread. All that waits becomes one transaction. Where a change is refused, it is done
 * again with a savepoint around each, so that the one leaves the others alone. Trouble with the
 * database (disk full, I/O) undoes the whole transaction; the changes are then tried one at a time,
 * and whoever fails alone is told STORE_FULL.
 *
 * A commit that an I/O error ended is another matter. Its pages may be in the log, whole but not on
 * disk, and the kernel counts them as clean: a second flush that succeeds says nothing about them.
 * So all of its changes are refused, and the log is emptied and begun anew, with a flush of its
 * own, before another change is taken. Otherwise a restart would find what was refused, and the
 * client that tries again would have it twice.
 *
 * Where a flush is slow, those who were answered by the last one are given a moment to come back,
 * so that the first of them does not take a flush for itself: ten clients would share two flushes
 * by turns instead of one. SPDX-License-Identifier: MIT */
#include "store/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "net/loop.h"

/* A commit that takes longer than SLOW_US is worth waiting for company, for a quarter of the time
 * it took, and PATIENCE_US at most. */
enum { SLOW_US = 1000, PATIENCE_US = 10000, QUARTER = 4 };

struct writer {
    struct db *db;
    struct loop *loop;
    pthread_mutex_t *db_lock;
    void (*finished)(void *arg, struct job *list);
    void *arg;
    struct writer_state state;
    bool shaken; /* a commit met an I/O error, and the log was not begun anew yet */

    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t more, less;
    struct job *waiting, **waiting_end;
    size_t waiting_count;
    size_t answered;            /* by the last commit */
    size_t waited_already;      /* when it ended */
    int64_t began_us, ended_us; /* the last commit */
    struct job *done, **done_end;
    bool posted, stop;
    unsigned delay_ms; /* before each commit */
    struct loop_call call;
};

static void fail(struct writer *w, struct job *j)
{
    job_forget(j);
    j->status = STORE_FULL;
    snprintf(j->text, sizeof j->text, "the store cannot write: %s", sqlite3_errmsg(w->db->sql));
}

static void undo(struct writer *w)
{
    if (!sqlite3_get_autocommit(w->db->sql))
        db_run(w->db, SQL_ROLLBACK, DB_NONE);
}

/* Runs one change. 1: it may be kept; 0: it was refused, and what it did is to be undone; -1: the
 * transaction is lost or worth nothing. */
static int run(struct writer *w, struct job *j)
{
    job_forget(j);
    if (change_run(&w->state, j) != 0)
        return -1;
    if (j->status == STORE_OK || j->status == STORE_CONFLICT)
        return 1;
    for (size_t i = 0; i < j->effect_count; i++)
        free(j->effects[i].name);
    j->effect_count = j->uids_out.count = j->sources.count = 0;
    return 0;
}

/* The same in a savepoint of its own, so that its refusal undoes nothing else. */
static int run_apart(struct writer *w, struct job *j)
{
    if (db_run(w->db, SQL_SAVE, DB_NONE) != 0)
        return -1;
    int kept = run(w, j);
    if (kept < 0 || (kept == 0 && db_run(w->db, SQL_BACK, DB_NONE) != 0))
        return -1;
    return db_run(w->db, SQL_RELEASE, DB_NONE);
}

static int commit(struct writer *w)
{
    if (db_run(w->db, SQL_COMMIT, DB_NONE) == 0)
        return 0;
    if ((sqlite3_errcode(w->db->sql) & 0xff) == SQLITE_IOERR)
        w->shaken = true;
    return -1;
}

/* All or none of the jobs from first up to, not including, end. -1: the caller reads the reason
 * first and then undoes.
 *
 * A savepoint copies each page that is written under it, and hardly any change is refused: the
 * first attempt does without. */
static int transaction(struct writer *w, struct job *first, const struct job *end)
{
    if (db_run(w->db, SQL_BEGIN, DB_NONE) != 0)
        return -1;
    struct job *j = first;
    int kept = 1;
    while (j != end && (kept = run(w, j)) == 1)
        j = j->next;
    if (kept < 0)
        return -1;
    if (kept == 1)
        return commit(w);
    undo(w);
    if (first->next == end)
        return 0; /* the one that was refused is alone */
    if (db_run(w->db, SQL_BEGIN, DB_NONE) != 0)
        return -1;
    for (j = first; j != end; j = j->next)
        if (run_apart(w, j) != 0)
            return -1;
    return commit(w);
}

/* Folds what was committed before into the database, and writes the head of a new log over the old
 * one. -1: the disk is still no good. */
static int mend(struct writer *w)
{
    if (sqlite3_wal_checkpoint_v2(w->db->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) !=
        SQLITE_OK)
        return -1;
    if (db_run(w->db, SQL_BEGIN, DB_NONE) != 0 || db_run(w->db, SQL_MENDED, DB_NONE) != 0 ||
        db_run(w->db, SQL_COMMIT, DB_NONE) != 0) {
        undo(w);
        return -1;
    }
    w->shaken = false;
    return 0;
}

static void fail_all(struct writer *w, struct job *list)
{
    for (struct job *j = list; j != NULL; j = j->next)
        fail(w, j);
    undo(w);
}

static void carry_out_one_by_one(struct writer *w, struct job *list)
{
    for (struct job *j = list; j != NULL; j = j->next) {
        if (transaction(w, j, j->next) == 0)
            continue;
        if (w->shaken) {
            fail_all(w, j);
            mend(w);
            return;
        }
        fail(w, j);
        undo(w);
    }
}

static void carry_out(struct writer *w, struct job *list)
{
    if (w->db_lock != NULL)
        pthread_mutex_lock(w->db_lock);
    if (w->shaken && mend(w) != 0) {
        fail_all(w, list);
    } else if (transaction(w, list, NULL) != 0) {
        if (w->shaken) {
            fail_all(w, list);
            mend(w);
        } else {
            undo(w);
            carry_out_one_by_one(w, list);
        }
    }
    if (w->db_lock != NULL)
        pthread_mutex_unlock(w->db_lock);
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Waits, with the lock held, until as many more are here as were answered last, or their moment is
 * over. Nobody waits for anything when there was no commit just now. */
static void wait_for_company(struct writer *w)
{
    int64_t took = w->ended_us - w->began_us, patience = took / QUARTER;
    if (took < SLOW_US || w->db_lock != NULL)
        return; /* in memory there is no flush to share */
    int64_t until = w->ended_us + (patience < PATIENCE_US ? patience : PATIENCE_US);
    size_t enough = w->answered + w->waited_already;
    struct timespec end = {.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
    while (w->waiting_count < enough && !w->stop && now_us() < until)
        pthread_cond_timedwait(&w->more, &w->lock, &end);
}

/* With the lock held. */
static void be_slow(struct writer *w)
{
    int64_t until = now_us() + (int64_t)w->delay_ms * 1000;
    struct timespec end = {.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
    while (w->delay_ms > 0 && !w->stop && now_us() < until)
        pthread_cond_timedwait(&w->more, &w->lock, &end);
}

static void *work(void *arg)
{
    struct writer *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (w->waiting == NULL && !w->stop)
            pthread_cond_wait(&w->more, &w->lock);
        if (w->waiting == NULL)
            break;
        wait_for_company(w);
        be_slow(w);
        struct job *list = w->waiting;
        w->waiting = NULL;
        w->waiting_end = &w->waiting;
        w->answered = w->waiting_count;
        w->waiting_count = 0;
        pthread_mutex_unlock(&w->lock);
        w->began_us = now_us();
        carry_out(w, list);
        w->ended_us = now_us();
        pthread_mutex_lock(&w->lock);
        w->waited_already = w->waiting_count;
        *w->done_end = list;
        for (struct job *j = list; j != NULL; j = j->next) {
            j->finished = true;
            w->done_end = &j->next;
        }
        pthread_cond_signal(&w->less);
        if (!w->posted) {
            w->posted = true;
            loop_post(w->loop, &w->call);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void hand_over_all(struct writer *w, bool called)
{
    pthread_mutex_lock(&w->lock);
    struct job *list = w->done;
    w->done = NULL;
    w->done_end = &w->done;
    if (called)
        w->posted = false;
    pthread_mutex_unlock(&w->lock);
    w->finished(w->arg, list);
}

static void hand_over(void *arg)
{
    hand_over_all(arg, true);
}

void writer_collect(struct writer *w)
{
    hand_over_all(w, false); /* the loop's call, if there is one, still comes and finds the rest */
}

int writer_start(struct db *db, struct loop *loop, pthread_mutex_t *lock,
                 void (*finished)(void *arg, struct job *list), void *arg, struct writer **out,
                 struct err *err)
{
    struct writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        abort();
    w->db = db;
    w->loop = loop;
    w->db_lock = lock;
    w->finished = finished;
    w->arg = arg;
    w->state.db = db;
    w->waiting_end = &w->waiting;
    w->done_end = &w->done;
    w->call = (struct loop_call){.call = hand_over, .arg = w};
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->more, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&w->less, NULL);
    /* Blob numbers are never used twice while the server runs: a session may hold one of a message
     * that is gone. */
    sqlite3_stmt *s = db_prepare(db, SQL_BLOB_LAST, DB_NONE);
    if (db_step(s) != 1) {
        free(w);
        return db_error(db, "store", err);
    }
    w->state.next_blob = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
    if (pthread_create(&w->thread, NULL, work, w) != 0) {
        free(w);
        return err_errno(err, "store: a thread");
    }
    *out = w;
    return 0;
}

void writer_stop(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    /* Its call may still be in the loop's list, and has to be made while w is there. */
    while (w->posted)
        loop_once(w->loop, 0);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->more);
    pthread_cond_destroy(&w->less);
    free(w);
}

void writer_add(struct writer *w, struct job *j)
{
    j->next = NULL;
    pthread_mutex_lock(&w->lock);
    *w->waiting_end = j;
    w->waiting_end = &j->next;
    w->waiting_count++;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
}

void writer_delay(struct writer *w, unsigned ms)
{
    pthread_mutex_lock(&w->lock);
    w->delay_ms = ms;
    pthread_mutex_unlock(&w->lock);
}

void writer_wait(struct writer *w, struct job *j)
{
    pthread_mutex_lock(&w->lock);
    while (!j->finished)
        pthread_cond_wait(&w->less, &w->lock);
    pthread_mutex_unlock(&w->lock);
}
