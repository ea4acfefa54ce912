/* The writer thread: group commit. It takes every change that waits into one transaction; while
 * that one is being made durable the next ones gather. Nothing waits for company, but where a flush
 * is slow and those it answered are about to come back. SPDX-License-Identifier: MIT */
#ifndef SERVER_STORE_WRITER_H
#define SERVER_STORE_WRITER_H

#include <pthread.h>

#include "store/job.h"

struct loop;
struct writer;

/* finished gets, on the loop thread, a list of jobs in the order in which they were asked for, and
 * takes it. lock (may be NULL) is held during each transaction: readers of the same connection take
 * it too. */
int writer_start(struct db *db, struct loop *loop, pthread_mutex_t *lock,
                 void (*finished)(void *arg, struct job *list), void *arg, struct writer **out,
                 struct err *err);
/* Carries out what waits, ends the thread, and hands over the last finished jobs. */
void writer_stop(struct writer *w);
/* Hands over on the spot what is finished and has not been yet. */
void writer_collect(struct writer *w);
void writer_add(struct writer *w, struct job *j); /* takes it */
/* From now on each commit begins so much later, in milliseconds: a slow disk. */
void writer_delay(struct writer *w, unsigned ms);
/* Waits on the loop thread until j is finished; its `done` comes later like any other. j stays
 * valid until the loop runs again. */
void writer_wait(struct writer *w, struct job *j);

#endif
