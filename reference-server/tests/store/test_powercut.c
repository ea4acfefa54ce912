/* The power fails behind every write: what a server said was done is done all the same.
 *
 * Sessions of SMTP, submission, IMAP and POP3 work side by side on a store on disk; the VFS below
 * SQLite writes down every write and sync, and between them the moment at which each reply goes
 * out. Then the disk is rebuilt as it may be found after a power cut behind each of these events,
 * the store is opened on it, and everything that had been acknowledged by then has to be there
 * exactly once. POWERCUT_ALL=1 tries every kind of damage behind every event instead of some;
 * POWERCUT_SEED=n damages differently. SPDX-License-Identifier: MIT */
#include <stdarg.h>

#include <sqlite3.h>

#include "dns/dns.h"
#include "queue/queue.h"
#include "store/peer.h"
#include "store/store.h"

enum { FACTS = 400, ROUNDS = 12, DELIVERERS = 3, BODY = 40000, PATIENCE_MS = 15000 };

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
static int fact_count, key_count, group_count;
static uint32_t validity[ARCHIVE + 1];

static char folder[64], path[96], image[96];

/* --- texts --- */

/* The text of a key; BODY and a header at most. */
static const char *text_of(int key, size_t body)
{
    static char text[BODY + 200];
    size_t n = (size_t)sprintf(text, "X-Key: %d\r\nSubject: power\r\n\r\n", key);
    for (size_t line = 0; line < body / 66; line++)
        n += (size_t)sprintf(text + n, "%06d %06zu %050d\r\n", key, line, 0);
    return text;
}

static struct fact *new_fact(int key, size_t body, enum place place, int group)
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

/* --- the sessions --- */

static struct peer deliverers[DELIVERERS], submitter, ann;
static unsigned chance;

static int up_to(int n)
{
    return (int)((unsigned)rand_r(&chance) % (unsigned)n);
}

static size_t some_size(void)
{
    return up_to(8) == 0 ? 20000 + (size_t)up_to(BODY - 20000) : (size_t)up_to(4000);
}

/* The whole transaction in one piece: nothing in it depends on the replies. */
static void say_mail(struct peer *p, const char *from, const char *const *to, int key, size_t body)
{
    static char all[BODY + 1000];
    size_t n = (size_t)sprintf(all, "MAIL FROM:<%s>\r\n", from);
    for (; *to != NULL; to++)
        n += (size_t)sprintf(all + n, "RCPT TO:<%s>\r\n", *to);
    n += (size_t)sprintf(all + n, "DATA\r\n%s.\r\n", text_of(key, body));
    peer_say(p, all);
}

static int begin_delivery(struct peer *p)
{
    static const char *const one[] = {"user1@test.example", NULL},
                             *const other[] = {"user2@test.example", NULL},
                             *const both[] = {"user1@test.example", "user2@test.example", NULL};
    int key = ++key_count, which = up_to(3), group = which == 2 ? ++group_count : 0;
    int first = fact_count;
    size_t body = some_size();
    if (which != 1)
        new_fact(key, body, INBOX_1, group);
    if (which != 0)
        new_fact(key, body, INBOX_2, group);
    say_mail(p, "ann@client.example", which == 0 ? one : which == 1 ? other : both, key, body);
    return first;
}

static int begin_submission(struct peer *p)
{
    static const char *const to[] = {"bob@away.example", "user2@test.example", NULL};
    int key = ++key_count, first = fact_count, group = ++group_count;
    size_t body = some_size();
    new_fact(key, body, QUEUE, group);
    new_fact(key, body, INBOX_2, group);
    say_mail(p, "user1@test.example", to, key, body);
    return first;
}

static void acked_since(int first, int end, size_t event)
{
    for (int i = first; i < end; i++)
        facts[i].acked = event;
}

/* A message of this place that is there, has its UID told and is not on its way out; or NULL. */
static struct fact *settled(enum place place)
{
    int from = fact_count > 0 ? up_to(fact_count) : 0;
    for (int i = 0; i < fact_count; i++) {
        struct fact *f = &facts[(from + i) % fact_count];
        if (f->place == place && f->acked != NEVER && f->going == NEVER)
            return f;
    }
    return NULL;
}

