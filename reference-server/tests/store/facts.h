/* A server on a disk that may fail, what is known of its messages and since when, and whether a
 * disk that was rebuilt holds it. SPDX-License-Identifier: MIT */
#ifndef SERVER_TESTS_STORE_FACTS_H
#define SERVER_TESTS_STORE_FACTS_H

#include <stdarg.h>

#include <sqlite3.h>

#include "dns/dns.h"
#include "queue/queue.h"
#include "store/peer.h"
#include "store/store.h"

enum { FACTS = 400, BODY = 40000 };

/* --- what is known, and since which event --- */

#define NEVER SIZE_MAX

enum place { NOWHERE, INBOX_1, INBOX_2, ARCHIVE, QUEUE };

/* One message in one place. */
struct fact {
    int key; /* of the text; several facts may share one */
    size_t body;
    enum place place;
    int group; /* those of one group come together or not at all; 0: none */
    int moved; /* index of the fact that takes over when this one goes, as MOVE does; -1: none */
    size_t acked, going, gone; /* known to be there; perhaps no more; certainly no more */
    uint32_t uid;              /* 0: not told */
    size_t uid_told;
    size_t flagging, flagged; /* \Flagged is on its way; is set */
};

static struct fact facts[FACTS];
static int fact_count, key_count;
static uint32_t validity[ARCHIVE + 1];

static char folder[64], path[96], image[96];

/* --- texts --- */

/* The text of a key; BODY and a header at most. */
static inline const char *text_of(int key, size_t body)
{
    static char text[BODY + 200];
    size_t n = (size_t)sprintf(text, "X-Key: %d\r\nSubject: power\r\n\r\n", key);
    for (size_t line = 0; line < body / 66; line++)
        n += (size_t)sprintf(text + n, "%06d %06zu %050d\r\n", key, line, 0);
    return text;
}

static inline struct fact *new_fact(int key, size_t body, enum place place, int group)
{
    ck_assert_int_lt(fact_count, FACTS);
    facts[fact_count] = (struct fact){.key = key,
                                      .body = body,
                                      .place = place,
                                      .group = group,
                                      .moved = -1,
                                      .acked = NEVER,
                                      .going = NEVER,
                                      .gone = NEVER,
                                      .uid_told = NEVER,
                                      .flagging = NEVER,
                                      .flagged = NEVER};
    return &facts[fact_count++];
}

/* --- the server --- */

static inline void open_server(void)
{
    struct err err;
    struct server *s = &world.server;
    world_start_at(&world, path);
    struct dns_options d = {.loop = s->loop};
    ck_assert_msg(dns_open(&d, &s->dns, &err) == 0, "%s", err.text);
    struct queue_options q = {.server = s, .dns = s->dns, .port = 9}; /* nobody listens there */
    ck_assert_msg(queue_open(&q, &s->queue, &err) == 0, "%s", err.text);
    ck_assert(dns_add(s->dns, "away.example. A 127.0.0.2", &err) == 0);
}

static inline void close_server(void)
{
    queue_close(world.server.queue);
    dns_close(world.server.dns);
    world_stop(&world);
}

/* Whether the store is kept from saying how it wants to flush. */
static bool unflushed;
static int checkpoint_pages = 60;

/* The store says when it wants checkpoints; here they come every few pages, so that there are many.
 */
static inline int refuse_setting(void *sql, int action, const char *name, const char *value,
                                 const char *base, const char *trigger)
{
    (void)value;
    (void)base;
    (void)trigger;
    if (action != SQLITE_PRAGMA)
        return SQLITE_OK;
    if (strcmp(name, "wal_autocheckpoint") == 0) {
        sqlite3_wal_autocheckpoint(sql, checkpoint_pages);
        return SQLITE_IGNORE;
    }
    return unflushed && strcmp(name, "synchronous") == 0 ? SQLITE_IGNORE : SQLITE_OK;
}