/* Asks for the UID of a message, if nobody has told it. */
static void learn_uid(struct fact *f)
{
    char line[80];
    if (f->uid != 0)
        return;
    peer_do(&ann, "n NOOP\r\n", "n OK"); /* it may have come since */
    snprintf(line, sizeof line, "u UID SEARCH HEADER X-Key \"%d\"\r\n", f->key);
    size_t event = peer_do(&ann, line, "u OK");
    const char *at = strstr(ann.k.heard, "* SEARCH ");
    ck_assert_msg(at != NULL, "%s", ann.k.heard);
    /* "1" is found in "11" as well. */
    for (char *next = (char *)(uintptr_t)at + 8; *next == ' ';) {
        uint32_t uid = (uint32_t)strtoul(next + 1, &next, 10);
        struct mailbox *m;
        struct blob b;
        ck_assert(mailbox_open(world.server.store, world.user1->id, "INBOX", &m) == 0);
        const struct message *there = mailbox_find(m, uid);
        ck_assert(there != NULL && blob_read(world.server.store, there->blob, &b, NULL) == 0);
        const char *key = strstr((const char *)b.data, "X-Key: ");
        if (key != NULL && atoi(key + 7) == f->key)
            f->uid = uid;
        blob_release(&b);
        mailbox_close(m);
    }
    ck_assert_uint_ne(f->uid, 0);
    f->uid_told = event;
}

enum doing { APPENDING, STORING, EXPUNGING, MOVING, DOINGS };

/* What ann does in this round; first is the first of the facts it brings. */
static struct {
    enum doing what;
    int first, end;
    struct fact *of;
} work;

static void begin_append(void)
{
    static char all[3 * (BODY + 300)];
    int texts = 1 + up_to(3), group = texts > 1 ? ++group_count : 0;
    size_t n = (size_t)sprintf(all, "a APPEND INBOX");
    for (int i = 0; i < texts; i++) {
        int key = ++key_count;
        size_t body = some_size();
        new_fact(key, body, INBOX_1, group);
        const char *text = text_of(key, body);
        n += (size_t)sprintf(all + n, " (\\Seen) {%zu+}\r\n%s", strlen(text), text);
    }
    sprintf(all + n, "\r\n");
    peer_say(&ann, all);
}

static void begin_work(void)
{
    char line[120];
    work.what = (enum doing)up_to(DOINGS);
    work.first = fact_count;
    work.of = work.what == APPENDING ? NULL : settled(INBOX_1);
    if (work.of == NULL)
        work.what = APPENDING;
    else
        learn_uid(work.of);
    work.first = fact_count;
    size_t now = powercut_count();
    switch (work.what) {
    case APPENDING:
        begin_append();
        break;
    case STORING:
        if (work.of->flagging == NEVER)
            work.of->flagging = now;
        snprintf(line, sizeof line, "a UID STORE %u +FLAGS (\\Flagged)\r\n", work.of->uid);
        peer_say(&ann, line);
        break;
    case EXPUNGING:
        snprintf(line, sizeof line, "b UID STORE %u +FLAGS.SILENT (\\Deleted)\r\n", work.of->uid);
        peer_do(&ann, line, "b OK");
        work.of->going = powercut_count();
        snprintf(line, sizeof line, "a UID EXPUNGE %u\r\n", work.of->uid);
        peer_say(&ann, line);
        break;
    case MOVING:
        work.of->going = now;
        work.of->moved = fact_count;
        struct fact *to = new_fact(work.of->key, work.of->body, ARCHIVE, 0);
        to->flagging = work.of->flagging;
        snprintf(line, sizeof line, "a UID MOVE %u Archive\r\n", work.of->uid);
        peer_say(&ann, line);
        break;
    case DOINGS:
        break;
    }
    work.end = fact_count;
}

static void end_work(void)
{
    size_t event = peer_hear(&ann, "a OK");
    const char *code = strstr(ann.k.heard, "[APPENDUID ");
    switch (work.what) {
    case APPENDING:
        ck_assert_msg(code != NULL, "%s", ann.k.heard);
        acked_since(work.first, work.end, event);
        strtoul(code + 11, (char **)(uintptr_t)&code, 10);
        for (int i = work.first; i < work.end; i++) {
            facts[i].uid = (uint32_t)strtoul(code + 1, NULL, 10) + (uint32_t)(i - work.first);
            facts[i].uid_told = event;
        }
        break;
    case STORING:
        if (work.of->flagged == NEVER)
            work.of->flagged = event;
        break;
    case EXPUNGING:
        work.of->gone = event;
        break;
    case MOVING:
        work.of->gone = event;
        if (work.of->flagged < NEVER)
            facts[work.first].flagged = event;
        acked_since(work.first, work.end, event);
        break;
    case DOINGS:
        break;
    }
}

/* bob reads his first messages and deletes them at QUIT, while the others go on. */
static void collect_and_quit(struct peer *bob, struct fact *taken[2])
{
    char line[40];
    size_t count = 0;
    peer_connect(bob, SERVICE_POP3, &pop3_protocol);
    peer_do(bob, "USER user2\r\n", "+OK");
    peer_do(bob, "PASS pass\r\n", "+OK");
    taken[0] = taken[1] = NULL;
    peer_do(bob, "STAT\r\n", "+OK");
    int there = atoi(bob->k.heard + 4);
    for (int n = 1; n <= 2 && n <= there; n++) {
        snprintf(line, sizeof line, "TOP %d 0\r\n", n);
        peer_do(bob, line, ".\r\n");
        const char *key = strstr(bob->k.heard, "X-Key: ");
        ck_assert_msg(key != NULL, "%s", bob->k.heard);
        for (int i = 0; i < fact_count; i++)
            if (facts[i].place == INBOX_2 && facts[i].key == atoi(key + 7))
                taken[count++] = &facts[i];
        snprintf(line, sizeof line, "DELE %d\r\n", n);
        peer_do(bob, line, "+OK");
    }
    for (size_t i = 0; i < count; i++)
        taken[i]->going = powercut_count();
    peer_say(bob, "QUIT\r\n");
}

static void one_round(int round)
{
    int first[DELIVERERS], end[DELIVERERS], queued = -1, queued_end = 0;
    struct peer bob;
    struct fact *taken[2];
    bool collects = round % 3 == 2;
    if (collects)
        collect_and_quit(&bob, taken);
    for (int i = 0; i < DELIVERERS; i++) {
        first[i] = begin_delivery(&deliverers[i]);
        end[i] = fact_count;
    }
    if (round % 4 == 1) {
        queued = begin_submission(&submitter);
        queued_end = fact_count;
    }
    begin_work();
    if (collects) {
        size_t event = peer_hear(&bob, "+OK");
        for (int i = 0; i < 2; i++)
            if (taken[i] != NULL)
                taken[i]->gone = event;
        peer_leave(&bob);
    }
    end_work();
    for (int i = 0; i < DELIVERERS; i++)
        acked_since(first[i], end[i], peer_hear(&deliverers[i], "250 2.0.0"));
    if (queued >= 0)
        acked_since(queued, queued_end, peer_hear(&submitter, "250 2.0.0"));
}

/* --- the server --- */

static void open_server(void)
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

static void close_server(void)
{
    queue_close(world.server.queue);
    dns_close(world.server.dns);
    world_stop(&world);
}

static void open_sessions(void)
{
    for (int i = 0; i < DELIVERERS; i++) {
        peer_connect(&deliverers[i], SERVICE_SMTP, &smtp_protocol);
        peer_do(&deliverers[i], "EHLO client.example\r\n", "250 ");
    }
    peer_connect(&submitter, SERVICE_SUBMISSION, &smtp_protocol);
    peer_do(&submitter, "EHLO client.example\r\n", "250 ");
    peer_do(&submitter, "AUTH PLAIN AHVzZXIxAHBhc3M=\r\n", "235");
    peer_connect(&ann, SERVICE_IMAP, &imap_protocol);
    peer_do(&ann, "a LOGIN user1 pass\r\n", "a OK");
    peer_do(&ann, "a SELECT INBOX\r\n", "a OK");
}

static void close_sessions(void)
{
    for (int i = 0; i < DELIVERERS; i++)
        peer_leave(&deliverers[i]);
    peer_leave(&submitter);
    peer_leave(&ann);
}

/* Checkpoints come every few pages, so that there are many of them. */
static int little_log(sqlite3 *sql, const char **why, const struct sqlite3_api_routines *api)
{
    (void)why;
    (void)api;
    sqlite3_wal_autocheckpoint(sql, 60);
    return SQLITE_OK;
}

static int refuse_synchronous(void *arg, int action, const char *name, const char *value,
                              const char *base, const char *trigger)
{
    (void)arg;
    (void)value;
    (void)base;
    (void)trigger;
    return action == SQLITE_PRAGMA && strcmp(name, "synchronous") == 0 ? SQLITE_IGNORE : SQLITE_OK;
}

/* As if the store had been written without flushing in mind. */
static int never_flushes(sqlite3 *sql, const char **why, const struct sqlite3_api_routines *api)
{
    little_log(sql, why, api);
    sqlite3_exec(sql, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
    sqlite3_set_authorizer(sql, refuse_synchronous, NULL);
    return SQLITE_OK;
}

/* What SQLite wants of a start function, and what it is called with. */
static void at_every_opening(int (*start)(sqlite3 *, const char **,
                                          const struct sqlite3_api_routines *))
{
    sqlite3_auto_extension((void (*)(void))start);
}

static uint32_t validity_of(int64_t account, const char *name)
{
    struct mailbox *m;
    ck_assert(mailbox_open(world.server.store, account, name, &m) == 0);
    uint32_t value = m->uidvalidity;
    mailbox_close(m);
    return value;
}

static void set_up(void)
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
    chance = getenv("POWERCUT_SEED") != NULL ? (unsigned)atoi(getenv("POWERCUT_SEED")) : 1;
}

static void take_down(void)
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

static void make_store(void)
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