static inline int little_log(sqlite3 *sql, const char **why, const struct sqlite3_api_routines *api)
{
    (void)why;
    (void)api;
    if (unflushed)
        sqlite3_exec(sql, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
    sqlite3_set_authorizer(sql, refuse_setting, sql);
    return SQLITE_OK;
}

/* What SQLite wants of a start function, and what it is called with. */
static inline void at_every_opening(int (*start)(sqlite3 *, const char **,
                                                 const struct sqlite3_api_routines *))
{
    sqlite3_auto_extension((void (*)(void))start);
}

static inline uint32_t validity_of(int64_t account, const char *name)
{
    struct mailbox *m;
    ck_assert(mailbox_open(world.server.store, account, name, &m) == 0);
    uint32_t value = m->uidvalidity;
    mailbox_close(m);
    return value;
}

static inline void set_up(void)
{
    powercut_install();
    /* In memory, if there is such a folder: what is on a disk is decided here, not there. */
    snprintf(folder, sizeof folder, "/dev/shm/mailproofd-power-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        snprintf(folder, sizeof folder, "/tmp/mailproofd-power-XXXXXX");
        ck_assert(mkdtemp(folder) != NULL);
    }
    snprintf(path, sizeof path, "%s/store.db", folder);
    snprintf(image, sizeof image, "%s/image.db", folder);
}

static inline void take_down(void)
{
    static const char *const names[] = {"store.db",        "store.db-wal", "store.db-shm",
                                        "image.db",        "image.db-wal", "image.db-shm",
                                        "image.db-journal"};
    char name[200];
    powercut_end();
    powercut_forget();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(name, sizeof name, "%s/%s", folder, names[i]);
        unlink(name);
    }
    rmdir(folder);
}

static inline void make_store(void)
{
    struct world_done d = {.done = false};
    open_server();
    store_create(world.server.store, world.user1->id, "Archive", world_done, &d);
    world_wait(world.server.loop, &d);
    validity[INBOX_1] = validity_of(world.user1->id, "INBOX");
    validity[INBOX_2] = validity_of(world.user2->id, "INBOX");
    validity[ARCHIVE] = validity_of(world.user1->id, "Archive");
    close_server();
}

/* --- what a rebuilt disk has to hold --- */

static char complaint[1000];

/* Always false. */
static inline bool complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline bool complain(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(complaint, sizeof complaint, fmt, args);
    va_end(args);
    return false;
}

static int found[FACTS];

static inline const struct fact *fact_of(int key, enum place place)
{
    for (int i = 0; i < fact_count; i++)
        if (facts[i].key == key && facts[i].place == place)
            return &facts[i];
    return NULL;
}

static inline bool right_text(const struct blob *b, const struct fact *f)
{
    const char *text = text_of(f->key, f->body);
    size_t n = strlen(text);
    return b->len >= n && memcmp(b->data + b->len - n, text, n) == 0;
}

static inline bool check_message(struct store *s, const struct message *m, enum place place,
                                 size_t events)
{
    struct blob b;
    struct err err;
    if (blob_read(s, m->blob, &b, &err) != 0)
        return complain("message %u of %d cannot be read: %s", m->uid, (int)place, err.text);
    const char *at = strstr((const char *)b.data, "X-Key: ");
    const struct fact *f = at != NULL ? fact_of(atoi(at + 7), place) : NULL;
    bool right = f != NULL && right_text(&b, f) && b.len == m->size_bytes;
    blob_release(&b);
    if (!right)
        return complain("message %u of %d has bytes that nobody sent", m->uid, (int)place);
    found[f - facts]++;
    if (f->uid_told <= events && f->uid != m->uid)
        return complain("text %d was told to have UID %u and has %u", f->key, f->uid, m->uid);
    if (f->flagged <= events && (m->flags & FLAG_FLAGGED) == 0)
        return complain("text %d has lost a flag", f->key);
    if (f->flagging > events && (m->flags & FLAG_FLAGGED) != 0)
        return complain("text %d has a flag that nobody set", f->key);
    return true;
}

static inline bool check_mailbox(struct store *s, int64_t account, const char *name,
                                 enum place place, size_t events)
{
    struct mailbox *m;
    bool good = true;
    if (mailbox_open(s, account, name, &m) != 0)
        return complain("mailbox %s is not there", name);
    if (m->uidvalidity != validity[place])
        good = complain("%s has a new UIDVALIDITY", name);
    for (size_t i = 0; good && i < m->count; i++)
        good = check_message(s, &m->messages[i], place, events);
    /* A UID that was told stays taken, whatever became of its message. */
    for (int i = 0; good && i < fact_count; i++) {
        const struct fact *f = &facts[i];
        const struct message *there;
        if (f->place != place || f->uid_told > events)
            continue;
        if (m->uidnext <= f->uid)
            good = complain("%s would give UID %u again", name, f->uid);
        there = mailbox_find(m, f->uid);
        if (there != NULL && f->gone <= events)
            good = complain("UID %u of %s is back", f->uid, name);
    }
    mailbox_close(m);
    return good;
}