/* Two lives of the server, and everything that is written meanwhile. */
static void live(int rounds, const char *fault_name)
{
    make_store();
    powercut_begin(path);
    for (int life = 0; life < 2; life++) {
        open_server();
        if (fault_name != NULL)
            ck_assert(fault_switch(fault_name, true, 0, 0, NULL) == 0);
        open_sessions();
        for (int i = 0; i < rounds; i++)
            one_round(i);
        close_sessions();
        close_server();
    }
    powercut_end();
}

/* --- what a rebuilt disk has to hold --- */

static char complaint[1000];

/* Always false. */
static bool complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static bool complain(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(complaint, sizeof complaint, fmt, args);
    va_end(args);
    return false;
}

static int found[FACTS];

static const struct fact *fact_of(int key, enum place place)
{
    for (int i = 0; i < fact_count; i++)
        if (facts[i].key == key && facts[i].place == place)
            return &facts[i];
    return NULL;
}

static bool right_text(const struct blob *b, const struct fact *f)
{
    const char *text = text_of(f->key, f->body);
    size_t n = strlen(text);
    return b->len >= n && memcmp(b->data + b->len - n, text, n) == 0;
}

static bool check_message(struct store *s, const struct message *m, enum place place, size_t events)
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

static bool check_mailbox(struct store *s, int64_t account, const char *name, enum place place,
                          size_t events)
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

static bool check_facts(size_t events)
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

static bool check_number(sqlite3 *sql, const char *query, int want)
{
    sqlite3_stmt *s = NULL;
    int got = -1;
    if (sqlite3_prepare_v2(sql, query, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        got = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return got == want ? true : complain("%d from %s: %s", got, query, sqlite3_errmsg(sql));
}

static bool check_queue(sqlite3 *sql, size_t events)
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

static bool check_database(size_t events)
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
static bool check_image(size_t events)
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

/* Some ways behind some events, most of them behind replies; fewer once the time is up. The number
 * of the images; a complaint stops it. */
static size_t check_all(bool *good)
{
    static const char *const names[] = {"kept", "dropped", "torn", "reordered"};
    bool every = getenv("POWERCUT_ALL") != NULL;
    size_t n = powercut_count(), images = 0;
    long hurry = world_now_ms() + PATIENCE_MS;
    *good = true;
    for (size_t events = 0; *good && events <= n; events++) {
        enum powercut_kind kind = events > 0 ? powercut_at(events - 1)->kind : POWERCUT_MARK;
        for (int way = 0; *good && way < POWERCUT_WAYS; way++) {
            bool now = every || (kind == POWERCUT_MARK && events % 2 == (size_t)way % 2) ||
                       kind == POWERCUT_SYNC_FAILED || kind == POWERCUT_DELETE ||
                       (events % 8 == (size_t)way * 2);
            if (!now || (!every && world_now_ms() > hurry && events % 16 != 0))
                continue;
            powercut_rebuild(events, (enum powercut_way)way, (unsigned)(events * 4) + chance,
                             image);
            images++;
            *good = check_image(events);
            if (!*good) {
                char why[sizeof complaint];
                memcpy(why, complaint, sizeof why);
                snprintf(complaint, sizeof complaint, "behind event %zu of %zu, %s: %.800s", events,
                         n, names[way], why);
            }
        }
    }
    return images;
}

START_TEST(what_was_acknowledged_survives_every_power_cut)
    {
        bool good;
        at_every_opening(little_log);
        live(ROUNDS, NULL);
        long began = world_now_ms();
        size_t images = check_all(&good);
        ck_assert_msg(good, "%s", complaint);
        ck_assert_uint_gt(images, 500);
        printf("powercut: %d facts, %zu events, %zu disks opened in %ld ms\n", fact_count,
               powercut_count(), images, world_now_ms() - began);
    }
END_TEST

/* The proof of the proof: whoever cheats is caught. */

START_TEST(a_250_before_the_message_is_stored_is_caught)
    {
        bool good;
        at_every_opening(little_log);
        live(2, "smtp-250-before-stored");
        check_all(&good);
        ck_assert_msg(!good, "nothing was noticed");
        ck_assert_msg(strstr(complaint, "lost") != NULL, "%s", complaint);
    }
END_TEST

START_TEST(a_store_that_never_flushes_is_caught)
    {
        bool good;
        at_every_opening(never_flushes);
        live(2, NULL);
        check_all(&good);
        ck_assert_msg(!good, "nothing was noticed");
    }
END_TEST

int main(void)
{
    Suite *s = suite_create("powercut");
    TCase *t = tcase_create("powercut");
    tcase_add_checked_fixture(t, set_up, take_down);
    tcase_add_test(t, what_was_acknowledged_survives_every_power_cut);
    tcase_add_test(t, a_250_before_the_message_is_stored_is_caught);
    tcase_add_test(t, a_store_that_never_flushes_is_caught);
    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