static inline bool check_facts(size_t events)
{
    for (int i = 0; i < fact_count; i++) {
        const struct fact *f = &facts[i];
        int times = found[i];
        if (times > 1)
            return complain("text %d is there %d times", f->key, times);
        if (times == 1 && f->gone <= events)
            return complain("text %d is back after its deletion was acknowledged", f->key);
        if (times == 0 && f->acked <= events && f->going > events)
            return complain("text %d was acknowledged and is lost", f->key);
        if (f->moved >= 0 && f->acked <= events && times + found[f->moved] != 1)
            return complain("text %d was to move and is there %d times", f->key,
                            times + found[f->moved]);
        if (f->group == 0 || f->going <= events)
            continue;
        for (int k = 0; k < fact_count; k++)
            if (facts[k].group == f->group && facts[k].going > events && found[k] != times)
                return complain("texts %d and %d came together and are not both there", f->key,
                                facts[k].key);
    }
    return true;
}

static inline bool check_number(sqlite3 *sql, const char *query, int want)
{
    sqlite3_stmt *s = NULL;
    int got = -1;
    if (sqlite3_prepare_v2(sql, query, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        got = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return got == want ? true : complain("%d from %s: %s", got, query, sqlite3_errmsg(sql));
}

static inline bool check_queue(sqlite3 *sql, size_t events)
{
    sqlite3_stmt *s = NULL;
    if (!check_number(sql, "SELECT count(*) FROM sqlite_master WHERE name='queue'", 1) ||
        sqlite3_prepare_v2(
            sql, "SELECT q.data, (SELECT count(*) FROM rcpt WHERE message=q.id) FROM queue q", -1,
            &s, NULL) != SQLITE_OK)
        return complain("the queue cannot be read");
    bool good = true;
    while (good && sqlite3_step(s) == SQLITE_ROW) {
        struct blob b = {sqlite3_column_blob(s, 0), (size_t)sqlite3_column_bytes(s, 0), NULL};
        const char *at = memmem(b.data, b.len, "X-Key: ", 7);
        const struct fact *f = at != NULL ? fact_of(atoi(at + 7), QUEUE) : NULL;
        if (f == NULL || !right_text(&b, f) || sqlite3_column_int(s, 1) != 1)
            good = complain("the queue holds something that nobody sent");
        else
            found[f - facts]++;
    }
    sqlite3_finalize(s);
    (void)events;
    return good;
}

static inline bool check_database(size_t events)
{
    sqlite3 *sql = NULL;
    bool good = sqlite3_open(image, &sql) == SQLITE_OK;
    if (!good)
        complain("the database does not open");
    good =
        good &&
        check_number(sql, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check='ok'",
                     1) &&
        check_number(sql,
                     "SELECT count(*) FROM blob b WHERE refs <>"
                     " (SELECT count(*) FROM message m WHERE m.blob=b.id)",
                     0) &&
        check_number(sql, "SELECT count(*) FROM message WHERE blob NOT IN (SELECT id FROM blob)",
                     0) &&
        check_number(sql,
                     "SELECT count(*) FROM mailbox b WHERE uidnext <= (SELECT coalesce(max(uid), 0)"
                     " FROM (SELECT uid, mailbox FROM message UNION SELECT uid, mailbox FROM"
                     " tombstone) WHERE mailbox=b.id)",
                     0) &&
        check_queue(sql, events);
    sqlite3_close(sql);
    return good;
}

/* Opens the store on what the disk holds. */
static inline bool check_image(size_t events)
{
    struct err err;
    struct store *s = NULL;
    int64_t one = 0, two = 0;
    memset(found, 0, sizeof found);
    struct clock *clock = clock_new();
    struct loop *loop = loop_new(clock, &err);
    struct store_options o = {image, loop, clock};
    bool good = false;
    if (store_open(&o, &s, &err) != 0)
        complain("the store does not open: %s", err.text);
    else if (store_account(s, "user1", false, &one, &err) != 0 ||
             store_account(s, "user2", false, &two, &err) != 0)
        complain("an account is lost: %s", err.text);
    else
        good = check_mailbox(s, one, "INBOX", INBOX_1, events) &&
               check_mailbox(s, two, "INBOX", INBOX_2, events) &&
               check_mailbox(s, one, "Archive", ARCHIVE, events);
    if (s != NULL)
        store_close(s);
    loop_free(loop);
    clock_free(clock);
    return good && check_database(events) && check_facts(events);
}

#endif
